/* The called side of a call: the devices of a user, a trunk, a built-in. */
#include "call/call_private.h"
#include "sip/uri.h"

static char *call_from(const struct call *call)
{
	g_autofree char *user = sip_uri_escape_user(call->from_user);
	if (call->display_name)
		return g_strdup_printf("\"%s\" <sip:%s@%s>", call->display_name, user, call->manager->domain);
	return g_strdup_printf("<sip:%s@%s>", user, call->manager->domain);
}

static void call_add_attempt(struct call *call, struct leg *leg, const char *to, const char *target)
{
	g_autofree char *from = call_from(call);
	leg->dialog = sip_dialog_new_caller(from, to, target);
	leg->contact_user = g_strdup(call->from_user);
	call->attempts[call->n_attempts++] = leg;
	leg_prepare_media(leg, true);
}

/* What a browser is offered for a trunk that has offered nothing yet: first what every telephone has, so that the trunk
 * can take the browser's choice. */
static const char *const *call_codecs_for_trunk(const struct leg *trunk_leg)
{
	static const char *const common[] = {"PCMU", "PCMA", "G722", "opus", NULL};
	return trunk_leg->codecs ? trunk_leg->codecs : common;
}

static unsigned call_dial_user(struct call *call, const struct route_decision *decision)
{
	struct call_manager *manager = call->manager;
	const char *user = decision->name;
	const char *device = *decision->device ? decision->device : NULL;
	struct registrar_contact contacts[CALL_ATTEMPTS_MAX];
	size_t n_contacts = registrar_lookup(manager->registrar, user, device, contacts, G_N_ELEMENTS(contacts));
	g_autofree char *escaped = sip_uri_escape_user(user);
	g_autofree char *to = g_strdup_printf("<sip:%s@%s>", escaped, manager->domain);
	for (size_t i = 0; i < n_contacts; i++) {
		if (contacts[i].endpoint == call->caller->endpoint)
			continue; /* nobody calls himself on the same device */
		struct leg *leg = leg_new_browser(call, contacts[i].endpoint);
		if (call->caller->kind == LEG_TRUNK && call->caller->exchange == LEG_EXCHANGE_OFFER_OWED)
			leg->codecs = call_codecs_for_trunk(call->caller);
		call_add_attempt(call, leg, to, contacts[i].uri);
		sip_dialog_preload_route(leg->dialog, contacts[i].path);
	}
	if (call->n_attempts)
		return 0;
	return registrar_has_user(manager->registrar, user) ? 480 : 404;
}

static unsigned call_dial_trunk(struct call *call, const struct route_decision *decision)
{
	struct trunk *trunk = trunk_find(call->manager->trunks, decision->name);
	if (!trunk)
		return 404;
	if (!trunk_address(trunk)) {
		log_warning(&call->log, "the address of trunk %s is not known", trunk_name(trunk));
		return 503;
	}
	g_autofree char *uri = trunk_uri(trunk, decision->number);
	g_autofree char *to = g_strdup_printf("<%s>", uri);
	call_add_attempt(call, leg_new_trunk(call, trunk), to, uri);
	return 0;
}

static void call_dial_builtin(struct call *call, enum route_builtin builtin)
{
	static const enum media_builtin builtins[] = {
		[ROUTE_BUILTIN_ECHO] = MEDIA_BUILTIN_ECHO,
		[ROUTE_BUILTIN_DELAYED_ECHO] = MEDIA_BUILTIN_DELAYED_ECHO,
		[ROUTE_BUILTIN_MILLIWATT] = MEDIA_BUILTIN_MILLIWATT,
		[ROUTE_BUILTIN_MUSIC] = MEDIA_BUILTIN_MUSIC,
	};
	struct media_leg_options options = {
		.kind = MEDIA_LEG_BUILTIN,
		.builtin = builtins[builtin],
		.name = route_builtin_name(builtin),
	};
	call->builtin = media_leg_new(call->media, &options);
}

unsigned call_dial(struct call *call, const struct route_decision *decision)
{
	switch (decision->target) {
	case ROUTE_USER:
		return call_dial_user(call, decision);
	case ROUTE_TRUNK:
		return call_dial_trunk(call, decision);
	case ROUTE_BUILTIN:
		call_dial_builtin(call, decision->builtin);
		return 0;
	case ROUTE_DENIED:
		break;
	}
	return 404;
}

static void call_part_with(struct call *call, size_t index, const char *reason)
{
	struct leg *leg = call->attempts[index];
	call->attempts[index] = call->attempts[--call->n_attempts];
	if (call->called == leg)
		call->called = NULL;
	leg->media = media_leg_free(leg->media);
	leg_release(leg, 0, NULL, reason);
}

void call_drop_attempts(struct call *call, const struct leg *leg, const char *reason)
{
	for (size_t i = call->n_attempts; i-- > 0;)
		if (call->attempts[i] != leg)
			call_part_with(call, i, reason);
}

/* What the caller is told when the called side fails: codes that speak of our own doings there are not his to see. */
static unsigned call_status_for_caller(unsigned status)
{
	if (status >= 300 && status < 400)
		return 502; /* no redirection is followed */
	switch (status) {
	case 401:
	case 407:
		return 403;
	case 430:
	case 481:
		return 480;
	default:
		return status;
	}
}

/* Of several failures the one that says most (section 16.7, step 6): a 6xx, else the lowest class. */
static bool call_is_better(unsigned status, unsigned than)
{
	if (!than || status >= 600)
		return true;
	return than < 600 && status / 100 < than / 100;
}

bool call_attempt_failed(struct call *call, struct leg *leg, unsigned status, const char *phrase)
{
	for (size_t i = 0; i < call->n_attempts; i++) {
		if (call->attempts[i] != leg)
			continue;
		log_info(&leg->log, "refused: %u %s", status, phrase ? phrase : sip_status_text(status));
		if (call_is_better(status, call->best_status)) {
			call->best_status = status;
			base_copy_text(call->best_phrase, sizeof call->best_phrase, phrase ? phrase : "");
		}
		call_part_with(call, i, NULL);
		break;
	}
	if (call->n_attempts)
		return true;
	unsigned told = call_status_for_caller(call->best_status);
	bool is_same = told == call->best_status && *call->best_phrase;
	g_autofree char *cause = g_strdup_printf("the called side answered %u %s", call->best_status,
						 *call->best_phrase ? call->best_phrase
								    : sip_status_text(call->best_status));
	g_autofree char *told_phrase = is_same ? g_strdup(call->best_phrase) : NULL;
	call_end(call, EVENT_SIDE_CALLED, told, told_phrase, cause);
	return false;
}

bool call_advance_attempts(struct call *call)
{
	for (size_t i = 0; i < call->n_attempts; i++) {
		struct leg *leg = call->attempts[i];
		if (leg->state != LEG_NEW || !leg->transport || leg_is_absent(leg))
			continue;
		unsigned status = 0;
		if (leg_make_offer(leg, call->caller) < 0)
			status = 488;
		else if (leg_send_invite(leg) < 0)
			status = leg->kind == LEG_TRUNK ? 503 : 480;
		if (!status)
			continue;
		if (!call_attempt_failed(call, leg, status, NULL))
			return false;
		i = (size_t)-1; /* the attempts have moved */
	}
	return true;
}
