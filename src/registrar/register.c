/* The REGISTER method (RFC 3261, section 10.3; RFC 5626, section 6; RFC 3327; RFC 5627, section 5). */
#include "registrar/internal.h"
#include "base/log.h"
#include "sip/value.h"
#include <string.h>

struct registration {
	struct registrar *registrar;
	struct sip_server_transaction *transaction;
	struct sip_message *request; /* borrowed */
	struct sip_flow *flow;	     /* borrowed */
	char user[256];
	struct registrar_contact_request contacts[REGISTRAR_CONTACTS_PER_REQUEST_MAX];
	char *instances[REGISTRAR_CONTACTS_PER_REQUEST_MAX]; /* owned; what contacts[].instance points to */
	size_t n_contacts;
	char *path[REGISTRAR_PATH_MAX + 1]; /* NULL-terminated */
	bool uses_outbound;
	uint32_t expires_most_s; /* what whoever else is registered with has granted */
};

static int64_t setting(const struct registration *registration, const char *name)
{
	return config_integer(registration->registrar->config, "registrar", 0, name);
}

static int refuse(struct registration *registration, unsigned status, const char *reason)
{
	sip_server_transaction_reply(registration->transaction, status, reason, NULL);
	return -EINVAL;
}

static int refuse_with(struct registration *registration, unsigned status, const char *name, const char *value)
{
	struct sip_message *response = sip_response_new(registration->request, status, NULL, NULL);
	sip_message_add_header(response, name, value);
	sip_server_transaction_respond(registration->transaction, response);
	return -EINVAL;
}

static int refuse_as_too_brief(struct registration *registration)
{
	g_autofree char *least = g_strdup_printf("%lld", (long long)setting(registration, "expires_min_seconds"));
	return refuse_with(registration, 423, "Min-Expires", least);
}

static uint32_t wanted_expires(const struct registration *registration, size_t index)
{
	uint32_t seconds = 0;
	if (sip_value_seconds(sip_message_contact_parameter(registration->request, index, "expires"), &seconds) ||
	    sip_message_expires(registration->request, &seconds))
		return seconds;
	return (uint32_t)setting(registration, "expires_seconds");
}

static bool supports(const struct registration *registration, const char *tag)
{
	return sip_message_lists(registration->request, "Supported", tag) ||
	       sip_message_lists(registration->request, "Require", tag);
}

/* The proxies that the request came by, to be gone back through (RFC 3327, section 5.3). */
static int read_path(struct registration *registration)
{
	const char *value;
	size_t count = 0;
	for (; (value = sip_message_header(registration->request, "Path", count)); count++) {
		if (count == REGISTRAR_PATH_MAX || !sip_value_is_route(value))
			return refuse(registration, 400, "Path is too long or malformed");
		registration->path[count] = g_strdup(value);
	}
	return count && !supports(registration, "path") ? refuse_with(registration, 420, "Unsupported", "path") : 0;
}

/* Behind a proxy, it is the first one that holds the client's flow, and says so by "ob" in its Path URI, the last one
 * (RFC 5626, section 6). */
static bool first_hop_holds_the_flow(const struct registration *registration)
{
	size_t count = g_strv_length((char **)registration->path);
	if (sip_message_via_count(registration->request) == 1)
		return true;
	if (!count)
		return false;
	g_autofree char *text = sip_value_uri(registration->path[count - 1]);
	struct sip_uri uri;
	char value[2];
	return !sip_uri_parse(text, &uri) && sip_uri_parameter(&uri, "ob", value, sizeof value);
}

static int read_device(struct registration *registration, size_t index)
{
	struct registrar_contact_request *contact = &registration->contacts[index];
	const char *instance = sip_message_contact_parameter(registration->request, index, "+sip.instance");
	if (!instance || !*instance)
		return 0;
	if (strlen(instance) > REGISTRAR_INSTANCE_BYTES_MAX || strpbrk(instance, "\r\n\"\\"))
		return refuse(registration, 400, "+sip.instance is too long or malformed");
	contact->instance = registration->instances[index] = g_strdup(instance);
	const char *reg_id = sip_message_contact_parameter(registration->request, index, "reg-id");
	if (!reg_id)
		return 0;
	if (!sip_value_seconds(reg_id, &contact->reg_id) || !contact->reg_id || contact->reg_id > INT32_MAX)
		return refuse(registration, 400, "reg-id is no number from 1");
	return 0;
}

static int check_outbound(struct registration *registration, const struct registrar_contact_request *contact)
{
	if (!contact->reg_id || !contact->expires_s)
		return 0;
	if (registration->uses_outbound)
		return refuse(registration, 400, "More than one flow in a request");
	registration->uses_outbound = true;
	if (supports(registration, "outbound") && !first_hop_holds_the_flow(registration))
		return refuse(registration, 439, "First Hop Lacks Outbound Support");
	return 0;
}

static int read_contact(struct registration *registration, size_t index)
{
	struct registrar_contact_request *contact = &registration->contacts[index];
	struct sip_uri uri;
	struct registrar_device device;
	contact->uri = sip_message_contact_uri(registration->request, index);
	contact->call_id = sip_message_call_id(registration->request);
	contact->path = registration->path;
	if (!contact->uri || sip_uri_parse(contact->uri, &uri) ||
	    (strcmp(uri.scheme, "sip") && strcmp(uri.scheme, "sips")))
		return refuse(registration, 400, "Contact is no SIP URI");
	if (registrar_gruu_resolve(registration->registrar, contact->uri, &device) != -EINVAL)
		return refuse(registration, 403, "Contact is a GRUU"); /* RFC 5627, section 5.1: it would lead to itself */
	int error = read_device(registration, index);
	if (error)
		return error;
	contact->expires_s = wanted_expires(registration, index);
	if (contact->expires_s && contact->expires_s < setting(registration, "expires_min_seconds"))
		return refuse_as_too_brief(registration);
	contact->expires_s = (uint32_t)MIN(contact->expires_s, setting(registration, "expires_max_seconds"));
	contact->expires_s = MIN(contact->expires_s, registration->expires_most_s);
	return check_outbound(registration, contact);
}

static bool is_out_of_order(const struct registration *registration, const struct registrar_binding *binding)
{
	return binding && !strcmp(binding->call_id, sip_message_call_id(registration->request)) &&
	       sip_message_cseq(registration->request) <= binding->cseq;
}

/* Everything is checked before anything is changed: a REGISTER holds as a whole or not at all. */
static int check_contacts(struct registration *registration)
{
	struct registrar *registrar = registration->registrar;
	size_t n_contacts = sip_message_contact_count(registration->request);
	if (n_contacts > REGISTRAR_CONTACTS_PER_REQUEST_MAX)
		return refuse(registration, 403, "Too Many Contacts");
	GPtrArray *bindings = registrar_bindings_of(registrar, registration->user);
	size_t n_bindings = bindings ? bindings->len : 0;
	ssize_t n_idle = registrar_bindings_idle(registrar, registration->user);
	for (size_t i = 0; i < n_contacts; i++) {
		int error = read_contact(registration, i);
		if (error)
			return error;
		struct registrar_contact_request *contact = &registration->contacts[i];
		struct registrar_binding *binding =
			registrar_binding_find(registrar, registration->user, contact);
		if (is_out_of_order(registration, binding))
			return refuse(registration, 500, "CSeq is out of order");
		n_bindings += !binding && contact->expires_s;
		n_idle -= binding && !binding->flow;
	}
	/* A device whose connection is gone makes room: whoever reloads a page often would lock himself out. */
	if (n_bindings > (size_t)setting(registration, "bindings_per_user") + (size_t)MAX(n_idle, 0))
		return refuse(registration, 403, "Too Many Bindings");
	registration->n_contacts = n_contacts;
	return 0;
}

static int remove_all(struct registration *registration)
{
	uint32_t expires;
	GPtrArray *bindings = registrar_bindings_of(registration->registrar, registration->user);
	if (sip_message_contact_count(registration->request) > 1 ||
	    !sip_message_expires(registration->request, &expires) || expires)
		return refuse(registration, 400, "Contact \"*\" stands alone and with Expires: 0");
	for (guint i = 0; bindings && i < bindings->len; i++)
		if (is_out_of_order(registration, bindings->pdata[i]))
			return refuse(registration, 500, "CSeq is out of order");
	while ((bindings = registrar_bindings_of(registration->registrar, registration->user)))
		registrar_binding_remove(bindings->pdata[0], "unregistered");
	return 0;
}

static void apply(struct registration *registration)
{
	struct registrar *registrar = registration->registrar;
	size_t limit = (size_t)setting(registration, "bindings_per_user");
	for (size_t i = 0; i < registration->n_contacts; i++) {
		const struct registrar_contact_request *contact = &registration->contacts[i];
		if (contact->expires_s) {
			registrar_binding_set(registrar, registration->user, contact, registration->request,
					      registration->flow);
			continue;
		}
		struct registrar_binding *binding = registrar_binding_find(registrar, registration->user, contact);
		if (binding)
			registrar_binding_remove(binding, "unregistered");
	}
	registrar_bindings_make_room(registrar, registration->user, limit);
}

static void add_gruus(const struct registration *registration, const struct registrar_binding *binding, GString *text)
{
	g_autofree char *public = registrar_gruu_public(registration->registrar, binding->endpoint);
	if (!public)
		return;
	g_autofree char *temporary = registrar_gruu_temporary(registration->registrar, binding->endpoint);
	g_string_append_printf(text, ";pub-gruu=\"%s\";temp-gruu=\"%s\"", public, temporary);
}

static void add_contacts(const struct registration *registration, struct sip_message *response)
{
	GPtrArray *bindings = registrar_bindings_of(registration->registrar, registration->user);
	bool wants_gruus = supports(registration, "gruu");
	for (guint i = 0; bindings && i < bindings->len; i++) {
		const struct registrar_binding *binding = bindings->pdata[i];
		g_autoptr(GString) text = g_string_new(NULL);
		g_string_printf(text, "<%s>;expires=%u", binding->contact, registrar_binding_left_s(binding));
		if (binding->instance)
			g_string_append_printf(text, ";+sip.instance=\"%s\"", binding->instance);
		if (binding->reg_id)
			g_string_append_printf(text, ";reg-id=%u", binding->reg_id);
		if (binding->instance && wants_gruus)
			add_gruus(registration, binding, text);
		sip_message_add_header(response, "Contact", text->str);
	}
}

/* So the client knows that its flow is what it will be called on, and when it is taken for dead (RFC 5626, section 6). */
static void confirm_outbound(const struct registration *registration, struct sip_message *response)
{
	unsigned silence_s = sip_flow_silence_limit_s(registration->flow);
	if (!registration->uses_outbound || !supports(registration, "outbound"))
		return;
	sip_message_add_header(response, "Require", "outbound");
	if (silence_s)
		sip_message_add_header_format(response, "Flow-Timer", "%u", silence_s);
}

static void confirm(struct registration *registration)
{
	struct sip_message *response = sip_response_new(registration->request, 200, NULL, NULL);
	add_contacts(registration, response);
	sip_message_add_header(response, "Supported", REGISTRAR_EXTENSIONS);
	confirm_outbound(registration, response);
	if (registrar_binding_count(registration->registrar, registration->user))
		registrar_turn_tell(registration->registrar, registration->user, response);
	for (size_t i = g_strv_length((char **)registration->path); i > 0; i--) /* each goes above those that are there */
		sip_message_add_header(response, "Path", registration->path[i - 1]);
	sip_server_transaction_respond(registration->transaction, response);
}

static int check_address_of_record(struct registration *registration)
{
	char user[256];
	if (!registrar_user_of_uri(registration->registrar, sip_message_to_uri(registration->request), user, sizeof user))
		return refuse(registration, 404, NULL);
	if (strcmp(user, registration->user))
		return refuse(registration, 403, "To is another user than From");
	return 0;
}

static void clear(struct registration *registration)
{
	for (size_t i = 0; i < G_N_ELEMENTS(registration->instances); i++)
		g_free(registration->instances[i]);
	for (char **path = registration->path; *path; path++)
		g_free(*path);
}

static struct registration begin(struct registrar *registrar, struct sip_server_transaction *transaction)
{
	return (struct registration){
		.registrar = registrar,
		.transaction = transaction,
		.request = sip_server_transaction_request(transaction),
		.flow = sip_server_transaction_flow(transaction),
		.expires_most_s = UINT32_MAX,
	};
}

static int check_flow(struct registration *registration)
{
	/* Users come by WebSocket; a binding to a datagram would be none that calls can hold on to. */
	return sip_transport_is_websocket(sip_flow_transport(registration->flow))
		       ? 0
		       : refuse(registration, 403, "Registration is by WebSocket");
}

/* The user is proven. */
static void register_user(struct registration *registration)
{
	bool is_star = sip_message_contact_is_star(registration->request);
	if (!check_address_of_record(registration) && !read_path(registration) &&
	    !(is_star ? remove_all(registration) : check_contacts(registration))) {
		apply(registration);
		confirm(registration);
	}
	clear(registration);
}

void registrar_handle_register(struct registrar *registrar, struct sip_server_transaction *transaction)
{
	struct registration registration = begin(registrar, transaction);
	if (!check_flow(&registration) &&
	    !registrar_prove(registrar, transaction, 401, registration.user, sizeof registration.user)) {
		registration.expires_most_s = registrar_token_left_s(registrar, registration.flow);
		register_user(&registration);
	}
}

int registrar_check_register(struct registrar *registrar, struct sip_server_transaction *transaction)
{
	struct registration registration = begin(registrar, transaction);
	const char *known = registrar_flow_user(registration.flow);
	int error = check_flow(&registration);
	if (!error && !registrar_user_of_uri(registrar, sip_message_from_uri(registration.request), registration.user,
					     sizeof registration.user))
		error = refuse(&registration, 403, "From is no user of this domain");
	if (!error && known && strcmp(known, registration.user))
		error = refuse(&registration, 403, "this connection belongs to another user");
	if (!error)
		error = check_address_of_record(&registration);
	if (!error && !sip_message_contact_is_star(registration.request))
		error = check_contacts(&registration);
	clear(&registration);
	return error;
}

void registrar_accept_register(struct registrar *registrar, struct sip_server_transaction *transaction, uint32_t expires_most_s)
{
	struct registration registration = begin(registrar, transaction);
	registration.expires_most_s = expires_most_s;
	if (!registrar_user_of_uri(registrar, sip_message_from_uri(registration.request), registration.user,
				   sizeof registration.user)) {
		refuse(&registration, 403, "From is no user of this domain");
		return;
	}
	if (!registrar_flow_user(registration.flow))
		registrar_flow_proven(registration.flow, registration.user);
	register_user(&registration);
}

bool registrar_claimed_user(const struct registrar *registrar, const struct sip_message *request, char *user, size_t size)
{
	return registrar_user_of_uri(registrar, sip_message_from_uri(request), user, size);
}

size_t registrar_binding_count(const struct registrar *registrar, const char *user)
{
	const GPtrArray *bindings = registrar_bindings_of(registrar, user);
	return bindings ? bindings->len : 0;
}
