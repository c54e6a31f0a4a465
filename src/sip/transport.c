/* Listening, and finding the flow for an address. */
#include "metrics/metrics.h"
#include "sip/transport_internal.h"
#include <string.h>

static unsigned address_hash(const void *address)
{
	return net_address_hash(address);
}

static gboolean address_equal(const void *a, const void *b)
{
	return net_address_equal(a, b);
}

GHashTable *sip_address_table_new(void)
{
	return sip_address_table_new_full(NULL, NULL);
}

GHashTable *sip_address_table_new_full(GDestroyNotify free_key, GDestroyNotify free_value)
{
	return g_hash_table_new_full(address_hash, address_equal, free_key, free_value);
}

struct sip_transport_set *sip_transport_set_new(struct sip_stack *stack)
{
	struct sip_transport_set *transports = g_new0(struct sip_transport_set, 1);
	transports->stack = stack;
	transports->keep_alive_ms = SIP_TLS_KEEP_ALIVE_MS;
	transports->tcp_connections = sip_tcp_table_new();
	transports->without_tcp = sip_large_table_new();
	return transports;
}

struct sip_transport_set *sip_transport_set_free(struct sip_transport_set *transports)
{
	if (!transports)
		return NULL;
	sip_udp_close_all(transports);
	sip_tcp_close_all(transports);
	sip_tcp_stop_listening(transports);
	SSL_CTX_free(transports->tls_context);
	g_hash_table_destroy(transports->tcp_connections);
	g_hash_table_destroy(transports->without_tcp);
	g_free(transports);
	return NULL;
}

size_t sip_transport_flow_count(const struct sip_transport_set *transports)
{
	return transports->n_udp_flows + g_hash_table_size(transports->tcp_connections);
}

int sip_stack_listen(struct sip_stack *stack, const char *text)
{
	struct net_address address;
	const char *colon = strchr(text, ':');
	if (!colon || net_address_parse_with_port(colon + 1, &address) < 0)
		return -EINVAL;
	static const enum sip_transport streams[] = {SIP_TRANSPORT_TCP, SIP_TRANSPORT_TLS};
	g_autofree char *word = g_strndup(text, (size_t)(colon - text));
	if (!g_ascii_strcasecmp(word, sip_transport_name(SIP_TRANSPORT_UDP)))
		return sip_udp_listen(stack->transports, &address);
	for (size_t i = 0; i < G_N_ELEMENTS(streams); i++)
		if (!g_ascii_strcasecmp(word, sip_transport_name(streams[i])))
			return sip_tcp_listen(stack->transports, streams[i], &address);
	return -EINVAL;
}

int sip_stack_listening_address(const struct sip_stack *stack, enum sip_transport transport, size_t index,
				struct net_address *ret_address)
{
	const struct net_address *address = NULL;
	if (transport == SIP_TRANSPORT_UDP)
		address = sip_udp_listening(stack->transports, index);
	else
		address = sip_tcp_listening(stack->transports, transport, index);
	if (!address)
		return -ENOENT;
	*ret_address = *address;
	return 0;
}

bool sip_stack_listens(const struct sip_stack *stack, enum sip_transport transport, bool is_ipv6)
{
	struct net_address address;
	if (transport == SIP_TRANSPORT_TLS)
		return true;
	for (size_t i = 0; sip_stack_listening_address(stack, transport, i, &address) == 0; i++)
		if (net_address_is_ipv6(&address) == is_ipv6)
			return true;
	return false;
}

struct sip_flow *sip_stack_flow_to(struct sip_stack *stack, enum sip_transport transport, const struct net_address *remote)
{
	if (transport == SIP_TRANSPORT_UDP)
		return sip_udp_flow_to(stack->transports, remote, NULL);
	if (transport == SIP_TRANSPORT_TCP)
		return sip_tcp_flow_to(stack->transports, remote, NULL, SIP_TCP_CONNECT_MS);
	return NULL;
}

struct sip_flow *sip_transport_reply_flow(struct sip_stack *stack, struct sip_flow *flow,
					  const struct sip_message *request)
{
	enum sip_transport transport = sip_flow_transport(flow);
	struct net_address remote = *sip_flow_remote(flow);
	uint16_t port = sip_message_via_port(request);
	struct sip_flow *reply_flow = NULL;
	net_address_set_port(&remote, port ? port : sip_transport_default_port(transport));
	/* to the address the request came from; its port only where rport allows (RFC 3581). maddr is not heeded: it
	 * would let a stranger choose whom we send to. */
	if (transport == SIP_TRANSPORT_UDP && sip_flow_is_open(flow) && !sip_message_via_has_rport(request) &&
	    !net_address_equal(&remote, sip_flow_remote(flow)))
		reply_flow = sip_udp_flow_to(stack->transports, &remote, flow);
	else if (transport == SIP_TRANSPORT_TCP && !sip_flow_is_open(flow))
		reply_flow = sip_tcp_flow_to(stack->transports, &remote, NULL, SIP_TCP_CONNECT_MS);
	else if (transport == SIP_TRANSPORT_TLS && !sip_flow_is_open(flow) && stack->handler.reach)
		reply_flow = stack->handler.reach(stack->user, flow, &remote);
	return reply_flow ? reply_flow : sip_flow_ref(flow);
}
