#include "media/feedback.h"
#include "media/repair.h"

#define TICK_MS 20 /* while there is something to ask for */

/* --- out --- */

void media_feedback_begin(struct media_feedback_packet *packet, const struct media_stream *stream)
{
	rtcp_writer_init(&packet->writer, packet->bytes, MEDIA_FEEDBACK_BYTES);
	if (stream->has_reduced_size)
		return;
	/* The smallest there is (RFC 4585, section 3.1); figures come with the regular reports. */
	rtcp_write_receiver_report(&packet->writer, stream->sender.ssrc, NULL, 0);
	rtcp_write_cname(&packet->writer, stream->sender.ssrc, stream->end->cname);
}

void media_feedback_send(struct media_feedback_packet *packet, const struct media_stream *stream)
{
	size_t length;

	if (rtcp_writer_end(&packet->writer, &length) == 0)
		media_end_send_rtcp(stream->end, packet->bytes, length, sizeof packet->bytes);
}

static void on_tick(void *data)
{
	struct media_end *end = data;
	int64_t now_us = loop_now_us(media_end_loop(end));
	bool goes_on = false;

	for (size_t i = 0; i < end->n_streams; i++) {
		struct media_stream *stream = end->streams[i];

		goes_on |= media_key_frame_ask(stream, now_us);
		goes_on |= stream->repair && media_repair_ask(stream->repair, now_us);
	}
	if (goes_on)
		loop_timer_start_ms(&end->feedback_timer, TICK_MS);
}

void media_feedback_wake(struct media_end *end)
{
	if (loop_timer_is_running(&end->feedback_timer))
		return;
	loop_timer_init(&end->feedback_timer, media_end_loop(end), on_tick, end);
	loop_timer_start_ms(&end->feedback_timer, TICK_MS);
}

void media_feedback_stop(struct media_end *end)
{
	loop_timer_stop(&end->feedback_timer);
}

void media_feedback_connected(struct media_end *end)
{
	for (size_t i = 0; i < end->n_streams; i++) {
		media_key_frame_wanted_by(end->streams[i]);
		if (end->streams[i]->wants_key_frame)
			media_feedback_wake(end);
	}
}

/* --- in --- */

/* Telephones that have but one video stream in mind fill in what they like. */
static struct media_stream *stream_meant(const struct media_end *end, uint32_t ssrc)
{
	struct media_stream *video = NULL;
	size_t n_videos = 0;

	for (size_t i = 0; i < end->n_streams; i++) {
		if (end->streams[i]->sender.ssrc == ssrc)
			return end->streams[i];
		if (end->streams[i]->kind == SDP_KIND_VIDEO) {
			video = end->streams[i];
			n_videos++;
		}
	}
	return n_videos == 1 ? video : NULL;
}

static void take_fir(struct media_end *end, const struct rtcp_feedback *feedback)
{
	uint32_t media;
	uint8_t number;

	for (size_t i = 0; rtcp_fir_entry(feedback, i, &media, &number); i++) {
		struct media_stream *stream = stream_meant(end, media);

		/* It comes until the key frame does (RFC 5104, section 4.3.1.2), and what was asked for may be lost
		 * too. */
		if (stream)
			media_key_frame_wanted_by(stream);
	}
}

static void take_rtpfb(struct media_end *end, uint8_t format, const struct rtcp_feedback *feedback)
{
	struct media_stream *stream = stream_meant(end, feedback->media);

	if (format == RTCP_RTPFB_NACK && stream && stream->repair)
		media_repair_answer(stream->repair, feedback);
}

static void take_psfb(struct media_end *end, uint8_t format, const struct rtcp_feedback *feedback)
{
	struct media_stream *stream = stream_meant(end, feedback->media);

	if (format == RTCP_PSFB_PLI && stream)
		media_key_frame_wanted_by(stream);
	else if (format == RTCP_PSFB_FIR)
		take_fir(end, feedback);
}

void media_feedback_receive(struct media_end *end, const struct rtcp_packet *packet)
{
	struct rtcp_feedback feedback;

	if (!rtcp_feedback(packet, &feedback))
		return;
	if (packet->type == RTCP_RTPFB)
		take_rtpfb(end, packet->count, &feedback);
	else
		take_psfb(end, packet->count, &feedback);
}
