#include "upstream/internal.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/random.h"
#include <string.h>

#define TOKEN_BYTES (TRUNK_CONTACT_CHARACTERS / 2)

char *upstream_token(const struct upstream *upstream, const char *purpose, const char *user, const struct trunk *trunk)
{
	/* Neither trunk names nor user names hold line breaks. */
	g_autofree char *text = g_strdup_printf("%s\n%s\n%s", purpose, trunk_name(trunk), user);
	uint8_t mac[CRYPTO_DIGEST_BYTES_MAX];
	if (crypto_hmac(CRYPTO_SHA256, upstream->key, sizeof upstream->key, text, strlen(text), mac) < 0)
		return NULL;
	char *token = g_malloc(2 * TOKEN_BYTES + 1);
	crypto_hex_encode(mac, TOKEN_BYTES, token);
	return token;
}

void upstream_publish(const struct upstream_member *member, bool is_registered, const char *cause)
{
	struct event_upstream_changed event = {
		.trunk = trunk_name(member->trunk),
		.user = member->user,
		.is_registered = is_registered,
		.cause = cause,
	};
	event_publish_upstream_changed(member->upstream->rooms.events, &event);
}

/* He has come with his first device, or gone with his last. */
static void on_registration_changed(void *user, const struct event_registration_changed *event)
{
	struct upstream *upstream = user;
	struct upstream_member *member = upstream_member_find(upstream, event->user);
	if (!event->n_bindings && member)
		upstream_member_end(member);
	else if (event->n_bindings && !registrar_proves_upstream(upstream->rooms.registrar, event->user))
		upstream_member_ensure(upstream, event->user);
}

/* A peer that was away may have been started anew, and know nobody. */
static void on_trunk_peer_changed(void *user, const struct event_trunk_peer_changed *event)
{
	struct upstream *upstream = user;
	GHashTableIter iterator;
	gpointer value;
	g_hash_table_iter_init(&iterator, upstream->members);
	while (event->is_up && g_hash_table_iter_next(&iterator, NULL, &value)) {
		struct upstream_member *member = value;
		if (member->registration && !strcmp(trunk_name(member->trunk), event->trunk))
			trunk_registration_renew(member->registration);
	}
}

static void free_member(void *member)
{
	upstream_member_free(member);
}

int upstream_new(const struct upstream_parameters *parameters, struct upstream **ret_upstream)
{
	static const struct event_receiver receiver = {
		.registration_changed = on_registration_changed,
		.trunk_peer_changed = on_trunk_peer_changed,
	};
	struct upstream *upstream = g_new0(struct upstream, 1);
	upstream->rooms = *parameters;
	crypto_random(upstream->key, sizeof upstream->key);
	upstream->members = g_hash_table_new(g_str_hash, g_str_equal);
	upstream->contacts = g_hash_table_new(g_str_hash, g_str_equal);
	upstream->leaving = g_ptr_array_new();
	upstream->subscription = event_subscribe(parameters->events, &receiver, upstream);
	*ret_upstream = upstream;
	return 0;
}

static GPtrArray *list_members(const struct upstream *upstream)
{
	GPtrArray *list = g_ptr_array_new();
	GHashTableIter iterator;
	gpointer member;
	g_hash_table_iter_init(&iterator, upstream->members);
	while (g_hash_table_iter_next(&iterator, NULL, &member))
		g_ptr_array_add(list, member);
	return list;
}

struct upstream *upstream_free(struct upstream *upstream)
{
	if (!upstream)
		return NULL;
	event_unsubscribe(upstream->subscription);
	upstream_carried_free_all(upstream);
	g_autoptr(GPtrArray) members = list_members(upstream);
	g_ptr_array_foreach(members, (GFunc)(void (*)(void))free_member, NULL);
	while (upstream->leaving->len)
		upstream_member_free(upstream->leaving->pdata[0]);
	g_ptr_array_free(upstream->leaving, TRUE);
	g_hash_table_unref(upstream->contacts);
	g_hash_table_unref(upstream->members);
	crypto_wipe(upstream->key, sizeof upstream->key);
	g_free(upstream);
	return NULL;
}

/* Of a user who is registered upstream in another way now. */
static void replace(struct upstream *upstream, struct upstream_member *member)
{
	const char *name = registrar_upstream(upstream->rooms.registrar, member->user);
	if (!name || strcmp(name, trunk_name(member->trunk))) {
		upstream_member_end(member);
	} else if (!member->registration && registrar_proves_upstream(upstream->rooms.registrar, member->user)) {
		/* The same peer by other options; only his browser could register him anew. */
		trunk_unref(member->trunk);
		member->trunk = trunk_ref(trunk_find(upstream->rooms.trunks, name));
	} else {
		/* His contact stays the same: the end of the old one must not be that of the new. */
		upstream_member_free(member);
	}
}

void upstream_reload(struct upstream *upstream)
{
	g_autoptr(GPtrArray) members = list_members(upstream);
	for (guint i = 0; i < members->len; i++)
		if (!upstream_member_is_current(members->pdata[i]))
			replace(upstream, members->pdata[i]);
	g_autoptr(GPtrArray) users = registrar_registered_users(upstream->rooms.registrar);
	for (guint i = 0; i < users->len; i++)
		if (!registrar_proves_upstream(upstream->rooms.registrar, users->pdata[i]))
			upstream_member_ensure(upstream, users->pdata[i]);
}

void upstream_unregister(struct upstream *upstream)
{
	upstream->subscription = event_unsubscribe(upstream->subscription);
	g_autoptr(GPtrArray) members = list_members(upstream);
	for (guint i = 0; i < members->len; i++)
		upstream_member_end(members->pdata[i]);
}

/* --- what others ask --- */

const char *upstream_user_of(const struct upstream *upstream, const struct trunk *trunk, const char *contact_user)
{
	const struct upstream_member *member = g_hash_table_lookup(upstream->contacts, contact_user);
	if (!member)
		return NULL;
	/* Several trunks may share a host, where the source does not tell which of them calls. */
	return trunk == member->trunk || trunk_shares_host(trunk, member->trunk) ? member->user : NULL;
}

void upstream_count(const struct upstream *upstream, struct upstream_counts *ret_counts)
{
	struct upstream_counts counts = {
		.users = g_hash_table_size(upstream->members) + upstream->leaving->len,
		.carried = upstream->carried.length,
	};
	GHashTableIter iterator;
	gpointer member;
	g_hash_table_iter_init(&iterator, upstream->members);
	while (g_hash_table_iter_next(&iterator, NULL, &member))
		counts.registered += upstream_member_holds(member);
	*ret_counts = counts;
}
