#include "media/digits.h"
#include "media/tones.h"
#include "rtp/digits.h"
#include "rtp/event.h"

#define LOOK_MS	      100 /* whether the packets of what sounds have ceased */
#define TWICE_US_MAX (INT64_C(2000) * 1000) /* a digit that was heard as a tone may come once more by signalling, so much later */

/* What is heard as tones counts until the same far end has said a digit in another way: who does both says each twice. */
struct media_digits_in {
	struct media_stream *stream;
	struct rtp_event_receiver events;
	uint32_t event_ssrc, event_clock_hz;
	struct media_tones *tones; /* NULL: not looked for */
	uint8_t tone_code;	   /* the last one told */
	int64_t tone_us;	   /* when it began; 0: none */
	uint32_t tone_ms;	   /* of sound came since */
	int64_t heard_us;	   /* sound came last */
	struct media_stream *told; /* heard the beginning of a digit, and awaits its end; NULL: nobody does */
	uint8_t told_code;
	int64_t told_us;
	struct loop_timer timer; /* runs while somebody awaits an end */
	enum { TONES_COUNT, TONES_ARE_ECHOES } tones_worth;
};

static struct loop *loop_of(const struct media_digits_in *in)
{
	return media_end_loop(in->stream->end);
}

/* --- telling --- */

static void tell_begin(struct media_digits_in *in, uint8_t code, uint8_t volume, uint32_t duration_ms)
{
	struct media_digit digit = {.code = code, .volume = volume, .duration_ms = duration_ms};

	if (!in->stream->to || in->stream->to == in->stream || code > RTP_DIGIT_CODE_FLASH)
		return;
	if (duration_ms == 0) {
		in->told = in->stream->to;
		in->told_code = code;
		in->told_us = loop_now_us(loop_of(in));
		if (!loop_timer_is_running(&in->timer))
			loop_timer_start_ms(&in->timer, LOOK_MS);
	}
	media_digits_say(in->stream->to, &digit);
}

static void tell_on(struct media_digits_in *in, uint32_t so_far_ms)
{
	struct media_digit digit = {.change = MEDIA_DIGIT_GOES_ON, .code = in->told_code, .duration_ms = MAX(so_far_ms, 1)};

	if (in->told)
		media_digits_say(in->told, &digit);
}

static void tell_end(struct media_digits_in *in, uint8_t volume, uint32_t duration_ms)
{
	struct media_digit digit = {
		.change = MEDIA_DIGIT_ENDS,
		.code = in->told_code,
		.volume = volume,
		.duration_ms = MAX(duration_ms, RTP_DIGIT_MS_MIN),
	};
	struct media_stream *told = in->told;

	in->told = NULL;
	loop_timer_stop(&in->timer);
	if (told)
		media_digits_say(told, &digit);
}

/* --- telephone events --- */

/* Whether it is another digit than the tone that was told a moment ago. */
static bool is_new(struct media_digits_in *in, uint8_t code)
{
	bool is_first = in->tones_worth == TONES_COUNT;

	in->tones_worth = TONES_ARE_ECHOES;
	return !is_first || in->tone_us == 0 || in->tone_code != code ||
	       loop_now_us(loop_of(in)) - in->tone_us > TWICE_US_MAX;
}

static uint32_t event_ms(const struct media_digits_in *in, uint32_t duration)
{
	return (uint32_t)((uint64_t)duration * 1000 / in->event_clock_hz);
}

static void take_change(struct media_digits_in *in, const struct rtp_event_change *change)
{
	if (change->kind == RTP_EVENT_STARTED && is_new(in, change->code))
		tell_begin(in, change->code, change->volume, 0);
	else if (change->kind == RTP_EVENT_ENDED && in->told && in->told_code == change->code)
		tell_end(in, change->volume, event_ms(in, change->duration));
}

static void take_tones(struct media_digits_in *in, const struct media_tone_change *changes, size_t n)
{
	for (size_t i = 0; i < n && in->tones_worth == TONES_COUNT; i++) {
		if (changes[i].kind == MEDIA_TONE_ENDED) {
			tell_end(in, RTP_DIGIT_VOLUME, changes[i].duration_ms);
			continue;
		}
		in->tone_code = changes[i].code;
		in->tone_us = loop_now_us(loop_of(in));
		in->tone_ms = 0;
		tell_begin(in, changes[i].code, RTP_DIGIT_VOLUME, 0);
	}
}

static void look(void *data)
{
	struct media_digits_in *in = data;
	struct rtp_event_change event;
	int64_t now_us = loop_now_us(loop_of(in));

	if (rtp_event_receiver_expire(&in->events, now_us, &event))
		take_change(in, &event);
	else if (in->told && in->tones && now_us - in->heard_us > RTP_EVENT_TIMEOUT_MS * INT64_C(1000))
		tell_end(in, RTP_DIGIT_VOLUME, in->tone_ms);
	if (in->told && now_us - in->told_us > RTP_DIGIT_MS_MAX * INT64_C(1000))
		tell_end(in, RTP_DIGIT_VOLUME, RTP_DIGIT_MS_MAX);
	if (in->told)
		loop_timer_start_ms(&in->timer, LOOK_MS);
}

static struct media_digits_in *in_of(struct media_stream *stream)
{
	struct media_digits_in *in = stream->digits_in;

	if (in)
		return in;
	in = stream->digits_in = g_new0(struct media_digits_in, 1);
	in->stream = stream;
	loop_timer_init(&in->timer, loop_of(in), look, in);
	return in;
}

struct media_digits_in *media_digits_in_free(struct media_digits_in *in)
{
	if (!in)
		return NULL;
	loop_timer_stop(&in->timer);
	media_tones_free(in->tones);
	g_free(in);
	return NULL;
}

void media_digits_take_event(struct media_stream *stream, const struct rtp_packet *packet, uint32_t clock_hz)
{
	struct media_digits_in *in = in_of(stream);
	struct rtp_event_change changes[RTP_EVENT_CHANGES_MAX];
	struct rtp_event event;
	size_t n;

	if (rtp_event_parse(packet->payload, packet->payload_bytes, &event) < 0)
		return;
	if (in->event_ssrc != packet->ssrc || in->event_clock_hz != clock_hz) {
		in->events = (struct rtp_event_receiver){0};
		in->event_ssrc = packet->ssrc;
		in->event_clock_hz = clock_hz;
	}
	n = rtp_event_receiver_update(&in->events, packet->timestamp, &event, loop_now_us(loop_of(in)), changes);
	for (size_t i = 0; i < n; i++)
		take_change(in, &changes[i]);
	if (in->events.state == RTP_EVENT_RECEIVER_SOUNDING && in->events.code == in->told_code)
		tell_on(in, event_ms(in, in->events.duration));
}

/* --- tones --- */

void media_digits_listen(struct media_stream *stream, const struct rtp_packet *packet)
{
	struct media_digits_in *in = stream->digits_in;
	struct media_tone_change changes[MEDIA_TONES_CHANGES_MAX];
	uint32_t ms = 0;

	if (!in->tones || in->tones_worth != TONES_COUNT)
		return;
	in->heard_us = loop_now_us(loop_of(in));
	take_tones(in, changes, media_tones_put(in->tones, packet, &ms, changes));
	if (in->told) {
		tell_on(in, in->tone_ms);
		in->tone_ms += ms;
	}
}

/* --- signalling --- */

void media_digits_press(struct media_stream *stream, char digit, uint32_t duration_ms)
{
	int code = digit == '!' ? RTP_DIGIT_CODE_FLASH : rtp_event_code(digit);
	struct media_digits_in *in = in_of(stream);

	if (code >= 0 && is_new(in, (uint8_t)code))
		tell_begin(in, (uint8_t)code, RTP_DIGIT_VOLUME, CLAMP(duration_ms, RTP_DIGIT_MS_MIN, RTP_DIGIT_MS_MAX));
}

/* --- routes --- */

/* Tones that the other far end takes as such go over with the sound. */
static bool looks_for_tones(const struct media_stream *stream)
{
	enum media_dtmf wanted = stream->end->options.dtmf;
	bool may_be_there = wanted == MEDIA_DTMF_INBAND ||
			    (wanted == MEDIA_DTMF_AUTO && media_digits_carries_tones(stream) && !media_digits_has_events(stream));

	return may_be_there && !stream->end->across && stream->kind == SDP_KIND_AUDIO && stream->to && stream->to != stream &&
	       stream->to->n_formats > 0 && media_digits_form(stream->to) != MEDIA_DIGIT_TONE;
}

void media_digits_in_route(struct media_stream *stream)
{
	struct media_digits_in *in = stream->digits_in;
	bool looks = looks_for_tones(stream);

	if (in && in->told && (in->told != stream->to || (in->tones && !looks)))
		tell_end(in, RTP_DIGIT_VOLUME, (uint32_t)((loop_now_us(loop_of(in)) - in->told_us) / 1000));
	if (in && !looks)
		BASE_CLEAR(&in->tones, media_tones_free);
	if (looks && !in_of(stream)->tones)
		stream->digits_in->tones = media_tones_new(stream);
}

void media_digits_route(struct media_stream *stream)
{
	bool go_over = stream->to && !stream->transcode && media_digits_form(stream->to) == MEDIA_DIGIT_EVENT;

	for (size_t i = 0; i < MEDIA_TYPES && !go_over; i++)
		if (stream->routes[i].is_event)
			stream->routes[i].type_out = MEDIA_TYPE_NONE;
	media_digits_in_route(stream);
	media_digits_out_route(stream);
}
