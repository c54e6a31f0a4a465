/* Who is on hold hears music in place of the other side, as the same RTP source, in a codec of his. */
#include "../support/media_bench.h"
#include "plugin/plugin.h"
#include "rtp/packet.h"
#include <string.h>

static struct plugin_registry *registry;

struct call {
	struct bench bench;
	struct bench_session session;
	struct bench_leg *holder, *held;
	struct bench_phone holding, waiting;
};

static void apply(struct bench_leg *leg, struct bench_phone *phone, enum sdp_direction direction)
{
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);
	struct sdp_transport at;

	bench_phone_describe(phone, &at);
	bench_plan(stream, 96, &at, direction);
	bench_apply(leg, stream);
	g_free(stream);
}

static bool both_connected(void *data)
{
	struct call *call = data;

	return call->holder->connected && call->held->connected;
}

/* With two workers and another session's leg between, the legs may be apart: the packets then come from the other worker. */
static void open_call(struct call *call, enum media_hold hold, bool apart)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "holder"};
	struct bench_session other;

	memset(call, 0, sizeof *call);
	bench_open_with(&call->bench, "127.0.0.1", registry, &(struct media_settings){.workers = 2, .hold = hold});
	bench_phone_open(&call->bench, &call->holding);
	bench_phone_open(&call->bench, &call->waiting);
	bench_session_open(&call->bench, &call->session);
	call->holder = bench_leg_open(&call->session, &options);
	options.name = "held";
	if (apart) {
		bench_session_open(&call->bench, &other);
		call->held = bench_leg_move(bench_leg_open(&other, &options), &call->session);
		bench_session_close(&other);
	} else {
		call->held = bench_leg_open(&call->session, &options);
	}
	apply(call->holder, &call->holding, SDP_SEND_RECEIVE);
	apply(call->held, &call->waiting, SDP_SEND_RECEIVE);
	media_session_bridge(call->session.session, call->holder->leg, call->held->leg);
	bench_wait(&call->bench, both_connected, call, 2000);
}

static void close_call(struct call *call)
{
	bench_session_close(&call->session);
	bench_phone_close(&call->holding);
	bench_phone_close(&call->waiting);
	bench_close(&call->bench);
}

static void hear(struct call *call, struct rtp_packet *packet)
{
	bench_phone_wait(&call->bench, &call->waiting, call->waiting.received + 1);
	assert_int_equal(rtp_packet_parse(call->waiting.last, call->waiting.last_bytes, packet), 0);
}

/* What the holder's phone sends begins with its sequence number and counts up. */
static bool is_of_holder(const struct rtp_packet *packet)
{
	return packet->payload_bytes == 160 && packet->payload[1] == (uint8_t)(packet->payload[0] + 1) &&
	       packet->payload[2] == (uint8_t)(packet->payload[0] + 2) &&
	       packet->payload[159] == (uint8_t)(packet->payload[0] + 159);
}

static bool comes_from_holder(void *data)
{
	struct call *call = data;
	struct rtp_packet packet;

	bench_phone_send(&call->holding, &call->holder->local.rtp, 0);
	if (bench_phone_read(&call->waiting) == 0)
		return false;
	assert_int_equal(rtp_packet_parse(call->waiting.last, call->waiting.last_bytes, &packet), 0);
	return is_of_holder(&packet);
}

static bool music_comes(void *data)
{
	struct call *call = data;
	struct rtp_packet packet;

	return bench_phone_read(&call->waiting) > 0 &&
	       rtp_packet_parse(call->waiting.last, call->waiting.last_bytes, &packet) == 0 && !is_of_holder(&packet);
}

static void expect_music(struct call *call, const struct rtp_packet *before)
{
	struct rtp_packet packet, last = *before;

	bench_wait(&call->bench, music_comes, call, 2000);
	for (unsigned i = 0; i < 10; i++) {
		bench_phone_send(&call->holding, &call->holder->local.rtp, 0);
		hear(call, &packet);
		assert_false(is_of_holder(&packet));
		assert_int_equal(packet.ssrc, before->ssrc);
		assert_int_equal(packet.payload_type, 0);
		assert_in_range(rtp_sequence_distance(packet.sequence, last.sequence), 1, 100);
		assert_true(rtp_timestamp_distance(packet.timestamp, last.timestamp) > 0);
		last = packet;
	}
}

static void hold_and_resume(enum media_hold hold, bool apart)
{
	struct call call;
	struct rtp_packet before;

	open_call(&call, hold, apart);
	bench_wait(&call.bench, comes_from_holder, &call, 2000);
	assert_int_equal(rtp_packet_parse(call.waiting.last, call.waiting.last_bytes, &before), 0);
	apply(call.holder, &call.holding, SDP_RECEIVE_ONLY);
	apply(call.held, &call.waiting, SDP_SEND_ONLY);
	media_leg_play(call.held->leg, MEDIA_PLAY_HOLD);
	expect_music(&call, &before);
	media_leg_play(call.held->leg, MEDIA_PLAY_NOTHING);
	apply(call.holder, &call.holding, SDP_SEND_RECEIVE);
	apply(call.held, &call.waiting, SDP_SEND_RECEIVE);
	bench_wait(&call.bench, comes_from_holder, &call, 2000);
	assert_int_equal(rtp_packet_parse(call.waiting.last, call.waiting.last_bytes, &before), 0);
	close_call(&call);
}

static void test_music_comes_and_goes(void **state)
{
	hold_and_resume(MEDIA_HOLD_MUSIC, false);
}

static void test_tone_comes_and_goes(void **state)
{
	hold_and_resume(MEDIA_HOLD_TONE, false);
}

static void test_also_between_two_workers(void **state)
{
	hold_and_resume(MEDIA_HOLD_MUSIC, true);
}

static void test_without_the_setting_the_holder_is_heard(void **state)
{
	struct call call;

	open_call(&call, MEDIA_HOLD_OFF, false);
	media_leg_play(call.held->leg, MEDIA_PLAY_HOLD);
	bench_wait(&call.bench, comes_from_holder, &call, 2000);
	close_call(&call);
}

/* Who holds himself is played nothing. */
static void test_nothing_for_who_does_not_listen(void **state)
{
	struct call call;

	open_call(&call, MEDIA_HOLD_MUSIC, false);
	apply(call.held, &call.waiting, SDP_RECEIVE_ONLY);
	media_leg_play(call.held->leg, MEDIA_PLAY_HOLD);
	bench_pass(&call.bench, 300);
	assert_int_equal(bench_phone_read(&call.waiting), 0);
	close_call(&call);
}

static int set_up(void **state)
{
	if (plugin_registry_new(&registry) < 0)
		return -1;
	return plugin_registry_load_directory(registry, TANDEM_BUILDDIR "/plugins/.libs") > 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	registry = plugin_registry_free(registry);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_music_comes_and_goes),
		cmocka_unit_test(test_tone_comes_and_goes),
		cmocka_unit_test(test_also_between_two_workers),
		cmocka_unit_test(test_without_the_setting_the_holder_is_heard),
		cmocka_unit_test(test_nothing_for_who_does_not_listen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
