/* The ICE agent for host candidates, with a far end of which each word is told. Which path it has chosen is seen by where its DTLS
 * goes. */
#include "../support/media_bench.h"
#include "crypto/random.h"
#include "media/binding.h"
#include "net/udp.h"
#include <string.h>
#include <unistd.h>

#define UFRAG "peer"
#define PWD   "peerpasswordpeerpassword"

/* One address of the far end. */
struct peer {
	struct bench *bench;
	int descriptor;
	struct net_address address, gateway;
	/* What has come, of the kind that is waited for. */
	enum { WANTS_BINDING, WANTS_DTLS } wants;
	enum media_binding_kind kind;
	struct media_binding heard;
	uint8_t bytes[1500];
	ssize_t length;
};

struct far_end {
	struct bench bench;
	struct bench_session session;
	struct bench_leg *leg;
	char ufrag[257], pwd[257]; /* the leg's, as the far end has them */
	struct peer a, b;
};

static void open_peer(struct bench *bench, struct peer *peer)
{
	peer->bench = bench;
	assert_int_equal(net_udp_open(&bench->address, &peer->descriptor), 0);
	assert_int_equal(net_local_address(peer->descriptor, &peer->address), 0);
}

static void hear_description(struct far_end *far)
{
	base_copy_text(far->ufrag, sizeof far->ufrag, far->leg->local.ice_ufrag);
	base_copy_text(far->pwd, sizeof far->pwd, far->leg->local.ice_pwd);
}

static void open_far_end(struct far_end *far, bool controlling)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_WEBRTC, .name = "browser", .controlling = controlling};

	memset(far, 0, sizeof *far);
	bench_open(&far->bench, "127.0.0.1", NULL);
	bench_session_open(&far->bench, &far->session);
	far->leg = bench_leg_open(&far->session, &options);
	far->leg->is_client = true;
	hear_description(far);
	open_peer(&far->bench, &far->a);
	open_peer(&far->bench, &far->b);
	far->a.gateway = far->b.gateway = far->leg->local.rtp;
}

static void close_far_end(struct far_end *far)
{
	bench_session_close(&far->session);
	close(far->a.descriptor);
	close(far->b.descriptor);
	bench_close(&far->bench);
}

/* The far end's description, with those of its addresses that have a priority. */
static void describe(struct far_end *far, uint32_t priority_a, uint32_t priority_b)
{
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);
	struct sdp_transport *remote = g_new0(struct sdp_transport, 1);
	const struct peer *peers[] = {&far->a, &far->b};
	uint32_t priorities[] = {priority_a, priority_b};

	remote->has_ice = remote->rtcp_mux = true;
	base_copy_text(remote->ice_ufrag, sizeof remote->ice_ufrag, UFRAG);
	base_copy_text(remote->ice_pwd, sizeof remote->ice_pwd, PWD);
	remote->n_fingerprints = 1;
	base_copy_text(remote->fingerprints[0].algorithm, sizeof remote->fingerprints[0].algorithm, "sha-256");
	for (size_t i = 0; i < G_N_ELEMENTS(peers); i++)
		if (priorities[i])
			remote->candidates[remote->n_candidates++] = (struct sdp_candidate){
				.component = 1, .priority = priorities[i], .address = peers[i]->address};
	bench_plan(stream, 96, remote, SDP_SEND_RECEIVE);
	bench_apply(far->leg, stream);
	g_free(remote);
	g_free(stream);
}

static bool has_come(void *data)
{
	struct peer *peer = data;

	while ((peer->length = recv(peer->descriptor, peer->bytes, sizeof peer->bytes, MSG_DONTWAIT)) > 0) {
		bool is_dtls = peer->bytes[0] >= 20 && peer->bytes[0] < 64;

		if (is_dtls && peer->wants == WANTS_DTLS)
			return true;
		if (is_dtls || peer->wants == WANTS_DTLS)
			continue;
		assert_int_equal(media_binding_read(peer->bytes, (size_t)peer->length, &peer->heard), 0);
		if (peer->heard.kind == peer->kind)
			return true;
	}
	return false;
}

static struct media_binding *await(struct peer *peer, enum media_binding_kind kind)
{
	peer->wants = WANTS_BINDING;
	peer->kind = kind;
	bench_wait(peer->bench, has_come, peer, 3000);
	return &peer->heard;
}

/* The path leads to this address of the far end. */
static void await_dtls(struct peer *peer)
{
	peer->wants = WANTS_DTLS;
	bench_wait(peer->bench, has_come, peer, 3000);
}

static void send_bytes(struct peer *peer, const uint8_t *bytes, size_t length)
{
	assert_int_equal(sendto(peer->descriptor, bytes, length, 0, &peer->gateway.any, peer->gateway.length), length);
}

static void answer_with(struct peer *peer, const struct media_binding *request, const char *password)
{
	uint8_t bytes[MEDIA_BINDING_WRITTEN_MAX];

	send_bytes(peer, bytes, media_binding_write_success(request->transaction, &peer->gateway, password, bytes));
}

static void answer(struct peer *peer)
{
	answer_with(peer, &peer->heard, PWD);
}

/* The leg's next check at this address, answered. True if it nominates. */
static bool take_check(struct far_end *far, struct peer *peer)
{
	struct media_binding *check = await(peer, MEDIA_BINDING_REQUEST);
	g_autofree char *username = g_strdup_printf("%s:%s", UFRAG, far->ufrag);

	assert_true(media_binding_is_authentic(check, peer->bytes, PWD));
	assert_int_equal(check->username_bytes, strlen(username));
	assert_memory_equal(check->username, username, check->username_bytes);
	answer(peer);
	return check->uses_candidate;
}

static void send_check_as(struct far_end *far, struct peer *peer, struct media_binding binding)
{
	g_autofree char *username = g_strdup_printf("%s:%s", far->ufrag, UFRAG);
	uint8_t bytes[MEDIA_BINDING_WRITTEN_MAX];

	crypto_random(binding.transaction, sizeof binding.transaction);
	memcpy(peer->heard.transaction, binding.transaction, sizeof binding.transaction);
	send_bytes(peer, bytes, media_binding_write_request(&binding, username, far->pwd, bytes));
}

static void check_as(struct far_end *far, struct peer *peer, struct media_binding binding)
{
	uint8_t transaction[MEDIA_STUN_TRANSACTION_BYTES];

	send_check_as(far, peer, binding);
	memcpy(transaction, peer->heard.transaction, sizeof transaction);
	await(peer, MEDIA_BINDING_SUCCESS);
	assert_memory_equal(peer->heard.transaction, transaction, sizeof transaction);
	assert_true(media_binding_is_authentic(&peer->heard, peer->bytes, far->pwd));
}

/* As a browser that controls does. */
static void nominate(struct far_end *far, struct peer *peer, uint32_t priority)
{
	check_as(far, peer, (struct media_binding){.role = MEDIA_BINDING_CONTROLLING, .uses_candidate = true, .priority = priority});
}

static void test_the_far_end_nominates(void **state)
{
	struct far_end far;

	open_far_end(&far, false);
	describe(&far, 1000, 0);
	assert_false(take_check(&far, &far.a));
	nominate(&far, &far.a, 1000);
	await_dtls(&far.a);
	close_far_end(&far);
}

/* Who is quicker than his description, and whose address is in none. */
static void test_a_check_before_the_description(void **state)
{
	struct far_end far;

	open_far_end(&far, false);
	nominate(&far, &far.a, 1000);
	describe(&far, 0, 0);
	assert_false(take_check(&far, &far.a));
	await_dtls(&far.a);
	close_far_end(&far);
}

static void test_we_nominate(void **state)
{
	struct far_end far;

	open_far_end(&far, true);
	describe(&far, 1000, 0);
	assert_false(take_check(&far, &far.a));
	assert_true(take_check(&far, &far.a));
	await_dtls(&far.a);
	close_far_end(&far);
}

static void test_the_better_pair_is_waited_for(void **state)
{
	struct far_end far;

	open_far_end(&far, true);
	describe(&far, 1000, 2000);
	assert_false(take_check(&far, &far.a));
	bench_pass(&far.bench, 50);
	assert_false(take_check(&far, &far.b));
	assert_true(take_check(&far, &far.b));
	await_dtls(&far.b);
	close_far_end(&far);
}

static void test_the_better_pair_is_not_waited_for_long(void **state)
{
	struct far_end far;

	open_far_end(&far, true);
	describe(&far, 1000, 2000);
	assert_false(take_check(&far, &far.a));
	assert_true(take_check(&far, &far.a));
	await_dtls(&far.a);
	close_far_end(&far);
}

/* Older browsers nominate whatever works. */
static void test_of_several_nominations_the_best_holds(void **state)
{
	struct far_end far;

	open_far_end(&far, false);
	describe(&far, 2000, 1000);
	take_check(&far, &far.a);
	take_check(&far, &far.b);
	nominate(&far, &far.b, 1000);
	await_dtls(&far.b);
	nominate(&far, &far.a, 2000);
	await_dtls(&far.a);
	nominate(&far, &far.b, 1000);
	await_dtls(&far.a); /* again: the first is repeated */
	close_far_end(&far);
}

/* Nothing but other addresses of the far end: it is where its checks come from now. */
static void test_a_path_of_which_nothing_is_heard_gives_way(void **state)
{
	struct far_end far;

	open_far_end(&far, false);
	describe(&far, 2000, 1000);
	take_check(&far, &far.a);
	take_check(&far, &far.b);
	nominate(&far, &far.a, 2000);
	await_dtls(&far.a);
	bench_pass(&far.bench, 7500);
	nominate(&far, &far.b, 1000);
	await_dtls(&far.b);
	close_far_end(&far);
}

static void test_both_control(void **state)
{
	struct far_end far;

	open_far_end(&far, true);
	send_check_as(&far, &far.a, (struct media_binding){.role = MEDIA_BINDING_CONTROLLING, .tie_breaker = 0});
	assert_int_equal(await(&far.a, MEDIA_BINDING_ERROR)->error_code, MEDIA_BINDING_ROLE_CONFLICT);
	assert_true(media_binding_is_authentic(&far.a.heard, far.a.bytes, far.pwd));
	check_as(&far, &far.a, (struct media_binding){.role = MEDIA_BINDING_CONTROLLING, .tie_breaker = UINT64_MAX});
	describe(&far, 1000, 0);
	assert_int_equal(await(&far.a, MEDIA_BINDING_REQUEST)->role, MEDIA_BINDING_CONTROLLED);
	close_far_end(&far);
}

static void test_neither_controls(void **state)
{
	struct far_end far;

	open_far_end(&far, false);
	send_check_as(&far, &far.a, (struct media_binding){.role = MEDIA_BINDING_CONTROLLED, .tie_breaker = UINT64_MAX});
	await(&far.a, MEDIA_BINDING_ERROR);
	check_as(&far, &far.a, (struct media_binding){.role = MEDIA_BINDING_CONTROLLED, .tie_breaker = 0});
	describe(&far, 1000, 0);
	assert_false(take_check(&far, &far.a));
	assert_true(take_check(&far, &far.a));
	await_dtls(&far.a);
	close_far_end(&far);
}

static void test_the_far_end_insists_on_its_role(void **state)
{
	struct far_end far;
	uint8_t bytes[MEDIA_BINDING_WRITTEN_MAX];

	open_far_end(&far, true);
	describe(&far, 1000, 0);
	assert_int_equal(await(&far.a, MEDIA_BINDING_REQUEST)->role, MEDIA_BINDING_CONTROLLING);
	send_bytes(&far.a, bytes, media_binding_write_conflict(far.a.heard.transaction, PWD, bytes));
	assert_int_equal(await(&far.a, MEDIA_BINDING_REQUEST)->role, MEDIA_BINDING_CONTROLLED);
	close_far_end(&far);
}

/* What is not answered, in front of what is. */
static void test_strangers_are_not_answered(void **state)
{
	struct far_end far, wrong;

	open_far_end(&far, false);
	wrong = far;
	wrong.pwd[0] ^= 1;
	send_check_as(&wrong, &far.a, (struct media_binding){.role = MEDIA_BINDING_CONTROLLING});
	wrong = far;
	wrong.ufrag[0] ^= 1;
	send_check_as(&wrong, &far.a, (struct media_binding){.role = MEDIA_BINDING_CONTROLLING});
	wrong.ufrag[0] = '\0';
	send_check_as(&wrong, &far.a, (struct media_binding){.role = MEDIA_BINDING_CONTROLLING});
	check_as(&far, &far.a, (struct media_binding){.role = MEDIA_BINDING_CONTROLLING});
	close_far_end(&far);
}

static void test_answers_of_strangers_are_not_believed(void **state)
{
	struct far_end far;
	struct media_binding check;

	open_far_end(&far, true);
	describe(&far, 1000, 0);
	check = *await(&far.a, MEDIA_BINDING_REQUEST);
	answer_with(&far.a, &check, "another password of another");
	answer_with(&far.b, &check, PWD); /* from where nothing was sent to */
	crypto_random(far.a.heard.transaction, sizeof far.a.heard.transaction);
	answer(&far.a); /* to no question */
	assert_false(await(&far.a, MEDIA_BINDING_REQUEST)->uses_candidate); /* the first again */
	assert_memory_equal(far.a.heard.transaction, check.transaction, sizeof check.transaction);
	answer(&far.a);
	assert_true(await(&far.a, MEDIA_BINDING_REQUEST)->uses_candidate);
	close_far_end(&far);
}

static bool is_told_again(void *data)
{
	const struct far_end *far = data;

	return strcmp(far->leg->local.ice_ufrag, far->ufrag) != 0;
}

/* Until the new path works the old one is in use, and the far end has to be answered there. */
static void test_the_old_credentials_hold_until_the_new_path(void **state)
{
	struct far_end far, before;

	open_far_end(&far, false);
	describe(&far, 1000, 0);
	take_check(&far, &far.a);
	nominate(&far, &far.a, 1000);
	await_dtls(&far.a);
	before = far;
	media_leg_restart_ice(far.leg->leg);
	bench_wait(&far.bench, is_told_again, &far, 2000);
	check_as(&before, &far.a, (struct media_binding){.role = MEDIA_BINDING_CONTROLLING});
	hear_description(&far);
	nominate(&far, &far.b, 1000);
	check_as(&before, &far.a, (struct media_binding){.role = MEDIA_BINDING_CONTROLLING});
	close_far_end(&far);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_far_end_nominates),
		cmocka_unit_test(test_a_check_before_the_description),
		cmocka_unit_test(test_we_nominate),
		cmocka_unit_test(test_the_better_pair_is_waited_for),
		cmocka_unit_test(test_the_better_pair_is_not_waited_for_long),
		cmocka_unit_test(test_of_several_nominations_the_best_holds),
		cmocka_unit_test(test_a_path_of_which_nothing_is_heard_gives_way),
		cmocka_unit_test(test_both_control),
		cmocka_unit_test(test_neither_controls),
		cmocka_unit_test(test_the_far_end_insists_on_its_role),
		cmocka_unit_test(test_strangers_are_not_answered),
		cmocka_unit_test(test_answers_of_strangers_are_not_believed),
		cmocka_unit_test(test_the_old_credentials_hold_until_the_new_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
