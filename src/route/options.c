/* What stands in "routes", and what is wrong with it. What a trunk's `inbound` means is known here too. */
#include "route/internal.h"
#include "route/rule.h"
#include <string.h>

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
     .max = 63,
     .help = "Only then, by the machine's local time: \"mon-fri 08:00-18:00\", \"sat,sun\", \"22:00-06:00\"."},
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
     .help = "A trunk's or an announcement's name, \"user\", \"deny\", or \"echo\", \"delayed-echo\", \"milliwatt\", \"music\"."},
    {.name = "replace",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "What is called instead of the dialled number; \\1 to \\9 stand for the groups of match, \\0 for all it "
	     "fits."},
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

static const struct config_option user_rows[] = {
    {.name = "groups",
     .type = CONFIG_STRING,
     .is_list = true,
     .min = 1,
     .max = 64,
     .help = "Words that routes may ask for with group."},
    {0},
};

static bool is_reserved(const char *name)
{
	enum route_builtin builtin;
	return !strcmp(name, ROUTE_USER_WORD) || !strcmp(name, ROUTE_DENY_WORD) || route_builtin_from_name(name, &builtin) == 0;
}

static bool is_announcement(const struct config_snapshot *snapshot, const char *name)
{
	return config_find(snapshot, "announcements", name) >= 0;
}

/* Adds the keys of a list of groups. */
static void add_names(GPtrArray *names, const struct config_snapshot *snapshot, const char *group)
{
	for (size_t i = 0; i < config_count(snapshot, group); i++) {
		const char *name = config_string(snapshot, group, i, "name");
		if (name)
			g_ptr_array_add(names, (void *)name);
	}
}

/* Complains of a target that is not there, with the nearest that is. */
static void complain_of_target(const struct config_snapshot *snapshot, struct config_report *report, size_t index,
			       bool is_for_routes)
{
	const char *group = is_for_routes ? "routes" : "trunks", *option = is_for_routes ? "to" : "inbound";
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	add_names(names, snapshot, is_for_routes ? "trunks" : "users");
	add_names(names, snapshot, "announcements");
	for (enum route_builtin builtin = 0; builtin <= ROUTE_BUILTIN_MUSIC; builtin++)
		g_ptr_array_add(names, (void *)route_builtin_name(builtin));
	if (is_for_routes) {
		g_ptr_array_add(names, ROUTE_USER_WORD);
		g_ptr_array_add(names, ROUTE_DENY_WORD);
	}
	g_ptr_array_add(names, NULL);
	const char *near =
	    base_nearest_name(config_string(snapshot, group, index, option), (const char *const *)names->pdata);
	config_complain(report, group, index, option, "is \"%s\", which is no %s, announcement or built-in%s%s%s",
			config_string(snapshot, group, index, option), is_for_routes ? "trunk, \"user\"" : "user", near ? "; is \"" : "", near ? near : "",
			near ? "\" meant?" : "");
}

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
	struct route_period unused;
	check_expression(snapshot, report, i, "from");
	for (; *groups; groups++)
		if (!is_group(snapshot, *groups))
			config_warn(report, "routes", i, "group", "is \"%s\", which no user has among his groups", *groups);
	for (; *trunks; trunks++)
		if (config_find(snapshot, "trunks", *trunks) < 0)
			config_complain(report, "routes", i, "trunk", "is \"%s\", which is no trunk", *trunks);
	for (; *times; times++)
		if (route_period_parse(*times, &unused) < 0)
			config_complain(report, "routes", i, "time", "is \"%s\", which is no time: \"mon-fri 08:00-18:00\" is one",
					*times);
	if (*config_strings(snapshot, "routes", i, "trunk") && *config_strings(snapshot, "routes", i, "group"))
		config_complain(report, "routes", i, "group", "is for users, and trunk for calls of trunks: never both");
}

static void check_route(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *to = config_string(snapshot, "routes", i, "to");
	if (to && !is_reserved(to) && !is_announcement(snapshot, to) && config_find(snapshot, "trunks", to) < 0)
		complain_of_target(snapshot, report, i, true);
	check_number(snapshot, report, i);
	check_caller(snapshot, report, i);
}

static void check_trunk(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	enum route_builtin builtin;
	const char *name = config_string(snapshot, "trunks", i, "name");
	const char *inbound = config_string(snapshot, "trunks", i, "inbound");
	if (name && is_reserved(name))
		config_complain(report, "trunks", i, "name", "is \"%s\", which means something else in routes", name);
	if (inbound && !is_announcement(snapshot, inbound) && route_builtin_from_name(inbound, &builtin) < 0 &&
	    config_find(snapshot, "users", inbound) < 0)
		complain_of_target(snapshot, report, i, false);
}

/* Where it is named, nothing else may be meant. */
static void check_announcement(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *name = config_string(snapshot, "announcements", i, "name");
	if (name && (is_reserved(name) || config_find(snapshot, "trunks", name) >= 0 || config_find(snapshot, "users", name) >= 0))
		config_complain(report, "announcements", i, "name", "is \"%s\", which means something else already", name);
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
		check_trunk(snapshot, report, i);
	for (size_t i = 0; i < config_count(snapshot, "announcements"); i++)
		check_announcement(snapshot, report, i);
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

const struct config_table route_user_options = {
    .group = "users",
    .shape = CONFIG_LIST,
    .options = user_rows,
};
