/* A whole codec plugin in one file, to be copied: L8 (RFC 3551, section 4.5.10), samples of eight bits, 128 for zero.
 *
 *	cc -O2 -shared -fPIC -fvisibility=hidden -o codec_l8.so plugin_example.c
 *
 * It needs the header only, and goes into the folder that plugins.directory names. */
#include <errno.h>
#include <stdlib.h>
#include <tandem/codec.h>

#define HZ		   8000
#define PAYLOAD_BYTES_LAST (HZ / 1000 * TANDEM_CODEC_FRAME_MS_MAX)

/* What encode() and decode() need stands in the instance and is allocated here: they do not allocate. L8 has nothing to
 * remember from frame to frame but, for losses, the last sample. */
struct l8 {
	int16_t last;
};

/* One function for both, since both are the same. The settings are the gateway's choice out of what the codec offers
 * below; what else comes is refused. `fmtp` would be read here. */
static int l8_new(const struct tandem_codec_settings *settings, void **ret_instance)
{
	if (settings->pcm_hz != HZ || settings->pcm_channels != 1)
		return -EINVAL;
	struct l8 *instance = calloc(1, sizeof *instance);
	if (!instance)
		return -ENOMEM;
	*ret_instance = instance;
	return 0;
}

static int l8_encode(void *encoder, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	if (!n_samples || n_samples > PAYLOAD_BYTES_LAST)
		return -EINVAL;
	if (n_samples > payload_size)
		return -ENOBUFS;
	for (size_t i = 0; i < n_samples; i++)
		payload[i] = (uint8_t)((pcm[i] >> 8) + 128);
	return (int)n_samples;
}

/* A payload can be anything: its length is looked at before its content, and the room before it is written to. */
static int l8_decode(void *decoder, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	struct l8 *instance = decoder;
	if (!payload) {
		/* A packet is missing. From where the sound was, to silence, without a click; codecs for use do better.
		 */
		for (size_t i = 0; i < room; i++)
			pcm[i] = instance->last = (int16_t)(instance->last * 31 / 32);
		return (int)room;
	}
	if (!length || length > PAYLOAD_BYTES_LAST)
		return -EBADMSG;
	if (length > room)
		return -ENOBUFS;
	for (size_t i = 0; i < length; i++)
		pcm[i] = (int16_t)((payload[i] - 128) * 256 + 128);
	instance->last = pcm[length - 1];
	return (int)length;
}

/* In units of the RTP clock, by the length alone. */
static int l8_duration(const uint8_t *payload, size_t length)
{
	return length && length <= PAYLOAD_BYTES_LAST ? (int)length : -EBADMSG;
}

static const uint32_t rates_hz[] = {HZ, 0};
static const uint16_t durations_ms[] = {20, 10, 30, 40, 50, 60, 0};

static const struct tandem_codec l8 = {
    .encoding = "L8",
    .clock_hz = HZ,
    .channels = 1,
    .static_payload_type = -1, /* dynamic, as nearly all are */
    .pcm_rates_hz = rates_hz,
    .pcm_channels_max = 1,
    .frame_durations_ms = durations_ms,
    .bits_per_second = 8 * HZ,
    .encoder_new = l8_new,
    .encode = l8_encode,
    .encoder_free = free,
    .decoder_new = l8_new,
    .decode = l8_decode,
    .decoder_free = free,
    .duration = l8_duration,
    /* What is not set is not offered: no a=fmtp, no redundancy, no choice of complexity. */
};
static const struct tandem_codec *const codecs[] = {&l8, NULL};

TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "l8", .version = "1.0", .codecs = codecs,
};
