/* Attended transfer, as media sees it: two calls between phones, and a leg of one is joined with a leg of the other.
 * Once on one worker and once across two. */
#include "../support/media_bench.h"
#include "rtp/digits.h"
#include "rtp/rtcp_feedback.h"
#include <string.h>
#include <unistd.h>

enum placement { APART, NEAR };

struct calls {
	struct bench bench;
	struct bench_session first, second;
	struct bench_party a, b, c, d; /* a with b, c with d */
};

/* Also when only all orders before it shall be done. */
static void get_report(struct calls *calls, struct bench_party *party)
{
	bench_leg_report(&calls->bench, party->leg);
}

static void open_calls(struct calls *calls, enum placement placement)
{
	memset(calls, 0, sizeof *calls);
	bench_open(&calls->bench, "127.0.0.1", bench_codecs);
	bench_session_open(&calls->bench, &calls->first);
	bench_session_open(&calls->bench, &calls->second);
	bench_party_open(&calls->first, &calls->a, "phone", 96);
	bench_party_open(&calls->first, &calls->b, "phone", 100);
	if (placement == NEAR)
		media_session_place_near(calls->second.session, calls->first.session);
	bench_party_open(&calls->second, &calls->c, "phone", 110);
	bench_party_open(&calls->second, &calls->d, "phone", 120);
	media_session_bridge(calls->first.session, calls->a.leg->leg, calls->b.leg->leg);
	media_session_bridge(calls->second.session, calls->c.leg->leg, calls->d.leg->leg);
	get_report(calls, &calls->a);
	get_report(calls, &calls->c);
}

static void close_calls(struct calls *calls)
{
	bench_session_close(&calls->first);
	bench_session_close(&calls->second);
	bench_phone_close(&calls->a.phone);
	bench_phone_close(&calls->b.phone);
	bench_phone_close(&calls->c.phone);
	bench_phone_close(&calls->d.phone);
	bench_close(&calls->bench);
}

/* One packet, as what it arrives; `type` as the sender counts from his first dynamic type. */
static void say(struct calls *calls, struct bench_party *from, struct bench_party *to, uint8_t type)
{
	unsigned before = to->phone.received;
	struct rtp_packet last = to->heard;

	bench_phone_send(&from->phone, &from->leg->local.rtp, from->first_dynamic + type);
	bench_party_hear(&calls->bench, to);
	assert_int_equal(to->phone.received, before + 1);
	assert_true(net_address_equal(&to->phone.last_from, &to->leg->local.rtp));
	assert_int_equal(to->heard.payload_type, to->first_dynamic + type);
	assert_int_equal(to->heard.payload_bytes, 160);
	assert_int_equal(to->heard.payload[0], (uint8_t)(from->phone.sequence - 1));
	assert_int_equal(to->heard.payload[159], (uint8_t)(from->phone.sequence + 158));
	if (!last.ssrc)
		return;
	assert_int_equal(to->heard.ssrc, last.ssrc);
	assert_int_equal(to->heard.sequence, (uint16_t)(last.sequence + 1));
	assert_in_range(rtp_timestamp_distance(to->heard.timestamp, last.timestamp), 1, 48000);
}

static void talk(struct calls *calls, struct bench_party *x, struct bench_party *y, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		say(calls, x, y, 0);
		say(calls, y, x, 0);
	}
}

/* b's and d's part ends: a and c go on with each other. The second session ends too. */
static void transfer(struct calls *calls)
{
	calls->c.leg = bench_leg_move(calls->c.leg, &calls->first);
	media_session_bridge(calls->first.session, calls->a.leg->leg, calls->c.leg->leg);
	media_leg_free(calls->b.leg->leg);
	bench_session_close(&calls->second);
	get_report(calls, &calls->a);
	get_report(calls, &calls->c);
}

static void test_transfer(void **state)
{
	enum placement placement = *(enum placement *)*state;
	struct calls calls;
	struct media_counts counts;

	open_calls(&calls, placement);
	talk(&calls, &calls.a, &calls.b, 5);
	talk(&calls, &calls.c, &calls.d, 5);
	assert_false(calls.a.heard.marker);
	transfer(&calls);
	say(&calls, &calls.c, &calls.a, 0);
	assert_true(calls.a.heard.marker);
	say(&calls, &calls.a, &calls.c, 0);
	assert_true(calls.c.heard.marker);
	talk(&calls, &calls.a, &calls.c, 50);
	assert_false(calls.a.heard.marker || calls.c.heard.marker);
	say(&calls, &calls.a, &calls.c, 1); /* telephone-event, of another number on each side */
	get_report(&calls, &calls.c);
	assert_int_equal(calls.c.leg->report.packets_received, 56);
	assert_int_equal(calls.c.leg->report.packets_sent, 57);
	assert_int_equal(calls.c.leg->report.packets_refused, 0);
	media_engine_count(calls.bench.engine, &counts);
	assert_int_equal(counts.sessions, 1);
	close_calls(&calls);
}

/* What the numbers and the direction of one side become is heeded by the other, wherever that is. */
static void test_plan_changes_after_it(void **state)
{
	enum placement placement = *(enum placement *)*state;
	struct calls calls;

	open_calls(&calls, placement);
	transfer(&calls);
	talk(&calls, &calls.a, &calls.c, 2);
	bench_party_apply(&calls.c, 101, SDP_SEND_RECEIVE);
	get_report(&calls, &calls.c);
	bench_pass(&calls.bench, 20); /* it is told to the other worker */
	say(&calls, &calls.a, &calls.c, 0);
	assert_false(calls.c.heard.marker); /* nothing was switched */
	say(&calls, &calls.c, &calls.a, 0);
	assert_false(calls.a.heard.marker);
	bench_party_apply(&calls.c, 101, SDP_RECEIVE_ONLY); /* hold, from c */
	get_report(&calls, &calls.c);
	say(&calls, &calls.c, &calls.a, 0);
	bench_phone_send(&calls.a.phone, &calls.a.leg->local.rtp, 96);
	bench_pass(&calls.bench, 30);
	assert_int_equal(bench_phone_read(&calls.c.phone), 0);
	bench_party_apply(&calls.c, 101, SDP_SEND_RECEIVE);
	get_report(&calls, &calls.c);
	bench_pass(&calls.bench, 20);
	say(&calls, &calls.c, &calls.a, 0);
	close_calls(&calls);
}

/* Without a partner for a while; what is said meanwhile goes nowhere, and is not heard later. */
static void test_alone_for_a_moment(void **state)
{
	enum placement placement = *(enum placement *)*state;
	struct calls calls;

	open_calls(&calls, placement);
	talk(&calls, &calls.a, &calls.b, 2);
	talk(&calls, &calls.c, &calls.d, 2);
	calls.c.leg = bench_leg_move(calls.c.leg, &calls.first);
	media_session_bridge(calls.first.session, calls.a.leg->leg, NULL);
	get_report(&calls, &calls.c);
	get_report(&calls, &calls.a);
	for (int i = 0; i < 5; i++)
		bench_phone_send(&calls.c.phone, &calls.c.leg->local.rtp, 110);
	bench_pass(&calls.bench, 50);
	assert_int_equal(
	    bench_phone_read(&calls.a.phone) + bench_phone_read(&calls.b.phone) + bench_phone_read(&calls.d.phone), 0);
	media_session_bridge(calls.first.session, calls.c.leg->leg, calls.a.leg->leg);
	get_report(&calls, &calls.a);
	get_report(&calls, &calls.c);
	talk(&calls, &calls.a, &calls.c, 5);
	assert_int_equal(calls.a.leg->failed + calls.c.leg->failed, 0);
	close_calls(&calls);
}

/* And back again: the transfer has failed. */
static void test_return(void **state)
{
	enum placement placement = *(enum placement *)*state;
	struct calls calls;

	open_calls(&calls, placement);
	talk(&calls, &calls.a, &calls.b, 2);
	talk(&calls, &calls.c, &calls.d, 2);
	for (int i = 0; i < 20; i++) {
		calls.c.leg = bench_leg_move(calls.c.leg, &calls.first);
		media_session_bridge(calls.first.session, calls.a.leg->leg, calls.c.leg->leg);
		get_report(&calls, &calls.a);
		get_report(&calls, &calls.c);
		say(&calls, &calls.a, &calls.c, 0);
		calls.c.leg = bench_leg_move(calls.c.leg, &calls.second);
		media_session_bridge(calls.second.session, calls.d.leg->leg, calls.c.leg->leg);
		media_session_bridge(calls.first.session, calls.a.leg->leg, calls.b.leg->leg);
		get_report(&calls, &calls.a);
		get_report(&calls, &calls.c);
		say(&calls, &calls.b, &calls.a, 0);
		say(&calls, &calls.d, &calls.c, 0);
	}
	close_calls(&calls);
}

/* Bursts over the ring, as many as the sockets take: none is lost, none overtakes another. */
#define BURST  40
#define BURSTS 200
static void test_bursts(void **state)
{
	enum placement placement = *(enum placement *)*state;
	struct calls calls;
	int64_t begun_us;

	open_calls(&calls, placement);
	transfer(&calls);
	begun_us = base_monotonic_us();
	for (int i = 0; i < BURSTS; i++) {
		for (int k = 0; k < BURST; k++)
			bench_phone_send(&calls.a.phone, &calls.a.leg->local.rtp, 96);
		bench_phone_wait(&calls.bench, &calls.c.phone, (unsigned)(i + 1) * BURST);
		assert_int_equal(rtp_packet_parse(calls.c.phone.last, calls.c.phone.last_bytes, &calls.c.heard), 0);
		assert_int_equal(calls.c.heard.payload[0], (uint8_t)(calls.a.phone.sequence - 1));
	}
	print_message("%d packets in %.0f ms\n", BURST * BURSTS, (double)(base_monotonic_us() - begun_us) / 1000);
	close_calls(&calls);
}

/* Everything ends at any moment while packets flow. */
static void test_ends(void **state)
{
	enum placement placement = *(enum placement *)*state;
	struct calls calls;

	for (int i = 0; i < 24; i++) {
		open_calls(&calls, placement);
		for (int k = 0; k < 10; k++) {
			bench_phone_send(&calls.a.phone, &calls.a.leg->local.rtp, 96);
			bench_phone_send(&calls.c.phone, &calls.c.leg->local.rtp, 110);
		}
		calls.c.leg = bench_leg_move(calls.c.leg, &calls.first);
		media_session_bridge(calls.first.session, calls.a.leg->leg, calls.c.leg->leg);
		for (int k = 0; k < 10; k++) {
			bench_phone_send(&calls.a.phone, &calls.a.leg->local.rtp, 96);
			bench_phone_send(&calls.c.phone, &calls.c.leg->local.rtp, 110);
		}
		if (i % 4 == 1)
			media_leg_free(calls.a.leg->leg);
		else if (i % 4 == 2)
			media_leg_free(calls.c.leg->leg);
		else if (i % 4 == 3)
			media_session_bridge(calls.first.session, calls.a.leg->leg, calls.b.leg->leg);
		if (i % 8 < 4) {
			close_calls(&calls);
			continue;
		}
		/* The engine too, with all of it still to be done. */
		bench_session_close(&calls.first);
		bench_session_close(&calls.second);
		media_engine_free(calls.bench.engine);
		loop_free(calls.bench.loop);
		close(calls.a.phone.descriptor);
		close(calls.b.phone.descriptor);
		close(calls.c.phone.descriptor);
		close(calls.d.phone.descriptor);
	}
}

static struct bench_leg *open_builtin(struct calls *calls, enum media_builtin builtin)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_BUILTIN, .builtin = builtin, .name = "built-in"};
	struct bench_leg *leg = bench_leg_open(&calls->second, &options);

	leg = bench_leg_move(leg, &calls->first);
	media_session_bridge(calls->first.session, calls->a.leg->leg, leg->leg);
	get_report(calls, &calls->a);
	bench_pass(&calls->bench, 20);
	return leg;
}

static void test_builtins(void **state)
{
	enum placement placement = *(enum placement *)*state;
	struct calls calls;
	struct bench_leg *tone;
	unsigned received;

	open_calls(&calls, placement);
	open_builtin(&calls, MEDIA_BUILTIN_ECHO);
	for (int i = 0; i < 5; i++)
		say(&calls, &calls.a, &calls.a, 1);
	tone = open_builtin(&calls, MEDIA_BUILTIN_MILLIWATT);
	bench_phone_wait(&calls.bench, &calls.a.phone, calls.a.phone.received + 20);
	assert_int_equal(rtp_packet_parse(calls.a.phone.last, calls.a.phone.last_bytes, &calls.a.heard), 0);
	assert_int_equal(calls.a.heard.payload_type, 0);
	media_leg_free(tone->leg);
	get_report(&calls, &calls.a);
	bench_pass(&calls.bench, 50);
	bench_phone_read(&calls.a.phone);
	received = calls.a.phone.received;
	bench_pass(&calls.bench, 60);
	bench_phone_read(&calls.a.phone);
	assert_int_equal(calls.a.phone.received, received);
	close_calls(&calls);
}

/* --- feedback about pictures --- */

static void show(struct calls *calls, struct bench_party *party)
{
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);

	bench_plan(stream, party->first_dynamic, &party->at, SDP_SEND_RECEIVE);
	stream->kind = SDP_KIND_VIDEO;
	stream->feedback = SDP_FEEDBACK_PLI | SDP_FEEDBACK_REMB;
	stream->has_reduced_size = true;
	bench_apply(party->leg, stream);
	g_free(stream);
	get_report(calls, party);
}

static bool has_heard_feedback(void *data)
{
	struct bench_phone *phone = data;
	ssize_t length = recv(phone->descriptor, phone->last, sizeof phone->last, MSG_DONTWAIT);

	phone->last_bytes = length > 0 ? (size_t)length : 0;
	return length > 0 && phone->last[1] == RTCP_PSFB;
}

/* What one far end asks for is asked of the other, wherever that is. */
static void test_feedback_goes_across(void **state)
{
	enum placement placement = *(enum placement *)*state;
	struct calls calls;
	struct rtcp_writer writer;
	uint8_t bytes[64];

	open_calls(&calls, placement);
	show(&calls, &calls.a);
	show(&calls, &calls.c);
	transfer(&calls);
	bench_pass(&calls.bench, 20); /* each is told of the other */
	say(&calls, &calls.a, &calls.c, 0);
	media_leg_want_key_frame(calls.c.leg->leg);
	bench_wait(&calls.bench, has_heard_feedback, &calls.a.phone, 2000);
	assert_int_equal(calls.a.phone.last[0] & 0x1f, RTCP_PSFB_PLI);
	rtcp_writer_init(&writer, bytes, sizeof bytes);
	rtcp_write_remb(&writer, calls.c.phone.ssrc, 640000, &calls.c.heard.ssrc, 1);
	sendto(calls.c.phone.descriptor, bytes, writer.length, 0, &calls.c.leg->local.rtp.any, calls.c.leg->local.rtp.length);
	bench_wait(&calls.bench, has_heard_feedback, &calls.a.phone, 2000);
	assert_int_equal(calls.a.phone.last[0] & 0x1f, RTCP_PSFB_REMB);
	assert_memory_equal(calls.a.phone.last + 12, bytes + 12, 8); /* the name, one source, the rate */
	close_calls(&calls);
}

/* Of 100 ms: five updates, the last of which is the end, and two ends more. */
#define EVENT_PACKETS 7

/* What one side says by signalling comes as an event to the other, which meanwhile hears nothing else; and then the voice goes on. */
static void test_digits_go_across(void **state)
{
	enum placement placement = *(enum placement *)*state;
	struct calls calls;
	struct rtp_event event;
	unsigned before;

	open_calls(&calls, placement);
	transfer(&calls);
	talk(&calls, &calls.a, &calls.c, 2);
	before = calls.c.phone.received;
	media_leg_press(calls.a.leg->leg, '#', 100);
	for (unsigned n = 1; n <= EVENT_PACKETS; n++) {
		bench_phone_wait(&calls.bench, &calls.c.phone, before + n);
		bench_phone_send(&calls.a.phone, &calls.a.leg->local.rtp, 0);
	}
	assert_int_equal(rtp_packet_parse(calls.c.phone.last, calls.c.phone.last_bytes, &calls.c.heard), 0);
	assert_int_equal(calls.c.heard.payload_type, calls.c.first_dynamic + 1);
	assert_int_equal(rtp_event_parse(calls.c.heard.payload, calls.c.heard.payload_bytes, &event), 0);
	assert_int_equal(event.code, 11);
	assert_true(event.is_end);
	assert_int_equal(event.duration, 800);
	bench_pass(&calls.bench, 2 * RTP_DIGIT_GAP_MS);
	bench_phone_read(&calls.c.phone);
	assert_int_equal(calls.c.phone.received, before + EVENT_PACKETS);
	say(&calls, &calls.a, &calls.c, 0);
	assert_true(calls.c.heard.marker);
	talk(&calls, &calls.a, &calls.c, 2);
	close_calls(&calls);
}

static bool has_two_digits(void *data)
{
	return strlen(((struct bench_leg *)data)->digits) == 2;
}

/* d takes them by signalling only, whatever is agreed on. */
static void test_digits_come_back_to_signalling(void **state)
{
	enum placement placement = *(enum placement *)*state;
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "phone", .dtmf = MEDIA_DTMF_INFO};
	struct calls calls;

	open_calls(&calls, placement);
	options.toward = calls.d.phone.address;
	media_leg_free(calls.d.leg->leg);
	calls.d.leg = bench_leg_open(&calls.second, &options);
	bench_party_apply(&calls.d, 120, SDP_SEND_RECEIVE);
	calls.d.leg = bench_leg_move(calls.d.leg, &calls.first);
	media_session_bridge(calls.first.session, calls.a.leg->leg, calls.d.leg->leg);
	get_report(&calls, &calls.a);
	get_report(&calls, &calls.d);
	bench_pass(&calls.bench, 20); /* each is told of the other */
	media_leg_press(calls.a.leg->leg, '5', 100);
	media_leg_press(calls.a.leg->leg, '!', 100);
	bench_wait(&calls.bench, has_two_digits, calls.d.leg, 2000);
	assert_string_equal(calls.d.leg->digits, "5!");
	close_calls(&calls);
}

int main(void)
{
	static enum placement apart = APART, near = NEAR;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_prestate(test_transfer, &near),
	    cmocka_unit_test_prestate(test_transfer, &apart),
	    cmocka_unit_test_prestate(test_plan_changes_after_it, &near),
	    cmocka_unit_test_prestate(test_plan_changes_after_it, &apart),
	    cmocka_unit_test_prestate(test_alone_for_a_moment, &near),
	    cmocka_unit_test_prestate(test_alone_for_a_moment, &apart),
	    cmocka_unit_test_prestate(test_feedback_goes_across, &near),
	    cmocka_unit_test_prestate(test_feedback_goes_across, &apart),
	    cmocka_unit_test_prestate(test_digits_go_across, &near),
	    cmocka_unit_test_prestate(test_digits_go_across, &apart),
	    cmocka_unit_test_prestate(test_digits_come_back_to_signalling, &near),
	    cmocka_unit_test_prestate(test_digits_come_back_to_signalling, &apart),
	    cmocka_unit_test_prestate(test_return, &near),
	    cmocka_unit_test_prestate(test_return, &apart),
	    cmocka_unit_test_prestate(test_bursts, &near),
	    cmocka_unit_test_prestate(test_bursts, &apart),
	    cmocka_unit_test_prestate(test_ends, &near),
	    cmocka_unit_test_prestate(test_ends, &apart),
	    cmocka_unit_test_prestate(test_builtins, &near),
	    cmocka_unit_test_prestate(test_builtins, &apart),
	};
	return cmocka_run_group_tests(tests, bench_codecs_load, bench_codecs_free);
}
