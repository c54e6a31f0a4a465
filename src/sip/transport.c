/* Listening, and finding the flow for an address. */
#include "metrics/metrics.h"
#include "sip/transport_internal.h"
#include <string.h>

#define DEFAULT_PORT 5060

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
	return g_hash_table_new(address_hash, address_equal);
}

struct sip_transport_set *sip_transport_set_new(struct sip_stack *stack)
{
	struct sip_transport_set *transports = g_new0(struct sip_transport_set, 1);
	transports->stack = stack;
	transports->tcp_connections = sip_address_table_new();
	return transports;
}

struct sip_transport_set *sip_transport_set_free(struct sip_transport_set *transports)
{
	if (!transports)
		return NULL;
	sip_udp_close_all(transports);
	sip_tcp_close_all(transports);
	g_hash_table_destroy(transports->tcp_connections);
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
	size_t length = (size_t)(colon - text);
	if (length == 3 && !g_ascii_strncasecmp(text, "udp", 3))
		return sip_udp_listen(stack->transports, &address);
	if (length == 3 && !g_ascii_strncasecmp(text, "tcp", 3))
		return sip_tcp_listen(stack->transports, &address);
	return -EINVAL;
}

int sip_stack_listening_address(const struct sip_stack *stack, enum sip_transport transport, size_t index,
				struct net_address *ret_address)
{
	const struct net_address *address = NULL;
	if (transport == SIP_TRANSPORT_UDP)
		address = sip_udp_listening(stack->transports, index);
	else if (transport == SIP_TRANSPORT_TCP)
		address = sip_tcp_listening(stack->transports, index);
	if (!address)
		return -ENOENT;
	*ret_address = *address;
	return 0;
}

bool sip_stack_listens(const struct sip_stack *stack, enum sip_transport transport, bool is_ipv6)
{
	struct net_address address;
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
		return sip_tcp_flow_to(stack->transports, remote);
	return NULL;
}

struct sip_flow *sip_transport_reply_flow(struct sip_stack *stack, struct sip_flow *flow,
					  const struct sip_message *request)
{
	enum sip_transport transport = sip_flow_transport(flow);
	struct net_address remote = *sip_flow_remote(flow);
	uint16_t port = sip_message_via_port(request);
	struct sip_flow *reply_flow = NULL;
	net_address_set_port(&remote, port ? port : DEFAULT_PORT);
	/* to the address the request came from; its port only where rport allows (RFC 3581). maddr is not heeded: it
	 * would let a stranger choose whom we send to. */
	if (transport == SIP_TRANSPORT_UDP && sip_flow_is_open(flow) && !sip_message_via_has_rport(request) &&
	    !net_address_equal(&remote, sip_flow_remote(flow)))
		reply_flow = sip_udp_flow_to(stack->transports, &remote, flow);
	else if (transport == SIP_TRANSPORT_TCP && !sip_flow_is_open(flow))
		reply_flow = sip_tcp_flow_to(stack->transports, &remote);
	return reply_flow ? reply_flow : sip_flow_ref(flow);
}
