/* Tone, music and delayed echo, heard by a phone. */
#include "../support/media_bench.h"
#include "plugin/plugin.h"
#include <math.h>
#include <string.h>

#define HZ	8000
#define SECONDS 1

struct recording {
	struct bench_phone *phone;
	void *decoder;
	const struct tandem_codec *codec;
	int16_t pcm[HZ * SECONDS + 960];
	size_t n;
	unsigned packets;
	uint16_t sequence;
	uint32_t timestamp;
};

static bool record_some(void *data)
{
	struct recording *recording = data;
	struct rtp_packet packet;
	ssize_t length;

	while (recording->n < HZ * SECONDS) {
		length = recv(recording->phone->descriptor, recording->phone->last, sizeof recording->phone->last,
			      MSG_DONTWAIT);
		if (length < 0)
			return false;
		if (rtp_classify(recording->phone->last, (size_t)length) != RTP_KIND_RTP)
			continue;
		assert_int_equal(rtp_packet_parse(recording->phone->last, (size_t)length, &packet), 0);
		assert_int_equal(packet.payload_type, 0);
		assert_int_equal(packet.payload_bytes, 160);
		assert_int_equal(packet.marker, recording->packets == 0);
		if (recording->packets++ > 0) {
			assert_int_equal(packet.sequence, (uint16_t)(recording->sequence + 1));
			assert_int_equal(packet.timestamp, recording->timestamp + 160);
		}
		recording->sequence = packet.sequence;
		recording->timestamp = packet.timestamp;
		recording->n += (size_t)recording->codec->decode(recording->decoder, packet.payload,
								 packet.payload_bytes, recording->pcm + recording->n,
								 960);
	}
	return true;
}

static void hear(struct bench_call *call, struct recording *recording)
{
	struct tandem_codec_settings settings = {.pcm_hz = HZ, .pcm_channels = 1, .frame_ms = 20, .fmtp = ""};

	memset(recording, 0, sizeof *recording);
	recording->phone = &call->party.phone;
	recording->codec = plugin_codec_find(bench_codecs, "PCMU", 8000, 1);
	assert_non_null(recording->codec);
	assert_int_equal(recording->codec->decoder_new(&settings, &recording->decoder), 0);
	bench_wait(&call->bench, record_some, recording, 5000);
	recording->codec->decoder_free(recording->decoder);
}

static double amplitude_at(const int16_t *pcm, size_t n, double hz)
{
	double re = 0, im = 0;

	for (size_t i = 0; i < n; i++) {
		re += pcm[i] * cos(2 * G_PI * hz * (double)i / HZ);
		im += pcm[i] * sin(2 * G_PI * hz * (double)i / HZ);
	}
	return 2 * sqrt(re * re + im * im) / (double)n;
}

static double rms(const int16_t *pcm, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];
	return sqrt(sum / (double)n);
}

static void test_milliwatt(void **state)
{
	struct bench_call call;
	struct recording recording;
	double peak;

	bench_call_open(&call, MEDIA_BUILTIN_MILLIWATT);
	hear(&call, &recording);
	peak = amplitude_at(recording.pcm, HZ * SECONDS, 1004);
	print_message("peak %.0f, rms %.0f\n", peak, rms(recording.pcm, HZ * SECONDS));
	/* 0 dBm0 within 0.1 dB, and hardly anything beside it. */
	assert_true(fabs(20 * log10(peak / 22302)) < 0.1);
	assert_true(fabs(rms(recording.pcm, HZ * SECONDS) * G_SQRT2 / peak - 1) < 0.01);
	assert_true(amplitude_at(recording.pcm, HZ * SECONDS, 1010) < peak / 50);
	bench_call_close(&call);
}

static void test_music(void **state)
{
	struct bench_call call;
	struct recording recording;

	bench_call_open(&call, MEDIA_BUILTIN_MUSIC);
	hear(&call, &recording);
	assert_true(rms(recording.pcm, HZ * SECONDS) > 300);
	assert_true(rms(recording.pcm, HZ * SECONDS) < 8000);
	bench_call_close(&call);
}

static void test_delayed_echo(void **state)
{
	struct bench_call call;
	int64_t sent_us, wait_us;

	bench_call_open(&call, MEDIA_BUILTIN_DELAYED_ECHO);
	bench_pass(&call.bench, 50);
	sent_us = base_monotonic_us();
	for (int i = 0; i < 10; i++)
		bench_phone_send(&call.party.phone, &call.party.leg->local.rtp, 0);
	bench_pass(&call.bench, 4000);
	assert_int_equal(bench_phone_read(&call.party.phone), 0);
	bench_phone_wait(&call.bench, &call.party.phone, 10);
	wait_us = base_monotonic_us() - sent_us;
	assert_true(wait_us > 4900000 && wait_us < 5500000);
	assert_int_equal(call.party.phone.received, 10);
	bench_call_close(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_milliwatt),
		cmocka_unit_test(test_music),
		cmocka_unit_test(test_delayed_echo),
	};
	return cmocka_run_group_tests(tests, bench_codecs_load, bench_codecs_free);
}
