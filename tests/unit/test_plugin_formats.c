/* What single codecs promise of their payloads: the order of bits and octets, what a payload is refused for, what
 * a=fmtp does. A codec whose plugin was not built is passed over. */
#include "plugin/plugin.h"
#include "../support/guarded.h"
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static struct plugin_registry *registry;

static int set_up(void **state)
{
	if (plugin_registry_new(&registry) < 0)
		return -1;
	return plugin_registry_load_directory(registry, TANDEM_BUILDDIR "/plugins/.libs") >= 3 ? 0 : -1;
}

static int tear_down(void **state)
{
	registry = plugin_registry_free(registry);
	return 0;
}

static const struct tandem_codec *need(const char *encoding, uint32_t clock_hz)
{
	const struct tandem_codec *codec = plugin_codec_find(registry, encoding, clock_hz, 1);
	if (!codec)
		skip();
	return codec;
}

static void *new_encoder(const struct tandem_codec *codec, uint32_t hz, uint16_t ms, const char *fmtp)
{
	struct tandem_codec_settings settings = {.pcm_hz = hz, .pcm_channels = 1, .frame_ms = ms, .fmtp = fmtp};
	void *encoder = NULL;
	assert_int_equal(codec->encoder_new(&settings, &encoder), 0);
	return encoder;
}

static void *new_decoder(const struct tandem_codec *codec, uint32_t hz, uint16_t ms, const char *fmtp)
{
	struct tandem_codec_settings settings = {.pcm_hz = hz, .pcm_channels = 1, .frame_ms = ms, .fmtp = fmtp};
	void *decoder = NULL;
	assert_int_equal(codec->decoder_new(&settings, &decoder), 0);
	return decoder;
}

static void make_tone(int16_t *pcm, size_t n, uint32_t hz, double tone_hz, double amplitude)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = lrint(amplitude * sin(2 * M_PI * tone_hz * i / hz));
}

static double rms(const int16_t *pcm, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];
	return sqrt(sum / n);
}

/* --- L16 --- */

static void test_l16_is_in_network_order(void **state)
{
	const struct tandem_codec *l16 = need("L16", 8000);
	void *encoder = new_encoder(l16, 8000, 20, "");
	const int16_t pcm[] = {0x0102, -2, INT16_MIN};
	uint8_t payload[6];
	assert_int_equal(l16->encode(encoder, pcm, 3, payload, 6), 6);
	assert_memory_equal(payload, "\x01\x02\xff\xfe\x80\x00", 6);
	l16->encoder_free(encoder);
	void *decoder = new_decoder(l16, 8000, 20, "");
	int16_t heard[3];
	assert_int_equal(l16->decode(decoder, payload, 5, heard, 3), -EBADMSG);
	assert_int_equal(l16->decode(decoder, payload, 6, heard, 3), 3);
	assert_memory_equal(heard, pcm, 6);
	l16->decoder_free(decoder);
}

/* --- G.726 --- */

/* Code words of a payload, `bits` wide, from the low or the high end of each octet on. */
static void unpack(const uint8_t *payload, size_t n_words, unsigned bits, bool is_low_first, uint8_t *ret_words)
{
	for (size_t i = 0; i < n_words; i++) {
		ret_words[i] = 0;
		for (unsigned bit = 0; bit < bits; bit++) {
			size_t at = i * bits + bit;
			if (is_low_first)
				ret_words[i] |= (payload[at / 8] >> at % 8 & 1) << bit;
			else
				ret_words[i] |= (payload[at / 8] >> (7 - at % 8) & 1) << (bits - 1 - bit);
		}
	}
}

static void test_g726_bit_orders(void **state)
{
	static const char *const names[] = {"G726-16", "G726-24", "G726-32", "G726-40"};
	static int16_t pcm[160];
	make_tone(pcm, 160, 8000, 700, 9000);
	for (unsigned bits = 2; bits <= 5; bits++) {
		char aal2_name[32];
		g_snprintf(aal2_name, sizeof aal2_name, "AAL2-%s", names[bits - 2]);
		const struct tandem_codec *rfc = need(names[bits - 2], 8000), *aal2 = need(aal2_name, 8000);
		uint8_t a[100], b[100], words_a[160], words_b[160];
		void *encoder = new_encoder(rfc, 8000, 20, "");
		assert_int_equal(rfc->encode(encoder, pcm, 160, a, sizeof a), 20 * bits);
		rfc->encoder_free(encoder);
		encoder = new_encoder(aal2, 8000, 20, "");
		assert_int_equal(aal2->encode(encoder, pcm, 160, b, sizeof b), 20 * bits);
		aal2->encoder_free(encoder);
		unpack(a, 160, bits, true, words_a);
		unpack(b, 160, bits, false, words_b);
		assert_memory_equal(words_a, words_b, 160);
		assert_memory_not_equal(a, b, 20 * bits);
		assert_int_equal(rfc->bits_per_second, bits * 8000);
	}
}

static void test_g726_keeps_in_step_after_an_odd_payload(void **state)
{
	/* Five octets are one sample too many for 3 bits: the sample that is cut must not shift what follows. */
	const struct tandem_codec *codec = need("G726-24", 8000);
	static int16_t pcm[1600], heard[1600];
	make_tone(pcm, 1600, 8000, 440, 8000);
	void *encoder = new_encoder(codec, 8000, 20, ""), *decoder = new_decoder(codec, 8000, 20, "");
	uint8_t payload[60] = {0};
	assert_int_equal(codec->duration(payload, 2), -EBADMSG);
	assert_int_equal(codec->duration(payload, 5), 8);
	assert_int_equal(codec->decode(decoder, payload, 5, heard, 160), 8);
	for (size_t at = 0; at < 1600; at += 160) {
		assert_int_equal(codec->encode(encoder, pcm + at, 160, payload, 60), 60);
		assert_int_equal(codec->decode(decoder, payload, 60, heard + at, 160), 160);
	}
	double level = rms(heard + 800, 800);
	assert_true(level > 5000 && level < 6300);
	codec->encoder_free(encoder);
	codec->decoder_free(decoder);
}

/* --- G.722 --- */

static void test_g722_narrow_and_wide_understand_each_other(void **state)
{
	const struct tandem_codec *codec = need("G722", 8000);
	static const uint32_t rates[] = {8000, 16000};
	for (int way = 0; way < 2; way++) {
		uint32_t from_hz = rates[way], to_hz = rates[1 - way];
		size_t n_from = from_hz / 50, n_to = to_hz / 50;
		static int16_t pcm[16000], heard[16000];
		make_tone(pcm, from_hz, from_hz, 440, 8000);
		void *encoder = new_encoder(codec, from_hz, 20, ""), *decoder = new_decoder(codec, to_hz, 20, "");
		for (size_t i = 0; i < 50; i++) {
			uint8_t payload[160];
			assert_int_equal(codec->encode(encoder, pcm + i * n_from, n_from, payload, 160), 160);
			assert_int_equal(codec->decode(decoder, payload, 160, heard + i * n_to, n_to), n_to);
		}
		double level_db = 20 * log10(rms(heard + to_hz / 2, to_hz / 2) * sqrt(2) / 8000);
		if (fabs(level_db) > 1)
			fail_msg("%u to %u Hz: %+.2f dB", from_hz, to_hz, level_db);
		codec->encoder_free(encoder);
		codec->decoder_free(decoder);
	}
}

/* --- GSM --- */

static void test_gsm_knows_its_frames(void **state)
{
	const struct tandem_codec *gsm = need("GSM", 8000);
	uint8_t payload[7 * 33] = {0};
	for (size_t i = 0; i < 7; i++)
		payload[33 * i] = 0xd0;
	assert_int_equal(gsm->duration(payload, 33), 160);
	assert_int_equal(gsm->duration(payload, 6 * 33), 960);
	assert_int_equal(gsm->duration(payload, 7 * 33), -EBADMSG);
	assert_int_equal(gsm->duration(payload, 32), -EBADMSG);
	payload[33] = 0xc0;
	assert_int_equal(gsm->duration(payload, 66), -EBADMSG);
}

/* --- Speex --- */

static void test_speex_counts_frames(void **state)
{
	const struct tandem_codec *narrow = need("speex", 8000), *wide = need("speex", 16000);
	/* Silence (mode 0) is five bits; then the terminator: 00000 00000 01111, filled up with 0 and ones. */
	assert_int_equal(narrow->duration((const uint8_t[]){0x00, 0x1e}, 2), 320);
	assert_int_equal(wide->duration((const uint8_t[]){0x00, 0x1e}, 2), 640);
	/* No frame, but signalling, then the terminator. */
	assert_int_equal(narrow->duration((const uint8_t[]){0x70, 0x1f}, 2), -EBADMSG);
	/* A mode there is not (9), and a frame of mode 1 (43 bits) that is cut off. */
	assert_int_equal(narrow->duration((const uint8_t[]){0x48, 0, 0, 0, 0, 0, 0, 0}, 8), -EBADMSG);
	assert_int_equal(narrow->duration((const uint8_t[]){0x08, 0, 0, 0, 0}, 5), -EBADMSG);
	/* Signalling before the frame: mode 14, code 1, one bit, then mode 0: 01110 0001 0 00000 0. */
	assert_int_equal(narrow->duration((const uint8_t[]){0x70, 0x80}, 2), 160);
	/* An octet of somebody's own before it: mode 13, of size 1; and one that does not end. */
	assert_int_equal(narrow->duration((const uint8_t[]){0x68, 0x80, 0x00, 0x0f}, 4), 160);
	assert_int_equal(narrow->duration((const uint8_t[]){0x69, 0x80, 0x00, 0x0f}, 4), -EBADMSG);
	/* Four bits are enough for what wideband adds, and here they are wrong. */
	assert_int_equal(wide->duration((const uint8_t[]){0x00, 0x00, 0x0d}, 3), -EBADMSG);
	/* Wideband adds to a frame, and what is wider still once more, then in mode 0 or 1 only. */
	const struct tandem_codec *widest = need("speex", 32000);
	static const uint8_t one[] = {0x04, 0x3c}, two[] = {0x04, 0x43, 0xc0}, three[] = {0x04, 0x44, 0x00};
	static const uint8_t wrong_mode[20] = {0x04, 0x50}, none_before[] = {0x80, 0x3c};
	assert_int_equal(narrow->duration(one, 2), -EBADMSG);
	assert_int_equal(wide->duration(one, 2), 320);
	assert_int_equal(widest->duration(one, 2), 640);
	assert_int_equal(wide->duration(two, 3), -EBADMSG);
	assert_int_equal(widest->duration(two, 3), 640);
	assert_int_equal(widest->duration(three, 3), -EBADMSG);
	assert_int_equal(widest->duration(wrong_mode, 20), -EBADMSG);
	assert_int_equal(widest->duration(none_before, 2), -EBADMSG);
	/* Seven frames are longer than any packet. */
	assert_int_equal(narrow->duration((const uint8_t[]){0, 0, 0, 0, 0}, 5), -EBADMSG);
}

static size_t encoded_bytes(const struct tandem_codec *codec, uint32_t hz, const char *fmtp, bool is_silent)
{
	static int16_t pcm[16000];
	size_t n = hz / 50, sum = 0;
	make_tone(pcm, hz, hz, 440, is_silent ? 0 : 8000);
	for (size_t i = 0; !is_silent && i < hz; i++)
		pcm[i] += (int)(i * 7919 % 3001) - 1500;
	void *encoder = new_encoder(codec, hz, 20, fmtp);
	for (size_t i = 0; i < 50; i++) {
		uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
		int length = codec->encode(encoder, pcm + i * n, n, payload, sizeof payload);
		assert_in_range(length, 0, sizeof payload);
		sum += length;
	}
	codec->encoder_free(encoder);
	return sum;
}

static void test_speex_obeys_fmtp(void **state)
{
	const struct tandem_codec *speex = need("speex", 8000);
	assert_int_equal(encoded_bytes(speex, 8000, "", false), 50 * 38); /* mode 5 */
	assert_int_equal(encoded_bytes(speex, 8000, "mode=\"3,any\"", false),
			 50 * 20); /* 160 bits and what ends them */
	assert_int_equal(encoded_bytes(speex, 8000, "mode=any", false), 50 * 38);
	assert_true(encoded_bytes(speex, 8000, "vbr=vad", true) < 50 * 10);
	assert_true(encoded_bytes(speex, 8000, "vbr=on", true) < 50 * 20);
}

/* --- G.729 --- */

static void test_g729_annex_b(void **state)
{
	const struct tandem_codec *g729 = need("G729", 8000);
	char answer[TANDEM_CODEC_FMTP_BYTES_MAX];
	static const char *const rows[][2] = {
	    {"", "annexb=yes"},
	    {"annexb=yes", "annexb=yes"},
	    {"AnnexB=NO", "annexb=no"},
	    {" annexb = no ;x", "annexb=no"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		assert_int_equal(g729->negotiate_fmtp(rows[i][0], answer, sizeof answer), 0);
		assert_string_equal(answer, rows[i][1]);
	}
	/* Nothing is sent in a pause but a description of it now and then; with annexb=no every frame is. */
	assert_true(encoded_bytes(g729, 8000, "annexb=yes", true) < 50 * 10);
	assert_int_equal(encoded_bytes(g729, 8000, "annexb=no", true), 50 * 20);

	static const struct {
		size_t length;
		int ticks;
	} lengths[] = {{10, 80},	{20, 160},	 {2, 80},	{12, 160},	{120, 960},
		       {122, -EBADMSG}, {130, -EBADMSG}, {1, -EBADMSG}, {11, -EBADMSG}, {13, -EBADMSG}};
	uint8_t payload[130] = {0};
	for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++)
		assert_int_equal(g729->duration(payload, lengths[i].length), lengths[i].ticks);
}

/* Speech, then noise through a codec with discontinuous transmission: what is heard in the pause is noise of its level,
 * for as long as it lasts, and fewer packets are sent. */
static void check_pause(const struct tandem_codec *codec, uint32_t hz)
{
	size_t n = hz / 50, n_sent = 0, n_pause = 0;
	void *encoder = new_encoder(codec, hz, 20, ""), *decoder = new_decoder(codec, hz, 20, "");
	uint32_t random = 1;
	double noise = 0, heard_noise = 0;
	for (size_t i = 0; i < 300; i++) {
		int16_t pcm[320], heard[320];
		for (size_t j = 0; j < n; j++) {
			random = random * 1664525 + 1013904223;
			pcm[j] = (int)(random >> 22) / 2 - 256;
		}
		bool is_speech = i < 50;
		for (size_t j = 0; is_speech && j < n; j++) /* a buzz, swelling */
			pcm[j] +=
			    lrint((3000 + 2500 * sin((i * n + j) * 20. / hz)) *
				  (sin(2 * M_PI * 140 * (i * n + j) / hz) + sin(2 * M_PI * 700 * (i * n + j) / hz)));
		uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
		int length = codec->encode(encoder, pcm, n, payload, sizeof payload);
		assert_in_range(length, 0, sizeof payload);
		size_t at = 0;
		if (length) {
			int made = codec->decode(decoder, payload, length, heard, n);
			assert_true(made > 0);
			at = (size_t)made;
		}
		if (at < n)
			assert_int_equal(codec->decode(decoder, NULL, 0, heard + at, n - at), n - at);
		if (i >= 200) {
			n_pause++;
			n_sent += length > 0;
			noise += rms(pcm, n);
			heard_noise += rms(heard, n);
		}
	}
	codec->encoder_free(encoder);
	codec->decoder_free(decoder);
	if (n_sent > n_pause / 2)
		fail_msg("%s: %zu of %zu packets are sent in a pause", codec->encoding, n_sent, n_pause);
	if (heard_noise < noise / 5 || heard_noise > noise * 2)
		fail_msg("%s: the pause sounds with %.0f of %.0f", codec->encoding, heard_noise, noise);
}

static void test_g729_pause(void **state)
{
	check_pause(need("G729", 8000), 8000);
}

/* --- AMR --- */

static void test_amr_pause(void **state)
{
	check_pause(need("AMR", 8000), 8000);
	check_pause(need("AMR-WB", 16000), 16000);
}

static void test_amr_layouts(void **state)
{
	/* By RFC 4867, sections 4.3 and 4.4: octets of a payload for each mode, one frame and three. */
	static const struct {
		const char *encoding;
		uint32_t hz;
		unsigned n_modes;
		uint16_t bits[9];
	} kinds[] = {
	    {"AMR", 8000, 8, {95, 103, 118, 134, 148, 159, 204, 244}},
	    {"AMR-WB", 16000, 9, {132, 177, 253, 285, 317, 365, 397, 461, 477}},
	};
	for (size_t k = 0; k < 2; k++)
		for (unsigned mode = 0; mode < kinds[k].n_modes; mode++)
			for (unsigned n_frames = 1; n_frames <= 3; n_frames += 2)
				for (unsigned aligned = 0; aligned <= 1; aligned++) {
					const struct tandem_codec *codec = need(kinds[k].encoding, kinds[k].hz);
					char fmtp[64];
					g_snprintf(fmtp, sizeof fmtp, "mode-set=%u; octet-align=%u", mode, aligned);
					size_t n = kinds[k].hz / 50 * n_frames;
					static int16_t pcm[960];
					make_tone(pcm, n, kinds[k].hz, 300, 9000);
					void *encoder = new_encoder(codec, kinds[k].hz, 20 * n_frames, fmtp);
					void *decoder = new_decoder(codec, kinds[k].hz, 20 * n_frames, fmtp);
					uint8_t payload[256];
					size_t wanted = aligned ? 1 + n_frames * (1 + (kinds[k].bits[mode] + 7) / 8)
								: (4 + n_frames * (6 + kinds[k].bits[mode]) + 7) / 8;
					assert_int_equal(codec->encode(encoder, pcm, n, payload, sizeof payload),
							 wanted);
					assert_int_equal(payload[0] >> 4, 15); /* we ask for no mode */
					unsigned type =
					    aligned ? payload[1] >> 3 & 15 : (payload[0] & 7) << 1 | payload[1] >> 7;
					assert_int_equal(type, mode);
					assert_int_equal(codec->duration(payload, wanted), n);
					assert_int_equal(codec->decode(decoder, payload, wanted, pcm, n), n);
					codec->decoder_free(decoder);
					/* Who expects the other layout understands it all the same. */
					decoder = new_decoder(codec, kinds[k].hz, 20, aligned ? "" : "octet-align=1");
					assert_int_equal(codec->decode(decoder, payload, wanted, pcm, n), n);
					codec->decoder_free(decoder);
					codec->encoder_free(encoder);
				}
}

static unsigned next_mode(const struct tandem_codec *amr, void *encoder)
{
	static int16_t pcm[160];
	uint8_t payload[64];
	make_tone(pcm, 160, 8000, 300, 9000);
	assert_true(amr->encode(encoder, pcm, 160, payload, sizeof payload) > 2);
	return payload[1] >> 3 & 15;
}

static void test_amr_requests_are_obeyed(void **state)
{
	const struct tandem_codec *amr = need("AMR", 8000);
	/* What the far end asks for goes from our decoder to our encoder. */
	static const uint8_t no_data[] = {0x20, 0x7c}; /* mode 2 wanted; no speech in it */
	int16_t pcm[160];
	void *decoder = new_decoder(amr, 8000, 20, "octet-align=1");
	assert_int_equal(amr->decoder_request(decoder), 0);
	assert_int_equal(amr->decode(decoder, no_data, 2, pcm, 160), 160);
	unsigned request = amr->decoder_request(decoder);
	assert_int_not_equal(request, 0);
	assert_int_equal(amr->decode(decoder, (const uint8_t[]){0xd0, 0x7c}, 2, pcm, 160), 160);
	assert_int_equal(amr->decoder_request(decoder), request); /* 13 is no mode */

	void *encoder = new_encoder(amr, 8000, 20, "octet-align=1");
	assert_int_equal(next_mode(amr, encoder), 7);
	amr->encoder_set_request(encoder, request);
	assert_int_equal(next_mode(amr, encoder), 2);
	amr->encoder_free(encoder);

	/* Never a mode outside the set: the highest below what is asked for, or else the lowest. */
	encoder = new_encoder(amr, 8000, 20, "mode-set=0,1,4,5;octet-align=1");
	assert_int_equal(next_mode(amr, encoder), 5);
	amr->encoder_set_request(encoder, request);
	assert_int_equal(next_mode(amr, encoder), 1);
	amr->encoder_free(encoder);
	encoder = new_encoder(amr, 8000, 20, "octet-align=1;mode-set=\"3,6\"");
	amr->encoder_set_request(encoder, request);
	assert_int_equal(next_mode(amr, encoder), 3);

	/* No request any more: as at the begin. */
	assert_int_equal(amr->decode(decoder, (const uint8_t[]){0xf0, 0x7c}, 2, pcm, 160), 160);
	amr->encoder_set_request(encoder, amr->decoder_request(decoder));
	assert_int_equal(next_mode(amr, encoder), 6);
	amr->encoder_free(encoder);
	amr->decoder_free(decoder);

	/* To a neighbour only, and at every other frame. */
	encoder =
	    new_encoder(amr, 8000, 20, "octet-align=1;mode-set=1,3,7;mode-change-period=2;mode-change-neighbor=1");
	amr->encoder_set_request(encoder, 1);
	static const unsigned expected[] = {3, 3, 1, 1, 1};
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
		assert_int_equal(next_mode(amr, encoder), expected[i]);
	amr->encoder_free(encoder);
}

static void test_amr_negotiation(void **state)
{
	const struct tandem_codec *amr = need("AMR", 8000), *wide = need("AMR-WB", 16000);
	char answer[TANDEM_CODEC_FMTP_BYTES_MAX];
	static const struct {
		const char *offered, *narrow, *wide; /* NULL: refused */
	} rows[] = {
	    {"", "mode-change-capability=2", "mode-change-capability=2"},
	    {"octet-align=1", "octet-align=1;mode-change-capability=2", "octet-align=1;mode-change-capability=2"},
	    {"mode-set=0,2,8; octet-align=0", "mode-change-capability=2;mode-set=0,2",
	     "mode-change-capability=2;mode-set=0,2,8"},
	    {"mode-set=7,4,7", "mode-change-capability=2;mode-set=4,7", "mode-change-capability=2;mode-set=4,7"},
	    {"octet-align=1;crc=1", NULL, NULL},
	    {"octet-align=1;robust-sorting=1", NULL, NULL},
	    {"octet-align=1;interleaving=4", NULL, NULL},
	    {"channels=2", NULL, NULL},
	    {"crc=0;robust-sorting=0;channels=1", "mode-change-capability=2", "mode-change-capability=2"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		assert_int_equal(amr->negotiate_fmtp(rows[i].offered, answer, sizeof answer),
				 rows[i].narrow ? 0 : -ENOTSUP);
		if (rows[i].narrow)
			assert_string_equal(answer, rows[i].narrow);
		assert_int_equal(wide->negotiate_fmtp(rows[i].offered, answer, sizeof answer),
				 rows[i].wide ? 0 : -ENOTSUP);
		if (rows[i].wide)
			assert_string_equal(answer, rows[i].wide);
	}
}

/* --- G.723.1 --- */

static void test_g723_frames(void **state)
{
	const struct tandem_codec *g723 = need("G723", 8000);
	uint8_t payload[5 * 24] = {0};
	static const struct {
		uint8_t first;
		size_t length;
		int ticks;
	} rows[] = {{0, 24, 240},      {1, 20, 240}, {2, 4, 240},  {3, 1, 240},	      {0, 23, -EBADMSG},
		    {1, 24, -EBADMSG}, {0, 48, 480}, {0, 96, 960}, {0, 120, -EBADMSG}};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		payload[0] = rows[i].first;
		assert_int_equal(g723->duration(payload, rows[i].length), rows[i].ticks);
	}
	char answer[TANDEM_CODEC_FMTP_BYTES_MAX];
	assert_int_equal(g723->negotiate_fmtp("annexa=no", answer, sizeof answer), 0);
	assert_string_equal(answer, "annexa=no");
	assert_int_equal(g723->negotiate_fmtp("", answer, sizeof answer), 0);
	assert_string_equal(answer, "annexa=yes");
	/* Noise that was described goes on while nothing comes. */
	void *decoder = new_decoder(g723, 8000, 30, "");
	int16_t pcm[480];
	const uint8_t described[] = {2, 0x55, 0x55, 0x15};
	assert_int_equal(g723->decode(decoder, described, 4, pcm, 240), 240);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(g723->decode(decoder, NULL, 0, pcm, 400), 240);
	double level = rms(pcm, 240);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(g723->decode(decoder, NULL, 0, pcm, 480), 480);
	if (level < 1 || rms(pcm, 480) < level / 2 || rms(pcm, 480) > level * 2)
		fail_msg("noise of %.1f has become %.1f", level, rms(pcm, 480));
	g723->decoder_free(decoder);
}

/* --- comfort noise --- */

/* The mean of the squares of differences of neighbours, which is large in high noise and small in low noise. */
static double roughness(const int16_t *pcm, size_t n)
{
	double sum = 0;
	for (size_t i = 1; i < n; i++)
		sum += pow(pcm[i] - pcm[i - 1], 2);
	return sqrt(sum / n) / rms(pcm, n);
}

static void test_comfort_noise(void **state)
{
	const struct tandem_codec *cn = need("CN", 8000);
	assert_int_equal(cn->flags, TANDEM_CODEC_COMFORT_NOISE);
	static int16_t pcm[960], heard[8000];
	void *encoder = new_encoder(cn, 8000, 20, "");
	for (int color = -8; color <= 8; color += 4) {
		uint32_t random = 7;
		double last = 0;
		for (size_t i = 0; i < 960; i++) {
			random = random * 1664525 + 1013904223;
			last = color / 10.0 * last + ((double)random / UINT32_MAX - 0.5) * 1000;
			pcm[i] = lrint(last);
		}
		uint8_t payload[16];
		int length = cn->encode(encoder, pcm, 960, payload, sizeof payload);
		assert_int_equal(length, 11);
		assert_int_equal(cn->duration(payload, length), 0);
		void *decoder = new_decoder(cn, 8000, 20, "");
		assert_int_equal(cn->decode(decoder, payload, length, heard, 160), 160);
		assert_int_equal(cn->decode(decoder, NULL, 0, heard, 8000), 8000); /* goes on without end */
		double error_db = 20 * log10(rms(heard, 8000) / rms(pcm, 960));
		double rough = roughness(heard, 8000) / roughness(pcm, 960);
		if (fabs(error_db) > 1.5 || rough < 0.85 || rough > 1.15)
			fail_msg("color %d: %+.2f dB, roughness %.2f times", color, error_db, rough);
		/* A level alone: white noise of 30 dB below the loudest. */
		assert_int_equal(cn->decode(decoder, (const uint8_t[]){30}, 1, heard, 8000), 8000);
		assert_true(fabs(20 * log10(rms(heard + 160, 7840) / 32767) + 30) < 0.5);
		cn->decoder_free(decoder);
	}
	uint8_t payload[16];
	memset(pcm, 0, sizeof pcm);
	assert_int_equal(cn->encode(encoder, pcm, 160, payload, sizeof payload), 11);
	assert_int_equal(payload[0], 127);
	assert_int_equal(cn->encode(encoder, pcm, 160, payload, 10), -ENOBUFS);
	assert_int_equal(cn->duration(payload, 0), -EBADMSG);
	cn->encoder_free(encoder);
	/* Before anything is described there is silence; and nothing a payload says lets the noise run away. */
	void *decoder = new_decoder(cn, 8000, 20, "");
	assert_int_equal(cn->decode(decoder, NULL, 0, heard, 8000), 8000);
	assert_true(rms(heard, 8000) == 0);
	uint8_t wild[11] = {40, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255};
	for (int i = 0; i < 10; i++)
		assert_int_equal(cn->decode(decoder, wild, sizeof wild, heard, 8000), 8000);
	assert_true(rms(heard, 8000) < 3 * 328);
	cn->decoder_free(decoder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_l16_is_in_network_order),
	    cmocka_unit_test(test_g726_bit_orders),
	    cmocka_unit_test(test_g726_keeps_in_step_after_an_odd_payload),
	    cmocka_unit_test(test_g722_narrow_and_wide_understand_each_other),
	    cmocka_unit_test(test_gsm_knows_its_frames),
	    cmocka_unit_test(test_speex_counts_frames),
	    cmocka_unit_test(test_speex_obeys_fmtp),
	    cmocka_unit_test(test_g729_annex_b),
	    cmocka_unit_test(test_g729_pause),
	    cmocka_unit_test(test_amr_pause),
	    cmocka_unit_test(test_amr_layouts),
	    cmocka_unit_test(test_amr_requests_are_obeyed),
	    cmocka_unit_test(test_amr_negotiation),
	    cmocka_unit_test(test_g723_frames),
	    cmocka_unit_test(test_comfort_noise),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
