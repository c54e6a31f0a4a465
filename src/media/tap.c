#include "media/tap.h"
#include "media/listener.h"
#include "record/record.h"

#define FRAME_MS	20
#define FRAME_US	(FRAME_MS * INT64_C(1000))
#define FRAME_SAMPLES	(RECORD_HZ / 1000 * FRAME_MS)
#define CHUNK_FRAMES	10 /* put at once, so that the thread that writes is not woken all the time */
#define BEHIND_FRAMES_MAX (10000 / FRAME_MS) /* a worker that stood still for longer has heard nothing meanwhile */

enum way { RECEIVED, SENT };

struct media_tap {
	struct media_end *end;
	struct record *record;
	struct media_stream *stream; /* NULL: no audio yet, or nobody wants it any more */
	struct media_listener *listeners[RECORD_CHANNELS]; /* by way */
	enum media_side sides[RECORD_CHANNELS];
	struct loop_timer timer;
	int64_t due_us; /* when the next frame's time is over */
	size_t n_frames;
	int16_t chunk[CHUNK_FRAMES * FRAME_SAMPLES * RECORD_CHANNELS];
};

static void leave_stream(struct media_tap *tap)
{
	if (tap->stream)
		tap->stream->tap = NULL;
	tap->stream = NULL;
	for (size_t way = 0; way < RECORD_CHANNELS; way++)
		BASE_CLEAR(&tap->listeners[way], media_listener_free);
}

static bool put_chunk(struct media_tap *tap)
{
	size_t n_samples = tap->n_frames * FRAME_SAMPLES;

	tap->n_frames = 0;
	return n_samples == 0 || record_put(tap->record, tap->chunk, n_samples);
}

static void fetch(struct media_tap *tap, enum way way)
{
	struct media_listener *listener = tap->listeners[way];
	int16_t pcm[FRAME_SAMPLES] = {0};
	int16_t *to = tap->chunk + tap->n_frames * FRAME_SAMPLES * RECORD_CHANNELS + tap->sides[way];

	if (listener)
		media_listener_fill(listener, pcm, FRAME_SAMPLES);
	for (size_t i = 0; i < FRAME_SAMPLES; i++)
		to[i * RECORD_CHANNELS] = pcm[i];
}

static void on_time(void *data)
{
	struct media_tap *tap = data;
	int64_t now_us = loop_now_us(media_end_loop(tap->end));
	bool is_wanted = true;

	for (int n = 0; is_wanted && now_us >= tap->due_us; n++) {
		if (n == BEHIND_FRAMES_MAX) /* and the rest is gone */
			tap->due_us = now_us;
		fetch(tap, RECEIVED);
		fetch(tap, SENT);
		tap->due_us += FRAME_US;
		if (++tap->n_frames == CHUNK_FRAMES)
			is_wanted = put_chunk(tap);
	}
	if (is_wanted)
		loop_timer_start_us(&tap->timer, tap->due_us - now_us);
	else
		leave_stream(tap);
}

struct media_tap *media_tap_new(struct media_end *end, struct record *record, enum media_side received_on)
{
	struct media_tap *tap = g_new0(struct media_tap, 1);

	tap->end = end;
	tap->record = record;
	tap->sides[RECEIVED] = received_on;
	tap->sides[SENT] = received_on == MEDIA_SIDE_LEFT ? MEDIA_SIDE_RIGHT : MEDIA_SIDE_LEFT;
	tap->due_us = loop_now_us(media_end_loop(end)) + FRAME_US;
	loop_timer_init(&tap->timer, media_end_loop(end), on_time, tap);
	loop_timer_start_us(&tap->timer, FRAME_US);
	media_tap_refresh(tap);
	return tap;
}

struct media_tap *media_tap_free(struct media_tap *tap)
{
	if (!tap)
		return NULL;
	loop_timer_stop(&tap->timer);
	put_chunk(tap);
	leave_stream(tap);
	record_end(tap->record);
	g_free(tap);
	return NULL;
}

/* Both ways have the codecs of the stream; but what is sent may have other payload types. */
static void renew_listeners(struct media_tap *tap)
{
	for (size_t way = 0; way < RECORD_CHANNELS; way++) {
		struct media_listener **listener = &tap->listeners[way];

		if (*listener && media_listener_fits(*listener))
			continue;
		media_listener_free(*listener);
		*listener = media_listener_new(tap->stream, MEDIA_LISTENER_ALL, RECORD_HZ);
	}
}

void media_tap_refresh(struct media_tap *tap)
{
	struct media_stream *audio = tap ? media_end_audio(tap->end) : NULL;

	if (!audio || !loop_timer_is_running(&tap->timer))
		return;
	if (audio != tap->stream)
		leave_stream(tap);
	tap->stream = audio;
	audio->tap = tap;
	renew_listeners(tap);
}

void media_tap_received(struct media_tap *tap, const struct rtp_packet *packet)
{
	media_listener_put(tap->listeners[RECEIVED], packet);
}

static uint8_t type_of_received(const struct media_stream *stream, uint8_t sent_type)
{
	for (size_t i = 0; i < stream->n_formats; i++)
		if (stream->send_types[i] == sent_type)
			return stream->formats[i].payload_type;
	return sent_type;
}

void media_tap_sent(struct media_tap *tap, const uint8_t *bytes, size_t length)
{
	struct rtp_packet packet;

	if (rtp_packet_parse(bytes, length, &packet) < 0)
		return;
	packet.payload_type = type_of_received(tap->stream, packet.payload_type);
	media_listener_put(tap->listeners[SENT], &packet);
}
