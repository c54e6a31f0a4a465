/* Connections are taken; without descriptors left the loop is not kept busy by those that wait. */
#include "net/acceptor.h"
#include "net/tcp.h"
#include "net/udp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#define WAIT_MS 100 /* less than it rests */
#define LIMIT_MS 5000

static unsigned n_asked;

/* In place of libc's: how often the kernel is asked. */
int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags)
{
	n_asked++;
	return (int)syscall(SYS_accept4, descriptor, address, length, flags);
}

struct door {
	struct loop *loop;
	struct net_acceptor acceptor;
	struct net_address address;
	struct loop_timer limit;
	unsigned n_wanted, n_accepted;
};

static void on_accepted(void *user, int descriptor, const struct net_address *remote)
{
	struct door *door = user;
	assert_true(net_address_same_host(remote, &door->address));
	close(descriptor);
	if (++door->n_accepted == door->n_wanted)
		loop_quit(door->loop);
}

static void on_limit(void *data)
{
	loop_quit(((struct door *)data)->loop);
}

static void open_door(struct door *door)
{
	int descriptor;
	struct net_address any;
	assert_int_equal(loop_new("test", &door->loop), 0);
	assert_int_equal(net_address_parse("127.0.0.1", 0, &any), 0);
	assert_int_equal(net_tcp_listen(&any, 16, &descriptor), 0);
	assert_int_equal(net_local_address(descriptor, &door->address), 0);
	assert_int_equal(net_acceptor_start(&door->acceptor, door->loop, descriptor, 2, on_accepted, door), 0);
	loop_timer_init(&door->limit, door->loop, on_limit, door);
}

static void run(struct door *door, unsigned n_wanted, int64_t limit_ms)
{
	door->n_wanted = n_wanted;
	loop_timer_start_ms(&door->limit, limit_ms);
	loop_run(door->loop);
	loop_timer_stop(&door->limit);
}

static int knock(const struct door *door)
{
	int descriptor;
	assert_int_equal(net_tcp_connect(NULL, &door->address, &descriptor), 0);
	return descriptor;
}

static void close_door(struct door *door)
{
	net_acceptor_stop(&door->acceptor);
	net_acceptor_stop(&door->acceptor);
	door->loop = loop_free(door->loop);
}

static void connections_are_taken(void **state)
{
	struct door door = {0};
	int knocks[3];
	open_door(&door);
	for (size_t i = 0; i < G_N_ELEMENTS(knocks); i++)
		knocks[i] = knock(&door);
	run(&door, G_N_ELEMENTS(knocks), LIMIT_MS);
	assert_int_equal(door.n_accepted, G_N_ELEMENTS(knocks));
	for (size_t i = 0; i < G_N_ELEMENTS(knocks); i++)
		close(knocks[i]);
	close_door(&door);
}

static void without_descriptors_it_rests(void **state)
{
	struct door door = {0};
	struct rlimit limit, none;
	open_door(&door);
	int descriptor = knock(&door);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	n_asked = 0;
	run(&door, 1, WAIT_MS);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(door.n_accepted, 0);
	assert_int_equal(n_asked, 1);
	run(&door, 1, LIMIT_MS);
	assert_int_equal(door.n_accepted, 1);
	close(descriptor);
	close_door(&door);
}

static void who_never_began_can_stop(void **state)
{
	struct net_acceptor acceptor = {0};
	net_acceptor_stop(&acceptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_taken),
		cmocka_unit_test(without_descriptors_it_rests),
		cmocka_unit_test(who_never_began_can_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
