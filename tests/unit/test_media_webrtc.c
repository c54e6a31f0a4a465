/* Two engines' worth of WebRTC in one: phone - RTP leg - WEBRTC leg == ICE, DTLS, SRTP == WEBRTC leg - RTP leg - phone. */
#include "../support/media_bench.h"
#include "rtp/packet.h"
#include <string.h>

#ifdef WITHOUT_SECOND_SOCKET
#include "media/reuseport.h"

/* Instead of the one of src/media/reuseport.c: a kernel that refuses. */
int media_reuseport_join(int first)
{
	return -EPERM;
}
#endif

struct side {
	struct bench_session session;
	struct bench_leg *rtp, *web;
	struct bench_phone phone;
};

struct chain {
	struct bench bench;
	struct side left, right;
};

static void open_side(struct bench *bench, struct side *side, bool controlling)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "phone"};
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);
	struct sdp_transport at;

	bench_phone_open(bench, &side->phone);
	bench_session_open(bench, &side->session);
	options.toward = side->phone.address;
	side->rtp = bench_leg_open(&side->session, &options);
	options = (struct media_leg_options){.kind = MEDIA_LEG_WEBRTC, .name = "browser", .controlling = controlling};
	side->web = bench_leg_open(&side->session, &options);
	bench_phone_describe(&side->phone, &at);
	bench_plan(stream, 96, &at, SDP_SEND_RECEIVE);
	bench_apply(side->rtp, stream);
	media_session_bridge(side->session.session, side->rtp->leg, side->web->leg);
	g_free(stream);
}

static void open_chain(struct chain *chain, const char *host)
{
	struct media_settings settings = {.workers = 2};

	memset(chain, 0, sizeof *chain);
#ifdef WITH_LIBNICE
	settings.stun_server = (struct media_server){"127.0.0.1", 9}; /* which nobody answers for */
#endif
	bench_open_with(&chain->bench, host, NULL, &settings);
	open_side(&chain->bench, &chain->left, true);
	open_side(&chain->bench, &chain->right, false);
}

static void close_chain(struct chain *chain)
{
	bench_session_close(&chain->left.session);
	bench_session_close(&chain->right.session);
	bench_phone_close(&chain->left.phone);
	bench_phone_close(&chain->right.phone);
	bench_close(&chain->bench);
}

/* Sends `n` each way, one at a time, and each arrives with what was in it. */
static void talk(struct chain *chain, unsigned n)
{
	struct side *sides[] = {&chain->left, &chain->right};
	struct rtp_packet packet;

	for (unsigned i = 0; i < 2 * n; i++) {
		struct side *from = sides[i % 2], *to = sides[1 - i % 2];
		unsigned before = to->phone.received;

		bench_phone_send(&from->phone, &from->rtp->local.rtp, 0);
		bench_phone_wait(&chain->bench, &to->phone, before + 1);
		assert_int_equal(rtp_packet_parse(to->phone.last, to->phone.last_bytes, &packet), 0);
		assert_int_equal(packet.payload_bytes, 160);
		assert_int_equal(packet.payload[0], (uint8_t)(from->phone.sequence - 1));
	}
}

static void test_call(void **state)
{
	struct chain chain;
	int64_t begun_us;

	open_chain(&chain, *state);
	assert_true(chain.left.web->local.has_ice);
	assert_true(chain.left.web->local.rtcp_mux);
	assert_int_equal(chain.left.web->local.n_candidates, 1);
	assert_int_equal(chain.left.web->local.n_fingerprints, 1);
	assert_true(net_address_same_host(&chain.left.web->local.rtp, &chain.bench.address));
	begun_us = base_monotonic_us();
	bench_couple(&chain.bench, chain.left.web, chain.right.web);
	print_message("ICE and DTLS took %.1f ms\n", (double)(base_monotonic_us() - begun_us) / 1000);
	talk(&chain, 50);
	assert_int_equal(chain.left.web->failed + chain.right.web->failed, 0);
	close_chain(&chain);
}

static void set_plan(struct bench_leg *leg, const struct sdp_transport *remote)
{
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);

	bench_plan(stream, 96, remote, SDP_SEND_RECEIVE);
	bench_apply(leg, stream);
	g_free(stream);
}

/* A browser that gathers nothing we can use: we learn its address from its checks. */
static void test_peer_reflexive(void **state)
{
	struct chain chain;
	struct sdp_transport bare;

	open_chain(&chain, *state);
	bare = chain.left.web->local;
	bare.n_candidates = 2;
	bare.candidates[0].address.length = 0; /* abcd.local */
	bare.candidates[1] = bare.candidates[0];
	bare.candidates[1].transport = SDP_CANDIDATE_TCP_ACTIVE;
	chain.left.web->local = bare;
	bench_couple(&chain.bench, chain.left.web, chain.right.web);
	talk(&chain, 5);
	close_chain(&chain);
}

static bool has_connected(void *data)
{
	struct chain *chain = data;

	return chain->left.web->connected && chain->right.web->connected;
}

static void test_trickle(void **state)
{
	struct chain chain;
	struct sdp_transport bare;

	open_chain(&chain, *state);
	bare = chain.right.web->local;
	bare.n_candidates = 0;
	chain.left.web->is_client = true;
	set_plan(chain.left.web, &bare);
	bare = chain.left.web->local;
	bare.n_candidates = 0;
	set_plan(chain.right.web, &bare);
	set_plan(chain.left.web, &chain.right.web->local); /* again, with its candidates */
	bench_wait(&chain.bench, has_connected, &chain, 5000);
	talk(&chain, 5);
	close_chain(&chain);
}

static bool both_failed(void *data)
{
	struct chain *chain = data;

	return chain->left.web->failed && chain->right.web->failed;
}

static bool left_failed(void *data)
{
	return ((struct chain *)data)->left.web->failed > 0;
}

static void test_wrong_fingerprint(void **state)
{
	struct chain chain;
	char *digits;

	open_chain(&chain, *state);
	digits = chain.right.web->local.fingerprints[0].digits;
	digits[0] = digits[0] == 'A' ? 'B' : 'A';
	chain.left.web->is_client = true;
	set_plan(chain.left.web, &chain.right.web->local);
	set_plan(chain.right.web, &chain.left.web->local);
	bench_wait(&chain.bench, left_failed, &chain, 5000);
	assert_int_equal(chain.left.web->failure, MEDIA_FAILURE_FINGERPRINT);
	assert_int_equal(chain.left.web->connected, 0);
	bench_phone_send(&chain.right.phone, &chain.right.rtp->local.rtp, 0);
	bench_pass(&chain.bench, 50);
	assert_int_equal(bench_phone_read(&chain.left.phone), 0);
	close_chain(&chain);
}

/* Packets keep coming at 5 ms while ICE restarts; none is lost. */
struct stream_test {
	struct chain *chain;
	struct loop_timer timer;
	unsigned sent;
};

static void send_one(void *data)
{
	struct stream_test *test = data;

	bench_phone_send(&test->chain->left.phone, &test->chain->left.rtp->local.rtp, 0);
	bench_phone_send(&test->chain->right.phone, &test->chain->right.rtp->local.rtp, 0);
	test->sent++;
	bench_phone_read(&test->chain->left.phone); /* before its buffer overflows */
	bench_phone_read(&test->chain->right.phone);
	loop_timer_start_ms(&test->timer, 5);
}

static bool restarted(void *data)
{
	struct chain *chain = data;

	return chain->left.web->ready == 2 && chain->right.web->ready == 2;
}

static bool left_restarted(void *data)
{
	return ((struct chain *)data)->left.web->ready == 2;
}

static void test_ice_restart(void **state)
{
	struct chain chain;
	struct stream_test test = {.chain = &chain};
	char ufrag[2][257];

	open_chain(&chain, *state);
	bench_couple(&chain.bench, chain.left.web, chain.right.web);
	talk(&chain, 1);
	base_copy_text(ufrag[0], sizeof ufrag[0], chain.left.web->local.ice_ufrag);
	base_copy_text(ufrag[1], sizeof ufrag[1], chain.right.web->local.ice_ufrag);
	loop_timer_init(&test.timer, chain.bench.loop, send_one, &test);
	loop_timer_start_ms(&test.timer, 0);
	media_leg_restart_ice(chain.left.web->leg);
	bench_wait(&chain.bench, left_restarted, &chain, 2000);
	bench_pass(&chain.bench, 200); /* the offer is on its way */
	set_plan(chain.right.web, &chain.left.web->local);
	bench_wait(&chain.bench, restarted, &chain, 2000);
	bench_pass(&chain.bench, 100); /* and the answer */
	set_plan(chain.left.web, &chain.right.web->local);
	bench_pass(&chain.bench, 1500);
	loop_timer_stop(&test.timer);
	bench_pass(&chain.bench, 50);
	assert_string_not_equal(ufrag[0], chain.left.web->local.ice_ufrag);
	assert_string_not_equal(ufrag[1], chain.right.web->local.ice_ufrag);
	bench_phone_read(&chain.left.phone);
	bench_phone_read(&chain.right.phone);
	assert_int_equal(chain.left.phone.received, test.sent + 1);
	assert_int_equal(chain.right.phone.received, test.sent + 1);
	assert_int_equal(chain.left.web->failed + chain.right.web->failed, 0);
	assert_int_equal(chain.left.web->connected, 1);
	close_chain(&chain);
}

/* The left browser is transferred to a call on another worker: the right one sees nothing of it but another voice. */
static void test_transferred(void **state)
{
	struct chain chain;
	struct bench_session other;
	struct bench_leg *phone_leg;
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "other phone"};
	struct sdp_transport at;
	struct rtp_packet before, after;

	open_chain(&chain, *state);
	bench_couple(&chain.bench, chain.left.web, chain.right.web);
	talk(&chain, 3);
	assert_int_equal(rtp_packet_parse(chain.right.phone.last, chain.right.phone.last_bytes, &before), 0);
	bench_session_open(&chain.bench, &other);
	media_session_place_near(other.session, chain.right.session.session);
	options.toward = chain.left.phone.address;
	phone_leg = bench_leg_open(&other, &options);
	bench_phone_describe(&chain.left.phone, &at);
	set_plan(phone_leg, &at);
	chain.left.web = bench_leg_move(chain.left.web, &other);
	bench_session_close(&chain.left.session);
	media_session_bridge(other.session, phone_leg->leg, chain.left.web->leg);
	chain.left.rtp = phone_leg;
	bench_pass(&chain.bench, 30);
	talk(&chain, 20);
	assert_int_equal(rtp_packet_parse(chain.right.phone.last, chain.right.phone.last_bytes, &after), 0);
	assert_int_equal(after.ssrc, before.ssrc);
	assert_int_equal(after.sequence, (uint16_t)(before.sequence + 20));
	assert_int_equal(chain.left.web->connected, 1);
	assert_int_equal(chain.left.web->failed + chain.right.web->failed, 0);
	bench_session_close(&other);
	chain.left.session.session = NULL;
	close_chain(&chain);
}

static bool left_reported(void *data)
{
	return ((struct chain *)data)->left.web->reported > 0;
}

static void test_figures(void **state)
{
	struct chain chain;
	struct bench_leg *leg;

	open_chain(&chain, *state);
	bench_couple(&chain.bench, chain.left.web, chain.right.web);
	talk(&chain, 10);
	leg = chain.left.web;
	media_leg_request_report(leg->leg);
	bench_wait(&chain.bench, left_reported, &chain, 1000);
	assert_int_equal(leg->report.packets_received, 10);
	assert_int_equal(leg->report.packets_sent, 10);
	assert_int_equal(leg->report.octets_received, 1600);
	assert_int_equal(leg->report.packets_lost, 0);
	/* The last one comes after the end. */
	leg->reported = 0;
	media_leg_free(leg->leg);
	bench_wait(&chain.bench, left_reported, &chain, 1000);
	assert_int_equal(leg->report.packets_received, 10);
	close_chain(&chain);
}

/* Anybody can send to the port: a ClientHello, an alert, RTP, STUN, nothing at all. The call does not notice. */
static void test_strangers(void **state)
{
	static const uint8_t client_hello[64] = {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 51, 1, 0, 0, 39};
	static const uint8_t alert[15] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40};
	static const uint8_t rtp[64] = {0x80}, rtcp[8] = {0x80, 201, 0, 1}, stun[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
	const struct iovec junk[] = {{(void *)(uintptr_t)client_hello, sizeof client_hello},
				     {(void *)(uintptr_t)alert, sizeof alert},
				     {(void *)(uintptr_t)rtp, sizeof rtp},
				     {(void *)(uintptr_t)rtcp, sizeof rtcp},
				     {(void *)(uintptr_t)stun, sizeof stun},
				     {(void *)(uintptr_t)rtp, 0}};
	struct chain chain;
	struct bench_phone stranger;

	open_chain(&chain, *state);
	bench_phone_open(&chain.bench, &stranger);
	bench_couple(&chain.bench, chain.left.web, chain.right.web);
	for (int round = 0; round < 10; round++)
		for (size_t i = 0; i < G_N_ELEMENTS(junk); i++) {
			const struct net_address *to = &(round % 2 ? chain.left : chain.right).web->local.rtp;

			sendto(stranger.descriptor, junk[i].iov_base, junk[i].iov_len, 0, &to->any, to->length);
		}
	talk(&chain, 10);
	assert_int_equal(chain.left.web->failed + chain.right.web->failed, 0);
	bench_phone_close(&stranger);
	close_chain(&chain);
}

static void set_tls_id(struct bench_leg *leg, struct bench_leg *other, const char *tls_id)
{
	base_copy_text(other->local.tls_id, sizeof other->local.tls_id, tls_id);
	set_plan(leg, &other->local);
}

static void test_new_association(void **state)
{
	struct chain chain;
	struct bench_leg *left, *right;

	open_chain(&chain, *state);
	left = chain.left.web;
	right = chain.right.web;
	bench_couple(&chain.bench, left, right);
	talk(&chain, 3);
	set_tls_id(left, right, "first"); /* the client begins before the other side knows */
	bench_pass(&chain.bench, 250);
	set_tls_id(right, left, "first");
	bench_pass(&chain.bench, 1500);
	talk(&chain, 10);
	set_tls_id(right, left, "second");
	bench_pass(&chain.bench, 100);
	set_tls_id(left, right, "second");
	bench_pass(&chain.bench, 1000);
	talk(&chain, 10);
	assert_int_equal(left->failed + right->failed, 0);
	close_chain(&chain);
}

static bool right_failed(void *data)
{
	return ((struct chain *)data)->right.web->failed > 0;
}

static void lose_path(struct chain *chain, const char *host)
{
	struct sdp_transport nowhere;

	open_chain(chain, host);
	nowhere = chain->right.web->local;
	net_address_set_port(&nowhere.candidates[0].address, 9);
	set_plan(chain->left.web, &nowhere);
	nowhere = chain->left.web->local;
	net_address_set_port(&nowhere.candidates[0].address, 9);
	nowhere.ice_pwd[0] ^= 1; /* so that not even a check of the other's is believed */
	set_plan(chain->right.web, &nowhere);
}

static void restart_both(struct chain *chain, const char *host)
{
	open_chain(chain, host);
	bench_couple(&chain->bench, chain->left.web, chain->right.web);
	media_leg_restart_ice(chain->left.web->leg);
	bench_wait(&chain->bench, left_restarted, chain, 2000);
	set_plan(chain->right.web, &chain->left.web->local);
	bench_wait(&chain->bench, restarted, chain, 2000);
	set_plan(chain->left.web, &chain->right.web->local);
}

/* What takes its time, at the same time: a path that never is, one whose other end goes, and one that holds after a restart. */
static void test_time_outs(void **state)
{
	struct chain never, lost, held;

#ifdef WITHOUT_SECOND_SOCKET
	skip(); /* nothing of it is about sockets */
#endif
	lose_path(&never, *state);
	open_chain(&lost, *state);
	bench_couple(&lost.bench, lost.left.web, lost.right.web);
	media_leg_free(lost.left.web->leg);
	restart_both(&held, *state);

	bench_wait(&never.bench, both_failed, &never, 20000);
	assert_int_equal(never.left.web->failure, MEDIA_FAILURE_ICE);
	assert_int_equal(never.right.web->failure, MEDIA_FAILURE_ICE);
	bench_wait(&lost.bench, right_failed, &lost, 25000); /* 30 s after the last answer */
	assert_int_equal(lost.right.web->failure, MEDIA_FAILURE_ICE_CONSENT);
	talk(&held, 3);
	assert_int_equal(held.left.web->failed + held.right.web->failed, 0);
	close_chain(&never);
	close_chain(&lost);
	close_chain(&held);
}

int main(void)
{
	static char ipv4[] = "127.0.0.1", ipv6[] = "::1";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_call, ipv4),
		cmocka_unit_test_prestate(test_call, ipv6),
		cmocka_unit_test_prestate(test_peer_reflexive, ipv4),
		cmocka_unit_test_prestate(test_trickle, ipv4),
		cmocka_unit_test_prestate(test_wrong_fingerprint, ipv4),
		cmocka_unit_test_prestate(test_ice_restart, ipv4),
		cmocka_unit_test_prestate(test_transferred, ipv4),
		cmocka_unit_test_prestate(test_figures, ipv4),
		cmocka_unit_test_prestate(test_new_association, ipv4),
		cmocka_unit_test_prestate(test_strangers, ipv4),
		cmocka_unit_test_prestate(test_time_outs, ipv4),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
