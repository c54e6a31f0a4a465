#include "loop/loop.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static struct loop *loop;

static int open_loop(void **state)
{
	return loop_new("test", &loop);
}

static int close_loop(void **state)
{
	loop = loop_free(loop);
	return 0;
}

static void quit(void *data)
{
	loop_quit(loop);
}

/* Timers */

struct marker {
	struct loop_timer timer;
	GString *log;
	char letter;
	struct marker *victim;
	int again;
};

static void marker_fire(void *data)
{
	struct marker *marker = data;
	g_string_append_c(marker->log, marker->letter);
	if (marker->victim)
		loop_timer_stop(&marker->victim->timer);
	if (marker->again-- > 0)
		loop_timer_start_ms(&marker->timer, 0);
}

static void marker_init(struct marker *marker, GString *log, char letter)
{
	*marker = (struct marker){.log = log, .letter = letter};
	loop_timer_init(&marker->timer, loop, marker_fire, marker);
}

static void test_timer_order(void **state)
{
	g_autoptr(GString) log = g_string_new(NULL);
	struct marker markers[26];
	for (int i = 0; i < 26; i++)
		marker_init(&markers[i], log, 'a' + i);
	for (int i = 0; i < 26; i++) { /* 7 is prime to 26: a mixed order */
		int j = i * 7 % 26;
		loop_timer_start_us(&markers[j].timer, 1000 + j * 200);
	}
	struct loop_timer end;
	loop_timer_init(&end, loop, quit, NULL);
	loop_timer_start_ms(&end, 15);
	for (int i = 0; i < 26; i += 2)
		loop_timer_stop(&markers[i].timer);
	assert_false(loop_timer_is_running(&markers[0].timer));
	assert_true(loop_timer_is_running(&markers[1].timer));
	int64_t start_us = base_monotonic_us();
	loop_run(loop);
	assert_true(base_monotonic_us() - start_us >= 14000);
	assert_string_equal(log->str, "bdfhjlnprtvxz");
	assert_false(loop_timer_is_running(&markers[1].timer));
}

static size_t timers_counted(void)
{
	struct loop_counts counts;
	loop_count(loop, &counts);
	return counts.timers;
}

static void test_timer_heap_random(void **state)
{
	enum { COUNT = 500 };
	g_autoptr(GRand) random = g_rand_new_with_seed(17);
	struct loop_timer timers[COUNT];
	for (int i = 0; i < COUNT; i++)
		loop_timer_init(&timers[i], loop, quit, NULL);
	for (int step = 0; step < 20000; step++) {
		struct loop_timer *timer = &timers[g_rand_int_range(random, 0, COUNT)];
		if (g_rand_boolean(random))
			loop_timer_start_ms(timer, g_rand_int_range(random, 1000, 1000000));
		else
			loop_timer_stop(timer);
	}
	unsigned running = 0;
	for (int i = 0; i < COUNT; i++)
		running += loop_timer_is_running(&timers[i]);
	assert_in_range(running, 100, COUNT);
	assert_int_equal(timers_counted(), running);
	for (int i = 0; i < COUNT; i++)
		loop_timer_stop(&timers[i]);
	assert_int_equal(timers_counted(), 0);
}

static void test_timer_stopped_by_another(void **state)
{
	g_autoptr(GString) log = g_string_new(NULL);
	struct marker killer, victim, later;
	marker_init(&killer, log, 'k');
	marker_init(&victim, log, 'v');
	marker_init(&later, log, 'l');
	killer.victim = &victim;
	loop_timer_start_us(&killer.timer, 1000);
	loop_timer_start_us(&victim.timer, 1001);
	loop_timer_start_us(&later.timer, 1002);
	struct loop_timer end;
	loop_timer_init(&end, loop, quit, NULL);
	loop_timer_start_ms(&end, 3);
	while (base_monotonic_us() < victim.timer.due_us + 100)
		; /* all three due in the same round */
	loop_run(loop);
	assert_string_equal(log->str, "kl");
}

static void test_timer_restarts_itself(void **state)
{
	g_autoptr(GString) log = g_string_new(NULL);
	struct marker eager, other;
	marker_init(&eager, log, 'e');
	marker_init(&other, log, 'o');
	eager.again = 3;
	loop_timer_start_ms(&eager.timer, 0);
	struct loop_timer end;
	loop_timer_init(&end, loop, quit, NULL);
	loop_timer_start_ms(&end, 5);
	/* started anew before it was due: the later time holds */
	loop_timer_start_us(&other.timer, 10);
	loop_timer_start_ms(&other.timer, 4);
	loop_run(loop);
	assert_string_equal(log->str, "eeeeo");
	struct loop_timer zeroed = {0};
	loop_timer_stop(&zeroed);
}

/* Watches */

struct end {
	int sockets[2];
	struct loop_watch *watch;
	struct end *victim;
	int fired;
};

static void end_ready(void *data, uint32_t events)
{
	struct end *end = data;
	char byte;
	assert_true(events & EPOLLIN);
	assert_int_equal(read(end->sockets[0], &byte, 1), 1);
	end->fired++;
	if (end->victim) {
		end->victim->watch = loop_watch_free(end->victim->watch);
		close(end->victim->sockets[0]);
		close(end->victim->sockets[1]);
		memset(end->victim->sockets, 0xff, sizeof end->victim->sockets);
	}
	loop_quit(loop);
}

static void end_open(struct end *end)
{
	*end = (struct end){0};
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end->sockets), errno);
	assert_int_equal(loop_watch_add(loop, end->sockets[0], EPOLLIN, end_ready, end, &end->watch), 0);
}

static void end_close(struct end *end)
{
	loop_watch_free(end->watch);
	close(end->sockets[0]);
	close(end->sockets[1]);
}

static void test_watch_freed_by_another(void **state)
{
	struct end a, b;
	end_open(&a);
	end_open(&b);
	a.victim = &b;
	b.victim = &a;
	assert_int_equal(write(a.sockets[1], "x", 1), 1);
	assert_int_equal(write(b.sockets[1], "x", 1), 1);
	loop_run(loop);
	assert_int_equal(a.fired + b.fired, 1);
	end_close(a.fired ? &a : &b);
}

static void free_itself(void *data, uint32_t events)
{
	struct end *end = data;
	end->fired++;
	end->watch = loop_watch_free(end->watch);
	loop_quit(loop);
}

static void test_watch_frees_itself(void **state)
{
	struct end end;
	end_open(&end);
	loop_watch_free(end.watch);
	assert_int_equal(loop_watch_add(loop, end.sockets[0], EPOLLIN, free_itself, &end, &end.watch), 0);
	assert_int_equal(write(end.sockets[1], "x", 1), 1);
	loop_run(loop);
	assert_int_equal(end.fired, 1);
	assert_null(end.watch);
	end_close(&end);
}

static void test_watch_events(void **state)
{
	struct end end;
	end_open(&end);
	assert_int_equal(loop_watch_set_events(end.watch, 0), 0);
	assert_int_equal(write(end.sockets[1], "x", 1), 1);
	loop_post(loop, quit, NULL);
	loop_run(loop);
	assert_int_equal(end.fired, 0);
	assert_int_equal(loop_watch_set_events(end.watch, EPOLLIN), 0);
	loop_run(loop);
	assert_int_equal(end.fired, 1);
	end_close(&end);
	struct loop_watch *none;
	assert_int_equal(loop_watch_add(loop, -1, EPOLLIN, end_ready, NULL, &none), -EBADF);
}

/* Posts */

#define POSTS_EACH 20000

struct poster {
	int thread;
	int sequence;
};

static int next_of_thread[4];
static int posts_seen;

static void posted(void *data)
{
	struct poster *poster = data;
	assert_int_equal(next_of_thread[poster->thread]++, poster->sequence);
	g_free(poster);
	if (++posts_seen == 4 * POSTS_EACH)
		loop_quit(loop);
}

static void *post_many(void *data)
{
	for (int i = 0; i < POSTS_EACH; i++) {
		struct poster *poster = g_new(struct poster, 1);
		*poster = (struct poster){.thread = GPOINTER_TO_INT(data), .sequence = i};
		loop_post(loop, posted, poster);
	}
	return NULL;
}

static void test_post_from_threads(void **state)
{
	GThread *threads[4];
	for (int i = 0; i < 4; i++)
		threads[i] = g_thread_new("poster", post_many, GINT_TO_POINTER(i));
	loop_run(loop);
	for (int i = 0; i < 4; i++) {
		g_thread_join(threads[i]);
		assert_int_equal(next_of_thread[i], POSTS_EACH);
	}
}

/* Two loops that do nothing but wake each other. */
struct game {
	struct loop *other;
	int throws;
};

static void throw_back(void *data);

static void catch_it(void *data)
{
	struct game *game = data;
	loop_post(loop, throw_back, game);
}

static void throw_back(void *data)
{
	struct game *game = data;
	if (game->throws-- > 0) {
		loop_post(game->other, catch_it, game);
		return;
	}
	loop_quit(game->other);
	loop_quit(loop);
}

static void *run_other(void *data)
{
	struct game *game = data;
	loop_run(game->other);
	return NULL;
}

static void test_loops_post_to_each_other(void **state)
{
	struct game game = {.throws = 1000};
	assert_int_equal(loop_new("other", &game.other), 0);
	GThread *thread = g_thread_new("other", run_other, &game);
	loop_post(loop, throw_back, &game);
	loop_run(loop);
	g_thread_join(thread);
	assert_int_equal(game.throws, -1);
	loop_free(game.other);
}

/* It is gone before the round's end, where it would have been woken. */
static void post_and_free(void *data)
{
	struct loop *other;
	assert_int_equal(loop_new("other", &other), 0);
	loop_post(other, quit, NULL);
	loop_free(other);
}

static void test_loop_is_freed_in_the_round_that_posts_to_it(void **state)
{
	loop_post(loop, post_and_free, NULL);
	loop_run(loop);
}

static void append_and_repost(void *data)
{
	GString *log = data;
	g_string_append_c(log, 'p');
	if (log->len < 3)
		loop_post(loop, append_and_repost, log);
}

static void test_posts_run_at_free(void **state)
{
	g_autoptr(GString) log = g_string_new(NULL);
	loop_post(loop, append_and_repost, log);
	loop = loop_free(loop);
	assert_string_equal(log->str, "ppp");
}

static void *quit_from_outside(void *data)
{
	loop_quit(loop);
	return NULL;
}

static void test_quit_before_and_during(void **state)
{
	loop_quit(loop);
	loop_run(loop);
	GThread *thread = g_thread_new("quit", quit_from_outside, NULL);
	loop_run(loop);
	g_thread_join(thread);
}

static unsigned rounds;

static void count_round(void *data, uint32_t events)
{
	rounds++;
}

static void test_interval(void **state)
{
	struct end end; /* always readable: a round after the other, as fast as the interval lets them */
	end_open(&end);
	loop_watch_free(end.watch);
	assert_int_equal(loop_watch_add(loop, end.sockets[0], EPOLLIN, count_round, NULL, &end.watch), 0);
	assert_int_equal(write(end.sockets[1], "x", 1), 1);
	loop_set_interval_us(loop, 2000);
	struct loop_timer stop;
	loop_timer_init(&stop, loop, quit, NULL);
	loop_timer_start_ms(&stop, 30);
	rounds = 0;
	loop_run(loop);
	assert_in_range(rounds, 1, 17);
	end_close(&end);
}

static void test_watches_are_counted(void **state)
{
	struct loop_counts counts;
	struct end ends[2];
	end_open(&ends[0]);
	end_open(&ends[1]);
	loop_count(loop, &counts);
	assert_int_equal(counts.watches, 2);
	end_close(&ends[0]);
	end_close(&ends[1]);
	loop_count(loop, &counts);
	assert_int_equal(counts.watches, 0);
}

static void test_free_nothing(void **state)
{
	assert_null(loop_free(NULL));
	assert_null(loop_watch_free(NULL));
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_timer_order),	      LOOP_TEST(test_timer_heap_random),
		LOOP_TEST(test_timer_stopped_by_another), LOOP_TEST(test_timer_restarts_itself),
		LOOP_TEST(test_watch_freed_by_another),	  LOOP_TEST(test_watch_frees_itself),
		LOOP_TEST(test_watch_events),	      LOOP_TEST(test_post_from_threads),
		LOOP_TEST(test_posts_run_at_free),	  LOOP_TEST(test_quit_before_and_during),
		LOOP_TEST(test_interval),	      LOOP_TEST(test_watches_are_counted),
		LOOP_TEST(test_free_nothing),	      LOOP_TEST(test_loops_post_to_each_other),
		LOOP_TEST(test_loop_is_freed_in_the_round_that_posts_to_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
