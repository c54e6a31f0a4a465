#include "media/delay.h"
#include <string.h>

/* A ring of records, each a head and its packet, never around the end. */
struct record {
	int64_t due_us;
	uint32_t clock_hz;
	uint16_t bytes; /* 0: the rest of the ring is empty, go on at its start */
	uint8_t type_out;
};
#define ALIGN(bytes) (((bytes) + sizeof(int64_t) - 1) & ~(sizeof(int64_t) - 1))

struct media_delay {
	struct media_stream *stream;
	struct loop_timer timer;
	size_t head, tail, n_records; /* records are put at head and taken at tail */
	_Alignas(int64_t) uint8_t ring[MEDIA_DELAY_BYTES];
};

static struct record *record_at(struct media_delay *delay, size_t position)
{
	return (struct record *)(void *)(delay->ring + position);
}

static struct record *first(struct media_delay *delay)
{
	if (delay->n_records == 0)
		return NULL;
	if (sizeof delay->ring - delay->tail < sizeof(struct record) || record_at(delay, delay->tail)->bytes == 0)
		delay->tail = 0;
	return record_at(delay, delay->tail);
}

static void send_record(struct media_delay *delay, const struct record *record)
{
	uint8_t bytes[MEDIA_PACKET_BYTES_MAX + MEDIA_PACKET_ROOM];
	struct rtp_packet packet;

	memcpy(bytes, record + 1, record->bytes);
	if (rtp_packet_parse(bytes, record->bytes, &packet) == 0)
		media_stream_send(delay->stream, &packet, bytes, sizeof bytes, record->type_out, record->clock_hz);
}

static void fire(void *data)
{
	struct media_delay *delay = data;
	int64_t now_us = loop_now_us(media_end_loop(delay->stream->end));
	struct record *record;

	while ((record = first(delay)) && record->due_us <= now_us) {
		send_record(delay, record);
		delay->tail += sizeof *record + ALIGN(record->bytes);
		delay->n_records--;
	}
	if (record)
		loop_timer_start_us(&delay->timer, record->due_us - now_us);
}

struct media_delay *media_delay_new(struct media_stream *stream)
{
	struct media_delay *delay = g_new0(struct media_delay, 1);

	delay->stream = stream;
	loop_timer_init(&delay->timer, media_end_loop(stream->end), fire, delay);
	return delay;
}

struct media_delay *media_delay_free(struct media_delay *delay)
{
	if (!delay)
		return NULL;
	loop_timer_stop(&delay->timer);
	g_free(delay);
	return NULL;
}

/* Where a record of this size can stand; false when the ring is full. */
static bool make_room(struct media_delay *delay, size_t size)
{
	if (delay->n_records == 0)
		delay->head = delay->tail = 0;
	if (delay->head < delay->tail || (delay->head == delay->tail && delay->n_records > 0))
		return delay->tail - delay->head >= size;
	if (sizeof delay->ring - delay->head >= size)
		return true;
	if (delay->tail < size)
		return false;
	if (sizeof delay->ring - delay->head >= sizeof(struct record))
		record_at(delay, delay->head)->bytes = 0;
	delay->head = 0;
	return true;
}

void media_delay_put(struct media_delay *delay, const struct rtp_packet *packet, uint8_t type_out, uint32_t clock_hz)
{
	size_t bytes = RTP_HEADER_BYTES + packet->payload_bytes;
	size_t size = sizeof(struct record) + ALIGN(bytes);
	struct record *record;
	size_t length;
	struct rtp_packet bare = *packet;

	bare.n_csrc = 0;
	bare.has_extension = false;
	bare.padding_bytes = 0;
	if (bytes > MEDIA_PACKET_BYTES_MAX || !make_room(delay, size))
		return;
	record = record_at(delay, delay->head);
	if (rtp_packet_build(&bare, (uint8_t *)(record + 1), ALIGN(bytes), &length) < 0)
		return;
	*record = (struct record){
		.due_us = loop_now_us(media_end_loop(delay->stream->end)) + MEDIA_DELAY_MS * INT64_C(1000),
		.clock_hz = clock_hz,
		.bytes = (uint16_t)length,
		.type_out = type_out,
	};
	delay->head += size;
	if (delay->n_records++ == 0)
		loop_timer_start_ms(&delay->timer, MEDIA_DELAY_MS);
}
