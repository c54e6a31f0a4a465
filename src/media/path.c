/* The way of a packet: read, told apart, decrypted, counted, rewritten in place, encrypted, sent. Nothing here allocates,
 * locks or logs. */
#include "media/delay.h"
#include "media/digits.h"
#include "media/dtls.h"
#include "media/extension.h"
#include "media/feedback.h"
#include "media/hop.h"
#include "media/ice.h"
#include "media/plain.h"
#include "media/repair.h"
#include "media/tap.h"
#include "media/transcode.h"
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Batches read from one socket before others have their turn. */
#define ROUNDS_MAX 8

/* Told once of what has come: a batch that is not full has emptied the socket, and to be asked again would cost a packet a
 * twentieth more. */
#define SOCKET_EVENTS (EPOLLIN | EPOLLET)

/* --- in --- */

static bool is_from_peer(const struct media_end *end, const struct net_address *from)
{
	if (end->rtp_remote.length > 0 && net_address_equal(from, &end->rtp_remote))
		return true;
	return end->rtp_remote_before.length > 0 && net_address_equal(from, &end->rtp_remote_before);
}

static bool unprotect(struct media_end *end, uint8_t *bytes, size_t *length)
{
	return end->srtp_receive ? media_srtp_unprotect(end->srtp_receive, bytes, length) == 0
				 : end->protection == MEDIA_PROTECTION_NONE;
}

static bool unprotect_rtcp(struct media_end *end, uint8_t *bytes, size_t *length)
{
	return end->srtp_receive ? media_srtp_unprotect_rtcp(end->srtp_receive, bytes, length) == 0
				 : end->protection == MEDIA_PROTECTION_NONE;
}

/* Whether the packet comes from whom it should, and, where it must be so, is authentic; it is plain then. Nothing is
 * learned before. */
static enum media_refusal admit(struct media_end *end, const struct net_address *from, uint8_t *bytes, size_t *length)
{
	bool is_known = is_from_peer(end, from);

	if (!is_known && (!end->plain || !media_plain_may_latch(end->plain)))
		return MEDIA_REFUSAL_SOURCE;
	if (!unprotect(end, bytes, length))
		return is_known ? MEDIA_REFUSAL_PROTECTION : MEDIA_REFUSAL_SOURCE;
	if (!is_known)
		return media_plain_latches(end, from, bytes, *length) ? MEDIA_REFUSAL_NONE : MEDIA_REFUSAL_SOURCE;
	if (end->options.latch && end->plain)
		media_plain_confirm(end->plain);
	return MEDIA_REFUSAL_NONE;
}

static bool is_source_of(const struct media_stream *stream, uint32_t ssrc)
{
	return ssrc != 0 && (ssrc == stream->told_ssrc || ssrc == stream->told_rtx_ssrc);
}

/* Several streams of a bundle may have the type: the far end has told which source is whose (RFC 9143, section 9.2). NULL: none
 * has it. */
static struct media_stream *stream_of(const struct media_end *end, const struct rtp_packet *packet)
{
	uint8_t first = end->stream_of_type[packet->payload_type];

	if (first == MEDIA_STREAM_NONE)
		return NULL;
	for (size_t i = 0; end->n_streams > 1 && i < end->n_streams; i++)
		if (end->streams[i]->end == end && is_source_of(end->streams[i], packet->ssrc))
			return end->streams[i];
	return end->streams[first];
}

static void forward(struct media_stream *stream, const struct media_route *route, const struct rtp_packet *packet,
		    uint8_t *bytes, size_t capacity)
{
	if (!media_stream_receives(stream))
		return;
	if (stream->tap)
		media_tap_received(stream->tap, packet);
	if (!stream->to)
		return;
	if (stream->digits_in && !route->is_event)
		media_digits_listen(stream, packet);
	if (route->type_out == MEDIA_TYPE_NONE && route->is_event) {
		if (stream->transcode)
			media_transcode_pass(stream->transcode, packet);
		media_digits_take_event(stream, packet, route->clock_hz);
		return;
	}
	if (route->type_out == MEDIA_TYPE_NONE) {
		if (!stream->transcode || !media_transcode_put(stream->transcode, packet))
			stream->n_stranded++;
		return;
	}
	if (stream->transcode)
		media_transcode_pass(stream->transcode, packet);
	if (stream->delay)
		media_delay_put(stream->delay, packet, route->type_out, route->clock_hz);
	else
		media_stream_send(stream->to, packet, bytes, capacity, route->type_out, route->clock_hz);
}

static void receive_rtp(struct media_end *end, const struct net_address *from, uint8_t *bytes, size_t length)
{
	struct rtp_packet packet;
	struct media_stream *stream = NULL;
	const struct media_route *route;
	enum media_refusal refusal = admit(end, from, bytes, &length);
	enum media_repair_verdict verdict = MEDIA_REPAIR_ORIGINAL;

	if (refusal == MEDIA_REFUSAL_NONE && rtp_packet_parse(bytes, length, &packet) < 0)
		refusal = MEDIA_REFUSAL_MALFORMED;
	if (refusal == MEDIA_REFUSAL_NONE)
		stream = stream_of(end, &packet);
	if (refusal == MEDIA_REFUSAL_NONE && !stream) {
		refusal = MEDIA_REFUSAL_TYPE;
		end->refused_type = packet.payload_type;
	}
	if (refusal != MEDIA_REFUSAL_NONE) {
		media_end_refuse(end, refusal, from);
		return;
	}
	if (stream->arrival_extension)
		media_feedback_note_arrival(stream, &packet);
	if (stream->repair)
		verdict = media_repair_take(stream->repair, &packet, loop_now_us(media_end_loop(end)));
	if (verdict == MEDIA_REPAIR_NOTHING)
		return;
	route = &stream->routes[packet.payload_type];
	if (verdict == MEDIA_REPAIR_ORIGINAL)
		media_stream_note_received(stream, &packet, route->jitter_clock_hz, loop_now_us(media_end_loop(end)));
	forward(stream, route, &packet, bytes, length + MEDIA_PACKET_ROOM);
}

static bool is_from_reporter(const struct media_end *end, const struct net_address *from)
{
	if (end->rtcp_remote.length > 0 && net_address_equal(from, &end->rtcp_remote))
		return true;
	return end->rtp_remote.length > 0 && net_address_equal(from, &end->rtp_remote);
}

static void receive_rtcp(struct media_end *end, const struct net_address *from, uint8_t *bytes, size_t length)
{
	if (!is_from_reporter(end, from))
		media_end_refuse(end, MEDIA_REFUSAL_SOURCE, from);
	else if (!unprotect_rtcp(end, bytes, &length))
		media_end_refuse(end, MEDIA_REFUSAL_PROTECTION, from);
	else
		media_reports_receive(end, bytes, length);
}

static void receive_dtls(struct media_end *end, const struct net_address *from, const uint8_t *bytes, size_t length)
{
	bool has_path = end->rtp_remote.length > 0;

	if (!media_end_may_use_dtls(end) || length > MEDIA_EARLY_BYTES) {
		media_end_refuse(end, MEDIA_REFUSAL_MALFORMED, from);
	} else if (has_path && !net_address_equal(from, &end->rtp_remote)) {
		media_end_refuse(end, MEDIA_REFUSAL_SOURCE, from);
	} else if (has_path && end->dtls) {
		media_dtls_receive(end->dtls, bytes, length);
	} else {
		/* The far end may be quicker than its answer and than our nomination: what it says first is kept, and
		 * believed only if it came from where the pair will lead. */
		end->early_from = *from;
		end->early_bytes = length;
		memcpy(end->early, bytes, length);
	}
}

static void receive(struct media_end *end, enum rtp_kind kind, const struct net_address *from, uint8_t *bytes, size_t length)
{
	switch (kind) {
	case RTP_KIND_RTP:
		receive_rtp(end, from, bytes, length);
		break;
	case RTP_KIND_RTCP:
		receive_rtcp(end, from, bytes, length);
		break;
	case RTP_KIND_DTLS:
		receive_dtls(end, from, bytes, length);
		break;
	case RTP_KIND_STUN: /* a stray of the moment between two sockets; it comes again */
	case RTP_KIND_ZRTP:
	case RTP_KIND_TURN_CHANNEL:
	case RTP_KIND_UNKNOWN:
		media_end_refuse(end, MEDIA_REFUSAL_MALFORMED, from);
		break;
	}
}

void media_end_receive(struct media_end *end, const struct net_address *from, uint8_t *bytes, size_t length)
{
	receive(end, rtp_classify(bytes, length), from, bytes, length);
}

static void take(struct media_socket *socket, const struct net_address *from, uint8_t *bytes, size_t length)
{
	struct media_end *end = socket->end;
	enum rtp_kind kind = rtp_classify(bytes, length);

	if (kind != RTP_KIND_STUN || !end->ice || !media_ice_receive(end->ice, socket, from, bytes, length))
		receive(end, kind, from, bytes, length);
}

/* --- sockets --- */

static int read_batch(struct media_inbox *inbox, int descriptor)
{
	for (size_t i = 0; i < MEDIA_BATCH; i++)
		inbox->headers[i].msg_hdr.msg_namelen = sizeof inbox->sources[i].ipv6;
	return recvmmsg(descriptor, inbox->headers, MEDIA_BATCH, MSG_DONTWAIT, NULL);
}

static void socket_ready(void *data, uint32_t events)
{
	struct media_socket *socket = data;
	struct media_end *end = socket->end;
	struct media_inbox *inbox = &end->worker->inbox;
	int n = MEDIA_BATCH;

	for (int round = 0; round < ROUNDS_MAX && n == MEDIA_BATCH; round++) {
		n = read_batch(inbox, socket->descriptor);
		for (int i = 0; i < n; i++) {
			struct mmsghdr *header = &inbox->headers[i];

			inbox->sources[i].length = header->msg_hdr.msg_namelen;
			if (header->msg_hdr.msg_flags & MSG_TRUNC)
				media_end_refuse(end, MEDIA_REFUSAL_MALFORMED, &inbox->sources[i]);
			else
				take(socket, &inbox->sources[i], inbox->bytes[i], header->msg_len);
		}
		end->worker->n_packets += n > 0 ? (uint32_t)n : 0;
	}
	if (n == MEDIA_BATCH)
		loop_watch_set_events(socket->watch, SOCKET_EVENTS); /* it is ready still */
}

int media_socket_open(struct media_socket *socket, struct media_end *end, int descriptor)
{
	socket->end = end;
	socket->descriptor = descriptor;
	net_local_address(descriptor, &socket->local);
	return loop_watch_add(media_end_loop(end), descriptor, SOCKET_EVENTS, socket_ready, socket, &socket->watch);
}

void media_socket_close(struct media_socket *socket)
{
	BASE_CLEAR(&socket->watch, loop_watch_free);
	if (socket->descriptor >= 0)
		close(socket->descriptor);
	socket->descriptor = -1;
}

/* --- out --- */

static void send_to(struct media_end *end, int descriptor, const struct net_address *remote, const uint8_t *bytes,
		    size_t length)
{
	if (remote->length == 0)
		return;
	if (descriptor < 0 && end->ice)
		media_ice_send(end->ice, bytes, length);
	else if (descriptor >= 0 &&
		 sendto(descriptor, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, &remote->any, remote->length) < 0)
		end->send_error = errno;
}

/* Whether the keys that this kind of leg needs are there. */
static bool may_send(const struct media_end *end)
{
	return end->srtp_send || end->protection == MEDIA_PROTECTION_NONE;
}

static bool seal(struct media_end *end, uint8_t *bytes, size_t *length, size_t capacity)
{
	return may_send(end) && (!end->srtp_send || media_srtp_protect(end->srtp_send, bytes, length, capacity) == 0);
}

void media_end_send_rtp(struct media_end *end, uint8_t *bytes, size_t length, size_t capacity)
{
	if (seal(end, bytes, &length, capacity))
		send_to(end, end->rtp_descriptor, &end->rtp_remote, bytes, length);
}

static void send_kept(struct media_stream *stream, uint8_t *bytes, size_t length, size_t capacity)
{
	struct media_end *end = stream->end;

	if (stream->repair)
		media_repair_note_sent(stream->repair, MEDIA_REPAIR_PLAIN, bytes, length);
	if (!seal(end, bytes, &length, capacity))
		return;
	if (stream->repair)
		media_repair_note_sent(stream->repair, MEDIA_REPAIR_SEALED, bytes, length);
	send_to(end, end->rtp_descriptor, &end->rtp_remote, bytes, length);
}

void media_end_send_rtcp(struct media_end *end, uint8_t *bytes, size_t length, size_t capacity)
{
	if (!may_send(end) || (end->srtp_send && media_srtp_protect_rtcp(end->srtp_send, bytes, &length, capacity) < 0))
		return;
	send_to(end, end->rtcp_descriptor, &end->rtcp_remote, bytes, length);
}

void media_end_send_raw(struct media_end *end, const uint8_t *bytes, size_t length)
{
	send_to(end, end->rtp_descriptor, &end->rtp_remote, bytes, length);
}

/* Leaves fixed header and payload, which is all that means something to the other leg: CSRCs, extensions and padding are
 * between the far end and us. */
static uint8_t *strip(const struct rtp_packet *packet, uint8_t *bytes)
{
	uint8_t *start = bytes + (packet->payload - bytes) - RTP_HEADER_BYTES;

	if (start != bytes)
		memmove(start, bytes, RTP_HEADER_BYTES);
	start[0] = RTP_VERSION << 6;
	return start;
}

/* With the tag of SRTP, and the index of SRTCP. */
G_STATIC_ASSERT(MEDIA_EXTENSION_BYTES_MAX + 20 <= MEDIA_PACKET_ROOM);

/* Puts an extension of ours behind the fixed header, into the room that was left before `start`, or else by moving the payload
 * on. Where the packet begins then. */
static uint8_t *insert(const uint8_t *extension, size_t n, size_t payload_bytes, uint8_t *bytes, uint8_t *start)
{
	uint8_t *begin = (size_t)(start - bytes) >= n ? start - n : bytes;
	uint8_t *payload = start + RTP_HEADER_BYTES;

	if (payload != begin + RTP_HEADER_BYTES + n)
		memmove(begin + RTP_HEADER_BYTES + n, payload, payload_bytes);
	memmove(begin, start, RTP_HEADER_BYTES);
	memcpy(begin + RTP_HEADER_BYTES, extension, n);
	begin[0] |= 0x10;
	return begin;
}

void media_stream_send(struct media_stream *stream, const struct rtp_packet *packet, uint8_t *bytes, size_t capacity,
		       uint8_t type_out, uint32_t clock_hz)
{
	if (stream->end->across)
		media_hop_send(stream->end->across, stream, packet, type_out, clock_hz);
	else if (!stream->hold)
		media_stream_say(stream, packet, bytes, capacity, type_out, clock_hz);
}

void media_stream_say(struct media_stream *stream, const struct rtp_packet *packet, uint8_t *bytes, size_t capacity,
		      uint8_t type_out, uint32_t clock_hz)
{
	if (!stream->digits_out || !media_digits_is_speaking(stream->digits_out))
		media_stream_emit(stream, packet, bytes, capacity, type_out, clock_hz);
}

void media_stream_emit(struct media_stream *stream, const struct rtp_packet *packet, uint8_t *bytes, size_t capacity,
		       uint8_t type_out, uint32_t clock_hz)
{
	struct media_end *end = stream->end;
	uint8_t *start, extension[MEDIA_EXTENSION_BYTES_MAX];
	size_t n;

	if (!media_stream_sends(stream) || end->state != MEDIA_END_CONNECTED)
		return;
	n = media_extension_write(stream, packet, extension); /* what came with the packet goes with strip() */
	start = strip(packet, bytes);
	if (rtp_sender_rewrite(&stream->sender, packet, start, type_out, clock_hz,
			       loop_now_us(media_end_loop(end))) < 0)
		return;
	if (stream->tap)
		media_tap_sent(stream->tap, start, RTP_HEADER_BYTES + packet->payload_bytes);
	if (n > 0)
		start = insert(extension, n, packet->payload_bytes, bytes, start);
	send_kept(stream, start, RTP_HEADER_BYTES + n + packet->payload_bytes, capacity - (size_t)(start - bytes));
}
