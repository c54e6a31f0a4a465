#include "trunk/internal.h"

static struct sip_tls *tls_of(const struct trunk *trunk, const struct trunk_hop *hop)
{
	struct sip_tls *tls = hop ? hop->peer->tls : trunk->tls;
	for (guint i = 0; i < trunk->peers->len && !tls; i++)
		tls = ((const struct trunk_peer *)trunk->peers->pdata[i])->tls;
	return tls;
}

struct sip_flow *trunk_flow_to(struct trunk *trunk, const struct trunk_hop *hop, struct sip_stack *stack, enum sip_transport transport,
			       const struct net_address *address)
{
	bool is_on_tls = transport == SIP_TRANSPORT_TLS;
	struct sip_tls *tls = is_on_tls ? tls_of(trunk, hop) : NULL;
	struct sip_flow *flow = NULL;
	if (!is_on_tls)
		flow = sip_stack_flow_to(stack, transport, address);
	else if (tls)
		flow = sip_stack_tls_flow_to(stack, tls, address);
	if (flow && (is_on_tls || !sip_flow_identity(flow)))
		sip_flow_set_identity(flow, trunk->identity);
	return flow;
}

struct sip_flow *trunk_flow(struct trunk *trunk, struct sip_stack *stack)
{
	g_autoptr(GPtrArray) hops = trunk_hops_in_order(trunk);
	for (guint i = 0; i < hops->len; i++) {
		struct sip_flow *flow = trunk_hop_flow(hops->pdata[i], stack);
		if (flow)
			return flow;
	}
	return NULL;
}
