#include "media/digits.h"
#include "crypto/random.h"
#include "media/hop.h"
#include "media/tell.h"
#include "media/tone.h"
#include "media/voice.h"
#include "metrics/metrics.h"
#include "rtp/event_sender.h"
#include <string.h>
#include <strings.h>

METRICS_COUNTER(digits_made, "tandem_digits_total", "Digits made anew for another far end.");

struct media_digits_out {
	struct media_stream *to;
	enum media_digit_form form;
	struct rtp_event_sender events;
	uint8_t event_type;
	struct rtp_packet packet; /* the next event's numbers */
	struct loop_timer timer;  /* of the next event's packet */
	struct media_tone_generator tones;
	struct media_voice *voice; /* NULL: none was needed yet */
};

static struct loop *loop_of(const struct media_digits_out *out)
{
	return media_end_loop(out->to->end);
}

/* --- in which form --- */

/* The one whose clock is the codec's (RFC 4733, section 2.6), else the first; NULL: none is agreed on. */
static const struct sdp_format *event_format(const struct media_stream *to, uint8_t *ret_type)
{
	const struct sdp_format *best = NULL;

	for (size_t i = 0; i < to->n_formats; i++) {
		const struct sdp_format *format = &to->formats[i];

		if (!sdp_format_is_telephone_event(format) ||
		    (best && (best->clock_hz == to->formats[0].clock_hz || format->clock_hz != to->formats[0].clock_hz)))
			continue;
		best = format;
		*ret_type = to->send_types[i];
	}
	return best;
}

static bool can_speak(const struct media_stream *to)
{
	return to->n_formats > 0 && media_stream_codec(to, 0);
}

bool media_digits_carries_tones(const struct media_stream *stream)
{
	static const char *const names[] = {"PCMU", "PCMA", "G722", "L16"};

	for (size_t i = 0; stream->n_formats > 0 && i < G_N_ELEMENTS(names); i++)
		if (strcasecmp(stream->formats[0].encoding, names[i]) == 0)
			return true;
	return false;
}

bool media_digits_has_events(const struct media_stream *stream)
{
	uint8_t type;

	return event_format(stream, &type);
}

enum media_digit_form media_digits_form(const struct media_stream *to)
{
	enum media_dtmf wanted = to->end->options.dtmf;

	if (wanted == MEDIA_DTMF_INFO)
		return MEDIA_DIGIT_INFO;
	if (wanted != MEDIA_DTMF_INBAND && media_digits_has_events(to))
		return MEDIA_DIGIT_EVENT;
	if (wanted == MEDIA_DTMF_RFC4733 || (wanted == MEDIA_DTMF_AUTO && !media_digits_carries_tones(to)))
		return MEDIA_DIGIT_INFO;
	return can_speak(to) ? MEDIA_DIGIT_TONE : MEDIA_DIGIT_INFO;
}

/* --- telephone events --- */

static void send_event(struct media_digits_out *out, const struct rtp_event_out *event)
{
	uint8_t bytes[RTP_HEADER_BYTES + RTP_EVENT_BYTES + MEDIA_PACKET_ROOM];
	struct rtp_packet *packet = &out->packet;

	memcpy(bytes + RTP_HEADER_BYTES, event->payload, RTP_EVENT_BYTES);
	packet->payload = bytes + RTP_HEADER_BYTES;
	packet->payload_bytes = RTP_EVENT_BYTES;
	packet->timestamp = event->timestamp;
	packet->marker = event->marker;
	media_stream_emit(out->to, packet, bytes, sizeof bytes, out->event_type, out->events.clock_hz);
	packet->sequence++;
}

static void speak_events(void *data)
{
	struct media_digits_out *out = data;
	int64_t now_us = loop_now_us(loop_of(out)), due_us;
	uint32_t timestamp = (uint32_t)((uint64_t)now_us / 1000 * (out->events.clock_hz / 1000));
	struct rtp_event_out event;

	while (rtp_event_sender_next(&out->events, now_us, timestamp, &event))
		send_event(out, &event);
	due_us = rtp_event_sender_due_us(&out->events);
	if (due_us != INT64_MAX)
		loop_timer_start_us(&out->timer, MAX(due_us - now_us, 0));
}

/* --- tones --- */

static bool fill_tones(void *data, int16_t *pcm, size_t n_samples)
{
	struct media_digits_out *out = data;

	memset(pcm, 0, n_samples * sizeof *pcm);
	return media_tone_generator_fill(&out->tones, pcm, n_samples) > 0;
}

static bool has_voice(struct media_digits_out *out)
{
	struct media_voice_options options = {.to = out->to, .send = media_stream_emit, .fill = fill_tones, .data = out};

	if (!out->voice && media_voice_new(&options, &out->voice) == 0)
		media_tone_generator_init(&out->tones, media_voice_pcm_hz(out->voice));
	return out->voice;
}

/* --- all --- */

static void note(struct rtp_digits *digits, const struct media_digit *digit)
{
	switch (digit->change) {
	case MEDIA_DIGIT_BEGINS:
		rtp_digits_put(digits, &(struct rtp_digit){digit->code, digit->volume, digit->duration_ms});
		break;
	case MEDIA_DIGIT_GOES_ON:
		rtp_digits_go_on(digits, digit->duration_ms);
		break;
	case MEDIA_DIGIT_ENDS:
		rtp_digits_end(digits, digit->duration_ms);
		break;
	}
}

bool media_digits_is_speaking(const struct media_digits_out *out)
{
	return rtp_event_sender_is_busy(&out->events) || media_tone_generator_is_busy(&out->tones);
}

static bool can_be_heard(const struct media_stream *to)
{
	return media_stream_sends(to) && to->end->state == MEDIA_END_CONNECTED;
}

/* Whatever was to be said is forgotten. */
static void take_form(struct media_digits_out *out)
{
	const struct sdp_format *event = event_format(out->to, &out->event_type);

	loop_timer_stop(&out->timer);
	BASE_CLEAR(&out->voice, media_voice_free);
	out->form = media_digits_form(out->to);
	rtp_event_sender_init(&out->events, event ? event->clock_hz : 0, 0);
	media_tone_generator_init(&out->tones, 0);
}

static struct media_digits_out *out_of(struct media_stream *to)
{
	struct media_digits_out *out = to->digits_out;

	if (out)
		return out;
	out = to->digits_out = g_new0(struct media_digits_out, 1);
	out->to = to;
	out->packet.ssrc = crypto_random_u32();
	loop_timer_init(&out->timer, loop_of(out), speak_events, out);
	take_form(out);
	return out;
}

struct media_digits_out *media_digits_out_free(struct media_digits_out *out)
{
	if (!out)
		return NULL;
	loop_timer_stop(&out->timer);
	media_voice_free(out->voice);
	g_free(out);
	return NULL;
}

void media_digits_out_route(struct media_stream *stream)
{
	struct media_digits_out *out = stream->digits_out;
	uint8_t type = MEDIA_TYPE_NONE;
	const struct sdp_format *event = event_format(stream, &type);

	if (!out)
		return;
	if (out->form != media_digits_form(stream) || !media_stream_sends(stream) ||
	    (out->voice && !media_voice_fits(out->voice, stream)) ||
	    (event && (type != out->event_type || event->clock_hz != out->events.clock_hz)))
		take_form(out);
}

void media_digits_say(struct media_stream *to, const struct media_digit *digit)
{
	struct media_digits_out *out;

	if (to->end->across) {
		media_hop_send_digit(to->end->across, to, digit);
		return;
	}
	out = out_of(to);
	if (digit->change == MEDIA_DIGIT_BEGINS)
		metrics_add(&digits_made, 1);
	if (out->form == MEDIA_DIGIT_INFO) {
		if (digit->change != MEDIA_DIGIT_GOES_ON && digit->duration_ms > 0)
			media_tell_digit(to->end, digit->code, digit->duration_ms);
	} else if (!can_be_heard(to)) {
		return;
	} else if (out->form == MEDIA_DIGIT_EVENT) {
		note(&out->events.digits, digit);
		speak_events(out);
	} else if (has_voice(out)) {
		note(&out->tones.digits, digit);
		media_voice_wake(out->voice);
	}
}
