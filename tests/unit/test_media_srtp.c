/* SRTP as a whole: both backends side by side, byte for byte and verdict for verdict, and what each promises alone. */
#include "media/srtp_backend.h"
#include "rtp/packet.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PACKET_MAX 512

static const struct media_srtp_backend *const backends[] = {&media_srtp_openssl, &media_srtp_libsrtp2};
enum { OWN, LIB, BACKENDS };

struct sides {
	enum media_srtp_profile profile;
	struct media_srtp *send[BACKENDS], *receive[BACKENDS];
};

struct packet {
	size_t length;
	uint8_t data[PACKET_MAX];
};

static struct media_srtp *context(const struct media_srtp_backend *backend, enum media_srtp_profile profile,
				  enum media_srtp_direction direction)
{
	uint8_t key[MEDIA_SRTP_KEY_BYTES_MAX];
	struct media_srtp *srtp = NULL;
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(i * 7 + 1);
	size_t bytes = media_srtp_key_bytes(profile) + media_srtp_salt_bytes(profile);
	assert_int_equal(media_srtp_new_with(backend, profile, key, bytes, direction, &srtp), 0);
	return srtp;
}

static void sides_open(struct sides *sides, enum media_srtp_profile profile)
{
	sides->profile = profile;
	for (int i = 0; i < BACKENDS; i++) {
		sides->send[i] = context(backends[i], profile, MEDIA_SRTP_SEND);
		sides->receive[i] = context(backends[i], profile, MEDIA_SRTP_RECEIVE);
	}
}

static void sides_close(struct sides *sides)
{
	for (int i = 0; i < BACKENDS; i++) {
		media_srtp_free(sides->send[i]);
		media_srtp_free(sides->receive[i]);
	}
}

static struct packet rtp(uint32_t ssrc, uint16_t sequence, size_t payload_bytes)
{
	struct packet packet = {.length = RTP_HEADER_BYTES + payload_bytes};
	memset(packet.data, 0x5a, sizeof packet.data);
	packet.data[0] = 0x80;
	packet.data[1] = 96;
	rtp_put_u16(packet.data + 2, sequence);
	rtp_put_u32(packet.data + 4, 160u * sequence);
	rtp_put_u32(packet.data + 8, ssrc);
	return packet;
}

static struct packet rtcp(uint32_t ssrc, size_t length)
{
	struct packet packet = {.length = length};
	memset(packet.data, 0xc3, sizeof packet.data);
	packet.data[0] = 0x80;
	packet.data[1] = 201;
	rtp_put_u16(packet.data + 2, (uint16_t)(length / 4 - 1));
	rtp_put_u32(packet.data + 4, ssrc);
	return packet;
}

/* Both senders must do the same; *packet becomes the protected one. */
static int protect(struct sides *sides, struct packet *packet, bool is_rtcp)
{
	struct packet out[BACKENDS] = {*packet, *packet};
	int r[BACKENDS];
	for (int i = 0; i < BACKENDS; i++)
		r[i] = is_rtcp ? media_srtp_protect_rtcp(sides->send[i], out[i].data, &out[i].length, PACKET_MAX)
			       : media_srtp_protect(sides->send[i], out[i].data, &out[i].length, PACKET_MAX);
	assert_int_equal(r[OWN], r[LIB]);
	if (r[OWN] == 0) {
		assert_int_equal(out[OWN].length, out[LIB].length);
		assert_memory_equal(out[OWN].data, out[LIB].data, out[OWN].length);
		*packet = out[OWN];
	}
	return r[OWN];
}

static int unprotect(struct sides *sides, struct packet *packet, bool is_rtcp)
{
	struct packet out[BACKENDS] = {*packet, *packet};
	int r[BACKENDS];
	for (int i = 0; i < BACKENDS; i++)
		r[i] = is_rtcp ? media_srtp_unprotect_rtcp(sides->receive[i], out[i].data, &out[i].length)
			       : media_srtp_unprotect(sides->receive[i], out[i].data, &out[i].length);
	assert_int_equal(r[OWN], r[LIB]);
	if (r[OWN] == 0) {
		assert_int_equal(out[OWN].length, out[LIB].length);
		assert_memory_equal(out[OWN].data, out[LIB].data, out[OWN].length);
		*packet = out[OWN];
	}
	return r[OWN];
}

static void assert_passes(struct sides *sides, const struct packet *plain, bool is_rtcp)
{
	struct packet packet = *plain;
	assert_int_equal(protect(sides, &packet, is_rtcp), 0);
	assert_int_equal(unprotect(sides, &packet, is_rtcp), 0);
	assert_int_equal(packet.length, plain->length);
	assert_memory_equal(packet.data, plain->data, plain->length);
}

static void assert_same_state(const struct media_srtp_state *a, const struct media_srtp_state *b)
{
	assert_int_equal(a->n_streams, b->n_streams);
	for (size_t i = 0; i < a->n_streams; i++) {
		assert_int_equal(a->streams[i].ssrc, b->streams[i].ssrc);
		assert_int_equal(a->streams[i].has_rtp, b->streams[i].has_rtp);
		assert_int_equal(a->streams[i].rtp_index, b->streams[i].rtp_index);
		assert_int_equal(a->streams[i].has_rtcp, b->streams[i].has_rtcp);
		assert_int_equal(a->streams[i].rtcp_index, b->streams[i].rtcp_index);
	}
}

typedef void scenario(struct sides *sides);

static void with_every_profile(scenario *run)
{
	for (unsigned profile = 0; profile < MEDIA_SRTP_PROFILES; profile++) {
		struct sides sides;
		sides_open(&sides, (enum media_srtp_profile)profile);
		run(&sides);
		sides_close(&sides);
	}
}

static void run_lengths(struct sides *sides)
{
	for (uint16_t n = 0; n < 100; n++) {
		struct packet packet = rtp(0xcafebabe, n, n * 3);
		assert_passes(sides, &packet, false);
	}
	struct packet extended = rtp(0xcafebabe, 100, 60);
	extended.data[0] = 0x92; /* two CSRCs, an extension of three words */
	rtp_put_u16(extended.data + 20, RTP_EXTENSION_ONE_BYTE);
	rtp_put_u16(extended.data + 22, 3);
	assert_passes(sides, &extended, false);
	for (size_t n = 8; n < 200; n += 4) {
		struct packet packet = rtcp(0xcafebabe, n);
		assert_passes(sides, &packet, true);
	}
}

static void test_lengths(void **state)
{
	with_every_profile(run_lengths);
}

static void run_rollover(struct sides *sides)
{
	uint32_t n = 0;
	/* three times around, in steps, on two SSRCs with different starts */
	for (; n < 3 * 65536; n += 997) {
		struct packet a = rtp(1, (uint16_t)n, 20), b = rtp(2, (uint16_t)(n + 30000), 20);
		assert_passes(sides, &a, false);
		assert_passes(sides, &b, false);
	}
	struct media_srtp_state mine, theirs;
	media_srtp_export(sides->receive[OWN], &mine);
	media_srtp_export(sides->receive[LIB], &theirs);
	assert_int_equal(mine.n_streams, 2);
	assert_same_state(&mine, &theirs);
	assert_int_equal(mine.streams[0].rtp_index, n - 997);
	assert_int_equal(mine.streams[1].rtp_index, n - 997 + 30000);
}

static void test_rollover(void **state)
{
	with_every_profile(run_rollover);
}

static void run_reordering(struct sides *sides)
{
	/* a block across the wrap, delivered backwards and then once more */
	enum { N = 40 };
	static struct packet sent[N];
	struct packet first = rtp(7, 65000, 20);
	assert_passes(sides, &first, false);
	for (int i = 0; i < N; i++) {
		sent[i] = rtp(7, (uint16_t)(65536 - N / 2 + i), 20);
		assert_int_equal(protect(sides, &sent[i], false), 0);
	}
	for (int i = N - 1; i >= 0; i--) {
		struct packet packet = sent[i];
		assert_int_equal(unprotect(sides, &packet, false), 0);
		assert_int_equal(rtp_get_u16(packet.data + 2), (uint16_t)(65536 - N / 2 + i));
	}
	for (int i = 0; i < N; i++) {
		struct packet packet = sent[i];
		assert_int_equal(unprotect(sides, &packet, false), -EALREADY);
	}
	/* sending the same number again would use the key stream twice */
	struct packet again = rtp(7, 65536 - N / 2, 20);
	assert_int_equal(protect(sides, &again, false), -EALREADY);
}

static void test_reordering(void **state)
{
	with_every_profile(run_reordering);
}

static void run_window(struct sides *sides)
{
	struct packet old = rtp(7, 100, 20), edge = rtp(7, 101, 20);
	assert_int_equal(protect(sides, &old, false), 0);
	assert_int_equal(protect(sides, &edge, false), 0);
	struct packet ahead = rtp(7, 100 + MEDIA_SRTP_WINDOW, 20);
	assert_passes(sides, &ahead, false);
	assert_int_equal(unprotect(sides, &old, false), -EALREADY); /* just out of it */
	assert_int_equal(unprotect(sides, &edge, false), 0);	    /* the last one in it */

	struct packet reports[MEDIA_SRTCP_WINDOW + 1];
	for (int i = 0; i <= MEDIA_SRTCP_WINDOW; i++) {
		reports[i] = rtcp(7, 28);
		assert_int_equal(protect(sides, &reports[i], true), 0);
	}
	struct packet copy = reports[MEDIA_SRTCP_WINDOW];
	assert_int_equal(unprotect(sides, &copy, true), 0);
	copy = reports[0];
	assert_int_equal(unprotect(sides, &copy, true), -EALREADY);
	copy = reports[1];
	assert_int_equal(unprotect(sides, &copy, true), 0);
	copy = reports[1];
	assert_int_equal(unprotect(sides, &copy, true), -EALREADY);
}

static void test_window(void **state)
{
	with_every_profile(run_window);
}

static void run_tampering(struct sides *sides)
{
	struct packet sent = rtp(7, 1, 40), report = rtcp(7, 32);
	assert_int_equal(protect(sides, &sent, false), 0);
	assert_int_equal(protect(sides, &report, true), 0);
	for (size_t i = 0; i < sent.length; i++) {
		struct packet packet = sent;
		packet.data[i] ^= 1;
		assert_true(unprotect(sides, &packet, false) < 0);
	}
	for (size_t i = 0; i < report.length; i++) {
		struct packet packet = report;
		packet.data[i] ^= i == 0 ? 1 : 0x80;
		assert_true(unprotect(sides, &packet, true) < 0);
	}
	/* nothing was learned from any of them */
	struct media_srtp_state state;
	media_srtp_export(sides->receive[OWN], &state);
	assert_int_equal(state.n_streams, 0);
	assert_int_equal(unprotect(sides, &sent, false), 0);
	assert_int_equal(unprotect(sides, &report, true), 0);
}

static void test_tampering(void **state)
{
	with_every_profile(run_tampering);
}

static void run_streams(struct sides *sides)
{
	for (uint32_t i = 0; i < MEDIA_SRTP_STREAMS_MAX; i++) {
		struct packet packet = rtp(1000 + i, 1, 20), report = rtcp(1000 + i, 28);
		assert_passes(sides, &packet, false);
		assert_passes(sides, &report, true);
	}
	struct packet packet = rtp(1, 1, 20), report = rtcp(1, 28);
	assert_int_equal(protect(sides, &packet, false), -ENOSPC);
	assert_int_equal(protect(sides, &report, true), -ENOSPC);
	assert_int_equal(unprotect(sides, &packet, false), -ENOSPC);
	for (uint32_t i = 0; i < MEDIA_SRTP_STREAMS_MAX; i++) {
		packet = rtp(1000 + i, 2, 20);
		assert_passes(sides, &packet, false);
	}
}

static void test_streams(void **state)
{
	with_every_profile(run_streams);
}

static void run_malformed(struct sides *sides)
{
	for (size_t length = 0; length < RTP_HEADER_BYTES + 20; length++) {
		struct packet packet = rtp(7, 1, 20), report = rtcp(7, 28);
		packet.length = report.length = length;
		assert_true(unprotect(sides, &packet, false) < 0);
		assert_true(unprotect(sides, &report, true) < 0);
		if (length < RTP_HEADER_BYTES)
			assert_int_equal(protect(sides, &packet, false), -EINVAL);
		if (length < SRTCP_HEADER_BYTES)
			assert_int_equal(protect(sides, &report, true), -EINVAL);
	}
	struct packet packet = rtp(7, 1, 20);
	packet.data[0] = 0x8f; /* CSRCs beyond the end */
	assert_int_equal(protect(sides, &packet, false), -EINVAL);
	packet.data[0] = 0x00;
	assert_int_equal(protect(sides, &packet, false), -EINVAL);

	packet = rtp(7, 1, 20);
	struct packet report = rtcp(7, 28);
	for (int i = 0; i < BACKENDS; i++) {
		size_t tag_bytes = sides->send[i]->suite->rtp_tag_bytes, length = packet.length;
		assert_int_equal(media_srtp_protect(sides->send[i], packet.data, &length, length + tag_bytes - 1),
				 -ENOSPC);
		length = report.length;
		tag_bytes = (size_t)sides->send[i]->suite->rtcp_tag_bytes + SRTCP_INDEX_BYTES;
		assert_int_equal(media_srtp_protect_rtcp(sides->send[i], report.data, &length, length + tag_bytes - 1),
				 -ENOSPC);
		assert_int_equal(length, report.length);
		/* the wrong direction */
		assert_int_equal(media_srtp_protect(sides->receive[i], packet.data, &length, PACKET_MAX), -EINVAL);
		assert_int_equal(media_srtp_unprotect(sides->send[i], packet.data, &length), -EINVAL);
	}
}

static void test_malformed(void **state)
{
	with_every_profile(run_malformed);
}

/* A script of sending, losing, swapping, repeating and spoiling, by a fixed generator. */
static void run_random(struct sides *sides)
{
	enum { KEPT = 16, STEPS = 4000 };
	static struct packet kept[KEPT];
	static bool is_report[KEPT];
	g_autoptr(GRand) random = g_rand_new_with_seed(sides->profile + 1);
	uint16_t sequence[3] = {0, 65500, 40000};
	for (int step = 0; step < STEPS; step++) {
		unsigned source = g_rand_int(random) % 3, slot = g_rand_int(random) % KEPT;
		unsigned action = g_rand_int(random) % 8;
		if (action < 4) {
			sequence[source] += action == 0 ? g_rand_int(random) % 3000 : 1;
			struct packet packet = rtp(source, sequence[source], g_rand_int(random) % 200);
			if (protect(sides, &packet, false) == 0) {
				kept[slot] = packet;
				is_report[slot] = false;
			}
		} else if (action == 4) {
			kept[slot] = rtcp(source, 8 + 4 * (g_rand_int(random) % 30));
			is_report[slot] = true;
			assert_int_equal(protect(sides, &kept[slot], true), 0);
		} else if (kept[slot].length > 0) {
			struct packet packet = kept[slot];
			if (action == 5)
				packet.data[g_rand_int(random) % packet.length] ^= 1u << g_rand_int(random) % 8;
			unprotect(sides, &packet, is_report[slot]);
		}
	}
	struct media_srtp_state states[BACKENDS];
	for (int i = 0; i < BACKENDS; i++)
		media_srtp_export(sides->receive[i], &states[i]);
	assert_same_state(&states[OWN], &states[LIB]);
	memset(kept, 0, sizeof kept);
}

static void test_random(void **state)
{
	with_every_profile(run_random);
}

static void test_state(void **state)
{
	enum media_srtp_profile profile = MEDIA_SRTP_AEAD_AES_128_GCM;
	struct sides sides;
	struct packet packet, report = rtcp(9, 28);
	sides_open(&sides, profile);
	for (uint32_t n = 0; n < 100000; n += 1000) {
		packet = rtp(9, (uint16_t)n, 20);
		assert_int_equal(protect(&sides, &packet, false), 0);
	}
	assert_int_equal(protect(&sides, &report, true), 0);

	struct media_srtp_state saved, again;
	struct media_srtp *next = context(&media_srtp_openssl, profile, MEDIA_SRTP_SEND);
	media_srtp_export(sides.send[OWN], &saved);
	assert_int_equal(saved.n_streams, 1);
	assert_int_equal(saved.streams[0].ssrc, 9);
	assert_int_equal(saved.streams[0].rtp_index, 99000);
	assert_int_equal(saved.streams[0].rtcp_index, 1);
	assert_int_equal(media_srtp_import(next, &saved), 0);
	assert_int_equal(media_srtp_import(next, &saved), -EBUSY);
	assert_int_equal(media_srtp_import(sides.send[LIB], &saved), -ENOTSUP);
	media_srtp_export(next, &again);
	assert_same_state(&saved, &again);

	/* what was sent is not sent again; what follows is what the old context would have made */
	size_t length;
	packet = rtp(9, (uint16_t)98000, 20);
	length = packet.length;
	assert_int_equal(media_srtp_protect(next, packet.data, &length, PACKET_MAX), -EALREADY);
	struct packet expected = rtp(9, (uint16_t)99001, 20);
	packet = expected;
	length = packet.length;
	assert_int_equal(protect(&sides, &expected, false), 0);
	assert_int_equal(media_srtp_protect(next, packet.data, &length, PACKET_MAX), 0);
	assert_memory_equal(packet.data, expected.data, length);
	media_srtp_free(next);
	sides_close(&sides);
}

static void test_last_packets(void **state)
{
	struct media_srtp_state last = {.n_streams = 1,
					.streams = {{.ssrc = 9,
						     .has_rtp = true,
						     .rtp_index = SRTP_INDEX_MAX - 1,
						     .has_rtcp = true,
						     .rtcp_index = SRTCP_INDEX_MAX - 1}}};
	struct media_srtp *send = context(&media_srtp_openssl, MEDIA_SRTP_AES_128_CM_SHA1_80, MEDIA_SRTP_SEND);
	assert_int_equal(media_srtp_import(send, &last), 0);
	static const int expected[] = {0, -EOVERFLOW};
	for (int i = 0; i < 2; i++) {
		struct packet packet = rtp(9, (uint16_t)(0xffff + i), 20), report = rtcp(9, 28);
		assert_int_equal(media_srtp_protect(send, packet.data, &packet.length, PACKET_MAX), expected[i]);
		assert_int_equal(media_srtp_protect_rtcp(send, report.data, &report.length, PACKET_MAX), expected[i]);
	}
	media_srtp_free(send);

	send = context(&media_srtp_openssl, MEDIA_SRTP_AES_128_CM_SHA1_80, MEDIA_SRTP_SEND);
	last.streams[0].rtp_index++;
	last.streams[0].rtp_index++;
	assert_int_equal(media_srtp_import(send, &last), -EINVAL);
	last.n_streams = MEDIA_SRTP_STREAMS_MAX + 1;
	assert_int_equal(media_srtp_import(send, &last), -EINVAL);
	last = (struct media_srtp_state){.n_streams = 2}; /* twice the same SSRC */
	assert_int_equal(media_srtp_import(send, &last), -EINVAL);
	media_srtp_free(send);
}

static void test_plain_report_is_refused(void **state)
{
	struct sides sides;
	sides_open(&sides, MEDIA_SRTP_AES_128_CM_SHA1_80);
	struct packet report = rtcp(9, 28);
	assert_int_equal(protect(&sides, &report, true), 0);
	report.data[28] &= 0x7f; /* the E bit */
	assert_int_equal(unprotect(&sides, &report, true), -EBADMSG);
	sides_close(&sides);
}

static void test_profiles(void **state)
{
	enum media_srtp_profile profile;
	for (unsigned i = 0; i < MEDIA_SRTP_PROFILES; i++) {
		assert_int_equal(
		    media_srtp_profile_from_name(media_srtp_profile_name((enum media_srtp_profile)i), &profile), 0);
		assert_int_equal(profile, i);
	}
	assert_int_equal(media_srtp_profile_from_name("F8_128_HMAC_SHA1_80", &profile), -ENOTSUP);
	assert_int_equal(media_srtp_profile_from_dtls(7, &profile), 0);
	assert_int_equal(profile, MEDIA_SRTP_AEAD_AES_128_GCM);
	assert_int_equal(media_srtp_profile_from_dtls(2, &profile), 0);
	assert_int_equal(profile, MEDIA_SRTP_AES_128_CM_SHA1_32);
	assert_int_equal(media_srtp_profile_from_dtls(0, &profile), -ENOTSUP);
	assert_int_equal(media_srtp_profile_from_dtls(5, &profile), -ENOTSUP);

	struct media_srtp *srtp = NULL;
	uint8_t key[MEDIA_SRTP_KEY_BYTES_MAX] = {0};
	assert_int_equal(media_srtp_new(MEDIA_SRTP_AES_128_CM_SHA1_80, key, 28, MEDIA_SRTP_SEND, &srtp), -EINVAL);
	assert_int_equal(media_srtp_new((enum media_srtp_profile)MEDIA_SRTP_PROFILES, key, 30, MEDIA_SRTP_SEND, &srtp),
			 -EINVAL);
	assert_null(srtp);
	assert_int_equal(media_srtp_new(MEDIA_SRTP_AES_128_CM_SHA1_80, key, 30, MEDIA_SRTP_SEND, &srtp), 0);
	assert_null(media_srtp_free(srtp));
	assert_null(media_srtp_free(NULL));
}

static void test_split(void **state)
{
	uint8_t material[60], send[MEDIA_SRTP_KEY_BYTES_MAX], receive[MEDIA_SRTP_KEY_BYTES_MAX];
	for (uint8_t i = 0; i < 60; i++)
		material[i] = i;
	media_srtp_split_exported(MEDIA_SRTP_AES_128_CM_SHA1_80, material, true, send, receive);
	assert_memory_equal(send, material, 16);
	assert_memory_equal(send + 16, material + 32, 14);
	assert_memory_equal(receive, material + 16, 16);
	assert_memory_equal(receive + 16, material + 46, 14);
	uint8_t other_send[MEDIA_SRTP_KEY_BYTES_MAX], other_receive[MEDIA_SRTP_KEY_BYTES_MAX];
	media_srtp_split_exported(MEDIA_SRTP_AES_128_CM_SHA1_80, material, false, other_send, other_receive);
	assert_memory_equal(other_send, receive, 30);
	assert_memory_equal(other_receive, send, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lengths),    cmocka_unit_test(test_rollover),
	    cmocka_unit_test(test_reordering), cmocka_unit_test(test_window),
	    cmocka_unit_test(test_tampering),  cmocka_unit_test(test_streams),
	    cmocka_unit_test(test_malformed),  cmocka_unit_test(test_random),
	    cmocka_unit_test(test_state),      cmocka_unit_test(test_last_packets),
	    cmocka_unit_test(test_profiles),   cmocka_unit_test(test_plain_report_is_refused),
	    cmocka_unit_test(test_split),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
