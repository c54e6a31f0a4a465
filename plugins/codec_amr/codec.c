/* AMR and AMR-WB (RFC 4867): in both layouts, one channel, without interleaving, robust sorting and CRCs. */
#include "codec_amr/mode.h"
#include "codec_amr/payload.h"
#include "common/fmtp.h"
#include <errno.h>
#include <opencore-amrnb/interf_dec.h>
#include <opencore-amrnb/interf_enc.h>
#include <opencore-amrwb/dec_if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tandem/codec.h>
#include <vo-amrwbenc/enc_if.h>

#define FRAME_MS	   20
#define FRAME_SAMPLES_LAST (16000 * FRAME_MS / 1000)

struct amr_encoder {
	const struct amr_kind *kind;
	void *amr;
	bool is_octet_aligned;
	struct amr_mode mode;
	int16_t frame[FRAME_SAMPLES_LAST]; /* the libraries write into their input */
	struct amr_payload payload;	   /* what is being made */
};

struct amr_decoder {
	const struct amr_kind *kind;
	void *amr;
	bool is_octet_aligned;
	uint8_t request;
	bool has_request;
	struct amr_payload payload; /* what is being read */
};

static bool is_octet_aligned(const char *fmtp)
{
	return fmtp_number(fmtp, "octet-align", 0) == 1;
}

static size_t frame_samples(const struct amr_kind *kind)
{
	return kind->hz * FRAME_MS / 1000;
}

static bool is_possible(const struct tandem_codec_settings *settings, const struct amr_kind *kind)
{
	return settings->pcm_hz == kind->hz && settings->pcm_channels == 1;
}

static int negotiate_fmtp(const struct amr_kind *kind, const char *offered, char *answer, size_t size)
{
	if (fmtp_number(offered, "crc", 0) || fmtp_number(offered, "robust-sorting", 0) ||
	    fmtp_has(offered, "interleaving", NULL) || fmtp_number(offered, "channels", 1) != 1)
		return -ENOTSUP;
	char modes[32] = "";
	uint16_t set = amr_mode_set(kind, offered);
	for (unsigned mode = 0, n = 0; fmtp_has(offered, "mode-set", NULL) && mode <= kind->mode_last; mode++)
		if (set >> mode & 1)
			n += (unsigned)sprintf(modes + n, "%s%u", n ? "," : ";mode-set=", mode);
	int n = snprintf(answer, size, "%smode-change-capability=2%s",
			 is_octet_aligned(offered) ? "octet-align=1;" : "", modes);
	return (size_t)n < size ? 0 : -ENOTSUP;
}

static int encoder_new(const struct tandem_codec_settings *settings, const struct amr_kind *kind, void **ret_encoder)
{
	if (!is_possible(settings, kind))
		return -EINVAL;
	struct amr_encoder *encoder = calloc(1, sizeof *encoder);
	if (!encoder || !(encoder->amr = kind == &amr_wide ? E_IF_init() : Encoder_Interface_init(1))) {
		free(encoder);
		return -ENOMEM;
	}
	encoder->kind = kind;
	encoder->is_octet_aligned = is_octet_aligned(settings->fmtp);
	amr_mode_init(&encoder->mode, kind, settings->fmtp);
	encoder->payload.request = AMR_REQUEST_NONE;
	*ret_encoder = encoder;
	return 0;
}

static void encode_frame(struct amr_encoder *encoder, const int16_t *pcm, struct amr_frame *frame)
{
	uint8_t mode = amr_mode_next(&encoder->mode);
	memcpy(encoder->frame, pcm, frame_samples(encoder->kind) * sizeof *pcm);
	if (encoder->kind == &amr_wide)
		E_IF_encode(encoder->amr, mode, encoder->frame, frame->octets, 1);
	else
		Encoder_Interface_Encode(encoder->amr, mode, encoder->frame, frame->octets, 0);
	frame->type = frame->octets[0] >> 3 & 15;
	frame->is_good = true;
}

static int encode(void *data, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	struct amr_encoder *encoder = data;
	size_t n = frame_samples(encoder->kind), n_frames = n_samples / n;
	if (!n_frames || n_samples % n || n_frames > AMR_FRAMES_MAX)
		return -EINVAL;
	bool has_data = false;
	encoder->payload.n_frames = n_frames;
	for (size_t i = 0; i < n_frames; i++) {
		encode_frame(encoder, pcm + i * n, &encoder->payload.frames[i]);
		has_data |= encoder->payload.frames[i].type != AMR_TYPE_NO_DATA;
	}
	if (!has_data)
		return 0;
	return amr_payload_write(encoder->kind, encoder->is_octet_aligned, &encoder->payload, payload, payload_size);
}

static void encoder_free(void *data)
{
	struct amr_encoder *encoder = data;
	if (!encoder)
		return;
	if (encoder->kind == &amr_wide)
		E_IF_exit(encoder->amr);
	else
		Encoder_Interface_exit(encoder->amr);
	free(encoder);
}

/* The gateway's numbers: 0 is no request yet, and then the field's value and one. */
static void encoder_set_request(void *data, unsigned request)
{
	struct amr_encoder *encoder = data;
	if (request - 1 <= encoder->kind->mode_last || request - 1 == AMR_REQUEST_NONE)
		amr_mode_request(&encoder->mode, request - 1);
}

static unsigned decoder_request(const void *data)
{
	const struct amr_decoder *decoder = data;
	return decoder->has_request ? decoder->request + 1u : 0;
}

static int decoder_new(const struct tandem_codec_settings *settings, const struct amr_kind *kind, void **ret_decoder)
{
	if (!is_possible(settings, kind))
		return -EINVAL;
	struct amr_decoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder || !(decoder->amr = kind == &amr_wide ? D_IF_init() : Decoder_Interface_init())) {
		free(decoder);
		return -ENOMEM;
	}
	decoder->kind = kind;
	decoder->is_octet_aligned = is_octet_aligned(settings->fmtp);
	*ret_decoder = decoder;
	return 0;
}

/* A frame that is damaged or not there is bridged, or is noise when noise was last described. */
static void decode_frame(struct amr_decoder *decoder, const struct amr_frame *frame, int16_t *pcm)
{
	static const uint8_t nothing[AMR_FRAME_BYTES_MAX] = {AMR_TYPE_NO_DATA << 3 | 1 << 2};
	const uint8_t *octets =
	    frame && frame->is_good && decoder->kind->frame_bits[frame->type] ? frame->octets : nothing;
	if (decoder->kind == &amr_wide)
		D_IF_decode(decoder->amr, octets, pcm, 0);
	else
		Decoder_Interface_Decode(decoder->amr, octets, pcm, 0);
}

static int conceal(struct amr_decoder *decoder, int16_t *pcm, size_t room)
{
	size_t n = frame_samples(decoder->kind), at = 0;
	for (; room - at >= n; at += n)
		decode_frame(decoder, NULL, pcm + at);
	return (int)at;
}

/* In the layout that was agreed, and else in the other, as some far ends send it. */
static int read_payload(const struct amr_kind *kind, bool is_aligned, const uint8_t *payload, size_t length,
			struct amr_payload *ret_payload)
{
	if (length > TANDEM_CODEC_PAYLOAD_BYTES_MAX)
		return -EBADMSG;
	return amr_payload_read(kind, is_aligned, payload, length, ret_payload) == 0
		   ? 0
		   : amr_payload_read(kind, !is_aligned, payload, length, ret_payload);
}

static int decode(void *data, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	struct amr_decoder *decoder = data;
	if (!payload)
		return conceal(decoder, pcm, room);
	if (read_payload(decoder->kind, decoder->is_octet_aligned, payload, length, &decoder->payload) < 0)
		return -EBADMSG;
	size_t n = frame_samples(decoder->kind), n_frames = decoder->payload.n_frames;
	if (n * n_frames > room)
		return -ENOBUFS;
	uint8_t request = decoder->payload.request;
	if (request <= decoder->kind->mode_last || request == AMR_REQUEST_NONE) {
		decoder->request = request;
		decoder->has_request = true;
	}
	for (size_t i = 0; i < n_frames; i++)
		decode_frame(decoder, &decoder->payload.frames[i], pcm + i * n);
	return (int)(n * n_frames);
}

static void decoder_free(void *data)
{
	struct amr_decoder *decoder = data;
	if (!decoder)
		return;
	if (decoder->kind == &amr_wide)
		D_IF_exit(decoder->amr);
	else
		Decoder_Interface_exit(decoder->amr);
	free(decoder);
}

/* The number of frames is the same in whatever layout it can be read. */
static int duration(const struct amr_kind *kind, const uint8_t *bytes, size_t length)
{
	struct amr_payload payload;
	if (read_payload(kind, true, bytes, length, &payload) < 0)
		return -EBADMSG;
	return (int)(payload.n_frames * frame_samples(kind));
}

static const uint16_t durations_ms[] = {20, 40, 60, 80, 100, 120, 0};

#define AMR(id, kind, hz)                                                                                              \
	static const uint32_t id##_rates_hz[] = {hz, 0};                                                               \
	static int id##_negotiate_fmtp(const char *offered, char *answer, size_t size)                                 \
	{                                                                                                              \
		return negotiate_fmtp(kind, offered, answer, size);                                                    \
	}                                                                                                              \
	static int id##_encoder_new(const struct tandem_codec_settings *settings, void **ret_encoder)                  \
	{                                                                                                              \
		return encoder_new(settings, kind, ret_encoder);                                                       \
	}                                                                                                              \
	static int id##_decoder_new(const struct tandem_codec_settings *settings, void **ret_decoder)                  \
	{                                                                                                              \
		return decoder_new(settings, kind, ret_decoder);                                                       \
	}                                                                                                              \
	static int id##_duration(const uint8_t *payload, size_t length)                                                \
	{                                                                                                              \
		return duration(kind, payload, length);                                                                \
	}

/* The layout is part of what a payload type means, so each is offered by a type of its own (RFC 4867, section 8.3.2). */
#define AMR_LAYOUT(id, of, name, hz, rate, fmtp)                                                                       \
	static const struct tandem_codec id = {                                                                        \
	    .encoding = name,                                                                                          \
	    .clock_hz = hz,                                                                                            \
	    .channels = 1,                                                                                             \
	    .static_payload_type = -1,                                                                                 \
	    .pcm_rates_hz = of##_rates_hz,                                                                             \
	    .pcm_channels_max = 1,                                                                                     \
	    .frame_durations_ms = durations_ms,                                                                        \
	    .bits_per_second = rate,                                                                                   \
	    .default_fmtp = fmtp,                                                                                      \
	    .negotiate_fmtp = of##_negotiate_fmtp,                                                                     \
	    .encoder_new = of##_encoder_new,                                                                           \
	    .encode = encode,                                                                                          \
	    .encoder_free = encoder_free,                                                                              \
	    .decoder_new = of##_decoder_new,                                                                           \
	    .decode = decode,                                                                                          \
	    .decoder_free = decoder_free,                                                                              \
	    .duration = of##_duration,                                                                                 \
	    .decoder_request = decoder_request,                                                                        \
	    .encoder_set_request = encoder_set_request,                                                                \
	}

#define EFFICIENT "mode-change-capability=2"
#define ALIGNED	  "octet-align=1;mode-change-capability=2"

AMR(amr, &amr_narrow, 8000)
AMR(amr_wb, &amr_wide, 16000)
AMR_LAYOUT(amr_wb_efficient, amr_wb, "AMR-WB", 16000, 13200, EFFICIENT);
AMR_LAYOUT(amr_wb_aligned, amr_wb, "AMR-WB", 16000, 13200, ALIGNED);
AMR_LAYOUT(amr_efficient, amr, "AMR", 8000, 12800, EFFICIENT);
AMR_LAYOUT(amr_aligned, amr, "AMR", 8000, 12800, ALIGNED);

static const struct tandem_codec *const codecs[] = {&amr_wb_efficient, &amr_wb_aligned, &amr_efficient, &amr_aligned, NULL};

TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "amr", .version = "1.0", .codecs = codecs,
};
