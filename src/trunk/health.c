/* How a hop is doing: what calls and OPTIONS have heard of it. It is down after some failures in a row, up after some answers. */
#include "base/log.h"
#include "crypto/random.h"
#include "sip/capabilities.h"
#include "trunk/internal.h"
#include "config.h"

#define HEALTH_DOWN_FAILURES 3
#define HEALTH_UP_SUCCESSES  2
#define HEALTH_PATIENCE_MS   2000 /* with an OPTIONS; several lie in it where the transport loses */
#define HEALTH_AGAIN_MS	     1000 /* until the next, while the last ones do not say the same as those before */
#define HEALTH_RINGING_MS    500  /* the same after an answer, while calls ring there: they would ring for ever where nobody is left */
#define HEALTH_REFUSED_MS    250  /* ... and after a refusal, which no loss on the way looks like */
#define HEALTH_SECONDS	     30	  /* by default, where there is another hop to go to */
#define TOKEN_CHARACTERS     24

static const char *hop_state_name(enum trunk_hop_state state)
{
	static const char *const names[] = {[TRUNK_HOP_UP] = "up", [TRUNK_HOP_DOWN] = "down"};
	return names[state];
}

static int64_t now_us(const struct trunk_hop *hop)
{
	return loop_now_us(hop->peer->trunk->loop);
}

static bool is_watched(const struct trunk_hop *hop)
{
	return hop->interval_ms > 0;
}

bool trunk_hop_is_up(const struct trunk_hop *hop)
{
	return hop->state == TRUNK_HOP_UP;
}

bool trunk_hop_is_usable(const struct trunk_hop *hop)
{
	return hop->state == TRUNK_HOP_UP && now_us(hop) >= hop->skip_until_us && now_us(hop) >= hop->asked_until_us;
}

/* Where calls go instead, for people. */
static char *describe_rest(const struct trunk_hop *hop)
{
	g_autoptr(GPtrArray) hops = trunk_hops_in_order(hop->peer->trunk);
	const struct trunk_hop *next = hops->len ? hops->pdata[0] : NULL;
	if (next && trunk_hop_is_usable(next))
		return g_strdup_printf("calls go to %s", next->name);
	return g_strdup("no other peer serves");
}

static void tell_watches(struct trunk_hop *hop)
{
	trunk_hop_ref(hop);
	while (hop->watches.head) { /* each may end others */
		struct trunk_hop_watch *watch = g_queue_peek_head(&hop->watches);
		trunk_hop_watch_stop(watch);
		watch->down(watch->data, hop);
	}
	trunk_hop_unref(hop);
}

static void publish(const struct trunk_hop *hop, const char *cause)
{
	struct event_trunk_peer_changed event = {
		.trunk = trunk_name(hop->peer->trunk),
		.peer = hop->name,
		.is_up = hop->state == TRUNK_HOP_UP,
		.cause = cause,
	};
	event_publish_trunk_peer_changed(hop->peer->trunk->events, &event);
}

/* Silence tells of those only who have been heard: there are peers that serve calls and no OPTIONS. */
static bool is_gone(const struct trunk_hop *hop)
{
	return hop->has_answered || hop->heard == TRUNK_HOP_REFUSED;
}

static void set_state(struct trunk_hop *hop, enum trunk_hop_state state, const char *cause)
{
	struct trunk *trunk = hop->peer->trunk;
	if (hop->state == state)
		return;
	log_debug(NULL, "trunk %s: %s is %s, now %s", trunk_name(trunk), hop->name, hop_state_name(hop->state), hop_state_name(state));
	hop->state = state;
	metrics_set(&hop->gauge, state == TRUNK_HOP_UP);
	if (state == TRUNK_HOP_UP) {
		hop->skip_until_us = 0;
		log_info(NULL, "trunk %s: %s answers again", trunk_name(trunk), hop->name);
	} else {
		g_autofree char *rest = describe_rest(hop);
		log_warning(NULL, "trunk %s: %s does not answer (%s; for %.0f s by now); %s", trunk_name(trunk), hop->name, cause,
			    (double)(now_us(hop) - hop->failing_since_us) / 1e6, rest);
	}
	publish(hop, cause);
	trunk_own_follow(trunk);
	if (state == TRUNK_HOP_UP)
		trunk_own_renew(trunk); /* it may have been started anew, and know nobody */
	else if (is_gone(hop))
		tell_watches(hop);
}

static void note_failure(struct trunk_hop *hop, const char *cause)
{
	hop->n_successes = 0;
	if (!hop->n_failures++)
		hop->failing_since_us = now_us(hop);
	if (hop->n_failures >= HEALTH_DOWN_FAILURES)
		set_state(hop, TRUNK_HOP_DOWN, cause);
}

static void note_success(struct trunk_hop *hop)
{
	hop->n_failures = 0;
	if (++hop->n_successes < HEALTH_UP_SUCCESSES)
		return;
	hop->skip_until_us = 0;
	set_state(hop, TRUNK_HOP_UP, "it answers again");
}

/* --- what calls have heard --- */

void trunk_hop_failed(struct trunk_hop *hop, const char *cause, uint32_t retry_after_s)
{
	struct trunk *trunk = hop->peer->trunk;
	bool was_usable = trunk_hop_is_usable(hop);
	if (retry_after_s)
		hop->asked_until_us = now_us(hop) + MIN(retry_after_s, TRUNK_RETRY_AFTER_MAX_S) * INT64_C(1000000);
	else
		hop->skip_until_us = now_us(hop) + TRUNK_SKIP_MS * INT64_C(1000);
	if (was_usable) {
		g_autofree char *rest = describe_rest(hop);
		log_warning(NULL, "trunk %s: %s does not serve (%s); %s", trunk_name(trunk), hop->name, cause, rest);
	}
	if (!is_watched(hop))
		return;
	note_failure(hop, cause);
	if (!hop->probe)
		loop_timer_start_ms(&hop->timer, 0);
}

void trunk_hop_declined(struct trunk_hop *hop, const char *cause)
{
	log_info(NULL, "trunk %s: %s does not serve (%s)", trunk_name(hop->peer->trunk), hop->name, cause);
}

void trunk_hop_answered(struct trunk_hop *hop)
{
	hop->skip_until_us = 0;
	if (hop->n_failures || hop->state == TRUNK_HOP_DOWN)
		note_success(hop);
}

void trunk_hop_watch_start(struct trunk_hop_watch *watch, struct trunk_hop *hop, void (*down)(void *data, struct trunk_hop *hop),
			   void *data)
{
	*watch = (struct trunk_hop_watch){.down = down, .data = data, .hop = hop, .link.data = watch};
	g_queue_push_tail_link(&hop->watches, &watch->link);
	/* Sooner, never later: calls that come and go may not put it off. */
	if (is_watched(hop) && !hop->probe && hop->timer.due_us > now_us(hop) + HEALTH_RINGING_MS * INT64_C(1000))
		loop_timer_start_ms(&hop->timer, HEALTH_RINGING_MS);
}

void trunk_hop_watch_stop(struct trunk_hop_watch *watch)
{
	if (watch->hop)
		g_queue_unlink(&watch->hop->watches, &watch->link);
	watch->hop = NULL;
}

/* --- OPTIONS --- */

/* Silence is never asked again the sooner, whoever rings there: on a line that loses it would be the sooner taken for the end. */
static void schedule(struct trunk_hop *hop)
{
	static const int64_t ringing_ms[] = {
		[TRUNK_HOP_ANSWERED] = HEALTH_RINGING_MS,
		[TRUNK_HOP_REFUSED] = HEALTH_REFUSED_MS,
		[TRUNK_HOP_SILENT] = HEALTH_AGAIN_MS,
	};
	bool is_undecided = hop->state == TRUNK_HOP_UP ? hop->n_failures : hop->n_successes;
	int64_t delay_ms = hop->interval_ms - g_random_int_range(0, (gint32)(hop->interval_ms / 10) + 1);
	if (is_undecided)
		delay_ms = MIN(delay_ms, HEALTH_AGAIN_MS);
	if (hop->watches.length)
		delay_ms = MIN(delay_ms, ringing_ms[hop->heard]);
	loop_timer_start_ms(&hop->timer, delay_ms);
}

static void detach(struct trunk_hop *hop)
{
	if (hop->probe)
		sip_client_transaction_detach(hop->probe);
	hop->probe = NULL;
}

static void probe_failed(struct trunk_hop *hop, enum trunk_hop_heard heard, const char *cause)
{
	detach(hop);
	hop->heard = heard;
	note_failure(hop, cause);
	schedule(hop);
}

static void on_response(void *user, struct sip_client_transaction *transaction, struct sip_message *response)
{
	struct trunk_hop *hop = user;
	unsigned status = sip_message_status(response);
	if (status < 200)
		return;
	hop->has_answered = true;
	if (status == 503 || status == 408) {
		g_autofree char *cause = g_strdup_printf("%u to OPTIONS", status);
		probe_failed(hop, TRUNK_HOP_SILENT, cause);
		return;
	}
	detach(hop);
	hop->heard = TRUNK_HOP_ANSWERED;
	note_success(hop);
	schedule(hop);
}

static void on_ended(void *user, struct sip_client_transaction *transaction, enum sip_client_end end)
{
	struct trunk_hop *hop = user;
	hop->probe = NULL;
	if (end == SIP_CLIENT_TIMEOUT)
		probe_failed(hop, TRUNK_HOP_SILENT, "no response to OPTIONS");
	else
		probe_failed(hop, TRUNK_HOP_REFUSED, "no connection");
}

static bool gives_up(void *user, struct sip_client_transaction *transaction)
{
	return true;
}

static const struct sip_client_handler handler = {.response = on_response, .ended = on_ended, .gives_up = gives_up};

static void send_probe(struct trunk_hop *hop)
{
	struct sip_stack *stack = hop->peer->trunk->stack;
	struct sip_flow *flow = trunk_hop_flow(hop, stack);
	if (!flow) {
		probe_failed(hop, TRUNK_HOP_SILENT, "there is no way to it");
		return;
	}
	char token[TOKEN_CHARACTERS + 1];
	crypto_random_token(token, TOKEN_CHARACTERS);
	g_autofree char *uri = trunk_hop_uri(hop, NULL), *contact = sip_flow_contact(flow, NULL);
	g_autofree char *from = g_strdup_printf("%s;tag=%.12s", contact, token), *to = g_strdup_printf("<%s>", uri);
	struct sip_message *request = sip_request_new(SIP_METHOD_OPTIONS, uri, from, to, token, 1);
	sip_message_add_header(request, "Contact", contact);
	sip_message_add_header(request, "Accept", "application/sdp");
	sip_message_add_header(request, "User-Agent", "Tandem/" PACKAGE_VERSION);
	sip_message_add_capabilities(request);
	hop->probe = sip_client_transaction_start(stack, request, flow, &handler, hop);
	sip_message_unref(request);
	sip_flow_unref(flow);
	loop_timer_start_ms(&hop->timer, HEALTH_PATIENCE_MS);
}

static void on_timer(void *data)
{
	struct trunk_hop *hop = data;
	if (hop->probe)
		probe_failed(hop, TRUNK_HOP_SILENT, "no response to OPTIONS");
	else
		send_probe(hop);
}

/* --- whether --- */

void trunk_health_init(struct trunk_hop *hop)
{
	loop_timer_init(&hop->timer, hop->peer->trunk->loop, on_timer, hop);
}

void trunk_health_stop(struct trunk_hop *hop)
{
	bool was_down = hop->state == TRUNK_HOP_DOWN;
	loop_timer_stop(&hop->timer);
	detach(hop);
	if (is_watched(hop))
		metrics_unregister(&hop->gauge);
	hop->interval_ms = 0;
	hop->state = TRUNK_HOP_UP; /* nobody would see it come back */
	if (was_down)
		publish(hop, "it is not asked any more");
}

static void start(struct trunk_hop *hop, int64_t interval_ms)
{
	struct trunk *trunk = hop->peer->trunk;
	hop->interval_ms = interval_ms;
	hop->n_failures = hop->n_successes = 0;
	hop->has_answered = false;
	hop->gauge = (struct metrics_item){
	    .type = METRICS_TYPE_GAUGE,
	    .name = "tandem_trunk_peer_up",
	    .help = "Whether a peer of the trunk answers, at one of its addresses.",
	    .label = {"trunk", trunk_name(trunk), "peer", hop->name},
	    .value = 1,
	};
	metrics_register(&hop->gauge);
	loop_timer_start_ms(&hop->timer, 0);
}

/* By default where it helps: where there is another way. */
static int64_t interval_ms(const struct trunk *trunk)
{
	const char *const option = "options_seconds";
	if (config_is_set(trunk->snapshot, "trunks", trunk->index, option))
		return config_integer(trunk->snapshot, "trunks", trunk->index, option) * 1000;
	guint n_hops = 0;
	for (guint i = 0; i < trunk->peers->len; i++)
		n_hops += trunk_peer_hops(trunk, i)->len;
	return n_hops > 1 ? HEALTH_SECONDS * 1000 : 0;
}

void trunk_health_look(struct trunk *trunk)
{
	int64_t wanted_ms = trunk->stack && !trunk->retired ? interval_ms(trunk) : 0;
	for (guint i = 0; i < trunk->peers->len; i++) {
		const GPtrArray *hops = trunk_peer_hops(trunk, i);
		for (guint j = 0; j < hops->len; j++) {
			struct trunk_hop *hop = hops->pdata[j];
			bool is_wanted = wanted_ms && sip_stack_listens(trunk->stack, hop->transport, net_address_is_ipv6(&hop->address));
			if (is_watched(hop) && !is_wanted)
				trunk_health_stop(hop);
			else if (!is_watched(hop) && is_wanted)
				start(hop, wanted_ms);
		}
	}
}

unsigned trunk_count_down(const struct trunk *trunk)
{
	unsigned n = 0;
	for (guint i = 0; i < trunk->peers->len; i++)
		for (guint j = 0; j < trunk_peer_hops(trunk, i)->len; j++)
			n += !trunk_hop_is_up(trunk_peer_hops(trunk, i)->pdata[j]);
	return n;
}

bool trunk_is_down(const struct trunk *trunk)
{
	g_autoptr(GPtrArray) hops = trunk_hops_in_order(trunk);
	return hops->len && !trunk_hop_is_up(hops->pdata[0]);
}
