/* Whether what is named as a target is there, is one thing only, and does not lead round in a circle. */
#include "route/internal.h"
#include "route/plan.h"
#include <string.h>

#define CHAIN_MAX 100 /* from one to the next; far more than a call goes */

/* What may stand where. */
enum kinds { USERS = 1, GROUPS = 2, ANNOUNCEMENTS = 4, BUILTINS = 8, TRUNKS = 16, WORDS = 32, NUMBERS = 64 };

static const struct place {
	const char *group, *option;
	unsigned kinds;
	const char *words;
} places[] = {
	{"routes", "to", GROUPS | ANNOUNCEMENTS | BUILTINS | TRUNKS | WORDS, "trunk, ring group, \"user\", \"deny\", announcement or built-in"},
	{"routes", "fallback", GROUPS | ANNOUNCEMENTS | BUILTINS | TRUNKS, "trunk, ring group, announcement or built-in"},
	{"trunks", "inbound", USERS | GROUPS | ANNOUNCEMENTS | BUILTINS, "user, ring group, announcement or built-in"},
	{"ring_groups", "members", USERS | NUMBERS, "user or number"},
	{"ring_groups", NULL, USERS | GROUPS | ANNOUNCEMENTS | BUILTINS, "user, ring group, announcement or built-in"},
	{"users", NULL, USERS | GROUPS | ANNOUNCEMENTS | BUILTINS | NUMBERS, "user, ring group, announcement, built-in or number"},
};

static const struct {
	enum kinds kind;
	const char *group;
} lists[] = {{USERS, "users"}, {GROUPS, "ring_groups"}, {ANNOUNCEMENTS, "announcements"}, {TRUNKS, "trunks"}};

static const char *const words[] = {ROUTE_USER_WORD, ROUTE_DENY_WORD, NULL};

bool route_is_reserved(const char *name)
{
	enum route_builtin builtin;
	return g_strv_contains(words, name) || route_builtin_from_name(name, &builtin) == 0;
}

static const struct place *find_place(const char *group, const char *option)
{
	const struct place *place = places;
	while (strcmp(place->group, group) != 0 || (place->option && strcmp(place->option, option) != 0))
		place++;
	return place;
}

static bool is_there(const struct config_snapshot *snapshot, const struct place *place, const char *name)
{
	enum route_builtin builtin;
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		if (place->kinds & lists[i].kind && config_find(snapshot, lists[i].group, name) >= 0)
			return true;
	return (place->kinds & BUILTINS && route_builtin_from_name(name, &builtin) == 0) ||
	       (place->kinds & WORDS && g_strv_contains(words, name)) || (place->kinds & NUMBERS && route_number_is(name));
}

/* What could stand there instead; its texts are borrowed. */
static GPtrArray *names_for(const struct config_snapshot *snapshot, const struct place *place)
{
	GPtrArray *names = g_ptr_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		for (size_t k = 0; place->kinds & lists[i].kind && k < config_count(snapshot, lists[i].group); k++) {
			const char *name = config_string(snapshot, lists[i].group, k, "name");
			if (name)
				g_ptr_array_add(names, (void *)name);
		}
	for (enum route_builtin builtin = 0; place->kinds & BUILTINS && builtin <= ROUTE_BUILTIN_MUSIC; builtin++)
		g_ptr_array_add(names, (void *)route_builtin_name(builtin));
	for (size_t i = 0; place->kinds & WORDS && words[i]; i++)
		g_ptr_array_add(names, (void *)words[i]);
	g_ptr_array_add(names, NULL);
	return names;
}

static void check_name(const struct config_snapshot *snapshot, struct config_report *report, const struct place *place, size_t index,
		       const char *option, const char *name)
{
	if (is_there(snapshot, place, name))
		return;
	g_autoptr(GPtrArray) names = names_for(snapshot, place);
	const char *near = base_nearest_name(name, (const char *const *)names->pdata);
	config_complain(report, place->group, index, option, "is \"%s\", which is no %s%s%s%s", name, place->words,
			near ? "; is \"" : "", near ? near : "", near ? "\" meant?" : "");
}

void route_check_target(const struct config_snapshot *snapshot, struct config_report *report, const char *group, size_t index,
			const char *option)
{
	const struct place *place = find_place(group, option);
	if (strcmp(option, "members") && strcmp(option, "fallback")) {
		const char *name = config_string(snapshot, group, index, option);
		if (name)
			check_name(snapshot, report, place, index, option, name);
		return;
	}
	for (const char *const *name = config_strings(snapshot, group, index, option); *name; name++)
		check_name(snapshot, report, place, index, option, *name);
}

/* Where one of these is named, nothing else may be meant. */
void route_check_names(const struct config_snapshot *snapshot, struct config_report *report)
{
	for (size_t i = 0; i < config_count(snapshot, "trunks"); i++) {
		const char *name = config_string(snapshot, "trunks", i, "name");
		if (name && route_is_reserved(name))
			config_complain(report, "trunks", i, "name", "is \"%s\", which means something else in routes", name);
	}
	static const char *const services[] = {"announcements", "ring_groups"};
	for (size_t s = 0; s < G_N_ELEMENTS(services); s++)
		for (size_t i = 0; i < config_count(snapshot, services[s]); i++) {
			const char *name = config_string(snapshot, services[s], i, "name");
			bool is_taken = name && route_is_reserved(name);
			for (size_t k = 0; name && k < G_N_ELEMENTS(lists); k++)
				is_taken |= strcmp(lists[k].group, services[s]) && config_find(snapshot, lists[k].group, name) >= 0;
			if (is_taken)
				config_complain(report, services[s], i, "name", "is \"%s\", which means something else already", name);
		}
}

/* --- circles --- */

struct walk {
	const struct config_snapshot *snapshot;
	GHashTable *open; /* names on the way here */
	GHashTable *done; /* from which no way leads back */
};

/* Whether a way leads from the name back to one that is on the way. */
static bool leads_back(struct walk *walk, const char *name)
{
	static const char *const groups[] = {"users", "ring_groups"};
	bool is_circle = false;
	if (g_hash_table_contains(walk->open, name) || g_hash_table_size(walk->open) > CHAIN_MAX)
		return true;
	if (!g_hash_table_add(walk->done, (void *)name))
		return false;
	g_hash_table_add(walk->open, (void *)name);
	for (size_t g = 0; g < G_N_ELEMENTS(groups); g++) {
		ssize_t entry = config_find(walk->snapshot, groups[g], name);
		for (int cause = 0; entry >= 0 && cause < ROUTE_CAUSES && !is_circle; cause++) {
			const char *word = config_string(walk->snapshot, groups[g], (size_t)entry, route_cause_name(cause));
			is_circle = word && leads_back(walk, word);
		}
	}
	g_hash_table_remove(walk->open, name);
	return is_circle;
}

void route_check_loops(const struct config_snapshot *snapshot, struct config_report *report)
{
	static const char *const groups[] = {"users", "ring_groups"};
	struct walk walk = {
		.snapshot = snapshot,
		.open = g_hash_table_new(g_str_hash, g_str_equal),
		.done = g_hash_table_new(g_str_hash, g_str_equal),
	};
	for (size_t g = 0; g < G_N_ELEMENTS(groups); g++)
		for (size_t i = 0; i < config_count(snapshot, groups[g]); i++) {
			const char *name = config_string(snapshot, groups[g], i, "name");
			if (name && leads_back(&walk, name))
				config_complain(report, groups[g], i, NULL,
						"leads back to itself by no_answer, busy or unregistered, its own or those of "
						"others: calls would go round");
		}
	g_hash_table_unref(walk.open);
	g_hash_table_unref(walk.done);
}
