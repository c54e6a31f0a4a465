#include "route/internal.h"
#include "route/rule.h"
#include <string.h>

struct route_table {
	struct config_snapshot *snapshot;
	size_t n_rules;
	struct route_rule *rules;
	struct route_numbering numbering;
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
	    [ROUTE_REFUSED] = "refused",
	    [ROUTE_USER] = "user",
	    [ROUTE_GROUP] = "ring group",
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

struct route_table *route_table_free(struct route_table *table)
{
	if (!table)
		return NULL;
	for (size_t i = 0; i < table->n_rules; i++)
		route_rule_clear(&table->rules[i]);
	g_free(table->rules);
	config_unref(table->snapshot);
	g_free(table);
	return NULL;
}

int route_table_new(const struct config_snapshot *snapshot, struct route_table **ret_table)
{
	struct route_table *table = g_new0(struct route_table, 1);
	table->snapshot = config_ref(snapshot);
	table->numbering = (struct route_numbering){
		.country_code = config_string(snapshot, "numbers", 0, "country_code"),
		.international_prefix = config_string(snapshot, "numbers", 0, "international_prefix"),
		.national_prefix = config_string(snapshot, "numbers", 0, "national_prefix"),
	};
	size_t n_rules = config_count(snapshot, "routes");
	table->rules = g_new0(struct route_rule, n_rules + 1);
	for (; table->n_rules < n_rules; table->n_rules++)
		if (route_rule_init(&table->rules[table->n_rules], snapshot, table->n_rules) < 0) {
			route_table_free(table);
			return -EINVAL;
		}
	*ret_table = table;
	return 0;
}

bool route_table_number(const struct route_table *table, const char *dialled, char number[static ROUTE_NUMBER_BYTES_MAX])
{
	return route_number_normalise(dialled, &table->numbering, number);
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
static bool decide_service(const struct route_table *table, const char *name, struct route_decision *decision)
{
	enum route_builtin builtin;
	if (config_find(table->snapshot, "ring_groups", name) >= 0) {
		decision->target = ROUTE_GROUP;
		base_copy_text(decision->name, sizeof decision->name, name);
		return true;
	}
	if (config_find(table->snapshot, "announcements", name) >= 0)
		builtin = ROUTE_BUILTIN_ANNOUNCEMENT;
	else if (route_builtin_from_name(name, &builtin) < 0)
		return false;
	decide_builtin(builtin, name, decision);
	return true;
}

bool route_decide_name(const struct route_table *table, const char *name, struct route_decision *ret_decision)
{
	*ret_decision = (struct route_decision){.target = ROUTE_DENIED, .rule = -1};
	base_copy_text(ret_decision->number, sizeof ret_decision->number, name);
	if (!decide_service(table, name, ret_decision))
		decide_user(table, name, ret_decision);
	return ret_decision->target != ROUTE_DENIED;
}

void route_decide_to(const struct route_table *table, const char *to, struct route_decision *decision)
{
	decision->target = ROUTE_DENIED;
	if (!strcmp(to, ROUTE_DENY_WORD)) {
		decision->target = ROUTE_REFUSED;
	} else if (!decide_service(table, to, decision) && *decision->number && config_find(table->snapshot, "trunks", to) >= 0) {
		decision->target = ROUTE_TRUNK;
		base_copy_text(decision->name, sizeof decision->name, to);
	}
}

const struct config_snapshot *route_table_snapshot(const struct route_table *table)
{
	return table->snapshot;
}

const struct route_rule *route_table_rule(const struct route_table *table, size_t index)
{
	return &table->rules[index];
}

/* Who is called by the number: as it was written, since "12-34" may be a name, or as it is compared. */
static void decide_dialled_user(const struct route_table *table, const struct route_request *request, const char *number,
				struct route_decision *decision)
{
	decide_user(table, request->dialled, decision);
	if (decision->target == ROUTE_DENIED)
		decide_user(table, number, decision);
}

static void decide_by_rule(const struct route_table *table, size_t index, const struct route_question *question,
			   const regmatch_t match[static ROUTE_REFERENCES], struct route_decision *decision)
{
	const struct route_rule *rule = &table->rules[index];
	decision->rule = index;
	decision->is_as_dialled = !rule->replace;
	decision->is_emergency = rule->is_emergency;
	if (!route_substitute(rule->replace ? rule->replace : "\\0", question->number, match, decision->number))
		*decision->number = '\0';
	if (strcmp(rule->to, ROUTE_USER_WORD) != 0)
		route_decide_to(table, rule->to, decision);
	else if (rule->replace)
		decide_user(table, decision->number, decision);
	else
		decide_dialled_user(table, question->request, decision->number, decision);
}

static enum route_misfit try_rule(const struct route_table *table, size_t index, const struct route_question *question,
				  regmatch_t match[static ROUTE_REFERENCES])
{
	const struct route_request *request = question->request;
	const struct route_rule *rule = &table->rules[index];
	enum route_misfit misfit = route_rule_try(rule, question, match);
	if (misfit == ROUTE_FITS && !request->trunk && !rule->has_match)
		misfit = ROUTE_FITS_LATER;
	if (request->looked_at)
		request->looked_at(request->data, index, misfit);
	return misfit;
}

/* A user or a built-in of ours. */
static void decide_ours(const struct route_table *table, const struct route_question *question,
			struct route_decision *decision)
{
	enum route_builtin builtin;
	decide_dialled_user(table, question->request, question->number, decision);
	if (decision->target == ROUTE_DENIED && builtin_from_number(question->number, &builtin) == 0)
		decide_builtin(builtin, route_builtin_name(builtin), decision);
}

static void decide_for_user(const struct route_table *table, const struct route_question *question,
			    struct route_decision *decision)
{
	const struct route_request *request = question->request;
	regmatch_t match[ROUTE_REFERENCES];
	ssize_t last = -1;
	for (size_t i = 0; i < table->n_rules; i++) {
		if (request->is_beyond_us && config_find(table->snapshot, "trunks", table->rules[i].to) < 0)
			continue;
		enum route_misfit misfit = try_rule(table, i, question, match);
		if (misfit == ROUTE_FITS) {
			decide_by_rule(table, i, question, match, decision);
			return;
		}
		if (misfit == ROUTE_FITS_LATER && last < 0)
			last = i;
	}
	if (!request->is_beyond_us)
		decide_ours(table, question, decision);
	if (decision->target == ROUTE_DENIED && last >= 0 &&
	    route_rule_try(&table->rules[last], question, match) == ROUTE_FITS)
		decide_by_rule(table, last, question, match, decision);
}

static void decide_for_trunk(const struct route_table *table, const struct route_question *question,
			     struct route_decision *decision)
{
	const struct route_request *request = question->request;
	regmatch_t match[ROUTE_REFERENCES];
	for (size_t i = 0; i < table->n_rules; i++)
		if (try_rule(table, i, question, match) == ROUTE_FITS) {
			decide_by_rule(table, i, question, match, decision);
			return;
		}
	if (!request->inbound)
		decide_dialled_user(table, request, question->number, decision);
	else
		route_decide_name(table, request->inbound, decision);
}

static const char *const *groups_of(const struct route_table *table, const struct route_request *request)
{
	if (request->groups && *request->groups)
		return request->groups;
	ssize_t user = request->trunk || !request->caller ? -1 : config_find(table->snapshot, "users", request->caller);
	return user < 0 ? NULL : config_strings(table->snapshot, "users", (size_t)user, "groups");
}

void route_decide(const struct route_table *table, const struct route_request *request,
		  struct route_decision *ret_decision)
{
	char caller[ROUTE_NUMBER_BYTES_MAX] = "";
	*ret_decision = (struct route_decision){.target = ROUTE_DENIED, .rule = -1, .is_as_dialled = true};
	if (!route_number_normalise(request->dialled, &table->numbering, ret_decision->number) ||
	    (request->caller && !route_number_normalise(request->caller, &table->numbering, caller)))
		return;
	char number[ROUTE_NUMBER_BYTES_MAX];
	base_copy_text(number, sizeof number, ret_decision->number);
	struct route_question question = {
		.request = request,
		.number = number,
		.caller = request->caller && !request->trunk ? request->caller : caller, /* a name is no number */
		.groups = groups_of(table, request),
	};
	if (request->trunk)
		decide_for_trunk(table, &question, ret_decision);
	else if (*number)
		decide_for_user(table, &question, ret_decision);
}
