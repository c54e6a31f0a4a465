/* G.723.1 (RFC 3551, section 4.5.3) with libavcodec: both rates and annex A are understood, 6.3 kbit/s is sent. The
 * library allocates a few hundred octets for each frame; that is the exception <tandem/codec.h> speaks of. */
#include "common/conceal.h"
#include "common/fmtp.h"
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <tandem/codec.h>

#define HZ		8000
#define FRAME_SAMPLES	((size_t)240)
#define FRAME_BYTES_MAX ((size_t)24)
#define FRAMES_LAST	(TANDEM_CODEC_FRAME_MS_MAX / 30)
#define BIT_RATE	6300
#define KIND_NOISE	2 /* described */
#define KIND_UNCHANGED	3 /* as described before */

struct g723_coder {
	AVCodecContext *context;
	AVPacket *packet;
	AVFrame *frame;
};

struct g723_decoder {
	struct g723_coder coder;
	struct conceal conceal;
	bool is_noise;
	uint8_t bytes[FRAME_BYTES_MAX + AV_INPUT_BUFFER_PADDING_SIZE];
};

static bool is_possible(const struct tandem_codec_settings *settings)
{
	return settings->pcm_hz == HZ && settings->pcm_channels == 1;
}

/* What is not said is "yes" (RFC 4856, section 2.1.7). */
static int negotiate_fmtp(const char *offered, char *answer, size_t size)
{
	const char *text = fmtp_has(offered, "annexa", "no") ? "annexa=no" : "annexa=yes";
	if (strlen(text) >= size)
		return -ENOTSUP;
	strcpy(answer, text);
	return 0;
}

static void coder_clear(struct g723_coder *coder)
{
	avcodec_free_context(&coder->context);
	av_packet_free(&coder->packet);
	av_frame_free(&coder->frame);
}

static int coder_init(struct g723_coder *coder, const AVCodec *codec)
{
	coder->context = codec ? avcodec_alloc_context3(codec) : NULL;
	coder->packet = av_packet_alloc();
	coder->frame = av_frame_alloc();
	if (!coder->context || !coder->packet || !coder->frame)
		return -ENOMEM;
	coder->context->sample_rate = HZ;
	coder->context->sample_fmt = AV_SAMPLE_FMT_S16;
	coder->context->bit_rate = BIT_RATE;
	coder->context->thread_count = 1;
	coder->context->log_level_offset = AV_LOG_TRACE; /* hostile payloads are no news */
	av_channel_layout_default(&coder->context->ch_layout, 1);
	return avcodec_open2(coder->context, codec, NULL) < 0 ? -ENOTSUP : 0;
}

static int frame_init(AVFrame *frame)
{
	frame->nb_samples = FRAME_SAMPLES;
	frame->format = AV_SAMPLE_FMT_S16;
	frame->sample_rate = HZ;
	av_channel_layout_default(&frame->ch_layout, 1);
	return av_frame_get_buffer(frame, 0) < 0 ? -ENOMEM : 0;
}

static void encoder_free(void *data)
{
	struct g723_coder *encoder = data;
	if (!encoder)
		return;
	coder_clear(encoder);
	free(encoder);
}

static int encoder_new(const struct tandem_codec_settings *settings, void **ret_encoder)
{
	if (!is_possible(settings))
		return -EINVAL;
	struct g723_coder *encoder = calloc(1, sizeof *encoder);
	if (!encoder)
		return -ENOMEM;
	int result = coder_init(encoder, avcodec_find_encoder(AV_CODEC_ID_G723_1));
	if (result == 0)
		result = frame_init(encoder->frame);
	if (result < 0) {
		encoder_free(encoder);
		return result;
	}
	*ret_encoder = encoder;
	return 0;
}

static int encode_frame(struct g723_coder *encoder, const int16_t *pcm, uint8_t *payload, size_t room)
{
	if (av_frame_make_writable(encoder->frame) < 0)
		return -ENOMEM;
	memcpy(encoder->frame->data[0], pcm, FRAME_SAMPLES * sizeof *pcm);
	if (avcodec_send_frame(encoder->context, encoder->frame) < 0 ||
	    avcodec_receive_packet(encoder->context, encoder->packet) < 0)
		return -EINVAL;
	int n = encoder->packet->size;
	if ((size_t)n <= room)
		memcpy(payload, encoder->packet->data, (size_t)n);
	av_packet_unref(encoder->packet);
	return (size_t)n <= room ? n : -ENOBUFS;
}

static int encode(void *data, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	size_t n_frames = n_samples / FRAME_SAMPLES, length = 0;
	if (!n_frames || n_samples % FRAME_SAMPLES || n_frames > FRAMES_LAST)
		return -EINVAL;
	for (size_t i = 0; i < n_frames; i++) {
		int n = encode_frame(data, pcm + i * FRAME_SAMPLES, payload + length, payload_size - length);
		if (n < 0)
			return n;
		length += (size_t)n;
	}
	return (int)length;
}

static void decoder_free(void *data)
{
	struct g723_decoder *decoder = data;
	if (!decoder)
		return;
	coder_clear(&decoder->coder);
	free(decoder);
}

static int decoder_new(const struct tandem_codec_settings *settings, void **ret_decoder)
{
	if (!is_possible(settings))
		return -EINVAL;
	struct g723_decoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder)
		return -ENOMEM;
	int result = coder_init(&decoder->coder, avcodec_find_decoder(AV_CODEC_ID_G723_1));
	if (result < 0) {
		decoder_free(decoder);
		return result;
	}
	conceal_init(&decoder->conceal, HZ);
	*ret_decoder = decoder;
	return 0;
}

/* The kind of a frame is in the lowest two bits of its first octet. */
static size_t frame_bytes(uint8_t first)
{
	static const uint8_t bytes[] = {24, 20, 4, 1};
	return bytes[first & 3];
}

/* 0: none of this codec. */
static size_t count_frames(const uint8_t *payload, size_t length)
{
	size_t n_frames = 0;
	for (size_t at = 0; at < length; n_frames++) {
		size_t n = frame_bytes(payload[at]);
		if (n > length - at || n_frames == FRAMES_LAST)
			return 0;
		at += n;
	}
	return n_frames;
}

/* Where the library makes nothing of a frame, there is a gap in the sound. */
static void decode_frame(struct g723_decoder *decoder, const uint8_t *bytes, int16_t *pcm)
{
	struct g723_coder *coder = &decoder->coder;
	size_t n = frame_bytes(bytes[0]);
	decoder->is_noise = (bytes[0] & 3) >= KIND_NOISE;
	memset(decoder->bytes, 0, sizeof decoder->bytes);
	memcpy(decoder->bytes, bytes, n);
	coder->packet->data = decoder->bytes;
	coder->packet->size = (int)n;
	if (avcodec_send_packet(coder->context, coder->packet) == 0 &&
	    avcodec_receive_frame(coder->context, coder->frame) == 0 &&
	    coder->frame->nb_samples == (int)FRAME_SAMPLES) {
		memcpy(pcm, coder->frame->data[0], FRAME_SAMPLES * sizeof *pcm);
		conceal_receive(&decoder->conceal, pcm, FRAME_SAMPLES);
	} else {
		conceal_fill(&decoder->conceal, pcm, FRAME_SAMPLES);
	}
}

static int fill(struct g723_decoder *decoder, int16_t *pcm, size_t room)
{
	static const uint8_t unchanged = KIND_UNCHANGED;
	if (!decoder->is_noise) {
		conceal_fill(&decoder->conceal, pcm, room);
		return (int)room;
	}
	size_t at = 0;
	for (; room - at >= FRAME_SAMPLES; at += FRAME_SAMPLES)
		decode_frame(decoder, &unchanged, pcm + at);
	return (int)at;
}

static int decode(void *data, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	struct g723_decoder *decoder = data;
	if (!payload)
		return fill(decoder, pcm, room);
	size_t n_frames = count_frames(payload, length);
	if (!n_frames)
		return -EBADMSG;
	if (n_frames * FRAME_SAMPLES > room)
		return -ENOBUFS;
	for (size_t i = 0; i < n_frames; i++, payload += frame_bytes(payload[0]))
		decode_frame(decoder, payload, pcm + i * FRAME_SAMPLES);
	return (int)(n_frames * FRAME_SAMPLES);
}

static int duration(const uint8_t *payload, size_t length)
{
	size_t n_frames = count_frames(payload, length);
	return n_frames ? (int)(n_frames * FRAME_SAMPLES) : -EBADMSG;
}

static const uint32_t rates_hz[] = {HZ, 0};
static const uint16_t durations_ms[] = {30, 60, 90, 120, 0};

static const struct tandem_codec codec = {
    .encoding = "G723",
    .clock_hz = HZ,
    .channels = 1,
    .static_payload_type = 4,
    .pcm_rates_hz = rates_hz,
    .pcm_channels_max = 1,
    .frame_durations_ms = durations_ms,
    .bits_per_second = BIT_RATE,
    .default_fmtp = "annexa=yes",
    .negotiate_fmtp = negotiate_fmtp,
    .encoder_new = encoder_new,
    .encode = encode,
    .encoder_free = encoder_free,
    .decoder_new = decoder_new,
    .decode = decode,
    .decoder_free = decoder_free,
    .duration = duration,
};
static const struct tandem_codec *const codecs[] = {&codec, NULL};

TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "g723", .version = "1.0", .codecs = codecs,
};
