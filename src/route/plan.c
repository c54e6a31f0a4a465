#include "route/plan.h"
#include "route/internal.h"
#include "route/rule.h"
#include <string.h>

struct route_plan {
	struct config_snapshot *snapshot;
	GPtrArray *stages; /* struct planned * */
};

struct planned {
	struct route_stage stage;
	struct route_statuses fallback_on;
	GPtrArray *users;  /* texts of the configuration, and a NULL; NULL: of no users */
	GArray *numbers;   /* struct route_decision; NULL: none */
	char *own_name;	   /* among `users`; NULL */
};

/* What a plan is made with. */
struct builder {
	const struct route_table *table;
	struct route_plan *plan;
	struct route_moment at;
	GHashTable *made; /* name of a user or group -> its first stage + 1: whoever comes twice is one stage */
};

const char *route_cause_name(enum route_cause cause)
{
	static const char *const names[] = {
		[ROUTE_CAUSE_UNREGISTERED] = "unregistered",
		[ROUTE_CAUSE_BUSY] = "busy",
		[ROUTE_CAUSE_NO_ANSWER] = "no_answer",
	};
	return names[cause];
}

enum route_cause route_cause_of_status(unsigned status)
{
	return status == 486 || status == 600 || status == 603 ? ROUTE_CAUSE_BUSY : ROUTE_CAUSE_NO_ANSWER;
}

static void planned_free(void *data)
{
	struct planned *planned = data;
	g_clear_pointer(&planned->users, g_ptr_array_unref);
	g_clear_pointer(&planned->numbers, g_array_unref);
	g_free(planned->own_name);
	g_free(planned);
}

static struct planned *at(const struct route_plan *plan, int index)
{
	return plan->stages->pdata[index];
}

/* -1: there are enough. */
static int add(struct builder *builder, const struct route_decision *to)
{
	if (builder->plan->stages->len >= ROUTE_STAGES_MAX)
		return -1;
	struct planned *planned = g_new0(struct planned, 1);
	planned->stage = (struct route_stage){.to = *to, .fallback = -1, .next = {-1, -1, -1}};
	g_ptr_array_add(builder->plan->stages, planned);
	return (int)builder->plan->stages->len - 1;
}

/* One more who rings there. */
static void add_user(struct planned *planned, const char *user)
{
	if (!planned->users)
		planned->users = g_ptr_array_new();
	else
		g_ptr_array_set_size(planned->users, (gint)planned->users->len - 1);
	if (user)
		g_ptr_array_add(planned->users, (void *)user);
	g_ptr_array_add(planned->users, NULL);
	planned->stage.users = (const char *const *)planned->users->pdata;
}

static void add_number(struct planned *planned, const struct route_decision *to)
{
	if (!planned->numbers)
		planned->numbers = g_array_new(FALSE, FALSE, sizeof *to);
	g_array_append_vals(planned->numbers, to, 1);
	planned->stage.numbers = &g_array_index(planned->numbers, struct route_decision, 0);
	planned->stage.n_numbers = planned->numbers->len;
}

static int plan_step(struct builder *builder, const struct route_decision *to, size_t n_fallbacks);

/* `user` NULL: it is dialled for nobody in particular. */
static void decide_number(struct builder *builder, const char *user, const char *number, struct route_decision *ret_to)
{
	struct route_request request = {.dialled = number, .caller = user, .at = builder->at};
	route_decide(builder->table, &request, ret_to);
	ret_to->is_as_dialled = false;
}

/* Where a target of a user or a group leads: to one of ours or, for users, to a number as if he dialled it himself. */
static int plan_word(struct builder *builder, const char *user, const char *word)
{
	struct route_decision to;
	if (!word)
		return -1;
	if (!route_decide_name(builder->table, word, &to))
		decide_number(builder, user, word, &to);
	return plan_step(builder, &to, 0);
}

static void plan_causes(struct builder *builder, int index, const char *group, size_t entry, const char *user)
{
	for (int cause = 0; cause < ROUTE_CAUSES; cause++) {
		const char *word = config_string(builder->plan->snapshot, group, entry, route_cause_name(cause));
		int next = plan_word(builder, user, word);
		at(builder->plan, index)->stage.next[cause] = next;
	}
}

static int plan_user(struct builder *builder, const struct route_decision *to)
{
	const struct config_snapshot *snapshot = builder->plan->snapshot;
	ssize_t user = config_find(snapshot, "users", to->name);
	int index = add(builder, to);
	if (index < 0)
		return index;
	struct planned *planned = at(builder->plan, index);
	planned->own_name = g_strdup(to->name);
	add_user(planned, planned->own_name);
	if (user < 0 || *to->device) /* who means one device means nobody else */
		return index;
	struct route_stage *stage = &planned->stage;
	stage->meant = stage->users[0];
	if (config_string(snapshot, "users", (size_t)user, "no_answer"))
		stage->ring_s = (unsigned)config_integer(snapshot, "users", (size_t)user, "no_answer_seconds");
	g_hash_table_insert(builder->made, (void *)stage->meant, GINT_TO_POINTER(index + 1));
	plan_causes(builder, index, "users", (size_t)user, stage->meant);
	return index;
}

/* A user, or a number that is called over a trunk. */
static void plan_member(struct builder *builder, int index, const char *member)
{
	struct planned *planned = at(builder->plan, index);
	struct route_decision to;
	if (config_find(builder->plan->snapshot, "users", member) >= 0) {
		add_user(planned, member);
		return;
	}
	decide_number(builder, NULL, member, &to);
	add_user(planned, NULL);
	add_number(planned, &to);
}

static int plan_group(struct builder *builder, const struct route_decision *to)
{
	const struct config_snapshot *snapshot = builder->plan->snapshot;
	size_t group = (size_t)config_find(snapshot, "ring_groups", to->name);
	const char *const *members = config_strings(snapshot, "ring_groups", group, "members");
	bool is_in_turn = config_enum(snapshot, "ring_groups", group, "strategy") == ROUTE_STRATEGY_IN_TURN;
	int first = -1, last = -1;
	for (size_t i = 0; members[i] && (is_in_turn || i == 0); i++) {
		int index = add(builder, to);
		if (index < 0)
			break;
		for (size_t k = i; members[k] && (k == i || !is_in_turn); k++)
			plan_member(builder, index, members[k]);
		struct route_stage *stage = &at(builder->plan, index)->stage;
		stage->is_next_member = i > 0;
		stage->meant = config_string(snapshot, "ring_groups", group, "name");
		stage->ring_s = (unsigned)config_integer(snapshot, "ring_groups", group, "ring_seconds");
		for (int cause = 0; last >= 0 && cause < ROUTE_CAUSES; cause++)
			at(builder->plan, last)->stage.next[cause] = index;
		first = first < 0 ? index : first;
		last = index;
	}
	if (first < 0)
		return -1;
	g_hash_table_insert(builder->made, (void *)at(builder->plan, first)->stage.meant, GINT_TO_POINTER(first + 1));
	plan_causes(builder, last, "ring_groups", group, NULL);
	return first;
}

static int plan_target(struct builder *builder, const struct route_decision *to)
{
	bool is_ours = to->target == ROUTE_USER || to->target == ROUTE_GROUP;
	gpointer made = is_ours && !*to->device ? g_hash_table_lookup(builder->made, to->name) : NULL;
	if (made)
		return GPOINTER_TO_INT(made) - 1;
	if (to->target == ROUTE_USER)
		return plan_user(builder, to);
	return to->target == ROUTE_GROUP ? plan_group(builder, to) : add(builder, to);
}

/* The target, and behind its last stage the fallbacks of its route that come after the first `n_fallbacks`. */
static int plan_step(struct builder *builder, const struct route_decision *to, size_t n_fallbacks)
{
	if (to->target == ROUTE_DENIED || to->target == ROUTE_REFUSED)
		return -1;
	int first = plan_target(builder, to), last = first;
	const struct route_rule *rule = to->rule < 0 ? NULL : route_table_rule(builder->table, (size_t)to->rule);
	const char *word = rule ? rule->fallbacks[n_fallbacks] : NULL;
	struct route_decision next = *to;
	if (first < 0 || !word)
		return first;
	while (route_plan_stage(builder->plan, last + 1) && at(builder->plan, last + 1)->stage.is_next_member)
		last++;
	*next.name = *next.device = '\0';
	route_decide_to(builder->table, word, &next);
	at(builder->plan, last)->fallback_on = rule->fallback_on;
	int fallback = plan_step(builder, &next, n_fallbacks + 1);
	at(builder->plan, last)->stage.fallback = fallback;
	return first;
}

struct route_plan *route_plan_new(const struct route_table *table, const struct route_decision *first, struct route_moment at)
{
	struct route_plan *plan = g_new0(struct route_plan, 1);
	plan->snapshot = config_ref(route_table_snapshot(table));
	plan->stages = g_ptr_array_new_with_free_func(planned_free);
	struct builder builder = {.table = table, .plan = plan, .at = at, .made = g_hash_table_new(g_str_hash, g_str_equal)};
	plan_step(&builder, first, 0);
	g_hash_table_unref(builder.made);
	return plan;
}

struct route_plan *route_plan_free(struct route_plan *plan)
{
	if (!plan)
		return NULL;
	g_ptr_array_unref(plan->stages);
	config_unref(plan->snapshot);
	g_free(plan);
	return NULL;
}

const struct route_stage *route_plan_stage(const struct route_plan *plan, int index)
{
	return index >= 0 && index < (int)plan->stages->len ? &at(plan, index)->stage : NULL;
}

int route_plan_next(const struct route_plan *plan, int index, enum route_cause cause, unsigned status)
{
	const struct planned *planned = at(plan, index);
	int next = planned->stage.users ? planned->stage.next[cause] : -1;
	return next >= 0 || !route_statuses_have(&planned->fallback_on, status) ? next : planned->stage.fallback;
}
