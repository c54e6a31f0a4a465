/* Why a call ended: read, written, explained, and mapped between the telephone network and SIP. */
#include "sip/cause.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct sip_message *response(unsigned status, const char *phrase, const char *name, const char *value)
{
	struct sip_message *request = sip_request_new(SIP_METHOD_INVITE, "sip:a@b", "<sip:a@b>;tag=1", "<sip:a@b>", "c", 1);
	struct sip_message *message = sip_response_new(request, status, phrase, "t");
	if (value)
		assert_int_equal(sip_message_add_header(message, name, value), 0);
	sip_message_unref(request);
	return message;
}

static void reading_and_writing(void **state)
{
	static const struct { const char *value; unsigned status, q850; const char *text, *written; } table[] = {
		{"Q.850;cause=1;text=\"Unallocated\"", 0, 1, "Unallocated", "Q.850;cause=1;text=\"Unallocated\""},
		{"Q.850 ;cause=17", 0, 17, "", "Q.850;cause=17;text=\"user busy\""},
		{"q.850;cause=99", 0, 99, "", "Q.850;cause=99"},
		{"SIP;cause=200;text=\"Call completed elsewhere\"", 200, 0, "Call completed elsewhere",
		 "SIP;cause=200;text=\"Call completed elsewhere\""},
		{"SIP;cause=503, Q.850;cause=34;text=\"none left\"", 503, 34, "none left",
		 "Q.850;cause=34;text=\"none left\", SIP;cause=503"},
		{"SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=26", 200, 26, "Call completed elsewhere",
		 "SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=26;text=\"non-selected user clearing\""},
		{"preemption;cause=1", 0, 0, "", NULL},
		{"Q.850;cause=0", 0, 0, "", NULL},
		{"Q.850;cause=128;text=\"x\"", 0, 0, "", NULL},
		{"Q.850;cause=x", 0, 0, "", NULL},
		{"SIP;cause=99999", 0, 0, "", NULL},
		{"Q.850", 0, 0, "", NULL},
		{"Q.850;cause=16;text=\"a\\\"b\\\\\"", 0, 16, "ab", "Q.850;cause=16;text=\"ab\""},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct sip_message *message = response(500, NULL, "Reason", table[i].value);
		struct sip_cause cause;
		bool is_known = sip_cause_read(message, &cause);
		g_autofree char *written = sip_cause_write(&cause);
		if (is_known != (table[i].written != NULL) || cause.status != table[i].status || cause.q850 != table[i].q850 ||
		    strcmp(cause.text, table[i].text) || g_strcmp0(written, table[i].written))
			fail_msg("%s: %u %u \"%s\" %s", table[i].value, cause.status, cause.q850, cause.text, written);
		sip_message_unref(message);
	}
}

static void long_texts_are_cut(void **state)
{
	g_autofree char *fill = g_strnfill(400, 'x');
	g_autofree char *value = g_strdup_printf("Q.850;cause=1;text=\"%s\"", fill);
	struct sip_message *message = response(404, NULL, "Reason", value);
	struct sip_cause cause;
	assert_true(sip_cause_read(message, &cause));
	assert_in_range(strlen(cause.text), 100, SIP_CAUSE_TEXT_BYTES - 1);
	sip_message_unref(message);
}

static void explaining(void **state)
{
	static const struct { unsigned status; const char *phrase, *name, *value, *said; } table[] = {
		{403, "Forbidden", NULL, NULL, "403 Forbidden"},
		{403, "Forbidden", "Warning", "399 pbx \"caller id not allowed\"", "403 Forbidden (caller id not allowed)"},
		{403, "Caller Id Not Allowed", "Reason", "Q.850;cause=21;text=\"caller id not allowed\"", "403 Caller Id Not Allowed"},
		{500, "Server Error", "Reason", "Q.850;cause=34", "500 Server Error (no circuit available)"},
		{404, NULL, "Reason", "Q.850;cause=1;text=\"never heard of it\"", "404 Not Found (never heard of it)"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct sip_message *message = response(table[i].status, table[i].phrase, table[i].name, table[i].value);
		g_autofree char *said = sip_cause_explain(message);
		assert_string_equal(said, table[i].said);
		sip_message_unref(message);
	}
}

static void mapping(void **state)
{
	static const unsigned there_and_back[][2] = {{1, 404}, {17, 486}, {22, 410}, {28, 484}, {21, 403}, {102, 504}, {65, 488}};
	for (size_t i = 0; i < G_N_ELEMENTS(there_and_back); i++) {
		assert_int_equal(sip_cause_status(there_and_back[i][0]), there_and_back[i][1]);
		assert_int_equal(sip_cause_of_status(there_and_back[i][1]), there_and_back[i][0]);
	}
	assert_int_equal(sip_cause_status(34), 503);
	assert_int_equal(sip_cause_of_status(600), 17);
	assert_int_equal(sip_cause_of_status(603), 21);
	assert_int_equal(sip_cause_of_status(200), 0);
	assert_int_equal(sip_cause_status(16), 0);
	assert_int_equal(sip_cause_status(99), 0);
	assert_string_equal(sip_cause_words(1), "unallocated number");
	assert_null(sip_cause_words(99));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_and_writing), cmocka_unit_test(long_texts_are_cut), cmocka_unit_test(explaining),
		cmocka_unit_test(mapping),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
