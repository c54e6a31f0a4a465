/* A leg's reports: what it says, what it learns, and its goodbye. */
#include "../support/media_bench.h"
#include "rtp/rtcp.h"
#include <string.h>

struct reported_call {
	struct bench_call call;
	struct bench_phone control; /* RTCP of the party */
};

static void open_call(struct reported_call *call)
{
	struct bench_party *party = &call->call.party;

	bench_call_open(&call->call, MEDIA_BUILTIN_ECHO);
	bench_phone_open(&call->call.bench, &call->control);
	party->at.rtcp_mux = false;
	party->at.rtcp = call->control.address;
	bench_party_apply(party, 96, SDP_SEND_RECEIVE);
}

static bool has_report(void *data)
{
	struct reported_call *call = data;
	struct bench_phone *control = &call->control;
	ssize_t length = recv(control->descriptor, control->last, sizeof control->last, MSG_DONTWAIT);

	control->last_bytes = length > 0 ? (size_t)length : 0;
	return length > 0;
}

static void next(struct rtcp_iterator *iterator, uint8_t type, struct rtcp_packet *packet)
{
	assert_true(rtcp_next(iterator, packet));
	assert_int_equal(packet->type, type);
}

static void answer(struct reported_call *call, uint32_t about, uint64_t ntp_time)
{
	uint8_t bytes[256];
	struct rtcp_writer writer;
	struct rtcp_report_block block = {
		.ssrc = about, .fraction_lost = 64, .last_sender_report = rtcp_ntp_middle(ntp_time)};
	size_t length;

	rtcp_writer_init(&writer, bytes, sizeof bytes);
	rtcp_write_receiver_report(&writer, call->call.party.phone.ssrc, &block, 1);
	rtcp_write_cname(&writer, call->call.party.phone.ssrc, "phone");
	assert_int_equal(rtcp_writer_end(&writer, &length), 0);
	sendto(call->control.descriptor, bytes, length, 0, &call->call.party.leg->local.rtcp.any, call->call.party.leg->local.rtcp.length);
}

static bool is_reported(void *data)
{
	struct reported_call *call = data;
	bool has_come = call->call.party.leg->reported > 0 && call->call.party.leg->report.far_fraction_lost > 0;

	if (call->call.party.leg->reported > 0 && !has_come) {
		call->call.party.leg->reported = 0;
		media_leg_request_report(call->call.party.leg->leg);
	}
	return has_come;
}

static void test_reports(void **state)
{
	struct reported_call call;
	struct rtcp_iterator iterator;
	struct rtcp_packet packet;
	struct rtcp_sender_info info;
	struct rtcp_report_block block;
	uint32_t ssrc, source;

	open_call(&call);
	assert_int_equal(net_address_port(&call.call.party.leg->local.rtcp), net_address_port(&call.call.party.leg->local.rtp) + 1);
	for (unsigned i = 0; i < 5; i++) {
		bench_phone_send(&call.call.party.phone, &call.call.party.leg->local.rtp, 0);
		bench_phone_wait(&call.call.bench, &call.call.party.phone, i + 1);
	}
	bench_wait(&call.call.bench, has_report, &call, 5000);
	assert_int_equal(rtcp_compound_check(call.control.last, call.control.last_bytes, false), 0);
	rtcp_start(call.control.last, call.control.last_bytes, &iterator);
	next(&iterator, RTCP_SR, &packet);
	assert_true(rtcp_sender_ssrc(&packet, &ssrc));
	assert_true(rtcp_sender_info(&packet, &info));
	assert_int_equal(info.packets, 5);
	assert_int_equal(info.octets, 800);
	assert_true(rtcp_report_block(&packet, 0, &block));
	assert_int_equal(block.ssrc, call.call.party.phone.ssrc);
	assert_int_equal(block.cumulative_lost, 0);
	next(&iterator, RTCP_SDES, &packet);

	answer(&call, ssrc, info.ntp_time);
	media_leg_request_report(call.call.party.leg->leg);
	bench_wait(&call.call.bench, is_reported, &call, 2000);
	assert_int_equal(call.call.party.leg->report.far_fraction_lost, 64);
	assert_true(call.call.party.leg->report.round_trip_us > 0);
	assert_true(call.call.party.leg->report.round_trip_us < 2000000);

	media_leg_free(call.call.party.leg->leg);
	do
		bench_wait(&call.call.bench, has_report, &call, 5000);
	while (rtcp_start(call.control.last, call.control.last_bytes, &iterator), rtcp_next(&iterator, &packet),
	       rtcp_next(&iterator, &packet), !rtcp_next(&iterator, &packet));
	assert_int_equal(packet.type, RTCP_BYE);
	assert_true(rtcp_bye_source(&packet, 0, &source));
	assert_int_equal(source, ssrc);
	bench_phone_close(&call.control);
	bench_call_close(&call.call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
