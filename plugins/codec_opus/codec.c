/* Opus (RFC 6716) as RFC 7587 puts it into RTP: always "opus/48000/2", at any rate of sound. */
#include "common/fmtp.h"
#include <errno.h>
#include <opus.h>
#include <stdbool.h>
#include <stdlib.h>
#include <tandem/codec.h>

/* Our own choice. By measurement (tests/bench/codec_cost.c): at telephone rate 0 costs a quarter of the CPU time of 10, with 8.4
 * instead of 8.65 dB between sound and error, and a spectrum that is no farther off; below 2 the library leaves out the second copy of
 * what may be lost. With wideband sound there is a step between 3 and 4 (1.56 to 1.38 dB), and 4 costs half of 10. */
#define COMPLEXITY_NARROW     0
#define COMPLEXITY_NARROW_FEC 2
#define COMPLEXITY_WIDE	      4

#define BEST_HZ	      48000
#define BITRATE_FIRST 6000
#define BITRATE_LAST  510000
#define FEC_PERCENT   40 /* more bits as soon as anything is lost */
#define LOSS_LAST     30 /* percent; beyond it more copies do not help */

struct opus_codec_encoder {
	OpusEncoder *opus;
	uint32_t pcm_hz;
	opus_int32 bitrate, bitrate_last; /* without loss; what the far end allows */
	opus_int32 loss_percent;	  /* against which there are second copies */
	unsigned complexity;		  /* TANDEM_CODEC_COMPLEXITY_OWN, or as was ordered */
	bool has_fec, has_dtx;
};

struct opus_codec_decoder {
	OpusDecoder *opus;
	uint32_t pcm_hz;
};

static int error_of(int opus_error)
{
	switch (opus_error) {
	case OPUS_BAD_ARG:
		return -EINVAL;
	case OPUS_BUFFER_TOO_SMALL:
		return -ENOBUFS;
	case OPUS_ALLOC_FAIL:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}

static bool is_pcm_possible(const struct tandem_codec_settings *settings)
{
	uint32_t hz = settings->pcm_hz;
	return (hz == 48000 || hz == 24000 || hz == 16000 || hz == 12000 || hz == 8000) &&
	       settings->pcm_channels >= 1 && settings->pcm_channels <= 2;
}

static opus_int32 bandwidth_of(long hz)
{
	return hz <= 8000    ? OPUS_BANDWIDTH_NARROWBAND
	       : hz <= 12000 ? OPUS_BANDWIDTH_MEDIUMBAND
	       : hz <= 16000 ? OPUS_BANDWIDTH_WIDEBAND
	       : hz <= 24000 ? OPUS_BANDWIDTH_SUPERWIDEBAND
			     : OPUS_BANDWIDTH_FULLBAND;
}

/* Bits a second for speech, a channel (RFC 7587, section 3.1.1; more for telephone sound, whose quantization noise costs
 * bits: at 14000 a tone out of A-law is up to 1.3 dB too low, at 20000 less than 1). */
static opus_int32 usual_bitrate(long hz)
{
	return hz <= 8000 ? 20000 : hz <= 16000 ? 20000 : hz <= 24000 ? 28000 : 40000;
}

/* What the far end says it likes to receive (RFC 7587, section 6.1). */
static void obey_fmtp(struct opus_codec_encoder *encoder, const struct tandem_codec_settings *settings)
{
	OpusEncoder *opus = encoder->opus;
	const char *fmtp = settings->fmtp;
	bool is_stereo = settings->pcm_channels == 2 && fmtp_number(fmtp, "stereo", 0) == 1;
	long heard_hz = fmtp_number(fmtp, "maxplaybackrate", BEST_HZ);
	long most = fmtp_number(fmtp, "maxaveragebitrate", BITRATE_LAST);
	encoder->bitrate_last = most < BITRATE_FIRST || most > BITRATE_LAST ? BITRATE_LAST : (opus_int32)most;
	encoder->bitrate =
	    usual_bitrate(heard_hz < settings->pcm_hz ? heard_hz : settings->pcm_hz) * (is_stereo ? 2 : 1);
	encoder->has_fec = fmtp_number(fmtp, "useinbandfec", 0) == 1;
	encoder->has_dtx = fmtp_number(fmtp, "usedtx", 0) == 1;
	opus_encoder_ctl(opus, OPUS_SET_VBR(fmtp_number(fmtp, "cbr", 0) != 1));
	opus_encoder_ctl(opus, OPUS_SET_INBAND_FEC(encoder->has_fec));
	opus_encoder_ctl(opus, OPUS_SET_DTX(encoder->has_dtx));
	opus_encoder_ctl(opus, OPUS_SET_MAX_BANDWIDTH(bandwidth_of(heard_hz)));
	if (!is_stereo)
		opus_encoder_ctl(opus, OPUS_SET_FORCE_CHANNELS(1));
}

static opus_int32 own_complexity(const struct opus_codec_encoder *encoder)
{
	if (encoder->pcm_hz > 8000)
		return COMPLEXITY_WIDE;
	return encoder->loss_percent ? COMPLEXITY_NARROW_FEC : COMPLEXITY_NARROW;
}

static void apply_complexity(struct opus_codec_encoder *encoder)
{
	bool is_own = encoder->complexity == TANDEM_CODEC_COMPLEXITY_OWN;
	opus_int32 ordered = encoder->complexity < 10 ? (opus_int32)encoder->complexity : 10;
	opus_encoder_ctl(encoder->opus, OPUS_SET_COMPLEXITY(is_own ? own_complexity(encoder) : ordered));
}

/* The second copy of what may be lost needs bits of its own: without them the library leaves it out at telephone rates,
 * or takes them from the first. */
static void encoder_set_loss(void *data, unsigned percent)
{
	struct opus_codec_encoder *encoder = data;
	opus_int32 loss = encoder->has_fec ? (percent > LOSS_LAST ? LOSS_LAST : (opus_int32)percent) : 0;
	opus_int32 bitrate = encoder->bitrate + (loss ? encoder->bitrate * FEC_PERCENT / 100 : 0);
	encoder->loss_percent = loss;
	opus_encoder_ctl(encoder->opus, OPUS_SET_PACKET_LOSS_PERC(loss));
	opus_encoder_ctl(encoder->opus,
			 OPUS_SET_BITRATE(bitrate < encoder->bitrate_last ? bitrate : encoder->bitrate_last));
	apply_complexity(encoder);
}

static void encoder_set_complexity(void *data, unsigned level)
{
	struct opus_codec_encoder *encoder = data;
	encoder->complexity = level;
	apply_complexity(encoder);
}

static int encoder_new(const struct tandem_codec_settings *settings, void **ret_encoder)
{
	if (!is_pcm_possible(settings))
		return -EINVAL;
	struct opus_codec_encoder *encoder = calloc(1, sizeof *encoder);
	if (!encoder)
		return -ENOMEM;
	int error;
	encoder->pcm_hz = settings->pcm_hz;
	encoder->opus = opus_encoder_create(settings->pcm_hz, settings->pcm_channels, OPUS_APPLICATION_VOIP, &error);
	if (error != OPUS_OK) {
		free(encoder);
		return error_of(error);
	}
	encoder->complexity = TANDEM_CODEC_COMPLEXITY_OWN;
	obey_fmtp(encoder, settings);
	encoder_set_loss(encoder, 0);
	*ret_encoder = encoder;
	return 0;
}

static int encode(void *data, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	struct opus_codec_encoder *encoder = data;
	if (n_samples > encoder->pcm_hz / 1000 * TANDEM_CODEC_FRAME_MS_MAX)
		return -EINVAL;
	if (payload_size > TANDEM_CODEC_PAYLOAD_BYTES_MAX)
		payload_size = TANDEM_CODEC_PAYLOAD_BYTES_MAX;
	int n = opus_encode(encoder->opus, pcm, n_samples, payload, payload_size);
	if (n < 0)
		return error_of(n);
	return encoder->has_dtx && n <= 2 ? 0 : n; /* at most 2 bytes: need not be sent */
}

static void encoder_free(void *data)
{
	struct opus_codec_encoder *encoder = data;
	if (!encoder)
		return;
	opus_encoder_destroy(encoder->opus);
	free(encoder);
}

static int decoder_new(const struct tandem_codec_settings *settings, void **ret_decoder)
{
	if (!is_pcm_possible(settings))
		return -EINVAL;
	struct opus_codec_decoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder)
		return -ENOMEM;
	int error;
	decoder->pcm_hz = settings->pcm_hz;
	decoder->opus = opus_decoder_create(settings->pcm_hz, settings->pcm_channels, &error);
	if (error != OPUS_OK) {
		free(decoder);
		return error_of(error);
	}
	*ret_decoder = decoder;
	return 0;
}

/* Concealment is made in units of 2.5 ms, and not of more than the longest packet at once. */
static size_t concealable(const struct opus_codec_decoder *decoder, size_t room)
{
	size_t unit = decoder->pcm_hz / 400, most = decoder->pcm_hz / 1000 * TANDEM_CODEC_FRAME_MS_MAX;
	if (room > most)
		room = most;
	return room - room % unit;
}

static int decode(void *data, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	struct opus_codec_decoder *decoder = data;
	if (!payload) {
		room = concealable(decoder, room);
		length = 0;
	} else if (!length || length > TANDEM_CODEC_PAYLOAD_BYTES_MAX) {
		return -EBADMSG;
	}
	if (room > decoder->pcm_hz)
		room = decoder->pcm_hz;
	if (!room)
		return payload ? -ENOBUFS : 0;
	int n = opus_decode(decoder->opus, payload, length, pcm, room, 0);
	return n < 0 ? error_of(n) : n;
}

/* Whether the packet carries the one before it in low quality: the LBRR flags of its first SILK frame's header
 * (RFC 6716, section 4.2.3); CELT has none. */
static bool has_redundancy(const uint8_t *payload, size_t length)
{
	const unsigned char *frames[48];
	opus_int16 sizes[48];
	bool is_celt = payload[0] & 0x80;
	if (is_celt || opus_packet_parse(payload, length, NULL, frames, sizes, NULL) < 1 || sizes[0] < 1)
		return false;
	int silk_frames = opus_packet_get_samples_per_frame(payload, 48000) / 960;
	if (silk_frames < 1)
		silk_frames = 1;
	bool is_stereo = payload[0] & 0x04;
	return (frames[0][0] >> (7 - silk_frames) & 1) || (is_stereo && (frames[0][0] >> (6 - 2 * silk_frames) & 1));
}

static int recover(void *data, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	struct opus_codec_decoder *decoder = data;
	if (!length || length > TANDEM_CODEC_PAYLOAD_BYTES_MAX)
		return -EBADMSG;
	room = concealable(decoder, room);
	if (!room || !has_redundancy(payload, length))
		return 0;
	int n = opus_decode(decoder->opus, payload, length, pcm, room, 1);
	return n < 0 ? error_of(n) : n;
}

static void decoder_free(void *data)
{
	struct opus_codec_decoder *decoder = data;
	if (!decoder)
		return;
	opus_decoder_destroy(decoder->opus);
	free(decoder);
}

static int duration(const uint8_t *payload, size_t length)
{
	if (!length || length > TANDEM_CODEC_PAYLOAD_BYTES_MAX)
		return -EBADMSG;
	int n = opus_packet_get_nb_samples(payload, length, 48000);
	return n < 1 ? -EBADMSG : n;
}

static const uint32_t rates_hz[] = {48000, 24000, 16000, 12000, 8000, 0};
static const uint16_t durations_ms[] = {20, 10, 40, 60, 80, 100, 120, 0};

/* No negotiate_fmtp: every parameter of Opus tells what its side likes to receive (RFC 7587, section 7.1), so that our
 * answer is our own. */
static const struct tandem_codec codec = {
    .encoding = "opus",
    .clock_hz = 48000,
    .channels = 2,
    .static_payload_type = -1,
    .pcm_rates_hz = rates_hz,
    .pcm_channels_max = 2,
    .frame_durations_ms = durations_ms,
    .bits_per_second = 40000,
    .default_fmtp = "minptime=10;useinbandfec=1",
    .encoder_new = encoder_new,
    .encode = encode,
    .encoder_set_loss = encoder_set_loss,
    .encoder_free = encoder_free,
    .decoder_new = decoder_new,
    .decode = decode,
    .recover = recover,
    .decoder_free = decoder_free,
    .duration = duration,
    .encoder_set_complexity = encoder_set_complexity,
};
static const struct tandem_codec *const codecs[] = {&codec, NULL};

TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "opus", .version = "1.0", .codecs = codecs,
};
