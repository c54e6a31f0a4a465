/* The order in which a trunk's hops are tried. */
#include "trunk/internal.h"

/* What nothing listens for can neither be called nor have failed. */
static bool is_reachable(const struct trunk_hop *hop)
{
	const struct sip_stack *stack = hop->peer->trunk->stack;
	return !stack || sip_stack_listens(stack, hop->transport, net_address_is_ipv6(&hop->address));
}

/* As configured and by priority. `any`: those as well that are passed over. */
static GPtrArray *list_hops(const struct trunk *trunk, bool any)
{
	GPtrArray *hops = trunk_hop_list_new();
	for (guint i = 0; i < trunk->peers->len; i++) {
		const struct trunk_peer *peer = trunk->peers->pdata[i];
		for (guint j = 0; j < peer->hops->len; j++) {
			struct trunk_hop *hop = peer->hops->pdata[j];
			if (is_reachable(hop) && (any || trunk_hop_is_usable(hop)))
				g_ptr_array_add(hops, trunk_hop_ref(hop));
		}
	}
	return hops;
}

GPtrArray *trunk_hops_in_order(const struct trunk *trunk)
{
	GPtrArray *hops = list_hops(trunk, false);
	if (hops->len)
		return hops;
	g_ptr_array_unref(hops);
	return list_hops(trunk, true);
}

static void swap(void **hops, size_t a, size_t b)
{
	void *hop = hops[a];
	hops[a] = hops[b];
	hops[b] = hop;
}

static int64_t credit(const void *hop)
{
	return ((const struct trunk_hop *)hop)->credit;
}

/* Each comes first as often as its weight says (RFC 2782), in turns and not by chance: it gains its weight with every call and pays
 * the sum of all when it is taken. `weight_min` is that of hops without one; where none has a weight the order stays. */
static void take_turns(void **hops, size_t n, unsigned weight_min)
{
	int64_t sum = 0;
	for (size_t i = 0; i < n; i++) {
		struct trunk_hop *hop = hops[i];
		unsigned weight = MAX(hop->weight, weight_min);
		hop->credit += weight;
		sum += weight;
	}
	for (size_t i = 1; sum && i < n; i++)
		for (size_t j = i; j && credit(hops[j]) > credit(hops[j - 1]); j--)
			swap(hops, j, j - 1);
	if (n)
		((struct trunk_hop *)hops[0])->credit -= sum;
}

/* Those of each peer's lowest priority come to the front. Returns how many they are. */
static size_t gather_first(GPtrArray *hops)
{
	size_t n = 0;
	const struct trunk_hop *lead = NULL;
	for (guint i = 0; i < hops->len; i++) {
		const struct trunk_hop *hop = hops->pdata[i];
		if (!lead || lead->peer != hop->peer)
			lead = hop;
		if (hop->priority != lead->priority)
			continue;
		for (guint j = i; j > n; j--)
			swap(hops->pdata, j, j - 1);
		n++;
	}
	return n;
}

GPtrArray *trunk_hops(struct trunk *trunk)
{
	GPtrArray *hops = trunk_hops_in_order(trunk);
	guint start = trunk_shares(trunk) ? (guint)gather_first(hops) : 0;
	take_turns(hops->pdata, start, 1);
	while (start < hops->len) {
		const struct trunk_hop *first = hops->pdata[start];
		guint end = start + 1;
		for (; end < hops->len; end++) {
			const struct trunk_hop *hop = hops->pdata[end];
			if (hop->peer != first->peer || hop->priority != first->priority)
				break;
		}
		take_turns(hops->pdata + start, end - start, 0);
		start = end;
	}
	return hops;
}
