/* What is printed reads back as the same model; formats and candidates by themselves. */
#include "sdp/sdp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "../support/sdp_support.h"

static void assert_comes_back(struct sdp_session *session, const char *name)
{
	struct sdp_session *copy = sdp_session_copy(session);
	g_autofree char *printed = sdp_print(session, NULL), *copy_printed = sdp_print(copy, NULL);
	if (!support_comes_back(session))
		fail_msg("%s does not come back", name);
	assert_string_equal(printed, copy_printed);
	sdp_session_free(copy);
}

static void test_samples_come_back(void **state)
{
	support_each_sample(assert_comes_back);
}

static void test_layout(void **state)
{
	struct sdp_session *session = sdp_session_new(1);
	struct sdp_media *audio = &session->media[0];
	session->session_id = 5;
	session->session_version = 2;
	assert_int_equal(net_address_parse("192.0.2.1", 0, &session->origin), 0);
	assert_int_equal(net_address_parse("192.0.2.1", 4000, &audio->transport.rtp), 0);
	assert_int_equal(net_address_parse("192.0.2.1", 4001, &audio->transport.rtcp), 0);
	strcpy(audio->kind_text, "audio");
	strcpy(audio->profile_text, "RTP/AVP");
	audio->kind = SDP_KIND_AUDIO;
	audio->profile = SDP_RTP_AVP;
	audio->port = 4000;
	audio->direction = SDP_SEND_ONLY;
	audio->ptime_ms = 20;
	*sdp_media_add_format(audio) = (struct sdp_format){8, "PCMA", 8000, 1, ""};
	*sdp_media_add_format(audio) = (struct sdp_format){101, "telephone-event", 8000, 1, "0-16"};
	g_autofree char *text = sdp_print(session, NULL);
	assert_string_equal(text, "v=0\r\no=- 5 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
				  "m=audio 4000 RTP/AVP 8 101\r\na=sendonly\r\na=rtpmap:8 PCMA/8000\r\n"
				  "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n");
	sdp_session_free(session);
	sdp_session_free(NULL);
}

/* No amount of parsing may depend on the square of what a peer sends; a timing would prove little, so this only runs
 * the worst. */
static void test_largest(void **state)
{
	GString *text = g_string_new("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\nc=IN IP6 2001:db8::1\na=ice-lite\n");
	for (unsigned i = 0; i < SDP_EXTENSIONS_MAX; i++)
		g_string_append_printf(text, "a=extmap:%u urn:example:%u\n", i + 1, i);
	for (unsigned m = 0; m < SDP_MEDIA_MAX; m++) {
		g_string_append_printf(text, "m=audio %u RTP/AVP", 4000 + 2 * m);
		for (unsigned i = 0; i < SDP_FORMATS_MAX; i++)
			g_string_append_printf(text, " %u", 127 - i);
		for (unsigned i = 0; i < SDP_FORMATS_MAX; i++)
			g_string_append_printf(text, "\na=rtpmap:%u c%u/8000", 127 - i, i);
		g_string_append(text, "\n");
	}
	struct sdp_session *session = support_parse(text->str);
	assert_int_equal(session->n_media, SDP_MEDIA_MAX);
	assert_int_equal(session->media[7].n_formats, SDP_FORMATS_MAX);
	assert_true(support_comes_back(session));
	sdp_session_free(session);
	g_string_free(text, TRUE);
}

static void test_candidates(void **state)
{
	static const struct {
		const char *text, *printed; /* NULL: refused; "=": as it was */
	} cases[] = {
	    {"candidate:1 1 udp 2122260223 192.0.2.20 51472 typ host", "="},
	    {"candidate:a/+ 2 udp 1 2001:db8::1 9 typ relay raddr 192.0.2.1 rport 7", "="},
	    {"candidate:1 1 tcp 5 192.0.2.20 9 typ host tcptype active", "="},
	    {"1 1 UDP 7 192.0.2.20 51472 typ prflx raddr 0.0.0.0 rport 0 generation 0 ufrag x",
	     "candidate:1 1 udp 7 192.0.2.20 51472 typ prflx raddr 0.0.0.0 rport 0"},
	    {"candidate:1 1 udp 7 some.local 51472 typ host", "candidate:1 1 udp 7 unknown.invalid 9 typ host"},
	    {"candidate:1 1 udp 7 192.0.2.20 51472 typ host generation",
	     "candidate:1 1 udp 7 192.0.2.20 51472 typ host"},
	    {"", NULL},
	    {"candidate:1 1 udp 7 192.0.2.20 51472", NULL},
	    {"candidate:1 0 udp 7 192.0.2.20 51472 typ host", NULL},
	    {"candidate:1 1 udp 4294967296 192.0.2.20 51472 typ host", NULL},
	    {"candidate:1 1 udp 7 192.0.2.20 65536 typ host", NULL},
	    {"candidate:1 1 udp 7 192.0.2.20 -1 typ host", NULL},
	    {"candidate:1 1 udp 7 192.0.2.20 1 typ magic", NULL},
	    {"candidate:1 1 sctp 7 192.0.2.20 1 typ host", NULL},
	    {"candidate:123456789012345678901234567890123 1 udp 7 192.0.2.20 1 typ host", NULL},
	    {"candidate:1 1 udp 7 192.0.2.20 1 typ host raddr 192.0.2.1 rport 70000", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct sdp_candidate candidate;
		int error = sdp_candidate_parse(cases[i].text, &candidate);
		if (!cases[i].printed) {
			if (!error)
				fail_msg("taken: %s", cases[i].text);
			continue;
		}
		assert_int_equal(error, 0);
		g_autofree char *text = sdp_candidate_print(&candidate);
		assert_string_equal(text, cases[i].printed[0] == '=' ? cases[i].text : cases[i].printed);
	}
}

static void test_same_codec(void **state)
{
	static const struct {
		struct sdp_format a, b;
		bool same;
	} cases[] = {
	    {{111, "opus", 48000, 2, "useinbandfec=1"}, {96, "OPUS", 48000, 2, "stereo=1"}, true},
	    {{111, "opus", 48000, 2, ""}, {96, "opus", 48000, 1, ""}, false},
	    {{0, "PCMU", 8000, 1, ""}, {100, "pcmu", 8000, 0, ""}, true},
	    {{0, "PCMU", 8000, 1, ""}, {100, "pcmu", 16000, 1, ""}, false},
	    {{96, "", 0, 1, ""}, {96, "", 0, 1, ""}, false},
	    {{101, "telephone-event", 8000, 1, "0-15"}, {126, "telephone-event", 8000, 1, ""}, true},
	    {{96, "AMR", 8000, 1, "octet-align=1"}, {97, "AMR", 8000, 1, "mode-set=7"}, false},
	    {{96, "AMR", 8000, 1, "octet-align=0"}, {97, "AMR", 8000, 1, "mode-set=7; octet-align=0"}, true},
	    {{96, "H264", 90000, 1, "profile-level-id=42e01f;packetization-mode=1"},
	     {97, "H264", 90000, 1, "packetization-mode=1; profile-level-id=42001e"},
	     true},
	    {{96, "H264", 90000, 1, "profile-level-id=42e01f;packetization-mode=1"},
	     {97, "H264", 90000, 1, "profile-level-id=42e01f"},
	     false},
	    {{96, "H264", 90000, 1, "profile-level-id=64001f"}, {97, "H264", 90000, 1, ""}, false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		if (sdp_format_same_codec(&cases[i].a, &cases[i].b) != cases[i].same ||
		    sdp_format_same_codec(&cases[i].b, &cases[i].a) != cases[i].same)
			fail_msg("case %zu", i);
	}
}

static void test_parameters(void **state)
{
	static const struct sdp_format format = {96, "x", 8000, 1,
						 "minptime=10; UseInbandFEC = 1 ;mode-set=0,2;empty=;flag"};
	char value[4] = "";
	assert_true(sdp_format_parameter(&format, "minptime", value, sizeof value));
	assert_string_equal(value, "10");
	assert_true(sdp_format_parameter(&format, "useinbandfec", value, sizeof value));
	assert_string_equal(value, "1");
	assert_true(sdp_format_parameter(&format, "empty", value, sizeof value));
	assert_string_equal(value, "");
	assert_true(sdp_format_parameter(&format, "mode-set", value, sizeof value));
	assert_string_equal(value, "0,2");
	assert_false(sdp_format_parameter(&format, "mode-set", value, 3));
	assert_false(sdp_format_parameter(&format, "mode", value, sizeof value));
	assert_false(sdp_format_parameter(&format, "flag", value, sizeof value));
	assert_false(sdp_format_parameter(&format, "absent", value, sizeof value));
}

static void test_directions(void **state)
{
	assert_int_equal(sdp_direction_reverse(SDP_SEND_ONLY), SDP_RECEIVE_ONLY);
	assert_int_equal(sdp_direction_reverse(SDP_RECEIVE_ONLY), SDP_SEND_ONLY);
	assert_int_equal(sdp_direction_reverse(SDP_SEND_RECEIVE), SDP_SEND_RECEIVE);
	assert_int_equal(sdp_direction_reverse(SDP_INACTIVE), SDP_INACTIVE);
	assert_string_equal(sdp_direction_name(SDP_RECEIVE_ONLY), "recvonly");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_samples_come_back), cmocka_unit_test(test_layout),
	    cmocka_unit_test(test_largest),	      cmocka_unit_test(test_candidates),
	    cmocka_unit_test(test_same_codec),	      cmocka_unit_test(test_parameters),
	    cmocka_unit_test(test_directions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
