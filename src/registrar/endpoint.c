#include "registrar/internal.h"
#include "base/log.h"
#include "crypto/random.h"
#include <string.h>

#define NOT_REGISTERED UINT32_MAX /* in place of a reg-id: the flow came by an in-dialog request or a call */

enum attachment_state {
	ATTACHMENT_SERVING,
	ATTACHMENT_SUPERSEDED, /* a newer flow was registered in its place: it is only listened to (RFC 5626, section 6) */
};

/* One flow of an endpoint, as long as it is open. */
struct attachment {
	struct registrar_endpoint *endpoint;
	struct sip_flow *flow; /* a reference */
	uint32_t reg_id;
	enum attachment_state state;
	struct sip_flow_watch watch;
};

struct registrar_endpoint {
	unsigned references;
	struct registrar *registrar; /* NULL: it is gone */
	char *identity;		     /* "user:alice" */
	char *instance;		     /* NULL: none */
	char *contact, *call_id;     /* "user@host" and Call-ID of its last REGISTER; NULL */
	uint64_t gruu_id;	     /* in registrar->gruus; 0: none */
	GPtrArray *attachments;	     /* the last one that serves has the flow of this moment */
	struct registrar_endpoint_watch *watches, **cursor;
	enum registrar_media media; /* as noted */
};

static const char *user_of(const struct registrar_endpoint *endpoint)
{
	return endpoint->identity + strlen(REGISTRAR_IDENTITY_PREFIX);
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

/* `closing` counts as open. */
static struct attachment *serving_attachment(const struct registrar_endpoint *endpoint, const struct attachment *closing)
{
	for (guint i = endpoint->attachments->len; i > 0; i--) {
		struct attachment *attachment = endpoint->attachments->pdata[i - 1];
		if (attachment->state == ATTACHMENT_SERVING && (attachment == closing || sip_flow_is_open(attachment->flow)))
			return attachment;
	}
	return NULL;
}

struct sip_flow *registrar_endpoint_flow(const struct registrar_endpoint *endpoint)
{
	const struct attachment *attachment = serving_attachment(endpoint, NULL);
	return attachment ? attachment->flow : NULL;
}

static void on_flow_closed(void *data, struct sip_flow *flow)
{
	struct attachment *attachment = data;
	struct registrar_endpoint *endpoint = attachment->endpoint;
	bool was_serving = serving_attachment(endpoint, attachment) == attachment;
	g_ptr_array_remove(endpoint->attachments, attachment);
	if (was_serving)
		notify(endpoint);
}

/* Nothing is sent any more by the flow that had this registration before: its far end has left it, noticed or not. */
static void supersede(struct registrar_endpoint *endpoint, const struct attachment *by)
{
	for (guint i = 0; i < endpoint->attachments->len; i++) {
		struct attachment *attachment = endpoint->attachments->pdata[i];
		if (attachment != by && attachment->reg_id == by->reg_id && by->reg_id != NOT_REGISTERED)
			attachment->state = ATTACHMENT_SUPERSEDED;
	}
}

/* The attachment of this flow, put last; a new one when there is none. */
static struct attachment *attach(struct registrar_endpoint *endpoint, struct sip_flow *flow)
{
	for (guint i = 0; i < endpoint->attachments->len; i++) {
		struct attachment *attachment = endpoint->attachments->pdata[i];
		if (attachment->flow != flow)
			continue;
		g_ptr_array_steal_index(endpoint->attachments, i);
		g_ptr_array_add(endpoint->attachments, attachment);
		return attachment;
	}
	struct attachment *attachment = g_new0(struct attachment, 1);
	attachment->endpoint = endpoint;
	attachment->flow = sip_flow_ref(flow);
	attachment->reg_id = NOT_REGISTERED;
	sip_flow_watch_start(&attachment->watch, flow, on_flow_closed, attachment);
	g_ptr_array_add(endpoint->attachments, attachment);
	return attachment;
}

static void take_flow(struct registrar_endpoint *endpoint, struct sip_flow *flow, uint32_t reg_id)
{
	struct sip_flow *before = registrar_endpoint_flow(endpoint);
	struct attachment *attachment = attach(endpoint, flow);
	if (reg_id != NOT_REGISTERED)
		attachment->reg_id = reg_id;
	attachment->state = ATTACHMENT_SERVING;
	supersede(endpoint, attachment);
	if (endpoint->registrar)
		g_hash_table_insert(endpoint->registrar->flow_owners, flow, endpoint);
	if (before != flow)
		notify(endpoint);
}

/* --- life --- */
static GPtrArray *endpoints_of(const struct registrar *registrar, const char *user)
{
	return g_hash_table_lookup(registrar->endpoints, user);
}

static struct registrar_endpoint *endpoint_new(struct registrar *registrar, const char *user, const char *instance)
{
	if (registrar->n_endpoints >= REGISTRAR_ENDPOINTS_MAX) {
		log_warning(NULL, "registrar: more than %d devices, %s is not taken", REGISTRAR_ENDPOINTS_MAX, user);
		return NULL;
	}
	struct registrar_endpoint *endpoint = g_new0(struct registrar_endpoint, 1);
	endpoint->references = 1;
	endpoint->registrar = registrar;
	endpoint->identity = g_strconcat(REGISTRAR_IDENTITY_PREFIX, user, NULL);
	endpoint->instance = g_strdup(instance);
	endpoint->attachments = g_ptr_array_new_with_free_func(attachment_free);
	GPtrArray *endpoints = endpoints_of(registrar, user);
	if (!endpoints) {
		endpoints = g_ptr_array_new();
		g_hash_table_insert(registrar->endpoints, g_strdup(user), endpoints);
	}
	g_ptr_array_add(endpoints, endpoint);
	registrar->n_endpoints++;
	return endpoint;
}

struct registrar_endpoint *registrar_endpoint_ref(struct registrar_endpoint *endpoint)
{
	endpoint->references++;
	return endpoint;
}

static void forget(struct registrar_endpoint *endpoint)
{
	struct registrar *registrar = endpoint->registrar;
	GPtrArray *endpoints = endpoints_of(registrar, user_of(endpoint));
	registrar_endpoint_end_gruus(endpoint);
	g_ptr_array_remove(endpoints, endpoint);
	if (!endpoints->len)
		g_hash_table_remove(registrar->endpoints, user_of(endpoint));
	registrar->n_endpoints--;
}

struct registrar_endpoint *registrar_endpoint_unref(struct registrar_endpoint *endpoint)
{
	if (!endpoint || --endpoint->references)
		return NULL;
	g_ptr_array_unref(endpoint->attachments);
	if (endpoint->registrar)
		forget(endpoint);
	g_free(endpoint->identity);
	g_free(endpoint->instance);
	g_free(endpoint->contact);
	g_free(endpoint->call_id);
	g_free(endpoint);
	return NULL;
}

void registrar_endpoints_orphan(struct registrar *registrar)
{
	GHashTableIter iterator;
	gpointer value;
	g_hash_table_iter_init(&iterator, registrar->endpoints);
	while (g_hash_table_iter_next(&iterator, NULL, &value)) {
		const GPtrArray *endpoints = value;
		for (guint i = 0; i < endpoints->len; i++) {
			struct registrar_endpoint *endpoint = endpoints->pdata[i];
			endpoint->registrar = NULL;
			g_ptr_array_set_size(endpoint->attachments, 0);
		}
	}
}

size_t registrar_endpoints_deserted(const struct registrar *registrar)
{
	size_t count = 0;
	GHashTableIter iterator;
	gpointer value;
	g_hash_table_iter_init(&iterator, registrar->endpoints);
	while (g_hash_table_iter_next(&iterator, NULL, &value)) {
		const GPtrArray *endpoints = value;
		for (guint i = 0; i < endpoints->len; i++)
			count += !registrar_endpoint_flow(endpoints->pdata[i]);
	}
	return count;
}

/* --- finding --- */
struct registrar_endpoint *registrar_endpoint_find(const struct registrar *registrar, const char *user, const char *instance)
{
	const GPtrArray *endpoints = endpoints_of(registrar, user);
	for (guint i = 0; endpoints && i < endpoints->len; i++) {
		struct registrar_endpoint *endpoint = endpoints->pdata[i];
		if (!g_strcmp0(endpoint->instance, instance))
			return endpoint;
	}
	return NULL;
}

/* Where the device says it is, without what changes from request to request ("ob", "transport"). NULL when that tells
 * nothing: some clients make it of the user's name, the same in all his pages. */
static char *place_of(const char *contact, const char *user)
{
	struct sip_uri uri;
	if (sip_uri_parse(contact, &uri) || !strcmp(uri.user, user))
		return NULL;
	return g_strdup_printf("%s@%s:%u", uri.user, uri.host, uri.port);
}

/* Whether the device has said the same of itself. A Contact tells one that has come back only while that is away. */
static bool is_same_agent(const struct registrar_endpoint *endpoint, const struct registrar_contact_request *contact,
			  const char *place)
{
	if (endpoint->instance)
		return false;
	if (!g_strcmp0(endpoint->call_id, contact->call_id))
		return true;
	return !registrar_endpoint_flow(endpoint) && place && !g_strcmp0(endpoint->contact, place);
}

static struct registrar_endpoint *find_without_instance(const struct registrar *registrar, const char *user,
							const struct registrar_contact_request *contact)
{
	const GPtrArray *endpoints = endpoints_of(registrar, user);
	g_autofree char *place = place_of(contact->uri, user);
	struct registrar_endpoint *found = NULL;
	for (guint i = 0; endpoints && i < endpoints->len; i++) {
		struct registrar_endpoint *endpoint = endpoints->pdata[i];
		if (is_same_agent(endpoint, contact, place))
			found = endpoint;
	}
	return found;
}

static struct registrar_endpoint *owner_of(const struct registrar *registrar, const char *user,
					   const struct sip_flow *flow)
{
	struct registrar_endpoint *endpoint = g_hash_table_lookup(registrar->flow_owners, flow);
	return endpoint && !strcmp(user_of(endpoint), user) ? endpoint : NULL;
}

static struct registrar_endpoint *find_claimed(const struct registrar *registrar, const char *user,
					       const struct registrar_contact_request *contact, const struct sip_flow *flow)
{
	struct registrar_endpoint *owner = owner_of(registrar, user, flow);
	if (!contact->instance)
		return owner ? owner : find_without_instance(registrar, user, contact);
	struct registrar_endpoint *endpoint = registrar_endpoint_find(registrar, user, contact->instance);
	if (!endpoint && owner && !owner->instance) { /* it called before it registered; now its instance is known */
		endpoint = owner;
		endpoint->instance = g_strdup(contact->instance);
	}
	return endpoint;
}

struct registrar_endpoint *registrar_endpoint_claim(struct registrar *registrar, const char *user,
						    const struct registrar_contact_request *contact, struct sip_flow *flow)
{
	struct registrar_endpoint *endpoint = find_claimed(registrar, user, contact, flow);
	endpoint = endpoint ? registrar_endpoint_ref(endpoint) : endpoint_new(registrar, user, contact->instance);
	if (!endpoint)
		return NULL;
	g_free(endpoint->contact);
	endpoint->contact = place_of(contact->uri, user);
	char *call_id = g_strdup(contact->call_id);
	g_free(endpoint->call_id);
	endpoint->call_id = call_id;
	take_flow(endpoint, flow, contact->reg_id);
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
	endpoint = endpoint_new(registrar, user, NULL);
	if (endpoint)
		take_flow(endpoint, flow, NOT_REGISTERED);
	return endpoint;
}

struct registrar_endpoint *registrar_endpoint_follow(struct registrar_endpoint *endpoint, struct sip_flow *flow)
{
	if (g_strcmp0(sip_flow_identity(flow), endpoint->identity) || !sip_flow_is_open(flow))
		return NULL;
	struct registrar_endpoint *owner =
		endpoint->registrar ? owner_of(endpoint->registrar, user_of(endpoint), flow) : NULL;
	if (owner && owner != endpoint)
		return owner;
	take_flow(endpoint, flow, NOT_REGISTERED);
	return endpoint;
}

/* --- what it is --- */
/* Where the user's options are; NULL: nowhere. */
static const struct config_snapshot *config_of(const struct registrar_endpoint *endpoint, size_t *ret_index)
{
	const struct config_snapshot *config = endpoint->registrar ? endpoint->registrar->config : NULL;
	ssize_t index = config ? config_find(config, "users", user_of(endpoint)) : -1;
	*ret_index = (size_t)MAX(index, 0);
	return index < 0 ? NULL : config;
}

const char *const *registrar_endpoint_codecs(const struct registrar_endpoint *endpoint)
{
	static const char *const any[] = {NULL};
	size_t index;
	const struct config_snapshot *config = config_of(endpoint, &index);
	return config ? config_strings(config, "users", index, "codecs") : any;
}

enum registrar_media registrar_endpoint_media(const struct registrar_endpoint *endpoint)
{
	size_t index;
	const struct config_snapshot *config = config_of(endpoint, &index);
	enum registrar_media chosen = config ? (enum registrar_media)config_enum(config, "users", index, "media") : REGISTRAR_MEDIA_AUTO;
	bool has_shown = chosen == REGISTRAR_MEDIA_AUTO && endpoint->media == REGISTRAR_MEDIA_SDES;
	return has_shown ? REGISTRAR_MEDIA_SDES : chosen;
}

bool registrar_endpoint_record(const struct registrar_endpoint *endpoint)
{
	size_t index;
	const struct config_snapshot *config = config_of(endpoint, &index);
	return config && config_boolean(config, "users", index, "record");
}

void registrar_endpoint_note_media(struct registrar_endpoint *endpoint, enum registrar_media media)
{
	endpoint->media = media;
}

const char *registrar_endpoint_identity(const struct registrar_endpoint *endpoint)
{
	return endpoint->identity;
}

const char *registrar_endpoint_user(const struct registrar_endpoint *endpoint)
{
	return user_of(endpoint);
}

const char *registrar_endpoint_instance(const struct registrar_endpoint *endpoint)
{
	return endpoint->instance;
}

uint64_t registrar_endpoint_gruu_id(struct registrar_endpoint *endpoint)
{
	if (!endpoint->gruu_id) {
		do
			endpoint->gruu_id = crypto_random_u64();
		while (!endpoint->gruu_id || g_hash_table_contains(endpoint->registrar->gruus, &endpoint->gruu_id));
		g_hash_table_insert(endpoint->registrar->gruus, &endpoint->gruu_id, endpoint);
	}
	return endpoint->gruu_id;
}

void registrar_endpoint_end_gruus(struct registrar_endpoint *endpoint)
{
	if (endpoint->gruu_id && endpoint->registrar)
		g_hash_table_remove(endpoint->registrar->gruus, &endpoint->gruu_id);
	endpoint->gruu_id = 0;
}
