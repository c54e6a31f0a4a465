/* What a leg's report says of how it is heard, in both directions. */
#include "../support/media_bench.h"
#include "rtp/packet.h"
#include "rtp/rtcp.h"
#include <string.h>

struct call {
	struct bench bench;
	struct bench_session session;
	struct bench_leg *leg, *echo;
	struct bench_phone phone;
};

static bool is_connected(void *data)
{
	return ((struct call *)data)->leg->connected > 0;
}

static void open_call(struct call *call)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "phone"};
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);
	struct sdp_transport at;

	memset(call, 0, sizeof *call);
	bench_open(&call->bench, "127.0.0.1", NULL);
	bench_phone_open(&call->bench, &call->phone);
	bench_session_open(&call->bench, &call->session);
	call->leg = bench_leg_open(&call->session, &options);
	options = (struct media_leg_options){.kind = MEDIA_LEG_BUILTIN, .builtin = MEDIA_BUILTIN_ECHO, .name = "echo"};
	call->echo = bench_leg_open(&call->session, &options);
	media_session_bridge(call->session.session, call->leg->leg, call->echo->leg);
	bench_phone_describe(&call->phone, &at);
	bench_plan(stream, 96, &at, SDP_SEND_RECEIVE);
	bench_apply(call->leg, stream);
	g_free(stream);
	bench_wait(&call->bench, is_connected, call, 2000);
}

static void close_call(struct call *call)
{
	bench_session_close(&call->session);
	bench_phone_close(&call->phone);
	bench_close(&call->bench);
}

/* `n` packets of PCMU, of which each `gap`-th is lost on its way; 0: none. */
static void speak(struct call *call, unsigned n, unsigned gap)
{
	for (unsigned i = 1; i <= n; i++) {
		if (gap && i % gap == 0) {
			call->phone.sequence++;
			call->phone.timestamp += 160;
			continue;
		}
		bench_phone_send(&call->phone, &call->leg->local.rtp, 0);
		bench_phone_wait(&call->bench, &call->phone, call->phone.received + 1);
	}
}

static bool is_reported(void *data)
{
	return ((struct bench_leg *)data)->reported > 0;
}

static const struct media_report *get_report(struct call *call)
{
	call->leg->reported = 0;
	media_leg_request_report(call->leg->leg);
	bench_wait(&call->bench, is_reported, call->leg, 2000);
	return &call->leg->report;
}

static void test_says_nothing_of_silence(void **state)
{
	struct call call;
	const struct media_report *report;

	open_call(&call);
	report = get_report(&call);
	assert_true(report->mos_received == 0 && report->mos_sent == 0);
	assert_string_equal(report->encoding, "");
	close_call(&call);
}

static void test_scores_fall_with_losses(void **state)
{
	struct call call;
	const struct media_report *report;

	open_call(&call);
	speak(&call, 40, 0);
	report = get_report(&call);
	assert_string_equal(report->encoding, "PCMU");
	assert_true(report->mos_received > 4.2 && report->mos_received < 4.42);
	assert_true(report->mos_received == report->mos_received_worst);
	close_call(&call);
	open_call(&call);
	speak(&call, 40, 4);
	report = get_report(&call);
	assert_int_equal(report->packets_lost, 9); /* the last one is not missed yet */
	assert_true(report->mos_received > 1 && report->mos_received < 3);
	close_call(&call);
}

static void tell_loss(struct call *call, uint8_t fraction)
{
	struct rtp_packet packet;
	struct rtcp_report_block block = {.fraction_lost = fraction, .cumulative_lost = 7, .highest_sequence = 3};
	uint8_t bytes[256];
	struct rtcp_writer writer;
	size_t length;

	assert_int_equal(rtp_packet_parse(call->phone.last, call->phone.last_bytes, &packet), 0);
	block.ssrc = packet.ssrc;
	rtcp_writer_init(&writer, bytes, sizeof bytes);
	rtcp_write_receiver_report(&writer, call->phone.ssrc, &block, 1);
	assert_int_equal(rtcp_writer_end(&writer, &length), 0);
	sendto(call->phone.descriptor, bytes, length, 0, &call->leg->local.rtp.any, call->leg->local.rtp.length);
	speak(call, 1, 0); /* what is behind it has been read, so has it */
}

static void test_what_the_far_end_hears_is_what_it_reports(void **state)
{
	struct call call;
	const struct media_report *report;

	open_call(&call);
	speak(&call, 20, 0);
	tell_loss(&call, 51); /* a fifth */
	report = get_report(&call);
	assert_int_equal(report->far_packets_lost, 7);
	assert_true(report->mos_sent > 1 && report->mos_sent < 3);
	assert_true(report->mos_received > 4.2);
	close_call(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_nothing_of_silence),
		cmocka_unit_test(test_scores_fall_with_losses),
		cmocka_unit_test(test_what_the_far_end_hears_is_what_it_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
