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

static struct sip_message *response_of(const struct sip_message *asked, unsigned status, const char *reason, const char *etag)
{
	struct sip_message *response = sip_response_new(asked, status, reason, "t");
	sip_message_add_header(response, "SIP-ETag", etag);
	return response;
}

/* Notes the statuses in this order, and expects what the sender is told. */
static void expect_told(unsigned first, unsigned second, unsigned third, unsigned told, const char *reason, const char *etag)
{
	const unsigned statuses[] = {first, second, third};
	static const char *const etags[] = {"1", "2", "3"};
	struct relay_failure failure = {0};
	struct sip_message *asked = request(SIP_METHOD_PUBLISH, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++) {
		struct sip_message *response = response_of(asked, statuses[i], "Said So", etags[i]);
		relay_failure_note(&failure, statuses[i], response);
		sip_message_unref(response);
	}
	struct sip_message *answer = relay_failure_answer(&failure, asked);
	assert_int_equal(sip_message_status(answer), told);
	assert_string_equal(sip_message_reason(answer), reason);
	assert_string_equal(sip_message_header(answer, "SIP-ETag", 0), etag);
	sip_message_unref(answer);
	sip_message_unref(asked);
	relay_failure_clear(&failure);
}

static void the_failure_that_says_most_is_told(void **state)
{
	expect_told(503, 404, 486, 404, "Said So", "2");
	expect_told(404, 404, 503, 404, "Said So", "1");
	expect_told(480, 486, 404, 486, "Said So", "2"); /* that one device is not there says least */
	expect_told(486, 480, 480, 486, "Said So", "1");
	expect_told(486, 603, 404, 603, "Said So", "2");
	expect_told(500, 407, 500, 403, "Forbidden", "2"); /* ours to answer, not the sender's */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packages),
		cmocka_unit_test(states),
		cmocka_unit_test(what_passes),
		cmocka_unit_test(the_failure_that_says_most_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
