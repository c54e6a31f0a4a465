/* A subscription: the subscriber's dialog with us and ours with the notifier. NOTIFYs cross it one way, SUBSCRIBEs the other;
 * each side has its own Call-ID, tags, CSeq and route set, and each browser may change its connection. */
#include "metrics/metrics.h"
#include "relay/relay_private.h"
#include <string.h>

METRICS_COUNTER(begun, "tandem_subscriptions_begun_total", "Subscriptions that were made.");
METRICS_COUNTER(notified, "tandem_subscription_notifications_total", "NOTIFYs that came in subscriptions.");
METRICS_COUNTER(ended_far, "tandem_subscriptions_ended_total", "Subscriptions that have ended.", "by", "far end");
METRICS_COUNTER(ended_time, "tandem_subscriptions_ended_total", "Subscriptions that have ended.", "by", "time");

enum state {
	PENDING,   /* the SUBSCRIBE has no 2xx yet: NOTIFYs wait */
	ACTIVE,
	CLOSING,   /* unsubscribed: the last NOTIFY is awaited, and passed */
	ABANDONED, /* the subscriber is gone: the notifier is told, its last NOTIFY is answered by us */
};

static const char *const state_names[] = {"pending", "active", "closing", "abandoned"};

struct side {
	struct relay_subscription *subscription;
	struct route_party party;
	struct sip_dialog *dialog;
	struct sip_dialog_entry *entry;
	struct registrar_endpoint_watch watch;
	struct loop_timer absence;
};

/* A request that crosses, or waits to. */
struct crossing {
	struct relay_subscription *subscription;
	GList link;
	struct sip_server_transaction *server; /* NULL: answered */
	struct sip_message *request;
	struct relay_sending *sending; /* NULL: it waits */
};

struct relay_subscription {
	struct relay *relay;
	GList link;
	enum state state;
	struct side subscriber, notifier;
	struct trunk_account *account; /* who the subscriber is at the notifier; NULL */
	char *event;
	GQueue crossings; /* in the order of coming */
	struct relay_sending *farewell; /* our SUBSCRIBE that ends it */
	struct loop_timer life;
	void (*ended)(void *user, struct relay_subscription *subscription);
	void *ended_user;
};

static void set_state(struct relay_subscription *subscription, enum state state)
{
	g_return_if_fail(state > subscription->state);
	log_debug(NULL, "subscription of %s: %s, now %s", route_party_identity(&subscription->subscriber.party),
		  state_names[subscription->state], state_names[state]);
	subscription->state = state;
}

/* --- life --- */

static void crossing_free(struct crossing *crossing)
{
	g_queue_unlink(&crossing->subscription->crossings, &crossing->link);
	relay_let_go(&crossing->server);
	relay_sending_free(crossing->sending);
	sip_message_unref(crossing->request);
	g_free(crossing);
}

static void crossing_refuse(struct crossing *crossing, unsigned status)
{
	struct sip_server_transaction *server = crossing->server;
	relay_let_go(&crossing->server);
	if (server)
		relay_refuse(server, status, NULL);
	crossing_free(crossing);
}

static void side_clear(struct side *side)
{
	loop_timer_stop(&side->absence);
	registrar_endpoint_watch_stop(&side->watch);
	sip_stack_remove_dialog(side->entry);
	sip_dialog_free(side->dialog);
	route_party_unref(&side->party);
}

void relay_subscription_free(struct relay_subscription *subscription)
{
	if (subscription->ended)
		subscription->ended(subscription->ended_user, subscription);
	g_queue_unlink(&subscription->relay->subscriptions, &subscription->link);
	loop_timer_stop(&subscription->life);
	while (subscription->crossings.head)
		crossing_refuse(subscription->crossings.head->data, 481);
	relay_sending_free(subscription->farewell);
	side_clear(&subscription->subscriber);
	side_clear(&subscription->notifier);
	trunk_account_unref(subscription->account);
	g_free(subscription->event);
	g_free(subscription);
}

static void end(struct relay_subscription *subscription, const char *cause)
{
	log_info(NULL, "subscription of %s to %s (%s) ended: %s", route_party_identity(&subscription->subscriber.party),
		 route_party_identity(&subscription->notifier.party), subscription->event, cause);
	relay_subscription_free(subscription);
}

static void on_farewell_done(void *user, unsigned status, struct sip_message *response)
{
	struct relay_subscription *subscription = user;
	subscription->farewell = NULL;
	if (status >= 300) /* else the last NOTIFY is to come */
		end(subscription, "the notifier knows it no more");
}

/* The subscriber is told that it is over, by a NOTIFY of ours. */
static void tell_subscriber(struct relay_subscription *subscription, const char *state)
{
	struct relay_sending *sending;
	struct relay_outgoing outgoing = {
		.dialog = subscription->subscriber.dialog,
		.party = &subscription->subscriber.party,
		.method = SIP_METHOD_NOTIFY,
		.event = subscription->event,
		.header = "Subscription-State",
		.value = state,
	};
	if (relay_send(subscription->relay, &outgoing, on_farewell_done, subscription, &sending) == 0)
		relay_sending_free(sending);
}

/* The notifier is told that nobody listens any more (section 4.1.2.3). */
static void abandon(struct relay_subscription *subscription, const char *cause)
{
	struct relay_outgoing outgoing = {
		.dialog = subscription->notifier.dialog,
		.party = &subscription->notifier.party,
		.account = subscription->account,
		.method = SIP_METHOD_SUBSCRIBE,
		.event = subscription->event,
		.header = "Expires",
		.value = "0",
	};
	set_state(subscription, ABANDONED);
	subscription->subscriber.entry = sip_stack_remove_dialog(subscription->subscriber.entry);
	loop_timer_stop(&subscription->subscriber.absence);
	while (subscription->crossings.head)
		crossing_refuse(subscription->crossings.head->data, 481);
	loop_timer_start_ms(&subscription->life, SIP_TIMEOUT_MS);
	if (relay_send(subscription->relay, &outgoing, on_farewell_done, subscription, &subscription->farewell))
		end(subscription, cause);
	else
		log_info(NULL, "subscription of %s to %s (%s) is given up: %s",
			 route_party_identity(&subscription->subscriber.party),
			 route_party_identity(&subscription->notifier.party), subscription->event, cause);
}

static void live_for(struct relay_subscription *subscription, uint32_t expires_s)
{
	/* Timer N on top: the last NOTIFY is the notifier's to send. */
	loop_timer_start_ms(&subscription->life, (int64_t)expires_s * 1000 + SIP_TIMEOUT_MS);
}

static void on_life_over(void *data)
{
	struct relay_subscription *subscription = data;
	metrics_add(&ended_time, 1);
	if (subscription->state == ACTIVE)
		tell_subscriber(subscription, "terminated;reason=timeout");
	end(subscription, "not refreshed");
}

/* --- NOTIFYs --- */

static bool has_last_notify(const struct relay_subscription *subscription)
{
	for (const GList *link = subscription->crossings.head; link; link = link->next) {
		const struct crossing *crossing = link->data;
		if (sip_message_method(crossing->request) == SIP_METHOD_NOTIFY &&
		    relay_state_is_terminated(crossing->request))
			return true;
	}
	return false;
}

/* The statuses that end a subscription (RFC 5057, section 5.1). */
static bool ends_subscription(unsigned status)
{
	static const unsigned statuses[] = {404, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604};
	for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++)
		if (statuses[i] == status)
			return true;
	return false;
}

static void answer(struct crossing *crossing, unsigned status, const struct sip_message *source)
{
	enum sip_method method = sip_message_method(crossing->request);
	unsigned told = status == 401 || status == 407 || status / 100 == 3 ? 403 : status;
	const char *phrase = source && told == status ? sip_message_reason(source) : NULL;
	struct sip_message *response = sip_response_new(crossing->request, told, phrase, NULL);
	if (source)
		relay_carry_response(response, method, source);
	if (crossing->server && method == SIP_METHOD_SUBSCRIBE && status < 300) {
		g_autofree char *user = relay_own_user(crossing->subscription->subscriber.dialog);
		g_autofree char *contact = sip_flow_contact(sip_server_transaction_flow(crossing->server), user);
		sip_message_add_header(response, "Contact", contact);
	}
	relay_answer(&crossing->server, response);
}

static void flush(struct relay_subscription *subscription);

static void on_notified(void *user, unsigned status, struct sip_message *response)
{
	struct crossing *crossing = user;
	struct relay_subscription *subscription = crossing->subscription;
	bool is_last = relay_state_is_terminated(crossing->request);
	bool was_answered = !crossing->server;
	crossing->sending = NULL;
	/* A browser that is away keeps its subscription; what it missed is not the notifier's concern. */
	bool is_away = !response && status == 480;
	if (is_away && subscription->state <= CLOSING) {
		answer(crossing, 200, NULL);
		if (registrar_endpoint_flow(subscription->subscriber.party.endpoint))
			flush(subscription); /* it is back already */
		return;
	}
	answer(crossing, status, response);
	crossing_free(crossing);
	if (is_last) {
		metrics_add(&ended_far, 1);
		end(subscription, "by the notifier");
	} else if (ends_subscription(status)) {
		metrics_add(&ended_far, 1);
		if (was_answered && subscription->state < ABANDONED)
			abandon(subscription, "the subscriber knows it no more");
		else
			end(subscription, "the subscriber knows it no more");
	}
}

/* Of NOTIFYs that nobody can be given the oldest go first: most packages tell all of the state each time. */
static void limit_waiting(struct relay_subscription *subscription)
{
	size_t n_waiting = 0;
	for (GList *link = subscription->crossings.tail; link;) {
		struct crossing *crossing = link->data;
		link = link->prev;
		if (!crossing->sending && ++n_waiting > RELAY_WAITING_MAX)
			crossing_refuse(crossing, 500);
	}
}

/* Sends on what waits, in its order. */
static void flush(struct relay_subscription *subscription)
{
	if (subscription->state == PENDING || subscription->state == ABANDONED)
		return;
	for (GList *link = subscription->crossings.head; link;) {
		struct crossing *crossing = link->data;
		link = link->next;
		if (crossing->sending)
			continue;
		struct relay_outgoing outgoing = {
			.dialog = subscription->subscriber.dialog,
			.party = &subscription->subscriber.party,
			.method = SIP_METHOD_NOTIFY,
			.source = crossing->request,
		};
		unsigned hindrance = relay_send(subscription->relay, &outgoing, on_notified, crossing, &crossing->sending);
		if (hindrance == 480)
			answer(crossing, 200, NULL); /* for the browser's return */
		else if (hindrance)
			crossing_refuse(crossing, hindrance);
	}
	limit_waiting(subscription);
}

/* --- browsers that go and come back --- */

static void on_absence_over(void *data)
{
	struct side *side = data;
	struct relay_subscription *subscription = side->subscription;
	if (side == &subscription->notifier) {
		tell_subscriber(subscription, "terminated;reason=probation");
		end(subscription, "the notifier's connection was lost");
	} else if (has_last_notify(subscription)) {
		end(subscription, "the subscriber's connection was lost");
	} else {
		abandon(subscription, "the subscriber's connection was lost");
	}
}

static void on_endpoint_changed(void *data, struct registrar_endpoint *endpoint, struct sip_flow *flow)
{
	struct side *side = data;
	struct relay_subscription *subscription = side->subscription;
	if (subscription->state == ABANDONED)
		return;
	if (!flow) {
		loop_timer_start_ms(&side->absence, subscription->relay->grace_ms);
		return;
	}
	loop_timer_stop(&side->absence);
	flush(subscription);
}

/* The far end's request came on that flow: from now on it is reached there, as whatever device has it. */
static void follow(struct side *side, struct sip_flow *flow)
{
	struct registrar_endpoint *old = side->party.endpoint;
	struct registrar_endpoint *endpoint = old ? registrar_endpoint_follow(old, flow) : NULL;
	if (!endpoint || endpoint == old)
		return;
	side->party.endpoint = registrar_endpoint_ref(endpoint);
	registrar_endpoint_watch_stop(&side->watch);
	registrar_endpoint_unref(old);
	registrar_endpoint_watch_start(&side->watch, endpoint, on_endpoint_changed, side);
	on_endpoint_changed(side, endpoint, flow);
}

/* --- what comes --- */

static struct crossing *crossing_new(struct relay_subscription *subscription, struct sip_server_transaction *transaction)
{
	struct crossing *crossing = g_new0(struct crossing, 1);
	crossing->subscription = subscription;
	crossing->link.data = crossing;
	crossing->request = sip_message_ref(sip_server_transaction_request(transaction));
	relay_hold(&crossing->server, transaction);
	g_queue_push_tail_link(&subscription->crossings, &crossing->link);
	return crossing;
}

void relay_subscription_notify(struct relay_subscription *subscription, struct sip_server_transaction *transaction)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
	uint32_t expires_s;
	metrics_add(&notified, 1);
	sip_dialog_refresh_target(subscription->notifier.dialog, request);
	if (subscription->state == ABANDONED) {
		bool is_last = relay_state_is_terminated(request);
		sip_server_transaction_reply(transaction, 200, NULL, NULL);
		if (is_last)
			end(subscription, "the subscriber is gone");
		return;
	}
	if (relay_state_expires(request, &expires_s) && subscription->state == ACTIVE)
		live_for(subscription, expires_s);
	crossing_new(subscription, transaction);
	flush(subscription);
}

static void refuse_method(struct sip_server_transaction *transaction, const char *allow)
{
	struct sip_message *response = sip_response_new(sip_server_transaction_request(transaction), 405, NULL, NULL);
	sip_message_add_header(response, "Allow", allow);
	sip_server_transaction_respond(transaction, response);
}

/* Whether it is what comes from this side, the only method that does; else it was answered. */
static bool is_fit(struct side *side, struct sip_server_transaction *transaction, enum sip_method method)
{
	const struct sip_message *request = sip_server_transaction_request(transaction);
	const char *event = sip_message_header(request, "Event", 0);
	follow(side, sip_server_transaction_flow(transaction));
	if (sip_message_method(request) != method)
		refuse_method(transaction, sip_method_text(method));
	else if (!event || !relay_event_is_same(event, side->subscription->event))
		relay_refuse(transaction, 489, NULL); /* one dialog, one subscription (section 4.5.2) */
	else
		return true;
	return false;
}

static void on_notifier_request(void *user, struct sip_server_transaction *transaction)
{
	struct side *side = user;
	if (is_fit(side, transaction, SIP_METHOD_NOTIFY))
		relay_subscription_notify(side->subscription, transaction);
}

/* --- SUBSCRIBEs in the dialog: refresh, and the end --- */

static void on_refreshed(void *user, unsigned status, struct sip_message *response)
{
	struct crossing *crossing = user;
	struct relay_subscription *subscription = crossing->subscription;
	uint32_t asked_s = 3600, expires_s;
	crossing->sending = NULL;
	sip_message_expires(crossing->request, &asked_s);
	if (!response || !sip_message_expires(response, &expires_s))
		expires_s = asked_s;
	if (!response)
		status = 500; /* this transaction fails, not the subscription (RFC 5057) */
	answer(crossing, status, response);
	crossing_free(crossing);
	if (ends_subscription(status)) {
		metrics_add(&ended_far, 1);
		end(subscription, "the notifier knows it no more");
		return;
	}
	if (status >= 300 || subscription->state == ABANDONED)
		return;
	sip_dialog_refresh_target(subscription->notifier.dialog, response);
	live_for(subscription, expires_s);
	if (!expires_s && subscription->state == ACTIVE)
		set_state(subscription, CLOSING);
}

static void refresh(struct relay_subscription *subscription, struct sip_server_transaction *transaction)
{
	struct crossing *crossing = crossing_new(subscription, transaction);
	struct relay_outgoing outgoing = {
		.dialog = subscription->notifier.dialog,
		.party = &subscription->notifier.party,
		.account = subscription->account,
		.method = SIP_METHOD_SUBSCRIBE,
		.source = crossing->request,
	};
	sip_dialog_refresh_target(subscription->subscriber.dialog, crossing->request);
	if (relay_send(subscription->relay, &outgoing, on_refreshed, crossing, &crossing->sending))
		crossing_refuse(crossing, 500);
}

static void on_subscriber_request(void *user, struct sip_server_transaction *transaction)
{
	struct side *side = user;
	if (is_fit(side, transaction, SIP_METHOD_SUBSCRIBE))
		refresh(side->subscription, transaction);
}

static const struct sip_dialog_handler subscriber_handler = {.request = on_subscriber_request};
static const struct sip_dialog_handler notifier_handler = {.request = on_notifier_request};

/* --- making --- */

static void side_init(struct side *side, struct relay_subscription *subscription, const struct route_party *party,
		      struct sip_dialog *dialog, const struct sip_dialog_handler *handler)
{
	struct relay *relay = subscription->relay;
	side->subscription = subscription;
	side->party = route_party_ref(party);
	side->dialog = dialog;
	side->entry = sip_stack_add_dialog(relay->rooms.stack, dialog, route_party_identity(party), handler, side);
	loop_timer_init(&side->absence, relay->loop, on_absence_over, side);
	if (party->endpoint) {
		registrar_endpoint_watch_start(&side->watch, party->endpoint, on_endpoint_changed, side);
		if (!registrar_endpoint_flow(party->endpoint))
			loop_timer_start_ms(&side->absence, relay->grace_ms);
	}
}

struct relay_subscription *relay_subscription_new(struct relay *relay, const struct sip_message *subscribe,
						  const struct route_party *subscriber, const struct route_party *notifier,
						  struct sip_dialog *dialog, struct trunk_account *account)
{
	struct sip_dialog *subscriber_dialog = sip_dialog_new_callee(subscribe);
	if (!subscriber_dialog)
		return NULL;
	subscriber_dialog->state = SIP_DIALOG_CONFIRMED;
	struct relay_subscription *subscription = g_new0(struct relay_subscription, 1);
	subscription->relay = relay;
	subscription->link.data = subscription;
	subscription->account = account ? trunk_account_ref(account) : NULL;
	subscription->event = g_strdup(sip_message_header(subscribe, "Event", 0));
	loop_timer_init(&subscription->life, relay->loop, on_life_over, subscription);
	side_init(&subscription->subscriber, subscription, subscriber, subscriber_dialog, &subscriber_handler);
	side_init(&subscription->notifier, subscription, notifier, dialog, &notifier_handler);
	loop_timer_start_ms(&subscription->life, 2 * SIP_TIMEOUT_MS); /* should it never be accepted */
	g_queue_push_tail_link(&relay->subscriptions, &subscription->link);
	metrics_add(&begun, 1);
	return subscription;
}

void relay_subscription_tell_end(struct relay_subscription *subscription,
				 void (*ended)(void *user, struct relay_subscription *subscription), void *user)
{
	subscription->ended = ended;
	subscription->ended_user = user;
}

void relay_subscription_accept(struct relay_subscription *subscription, uint32_t expires_s)
{
	if (subscription->state != PENDING)
		return;
	set_state(subscription, expires_s ? ACTIVE : CLOSING);
	live_for(subscription, expires_s);
	flush(subscription);
}

const char *relay_subscription_tag(const struct relay_subscription *subscription)
{
	return subscription->subscriber.dialog->local_tag;
}

const struct sip_dialog *relay_subscription_dialog(const struct relay_subscription *subscription)
{
	return subscription->notifier.dialog;
}

const struct route_party *relay_subscription_subscriber(const struct relay_subscription *subscription)
{
	return &subscription->subscriber.party;
}
