#include "registrar/internal.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include <string.h>

int registrar_new(struct sip_stack *stack, struct config_snapshot *config, const char *domain, struct event_bus *events,
		  struct registrar **ret_registrar)
{
	struct registrar *registrar = g_new0(struct registrar, 1);
	int error = sip_digest_server_new(domain, registrar_find_credentials, registrar, &registrar->digest);
	if (error) {
		g_free(registrar);
		return error;
	}
	registrar->stack = stack;
	registrar->loop = sip_stack_loop(stack);
	registrar->config = config_ref(config);
	registrar->events = events;
	registrar->domain = g_strdup(domain);
	registrar->bindings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	registrar->endpoints = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	registrar->flow_owners = g_hash_table_new(NULL, NULL);
	registrar->gruus = g_hash_table_new(g_int64_hash, g_int64_equal);
	registrar_tokens_begin(registrar);
	crypto_random(registrar->gruu_key, sizeof registrar->gruu_key);
	if (registrar_authentication(registrar) == REGISTRAR_AUTHENTICATION_NONE)
		log_warning(NULL, "registrar: authentication is off, whoever can connect is whom he says he is");
	*ret_registrar = registrar;
	return 0;
}

struct registrar *registrar_free(struct registrar *registrar)
{
	if (!registrar)
		return NULL;
	registrar_bindings_remove_all(registrar);
	registrar_endpoints_orphan(registrar);
	g_hash_table_unref(registrar->bindings);
	g_hash_table_unref(registrar->endpoints);
	g_hash_table_unref(registrar->flow_owners);
	g_hash_table_unref(registrar->gruus);
	registrar_tokens_end(registrar);
	crypto_wipe(registrar->gruu_key, sizeof registrar->gruu_key);
	sip_digest_server_free(registrar->digest);
	config_unref(registrar->config);
	g_free(registrar->domain);
	g_free(registrar);
	return NULL;
}

/* The users that have bindings and are no users any more. */
static GPtrArray *find_strangers(const struct registrar *registrar)
{
	GPtrArray *strangers = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iterator;
	gpointer name;
	if (registrar_authentication(registrar) == REGISTRAR_AUTHENTICATION_NONE)
		return strangers;
	g_hash_table_iter_init(&iterator, registrar->bindings);
	while (g_hash_table_iter_next(&iterator, &name, NULL))
		if (config_find(registrar->config, "users", name) < 0 && !registrar_upstream(registrar, name) &&
		    !registrar_token_groups(registrar, name))
			g_ptr_array_add(strangers, g_strdup(name));
	return strangers;
}

void registrar_reconfigure(struct registrar *registrar, struct config_snapshot *config)
{
	struct config_snapshot *old = registrar->config;
	registrar->config = config_ref(config);
	config_unref(old);
	registrar_tokens_load(registrar);
	g_autoptr(GPtrArray) strangers = find_strangers(registrar);
	for (guint i = 0; i < strangers->len; i++) {
		GPtrArray *bindings;
		while ((bindings = registrar_bindings_of(registrar, strangers->pdata[i])))
			registrar_binding_remove(bindings->pdata[0], "no user any more");
	}
}

bool registrar_uri_is_ours(const struct registrar *registrar, const char *uri)
{
	struct sip_uri parsed;
	return uri && sip_uri_parse(uri, &parsed) == 0 && !strcmp(parsed.scheme, "sip") && !parsed.port && !strchr(uri, '?') &&
	       (!*parsed.parameters || !strcmp(parsed.parameters, "user=phone")) &&
	       !g_ascii_strcasecmp(parsed.host, registrar->domain);
}

char *registrar_address_of_record(const struct registrar *registrar, const char *user)
{
	g_autofree char *escaped = sip_uri_escape_user(user);
	return g_strdup_printf("sip:%s@%s", escaped, registrar->domain);
}

GPtrArray *registrar_registered_users(const struct registrar *registrar)
{
	GPtrArray *users = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iterator;
	gpointer name;
	g_hash_table_iter_init(&iterator, registrar->bindings);
	while (g_hash_table_iter_next(&iterator, &name, NULL))
		g_ptr_array_add(users, g_strdup(name));
	return users;
}

const char *registrar_display_name(const struct registrar *registrar, const char *user)
{
	ssize_t index = config_find(registrar->config, "users", user);
	return index < 0 ? NULL : config_string(registrar->config, "users", (size_t)index, "display_name");
}

const char *const *registrar_caller_ids(const struct registrar *registrar, const char *user)
{
	ssize_t index = config_find(registrar->config, "users", user);
	return index < 0 ? NULL : config_strings(registrar->config, "users", (size_t)index, "caller_id");
}

bool registrar_has_user(const struct registrar *registrar, const char *user)
{
	return config_find(registrar->config, "users", user) >= 0 || registrar_bindings_of(registrar, user);
}

static ssize_t index_of(const struct registrar_contact *contacts, size_t count, const struct registrar_endpoint *endpoint)
{
	for (size_t i = 0; i < count; i++)
		if (contacts[i].endpoint == endpoint)
			return (ssize_t)i;
	return -1;
}

/* The bindings whose device has a flow, or those whose device has none. A device is there once, by the binding of the flow
 * of this moment. */
static size_t add_contacts(const GPtrArray *bindings, const char *instance, bool is_there, struct registrar_contact *contacts,
			   size_t size)
{
	size_t count = 0;
	for (guint i = bindings ? bindings->len : 0; i > 0; i--) {
		const struct registrar_binding *binding = bindings->pdata[i - 1];
		const struct sip_flow *flow = registrar_endpoint_flow(binding->endpoint);
		if (!flow == is_there || (instance && g_strcmp0(binding->instance, instance)))
			continue;
		ssize_t index = index_of(contacts, count, binding->endpoint);
		if (index < 0 && count == size)
			continue;
		if (index < 0)
			index = (ssize_t)count++;
		else if (binding->flow != flow)
			continue;
		contacts[index] = (struct registrar_contact){
			binding->endpoint, binding->contact, (const char *const *)binding->path};
	}
	return count;
}

size_t registrar_lookup(struct registrar *registrar, const char *user, const char *instance,
			struct registrar_contact *contacts, size_t size)
{
	const GPtrArray *bindings = registrar_bindings_of(registrar, user);
	size_t count = add_contacts(bindings, instance, true, contacts, size);
	return count + add_contacts(bindings, instance, false, contacts + count, size - count);
}

void registrar_count(const struct registrar *registrar, struct registrar_counts *ret_counts)
{
	*ret_counts = (struct registrar_counts){
		.users = config_count(registrar->config, "users"),
		.registered = g_hash_table_size(registrar->bindings),
		.bindings = registrar->n_bindings,
		.endpoints = registrar->n_endpoints,
		.deserted = registrar_endpoints_deserted(registrar),
	};
}
