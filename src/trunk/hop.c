#include "trunk/hop.h"
#include "trunk/internal.h"

struct trunk_hop *trunk_hop_new(struct trunk_peer *peer, const struct net_address *address, enum sip_transport transport)
{
	struct trunk_hop *hop = g_new0(struct trunk_hop, 1);
	hop->references = 1;
	hop->peer = peer;
	hop->address = *address;
	hop->transport = transport;
	net_address_format(address, hop->name);
	trunk_health_init(hop);
	return hop;
}

struct trunk_hop *trunk_hop_ref(struct trunk_hop *hop)
{
	hop->references++;
	return hop;
}

struct trunk_hop *trunk_hop_unref(struct trunk_hop *hop)
{
	if (!hop || --hop->references)
		return NULL;
	trunk_health_stop(hop);
	g_free(hop);
	return NULL;
}

static void unref_hop(void *hop)
{
	trunk_hop_unref(hop);
}

GPtrArray *trunk_hop_list_new(void)
{
	return g_ptr_array_new_with_free_func(unref_hop);
}

const struct net_address *trunk_hop_address(const struct trunk_hop *hop)
{
	return &hop->address;
}

enum sip_transport trunk_hop_transport(const struct trunk_hop *hop)
{
	return hop->transport;
}

const char *trunk_hop_name(const struct trunk_hop *hop)
{
	return hop->name;
}

char *trunk_hop_uri(const struct trunk_hop *hop, const char *user)
{
	return trunk_peer_format_uri(hop->peer, user);
}

struct sip_flow *trunk_hop_flow(struct trunk_hop *hop, struct sip_stack *stack)
{
	struct sip_flow *flow = trunk_flow_to(hop->peer->trunk, hop, stack, hop->transport, &hop->address);
	if (flow)
		sip_flow_set_identity(flow, trunk_identity(hop->peer->trunk));
	return flow;
}

bool trunk_hop_is_heard_over(const struct trunk_hop *hop, enum sip_transport transport)
{
	return trunk_is_heard_over(hop->peer->trunk, hop->transport, transport);
}

bool trunk_is_heard_over(const struct trunk *trunk, enum sip_transport reached_over, enum sip_transport transport)
{
	bool is_large_request = reached_over == SIP_TRANSPORT_UDP && transport == SIP_TRANSPORT_TCP;
	return (reached_over == transport || is_large_request) && !trunk_wants_certificate(trunk);
}

/* --- found --- */

struct trunk_hop *trunk_hop_of_source(const struct trunk *trunk, enum sip_transport transport, const struct net_address *source)
{
	struct trunk_hop *best = NULL;
	for (guint i = 0; i < trunk->peers->len; i++) {
		const struct trunk_peer *peer = trunk->peers->pdata[i];
		for (guint j = 0; j < peer->hops->len; j++) {
			struct trunk_hop *hop = peer->hops->pdata[j];
			if (!net_address_same_host(&hop->address, source))
				continue;
			bool is_exact = hop->transport == transport && net_address_equal(&hop->address, source);
			if (!best || is_exact)
				best = hop;
		}
	}
	return best;
}

struct trunk_hop *trunk_hop_of_host(const struct trunk *trunk, const char *host, uint16_t port)
{
	struct net_address address;
	if (net_address_parse(host, port, &address) < 0)
		return NULL;
	for (guint i = 0; i < trunk->peers->len; i++) {
		const struct trunk_peer *peer = trunk->peers->pdata[i];
		for (guint j = 0; j < peer->hops->len; j++) {
			struct trunk_hop *hop = peer->hops->pdata[j];
			net_address_set_port(&address, port ? port : sip_transport_default_port(hop->transport));
			if (net_address_equal(&hop->address, &address))
				return hop;
		}
	}
	return NULL;
}
