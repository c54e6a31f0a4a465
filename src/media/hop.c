#include "media/hop.h"
#include "media/builtin.h"
#include "media/digits.h"
#include "media/feedback.h"
#include "metrics/metrics.h"
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

METRICS_COUNTER(packets_lost, "tandem_media_hop_lost_total",
		"Packets lost between two workers because the ring was full.");

METRICS_GAUGE(hops, "tandem_media_hops", "Bridges between legs of two media workers.");

#define RECORDS_PER_TURN 256 /* then others have theirs */
#define SIDES		 2

/* A packet in the ring: header and payload fill whole multiples of the header's size, so that a header fits wherever
 * there is any room. */
struct record {
	uint32_t size;	/* of all of it */
	uint8_t stream; /* MEDIA_STREAM_NONE: nothing but the rest of the ring */
	uint8_t type_out;
	uint8_t marker;
	uint8_t is_digit; /* the payload is a struct media_digit, and what is of a packet says nothing */
	uint16_t sequence;
	uint16_t payload_bytes;
	uint32_t timestamp, ssrc, clock_hz;
	uint32_t unused[2];
	uint8_t bytes[]; /* room for an RTP header, payload, MEDIA_PACKET_ROOM */
};
G_STATIC_ASSERT(sizeof(struct record) == 32 && MEDIA_HOP_RING_BYTES % sizeof(struct record) == 0);

/* What one side says of its leg. */
struct picture {
	bool is_echo;
	struct media_leg_options options;
	struct sdp_leg_plan plan; /* kind, direction, ptime and formats of each stream, no more */
};

/* One way. Head and tail only grow; what is between them is the reader's, the rest the writer's. */
struct lane {
	atomic_size_t head, tail;
	_Atomic(struct picture *) picture; /* the newest that was not looked at; whoever takes it out owns it */
	atomic_uint key_frames; /* bits of the streams of the reader's leg that are to send one */
	atomic_uint kbps[MEDIA_STREAMS_MAX]; /* what each may send from now on; 0: no news */
	atomic_bool is_deserted;	   /* the reader has left */
	int wake;			   /* an eventfd: there is a picture, or the first packet in an empty ring */
	_Alignas(sizeof(struct record)) uint8_t ring[MEDIA_HOP_RING_BYTES];
};

struct media_hop {
	atomic_uint n_sides;
	struct lane lanes[SIDES]; /* by its reader */
};

struct media_hop_side {
	struct media_hop *hop;
	struct lane *in, *out;
	struct media_end *stand_in;
	struct loop_watch *watch;
};

/* --- life of what is shared --- */

static struct picture *picture_free(struct picture *picture)
{
	if (picture)
		sdp_leg_plan_clear(&picture->plan);
	g_free(picture);
	return NULL;
}

static void hop_free(struct media_hop *hop)
{
	for (size_t i = 0; i < SIDES; i++) {
		picture_free(atomic_load(&hop->lanes[i].picture));
		if (hop->lanes[i].wake >= 0)
			close(hop->lanes[i].wake);
	}
	g_aligned_free(hop);
	metrics_add(&hops, -1);
}

int media_hop_new(struct media_hop **ret_hop)
{
	struct media_hop *hop = g_aligned_alloc0(1, sizeof *hop, _Alignof(struct media_hop));
	int error = 0;

	metrics_add(&hops, 1);
	atomic_init(&hop->n_sides, SIDES);
	for (size_t i = 0; i < SIDES; i++) {
		hop->lanes[i].wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (hop->lanes[i].wake < 0)
			error = -errno;
	}
	if (error < 0) {
		hop_free(hop);
		return error;
	}
	*ret_hop = hop;
	return 0;
}

/* --- writing --- */

static void wake(struct lane *lane)
{
	uint64_t one = 1;
	ssize_t written = write(lane->wake, &one, sizeof one);

	(void)written; /* fails only when it is full, and then the reader wakes anyway */
}

static struct record *record_at(struct lane *lane, size_t count)
{
	return (struct record *)(void *)(lane->ring + count % sizeof lane->ring);
}

/* Room for a record of `size`; NULL when the ring is full. */
static struct record *reserve(struct lane *lane, size_t size, size_t *ret_head)
{
	size_t head = atomic_load_explicit(&lane->head, memory_order_relaxed);
	size_t used = head - atomic_load_explicit(&lane->tail, memory_order_acquire);
	size_t to_end = sizeof lane->ring - head % sizeof lane->ring;
	size_t skipped = to_end < size ? to_end : 0;

	if (sizeof lane->ring - used < skipped + size)
		return NULL;
	if (skipped)
		*record_at(lane, head) = (struct record){.size = (uint32_t)skipped, .stream = MEDIA_STREAM_NONE};
	*ret_head = head + skipped + size;
	return record_at(lane, head + skipped);
}

/* The reader, who looks at the head after each step of the tail, either sees this one or has stopped where it was
 * before. */
static void publish(struct lane *lane, size_t head)
{
	size_t before = atomic_load_explicit(&lane->head, memory_order_relaxed);

	atomic_store(&lane->head, head);
	if (atomic_load(&lane->tail) == before)
		wake(lane);
}

static uint8_t index_of(const struct media_stream *stream)
{
	const struct media_end *end = stream->end;

	for (size_t i = 0; i < end->n_streams; i++)
		if (end->streams[i] == stream)
			return (uint8_t)i;
	return MEDIA_STREAM_NONE;
}

static size_t record_size(size_t payload_bytes)
{
	size_t unit = sizeof(struct record);

	return (unit + RTP_HEADER_BYTES + payload_bytes + MEDIA_PACKET_ROOM + unit - 1) / unit * unit;
}

/* With room for a payload, to be published; NULL: it is lost. */
static struct record *begin_record(struct lane *out, const struct media_stream *stream, size_t payload_bytes, size_t *ret_head)
{
	size_t size = record_size(payload_bytes);
	struct record *record;

	if (atomic_load_explicit(&out->is_deserted, memory_order_relaxed) || payload_bytes > MEDIA_PACKET_BYTES_MAX)
		return NULL;
	record = reserve(out, size, ret_head);
	if (!record) {
		metrics_add(&packets_lost, 1);
		return NULL;
	}
	*record = (struct record){.size = (uint32_t)size, .stream = index_of(stream), .payload_bytes = (uint16_t)payload_bytes};
	return record;
}

void media_hop_send(struct media_hop_side *across, const struct media_stream *stream, const struct rtp_packet *packet,
		    uint8_t type_out, uint32_t clock_hz)
{
	size_t head;
	struct record *record = begin_record(across->out, stream, packet->payload_bytes, &head);

	if (!record)
		return;
	record->type_out = type_out;
	record->marker = packet->marker;
	record->sequence = packet->sequence;
	record->timestamp = packet->timestamp;
	record->ssrc = packet->ssrc;
	record->clock_hz = clock_hz;
	memcpy(record->bytes + RTP_HEADER_BYTES, packet->payload, packet->payload_bytes);
	publish(across->out, head);
}

void media_hop_send_digit(struct media_hop_side *across, const struct media_stream *stream, const struct media_digit *digit)
{
	size_t head;
	struct record *record = begin_record(across->out, stream, sizeof *digit, &head);

	if (!record)
		return;
	record->is_digit = true;
	memcpy(record->bytes + RTP_HEADER_BYTES, digit, sizeof *digit);
	publish(across->out, head);
}

void media_hop_want_key_frame(struct media_hop_side *across, const struct media_stream *source)
{
	atomic_fetch_or(&across->out->key_frames, 1u << index_of(source));
	wake(across->out);
}

void media_hop_limit_rate(struct media_hop_side *across, const struct media_stream *source, uint64_t bits_per_second)
{
	atomic_store(&across->out->kbps[index_of(source)], (unsigned)CLAMP(bits_per_second / 1000, 1, UINT_MAX));
	wake(across->out);
}

static void describe_stream(const struct media_stream *stream, struct sdp_stream_plan *plan)
{
	plan->kind = stream->kind;
	plan->line = stream->line;
	plan->rank = stream->rank;
	plan->direction = stream->direction;
	plan->ptime_ms = stream->ptime_ms;
	plan->n_formats = stream->n_formats;
	memcpy(plan->formats, stream->formats, stream->n_formats * sizeof *stream->formats);
	memcpy(plan->send_types, stream->send_types, stream->n_formats);
}

void media_hop_tell(struct media_hop_side *across, const struct media_end *partner)
{
	struct picture *picture = g_new0(struct picture, 1);

	picture->is_echo = media_builtin_echoes(partner);
	picture->options =
	    (struct media_leg_options){.kind = partner->options.kind, .builtin = partner->options.builtin, .dtmf = partner->options.dtmf};
	picture->plan.n_streams = partner->n_streams;
	picture->plan.streams = g_new0(struct sdp_stream_plan, partner->n_streams);
	for (size_t i = 0; i < partner->n_streams; i++)
		describe_stream(partner->streams[i], &picture->plan.streams[i]);
	picture_free(atomic_exchange(&across->out->picture, picture));
	wake(across->out);
}

/* --- reading --- */

static void take_picture(struct media_hop_side *side)
{
	struct picture *picture = atomic_exchange(&side->in->picture, NULL);
	struct media_end *stand_in = side->stand_in;

	if (!picture)
		return;
	stand_in->options.dtmf = picture->options.dtmf;
	/* An echo is made where the packets are. Any other built-in plays where it is, and is heard through the ring.
	 */
	if (picture->is_echo) {
		stand_in->options.kind = picture->options.kind;
		stand_in->options.builtin = picture->options.builtin;
	}
	media_end_apply_streams(stand_in, &picture->plan);
	picture_free(picture);
}

static void take_wishes(struct media_hop_side *side)
{
	struct media_end *end = side->stand_in->partner;
	unsigned wanted = atomic_exchange(&side->in->key_frames, 0);

	for (size_t i = 0; i < end->n_streams; i++) {
		unsigned kbps = atomic_exchange(&side->in->kbps[i], 0);

		if (wanted >> i & 1)
			media_key_frame_want(end->streams[i]);
		if (kbps)
			media_rate_limit(end->streams[i], (uint64_t)kbps * 1000);
	}
}

static void send_record(struct media_end *end, struct record *record)
{
	struct rtp_packet packet = {
	    .marker = record->marker,
	    .payload_type = record->type_out,
	    .sequence = record->sequence,
	    .timestamp = record->timestamp,
	    .ssrc = record->ssrc,
	    .payload = record->bytes + RTP_HEADER_BYTES,
	    .payload_bytes = record->payload_bytes,
	};
	struct media_digit digit;

	if (record->stream >= end->n_streams)
		return;
	if (record->is_digit) {
		memcpy(&digit, packet.payload, sizeof digit);
		media_digits_say(end->streams[record->stream], &digit);
	} else {
		media_stream_send(end->streams[record->stream], &packet, record->bytes, record->size - sizeof *record,
				  record->type_out, record->clock_hz);
	}
}

/* The picture is told before the packets that follow from it, so it is taken after the head was looked at. */
static void read_lane(void *data, uint32_t events)
{
	struct media_hop_side *side = data;
	struct lane *in = side->in;
	size_t tail = atomic_load_explicit(&in->tail, memory_order_relaxed);
	uint64_t drained;
	ssize_t got = read(in->wake, &drained, sizeof drained);

	(void)got; /* the wake-up may have been for what was taken already */
	for (unsigned n = 0; atomic_load(&in->head) != tail; n++) {
		struct record *record = record_at(in, tail);

		if (n == RECORDS_PER_TURN) {
			wake(in);
			return;
		}
		take_picture(side);
		send_record(side->stand_in->partner, record);
		tail += record->size;
		atomic_store(&in->tail, tail);
	}
	take_picture(side);
	take_wishes(side);
}

/* --- joining and leaving --- */

void media_hop_join(struct media_hop *hop, unsigned number, struct media_end *end)
{
	struct media_hop_side *side = g_new0(struct media_hop_side, 1);
	const struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "other worker"};
	int error;

	side->hop = hop;
	side->in = &hop->lanes[number];
	side->out = &hop->lanes[!number];
	side->stand_in = media_end_new(end->worker, end->log_id, NULL, &options);
	side->stand_in->state = MEDIA_END_CONNECTED;
	side->stand_in->across = side;
	error = loop_watch_add(media_end_loop(end), side->in->wake, EPOLLIN, read_lane, side, &side->watch);
	if (error < 0)
		log_error(&end->log, "nothing will come from the other worker: %s", g_strerror(-error));
	media_bridge_join(end, side->stand_in);
}

void media_hop_leave(struct media_hop_side *side)
{
	struct media_end *stand_in = side->stand_in;

	atomic_store_explicit(&side->in->is_deserted, true, memory_order_relaxed);
	loop_watch_free(side->watch);
	for (size_t i = 0; i < stand_in->n_streams; i++)
		media_stream_free(stand_in->streams[i]);
	g_free(stand_in);
	if (atomic_fetch_sub(&side->hop->n_sides, 1) == 1)
		hop_free(side->hop);
	g_free(side);
}
