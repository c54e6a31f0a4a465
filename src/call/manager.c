/* The session manager: all calls, their limits, drain and reload. */
#include "call/call_private.h"

#define REST_MS 200

METRICS_COUNTER(calls_over_limit, "tandem_calls_over_limit_total", CALL_OVER_LIMIT_HELP, "limit", "gateway");

static const struct config_option call_option_rows[] = {
	{.name = "limit", .type = CONFIG_INTEGER, .min = 1, .max = 1000000, .fallback = "10000",
	 .help = "Calls at a time; more get 503."},
	{.name = "no_answer_seconds", .type = CONFIG_INTEGER, .min = 1, .max = 3600, .fallback = "180",
	 .help = "How long the called side may ring."},
	{.name = "grace_seconds", .type = CONFIG_INTEGER, .min = 0, .max = 300, .fallback = "8",
	 .help = "How long a call waits for a browser whose connection has closed, be it up or ringing."},
	{.name = "session_expires_seconds", .type = CONFIG_INTEGER, .min = 0, .max = 86400, .fallback = "1800",
	 .help = "The session timer we ask for (RFC 4028); 0: none, though one that the far end asks for is kept."},
	{.name = "min_session_expires_seconds", .type = CONFIG_INTEGER, .min = CALL_SESSION_SECONDS_MIN, .max = 86400,
	 .fallback = "90", .help = "The shortest session timer we agree to."},
	{0},
};
const struct config_table call_options = {.group = "calls", .shape = CONFIG_GROUP, .options = call_option_rows};

static void call_manager_configure(struct call_manager *manager, const struct config_snapshot *snapshot)
{
	config_unref(manager->snapshot);
	manager->snapshot = config_ref(snapshot);
	manager->limit = (size_t)config_integer(snapshot, "calls", 0, "limit");
	manager->no_answer_ms = config_integer(snapshot, "calls", 0, "no_answer_seconds") * 1000;
	manager->grace_ms = config_integer(snapshot, "calls", 0, "grace_seconds") * 1000;
	uint32_t expires_s = (uint32_t)config_integer(snapshot, "calls", 0, "session_expires_seconds");
	manager->min_session_expires_s = (uint32_t)config_integer(snapshot, "calls", 0, "min_session_expires_seconds");
	manager->session_expires_s = expires_s ? MAX(expires_s, manager->min_session_expires_s) : 0;
	manager->announcements = call_announcements_read(snapshot, manager->announcements);
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

/* Descriptions are looked at several times when something happens, and then not for minutes. */
static void call_rest(void *data)
{
	struct call_manager *manager = data;
	for (GList *link = manager->legs.head; link; link = link->next)
		leg_rest(link->data);
}

void call_manager_expect_rest(struct call_manager *manager)
{
	if (!loop_timer_is_running(&manager->rest))
		loop_timer_start_ms(&manager->rest, REST_MS);
}

/* It is empty: its links are the legs' own. */
static void call_free_queue(void *queue)
{
	g_queue_free(queue);
}

int call_manager_new(const struct call_manager_parameters *parameters, struct call_manager **ret_manager)
{
	struct call_manager *manager = g_new0(struct call_manager, 1);
	manager->stack = parameters->stack;
	manager->registrar = parameters->registrar;
	manager->trunks = parameters->trunks;
	manager->media = parameters->media;
	manager->recordings = parameters->recordings;
	manager->bus = parameters->bus;
	manager->router = parameters->router;
	manager->parties = call_parties_new();
	manager->legs_at = g_hash_table_new_full(NULL, NULL, NULL, call_free_queue);
	/* Session ids must not come again after a restart (RFC 8866, section 5.2). */
	manager->next_session_id = (uint64_t)g_get_real_time();
	manager->next_call_number = g_random_int();
	loop_timer_init(&manager->rest, sip_stack_loop(manager->stack), call_rest, manager);
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
	call_records_tell(manager);
	call_surveys_abandon(manager);
	while (manager->legs.head)
		leg_free(manager->legs.head->data);
	while (manager->lingering.head)
		leg_free(manager->lingering.head->data);
	g_hash_table_unref(manager->announcements);
	g_hash_table_unref(manager->legs_at);
	g_hash_table_unref(manager->parties);
	config_unref(manager->snapshot);
	loop_timer_stop(&manager->rest);
	g_free(manager->domain);
	g_free(manager);
	return NULL;
}

void call_manager_reload(struct call_manager *manager, const struct config_snapshot *snapshot)
{
	call_manager_configure(manager, snapshot);
}

void call_manager_forget(struct call_manager *manager)
{
	if (!manager->is_draining || manager->calls.head || manager->records.head || !manager->drained)
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
	*ret_counts = (struct call_counts){
		.calls = manager->calls.length,
		.legs = manager->legs.length,
		.lingering_legs = manager->lingering.length,
	};
}

/* False: no new call is taken now. */
static bool call_manager_has_room(struct call_manager *manager, char phrase[static CALL_PHRASE_BYTES])
{
	if (manager->is_draining) {
		base_copy_text(phrase, CALL_PHRASE_BYTES, "the gateway is shutting down");
		return false;
	}
	if (manager->calls.length < manager->limit)
		return true;
	metrics_add(&calls_over_limit, 1);
	snprintf(phrase, CALL_PHRASE_BYTES, "the gateway is at its limit of %zu calls", manager->limit);
	return false;
}

/* Who takes somebody's place begins no call of his. */
static bool call_manager_may_begin(struct call_manager *manager, const struct sip_message *invite, const struct route_party *sender,
				   char phrase[static CALL_PHRASE_BYTES])
{
	struct call_beginning beginning = {.name = route_party_name(sender), .is_trunk = sender->trunk};
	return sip_message_header(invite, "Replaces", 0) || call_may_begin(manager, &beginning, phrase);
}

void call_manager_invite(struct call_manager *manager, struct sip_server_transaction *transaction,
			 const struct route_party *sender, const struct route_decision *decision)
{
	struct sip_message *invite = sip_server_transaction_request(transaction);
	char phrase[CALL_PHRASE_BYTES];
	if (decision->is_emergency || (call_manager_has_room(manager, phrase) &&
				       call_manager_may_begin(manager, invite, sender, phrase))) {
		call_start(manager, transaction, sender, decision);
		return;
	}
	struct sip_message *response = sip_response_new(invite, 503, phrase, NULL);
	sip_message_add_header(response, "Retry-After", "10");
	sip_server_transaction_respond(transaction, response);
}
