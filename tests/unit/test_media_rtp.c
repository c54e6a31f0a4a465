/* Two phones on plain RTP, joined. */
#include "rtp/packet.h"
#include "../support/media_bench.h"
#include <string.h>
#include <unistd.h>

struct call {
	struct bench bench;
	struct bench_session session;
	struct bench_leg *a, *b;
	struct bench_phone phone_a, phone_b;
	struct sdp_transport at_a, at_b;
};

static void apply(struct bench_leg *leg, uint8_t first_dynamic, const struct sdp_transport *remote,
		  enum sdp_direction direction)
{
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);

	bench_plan(stream, first_dynamic, remote, direction);
	bench_apply(leg, stream);
	g_free(stream);
}

static bool both_connected(void *data)
{
	struct call *call = data;

	return call->a->connected && call->b->connected;
}

static bool is_reported(void *data)
{
	return ((struct bench_leg *)data)->reported > 0;
}

/* Also when only all orders before it shall be done. */
static void get_report(struct call *call, struct bench_leg *leg)
{
	leg->reported = 0;
	media_leg_request_report(leg->leg);
	bench_wait(&call->bench, is_reported, leg, 2000);
}

static void open_call(struct call *call, const char *host, bool latch)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "phone"};

	memset(call, 0, sizeof *call);
	bench_open(&call->bench, host, NULL);
	bench_phone_open(&call->bench, &call->phone_a);
	bench_phone_open(&call->bench, &call->phone_b);
	bench_session_open(&call->bench, &call->session);
	options.toward = call->phone_a.address;
	options.latch = latch;
	call->a = bench_leg_open(&call->session, &options);
	options.toward = call->phone_b.address;
	options.latch = false;
	call->b = bench_leg_open(&call->session, &options);
	bench_phone_describe(&call->phone_a, &call->at_a);
	bench_phone_describe(&call->phone_b, &call->at_b);
	apply(call->a, 96, &call->at_a, SDP_SEND_RECEIVE);
	apply(call->b, 111, &call->at_b, SDP_SEND_RECEIVE);
	media_session_bridge(call->session.session, call->a->leg, call->b->leg);
	bench_wait(&call->bench, both_connected, call, 2000);
	get_report(call, call->a);
}

static void close_call(struct call *call)
{
	bench_session_close(&call->session);
	bench_phone_close(&call->phone_a);
	bench_phone_close(&call->phone_b);
	bench_close(&call->bench);
}

static void parse_last(const struct bench_phone *phone, struct rtp_packet *packet)
{
	assert_int_equal(rtp_packet_parse(phone->last, phone->last_bytes, packet), 0);
}

static void pass_both_ways(struct call *call)
{
	struct rtp_packet packet;
	uint8_t first;
	uint32_t ssrc = 0;
	uint16_t sequence = 0;

	for (unsigned i = 0; i < 20; i++) {
		first = (uint8_t)call->phone_a.sequence;
		bench_phone_send(&call->phone_a, &call->a->local.rtp, 0);
		bench_phone_wait(&call->bench, &call->phone_b, i + 1);
		parse_last(&call->phone_b, &packet);
		assert_int_equal(packet.payload_type, 0);
		assert_int_equal(packet.payload_bytes, 160);
		assert_int_equal(packet.payload[0], first);
		assert_int_equal(packet.payload[159], (uint8_t)(first + 159));
		assert_true(net_address_equal(&call->phone_b.last_from, &call->b->local.rtp));
		if (i > 0) {
			assert_int_equal(packet.ssrc, ssrc);
			assert_int_equal(packet.sequence, (uint16_t)(sequence + 1));
		}
		ssrc = packet.ssrc;
		sequence = packet.sequence;
		bench_phone_send(&call->phone_b, &call->b->local.rtp, 111);
		bench_phone_wait(&call->bench, &call->phone_a, i + 1);
		parse_last(&call->phone_a, &packet);
		assert_int_equal(packet.payload_type, 96); /* opus by its other name */
	}
}

static void test_pattern(void **state)
{
	struct call call;

	open_call(&call, *state, false);
	pass_both_ways(&call);
	close_call(&call);
}

static void test_events_and_unknown_types(void **state)
{
	struct call call;
	struct rtp_packet packet;

	open_call(&call, *state, false);
	bench_phone_send(&call.phone_a, &call.a->local.rtp, 97);
	bench_phone_wait(&call.bench, &call.phone_b, 1);
	parse_last(&call.phone_b, &packet);
	assert_int_equal(packet.payload_type, 112); /* telephone-event/8000 */
	bench_phone_send(&call.phone_a, &call.a->local.rtp, 98);
	bench_phone_wait(&call.bench, &call.phone_b, 2);
	parse_last(&call.phone_b, &packet);
	assert_int_equal(packet.payload_type, 113); /* telephone-event/48000 */
	bench_phone_send(&call.phone_a, &call.a->local.rtp, 18); /* nobody has agreed on it */
	bench_phone_send(&call.phone_a, &call.a->local.rtp, 0);
	bench_phone_wait(&call.bench, &call.phone_b, 3);
	parse_last(&call.phone_b, &packet);
	assert_int_equal(packet.payload_type, 0);
	close_call(&call);
}

static void test_strangers(void **state)
{
	struct call call;
	struct bench_phone stranger;

	open_call(&call, *state, false);
	bench_phone_open(&call.bench, &stranger);
	for (int i = 0; i < 5; i++)
		bench_phone_send(&stranger, &call.a->local.rtp, 0);
	bench_phone_send(&call.phone_a, &call.a->local.rtp, 0);
	bench_phone_wait(&call.bench, &call.phone_b, 1);
	bench_pass(&call.bench, 20);
	bench_phone_read(&call.phone_b);
	assert_int_equal(call.phone_b.received, 1);
	get_report(&call, call.a);
	assert_int_equal(call.a->report.packets_refused, 5);
	assert_int_equal(call.a->report.packets_received, 1);
	bench_phone_send(&call.phone_b, &call.b->local.rtp, 0); /* and it is not sent to */
	bench_phone_wait(&call.bench, &call.phone_a, 1);
	assert_int_equal(bench_phone_read(&stranger), 0);
	bench_phone_close(&stranger);
	close_call(&call);
}

static void test_latch(void **state)
{
	struct call call;
	struct bench_phone nat, late;

	open_call(&call, *state, true);
	bench_phone_open(&call.bench, &nat);
	bench_phone_open(&call.bench, &late);
	bench_phone_send(&nat, &call.a->local.rtp, 0); /* one packet proves nothing */
	bench_phone_send(&nat, &call.a->local.rtp, 0);
	bench_phone_send(&nat, &call.a->local.rtp, 0);
	bench_phone_wait(&call.bench, &call.phone_b, 2);
	for (int i = 0; i < 4; i++)
		bench_phone_send(&late, &call.a->local.rtp, 0);
	bench_phone_send(&call.phone_b, &call.b->local.rtp, 0);
	bench_phone_wait(&call.bench, &nat, 1);
	bench_pass(&call.bench, 20);
	bench_phone_read(&call.phone_b);
	assert_int_equal(call.phone_b.received, 2);
	assert_int_equal(bench_phone_read(&call.phone_a), 0);
	assert_int_equal(bench_phone_read(&late), 0);
	bench_phone_close(&nat);
	bench_phone_close(&late);
	close_call(&call);
}

/* Sends one each way; only those from `b` may arrive. */
static void expect_one_way(struct call *call)
{
	unsigned before = call->phone_a.received;

	get_report(call, call->a);
	bench_phone_send(&call->phone_a, &call->a->local.rtp, 0);
	bench_phone_send(&call->phone_b, &call->b->local.rtp, 0);
	bench_phone_wait(&call->bench, &call->phone_a, before + 1); /* music on hold, so to say */
	bench_pass(&call->bench, 20);
	assert_int_equal(bench_phone_read(&call->phone_b), 0);
}

static void test_hold(void **state)
{
	struct call call;
	struct rtp_packet before, after;

	open_call(&call, *state, false);
	bench_phone_send(&call.phone_a, &call.a->local.rtp, 0);
	bench_phone_wait(&call.bench, &call.phone_b, 1);
	parse_last(&call.phone_b, &before);
	apply(call.b, 111, &call.at_b, SDP_RECEIVE_ONLY); /* we do not send to b */
	expect_one_way(&call);
	apply(call.b, 111, &call.at_b, SDP_SEND_RECEIVE);
	apply(call.a, 96, &call.at_a, SDP_SEND_ONLY); /* we take nothing from a */
	expect_one_way(&call);
	apply(call.a, 96, &call.at_a, SDP_SEND_RECEIVE);
	get_report(&call, call.a);
	bench_phone_send(&call.phone_a, &call.a->local.rtp, 0);
	bench_phone_wait(&call.bench, &call.phone_b, 2);
	parse_last(&call.phone_b, &after);
	assert_int_equal(after.ssrc, before.ssrc);
	close_call(&call);
}

static void test_other_address(void **state)
{
	struct call call;
	struct bench_phone moved;
	struct sdp_transport at;

	open_call(&call, *state, false);
	bench_phone_open(&call.bench, &moved);
	bench_phone_describe(&moved, &at);
	bench_phone_send(&call.phone_a, &call.a->local.rtp, 0);
	bench_phone_wait(&call.bench, &call.phone_b, 1);
	apply(call.b, 111, &at, SDP_SEND_RECEIVE);
	get_report(&call, call.b);
	bench_phone_send(&call.phone_b, &call.b->local.rtp, 0); /* from where it was before */
	bench_phone_send(&call.phone_a, &call.a->local.rtp, 0);
	bench_phone_wait(&call.bench, &moved, 1);
	bench_pass(&call.bench, 20);
	assert_int_equal(bench_phone_read(&call.phone_a), 0);
	assert_int_equal(bench_phone_read(&call.phone_b), 0);
	bench_phone_close(&moved);
	close_call(&call);
}

static void test_extensions_are_stripped(void **state)
{
	struct call call;
	static const uint8_t extension[8] = {0x10, 0xff};
	static const uint8_t payload[] = "what is said";
	struct rtp_packet packet = {
		.marker = true,
		.ssrc = 5,
		.has_extension = true,
		.extension_profile = RTP_EXTENSION_ONE_BYTE,
		.extension = extension,
		.extension_bytes = sizeof extension,
		.payload = payload,
		.payload_bytes = sizeof payload,
		.padding_bytes = 4,
	};
	uint8_t bytes[128];
	size_t length;

	open_call(&call, *state, false);
	assert_int_equal(rtp_packet_build(&packet, bytes, sizeof bytes, &length), 0);
	sendto(call.phone_a.descriptor, bytes, length, 0, &call.a->local.rtp.any, call.a->local.rtp.length);
	bench_phone_wait(&call.bench, &call.phone_b, 1);
	assert_int_equal(call.phone_b.last_bytes, RTP_HEADER_BYTES + sizeof payload);
	parse_last(&call.phone_b, &packet);
	assert_true(packet.marker);
	assert_false(packet.has_extension);
	assert_memory_equal(packet.payload, payload, sizeof payload);
	close_call(&call);
}

static void test_bridge_changes(void **state)
{
	struct call call;
	struct bench_phone third;
	struct bench_leg *c;
	struct sdp_transport at;
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "third"};
	struct rtp_packet before, after;

	open_call(&call, *state, false);
	bench_phone_open(&call.bench, &third);
	bench_phone_describe(&third, &at);
	options.toward = third.address;
	c = bench_leg_open(&call.session, &options);
	apply(c, 100, &at, SDP_SEND_RECEIVE);
	bench_phone_send(&call.phone_b, &call.b->local.rtp, 0);
	bench_phone_wait(&call.bench, &call.phone_a, 1);
	parse_last(&call.phone_a, &before);
	media_session_bridge(call.session.session, call.a->leg, c->leg);
	get_report(&call, call.a);
	bench_phone_send(&call.phone_b, &call.b->local.rtp, 0);
	bench_phone_send(&third, &c->local.rtp, 100);
	bench_phone_wait(&call.bench, &call.phone_a, 2);
	parse_last(&call.phone_a, &after);
	assert_int_equal(after.payload_type, 96);
	assert_int_equal(after.ssrc, before.ssrc); /* one identity for the whole call */
	assert_int_equal(after.sequence, (uint16_t)(before.sequence + 1));
	media_session_bridge(call.session.session, call.a->leg, NULL);
	media_leg_free(c->leg);
	get_report(&call, call.a);
	bench_phone_send(&call.phone_a, &call.a->local.rtp, 0);
	bench_pass(&call.bench, 20);
	assert_int_equal(bench_phone_read(&third) + bench_phone_read(&call.phone_b), 0);
	bench_phone_close(&third);
	close_call(&call);
}

static void test_echo(void **state)
{
	struct call call;
	struct media_leg_options options = {.kind = MEDIA_LEG_BUILTIN, .builtin = MEDIA_BUILTIN_ECHO, .name = "echo"};
	struct bench_leg *echo;
	struct rtp_packet packet;

	open_call(&call, *state, false);
	echo = bench_leg_open(&call.session, &options);
	media_session_bridge(call.session.session, call.a->leg, echo->leg);
	get_report(&call, call.a);
	for (unsigned i = 0; i < 5; i++) {
		bench_phone_send(&call.phone_a, &call.a->local.rtp, 97);
		bench_phone_wait(&call.bench, &call.phone_a, i + 1);
		parse_last(&call.phone_a, &packet);
		assert_int_equal(packet.payload_type, 97);
		assert_int_equal(packet.payload[0], (uint8_t)(call.phone_a.sequence - 1));
	}
	close_call(&call);
}

int main(void)
{
	static char ipv4[] = "127.0.0.1", ipv6[] = "::1";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_pattern, ipv4),
		cmocka_unit_test_prestate(test_pattern, ipv6),
		cmocka_unit_test_prestate(test_events_and_unknown_types, ipv4),
		cmocka_unit_test_prestate(test_strangers, ipv4),
		cmocka_unit_test_prestate(test_latch, ipv4),
		cmocka_unit_test_prestate(test_hold, ipv4),
		cmocka_unit_test_prestate(test_other_address, ipv4),
		cmocka_unit_test_prestate(test_extensions_are_stripped, ipv4),
		cmocka_unit_test_prestate(test_bridge_changes, ipv4),
		cmocka_unit_test_prestate(test_echo, ipv4),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
