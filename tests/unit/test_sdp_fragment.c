/* Candidates that come after the description (RFC 8840). */
#include "sdp/sdp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define CREDENTIALS "a=ice-ufrag:Xq3k\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\n"
#define ONE	    "a=candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host\r\n"
#define TWO	    "a=candidate:2 1 udp 2113937150 2001:db8::1 5000 typ host\r\n"

static struct sdp_session *description(void)
{
	static const char text[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" CREDENTIALS
				   "m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
				   "m=video 9 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 VP8/90000\r\na=mid:1\r\n"
				   "m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=mid:alone\r\n";
	struct sdp_session *session;
	assert_int_equal(sdp_parse(text, strlen(text), &session, NULL), 0);
	return session;
}

/* The number added, or the error. */
static int take(struct sdp_session *session, const char *fragment)
{
	size_t n_added = 0;
	int error = sdp_fragment_take(session, fragment, strlen(fragment), &n_added);
	return error < 0 ? error : (int)n_added;
}

static void test_candidates_come_once(void **state)
{
	struct sdp_session *session = description();
	const struct sdp_transport *transport = &session->media[0].transport;
	assert_int_equal(take(session, CREDENTIALS "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n" ONE), 1);
	assert_int_equal(take(session, CREDENTIALS "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n" ONE TWO), 1);
	assert_int_equal(transport->n_candidates, 2);
	assert_int_equal(net_address_port(&transport->candidates[1].address), 5000);
	assert_false(transport->end_of_candidates);
	assert_int_equal(take(session, CREDENTIALS "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidates\r\n"), 0);
	assert_true(transport->end_of_candidates);
	sdp_session_free(session);
}

static void test_bundled_media_share_a_transport(void **state)
{
	struct sdp_session *session = description();
	assert_int_equal(take(session, CREDENTIALS "m=video 9 RTP/AVP 0\na=mid:1\n" ONE "m=audio 9 RTP/AVP 0\na=mid:alone\n" TWO),
			 2);
	assert_int_equal(session->media[0].transport.n_candidates, 1);
	assert_int_equal(session->media[1].transport.n_candidates, 0);
	assert_int_equal(session->media[2].transport.n_candidates, 1);
	sdp_session_free(session);
}

static void test_other_credentials(void **state)
{
	struct sdp_session *session = description();
	assert_int_equal(take(session, "a=ice-ufrag:old\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n" ONE), -ESTALE);
	assert_int_equal(take(session, "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=ice-ufrag:new\r\n" ONE), -ESTALE);
	assert_int_equal(take(session, "m=audio 9 RTP/AVP 0\r\na=mid:unheard-of\r\n" ONE), -ESTALE);
	assert_int_equal(session->media[0].transport.n_candidates, 0);
	sdp_session_free(session);
}

static void test_limits(void **state)
{
	struct sdp_session *session = description();
	g_autoptr(GString) many = g_string_new(CREDENTIALS "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n");
	for (int i = 0; i <= SDP_CANDIDATES_MAX; i++)
		g_string_append_printf(many, "a=candidate:1 1 udp 1 192.0.2.1 %d typ host\r\n", 1000 + i);
	assert_int_equal(take(session, many->str), -E2BIG);
	assert_int_equal(session->media[0].transport.n_candidates, SDP_CANDIDATES_MAX);
	g_autofree char *endless = g_strnfill(SDP_LINE_BYTES_MAX + 1, 'a');
	assert_int_equal(take(session, endless), -E2BIG);
	assert_int_equal(take(session, "a=end-of-candidates\vm=audio 9 RTP/AVP 0\r\n"), -EBADMSG);
	g_autoptr(GString) lines = g_string_new(NULL);
	for (int i = 0; i <= SDP_LINES_MAX; i++)
		g_string_append(lines, "a=x\n");
	assert_int_equal(take(session, lines->str), -E2BIG);
	sdp_session_free(session);
}

static void test_what_is_printed_can_be_taken(void **state)
{
	struct sdp_session *from = description(), *to = description();
	take(from, "m=audio 9 RTP/AVP 0\r\n" ONE TWO);
	g_autofree char *fragment = sdp_fragment_print(&from->media[0], &from->media[0].transport, 1);
	assert_int_equal(take(to, fragment), 1);
	assert_true(net_address_is_ipv6(&to->media[0].transport.candidates[0].address));
	assert_true(to->media[0].transport.end_of_candidates);
	sdp_session_free(from);
	sdp_session_free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_candidates_come_once),
		cmocka_unit_test(test_bundled_media_share_a_transport),
		cmocka_unit_test(test_other_credentials),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_what_is_printed_can_be_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
