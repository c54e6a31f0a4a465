/* Keys from descriptions: contexts that live as long as their keys, and a leg that learns nothing from what is not authentic. */
#include "crypto/digest.h"
#include "media/sdes.h"
#include "rtp/packet.h"
#include "../support/media_bench.h"
#include <string.h>
#include <unistd.h>

#define PAYLOAD_BYTES 160

/* One end of an SRTP stream. */
struct side {
	struct media_sdes *sdes;
	struct sdp_transport local;
	struct media_srtp *send, *receive;
};

static void side_open(struct side *side)
{
	memset(side, 0, sizeof *side);
	side->sdes = media_sdes_new();
	media_sdes_describe(side->sdes, &side->local);
}

static void side_close(struct side *side)
{
	media_srtp_free(side->send);
	media_srtp_free(side->receive);
	media_sdes_free(side->sdes);
}

/* Both have settled on the `index`-th suite. */
static int side_apply(struct side *side, const struct side *far_end, size_t index)
{
	struct sdp_stream_plan *plan = g_new0(struct sdp_stream_plan, 1);
	int error;

	plan->send_crypto = side->local.crypto[index];
	plan->receive_crypto = far_end->local.crypto[index];
	error = media_sdes_apply(side->sdes, plan, &side->send, &side->receive);
	g_free(plan);
	return error;
}

static size_t build(uint8_t *bytes, size_t size, uint16_t sequence, uint32_t ssrc)
{
	uint8_t payload[PAYLOAD_BYTES];
	struct rtp_packet packet = {
		.sequence = sequence, .ssrc = ssrc, .payload = payload, .payload_bytes = sizeof payload};
	size_t length;

	memset(payload, (uint8_t)sequence, sizeof payload);
	assert_int_equal(rtp_packet_build(&packet, bytes, size, &length), 0);
	return length;
}

/* 0, or what was wrong with it at the sender's or the receiver's. */
static int pass(struct side *from, struct side *to, uint16_t sequence)
{
	uint8_t bytes[256];
	size_t length = build(bytes, sizeof bytes, sequence, 7);
	int error = media_srtp_protect(from->send, bytes, &length, sizeof bytes);

	if (error == 0)
		error = media_srtp_unprotect(to->receive, bytes, &length);
	if (error == 0)
		assert_int_equal(bytes[RTP_HEADER_BYTES], (uint8_t)sequence);
	return error;
}

static void test_keys_are_fresh(void **state)
{
	struct side a, b;

	side_open(&a);
	side_open(&b);
	assert_int_equal(a.local.n_crypto, MEDIA_SRTP_PROFILES);
	assert_string_equal(a.local.crypto[0].suite, "AES_CM_128_HMAC_SHA1_80");
	for (size_t i = 0; i < MEDIA_SRTP_PROFILES; i++) {
		assert_int_equal(a.local.crypto[i].tag, i + 1);
		assert_memory_not_equal(a.local.crypto[i].key, b.local.crypto[i].key, 28);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(a.local.crypto[i].key, a.local.crypto[k].key, 28);
	}
	side_close(&a);
	side_close(&b);
}

static void test_every_suite(void **state)
{
	for (size_t i = 0; i < MEDIA_SRTP_PROFILES; i++) {
		struct side a, b;

		side_open(&a);
		side_open(&b);
		assert_int_equal(side_apply(&a, &b, i), 0);
		assert_int_equal(side_apply(&b, &a, i), 0);
		assert_int_equal(pass(&a, &b, 1), 0);
		assert_int_equal(pass(&b, &a, 1), 0);
		side_close(&a);
		side_close(&b);
	}
}

static void test_the_same_keys_go_on(void **state)
{
	struct side a, b;

	side_open(&a);
	side_open(&b);
	side_apply(&a, &b, 0);
	side_apply(&b, &a, 0);
	for (unsigned i = 0; i < 70000; i++) /* over the end of the sequence numbers */
		assert_int_equal(pass(&a, &b, (uint16_t)(60000 + i)), 0);
	struct media_srtp *send = a.send, *receive = b.receive;
	side_apply(&a, &b, 0);
	side_apply(&b, &a, 0);
	assert_ptr_equal(a.send, send);
	assert_ptr_equal(b.receive, receive);
	assert_int_equal(pass(&a, &b, (uint16_t)(60000 + 70000)), 0);
	side_close(&a);
	side_close(&b);
}

static void test_rekeyed_by_the_far_end(void **state)
{
	struct side a, b, b_later;

	side_open(&a);
	side_open(&b);
	side_open(&b_later);
	side_apply(&a, &b, 0);
	side_apply(&b, &a, 0);
	assert_int_equal(pass(&b, &a, 1), 0);
	struct media_srtp *send = a.send;
	side_apply(&a, &b_later, 0);
	side_apply(&b_later, &a, 0);
	assert_ptr_equal(a.send, send); /* ours has not changed */
	assert_int_equal(pass(&b, &a, 2), -EBADMSG);
	assert_int_equal(pass(&b_later, &a, 1), 0);
	side_close(&a);
	side_close(&b);
	side_close(&b_later);
}

static void test_a_key_that_was_left_does_not_begin_anew(void **state)
{
	struct side a, b;

	side_open(&a);
	side_open(&b);
	side_apply(&a, &b, 0);
	side_apply(&b, &a, 0);
	assert_int_equal(pass(&a, &b, 5), 0);
	side_apply(&a, &b, 2);
	side_apply(&b, &a, 2);
	assert_int_equal(pass(&a, &b, 6), 0);
	side_apply(&a, &b, 0);
	side_apply(&b, &a, 0);
	assert_int_equal(pass(&a, &b, 5), -EALREADY); /* at the sender's: the key stream has been used */
	assert_int_equal(pass(&a, &b, 7), 0);
	media_sdes_leave(a.sdes, &a.send, &a.receive);
	assert_null(a.send);
	assert_null(a.receive);
	side_apply(&a, &b, 0);
	assert_int_equal(pass(&a, &b, 7), -EALREADY);
	side_close(&a);
	side_close(&b);
}

static void test_wrong_keys_are_none(void **state)
{
	struct side a, b;

	side_open(&a);
	side_open(&b);
	b.local.crypto[0].key_bytes--;
	assert_int_equal(side_apply(&a, &b, 0), -EINVAL);
	assert_null(a.receive);
	side_close(&a);
	side_close(&b);
}

/* --- on a leg --- */

struct call {
	struct bench bench;
	struct bench_session session;
	struct bench_leg *secure, *plain;
	struct bench_phone phone, stranger, other;
	struct side far_end; /* the phone's */
	struct sdp_stream_plan *plan;
};

static bool both_connected(void *data)
{
	struct call *call = data;

	return call->secure->connected && call->plain->connected;
}

static void open_call(struct call *call, bool latch)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "secure", .sdes = true, .latch = latch};
	struct sdp_transport at;

	memset(call, 0, sizeof *call);
	bench_open(&call->bench, "127.0.0.1", NULL);
	bench_phone_open(&call->bench, &call->phone);
	bench_phone_open(&call->bench, &call->stranger);
	bench_phone_open(&call->bench, &call->other);
	bench_session_open(&call->bench, &call->session);
	options.toward = call->phone.address;
	call->secure = bench_leg_open(&call->session, &options);
	options = (struct media_leg_options){.kind = MEDIA_LEG_RTP, .name = "plain", .toward = call->other.address};
	call->plain = bench_leg_open(&call->session, &options);
	assert_int_equal(call->secure->local.n_crypto, MEDIA_SRTP_PROFILES);
	assert_int_equal(call->plain->local.n_crypto, 0);

	side_open(&call->far_end);
	/* Before the plans: once both legs are connected, whatever is sent passes. */
	media_session_bridge(call->session.session, call->secure->leg, call->plain->leg);
	call->plan = g_new0(struct sdp_stream_plan, 1);
	bench_phone_describe(&call->phone, &at);
	bench_plan(call->plan, 96, &at, SDP_SEND_RECEIVE);
	call->plan->send_crypto = call->secure->local.crypto[0];
	call->plan->receive_crypto = call->far_end.local.crypto[0];
	bench_apply(call->secure, call->plan);
	struct sdp_stream_plan *mirrored = g_new0(struct sdp_stream_plan, 1);
	mirrored->send_crypto = call->plan->receive_crypto;
	mirrored->receive_crypto = call->plan->send_crypto;
	media_sdes_apply(call->far_end.sdes, mirrored, &call->far_end.send, &call->far_end.receive);
	bench_phone_describe(&call->other, &at);
	bench_plan(mirrored, 96, &at, SDP_SEND_RECEIVE);
	bench_apply(call->plain, mirrored);
	g_free(mirrored);
	bench_wait(&call->bench, both_connected, call, 2000);
}

static void close_call(struct call *call)
{
	g_free(call->plan);
	side_close(&call->far_end);
	bench_session_close(&call->session);
	bench_phone_close(&call->phone);
	bench_phone_close(&call->stranger);
	bench_phone_close(&call->other);
	bench_close(&call->bench);
}

static void send_sealed(struct call *call, const struct bench_phone *from, uint16_t sequence)
{
	const struct net_address *to = &call->secure->local.rtp;
	uint8_t bytes[256];
	size_t length = build(bytes, sizeof bytes, sequence, 7);

	assert_int_equal(media_srtp_protect(call->far_end.send, bytes, &length, sizeof bytes), 0);
	assert_int_equal(sendto(from->descriptor, bytes, length, 0, &to->any, to->length), length);
}

static void test_leg_both_ways(void **state)
{
	struct call call;
	struct rtp_packet packet;

	open_call(&call, false);
	for (uint16_t i = 1; i <= 10; i++) {
		send_sealed(&call, &call.phone, i);
		bench_phone_wait(&call.bench, &call.other, i);
		assert_int_equal(rtp_packet_parse(call.other.last, call.other.last_bytes, &packet), 0);
		assert_int_equal(packet.payload[0], i);

		bench_phone_send(&call.other, &call.plain->local.rtp, 0);
		bench_phone_wait(&call.bench, &call.phone, i);
		assert_int_equal(call.phone.last_bytes, RTP_HEADER_BYTES + PAYLOAD_BYTES + 10);
		assert_int_equal(media_srtp_unprotect(call.far_end.receive, call.phone.last, &call.phone.last_bytes), 0);
		bench_apply(call.secure, call.plan); /* a re-INVITE that changes nothing */
	}
	close_call(&call);
}

static void test_leg_takes_nothing_in_clear(void **state)
{
	struct call call;

	open_call(&call, false);
	bench_phone_send(&call.phone, &call.secure->local.rtp, 0);
	send_sealed(&call, &call.stranger, 1); /* authentic, but from elsewhere */
	send_sealed(&call, &call.phone, 2);
	bench_phone_wait(&call.bench, &call.other, 1);
	assert_int_equal(call.other.last[RTP_HEADER_BYTES], 2);
	close_call(&call);
}

static void test_leg_latches_to_the_authentic_only(void **state)
{
	struct call call;

	open_call(&call, true);
	for (unsigned i = 0; i < 4; i++)
		bench_phone_send(&call.other, &call.secure->local.rtp, 0); /* in clear, in order, from elsewhere */
	send_sealed(&call, &call.stranger, 10);
	send_sealed(&call, &call.stranger, 11);
	bench_phone_wait(&call.bench, &call.other, 1);
	assert_int_equal(call.other.last[RTP_HEADER_BYTES], 11);
	bench_phone_send(&call.other, &call.plain->local.rtp, 0);
	bench_phone_wait(&call.bench, &call.stranger, 1);
	close_call(&call);
}

/* Each packet leaves out as many numbers as may be taken for lost: 23 go once around all of them. */
static void hear_around_all_numbers(struct call *call)
{
	for (unsigned i = 0; i < 30; i++) {
		call->other.sequence += 2900;
		bench_phone_send(&call->other, &call->plain->local.rtp, 0);
		bench_phone_wait(&call->bench, &call->phone, call->phone.received + 1);
		assert_int_equal(media_srtp_unprotect(call->far_end.receive, call->phone.last, &call->phone.last_bytes), 0);
	}
}

static bool is_back(void *data)
{
	return ((struct call *)data)->secure->connected == 2;
}

static void test_a_key_of_ours_goes_on_after_a_failure(void **state)
{
	struct call call;

	open_call(&call, false);
	hear_around_all_numbers(&call);
	call.plan->receive_crypto.key_bytes--;
	bench_apply(call.secure, call.plan);
	bench_leg_report(&call.bench, call.secure);
	assert_int_equal(call.secure->failure, MEDIA_FAILURE_KEYS);
	assert_int_equal(call.secure->connected, 1);
	call.plan->receive_crypto.key_bytes++;
	bench_apply(call.secure, call.plan);
	bench_wait(&call.bench, is_back, &call, 2000);
	hear_around_all_numbers(&call);
	close_call(&call);
}

static void test_leg_without_usable_keys_fails(void **state)
{
	struct call call;

	open_call(&call, false);
	call.plan->receive_crypto.key_bytes--;
	bench_apply(call.secure, call.plan);
	while (!call.secure->failed)
		bench_pass(&call.bench, 1);
	assert_int_equal(call.secure->failure, MEDIA_FAILURE_KEYS);
	bench_phone_send(&call.other, &call.plain->local.rtp, 0);
	bench_phone_send(&call.phone, &call.secure->local.rtp, 0);
	bench_pass(&call.bench, 50);
	assert_int_equal(bench_phone_read(&call.phone) + bench_phone_read(&call.other), 0);
	close_call(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_are_fresh),
		cmocka_unit_test(test_every_suite),
		cmocka_unit_test(test_the_same_keys_go_on),
		cmocka_unit_test(test_rekeyed_by_the_far_end),
		cmocka_unit_test(test_a_key_that_was_left_does_not_begin_anew),
		cmocka_unit_test(test_wrong_keys_are_none),
		cmocka_unit_test(test_leg_both_ways),
		cmocka_unit_test(test_leg_takes_nothing_in_clear),
		cmocka_unit_test(test_leg_latches_to_the_authentic_only),
		cmocka_unit_test(test_leg_without_usable_keys_fails),
		cmocka_unit_test(test_a_key_of_ours_goes_on_after_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
