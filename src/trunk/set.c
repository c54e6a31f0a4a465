/* All trunks: made from the configuration, found by name and by who sends. */
#include "trunk/internal.h"
#include <string.h>

struct trunks {
	struct loop *loop;
	GPtrArray *list;    /* struct trunk *, each a reference */
	GPtrArray *retired; /* struct trunk *, not references: gone from the configuration, held by calls */
	struct sip_digest_server *digest; /* NULL until it is needed */
	GHashTable *accounts; /* user -> struct account_entry */
	struct sip_stack *stack; /* for those that register; NULL: not yet, or no more */
	struct event_bus *events;
};

struct account_entry {
	char *trunk_name;
	struct trunk_account *account; /* a reference */
};

static void list_free_entry(void *data)
{
	trunk_retire(data);
	trunk_unref(data);
}

static void account_entry_free(void *data)
{
	struct account_entry *entry = data;
	trunk_account_unref(entry->account);
	g_free(entry->trunk_name);
	g_free(entry);
}

static struct trunks *trunks_alloc(struct loop *loop)
{
	struct trunks *trunks = g_new0(struct trunks, 1);
	trunks->loop = loop;
	trunks->list = g_ptr_array_new_with_free_func(list_free_entry);
	trunks->retired = g_ptr_array_new();
	trunks->accounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, account_entry_free);
	return trunks;
}

static int fill(struct trunks *trunks, struct config_snapshot *snapshot, GPtrArray *old)
{
	for (size_t i = 0; i < config_count(snapshot, "trunks"); i++) {
		struct trunk *same = NULL;
		for (guint j = 0; old && j < old->len && !same; j++) {
			struct trunk *trunk = old->pdata[j];
			if (config_entry_equal(trunk->snapshot, trunk->index, snapshot, i, "trunks"))
				same = g_ptr_array_steal_index(old, j);
		}
		struct trunk *trunk = same ? same : trunk_new(trunks->loop, snapshot, i);
		if (!trunk)
			return -EINVAL;
		g_ptr_array_add(trunks->list, trunk);
	}
	return 0;
}

int trunks_new(struct loop *loop, struct config_snapshot *snapshot, struct trunks **ret_trunks)
{
	struct trunks *trunks = trunks_alloc(loop);
	int result = fill(trunks, snapshot, NULL);
	if (result < 0)
		trunks_free(trunks);
	else
		*ret_trunks = trunks;
	return result;
}

static void start_all(struct trunks *trunks)
{
	bool asks = false;
	for (guint i = 0; i < trunks->list->len; i++) {
		trunk_security_renew(trunks->list->pdata[i]);
		asks |= trunk_wants_certificate(trunks->list->pdata[i]);
	}
	if (trunks->stack)
		sip_stack_ask_for_certificates(trunks->stack, asks);
	for (guint i = 0; trunks->stack && i < trunks->list->len; i++) {
		struct trunk *trunk = trunks->list->pdata[i];
		trunk->stack = trunks->stack;
		trunk->events = trunks->events;
		trunk_own_start(trunk);
		trunk_health_look(trunk);
	}
}

void trunks_start(struct trunks *trunks, struct sip_stack *stack, struct event_bus *events)
{
	trunks->stack = stack;
	trunks->events = events;
	start_all(trunks);
}

void trunks_unregister(struct trunks *trunks)
{
	trunks->stack = NULL;
	for (guint i = 0; i < trunks->list->len; i++) {
		struct trunk *trunk = trunks->list->pdata[i];
		if (trunk->registration)
			trunk_registration_end(trunk->registration);
	}
}

int trunks_reload(struct trunks *trunks, struct config_snapshot *snapshot)
{
	g_autoptr(GPtrArray) old = trunks->list; /* what is left in it at the end is gone from the configuration */
	trunks->list = g_ptr_array_new_with_free_func(list_free_entry);
	int result = fill(trunks, snapshot, old);
	for (guint i = 0; i < old->len; i++) {
		struct trunk *trunk = old->pdata[i];
		trunk->retired = trunks->retired;
		g_ptr_array_add(trunks->retired, trunk); /* takes itself out when the last call lets go */
		trunk_own_retire(trunk);
	}
	start_all(trunks);
	return result;
}

struct trunks *trunks_free(struct trunks *trunks)
{
	if (!trunks)
		return NULL;
	for (guint i = 0; i < trunks->retired->len; i++) {
		struct trunk *trunk = trunks->retired->pdata[i];
		trunk->retired = NULL;
		trunk_own_drop(trunk);
	}
	g_ptr_array_free(trunks->retired, TRUE);
	g_ptr_array_free(trunks->list, TRUE);
	g_hash_table_unref(trunks->accounts);
	sip_digest_server_free(trunks->digest);
	g_free(trunks);
	return NULL;
}

void trunks_add_account(struct trunks *trunks, const char *user, const char *trunk_name, struct trunk_account *account)
{
	struct account_entry *entry = g_new(struct account_entry, 1);
	*entry = (struct account_entry){.trunk_name = g_strdup(trunk_name), .account = trunk_account_ref(account)};
	g_hash_table_insert(trunks->accounts, g_strdup(user), entry);
}

void trunks_remove_account(struct trunks *trunks, const char *user)
{
	g_hash_table_remove(trunks->accounts, user);
}

struct trunk_account *trunks_account(const struct trunks *trunks, const char *user, const char *trunk_name)
{
	const struct account_entry *entry = g_hash_table_lookup(trunks->accounts, user);
	return entry && !strcmp(entry->trunk_name, trunk_name) ? entry->account : NULL;
}

size_t trunks_count(const struct trunks *trunks)
{
	return trunks->list->len;
}

struct sip_digest_server **trunks_digest(struct trunks *trunks)
{
	return &trunks->digest;
}

struct trunk *trunks_at(const struct trunks *trunks, size_t index)
{
	return index < trunks->list->len ? trunks->list->pdata[index] : NULL;
}

struct trunk *trunk_find(const struct trunks *trunks, const char *name)
{
	for (guint i = 0; i < trunks->list->len; i++)
		if (!strcmp(trunk_name(trunks->list->pdata[i]), name))
			return trunks->list->pdata[i];
	return NULL;
}

struct trunk *trunk_of_identity(const struct trunks *trunks, const char *identity)
{
	for (guint i = 0; i < trunks->list->len; i++) {
		struct trunk *trunk = trunks->list->pdata[i];
		if (!g_strcmp0(trunk->identity, identity))
			return trunk;
	}
	return NULL;
}

/* How well the source fits the hop; 0: not at all. */
static int fit_of_hop(const struct trunk_hop *hop, enum sip_transport transport, const struct net_address *source)
{
	if (!trunk_hop_is_heard_over(hop, transport) || !net_address_same_host(&hop->address, source))
		return 0;
	bool is_same_transport = hop->transport == transport;
	bool is_same_port = net_address_port(&hop->address) == net_address_port(source);
	return 2 + 2 * is_same_transport + is_same_port;
}

static int fit_of_list(const GPtrArray *hops, enum sip_transport transport, const struct net_address *source)
{
	int best = 0;
	for (guint i = 0; i < hops->len; i++)
		best = MAX(best, fit_of_hop(hops->pdata[i], transport, source));
	return best;
}

/* 0: it is not this trunk's; more is a better fit. `ever`: addresses count that its names had before. */
static int fit(const struct trunk *trunk, enum sip_transport transport, const struct net_address *source, bool ever)
{
	int best = 0;
	for (guint i = 0; i < trunk->peers->len; i++) {
		const struct trunk_peer *peer = trunk->peers->pdata[i];
		best = MAX(best, fit_of_list(peer->hops, transport, source));
		if (ever)
			best = MAX(best, fit_of_list(peer->former, transport, source));
	}
	return best ? best : trunk_lists_source(trunk, transport, source);
}

bool trunk_has_source(const struct trunk *trunk, enum sip_transport transport, const struct net_address *source)
{
	return fit(trunk, transport, source, false);
}

struct trunk *trunk_of_source(const struct trunks *trunks, enum sip_transport transport,
			      const struct net_address *source)
{
	struct trunk *best = NULL;
	int best_fit = 0;
	for (guint i = 0; i < trunks->list->len; i++) {
		int this_fit = fit(trunks->list->pdata[i], transport, source, false);
		if (this_fit > best_fit) {
			best_fit = this_fit;
			best = trunks->list->pdata[i];
		}
	}
	return best;
}

static bool any_may_act(const GPtrArray *list, const char *identity, enum sip_transport transport,
			const struct net_address *source)
{
	for (guint i = 0; i < list->len; i++) {
		const struct trunk *trunk = list->pdata[i];
		if (!strcmp(trunk->identity, identity) && fit(trunk, transport, source, true))
			return true;
	}
	return false;
}

bool trunk_may_act(const struct trunks *trunks, const char *identity, enum sip_transport transport,
		   const struct net_address *source)
{
	return any_may_act(trunks->list, identity, transport, source) ||
	       any_may_act(trunks->retired, identity, transport, source);
}
