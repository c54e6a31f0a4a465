#include "trunk/internal.h"

struct sip_flow *trunk_flow(struct trunk *trunk, struct sip_stack *stack)
{
	/* A name may have addresses of a family we do not listen with. */
	for (size_t i = 0; i < trunk->n_addresses; i++) {
		struct sip_flow *flow = sip_stack_flow_to(stack, trunk->transport, &trunk->addresses[i]);
		if (!flow)
			continue;
		sip_flow_set_identity(flow, trunk->identity);
		return flow;
	}
	return NULL;
}
