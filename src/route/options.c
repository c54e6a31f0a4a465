/* What stands in "routes", and what is wrong with it. */
#include "route/internal.h"
#include "route/plan.h"
#include "route/rule.h"

#define ROUTE_MEMBERS_MAX 32

static const struct config_option rows[] = {
    {.name = "match",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "A POSIX extended regular expression on the dialled number or name; the entry without one takes what "
	     "nothing else takes."},
    {.name = "from",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "A POSIX extended regular expression on who calls: a user's name, or the number of a trunk's caller."},
    {.name = "group", .type = CONFIG_STRING, .is_list = true, .min = 1, .max = 64, .help = "Only for users of one of these groups."},
    {.name = "time",
     .type = CONFIG_STRING,
     .is_list = true,
     .min = 1,
     .max = 255,
     .help = "Only then, by the machine's local time: \"mon-fri 08:00-18:00\", \"sat,sun\", \"22:00-06:00\"; on dates: \"2026-12-24..2026-12-26\", "
	     "\"12-25\" each year, or the name of a calendar, and \"12-24 12:00-24:00\"."},
    {.name = "trunk",
     .type = CONFIG_STRING,
     .is_list = true,
     .max = 64,
     .help = "Only for calls that come from one of these trunks, before their inbound; no other route is for a trunk's calls. To "
	     "another trunk they go at your cost."},
    {.name = "to",
     .type = CONFIG_STRING,
     .is_required = true,
     .max = 255,
     .help = "The name of a trunk, a ring group or an announcement, \"user\", \"deny\", or \"echo\", \"delayed-echo\", \"milliwatt\", \"music\"."},
    {.name = "replace",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "What is called instead of the dialled number; \\1 to \\9 stand for the groups of match, \\0 for all it "
	     "fits."},
    {.name = "fallback",
     .type = CONFIG_STRING,
     .is_list = true,
     .max = 255,
     .help = "Who is tried, one after another, when the one before has failed: names as in to."},
    {.name = "fallback_on",
     .type = CONFIG_STRING,
     .is_list = true,
     .max = 7,
     .fallback = "408,500-599",
     .help = "Which answers are such a failure; the default has none by which the called party speaks (404, 486, 603)."},
    {.name = "emergency",
     .type = CONFIG_BOOLEAN,
     .fallback = "false",
     .help = "No limit is for these calls."},
    {0},
};

static const struct config_option number_rows[] = {
    {.name = "country_code",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 3,
     .help = "Of where the gateway is, such as \"49\": numbers behind the prefixes become international ones (+49...) before they "
	     "are compared."},
    {.name = "international_prefix",
     .type = CONFIG_STRING,
     .max = 7,
     .fallback = "00",
     .help = "What is dialled before another country's code."},
    {.name = "national_prefix", .type = CONFIG_STRING, .max = 7, .help = "What is dialled before an area code, such as \"0\"."},
    {0},
};

static const char *const strategies[] = {
    [ROUTE_STRATEGY_ALL] = "all",
    [ROUTE_STRATEGY_IN_TURN] = "in_turn",
    NULL,
};

static const struct config_option group_rows[] = {
    {.name = "name",
     .type = CONFIG_STRING,
     .is_required = true,
     .is_key = true,
     .min = 1,
     .max = 64,
     .help = "For routes[].to, trunks[].inbound and wherever a call may go on to."},
    {.name = "members", .type = CONFIG_STRING, .is_list = true, .is_required = true, .max = 64,
     .help = "Users, and numbers that routes take to a trunk as if somebody of no group dialled them."},
    {.name = "strategy",
     .type = CONFIG_ENUM,
     .names = strategies,
     .fallback = "all",
     .help = "Whether all ring at once, or one after another."},
    {.name = "ring_seconds",
     .type = CONFIG_INTEGER,
     .min = 1,
     .max = 3600,
     .fallback = "20",
     .help = "How long they ring; in turn each of them."},
    {.name = "no_answer",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "Where calls go that nobody answers: a user, a ring group, an announcement or a built-in."},
    {.name = "busy", .type = CONFIG_STRING, .min = 1, .max = 255, .help = "Where calls go when all who are there refuse; as no_answer."},
    {.name = "unregistered", .type = CONFIG_STRING, .min = 1, .max = 255, .help = "Where calls go when nobody is there; as no_answer."},
    {0},
};

static const struct config_option user_rows[] = {
    {.name = "groups",
     .type = CONFIG_STRING,
     .is_list = true,
     .min = 1,
     .max = 64,
     .help = "Words that routes may ask for with group."},
    {.name = "no_answer",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "Where his calls go that he does not answer: a user, a ring group, an announcement, a built-in, or a number as if he "
	     "dialled it."},
    {.name = "no_answer_seconds",
     .type = CONFIG_INTEGER,
     .min = 1,
     .max = 3600,
     .fallback = "20",
     .help = "How long he rings before no_answer."},
    {.name = "busy", .type = CONFIG_STRING, .min = 1, .max = 255, .help = "Where calls go that he refuses; as no_answer."},
    {.name = "unregistered",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "Where calls go while no device of his is there; as no_answer."},
    {0},
};

/* The groups in parentheses that it has; 0 of none. */
static int check_expression(const struct config_snapshot *snapshot, struct config_report *report, size_t i, const char *option)
{
	const char *text = config_string(snapshot, "routes", i, option);
	regex_t expression;
	int result = text ? regcomp(&expression, text, REG_EXTENDED) : 0;
	if (result) {
		char problem[128];
		regerror(result, &expression, problem, sizeof problem);
		config_complain(report, "routes", i, option, "is no regular expression: %s", problem);
		return ROUTE_REFERENCES;
	}
	int n_groups = text ? (int)expression.re_nsub : 0;
	if (text)
		regfree(&expression);
	return n_groups;
}

static void check_number(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *replace = config_string(snapshot, "routes", i, "replace");
	int highest = replace ? route_highest_reference(replace) : -1;
	int n_groups = check_expression(snapshot, report, i, "match");
	if (highest > n_groups)
		config_complain(report, "routes", i, "replace",
				"refers to \\%d, but match has %d groups in parentheses", highest, n_groups);
}

static bool is_group(const struct config_snapshot *snapshot, const char *group)
{
	for (size_t i = 0; i < config_count(snapshot, "users"); i++)
		if (g_strv_contains(config_strings(snapshot, "users", i, "groups"), group))
			return true;
	return false;
}

static void check_caller(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *const *groups = config_strings(snapshot, "routes", i, "group");
	const char *const *trunks = config_strings(snapshot, "routes", i, "trunk");
	const char *const *times = config_strings(snapshot, "routes", i, "time");
	struct route_period period;
	check_expression(snapshot, report, i, "from");
	for (; *groups; groups++)
		if (!is_group(snapshot, *groups))
			config_warn(report, "routes", i, "group", "is \"%s\", which no user has among his groups", *groups);
	for (; *trunks; trunks++)
		if (config_find(snapshot, "trunks", *trunks) < 0)
			config_complain(report, "routes", i, "trunk", "is \"%s\", which is no trunk", *trunks);
	for (; *times; times++)
		if (route_period_parse(*times, snapshot, &period) < 0)
			config_complain(report, "routes", i, "time",
					"is \"%s\", which is no time: \"mon-fri 08:00-18:00\", \"12-24..12-26\" and names of calendars are some", *times);
		else
			route_period_clear(&period);
	if (*config_strings(snapshot, "routes", i, "trunk") && *config_strings(snapshot, "routes", i, "group"))
		config_complain(report, "routes", i, "group", "is for users, and trunk for calls of trunks: never both");
}

static void check_fallback(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *const *statuses = config_strings(snapshot, "routes", i, "fallback_on");
	struct route_statuses unused;
	for (; *statuses; statuses++)
		if (route_statuses_add(&unused, *statuses) < 0)
			config_complain(report, "routes", i, "fallback_on", "is \"%s\", which is neither a final status nor a range of them",
					*statuses);
	if (config_is_written(snapshot, "routes", i, "fallback_on") && !*config_strings(snapshot, "routes", i, "fallback"))
		config_complain(report, "routes", i, "fallback_on", "needs a fallback");
}

static void check_route(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	route_check_target(snapshot, report, "routes", i, "to");
	route_check_target(snapshot, report, "routes", i, "fallback");
	check_fallback(snapshot, report, i);
	check_number(snapshot, report, i);
	check_caller(snapshot, report, i);
}

/* Whether it takes whatever comes so far. */
static bool is_for_all(const struct config_snapshot *snapshot, size_t i)
{
	static const char *const conditions[] = {"match", "from", "group", "time", "trunk"};
	for (size_t k = 0; k < G_N_ELEMENTS(conditions); k++)
		if (config_is_written(snapshot, "routes", i, conditions[k]))
			return false;
	return true;
}

static void check_routes(const struct config_snapshot *snapshot, struct config_report *report)
{
	ssize_t first = -1;
	for (size_t i = 0; i < config_count(snapshot, "routes"); i++) {
		check_route(snapshot, report, i);
		bool is_default = !config_is_written(snapshot, "routes", i, "match") &&
				  !config_is_written(snapshot, "routes", i, "trunk");
		if (first >= 0 && is_default)
			config_complain(report, "routes", i, NULL,
					"is never used: routes[%zd] takes all that has no match, and comes first", first);
		else if (first < 0 && is_for_all(snapshot, i))
			first = i;
	}
	for (size_t i = 0; i < config_count(snapshot, "trunks"); i++)
		route_check_target(snapshot, report, "trunks", i, "inbound");
	route_check_names(snapshot, report);
	route_check_loops(snapshot, report);
}

const struct config_table route_options = {
    .group = "routes",
    .shape = CONFIG_LIST,
    .options = rows,
    .check = check_routes,
};

static void check_numbers(const struct config_snapshot *snapshot, struct config_report *report)
{
	static const char *const names[] = {"country_code", "international_prefix", "national_prefix"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *text = config_string(snapshot, "numbers", 0, names[i]);
		if (text && text[strspn(text, "0123456789")])
			config_complain(report, "numbers", 0, names[i], "is \"%s\", and wants digits only", text);
	}
	if (config_is_written(snapshot, "numbers", 0, "national_prefix") && !config_string(snapshot, "numbers", 0, "country_code"))
		config_complain(report, "numbers", 0, "national_prefix", "needs a country_code");
}

const struct config_table route_number_options = {
    .group = "numbers",
    .shape = CONFIG_GROUP,
    .options = number_rows,
    .check = check_numbers,
};

static void check_causes(const struct config_snapshot *snapshot, struct config_report *report, const char *group, size_t i)
{
	for (int cause = 0; cause < ROUTE_CAUSES; cause++)
		route_check_target(snapshot, report, group, i, route_cause_name(cause));
}

static void check_groups(const struct config_snapshot *snapshot, struct config_report *report)
{
	for (size_t i = 0; i < config_count(snapshot, "ring_groups"); i++) {
		const char *const *members = config_strings(snapshot, "ring_groups", i, "members");
		if (g_strv_length((char **)members) > ROUTE_MEMBERS_MAX)
			config_complain(report, "ring_groups", i, "members", "are more than %d", ROUTE_MEMBERS_MAX);
		if (config_is_written(snapshot, "ring_groups", i, "members") && !*members)
			config_complain(report, "ring_groups", i, "members", "are none");
		route_check_target(snapshot, report, "ring_groups", i, "members");
		check_causes(snapshot, report, "ring_groups", i);
	}
}

const struct config_table route_group_options = {
    .group = "ring_groups",
    .shape = CONFIG_LIST,
    .options = group_rows,
    .check = check_groups,
};

static void check_users(const struct config_snapshot *snapshot, struct config_report *report)
{
	for (size_t i = 0; i < config_count(snapshot, "users"); i++) {
		check_causes(snapshot, report, "users", i);
		if (config_is_written(snapshot, "users", i, "no_answer_seconds") && !config_string(snapshot, "users", i, "no_answer"))
			config_complain(report, "users", i, "no_answer_seconds", "needs a no_answer");
	}
}

const struct config_table route_user_options = {
    .group = "users",
    .shape = CONFIG_LIST,
    .options = user_rows,
    .check = check_users,
};
