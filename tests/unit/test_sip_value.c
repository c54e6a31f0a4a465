/* What all headers share: name-addr, parameters, seconds, tokens. */
#include "sip/value.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void addresses(void **state)
{
	static const struct {
		const char *value, *name, *uri; /* uri NULL: refused */
	} rows[] = {
		{"<sip:b@d.test>", "", "sip:b@d.test"},
		{"sip:b@d.test;tag=1", "", "sip:b@d.test"},
		{"  sip:b@d.test , <sip:c@d.test>", "", "sip:b@d.test"},
		{"Bob Y <sip:b@d.test;lr?X=1>;q=1", "Bob Y", "sip:b@d.test;lr?X=1"},
		{"\"Bob <sip:x@y>, \\\"B\\\"\" <sip:b@d.test>", "Bob <sip:x@y>, \\\"B\\\"", "sip:b@d.test"},
		{"\"\"<tel:1>", "", "tel:1"},
		{"\"Bob\" sip:b@d.test", "", NULL},
		{"\"Bob\" x <sip:b@d.test>", "", NULL},
		{"\"Bob <sip:b@d.test>", "", NULL},
		{"\"Bob\\\" <sip:b@d.test>", "", NULL},
		{"<sip:b@d.test", "", NULL},
		{"<>", "", NULL},
		{";tag=1", "", NULL},
		{"", "", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct sip_name_addr address;
		g_autofree char *uri = sip_value_uri(rows[i].value);
		if (g_strcmp0(uri, rows[i].uri))
			fail_msg("%s: %s", rows[i].value, uri ? uri : "refused");
		if (!uri)
			continue;
		assert_int_equal(sip_value_name_addr(rows[i].value, &address), 0);
		g_autofree char *name = g_strndup(address.name, address.name_length);
		assert_string_equal(name, rows[i].name);
	}
}

static void routes(void **state)
{
	static const char *const routes[] = {"<sip:p.test;lr>", "<sips:p.test>;x=1", "\"P\" <sip:a@p.test:5062;lr>"};
	static const char *const others[] = {"sip:p.test;lr", "<tel:1>", "<p.test>", "<sip:p.test", "", "<sip:a b>"};
	for (size_t i = 0; i < G_N_ELEMENTS(routes); i++)
		assert_true(sip_value_is_route(routes[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		assert_false(sip_value_is_route(others[i]));
}

static void parameters(void **state)
{
	static const struct {
		const char *value, *name, *parameter;
	} rows[] = {
		{"dialog;id=7", "id", "7"},
		{"dialog ; ID = 7 ;x", "id", "7"},
		{"dialog;idx=7", "id", NULL},
		{"dialog;sid=7", "id", NULL},
		{"dialog;x;id", "id", ""},
		{"dialog;id=7, dialog;id=8", "id", "7"},
		{"dialog, dialog;id=8", "id", NULL},
		{"<sip:a@b;id=1>;id=2", "id", "2"},
		{"\"x;id=1\" <sip:a@b>;id=2", "id", "2"},
		{";reason=\"no; \\\"answer\\\", really\" ;q=1", "reason", "\"no; \\\"answer\\\", really\""},
		{";reason=\"no; \\\"answer\\\", really\" ;q=1", "q", "1"},
		{";x=\"a;q=2\";q=1", "q", "1"},
		{";reason=\"no answer", "reason", NULL},
		{";x=\"a;reason=b", "reason", NULL},
		{";reason=\"a\\\"", "reason", NULL},
		{";", "id", NULL},
		{"", "id", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *parameter = sip_value_parameter(rows[i].value, rows[i].name);
		if (g_strcmp0(parameter, rows[i].parameter))
			fail_msg("%s of %s: %s", rows[i].name, rows[i].value, parameter ? parameter : "absent");
	}
}

static void seconds(void **state)
{
	static const struct {
		const char *value;
		int64_t seconds; /* -1: none */
	} rows[] = {
		{"0", 0},	    {"3600", 3600}, {"4294967295", UINT32_MAX}, {"4294967296", UINT32_MAX},
		{"99999999999999999999999", UINT32_MAX},
		{"120 (in a meeting)", 120}, {"18000;duration=3600", 18000},
		{"", -1}, {"x", -1}, {"-1", -1}, {"12x", -1}, {" 1", -1}, {NULL, -1},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		uint32_t value;
		bool is_there = sip_value_seconds(rows[i].value, &value);
		assert_int_equal(is_there ? (int64_t)value : -1, rows[i].seconds);
	}
}

static void tokens(void **state)
{
	assert_int_equal(sip_value_token_length("presence.winfo;id=1"), strlen("presence.winfo"));
	assert_int_equal(sip_value_token_length("<x>"), 0);
	assert_true(sip_value_is_token("a-b c", 3));
	assert_false(sip_value_is_token("a-b c", 5));
	assert_false(sip_value_is_token("a\0b", 3));
	assert_false(sip_value_is_token("", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses), cmocka_unit_test(routes), cmocka_unit_test(parameters),
		cmocka_unit_test(seconds),   cmocka_unit_test(tokens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
