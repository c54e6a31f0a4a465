/* The called side of a call: the devices of a user, a trunk, a built-in. */
#include "call/call_private.h"
#include "sip/status.h"
#include "sip/uri.h"
#include <string.h>

static void call_add_identity_header(void *leg, const char *name, const char *value)
{
	leg_add_invite_header(leg, name, value);
}

/* The user whose call it is at a trunk's peer: who stays, or, if that is no user of ours, who sends him on. NULL. */
static const char *call_user_for_trunk(const struct call *call)
{
	const struct leg *stayer = call_stayer(call), *leaving = call->leaving;
	if (stayer && stayer->endpoint)
		return registrar_endpoint_user(stayer->endpoint);
	return leaving && leaving->endpoint ? registrar_endpoint_user(leaving->endpoint) : NULL;
}

/* Who he is there; borrowed; NULL: nobody of his own. */
static struct trunk_account *call_account(const struct call *call, const struct trunk *trunk)
{
	const char *user = call_user_for_trunk(call);
	return user ? trunks_account(call->manager->trunks, user, trunk_name(trunk)) : NULL;
}

void call_add_attempt(struct call *call, struct leg *leg, const char *to, const char *target)
{
	struct trunk_account *account = leg->trunk ? call_account(call, leg->trunk) : NULL;
	struct route_party party = {.endpoint = leg->endpoint, .trunk = leg->trunk};
	struct route_identity_audience audience = route_party_audience(&party, call->manager->domain);
	audience.address = account ? trunk_account_address_of_record(account) : NULL;
	/* Who calls: the caller, or the called one who is sent on to somebody else. */
	struct route_identity *other = call->leaving == call->caller ? route_identity_new(call->called_name) : NULL;
	const struct route_identity *identity = other ? other : call->identity;
	g_autofree char *from = route_identity_from(identity, &audience);
	leg->dialog = sip_dialog_new_caller(from, to, target);
	leg->dialled = g_strdup(target);
	leg->contact_user = g_strdup(account ? trunk_account_contact_user(account)
					 : route_identity_shown_user(identity, &audience));
	route_identity_headers(identity, &audience, call_add_identity_header, leg);
	route_identity_free(other);
	if (account)
		leg_set_account(leg, account);
	if (call->referred_by)
		leg_add_invite_header(leg, "Referred-By", call->referred_by);
	if (call->replaces) {
		leg_add_invite_header(leg, "Replaces", call->replaces);
		leg_add_invite_header(leg, "Require", "replaces"); /* without that dialog there is to be no call */
	}
	call->attempts[call->n_attempts++] = leg;
	leg_prepare_media(leg, true);
}

/* What a browser is offered for a trunk that has offered nothing yet: first what every telephone has, so that the trunk
 * can take the browser's choice. */
static const char *const *call_codecs_for_trunk(const struct leg *trunk_leg)
{
	static const char *const common[] = {"PCMU", "PCMA", "G722", "opus", NULL};
	return trunk_leg->codecs ? (const char *const *)trunk_leg->codecs : common;
}

static void call_add_browser(struct call *call, struct leg *leg, const char *to, const struct registrar_contact *contact)
{
	call_add_attempt(call, leg, to, contact->uri);
	sip_dialog_preload_route(leg->dialog, contact->path);
}

/* Rings at the devices of a user that are there. */
static void call_ring_user(struct call *call, const char *user, const char *device)
{
	struct call_manager *manager = call->manager;
	const struct leg *dialler = call_stayer(call);
	struct registrar_contact contacts[CALL_ATTEMPTS_MAX];
	size_t n_contacts = registrar_lookup(manager->registrar, user, device, contacts, G_N_ELEMENTS(contacts));
	g_autofree char *escaped = sip_uri_escape_user(user);
	g_autofree char *to = g_strdup_printf("<sip:%s@%s>", escaped, manager->domain);
	for (size_t i = 0; i < n_contacts && call->n_attempts < CALL_ATTEMPTS_MAX; i++) {
		if (dialler && contacts[i].endpoint == dialler->endpoint)
			continue; /* nobody calls himself on the same device */
		struct leg *leg = leg_new_browser(call, contacts[i].endpoint);
		if (dialler && dialler->kind == LEG_TRUNK && dialler->exchange == LEG_EXCHANGE_OFFER_OWED && !leg->codecs)
			leg_set_codecs(leg, call_codecs_for_trunk(dialler));
		call_add_browser(call, leg, to, &contacts[i]);
	}
}

/* Where his calls are as many as they may be he is busy. */
static bool call_user_has_room(struct call *call, const struct route_stage *stage, const char *user)
{
	struct call_beginning beginning = {.name = user, .is_called_user = true, .call = call};
	char phrase[CALL_PHRASE_BYTES];
	if (stage->to.is_emergency || call_may_begin(call->manager, &beginning, phrase))
		return true;
	call_note_failure(call, NULL, ROUTE_CAUSE_BUSY, 486, phrase);
	return false;
}

/* A proof that the browser has made covers the Request-URI as the browser wrote it. */
static char *call_trunk_uri(const struct call *call, const struct leg *leg, const struct route_decision *decision)
{
	const char *number = decision->number;
	const struct trunk *trunk = leg->trunk;
	const struct trunk_account *account = call_account(call, trunk);
	const struct leg *caller = call->caller;
	if (!account)
		return trunk_hop_uri(leg->way.hop, number);
	if (trunk_account_digest(account))
		return trunk_address_of_record(trunk, number);
	const char *written = caller->invite_server
				      ? sip_message_request_uri(sip_server_transaction_request(caller->invite_server))
				      : NULL;
	if (registrar_uri_is_ours(call->manager->registrar, written) && decision->is_as_dialled)
		return g_strdup(written);
	return registrar_address_of_record(call->manager->registrar, number);
}

static unsigned call_dial_trunk(struct call *call, const struct route_decision *decision)
{
	struct trunk *trunk = trunk_find(call->manager->trunks, decision->name);
	if (!trunk)
		return 404;
	GPtrArray *hops = trunk_hops(trunk);
	if (!hops->len) {
		log_warning(&call->log, trunk_is_found(trunk) ? "nothing listens with the transport and address family of trunk %s"
							      : "the address of trunk %s is not known",
			    trunk_name(trunk));
		g_ptr_array_unref(hops);
		return 503;
	}
	struct call_beginning beginning = {.name = trunk_name(trunk), .is_trunk = true, .call = call};
	char phrase[CALL_PHRASE_BYTES];
	if (!decision->is_emergency && !call_may_begin(call->manager, &beginning, phrase)) {
		call_note_failure(call, NULL, ROUTE_CAUSE_NO_ANSWER, 503, phrase);
		g_ptr_array_unref(hops);
		return 503;
	}
	struct leg *leg = leg_new_trunk(call, trunk);
	leg_take_hops(leg, hops);
	g_autofree char *uri = call_trunk_uri(call, leg, decision);
	g_autofree char *to = g_strdup_printf("<%s>", uri);
	call_add_attempt(call, leg, to, uri);
	return 0;
}

/* The numbers that ring with users. */
static unsigned call_dial_numbers(struct call *call, const struct route_stage *stage)
{
	unsigned status = 0;
	for (size_t i = 0; i < stage->n_numbers && call->n_attempts < CALL_ATTEMPTS_MAX; i++) {
		const struct route_decision *to = &stage->numbers[i];
		if (to->target == ROUTE_TRUNK)
			status = call_dial_trunk(call, to);
		else
			log_warning(&call->log, "%s %s: %s is not called, no route takes it to a trunk", route_target_name(stage->to.target),
				    stage->to.name, to->number);
	}
	return status;
}

static unsigned call_dial_users(struct call *call, const struct route_stage *stage)
{
	const char *device = *stage->to.device ? stage->to.device : NULL;
	bool is_known = false;
	for (const char *const *user = stage->users; *user; user++) {
		if (call_user_has_room(call, stage, *user))
			call_ring_user(call, *user, device);
		is_known |= registrar_has_user(call->manager->registrar, *user);
	}
	unsigned status = call_dial_numbers(call, stage);
	if (call->n_attempts)
		return 0;
	return status ? status : is_known ? 480 : 404;
}

static unsigned call_dial_builtin(struct call *call, const struct route_decision *decision)
{
	static const enum media_builtin builtins[] = {
		[ROUTE_BUILTIN_ECHO] = MEDIA_BUILTIN_ECHO,
		[ROUTE_BUILTIN_DELAYED_ECHO] = MEDIA_BUILTIN_DELAYED_ECHO,
		[ROUTE_BUILTIN_MILLIWATT] = MEDIA_BUILTIN_MILLIWATT,
		[ROUTE_BUILTIN_MUSIC] = MEDIA_BUILTIN_MUSIC,
		[ROUTE_BUILTIN_ANNOUNCEMENT] = MEDIA_BUILTIN_ANNOUNCEMENT,
	};
	if (call_is_up(call) && !call_stayer(call))
		return 603; /* one built-in is not joined with another */
	struct media_leg_options options = {
		.kind = MEDIA_LEG_BUILTIN,
		.builtin = builtins[decision->builtin],
		.name = decision->name,
	};
	if (decision->builtin == ROUTE_BUILTIN_ANNOUNCEMENT) {
		options.announcement = call_announcement(call->manager, decision->name, &options.n_rounds);
		if (!options.announcement)
			return 503;
	}
	call->builtin = media_leg_new(call->media, &options);
	return 0;
}

bool call_dial_stage(struct call *call, const struct route_stage *stage)
{
	unsigned status = stage->users ? call_dial_users(call, stage)
			: stage->to.target == ROUTE_TRUNK ? call_dial_trunk(call, &stage->to)
			: call_dial_builtin(call, &stage->to);
	if (status)
		call_note_failure(call, NULL, ROUTE_CAUSE_UNREGISTERED, status, NULL);
	return !status;
}

void call_let_go(struct leg *leg, const char *reason)
{
	call_leave_recordings(leg->call, leg);
	leg->media = media_leg_free(leg->media);
	leg_release(leg, 0, NULL, reason);
}

static void call_remove_attempt(struct call *call, size_t index)
{
	if (call->called == call->attempts[index])
		call->called = NULL;
	call->attempts[index] = call->attempts[--call->n_attempts];
}

void call_take_attempt(struct call *call, const struct leg *leg)
{
	for (size_t i = 0; i < call->n_attempts; i++)
		if (call->attempts[i] == leg)
			call_remove_attempt(call, i);
}

void call_drop_attempts(struct call *call, const char *reason)
{
	while (call->n_attempts) {
		struct leg *leg = call->attempts[call->n_attempts - 1];
		call_remove_attempt(call, call->n_attempts - 1);
		call_let_go(leg, reason);
	}
}

/* A code that says nothing ("it went wrong") gives way to the one that a telephone network's cause stands for. */
static unsigned call_status_to_tell(const struct call *call)
{
	bool is_vague = call->failure.status == 480 || call->failure.status == 500 || call->failure.status == 503;
	unsigned status = is_vague ? sip_cause_status(call->failure.cause.q850) : 0;
	return status ? status : sip_status_for_other_side(call->failure.status);
}

/* Nobody is left who could answer. */
static bool call_dial_failed(struct call *call)
{
	/* A challenge that the caller is to answer is his to see. */
	const struct sip_message *challenge = call->caller->challenge;
	bool is_question = challenge && sip_message_status(challenge) == call->failure.status;
	unsigned told = is_question ? call->failure.status : call_status_to_tell(call);
	g_autofree char *phrase = told == call->failure.status ? g_strdup(call->failure.phrase) : NULL;
	if (call_is_up(call))
		return call_give_up_replacing(call, told, phrase);
	g_autofree char *cause = g_strdup(call->failure.words);
	call_end(call, EVENT_SIDE_CALLED, told, phrase, cause);
	return false;
}

/* A browser that cannot read an offer of DTLS may be one of those that know keys in descriptions only. What it answers is
 * remembered with its endpoint. */
static struct leg *call_browser_with_keys(struct call *call, const struct leg *leg)
{
	struct registrar_contact contacts[CALL_ATTEMPTS_MAX];
	size_t i, n = registrar_lookup(call->manager->registrar, registrar_endpoint_user(leg->endpoint), NULL, contacts,
				       G_N_ELEMENTS(contacts));
	for (i = 0; i < n && contacts[i].endpoint != leg->endpoint; i++)
		;
	if (leg->sdes != NEGOTIATE_SDES_ALLOWED || i == n)
		return NULL;
	struct leg *again = leg_new_browser(call, leg->endpoint);
	again->sdes = NEGOTIATE_SDES_WANTED;
	leg_set_codecs(again, (const char *const *)leg->codecs);
	call_add_browser(call, again, leg->dialog->remote_uri, &contacts[i]);
	return again;
}

/* A telephone may have none of the usual codecs. */
static struct leg *call_trunk_with_all_codecs(struct call *call, struct leg *leg)
{
	const struct sdp_converter *converter = media_engine_converter(call->manager->media);
	if (leg->codecs || leg->offers_all_codecs || !converter || converter->n_formats == converter->n_usual)
		return NULL;
	struct leg *again = leg_new_trunk(call, leg->trunk);
	again->offers_all_codecs = true;
	again->way.hop = trunk_hop_ref(leg->way.hop);
	again->way.further = g_steal_pointer(&leg->way.further);
	call_add_attempt(call, again, leg->dialog->remote_uri, leg->dialled);
	return again;
}

/* Whoever refuses what he was offered is asked once more, in another way if there is one. */
static bool call_attempt_again(struct call *call, struct leg *leg, unsigned status)
{
	bool is_about_media = status == 415 || status == 488 || status == 606;
	if (!is_about_media || leg->state == LEG_NEW)
		return false;
	struct leg *again = leg->kind == LEG_BROWSER ? call_browser_with_keys(call, leg)
						     : call_trunk_with_all_codecs(call, leg);
	if (!again)
		return false;
	log_info(&leg->log, "refused the offer with %u; offering media %s", status,
		 leg->kind == LEG_BROWSER ? "without DTLS" : "in every codec there is");
	call_take_attempt(call, leg);
	call_let_go(leg, NULL);
	return true;
}

/* A hop of a trunk that does not serve is no answer (RFC 3263, section 4.3): the next one is called. */
static bool call_attempt_elsewhere(struct call *call, struct leg *leg)
{
	struct sip_uri dialled;
	if (!leg->way.unserved || !leg->way.further || !leg->way.further->len || sip_uri_parse(leg->dialled, &dialled) < 0)
		return false;
	struct leg *next = leg_new_trunk(call, leg->trunk);
	next->offers_all_codecs = leg->offers_all_codecs;
	leg_take_hops(next, g_steal_pointer(&leg->way.further));
	g_autofree char *uri = leg->account ? g_strdup(leg->dialled) : trunk_hop_uri(next->way.hop, dialled.user);
	log_info(&leg->log, "%s: %s; the call goes on to %s", trunk_hop_name(leg->way.hop), leg->way.unserved, trunk_hop_name(next->way.hop));
	call_add_attempt(call, next, leg->dialog->remote_uri, uri);
	call_take_attempt(call, leg);
	call_let_go(leg, NULL);
	return true;
}

/* So are strangers refused: perhaps the peer has lost its memory of us. */
static void call_doubt(const struct leg *leg)
{
	if (leg->trunk)
		trunk_doubt(leg->trunk);
	if (leg->account)
		trunk_account_doubt(leg->account);
}

bool call_attempt_failed(struct call *call, struct leg *leg, unsigned status, const char *phrase)
{
	if (call_attempt_again(call, leg, status) || call_attempt_elsewhere(call, leg))
		return true;
	if (status == 403 || status == 404)
		call_doubt(leg);
	call_note_failure(call, leg, route_cause_of_status(status), status, phrase);
	call_take_attempt(call, leg);
	call_let_go(leg, NULL);
	return call->n_attempts || call_follow_redirection(call) || call_go_on(call) || call_dial_failed(call);
}

/* What can be done about an attempt by now. False: the call has ended, or has been advanced. */
static bool call_advance_attempt(struct call *call, struct leg *leg)
{
	if (leg->state == LEG_INCOMING)
		return call_admit(call, leg);
	unsigned status = 0;
	if (leg_make_offer(leg, call_stayer(call)) < 0)
		status = 488;
	else if (leg_send_invite(leg) < 0)
		status = leg->kind == LEG_TRUNK ? 503 : 480;
	if (status == 503)
		leg_note_unserved(leg, "there is no way to it");
	return !status || call_attempt_failed(call, leg, status, NULL);
}

bool call_advance_attempts(struct call *call)
{
	for (size_t i = call->n_attempts; i-- > 0;) {
		if (i >= call->n_attempts) /* they have become fewer */
			continue;
		struct leg *leg = call->attempts[i];
		if (leg->state != LEG_NEW && leg->state != LEG_INCOMING)
			continue;
		if (!leg_is_absent(leg) && leg_has_transports(leg, call_stayer(call)) && !call_advance_attempt(call, leg))
			return false;
	}
	return true;
}
