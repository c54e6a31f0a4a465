#include "trunk/internal.h"

struct sip_flow *trunk_flow_to(struct trunk *trunk, struct sip_stack *stack, enum sip_transport transport,
			       const struct net_address *address)
{
	bool is_on_tls = trunk->transport == SIP_TRANSPORT_TLS;
	struct sip_flow *flow = NULL;
	if (!is_on_tls)
		flow = sip_stack_flow_to(stack, transport, address);
	else if (trunk->tls)
		flow = sip_stack_tls_flow_to(stack, trunk->tls, address);
	if (flow && (is_on_tls || !sip_flow_identity(flow)))
		sip_flow_set_identity(flow, trunk->identity);
	return flow;
}

struct sip_flow *trunk_flow(struct trunk *trunk, struct sip_stack *stack)
{
	/* A name may have addresses of a family we do not listen with. */
	for (size_t i = 0; i < trunk->n_addresses; i++) {
		struct sip_flow *flow = trunk_flow_to(trunk, stack, trunk->transport, &trunk->addresses[i]);
		if (!flow)
			continue;
		sip_flow_set_identity(flow, trunk->identity);
		return flow;
	}
	return NULL;
}
