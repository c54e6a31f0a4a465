/* Our offers: what of the other leg's description goes into them. Descriptions are written as sdp_support.h says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../support/sdp_support.h"

#define EVENTS	   "110=telephone-event/48000 126=telephone-event/8000"
#define FROM_TRUNK "8=PCMA/8000 0=PCMU/8000 101=telephone-event/8000"

static struct sdp_session *offer(const struct support_leg *leg, const struct sdp_session *from)
{
	struct sdp_session *session = NULL;
	assert_int_equal(negotiate_make_offer(&leg->leg, from, &session), 0);
	assert_true(support_comes_back(session));
	return session;
}

static void assert_described(const struct sdp_session *session, const char *expected)
{
	g_autofree char *text = support_describe(session);
	assert_string_equal(text, expected);
}

static const char *const g711_first[] = {"PCMA", "PCMU", "opus", NULL};
static const char *const nothing_known[] = {"XYZ", NULL};

static const struct offer_case {
	const char *name;
	enum negotiate_kind from_kind, kind;
	const char *from; /* NULL: a full offer */
	const char *const *codecs;
	const struct sdp_converter *converter;
	bool no_dtmf, video;
	size_t transports; /* 0: one */
	const char *expected; /* NULL: -ENOTSUP */
} offer_cases[] = {
    {.name = "browser to trunk: codecs and numbers carried over, redundancy left out",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .from = "111=opus/48000/2#minptime=10 63=red/48000/2 9=G722/8000 0=PCMU/8000 13=CN/8000 " EVENTS " sendrecv mid=0",
     .expected = "audio 111=opus/48000/2 9=G722/8000 0=PCMU/8000 110=telephone-event/48000 "
		 "126=telephone-event/8000 13=CN/8000 sendrecv"},
    {.name = "trunk to browser: events at the codec's rate only",
     .from_kind = NEGOTIATE_RTP,
     .kind = NEGOTIATE_WEBRTC,
     .from = FROM_TRUNK " ptime=30",
     .expected = "audio 8=PCMA/8000 0=PCMU/8000 101=telephone-event/8000 sendrecv ptime=30 mid=0 setup=actpass"},
    {.name = "events are added where the other side has none, on a free number",
     .from_kind = NEGOTIATE_RTP,
     .kind = NEGOTIATE_RTP,
     .from = "101=opus/48000/2 0=PCMU/8000",
     .expected = "audio 101=opus/48000/2 0=PCMU/8000 110=telephone-event/48000 96=telephone-event/8000 sendrecv"},
    {.name = "events at another rate are carried where the other side has no better",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .from = "109=opus/48000/2 101=telephone-event/8000 mid=0",
     .expected = "audio 109=opus/48000/2 110=telephone-event/48000 101=telephone-event/8000 sendrecv"},
    {.name = "what is added does not take the other side's numbers",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .from = "111=opus/48000/2 0=PCMU/8000 110=telephone-event/8000 mid=0",
     .expected = "audio 111=opus/48000/2 0=PCMU/8000 96=telephone-event/48000 110=telephone-event/8000 sendrecv"},
    {.name = "a trunk without telephone-event",
     .from_kind = NEGOTIATE_RTP,
     .kind = NEGOTIATE_RTP,
     .from = FROM_TRUNK,
     .no_dtmf = true,
     .expected = "audio 8=PCMA/8000 0=PCMU/8000 sendrecv"},
    {.name = "the leg's own order, and nothing that is not in it",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .codecs = g711_first,
     .no_dtmf = true,
     .from = "111=opus/48000/2 9=G722/8000 0=PCMU/8000 8=PCMA/8000 mid=0",
     .expected = "audio 8=PCMA/8000 0=PCMU/8000 111=opus/48000/2 sendrecv"},
    {.name = "what media can convert is offered too",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .converter = &support_opus_and_g711,
     .from = "111=opus/48000/2 mid=0",
     .no_dtmf = true,
     .expected = "audio 111=opus/48000/2 0=PCMU/8000 8=PCMA/8000 sendrecv"},
    {.name = "but not when the other side has nothing to convert",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .converter = &support_opus_and_g711,
     .from = "98=iLBC/8000 mid=0",
     .no_dtmf = true,
     .expected = "audio 98=iLBC/8000 sendrecv"},
    {.name = "numbers below 96 that browsers use are no use to a telephone",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .from = "45=opus/48000/2 mid=0",
     .no_dtmf = true,
     .expected = "audio 96=opus/48000/2 sendrecv"},
    {.name = "hold passes through",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .from = "0=PCMU/8000 sendonly mid=0",
     .no_dtmf = true,
     .expected = "audio 0=PCMU/8000 sendonly"},
    {.name = "hold by 0.0.0.0 becomes sendonly",
     .from_kind = NEGOTIATE_RTP,
     .kind = NEGOTIATE_WEBRTC,
     .from = "0=PCMU/8000 nowhere",
     .no_dtmf = true,
     .expected = "audio 0=PCMU/8000 sendonly mid=0 setup=actpass"},
    {.name = "0.0.0.0 with ICE is no hold",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .from = "0=PCMU/8000 nowhere mid=0",
     .no_dtmf = true,
     .expected = "audio 0=PCMU/8000 sendrecv"},
    {.name = "video stays away",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .no_dtmf = true,
     .from = "0=PCMU/8000 mid=0 | video 96=VP8/90000 mid=1",
     .expected = "audio 0=PCMU/8000 sendrecv"},
    {.name = "video goes over where both carry it",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_WEBRTC,
     .no_dtmf = true,
     .video = true,
     .from = "0=PCMU/8000 mid=0 | video 96=VP8/90000 97=rtx/90000#apt=96 mid=1",
     .expected = "audio 0=PCMU/8000 sendrecv mid=0 setup=actpass | "
		 "video 96=VP8/90000 97=rtx/90000 sendrecv mid=1 setup=actpass bundle-only"},
    {.name = "video goes to a telephone on the number that serves it, and is not sent again",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .no_dtmf = true,
     .video = true,
     .from = "0=PCMU/8000 mid=0 | video 45=AV1/90000 46=rtx/90000#apt=45 96=VP8/90000 97=rtx/90000#apt=96 mid=1",
     .transports = 2,
     .expected = "audio 0=PCMU/8000 sendrecv | video 98=AV1/90000 96=VP8/90000 sendrecv"},
    {.name = "a list of codecs for sound says nothing of pictures",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_WEBRTC,
     .codecs = g711_first,
     .no_dtmf = true,
     .video = true,
     .from = "0=PCMU/8000 mid=0 | video 96=VP8/90000 mid=1",
     .expected = "audio 0=PCMU/8000 sendrecv mid=0 setup=actpass | "
		 "video 96=VP8/90000 97=rtx/90000 sendrecv mid=1 setup=actpass bundle-only"},
    {.name = "a refused stream keeps its rank",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_WEBRTC,
     .no_dtmf = true,
     .from = "refused mid=0 | 8=PCMA/8000 mid=1",
     .expected = "audio refused | audio 8=PCMA/8000 sendrecv mid=1 setup=actpass"},
    {.name = "a second audio without bundle has no transport",
     .from_kind = NEGOTIATE_WEBRTC,
     .kind = NEGOTIATE_RTP,
     .no_dtmf = true,
     .from = "0=PCMU/8000 mid=0 | 8=PCMA/8000 mid=1",
     .expected = "audio 0=PCMU/8000 sendrecv"},
    {.name = "full offer",
     .kind = NEGOTIATE_WEBRTC,
     .expected = "audio 111=opus/48000/2 9=G722/8000 0=PCMU/8000 8=PCMA/8000 110=telephone-event/48000 "
		 "101=telephone-event/8000 sendrecv mid=0 setup=actpass"},
    {.name = "full offer in the leg's order",
     .kind = NEGOTIATE_RTP,
     .codecs = g711_first,
     .expected = "audio 8=PCMA/8000 0=PCMU/8000 111=opus/48000/2 101=telephone-event/8000 "
		 "110=telephone-event/48000 sendrecv"},
    {.name = "no codec at all", .kind = NEGOTIATE_RTP, .codecs = nothing_known},
    {.name = "nothing but events",
     .from_kind = NEGOTIATE_RTP,
     .kind = NEGOTIATE_RTP,
     .from = "101=telephone-event/8000"},
    {.name = "no audio", .from_kind = NEGOTIATE_RTP, .kind = NEGOTIATE_RTP, .from = "image refused"},
};

static void test_new_offers(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(offer_cases); i++) {
		struct support_leg leg;
		support_leg_init(&leg, offer_cases[i].kind);
		struct sdp_transport transports[2] = {leg.transport, leg.transport};
		net_address_set_port(&transports[1].rtp, 20002);
		leg.leg.transports = transports;
		leg.leg.n_transports = MAX(offer_cases[i].transports, 1);
		leg.leg.profile.codecs = offer_cases[i].codecs;
		leg.leg.profile.converter = offer_cases[i].converter;
		leg.leg.profile.carries_dtmf = !offer_cases[i].no_dtmf;
		leg.leg.profile.carries_video = offer_cases[i].video;
		struct sdp_session *from =
		    offer_cases[i].from ? support_far_end(offer_cases[i].from_kind, offer_cases[i].from) : NULL;
		struct sdp_session *session = NULL;
		int error = negotiate_make_offer(&leg.leg, from, &session);
		g_autofree char *text = session ? support_describe(session) : NULL;
		if (error != (offer_cases[i].expected ? 0 : -ENOTSUP) || g_strcmp0(text, offer_cases[i].expected))
			fail_msg("%s: %d\n got  %s\n want %s", offer_cases[i].name, error, text,
				 offer_cases[i].expected);
		assert_true(!session || support_comes_back(session));
		sdp_session_free(session);
		sdp_session_free(from);
	}
}

static void test_transport_of_each_kind(void **state)
{
	struct support_leg browser, trunk;
	support_leg_init(&browser, NEGOTIATE_WEBRTC);
	support_leg_init(&trunk, NEGOTIATE_RTP);
	browser.leg.profile.trickle = true;
	browser.transport.ssrc = 77;
	strcpy(browser.transport.cname, "tandem");
	struct sdp_session *to_browser = offer(&browser, NULL), *to_trunk = offer(&trunk, NULL);
	const struct sdp_media *a = &to_browser->media[0], *b = &to_trunk->media[0];

	assert_string_equal(a->profile_text, "UDP/TLS/RTP/SAVPF");
	assert_int_equal(a->port, 20000);
	assert_true(a->transport.has_ice && a->transport.rtcp_mux && a->transport.ice_trickle);
	assert_int_equal(a->transport.n_candidates, 1);
	assert_int_equal(a->transport.n_fingerprints, 1);
	assert_int_equal(a->ssrc, 77);
	assert_string_equal(a->cname, "tandem");
	assert_true(a->stream_id[0] != 0);
	assert_int_equal(to_browser->n_bundled, 1);
	assert_string_equal(to_browser->bundle[0], "0");
	assert_int_equal(to_browser->session_version, 1);

	assert_string_equal(b->profile_text, "RTP/AVP");
	assert_true(!b->transport.has_ice && !b->transport.rtcp_mux && !b->mid[0] && !b->stream_id[0]);
	assert_int_equal(to_trunk->n_bundled, 0);
	sdp_session_free(to_browser);
	sdp_session_free(to_trunk);
}

static void test_later_offers_keep_lines_names_and_numbers(void **state)
{
	struct support_leg leg;
	support_leg_init(&leg, NEGOTIATE_WEBRTC);
	leg.leg.profile.carries_dtmf = false;
	/* the browser had offered first, with numbers and a name of its own */
	support_leg_agree(&leg,
			  support_far_end(NEGOTIATE_WEBRTC, "109=opus/48000/2 mid=sound | video refused mid=picture"),
			  support_far_end(NEGOTIATE_WEBRTC, "109=opus/48000/2 111=iLBC/8000 0=PCMU/8000 mid=sound | "
							    "video 96=VP8/90000 mid=picture"),
			  false);
	leg.local->session_version = 4;

	struct sdp_session *from = support_far_end(NEGOTIATE_RTP, "111=opus/48000/2 8=PCMA/8000 sendonly");
	struct sdp_session *again = offer(&leg, from);
	assert_described(again, "audio 109=opus/48000/2 8=PCMA/8000 sendonly mid=sound setup=actpass | video refused");
	assert_string_equal(again->media[1].mid, "picture");
	assert_int_equal(again->n_bundled, 1);
	assert_int_equal(again->session_version, 5);
	sdp_session_free(again);
	sdp_session_free(from);

	/* 111 means iLBC on this leg, whatever it means on the other */
	from = support_far_end(NEGOTIATE_RTP, "111=G726-32/8000");
	again = offer(&leg, from);
	assert_described(again, "audio 97=G726-32/8000 sendrecv mid=sound setup=actpass | video refused");
	sdp_session_free(again);
	sdp_session_free(from);

	/* what would have to be converted is offered to whom is not known to have what need not be */
	leg.leg.profile.converter = &support_opus_and_g711;
	from = support_far_end(NEGOTIATE_RTP, "0=PCMU/8000");
	again = offer(&leg, from);
	assert_described(again, "audio 0=PCMU/8000 sendrecv mid=sound setup=actpass | video refused");
	sdp_session_free(again);
	sdp_session_free(from);
	from = support_far_end(NEGOTIATE_RTP, "8=PCMA/8000");
	again = offer(&leg, from);
	assert_described(again, "audio 8=PCMA/8000 109=opus/48000/2 0=PCMU/8000 sendrecv mid=sound setup=actpass | video refused");
	sdp_session_free(again);
	sdp_session_free(from);
	leg.leg.profile.converter = NULL;

	/* the other leg ends its stream: the line stays, refused */
	from = support_far_end(NEGOTIATE_RTP, "refused");
	again = offer(&leg, from);
	assert_described(again, "audio refused | video refused");
	assert_int_equal(again->n_bundled, 0);
	sdp_session_free(again);
	sdp_session_free(from);
	support_leg_clear(&leg);
}

/* A far end that names no stream gets none named, and so no bundle; only the first stream has a transport then. */
static void test_lines_without_a_name(void **state)
{
	struct support_leg leg;
	support_leg_init(&leg, NEGOTIATE_WEBRTC);
	leg.leg.profile.carries_dtmf = false;
	support_leg_agree(&leg, support_far_end(NEGOTIATE_WEBRTC, "0=PCMU/8000"),
			  support_far_end(NEGOTIATE_WEBRTC, "0=PCMU/8000"), false);
	struct sdp_session *from = support_far_end(NEGOTIATE_WEBRTC, "0=PCMU/8000 mid=0 | 8=PCMA/8000 mid=1");
	struct sdp_session *again = offer(&leg, from);
	assert_described(again, "audio 0=PCMU/8000 sendrecv setup=actpass");
	assert_int_equal(again->n_bundled, 0);
	sdp_session_free(again);
	sdp_session_free(from);
	support_leg_clear(&leg);
}

static void test_version(void **state)
{
	struct support_leg leg;
	support_leg_init(&leg, NEGOTIATE_RTP);
	struct sdp_session *from = support_far_end(NEGOTIATE_WEBRTC, "0=PCMU/8000 mid=0");
	struct sdp_session *held = support_far_end(NEGOTIATE_WEBRTC, "0=PCMU/8000 sendonly mid=0");
	support_leg_agree(&leg, offer(&leg, from), support_far_end(NEGOTIATE_RTP, "0=PCMU/8000"), true);
	assert_int_equal(leg.local->session_version, 1);

	struct sdp_session *same = offer(&leg, from);
	assert_int_equal(same->session_version, 1);
	struct sdp_session *changed = offer(&leg, held);
	assert_int_equal(changed->session_version, 2);
	leg.leg.last_version = 2; /* refused with 488: its number is used up */
	struct sdp_session *next = offer(&leg, held);
	assert_int_equal(next->session_version, 3);
	sdp_session_free(next);
	next = offer(&leg, from); /* as before that, but a version behind would be ignored */
	assert_int_equal(next->session_version, 3);
	assert_true(next->session_id == 9);

	sdp_session_free(same);
	sdp_session_free(changed);
	sdp_session_free(next);
	sdp_session_free(from);
	sdp_session_free(held);
	support_leg_clear(&leg);
}

static void test_a_bundled_stream_gets_its_port_when_agreed(void **state)
{
	struct support_leg leg;
	support_leg_init(&leg, NEGOTIATE_WEBRTC);
	leg.leg.profile.carries_dtmf = false;
	struct sdp_session *from = support_far_end(NEGOTIATE_WEBRTC, "0=PCMU/8000 mid=0 | 8=PCMA/8000 mid=1");
	struct sdp_session *first = offer(&leg, from);
	assert_true(first->media[1].is_bundle_only && first->media[1].port == 0);
	assert_int_equal(first->media[1].transport.n_candidates, 0);
	support_leg_agree(&leg, first, support_far_end(NEGOTIATE_WEBRTC, "0=PCMU/8000 mid=0 | 8=PCMA/8000 mid=1"),
			  true);
	struct sdp_session *second = offer(&leg, from);
	assert_true(!second->media[1].is_bundle_only && second->media[1].port == 20000);
	sdp_session_free(second);
	sdp_session_free(from);
	support_leg_clear(&leg);
}

static void test_real_descriptions(void **state)
{
	static const struct {
		const char *sample;
		enum negotiate_kind kind;
		const char *expected;
	} cases[] = {
	    {"chromium-offer", NEGOTIATE_RTP,
	     "audio 111=opus/48000/2 9=G722/8000 0=PCMU/8000 8=PCMA/8000 110=telephone-event/48000 "
	     "126=telephone-event/8000 13=CN/8000 sendrecv"},
	    {"firefox-offer", NEGOTIATE_RTP,
	     "audio 109=opus/48000/2 9=G722/8000 0=PCMU/8000 8=PCMA/8000 110=telephone-event/48000 "
	     "101=telephone-event/8000 sendrecv"},
	    {"chromium-video-offer", NEGOTIATE_RTP,
	     "audio 111=opus/48000/2 0=PCMU/8000 8=PCMA/8000 110=telephone-event/48000 126=telephone-event/8000 "
	     "sendrecv"},
	    {"sipura-offer", NEGOTIATE_WEBRTC,
	     "audio 2=G726-32/8000 0=PCMU/8000 4=G723/8000 8=PCMA/8000 18=G729/8000 96=G726-40/8000 97=G726-24/8000 "
	     "98=G726-16/8000 101=telephone-event/8000 sendrecv ptime=30 mid=0 setup=actpass"},
	    {"baresip-offer", NEGOTIATE_WEBRTC,
	     "audio 96=opus/48000/2 97=G7221/16000 9=G722/8000 0=PCMU/8000 8=PCMA/8000 110=telephone-event/48000 "
	     "102=telephone-event/16000 101=telephone-event/8000 sendrecv ptime=20 mid=0 setup=actpass"},
	    {"sipp-offer", NEGOTIATE_WEBRTC, "audio 0=PCMU/8000 101=telephone-event/8000 sendrecv mid=0 setup=actpass"},
	    {"old-hold", NEGOTIATE_WEBRTC, "audio 0=PCMU/8000 101=telephone-event/8000 sendonly mid=0 setup=actpass"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct support_leg leg;
		support_leg_init(&leg, cases[i].kind);
		struct sdp_session *from = support_sample(cases[i].sample), *session = offer(&leg, from);
		assert_described(session, cases[i].expected);
		sdp_session_free(session);
		sdp_session_free(from);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_new_offers),
	    cmocka_unit_test(test_transport_of_each_kind),
	    cmocka_unit_test(test_later_offers_keep_lines_names_and_numbers),
	    cmocka_unit_test(test_lines_without_a_name),
	    cmocka_unit_test(test_version),
	    cmocka_unit_test(test_a_bundled_stream_gets_its_port_when_agreed),
	    cmocka_unit_test(test_real_descriptions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
