/* The digits of calls (DTMF): heard in whatever form they come, each once, and said anew in the form that the other far end takes.
 * Where both far ends have telephone events with the same clock, and sound goes over as it is, they do so too, and nothing here has
 * to do with them. On the worker of the stream. */
#pragma once
#include "media/end.h"

struct media_digits_in;
struct media_digits_out;

enum media_digit_form {
	MEDIA_DIGIT_INFO,  /* by signalling */
	MEDIA_DIGIT_EVENT, /* RFC 4733 */
	MEDIA_DIGIT_TONE,
};
/* What a stream's far end takes. */
enum media_digit_form media_digits_form(const struct media_stream *to);
/* Whether telephone events are agreed on; whether tones survive the codec that its far end likes best. */
bool media_digits_has_events(const struct media_stream *stream);
bool media_digits_carries_tones(const struct media_stream *stream);

enum media_digit_change {
	MEDIA_DIGIT_BEGINS,  /* and lasts for duration_ms; 0: it is still pressed, and the others follow */
	MEDIA_DIGIT_GOES_ON, /* has lasted for duration_ms so far */
	MEDIA_DIGIT_ENDS,
};
struct media_digit { /* plain value */
	enum media_digit_change change;
	uint8_t code, volume; /* as of struct rtp_digit */
	uint32_t duration_ms;
};

/* Formats, direction or partner of the stream have changed, and its routes are made: takes those of telephone events that do not go
 * over as they are. */
void media_digits_route(struct media_stream *stream);
struct media_digits_in *media_digits_in_free(struct media_digits_in *in);    /* accepts NULL; returns NULL */
struct media_digits_out *media_digits_out_free(struct media_digits_out *out); /* accepts NULL; returns NULL */

/* A packet of a digit, in place of whatever else the stream sends: as of media_stream_send(), by path.c. */
void media_stream_emit(struct media_stream *stream, const struct rtp_packet *packet, uint8_t *bytes, size_t capacity,
		       uint8_t type_out, uint32_t clock_hz);

/* --- digits_in.c: what its far end presses --- */
/* A packet of telephone events that does not go over. */
void media_digits_take_event(struct media_stream *stream, const struct rtp_packet *packet, uint32_t clock_hz);
/* Any packet of sound, in a stream with `digits_in`: perhaps there are tones in it. */
void media_digits_listen(struct media_stream *stream, const struct rtp_packet *packet);
/* Signalling has brought a digit: '0'-'9', '*', '#', 'A'-'D', or '!' for flash. */
void media_digits_press(struct media_stream *stream, char digit, uint32_t duration_ms);
void media_digits_in_route(struct media_stream *stream);

/* --- digits_out.c: what its far end is told --- */
void media_digits_say(struct media_stream *to, const struct media_digit *digit);
/* Whether a digit sounds: nothing else may be sent then (RFC 4733, section 2.5.1.2). */
bool media_digits_is_speaking(const struct media_digits_out *out);
void media_digits_out_route(struct media_stream *stream);
