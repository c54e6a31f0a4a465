/* Who is on hold hears music in place of the other side, as the same RTP source, in a codec of his. */
#include "../support/media_bench.h"
#include <string.h>

struct call {
	struct bench bench;
	struct bench_session session;
	struct bench_party holder, held;
};

/* With two workers and another session's leg between, the legs may be apart: the packets then come from the other worker. */
static void open_call(struct call *call, enum media_hold hold, bool apart)
{
	struct bench_session other;

	memset(call, 0, sizeof *call);
	bench_open_with(&call->bench, "127.0.0.1", bench_codecs, &(struct media_settings){.workers = 2, .hold = hold});
	bench_session_open(&call->bench, &call->session);
	bench_party_open(&call->session, &call->holder, "holder", 96);
	if (apart) {
		bench_session_open(&call->bench, &other);
		bench_party_open(&other, &call->held, "held", 96);
		call->held.leg = bench_leg_move(call->held.leg, &call->session);
		bench_session_close(&other);
	} else {
		bench_party_open(&call->session, &call->held, "held", 96);
	}
	media_session_bridge(call->session.session, call->holder.leg->leg, call->held.leg->leg);
}

static void close_call(struct call *call)
{
	bench_session_close(&call->session);
	bench_phone_close(&call->holder.phone);
	bench_phone_close(&call->held.phone);
	bench_close(&call->bench);
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

	bench_phone_send(&call->holder.phone, &call->holder.leg->local.rtp, 0);
	if (bench_phone_read(&call->held.phone) == 0)
		return false;
	assert_int_equal(rtp_packet_parse(call->held.phone.last, call->held.phone.last_bytes, &packet), 0);
	return is_of_holder(&packet);
}

static bool music_comes(void *data)
{
	struct call *call = data;
	struct rtp_packet packet;

	return bench_phone_read(&call->held.phone) > 0 &&
	       rtp_packet_parse(call->held.phone.last, call->held.phone.last_bytes, &packet) == 0 && !is_of_holder(&packet);
}

static void expect_music(struct call *call, const struct rtp_packet *before)
{
	const struct rtp_packet *heard = &call->held.heard;
	struct rtp_packet last = *before;

	bench_wait(&call->bench, music_comes, call, 2000);
	for (unsigned i = 0; i < 10; i++) {
		bench_phone_send(&call->holder.phone, &call->holder.leg->local.rtp, 0);
		bench_party_hear(&call->bench, &call->held);
		assert_false(is_of_holder(heard));
		assert_int_equal(heard->ssrc, before->ssrc);
		assert_int_equal(heard->payload_type, 0);
		assert_in_range(rtp_sequence_distance(heard->sequence, last.sequence), 1, 100);
		assert_true(rtp_timestamp_distance(heard->timestamp, last.timestamp) > 0);
		last = *heard;
	}
}

static void hold_and_resume(enum media_hold hold, bool apart)
{
	struct call call;
	struct rtp_packet before;

	open_call(&call, hold, apart);
	bench_wait(&call.bench, comes_from_holder, &call, 2000);
	assert_int_equal(rtp_packet_parse(call.held.phone.last, call.held.phone.last_bytes, &before), 0);
	bench_party_apply(&call.holder, 96, SDP_RECEIVE_ONLY);
	bench_party_apply(&call.held, 96, SDP_SEND_ONLY);
	media_leg_play(call.held.leg->leg, MEDIA_PLAY_HOLD);
	expect_music(&call, &before);
	media_leg_play(call.held.leg->leg, MEDIA_PLAY_NOTHING);
	bench_party_apply(&call.holder, 96, SDP_SEND_RECEIVE);
	bench_party_apply(&call.held, 96, SDP_SEND_RECEIVE);
	bench_wait(&call.bench, comes_from_holder, &call, 2000);
	assert_int_equal(rtp_packet_parse(call.held.phone.last, call.held.phone.last_bytes, &before), 0);
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
	media_leg_play(call.held.leg->leg, MEDIA_PLAY_HOLD);
	bench_wait(&call.bench, comes_from_holder, &call, 2000);
	close_call(&call);
}

static bool short_packets_come(void *data)
{
	struct call *call = data;
	struct rtp_packet packet;

	return bench_phone_read(&call->held.phone) > 0 &&
	       rtp_packet_parse(call->held.phone.last, call->held.phone.last_bytes, &packet) == 0 && packet.payload_bytes == 80;
}

static void test_packets_become_as_long_as_is_asked_for(void **state)
{
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);
	struct call call;

	open_call(&call, MEDIA_HOLD_MUSIC, false);
	media_leg_play(call.held.leg->leg, MEDIA_PLAY_HOLD);
	bench_wait(&call.bench, music_comes, &call, 2000);
	bench_plan(stream, 96, &call.held.at, SDP_SEND_RECEIVE);
	stream->ptime_ms = 10;
	bench_apply(call.held.leg, stream);
	bench_wait(&call.bench, short_packets_come, &call, 2000);
	g_free(stream);
	close_call(&call);
}

/* Who holds himself is played nothing. */
static void test_nothing_for_who_does_not_listen(void **state)
{
	struct call call;

	open_call(&call, MEDIA_HOLD_MUSIC, false);
	bench_party_apply(&call.held, 96, SDP_RECEIVE_ONLY);
	media_leg_play(call.held.leg->leg, MEDIA_PLAY_HOLD);
	bench_pass(&call.bench, 300);
	assert_int_equal(bench_phone_read(&call.held.phone), 0);
	close_call(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_music_comes_and_goes),
		cmocka_unit_test(test_tone_comes_and_goes),
		cmocka_unit_test(test_also_between_two_workers),
		cmocka_unit_test(test_without_the_setting_the_holder_is_heard),
		cmocka_unit_test(test_packets_become_as_long_as_is_asked_for),
		cmocka_unit_test(test_nothing_for_who_does_not_listen),
	};

	return cmocka_run_group_tests(tests, bench_codecs_load, bench_codecs_free);
}
