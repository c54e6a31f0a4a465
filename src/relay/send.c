/* A request to one far end, and its final response. */
#include "relay/relay_private.h"
#include "sip/uri.h"
#include "sip/value.h"
#include "config.h"
#include <string.h>

#define VIA_BYTES 160 /* what the transaction adds, at most */

struct relay_sending {
	struct relay *relay;
	GList link;
	struct relay_outgoing outgoing;
	struct route_party party;
	struct sip_client_transaction *transaction;
	unsigned attempts;
	relay_done *done;
	void *user;
};

char *relay_own_user(const struct sip_dialog *dialog)
{
	g_autofree char *text = sip_value_uri(dialog->local_uri);
	struct sip_uri uri;
	return g_strdup(text && sip_uri_parse(text, &uri) == 0 ? uri.user : "");
}

struct relay_sending *relay_sending_free(struct relay_sending *sending)
{
	if (!sending)
		return NULL;
	g_queue_unlink(&sending->relay->sendings, &sending->link);
	if (sending->transaction)
		sip_client_transaction_detach(sending->transaction);
	route_party_unref(&sending->party);
	trunk_account_unref(sending->outgoing.account);
	sip_message_unref(sending->outgoing.source);
	g_free((char *)sending->outgoing.event);
	g_free((char *)sending->outgoing.header);
	g_free((char *)sending->outgoing.value);
	g_free(sending);
	return NULL;
}

static void finish(struct relay_sending *sending, unsigned status, struct sip_message *response)
{
	relay_done *done = sending->done;
	void *user = sending->user;
	relay_sending_free(sending);
	done(user, status, response);
}

static void add_header(void *user, const char *name, const char *value)
{
	sip_message_add_header(user, name, value);
}

static int fill(const struct relay_sending *sending, struct sip_message *request, const struct sip_flow *flow)
{
	const struct relay_outgoing *outgoing = &sending->outgoing;
	sip_message_add_header(request, "User-Agent", "Tandem/" PACKAGE_VERSION);
	if (outgoing->method == SIP_METHOD_SUBSCRIBE || outgoing->method == SIP_METHOD_NOTIFY) {
		g_autofree char *user = relay_own_user(outgoing->dialog);
		g_autofree char *contact = sip_flow_contact(
			flow, outgoing->account ? trunk_account_contact_user(outgoing->account) : user);
		sip_message_add_header(request, "Contact", contact);
	}
	if (outgoing->sender) {
		struct route_identity_audience audience = route_party_audience(&sending->party, sending->relay->domain);
		audience.address = outgoing->account ? trunk_account_address_of_record(outgoing->account) : NULL;
		route_identity_headers(outgoing->sender, &audience, add_header, request);
	}
	if (outgoing->source)
		return relay_carry_request(request, outgoing->source);
	int error = sip_message_add_header(request, "Event", outgoing->event);
	return error < 0 || !outgoing->header ? error : sip_message_add_header(request, outgoing->header, outgoing->value);
}

/* RFC 3428, section 8: datagrams that would be cut into fragments may not carry messages. */
static bool is_too_large(struct sip_message *request, const struct sip_flow *flow)
{
	size_t length;
	if (sip_message_method(request) != SIP_METHOD_MESSAGE || sip_flow_transport(flow) != SIP_TRANSPORT_UDP)
		return false;
	sip_message_text(request, &length);
	return length + VIA_BYTES > RELAY_UDP_BYTES_MAX;
}

static struct sip_digest_client *digest_of(const struct relay_sending *sending, const struct sip_flow *flow)
{
	return sending->party.trunk ? trunk_digest(sending->party.trunk, sending->outgoing.account, flow) : NULL;
}

/* `challenge` NULL: none has come, and what the far end has asked for before is shown. */
static int prove(const struct relay_sending *sending, const struct sip_flow *flow, const struct sip_message *challenge,
		 struct sip_message *request)
{
	struct sip_digest_client *digest = digest_of(sending, flow);
	if (!challenge) {
		if (digest)
			sip_digest_client_prove(digest, sip_flow_remote(flow), request);
		return 0;
	}
	if (!digest)
		return -ENOENT;
	struct sip_digest_challenged challenged = {
		.peer = sip_flow_remote(flow),
		.request = sip_client_transaction_request(sending->transaction),
		.response = challenge,
		.round = sending->attempts - 1,
	};
	int error = sip_digest_client_answer(digest, &challenged, request);
	if (error < 0)
		log_warning(NULL, error == -EACCES ? "trunk %s refuses the credentials: username or password are wrong"
						   : "trunk %s asks for credentials of a realm or algorithm that is not configured",
			    trunk_name(sending->party.trunk));
	return error;
}

static const struct sip_client_handler handler;

/* `challenge`: of the transaction before; NULL: there was none. */
static int start(struct relay_sending *sending, const struct sip_message *challenge)
{
	struct relay_outgoing *outgoing = &sending->outgoing;
	struct sip_flow *flow = route_party_flow(&sending->party, sending->relay->rooms.stack, outgoing->dialog);
	if (!flow)
		return -ENOTCONN;
	struct sip_message *request = sip_dialog_request(outgoing->dialog, outgoing->method);
	int error = request ? fill(sending, request, flow) : -EINVAL;
	if (error == 0)
		error = prove(sending, flow, challenge, request);
	if (error == 0 && is_too_large(request, flow))
		error = -EMSGSIZE;
	if (error == 0) {
		if (sending->transaction)
			sip_client_transaction_detach(sending->transaction);
		sending->attempts++;
		sending->transaction =
			sip_client_transaction_start(sending->relay->rooms.stack, request, flow, &handler, sending);
	}
	sip_message_unref(request);
	sip_flow_unref(flow);
	return error;
}

static bool try_credentials(struct relay_sending *sending, const struct sip_message *response)
{
	unsigned status = sip_message_status(response);
	return (status == 401 || status == 407) && start(sending, response) == 0;
}

static void note_proven(const struct relay_sending *sending, const struct sip_message *response)
{
	const struct sip_flow *flow = sip_client_transaction_flow(sending->transaction);
	struct sip_digest_client *digest = digest_of(sending, flow);
	if (digest)
		sip_digest_client_learn(digest, sip_flow_remote(flow), sip_client_transaction_request(sending->transaction),
					response);
}

/* Of a far end that cannot be reached. */
static unsigned status_of_absence(const struct route_party *party)
{
	return party->trunk ? 503 : 480;
}

static void on_response(void *user, struct sip_client_transaction *transaction, struct sip_message *response)
{
	struct relay_sending *sending = user;
	unsigned status = sip_message_status(response);
	if (status < 200)
		return;
	if (status < 300)
		note_proven(sending, response);
	if (try_credentials(sending, response))
		return;
	sip_client_transaction_detach(transaction);
	sending->transaction = NULL;
	finish(sending, status, response);
}

static void on_end(void *user, struct sip_client_transaction *transaction, enum sip_client_end end)
{
	struct relay_sending *sending = user;
	sending->transaction = NULL;
	finish(sending, end == SIP_CLIENT_TIMEOUT ? 408 : status_of_absence(&sending->party), NULL);
}

static const struct sip_client_handler handler = {.response = on_response, .ended = on_end};

unsigned relay_send(struct relay *relay, const struct relay_outgoing *outgoing, relay_done *done, void *user,
		    struct relay_sending **ret_sending)
{
	struct relay_sending *sending = g_new0(struct relay_sending, 1);
	sending->relay = relay;
	sending->link.data = sending;
	sending->outgoing = *outgoing;
	sending->outgoing.party = NULL;
	sending->outgoing.source = outgoing->source ? sip_message_ref(outgoing->source) : NULL;
	sending->outgoing.account = outgoing->account ? trunk_account_ref(outgoing->account) : NULL;
	sending->outgoing.event = g_strdup(outgoing->event);
	sending->outgoing.header = g_strdup(outgoing->header);
	sending->outgoing.value = g_strdup(outgoing->value);
	sending->party = route_party_ref(outgoing->party);
	sending->done = done;
	sending->user = user;
	g_queue_push_tail_link(&relay->sendings, &sending->link);
	int error = start(sending, NULL);
	if (error == 0) {
		*ret_sending = sending;
		return 0;
	}
	relay_sending_free(sending);
	return error == -ENOTCONN ? status_of_absence(outgoing->party) : error == -EMSGSIZE ? 513 : 400;
}

/* --- held server transactions --- */

static void on_server_event(void *user, struct sip_server_transaction *transaction, enum sip_server_event event)
{
	struct sip_server_transaction **slot = user;
	if (event == SIP_SERVER_ENDED)
		*slot = NULL;
}

void relay_hold(struct sip_server_transaction **slot, struct sip_server_transaction *transaction)
{
	*slot = transaction;
	sip_server_transaction_attach(transaction, on_server_event, slot);
}

void relay_let_go(struct sip_server_transaction **slot)
{
	if (*slot)
		sip_server_transaction_detach(*slot);
	*slot = NULL;
}

void relay_answer(struct sip_server_transaction **slot, struct sip_message *response)
{
	struct sip_server_transaction *transaction = *slot;
	relay_let_go(slot);
	if (transaction)
		sip_server_transaction_respond(transaction, response);
	else
		sip_message_unref(response);
}

void relay_refuse(struct sip_server_transaction *transaction, unsigned status, const char *phrase)
{
	struct sip_message *response = sip_response_new(sip_server_transaction_request(transaction), status, phrase, NULL);
	if (status == 500 || status == 503)
		sip_message_add_header(response, "Retry-After", "5");
	sip_server_transaction_respond(transaction, response);
}
