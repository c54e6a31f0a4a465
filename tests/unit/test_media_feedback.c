/* Feedback of a leg: what is asked for is sent again, what is missing is asked for, key frames are asked of who makes
 * them. */
#include "../support/media_lone.h"
#include "media/feedback.h"
#include "media/repair.h"
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#define VP8	  96
#define RTX	  97
#define FAR_SSRC  77
#define KEY_BYTES 28 /* AEAD_AES_128_GCM: key and salt */

struct rig {
	struct media_lone lone;
	struct media_end *source, *viewer; /* the pictures go from the one to the other */
	struct media_stream *from, *to;
	uint8_t out[2048];
	size_t out_bytes;
};

static struct sdp_stream_plan *video_plan(unsigned feedback, uint8_t rtx_type)
{
	struct sdp_stream_plan *plan = g_new0(struct sdp_stream_plan, 1);

	plan->kind = SDP_KIND_VIDEO;
	plan->direction = SDP_SEND_RECEIVE;
	plan->n_formats = 1;
	plan->formats[0] =
	    (struct sdp_format){.payload_type = VP8, .encoding = "VP8", .clock_hz = 90000, .channels = 1};
	plan->send_types[0] = VP8;
	plan->rtx_send_types[0] = plan->rtx_receive_types[0] = rtx_type;
	plan->feedback = feedback;
	plan->has_reduced_size = true;
	return plan;
}

static void apply(struct media_end *end, unsigned feedback, uint8_t rtx_type, enum sdp_direction direction)
{
	struct sdp_leg_plan plan = {1, video_plan(feedback, rtx_type)};

	plan.streams[0].direction = direction;
	media_end_apply_streams(end, &plan);
	sdp_leg_plan_clear(&plan);
}

static void connect_to_phone(struct rig *rig, struct media_end *end)
{
	end->state = MEDIA_END_CONNECTED;
	end->rtp_descriptor = end->rtcp_descriptor = rig->lone.out;
	end->rtp_remote = end->rtcp_remote = rig->lone.out_address;
}

static struct media_end *video_end(struct rig *rig, unsigned feedback, uint8_t rtx_type)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "video"};
	struct media_end *end = media_end_new(rig->lone.worker, "video", NULL, &options);

	g_ptr_array_add(rig->lone.ends, end);
	apply(end, feedback, rtx_type, SDP_SEND_RECEIVE);
	connect_to_phone(rig, end);
	return end;
}

static void open_rig(struct rig *rig, unsigned feedback, uint8_t rtx_type)
{
	memset(rig, 0, sizeof *rig);
	media_lone_open(&rig->lone);
	rig->source = video_end(rig, feedback, rtx_type);
	rig->viewer = video_end(rig, feedback, rtx_type);
	rig->from = rig->source->streams[0];
	rig->to = rig->viewer->streams[0];
	media_bridge_join(rig->source, rig->viewer);
}

static void close_rig(struct rig *rig)
{
	media_lone_close(&rig->lone);
}

static void put_bytes(struct rig *rig, struct media_end *end, const uint8_t *bytes, size_t length)
{
	uint8_t copy[MEDIA_PACKET_BYTES_MAX + MEDIA_PACKET_ROOM];

	memcpy(copy, bytes, length);
	media_end_receive(end, &rig->lone.out_address, copy, length);
}

/* What the source's far end sends: the payload names the packet. */
static void put(struct rig *rig, uint8_t type, uint32_t ssrc, uint16_t sequence, const char *payload,
		size_t payload_bytes)
{
	uint8_t bytes[256];
	struct rtp_packet packet = {.payload_type = type,
				    .sequence = sequence,
				    .timestamp = 3000u * sequence,
				    .ssrc = ssrc,
				    .payload = (const uint8_t *)payload,
				    .payload_bytes = payload_bytes};
	size_t length;

	assert_int_equal(rtp_packet_build(&packet, bytes, sizeof bytes, &length), 0);
	put_bytes(rig, rig->source, bytes, length);
}

static bool take(struct rig *rig)
{
	ssize_t length = recv(rig->lone.out, rig->out, sizeof rig->out, MSG_DONTWAIT);

	rig->out_bytes = length > 0 ? (size_t)length : 0;
	return length > 0;
}

static struct rtp_packet take_rtp(struct rig *rig)
{
	struct rtp_packet packet;

	assert_true(take(rig));
	assert_int_equal(rtp_classify(rig->out, rig->out_bytes), RTP_KIND_RTP);
	assert_int_equal(rtp_packet_parse(rig->out, rig->out_bytes, &packet), 0);
	return packet;
}

static struct rtcp_feedback take_feedback(struct rig *rig, uint8_t type, uint8_t format)
{
	struct rtcp_iterator iterator;
	struct rtcp_packet packet;
	struct rtcp_feedback feedback;

	assert_true(take(rig));
	assert_int_equal(rtcp_compound_check(rig->out, rig->out_bytes, true), 0);
	rtcp_start(rig->out, rig->out_bytes, &iterator);
	do
		assert_true(rtcp_next(&iterator, &packet));
	while (packet.type != type);
	assert_int_equal(packet.count, format);
	assert_true(rtcp_feedback(&packet, &feedback));
	return feedback;
}

/* The viewer's far end asks for one of our packets. */
static void ask_for(struct rig *rig, uint32_t ssrc, uint16_t sequence)
{
	uint8_t bytes[64];
	struct rtcp_writer writer;

	rtcp_writer_init(&writer, bytes, sizeof bytes);
	rtcp_write_nack(&writer, FAR_SSRC, ssrc, &sequence, 1);
	put_bytes(rig, rig->viewer, bytes, writer.length);
}

static void ask_for_key_frame(struct rig *rig, uint32_t ssrc, bool by_fir)
{
	uint8_t bytes[64];
	struct rtcp_writer writer;

	rtcp_writer_init(&writer, bytes, sizeof bytes);
	if (by_fir)
		rtcp_write_fir(&writer, FAR_SSRC, ssrc, 1);
	else
		rtcp_write_pli(&writer, FAR_SSRC, ssrc);
	put_bytes(rig, rig->viewer, bytes, writer.length);
}

static void test_nack_is_answered_with_the_same_datagram(void **state)
{
	static const uint8_t key[KEY_BYTES] = "the viewer's";
	struct rig rig;
	struct media_srtp *receives;
	uint8_t first[256];
	size_t length;
	uint16_t sequence;

	open_rig(&rig, SDP_FEEDBACK_NACK, MEDIA_TYPE_NONE);
	assert_int_equal(
	    media_srtp_new(MEDIA_SRTP_AEAD_AES_128_GCM, key, KEY_BYTES, MEDIA_SRTP_SEND, &rig.viewer->srtp_send), 0);
	assert_int_equal(media_srtp_new(MEDIA_SRTP_AEAD_AES_128_GCM, key, KEY_BYTES, MEDIA_SRTP_RECEIVE, &receives), 0);
	put(&rig, VP8, FAR_SSRC, 1, "one", 3);
	assert_true(take(&rig));
	memcpy(first, rig.out, length = rig.out_bytes);
	sequence = rtp_get_u16(first + 2);
	ask_for(&rig, rig.to->sender.ssrc, sequence);
	assert_true(take(&rig));
	assert_int_equal(rig.out_bytes, length);
	assert_memory_equal(rig.out, first, length);
	assert_int_equal(media_srtp_unprotect(receives, rig.out, &rig.out_bytes), 0);
	ask_for(&rig, rig.to->sender.ssrc, (uint16_t)(sequence + 1)); /* never sent */
	ask_for(&rig, rig.to->sender.ssrc, sequence);		      /* just sent */
	assert_false(take(&rig));
	assert_int_equal(rig.to->sender.packets, 1);
	media_srtp_free(receives);
	close_rig(&rig);
}

static void test_nack_is_answered_by_rtx(void **state)
{
	struct rig rig;
	struct rtp_packet packet;
	uint16_t sequence, rtx_sequence;
	uint32_t timestamp, rtx_ssrc;

	open_rig(&rig, SDP_FEEDBACK_NACK, RTX);
	put(&rig, VP8, FAR_SSRC, 1, "one", 3);
	put(&rig, VP8, FAR_SSRC, 2, "two", 3);
	sequence = take_rtp(&rig).sequence;
	timestamp = take_rtp(&rig).timestamp;
	ask_for(&rig, rig.to->sender.ssrc, (uint16_t)(sequence + 1));
	packet = take_rtp(&rig);
	assert_int_equal(packet.payload_type, RTX);
	assert_int_not_equal(packet.ssrc, rig.to->sender.ssrc);
	assert_int_equal(packet.timestamp, timestamp);
	assert_int_equal(packet.payload_bytes, 5);
	assert_int_equal(rtp_get_u16(packet.payload), sequence + 1);
	assert_memory_equal(packet.payload + 2, "two", 3);
	rtx_sequence = packet.sequence;
	rtx_ssrc = packet.ssrc;
	ask_for(&rig, rig.to->sender.ssrc, sequence);
	packet = take_rtp(&rig);
	assert_int_equal(packet.sequence, rtx_sequence + 1);
	assert_int_equal(packet.ssrc, rtx_ssrc);
	assert_memory_equal(packet.payload + 2, "one", 3);
	close_rig(&rig);
}

static void test_what_is_missing_is_asked_for_and_goes_on_when_it_comes(void **state)
{
	struct rig rig;
	struct rtcp_feedback nack;
	struct rtp_packet packet;
	uint16_t first, following, sent;
	int64_t now_us;

	open_rig(&rig, SDP_FEEDBACK_NACK, RTX);
	now_us = loop_now_us(media_end_loop(rig.source));
	put(&rig, VP8, FAR_SSRC, 10, "ten", 3);
	put(&rig, VP8, FAR_SSRC, 13, "thirteen", 8);
	sent = take_rtp(&rig).sequence;
	assert_int_equal(take_rtp(&rig).sequence, sent + 3); /* the gap is seen by the viewer too */
	assert_true(loop_timer_is_running(&rig.source->feedback_timer));
	assert_true(media_repair_ask(rig.from->repair, now_us + 100000));
	nack = take_feedback(&rig, RTCP_RTPFB, RTCP_RTPFB_NACK);
	assert_int_equal(nack.media, FAR_SSRC);
	assert_int_equal(nack.sender, rig.from->sender.ssrc);
	assert_true(rtcp_nack_entry(&nack, 0, &first, &following));
	assert_int_equal(first, 11);
	assert_int_equal(following, 1);
	put(&rig, RTX, FAR_SSRC + 1, 5000, "\0\013eleven", 8);
	packet = take_rtp(&rig);
	assert_int_equal(packet.sequence, sent + 1);
	assert_int_equal(packet.payload_type, VP8);
	assert_int_equal(packet.ssrc, rig.to->sender.ssrc);
	assert_int_equal(packet.payload_bytes, 6);
	assert_memory_equal(packet.payload, "eleven", 6);
	put(&rig, VP8, FAR_SSRC, 12, "twelve", 6); /* the same datagram again */
	assert_int_equal(take_rtp(&rig).sequence, sent + 2);
	assert_false(media_repair_ask(rig.from->repair, now_us + 200000));
	assert_int_equal(rtp_receiver_packets(&rig.from->receiver), 3); /* RTX is not the source's */
	put(&rig, RTX, FAR_SSRC + 1, 5001, "\0\0", 2);			/* trying out the way */
	assert_false(take(&rig));
	close_rig(&rig);
}

static void test_feedback_without_reduced_size_has_a_report_before_it(void **state)
{
	struct rig rig;

	open_rig(&rig, SDP_FEEDBACK_PLI, MEDIA_TYPE_NONE);
	rig.from->has_reduced_size = false;
	put(&rig, VP8, FAR_SSRC, 10, "ten", 3);
	take_rtp(&rig);
	media_key_frame_want(rig.from);
	take_feedback(&rig, RTCP_PSFB, RTCP_PSFB_PLI);
	assert_int_equal(rtcp_compound_check(rig.out, rig.out_bytes, false), 0);
	close_rig(&rig);
}

static void test_key_frames_are_asked_of_the_other_far_end(void **state)
{
	struct rig rig;
	struct rtcp_feedback feedback;

	open_rig(&rig, SDP_FEEDBACK_PLI | SDP_FEEDBACK_FIR, MEDIA_TYPE_NONE);
	ask_for_key_frame(&rig, rig.to->sender.ssrc, true);
	assert_false(take(&rig)); /* nothing has come: it will begin with one */
	put(&rig, VP8, FAR_SSRC, 10, "ten", 3);
	take_rtp(&rig);
	ask_for_key_frame(&rig, rig.to->sender.ssrc, true);
	feedback = take_feedback(&rig, RTCP_PSFB, RTCP_PSFB_PLI);
	assert_int_equal(feedback.media, FAR_SSRC);
	/* not more often than is good for the pictures, but not forgotten either */
	ask_for_key_frame(&rig, 0, false);
	assert_false(take(&rig));
	assert_true(loop_timer_is_running(&rig.source->feedback_timer));
	assert_true(media_key_frame_ask(rig.from, rig.from->key_frame_asked_us + 499999));
	assert_false(media_key_frame_ask(rig.from, rig.from->key_frame_asked_us + 500000));
	take_feedback(&rig, RTCP_PSFB, RTCP_PSFB_PLI);
	close_rig(&rig);
}

static void test_key_frames_are_asked_for_when_somebody_begins_to_look(void **state)
{
	struct rig rig;
	struct media_end *other;
	uint8_t number;
	uint32_t media;
	struct rtcp_feedback feedback;

	open_rig(&rig, SDP_FEEDBACK_FIR, MEDIA_TYPE_NONE);
	put(&rig, VP8, FAR_SSRC, 10, "ten", 3);
	take_rtp(&rig);
	other = video_end(&rig, SDP_FEEDBACK_FIR, MEDIA_TYPE_NONE);
	media_bridge_join(rig.source, other); /* transferred */
	feedback = take_feedback(&rig, RTCP_PSFB, RTCP_PSFB_FIR);
	assert_true(rtcp_fir_entry(&feedback, 0, &media, &number));
	assert_int_equal(media, FAR_SSRC);
	assert_int_equal(number, 0);
	apply(other, SDP_FEEDBACK_FIR, MEDIA_TYPE_NONE, SDP_INACTIVE); /* held */
	rig.from->key_frame_asked_us = 0;
	assert_false(take(&rig));
	apply(other, SDP_FEEDBACK_FIR, MEDIA_TYPE_NONE, SDP_SEND_RECEIVE); /* resumed */
	feedback = take_feedback(&rig, RTCP_PSFB, RTCP_PSFB_FIR);
	assert_true(rtcp_fir_entry(&feedback, 0, &media, &number));
	assert_int_equal(number, 1);
	rig.from->key_frame_asked_us = 0;
	media_feedback_connected(other);
	take_feedback(&rig, RTCP_PSFB, RTCP_PSFB_FIR);
	assert_false(take(&rig));
	close_rig(&rig);
}

static void tick(struct rig *rig)
{
	if (loop_timer_is_running(&rig->source->feedback_timer))
		rig->source->feedback_timer.fire(rig->source->feedback_timer.data);
}

static void test_arrivals_are_told(void **state)
{
	/* An extension of one byte's form: id 3, two bytes, the number. */
	uint8_t extension[] = {3 << 4 | 1, 0, 200, 0}, bytes[64];
	struct rtp_packet packet = {.payload_type = VP8,
				    .ssrc = FAR_SSRC,
				    .has_extension = true,
				    .extension_profile = RTP_EXTENSION_ONE_BYTE,
				    .extension = extension,
				    .extension_bytes = sizeof extension};
	struct sdp_leg_plan plan = {1, video_plan(SDP_FEEDBACK_TRANSPORT_CC, MEDIA_TYPE_NONE)};
	struct rtcp_feedback feedback;
	struct rig rig;
	size_t length;

	open_rig(&rig, 0, MEDIA_TYPE_NONE);
	plan.streams[0].extension_ids[SDP_EXTENSION_TRANSPORT_CC] = 3;
	media_end_apply_streams(rig.source, &plan);
	sdp_leg_plan_clear(&plan);
	for (; packet.sequence < 3; packet.sequence++, extension[2] += 2) {
		assert_int_equal(rtp_packet_build(&packet, bytes, sizeof bytes, &length), 0);
		put_bytes(&rig, rig.source, bytes, length);
		take_rtp(&rig);
	}
	assert_true(loop_timer_is_running(&rig.source->feedback_timer));
	tick(&rig);
	feedback = take_feedback(&rig, RTCP_RTPFB, RTCP_RTPFB_TWCC);
	assert_int_equal(feedback.media, FAR_SSRC);
	assert_int_equal(rtp_get_u16(feedback.fci), 200);
	assert_int_equal(rtp_get_u16(feedback.fci + 2), 5);
	close_rig(&rig);
}

static uint64_t take_remb(struct rig *rig)
{
	struct rtcp_feedback feedback;
	uint64_t bits_per_second = 0;

	tick(rig);
	feedback = take_feedback(rig, RTCP_PSFB, RTCP_PSFB_REMB);
	assert_true(rtcp_remb(&feedback, &bits_per_second));
	assert_int_equal(feedback.sender, rig->from->sender.ssrc);
	assert_int_equal(rtp_get_u32(feedback.fci + 8), FAR_SSRC);
	return bits_per_second;
}

static void test_what_the_other_far_end_can_take_is_told(void **state)
{
	uint8_t bytes[64];
	struct rtcp_writer writer;
	struct rig rig;

	open_rig(&rig, SDP_FEEDBACK_REMB, MEDIA_TYPE_NONE);
	put(&rig, VP8, FAR_SSRC, 1, "one", 3);
	take_rtp(&rig);
	rtcp_writer_init(&writer, bytes, sizeof bytes);
	rtcp_write_remb(&writer, FAR_SSRC, 640000, &rig.to->sender.ssrc, 1);
	put_bytes(&rig, rig.viewer, bytes, writer.length);
	assert_int_equal(take_remb(&rig), 640000);
	assert_false(take(&rig));
	/* As often as it says so, the sender hears it once in a while. */
	for (unsigned i = 0; i < 10; i++)
		put_bytes(&rig, rig.viewer, bytes, writer.length);
	rtcp_writer_init(&writer, bytes, sizeof bytes);
	rtcp_write_remb(&writer, FAR_SSRC, 320000, &rig.to->sender.ssrc, 1);
	put_bytes(&rig, rig.viewer, bytes, writer.length);
	assert_int_equal(take_remb(&rig), 320000);
	tick(&rig);
	assert_false(take(&rig));
	close_rig(&rig);
}

/* Its pictures go out by a transport of their own, and it asks there. */
static void join_unbundled_viewer(struct rig *rig, unsigned feedback)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "unbundled"};
	struct media_end *viewer = media_end_new(rig->lone.worker, "unbundled", NULL, &options);
	struct media_end *beside = media_end_new(rig->lone.worker, "unbundled", NULL, &options);
	struct sdp_leg_plan plan = {1, video_plan(feedback, MEDIA_TYPE_NONE)};

	g_ptr_array_add(rig->lone.ends, viewer);
	beside->main = viewer;
	viewer->beside[viewer->n_beside++] = beside;
	plan.streams[0].transport = 1;
	media_end_apply_streams(viewer, &plan);
	sdp_leg_plan_clear(&plan);
	connect_to_phone(rig, viewer);
	connect_to_phone(rig, beside);
	media_bridge_join(rig->source, viewer);
	rig->viewer = beside;
	rig->to = viewer->streams[0];
}

static void test_a_far_end_that_does_not_bundle_is_listened_to_as_well(void **state)
{
	uint8_t bytes[64];
	struct rtcp_writer writer;
	struct rig rig;

	open_rig(&rig, SDP_FEEDBACK_REMB | SDP_FEEDBACK_PLI, MEDIA_TYPE_NONE);
	join_unbundled_viewer(&rig, SDP_FEEDBACK_REMB | SDP_FEEDBACK_PLI);
	put(&rig, VP8, FAR_SSRC, 1, "one", 3);
	assert_int_equal(take_rtp(&rig).ssrc, rig.to->sender.ssrc);
	rtcp_writer_init(&writer, bytes, sizeof bytes);
	rtcp_write_remb(&writer, FAR_SSRC, 640000, &rig.to->sender.ssrc, 1);
	put_bytes(&rig, rig.viewer, bytes, writer.length);
	assert_int_equal(take_remb(&rig), 640000);
	ask_for_key_frame(&rig, rig.to->sender.ssrc, false);
	take_feedback(&rig, RTCP_PSFB, RTCP_PSFB_PLI);
	assert_false(take(&rig));
	close_rig(&rig);
}

static void test_key_frames_come_when_there_is_a_way_for_them(void **state)
{
	struct rig rig;

	open_rig(&rig, SDP_FEEDBACK_PLI, MEDIA_TYPE_NONE);
	join_unbundled_viewer(&rig, SDP_FEEDBACK_PLI);
	put(&rig, VP8, FAR_SSRC, 1, "one", 3);
	take_rtp(&rig);
	media_feedback_connected(rig.viewer->main);
	assert_false(take(&rig));
	media_feedback_connected(rig.viewer);
	take_feedback(&rig, RTCP_PSFB, RTCP_PSFB_PLI);
	close_rig(&rig);
}

static void test_who_loses_much_gets_less(void **state)
{
	int64_t now_us = 100000000;
	uint64_t limit;
	struct rig rig;

	open_rig(&rig, SDP_FEEDBACK_REMB, MEDIA_TYPE_NONE);
	apply(rig.viewer, 0, MEDIA_TYPE_NONE, SDP_SEND_RECEIVE); /* a telephone */
	put(&rig, VP8, FAR_SSRC, 1, "one", 3);
	take_rtp(&rig);
	media_rate_note_loss(rig.to, 128, now_us); /* nothing to measure by yet */
	tick(&rig);
	assert_false(take(&rig));
	rig.to->sender.octets += 125000; /* a megabit in a second */
	media_rate_note_loss(rig.to, 128, now_us += 1000000);
	limit = take_remb(&rig);
	assert_in_range(limit, 740000, 750000);
	media_rate_note_loss(rig.to, 10, now_us += 1000000);
	assert_int_equal(take_remb(&rig), limit);
	media_rate_note_loss(rig.to, 128, now_us + 1000); /* too short a time */
	tick(&rig);
	assert_false(take(&rig));
	media_rate_note_loss(rig.to, 0, now_us += 1000000);
	assert_in_range(take_remb(&rig), limit + limit / 20, limit + limit / 10);
	for (unsigned i = 0; rig.to->rate.limit_bps; i++) {
		assert_in_range(i, 0, 100);
		media_rate_note_loss(rig.to, 0, now_us += 1000000);
		limit = take_remb(&rig);
	}
	assert_in_range(limit, 19000000, 20000000);
	media_rate_note_loss(rig.to, 0, now_us += 1000000);
	tick(&rig);
	assert_false(take(&rig));
	close_rig(&rig);
}

/* The blocks of type `type` in the next report. */
static size_t count_blocks(struct rig *rig, uint8_t type)
{
	struct rtcp_iterator iterator;
	struct rtcp_packet packet;
	struct rtcp_xr_block block;
	size_t n = 0;

	assert_int_equal(rtcp_compound_check(rig->out, rig->out_bytes, false), 0);
	for (rtcp_start(rig->out, rig->out_bytes, &iterator); rtcp_next(&iterator, &packet);)
		for (size_t i = 0; rtcp_xr_block(&packet, i, &block); i++)
			n += block.type == type;
	return n;
}

static void test_extended_reports_go_to_who_asks(void **state)
{
	static const uint8_t reference[] = {0x80, 207, 0, 4, 0, 0, 0, 77, 4, 0, 0, 2, 0, 1, 0, 2, 0, 3, 0, 4};
	struct sdp_leg_plan plan = {1, video_plan(0, MEDIA_TYPE_NONE)};
	struct rig rig;

	open_rig(&rig, 0, MEDIA_TYPE_NONE);
	plan.streams[0].kind = SDP_KIND_AUDIO;
	plan.streams[0].extended_reports = SDP_EXTENDED_VOIP | SDP_EXTENDED_SUMMARY;
	media_end_apply_streams(rig.source, &plan);
	sdp_leg_plan_clear(&plan);
	put(&rig, VP8, FAR_SSRC, 10, "ten", 3);
	put(&rig, VP8, FAR_SSRC, 13, "thirteen", 8);
	while (take(&rig))
		;
	media_reports_start(rig.source);
	rig.source->report_timer.fire(rig.source->report_timer.data);
	assert_true(take(&rig));
	assert_int_equal(count_blocks(&rig, 7), 1);
	assert_int_equal(count_blocks(&rig, 6), 1);
	assert_int_equal(count_blocks(&rig, RTCP_XR_DLRR), 0);
	/* Who asks for nothing else may ask for the round trip, once a question. */
	put_bytes(&rig, rig.viewer, reference, sizeof reference);
	media_reports_start(rig.viewer);
	for (size_t n = 1; n < 2; n--) {
		rig.viewer->report_timer.fire(rig.viewer->report_timer.data);
		assert_true(take(&rig));
		assert_int_equal(count_blocks(&rig, RTCP_XR_DLRR), n);
		assert_int_equal(count_blocks(&rig, 7), 0);
	}
	close_rig(&rig);
}

static void test_nothing_is_kept_or_asked_for_without_nack(void **state)
{
	struct rig rig;

	open_rig(&rig, SDP_FEEDBACK_NACK, RTX);
	apply(rig.source, SDP_FEEDBACK_PLI, MEDIA_TYPE_NONE, SDP_SEND_RECEIVE);
	assert_null(rig.from->repair);
	put(&rig, VP8, FAR_SSRC, 10, "ten", 3);
	put(&rig, VP8, FAR_SSRC, 13, "thirteen", 8);
	assert_false(loop_timer_is_running(&rig.source->feedback_timer));
	put(&rig, RTX, FAR_SSRC + 1, 1, "\0\013eleven", 8);
	assert_int_equal(rig.source->refused[MEDIA_REFUSAL_TYPE], 1);
	close_rig(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nack_is_answered_with_the_same_datagram),
	    cmocka_unit_test(test_nack_is_answered_by_rtx),
	    cmocka_unit_test(test_what_is_missing_is_asked_for_and_goes_on_when_it_comes),
	    cmocka_unit_test(test_feedback_without_reduced_size_has_a_report_before_it),
	    cmocka_unit_test(test_key_frames_are_asked_of_the_other_far_end),
	    cmocka_unit_test(test_key_frames_are_asked_for_when_somebody_begins_to_look),
	    cmocka_unit_test(test_arrivals_are_told),
	    cmocka_unit_test(test_what_the_other_far_end_can_take_is_told),
	    cmocka_unit_test(test_a_far_end_that_does_not_bundle_is_listened_to_as_well),
	    cmocka_unit_test(test_key_frames_come_when_there_is_a_way_for_them),
	    cmocka_unit_test(test_who_loses_much_gets_less),
	    cmocka_unit_test(test_extended_reports_go_to_who_asks),
	    cmocka_unit_test(test_nothing_is_kept_or_asked_for_without_nack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
