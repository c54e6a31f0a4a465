/* The way of a packet with SRTP, one at a time: authentic ones pass once, everything else never. */
#include "../support/media_lone.h"
#include "media/extension.h"
#include "rtp/rtcp.h"
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define KEY_BYTES 28 /* AEAD_AES_128_GCM: key and salt */

struct rig {
	struct media_lone lone;
	struct media_end *a, *b;
	struct media_srtp *browser_sends, *browser_receives;
	uint16_t sequence;
};

static void open_rig(struct rig *rig)
{
	static const uint8_t key[KEY_BYTES] = "one way", other[KEY_BYTES] = "the other";

	memset(rig, 0, sizeof *rig);
	media_lone_open(&rig->lone);
	rig->a = media_lone_end(&rig->lone);
	rig->b = media_lone_end(&rig->lone);
	rig->a->options.kind = MEDIA_LEG_WEBRTC;
	rig->a->protection = MEDIA_PROTECTION_SRTP;
	assert_int_equal(media_srtp_new(MEDIA_SRTP_AEAD_AES_128_GCM, key, KEY_BYTES, MEDIA_SRTP_SEND, &rig->browser_sends), 0);
	assert_int_equal(media_srtp_new(MEDIA_SRTP_AEAD_AES_128_GCM, key, KEY_BYTES, MEDIA_SRTP_RECEIVE, &rig->a->srtp_receive), 0);
	assert_int_equal(media_srtp_new(MEDIA_SRTP_AEAD_AES_128_GCM, other, KEY_BYTES, MEDIA_SRTP_RECEIVE, &rig->browser_receives), 0);
	assert_int_equal(media_srtp_new(MEDIA_SRTP_AEAD_AES_128_GCM, other, KEY_BYTES, MEDIA_SRTP_SEND, &rig->a->srtp_send), 0);
	rig->b->rtp_descriptor = rig->lone.out;
	rig->b->rtp_remote = rig->lone.out_address;
	media_bridge_join(rig->a, rig->b);
}

static void close_rig(struct rig *rig)
{
	media_srtp_free(rig->browser_sends);
	media_srtp_free(rig->browser_receives);
	media_lone_close(&rig->lone);
}

static size_t seal(struct rig *rig, uint8_t *bytes, size_t capacity)
{
	static const uint8_t payload[160] = "what is said";
	struct rtp_packet packet = {
		.sequence = rig->sequence++, .ssrc = 77, .payload = payload, .payload_bytes = sizeof payload};
	size_t length;

	assert_int_equal(rtp_packet_build(&packet, bytes, capacity, &length), 0);
	assert_int_equal(media_srtp_protect(rig->browser_sends, bytes, &length, capacity), 0);
	return length;
}

static void put(struct rig *rig, const uint8_t *bytes, size_t length)
{
	uint8_t copy[MEDIA_PACKET_BYTES_MAX + MEDIA_PACKET_ROOM];

	memcpy(copy, bytes, length);
	media_end_receive(rig->a, &rig->lone.peer, copy, length);
}

static ssize_t take(struct rig *rig, uint8_t *bytes, size_t size)
{
	return recv(rig->lone.out, bytes, size, MSG_DONTWAIT);
}

static void test_authentic_once(void **state)
{
	struct rig rig;
	uint8_t sealed[256], out[256];
	size_t length;
	struct rtp_packet packet;

	open_rig(&rig);
	length = seal(&rig, sealed, sizeof sealed);
	put(&rig, sealed, length);
	assert_int_equal(take(&rig, out, sizeof out), RTP_HEADER_BYTES + 160);
	assert_int_equal(rtp_packet_parse(out, RTP_HEADER_BYTES + 160, &packet), 0);
	assert_string_equal((const char *)packet.payload, "what is said");
	put(&rig, sealed, length); /* a replay */
	assert_int_equal(take(&rig, out, sizeof out), -1);
	assert_int_equal(rig.a->refused[MEDIA_REFUSAL_PROTECTION], 1);
	close_rig(&rig);
}

static void test_forged(void **state)
{
	struct rig rig;
	uint8_t sealed[256], out[256];
	size_t length;
	struct media_report report;

	open_rig(&rig);
	length = seal(&rig, sealed, sizeof sealed);
	for (size_t i = 0; i < length; i++) {
		sealed[i] ^= 1;
		put(&rig, sealed, length);
		sealed[i] ^= 1;
		assert_int_equal(take(&rig, out, sizeof out), -1);
	}
	for (size_t cut = 0; cut < length; cut++)
		put(&rig, sealed, cut);
	assert_int_equal(take(&rig, out, sizeof out), -1);
	media_end_report(rig.a, &report);
	assert_int_equal(report.packets_received, 0);
	assert_true(report.packets_refused > length);
	put(&rig, sealed, length); /* nothing was learned from them */
	assert_int_equal(take(&rig, out, sizeof out), RTP_HEADER_BYTES + 160);
	close_rig(&rig);
}

static void test_other_source(void **state)
{
	struct rig rig;
	uint8_t sealed[256], out[256];
	size_t length;

	open_rig(&rig);
	length = seal(&rig, sealed, sizeof sealed);
	net_address_set_port(&rig.lone.peer, 4001);
	put(&rig, sealed, length);
	assert_int_equal(take(&rig, out, sizeof out), -1);
	assert_int_equal(rig.a->refused[MEDIA_REFUSAL_SOURCE], 1);
	net_address_set_port(&rig.lone.peer, 4000);
	put(&rig, sealed, length);
	assert_int_equal(take(&rig, out, sizeof out), RTP_HEADER_BYTES + 160);
	close_rig(&rig);
}

static void test_no_keys(void **state)
{
	struct rig rig;
	uint8_t sealed[256], out[256];
	size_t length;

	open_rig(&rig);
	length = seal(&rig, sealed, sizeof sealed);
	BASE_CLEAR(&rig.a->srtp_receive, media_srtp_free);
	put(&rig, sealed, length);
	assert_int_equal(take(&rig, out, sizeof out), -1);
	assert_int_equal(rig.a->refused[MEDIA_REFUSAL_PROTECTION], 1);
	close_rig(&rig);
}

/* Towards the browser: encrypted, with one identity, and never without keys. */
static void test_sealed_out(void **state)
{
	struct rig rig;
	static const uint8_t payload[160] = "the answer";
	struct rtp_packet packet = {.sequence = 9, .ssrc = 5, .payload = payload, .payload_bytes = sizeof payload};
	uint8_t bytes[MEDIA_PACKET_BYTES_MAX + MEDIA_PACKET_ROOM], out[512];
	size_t length;
	ssize_t n;

	open_rig(&rig);
	rig.a->rtp_descriptor = rig.lone.out;
	rig.a->rtp_remote = rig.lone.out_address;
	assert_int_equal(rtp_packet_build(&packet, bytes, sizeof bytes, &length), 0);
	media_end_receive(rig.b, &rig.lone.out_address, bytes, length);
	n = take(&rig, out, sizeof out);
	assert_true(n > RTP_HEADER_BYTES + 160);
	assert_null(memmem(out, (size_t)n, "the answer", 10));
	length = (size_t)n;
	assert_int_equal(media_srtp_unprotect(rig.browser_receives, out, &length), 0);
	assert_int_equal(rtp_packet_parse(out, length, &packet), 0);
	assert_string_equal((const char *)packet.payload, "the answer");
	assert_int_not_equal(packet.ssrc, 5);
	BASE_CLEAR(&rig.a->srtp_send, media_srtp_free);
	packet.sequence = 10;
	packet.ssrc = 5;
	assert_int_equal(rtp_packet_build(&packet, bytes, sizeof bytes, &length), 0);
	media_end_receive(rig.b, &rig.lone.out_address, bytes, length);
	assert_int_equal(take(&rig, out, sizeof out), -1);
	close_rig(&rig);
}

/* What `rig` sends its browser for a packet with this extension of the telephone's. */
static void carry(struct rig *rig, const uint8_t *extension, size_t n, uint8_t *out, size_t size, struct rtp_packet *ret_packet)
{
	static const uint8_t payload[160] = "the answer";
	static uint16_t sequence = 40;
	struct rtp_packet packet = {.sequence = sequence++, .ssrc = 5, .payload = payload, .payload_bytes = sizeof payload,
				    .has_extension = n > 0, .extension_profile = RTP_EXTENSION_ONE_BYTE,
				    .extension = extension, .extension_bytes = n};
	uint8_t bytes[MEDIA_PACKET_BYTES_MAX + MEDIA_PACKET_ROOM];
	size_t length;
	ssize_t got;

	assert_int_equal(rtp_packet_build(&packet, bytes, sizeof bytes, &length), 0);
	media_end_receive(rig->b, &rig->lone.out_address, bytes, length);
	got = take(rig, out, size);
	assert_true(got > 0);
	length = (size_t)got;
	assert_int_equal(media_srtp_unprotect(rig->browser_receives, out, &length), 0);
	assert_int_equal(rtp_packet_parse(out, length, ret_packet), 0);
	assert_string_equal((const char *)ret_packet->payload, "the answer");
	assert_int_equal(ret_packet->payload_bytes, sizeof payload);
}

/* The stream's name is in every packet, the level of the sound where both far ends know it, by the number of each; nothing else
 * goes over. */
static void test_extensions(void **state)
{
	static const uint8_t level_and_more[] = {0x30, 0x55, 0x71, 1, 2, 0, 0, 0}, more[] = {0x71, 1, 2, 0};
	static const uint8_t name_and_level[] = {0x45, 'v', 'i', 'd', 'e', 'o', '1', 0x90, 0x55, 0, 0, 0};
	static const uint8_t name[] = {0x45, 'v', 'i', 'd', 'e', 'o', '1', 0};
	struct sdp_stream_plan *plan = g_new0(struct sdp_stream_plan, 1);
	struct rig rig;
	struct rtp_packet packet;
	uint8_t out[512];

	open_rig(&rig);
	rig.a->rtp_descriptor = rig.lone.out;
	rig.a->rtp_remote = rig.lone.out_address;
	carry(&rig, level_and_more, sizeof level_and_more, out, sizeof out, &packet);
	assert_false(packet.has_extension);

	plan->extension_ids[SDP_EXTENSION_AUDIO_LEVEL] = 3;
	media_extension_apply(rig.b->streams[0], plan);
	plan->extension_ids[SDP_EXTENSION_AUDIO_LEVEL] = 9;
	plan->extension_ids[SDP_EXTENSION_MID] = 4;
	base_copy_text(plan->mid, sizeof plan->mid, "video1");
	media_extension_apply(rig.a->streams[0], plan);
	media_bridge_refresh(rig.a);
	carry(&rig, level_and_more, sizeof level_and_more, out, sizeof out, &packet);
	assert_int_equal(packet.extension_bytes, sizeof name_and_level);
	assert_memory_equal(packet.extension, name_and_level, sizeof name_and_level);
	carry(&rig, more, sizeof more, out, sizeof out, &packet);
	assert_int_equal(packet.extension_bytes, sizeof name);
	assert_memory_equal(packet.extension, name, sizeof name);
	carry(&rig, NULL, 0, out, sizeof out, &packet);
	assert_int_equal(packet.extension_bytes, sizeof name);
	g_free(plan);
	close_rig(&rig);
}

/* A line that comes when others have gone is carried like any. */
static void test_every_line_has_a_stream(void **state)
{
	struct sdp_leg_plan plan = {1, g_new0(struct sdp_stream_plan, 1)};
	struct rig rig;

	open_rig(&rig);
	plan.streams[0].kind = SDP_KIND_AUDIO;
	plan.streams[0].direction = SDP_SEND_RECEIVE;
	plan.streams[0].n_formats = 1;
	plan.streams[0].formats[0] = (struct sdp_format){.encoding = "PCMU", .clock_hz = 8000, .channels = 1};
	for (uint8_t line = 0; line < SDP_MEDIA_MAX; line++) {
		plan.streams[0].line = line;
		media_end_apply_streams(rig.b, &plan);
		assert_int_equal(rig.b->n_streams, line + 1);
		assert_int_equal(rig.b->streams[line]->direction, SDP_SEND_RECEIVE);
		assert_ptr_equal(media_end_audio(rig.b), rig.b->streams[line]);
		if (line > 0)
			assert_int_equal(rig.b->stream_of_type[0], line);
		for (uint8_t before = 0; before < line; before++)
			assert_int_equal(rig.b->streams[before]->direction, SDP_INACTIVE);
	}
	sdp_leg_plan_clear(&plan);
	close_rig(&rig);
}

/* What was never carried at one of them, or came in another order, does not part two. */
static void test_streams_of_one_rank_belong_together(void **state)
{
	struct sdp_leg_plan plan = {1, g_new0(struct sdp_stream_plan, 1)};
	struct rig rig;

	open_rig(&rig);
	plan.streams[0].kind = SDP_KIND_AUDIO;
	plan.streams[0].direction = SDP_SEND_RECEIVE;
	plan.streams[0].line = plan.streams[0].rank = 2;
	media_end_apply_streams(rig.a, &plan);
	assert_null(rig.a->streams[1]->to);
	media_end_apply_streams(rig.b, &plan);
	plan.streams[0].line = plan.streams[0].rank = 1;
	media_end_apply_streams(rig.b, &plan);
	assert_ptr_equal(rig.a->streams[0]->to, rig.b->streams[0]);
	assert_ptr_equal(rig.a->streams[1]->to, rig.b->streams[1]);
	assert_ptr_equal(rig.b->streams[1]->to, rig.a->streams[1]);
	assert_null(rig.b->streams[2]->to);
	sdp_leg_plan_clear(&plan);
	close_rig(&rig);
}

static void apply_pictures(struct media_end *end, uint32_t first_ssrc)
{
	struct sdp_leg_plan plan = {2, g_new0(struct sdp_stream_plan, 2)};

	for (uint8_t i = 0; i < 2; i++) {
		struct sdp_stream_plan *stream = &plan.streams[i];

		stream->kind = SDP_KIND_VIDEO;
		stream->direction = SDP_SEND_RECEIVE;
		stream->line = i + 1;
		stream->rank = i;
		stream->n_formats = 1;
		stream->formats[0] =
			(struct sdp_format){.payload_type = 98, .encoding = "VP8", .clock_hz = 90000, .channels = 1};
		stream->send_types[0] = 98;
		if (first_ssrc)
			stream->remote_ssrc = first_ssrc + i;
	}
	media_end_apply_streams(end, &plan);
	sdp_leg_plan_clear(&plan);
}

/* The streams of a bundle have their payload types in common. */
static void test_pictures_of_one_bundle_are_told_apart_by_their_sources(void **state)
{
	struct rig rig;

	open_rig(&rig);
	apply_pictures(rig.a, 0);
	apply_pictures(rig.b, 500);
	for (uint32_t ssrc = 499; ssrc <= 501; ssrc++) {
		struct rtp_packet packet = {.payload_type = 98, .ssrc = ssrc};
		uint8_t bytes[64];
		size_t length;

		assert_int_equal(rtp_packet_build(&packet, bytes, sizeof bytes, &length), 0);
		media_end_receive(rig.b, &rig.lone.out_address, bytes, length);
		assert_int_equal(rig.b->streams[ssrc == 501 ? 2 : 1]->receiver.ssrc, ssrc);
	}
	assert_int_equal(rig.b->streams[1]->receiver.ssrc, 500);
	close_rig(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authentic_once), cmocka_unit_test(test_forged),	  cmocka_unit_test(test_other_source),
		cmocka_unit_test(test_no_keys),	       cmocka_unit_test(test_sealed_out), cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_every_line_has_a_stream),
		cmocka_unit_test(test_pictures_of_one_bundle_are_told_apart_by_their_sources),
		cmocka_unit_test(test_streams_of_one_rank_belong_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
