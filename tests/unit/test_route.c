#include "route/calendar.h"
#include "route/route.h"
#include "route/statuses.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static const struct config_option user_rows[] = {
    {.name = "name", .type = CONFIG_STRING, .is_required = true, .is_key = true},
    {0},
};
static const struct config_option trunk_rows[] = {
    {.name = "name", .type = CONFIG_STRING, .is_required = true, .is_key = true},
    {.name = "inbound", .type = CONFIG_STRING},
    {0},
};
static const struct config_table users = {.group = "users", .shape = CONFIG_LIST, .options = user_rows};
static const struct config_table trunks = {.group = "trunks", .shape = CONFIG_LIST, .options = trunk_rows};
static const struct config_table announcements = {.group = "announcements", .shape = CONFIG_LIST, .options = user_rows};
static const struct config_table *const tables[] = {&users, &trunks, &announcements, &route_options, &route_number_options, &route_group_options, &route_user_options,
						    &route_calendar_options, NULL};

#define PEOPLE                                                                                                         \
	"users : ( { name = \"alice\"; }, { name = \"bob\"; }, { name = \"0815\"; } );\n"                              \
	"trunks : ( { name = \"pbx\"; }, { name = \"carrier\"; } );\n"

static struct route_table *make(const char *routes)
{
	struct config_snapshot *snapshot = NULL;
	struct config_errors *errors = NULL;
	struct route_table *table = NULL;
	g_autofree char *text = g_strconcat(PEOPLE, routes, NULL);
	if (config_load_text("/t", text, strlen(text), tables, &snapshot, &errors) < 0)
		fail_msg("%s", config_errors_line(errors, 0));
	assert_int_equal(route_table_new(snapshot, &table), 0);
	config_unref(snapshot);
	return table;
}

struct row {
	const char *dialled;
	const char *wanted; /* "<target> <name> [<number>]" */
	const char *trunk, *inbound;
};

static void check(const char *routes, const struct row *rows, size_t n)
{
	struct route_table *table = make(routes);
	for (size_t i = 0; i < n; i++) {
		struct route_request request = {
		    .dialled = rows[i].dialled, .trunk = rows[i].trunk, .inbound = rows[i].inbound};
		struct route_decision decision;
		route_decide(table, &request, &decision);
		g_autofree char *got = g_strdup(route_target_name(decision.target));
		if (decision.target != ROUTE_DENIED) {
			g_free(got);
			got = g_strdup_printf("%s %s%s%s", route_target_name(decision.target), decision.name,
					      decision.target == ROUTE_TRUNK ? " " : "",
					      decision.target == ROUTE_TRUNK ? decision.number : "");
		}
		if (strcmp(got, rows[i].wanted) != 0)
			fail_msg("%s dialled by %s: %s, wanted %s", rows[i].dialled,
				 rows[i].trunk ? rows[i].trunk : "a user", got, rows[i].wanted);
	}
	route_table_free(table);
}

static void test_without_routes(void **state)
{
	static const struct row rows[] = {
	    {"alice", "user alice"},	{"Alice", "denied"},
	    {"0815", "user 0815"},	{"9195", "built-in delayed-echo"},
	    {"9196", "built-in echo"},	{"9197", "built-in milliwatt"},
	    {"9198", "built-in music"}, {"9199", "denied"},
	    {"91960", "denied"},	{"echo", "denied"},
	    {"pbx", "denied"},		{"", "denied"},
	};
	check("", rows, G_N_ELEMENTS(rows));
}

static void test_default_route(void **state)
{
	static const struct row rows[] = {
	    {"100", "trunk pbx 100"},		{"alice", "user alice"},
	    {"9196", "built-in echo"},		{"9199", "trunk pbx 9199"},
	    {"+49 30/1", "trunk pbx +49301"}, {"", "denied"},
	};
	check("routes : ( { to = \"pbx\"; } );", rows, G_N_ELEMENTS(rows));
}

static void test_routes(void **state)
{
	static const struct row rows[] = {
	    {"1000", "trunk pbx 1000"},	  /* ^1...$ */
	    {"100", "trunk carrier 100"}, /* the default */
	    {"0049301234", "trunk carrier +49301234"},
	    {"004", "trunk carrier +4"},
	    {"*97", "built-in milliwatt"},
	    {"9196", "trunk pbx 9196"}, /* a route takes a built-in's number */
	    {"alice", "user alice"},
	    {"team-bob", "user bob"},
	    {"team-carol", "denied"},	       /* a route to a user who is not there; no second try */
	    {"0815", "user 0815"},	       /* users come before the default */
	    {"xx77yy", "trunk pbx xx77yy"},    /* not anchored: fits a part, all of it goes on */
	    {"ab12", "trunk pbx 12-ab-ab12-"}, /* \3 takes no part */
	    {"5551", "trunk carrier literal\\n"},
	};
	check("routes : ( { to = \"carrier\"; },\n"
	      "  { match = \"^1...$\"; to = \"pbx\"; },\n"
	      "  { match = \"^00(.*)$\"; to = \"carrier\"; replace = \"+\\1\"; },\n"
	      "  { match = \"^[*]97$\"; to = \"milliwatt\"; },\n"
	      "  { match = \"^9196$\"; to = \"pbx\"; },\n"
	      "  { match = \"^team-(.*)$\"; to = \"user\"; replace = \"\\\\1\"; },\n"
	      "  { match = \"77\"; to = \"pbx\"; },\n"
	      "  { match = \"^([a-z]+)([0-9]+)(z)?$\"; to = \"pbx\"; replace = \"\\2-\\1-\\0-\\3\"; },\n"
	      "  { match = \"^5551$\"; to = \"carrier\"; replace = \"literal\\\\n\"; },\n"
	      "  { match = \"^1000$\"; to = \"carrier\"; } );",
	      rows, G_N_ELEMENTS(rows));
}

static void test_first_match_wins(void **state)
{
	static const struct row rows[] = {
	    {"alice", "trunk pbx alice"}, /* written out: everything */
	    {"9196", "trunk pbx 9196"},
	    {"200", "trunk carrier 200"},
	};
	check("routes : ( { match = \"^2\"; to = \"carrier\"; }, { match = \".*\"; to = \"pbx\"; }, { match = \"^9\"; "
	      "to = \"echo\"; } );",
	      rows, G_N_ELEMENTS(rows));
}

static void test_inbound(void **state)
{
	static const struct row rows[] = {
	    {"alice", "user alice", "pbx"},
	    {"0815", "user 0815", "pbx"},
	    {"100", "denied", "pbx"}, /* never on to another trunk */
	    {"9196", "denied", "pbx"},
	    {"", "denied", "pbx"},
	    {"100", "user bob", "pbx", "bob"},
	    {"alice", "user bob", "pbx", "bob"},
	    {"", "user bob", "pbx", "bob"},
	    {"100", "built-in echo", "pbx", "echo"},
	    {"100", "denied", "pbx", "carrier"},
	    {"100", "built-in closed", "pbx", "closed"},
	    {"700", "built-in closed"},
	    {"closed", "denied", "pbx"},
	};
	check("announcements : ( { name = \"closed\"; } ); routes : ( { to = \"carrier\"; }, { match = \"^9\"; to = \"echo\"; },"
	      " { match = \"^7\"; to = \"closed\"; } );", rows, G_N_ELEMENTS(rows));
}

static void test_lengths(void **state)
{
	struct route_table *table = make("routes : ( { match = \"(.*)\"; to = \"pbx\"; replace = \"\\1\\1\"; } );");
	struct route_decision decision;
	char dialled[300];
	static const struct {
		size_t length;
		enum route_target target;
	} rows[] = {{127, ROUTE_TRUNK}, {128, ROUTE_DENIED}, {255, ROUTE_DENIED}, {299, ROUTE_DENIED}};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		memset(dialled, '7', rows[i].length);
		dialled[rows[i].length] = '\0';
		route_decide(table, &(struct route_request){.dialled = dialled}, &decision);
		assert_int_equal(decision.target, rows[i].target);
	}
	route_table_free(table);
}

static void test_rule_number(void **state)
{
	struct route_table *table = make("routes : ( { match = \"^1\"; to = \"pbx\"; }, { to = \"carrier\"; } );");
	struct route_decision decision;
	route_decide(table, &(struct route_request){.dialled = "1"}, &decision);
	assert_int_equal(decision.rule, 0);
	route_decide(table, &(struct route_request){.dialled = "2"}, &decision);
	assert_int_equal(decision.rule, 1);
	route_decide(table, &(struct route_request){.dialled = "alice"}, &decision);
	assert_int_equal(decision.rule, -1);
	route_table_free(table);
}

static void test_statuses(void **state)
{
	static const char *const wrong[] = {"", "40", "4080", "299", "700", "500-", "-599", "599-500", "500-599-", "500 - 599", "5xx"};
	struct route_statuses statuses = {0};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		assert_int_equal(route_statuses_add(&statuses, wrong[i]), -EINVAL);
	for (unsigned status = 0; status < 1000; status++)
		assert_false(route_statuses_have(&statuses, status));
	assert_int_equal(route_statuses_add(&statuses, "408"), 0);
	assert_int_equal(route_statuses_add(&statuses, "500-699"), 0);
	assert_int_equal(route_statuses_add(&statuses, "300"), 0);
	for (unsigned status = 0; status < 1000; status++)
		assert_int_equal(route_statuses_have(&statuses, status),
				 status == 300 || status == 408 || (status >= 500 && status <= 699));
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
	    {"routes : (\n { to = \"pxb\"; } );",
	     "/t:2: routes[0].to is \"pxb\", which is no trunk, ring group, \"user\", \"deny\", announcement or built-in; is \"pbx\" meant?"},
	    {"routes : ( { to = \"ecko\"; } );", "is \"echo\" meant?"},
	    {"routes : ( { to = \"alice\"; } );", "routes[0].to is \"alice\", which is no trunk"},
	    {"routes : ( { match = \"x\"; } );", "routes[0].to is missing"},
	    {"routes : ( { to = \"pbx\";\n match = \"(1\"; } );",
	     "/t:2: routes[0].match is no regular expression: Unmatched ( or \\("},
	    {"routes : ( { to = \"pbx\"; match = \"[\"; } );", "routes[0].match is no regular expression: "},
	    {"routes : ( { to = \"pbx\"; match = \"(1)\"; replace = \"\\2\"; } );",
	     "routes[0].replace refers to \\2, but match has 1 groups"},
	    {"routes : ( { to = \"pbx\"; replace = \"\\1\"; } );",
	     "routes[0].replace refers to \\1, but match has 0 groups"},
	    {"routes : ( { to = \"pbx\"; },\n{ to = \"carrier\"; } );",
	     "/t:2: routes[1] is never used: routes[0] takes all that has no match"},
	    {"routes : ( { to = \"pbx\"; from = \"(\"; } );", "routes[0].from is no regular expression: "},
	    {"routes : ( { to = \"pbx\"; trunk = \"pxb\"; } );", "routes[0].trunk is \"pxb\", which is no trunk"},
	    {"routes : ( { to = \"pbx\"; time = (\"mon\", \"mon-fry\"); } );", "routes[0].time is \"mon-fry\", which is no time"},
	    {"numbers : { country_code = \"+49\"; };", "numbers.country_code is \"+49\", and wants digits only"},
	    {"numbers : { national_prefix = \"0\"; };", "numbers.national_prefix needs a country_code"},
	    {"routes : ( { to = \"pbx\"; fallback = (\"carrier\", \"carier\"); } );", "routes[0].fallback is \"carier\", which is no trunk"},
	    {"routes : ( { to = \"pbx\"; fallback = \"carrier\"; fallback_on = (\"408\", \"5xx\"); } );",
	     "routes[0].fallback_on is \"5xx\", which is neither"},
	    {"routes : ( { to = \"pbx\"; fallback_on = \"408\"; } );", "routes[0].fallback_on needs a fallback"},
	    {"routes : ( { to = \"sals\"; } ); ring_groups : ( { name = \"sales\"; members = \"alice\"; } );", "is \"sales\" meant?"},
	    {"routes : (); ring_groups : ( { name = \"sales\"; members = (\"alice\", \"pbx\"); } );",
	     "ring_groups[0].members is \"pbx\", which is no user or number"},
	    {"routes : (); ring_groups : ( { name = \"pbx\"; members = \"alice\"; } );", "ring_groups[0].name is \"pbx\", which means"},
	    {"routes : (); ring_groups : ( { name = \"x\"; members = (); } );", "ring_groups[0].members are none"},
	    {"routes : (); ring_groups : ( { name = \"x\"; members = \"alice\"; no_answer = \"123\"; } );",
	     "ring_groups[0].no_answer is \"123\", which is no user, ring group"},
	    {"users : ( { name = \"a\"; no_answer = \"b\"; } );", "users[0].no_answer is \"b\", which is no user"},
	    {"users : ( { name = \"a\"; no_answer_seconds = 5; } );", "users[0].no_answer_seconds needs a no_answer"},
	    {"users : ( { name = \"a\"; no_answer = \"a\"; } );", "users[0] leads back to itself"},
	    {"users : ( { name = \"a\"; busy = \"g\"; }, { name = \"b\"; unregistered = \"a\"; } );\n"
	     "ring_groups : ( { name = \"g\"; members = \"a\"; no_answer = \"b\"; } );",
	     "/t:1: users[0] leads back to itself"},
	    {"trunks : ( { name = \"deny\"; } );", "trunks[0].name is \"deny\", which means something else in routes"},
	    {"trunks : ( { name = \"echo\"; } );", "trunks[0].name is \"echo\", which means something else in routes"},
	    {"announcements : ( { name = \"music\"; } );", "announcements[0].name is \"music\", which means something else"},
	    {"users : ( { name = \"alice\"; } ); announcements : ( { name = \"alice\"; } );", "announcements[0].name is \"alice\""},
	    {"routes : ( { to = \"clused\"; } ); announcements : ( { name = \"closed\"; } );", "is \"closed\" meant?"},
	    {"users : ( { name = \"alice\"; } );\ntrunks : ( { name = \"a\"; inbound = \"alise\"; } );",
	     "/t:2: trunks[0].inbound is \"alise\", which is no user, ring group, announcement or built-in; is \"alice\" meant?"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct config_snapshot *snapshot = NULL;
		struct config_errors *errors = NULL;
		static const char people[] =
		    "users : ( { name = \"alice\"; } ); trunks : ( { name = \"pbx\"; }, { name = \"carrier\"; } ); ";
		g_autofree char *text =
		    g_strconcat(g_str_has_prefix(rows[i].text, "routes") ? people : "", rows[i].text, NULL);
		if (config_load_text("/t", text, strlen(text), tables, &snapshot, &errors) == 0)
			fail_msg("taken: %s", text);
		assert_int_equal(config_errors_count(errors), 1);
		if (!strstr(config_errors_line(errors, 0), rows[i].said))
			fail_msg("for %s: %s", text, config_errors_line(errors, 0));
		config_errors_free(errors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_without_routes), cmocka_unit_test(test_default_route),
	    cmocka_unit_test(test_routes),	   cmocka_unit_test(test_first_match_wins),
	    cmocka_unit_test(test_inbound),	   cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_rule_number),	   cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_statuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
