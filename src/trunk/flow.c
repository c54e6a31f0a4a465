#include "trunk/internal.h"

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
