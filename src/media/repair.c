#include "media/repair.h"
#include "crypto/random.h"
#include "media/feedback.h"
#include "metrics/metrics.h"
#include "rtp/history.h"
#include "rtp/missing.h"
#include <string.h>

METRICS_COUNTER(sent_again, "tandem_media_repair_total",
		"Lost packets: asked for by far ends and sent again; asked for by us; come again.", "what",
		"sent_again");
METRICS_COUNTER(asked_for, "tandem_media_repair_total",
		"Lost packets: asked for by far ends and sent again; asked for by us; come again.", "what",
		"asked_for");
METRICS_COUNTER(come_again, "tandem_media_repair_total",
		"Lost packets: asked for by far ends and sent again; asked for by us; come again.", "what",
		"come_again");

/* One second of either, with room for the lively. */
#define AUDIO_PACKETS 128
#define AUDIO_BYTES   (32 * 1024)
#define VIDEO_PACKETS 1024
#define VIDEO_BYTES   (512 * 1024)

#define RTX_HEADER_BYTES 2 /* the original sequence number (RFC 4588, section 4) */
/* How long the same packet is not sent again: a round trip, within reason. */
#define PAUSE_MIN_US 10000
#define PAUSE_MAX_US 200000

struct media_repair {
	struct media_stream *stream;
	enum media_repair_form form;
	struct rtp_history *history;
	uint32_t rtx_ssrc;
	uint16_t rtx_sequence;
	uint8_t rtx_type_of[MEDIA_TYPES];      /* by the payload type sent; MEDIA_TYPE_NONE: none */
	uint8_t original_type_of[MEDIA_TYPES]; /* by that of the RTX that comes; MEDIA_TYPE_NONE: it is none */
	uint32_t source;		       /* whose packets are missing */
	struct rtp_missing missing;
};

/* --- the plan --- */

static struct rtp_history *new_history(enum sdp_kind kind)
{
	size_t packets = kind == SDP_KIND_VIDEO ? VIDEO_PACKETS : AUDIO_PACKETS;
	size_t bytes = kind == SDP_KIND_VIDEO ? VIDEO_BYTES : AUDIO_BYTES;

	return rtp_history_init(g_malloc(rtp_history_size(packets, bytes)), packets, bytes);
}

static struct media_repair *repair_new(struct media_stream *stream)
{
	struct media_repair *repair = g_new0(struct media_repair, 1);

	repair->stream = stream;
	repair->history = new_history(stream->kind);
	repair->rtx_sequence = (uint16_t)crypto_random_u32() & 0x7fff;
	return repair;
}

struct media_repair *media_repair_free(struct media_repair *repair)
{
	if (!repair)
		return NULL;
	g_free(repair->history);
	g_free(repair);
	return NULL;
}

/* Nothing may be taken for what it is not: what was kept in the other form is forgotten. */
static void set_form(struct media_repair *repair, enum media_repair_form form)
{
	if (repair->form == form)
		return;
	repair->form = form;
	g_free(repair->history);
	repair->history = new_history(repair->stream->kind);
}

static void apply_types(struct media_repair *repair, const struct sdp_stream_plan *plan)
{
	enum media_repair_form form = MEDIA_REPAIR_SEALED;

	memset(repair->rtx_type_of, MEDIA_TYPE_NONE, sizeof repair->rtx_type_of);
	memset(repair->original_type_of, MEDIA_TYPE_NONE, sizeof repair->original_type_of);
	for (size_t i = 0; i < plan->n_formats; i++) {
		uint8_t sent = plan->rtx_send_types[i], comes = plan->rtx_receive_types[i];

		if (sent < MEDIA_TYPES && plan->send_types[i] < MEDIA_TYPES) {
			repair->rtx_type_of[plan->send_types[i]] = sent;
			form = MEDIA_REPAIR_PLAIN;
		}
		if (comes < MEDIA_TYPES)
			repair->original_type_of[comes] = plan->formats[i].payload_type;
	}
	set_form(repair, form);
}

void media_repair_apply(struct media_stream *stream, const struct sdp_stream_plan *plan)
{
	struct media_repair *repair = stream->repair;

	if (!(plan->feedback & SDP_FEEDBACK_NACK)) {
		BASE_CLEAR(&stream->repair, media_repair_free);
		return;
	}
	if (!repair)
		repair = stream->repair = repair_new(stream);
	if (plan->local_rtx_ssrc)
		repair->rtx_ssrc = plan->local_rtx_ssrc;
	else if (!repair->rtx_ssrc)
		repair->rtx_ssrc = crypto_random_u32();
	apply_types(repair, plan);
}

void media_repair_add_types(const struct media_repair *repair, uint8_t stream_of_type[static MEDIA_TYPES],
			    uint8_t stream)
{
	for (size_t i = 0; repair && i < MEDIA_TYPES; i++)
		if (repair->original_type_of[i] != MEDIA_TYPE_NONE)
			stream_of_type[i] = stream;
}

/* --- what the far end has lost --- */

void media_repair_note_sent(struct media_repair *repair, enum media_repair_form form, const uint8_t *bytes,
			    size_t length)
{
	if (form == repair->form)
		rtp_history_put(repair->history, rtp_get_u16(bytes + 2), bytes, length,
				loop_now_us(media_end_loop(repair->stream->end)));
}

/* `original` is a datagram of ours: its header is whole. */
static void send_rtx(struct media_repair *repair, const uint8_t *original, size_t length)
{
	uint8_t bytes[MEDIA_PACKET_BYTES_MAX + RTX_HEADER_BYTES + MEDIA_PACKET_ROOM];
	uint8_t type = repair->rtx_type_of[original[1] & 0x7f];
	size_t header_bytes;

	if (type == MEDIA_TYPE_NONE || length > MEDIA_PACKET_BYTES_MAX ||
	    rtp_header_length(original, length, &header_bytes) < 0)
		return;
	memcpy(bytes, original, header_bytes);
	bytes[1] = (uint8_t)((original[1] & 0x80) | type);
	rtp_put_u16(bytes + 2, repair->rtx_sequence++);
	rtp_put_u32(bytes + 8, repair->rtx_ssrc);
	memcpy(bytes + header_bytes, original + 2, RTX_HEADER_BYTES);
	memcpy(bytes + header_bytes + RTX_HEADER_BYTES, original + header_bytes, length - header_bytes);
	media_end_send_rtp(repair->stream->end, bytes, length + RTX_HEADER_BYTES, sizeof bytes);
}

static void send_again(struct media_repair *repair, uint16_t sequence)
{
	struct media_end *end = repair->stream->end;
	int64_t pause_us = CLAMP((int64_t)repair->stream->round_trip_us, PAUSE_MIN_US, PAUSE_MAX_US);
	size_t length;
	const uint8_t *bytes =
	    rtp_history_take(repair->history, sequence, loop_now_us(media_end_loop(end)), pause_us, &length);

	if (!bytes)
		return;
	metrics_add(&sent_again, 1);
	if (repair->form == MEDIA_REPAIR_SEALED)
		media_end_send_raw(end, bytes, length);
	else
		send_rtx(repair, bytes, length);
}

void media_repair_answer(struct media_repair *repair, const struct rtcp_feedback *nack)
{
	uint16_t first, following;

	for (size_t i = 0; rtcp_nack_entry(nack, i, &first, &following); i++) {
		send_again(repair, first);
		for (unsigned k = 0; k < RTCP_NACK_FOLLOWING; k++)
			if (following >> k & 1)
				send_again(repair, (uint16_t)(first + 1 + k));
	}
}

/* --- what we have lost --- */

/* Makes the packet what it was. False when there is nothing in it, which tries out how much the way carries, or nothing
 * is known of whose it is. */
static bool unwrap(const struct media_repair *repair, struct rtp_packet *packet)
{
	if (packet->payload_bytes <= RTX_HEADER_BYTES || !repair->stream->has_source)
		return false;
	packet->payload_type = repair->original_type_of[packet->payload_type];
	packet->sequence = rtp_get_u16(packet->payload);
	packet->ssrc = repair->stream->receiver.ssrc;
	packet->payload += RTX_HEADER_BYTES;
	packet->payload_bytes -= RTX_HEADER_BYTES;
	return true;
}

enum media_repair_verdict media_repair_take(struct media_repair *repair, struct rtp_packet *packet, int64_t now_us)
{
	bool is_again = repair->original_type_of[packet->payload_type] != MEDIA_TYPE_NONE;

	if (is_again && !unwrap(repair, packet))
		return MEDIA_REPAIR_NOTHING;
	if (is_again)
		metrics_add(&come_again, 1);
	if (repair->source != packet->ssrc) {
		rtp_missing_reset(&repair->missing);
		repair->source = packet->ssrc;
	}
	if (rtp_missing_note(&repair->missing, packet->sequence, now_us))
		media_feedback_wake(repair->stream->end);
	return is_again ? MEDIA_REPAIR_AGAIN : MEDIA_REPAIR_ORIGINAL;
}

bool media_repair_ask(struct media_repair *repair, int64_t now_us)
{
	struct media_stream *stream = repair->stream;
	struct media_feedback_packet packet;
	uint16_t sequences[RTP_MISSING_MAX];
	size_t n = rtp_missing_due(&repair->missing, now_us, stream->round_trip_us, sequences);

	if (n > 0) {
		metrics_add(&asked_for, (int64_t)n);
		media_feedback_begin(&packet, stream);
		rtcp_write_nack(&packet.writer, stream->sender.ssrc, repair->source, sequences, n);
		media_feedback_send(&packet, stream);
	}
	return !rtp_missing_is_empty(&repair->missing);
}
