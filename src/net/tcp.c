#include "net/tcp.h"
#include <unistd.h>

static int tcp_socket(const struct net_address *address, int *ret_descriptor)
{
	int on = 1;
	int descriptor = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return -errno;
	if (net_address_is_ipv6(address))
		setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	*ret_descriptor = descriptor;
	return 0;
}

int net_tcp_listen(const struct net_address *address, int backlog, int *ret_descriptor)
{
	int on = 1, descriptor;
	int error = tcp_socket(address, &descriptor);
	if (error < 0)
		return error;
	setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(descriptor, &address->any, address->length) < 0 || listen(descriptor, backlog) < 0) {
		error = -errno;
		close(descriptor);
		return error;
	}
	*ret_descriptor = descriptor;
	return 0;
}

int net_tcp_connect(const struct net_address *from, const struct net_address *to, int *ret_descriptor)
{
	int descriptor;
	int error = tcp_socket(to, &descriptor);
	if (error < 0)
		return error;
	struct net_address local = from ? *from : (struct net_address){0};
	net_address_set_port(&local, 0);
	if ((from && bind(descriptor, &local.any, local.length) < 0) ||
	    (connect(descriptor, &to->any, to->length) < 0 && errno != EINPROGRESS)) {
		error = -errno;
		close(descriptor);
		return error;
	}
	*ret_descriptor = descriptor;
	return 0;
}
