/* Work on a thread of its own: its end is told on the loop, or not at all once it is abandoned. */
#include "loop/job.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define JOBS 50

static struct loop *loop;
static pthread_t loop_thread;
static gint n_cleared;
static size_t n_done;

struct work {
	struct loop_job *job;
	uint64_t sum;
	pthread_mutex_t *gate; /* it waits for it; NULL */
};

static void run(void *data)
{
	struct work *work = data;
	assert_false(pthread_equal(pthread_self(), loop_thread));
	if (work->gate) {
		pthread_mutex_lock(work->gate);
		pthread_mutex_unlock(work->gate);
	}
	for (uint64_t i = 1; i <= 1000; i++)
		work->sum += i;
}

static void done(void *data)
{
	const struct work *work = data;
	assert_true(pthread_equal(pthread_self(), loop_thread));
	assert_int_equal(work->sum, 500500);
	if (++n_done == JOBS)
		loop_quit(loop);
}

static void clear(void *data)
{
	g_free(data);
	g_atomic_int_inc(&n_cleared);
}

static const struct loop_job_handler handler = {.name = "test", .run = run, .done = done, .clear = clear};

static struct work *start(pthread_mutex_t *gate)
{
	struct work *work = g_new0(struct work, 1);
	work->gate = gate;
	assert_int_equal(loop_job_start(loop, &handler, work, &work->job), 0);
	return work;
}

static int set_up(void **state)
{
	loop_thread = pthread_self();
	n_cleared = 0;
	n_done = 0;
	return loop_new("test", &loop);
}

static void await_cleared(gint n)
{
	while (g_atomic_int_get(&n_cleared) < n)
		g_usleep(1000);
	assert_int_equal(g_atomic_int_get(&n_cleared), n);
}

static void test_each_end_is_told_once_on_the_loop(void **state)
{
	for (size_t i = 0; i < JOBS; i++)
		start(NULL);
	loop_run(loop);
	await_cleared(JOBS);
	loop = loop_free(loop);
	assert_int_equal(n_done, JOBS);
}

static void test_an_abandoned_one_is_not_told_and_may_outlive_the_loop(void **state)
{
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&gate);
	struct work *work = start(&gate);
	assert_null(loop_job_abandon(work->job));
	loop = loop_free(loop);
	pthread_mutex_unlock(&gate);
	await_cleared(1);
	assert_int_equal(n_done, 0);
}

static void quit(void *data)
{
	loop_quit(loop);
}

static void test_abandoned_at_any_moment_nothing_is_told(void **state)
{
	struct loop_job *jobs[JOBS];
	for (size_t i = 0; i < JOBS; i++)
		jobs[i] = start(NULL)->job;
	for (size_t i = 0; i < JOBS; i++)
		loop_job_abandon(jobs[i]); /* some have posted their end already */
	loop_post(loop, quit, NULL);
	loop_run(loop);
	await_cleared(JOBS);
	loop = loop_free(loop);
	assert_int_equal(n_done, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_each_end_is_told_once_on_the_loop, set_up),
		cmocka_unit_test_setup(test_an_abandoned_one_is_not_told_and_may_outlive_the_loop, set_up),
		cmocka_unit_test_setup(test_abandoned_at_any_moment_nothing_is_told, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
