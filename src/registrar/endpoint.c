#include "registrar/internal.h"
#include "base/log.h"
#include <string.h>

/* One flow of an endpoint, as long as it is open. */
struct attachment {
	struct registrar_endpoint *endpoint;
	struct sip_flow *flow; /* a reference */
	struct sip_flow_watch watch;
};

struct registrar_endpoint {
	unsigned references;
	struct registrar *registrar; /* NULL: it is gone */
	char *key;		     /* in registrar->endpoints */
	char *identity;		     /* "user:alice" */
	char *instance;		     /* NULL: none */
	GPtrArray *attachments;	     /* the last is the flow of this moment */
	struct registrar_endpoint_watch *watches, **cursor;
	int64_t left_us; /* when its last flow closed */
};

static const char *user_of(const struct registrar_endpoint *endpoint)
{
	return endpoint->identity + strlen(REGISTRAR_IDENTITY_PREFIX);
}

/* User names hold no line breaks, so that no user can make another's key. */
static char *key_of(const char *user, const char *instance, uint64_t flow_id)
{
	return instance ? g_strdup_printf("%s\ninstance\n%s", user, instance)
			: g_strdup_printf("%s\nflow\n%llu", user, (unsigned long long)flow_id);
}

/* --- watches --- */
void registrar_endpoint_watch_start(struct registrar_endpoint_watch *watch, struct registrar_endpoint *endpoint,
				    void (*changed)(void *, struct registrar_endpoint *, struct sip_flow *), void *data)
{
	*watch = (struct registrar_endpoint_watch){
		.changed = changed,
		.data = data,
		.endpoint = endpoint,
		.next = endpoint->watches,
		.link = &endpoint->watches,
	};
	if (endpoint->watches)
		endpoint->watches->link = &watch->next;
	endpoint->watches = watch;
}

void registrar_endpoint_watch_stop(struct registrar_endpoint_watch *watch)
{
	if (!watch->link)
		return;
	/* A round that stands before this watch must go on behind it. */
	if (watch->endpoint->cursor == &watch->next)
		watch->endpoint->cursor = watch->link;
	*watch->link = watch->next;
	if (watch->next)
		watch->next->link = watch->link;
	*watch = (struct registrar_endpoint_watch){0};
}

/* A watch may stop itself or others and may cause another change: then the inner round, which knows better, is the one
 * that all hear. */
static void notify(struct registrar_endpoint *endpoint)
{
	registrar_endpoint_ref(endpoint);
	endpoint->cursor = &endpoint->watches;
	while (endpoint->cursor && *endpoint->cursor) {
		struct registrar_endpoint_watch *watch = *endpoint->cursor;
		endpoint->cursor = &watch->next;
		watch->changed(watch->data, endpoint, registrar_endpoint_flow(endpoint));
	}
	endpoint->cursor = NULL;
	registrar_endpoint_unref(endpoint);
}

/* --- flows --- */
static void attachment_free(void *data)
{
	struct attachment *attachment = data;
	struct registrar *registrar = attachment->endpoint->registrar;
	if (registrar && g_hash_table_lookup(registrar->flow_owners, attachment->flow) == attachment->endpoint)
		g_hash_table_remove(registrar->flow_owners, attachment->flow);
	sip_flow_watch_stop(&attachment->watch);
	sip_flow_unref(attachment->flow);
	g_free(attachment);
}

static void on_flow_closed(void *data, struct sip_flow *flow)
{
	struct attachment *attachment = data;
	struct registrar_endpoint *endpoint = attachment->endpoint;
	bool was_current = registrar_endpoint_flow(endpoint) == NULL;
	g_ptr_array_remove(endpoint->attachments, attachment);
	if (!endpoint->attachments->len)
		endpoint->left_us = base_monotonic_us();
	if (was_current)
		notify(endpoint);
}

static struct attachment *current_attachment(const struct registrar_endpoint *endpoint)
{
	guint count = endpoint->attachments->len;
	return count ? endpoint->attachments->pdata[count - 1] : NULL;
}

static void take_flow(struct registrar_endpoint *endpoint, struct sip_flow *flow)
{
	struct attachment *current = current_attachment(endpoint);
	if (endpoint->registrar)
		g_hash_table_insert(endpoint->registrar->flow_owners, flow, endpoint);
	if (current && current->flow == flow)
		return;
	for (guint i = 0; i < endpoint->attachments->len; i++) {
		struct attachment *attachment = endpoint->attachments->pdata[i];
		if (attachment->flow != flow)
			continue;
		g_ptr_array_steal_index(endpoint->attachments, i);
		g_ptr_array_add(endpoint->attachments, attachment);
		notify(endpoint);
		return;
	}
	struct attachment *attachment = g_new0(struct attachment, 1);
	attachment->endpoint = endpoint;
	attachment->flow = sip_flow_ref(flow);
	sip_flow_watch_start(&attachment->watch, flow, on_flow_closed, attachment);
	g_ptr_array_add(endpoint->attachments, attachment);
	notify(endpoint);
}

/* --- life --- */
static struct registrar_endpoint *endpoint_new(struct registrar *registrar, const char *user, const char *instance,
					       struct sip_flow *flow)
{
	if (g_hash_table_size(registrar->endpoints) >= REGISTRAR_ENDPOINTS_MAX) {
		log_warning(NULL, "registrar: more than %d devices, %s is not taken", REGISTRAR_ENDPOINTS_MAX, user);
		return NULL;
	}
	struct registrar_endpoint *endpoint = g_new0(struct registrar_endpoint, 1);
	endpoint->references = 1;
	endpoint->registrar = registrar;
	endpoint->key = key_of(user, instance, sip_flow_id(flow));
	endpoint->identity = g_strconcat(REGISTRAR_IDENTITY_PREFIX, user, NULL);
	endpoint->instance = g_strdup(instance);
	endpoint->attachments = g_ptr_array_new_with_free_func(attachment_free);
	g_hash_table_insert(registrar->endpoints, endpoint->key, endpoint);
	return endpoint;
}

struct registrar_endpoint *registrar_endpoint_ref(struct registrar_endpoint *endpoint)
{
	endpoint->references++;
	return endpoint;
}

struct registrar_endpoint *registrar_endpoint_unref(struct registrar_endpoint *endpoint)
{
	if (!endpoint || --endpoint->references)
		return NULL;
	g_ptr_array_unref(endpoint->attachments);
	if (endpoint->registrar)
		g_hash_table_remove(endpoint->registrar->endpoints, endpoint->key);
	g_free(endpoint->key);
	g_free(endpoint->identity);
	g_free(endpoint->instance);
	g_free(endpoint);
	return NULL;
}

void registrar_endpoints_orphan(struct registrar *registrar)
{
	GHashTableIter iterator;
	gpointer value;
	g_hash_table_iter_init(&iterator, registrar->endpoints);
	while (g_hash_table_iter_next(&iterator, NULL, &value)) {
		struct registrar_endpoint *endpoint = value;
		endpoint->registrar = NULL;
		g_ptr_array_set_size(endpoint->attachments, 0);
	}
}

/* --- finding --- */
/* A client without instance came back on a new flow: the device that left last is taken for it. */
static struct registrar_endpoint *find_deserted(const struct registrar *registrar, const char *user)
{
	struct registrar_endpoint *found = NULL;
	GHashTableIter iterator;
	gpointer value;
	g_hash_table_iter_init(&iterator, registrar->endpoints);
	while (g_hash_table_iter_next(&iterator, NULL, &value)) {
		struct registrar_endpoint *endpoint = value;
		if (!endpoint->instance && !endpoint->attachments->len && !strcmp(user_of(endpoint), user) &&
		    (!found || endpoint->left_us > found->left_us))
			found = endpoint;
	}
	return found;
}

/* The device called before it registered; now its instance is known. */
static void give_instance(struct registrar_endpoint *endpoint, const char *instance)
{
	struct registrar *registrar = endpoint->registrar;
	g_hash_table_steal(registrar->endpoints, endpoint->key);
	g_free(endpoint->key);
	endpoint->key = key_of(user_of(endpoint), instance, 0);
	endpoint->instance = g_strdup(instance);
	g_hash_table_insert(registrar->endpoints, endpoint->key, endpoint);
}

static struct registrar_endpoint *owner_of(const struct registrar *registrar, const char *user,
					   const struct sip_flow *flow)
{
	struct registrar_endpoint *endpoint = g_hash_table_lookup(registrar->flow_owners, flow);
	return endpoint && !strcmp(user_of(endpoint), user) ? endpoint : NULL;
}

struct registrar_endpoint *registrar_endpoint_claim(struct registrar *registrar, const char *user, const char *instance,
						    struct sip_flow *flow, struct registrar_endpoint *known)
{
	struct registrar_endpoint *owner = owner_of(registrar, user, flow);
	struct registrar_endpoint *endpoint = NULL;
	if (instance) {
		g_autofree char *key = key_of(user, instance, 0);
		endpoint = g_hash_table_lookup(registrar->endpoints, key);
		if (!endpoint && owner && !owner->instance) {
			endpoint = owner;
			give_instance(endpoint, instance);
		}
	} else if (known && !known->instance) {
		endpoint = known;
	} else {
		endpoint = owner ? owner : find_deserted(registrar, user);
	}
	endpoint = endpoint ? registrar_endpoint_ref(endpoint) : endpoint_new(registrar, user, instance, flow);
	if (endpoint)
		take_flow(endpoint, flow);
	return endpoint;
}

struct registrar_endpoint *registrar_endpoint_of_flow(struct registrar *registrar, struct sip_flow *flow)
{
	const char *user = registrar_flow_user(flow);
	if (!user || !sip_flow_is_open(flow))
		return NULL;
	struct registrar_endpoint *endpoint = owner_of(registrar, user, flow);
	if (endpoint)
		return registrar_endpoint_ref(endpoint);
	endpoint = endpoint_new(registrar, user, NULL, flow);
	if (endpoint)
		take_flow(endpoint, flow);
	return endpoint;
}

struct sip_flow *registrar_endpoint_flow(const struct registrar_endpoint *endpoint)
{
	const struct attachment *current = current_attachment(endpoint);
	return current && sip_flow_is_open(current->flow) ? current->flow : NULL;
}

const char *registrar_endpoint_identity(const struct registrar_endpoint *endpoint)
{
	return endpoint->identity;
}

const char *registrar_endpoint_user(const struct registrar_endpoint *endpoint)
{
	return user_of(endpoint);
}

int registrar_endpoint_move(struct registrar_endpoint *endpoint, struct sip_flow *flow)
{
	if (g_strcmp0(sip_flow_identity(flow), endpoint->identity))
		return -EACCES;
	if (!sip_flow_is_open(flow))
		return -EPIPE;
	take_flow(endpoint, flow);
	return 0;
}
