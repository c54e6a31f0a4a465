#include "base/log.h"
#include "metrics/metrics.h"
#include "net/udp.h"
#include "sip/transport_internal.h"
#include <linux/errqueue.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define RECEIVE_BUFFER_BYTES (512 << 10) /* of a busy half second: what waits longer has been sent again by then */
#define BATCH 8
#define BATCHES_AT_ONCE_MAX 8
#define DATAGRAM_BYTES_MAX 65536
#define SEND_ATTEMPTS	   3
#define ERRORS_AT_ONCE_MAX 32

METRICS_COUNTER(too_long, "tandem_sip_udp_truncated_total", "SIP datagrams dropped because they were too long.");
METRICS_COUNTER(unreachable, "tandem_sip_udp_unreachable_total", "ICMP errors that SIP datagrams came back as.");
METRICS_COUNTER(large, "tandem_sip_udp_large_requests_total", "SIP requests above 1300 bytes sent over UDP.");

struct sip_udp_socket {
	struct sip_transport_set *transports;
	struct sip_udp_socket *next;
	int descriptor;
	struct net_address local;
	struct loop_watch *watch;
	GHashTable *flows; /* remote address -> flow; the flow takes itself out when its last holder lets go */
	char buffers[BATCH][DATAGRAM_BYTES_MAX];
};

struct udp_flow {
	struct sip_udp_socket *socket; /* NULL when it was closed */
	struct net_address remote;
	struct sip_flow *flow;
};

static bool is_of_earlier(int error)
{
	return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH;
}

static int send_datagram(void *carrier, const char *text, size_t length)
{
	struct udp_flow *udp = carrier;
	if (!udp->socket)
		return -EPIPE;
	if (length > SIP_UDP_REQUEST_BYTES_MAX && strncmp(text, "SIP/", 4))
		metrics_add(&large, 1);
	ssize_t sent = -1;
	/* An error of one datagram is told to the next, whoever that is for; then it is done with. */
	for (int i = 0; i < SEND_ATTEMPTS && sent < 0 && (!i || is_of_earlier(errno)); i++)
		sent = sendto(udp->socket->descriptor, text, length, MSG_DONTWAIT | MSG_NOSIGNAL, &udp->remote.any,
			      udp->remote.length);
	return sent < 0 ? -errno : 0;
}

static void destroy_flow(void *carrier)
{
	struct udp_flow *udp = carrier;
	if (udp->socket) {
		g_hash_table_remove(udp->socket->flows, &udp->remote);
		udp->socket->transports->n_udp_flows--;
	}
	g_free(udp);
}

static const struct sip_flow_operations operations = {.send = send_datagram, .destroy = destroy_flow};

static struct sip_flow *flow_of(struct sip_udp_socket *socket, const struct net_address *remote)
{
	struct udp_flow *udp = g_hash_table_lookup(socket->flows, remote);
	if (udp)
		return sip_flow_ref(udp->flow);
	struct sip_flow_parameters parameters = {
		.transport = SIP_TRANSPORT_UDP,
		.local = socket->local,
		.remote = *remote,
	};
	char sent_by[NET_ADDRESS_TEXT_MAX];
	if (net_address_is_wildcard(&socket->local) && !net_source_address(remote, &parameters.local))
		net_address_set_port(&parameters.local, net_address_port(&socket->local));
	parameters.sent_by = net_address_format(&parameters.local, sent_by);
	udp = g_new0(struct udp_flow, 1);
	udp->socket = socket;
	udp->remote = *remote;
	udp->flow = sip_flow_new(&parameters, &operations, udp);
	g_hash_table_insert(socket->flows, &udp->remote, udp);
	socket->transports->n_udp_flows++;
	return udp->flow;
}

struct sip_flow *sip_udp_flow_to(struct sip_transport_set *transports, const struct net_address *remote,
				 const struct sip_flow *beside)
{
	struct sip_udp_socket *first = NULL;
	for (struct sip_udp_socket *socket = transports->udp_sockets; socket; socket = socket->next) {
		if (net_address_is_ipv6(&socket->local) != net_address_is_ipv6(remote))
			continue;
		if (beside && net_address_port(sip_flow_local(beside)) == net_address_port(&socket->local) &&
		    (net_address_is_wildcard(&socket->local) ||
		     net_address_same_host(sip_flow_local(beside), &socket->local)))
			return flow_of(socket, remote);
		if (!first)
			first = socket;
	}
	return first ? flow_of(first, remote) : NULL;
}

static int take_batch(struct sip_udp_socket *socket)
{
	struct mmsghdr headers[BATCH] = {0};
	struct iovec pieces[BATCH];
	struct net_address sources[BATCH];
	for (int i = 0; i < BATCH; i++) {
		pieces[i] = (struct iovec){socket->buffers[i], DATAGRAM_BYTES_MAX};
		headers[i].msg_hdr = (struct msghdr){
			.msg_name = &sources[i].ipv6,
			.msg_namelen = sizeof sources[i].ipv6,
			.msg_iov = &pieces[i],
			.msg_iovlen = 1,
		};
	}
	int count = recvmmsg(socket->descriptor, headers, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		if (headers[i].msg_hdr.msg_flags & MSG_TRUNC) {
			metrics_add(&too_long, 1);
			continue;
		}
		sources[i].length = headers[i].msg_hdr.msg_namelen;
		struct sip_flow *flow = flow_of(socket, &sources[i]);
		sip_stack_receive(socket->transports->stack, flow, socket->buffers[i], headers[i].msg_len);
		sip_flow_unref(flow);
	}
	return count;
}

/* Whether one was there. The kernel has checked that it is about a datagram of this socket. */
static bool take_error(struct sip_udp_socket *socket)
{
	struct net_address remote;
	char control[512];
	struct msghdr header = {
		.msg_name = &remote.ipv6,
		.msg_namelen = sizeof remote.ipv6,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};
	if (recvmsg(socket->descriptor, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	remote.length = header.msg_namelen;
	struct udp_flow *udp = g_hash_table_lookup(socket->flows, &remote);
	for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
		struct sock_extended_err error;
		bool is_error = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
				(part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
		if (!is_error || part->cmsg_len < CMSG_LEN(sizeof error))
			continue;
		memcpy(&error, CMSG_DATA(part), sizeof error);
		if (!is_of_earlier((int)error.ee_errno))
			continue;
		metrics_add(&unreachable, 1);
		if (udp)
			sip_flow_unreachable(udp->flow);
	}
	return true;
}

/* Each WebSocket has its turn in each round of the loop; this one socket stands for all trunks. */
static void on_readable(void *data, uint32_t events)
{
	for (int i = 0; events & EPOLLERR && i < ERRORS_AT_ONCE_MAX && take_error(data); i++)
		;
	for (int i = 0; i < BATCHES_AT_ONCE_MAX && take_batch(data) == BATCH; i++)
		;
}

int sip_udp_listen(struct sip_transport_set *transports, const struct net_address *address)
{
	int descriptor;
	int error = net_udp_open(address, &descriptor);
	if (error < 0)
		return error;
	/* For a burst while the thread has other work: what is lost costs its sender T1 at least. The kernel gives what it may. */
	static const int bytes = RECEIVE_BUFFER_BYTES;
	setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	bool is_ipv6 = net_address_is_ipv6(address);
	static const int on = 1;
	setsockopt(descriptor, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof on);
	struct sip_udp_socket *socket = g_new0(struct sip_udp_socket, 1);
	error = net_local_address(descriptor, &socket->local);
	if (!error)
		error = loop_watch_add(transports->stack->loop, descriptor, EPOLLIN, on_readable, socket, &socket->watch);
	if (error < 0) {
		close(descriptor);
		g_free(socket);
		return error;
	}
	socket->transports = transports;
	socket->descriptor = descriptor;
	socket->flows = sip_address_table_new();
	struct sip_udp_socket **end = &transports->udp_sockets;
	while (*end)
		end = &(*end)->next;
	*end = socket;
	return 0;
}

const struct net_address *sip_udp_listening(const struct sip_transport_set *transports, size_t index)
{
	const struct sip_udp_socket *socket = transports->udp_sockets;
	while (socket && index--)
		socket = socket->next;
	return socket ? &socket->local : NULL;
}

/* Others may hold flows for longer: they stay valid, closed. */
static void close_flows(struct sip_udp_socket *socket)
{
	GHashTableIter iter;
	void *value;
	for (;;) {
		g_hash_table_iter_init(&iter, socket->flows);
		if (!g_hash_table_iter_next(&iter, NULL, &value))
			break;
		struct udp_flow *udp = value;
		g_hash_table_iter_remove(&iter);
		socket->transports->n_udp_flows--;
		udp->socket = NULL;
		sip_flow_closed(udp->flow);
	}
}

void sip_udp_close_all(struct sip_transport_set *transports)
{
	while (transports->udp_sockets) {
		struct sip_udp_socket *socket = transports->udp_sockets;
		transports->udp_sockets = socket->next;
		close_flows(socket);
		loop_watch_free(socket->watch);
		close(socket->descriptor);
		g_hash_table_destroy(socket->flows);
		g_free(socket);
	}
}
