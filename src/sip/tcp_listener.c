/* Where connections come in. */
#include "base/log.h"
#include "net/acceptor.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "sip/transport_internal.h"
#include <unistd.h>

#define BACKLOG 128
#define ACCEPTED_AT_ONCE 32

struct sip_tcp_listener {
	struct sip_transport_set *transports;
	struct sip_tcp_listener *next;
	enum sip_transport transport;
	struct net_address local;
	struct net_acceptor acceptor;
};

const struct net_address *sip_tcp_listening_for(const struct sip_transport_set *transports, enum sip_transport transport,
						const struct net_address *remote)
{
	const struct sip_tcp_listener *listener = transports->tcp_listeners;
	while (listener && (listener->transport != transport ||
			    net_address_is_ipv6(&listener->local) != net_address_is_ipv6(remote)))
		listener = listener->next;
	return listener ? &listener->local : NULL;
}

static void on_connection(void *user, int descriptor, const struct net_address *remote)
{
	struct sip_tcp_listener *listener = user;
	struct sip_transport_set *transports = listener->transports;
	bool is_secure = listener->transport == SIP_TRANSPORT_TLS;
	struct sip_tcp_key key = {.remote = *remote, .over = is_secure ? listener : NULL};
	struct crypto_tls *tls = NULL;
	if (is_secure && crypto_tls_accept(transports->tls_context, transports->asks_for_certificates, descriptor, &tls) < 0)
		close(descriptor);
	else
		sip_tcp_take(transports, descriptor, &key, &listener->local, tls);
}

int sip_tcp_listen(struct sip_transport_set *transports, enum sip_transport transport, const struct net_address *address)
{
	if (transport == SIP_TRANSPORT_TLS && !transports->tls_context)
		return -ENOKEY;
	int descriptor = -1;
	int error = net_tcp_listen(address, BACKLOG, &descriptor);
	if (error < 0)
		return error;
	struct sip_tcp_listener *listener = g_new0(struct sip_tcp_listener, 1);
	listener->transports = transports;
	listener->transport = transport;
	net_local_address(descriptor, &listener->local);
	error = net_acceptor_start(&listener->acceptor, transports->stack->loop, descriptor, ACCEPTED_AT_ONCE,
				   on_connection, listener);
	if (error < 0) {
		g_free(listener);
		return error;
	}
	struct sip_tcp_listener **end = &transports->tcp_listeners;
	while (*end)
		end = &(*end)->next;
	*end = listener;
	return 0;
}

const struct net_address *sip_tcp_listening(const struct sip_transport_set *transports, enum sip_transport transport, size_t index)
{
	const struct sip_tcp_listener *listener = transports->tcp_listeners;
	while (listener && (listener->transport != transport || index--))
		listener = listener->next;
	return listener ? &listener->local : NULL;
}

void sip_tcp_stop_listening(struct sip_transport_set *transports)
{
	while (transports->tcp_listeners) {
		struct sip_tcp_listener *listener = transports->tcp_listeners;
		transports->tcp_listeners = listener->next;
		net_acceptor_stop(&listener->acceptor);
		g_free(listener);
	}
}
