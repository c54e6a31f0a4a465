/* "tandem route": where a call would go, and why, without calling. */
#include "daemon/daemon.h"
#include "route/calendar.h"
#include "route/plan.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USAGE_STATUS 2

static const char usage[] =
	"usage: tandem route NUMBER --from CALLER [--trunk NAME] [--time \"2026-11-23 09:00\"] -c FILE\n"
	"       CALLER is a user, or, with --trunk, whom that trunk says is calling\n";

struct command {
	const char *path, *number, *caller, *trunk, *time;
	struct config_snapshot *snapshot;
};

static void line(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void line(const char *name, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	printf("%-10s ", name);
	vprintf(format, arguments);
	putchar('\n');
	va_end(arguments);
}

/* What the route asks for that the call does not have. */
static void tell_misfit(const struct config_snapshot *snapshot, size_t rule, enum route_misfit misfit, GString *text)
{
	static const struct {
		const char *option, *words;
		bool is_list;
	} rows[] = {
		[ROUTE_FITS] = {NULL, "fits"},
		[ROUTE_MISFIT_TRUNK] = {"trunk", "is for calls from", true},
		[ROUTE_MISFIT_NUMBER] = {"match", "is for numbers like"},
		[ROUTE_MISFIT_CALLER] = {"from", "is for callers like"},
		[ROUTE_MISFIT_GROUP] = {"group", "is for the group", true},
		[ROUTE_MISFIT_TIME] = {"time", "is for the time", true},
		[ROUTE_FITS_LATER] = {NULL, "fits, after users and built-in numbers"},
	};
	const char *option = rows[misfit].option;
	g_string_append(text, rows[misfit].words);
	if (!option)
		return;
	if (!rows[misfit].is_list) {
		g_string_append_printf(text, " \"%s\"", config_string(snapshot, "routes", rule, option));
		return;
	}
	const char *const *items = config_strings(snapshot, "routes", rule, option);
	if (!*items)
		g_string_append(text, " users");
	for (size_t i = 0; items[i]; i++)
		g_string_append_printf(text, "%s \"%s\"", i ? "," : "", items[i]);
}

static void looked_at(void *data, size_t rule, enum route_misfit misfit)
{
	const struct command *command = data;
	g_autofree char *name = g_strdup_printf("routes[%zu]", rule);
	g_autoptr(GString) text = g_string_new(NULL);
	tell_misfit(command->snapshot, rule, misfit, text);
	line(name, "%s", text->str);
}

static void tell_caller(const struct command *command)
{
	ssize_t user = command->trunk ? -1 : config_find(command->snapshot, "users", command->caller);
	if (command->trunk) {
		line("from", "%s, by trunk %s", command->caller, command->trunk);
		return;
	}
	if (user < 0) { /* known to a trunk's peer, or to nobody: the configuration may allow for both */
		line("from", "%s, who is not among users", command->caller);
		return;
	}
	const char *const *groups = config_strings(command->snapshot, "users", (size_t)user, "groups");
	g_autofree char *text = g_strjoinv(", ", (char **)groups);
	line("from", "%s%s%s", command->caller, *groups ? ", of " : "", text);
}

static void tell_time(const struct command *command, struct route_moment at)
{
	g_autofree char *time = route_moment_describe(at);
	g_autofree const char **names = route_calendars_of(command->snapshot, at.day);
	g_autofree char *calendars = g_strjoinv(", ", (char **)names);
	line("time", "%s%s%s", time, *names ? ", in " : "", calendars);
}

/* As the trunk will hear it. */
static void tell_caller_id(const struct command *command, const char *trunk_name)
{
	ssize_t user = command->trunk ? -1 : config_find(command->snapshot, "users", command->caller);
	ssize_t trunk = config_find(command->snapshot, "trunks", trunk_name);
	const char *own = user < 0 ? NULL : *config_strings(command->snapshot, "users", (size_t)user, "caller_id");
	const char *shared = user < 0 ? NULL : config_string(command->snapshot, "trunks", (size_t)trunk, "caller_id");
	const char *number = own ? own : shared ? shared : command->caller;
	line("caller id", "%s, %s", number, own ? "the user's" : shared ? "the trunk's" : "as who calls is named");
}

static void tell_limits(const struct command *command, const char *group, const char *what, const char *name)
{
	ssize_t entry = config_find(command->snapshot, group, name);
	int64_t limit = entry < 0 ? 0 : config_integer(command->snapshot, group, (size_t)entry, "calls_limit");
	int64_t rate = entry < 0 ? 0 : config_integer(command->snapshot, group, (size_t)entry, "calls_per_second");
	if (limit)
		line("limit", "%s %s: %" G_GINT64_FORMAT " calls", what, name, limit);
	if (rate)
		line("limit", "%s %s: %" G_GINT64_FORMAT " calls a second", what, name, rate);
}

/* Of who calls, and of who is called first. */
static void tell_all_limits(const struct command *command, const struct route_decision *decision)
{
	if (decision->is_emergency) {
		line("limit", "none: it is for emergencies");
		return;
	}
	if (command->trunk)
		tell_limits(command, "trunks", "trunk", command->trunk);
	else
		tell_limits(command, "users", "user", command->caller);
	if (decision->target == ROUTE_TRUNK && g_strcmp0(decision->name, command->trunk))
		tell_limits(command, "trunks", "trunk", decision->name);
	if (decision->target == ROUTE_USER && strcmp(decision->name, command->caller) != 0)
		tell_limits(command, "users", "user", decision->name);
}

static void add_members(GString *text, const struct route_stage *stage)
{
	const char *comma = "";
	for (const char *const *user = stage->users; *user; user++, comma = ", ")
		g_string_append_printf(text, "%s%s", comma, *user);
	for (size_t i = 0; i < stage->n_numbers; i++, comma = ", ") {
		const struct route_decision *to = &stage->numbers[i];
		bool is_called = to->target == ROUTE_TRUNK;
		g_string_append_printf(text, "%s%s by %s", comma, to->number, is_called ? "trunk " : "no trunk");
		g_string_append(text, is_called ? to->name : "");
	}
	g_string_append_printf(text, " of ring group %s", stage->to.name);
}

static void add_target(GString *text, const struct route_stage *stage)
{
	if (!stage->users || stage->to.target == ROUTE_USER)
		g_string_append_printf(text, "%s %s", route_target_name(stage->to.target), stage->to.name);
	if (stage->to.target == ROUTE_TRUNK)
		g_string_append_printf(text, ", number %s", stage->to.number);
	if (stage->to.target == ROUTE_GROUP)
		add_members(text, stage);
	if (stage->ring_s)
		g_string_append_printf(text, " for %u s", stage->ring_s);
}

/* Whatever comes after whom, if anything does. */
static void tell_plan(const struct route_table *table, const struct route_decision *decision, struct route_moment at)
{
	struct route_plan *plan = route_plan_new(table, decision, at);
	const struct route_stage *stage;
	for (int i = 0; (stage = route_plan_stage(plan, i)) && (i || route_plan_stage(plan, 1)); i++) {
		g_autofree char *name = g_strdup_printf("step %d", i + 1);
		g_autoptr(GString) text = g_string_new(NULL);
		add_target(text, stage);
		for (enum route_cause cause = 0; cause < ROUTE_CAUSES; cause++)
			if (stage->next[cause] >= 0)
				g_string_append_printf(text, "; %s: step %d", route_cause_name(cause), stage->next[cause] + 1);
		if (stage->fallback >= 0)
			g_string_append_printf(text, "; fallback: step %d", stage->fallback + 1);
		line(name, "%s", text->str);
	}
	route_plan_free(plan);
}

static void tell_target(const struct command *command, const struct route_decision *decision)
{
	switch (decision->target) {
	case ROUTE_DENIED:
		line("goes to", "nobody: 404");
		return;
	case ROUTE_REFUSED:
		line("goes to", "nobody: routes[%d] refuses it with 403", decision->rule);
		return;
	case ROUTE_TRUNK:
		line("goes to", "trunk %s, number %s", decision->name, decision->number);
		tell_caller_id(command, decision->name);
		break;
	case ROUTE_USER:
	case ROUTE_GROUP:
	case ROUTE_BUILTIN:
		line("goes to", "%s %s", route_target_name(decision->target), decision->name);
		break;
	}
	tell_all_limits(command, decision);
}

static int explain(const struct command *command, struct route_moment at)
{
	struct route_table *table;
	struct route_decision decision;
	ssize_t trunk = command->trunk ? config_find(command->snapshot, "trunks", command->trunk) : -1;
	struct route_request request = {
		.dialled = command->number,
		.caller = command->caller,
		.trunk = command->trunk,
		.inbound = trunk < 0 ? NULL : config_string(command->snapshot, "trunks", (size_t)trunk, "inbound"),
		.at = at,
		.looked_at = looked_at,
		.data = (void *)command,
	};
	if (route_table_new(command->snapshot, &table) < 0)
		return EXIT_FAILURE;
	line("dialled", "%s", command->number);
	char number[ROUTE_NUMBER_BYTES_MAX];
	if (route_table_number(table, command->number, number) && strcmp(number, command->number) != 0)
		line("compared", "as %s", number);
	tell_caller(command);
	tell_time(command, at);
	route_decide(table, &request, &decision);
	if (request.inbound && decision.rule < 0)
		line("inbound", "of trunk %s: %s", command->trunk, request.inbound);
	tell_target(command, &decision);
	bool is_taken = decision.target != ROUTE_DENIED && decision.target != ROUTE_REFUSED;
	if (is_taken)
		tell_plan(table, &decision, at);
	route_table_free(table);
	return is_taken ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool read_arguments(int argc, char **argv, struct command *command)
{
	static const struct option options[] = {
		{"from", required_argument, NULL, 'f'},
		{"trunk", required_argument, NULL, 't'},
		{"time", required_argument, NULL, 'w'},
		{0},
	};
	for (int option; (option = getopt_long(argc, argv, "c:", options, NULL)) != -1;)
		switch (option) {
		case 'c':
			command->path = optarg;
			break;
		case 'f':
			command->caller = optarg;
			break;
		case 't':
			command->trunk = optarg;
			break;
		case 'w':
			command->time = optarg;
			break;
		default:
			return false;
		}
	command->number = argv[optind];
	return command->number && optind + 1 == argc && command->path && command->caller;
}

int daemon_route_command(int argc, char **argv)
{
	struct command command = {0};
	struct route_moment at = route_moment_now();
	if (!read_arguments(argc, argv, &command) || (command.time && route_moment_parse(command.time, &at) < 0)) {
		fputs(usage, stderr);
		return USAGE_STATUS;
	}
	if (daemon_read_config(command.path, &command.snapshot) < 0)
		return EXIT_FAILURE;
	int status = USAGE_STATUS;
	if (command.trunk && config_find(command.snapshot, "trunks", command.trunk) < 0)
		fprintf(stderr, "%s: there is no trunk \"%s\"\n", command.path, command.trunk);
	else
		status = explain(&command, at);
	config_unref(command.snapshot);
	return status;
}
