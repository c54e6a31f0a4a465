/* Our answers, from what the other leg's far end has agreed to. Descriptions are written as sdp_support.h says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../support/sdp_support.h"

#define BROWSER                                                                                                        \
	"111=opus/48000/2#minptime=10 63=red/48000/2 9=G722/8000 0=PCMU/8000 8=PCMA/8000 13=CN/8000 "                  \
	"110=telephone-event/48000 126=telephone-event/8000"

static struct sdp_session *answer(const struct support_leg *leg, const struct sdp_session *to,
				  const struct support_leg *other)
{
	struct sdp_session *session = NULL;
	assert_int_equal(negotiate_make_answer(&leg->leg, to, other ? &other->leg : NULL, &session), 0);
	assert_true(support_comes_back(session));
	return session;
}

struct answer_case {
	const char *name;
	enum negotiate_kind kind; /* of the leg that gets the offer; the other leg is of the other kind */
	const char *offer;
	const char *other_answer; /* to our offer made of that; NULL: built-in */
	const char *const *codecs;
	const struct sdp_converter *converter;
	const char *expected; /* NULL: -ENOTSUP */
};

static const char *const g711[] = {"PCMA", "PCMU", NULL};

static const struct answer_case answer_cases[] = {
    {.name = "the other's codec, with the number of the offer",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " setup=actpass mid=0",
     .other_answer = "0=PCMU/8000 126=telephone-event/8000 ptime=20",
     .expected = "audio 0=PCMU/8000 126=telephone-event/8000 sendrecv ptime=20 mid=0 setup=active"},
    {.name = "in the other's order, events for every clock in use",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " setup=actpass mid=0",
     .other_answer = "8=PCMA/8000 111=opus/48000/2 0=PCMU/8000 126=telephone-event/8000 110=telephone-event/48000",
     .expected = "audio 8=PCMA/8000 111=opus/48000/2 0=PCMU/8000 110=telephone-event/48000 "
		 "126=telephone-event/8000 sendrecv mid=0 setup=active"},
    {.name = "numbers that the other has chosen anew",
     .kind = NEGOTIATE_WEBRTC,
     .offer = "109=opus/48000/2 101=telephone-event/8000 setup=actpass mid=a",
     .other_answer = "96=opus/48000/2 97=telephone-event/8000",
     .expected = "audio 109=opus/48000/2 101=telephone-event/8000 sendrecv mid=a setup=active"},
    {.name = "Opus with events at 8 kHz, when the far ends share no others",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " setup=actpass mid=0",
     .other_answer = "111=opus/48000/2 126=telephone-event/8000",
     .expected = "audio 111=opus/48000/2 126=telephone-event/8000 sendrecv mid=0 setup=active"},
    {.name = "events that the other has not are made anew for it",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " setup=actpass mid=0",
     .other_answer = "0=PCMU/8000",
     .expected = "audio 0=PCMU/8000 126=telephone-event/8000 sendrecv mid=0 setup=active"},
    {.name = "comfort noise that both have",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " setup=actpass mid=0",
     .other_answer = "0=PCMU/8000 13=CN/8000",
     .expected = "audio 0=PCMU/8000 126=telephone-event/8000 13=CN/8000 sendrecv mid=0 setup=active"},
    {.name = "an answer without rtpmap means what was offered",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " setup=actpass mid=0",
     .other_answer = "111=",
     .expected = "audio 111=opus/48000/2 110=telephone-event/48000 sendrecv mid=0 setup=active"},
    {.name = "a telephone calls a browser",
     .kind = NEGOTIATE_RTP,
     .offer = "8=PCMA/8000 0=PCMU/8000 101=telephone-event/8000 ptime=30",
     .other_answer = "0=PCMU/8000 8=PCMA/8000 101=telephone-event/8000 mid=0 setup=active",
     .expected = "audio 0=PCMU/8000 8=PCMA/8000 101=telephone-event/8000 sendrecv"},
    {.name = "held by the offerer",
     .kind = NEGOTIATE_RTP,
     .offer = "0=PCMU/8000 sendonly",
     .other_answer = "0=PCMU/8000 recvonly mid=0 setup=active",
     .expected = "audio 0=PCMU/8000 recvonly"},
    {.name = "held by 0.0.0.0",
     .kind = NEGOTIATE_RTP,
     .offer = "0=PCMU/8000 nowhere",
     .other_answer = "0=PCMU/8000 recvonly mid=0 setup=active",
     .expected = "audio 0=PCMU/8000 recvonly"},
    {.name = "the other answers less than was asked",
     .kind = NEGOTIATE_RTP,
     .offer = "0=PCMU/8000",
     .other_answer = "0=PCMU/8000 sendonly mid=0 setup=active",
     .expected = "audio 0=PCMU/8000 sendonly"},
    {.name = "held at both ends",
     .kind = NEGOTIATE_RTP,
     .offer = "0=PCMU/8000 sendonly",
     .other_answer = "0=PCMU/8000 inactive mid=0 setup=active",
     .expected = "audio 0=PCMU/8000 inactive"},
    {.name = "the offerer will be the TLS server",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " setup=passive mid=0",
     .other_answer = "0=PCMU/8000",
     .expected = "audio 0=PCMU/8000 126=telephone-event/8000 sendrecv mid=0 setup=active"},
    {.name = "the offerer will be the TLS client",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " setup=active mid=0",
     .other_answer = "0=PCMU/8000",
     .expected = "audio 0=PCMU/8000 126=telephone-event/8000 sendrecv mid=0 setup=passive"},
    {.name = "video and data are refused in their places",
     .kind = NEGOTIATE_WEBRTC,
     .offer = "video 96=VP8/90000 setup=actpass mid=v | 0=PCMU/8000 setup=actpass mid=a",
     .other_answer = "0=PCMU/8000",
     .expected = "video refused | audio 0=PCMU/8000 sendrecv mid=a setup=active"},
    {.name = "the leg's list limits the answer",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " setup=actpass mid=0",
     .codecs = g711,
     .other_answer = "0=PCMU/8000",
     .expected = "audio 0=PCMU/8000 126=telephone-event/8000 sendrecv mid=0 setup=active"},
    {.name = "nothing common",
     .kind = NEGOTIATE_WEBRTC,
     .offer = "111=opus/48000/2 setup=actpass mid=0",
     .other_answer = "0=PCMU/8000"},
    {.name = "nothing common, but media converts",
     .kind = NEGOTIATE_WEBRTC,
     .offer = "111=opus/48000/2 98=iLBC/8000 110=telephone-event/48000 126=telephone-event/8000 setup=actpass mid=0",
     .converter = &support_opus_and_g711,
     .other_answer = "0=PCMU/8000 126=telephone-event/8000",
     .expected = "audio 111=opus/48000/2 110=telephone-event/48000 sendrecv mid=0 setup=active"},
    {.name = "where media converts comfort noise is each far end's own",
     .kind = NEGOTIATE_RTP,
     .offer = "0=PCMU/8000 13=CN/8000",
     .converter = &support_opus_and_g711,
     .other_answer = "111=opus/48000/2 setup=active mid=0",
     .expected = "audio 0=PCMU/8000 13=CN/8000 sendrecv"},
    {.name = "the other refuses the stream",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " setup=actpass mid=0",
     .other_answer = "refused"},
    {.name = "built-in: all that was offered and is a codec",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " setup=actpass mid=0",
     .expected = "audio 111=opus/48000/2 9=G722/8000 0=PCMU/8000 8=PCMA/8000 110=telephone-event/48000 "
		 "126=telephone-event/8000 13=CN/8000 sendrecv mid=0 setup=active"},
    {.name = "built-in with an order",
     .kind = NEGOTIATE_WEBRTC,
     .offer = BROWSER " recvonly setup=actpass mid=0",
     .codecs = g711,
     .expected = "audio 8=PCMA/8000 0=PCMU/8000 126=telephone-event/8000 13=CN/8000 sendonly mid=0 setup=active"},
    {.name = "built-in: nothing it has", .kind = NEGOTIATE_RTP, .offer = "18=G729/8000", .codecs = g711},
    {.name = "nothing but a refused line", .kind = NEGOTIATE_RTP, .offer = "refused"},
};

static void run_case(const struct answer_case *test)
{
	struct support_leg leg, other;
	enum negotiate_kind other_kind = test->kind == NEGOTIATE_RTP ? NEGOTIATE_WEBRTC : NEGOTIATE_RTP;
	struct sdp_session *offer = support_far_end(test->kind, test->offer), *passed_on = NULL, *session = NULL;
	support_leg_init(&leg, test->kind);
	support_leg_init(&other, other_kind);
	leg.leg.profile.codecs = test->codecs;
	leg.leg.profile.converter = other.leg.profile.converter = test->converter;
	if (test->other_answer) {
		assert_int_equal(negotiate_make_offer(&other.leg, offer, &passed_on), 0);
		support_leg_agree(&other, passed_on, support_far_end(other_kind, test->other_answer), true);
	}
	int error = negotiate_make_answer(&leg.leg, offer, test->other_answer ? &other.leg : NULL, &session);
	g_autofree char *text = session ? support_describe(session) : NULL;
	if (error != (test->expected ? 0 : -ENOTSUP) || g_strcmp0(text, test->expected))
		fail_msg("%s: %d\n got  %s\n want %s", test->name, error, text, test->expected);
	if (session) {
		const char *reason = NULL;
		assert_true(support_comes_back(session));
		if (negotiate_check_answer(offer, session, &reason) < 0)
			fail_msg("%s: our own answer is wrong: %s", test->name, reason);
	}
	sdp_session_free(session);
	sdp_session_free(offer);
	support_leg_clear(&other);
}

static void test_answers(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answer_cases); i++)
		run_case(&answer_cases[i]);
}

/* baresip answers by the number, and names its own profile: the answer is passed on, and pictures still find their way. */
static void test_an_answer_is_the_codec_that_was_offered(void **state)
{
	static const char *const main_profile = "profile-level-id=4d001f;packetization-mode=1";
	static const char *const own_profile = "profile-level-id=42e01f;packetization-mode=1";
	g_autofree char *offered = g_strconcat("video 116=H264/90000#", main_profile, NULL);
	g_autofree char *answered = g_strconcat("video 116=H264/90000#", own_profile, NULL);
	struct support_leg caller, callee;
	support_leg_init(&caller, NEGOTIATE_RTP);
	support_leg_init(&callee, NEGOTIATE_RTP);
	caller.leg.profile.carries_video = callee.leg.profile.carries_video = true;
	struct sdp_session *offer = support_far_end(NEGOTIATE_RTP, offered), *onward, *back;
	assert_int_equal(negotiate_make_offer(&callee.leg, offer, &onward), 0);
	assert_string_equal(onward->media[0].formats[0].parameters, main_profile);
	support_leg_agree(&callee, onward, support_far_end(NEGOTIATE_RTP, answered), true);
	assert_int_equal(negotiate_make_answer(&caller.leg, offer, &callee.leg, &back), 0);
	assert_string_equal(back->media[0].formats[0].parameters, own_profile);
	support_leg_agree(&caller, back, offer, false);
	assert_true(negotiate_legs_match(&caller.leg, &callee.leg));

	struct sdp_leg_plan from, to;
	assert_int_equal(negotiate_make_plan(back, offer, false, &from), 0);
	assert_int_equal(negotiate_make_plan(onward, callee.remote, true, &to), 0);
	assert_true(sdp_format_same_codec(&from.streams[0].formats[0], &to.streams[0].formats[0]));
	sdp_leg_plan_clear(&from);
	sdp_leg_plan_clear(&to);

	struct sdp_session *again = sdp_session_copy(offer);
	assert_false(negotiate_needs_reoffer(&caller.leg, again));
	sdp_session_free(again);
	support_leg_clear(&caller);
	support_leg_clear(&callee);
}

static void test_answer_details(void **state)
{
	struct support_leg leg;
	support_leg_init(&leg, NEGOTIATE_WEBRTC);
	struct sdp_session *offer = support_sample("chromium-offer"), *session = answer(&leg, offer, NULL);
	const struct sdp_media *audio = &session->media[0];
	assert_string_equal(audio->profile_text, "UDP/TLS/RTP/SAVPF");
	assert_true(audio->transport.rtcp_mux && audio->transport.has_ice);
	assert_int_equal(audio->n_feedback, 0);
	assert_int_equal(audio->n_extensions, 0);
	assert_int_equal(session->n_bundled, 1);
	assert_string_equal(audio->formats[0].parameters, "minptime=10;useinbandfec=1");
	sdp_session_free(session);

	offer->media[0].transport.rtcp_mux = false;
	offer->n_bundled = 0;
	offer->media[0].profile = SDP_RTP_SAVPF;
	strcpy(offer->media[0].profile_text, "RTP/SAVPF");
	session = answer(&leg, offer, NULL);
	assert_string_equal(session->media[0].profile_text, "RTP/SAVPF");
	assert_false(session->media[0].transport.rtcp_mux);
	assert_int_equal(session->n_bundled, 0);
	sdp_session_free(session);
	sdp_session_free(offer);
}

static void test_parameters_are_the_other_far_ends(void **state)
{
	struct support_leg browser, trunk;
	support_leg_init(&browser, NEGOTIATE_WEBRTC);
	support_leg_init(&trunk, NEGOTIATE_RTP);
	struct sdp_session *offer = support_sample("chromium-offer"), *passed_on = NULL;
	assert_int_equal(negotiate_make_offer(&trunk.leg, offer, &passed_on), 0);
	support_leg_agree(&trunk, passed_on, support_far_end(NEGOTIATE_RTP, "111=opus/48000/2#maxplaybackrate=16000"),
			  true);
	struct sdp_session *session = answer(&browser, offer, &trunk);
	assert_string_equal(session->media[0].formats[0].parameters, "maxplaybackrate=16000");
	sdp_session_free(session);
	sdp_session_free(offer);
	support_leg_clear(&trunk);
}

static void test_what_cannot_be_carried(void **state)
{
	static const struct {
		const char *sample;
		enum negotiate_kind kind;
		int expected;
	} cases[] = {
	    {"chromium-offer", NEGOTIATE_WEBRTC, 0},
	    {"firefox-offer", NEGOTIATE_WEBRTC, 0},
	    {"sipura-offer", NEGOTIATE_RTP, 0},
	    {"asterisk-offer", NEGOTIATE_RTP, 0},
	    {"chromium-offer", NEGOTIATE_RTP, -ENOTSUP},
	    {"sipp-offer", NEGOTIATE_WEBRTC, -ENOTSUP},
	    {"sipml5-2013-offer", NEGOTIATE_WEBRTC, -ENOTSUP}, /* SDES, no fingerprint */
	    {"sdes-offer", NEGOTIATE_RTP, -ENOTSUP},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct support_leg leg;
		support_leg_init(&leg, cases[i].kind);
		struct sdp_session *offer = support_sample(cases[i].sample), *session = NULL;
		assert_int_equal(negotiate_check_offer(&leg.leg.profile, offer), cases[i].expected);
		assert_int_equal(negotiate_make_answer(&leg.leg, offer, NULL, &session), cases[i].expected);
		sdp_session_free(session);
		sdp_session_free(offer);
	}
	struct support_leg leg, empty;
	support_leg_init(&leg, NEGOTIATE_RTP);
	support_leg_init(&empty, NEGOTIATE_WEBRTC);
	struct sdp_session *offer = support_sample("sipp-offer"), *session = NULL;
	assert_int_equal(negotiate_make_answer(&leg.leg, offer, &empty.leg, &session), -EINVAL);
	sdp_session_free(offer);
}

static void test_bundle(void **state)
{
	struct support_leg leg;
	support_leg_init(&leg, NEGOTIATE_WEBRTC);
	leg.leg.profile.carries_video = true;
	struct sdp_session *offer = support_sample("chromium-video-offer"), *session = answer(&leg, offer, NULL);
	assert_int_equal(session->n_media, 3);
	assert_int_equal(session->n_bundled, 2);
	assert_string_equal(session->bundle[1], "1");
	assert_int_equal(session->media[1].port, session->media[0].port);
	assert_int_equal(session->media[1].transport.n_candidates, 0);
	assert_int_equal(session->media[2].port, 0);
	assert_string_equal(session->media[2].formats_text, "webrtc-datachannel");
	/* only what is understood */
	assert_int_equal(session->media[0].n_feedback, 0);
	assert_int_equal(session->media[1].n_feedback, 6);
	sdp_session_free(session);

	/* without BUNDLE the second stream has no transport */
	offer->n_bundled = 0;
	session = answer(&leg, offer, NULL);
	assert_true(session->media[0].port && !session->media[1].port);
	sdp_session_free(session);
	sdp_session_free(offer);
}

/* RFC 8842, section 5.5: who was the TLS client stays it, whoever offers next. */
static void test_roles_stay(void **state)
{
	static const struct {
		const char *local, *remote;
		bool local_was_offer;
		enum sdp_setup expected;
	} cases[] = {
	    {"setup=active", "setup=actpass", false, SDP_SETUP_ACTIVE},
	    {"setup=passive", "setup=active", false, SDP_SETUP_PASSIVE},
	    {"setup=actpass", "setup=active", true, SDP_SETUP_PASSIVE},
	    {"setup=actpass", "setup=passive", true, SDP_SETUP_ACTIVE},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct support_leg leg;
		support_leg_init(&leg, NEGOTIATE_WEBRTC);
		g_autofree char *local = g_strdup_printf("0=PCMU/8000 mid=0 %s", cases[i].local);
		g_autofree char *remote = g_strdup_printf("0=PCMU/8000 mid=0 %s", cases[i].remote);
		support_leg_agree(&leg, support_far_end(NEGOTIATE_WEBRTC, local),
				  support_far_end(NEGOTIATE_WEBRTC, remote), cases[i].local_was_offer);
		struct sdp_session *offer = support_far_end(NEGOTIATE_WEBRTC, "0=PCMU/8000 mid=0 setup=actpass");
		struct sdp_session *session = answer(&leg, offer, NULL);
		assert_int_equal(session->media[0].transport.setup, cases[i].expected);
		sdp_session_free(session);
		sdp_session_free(offer);
		support_leg_clear(&leg);
	}
}

static void test_a_later_offer_may_end_the_stream(void **state)
{
	struct support_leg leg;
	support_leg_init(&leg, NEGOTIATE_RTP);
	support_leg_agree(&leg, support_far_end(NEGOTIATE_RTP, "0=PCMU/8000"),
			  support_far_end(NEGOTIATE_RTP, "0=PCMU/8000"), false);
	struct sdp_session *offer = support_far_end(NEGOTIATE_RTP, "refused"), *session = answer(&leg, offer, NULL);
	assert_int_equal(session->media[0].port, 0);
	sdp_session_free(session);
	sdp_session_free(offer);
	support_leg_clear(&leg);
}

/* An offer that does not concern the other leg is answered from what that has, though its far end was the last to
 * offer. */
static void test_answer_from_a_leg_that_was_offered_to(void **state)
{
	struct support_leg browser, trunk;
	support_leg_init(&browser, NEGOTIATE_WEBRTC);
	support_leg_init(&trunk, NEGOTIATE_RTP);
	support_leg_agree(&trunk, support_far_end(NEGOTIATE_RTP, "8=PCMA/8000 recvonly"),
			  support_far_end(NEGOTIATE_RTP, "0=PCMU/8000 8=PCMA/8000 18=G729/8000 sendonly"), false);
	struct sdp_session *offer = support_sample("chromium-offer"), *session = answer(&browser, offer, &trunk);
	g_autofree char *text = support_describe(session);
	assert_string_equal(text, "audio 8=PCMA/8000 126=telephone-event/8000 sendonly mid=0 setup=active");
	sdp_session_free(session);
	sdp_session_free(offer);
	support_leg_clear(&trunk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_an_answer_is_the_codec_that_was_offered),
	    cmocka_unit_test(test_answer_details),
	    cmocka_unit_test(test_parameters_are_the_other_far_ends),
	    cmocka_unit_test(test_what_cannot_be_carried),
	    cmocka_unit_test(test_bundle),
	    cmocka_unit_test(test_roles_stay),
	    cmocka_unit_test(test_a_later_offer_may_end_the_stream),
	    cmocka_unit_test(test_answer_from_a_leg_that_was_offered_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
