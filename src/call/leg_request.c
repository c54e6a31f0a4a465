/* Our requests in the dialog other than INVITE and ACK: BYE, PRACK, UPDATE, and what is passed on from the other leg. */
#include "call/call_private.h"

struct leg_request {
	struct leg *leg;
	GList link;
	enum sip_method method;
	GPtrArray *headers; /* name, value, name, value, ... */
	struct sip_message *content; /* whose body it carries, or: */
	char *body_type, *body;
	struct sip_client_transaction *transaction; /* NULL while it waits for the browser's next connection */
	unsigned n_challenges;			    /* answered so far */
	leg_request_done *done;
	void *user;
};

struct leg_request *leg_request_new(struct leg *leg, enum sip_method method)
{
	struct leg_request *request = g_new0(struct leg_request, 1);
	request->leg = leg;
	request->link.data = request;
	request->method = method;
	request->headers = g_ptr_array_new_with_free_func(g_free);
	g_queue_push_tail_link(&leg->requests, &request->link);
	return request;
}

void leg_request_add_header(struct leg_request *request, const char *name, const char *value)
{
	g_ptr_array_add(request->headers, g_strdup(name));
	g_ptr_array_add(request->headers, g_strdup(value));
}

void leg_request_set_content(struct leg_request *request, struct sip_message *content)
{
	sip_message_unref(request->content);
	request->content = sip_message_ref(content);
}

void leg_request_set_body(struct leg_request *request, const char *type, const char *text)
{
	request->body_type = g_strdup(type);
	request->body = g_strdup(text);
}

static void leg_request_free(struct leg_request *request)
{
	g_queue_unlink(&request->leg->requests, &request->link);
	if (request->transaction)
		sip_client_transaction_detach(request->transaction);
	g_ptr_array_free(request->headers, true);
	sip_message_unref(request->content);
	g_free(request->body_type);
	g_free(request->body);
	g_free(request);
}

static void leg_request_finish(struct leg_request *request, unsigned status, const struct sip_message *response)
{
	struct leg *leg = request->leg;
	leg_request_done *done = request->done;
	void *user = request->user;
	leg_request_free(request);
	if (done)
		done(user, leg, status, response);
}

int leg_copy_body(struct sip_message *message, const struct sip_message *from)
{
	size_t length;
	const char *body = from ? sip_message_body(from, &length) : NULL;
	const char *type = body ? sip_message_header(from, "Content-Type", 0) : NULL;
	return type ? sip_message_set_body(message, type, body, length) : 0;
}

static struct sip_message *leg_request_write(struct leg_request *request, const struct sip_flow *flow)
{
	struct leg *leg = request->leg;
	leg_aim(leg);
	struct sip_message *message = sip_dialog_request(leg->dialog, request->method);
	if (!message)
		return NULL;
	if (request->method == SIP_METHOD_UPDATE || request->method == SIP_METHOD_NOTIFY)
		leg_add_standard_headers(leg, message, flow);
	if (request->method == SIP_METHOD_UPDATE)
		leg_timer_ask(leg, message);
	int error = 0;
	for (guint i = 0; error == 0 && i + 1 < request->headers->len; i += 2)
		error = sip_message_add_header(message, g_ptr_array_index(request->headers, i),
					       g_ptr_array_index(request->headers, i + 1));
	if (error == 0)
		error = leg_copy_body(message, request->content);
	if (error == 0 && request->body)
		error = sip_message_set_body(message, request->body_type, request->body, strlen(request->body));
	if (error < 0)
		sip_message_unref(message);
	return error < 0 ? NULL : message;
}

/* What is done twice does no harm, when a connection broke before the answer. */
static bool leg_request_may_repeat(const struct leg_request *request)
{
	return request->leg->kind == LEG_BROWSER && request->method != SIP_METHOD_INFO &&
	       request->method != SIP_METHOD_MESSAGE;
}

static void leg_request_send(struct leg_request *request, const struct sip_message *challenged, const struct sip_message *response);

static void leg_request_response(void *user, struct sip_client_transaction *transaction, struct sip_message *response)
{
	struct leg_request *request = user;
	unsigned status = sip_message_status(response);
	if (status < 200)
		return;
	if (status < 300)
		leg_note_proven(request->leg, transaction, response);
	if (leg_is_challenged(request->leg, response)) {
		struct sip_message *challenged = sip_message_ref(sip_client_transaction_request(transaction));
		sip_client_transaction_detach(transaction);
		request->transaction = NULL;
		leg_request_send(request, challenged, response);
		sip_message_unref(challenged);
		return;
	}
	leg_request_finish(request, status, response);
}

static void leg_request_ended(void *user, struct sip_client_transaction *transaction, enum sip_client_end end)
{
	struct leg_request *request = user;
	request->transaction = NULL;
	if (end == SIP_CLIENT_TRANSPORT_FAILED && leg_request_may_repeat(request))
		return;
	leg_request_finish(request, end == SIP_CLIENT_TIMEOUT ? 408 : 0, NULL);
}

/* 0; -ENOTCONN, or what is wrong with it. */
static int leg_request_try(struct leg_request *request, const struct sip_message *challenged, const struct sip_message *response)
{
	static const struct sip_client_handler handler = {.response = leg_request_response, .ended = leg_request_ended};
	struct leg *leg = request->leg;
	struct sip_flow *flow = leg_flow(leg);
	if (!flow)
		return -ENOTCONN;
	struct sip_message *message = leg_request_write(request, flow);
	int error = message ? 0 : -EINVAL;
	struct sip_digest_challenged asked = {.request = challenged, .response = response, .round = request->n_challenges};
	if (error == 0 && challenged)
		error = leg_answer_challenge(leg, flow, asked, message);
	else if (error == 0)
		leg_prove(leg, flow, message);
	request->n_challenges += challenged != NULL;
	if (error == 0)
		request->transaction = sip_client_transaction_start(leg->manager->stack, message, flow, &handler, request);
	sip_message_unref(message);
	sip_flow_unref(flow);
	return error;
}

/* `challenged` NULL: for the first time. */
static void leg_request_send(struct leg_request *request, const struct sip_message *challenged, const struct sip_message *response)
{
	int error = leg_request_try(request, challenged, response);
	bool waits = error == -ENOTCONN && request->leg->kind == LEG_BROWSER;
	if (error < 0 && !waits)
		leg_request_finish(request, response ? sip_message_status(response) : 0, response);
}

void leg_request_start(struct leg_request *request, leg_request_done *done, void *user)
{
	request->done = done;
	request->user = user;
	leg_request_send(request, NULL, NULL);
}

static struct leg_request *leg_request_waiting(const struct leg *leg)
{
	for (const GList *link = leg->requests.head; link; link = link->next) {
		struct leg_request *request = link->data;
		if (!request->transaction)
			return request;
	}
	return NULL;
}

void leg_list_requests(const struct leg *leg, GPtrArray *transactions)
{
	for (const GList *link = leg->requests.head; link; link = link->next) {
		const struct leg_request *request = link->data;
		if (request->transaction)
			g_ptr_array_add(transactions, request->transaction);
	}
}

void leg_requests_resume(struct leg *leg)
{
	struct leg_request *request, *before = NULL;
	/* What a request brings about may change the queue: so each time from its head. */
	while ((request = leg_request_waiting(leg)) && request != before) {
		before = request;
		leg_request_send(request, NULL, NULL);
	}
}

void leg_requests_abandon(struct leg *leg)
{
	while (leg->requests.head)
		leg_request_finish(leg->requests.head->data, 481, NULL);
}

/* --- BYE --- */

static void leg_bye_done(void *user, struct leg *leg, unsigned status, const struct sip_message *response)
{
	leg_set_state(leg, LEG_ENDED); /* whatever the answer is (section 15.1.1) */
}

void leg_send_bye(struct leg *leg)
{
	struct leg_request *bye = leg_request_new(leg, SIP_METHOD_BYE);
	if (leg->end_reason)
		leg_request_add_header(bye, "Reason", leg->end_reason);
	leg_request_start(bye, leg_bye_done, NULL);
}
