/* Key frames: asked for when somebody begins to look (a call connects, resumes, is transferred) and when a far end says
 * that it cannot go on; of the far end that makes the pictures, by PLI, by FIR, or through the signalling. */
#include "media/feedback.h"
#include "media/hop.h"
#include "media/tell.h"

/* A key frame is many packets: who asks all the time gets fewer pictures, not more. */
#define PAUSE_US	   500000
#define PAUSE_SIGNALLED_US 2000000 /* INFO */

static bool has_feedback(const struct media_stream *source)
{
	return source->feedback & (SDP_FEEDBACK_PLI | SDP_FEEDBACK_FIR);
}

static void ask(struct media_stream *source)
{
	struct media_feedback_packet packet;
	uint32_t media = source->receiver.ssrc;

	if (!has_feedback(source)) {
		media_tell_key_frame_wanted(source->end);
		return;
	}
	media_feedback_begin(&packet, source);
	if (source->feedback & SDP_FEEDBACK_PLI)
		rtcp_write_pli(&packet.writer, source->sender.ssrc, media);
	else
		rtcp_write_fir(&packet.writer, source->sender.ssrc, media, source->key_frame_number++);
	media_feedback_send(&packet, source);
}

bool media_key_frame_ask(struct media_stream *source, int64_t now_us)
{
	int64_t pause_us = has_feedback(source) ? PAUSE_US : PAUSE_SIGNALLED_US;

	if (!source->wants_key_frame || source->end->state != MEDIA_END_CONNECTED)
		return false;
	if (source->key_frame_asked_us && now_us - source->key_frame_asked_us < pause_us)
		return true;
	source->wants_key_frame = false;
	source->key_frame_asked_us = now_us;
	ask(source);
	return false;
}

void media_key_frame_want(struct media_stream *source)
{
	struct media_end *end = source->end;

	if (source->kind != SDP_KIND_VIDEO || !media_stream_receives(source) || end->options.kind == MEDIA_LEG_BUILTIN)
		return;
	if (end->across) {
		media_hop_want_key_frame(end->across, source);
		return;
	}
	if (!source->has_source)
		return; /* it will begin with one */
	source->wants_key_frame = true;
	if (media_key_frame_ask(source, loop_now_us(media_end_loop(end))))
		media_feedback_wake(end);
}

void media_key_frame_wanted_by(struct media_stream *stream)
{
	struct media_stream *source = media_bridge_source(stream);

	if (source)
		media_key_frame_want(source);
}
