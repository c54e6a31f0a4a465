/* What stands in "routes", and what is wrong with it. What a trunk's `inbound` means is known here too. */
#include "route/internal.h"
#include <string.h>

static const struct config_option rows[] = {
    {.name = "match",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "A POSIX extended regular expression on the dialled number or name; the entry without one takes what "
	     "nothing else takes."},
    {.name = "to",
     .type = CONFIG_STRING,
     .is_required = true,
     .max = 255,
     .help = "A trunk's or an announcement's name, \"user\", or \"echo\", \"delayed-echo\", \"milliwatt\", \"music\"."},
    {.name = "replace",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "What is called instead of the dialled number; \\1 to \\9 stand for the groups of match, \\0 for all it "
	     "fits."},
    {0},
};

static bool is_reserved(const char *name)
{
	enum route_builtin builtin;
	return !strcmp(name, ROUTE_USER_WORD) || route_builtin_from_name(name, &builtin) == 0;
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
	if (is_for_routes)
		g_ptr_array_add(names, ROUTE_USER_WORD);
	g_ptr_array_add(names, NULL);
	const char *near =
	    base_nearest_name(config_string(snapshot, group, index, option), (const char *const *)names->pdata);
	config_complain(report, group, index, option, "is \"%s\", which is no %s, announcement or built-in%s%s%s",
			config_string(snapshot, group, index, option), is_for_routes ? "trunk, \"user\"" : "user", near ? "; is \"" : "", near ? near : "",
			near ? "\" meant?" : "");
}

static void check_expression(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *match = config_string(snapshot, "routes", i, "match");
	const char *replace = config_string(snapshot, "routes", i, "replace");
	int highest = replace ? route_highest_reference(replace) : -1;
	regex_t expression;
	int result = match ? regcomp(&expression, match, REG_EXTENDED) : 0;
	if (result) {
		char text[128];
		regerror(result, &expression, text, sizeof text);
		config_complain(report, "routes", i, "match", "is no regular expression: %s", text);
		return;
	}
	int n_groups = match ? (int)expression.re_nsub : 0;
	if (match)
		regfree(&expression);
	if (highest > n_groups)
		config_complain(report, "routes", i, "replace",
				"refers to \\%d, but match has %d groups in parentheses", highest, n_groups);
}

static void check_route(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *to = config_string(snapshot, "routes", i, "to");
	if (to && !is_reserved(to) && !is_announcement(snapshot, to) && config_find(snapshot, "trunks", to) < 0)
		complain_of_target(snapshot, report, i, true);
	check_expression(snapshot, report, i);
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

static void check_routes(const struct config_snapshot *snapshot, struct config_report *report)
{
	ssize_t first = -1;
	for (size_t i = 0; i < config_count(snapshot, "routes"); i++) {
		check_route(snapshot, report, i);
		if (config_is_written(snapshot, "routes", i, "match"))
			continue;
		if (first >= 0)
			config_complain(report, "routes", i, NULL,
					"is never used: routes[%zd] has no match either and comes first", first);
		else
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
