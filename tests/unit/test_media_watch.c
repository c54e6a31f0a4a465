/* The watch over what is heard: it names why a side is silent, forgives what is no silence, and ends what lasts too long. */
#include "../support/media_bench.h"
#include "rtp/rtcp.h"
#include <string.h>
#include <unistd.h>

#define SILENCE_MS  1000
#define TIMEOUT_MS  4000
#define INTERVAL_US 20000

/* Two phones; the first always speaks, the second as the test wants. */
struct call {
	struct bench bench;
	struct bench_session session;
	struct bench_party speaker, other;
	struct bench_phone stranger;
	void (*speak)(struct call *call); /* of the second; NULL: it is silent */
	int64_t spoken_us;
	enum media_trouble expected;
};

static void open_call(struct call *call)
{
	memset(call, 0, sizeof *call);
	bench_open_with(&call->bench, "127.0.0.1", NULL,
			&(struct media_settings){.workers = 1, .silence_ms = SILENCE_MS, .timeout_ms = TIMEOUT_MS});
	bench_phone_open(&call->bench, &call->stranger);
	bench_session_open(&call->bench, &call->session);
	bench_party_open(&call->session, &call->speaker, "browser alice", 96);
	bench_party_open(&call->session, &call->other, "trunk pbx", 96);
	media_session_bridge(call->session.session, call->speaker.leg->leg, call->other.leg->leg);
}

static void close_call(struct call *call)
{
	bench_session_close(&call->session);
	bench_phone_close(&call->speaker.phone);
	bench_phone_close(&call->other.phone);
	bench_phone_close(&call->stranger);
	bench_close(&call->bench);
}

static void talk(struct call *call)
{
	int64_t now_us = base_monotonic_us();

	if (now_us - call->spoken_us < INTERVAL_US)
		return;
	call->spoken_us = now_us;
	bench_phone_send(&call->speaker.phone, &call->speaker.leg->local.rtp, 0);
	if (call->speak)
		call->speak(call);
}

static bool is_told(void *data)
{
	struct call *call = data;

	talk(call);
	return call->other.leg->trouble == call->expected;
}

static void expect(struct call *call, enum media_trouble trouble)
{
	call->expected = trouble;
	bench_wait(&call->bench, is_told, call, 6000);
	assert_int_equal(call->speaker.leg->trouble, MEDIA_TROUBLE_NONE);
}

static bool goes_on(void *data)
{
	struct call *call = data;

	talk(call);
	return call->expected-- == 0;
}

/* Some time, in steps of a millisecond or a little more. */
static void go_on(struct call *call, unsigned ms)
{
	call->expected = ms;
	bench_wait(&call->bench, goes_on, call, (int)ms * 10);
}

static void expect_text(const struct call *call, const char *before, const struct net_address *address)
{
	char text[NET_ADDRESS_TEXT_MAX];
	g_autofree char *wanted = g_strconcat(before, net_address_format(address, text), NULL);

	assert_non_null(strstr(call->other.leg->trouble_text, wanted));
}

static void speak_well(struct call *call)
{
	bench_phone_send(&call->other.phone, &call->other.leg->local.rtp, 0);
}

static void speak_from_elsewhere(struct call *call)
{
	bench_phone_send(&call->stranger, &call->other.leg->local.rtp, 0);
}

static void speak_unagreed(struct call *call)
{
	bench_phone_send(&call->other.phone, &call->other.leg->local.rtp, 18);
}

static void speak_opus(struct call *call)
{
	bench_phone_send(&call->other.phone, &call->other.leg->local.rtp, 96);
}

static void report_only(struct call *call)
{
	uint8_t bytes[256];
	struct rtcp_writer writer;
	size_t length;

	rtcp_writer_init(&writer, bytes, sizeof bytes);
	rtcp_write_receiver_report(&writer, call->other.phone.ssrc, NULL, 0);
	rtcp_write_cname(&writer, call->other.phone.ssrc, "phone");
	assert_int_equal(rtcp_writer_end(&writer, &length), 0);
	sendto(call->other.phone.descriptor, bytes, length, 0, &call->other.leg->local.rtp.any, call->other.leg->local.rtp.length);
}

/* It is heard, and reports that nothing of ours comes. */
static void deny(struct call *call)
{
	struct rtp_packet packet;
	struct rtcp_report_block block = {.fraction_lost = 255, .highest_sequence = 1};
	uint8_t bytes[256];
	struct rtcp_writer writer;
	size_t length;

	speak_well(call);
	bench_phone_read(&call->other.phone);
	if (call->other.phone.received < 1 || rtp_packet_parse(call->other.phone.last, call->other.phone.last_bytes, &packet) < 0)
		return;
	block.ssrc = packet.ssrc;
	rtcp_writer_init(&writer, bytes, sizeof bytes);
	rtcp_write_receiver_report(&writer, call->other.phone.ssrc, &block, 1);
	assert_int_equal(rtcp_writer_end(&writer, &length), 0);
	sendto(call->other.phone.descriptor, bytes, length, 0, &call->other.leg->local.rtp.any, call->other.leg->local.rtp.length);
}

static void test_names_who_sends_nothing(void **state)
{
	struct call call;

	open_call(&call);
	expect(&call, MEDIA_TROUBLE_SILENT);
	expect_text(&call, "trunk pbx sends nothing to ", &call.other.leg->local.rtp);
	call.speak = speak_well;
	expect(&call, MEDIA_TROUBLE_NONE);
	close_call(&call);
}

static void test_names_the_unexpected_source(void **state)
{
	struct call call;

	open_call(&call);
	call.speak = speak_from_elsewhere;
	expect(&call, MEDIA_TROUBLE_STRANGER);
	expect_text(&call, "all packets from an unexpected source ", &call.stranger.address);
	expect_text(&call, "is to send from ", &call.other.phone.address);
	close_call(&call);
}

static bool has_second(void *data)
{
	return ((struct bench_leg *)data)->second.length > 0;
}

/* Pictures by the first transport, and the voice by the second. */
static void unbundle(struct bench *bench, struct bench_party *party)
{
	struct sdp_stream_plan *streams = g_new0(struct sdp_stream_plan, 2);
	struct sdp_leg_plan plan = {2, streams};

	media_leg_open_transports(party->leg->leg, 2);
	bench_wait(bench, has_second, party->leg, 2000);
	for (uint8_t i = 0; i < 2; i++) {
		bench_plan(&streams[i], 96, &party->at, SDP_SEND_RECEIVE);
		streams[i].line = i + 1;
		streams[i].transport = i;
	}
	streams[0].kind = SDP_KIND_VIDEO;
	media_leg_apply(party->leg->leg, &plan);
	sdp_leg_plan_clear(&plan);
}

static void speak_to_second_from_elsewhere(struct call *call)
{
	bench_phone_send(&call->stranger, &call->other.leg->second, 0);
}

static void test_looks_where_the_voice_comes(void **state)
{
	struct call call;

	open_call(&call);
	media_leg_free(call.other.leg->leg);
	call.other.leg = bench_leg_open(&call.session, &(struct media_leg_options){.kind = MEDIA_LEG_RTP, .name = "trunk pbx"});
	unbundle(&call.bench, &call.other);
	media_session_bridge(call.session.session, call.speaker.leg->leg, call.other.leg->leg);
	call.speak = speak_to_second_from_elsewhere;
	expect(&call, MEDIA_TROUBLE_STRANGER);
	expect_text(&call, "all packets from an unexpected source ", &call.stranger.address);
	expect_text(&call, " to ", &call.other.leg->second);
	close_call(&call);
}

static void test_names_what_was_not_agreed_on(void **state)
{
	struct call call;

	open_call(&call);
	call.speak = speak_unagreed;
	expect(&call, MEDIA_TROUBLE_UNKNOWN_TYPE);
	expect_text(&call, "payload type 18, which was not agreed on, to ", &call.other.leg->local.rtp);
	close_call(&call);
}

static void test_tells_reports_without_sound(void **state)
{
	struct call call;

	open_call(&call);
	call.speak = report_only;
	expect(&call, MEDIA_TROUBLE_NO_RTP);
	go_on(&call, TIMEOUT_MS);
	assert_int_equal(call.other.leg->failed, 0); /* who reports is there */
	close_call(&call);
}

static void take_nothing_but_pcmu(struct bench_party *party)
{
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);

	bench_plan(stream, 96, &party->at, SDP_SEND_RECEIVE);
	stream->n_formats = 1;
	bench_apply(party->leg, stream);
	g_free(stream);
}

static void test_tells_a_codec_the_other_side_does_not_take(void **state)
{
	struct call call;

	open_call(&call);
	take_nothing_but_pcmu(&call.speaker);
	call.speak = speak_opus;
	expect(&call, MEDIA_TROUBLE_UNUSABLE);
	call.speak = speak_well;
	expect(&call, MEDIA_TROUBLE_NONE);
	close_call(&call);
}

static void test_tells_what_does_not_arrive_at_the_far_end(void **state)
{
	struct call call;

	open_call(&call);
	call.speak = deny;
	expect(&call, MEDIA_TROUBLE_UNHEARD);
	expect_text(&call, "nothing that is sent to trunk pbx at ", &call.other.phone.address);
	close_call(&call);
}

static void test_holding_is_no_silence(void **state)
{
	struct call call;

	open_call(&call);
	bench_party_apply(&call.other, 96, SDP_SEND_ONLY);
	go_on(&call, TIMEOUT_MS + 1500);
	assert_int_equal(call.other.leg->trouble, MEDIA_TROUBLE_NONE);
	assert_int_equal(call.other.leg->failed, 0);
	close_call(&call);
}

static bool has_failed(void *data)
{
	struct call *call = data;

	talk(call);
	return call->other.leg->failed > 0;
}

static void test_long_silence_fails_the_leg_once(void **state)
{
	struct call call;

	open_call(&call);
	bench_wait(&call.bench, has_failed, &call, TIMEOUT_MS * 2);
	assert_int_equal(call.other.leg->failure, MEDIA_FAILURE_RTP_TIMEOUT);
	go_on(&call, 2000);
	assert_int_equal(call.other.leg->failed, 1);
	assert_int_equal(call.speaker.leg->failed, 0);
	close_call(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_who_sends_nothing),
		cmocka_unit_test(test_names_the_unexpected_source),
		cmocka_unit_test(test_looks_where_the_voice_comes),
		cmocka_unit_test(test_names_what_was_not_agreed_on),
		cmocka_unit_test(test_tells_reports_without_sound),
		cmocka_unit_test(test_tells_a_codec_the_other_side_does_not_take),
		cmocka_unit_test(test_tells_what_does_not_arrive_at_the_far_end),
		cmocka_unit_test(test_holding_is_no_silence),
		cmocka_unit_test(test_long_silence_fails_the_leg_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
