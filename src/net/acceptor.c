#include "net/acceptor.h"
#include "base/log.h"
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REST_MS 200

static void on_rested(void *data)
{
	struct net_acceptor *acceptor = data;
	loop_watch_set_events(acceptor->watch, EPOLLIN);
}

static void on_connections(void *data, uint32_t events)
{
	struct net_acceptor *acceptor = data;
	for (unsigned i = 0; i < acceptor->at_once; i++) {
		struct net_address remote = {.length = sizeof remote.ipv6};
		int descriptor = accept4(acceptor->descriptor, &remote.any, &remote.length, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (descriptor >= 0) {
			acceptor->accepted(acceptor->user, descriptor, &remote);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			log_warning(NULL, "net: connections cannot be taken: %s", g_strerror(errno));
			loop_watch_set_events(acceptor->watch, 0);
			loop_timer_start_ms(&acceptor->rest, REST_MS);
			return;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		}
	}
}

int net_acceptor_start(struct net_acceptor *acceptor, struct loop *loop, int descriptor, unsigned at_once,
		       void (*accepted)(void *user, int descriptor, const struct net_address *remote), void *user)
{
	*acceptor = (struct net_acceptor){
		.accepted = accepted, .user = user, .descriptor = descriptor, .at_once = at_once};
	loop_timer_init(&acceptor->rest, loop, on_rested, acceptor);
	int error = loop_watch_add(loop, descriptor, EPOLLIN, on_connections, acceptor, &acceptor->watch);
	if (error < 0)
		close(descriptor);
	return error;
}

void net_acceptor_stop(struct net_acceptor *acceptor)
{
	if (!acceptor->watch)
		return;
	loop_timer_stop(&acceptor->rest);
	acceptor->watch = loop_watch_free(acceptor->watch);
	close(acceptor->descriptor);
}
