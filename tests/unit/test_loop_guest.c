#include "loop/loop.h"
#include <glib-unix.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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

static void attach(GSource *source, GSourceFunc function, void *data)
{
	g_source_set_callback(source, function, data, NULL);
	g_source_attach(source, loop_guest_context(loop));
	g_source_unref(source);
}

static void quit(void *data)
{
	loop_quit(loop);
}

static gboolean count_three(void *data)
{
	int *count = data;
	assert_ptr_equal(g_main_context_get_thread_default(), loop_guest_context(loop));
	if (++*count < 3)
		return G_SOURCE_CONTINUE;
	loop_quit(loop);
	return G_SOURCE_REMOVE;
}

static void test_timeout(void **state)
{
	int count = 0;
	int64_t start_us = base_monotonic_us();
	attach(g_timeout_source_new(5), count_three, &count);
	loop_run(loop);
	assert_int_equal(count, 3);
	assert_in_range(base_monotonic_us() - start_us, 14000, 2000000);
}

static void test_idle(void **state)
{
	int count = 0;
	attach(g_idle_source_new(), count_three, &count);
	loop_run(loop);
	assert_int_equal(count, 3);
}

static void attach_idle(void *data)
{
	attach(g_idle_source_new(), count_three, data);
	loop_touch_guest(loop);
}

static void test_attached_in_callback(void **state)
{
	int count = 0;
	struct loop_timer timer;
	loop_timer_init(&timer, loop, attach_idle, &count);
	loop_timer_start_ms(&timer, 1);
	loop_run(loop);
	assert_int_equal(count, 3);
}

static int at_work; /* atomic */

static void *attach_from_outside(void *data)
{
	while (!__atomic_load_n(&at_work, __ATOMIC_ACQUIRE))
		;
	attach(g_idle_source_new(), count_three, data);
	return NULL;
}

static void now_at_work(void *data)
{
	__atomic_store_n(&at_work, 1, __ATOMIC_RELEASE);
}

static void test_attached_from_another_thread(void **state)
{
	int count = 0;
	at_work = 0;
	GThread *thread = g_thread_new("attach", attach_from_outside, &count);
	loop_post(loop, now_at_work, NULL);
	loop_run(loop);
	g_thread_join(thread);
	assert_int_equal(count, 3);
}

static gboolean read_byte(gint descriptor, GIOCondition condition, void *data)
{
	char byte;
	assert_true(condition & G_IO_IN);
	assert_int_equal(read(descriptor, &byte, 1), 1);
	g_string_append_c(data, byte);
	if (byte == 'q')
		loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static GSource *attach_descriptor(int descriptor, GString *log)
{
	GSource *source = g_unix_fd_source_new(descriptor, G_IO_IN);
	g_source_set_callback(source, G_SOURCE_FUNC(read_byte), log, NULL);
	g_source_attach(source, loop_guest_context(loop));
	return source;
}

static void open_pair(int sockets[2])
{
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), errno);
}

static void close_pair(int sockets[2])
{
	close(sockets[0]);
	close(sockets[1]);
}

static void test_descriptor(void **state)
{
	int sockets[2];
	open_pair(sockets);
	g_autoptr(GString) log = g_string_new(NULL);
	g_autoptr(GSource) source = attach_descriptor(sockets[0], log);
	assert_int_equal(write(sockets[1], "abq", 3), 3);
	loop_run(loop);
	assert_string_equal(log->str, "abq");
	g_source_destroy(source);
	/* gone from the epoll too: were it not, the loop would spin, and the timer's round would not be the next */
	assert_int_equal(write(sockets[1], "z", 1), 1);
	loop_post(loop, quit, NULL);
	loop_run(loop);
	assert_string_equal(log->str, "abq");
	close_pair(sockets);
}

struct reuse {
	int sockets[2];
	GString *log;
	GSource *source;
};

/* Closes a watched descriptor and opens another with the same number, all between two walks. */
static void replace(void *data)
{
	struct reuse *reuse = data;
	int number = reuse->sockets[0];
	g_source_destroy(reuse->source);
	g_source_unref(reuse->source);
	close_pair(reuse->sockets);
	open_pair(reuse->sockets);
	assert_int_equal(reuse->sockets[0], number);
	reuse->source = attach_descriptor(reuse->sockets[0], reuse->log);
	assert_int_equal(write(reuse->sockets[1], "q", 1), 1);
	loop_touch_guest(loop);
}

static void test_descriptor_number_comes_again(void **state)
{
	struct reuse reuse = {.log = g_string_new(NULL)};
	open_pair(reuse.sockets);
	reuse.source = attach_descriptor(reuse.sockets[0], reuse.log);
	struct loop_timer timer;
	loop_timer_init(&timer, loop, replace, &reuse);
	loop_timer_start_ms(&timer, 2);
	loop_run(loop);
	assert_string_equal(reuse.log->str, "q");
	g_source_destroy(reuse.source);
	g_source_unref(reuse.source);
	close_pair(reuse.sockets);
	g_string_free(reuse.log, TRUE);
}

static void test_many_descriptors(void **state)
{
	enum { COUNT = 200 };
	int sockets[COUNT][2];
	GSource *sources[COUNT];
	g_autoptr(GString) log = g_string_new(NULL);
	for (int i = 0; i < COUNT; i++) {
		open_pair(sockets[i]);
		sources[i] = attach_descriptor(sockets[i][0], log);
		assert_int_equal(write(sockets[i][1], "x", 1), 1);
	}
	struct loop_timer timer;
	loop_timer_init(&timer, loop, quit, NULL);
	loop_timer_start_ms(&timer, 1);
	while (log->len < COUNT) {
		loop_timer_start_ms(&timer, 1);
		loop_run(loop);
	}
	assert_int_equal(log->len, COUNT);
	for (int i = 0; i < COUNT; i++) {
		g_source_destroy(sources[i]);
		g_source_unref(sources[i]);
		close_pair(sockets[i]);
	}
}

static unsigned prepared;

static gboolean count_prepare(GSource *source, gint *timeout_ms)
{
	prepared++;
	*timeout_ms = -1;
	return FALSE;
}

static gboolean dispatch_nothing(GSource *source, GSourceFunc callback, void *data)
{
	return G_SOURCE_CONTINUE;
}

static int packets;

static void take_packet(void *data, uint32_t events)
{
	char byte;
	assert_int_equal(read(*(int *)data, &byte, 1), 1);
	if (--packets == 0)
		loop_quit(loop);
}

static void test_packets_do_not_walk_the_guest(void **state)
{
	GSourceFuncs functions = {.prepare = count_prepare, .dispatch = dispatch_nothing};
	g_autoptr(GSource) source = g_source_new(&functions, sizeof(GSource));
	g_source_attach(source, loop_guest_context(loop));
	int sockets[2];
	open_pair(sockets);
	struct loop_watch *watch;
	assert_int_equal(loop_watch_add(loop, sockets[0], EPOLLIN, take_packet, &sockets[0], &watch), 0);
	packets = 100;
	prepared = 0;
	for (int i = 0; i < packets; i++)
		assert_int_equal(write(sockets[1], "x", 1), 1);
	loop_run(loop);
	assert_in_range(prepared, 1, 3);
	loop_watch_free(watch);
	close_pair(sockets);
	g_source_destroy(source);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_timeout),
		LOOP_TEST(test_idle),
		LOOP_TEST(test_attached_in_callback),
		LOOP_TEST(test_attached_from_another_thread),
		LOOP_TEST(test_descriptor),
		LOOP_TEST(test_descriptor_number_comes_again),
		LOOP_TEST(test_many_descriptors),
		LOOP_TEST(test_packets_do_not_walk_the_guest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
