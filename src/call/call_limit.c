/* How many calls a user or a trunk may have, and begin: each is known by his identity while he has legs in calls. */
#include "call/call_private.h"
#include <string.h>

#define CALM_US (10 * G_USEC_PER_SEC) /* so long without a refusal, and it is told that calls are taken again */

METRICS_COUNTER(over_limit_of_user, "tandem_calls_over_limit_total", CALL_OVER_LIMIT_HELP, "limit", "user");
METRICS_COUNTER(over_limit_of_trunk, "tandem_calls_over_limit_total", CALL_OVER_LIMIT_HELP, "limit", "trunk");

static const struct config_option rows[] = {
	{.name = "calls_limit", .type = CONFIG_INTEGER, .min = 0, .max = 1000000, .fallback = "0",
	 .help = "Calls at a time, in both directions; 0: no limit. More get 503, or 486 if he is called; emergency routes are exempt."},
	{.name = "calls_per_second", .type = CONFIG_INTEGER, .min = 0, .max = 10000, .fallback = "0",
	 .help = "Calls that may begin in a second: a user's own, a trunk's in both directions; 0: no limit."},
	{0},
};
const struct config_table call_user_options = {.group = "users", .shape = CONFIG_LIST, .options = rows};
const struct config_table call_trunk_options = {.group = "trunks", .shape = CONFIG_LIST, .options = rows};

struct call_party {
	char *identity; /* "user:alice", "trunk:pbx" */
	GQueue legs;	/* that have a call */
	int64_t next_us; /* when one call after another, at the rate that is allowed, would have its turn */
	uint64_t n_refused; /* in a row, with no time of calm between */
	int64_t refused_us; /* the last time */
};

static void call_party_free(void *data)
{
	struct call_party *party = data;
	g_free(party->identity);
	g_free(party);
}

GHashTable *call_parties_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, call_party_free);
}

static struct call_party *call_party_of(struct call_manager *manager, const char *identity)
{
	struct call_party *party = g_hash_table_lookup(manager->parties, identity);
	if (!party) {
		party = g_new0(struct call_party, 1);
		party->identity = g_strdup(identity);
		g_hash_table_insert(manager->parties, party->identity, party);
	}
	return party;
}

/* There is nothing to remember of most who have no call. */
static void call_party_check(struct call_manager *manager, struct call_party *party)
{
	if (g_queue_is_empty(&party->legs) && !party->n_refused && party->next_us <= base_monotonic_us())
		g_hash_table_remove(manager->parties, party->identity);
}

void call_party_join(struct leg *leg)
{
	leg->party = call_party_of(leg->manager, leg_identity(leg));
	g_queue_push_tail_link(&leg->party->legs, &leg->party_link);
}

void call_party_leave(struct leg *leg)
{
	if (!leg->party)
		return;
	g_queue_unlink(&leg->party->legs, &leg->party_link);
	call_party_check(leg->manager, leg->party);
	leg->party = NULL;
}

/* A trunk's are its legs, each a line to the peer; all devices of a user that ring for a call are one. */
static bool call_party_is_full(const struct call_party *party, bool is_trunk, const struct call *call, size_t limit)
{
	if (is_trunk || party->legs.length < limit)
		return party->legs.length >= limit;
	g_autoptr(GHashTable) calls = g_hash_table_new(NULL, NULL);
	for (const GList *link = party->legs.head; link && g_hash_table_size(calls) < limit; link = link->next) {
		const struct leg *leg = link->data;
		if (leg->call != call)
			g_hash_table_add(calls, leg->call);
	}
	return g_hash_table_size(calls) >= limit;
}

/* As many as are allowed in a second at once, then one after another (the generic cell rate algorithm of ITU-T I.371). */
static bool call_party_takes_turn(struct call_party *party, int64_t per_second)
{
	int64_t now_us = base_monotonic_us(), interval_us = G_USEC_PER_SEC / per_second;
	int64_t next_us = MAX(party->next_us, now_us);
	if (next_us - now_us > G_USEC_PER_SEC - interval_us)
		return false;
	party->next_us = next_us + interval_us;
	return true;
}

static void call_party_refuse(struct call_party *party, bool is_trunk, const char *phrase)
{
	if (!party->n_refused++)
		log_warning(NULL, "%s; more are refused", phrase);
	party->refused_us = base_monotonic_us();
	metrics_add(is_trunk ? &over_limit_of_trunk : &over_limit_of_user, 1);
}

static void call_party_take(struct call_party *party, const char *what, const char *name)
{
	if (!party->n_refused || base_monotonic_us() - party->refused_us < CALM_US)
		return;
	log_info(NULL, "%s %s has calls taken again; %" G_GUINT64_FORMAT " were refused", what, name, party->n_refused);
	party->n_refused = 0;
}

bool call_may_begin(struct call_manager *manager, const struct call_beginning *beginning, char phrase[static CALL_PHRASE_BYTES])
{
	bool is_trunk = beginning->is_trunk;
	const char *group = is_trunk ? "trunks" : "users", *what = is_trunk ? "trunk" : "user";
	ssize_t entry = config_find(manager->snapshot, group, beginning->name);
	int64_t limit = entry < 0 ? 0 : config_integer(manager->snapshot, group, (size_t)entry, "calls_limit");
	int64_t rate = entry < 0 || beginning->is_called_user ? 0 : config_integer(manager->snapshot, group, (size_t)entry, "calls_per_second");
	if (!limit && !rate)
		return true;
	g_autofree char *identity = g_strdup_printf("%s:%s", what, beginning->name);
	struct call_party *party = call_party_of(manager, identity);
	bool is_full = limit && call_party_is_full(party, is_trunk, beginning->call, (size_t)limit);
	bool may = !is_full && (!rate || call_party_takes_turn(party, rate));
	if (may) {
		call_party_take(party, what, beginning->name);
	} else {
		int64_t most = is_full ? limit : rate;
		snprintf(phrase, CALL_PHRASE_BYTES, "%s %s is at its limit of %" G_GINT64_FORMAT " call%s%s", what, beginning->name,
			 most, most == 1 ? "" : "s", is_full ? "" : " a second");
		call_party_refuse(party, is_trunk, phrase);
	}
	call_party_check(manager, party);
	return may;
}
