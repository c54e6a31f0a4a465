#include "route/internal.h"
#include <string.h>

struct rule {
	const char *to; /* texts are the snapshot's */
	const char *replace;
	bool has_match;
	regex_t match;
};

struct route_table {
	struct config_snapshot *snapshot;
	size_t n_rules;
	struct rule *rules;
};

static const char *const builtin_names[] = {
    [ROUTE_BUILTIN_ECHO] = "echo",
    [ROUTE_BUILTIN_DELAYED_ECHO] = "delayed-echo",
    [ROUTE_BUILTIN_MILLIWATT] = "milliwatt",
    [ROUTE_BUILTIN_MUSIC] = "music",
    [ROUTE_BUILTIN_ANNOUNCEMENT] = NULL,
};

const char *route_target_name(enum route_target target)
{
	static const char *const names[] = {
	    [ROUTE_DENIED] = "denied",
	    [ROUTE_USER] = "user",
	    [ROUTE_TRUNK] = "trunk",
	    [ROUTE_BUILTIN] = "built-in",
	};
	return names[target];
}

const char *route_builtin_name(enum route_builtin builtin)
{
	return builtin_names[builtin];
}

int route_builtin_from_name(const char *name, enum route_builtin *ret_builtin)
{
	for (size_t i = 0; i < G_N_ELEMENTS(builtin_names); i++)
		if (!g_strcmp0(name, builtin_names[i])) {
			*ret_builtin = i;
			return 0;
		}
	return -ENOENT;
}

/* As FreeSWITCH numbers them. */
static int builtin_from_number(const char *number, enum route_builtin *ret_builtin)
{
	static const struct {
		const char *number;
		enum route_builtin builtin;
	} rows[] = {
	    {"9195", ROUTE_BUILTIN_DELAYED_ECHO},
	    {"9196", ROUTE_BUILTIN_ECHO},
	    {"9197", ROUTE_BUILTIN_MILLIWATT},
	    {"9198", ROUTE_BUILTIN_MUSIC},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (!strcmp(number, rows[i].number)) {
			*ret_builtin = rows[i].builtin;
			return 0;
		}
	return -ENOENT;
}

static bool is_reference(const char *text)
{
	return text[0] == '\\' && g_ascii_isdigit(text[1]);
}

int route_highest_reference(const char *replace)
{
	int highest = -1;
	for (const char *c = replace; *c; c++)
		if (is_reference(c))
			highest = MAX(highest, c[1] - '0');
	return highest;
}

bool route_substitute(const char *replace, const char *dialled, const regmatch_t match[static ROUTE_REFERENCES],
		      char number[static ROUTE_NUMBER_BYTES_MAX])
{
	size_t length = 0;
	for (const char *c = replace; *c; c++) {
		const char *part = c;
		size_t n = 1;
		if (is_reference(c)) {
			const regmatch_t *group = &match[*++c - '0'];
			n = group->rm_so < 0 ? 0 : group->rm_eo - group->rm_so; /* a group may have taken no part */
			part = dialled + (n ? group->rm_so : 0);
		}
		if (length + n >= ROUTE_NUMBER_BYTES_MAX)
			return false;
		memcpy(number + length, part, n);
		length += n;
	}
	number[length] = '\0';
	return length > 0;
}

struct route_table *route_table_free(struct route_table *table)
{
	if (!table)
		return NULL;
	for (size_t i = 0; i < table->n_rules; i++)
		if (table->rules[i].has_match)
			regfree(&table->rules[i].match);
	g_free(table->rules);
	config_unref(table->snapshot);
	g_free(table);
	return NULL;
}

int route_table_new(const struct config_snapshot *snapshot, struct route_table **ret_table)
{
	struct route_table *table = g_new0(struct route_table, 1);
	table->snapshot = config_ref(snapshot);
	table->n_rules = config_count(snapshot, "routes");
	table->rules = g_new0(struct rule, table->n_rules + 1);
	for (size_t i = 0; i < table->n_rules; i++) {
		struct rule *rule = &table->rules[i];
		const char *match = config_string(snapshot, "routes", i, "match");
		rule->to = config_string(snapshot, "routes", i, "to");
		rule->replace = config_string(snapshot, "routes", i, "replace");
		rule->has_match = match && regcomp(&rule->match, match, REG_EXTENDED) == 0;
		if (!rule->to || (match && !rule->has_match)) {
			route_table_free(table);
			return -EINVAL;
		}
	}
	*ret_table = table;
	return 0;
}

static void decide_user(const struct route_table *table, const char *name, struct route_decision *decision)
{
	if (config_find(table->snapshot, "users", name) < 0)
		return;
	decision->target = ROUTE_USER;
	base_copy_text(decision->name, sizeof decision->name, name);
}

static void decide_builtin(enum route_builtin builtin, const char *name, struct route_decision *decision)
{
	decision->target = ROUTE_BUILTIN;
	decision->builtin = builtin;
	base_copy_text(decision->name, sizeof decision->name, name);
}

/* False: nothing of ours is called so. */
static bool decide_named_builtin(const struct route_table *table, const char *name, struct route_decision *decision)
{
	enum route_builtin builtin;
	if (config_find(table->snapshot, "announcements", name) >= 0)
		builtin = ROUTE_BUILTIN_ANNOUNCEMENT;
	else if (route_builtin_from_name(name, &builtin) < 0)
		return false;
	decide_builtin(builtin, name, decision);
	return true;
}

static void decide_by_rule(const struct route_table *table, size_t index, const char *dialled,
			   const regmatch_t match[static ROUTE_REFERENCES], struct route_decision *decision)
{
	const struct rule *rule = &table->rules[index];
	decision->rule = index;
	if (!route_substitute(rule->replace ? rule->replace : "\\0", dialled, match, decision->number))
		return;
	if (!strcmp(rule->to, ROUTE_USER_WORD)) {
		decide_user(table, decision->number, decision);
	} else if (!decide_named_builtin(table, rule->to, decision) && config_find(table->snapshot, "trunks", rule->to) >= 0) {
		decision->target = ROUTE_TRUNK;
		base_copy_text(decision->name, sizeof decision->name, rule->to);
	}
}

static void decide_for_user(const struct route_table *table, const struct route_request *request,
			    struct route_decision *decision)
{
	const char *dialled = request->dialled;
	/* Without `replace` all of the number goes on, also where `match` fits a part of it only. */
	regmatch_t all[ROUTE_REFERENCES] = {{.rm_so = 0, .rm_eo = strlen(dialled)}};
	for (size_t i = 1; i < ROUTE_REFERENCES; i++)
		all[i].rm_so = all[i].rm_eo = -1;
	ssize_t last = -1;
	for (size_t i = 0; i < table->n_rules; i++) {
		const struct rule *rule = &table->rules[i];
		regmatch_t match[ROUTE_REFERENCES];
		if (request->is_beyond_us && config_find(table->snapshot, "trunks", rule->to) < 0)
			continue;
		if (!rule->has_match) {
			last = last < 0 ? (ssize_t)i : last;
		} else if (regexec(&rule->match, dialled, ROUTE_REFERENCES, match, 0) == 0) {
			decide_by_rule(table, i, dialled, rule->replace ? match : all, decision);
			return;
		}
	}
	enum route_builtin builtin;
	if (!request->is_beyond_us)
		decide_user(table, dialled, decision);
	if (decision->target == ROUTE_DENIED && !request->is_beyond_us && builtin_from_number(dialled, &builtin) == 0)
		decide_builtin(builtin, route_builtin_name(builtin), decision);
	if (decision->target == ROUTE_DENIED && last >= 0)
		decide_by_rule(table, last, dialled, all, decision);
}

static void decide_for_trunk(const struct route_table *table, const struct route_request *request,
			     struct route_decision *decision)
{
	if (!request->inbound)
		decide_user(table, request->dialled, decision);
	else if (!decide_named_builtin(table, request->inbound, decision))
		decide_user(table, request->inbound, decision);
}

void route_decide(const struct route_table *table, const struct route_request *request,
		  struct route_decision *ret_decision)
{
	*ret_decision = (struct route_decision){.target = ROUTE_DENIED, .rule = -1};
	if (!base_copy_text(ret_decision->number, sizeof ret_decision->number, request->dialled))
		return;
	if (request->trunk)
		decide_for_trunk(table, request, ret_decision);
	else if (*request->dialled)
		decide_for_user(table, request, ret_decision);
}
