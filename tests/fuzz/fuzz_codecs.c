/* Payloads of every codec, as a far end would send them: the first byte chooses the codec, the second rate and a=fmtp;
 * then come payloads, each after two bytes of length and what is to be done with it. Or, after a first byte of 0xff, an
 * a=fmtp for all codecs, which has to lead to an answer or a refusal and to an encoder and decoder that work. All
 * memory ends at a page's end, for the libraries that no sanitizer has seen. */
#include "plugin/plugin.h"
#include "../support/guarded.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FMTP_MARK  0xff
#define PCM_LAST   (48000 * TANDEM_CODEC_FRAME_MS_MAX / 1000)
#define CHUNKS_MAX 64

/* By name, so that an input means the same in every build. */
static const struct {
	const char *encoding;
	uint32_t clock_hz;
	uint8_t channels;
} rows[] = {
    {"PCMU", 8000, 1},	       {"PCMA", 8000, 1},	  {"opus", 48000, 2},	     {"G722", 8000, 1},
    {"G726-16", 8000, 1},      {"G726-24", 8000, 1},	  {"G726-32", 8000, 1},	     {"G726-40", 8000, 1},
    {"AAL2-G726-16", 8000, 1}, {"AAL2-G726-24", 8000, 1}, {"AAL2-G726-32", 8000, 1}, {"AAL2-G726-40", 8000, 1},
    {"GSM", 8000, 1},	       {"L16", 8000, 1},	  {"L16", 44100, 1},	     {"speex", 8000, 1},
    {"speex", 16000, 1},       {"speex", 32000, 1},	  {"AMR", 8000, 1},	     {"AMR-WB", 16000, 1},
    {"G729", 8000, 1},	       {"G723", 8000, 1},	  {"CN", 8000, 1},
};
static const char *const fmtps[] = {"", "octet-align=1", "mode=3;vbr=on", "annexb=no", "stereo=1;useinbandfec=1"};

/* Codecs do not print; what a library would print goes through this. */
int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	abort();
}

static struct plugin_registry *registry;
static struct guarded bytes_room, pcm_room;

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void set_up(void)
{
	if (registry)
		return;
	bytes_room = guarded_new(4096);
	pcm_room = guarded_new(2 * sizeof(int16_t) * PCM_LAST);
	demand(plugin_registry_new(&registry) == 0);
	demand(plugin_registry_load_directory(registry, TANDEM_BUILDDIR "/plugins/.libs") >= 3);
}

static void check_payload(const struct tandem_codec *codec, void *decoder, const uint8_t *payload, size_t length,
			  uint8_t what)
{
	static const size_t rooms[] = {PCM_LAST, 160, 320, 480, 960, 1, 0, 79};
	bool is_noise = codec->flags & TANDEM_CODEC_COMFORT_NOISE;
	int longest = (int)(codec->clock_hz * TANDEM_CODEC_FRAME_MS_MAX / 1000);
	int ticks = codec->duration(payload, length);
	demand(ticks == -EBADMSG || (ticks <= longest && (is_noise ? ticks == 0 : ticks > 0)));
	size_t room = rooms[what & 7];
	int16_t *pcm = guarded_last(&pcm_room, room * sizeof *pcm);
	if (codec->recover && what & 0x10) {
		int n = codec->recover(decoder, payload, length, pcm, room);
		demand(n <= (int)room);
	}
	int n = codec->decode(decoder, payload, length, pcm, room);
	demand(n <= (int)room && (n >= 0 || n == -EBADMSG || n == -ENOBUFS));
	demand(n < 0 || ticks >= 0);
	demand(n != -ENOBUFS || room < PCM_LAST);
	if (what & 0x20) {
		n = codec->decode(decoder, NULL, 0, pcm, room);
		demand(n >= 0 && n <= (int)room);
	}
	if (codec->decoder_request)
		codec->decoder_request(decoder);
}

static void payloads(const uint8_t *data, size_t size)
{
	size_t row = data[0] % G_N_ELEMENTS(rows), rate = data[1] & 7;
	const char *fmtp = fmtps[(data[1] >> 3) % G_N_ELEMENTS(fmtps)];
	const struct tandem_codec *codec =
	    plugin_codec_find(registry, rows[row].encoding, rows[row].clock_hz, rows[row].channels);
	if (!codec)
		return;
	struct tandem_codec_settings settings = {codec->pcm_rates_hz[0], 1, codec->frame_durations_ms[0], fmtp};
	for (size_t i = 0; i < rate && codec->pcm_rates_hz[i]; i++)
		settings.pcm_hz = codec->pcm_rates_hz[i];
	void *decoder;
	demand(codec->decoder_new(&settings, &decoder) == 0);
	data += 2;
	size -= 2;
	for (unsigned i = 0; size >= 3 && i < CHUNKS_MAX; i++) {
		size_t length = (size_t)(data[0] << 8 | data[1]) % 2048;
		uint8_t what = data[2];
		data += 3;
		size -= 3;
		length = length < size ? length : size;
		uint8_t *payload = guarded_last(&bytes_room, length);
		memcpy(payload, data, length);
		check_payload(codec, decoder, payload, length, what);
		data += length;
		size -= length;
	}
	codec->decoder_free(decoder);
}

static void check_fmtp(const struct tandem_codec *codec, const char *fmtp)
{
	char *answer = guarded_last(&bytes_room, TANDEM_CODEC_FMTP_BYTES_MAX);
	if (codec->negotiate_fmtp) {
		int result = codec->negotiate_fmtp(fmtp, answer, TANDEM_CODEC_FMTP_BYTES_MAX);
		demand(result == -ENOTSUP || (result == 0 && memchr(answer, 0, TANDEM_CODEC_FMTP_BYTES_MAX)));
	}
	struct tandem_codec_settings settings = {codec->pcm_rates_hz[0], 1, codec->frame_durations_ms[0], fmtp};
	void *encoder, *decoder;
	demand(codec->encoder_new(&settings, &encoder) == 0);
	demand(codec->decoder_new(&settings, &decoder) == 0);
	size_t n = settings.pcm_hz * settings.frame_ms / 1000;
	int16_t *pcm = guarded_last(&pcm_room, n * sizeof *pcm);
	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)(i % 80 * 100);
	uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
	int length = codec->encode(encoder, pcm, n, payload, sizeof payload);
	demand(length >= 0 && length <= (int)sizeof payload);
	if (length > 0)
		demand(codec->decode(decoder, payload, (size_t)length, pcm, n) > 0);
	codec->encoder_free(encoder);
	codec->decoder_free(decoder);
}

static void fmtp_text(const uint8_t *data, size_t size)
{
	size = size < TANDEM_CODEC_FMTP_BYTES_MAX ? size : TANDEM_CODEC_FMTP_BYTES_MAX - 1;
	char *fmtp = malloc(size + 1);
	memcpy(fmtp, data, size);
	fmtp[size] = 0;
	const struct tandem_codec *codec;
	for (size_t i = 0; (codec = plugin_codec_at(registry, i)); i++)
		check_fmtp(codec, fmtp);
	free(fmtp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	set_up();
	if (data[0] == FMTP_MARK)
		fmtp_text(data + 1, size - 1);
	else
		payloads(data, size);
	return 0;
}
