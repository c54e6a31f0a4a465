/* What goes with the formats of a stream, from a real browser's description to the plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../support/sdp_support.h"

static const struct sdp_feedback *find_feedback(const struct sdp_media *media, const char *value)
{
	for (size_t i = 0; i < media->n_feedback; i++)
		if (!strcmp(media->feedback[i].value, value))
			return &media->feedback[i];
	return NULL;
}

/* A browser calls, and a telephone answers: the browser is offered what it offered, between it and us. */
static void test_a_browsers_video(void **state)
{
	struct support_leg browser, trunk;
	support_leg_init(&browser, NEGOTIATE_WEBRTC);
	support_leg_init(&trunk, NEGOTIATE_RTP);
	browser.leg.profile.carries_video = trunk.leg.profile.carries_video = true;
	browser.transport.ssrc = 0x100;
	strcpy(browser.transport.cname, "us");
	struct sdp_transport transports[2] = {trunk.transport, trunk.transport};
	net_address_set_port(&transports[1].rtp, 20002);
	trunk.leg.transports = transports;
	trunk.leg.n_transports = 2;

	struct sdp_session *offer = support_sample("chromium-video-offer"), *onward, *back;
	struct sdp_extension *offered = sdp_media_add_extension(&offer->media[1]);
	*offered = (struct sdp_extension){.id = 13, .direction = SDP_SEND_RECEIVE};
	strcpy(offered->uri, sdp_extension_uri(SDP_EXTENSION_TRANSPORT_CC));
	assert_int_equal(negotiate_count_transports(&trunk.leg, offer, false), 2);
	assert_int_equal(negotiate_count_transports(&browser.leg, offer, true), 1);
	assert_int_equal(negotiate_make_offer(&trunk.leg, offer, &onward), 0);
	const struct sdp_media *video = &onward->media[1];
	assert_int_equal(video->port, 20002);
	assert_non_null(find_feedback(video, "nack pli"));
	assert_null(find_feedback(video, "transport-cc"));
	assert_null(sdp_media_find_retransmission(video, 96));
	assert_null(sdp_media_find_extension(video, SDP_EXTENSION_MID));
	assert_int_equal(video->ssrc, 0);
	support_leg_agree(&trunk, onward,
			  support_far_end(NEGOTIATE_RTP, "0=PCMU/8000 111=opus/48000/2 | video 96=VP8/90000"), true);

	assert_int_equal(negotiate_make_answer(&browser.leg, offer, &trunk.leg, &back), 0);
	video = &back->media[1];
	assert_int_equal(video->ssrc, 0x102);
	assert_int_equal(video->retransmission_ssrc, 0x103);
	assert_string_equal(video->cname, "us");
	assert_int_equal(sdp_media_find_retransmission(video, 96)->payload_type, 97);
	assert_non_null(find_feedback(video, "ccm fir"));
	assert_int_equal(sdp_media_find_extension(video, SDP_EXTENSION_MID)->id,
			 sdp_media_find_extension(&offer->media[1], SDP_EXTENSION_MID)->id);
	assert_null(sdp_media_find_extension(&back->media[0], SDP_EXTENSION_AUDIO_LEVEL));
	assert_true(support_comes_back(back));

	struct sdp_leg_plan plan;
	assert_int_equal(negotiate_make_plan(back, offer, false, &plan), 0);
	assert_int_equal(plan.n_streams, 2);
	const struct sdp_stream_plan *stream = &plan.streams[1];
	assert_int_equal(stream->line, 1);
	assert_int_equal(stream->transport, 0);
	assert_int_equal(stream->n_formats, 1);
	assert_int_equal(stream->rtx_receive_types[0], 97);
	assert_int_equal(stream->rtx_send_types[0], 97);
	assert_int_equal(stream->feedback, SDP_FEEDBACK_NACK | SDP_FEEDBACK_PLI | SDP_FEEDBACK_FIR | SDP_FEEDBACK_REMB |
						   SDP_FEEDBACK_TRANSPORT_CC);
	const struct sdp_extension *numbered = sdp_media_find_extension(video, SDP_EXTENSION_TRANSPORT_CC);
	assert_int_equal(numbered->direction, SDP_RECEIVE_ONLY); /* what we send has none */
	assert_int_equal(numbered->id, 13);
	assert_int_equal(13, stream->extension_ids[SDP_EXTENSION_TRANSPORT_CC]);
	assert_int_equal(stream->local_rtx_ssrc, 0x103);
	assert_int_equal(stream->remote_ssrc, offer->media[1].ssrc);
	assert_true(stream->has_reduced_size);
	assert_int_equal(stream->extension_ids[SDP_EXTENSION_MID],
			 sdp_media_find_extension(video, SDP_EXTENSION_MID)->id);
	sdp_leg_plan_clear(&plan);

	assert_int_equal(negotiate_make_plan(trunk.local, trunk.remote, true, &plan), 0);
	assert_int_equal(plan.streams[1].transport, 1);
	assert_int_equal(plan.streams[1].feedback, 0);
	assert_int_equal(plan.streams[1].rtx_send_types[0], SDP_TYPE_NONE);
	sdp_leg_plan_clear(&plan);
	sdp_session_free(back);
	sdp_session_free(offer);
	support_leg_clear(&trunk);
}

static struct sdp_session *far_end(enum negotiate_kind kind, const char *sound, const char *video)
{
	struct sdp_session *session = support_far_end(kind, sound);
	g_autofree char *text = sdp_print(session, NULL), *all = g_strconcat(text, video, NULL);
	sdp_session_free(session);
	return support_parse(all);
}

/* A telephone without AVPF that names feedback all the same. */
static void test_feedback_of_a_telephone(void **state)
{
	struct support_leg leg;
	struct sdp_session *answer;
	struct sdp_leg_plan plan;
	support_leg_init(&leg, NEGOTIATE_RTP);
	leg.leg.profile.carries_video = true;
	struct sdp_transport transports[2] = {leg.transport, leg.transport};
	leg.leg.transports = transports;
	leg.leg.n_transports = 2;
	struct sdp_session *offer = far_end(NEGOTIATE_RTP, "0=PCMU/8000",
					    "m=video 5000 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\nb=TIAS:512001\r\n"
					    "a=rtcp-fb:* nack pli\r\na=rtcp-fb:99 ccm fir\r\na=rtcp-fb:99 ccm tmmbr\r\n"
					    "a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,jitt\r\n");
	assert_int_equal(negotiate_make_answer(&leg.leg, offer, NULL, &answer), 0);
	assert_int_equal(answer->media[1].n_feedback, 2);
	assert_int_equal(negotiate_make_plan(answer, offer, false, &plan), 0);
	assert_int_equal(plan.streams[1].feedback, SDP_FEEDBACK_PLI | SDP_FEEDBACK_FIR);
	assert_int_equal(plan.streams[1].extended_reports, SDP_EXTENDED_SUMMARY);
	assert_int_equal(answer->media[1].extended_reports, 0); /* we ask for nothing */
	sdp_leg_plan_clear(&plan);
	sdp_session_free(answer);
	sdp_session_free(offer);
}

/* What a far end can receive, and whether it knows the level of the sound, is told to the other. */
static void test_what_is_carried_over(void **state)
{
	struct support_leg leg, other;
	struct sdp_session *offer, *answer;
	support_leg_init(&leg, NEGOTIATE_WEBRTC);
	support_leg_init(&other, NEGOTIATE_RTP);
	struct sdp_session *from = far_end(NEGOTIATE_RTP, "0=PCMU/8000",
					   "b=AS:80\r\nb=TIAS:64000\r\na=extmap:7 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n");
	assert_int_equal(negotiate_make_offer(&leg.leg, from, &offer), 0);
	assert_int_equal(offer->media[0].bandwidth_as_kbps, 80);
	assert_int_equal(offer->media[0].bandwidth_tias_bps, 64000);
	assert_non_null(sdp_media_find_extension(&offer->media[0], SDP_EXTENSION_AUDIO_LEVEL));
	assert_null(sdp_media_find_extension(&offer->media[0], SDP_EXTENSION_MID));
	support_leg_agree(&other, sdp_session_copy(from), from, false);
	struct sdp_session *asked = support_far_end(NEGOTIATE_WEBRTC, "0=PCMU/8000 mid=0 setup=actpass");
	assert_int_equal(negotiate_make_answer(&leg.leg, asked, &other.leg, &answer), 0);
	assert_int_equal(answer->media[0].bandwidth_as_kbps, 80);
	assert_int_equal(answer->media[0].bandwidth_tias_bps, 64000);
	sdp_session_free(answer);
	sdp_session_free(asked);

	struct sdp_session *later = sdp_session_copy(from);
	assert_false(negotiate_needs_reoffer(&other.leg, later));
	later->media[0].bandwidth_as_kbps = 40;
	assert_true(negotiate_needs_reoffer(&other.leg, later));
	later->media[0].bandwidth_as_kbps = 80;
	later->media[0].bandwidth_tias_bps = 32000;
	assert_true(negotiate_needs_reoffer(&other.leg, later));
	sdp_session_free(later);
	sdp_session_free(offer);
	support_leg_clear(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_browsers_video),
	    cmocka_unit_test(test_feedback_of_a_telephone),
	    cmocka_unit_test(test_what_is_carried_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
