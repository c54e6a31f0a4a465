/* What every codec must do, at each of its rates and frame durations: a tone comes through, loss is bridged, and
 * nothing that stands in a payload does harm. The plugins are those of the build tree, all memory ends at a page's end.
 */
#include "plugin/plugin.h"
#include "../support/guarded.h"
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define TONE_HZ	       440
#define AMPLITUDE      8000
#define SECONDS	       2
#define PCM_LAST       (48000 * TANDEM_CODEC_FRAME_MS_MAX / 1000)
#define TONE_ERROR_DB  1
#define GARBAGE_ROUNDS 1500

static struct plugin_registry *registry;
static struct guarded payload_room, pcm_room;
static uint32_t random_state = 1;

static int set_up(void **state)
{
	payload_room = guarded_new(4096);
	pcm_room = guarded_new(2 * sizeof(int16_t) * PCM_LAST);
	if (plugin_registry_new(&registry) < 0)
		return -1;
	return plugin_registry_load_directory(registry, TANDEM_BUILDDIR "/plugins/.libs") >= 3 ? 0 : -1;
}

static int tear_down(void **state)
{
	registry = plugin_registry_free(registry);
	guarded_free(&payload_room);
	guarded_free(&pcm_room);
	return 0;
}

static uint32_t next_random(void)
{
	return (random_state = random_state * 1664525 + 1013904223) >> 8;
}

/* One codec at one rate and frame duration. */
struct way {
	const struct tandem_codec *codec;
	struct tandem_codec_settings settings;
	void *encoder, *decoder;
	size_t n_samples; /* of a frame */
	size_t sent;	  /* samples of tone */
	char name[64];
};

static void open_way(struct way *way, const struct tandem_codec *codec, uint32_t hz, uint16_t ms)
{
	*way = (struct way){.codec = codec,
			    .settings = {.pcm_hz = hz, .pcm_channels = 1, .frame_ms = ms, .fmtp = ""},
			    .n_samples = (size_t)hz * ms / 1000};
	if (codec->default_fmtp)
		way->settings.fmtp = codec->default_fmtp;
	g_snprintf(way->name, sizeof way->name, "%s/%u at %u Hz, %u ms", codec->encoding, codec->clock_hz, hz, ms);
	assert_int_equal(codec->encoder_new(&way->settings, &way->encoder), 0);
	assert_int_equal(codec->decoder_new(&way->settings, &way->decoder), 0);
}

static void close_way(struct way *way)
{
	way->codec->encoder_free(way->encoder);
	way->codec->decoder_free(way->decoder);
	way->codec->encoder_free(NULL);
	way->codec->decoder_free(NULL);
}

static void for_every_way(void (*check)(struct way *way), bool every_duration)
{
	const struct tandem_codec *codec;
	for (size_t i = 0; (codec = plugin_codec_at(registry, i)); i++) {
		if (codec->flags & TANDEM_CODEC_COMFORT_NOISE)
			continue;
		for (const uint32_t *hz = codec->pcm_rates_hz; *hz; hz++)
			for (const uint16_t *ms = codec->frame_durations_ms; *ms; ms++) {
				struct way way;
				if (!every_duration && ms != codec->frame_durations_ms)
					break;
				open_way(&way, codec, *hz, *ms);
				check(&way);
				close_way(&way);
			}
	}
}

/* The next frame of tone as a payload that ends at the page's end. Returns its length. */
static size_t send_tone(struct way *way, uint8_t **ret_payload)
{
	int16_t *pcm = guarded_last(&pcm_room, way->n_samples * sizeof *pcm);
	for (size_t i = 0; i < way->n_samples; i++)
		pcm[i] = lrint(AMPLITUDE * sin(2 * M_PI * TONE_HZ * way->sent++ / way->settings.pcm_hz));
	uint8_t made[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
	g_autofree int16_t *before = g_memdup2(pcm, way->n_samples * sizeof *pcm);
	int length = way->codec->encode(way->encoder, pcm, way->n_samples, made, sizeof made);
	if (length <= 0)
		fail_msg("%s: encode gives %d", way->name, length);
	assert_memory_equal(pcm, before, way->n_samples * sizeof *pcm); /* the sound may be wanted by others too */
	*ret_payload = guarded_last(&payload_room, (size_t)length);
	memcpy(*ret_payload, made, (size_t)length);
	return (size_t)length;
}

/* Sends a frame of tone and hears it. */
static void pass_tone(struct way *way, int16_t *heard)
{
	uint8_t *payload;
	size_t length = send_tone(way, &payload);
	int ticks = way->codec->duration(payload, length);
	if (ticks != (int)(way->codec->clock_hz * way->settings.frame_ms / 1000))
		fail_msg("%s: lasts %d", way->name, ticks);
	int16_t *pcm = guarded_last(&pcm_room, way->n_samples * sizeof *pcm);
	int n = way->codec->decode(way->decoder, payload, length, pcm, way->n_samples);
	if (n != (int)way->n_samples)
		fail_msg("%s: %d samples of %zu", way->name, n, way->n_samples);
	if (heard)
		memcpy(heard, pcm, way->n_samples * sizeof *pcm);
}

static double rms(const int16_t *pcm, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];
	return sqrt(sum / n);
}

/* Amplitude of one frequency. */
static double measure(const int16_t *pcm, size_t n, uint32_t hz, double tone_hz)
{
	double re = 0, im = 0;
	for (size_t i = 0; i < n; i++) {
		re += pcm[i] * cos(2 * M_PI * tone_hz * i / hz);
		im += pcm[i] * sin(2 * M_PI * tone_hz * i / hz);
	}
	return 2 * sqrt(re * re + im * im) / n;
}

/* Hears a while of tone and demands that its last second is one: frequency and level are right. */
static void demand_tone(struct way *way, unsigned seconds)
{
	size_t n = 0, last = way->settings.pcm_hz, room = last * seconds + way->n_samples;
	g_autofree int16_t *heard = g_new(int16_t, room);
	for (; n < last * seconds; n += way->n_samples)
		pass_tone(way, heard + n);
	const int16_t *second = heard + n - last;
	double tone = measure(second, last, way->settings.pcm_hz, TONE_HZ);
	double error_db = 20 * log10(tone / AMPLITUDE), purity = tone / (rms(second, last) * sqrt(2));
	if (fabs(error_db) > TONE_ERROR_DB || purity < 0.9)
		fail_msg("%s: %+.2f dB, purity %.3f", way->name, error_db, purity);
}

static void check_tone(struct way *way)
{
	demand_tone(way, SECONDS);
}

static void test_tone(void **state)
{
	for_every_way(check_tone, true);
}

/* As long as a frame lasts, without a payload. */
static void conceal(struct way *way, int16_t *heard)
{
	int16_t *pcm = guarded_last(&pcm_room, way->n_samples * sizeof *pcm);
	int n = way->codec->decode(way->decoder, NULL, 0, pcm, way->n_samples);
	if (n != (int)way->n_samples)
		fail_msg("%s: %d samples for a loss of %zu", way->name, n, way->n_samples);
	memcpy(heard, pcm, way->n_samples * sizeof *pcm);
}

static int steepest(const int16_t *pcm, size_t n)
{
	int most = 0;
	for (size_t i = 1; i < n; i++)
		most = MAX(most, abs(pcm[i] - pcm[i - 1]));
	return most;
}

/* Half a second of faint noise. A decoder that makes sound out of what it made before, as all with a code book do, may
 * hum on along with a steady tone; a pause ends that, as pauses do in speech. */
static void pause_a_while(struct way *way)
{
	for (unsigned ms = 0; ms < 500; ms += way->settings.frame_ms) {
		int16_t *pcm = guarded_last(&pcm_room, way->n_samples * sizeof *pcm);
		for (size_t i = 0; i < way->n_samples; i++)
			pcm[i] = (int)(next_random() % 200) - 100;
		uint8_t made[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
		int length = way->codec->encode(way->encoder, pcm, way->n_samples, made, sizeof made);
		assert_in_range(length, 0, sizeof made);
		uint8_t *payload = guarded_last(&payload_room, (size_t)length);
		memcpy(payload, made, (size_t)length);
		int n = way->codec->decode(way->decoder, length ? payload : NULL, length, pcm, way->n_samples);
		assert_in_range(n, 1, way->n_samples);
	}
}

static void check_loss(struct way *way)
{
	size_t n = way->n_samples;
	g_autofree int16_t *heard = g_new0(int16_t, 4 * n);
	demand_tone(way, SECONDS);
	pass_tone(way, heard);
	double level = AMPLITUDE / sqrt(2), steep = 2 * M_PI * TONE_HZ / way->settings.pcm_hz * AMPLITUDE;
	uint8_t *lost;
	send_tone(way, &lost);
	conceal(way, heard + n);
	pass_tone(way, heard + 2 * n);
	pass_tone(way, heard + 3 * n);
	if (steepest(heard, 4 * n) > 2.5 * steep)
		fail_msg("%s: a click, %d where %.0f is the tone's", way->name, steepest(heard, 4 * n), steep);
	if (rms(heard + n, n) > 1.2 * level || rms(heard + n, n) < level / 4)
		fail_msg("%s: one loss sounds with %.0f of %.0f", way->name, rms(heard + n, n), level);
	for (unsigned ms = 0; ms < 2000; ms += way->settings.frame_ms) {
		conceal(way, heard);
		double now = rms(heard, n);
		if (now > 1.2 * level || (ms > 500 && now > level / 8))
			fail_msg("%s: %.0f of %.0f after %u ms of loss", way->name, now, level, ms);
		if (steepest(heard, n) > 2.5 * steep)
			fail_msg("%s: a click after %u ms of loss", way->name, ms);
	}
	pause_a_while(way);
	demand_tone(way, SECONDS);
}

static void test_loss(void **state)
{
	for_every_way(check_loss, false);
}

/* Any payload, into any room. */
static void feed(struct way *way, const uint8_t *bytes, size_t length)
{
	static const size_t rooms[] = {0, 1, 79, 160, 320, 961, PCM_LAST};
	uint8_t *payload = guarded_last(&payload_room, length);
	memmove(payload, bytes, length);
	int longest = (int)(way->codec->clock_hz * TANDEM_CODEC_FRAME_MS_MAX / 1000);
	int ticks = way->codec->duration(payload, length);
	if (ticks != -EBADMSG && (ticks <= 0 || ticks > longest))
		fail_msg("%s: %zu octets last %d", way->name, length, ticks);
	size_t room = rooms[next_random() % G_N_ELEMENTS(rooms)];
	int16_t *pcm = guarded_last(&pcm_room, room * sizeof *pcm);
	if (way->codec->recover && next_random() % 2) {
		int n = way->codec->recover(way->decoder, payload, length, pcm, room);
		assert_true(n <= (int)room);
	}
	int n = way->codec->decode(way->decoder, payload, length, pcm, room);
	if (n > (int)room || (n < 0 && n != -EBADMSG && n != -ENOBUFS) || (n >= 0 && ticks < 0))
		fail_msg("%s: decode gives %d into %zu, duration %d", way->name, n, room, ticks);
	if (room == PCM_LAST && n == -ENOBUFS)
		fail_msg("%s: no room in the longest frame", way->name);
	if (next_random() % 4 == 0) {
		n = way->codec->decode(way->decoder, NULL, 0, pcm, room);
		assert_true(n >= 0 && n <= (int)room);
	}
}

static void check_garbage(struct way *way)
{
	uint8_t bytes[TANDEM_CODEC_PAYLOAD_BYTES_MAX + 500];
	for (unsigned round = 0; round < GARBAGE_ROUNDS; round++) {
		uint8_t *good;
		size_t length = send_tone(way, &good);
		memcpy(bytes, good, length);
		switch (round % 3) {
		case 0: /* noise */
			length = round % 2 ? next_random() % 64 : next_random() % sizeof bytes;
			for (size_t i = 0; i < length; i++)
				bytes[i] = next_random();
			break;
		case 1: /* cut off */
			length = next_random() % length;
			break;
		case 2: /* too much of it, and not quite it */
			memset(bytes + length, next_random(), sizeof bytes - length);
			bytes[next_random() % length] ^= 1 << next_random() % 8;
			length += next_random() % (sizeof bytes - length);
		}
		feed(way, bytes, length);
	}
	pause_a_while(way);
	demand_tone(way, SECONDS);
}

static void test_garbage(void **state)
{
	for_every_way(check_garbage, false);
}

static void check_refusals(struct way *way)
{
	const struct tandem_codec *codec = way->codec;
	void *instance = NULL;
	struct tandem_codec_settings wrong = way->settings;
	wrong.pcm_hz = 11025;
	assert_int_equal(codec->encoder_new(&wrong, &instance), -EINVAL);
	assert_int_equal(codec->decoder_new(&wrong, &instance), -EINVAL);
	wrong = way->settings;
	wrong.pcm_channels = codec->pcm_channels_max + 1;
	assert_int_equal(codec->encoder_new(&wrong, &instance), -EINVAL);
	assert_int_equal(codec->decoder_new(&wrong, &instance), -EINVAL);
	assert_null(instance);

	uint8_t *payload;
	size_t length = send_tone(way, &payload);
	int16_t *pcm = guarded_last(&pcm_room, way->n_samples * sizeof *pcm);
	memset(pcm, 1, way->n_samples * sizeof *pcm);
	assert_int_equal(codec->encode(way->encoder, pcm, 0, payload, length), -EINVAL);
	payload = guarded_last(&payload_room, 1);
	int made = codec->encode(way->encoder, pcm, way->n_samples, payload, 1);
	assert_true(made == -ENOBUFS || made == 1); /* Opus makes do with less */
	assert_int_equal(codec->duration(payload, 0), -EBADMSG);
	assert_int_equal(codec->decode(way->decoder, payload, 0, pcm, way->n_samples), -EBADMSG);
	length = send_tone(way, &payload);
	pcm = guarded_last(&pcm_room, (way->n_samples - 1) * sizeof *pcm);
	if (codec->decode(way->decoder, payload, length, pcm, way->n_samples - 1) != -ENOBUFS)
		fail_msg("%s: goes into too little room", way->name);
}

static void test_refusals(void **state)
{
	for_every_way(check_refusals, true);
}

/* Every far end's a=fmtp makes an answer or a refusal, and an encoder and decoder that work. */
static void test_fmtp_garbage(void **state)
{
	static const char *const fmtps[] = {
	    ";;;=;",
	    "mode",
	    "mode=",
	    "mode=\"",
	    "mode-set=",
	    "mode-set=,,,",
	    "mode-set=99999999999999999999",
	    "annexb",
	    "annexa=;",
	    "maxplaybackrate=-1;maxaveragebitrate=99999999999999999999",
	    "stereo=2;cbr=",
	    "octet-align=7;mode-change-period=0;mode-change-neighbor=9",
	    "ptime=0; vbr=perhaps ;cng=\"on\"",
	    "mode=\"any\";mode=3",
	    "x=\x80\xff;y",
	    " mode = 5 ; ",
	    "mode-set=8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8",
	};
	const struct tandem_codec *codec;
	for (size_t i = 0; (codec = plugin_codec_at(registry, i)); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(fmtps); j++) {
			struct guarded text = guarded_new(TANDEM_CODEC_FMTP_BYTES_MAX);
			char *fmtp = guarded_last(&text, strlen(fmtps[j]) + 1);
			memcpy(fmtp, fmtps[j], strlen(fmtps[j]) + 1);
			struct tandem_codec_settings settings = {codec->pcm_rates_hz[0], 1,
								 codec->frame_durations_ms[0], fmtp};
			void *encoder, *decoder;
			assert_int_equal(codec->encoder_new(&settings, &encoder), 0);
			assert_int_equal(codec->decoder_new(&settings, &decoder), 0);
			int16_t pcm[PCM_LAST] = {0};
			uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
			size_t n = settings.pcm_hz * settings.frame_ms / 1000;
			int length = codec->encode(encoder, pcm, n, payload, sizeof payload);
			assert_true(length >= 0);
			/* Silence may be described by less than a frame. */
			if (length > 0 && codec->decode(decoder, payload, length, pcm, n) <= 0)
				fail_msg("%s does not understand itself after \"%s\"", codec->encoding, fmtps[j]);
			codec->encoder_free(encoder);
			codec->decoder_free(decoder);
			char answer[TANDEM_CODEC_FMTP_BYTES_MAX];
			if (codec->negotiate_fmtp) {
				int result = codec->negotiate_fmtp(fmtp, answer, sizeof answer);
				assert_true(result == -ENOTSUP || (result == 0 && strlen(answer) < sizeof answer));
			}
			guarded_free(&text);
		}
}

/* Whatever is told to an encoder in mid-stream, the stream goes on. */
static void check_settings(struct way *way)
{
	const struct tandem_codec *codec = way->codec;
	for (unsigned i = 0; i <= 20; i++) {
		if (codec->encoder_set_loss)
			codec->encoder_set_loss(way->encoder, i * 10);
		if (codec->encoder_set_complexity)
			codec->encoder_set_complexity(way->encoder, i);
		if (codec->encoder_set_request)
			codec->encoder_set_request(way->encoder, i);
		for (unsigned j = 0; j < 5; j++)
			pass_tone(way, NULL);
	}
	if (codec->encoder_set_loss)
		codec->encoder_set_loss(way->encoder, 0);
	if (codec->encoder_set_request)
		codec->encoder_set_request(way->encoder, codec->decoder_request(way->decoder));
	demand_tone(way, SECONDS);
}

static void test_settings(void **state)
{
	for_every_way(check_settings, false);
}

/* A while of sound and loss through new instances; what was sent and heard as one number. */
static gpointer sum_up(gpointer data)
{
	const struct tandem_codec *codec = data;
	struct tandem_codec_settings settings = {codec->pcm_rates_hz[0], 1, codec->frame_durations_ms[0], ""};
	size_t n = settings.pcm_hz * settings.frame_ms / 1000, t = 0;
	int16_t pcm[PCM_LAST];
	uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
	uint32_t sum = 1;
	void *encoder, *decoder;
	if (codec->encoder_new(&settings, &encoder) < 0 || codec->decoder_new(&settings, &decoder) < 0)
		return NULL;
	for (unsigned frame = 0; frame < 60; frame++) {
		for (size_t i = 0; i < n; i++, t++)
			pcm[i] = (int16_t)((t * t / 64 % 2000) + t * 7919 % 501) - 1000;
		int length = codec->encode(encoder, pcm, n, payload, sizeof payload);
		for (int i = 0; i < length; i++)
			sum = sum * 31 + payload[i];
		bool is_lost = length <= 0 || frame % 10 == 9;
		int made = codec->decode(decoder, is_lost ? NULL : payload, is_lost ? 0 : length, pcm, n);
		for (int i = 0; i < made; i++)
			sum = sum * 31 + (uint16_t)pcm[i];
	}
	codec->encoder_free(encoder);
	codec->decoder_free(decoder);
	return GUINT_TO_POINTER(sum);
}

static void test_instances_share_nothing(void **state)
{
	/* Each makes the same of the same sound, alone or beside others in other threads. */
	const struct tandem_codec *codec;
	for (size_t i = 0; (codec = plugin_codec_at(registry, i)); i++) {
		GThread *threads[3];
		gpointer alone = sum_up((gpointer)codec);
		assert_non_null(alone);
		for (size_t j = 0; j < G_N_ELEMENTS(threads); j++)
			threads[j] = g_thread_new(codec->encoding, sum_up, (gpointer)codec);
		for (size_t j = 0; j < G_N_ELEMENTS(threads); j++)
			if (g_thread_join(threads[j]) != alone)
				fail_msg("%s at %u Hz: another thread has something else", codec->encoding,
					 codec->pcm_rates_hz[0]);
	}
}

static void test_all_are_there(void **state)
{
	/* By the summary of configure: each plugin's own codecs. */
	static const struct {
		const char *plugin, *encoding;
		uint32_t clock_hz;
		int payload_type;
	} rows[] = {
	    {"g711", "PCMU", 8000, 0},
	    {"g711", "PCMA", 8000, 8},
	    {"l16", "L16", 8000, -1},
	    {"l16", "L16", 16000, -1},
	    {"l16", "L16", 44100, 11},
	    {"l16", "L16", 48000, -1},
	    {"g722", "G722", 8000, 9},
	    {"g726", "G726-16", 8000, -1},
	    {"g726", "G726-24", 8000, -1},
	    {"g726", "G726-32", 8000, -1},
	    {"g726", "G726-40", 8000, -1},
	    {"g726", "AAL2-G726-16", 8000, -1},
	    {"g726", "AAL2-G726-24", 8000, -1},
	    {"g726", "AAL2-G726-32", 8000, -1},
	    {"g726", "AAL2-G726-40", 8000, -1},
	    {"gsm", "GSM", 8000, 3},
	    {"speex", "speex", 8000, -1},
	    {"speex", "SPEEX", 16000, -1},
	    {"speex", "speex", 32000, -1},
	    {"g729", "G729", 8000, 18},
	    {"amr", "AMR", 8000, -1},
	    {"amr", "AMR-WB", 16000, -1},
	    {"g723", "G723", 8000, 4},
	    {"cn", "CN", 8000, 13},
	    {"cn", "CN", 16000, -1},
	    {"cn", "CN", 32000, -1},
	    {"cn", "CN", 48000, -1},
	};
	g_auto(GStrv) plugins = g_strsplit(TANDEM_CODEC_PLUGINS, " ", -1);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct tandem_codec *codec = plugin_codec_find(registry, rows[i].encoding, rows[i].clock_hz, 1);
		bool is_wanted = g_strv_contains((const char *const *)plugins, rows[i].plugin);
		if (is_wanted != (codec != NULL))
			fail_msg("%s is %s", rows[i].encoding, codec ? "there" : "missing");
		if (codec)
			assert_int_equal(codec->static_payload_type, rows[i].payload_type);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_are_there), cmocka_unit_test(test_tone),
	    cmocka_unit_test(test_loss),	  cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_refusals),	  cmocka_unit_test(test_fmtp_garbage),
	    cmocka_unit_test(test_settings),	  cmocka_unit_test(test_instances_share_nothing),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
