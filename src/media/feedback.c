#include "media/feedback.h"
#include "media/repair.h"

#define ARRIVALS_INTERVAL_US 100000
#define TICK_MS		     20 /* while there is something to ask for or to tell */

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

/* True while there is something to tell. All streams share the numbers, and one tells for all. */
static bool tell_arrivals(struct media_end *end, int64_t now_us)
{
	struct media_feedback_packet packet;
	const struct media_stream *stream = NULL;

	if (!end->arrivals || rtcp_arrivals_is_empty(end->arrivals))
		return false;
	if (now_us - end->arrivals_told_us < ARRIVALS_INTERVAL_US)
		return true;
	for (size_t i = 0; i < end->n_streams && !stream; i++)
		if (end->streams[i]->end == end && end->streams[i]->arrival_extension)
			stream = end->streams[i];
	if (!stream)
		return false;
	media_feedback_begin(&packet, stream);
	rtcp_write_arrivals(&packet.writer, stream->sender.ssrc, stream->receiver.ssrc, end->arrivals);
	media_feedback_send(&packet, stream);
	end->arrivals_told_us = now_us;
	return !rtcp_arrivals_is_empty(end->arrivals);
}

static void on_tick(void *data)
{
	struct media_end *end = data;
	int64_t now_us = loop_now_us(media_end_loop(end));
	bool goes_on = tell_arrivals(end, now_us);

	for (size_t i = 0; i < end->n_streams; i++) {
		struct media_stream *stream = end->streams[i];

		media_rate_tell(stream);
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
		if (end->streams[i]->end != end)
			continue; /* its time comes with the end beside this one */
		media_key_frame_wanted_by(end->streams[i]);
		if (end->streams[i]->wants_key_frame)
			media_feedback_wake(end);
	}
}

void media_feedback_apply(struct media_stream *stream, const struct sdp_stream_plan *plan)
{
	struct media_end *end = stream->end;

	stream->feedback = plan->feedback;
	stream->has_reduced_size = plan->has_reduced_size;
	stream->arrival_extension =
	    plan->feedback & SDP_FEEDBACK_TRANSPORT_CC ? plan->extension_ids[SDP_EXTENSION_TRANSPORT_CC] : 0;
	if (stream->arrival_extension && !end->arrivals)
		end->arrivals = g_new0(struct rtcp_arrivals, 1);
	media_repair_apply(stream, plan);
}

/* --- in --- */

void media_feedback_note_arrival(struct media_stream *stream, const struct rtp_packet *packet)
{
	struct media_end *end = stream->end;
	struct rtp_extension_iterator iterator;
	struct rtp_extension_element element;

	rtp_extension_start(packet, &iterator);
	while (rtp_extension_next(&iterator, &element)) {
		if (element.id != stream->arrival_extension || element.length < 2)
			continue;
		rtcp_arrivals_note(end->arrivals, rtp_get_u16(element.data), loop_now_us(media_end_loop(end)));
		media_feedback_wake(end);
		return;
	}
}

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

/* One estimate for all that we send there; the sound is too little to be told about. */
static void take_remb(struct media_end *end, const struct rtcp_feedback *feedback)
{
	uint64_t bits_per_second;

	if (!rtcp_remb(feedback, &bits_per_second))
		return;
	for (size_t i = 0; i < end->n_streams; i++)
		if (end->streams[i]->kind == SDP_KIND_VIDEO && (end->streams[i]->feedback & SDP_FEEDBACK_REMB))
			media_rate_limited_by(end->streams[i], bits_per_second);
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
	else if (format == RTCP_PSFB_REMB)
		take_remb(end, feedback);
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
