/* Responses that no transaction waits for. A 2xx to an INVITE of ours that was given up still means that the far end has
 * a call: it gets its ACK, again when it repeats, and one BYE (section 13.2.2.4, races rows 4 and 13). The BYE is left to
 * the owner of the dialog where there is one (a re-INVITE that was given up, row 45). Everything goes
 * over the flow it came by, never to its Contact, and only for branches of this process, so that a forged 2xx sends
 * nothing to a third party. */
#include "base/log.h"
#include "metrics/metrics.h"
#include "sip/stack_internal.h"

METRICS_COUNTER(dropped, "tandem_sip_stray_responses_total", "SIP responses without a transaction.", "what", "dropped");
METRICS_COUNTER(ended, "tandem_sip_stray_responses_total", "SIP responses without a transaction.", "what", "ended");

struct stray {
	struct sip_stack *stack;
	char *key;
	struct sip_message *ack;
	struct loop_timer life;
};

static void destroy(struct stray *stray)
{
	loop_timer_stop(&stray->life);
	g_hash_table_remove(stray->stack->strays, stray->key);
	sip_message_unref(stray->ack);
	g_free(stray->key);
	g_free(stray);
}

static void on_life(void *data)
{
	destroy(data);
}

/* The dialog that we would have had. NULL when the response does not hold what it must. */
static struct sip_dialog *dialog_of(const struct sip_message *response)
{
	g_autofree char *local = sip_message_from_without_tag(response);
	g_autofree char *remote = sip_message_to_without_tag(response);
	struct sip_dialog *dialog = sip_dialog_new_caller(local, remote, "sip:unknown.invalid");
	g_free(dialog->call_id);
	g_free(dialog->local_tag);
	dialog->call_id = g_strdup(sip_message_call_id(response));
	dialog->local_tag = g_strdup(sip_message_from_tag(response));
	dialog->local_cseq = sip_message_cseq(response);
	return dialog->local_tag && !sip_dialog_learn(dialog, response) ? dialog : sip_dialog_free(dialog);
}

static void acknowledge(struct sip_stack *stack, struct sip_flow *flow, struct sip_dialog *dialog, char *key)
{
	struct stray *stray = g_new0(struct stray, 1);
	stray->stack = stack;
	stray->key = key;
	stray->ack = sip_dialog_ack(dialog, dialog->local_cseq);
	loop_timer_init(&stray->life, stack->loop, on_life, stray);
	loop_timer_start_ms(&stray->life, SIP_TIMEOUT_MS);
	g_hash_table_insert(stack->strays, stray->key, stray);
	if (stray->ack)
		sip_stack_send_ack(stack, stray->ack, flow);
}

static void end_call(struct sip_stack *stack, struct sip_flow *flow, struct sip_dialog *dialog)
{
	struct sip_message *bye = sip_dialog_request(dialog, SIP_METHOD_BYE);
	if (!bye)
		return;
	sip_client_transaction_start(stack, bye, flow, NULL, NULL);
	sip_message_unref(bye);
	metrics_add(&ended, 1);
	log_info(NULL, "ended a call that was answered too late, Call-ID %s", dialog->call_id);
}

void sip_stray_receive(struct sip_stack *stack, struct sip_flow *flow, struct sip_message *response)
{
	unsigned status = sip_message_status(response);
	bool is_answer = status >= 200 && status < 300 && sip_message_method(response) == SIP_METHOD_INVITE;
	if (!is_answer || !sip_stack_made_branch(stack, sip_message_branch(response))) {
		metrics_add(&dropped, 1);
		return;
	}
	g_autofree char *key = g_strdup_printf("%s %s %s %u", sip_message_call_id(response), sip_message_from_tag(response),
					       sip_message_to_tag(response), sip_message_cseq(response));
	struct stray *known = g_hash_table_lookup(stack->strays, key);
	if (known) {
		if (known->ack)
			sip_stack_send_ack(stack, known->ack, flow);
		return;
	}
	struct sip_dialog *dialog = dialog_of(response);
	if (dialog && g_hash_table_size(stack->strays) < SIP_STRAYS_MAX) {
		bool is_owned = sip_dialog_table_find(stack, sip_message_call_id(response), sip_message_from_tag(response),
						      sip_message_to_tag(response));
		acknowledge(stack, flow, dialog, g_steal_pointer(&key));
		if (!is_owned)
			end_call(stack, flow, dialog);
	} else {
		metrics_add(&dropped, 1);
	}
	sip_dialog_free(dialog);
}

void sip_stray_free_all(struct sip_stack *stack)
{
	GHashTableIter iter;
	void *stray;
	for (;;) {
		g_hash_table_iter_init(&iter, stack->strays);
		if (!g_hash_table_iter_next(&iter, NULL, &stray))
			break;
		destroy(stray);
	}
}
