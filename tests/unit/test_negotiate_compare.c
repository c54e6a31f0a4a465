/* Plans for media, checks of answers, hold, and what concerns the other leg. Descriptions as sdp_support.h says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "../support/sdp_support.h"

static void test_hold(void **state)
{
	static const struct {
		enum negotiate_kind kind;
		const char *description;
		bool is_hold;
	} cases[] = {
	    {NEGOTIATE_RTP, "0=PCMU/8000", false},
	    {NEGOTIATE_RTP, "0=PCMU/8000 recvonly", false},
	    {NEGOTIATE_RTP, "0=PCMU/8000 sendonly", true},
	    {NEGOTIATE_RTP, "0=PCMU/8000 inactive", true},
	    {NEGOTIATE_RTP, "0=PCMU/8000 nowhere", true},
	    {NEGOTIATE_WEBRTC, "0=PCMU/8000 nowhere mid=0", false},
	    {NEGOTIATE_WEBRTC, "0=PCMU/8000 nowhere inactive mid=0", true},
	    {NEGOTIATE_RTP, "0=PCMU/8000 sendonly | video refused", true},
	    {NEGOTIATE_RTP, "0=PCMU/8000 sendonly | video 31=H261/90000", false},
	    {NEGOTIATE_RTP, "refused", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct sdp_session *session = support_far_end(cases[i].kind, cases[i].description);
		if (negotiate_is_hold(session) != cases[i].is_hold)
			fail_msg("%s", cases[i].description);
		sdp_session_free(session);
	}
	struct sdp_session *firefox = support_sample("firefox-offer"), *cisco = support_sample("old-hold");
	assert_false(negotiate_is_hold(firefox));
	assert_true(negotiate_is_hold(cisco));
	sdp_session_free(firefox);
	sdp_session_free(cisco);
}

static void test_check_answer(void **state)
{
	static const struct {
		const char *offer, *answer;
		int error;
		const char *reason;
	} cases[] = {
	    {"0=PCMU/8000 mid=0", "0=PCMU/8000 mid=0 setup=active", 0, NULL},
	    {"0=PCMU/8000 mid=0", "0=PCMU/8000 setup=active", 0, NULL},
	    {"0=PCMU/8000 8=PCMA/8000 mid=0", "8=PCMA/8000 18=G729/8000 mid=0 setup=active", 0, NULL},
	    {"0=PCMU/8000 mid=0 | video 96=VP8/90000 mid=1", "0=PCMU/8000 mid=0 | video refused mid=1", 0, NULL},
	    {"0=PCMU/8000 mid=0", "0=PCMU/8000 mid=0 | video refused mid=1", -EBADMSG,
	     "answer has more m= lines than the offer"},
	    {"0=PCMU/8000 mid=0 | video 96=VP8/90000 mid=1", "0=PCMU/8000 mid=0", -EBADMSG,
	     "answer has fewer m= lines than the offer"},
	    {"0=PCMU/8000 mid=0", "video 0=PCMU/8000 mid=0", -EBADMSG, "answer has another kind of media in a line"},
	    {"0=PCMU/8000 mid=0 | 8=PCMA/8000 mid=1", "0=PCMU/8000 mid=1 | 8=PCMA/8000 mid=0", -EBADMSG,
	     "answer has another mid in a line"},
	    {"0=PCMU/8000 mid=0", "0=PCMU/8000 mid=7", -EBADMSG, "answer bundles what was not offered as a bundle"},
	    {"refused mid=0", "0=PCMU/8000 mid=0", -EBADMSG, "answer accepts a stream that was not offered"},
	    {"0=PCMU/8000 mid=0", "8=PCMA/8000 mid=0 setup=active", -EBADMSG, "answer has no codec that was offered"},
	    {"0=PCMU/8000 101=telephone-event/8000 mid=0", "101=telephone-event/8000 mid=0 setup=active", -EBADMSG,
	     "answer has no codec that was offered"},
	    {"0=PCMU/8000 mid=0", "0=PCMU/8000 mid=0 setup=actpass", -EBADMSG, "answer leaves the DTLS role open"},
	    {"0=PCMU/8000 mid=0", "refused mid=0", -ENOTSUP, "answer refuses every stream"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct sdp_session *offer = support_far_end(NEGOTIATE_WEBRTC, cases[i].offer);
		struct sdp_session *answer = support_far_end(NEGOTIATE_WEBRTC, cases[i].answer);
		const char *reason = NULL;
		int error = negotiate_check_answer(offer, answer, &reason);
		if (error != cases[i].error || g_strcmp0(reason, cases[i].reason))
			fail_msg("case %zu: %d %s", i, error, reason);
		assert_int_equal(negotiate_check_answer(offer, answer, NULL), error);
		sdp_session_free(offer);
		sdp_session_free(answer);
	}
}

static void test_insecure_answers(void **state)
{
	struct sdp_session *offer = support_far_end(NEGOTIATE_WEBRTC, "0=PCMU/8000 mid=0");
	struct sdp_session *plain = support_far_end(NEGOTIATE_RTP, "0=PCMU/8000");
	const char *reason = NULL;
	assert_int_equal(negotiate_check_answer(offer, plain, &reason), -EBADMSG);
	assert_string_equal(reason, "answer has no certificate fingerprint");
	plain->media[0].transport.n_fingerprints = 1;
	assert_int_equal(negotiate_check_answer(offer, plain, &reason), -EBADMSG);
	assert_string_equal(reason, "answer has no ICE user name and password");
	sdp_session_free(offer);
	sdp_session_free(plain);
}

/* "send>receive encoding" of each format, the direction, the role. */
static char *describe_plan(const struct sdp_leg_plan *plan)
{
	GString *out = g_string_new(NULL);
	for (size_t i = 0; i < plan->n_streams; i++) {
		const struct sdp_stream_plan *stream = &plan->streams[i];
		g_string_append(out, i ? " | " : "");
		for (size_t k = 0; k < stream->n_formats; k++)
			g_string_append_printf(out, "%u>%u %s, ", stream->send_types[k],
					       stream->formats[k].payload_type, stream->formats[k].encoding);
		g_string_append_printf(out, "%s %s%s", sdp_direction_name(stream->direction),
				       stream->we_are_dtls_client ? "client" : "server",
				       stream->is_bundled ? " bundled" : "");
	}
	return g_string_free(out, FALSE);
}

static void test_plans(void **state)
{
	static const struct {
		const char *name, *local, *remote;
		bool local_is_offer;
		const char *expected; /* NULL: nothing to carry */
	} cases[] = {
	    {"we answered: our order, events last, numbers as each side says",
	     "110=telephone-event/8000 0=PCMU/8000 111=opus/48000/2 mid=0 setup=active",
	     "111=opus/48000/2 0=PCMU/8000 110=telephone-event/8000 mid=0 setup=actpass", false,
	     "0>0 PCMU, 111>111 opus, 110>110 telephone-event, sendrecv client"},
	    {"we offered: the answer's order and numbers",
	     "111=opus/48000/2 0=PCMU/8000 101=telephone-event/8000 mid=0 setup=actpass",
	     "0=PCMU/8000 96=opus/48000/2 97=telephone-event/8000 mid=0 setup=active", true,
	     "0>0 PCMU, 96>111 opus, 97>101 telephone-event, sendrecv server"},
	    {"passive answer", "0=PCMU/8000 mid=0 setup=actpass", "0=PCMU/8000 mid=0 setup=passive", true,
	     "0>0 PCMU, sendrecv client"},
	    {"we answered passive", "0=PCMU/8000 mid=0 setup=passive", "0=PCMU/8000 mid=0 setup=active", false,
	     "0>0 PCMU, sendrecv server"},
	    {"we hold", "0=PCMU/8000 sendonly mid=0 setup=actpass", "0=PCMU/8000 recvonly mid=0 setup=active", true,
	     "0>0 PCMU, sendonly server"},
	    {"an answer that asks for more than was offered", "0=PCMU/8000 sendonly mid=0 setup=actpass",
	     "0=PCMU/8000 sendrecv mid=0 setup=active", true, "0>0 PCMU, sendonly server"},
	    {"refused streams are left out", "0=PCMU/8000 mid=0 setup=active | video refused mid=1",
	     "0=PCMU/8000 mid=0 setup=actpass | video 96=VP8/90000 mid=1", false, "0>0 PCMU, sendrecv client"},
	    {"two bundled streams", "0=PCMU/8000 mid=0 setup=actpass | video 96=VP8/90000 mid=1 bundle-only",
	     "0=PCMU/8000 mid=0 setup=active | video 96=VP8/90000 mid=1", true,
	     "0>0 PCMU, sendrecv server | 96>96 VP8, sendrecv client bundled"},
	    {"nothing common", "0=PCMU/8000 mid=0", "8=PCMA/8000 mid=0", true, NULL},
	    {"only events", "101=telephone-event/8000 mid=0", "101=telephone-event/8000 mid=0", true, NULL},
	    {"refused", "0=PCMU/8000 mid=0", "refused mid=0", true, NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct sdp_session *local = support_far_end(NEGOTIATE_WEBRTC, cases[i].local);
		struct sdp_session *remote = support_far_end(NEGOTIATE_WEBRTC, cases[i].remote);
		struct sdp_leg_plan plan = {0};
		int error = negotiate_make_plan(local, remote, cases[i].local_is_offer, &plan);
		g_autofree char *text = error ? NULL : describe_plan(&plan);
		if (error != (cases[i].expected ? 0 : -ENOTSUP) || g_strcmp0(text, cases[i].expected))
			fail_msg("%s: %d\n got  %s\n want %s", cases[i].name, error, text, cases[i].expected);
		sdp_leg_plan_clear(&plan);
		sdp_session_free(local);
		sdp_session_free(remote);
	}
}

static void test_plan_of_a_held_telephone(void **state)
{
	struct sdp_session *local = support_far_end(NEGOTIATE_RTP, "0=PCMU/8000 recvonly");
	struct sdp_session *remote = support_far_end(NEGOTIATE_RTP, "0=PCMU/8000#far nowhere ptime=30");
	struct sdp_leg_plan plan;
	remote->media[0].transport.rtcp_mux = true; /* offered, and not taken */
	assert_int_equal(negotiate_make_plan(local, remote, false, &plan), 0);
	assert_int_equal(plan.streams[0].direction, SDP_RECEIVE_ONLY);
	assert_int_equal(plan.streams[0].ptime_ms, 30);
	assert_string_equal(plan.streams[0].formats[0].parameters, "far");
	assert_false(plan.streams[0].remote.rtcp_mux);
	sdp_leg_plan_clear(&plan);
	assert_int_equal(plan.n_streams, 0);
	sdp_session_free(local);
	sdp_session_free(remote);
}

static void test_plan_counts_refused_lines(void **state)
{
	static const char streams[] = "0=PCMU/8000 refused | 0=PCMU/8000 | video 96=VP8/90000";
	struct sdp_session *local = support_far_end(NEGOTIATE_RTP, streams);
	struct sdp_session *remote = support_far_end(NEGOTIATE_RTP, streams);
	struct sdp_leg_plan plan;
	assert_int_equal(negotiate_make_plan(local, remote, false, &plan), 0);
	assert_int_equal(plan.n_streams, 2);
	assert_int_equal(plan.streams[0].line, 1);
	assert_int_equal(plan.streams[0].rank, 1);
	assert_int_equal(plan.streams[1].line, 2);
	assert_int_equal(plan.streams[1].rank, 0);
	sdp_leg_plan_clear(&plan);
	sdp_session_free(local);
	sdp_session_free(remote);
}

static void test_needs_reoffer(void **state)
{
	static const struct {
		const char *name, *local, *remote;
		bool local_was_offer;
		const char *now;
		bool expected;
	} cases[] = {
	    {"refresh", "0=PCMU/8000", "111=opus/48000/2 0=PCMU/8000", false, "111=opus/48000/2 0=PCMU/8000", false},
	    {"hold", "0=PCMU/8000", "0=PCMU/8000", false, "0=PCMU/8000 sendonly", true},
	    {"hold by 0.0.0.0", "0=PCMU/8000", "0=PCMU/8000", false, "0=PCMU/8000 nowhere", true},
	    {"resume", "0=PCMU/8000 recvonly", "0=PCMU/8000 sendonly", false, "0=PCMU/8000", true},
	    {"only the agreed codec is offered again", "0=PCMU/8000", "111=opus/48000/2 0=PCMU/8000", false,
	     "0=PCMU/8000", false},
	    {"more codecs, behind", "0=PCMU/8000", "0=PCMU/8000", false, "0=PCMU/8000 8=PCMA/8000", false},
	    {"another codec is preferred now", "0=PCMU/8000 18=G729/8000", "0=PCMU/8000 18=G729/8000", false,
	     "18=G729/8000 0=PCMU/8000", true},
	    {"a new codec is preferred", "0=PCMU/8000", "0=PCMU/8000", false, "18=G729/8000 0=PCMU/8000", true},
	    {"the codec in use is gone", "0=PCMU/8000 8=PCMA/8000", "0=PCMU/8000 8=PCMA/8000", false, "8=PCMA/8000",
	     true},
	    {"one that the other side may use at any time is gone", "0=PCMU/8000 8=PCMA/8000",
	     "0=PCMU/8000 8=PCMA/8000", false, "0=PCMU/8000", true},
	    {"after our offer, the browser offers all it has", "0=PCMU/8000 8=PCMA/8000", "0=PCMU/8000", true,
	     "111=opus/48000/2 0=PCMU/8000", false},
	    {"after our offer, without the codec in use", "0=PCMU/8000 8=PCMA/8000", "0=PCMU/8000", true, "8=PCMA/8000",
	     true},
	    {"we held; the far end would talk as before", "0=PCMU/8000 sendonly", "0=PCMU/8000 recvonly", true,
	     "0=PCMU/8000", false},
	    {"we offered; the far end holds", "0=PCMU/8000", "0=PCMU/8000", true, "0=PCMU/8000 sendonly", true},
	    {"the stream ends", "0=PCMU/8000", "0=PCMU/8000", false, "refused", true},
	    {"the stream is back", "refused", "refused", false, "0=PCMU/8000", true},
	    {"video that is not carried", "0=PCMU/8000", "0=PCMU/8000", false, "0=PCMU/8000 | video 31=H261/90000",
	     false},
	    {"a second audio", "0=PCMU/8000", "0=PCMU/8000", false, "0=PCMU/8000 | 8=PCMA/8000", true},
	    {"events come and go", "0=PCMU/8000", "0=PCMU/8000 101=telephone-event/8000", false, "0=PCMU/8000", false},
	    {"another payload type for the same codec", "96=opus/48000/2", "96=opus/48000/2", false, "97=opus/48000/2",
	     false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct support_leg leg;
		support_leg_init(&leg, NEGOTIATE_RTP);
		support_leg_agree(&leg, support_far_end(NEGOTIATE_RTP, cases[i].local),
				  support_far_end(NEGOTIATE_RTP, cases[i].remote), cases[i].local_was_offer);
		struct sdp_session *now = support_far_end(NEGOTIATE_RTP, cases[i].now);
		net_address_parse("192.0.2.99", 6000, &now->media[0].transport.rtp);
		if (strstr(cases[i].now, "nowhere"))
			net_address_parse("0.0.0.0", 6000, &now->media[0].transport.rtp);
		if (negotiate_needs_reoffer(&leg.leg, now) != cases[i].expected)
			fail_msg("%s", cases[i].name);
		sdp_session_free(now);
		support_leg_clear(&leg);
	}
	struct support_leg fresh;
	support_leg_init(&fresh, NEGOTIATE_RTP);
	struct sdp_session *first = support_far_end(NEGOTIATE_RTP, "0=PCMU/8000");
	assert_true(negotiate_needs_reoffer(&fresh.leg, first));
	sdp_session_free(first);
}

static void test_ice_restart_is_no_affair_of_the_other_leg(void **state)
{
	struct support_leg leg;
	support_leg_init(&leg, NEGOTIATE_WEBRTC);
	struct sdp_session *local = NULL, *offer = support_sample("chromium-offer");
	assert_int_equal(negotiate_make_answer(&leg.leg, offer, NULL, &local), 0);
	support_leg_agree(&leg, local, offer, false);
	struct sdp_session *again = sdp_session_copy(offer);
	assert_false(negotiate_is_ice_restart(&leg.leg, again));
	strcpy(again->media[0].transport.ice_ufrag, "new1");
	strcpy(again->media[0].transport.ice_pwd, "newnewnewnewnewnewnewnew");
	again->media[0].transport.n_candidates = 1;
	assert_true(negotiate_is_ice_restart(&leg.leg, again));
	assert_false(negotiate_needs_reoffer(&leg.leg, again));
	sdp_session_free(again);

	struct support_leg trunk;
	support_leg_init(&trunk, NEGOTIATE_RTP);
	struct sdp_session *plain = support_sample("sipp-offer");
	assert_false(negotiate_is_ice_restart(&trunk.leg, plain));
	sdp_session_free(plain);
	support_leg_clear(&leg);
}

static void test_legs_match(void **state)
{
	static const struct {
		const char *a, *b;
		const struct sdp_converter *converter;
		bool expected;
	} cases[] = {
	    {"0=PCMU/8000", "0=PCMU/8000", NULL, true},
	    {"0=PCMU/8000 101=telephone-event/8000", "0=PCMU/8000", NULL, true},
	    {"96=opus/48000/2", "111=opus/48000/2", NULL, true},
	    {"0=PCMU/8000 8=PCMA/8000", "0=PCMU/8000", NULL, false},
	    {"111=opus/48000/2", "0=PCMU/8000", NULL, false},
	    {"111=opus/48000/2", "0=PCMU/8000", &support_opus_and_pcmu, false},
	    {"111=opus/48000/2", "8=PCMA/8000", &support_opus_and_pcmu, false},
	    {"0=PCMU/8000 111=opus/48000/2", "0=PCMU/8000", &support_opus_and_pcmu, true},
	    {"0=PCMU/8000 8=PCMA/8000", "0=PCMU/8000", &support_opus_and_pcmu, false},
	    {"111=opus/48000/2 0=PCMU/8000", "0=PCMU/8000", &support_opus_and_pcmu, false},
	    {"0=PCMU/8000", "refused", NULL, false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct support_leg a, b;
		support_leg_init(&a, NEGOTIATE_RTP);
		support_leg_init(&b, NEGOTIATE_RTP);
		assert_false(negotiate_legs_match(&a.leg, &b.leg));
		a.leg.profile.converter = b.leg.profile.converter = cases[i].converter;
		support_leg_agree(&a, support_far_end(NEGOTIATE_RTP, cases[i].a),
				  support_far_end(NEGOTIATE_RTP, cases[i].a), true);
		support_leg_agree(&b, support_far_end(NEGOTIATE_RTP, cases[i].b),
				  support_far_end(NEGOTIATE_RTP, cases[i].b), true);
		if (negotiate_legs_match(&a.leg, &b.leg) != cases[i].expected ||
		    negotiate_legs_match(&b.leg, &a.leg) != cases[i].expected)
			fail_msg("%s with %s", cases[i].a, cases[i].b);
		support_leg_clear(&a);
		support_leg_clear(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hold),
	    cmocka_unit_test(test_check_answer),
	    cmocka_unit_test(test_insecure_answers),
	    cmocka_unit_test(test_plans),
	    cmocka_unit_test(test_plan_of_a_held_telephone),
	    cmocka_unit_test(test_plan_counts_refused_lines),
	    cmocka_unit_test(test_needs_reoffer),
	    cmocka_unit_test(test_ice_restart_is_no_affair_of_the_other_leg),
	    cmocka_unit_test(test_legs_match),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
