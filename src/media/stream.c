#include "media/dtls.h"
#include "crypto/random.h"
#include "media/digits.h"
#include "media/extended.h"
#include "media/extension.h"
#include "media/feedback.h"
#include "media/repair.h"
#include "media/source.h"
#include "media/transcode.h"
#include "plugin/plugin.h"
#include <string.h>

struct media_stream *media_stream_new(struct media_end *end, const struct sdp_stream_plan *plan)
{
	struct media_stream *stream = g_new0(struct media_stream, 1);

	stream->end = end;
	stream->line = plan->line;
	for (size_t i = 0; i < MEDIA_TYPES; i++)
		stream->routes[i].type_out = MEDIA_TYPE_NONE;
	stream->codec_type = MEDIA_TYPE_NONE;
	rtp_sender_init(&stream->sender, plan->local_ssrc ? plan->local_ssrc : crypto_random_u32(),
			(uint16_t)crypto_random_u32() & 0x7fff,
			crypto_random_u32());
	return stream;
}

struct media_stream *media_stream_free(struct media_stream *stream)
{
	if (!stream)
		return NULL;
	media_repair_free(stream->repair);
	g_free(stream->extended);
	media_digits_in_free(stream->digits_in);
	media_digits_out_free(stream->digits_out);
	BASE_CLEAR(&stream->hold, media_source_free);
	BASE_CLEAR(&stream->transcode, media_transcode_free);
	g_free(stream->formats);
	g_free(stream);
	return NULL;
}

const struct tandem_codec *media_stream_codec(const struct media_stream *stream, size_t index)
{
	const struct plugin_registry *codecs = stream->end->worker->engine->codecs;
	const struct sdp_format *format = &stream->formats[index];

	return codecs ? plugin_codec_find(codecs, format->encoding, format->clock_hz, format->channels) : NULL;
}

static bool same_formats(const struct media_stream *stream, const struct sdp_stream_plan *plan)
{
	if (stream->n_formats != plan->n_formats || memcmp(stream->send_types, plan->send_types, plan->n_formats) != 0)
		return false;
	for (size_t i = 0; i < plan->n_formats; i++) {
		const struct sdp_format *ours = &stream->formats[i], *theirs = &plan->formats[i];

		if (ours->payload_type != theirs->payload_type || ours->clock_hz != theirs->clock_hz ||
		    ours->channels != theirs->channels || strcmp(ours->encoding, theirs->encoding) != 0 ||
		    strcmp(ours->parameters, theirs->parameters) != 0)
			return false;
	}
	return true;
}

static void apply_feedback(struct media_stream *stream, const struct sdp_stream_plan *plan, enum sdp_direction begun)
{
	media_feedback_apply(stream, plan);
	media_extended_apply(stream, plan);
	if ((begun & SDP_RECEIVE_ONLY) && stream->to)
		media_key_frame_want(stream);
	if (begun & SDP_SEND_ONLY)
		media_key_frame_wanted_by(stream);
}

bool media_stream_apply(struct media_stream *stream, const struct sdp_stream_plan *plan)
{
	bool is_same = stream->direction == plan->direction && stream->ptime_ms == plan->ptime_ms &&
		       stream->maxptime_ms == plan->maxptime_ms &&
		       stream->kind == plan->kind && stream->rank == plan->rank &&
		       stream->extensions.level_id == plan->extension_ids[SDP_EXTENSION_AUDIO_LEVEL];
	enum sdp_direction begun = plan->direction & ~stream->direction;

	if (begun & SDP_RECEIVE_ONLY)
		stream->heard_us = stream->rtp_us = loop_now_us(media_end_loop(stream->end)); /* silence counts from here */
	stream->kind = plan->kind;
	stream->rank = plan->rank;
	stream->told_ssrc = plan->remote_ssrc;
	stream->told_rtx_ssrc = plan->remote_rtx_ssrc;
	stream->sender.marks_frames = plan->kind == SDP_KIND_VIDEO;
	stream->direction = plan->direction;
	stream->ptime_ms = plan->ptime_ms;
	stream->maxptime_ms = plan->maxptime_ms;
	media_extension_apply(stream, plan);
	apply_feedback(stream, plan, begun);
	if (is_same && same_formats(stream, plan))
		return false;
	g_free(stream->formats);
	stream->formats = g_memdup2(plan->formats, plan->n_formats * sizeof *plan->formats);
	stream->n_formats = plan->n_formats;
	memcpy(stream->send_types, plan->send_types, plan->n_formats);
	return true;
}

uint64_t media_stream_packets(const struct media_stream *stream)
{
	return stream->packets_before + rtp_receiver_packets(&stream->receiver);
}

uint64_t media_stream_octets(const struct media_stream *stream)
{
	return stream->octets_before + rtp_receiver_octets(&stream->receiver);
}

uint64_t media_stream_lost(const struct media_stream *stream)
{
	return stream->lost_before + rtp_receiver_lost(&stream->receiver);
}

static void change_source(struct media_stream *stream, uint32_t ssrc)
{
	stream->packets_before = media_stream_packets(stream);
	stream->octets_before = media_stream_octets(stream);
	stream->lost_before = media_stream_lost(stream);
	/* No probation: who can send here has been checked already, by key or by address. */
	rtp_receiver_init(&stream->receiver, ssrc, 0);
	stream->has_source = true;
	if (stream->end->dtls)
		media_dtls_confirm(stream->end->dtls);
}

void media_stream_note_received(struct media_stream *stream, const struct rtp_packet *packet, uint32_t jitter_clock_hz,
				int64_t now_us)
{
	if (!stream->has_source || stream->receiver.ssrc != packet->ssrc)
		change_source(stream, packet->ssrc);
	rtp_receiver_update(&stream->receiver, packet, jitter_clock_hz, now_us);
	if (stream->extended)
		media_extended_note(stream, packet);
	if (jitter_clock_hz > 0)
		stream->codec_type = packet->payload_type;
	stream->heard_us = stream->rtp_us = now_us;
}

void media_stream_note_far_report(struct media_stream *stream, const struct rtcp_report_block *block)
{
	struct media_far_report *far = &stream->far;

	far->fraction_lost = block->fraction_lost;
	far->packets_lost = (uint32_t)MAX(block->cumulative_lost, 0);
	far->jitter = block->jitter;
	far->n++;
	if (block->highest_sequence != far->highest_sequence) {
		far->highest_sequence = block->highest_sequence;
		far->packets_then = stream->sender.packets;
		far->n_stuck = 0;
	} else if (stream->sender.packets - far->packets_then > MEDIA_STUCK_PACKETS) {
		far->n_stuck++;
	}
}
