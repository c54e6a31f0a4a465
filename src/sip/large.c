/* Requests too large for UDP go by TCP where the far end has it (RFC 3261, section 18.1.1). */
#include "base/log.h"
#include "metrics/metrics.h"
#include "sip/transport_internal.h"

METRICS_COUNTER(by_tcp, "tandem_sip_tcp_large_requests_total", "SIP requests above 1300 bytes sent over TCP instead of UDP.");

/* Who has no TCP: remote address -> until when that is believed. */
GHashTable *sip_large_table_new(void)
{
	return sip_address_table_new_full(g_free, g_free);
}

void sip_large_note(struct sip_transport_set *transports, const struct net_address *remote, bool has_tcp)
{
	if (has_tcp) {
		g_hash_table_remove(transports->without_tcp, remote);
		return;
	}
	if (g_hash_table_size(transports->without_tcp) >= SIP_WITHOUT_TCP_MAX)
		g_hash_table_remove_all(transports->without_tcp);
	int64_t until_us = loop_now_us(transports->stack->loop) + SIP_WITHOUT_TCP_MS * INT64_C(1000);
	g_hash_table_replace(transports->without_tcp, g_memdup2(remote, sizeof *remote), g_memdup2(&until_us, sizeof until_us));
}

bool sip_large_lacks_tcp(struct sip_stack *stack, const struct net_address *remote)
{
	const int64_t *until_us = g_hash_table_lookup(stack->transports->without_tcp, remote);
	if (until_us && *until_us > loop_now_us(stack->loop))
		return true;
	g_hash_table_remove(stack->transports->without_tcp, remote);
	return false;
}

struct sip_flow *sip_large_flow(struct sip_stack *stack, struct sip_message *request, const struct sip_flow *flow)
{
	const struct net_address *remote = sip_flow_remote(flow);
	size_t length;
	if (sip_flow_transport(flow) != SIP_TRANSPORT_UDP)
		return NULL;
	sip_message_text(request, &length);
	if (length <= SIP_UDP_REQUEST_BYTES_MAX || sip_large_lacks_tcp(stack, remote))
		return NULL;
	struct sip_flow *large = sip_tcp_flow_to(stack->transports, remote, NULL, SIP_TCP_TRY_MS);
	if (!large)
		return NULL;
	if (!sip_flow_identity(large))
		sip_flow_set_identity(large, sip_flow_identity(flow));
	metrics_add(&by_tcp, 1);
	return large;
}
