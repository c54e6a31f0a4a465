/* Audio codecs as plugins (see <tandem/plugin.h>).
 *
 * Sound is signed 16-bit linear PCM in the machine's byte order. "Samples" are counted per channel; with two channels
 * they are interleaved, left first. Full scale is 32767.
 *
 * Threads: an encoder or decoder is used by one thread at a time and stays on the thread of its call; different
 * instances are used by several threads at once, and so are the functions that take no instance. There must be no
 * mutable data outside instances.
 * Time: encode, decode and the other functions on an instance run in the media path: they do not block, allocate, lock
 * or print. What they need is allocated by `encoder_new` and `decoder_new`.
 * Input: payloads come from the network and may hold anything. Whatever a decoder is given, it stays inside the
 * buffers, and it works again with the next good payload.
 * Errors are negative errno values: -EINVAL for an argument that cannot be, -EBADMSG for a payload that is none of this
 * codec, -ENOBUFS for too little room, -ENOMEM, -ENOTSUP. */
#ifndef TANDEM_CODEC_H
#define TANDEM_CODEC_H

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
	 * `size` bytes ("" for none). 0, or -ENOTSUP when this kind cannot be done (another mode of the codec, say).
	 * NULL: any offer is fine and the answer is `default_fmtp`. */
	int (*negotiate_fmtp)(const char *offered, char *answer, size_t size);

	/* 0 and the instance, or a negative errno. */
	int (*encoder_new)(const struct tandem_codec_settings *settings, void **ret_encoder);
	/* `n_samples` is frame_ms of sound (or another of the frame durations). Returns the bytes written to `payload`,
	 * 0 when there is nothing to be sent for this time (discontinuous transmission), or a negative errno. */
	int (*encode)(void *encoder, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size);
	/* What the far end loses of what we send, from its reports. NULL: does not matter to the codec. */
	void (*encoder_set_loss)(void *encoder, unsigned percent);
	void (*encoder_free)(void *encoder); /* accepts NULL */

	int (*decoder_new)(const struct tandem_codec_settings *settings, void **ret_decoder);
	/* Returns the samples written to `pcm`, at most `room`, or a negative errno. `payload` NULL: a packet is
	 * missing; fill `room` samples (one frame's time) as well as can be done from what was before. */
	int (*decode)(void *decoder, const uint8_t *payload, size_t length, int16_t *pcm, size_t room);
	/* The packet before this one is missing: makes `room` samples of its time out of what this one carries of it.
	 * Called before decode() of this one. Returns samples; 0 when it carries nothing. NULL: the codec has no such
	 * thing. */
	int (*recover)(void *decoder, const uint8_t *payload, size_t length, int16_t *pcm, size_t room);
	void (*decoder_free)(void *decoder); /* accepts NULL */

	/* The time a payload lasts in units of `clock_hz`, without decoding it; -EBADMSG. */
	int (*duration)(const uint8_t *payload, size_t length);
};

#ifdef __cplusplus
}
#endif
#endif
