/* What passes between the sides, and how packages and states are read. */
#include "relay/relay_private.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct sip_message *request(enum sip_method method, const char *const *headers)
{
	struct sip_message *message =
		sip_request_new(method, "sip:b@d.test", "<sip:a@d.test>;tag=1", "<sip:b@d.test>", "c", 1);
	for (; headers && *headers; headers += 2)
		assert_int_equal(sip_message_add_header(message, headers[0], headers[1]), 0);
	return message;
}

static void packages(void **state)
{
	static const char *const sound[] = {"dialog", "dialog;id=7", "presence.winfo", "x-y;a=b", "reg ;id=1"};
	static const char *const unsound[] = {"", ";id=1", "<dialog>", "a,b", "\"a\""};
	for (size_t i = 0; i < G_N_ELEMENTS(sound); i++)
		assert_true(relay_event_is_sound(sound[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(unsound); i++)
		assert_false(relay_event_is_sound(unsound[i]));
	assert_false(relay_event_is_sound(NULL));
	assert_true(relay_event_is_same("dialog", "Dialog"));
	assert_true(relay_event_is_same("dialog;id=7;x=1", "dialog; id=7"));
	assert_false(relay_event_is_same("dialog;id=7", "dialog"));
	assert_false(relay_event_is_same("dialog;id=7", "dialog;id=70"));
	assert_false(relay_event_is_same("dialog", "dialog-info"));
	assert_true(relay_event_is_same("dialog;sid=7", "dialog")); /* another parameter */
}

static void states(void **state)
{
	static const struct {
		const char *value;
		bool is_terminated;
		int64_t expires_s; /* -1: not there */
	} rows[] = {
		{"active;expires=600", false, 600}, {"pending", false, -1},		      {"terminated;reason=timeout", true, -1},
		{"Terminated", true, -1},	    {"terminatedly", false, -1},	      {"active;expires=x", false, -1},
		{"active;expires=4294967296", false, UINT32_MAX},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *headers[] = {"Subscription-State", rows[i].value, NULL};
		struct sip_message *notify = request(SIP_METHOD_NOTIFY, headers);
		uint32_t expires_s;
		assert_int_equal(relay_state_is_terminated(notify), rows[i].is_terminated);
		bool has_expires = relay_state_expires(notify, &expires_s);
		assert_int_equal(has_expires ? (int64_t)expires_s : -1, rows[i].expires_s);
		sip_message_unref(notify);
	}
}

static void what_passes(void **state)
{
	static const char *const headers[] = {"Event", "presence", "Expires", "60", "SIP-If-Match", "e1", "User-Agent", "Spy",
					      "X-Inner", "x", "Record-Route", "<sip:x;lr>", NULL};
	struct sip_message *source = request(SIP_METHOD_PUBLISH, headers), *copy = request(SIP_METHOD_PUBLISH, NULL);
	sip_message_set_body(source, "application/pidf+xml;charset=utf-8", "<p/>", 4);
	assert_int_equal(relay_carry_request(copy, source), 0);
	assert_string_equal(sip_message_header(copy, "Event", 0), "presence");
	assert_string_equal(sip_message_header(copy, "SIP-If-Match", 0), "e1");
	assert_string_equal(sip_message_header(copy, "Expires", 0), "60");
	assert_string_equal(sip_message_header(copy, "Content-Type", 0), "application/pidf+xml;charset=utf-8");
	size_t length;
	assert_memory_equal(sip_message_body(copy, &length), "<p/>", 4);
	assert_null(sip_message_header(copy, "User-Agent", 0));
	assert_null(sip_message_header(copy, "X-Inner", 0));
	assert_null(sip_message_header(copy, "Record-Route", 0));
	struct sip_message *answer = sip_response_new(source, 200, NULL, "t"), *told = sip_response_new(source, 200, NULL, "u");
	sip_message_add_header(answer, "SIP-ETag", "e2");
	sip_message_add_header(answer, "Server", "Spy");
	sip_message_add_header(answer, "Warning", "399 inner \"x\"");
	relay_carry_response(told, SIP_METHOD_PUBLISH, answer);
	assert_string_equal(sip_message_header(told, "SIP-ETag", 0), "e2");
	assert_null(sip_message_header(told, "Server", 0));
	assert_null(sip_message_header(told, "Warning", 0));
	sip_message_unref(answer);
	sip_message_unref(told);
	sip_message_unref(copy);
	sip_message_unref(source);
}

static void that_one_device_is_not_there_says_least(void **state)
{
	assert_true(relay_status_is_better(404, 503));
	assert_false(relay_status_is_better(480, 486));
	assert_true(relay_status_is_better(486, 480));
	assert_false(relay_status_is_better(404, 486));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packages),
		cmocka_unit_test(states),
		cmocka_unit_test(what_passes),
		cmocka_unit_test(that_one_device_is_not_there_says_least),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
