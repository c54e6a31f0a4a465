/* Descriptions of real user agents into the model, and what is refused. */
#include "sdp/sdp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "../support/sdp_support.h"

static void assert_address(const struct net_address *address, const char *expected)
{
	char text[NET_ADDRESS_TEXT_MAX] = "none";
	if (address->length)
		net_address_format(address, text);
	assert_string_equal(text, expected);
}

/* "111 opus/48000/2" */
static void assert_format(const struct sdp_media *media, size_t index, const char *expected)
{
	const struct sdp_format *format = &media->formats[index];
	assert_true(index < media->n_formats);
	g_autofree char *text =
	    g_strdup_printf("%u %s/%u/%u", format->payload_type, format->encoding, format->clock_hz, format->channels);
	assert_string_equal(text, expected);
}

static void test_chromium(void **state)
{
	struct sdp_session *session = support_sample("chromium-offer");
	const struct sdp_media *audio = &session->media[0];
	const struct sdp_transport *transport = &audio->transport;

	assert_int_equal(session->n_media, 1);
	assert_true(session->session_id == 8218340279342352910u);
	assert_int_equal(session->n_bundled, 1);
	assert_string_equal(session->bundle[0], "0");
	assert_int_equal(audio->kind, SDP_KIND_AUDIO);
	assert_int_equal(audio->profile, SDP_DTLS_SAVPF);
	assert_int_equal(audio->direction, SDP_SEND_RECEIVE);
	assert_string_equal(audio->mid, "0");
	assert_int_equal(audio->n_formats, 8);
	assert_format(audio, 0, "111 opus/48000/2");
	assert_string_equal(audio->formats[0].parameters, "minptime=10;useinbandfec=1");
	assert_format(audio, 3, "0 PCMU/8000/1");
	assert_format(audio, 6, "110 telephone-event/48000/1");
	assert_int_equal(audio->n_extensions, 4);
	assert_int_equal(audio->n_feedback, 1);
	assert_string_equal(audio->feedback[0].value, "transport-cc");
	assert_int_equal(audio->ssrc, 2719583013u);
	assert_string_equal(audio->cname, "uJr0MN4ZkN2vYw3q");

	assert_address(&transport->rtp, "192.0.2.20:51472");
	assert_true(transport->rtcp_mux && transport->has_ice && transport->ice_trickle);
	assert_string_equal(transport->ice_ufrag, "Xq3k");
	assert_int_equal(transport->setup, SDP_SETUP_ACTPASS);
	assert_int_equal(transport->n_fingerprints, 1);
	assert_string_equal(transport->fingerprints[0].algorithm, "sha-256");
	assert_int_equal(transport->n_candidates, 5);
	assert_address(&transport->candidates[1].address, "[2001:db8::20]:43210");
	assert_address(&transport->candidates[2].address, "none");
	assert_int_equal(transport->candidates[3].type, SDP_CANDIDATE_SERVER_REFLEXIVE);
	assert_address(&transport->candidates[3].related, "192.0.2.20:51472");
	assert_int_equal(transport->candidates[4].transport, SDP_CANDIDATE_TCP_ACTIVE);
	sdp_session_free(session);
}

static void test_firefox_folds_the_session_level(void **state)
{
	struct sdp_session *session = support_sample("firefox-offer");
	const struct sdp_transport *transport = &session->media[0].transport;
	assert_int_equal(transport->n_fingerprints, 1);
	assert_true(transport->ice_trickle && transport->end_of_candidates && transport->rtcp_mux);
	assert_address(&transport->rtp, "0.0.0.0:9");
	assert_int_equal(transport->n_candidates, 2);
	assert_address(&transport->candidates[0].address, "none");
	assert_format(&session->media[0], 1, "9 G722/8000/1");
	assert_int_equal(session->media[0].extensions[1].direction, SDP_RECEIVE_ONLY);
	sdp_session_free(session);
}

static void test_sipura(void **state)
{
	struct sdp_session *session = support_sample("sipura-offer");
	const struct sdp_media *audio = &session->media[0];
	assert_int_equal(audio->profile, SDP_RTP_AVP);
	assert_int_equal(audio->ptime_ms, 30);
	assert_format(audio, 0, "2 G726-32/8000/1");
	assert_format(audio, 2, "4 G723/8000/1");
	assert_format(audio, 4, "18 G729/8000/1");
	assert_format(audio, 8, "100 NSE/8000/1");
	assert_string_equal(audio->formats[9].parameters, "0-15");
	assert_address(&audio->transport.rtp, "192.0.2.105:16416");
	assert_address(&audio->transport.rtcp, "192.0.2.105:16417");
	sdp_session_free(session);
}

static void test_sipml5(void **state)
{
	struct sdp_session *session = support_sample("sipml5-2013-offer");
	const struct sdp_media *audio = &session->media[0];
	assert_int_equal(audio->profile, SDP_RTP_SAVPF);
	assert_int_equal(audio->transport.n_crypto, 2);
	assert_string_equal(audio->transport.crypto[1].suite, "AES_CM_128_HMAC_SHA1_80");
	assert_address(&audio->transport.rtcp, "0.0.0.0:1");
	assert_true(audio->transport.has_ice && !audio->transport.ice_trickle);
	assert_int_equal(audio->transport.candidates[1].component, 2);
	assert_int_equal(audio->maxptime_ms, 60);
	sdp_session_free(session);
}

static void test_static_types_need_no_rtpmap(void **state)
{
	static const char text[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
				   "m=audio 4000 RTP/AVP 0 3 4 8 9 13 18 97\r\n";
	struct sdp_session *session = support_parse(text);
	static const char *const expected[] = {"0 PCMU/8000/1", "3 GSM/8000/1", "4 G723/8000/1",  "8 PCMA/8000/1",
					       "9 G722/8000/1", "13 CN/8000/1", "18 G729/8000/1", "97 /0/1"};
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
		assert_format(&session->media[0], i, expected[i]);
	sdp_session_free(session);
}

static void test_ipv6_and_levels(void **state)
{
	struct sdp_session *session = support_sample("ipv6-hold");
	assert_int_equal(session->n_media, 3);
	assert_address(&session->media[0].transport.rtp, "[2001:db8::7]:40000");
	assert_address(&session->media[0].transport.rtcp, "[2001:db8::8]:40005");
	assert_address(&session->media[1].transport.rtcp, "none");
	assert_int_equal(session->media[0].direction, SDP_SEND_ONLY);
	assert_int_equal(session->media[0].bandwidth_as_kbps, 64);
	assert_int_equal(session->media[1].port, 0);
	assert_int_equal(session->media[2].kind, SDP_KIND_OTHER);
	assert_string_equal(session->media[2].formats_text, "t38");
	assert_address(&session->media[2].transport.rtp, "[2001:db8::9]:40010");
	sdp_session_free(session);
}

static void test_session_level_yields_to_the_media(void **state)
{
	static const char text[] =
	    "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\nc=IN IP4 192.0.2.1\na=inactive\n"
	    "a=fingerprint:sha-1 00:11\na=setup:passive\na=ice-ufrag:sess\n"
	    "a=ice-pwd:0123456789012345678901\na=ice-lite\n"
	    "m=audio 1000 UDP/TLS/RTP/SAVPF 0\n"
	    "a=fingerprint:sha-256 aa:bb\na=fingerprint:sha-512 cc:dd\na=sendonly\nc=IN IP4 192.0.2.2\n"
	    "m=audio 2000 UDP/TLS/RTP/SAVPF 0\na=ice-ufrag:media\n";
	struct sdp_session *session = support_parse(text);
	const struct sdp_transport *first = &session->media[0].transport, *second = &session->media[1].transport;
	assert_int_equal(first->n_fingerprints, 2);
	assert_string_equal(first->fingerprints[0].digits, "AA:BB");
	assert_address(&first->rtp, "192.0.2.2:1000");
	assert_int_equal(session->media[0].direction, SDP_SEND_ONLY);
	assert_int_equal(second->n_fingerprints, 1);
	assert_string_equal(second->fingerprints[0].algorithm, "sha-1");
	assert_address(&second->rtp, "192.0.2.1:2000");
	assert_int_equal(session->media[1].direction, SDP_INACTIVE);
	assert_string_equal(second->ice_ufrag, "media");
	assert_true(second->has_ice && second->ice_lite && second->setup == SDP_SETUP_PASSIVE);
	sdp_session_free(session);
}

static void test_no_port_is_next_to_the_last(void **state)
{
	static const char text[] =
	    "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 65535 RTP/AVP 0\n";
	struct sdp_session *session = support_parse(text);
	assert_address(&session->media[0].transport.rtp, "192.0.2.1:65535");
	assert_address(&session->media[0].transport.rtcp, "none");
	sdp_session_free(session);
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int error;
		unsigned line;
	} cases[] = {
	    {"", -EBADMSG, 1},
	    {"hello", -EBADMSG, 1},
	    {"v=1\r\n", -EBADMSG, 1},
	    {"v=0\r\ns=-\r\n", -EBADMSG, 2},
	    {"v=0\r\no=- x 1 IN IP4 192.0.2.1\r\n", -EBADMSG, 2},
	    {"v=0\r\no=- 99999999999999999999999 1 IN IP4 192.0.2.1\r\n", -EBADMSG, 2},
	    {"v=0\r\no=- 1 1 ATM NSAP 1\r\n", -EBADMSG, 2},
	    {HEAD "o=- 1 1 IN IP4 192.0.2.1\r\n", -EBADMSG, 5},
	    {HEAD "nonsense\r\n", -EBADMSG, 5},
	    {HEAD "c=IN\r\n", -EBADMSG, 5},
	    {HEAD "m=audio\r\n", -EBADMSG, 5},
	    {HEAD "m=audio 65536 RTP/AVP 0\r\n", -EBADMSG, 5},
	    {HEAD "m=audio 4000 RTP/AVP 128\r\n", -EBADMSG, 5},
	    {HEAD "m=audio 4000 RTP/AVP\r\n", -EBADMSG, 5},
	    {HEAD "m=audio 4000 RTP/AVP zero\r\n", -EBADMSG, 5},
	    {HEAD "m=audio 4000 RTP/AVP 0\r\na=fingerprint:sha-256 nonsense\r\n", -EBADMSG, 6},
	    {HEAD "m=audio 4000 RTP/AVP 0\r\na=ice-pwd:short\r\n", -EBADMSG, 6},
	    {HEAD "a=x:\001\r\n", -EBADMSG, 5},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct sdp_session *session = NULL;
		struct sdp_problem problem = {0};
		int error = sdp_parse(cases[i].text, strlen(cases[i].text), &session, &problem);
		if (error != cases[i].error || problem.line != cases[i].line || !problem.reason || session)
			fail_msg("case %zu: %d, line %u, %s", i, error, problem.line, problem.reason);
	}
}

/* `head`, then `line` (with %zu for a number) as often as said. */
static int parse_repeated(const char *head, const char *line, size_t times)
{
	GString *text = g_string_new(HEAD);
	g_string_append(text, head);
	for (size_t i = 0; i < times; i++) {
		g_autofree char *number = g_strdup_printf("%zu", i + 1);
		g_auto(GStrv) parts = g_strsplit(line, "#", -1);
		g_autofree char *whole = g_strjoinv(number, parts);
		g_string_append(text, whole);
	}
	struct sdp_session *session = NULL;
	int error = sdp_parse(text->str, text->len, &session, NULL);
	sdp_session_free(session);
	g_string_free(text, TRUE);
	return error;
}

static void test_crypto(void **state)
{
	static const struct {
		const char *line, *printed; /* NULL: void */
	} cases[] = {
	    {"1 AES_CM_128_HMAC_SHA1_80 inline:AAECAw==", "1 AES_CM_128_HMAC_SHA1_80 inline:AAECAw=="},
	    {"1 A inline:AAECAw", "1 A inline:AAECAw=="},
	    {"999999999  A  INLINE:AAEC|2^20|1:4  KDR=1 X", "999999999 A inline:AAEC|2^20|1:4 KDR=1 X"},
	    {"1 A inline:AAEC|1048576", "1 A inline:AAEC|2^20"},
	    {"1 A inline:AAEC|1000", "1 A inline:AAEC|1000"},
	    {"1 A inline:AAEC|7:128", "1 A inline:AAEC|7:128"},
	    {"1000000000 A inline:AAEC", NULL},
	    {"x A inline:AAEC", NULL},
	    {"1 A", NULL},
	    {"1 A inline:", NULL},
	    {"1 A uri:AAEC", NULL},
	    {"1 A inline:A*EC", NULL},
	    {"1 A inline:AAEC|", NULL},
	    {"1 A inline:AAEC|0", NULL},
	    {"1 A inline:AAEC|2^49", NULL},
	    {"1 A inline:AAEC|1:4|2^20", NULL},
	    {"1 A inline:AAEC|1:4|2:4", NULL},
	    {"1 A inline:AAEC|1:0", NULL},
	    {"1 A inline:AAEC|1:129", NULL},
	    {"1 A inline:AAEC|1:1;inline:AAED|2:1", NULL},
	    {"1 A23456789012345678901234567890123 inline:AAEC", NULL},
	    {"1 A inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v", NULL}, /* 48 bytes */
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = g_strconcat(HEAD, "m=audio 4000 RTP/SAVP 0\r\na=crypto:", cases[i].line, "\r\n", NULL);
		struct sdp_session *session = support_parse(text);
		g_autofree char *printed = sdp_print(session, NULL);
		const char *line = strstr(printed, "a=crypto:");
		g_autofree char *expected =
		    cases[i].printed ? g_strconcat("a=crypto:", cases[i].printed, "\r\n", NULL) : NULL;
		if (!expected != !line || (line && !g_str_has_prefix(line, expected)))
			fail_msg("%s: %s", cases[i].line, line ? line : "void");
		sdp_session_free(session);
	}
}

static void test_limits(void **state)
{
	static const struct {
		const char *head, *line;
		size_t limit;
	} cases[] = {
	    {"", "m=audio 4000 RTP/AVP 0\r\n", SDP_MEDIA_MAX},
	    {"m=audio 4000 RTP/AVP", " #", SDP_FORMATS_MAX},
	    {"m=audio 4000 RTP/AVP 0\r\n", "a=candidate:# 1 udp 1 192.0.2.1 # typ host\r\n", SDP_CANDIDATES_MAX},
	    {"m=audio 4000 RTP/AVP 0\r\n", "a=fingerprint:sha-256 AA\r\n", SDP_FINGERPRINTS_MAX},
	    {"m=audio 4000 RTP/AVP 0\r\n", "a=crypto:# A inline:AAEC\r\n", SDP_CRYPTO_MAX},
	    {"m=audio 4000 RTP/AVP 0\r\n", "a=extmap:# urn:x\r\n", SDP_EXTENSIONS_MAX},
	    {"m=audio 4000 RTP/AVP 0\r\n", "a=rtcp-fb:* nack\r\n", SDP_FEEDBACK_MAX},
	    {"a=group:BUNDLE", " #", SDP_MEDIA_MAX},
	    {"", "a=x\r\n", SDP_LINES_MAX - 4},
	    {"a=", "x", SDP_LINE_BYTES_MAX - 2},
	    {"m=audio 4000 RTP/AVP 0\r\na=fmtp:0 ", "x", sizeof((struct sdp_format *)0)->parameters - 1},
	    {"m=audio 4000 RTP/AVP 0\r\na=ice-ufrag:", "x", 256},
	    {"m=audio 4000 RTP/AVP 0\r\na=mid:", "x", 31},
	    {"m=", "x", 0},
	};
	for (size_t i = 0; i + 1 < G_N_ELEMENTS(cases); i++) {
		if (parse_repeated(cases[i].head, cases[i].line, cases[i].limit) != 0)
			fail_msg("case %zu: the limit itself is refused", i);
		if (parse_repeated(cases[i].head, cases[i].line, cases[i].limit + 1) != -E2BIG)
			fail_msg("case %zu: more than the limit is not refused", i);
	}
	assert_int_equal(parse_repeated("", "a=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", 900),
			 -E2BIG);
}

static void test_unknown_and_void_lines_are_skipped(void **state)
{
	static const char text[] =
	    "v=0\no=- 1 1 IN IP4 192.0.2.1\ns= \ni=x\nu=y\ne=a\np=b\nc=IN IP4 host.example\nb=CT:1\n"
	    "t=0 0\nr=1\nz=2\nk=clear:x\na=tool\na=:\nm=audio 4000 RTP/AVP 96 97 96 98\n"
	    "a=rtpmap:97 opus\na=rtpmap:99 x/8000\na=rtpmap:98 x/0\na=rtpmap:96 AMR/8000\n"
	    "a=candidate:junk\na=candidate:1 1 dccp 1 192.0.2.1 1 typ host\na=setup:sideways\n"
	    "a=extmap:0 urn:x\na=extmap:1/up urn:x\na=ssrc:x cname:y\na=rtcp:x\na=ptime:x\na=crypto:1\n\n";
	struct sdp_session *session = support_parse(text);
	const struct sdp_media *audio = &session->media[0];
	assert_int_equal(audio->n_formats, 3);
	assert_format(audio, 0, "96 AMR/8000/1");
	assert_format(audio, 1, "97 /0/1");
	assert_format(audio, 2, "98 /0/1");
	assert_address(&audio->transport.rtp, "none");
	assert_int_equal(audio->transport.n_candidates + audio->transport.n_crypto + audio->n_extensions, 0);
	sdp_session_free(session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_chromium),
	    cmocka_unit_test(test_firefox_folds_the_session_level),
	    cmocka_unit_test(test_sipura),
	    cmocka_unit_test(test_sipml5),
	    cmocka_unit_test(test_static_types_need_no_rtpmap),
	    cmocka_unit_test(test_ipv6_and_levels),
	    cmocka_unit_test(test_session_level_yields_to_the_media),
	    cmocka_unit_test(test_no_port_is_next_to_the_last),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_crypto),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_unknown_and_void_lines_are_skipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
