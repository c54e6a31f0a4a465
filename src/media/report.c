/* RTCP of a leg (RFC 3550, section 6): each leg is a session of its own, nothing is passed through. */
#include "crypto/random.h"
#include "media/extended.h"
#include "media/feedback.h"

#define INTERVAL_MS	 5000 /* RFC 3550, section 6.2: the minimum */
#define REPORT_BYTES	 512 /* SR with one block, CNAME, XR, BYE: far less */

/* Between half and one and a half of it, divided by e - 3/2 (section 6.3.1), so that legs do not fall into step. */
static int64_t next_interval_ms(void)
{
	return (INTERVAL_MS / 2 + crypto_random_u32() % INTERVAL_MS) * 1000 / 1218;
}

static void write_report(struct media_stream *stream, struct rtcp_writer *writer)
{
	int64_t now_us = loop_now_us(media_end_loop(stream->end));
	struct rtcp_report_block block;
	struct rtcp_sender_info info;
	uint64_t ntp = rtcp_ntp_now();

	if (stream->has_source)
		rtp_receiver_report(&stream->receiver, now_us, &block);
	if (rtp_sender_info(&stream->sender, now_us, ntp, &info)) {
		rtcp_write_sender_report(writer, stream->sender.ssrc, &info, &block, stream->has_source);
		rtcp_round_trip_note(&stream->round_trip, ntp, now_us);
	} else {
		rtcp_write_receiver_report(writer, stream->sender.ssrc, &block, stream->has_source);
	}
	rtcp_write_cname(writer, stream->sender.ssrc, stream->end->cname);
	media_extended_write(stream, writer, now_us);
}

static void send_report(struct media_stream *stream, bool goodbye)
{
	uint8_t bytes[REPORT_BYTES + MEDIA_PACKET_ROOM];
	struct rtcp_writer writer;
	size_t length;

	rtcp_writer_init(&writer, bytes, REPORT_BYTES);
	write_report(stream, &writer);
	if (goodbye)
		rtcp_write_bye(&writer, stream->sender.ssrc, NULL);
	if (rtcp_writer_end(&writer, &length) == 0)
		media_end_send_rtcp(stream->end, bytes, length, sizeof bytes);
}

static void on_time(void *data)
{
	struct media_end *end = data;

	if (end->state == MEDIA_END_CONNECTED)
		for (size_t i = 0; i < end->n_streams; i++)
			send_report(end->streams[i], false);
	loop_timer_start_ms(&end->report_timer, next_interval_ms());
}

void media_reports_start(struct media_end *end)
{
	if (end->options.kind == MEDIA_LEG_BUILTIN || loop_timer_is_running(&end->report_timer))
		return;
	loop_timer_init(&end->report_timer, media_end_loop(end), on_time, end);
	loop_timer_start_ms(&end->report_timer, next_interval_ms() / 2); /* section 6.2: half of it at first */
}

void media_reports_stop(struct media_end *end)
{
	loop_timer_stop(&end->report_timer);
}

void media_reports_say_goodbye(struct media_end *end)
{
	if (end->state != MEDIA_END_CONNECTED)
		return;
	for (size_t i = 0; i < end->n_streams; i++)
		send_report(end->streams[i], true);
}

/* --- what the far end reports --- */

static void take_sender_info(struct media_end *end, const struct rtcp_packet *packet, int64_t now_us)
{
	struct rtcp_sender_info info;
	uint32_t ssrc;

	if (!rtcp_sender_ssrc(packet, &ssrc) || !rtcp_sender_info(packet, &info))
		return;
	for (size_t i = 0; i < end->n_streams; i++)
		if (end->streams[i]->has_source && end->streams[i]->receiver.ssrc == ssrc)
			rtp_receiver_note_sender_report(&end->streams[i]->receiver, info.ntp_time, now_us);
}

static void take_block(struct media_end *end, const struct rtcp_report_block *block, int64_t now_us)
{
	for (size_t i = 0; i < end->n_streams; i++) {
		struct media_stream *stream = end->streams[i];

		if (stream->sender.ssrc != block->ssrc)
			continue;
		media_stream_note_far_report(stream, block);
		media_rate_note_loss(stream, block->fraction_lost, now_us);
		rtcp_round_trip_us(&stream->round_trip, block, now_us, &stream->round_trip_us);
	}
}

void media_reports_receive(struct media_end *end, const uint8_t *bytes, size_t length)
{
	int64_t now_us = loop_now_us(media_end_loop(end));
	struct rtcp_iterator iterator;
	struct rtcp_packet packet;
	struct rtcp_report_block block;

	if (rtcp_compound_check(bytes, length, true) < 0) {
		media_end_refuse(end, MEDIA_REFUSAL_MALFORMED, NULL);
		return;
	}
	/* A far end that reports is there, though it may have nothing to say. */
	for (size_t i = 0; i < end->n_streams; i++)
		end->streams[i]->heard_us = now_us;
	rtcp_start(bytes, length, &iterator);
	while (rtcp_next(&iterator, &packet)) {
		if (packet.type == RTCP_RTPFB || packet.type == RTCP_PSFB)
			media_feedback_receive(end, &packet);
		if (packet.type == RTCP_XR)
			media_extended_receive(end, &packet, now_us);
		if (packet.type == RTCP_SR)
			take_sender_info(end, &packet, now_us);
		for (size_t i = 0; rtcp_report_block(&packet, i, &block); i++)
			take_block(end, &block, now_us);
	}
}
