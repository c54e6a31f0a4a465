/* What a leg's report says of how it is heard, in both directions. */
#include "../support/media_bench.h"
#include "rtp/rtcp.h"
#include <string.h>

/* `n` packets of PCMU, of which each `gap`-th is lost on its way; 0: none. */
static void speak(struct bench_call *call, unsigned n, unsigned gap)
{
	for (unsigned i = 1; i <= n; i++) {
		if (gap && i % gap == 0) {
			call->party.phone.sequence++;
			call->party.phone.timestamp += 160;
			continue;
		}
		bench_phone_send(&call->party.phone, &call->party.leg->local.rtp, 0);
		bench_phone_wait(&call->bench, &call->party.phone, call->party.phone.received + 1);
	}
}

static void test_says_nothing_of_silence(void **state)
{
	struct bench_call call;
	const struct media_report *report;

	bench_call_open(&call, MEDIA_BUILTIN_ECHO);
	report = bench_leg_report(&call.bench, call.party.leg);
	assert_true(report->mos_received == 0 && report->mos_sent == 0);
	assert_string_equal(report->encoding, "");
	bench_call_close(&call);
}

static void test_scores_fall_with_losses(void **state)
{
	struct bench_call call;
	const struct media_report *report;

	bench_call_open(&call, MEDIA_BUILTIN_ECHO);
	speak(&call, 40, 0);
	report = bench_leg_report(&call.bench, call.party.leg);
	assert_string_equal(report->encoding, "PCMU");
	assert_true(report->mos_received > 4.2 && report->mos_received < 4.42);
	assert_true(report->mos_received == report->mos_received_worst);
	bench_call_close(&call);
	bench_call_open(&call, MEDIA_BUILTIN_ECHO);
	speak(&call, 40, 4);
	report = bench_leg_report(&call.bench, call.party.leg);
	assert_int_equal(report->packets_lost, 9); /* the last one is not missed yet */
	assert_true(report->mos_received > 1 && report->mos_received < 3);
	bench_call_close(&call);
}

static void tell_loss(struct bench_call *call, uint8_t fraction)
{
	struct rtp_packet packet;
	struct rtcp_report_block block = {.fraction_lost = fraction, .cumulative_lost = 7, .highest_sequence = 3};
	uint8_t bytes[256];
	struct rtcp_writer writer;
	size_t length;

	assert_int_equal(rtp_packet_parse(call->party.phone.last, call->party.phone.last_bytes, &packet), 0);
	block.ssrc = packet.ssrc;
	rtcp_writer_init(&writer, bytes, sizeof bytes);
	rtcp_write_receiver_report(&writer, call->party.phone.ssrc, &block, 1);
	assert_int_equal(rtcp_writer_end(&writer, &length), 0);
	sendto(call->party.phone.descriptor, bytes, length, 0, &call->party.leg->local.rtp.any, call->party.leg->local.rtp.length);
	speak(call, 1, 0); /* what is behind it has been read, so has it */
}

static void test_what_the_far_end_hears_is_what_it_reports(void **state)
{
	struct bench_call call;
	const struct media_report *report;

	bench_call_open(&call, MEDIA_BUILTIN_ECHO);
	speak(&call, 20, 0);
	tell_loss(&call, 51); /* a fifth */
	report = bench_leg_report(&call.bench, call.party.leg);
	assert_int_equal(report->far_packets_lost, 7);
	assert_true(report->mos_sent > 1 && report->mos_sent < 3);
	assert_true(report->mos_received > 4.2);
	bench_call_close(&call);
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
