/* Requests in the dialog that mean the other far end: INFO (RFC 6086), MESSAGE, NOTIFY. Passed on in the other leg's dialog,
 * and the answer back. */
#include "call/call_private.h"

/* Headers that mean something at the far end; all others are of this side's network. */
static const char *const leg_relayed_headers[] = {"Info-Package",	"Content-Disposition", "Content-Language", "Event",
						  "Subscription-State", "Accept-Language",     "Date",		   "Subject"};

struct leg_relayed {
	struct leg *from; /* NULL: gone */
	GList link;	  /* in from->relays */
	struct sip_server_transaction *transaction; /* NULL once it has ended */
};

static void leg_relayed_free(struct leg_relayed *relayed)
{
	if (relayed->from)
		g_queue_unlink(&relayed->from->relays, &relayed->link);
	if (relayed->transaction)
		sip_server_transaction_detach(relayed->transaction);
	g_free(relayed);
}

static void leg_relayed_event(void *user, struct sip_server_transaction *transaction, enum sip_server_event event)
{
	struct leg_relayed *relayed = user;
	if (event == SIP_SERVER_ENDED)
		relayed->transaction = NULL;
}

/* What the asking side is told. A silent or absent other side ends this transaction, not this dialog (RFC 5057). */
static unsigned leg_status_to_relay(unsigned status)
{
	switch (status) {
	case 0:
		return 500;
	case 401:
	case 407:
		return 403;
	case 408:
		return 504;
	default:
		return status;
	}
}

static void leg_relayed_done(void *user, struct leg *other, unsigned status, const struct sip_message *answer)
{
	struct leg_relayed *relayed = user;
	struct leg *from = relayed->from;
	if (from && relayed->transaction) {
		struct sip_message *request = sip_server_transaction_request(relayed->transaction);
		unsigned told = leg_status_to_relay(status);
		struct sip_message *response = sip_response_new(request, told, NULL, from->dialog->local_tag);
		leg_copy_body(response, answer);
		sip_server_transaction_respond(relayed->transaction, response);
	}
	leg_relayed_free(relayed);
	if (status == 481 && other->call)
		call_on_ended(other->call, other, "the far end has lost the call");
}

void leg_relay(struct leg *leg, struct leg *other, struct sip_server_transaction *transaction)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
	if (other->requests.length >= LEG_REQUESTS_MAX || leg->relays.length >= LEG_REQUESTS_MAX) {
		leg_reply_later(leg, transaction);
		return;
	}
	struct leg_relayed *relayed = g_new0(struct leg_relayed, 1);
	relayed->from = leg;
	relayed->link.data = relayed;
	relayed->transaction = transaction;
	g_queue_push_tail_link(&leg->relays, &relayed->link);
	sip_server_transaction_attach(transaction, leg_relayed_event, relayed);
	struct leg_request *copy = leg_request_new(other, sip_message_method(request));
	leg_request_set_content(copy, request);
	for (size_t i = 0; i < G_N_ELEMENTS(leg_relayed_headers); i++) {
		const char *value = sip_message_header(request, leg_relayed_headers[i], 0);
		if (value)
			leg_request_add_header(copy, leg_relayed_headers[i], value);
	}
	leg_request_start(copy, leg_relayed_done, relayed);
}

void leg_relays_abandon(struct leg *leg)
{
	for (GList *link = leg->relays.head; link; link = link->next) {
		struct leg_relayed *relayed = link->data;
		if (relayed->transaction) {
			leg_reply(leg, relayed->transaction, 481, NULL, NULL);
			sip_server_transaction_detach(relayed->transaction);
			relayed->transaction = NULL;
		}
	}
}

void leg_relays_free(struct leg *leg)
{
	while (leg->relays.head) {
		struct leg_relayed *relayed = leg->relays.head->data;
		g_queue_unlink(&leg->relays, &relayed->link);
		if (relayed->transaction)
			sip_server_transaction_detach(relayed->transaction);
		relayed->transaction = NULL;
		relayed->from = NULL; /* freed when the other leg's request ends */
	}
}
