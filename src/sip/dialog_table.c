/* Where in-dialog requests find their owner: by Call-ID and both tags, and from the identity that owns the dialog. By
 * nothing else: not connection, Contact, Request-URI or Via. */
#include "base/log.h"
#include "metrics/metrics.h"
#include "sip/stack_internal.h"

METRICS_COUNTER(unknown, "tandem_sip_dialog_refusals_total", "In-dialog SIP requests refused.", "reason", "unknown");
METRICS_COUNTER(foreign, "tandem_sip_dialog_refusals_total", "In-dialog SIP requests refused.", "reason", "foreign");
METRICS_COUNTER(disorder, "tandem_sip_dialog_refusals_total", "In-dialog SIP requests refused.", "reason", "cseq");
METRICS_COUNTER(lost_acks, "tandem_sip_acks_dropped_total", "SIP ACKs that belonged to no dialog.");

struct sip_dialog_entry {
	struct sip_stack *stack;
	char *key;
	struct sip_dialog *dialog;
	char *identity;
	const struct sip_dialog_handler *handler;
	void *user;
};

static char *make_key(const char *call_id, const char *local_tag, const char *remote_tag)
{
	return g_strdup_printf("%s %s %s", call_id, local_tag, remote_tag); /* none of them holds a space */
}

struct sip_dialog_entry *sip_stack_add_dialog(struct sip_stack *stack, struct sip_dialog *dialog, const char *identity,
					      const struct sip_dialog_handler *handler, void *user)
{
	struct sip_dialog_entry *entry = g_new0(struct sip_dialog_entry, 1);
	entry->stack = stack;
	entry->key = make_key(dialog->call_id, dialog->local_tag, dialog->remote_tag ? dialog->remote_tag : "");
	entry->dialog = dialog;
	entry->identity = g_strdup(identity);
	entry->handler = handler;
	entry->user = user;
	g_hash_table_replace(stack->dialogs, entry->key, entry);
	return entry;
}

struct sip_dialog_entry *sip_stack_remove_dialog(struct sip_dialog_entry *entry)
{
	if (!entry)
		return NULL;
	if (g_hash_table_lookup(entry->stack->dialogs, entry->key) == entry)
		g_hash_table_remove(entry->stack->dialogs, entry->key);
	g_free(entry->key);
	g_free(entry->identity);
	g_free(entry);
	return NULL;
}

struct sip_dialog_entry *sip_dialog_table_find(struct sip_stack *stack, const char *call_id, const char *local_tag,
					       const char *remote_tag)
{
	if (!local_tag || !remote_tag)
		return NULL;
	g_autofree char *key = make_key(call_id, local_tag, remote_tag);
	return g_hash_table_lookup(stack->dialogs, key);
}

void *sip_stack_find_dialog(struct sip_stack *stack, const char *call_id, const char *local_tag, const char *remote_tag,
			    const struct sip_dialog_handler *handler)
{
	struct sip_dialog_entry *entry = sip_dialog_table_find(stack, call_id, local_tag, remote_tag);
	return entry && entry->handler == handler ? entry->user : NULL;
}

static struct sip_dialog_entry *find_for(struct sip_stack *stack, const struct sip_message *request)
{
	struct sip_dialog_entry *entry = sip_dialog_table_find(stack, sip_message_call_id(request),
							       sip_message_to_tag(request), sip_message_from_tag(request));
	if (entry || sip_message_method(request) != SIP_METHOD_NOTIFY || !sip_message_from_tag(request))
		return entry;
	return sip_dialog_table_find(stack, sip_message_call_id(request), sip_message_to_tag(request), "");
}

static void refuse_foreigner(struct sip_server_transaction *transaction, const struct sip_dialog_entry *entry)
{
	const struct sip_flow *flow = sip_server_transaction_flow(transaction);
	char source[NET_ADDRESS_TEXT_MAX];
	metrics_add(&foreign, 1);
	log_warning(NULL, "%s in a dialog of %s refused: it came from %s, %s",
		    sip_message_method_name(sip_server_transaction_request(transaction)), entry->identity,
		    sip_flow_identity(flow) ? sip_flow_identity(flow) : "nobody known",
		    net_address_format(sip_flow_remote(flow), source));
	sip_server_transaction_reply(transaction, 481, NULL, NULL);
}

/* Whether the sender may act in the dialog; if not, it was answered. */
static bool admit(struct sip_stack *stack, struct sip_server_transaction *transaction, const struct sip_dialog_entry *entry)
{
	struct sip_flow *flow = sip_server_transaction_flow(transaction);
	if (sip_stack_may_act(stack, flow, entry->identity))
		return true;
	if (!sip_flow_identity(flow) && stack->handler.prove) {
		if (stack->handler.prove(stack->user, transaction) < 0)
			return false;
		if (sip_stack_may_act(stack, flow, entry->identity))
			return true;
	}
	refuse_foreigner(transaction, entry);
	return false;
}

void sip_dialog_table_request(struct sip_stack *stack, struct sip_server_transaction *transaction)
{
	const struct sip_message *request = sip_server_transaction_request(transaction);
	struct sip_dialog_entry *entry = find_for(stack, request);
	if (!entry) {
		metrics_add(&unknown, 1);
		sip_server_transaction_reply(transaction, 481, NULL, NULL);
	} else if (!admit(stack, transaction, entry)) {
		return;
	} else if (entry->dialog->remote_tag && sip_dialog_accept_cseq(entry->dialog, request) < 0) {
		metrics_add(&disorder, 1);
		sip_server_transaction_reply(transaction, 500, "CSeq Out Of Order", NULL);
	} else {
		entry->handler->request(entry->user, transaction);
	}
}

void sip_dialog_table_ack(struct sip_stack *stack, struct sip_message *ack, struct sip_flow *flow)
{
	struct sip_dialog_entry *entry = find_for(stack, ack);
	if (entry && entry->handler->ack && sip_stack_may_act(stack, flow, entry->identity))
		entry->handler->ack(entry->user, ack, flow);
	else
		metrics_add(&lost_acks, 1);
}

void sip_dialog_table_free_all(struct sip_stack *stack)
{
	GHashTableIter iter;
	void *entry;
	for (;;) {
		g_hash_table_iter_init(&iter, stack->dialogs);
		if (!g_hash_table_iter_next(&iter, NULL, &entry))
			break;
		sip_stack_remove_dialog(entry);
	}
}
