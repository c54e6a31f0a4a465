/* A SUBSCRIBE that is in no dialog yet. It goes to a trunk or to all devices of a user; whoever takes it, or sends a NOTIFY
 * for it (before the 2xx, or as another branch of a fork), gets a subscription of his own. The sender hears one answer. */
#include "relay/relay_private.h"
#include "sip/uri.h"
#include <string.h>

struct attempt {
	struct relay_subscribe *subscribe;
	struct route_party notifier;
	struct trunk_account *account;	/* who the subscriber is there; NULL */
	struct sip_dialog *dialog;	/* without far tag */
	struct sip_dialog_entry *entry; /* takes the NOTIFYs of all notifiers without subscription */
	struct relay_sending *sending;
};

struct relay_subscribe {
	struct relay *relay;
	GList link;
	struct sip_server_transaction *server; /* NULL: answered */
	struct sip_message *request;
	struct route_party subscriber;
	struct route_identity *identity; /* the subscriber's */
	struct attempt attempts[RELAY_TARGETS_MAX];
	size_t n_attempts, n_pending;
	GPtrArray *subscriptions; /* those it has made; theirs is their life */
	GHashTable *ended;	  /* Call-ID and far tag of those that are gone: nothing makes them again */
	struct relay_failure failure;
	uint32_t expires_s;	/* of the 2xx, for all */
	struct loop_timer life; /* after the answer: how long further notifiers may show up (Timer N) */
};

void relay_subscribe_free(struct relay_subscribe *subscribe)
{
	g_queue_unlink(&subscribe->relay->subscribes, &subscribe->link);
	loop_timer_stop(&subscribe->life);
	relay_let_go(&subscribe->server);
	for (size_t i = 0; i < subscribe->n_attempts; i++) {
		struct attempt *attempt = &subscribe->attempts[i];
		relay_sending_free(attempt->sending);
		sip_stack_remove_dialog(attempt->entry);
		sip_dialog_free(attempt->dialog);
		route_party_unref(&attempt->notifier);
		trunk_account_unref(attempt->account);
	}
	for (guint i = 0; i < subscribe->subscriptions->len; i++)
		relay_subscription_tell_end(subscribe->subscriptions->pdata[i], NULL, NULL);
	g_ptr_array_unref(subscribe->subscriptions);
	g_hash_table_unref(subscribe->ended);
	route_party_unref(&subscribe->subscriber);
	route_identity_free(subscribe->identity);
	relay_failure_clear(&subscribe->failure);
	sip_message_unref(subscribe->request);
	g_free(subscribe);
}

static void on_life_over(void *data)
{
	relay_subscribe_free(data);
}

static bool is_accepted(const struct relay_subscribe *subscribe)
{
	return loop_timer_is_running(&subscribe->life);
}

/* --- the subscriptions that come of it --- */

static char *key_of(const char *call_id, const char *far_tag)
{
	return g_strdup_printf("%s %s", call_id, far_tag);
}

static void on_subscription_ended(void *user, struct relay_subscription *subscription)
{
	struct relay_subscribe *subscribe = user;
	const struct sip_dialog *dialog = relay_subscription_dialog(subscription);
	g_hash_table_add(subscribe->ended, key_of(dialog->call_id, dialog->remote_tag));
	g_ptr_array_remove(subscribe->subscriptions, subscription);
}

/* Takes the dialog. NULL: there are too many, or it has been. */
static struct relay_subscription *add_subscription(struct attempt *attempt, struct sip_dialog *dialog)
{
	struct relay_subscribe *subscribe = attempt->subscribe;
	struct relay_subscription *subscription = NULL;
	g_autofree char *key = key_of(dialog->call_id, dialog->remote_tag);
	size_t n_made = subscribe->subscriptions->len + g_hash_table_size(subscribe->ended);
	if (n_made < RELAY_FORKS_MAX && !g_hash_table_contains(subscribe->ended, key))
		subscription = relay_subscription_new(subscribe->relay, subscribe->request, &subscribe->subscriber,
						      &attempt->notifier, dialog, attempt->account);
	if (!subscription) {
		sip_dialog_free(dialog);
		return NULL;
	}
	g_ptr_array_add(subscribe->subscriptions, subscription);
	relay_subscription_tell_end(subscription, on_subscription_ended, subscribe);
	if (is_accepted(subscribe))
		relay_subscription_accept(subscription, subscribe->expires_s);
	return subscription;
}

static struct relay_subscription *find_subscription(const struct attempt *attempt, const char *far_tag)
{
	const GPtrArray *subscriptions = attempt->subscribe->subscriptions;
	for (guint i = 0; i < subscriptions->len; i++) {
		const struct sip_dialog *dialog = relay_subscription_dialog(subscriptions->pdata[i]);
		if (!strcmp(dialog->call_id, attempt->dialog->call_id) && !g_strcmp0(dialog->remote_tag, far_tag))
			return subscriptions->pdata[i];
	}
	return NULL;
}

/* A NOTIFY in no dialog: it makes one. */
static void on_notify(void *user, struct sip_server_transaction *transaction)
{
	struct attempt *attempt = user;
	struct sip_message *request = sip_server_transaction_request(transaction);
	const char *event = sip_message_header(request, "Event", 0);
	const char *asked = sip_message_header(attempt->subscribe->request, "Event", 0);
	if (!event || !relay_event_is_same(event, asked)) {
		relay_refuse(transaction, 481, NULL);
		return;
	}
	struct sip_dialog *dialog = sip_dialog_copy(attempt->dialog);
	if (sip_dialog_learn_notify(dialog, request) < 0) {
		sip_dialog_free(dialog);
		relay_refuse(transaction, 400, "Missing Contact");
		return;
	}
	struct relay_subscription *subscription = add_subscription(attempt, dialog);
	if (subscription)
		relay_subscription_notify(subscription, transaction);
	else
		relay_refuse(transaction, 481, NULL);
}

static const struct sip_dialog_handler half_dialog_handler = {.request = on_notify};

/* --- the answer --- */

static uint32_t expires_of(const struct relay_subscribe *subscribe, const struct sip_message *response)
{
	uint32_t expires_s;
	if (sip_message_expires(response, &expires_s) || sip_message_expires(subscribe->request, &expires_s))
		return expires_s;
	return 3600;
}

static void accept_all(struct relay_subscribe *subscribe, struct relay_subscription *subscription, struct sip_message *source)
{
	subscribe->expires_s = expires_of(subscribe, source);
	loop_timer_start_ms(&subscribe->life, SIP_TIMEOUT_MS);
	struct sip_message *response = sip_response_new(subscribe->request, sip_message_status(source), NULL,
							relay_subscription_tag(subscription));
	relay_carry_response(response, SIP_METHOD_SUBSCRIBE, source);
	if (!sip_message_header(response, "Expires", 0))
		sip_message_add_header_format(response, "Expires", "%u", subscribe->expires_s);
	struct sip_uri uri;
	bool has_user = sip_uri_parse(sip_message_request_uri(subscribe->request), &uri) == 0;
	struct sip_flow *flow = subscribe->server ? sip_server_transaction_flow(subscribe->server) : NULL;
	g_autofree char *contact = flow ? sip_flow_contact(flow, has_user ? uri.user : NULL) : NULL;
	if (contact)
		sip_message_add_header(response, "Contact", contact);
	relay_answer(&subscribe->server, response);
	for (guint i = 0; i < subscribe->subscriptions->len; i++)
		relay_subscription_accept(subscribe->subscriptions->pdata[i], subscribe->expires_s);
}

/* The subscriber is told of the failure once no notifier is left who could take it. */
static void settle(struct relay_subscribe *subscribe)
{
	if (subscribe->n_pending || is_accepted(subscribe))
		return;
	log_info(NULL, "relay: SUBSCRIBE of %s refused: %u", route_party_identity(&subscribe->subscriber),
		 subscribe->failure.status);
	relay_answer(&subscribe->server, relay_failure_answer(&subscribe->failure, subscribe->request));
	while (subscribe->subscriptions->len) /* of NOTIFYs that came for it all the same */
		relay_subscription_free(subscribe->subscriptions->pdata[0]);
	relay_subscribe_free(subscribe);
}

static void fail(struct relay_subscribe *subscribe, unsigned status, struct sip_message *response)
{
	relay_failure_note(&subscribe->failure, status, response);
	settle(subscribe);
}

static void on_done(void *user, unsigned status, struct sip_message *response)
{
	struct attempt *attempt = user;
	struct relay_subscribe *subscribe = attempt->subscribe;
	attempt->sending = NULL;
	subscribe->n_pending--;
	if (status >= 300) {
		attempt->entry = sip_stack_remove_dialog(attempt->entry);
		fail(subscribe, status, response);
		return;
	}
	struct relay_subscription *subscription = find_subscription(attempt, sip_message_to_tag(response));
	if (!subscription) {
		struct sip_dialog *dialog = sip_dialog_copy(attempt->dialog);
		if (sip_dialog_learn(dialog, response) < 0) {
			sip_dialog_free(dialog);
			fail(subscribe, 502, NULL);
			return;
		}
		subscription = add_subscription(attempt, dialog);
	}
	if (!subscription)
		fail(subscribe, 502, NULL);
	else if (!is_accepted(subscribe))
		accept_all(subscribe, subscription, response);
}

/* --- its beginning --- */

static void try(struct relay_subscribe *subscribe, const struct relay_target *target)
{
	struct relay *relay = subscribe->relay;
	struct attempt *attempt = &subscribe->attempts[subscribe->n_attempts++];
	attempt->subscribe = subscribe;
	attempt->notifier = route_party_ref(&target->party);
	attempt->account = target->account ? trunk_account_ref(target->account) : NULL;
	attempt->dialog = relay_target_dialog(relay, subscribe->identity, target);
	struct relay_outgoing outgoing = {
		.dialog = attempt->dialog,
		.party = &attempt->notifier,
		.sender = subscribe->identity,
		.account = attempt->account,
		.method = SIP_METHOD_SUBSCRIBE,
		.source = subscribe->request,
	};
	unsigned hindrance = relay_send(relay, &outgoing, on_done, attempt, &attempt->sending);
	if (hindrance) {
		relay_failure_note(&subscribe->failure, hindrance, NULL);
		return;
	}
	attempt->entry = sip_stack_add_dialog(relay->rooms.stack, attempt->dialog, route_party_identity(&attempt->notifier),
					      &half_dialog_handler, attempt);
	subscribe->n_pending++;
	log_info(NULL, "relay: SUBSCRIBE of %s to %s: %s", route_party_identity(&subscribe->subscriber),
		 route_party_identity(&attempt->notifier), sip_message_header(subscribe->request, "Event", 0));
}

/* 0 or the status that refuses one more. */
static unsigned check_limits(const struct relay *relay, const struct route_party *subscriber)
{
	size_t count = 0, limit = relay->limit_per_user * (subscriber->trunk ? 100 : 1);
	const char *identity = route_party_identity(subscriber);
	if (relay->subscriptions.length + relay->subscribes.length >= relay->limit)
		return 503;
	for (const GList *link = relay->subscriptions.head; link; link = link->next)
		count += !strcmp(route_party_identity(relay_subscription_subscriber(link->data)), identity);
	for (const GList *link = relay->subscribes.head; link; link = link->next) {
		const struct relay_subscribe *other = link->data;
		count += !is_accepted(other) && !strcmp(route_party_identity(&other->subscriber), identity);
	}
	return count < limit ? 0 : 403;
}

void relay_subscribe_start(struct relay *relay, struct sip_server_transaction *transaction,
			   const struct route_party *sender, const struct route_decision *decision)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
	struct relay_target targets[RELAY_TARGETS_MAX];
	size_t n_targets;
	struct sip_dialog *dialog = sip_dialog_new_callee(request);
	unsigned refused = dialog ? check_limits(relay, sender) : 400;
	sip_dialog_free(dialog);
	if (!refused)
		refused = relay_find_targets(relay, sender, request, decision, targets, &n_targets);
	if (refused) {
		const char *phrase = refused == 403 ? "Too Many Subscriptions" : refused == 400 ? "Contact Missing" : NULL;
		relay_refuse(transaction, refused, phrase);
		return;
	}
	struct relay_subscribe *subscribe = g_new0(struct relay_subscribe, 1);
	subscribe->relay = relay;
	subscribe->link.data = subscribe;
	subscribe->request = sip_message_ref(request);
	subscribe->subscriber = route_party_ref(sender);
	subscribe->identity = route_party_identify(sender, relay->rooms.registrar, request);
	subscribe->subscriptions = g_ptr_array_new();
	subscribe->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	relay_hold(&subscribe->server, transaction);
	loop_timer_init(&subscribe->life, relay->loop, on_life_over, subscribe);
	g_queue_push_tail_link(&relay->subscribes, &subscribe->link);
	for (size_t i = 0; i < n_targets; i++) {
		try(subscribe, &targets[i]);
		relay_target_clear(&targets[i]);
	}
	settle(subscribe);
}
