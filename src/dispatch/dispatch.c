#include "dispatch/dispatch.h"
#include "metrics/metrics.h"
#include "sip/capabilities.h"
#include "sip/uri.h"
#include "config.h"

METRICS_COUNTER(requests_of_strangers, "tandem_requests_of_strangers_total",
		"SIP requests from addresses that are no trunk's; refused.");

struct dispatch {
	struct dispatch_parameters rooms;
};

/* --- who --- */

static bool is_websocket(const struct sip_flow *flow)
{
	return sip_transport_is_websocket(sip_flow_transport(flow));
}

/* The trunk at the far end of a flow; its flow is marked as the trunk's. Borrowed; NULL. */
static struct trunk *trunk_of_flow(const struct dispatch *dispatch, struct sip_flow *flow)
{
	struct trunk *proven = trunk_of_identity(dispatch->rooms.trunks, sip_flow_identity(flow));
	if (proven && trunk_wants_proof(proven))
		return proven; /* though others may be behind the same address */
	struct trunk *trunk = trunk_of_certificate(dispatch->rooms.trunks, flow);
	if (!trunk)
		trunk = trunk_of_source(dispatch->rooms.trunks, sip_flow_transport(flow), sip_flow_remote(flow));
	if (trunk && g_strcmp0(sip_flow_identity(flow), trunk_identity(trunk)))
		sip_flow_set_identity(flow, trunk_identity(trunk));
	return trunk;
}

static bool dispatch_may_act(void *user, struct sip_flow *flow, const char *identity)
{
	const struct dispatch *dispatch = user;
	if (is_websocket(flow))
		return !g_strcmp0(sip_flow_identity(flow), identity);
	trunk_of_flow(dispatch, flow);
	return !g_strcmp0(sip_flow_identity(flow), identity) ||
	       trunk_may_act(dispatch->rooms.trunks, identity, sip_flow_transport(flow), sip_flow_remote(flow));
}

/* A browser that has lost its connection may speak in its dialogs before it registers again. */
static int dispatch_prove(void *user, struct sip_server_transaction *transaction)
{
	const struct dispatch *dispatch = user;
	const char *name;
	return is_websocket(sip_server_transaction_flow(transaction))
		       ? registrar_authenticate(dispatch->rooms.registrar, transaction, &name)
		       : 0;
}

static struct sip_flow *dispatch_reach(void *user, const struct sip_flow *closed, const struct net_address *remote)
{
	const struct dispatch *dispatch = user;
	struct trunk *trunk = trunk_of_identity(dispatch->rooms.trunks, sip_flow_identity(closed));
	return trunk ? trunk_flow_to(trunk, NULL, dispatch->rooms.stack, SIP_TRANSPORT_TLS, remote) : NULL;
}

static void refuse_stranger(struct sip_server_transaction *transaction)
{
	metrics_add(&requests_of_strangers, 1);
	sip_server_transaction_reply(transaction, 403, NULL, NULL);
}

/* The sender, with references. False: it was answered. */
static bool find_sender(const struct dispatch *dispatch, struct sip_server_transaction *transaction, struct trunk *trunk,
			struct route_party *ret_sender)
{
	const char *user;
	if (!is_websocket(sip_server_transaction_flow(transaction))) {
		int error = trunk_authenticate(dispatch->rooms.trunks, transaction, trunk, &trunk);
		if (error == -ENOENT)
			refuse_stranger(transaction);
		else if (error == 0)
			*ret_sender = (struct route_party){.trunk = trunk_ref(trunk)};
		return error == 0;
	}
	if (registrar_authenticate(dispatch->rooms.registrar, transaction, &user) < 0)
		return false;
	struct sip_flow *flow = sip_server_transaction_flow(transaction);
	*ret_sender = (struct route_party){.endpoint = registrar_endpoint_of_flow(dispatch->rooms.registrar, flow)};
	if (!ret_sender->endpoint)
		sip_server_transaction_reply(transaction, 503, NULL, NULL);
	return ret_sender->endpoint;
}

/* --- what --- */

static void answer_options(struct sip_server_transaction *transaction)
{
	struct sip_message *response = sip_response_new(sip_server_transaction_request(transaction), 200, NULL, NULL);
	sip_message_add_capabilities(response);
	sip_message_add_header(response, "Accept", "application/sdp");
	sip_message_add_header(response, "Accept-Encoding", "identity");
	sip_message_add_header(response, "Accept-Language", "en");
	sip_message_add_header(response, "Server", "Tandem/" PACKAGE_VERSION);
	sip_server_transaction_respond(transaction, response);
}

static void refuse_method(struct sip_server_transaction *transaction)
{
	struct sip_message *response = sip_response_new(sip_server_transaction_request(transaction), 405, NULL, NULL);
	sip_message_add_header(response, "Allow", SIP_ALLOW);
	sip_server_transaction_respond(transaction, response);
}

/* A contact that we have registered with a trunk's peer stands for whom it was registered for; all else is routed. */
static int decide(const struct dispatch *dispatch, const struct route_party *sender, const struct sip_message *request,
		  struct route_decision *ret_decision)
{
	const char *uri_text = sip_message_request_uri(request);
	struct sip_uri uri;
	if (sender->trunk && uri_text && sip_uri_parse(uri_text, &uri) == 0) {
		const char *user = upstream_user_of(dispatch->rooms.upstream, sender->trunk, uri.user);
		if (user) {
			*ret_decision = (struct route_decision){.target = ROUTE_USER, .rule = -1};
			base_copy_text(ret_decision->name, sizeof ret_decision->name, user);
			return 0;
		}
		if (trunk_is_own_contact(sender->trunk, uri.user))
			uri_text = sip_message_to_uri(request);
	}
	return route_router_decide(dispatch->rooms.router, sender, request, uri_text, ret_decision);
}

/* A request that goes on to somebody. `trunk`: whose address it came from; NULL. */
static void forward(struct dispatch *dispatch, struct sip_server_transaction *transaction, struct trunk *trunk)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
	struct route_party sender;
	struct route_decision decision;
	if (!find_sender(dispatch, transaction, trunk, &sender))
		return;
	if (decide(dispatch, &sender, request, &decision) < 0)
		sip_server_transaction_reply(transaction, 416, NULL, NULL);
	else if (sip_message_method(request) == SIP_METHOD_INVITE)
		call_manager_invite(dispatch->rooms.calls, transaction, &sender, &decision);
	else
		relay_request(dispatch->rooms.relay, transaction, &sender, &decision);
	route_party_unref(&sender);
}

/* Only such a request is taken from a trunk that is known by its login alone, not by its address. */
static bool goes_to_somebody(enum sip_method method)
{
	return method == SIP_METHOD_INVITE || method == SIP_METHOD_MESSAGE || method == SIP_METHOD_SUBSCRIBE ||
	       method == SIP_METHOD_NOTIFY || method == SIP_METHOD_PUBLISH;
}

static void dispatch_request(void *user, struct sip_server_transaction *transaction)
{
	struct dispatch *dispatch = user;
	struct sip_flow *flow = sip_server_transaction_flow(transaction);
	bool is_browser = is_websocket(flow);
	struct trunk *trunk = is_browser ? NULL : trunk_of_flow(dispatch, flow);
	enum sip_method method = sip_message_method(sip_server_transaction_request(transaction));
	if (!is_browser && !trunk && !goes_to_somebody(method)) {
		refuse_stranger(transaction);
		return;
	}
	if (sip_stack_admit(dispatch->rooms.stack, transaction) < 0)
		return;
	if (goes_to_somebody(method)) {
		forward(dispatch, transaction, trunk);
		return;
	}
	switch (method) {
	case SIP_METHOD_REGISTER:
		if (!is_browser)
			sip_server_transaction_reply(transaction, 403, NULL, NULL);
		else if (!upstream_take_register(dispatch->rooms.upstream, transaction))
			registrar_handle_register(dispatch->rooms.registrar, transaction);
		break;
	case SIP_METHOD_OPTIONS:
		answer_options(transaction);
		break;
	case SIP_METHOD_INFO: /* RFC 6086, section 4.2.2 */
		sip_server_transaction_reply(transaction, 481, NULL, NULL);
		break;
	case SIP_METHOD_REFER: /* a new call for a third party is nobody's to ask for */
		sip_server_transaction_reply(transaction, 403, "REFER Outside A Call", NULL);
		break;
	default:
		refuse_method(transaction);
		break;
	}
}

/* --- life --- */

static const struct sip_stack_handler stack_handler = {
	.request = dispatch_request,
	.may_act = dispatch_may_act,
	.prove = dispatch_prove,
	.reach = dispatch_reach,
};

int dispatch_new(const struct dispatch_parameters *parameters, struct dispatch **ret_dispatch)
{
	struct dispatch *dispatch = g_new0(struct dispatch, 1);
	dispatch->rooms = *parameters;
	sip_stack_set_handler(parameters->stack, &stack_handler, dispatch);
	*ret_dispatch = dispatch;
	return 0;
}

struct dispatch *dispatch_free(struct dispatch *dispatch)
{
	if (!dispatch)
		return NULL;
	sip_stack_set_handler(dispatch->rooms.stack, NULL, NULL);
	g_free(dispatch);
	return NULL;
}
