/* The session manager: who sends a new request, and what becomes of it. */
#include "call/call_private.h"
#include "sip/uri.h"

METRICS_COUNTER(requests_of_strangers, "tandem_requests_of_strangers_total",
		"SIP requests from addresses that are no trunk's; refused.");
METRICS_COUNTER(calls_over_limit, "tandem_calls_over_limit_total", "Calls refused because calls.limit was reached.");

static const struct config_option call_option_rows[] = {
	{.name = "limit", .type = CONFIG_INTEGER, .min = 1, .max = 1000000, .fallback = "10000",
	 .help = "Calls at a time; more get 503."},
	{.name = "no_answer_seconds", .type = CONFIG_INTEGER, .min = 1, .max = 3600, .fallback = "180",
	 .help = "How long the called side may ring."},
	{.name = "grace_seconds", .type = CONFIG_INTEGER, .min = 0, .max = 300, .fallback = "8",
	 .help = "How long a call waits for a browser whose connection has closed."},
	{0},
};
const struct config_table call_options = {.group = "calls", .shape = CONFIG_GROUP, .options = call_option_rows};

static void call_manager_configure(struct call_manager *manager, const struct config_snapshot *snapshot)
{
	manager->limit = (size_t)config_integer(snapshot, "calls", 0, "limit");
	manager->no_answer_ms = config_integer(snapshot, "calls", 0, "no_answer_seconds") * 1000;
	manager->grace_ms = config_integer(snapshot, "calls", 0, "grace_seconds") * 1000;
	g_free(manager->domain);
	manager->domain = g_strdup(config_string(snapshot, "", 0, "domain"));
}

static void call_drain_over(void *data)
{
	struct call_manager *manager = data;
	while (manager->calls.head) {
		GList *head = manager->calls.head;
		call_end(head->data, EVENT_SIDE_GATEWAY, 503, NULL, "the gateway is shutting down");
		if (manager->calls.head == head)
			break;
	}
}

int call_manager_new(const struct call_manager_parameters *parameters, struct call_manager **ret_manager)
{
	struct route_table *routes;
	int error = route_table_new(parameters->snapshot, &routes);
	if (error < 0)
		return error;
	struct call_manager *manager = g_new0(struct call_manager, 1);
	manager->stack = parameters->stack;
	manager->registrar = parameters->registrar;
	manager->trunks = parameters->trunks;
	manager->media = parameters->media;
	manager->bus = parameters->bus;
	manager->routes = routes;
	/* Session ids must not come again after a restart (RFC 8866, section 5.2). */
	manager->next_session_id = (uint64_t)g_get_real_time();
	manager->next_call_number = g_random_int();
	loop_timer_init(&manager->drain_limit, sip_stack_loop(manager->stack), call_drain_over, manager);
	call_manager_configure(manager, parameters->snapshot);
	*ret_manager = manager;
	return 0;
}

struct call_manager *call_manager_free(struct call_manager *manager)
{
	if (!manager)
		return NULL;
	manager->drained = NULL;
	loop_timer_stop(&manager->drain_limit);
	while (manager->calls.head)
		call_free(manager->calls.head->data);
	while (manager->legs.head)
		leg_free(manager->legs.head->data);
	route_table_free(manager->routes);
	g_free(manager->domain);
	g_free(manager);
	return NULL;
}

int call_manager_reload(struct call_manager *manager, const struct config_snapshot *snapshot)
{
	struct route_table *routes;
	int error = route_table_new(snapshot, &routes);
	if (error < 0)
		return error;
	route_table_free(manager->routes);
	manager->routes = routes;
	call_manager_configure(manager, snapshot);
	return 0;
}

void call_manager_forget(struct call_manager *manager)
{
	if (!manager->is_draining || manager->calls.head || !manager->drained)
		return;
	loop_timer_stop(&manager->drain_limit);
	void (*drained)(void *) = manager->drained;
	manager->drained = NULL;
	drained(manager->drained_user);
}

void call_manager_drain(struct call_manager *manager, int64_t limit_ms, void (*done)(void *user), void *user)
{
	manager->is_draining = true;
	manager->drained = done;
	manager->drained_user = user;
	if (manager->calls.head)
		log_info(NULL, "%u calls are up; waiting for them at most %" G_GINT64_FORMAT " s", manager->calls.length,
			 limit_ms / 1000);
	loop_timer_start_ms(&manager->drain_limit, limit_ms);
	call_manager_forget(manager);
}

void call_manager_count(const struct call_manager *manager, struct call_counts *ret_counts)
{
	struct call_counts counts = {.calls = manager->calls.length};
	for (const GList *link = manager->legs.head; link; link = link->next) {
		const struct leg *leg = link->data;
		if (leg->call)
			counts.legs++;
		else
			counts.lingering_legs++;
	}
	*ret_counts = counts;
}

static bool call_flow_is_websocket(const struct sip_flow *flow)
{
	return sip_flow_transport(flow) == SIP_TRANSPORT_WS || sip_flow_transport(flow) == SIP_TRANSPORT_WSS;
}

/* The trunk at the far end of a flow; its flow is marked as the trunk's. */
static struct trunk *call_trunk_of_flow(const struct call_manager *manager, struct sip_flow *flow)
{
	struct trunk *trunk = trunk_of_source(manager->trunks, sip_flow_transport(flow), sip_flow_remote(flow));
	if (trunk && g_strcmp0(sip_flow_identity(flow), trunk_identity(trunk)))
		sip_flow_set_identity(flow, trunk_identity(trunk));
	return trunk;
}

bool call_manager_may_act(struct call_manager *manager, struct sip_flow *flow, const char *identity)
{
	if (call_flow_is_websocket(flow))
		return !g_strcmp0(sip_flow_identity(flow), identity);
	call_trunk_of_flow(manager, flow);
	return !g_strcmp0(sip_flow_identity(flow), identity) ||
	       trunk_may_act(manager->trunks, identity, sip_flow_transport(flow), sip_flow_remote(flow));
}

static void call_answer_options(struct sip_server_transaction *transaction)
{
	struct sip_message *response = sip_response_new(sip_server_transaction_request(transaction), 200, NULL, "options");
	sip_message_add_header(response, "Allow", CALL_ALLOW);
	sip_message_add_header(response, "Accept", "application/sdp");
	sip_message_add_header(response, "Accept-Encoding", "identity");
	sip_message_add_header(response, "Accept-Language", "en");
	sip_message_add_header(response, "Server", "Tandem/" PACKAGE_VERSION);
	sip_server_transaction_respond(transaction, response);
}

static void call_refuse_method(struct sip_server_transaction *transaction)
{
	struct sip_message *response = sip_response_new(sip_server_transaction_request(transaction), 405, NULL, NULL);
	sip_message_add_header(response, "Allow", CALL_ALLOW);
	sip_server_transaction_respond(transaction, response);
}

/* 0, or the status that refuses any new call now. */
static unsigned call_refuse_all(struct call_manager *manager)
{
	if (manager->is_draining)
		return 503;
	if (manager->calls.length < manager->limit)
		return 0;
	metrics_add(&calls_over_limit, 1);
	return 503;
}

static void call_invite(struct call_manager *manager, struct sip_server_transaction *transaction, struct trunk *trunk)
{
	struct sip_flow *flow = sip_server_transaction_flow(transaction);
	struct sip_message *request = sip_server_transaction_request(transaction);
	unsigned refused = call_refuse_all(manager);
	struct sip_uri uri;
	if (!refused && sip_uri_parse(sip_message_request_uri(request), &uri) < 0)
		refused = 416;
	if (refused) {
		struct sip_message *response = sip_response_new(request, refused, NULL, NULL);
		if (refused == 503)
			sip_message_add_header(response, "Retry-After", "10");
		sip_server_transaction_respond(transaction, response);
		return;
	}
	struct route_request route = {.dialled = uri.user};
	if (trunk) {
		route.trunk = trunk_name(trunk);
		route.inbound = trunk_inbound(trunk);
	}
	struct route_decision decision;
	route_decide(manager->routes, &route, &decision);
	if (decision.target == ROUTE_DENIED && !trunk && registrar_has_user(manager->registrar, uri.user)) {
		/* An open test network knows its users by their registrations alone. */
		decision.target = ROUTE_USER;
		base_copy_text(decision.name, sizeof decision.name, uri.user);
	}
	if (trunk) {
		call_start(manager, transaction, NULL, trunk, &decision);
		return;
	}
	struct registrar_endpoint *endpoint = registrar_endpoint_of_flow(manager->registrar, flow);
	if (!endpoint)
		sip_server_transaction_reply(transaction, 503, NULL, NULL);
	else
		call_start(manager, transaction, endpoint, NULL, &decision);
	registrar_endpoint_unref(endpoint);
}

void call_manager_request(struct call_manager *manager, struct sip_server_transaction *transaction)
{
	struct sip_flow *flow = sip_server_transaction_flow(transaction);
	enum sip_method method = sip_message_method(sip_server_transaction_request(transaction));
	bool is_browser = call_flow_is_websocket(flow);
	struct trunk *trunk = is_browser ? NULL : call_trunk_of_flow(manager, flow);
	if (!is_browser && !trunk) {
		metrics_add(&requests_of_strangers, 1);
		sip_server_transaction_reply(transaction, 403, NULL, NULL);
		return;
	}
	if (sip_stack_admit(manager->stack, transaction) < 0)
		return;
	const char *user;
	switch (method) {
	case SIP_METHOD_REGISTER:
		if (is_browser)
			registrar_handle_register(manager->registrar, transaction);
		else
			sip_server_transaction_reply(transaction, 403, NULL, NULL);
		break;
	case SIP_METHOD_OPTIONS:
		call_answer_options(transaction);
		break;
	case SIP_METHOD_INVITE:
		if (trunk || registrar_authenticate(manager->registrar, transaction, &user) == 0)
			call_invite(manager, transaction, trunk);
		break;
	default:
		call_refuse_method(transaction);
		break;
	}
}
