/* Digits in INFO bodies. */
#include "sip/dtmf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char all[] = "0123456789*#ABCD!";

static void assert_reads(enum sip_dtmf_kind kind, const char *body, char digit, uint32_t duration_ms)
{
	struct sip_dtmf dtmf = {0};

	assert_int_equal(sip_dtmf_parse(kind, body, strlen(body), &dtmf), 0);
	assert_int_equal(dtmf.digit, digit);
	assert_int_equal(dtmf.duration_ms, duration_ms);
}

static void assert_refused(enum sip_dtmf_kind kind, const char *body)
{
	struct sip_dtmf dtmf;

	assert_int_equal(sip_dtmf_parse(kind, body, strlen(body), &dtmf), -EBADMSG);
}

static void test_every_digit_is_written_and_read_again(void **state)
{
	for (int kind = SIP_DTMF_RELAY; kind <= SIP_DTMF_BARE; kind++)
		for (const char *digit = all; *digit; digit++) {
			struct sip_dtmf dtmf = {*digit, SIP_DTMF_DURATION_MS_MAX};
			char body[SIP_DTMF_BODY_BYTES];
			int length = sip_dtmf_format(kind, &dtmf, body);

			assert_int_equal(length, strlen(body));
			assert_reads(kind, body, *digit,
				     kind == SIP_DTMF_RELAY ? SIP_DTMF_DURATION_MS_MAX : SIP_DTMF_DURATION_MS_DEFAULT);
		}
	char body[SIP_DTMF_BODY_BYTES];
	struct sip_dtmf five = {'5', 160}, none = {'\0', 160}, other = {'E', 160};
	sip_dtmf_format(SIP_DTMF_RELAY, &five, body);
	assert_string_equal(body, "Signal=5\r\nDuration=160\r\n");
	assert_int_equal(sip_dtmf_format(SIP_DTMF_RELAY, &none, body), -EINVAL);
	assert_int_equal(sip_dtmf_format(SIP_DTMF_BARE, &other, body), -EINVAL);
}

static void test_what_telephones_send_is_understood(void **state)
{
	assert_reads(SIP_DTMF_RELAY, "Signal=5\r\nDuration=160", '5', 160);
	assert_reads(SIP_DTMF_RELAY, "Signal= 7\r\nDuration= 90\r\n", '7', 90);
	assert_reads(SIP_DTMF_RELAY, "signal = #\nduration = 250\n", '#', 250);
	assert_reads(SIP_DTMF_RELAY, "\r\nDuration=100\r\nSignal=d\r\nVolume=10\r\n\r\n", 'D', 100);
	assert_reads(SIP_DTMF_RELAY, "Signal=*", '*', SIP_DTMF_DURATION_MS_DEFAULT);
	assert_reads(SIP_DTMF_RELAY, "Signal=10", '*', SIP_DTMF_DURATION_MS_DEFAULT);
	assert_reads(SIP_DTMF_RELAY, "Signal=11", '#', SIP_DTMF_DURATION_MS_DEFAULT);
	assert_reads(SIP_DTMF_RELAY, "Signal=12", 'A', SIP_DTMF_DURATION_MS_DEFAULT);
	assert_reads(SIP_DTMF_RELAY, "Signal=16", '!', SIP_DTMF_DURATION_MS_DEFAULT);
	assert_reads(SIP_DTMF_RELAY, "Signal=!", '!', SIP_DTMF_DURATION_MS_DEFAULT);
	assert_reads(SIP_DTMF_BARE, "5", '5', SIP_DTMF_DURATION_MS_DEFAULT);
	assert_reads(SIP_DTMF_BARE, " *\r\n", '*', SIP_DTMF_DURATION_MS_DEFAULT);
	assert_reads(SIP_DTMF_BARE, "11", '#', SIP_DTMF_DURATION_MS_DEFAULT);
	assert_reads(SIP_DTMF_BARE, "Signal=3\r\nDuration=120\r\n", '3', 120);
}

static void test_what_is_not_one_digit_is_refused(void **state)
{
	static const char *const bad[] = {
	    " ",
	    "\r\n",
	    "Signal=",
	    "Signal=55",
	    "Signal=05",
	    "Signal=17",
	    "Signal=E",
	    "Duration=100",
	    "Signal=1\r\nSignal=1",
	    "Signal=1\r\nDuration=",
	    "Signal=1\r\nDuration=-1",
	    "Signal=1\r\nDuration=1.5",
	    "Signal=1\r\nDuration=99999999999999999999",
	    "Signal=1\r\nDuration=60001",
	    "Signal=1=2",
	    "Signal=1\r\nrubbish",
	    "5",
	    "Signal==5",
	};
	char large[SIP_DTMF_BODY_BYTES_MAX + 1];
	struct sip_dtmf dtmf;

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_refused(SIP_DTMF_RELAY, bad[i]);
	assert_refused(SIP_DTMF_BARE, "123");
	assert_refused(SIP_DTMF_BARE, "x");
	assert_int_equal(sip_dtmf_parse(SIP_DTMF_BARE, NULL, 0, &dtmf), -EBADMSG);
	assert_int_equal(sip_dtmf_parse(SIP_DTMF_RELAY, "Signal=1\0", 9, &dtmf), -EBADMSG);
	memset(large, ' ', sizeof large);
	assert_int_equal(sip_dtmf_parse(SIP_DTMF_RELAY, large, sizeof large, &dtmf), -EMSGSIZE);
}

static void test_the_kind_is_told_by_the_content_type(void **state)
{
	enum sip_dtmf_kind kind = SIP_DTMF_RELAY;

	assert_int_equal(sip_dtmf_kind_of("application/dtmf", &kind), 0);
	assert_int_equal(kind, SIP_DTMF_BARE);
	assert_int_equal(sip_dtmf_kind_of("Application/DTMF-Relay ; charset=utf-8", &kind), 0);
	assert_int_equal(kind, SIP_DTMF_RELAY);
	assert_int_equal(sip_dtmf_kind_of("application/dtmf-relayed", &kind), -EPROTONOSUPPORT);
	assert_int_equal(sip_dtmf_kind_of("application/media_control+xml", &kind), -EPROTONOSUPPORT);
	assert_int_equal(sip_dtmf_kind_of("", &kind), -EPROTONOSUPPORT);
	assert_int_equal(sip_dtmf_kind_of(NULL, &kind), -EPROTONOSUPPORT);
	assert_string_equal(sip_dtmf_content_type(SIP_DTMF_RELAY), "application/dtmf-relay");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_digit_is_written_and_read_again),
	    cmocka_unit_test(test_what_telephones_send_is_understood),
	    cmocka_unit_test(test_what_is_not_one_digit_is_refused),
	    cmocka_unit_test(test_the_kind_is_told_by_the_content_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
