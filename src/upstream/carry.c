/* The browser's REGISTER, carried to the trunk's peer with the browser's credentials. */
#include "base/log.h"
#include "metrics/metrics.h"
#include "sip/value.h"
#include "upstream/internal.h"
#include <string.h>

METRICS_COUNTER(carried_right, "tandem_upstream_registers_total", "REGISTERs carried to a trunk's peer.", "outcome", "accepted");
METRICS_COUNTER(carried_asked, "tandem_upstream_registers_total", "REGISTERs carried to a trunk's peer.", "outcome",
		"challenged");
METRICS_COUNTER(carried_wrong, "tandem_upstream_registers_total", "REGISTERs carried to a trunk's peer.", "outcome", "refused");
METRICS_COUNTER(carried_lost, "tandem_upstream_registers_total", "REGISTERs carried to a trunk's peer.", "outcome",
		"unanswered");

/* A browser's REGISTER while the peer thinks about it. */
struct upstream_carried {
	struct upstream *upstream;
	GList link;
	struct sip_server_transaction *server;
	struct sip_client_transaction *client;
	struct trunk *trunk; /* a reference */
	char *user;
	uint32_t asked_s;
	struct loop_timer limit;
};

/* --- what is sent --- */

/* The credentials cover method and Request-URI, so these stay as the browser wrote them. `contact` NULL: a question only. */
static struct sip_message *build(struct upstream *upstream, const struct sip_message *from_browser, const char *user,
				 const struct trunk *trunk, const char *contact, uint32_t expires_s)
{
	g_autofree char *tag = upstream_token(upstream, "tag", user, trunk);
	g_autofree char *call_id = upstream_token(upstream, "call", user, trunk);
	g_autofree char *to = g_strdup_printf("<%s>", sip_message_to_uri(from_browser));
	g_autofree char *from = g_strdup_printf("<%s>;tag=%s", sip_message_from_uri(from_browser), tag);
	struct sip_message *request = sip_request_new(SIP_METHOD_REGISTER, sip_message_request_uri(from_browser), from, to, call_id,
						      ++upstream->cseq);
	if (contact) {
		sip_message_add_header_format(request, "Contact", "%s;expires=%u", contact, expires_s);
		sip_message_add_header_format(request, "Expires", "%u", expires_s);
	}
	sip_message_add_header(request, "Supported", "path");
	sip_message_copy_headers(request, from_browser, sip_credentials_headers);
	return request;
}

/* --- what the browser asks for --- */

/* The longest of its contacts; 0: all are to go. */
static uint32_t asked_seconds(const struct sip_message *request, uint32_t otherwise)
{
	uint32_t common = otherwise, most = 0;
	sip_message_expires(request, &common);
	for (size_t i = 0; i < sip_message_contact_count(request); i++) {
		uint32_t seconds = common;
		sip_value_seconds(sip_message_contact_parameter(request, i, "expires"), &seconds);
		most = MAX(most, seconds);
	}
	return most;
}

static bool is_removal(const struct sip_message *request)
{
	return sip_message_contact_is_star(request) || (sip_message_contact_count(request) && !asked_seconds(request, 1));
}

/* Only what is there is asked for. */
static bool is_question(const struct sip_message *request)
{
	return !sip_message_contact_is_star(request) && !sip_message_contact_count(request);
}

/* Whether it leaves a binding of the user's, or asks for none: then it is not the peer's business. */
static bool is_ours_alone(const struct upstream *upstream, const struct sip_message *request, const struct sip_flow *flow,
			  const char *user)
{
	if (g_strcmp0(registrar_flow_user(flow), user))
		return false; /* it proves itself first */
	size_t n_bindings = registrar_binding_count(upstream->rooms.registrar, user);
	bool leaves_some = !sip_message_contact_is_star(request) && n_bindings > sip_message_contact_count(request);
	return is_question(request) || (is_removal(request) && leaves_some);
}

/* --- what comes of it --- */

static void carried_free(struct upstream_carried *carried)
{
	g_queue_unlink(&carried->upstream->carried, &carried->link);
	loop_timer_stop(&carried->limit);
	if (carried->client)
		sip_client_transaction_detach(carried->client);
	if (carried->server)
		sip_server_transaction_detach(carried->server);
	trunk_unref(carried->trunk);
	g_free(carried->user);
	g_free(carried);
}

void upstream_carried_free_all(struct upstream *upstream)
{
	while (upstream->carried.head)
		carried_free(upstream->carried.head->data);
}

static void refuse(struct upstream_carried *carried, unsigned status, const char *reason, const struct sip_message *from_peer)
{
	static const char *const hints[] = {"Min-Expires", "Retry-After", NULL};
	struct sip_server_transaction *server = carried->server;
	struct sip_message *response = sip_response_new(sip_server_transaction_request(server), status, reason, NULL);
	if (from_peer) {
		sip_message_copy_headers(response, from_peer, sip_challenge_headers);
		sip_message_copy_headers(response, from_peer, hints);
	}
	carried_free(carried);
	sip_server_transaction_respond(server, response);
}

/* Registered there, until then. Returns for how long. */
static uint32_t note_registered(struct upstream_carried *carried, const struct sip_message *response)
{
	struct upstream *upstream = carried->upstream;
	struct upstream_member *member = upstream_member_ensure(upstream, carried->user);
	if (!member)
		return 0;
	bool is_news = !upstream_member_holds(member);
	uint32_t granted_s = trunk_account_granted_s(member->account, response, carried->asked_s);
	trunk_account_learn(member->account, response);
	member->holds_until_us = loop_now_us(sip_stack_loop(upstream->rooms.stack)) + granted_s * (int64_t)G_USEC_PER_SEC;
	sip_message_unref(member->proof);
	member->proof = sip_message_ref(sip_server_transaction_request(carried->server));
	if (is_news) {
		log_info(NULL, "%s at %s: registered for %u s", carried->user, trunk_name(carried->trunk), granted_s);
		upstream_publish(member, true, "");
	}
	return MIN(granted_s, trunk_expires_s(carried->trunk));
}

static void note_unregistered(struct upstream_carried *carried)
{
	struct upstream_member *member = upstream_member_find(carried->upstream, carried->user);
	if (!member)
		return;
	log_info(NULL, "%s at %s: unregistered", carried->user, trunk_name(carried->trunk));
	upstream_publish(member, false, "");
	upstream_member_free(member);
}

/* The user has what he asked for from the peer; now from us. */
static void take_success(struct upstream_carried *carried, const struct sip_message *response)
{
	struct upstream *upstream = carried->upstream;
	struct sip_server_transaction *server = carried->server;
	struct sip_message *request = sip_server_transaction_request(server);
	uint32_t most_s = UINT32_MAX;
	metrics_add(&carried_right, 1);
	if (is_removal(request))
		note_unregistered(carried);
	else if (!is_question(request))
		most_s = note_registered(carried, response);
	g_autofree char *user = g_strdup(carried->user);
	carried_free(carried);
	if (sip_flow_is_open(sip_server_transaction_flow(server)))
		registrar_accept_register(upstream->rooms.registrar, server, most_s);
	else
		sip_server_transaction_reply(server, 500, "Connection Closed", NULL);
	/* Nobody is there after all: the browser has gone, or the binding was refused. */
	struct upstream_member *member = upstream_member_find(upstream, user);
	if (member && !registrar_binding_count(upstream->rooms.registrar, user))
		upstream_member_end(member);
}

static bool says_stale(const struct sip_message *response)
{
	for (const char *const *name = sip_challenge_headers; *name; name++) {
		const char *value;
		for (size_t i = 0; (value = sip_message_header(response, *name, i)); i++) {
			g_autofree char *lower = g_ascii_strdown(value, -1);
			const char *stale = strstr(lower, "stale");
			if (stale && strstr(stale, "true"))
				return true;
		}
	}
	return false;
}

/* The challenge is the browser's to answer, so it stays as it is. */
static void pass_challenge(struct upstream_carried *carried, const struct sip_message *response)
{
	const struct sip_message *request = sip_server_transaction_request(carried->server);
	bool has_tried = false;
	for (const char *const *name = sip_credentials_headers; *name; name++)
		has_tried |= sip_message_header(request, *name, 0) != NULL;
	bool is_wrong = has_tried && !says_stale(response);
	metrics_add(is_wrong ? &carried_wrong : &carried_asked, 1);
	if (is_wrong)
		log_warning(NULL, "%s at %s: wrong user name or password", carried->user, trunk_name(carried->trunk));
	refuse(carried, sip_message_status(response), is_wrong ? "Wrong User Name Or Password" : NULL, response);
}

static void on_response(void *user, struct sip_client_transaction *transaction, struct sip_message *response)
{
	struct upstream_carried *carried = user;
	unsigned status = sip_message_status(response);
	if (status < 200)
		return;
	if (status < 300) {
		take_success(carried, response);
		return;
	}
	if (status == 401 || status == 407) {
		pass_challenge(carried, response);
		return;
	}
	metrics_add(&carried_wrong, 1);
	log_warning(NULL, "%s at %s: not registered: %u %s", carried->user, trunk_name(carried->trunk), status,
		    sip_message_reason(response));
	/* A redirection is the peer's business with us, not with the browser. */
	refuse(carried, status < 400 ? 502 : status, status < 400 ? NULL : sip_message_reason(response), response);
}

static void give_up(struct upstream_carried *carried)
{
	metrics_add(&carried_lost, 1);
	log_warning(NULL, "%s at %s: no answer to REGISTER", carried->user, trunk_name(carried->trunk));
	refuse(carried, 504, "The PBX Does Not Answer", NULL);
}

static void on_ended(void *user, struct sip_client_transaction *transaction, enum sip_client_end end)
{
	struct upstream_carried *carried = user;
	carried->client = NULL;
	give_up(carried);
}

static void on_limit(void *data)
{
	give_up(data);
}

static void on_server_event(void *user, struct sip_server_transaction *transaction, enum sip_server_event event)
{
	struct upstream_carried *carried = user;
	if (event != SIP_SERVER_ENDED)
		return;
	carried->server = NULL;
	carried_free(carried);
}

/* --- in --- */

static void carry(struct upstream *upstream, struct sip_server_transaction *transaction, const char *user, struct trunk *trunk,
		  struct sip_flow *flow)
{
	static const struct sip_client_handler handler = {.response = on_response, .ended = on_ended};
	struct sip_message *from_browser = sip_server_transaction_request(transaction);
	bool has_contact = sip_message_contact_count(from_browser) || sip_message_contact_is_star(from_browser);
	struct upstream_carried *carried = g_new0(struct upstream_carried, 1);
	carried->upstream = upstream;
	carried->link.data = carried;
	carried->server = transaction;
	carried->trunk = trunk_ref(trunk);
	carried->user = g_strdup(user);
	carried->asked_s = asked_seconds(from_browser, trunk_expires_s(trunk));
	loop_timer_init(&carried->limit, sip_stack_loop(upstream->rooms.stack), on_limit, carried);
	loop_timer_start_ms(&carried->limit, UPSTREAM_ANSWER_LIMIT_MS);
	g_queue_push_tail_link(&upstream->carried, &carried->link);
	sip_server_transaction_attach(transaction, on_server_event, carried);
	g_autofree char *token = upstream_token(upstream, "contact", user, trunk);
	g_autofree char *contact = has_contact ? sip_flow_contact(flow, token) : NULL;
	struct sip_message *request = build(upstream, from_browser, user, trunk, contact, carried->asked_s);
	carried->client = sip_client_transaction_start(upstream->rooms.stack, request, flow, &handler, carried);
	sip_message_unref(request);
}

/* One REGISTER at a time is enough for a connection. */
static bool is_waiting(const struct upstream *upstream, const struct sip_flow *flow)
{
	for (const GList *link = upstream->carried.head; link; link = link->next) {
		const struct upstream_carried *carried = link->data;
		if (sip_server_transaction_flow(carried->server) == flow)
			return true;
	}
	return false;
}

bool upstream_take_register(struct upstream *upstream, struct sip_server_transaction *transaction)
{
	struct registrar *registrar = upstream->rooms.registrar;
	struct sip_message *request = sip_server_transaction_request(transaction);
	struct sip_flow *flow = sip_server_transaction_flow(transaction);
	char user[256];
	if (!registrar_claimed_user(registrar, request, user, sizeof user) || !registrar_proves_upstream(registrar, user))
		return false;
	if (!registrar_uri_is_ours(registrar, sip_message_request_uri(request))) {
		sip_server_transaction_reply(transaction, 403, "Not A Registrar Here", NULL);
		return true;
	}
	if (registrar_check_register(registrar, transaction) < 0)
		return true;
	if (is_ours_alone(upstream, request, flow, user)) {
		registrar_accept_register(registrar, transaction, UINT32_MAX);
		return true;
	}
	if (is_waiting(upstream, flow) || upstream->carried.length >= UPSTREAM_CARRIED_MAX) {
		struct sip_message *response = sip_response_new(request, 503, NULL, NULL);
		sip_message_add_header(response, "Retry-After", "5");
		sip_server_transaction_respond(transaction, response);
		return true;
	}
	struct trunk *trunk = trunk_find(upstream->rooms.trunks, registrar_upstream(registrar, user));
	struct sip_flow *way = trunk ? trunk_flow(trunk, upstream->rooms.stack) : NULL;
	if (way)
		carry(upstream, transaction, user, trunk, way);
	else
		sip_server_transaction_reply(transaction, 503, "The PBX Cannot Be Reached", NULL);
	sip_flow_unref(way);
	return true;
}

void upstream_carry_end(struct upstream_member *member)
{
	struct upstream *upstream = member->upstream;
	struct sip_flow *flow = trunk_flow(member->trunk, upstream->rooms.stack);
	if (!flow || !member->proof) {
		sip_flow_unref(flow);
		return;
	}
	g_autofree char *contact = sip_flow_contact(flow, trunk_account_contact_user(member->account));
	struct sip_message *request = build(upstream, member->proof, member->user, member->trunk, contact, 0);
	log_info(NULL, "%s at %s: his last device is gone; the peer is asked to forget him", member->user,
		 trunk_name(member->trunk));
	sip_client_transaction_start(upstream->rooms.stack, request, flow, NULL, NULL);
	sip_message_unref(request);
	sip_flow_unref(flow);
}
