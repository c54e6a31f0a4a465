/* Audio codecs as plugins (see <tandem/plugin.h>).
 *
 * Sound is signed 16-bit linear PCM in the machine's byte order. "Samples" are counted per channel; with two channels
 * they are interleaved, left first. Full scale is 32767.
 *
 * Threads: an encoder or decoder is used by one thread at a time and stays on the thread of its call; different
 * instances are used by several threads at once, and so are the functions that take no instance. There must be no
 * mutable data outside instances.
 * Time: encode, decode and the other functions on an instance run in the media path: they do not block, allocate, lock
 * or print. What they need is allocated by `encoder_new` and `decoder_new`. (A library that cannot help allocating a
 * little each frame is the one thing that may be different: a plugin with such a library says so.)
 * Input: payloads come from the network and may hold anything. Whatever a decoder is given, it stays inside the
 * buffers, and it works again with the next good payload.
 * Errors are negative errno values: -EINVAL for an argument that cannot be, -EBADMSG for a payload that is none of this
 * codec, -ENOBUFS for too little room, -ENOMEM, -ENOTSUP. */
#ifndef TANDEM_CODEC_H
#define TANDEM_CODEC_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <tandem/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Asked of encode() and decode() at most: 120 ms. */
#define TANDEM_CODEC_FRAME_MS_MAX 120
/* Room the gateway gives for a payload at least. */
#define TANDEM_CODEC_PAYLOAD_BYTES_MAX 1500
/* Room for the text of a=fmtp, with its end. */
#define TANDEM_CODEC_FMTP_BYTES_MAX 256

#define TANDEM_CODEC_COMPLEXITY_MAX 10
#define TANDEM_CODEC_COMPLEXITY_OWN UINT_MAX /* what the codec would choose itself */

/* No sound of its own: the noise that stands for silence beside any codec of the same clock (RFC 3389). encode() makes
 * a description of the `pcm` it is given, whenever it is called; decode() makes `room` samples of noise, with a payload
 * of what that describes, without one as before; duration() is 0: it lasts until something else comes. */
#define TANDEM_CODEC_COMFORT_NOISE UINT32_C(1)

struct tandem_codec_settings {
	uint32_t pcm_hz;      /* one of the codec's `pcm_rates_hz` */
	uint8_t pcm_channels; /* 1 or 2, at most the codec's `pcm_channels_max` */
	uint16_t frame_ms;    /* what an encoder will be given each time; one of `frame_durations_ms` */
	const char *fmtp;     /* encoder: what the far end wants (its a=fmtp); decoder: what we said. Never NULL. */
};

struct tandem_codec {
	/* What stands in SDP: a=rtpmap:<type> <encoding>/<clock_hz>/<channels>. The clock is RTP's, not always the
	 * sound's (RFC 3551 gives G.722 a clock of 8000, RFC 7587 gives Opus 48000 and 2 channels at any rate). */
	const char *encoding;
	uint32_t clock_hz;
	uint8_t channels;
	int16_t static_payload_type; /* RFC 3551, table 4; -1: dynamic */

	const uint32_t *pcm_rates_hz; /* rates of sound it works at, the best first, ended by 0 */
	uint8_t pcm_channels_max;
	const uint16_t *frame_durations_ms; /* what it can encode at once, the usual one first, ended by 0 */
	uint32_t bits_per_second;	    /* of payload, about; for choosing and for b= */

	/* Our a=fmtp in an offer; NULL or "": none. */
	const char *default_fmtp;
	/* Our a=fmtp in the answer to an offer with `offered` ("" when there was none), ended by NUL, into `answer` of
	 * `size` bytes, TANDEM_CODEC_FMTP_BYTES_MAX at least ("" for none). 0, or -ENOTSUP when this kind cannot be
	 * done (another mode of the codec, say). NULL: any offer is fine and the answer is `default_fmtp`. */
	int (*negotiate_fmtp)(const char *offered, char *answer, size_t size);

	/* 0 and the instance, or a negative errno: -EINVAL for settings that are none of the above. What `fmtp` holds
	 * comes from the network: what makes no sense in it counts as not there. */
	int (*encoder_new)(const struct tandem_codec_settings *settings, void **ret_encoder);
	/* `n_samples` is frame_ms of sound, or another of the frame durations: pcm_hz * ms / 1000 in each channel.
	 * Returns the bytes written to `payload`, 0 when there is nothing to be sent for this time (discontinuous
	 * transmission), or a negative errno; -ENOBUFS may leave the encoder as after that frame. */
	int (*encode)(void *encoder, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size);
	/* What the far end loses of what we send, from its reports. NULL: does not matter to the codec. */
	void (*encoder_set_loss)(void *encoder, unsigned percent);
	void (*encoder_free)(void *encoder); /* accepts NULL */

	int (*decoder_new)(const struct tandem_codec_settings *settings, void **ret_decoder);
	/* Returns the samples written to `pcm`, at most `room`, or a negative errno: -ENOBUFS when the payload lasts
	 * longer than `room`, which TANDEM_CODEC_FRAME_MS_MAX of room never is.
	 * `payload` NULL (and `length` 0): a packet is missing, or the far end sends nothing in a pause; fill `room`
	 * samples (the time that is missing) as well as can be done from what was before. A codec that can do so only
	 * in whole frames of its own makes as many as go into `room` and returns fewer samples, 0 when none does. It
	 * is called again and again while nothing comes: the sound must fade out, or go on as the noise that the far
	 * end described. */
	int (*decode)(void *decoder, const uint8_t *payload, size_t length, int16_t *pcm, size_t room);
	/* The packet before this one is missing: makes `room` samples of its time out of what this one carries of it.
	 * Called before decode() of this one, and instead of a decode() of NULL for that time. Returns samples; 0 when
	 * it carries nothing, and decode() of NULL is due. NULL: the codec has no such thing. */
	int (*recover)(void *decoder, const uint8_t *payload, size_t length, int16_t *pcm, size_t room);
	void (*decoder_free)(void *decoder); /* accepts NULL */

	/* The time a payload lasts in units of `clock_hz`, without decoding it; -EBADMSG when it is none of this codec
	 * or lasts longer than TANDEM_CODEC_FRAME_MS_MAX. What it takes, decode() may still refuse. */
	int (*duration)(const uint8_t *payload, size_t length);

	/* --- since API 1.1 --- */

	uint32_t flags; /* of TANDEM_CODEC_... */
	/* How much work an encoder may make of what comes next, from 0 (the least CPU time) to
	 * TANDEM_CODEC_COMPLEXITY_MAX (the best sound), or TANDEM_CODEC_COMPLEXITY_OWN, as it is until this is called.
	 * Any level may come at any time; what is sent stays one stream. NULL: there is but one. */
	void (*encoder_set_complexity)(void *encoder, unsigned level);
	/* Some far ends ask in what they send for what they want to receive (AMR's mode request, RFC 4867, section
	 * 4.3.1). What the last good payload asked for, as a number that only the codec understands, is handed to the
	 * encoder of the same stream when it has changed; 0: nothing yet. NULL, both: the codec has no such thing. */
	unsigned (*decoder_request)(const void *decoder);
	void (*encoder_set_request)(void *encoder, unsigned request);
};

#ifdef __cplusplus
}
#endif
#endif
