#include "relay/relay_private.h"
#include "sip/capabilities.h"

static const struct config_option option_rows[] = {
	{.name = "state_trunk", .type = CONFIG_STRING, .min = 1, .max = 64,
	 .help = "The trunk that knows the state of our users (presence, lamps, voice mail); without it, what a user asks of "
		 "himself goes where `routes` would send his number, what he asks of another to that one's devices."},
	{.name = "subscriptions", .type = CONFIG_INTEGER, .min = 0, .max = 1000000, .fallback = "20000",
	 .help = "Subscriptions at a time; more get 503."},
	{.name = "subscriptions_per_user", .type = CONFIG_INTEGER, .min = 0, .max = 100000, .fallback = "200",
	 .help = "Of one user (or trunk: a hundred times as many); more get 403."},
	{.name = "grace_seconds", .type = CONFIG_INTEGER, .min = 0, .max = 3600, .fallback = "30",
	 .help = "How long a subscription waits for a browser whose connection has closed."},
	{0},
};

static void check_options(const struct config_snapshot *snapshot, struct config_report *report)
{
	const char *trunk = config_string(snapshot, "relay", 0, "state_trunk");
	if (trunk && config_find(snapshot, "trunks", trunk) < 0)
		config_complain(report, "relay", 0, "state_trunk", "is \"%s\", which is no trunk", trunk);
}

const struct config_table relay_options = {
	.group = "relay",
	.shape = CONFIG_GROUP,
	.options = option_rows,
	.check = check_options,
};

void relay_reload(struct relay *relay, const struct config_snapshot *snapshot)
{
	g_free(relay->domain);
	g_free(relay->state_trunk);
	relay->domain = g_strdup(config_string(snapshot, "", 0, "domain"));
	relay->state_trunk = g_strdup(config_string(snapshot, "relay", 0, "state_trunk"));
	relay->grace_ms = config_integer(snapshot, "relay", 0, "grace_seconds") * 1000;
	relay->limit = (size_t)config_integer(snapshot, "relay", 0, "subscriptions");
	relay->limit_per_user = (size_t)config_integer(snapshot, "relay", 0, "subscriptions_per_user");
}

int relay_new(const struct relay_parameters *parameters, struct relay **ret_relay)
{
	struct relay *relay = g_new0(struct relay, 1);
	relay->rooms = *parameters;
	relay->rooms.snapshot = NULL;
	relay->loop = sip_stack_loop(parameters->stack);
	relay_reload(relay, parameters->snapshot);
	*ret_relay = relay;
	return 0;
}

struct relay *relay_free(struct relay *relay)
{
	if (!relay)
		return NULL;
	while (relay->forwards.head)
		relay_forward_free(relay->forwards.head->data);
	while (relay->subscribes.head)
		relay_subscribe_free(relay->subscribes.head->data);
	while (relay->subscriptions.head)
		relay_subscription_free(relay->subscriptions.head->data);
	while (relay->sendings.head)
		relay_sending_free(relay->sendings.head->data);
	g_free(relay->domain);
	g_free(relay->state_trunk);
	g_free(relay);
	return NULL;
}

void relay_count(const struct relay *relay, struct relay_counts *ret_counts)
{
	*ret_counts = (struct relay_counts){
		.subscriptions = relay->subscriptions.length,
		.requests = relay->sendings.length,
	};
}

static void refuse_event(struct sip_server_transaction *transaction)
{
	bool is_missing = !sip_message_header(sip_server_transaction_request(transaction), "Event", 0);
	relay_refuse(transaction, is_missing ? 400 : 489, is_missing ? "Missing Event" : NULL);
}

void relay_request(struct relay *relay, struct sip_server_transaction *transaction, const struct route_party *sender,
		   const struct route_decision *decision)
{
	const struct sip_message *request = sip_server_transaction_request(transaction);
	enum sip_method method = sip_message_method(request);
	size_t length;
	sip_message_body(request, &length);
	if (length && !sip_message_header(request, "Content-Type", 0))
		relay_refuse(transaction, 400, "Missing Content-Type");
	else if (method != SIP_METHOD_MESSAGE && !relay_event_is_sound(sip_message_header(request, "Event", 0)))
		refuse_event(transaction);
	else if (method == SIP_METHOD_SUBSCRIBE)
		relay_subscribe_start(relay, transaction, sender, decision);
	else if (method == SIP_METHOD_NOTIFY && !sender->trunk)
		relay_refuse(transaction, 481, NULL); /* a browser's fits a subscription or nothing (RFC 6665, 4.1.3) */
	else
		relay_forward_start(relay, transaction, sender, decision);
}
