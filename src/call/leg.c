/* The life of a leg: made, watched over, released, lingering, gone. */
#include "call/leg_session.h"

#include "call/call_private.h"

METRICS_COUNTER(legs_returned, "tandem_absences_total", "Legs whose browser lost its connection, by how that ended.", "outcome",
		"returned");
METRICS_COUNTER(legs_lost, "tandem_absences_total", "Legs whose browser lost its connection, by how that ended.", "outcome",
		"lost");

#define LEG_PARTING_MS 4000
#define BIT(state) (1u << (state))

/* What each state may be followed by. */
static const struct {
	const char *name;
	unsigned followers;
} leg_states[] = {
	[LEG_NEW] = {"new", BIT(LEG_CALLING) | BIT(LEG_INCOMING) | BIT(LEG_ENDED)},
	[LEG_CALLING] = {"calling", BIT(LEG_CONFIRMED) | BIT(LEG_CANCELLING) | BIT(LEG_ENDED)},
	[LEG_INCOMING] = {"incoming", BIT(LEG_ANSWERED) | BIT(LEG_ENDED)},
	[LEG_ANSWERED] = {"answered", BIT(LEG_CONFIRMED) | BIT(LEG_AWAITING_ACK) | BIT(LEG_ENDING) | BIT(LEG_ENDED)},
	[LEG_CONFIRMED] = {"confirmed", BIT(LEG_PARTING) | BIT(LEG_ENDING) | BIT(LEG_ENDED)},
	[LEG_CANCELLING] = {"cancelling", BIT(LEG_ENDING) | BIT(LEG_ENDED)},
	[LEG_PARTING] = {"parting", BIT(LEG_ENDING) | BIT(LEG_ENDED)},
	[LEG_AWAITING_ACK] = {"awaiting ACK", BIT(LEG_ENDING) | BIT(LEG_ENDED)},
	[LEG_ENDING] = {"ending", BIT(LEG_ENDED)},
	[LEG_ENDED] = {"ended", 0},
};

const char *leg_state_name(enum leg_state state)
{
	return leg_states[state].name;
}

const char *leg_exchange_name(enum leg_exchange exchange)
{
	static const char *const names[] = {
		[LEG_EXCHANGE_STABLE] = "stable",
		[LEG_EXCHANGE_LOCAL_OFFER] = "local offer",
		[LEG_EXCHANGE_EARLY_ANSWER] = "early answer",
		[LEG_EXCHANGE_WITHDRAWN] = "withdrawn",
		[LEG_EXCHANGE_REMOTE_OFFER] = "remote offer",
		[LEG_EXCHANGE_OFFER_OWED] = "offer owed",
	};
	return names[exchange];
}

void leg_set_state(struct leg *leg, enum leg_state state)
{
	if (leg->state == state)
		return;
	if (!(leg_states[leg->state].followers & BIT(state))) {
		log_error(&leg->log, "a leg that is %s cannot become %s", leg_state_name(leg->state), leg_state_name(state));
		g_return_if_reached();
	}
	log_debug(&leg->log, "%s, now %s", leg_state_name(leg->state), leg_state_name(state));
	leg->state = state;
	if (state == LEG_PARTING) {
		loop_timer_start_ms(&leg->linger, LEG_PARTING_MS);
	} else if (state == LEG_ENDING || state == LEG_ENDED) {
		leg_stop_answers(leg);
		loop_timer_start_ms(&leg->linger, SIP_TIMEOUT_MS);
	}
}

bool leg_is_over(const struct leg *leg)
{
	return leg->state >= LEG_CANCELLING;
}

static void leg_linger_over(void *data)
{
	struct leg *leg = data;
	if (leg->state == LEG_PARTING) {
		leg_set_state(leg, LEG_ENDING);
		leg_send_bye(leg);
	} else if (leg->call) { /* who has asked for a transfer and hung up is still told of it */
		loop_timer_start_ms(&leg->linger, SIP_TIMEOUT_MS);
	} else {
		leg_free(leg);
	}
}

static void leg_absence_over(void *data)
{
	struct leg *leg = data;
	metrics_add(&legs_lost, 1);
	if (leg->call)
		call_on_ended(leg->call, leg, CALL_CAUSE_LOST);
}

static void leg_retry_due(void *data)
{
	struct leg *leg = data;
	if (leg->call)
		call_on_retry(leg->call, leg);
}

static void leg_await_return(struct leg *leg)
{
	if (!leg->call || leg_is_over(leg))
		return;
	log_info(&leg->log, "connection closed; the call is kept for its return");
	loop_timer_start_ms(&leg->absence, leg->manager->grace_ms);
}

static void leg_endpoint_changed(void *data, struct registrar_endpoint *endpoint, struct sip_flow *flow)
{
	struct leg *leg = data;
	if (!flow) {
		leg_await_return(leg);
		return;
	}
	if (leg_is_absent(leg))
		metrics_add(&legs_returned, 1);
	loop_timer_stop(&leg->absence);
	leg_move_transactions(leg, flow);
	if (leg->call && !leg_is_over(leg)) {
		log_info(&leg->log, "goes on by another connection");
		call_on_retry(leg->call, leg);
	}
	leg_requests_resume(leg);
}

/* Among its device's, for as long as it has a call. */
static void leg_list_at_device(struct leg *leg)
{
	if (!leg->call)
		return;
	GQueue *legs = g_hash_table_lookup(leg->manager->legs_at, leg->endpoint);
	if (!legs) {
		legs = g_queue_new();
		g_hash_table_insert(leg->manager->legs_at, leg->endpoint, legs);
	}
	g_queue_push_head_link(legs, &leg->endpoint_link);
}

static void leg_unlist_at_device(struct leg *leg)
{
	if (!leg->call || !leg->endpoint)
		return;
	GQueue *legs = g_hash_table_lookup(leg->manager->legs_at, leg->endpoint);
	g_queue_unlink(legs, &leg->endpoint_link);
	if (g_queue_is_empty(legs))
		g_hash_table_remove(leg->manager->legs_at, leg->endpoint);
}

static void leg_take_endpoint(struct leg *leg, struct registrar_endpoint *endpoint)
{
	leg->endpoint = registrar_endpoint_ref(endpoint);
	leg_list_at_device(leg);
	registrar_endpoint_watch_start(&leg->endpoint_watch, endpoint, leg_endpoint_changed, leg);
}

static void leg_leave_endpoint(struct leg *leg)
{
	leg_unlist_at_device(leg);
	registrar_endpoint_watch_stop(&leg->endpoint_watch);
	BASE_CLEAR(&leg->endpoint, registrar_endpoint_unref);
}

const struct leg *leg_at_same_device(const struct leg *leg)
{
	const GQueue *legs = leg->endpoint ? g_hash_table_lookup(leg->manager->legs_at, leg->endpoint) : NULL;
	for (const GList *link = legs ? legs->head : NULL; link; link = link->next) {
		const struct leg *other = link->data;
		if (other->call != leg->call && other->call->media)
			return other;
	}
	return NULL;
}

bool leg_is_absent(const struct leg *leg)
{
	return loop_timer_is_running(&leg->absence);
}

void leg_follow(struct leg *leg, struct sip_flow *flow)
{
	struct registrar_endpoint *endpoint = leg->endpoint ? registrar_endpoint_follow(leg->endpoint, flow) : NULL;
	if (!endpoint || endpoint == leg->endpoint)
		return;
	log_info(&leg->log, "is at another device of its user now");
	leg_leave_endpoint(leg);
	leg_take_endpoint(leg, endpoint);
	leg_endpoint_changed(leg, endpoint, flow);
}

static struct leg *leg_new(struct call *call, enum leg_kind kind)
{
	struct call_manager *manager = call->manager;
	struct leg *leg = g_new0(struct leg, 1);
	leg->manager = manager;
	leg->call = call;
	leg->kind = kind;
	leg->state = LEG_NEW;
	leg->link.data = leg;
	leg->endpoint_link.data = leg;
	leg->party_link.data = leg;
	leg->session_id = manager->next_session_id++;
	leg->unacknowledged = g_ptr_array_new();
	base_copy_text(leg->call_id, sizeof leg->call_id, call->id);
	leg->log = (struct log_context){.call = leg->call_id, .leg = leg->name};
	struct loop *loop = sip_stack_loop(manager->stack);
	loop_timer_init(&leg->absence, loop, leg_absence_over, leg);
	loop_timer_init(&leg->linger, loop, leg_linger_over, leg);
	loop_timer_init(&leg->retry, loop, leg_retry_due, leg);
	leg_init_way(leg);
	leg_reliable_init(leg);
	leg_timer_init(leg);
	g_queue_push_tail_link(&manager->legs, &leg->link);
	return leg;
}

/* DTLS, and keys in the descriptions for those that know nothing else. */
static enum negotiate_sdes leg_sdes_of_browser(const struct registrar_endpoint *endpoint)
{
	switch (registrar_endpoint_media(endpoint)) {
	case REGISTRAR_MEDIA_WEBRTC:
		return NEGOTIATE_SDES_OFF;
	case REGISTRAR_MEDIA_SDES:
		return NEGOTIATE_SDES_WANTED;
	default:
		return NEGOTIATE_SDES_ALLOWED;
	}
}

static enum negotiate_sdes leg_sdes_of_trunk(const struct trunk *trunk)
{
	switch (trunk_srtp(trunk)) {
	case TRUNK_SRTP_REQUIRED:
		return NEGOTIATE_SDES_WANTED;
	case TRUNK_SRTP_OPTIONAL:
		return NEGOTIATE_SDES_ALLOWED;
	default:
		return NEGOTIATE_SDES_OFF;
	}
}

void leg_set_codecs(struct leg *leg, const char *const *codecs)
{
	g_strfreev(leg->codecs);
	leg->codecs = codecs && codecs[0] ? g_strdupv((char **)codecs) : NULL;
}

struct leg *leg_new_browser(struct call *call, struct registrar_endpoint *endpoint)
{
	struct leg *leg = leg_new(call, LEG_BROWSER);
	leg_take_endpoint(leg, endpoint);
	call_party_join(leg);
	leg->sdes = leg_sdes_of_browser(endpoint);
	leg->carries_video = true;
	leg->is_to_be_recorded = registrar_endpoint_record(endpoint);
	leg_set_codecs(leg, registrar_endpoint_codecs(endpoint));
	snprintf(leg->name, sizeof leg->name, "browser %.48s", registrar_endpoint_user(endpoint));
	if (!registrar_endpoint_flow(endpoint))
		leg_await_return(leg);
	return leg;
}

struct leg *leg_new_trunk(struct call *call, struct trunk *trunk)
{
	struct leg *leg = leg_new(call, LEG_TRUNK);
	leg->trunk = trunk_ref(trunk);
	call_party_join(leg);
	leg->sdes = leg_sdes_of_trunk(trunk);
	leg->carries_video = trunk_video(trunk);
	leg->is_to_be_recorded = trunk_record(trunk);
	leg_timer_set_wish(leg, trunk_session_expires_s(trunk, leg->session.seconds));
	leg_set_codecs(leg, trunk_codecs(trunk));
	snprintf(leg->name, sizeof leg->name, "trunk %.48s", trunk_name(trunk));
	return leg;
}

static void leg_drop_session(struct leg *leg)
{
	BASE_CLEAR(&leg->local, sdp_session_free);
	BASE_CLEAR(&leg->remote, sdp_session_free);
	BASE_CLEAR(&leg->pending_local, sdp_session_free);
	BASE_CLEAR(&leg->pending_remote, sdp_session_free);
	leg_set_transports(leg, NULL, 0);
	g_clear_pointer(&leg->trouble, g_free);
}

struct leg *leg_free(struct leg *leg)
{
	if (!leg)
		return NULL;
	leg_unlist_at_device(leg);
	call_party_leave(leg);
	g_queue_unlink(leg->call ? &leg->manager->legs : &leg->manager->lingering, &leg->link);
	leg->call = NULL;
	leg_requests_abandon(leg);
	leg_relays_free(leg);
	loop_timer_stop(&leg->absence);
	loop_timer_stop(&leg->linger);
	loop_timer_stop(&leg->retry);
	loop_timer_stop(&leg->session.timer);
	leg_clear_way(leg);
	leg_reliable_clear(leg);
	leg_leave_endpoint(leg);
	leg_detach_transactions(leg);
	g_ptr_array_free(leg->unacknowledged, true);
	sip_stack_remove_dialog(leg->entry);
	sip_dialog_free(leg->dialog);
	trunk_unref(leg->trunk);
	trunk_account_unref(leg->account);
	sip_message_unref(leg->challenge);
	sip_flow_unref(leg->caller_flow);
	g_free(leg->contact_user);
	g_strfreev(leg->codecs);
	g_free(leg->dialled);
	g_clear_pointer(&leg->invite_headers, g_ptr_array_unref);
	g_free(leg->end_reason);
	g_free(leg->said_words);
	leg_drop_session(leg);
	g_free(leg);
	return NULL;
}

const char *leg_identity(const struct leg *leg)
{
	return leg->kind == LEG_TRUNK ? trunk_identity(leg->trunk) : registrar_endpoint_identity(leg->endpoint);
}

struct sip_flow *leg_flow(struct leg *leg)
{
	if (leg->caller_flow && sip_flow_is_open(leg->caller_flow))
		return sip_flow_ref(leg->caller_flow);
	struct route_party party = {.endpoint = leg->endpoint, .trunk = leg->trunk, .hop = leg->way.hop};
	return route_party_flow(&party, leg->manager->stack, leg->dialog);
}

void leg_aim(struct leg *leg)
{
	struct registrar *registrar = leg->manager->registrar;
	struct registrar_device device;
	struct registrar_contact contact;
	if (!leg->endpoint || registrar_gruu_resolve(registrar, leg->dialog->remote_target, &device) < 0 ||
	    strcmp(device.user, registrar_endpoint_user(leg->endpoint)) ||
	    !registrar_lookup(registrar, device.user, device.instance, &contact, 1))
		return;
	g_free(leg->dialog->remote_target);
	leg->dialog->remote_target = g_strdup(contact.uri);
}

char *leg_contact(struct leg *leg, const struct sip_flow *flow)
{
	return sip_flow_contact(flow, leg->contact_user);
}

void leg_add_standard_headers(struct leg *leg, struct sip_message *message, const struct sip_flow *flow)
{
	g_autofree char *contact = leg_contact(leg, flow);
	sip_message_add_header(message, "Contact", contact);
	sip_message_add_capabilities(message);
	leg_announce_trickle(leg, message);
	sip_message_add_header(message, sip_message_is_request(message) ? "User-Agent" : "Server", "Tandem/" PACKAGE_VERSION);
}

void leg_release(struct leg *leg, unsigned status, const char *phrase, const char *reason)
{
	leg_unlist_at_device(leg);
	call_party_leave(leg);
	g_queue_unlink(&leg->manager->legs, &leg->link);
	g_queue_push_tail_link(&leg->manager->lingering, &leg->link);
	leg->call = NULL;
	leg->media = NULL; /* the session's, which ends with the call */
	loop_timer_stop(&leg->absence);
	loop_timer_stop(&leg->retry);
	leg_stop_waiting(leg);
	loop_timer_stop(&leg->session.timer);
	leg->end_reason = g_strdup(reason);
	leg_relays_abandon(leg);
	if (!leg_referral_is_open(leg))
		leg_requests_abandon(leg);
	if (leg->offer_server)
		leg_refuse_offer(leg, 481, NULL);
	if (leg->invite_server)
		leg_respond_failure(leg, status ? status : 487, phrase);
	switch (leg->state) {
	case LEG_NEW:
	case LEG_INCOMING:
		leg_set_state(leg, LEG_ENDED);
		break;
	case LEG_CALLING:
		leg_set_state(leg, LEG_CANCELLING);
		leg_cancel_invite(leg, reason);
		break;
	case LEG_ANSWERED:
		leg_set_state(leg, LEG_AWAITING_ACK);
		break;
	case LEG_CONFIRMED:
		if (leg_referral_has_succeeded(leg)) {
			leg_set_state(leg, LEG_PARTING);
			break;
		}
		leg_set_state(leg, LEG_ENDING);
		leg_send_bye(leg);
		break;
	default: /* on its way already */
		break;
	}
	leg_drop_session(leg);
}
