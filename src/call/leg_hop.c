/* The hop of a trunk leg: which address of the trunk it is called at, how long that may be silent, what comes after it. */
#include "call/call_private.h"
#include "sip/value.h"

/* Whether there is anybody else to be called: another hop, or whom the plan has next. */
static bool leg_has_others(const struct leg *leg)
{
	return (leg->way.further && leg->way.further->len) || call_may_go_on(leg->call, 408);
}

static void leg_patience_over(void *data)
{
	struct leg *leg = data;
	if (leg->state != LEG_CALLING || !leg->invite || !leg->call || leg_invite_is_heard(leg))
		return;
	g_autofree char *cause = g_strdup_printf("no response to INVITE for %.1f s", (double)trunk_failover_ms(leg->trunk) / 1e3);
	leg_note_unserved(leg, cause);
	call_on_refused(leg->call, leg, 408, NULL);
}

/* It rings there for nobody; if nobody else could be called it rings on, as the hop may be back in time. */
static void leg_hop_is_down(void *data, struct trunk_hop *hop)
{
	struct leg *leg = data;
	if (leg->state != LEG_CALLING || !leg->call || !leg_has_others(leg))
		return;
	leg_note_unserved(leg, "it is down");
	call_on_refused(leg->call, leg, 408, NULL);
}

void leg_init_way(struct leg *leg)
{
	loop_timer_init(&leg->way.patience, sip_stack_loop(leg->manager->stack), leg_patience_over, leg);
}

void leg_take_hops(struct leg *leg, GPtrArray *hops)
{
	leg->way.hop = trunk_hop_ref(hops->pdata[0]);
	g_ptr_array_remove_index(hops, 0);
	leg->way.further = hops;
}

void leg_note_source(struct leg *leg, const struct sip_flow *flow)
{
	struct trunk_hop *hop = leg->trunk ? trunk_hop_of_source(leg->trunk, sip_flow_transport(flow), sip_flow_remote(flow)) : NULL;
	leg->way.hop = hop ? trunk_hop_ref(hop) : NULL;
}

void leg_await_hop(struct leg *leg)
{
	if (!leg->way.hop || !leg->call)
		return;
	if (leg_has_others(leg))
		loop_timer_start_ms(&leg->way.patience, trunk_failover_ms(leg->trunk));
	trunk_hop_watch_stop(&leg->way.watch);
	trunk_hop_watch_start(&leg->way.watch, leg->way.hop, leg_hop_is_down, leg);
}

void leg_note_unserved(struct leg *leg, const char *cause)
{
	if (leg->kind != LEG_TRUNK || !leg->way.hop || leg->way.unserved)
		return;
	leg_stop_waiting(leg); /* it may be found down by this */
	leg->way.unserved = g_strdup(cause);
	trunk_hop_failed(leg->way.hop, cause, 0);
}

void leg_note_busy(struct leg *leg, const struct sip_message *response)
{
	uint32_t retry_after_s = 0;
	if (leg->kind != LEG_TRUNK || !leg->way.hop || leg->way.unserved)
		return;
	leg_stop_waiting(leg);
	leg->way.unserved = g_strdup_printf("503 %.80s", sip_message_reason(response));
	if (sip_value_seconds(sip_message_header(response, "Retry-After", 0), &retry_after_s) && retry_after_s)
		trunk_hop_failed(leg->way.hop, leg->way.unserved, retry_after_s);
	else
		trunk_hop_declined(leg->way.hop, leg->way.unserved);
}

void leg_stop_waiting(struct leg *leg)
{
	loop_timer_stop(&leg->way.patience);
	trunk_hop_watch_stop(&leg->way.watch);
}

void leg_clear_way(struct leg *leg)
{
	leg_stop_waiting(leg);
	g_clear_pointer(&leg->way.further, g_ptr_array_unref);
	leg->way.hop = trunk_hop_unref(leg->way.hop);
	g_clear_pointer(&leg->way.unserved, g_free);
}
