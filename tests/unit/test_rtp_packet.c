/* RTP packets and their extensions, and telling datagrams apart. */
#include "rtp/packet.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_classify(void **state)
{
	static const struct {
		uint8_t bytes[2];
		enum rtp_kind kind;
	} cases[] = {
	    {{0, 1}, RTP_KIND_STUN},	      {{3, 0}, RTP_KIND_STUN},	    {{4, 0}, RTP_KIND_UNKNOWN},
	    {{16, 0}, RTP_KIND_ZRTP},	      {{20, 254}, RTP_KIND_DTLS},   {{63, 254}, RTP_KIND_DTLS},
	    {{64, 0}, RTP_KIND_TURN_CHANNEL}, {{80, 0}, RTP_KIND_UNKNOWN},  {{128, 0}, RTP_KIND_RTP},
	    {{191, 111}, RTP_KIND_RTP},	      {{128, 200}, RTP_KIND_RTCP},  {{129, 223}, RTP_KIND_RTCP},
	    {{128, 192}, RTP_KIND_RTCP},      {{128, 191}, RTP_KIND_RTP},   {{128, 224}, RTP_KIND_RTP},
	    {{128, 0x80 | 96}, RTP_KIND_RTP}, {{192, 0}, RTP_KIND_UNKNOWN},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(rtp_classify(cases[i].bytes, 2), cases[i].kind);
	assert_int_equal(rtp_classify(cases[0].bytes, 1), RTP_KIND_UNKNOWN);
	assert_int_equal(rtp_classify(NULL, 0), RTP_KIND_UNKNOWN);
}

/* Two CSRCs, one-byte extension of two words, four bytes of payload, three of padding. */
static const uint8_t full[] = {0xb2, 0xef, 0x12, 0x34, 0x00, 0x01, 0x02, 0x03, 0xca, 0xfe, 0xba, 0xbe, 0,
			       0,    0,	   1,	 0,    0,    0,	   2,	 0xbe, 0xde, 0x00, 0x02, 0x10, 0xaa,
			       0x00, 0x21, 0xbb, 0xcc, 0x00, 0x00, 'a',	 'b',  'c',  'd',  0,	 0,    3};

static void test_parse(void **state)
{
	struct rtp_packet packet;
	size_t header_bytes;
	assert_int_equal(rtp_packet_parse(full, sizeof full, &packet), 0);
	assert_true(packet.marker);
	assert_int_equal(packet.payload_type, 0x6f);
	assert_int_equal(packet.sequence, 0x1234);
	assert_int_equal(packet.timestamp, 0x00010203);
	assert_int_equal(packet.ssrc, 0xcafebabe);
	assert_int_equal(packet.n_csrc, 2);
	assert_int_equal(rtp_get_u32(packet.csrc + 4), 2);
	assert_int_equal(packet.extension_profile, RTP_EXTENSION_ONE_BYTE);
	assert_int_equal(packet.payload_bytes, 4);
	assert_memory_equal(packet.payload, "abcd", 4);
	assert_int_equal(packet.padding_bytes, 3);
	assert_int_equal(rtp_header_length(full, sizeof full, &header_bytes), 0);
	assert_int_equal(header_bytes, 32);
}

static void test_parse_cut(void **state)
{
	/* every cut inside the header, and padding that eats more than the payload */
	for (size_t length = 0; length < 32; length++) {
		uint8_t *exact = g_memdup2(full, length);
		struct rtp_packet packet;
		size_t bytes;
		assert_int_equal(rtp_packet_parse(exact, length, &packet), -EBADMSG);
		assert_int_equal(rtp_header_length(exact, length, &bytes), -EBADMSG);
		g_free(exact);
	}
	uint8_t data[sizeof full];
	struct rtp_packet packet;
	memcpy(data, full, sizeof data);
	data[sizeof data - 1] = 7;
	assert_int_equal(rtp_packet_parse(data, sizeof data, &packet), 0);
	assert_int_equal(packet.payload_bytes, 0);
	data[sizeof data - 1] = 8;
	assert_int_equal(rtp_packet_parse(data, sizeof data, &packet), -EBADMSG);
	data[sizeof data - 1] = 0;
	assert_int_equal(rtp_packet_parse(data, sizeof data, &packet), -EBADMSG);
	data[0] = 0x40;
	assert_int_equal(rtp_packet_parse(data, sizeof data, &packet), -EBADMSG);
}

static void test_build(void **state)
{
	struct rtp_packet packet;
	uint8_t data[sizeof full];
	size_t length = 0;
	assert_int_equal(rtp_packet_parse(full, sizeof full, &packet), 0);
	assert_int_equal(rtp_packet_build(&packet, data, sizeof data, &length), 0);
	assert_int_equal(length, sizeof full);
	assert_memory_equal(data, full, sizeof full);
	assert_int_equal(rtp_packet_build(&packet, data, sizeof data - 1, &length), -ENOSPC);
	packet.extension_bytes = 3;
	assert_int_equal(rtp_packet_build(&packet, data, sizeof data, &length), -EINVAL);
	packet.extension_bytes = 4;
	packet.payload_type = 128;
	assert_int_equal(rtp_packet_build(&packet, data, sizeof data, &length), -EINVAL);
	/* in place: the payload stands where the header will be */
	uint8_t place[32] = "payload";
	struct rtp_packet plain = {.payload = place, .payload_bytes = 7, .ssrc = 5, .sequence = 6};
	assert_int_equal(rtp_packet_build(&plain, place, sizeof place, &length), 0);
	assert_int_equal(length, RTP_HEADER_BYTES + 7);
	assert_memory_equal(place + RTP_HEADER_BYTES, "payload", 7);
	assert_int_equal(place[0], 0x80);
}

static size_t walk(uint16_t profile, const uint8_t *data, size_t bytes, struct rtp_extension_element *elements)
{
	uint8_t *exact = g_memdup2(data, bytes);
	struct rtp_packet packet = {
	    .has_extension = true, .extension_profile = profile, .extension = exact, .extension_bytes = bytes};
	struct rtp_extension_iterator iterator;
	size_t n = 0;
	rtp_extension_start(&packet, &iterator);
	while (n < 8 && rtp_extension_next(&iterator, &elements[n])) {
		elements[n].data = data + (elements[n].data - exact);
		n++;
	}
	g_free(exact);
	return n;
}

static void test_extension(void **state)
{
	struct rtp_extension_element e[8];
	static const uint8_t one[] = {0x10, 0xaa, 0, 0, 0x21, 0xbb, 0xcc, 0, 0xf0, 1, 0x30, 2};
	assert_int_equal(walk(RTP_EXTENSION_ONE_BYTE, one, sizeof one, e), 2); /* id 15 ends it */
	assert_int_equal(e[0].id, 1);
	assert_int_equal(e[0].length, 1);
	assert_int_equal(e[0].data[0], 0xaa);
	assert_int_equal(e[1].id, 2);
	assert_int_equal(e[1].length, 2);
	assert_int_equal(e[1].data[1], 0xcc);
	static const uint8_t two[] = {1, 0, 0, 15, 2, 7, 8, 0};
	assert_int_equal(walk(RTP_EXTENSION_TWO_BYTE | 5, two, sizeof two, e), 2);
	assert_int_equal(e[0].length, 0);
	assert_int_equal(e[1].id, 15);
	assert_int_equal(e[1].data[1], 8);
	static const uint8_t cut_one[] = {0x10, 0xaa, 0x23, 1}, cut_two[] = {1, 1, 9, 3};
	assert_int_equal(walk(RTP_EXTENSION_ONE_BYTE, cut_one, sizeof cut_one, e), 1);
	assert_int_equal(walk(RTP_EXTENSION_TWO_BYTE, cut_two, sizeof cut_two, e), 1);
	assert_int_equal(walk(0x1234, one, sizeof one, e), 0);
}

static void test_distance(void **state)
{
	assert_int_equal(rtp_sequence_distance(2, 65534), 4);
	assert_int_equal(rtp_sequence_distance(65534, 2), -4);
	assert_int_equal(rtp_timestamp_distance(5, 0xfffffffb), 10);
	assert_int_equal(rtp_timestamp_distance(0xfffffffb, 5), -10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_classify), cmocka_unit_test(test_parse),     cmocka_unit_test(test_parse_cut),
	    cmocka_unit_test(test_build),    cmocka_unit_test(test_extension), cmocka_unit_test(test_distance),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
