/* Legs ended in every stage of their making: nothing stays, nothing comes late. Most of what it finds, it finds under the
 * sanitizers. */
#include "../support/media_bench.h"
#include <string.h>

#define STAGES 60
#define STEP_MS 2

static void set_plan(struct bench_leg *leg, const struct sdp_transport *remote, bool is_client)
{
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);

	bench_plan(stream, 96, remote, SDP_SEND_RECEIVE);
	leg->is_client = is_client;
	bench_apply(leg, stream);
	g_free(stream);
}

static void start(struct bench_session *session, struct bench_leg **ret_web)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_WEBRTC, .name = "browser"};
	struct bench_leg *echo;

	*ret_web = bench_leg_start(session, &options);
	options = (struct media_leg_options){.kind = MEDIA_LEG_BUILTIN, .builtin = MEDIA_BUILTIN_DELAYED_ECHO};
	echo = bench_leg_start(session, &options);
	media_session_bridge(session->session, (*ret_web)->leg, echo->leg);
}

struct pair {
	struct bench_leg *a, *b;
};

static bool are_ready(void *data)
{
	struct pair *pair = data;

	return pair->a->ready && pair->b->ready;
}

/* Ends both `ms` after they have been told about each other; one by its leg first. */
static void run_stage(struct bench *bench, int ms)
{
	struct bench_session left, right;
	struct pair pair;

	bench_session_open(bench, &left);
	bench_session_open(bench, &right);
	start(&left, &pair.a);
	start(&right, &pair.b);
	if (ms > 0) {
		bench_wait(bench, are_ready, &pair, 3000);
		set_plan(pair.a, &pair.b->local, true);
		set_plan(pair.b, &pair.a->local, false);
		bench_pass(bench, ms - 1);
	}
	if (ms % 3 == 0)
		media_leg_free(pair.a->leg);
	bench_session_close(&left);
	bench_session_close(&right);
}

static void test_stages(void **state)
{
	struct bench bench;

	bench_open(&bench, "127.0.0.1", NULL);
	for (int stage = 0; stage < STAGES; stage++)
		run_stage(&bench, stage * STEP_MS);
	bench_close(&bench);
}

/* The engine is ended at once: what was ordered is done all the same. */
static void test_end_at_once(void **state)
{
	struct bench bench;
	struct bench_session session;
	struct bench_leg *leg;

	for (int i = 0; i < 10; i++) {
		bench_open(&bench, "127.0.0.1", NULL);
		bench_session_open(&bench, &session);
		start(&session, &leg);
		bench_session_close(&session);
		media_engine_free(bench.engine);
		loop_free(bench.loop);
	}
}

static void test_too_many_legs(void **state)
{
	struct bench bench;
	struct bench_session session;
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "phone"};
	struct media_counts counts;

	bench_open(&bench, "127.0.0.1", NULL);
	bench_session_open(&bench, &session);
	options.toward = bench.address;
	for (int i = 0; i < MEDIA_LEGS_MAX; i++)
		bench_leg_open(&session, &options);
	bench_leg_start(&session, &options);
	bench_pass(&bench, 50);
	assert_int_equal(session.legs[MEDIA_LEGS_MAX].failed, 1);
	assert_int_equal(session.legs[MEDIA_LEGS_MAX].failure, MEDIA_FAILURE_NO_PORT);
	media_engine_count(bench.engine, &counts);
	assert_int_equal(counts.legs, MEDIA_LEGS_MAX + 1);
	assert_int_equal(counts.ports, 2 * MEDIA_LEGS_MAX);
	bench_session_close(&session);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_end_at_once),
		cmocka_unit_test(test_too_many_legs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
