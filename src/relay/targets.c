/* Whom a request goes to: the devices of a user, or a trunk. */
#include "relay/relay_private.h"
#include "sip/uri.h"
#include <string.h>

void relay_target_clear(struct relay_target *target)
{
	g_free(target->uri);
	g_free(target->to);
	*target = (struct relay_target){0};
}

static unsigned find_devices(const struct relay *relay, const struct route_party *sender,
			     const struct route_decision *decision, struct relay_target targets[static RELAY_TARGETS_MAX],
			     size_t *ret_count)
{
	struct registrar *registrar = relay->rooms.registrar;
	const char *user = decision->name;
	const char *device = *decision->device ? decision->device : NULL;
	struct registrar_contact contacts[RELAY_TARGETS_MAX];
	size_t n_contacts = registrar_lookup(registrar, user, device, contacts, G_N_ELEMENTS(contacts)), count = 0;
	g_autofree char *escaped = sip_uri_escape_user(user);
	for (size_t i = 0; i < n_contacts; i++) {
		if (contacts[i].endpoint == sender->endpoint)
			continue; /* nobody writes to himself on the same device */
		targets[count++] = (struct relay_target){
			.party = {.endpoint = contacts[i].endpoint},
			.uri = g_strdup(contacts[i].uri),
			.to = g_strdup_printf("<sip:%s@%s>", escaped, relay->domain),
			.path = contacts[i].path,
		};
	}
	*ret_count = count;
	if (count)
		return 0;
	return registrar_has_user(registrar, user) ? 480 : 404;
}

static unsigned find_trunk(const struct relay *relay, const struct route_party *sender,
			   const struct route_decision *decision, struct relay_target targets[static RELAY_TARGETS_MAX], size_t *ret_count)
{
	struct trunk *trunk = trunk_find(relay->rooms.trunks, decision->name);
	if (!trunk)
		return 404;
	targets[0].party = (struct route_party){.trunk = trunk};
	targets[0].uri = trunk_uri(trunk, decision->number);
	targets[0].to = g_strdup_printf("<%s>", targets[0].uri);
	targets[0].account =
		sender->endpoint
			? trunks_account(relay->rooms.trunks, registrar_endpoint_user(sender->endpoint), decision->name)
			: NULL;
	targets[0].path = targets[0].account ? trunk_account_route(targets[0].account) : NULL;
	*ret_count = 1;
	return 0;
}

/* Where the state of a user of ours (presence, dialogs, voice mail) is known or kept: at the trunk that is configured for it;
 * for the sender's own, at the trunk that his number would go to; else at his devices. 0 or the status to refuse with. */
static unsigned decide_state(const struct relay *relay, const struct route_party *sender, enum sip_method method,
			     const struct route_decision *decision, struct route_decision *ret_decision)
{
	bool is_own = !strcmp(registrar_endpoint_user(sender->endpoint), decision->name);
	*ret_decision = *decision;
	if (method == SIP_METHOD_PUBLISH && !is_own)
		return 403; /* nobody speaks for another */
	if (relay->state_trunk) {
		ret_decision->target = ROUTE_TRUNK;
		base_copy_text(ret_decision->number, sizeof ret_decision->number, decision->name);
		base_copy_text(ret_decision->name, sizeof ret_decision->name, relay->state_trunk);
		return 0;
	}
	if (is_own && route_router_decide_beyond(relay->rooms.router, decision->name, ret_decision) < 0)
		return 489;
	return 0;
}

unsigned relay_find_targets(const struct relay *relay, const struct route_party *sender, const struct sip_message *request,
			    const struct route_decision *decision, struct relay_target targets[static RELAY_TARGETS_MAX],
			    size_t *ret_count)
{
	enum sip_method method = sip_message_method(request);
	bool asks_for_state = method == SIP_METHOD_SUBSCRIBE || method == SIP_METHOD_PUBLISH;
	struct route_decision settled = *decision;
	if (asks_for_state && sender->endpoint && decision->target == ROUTE_USER) {
		unsigned status = decide_state(relay, sender, method, decision, &settled);
		if (status)
			return status;
	}
	switch (settled.target) {
	case ROUTE_USER:
		return find_devices(relay, sender, &settled, targets, ret_count);
	case ROUTE_TRUNK:
		return find_trunk(relay, sender, &settled, targets, ret_count);
	case ROUTE_GROUP:
	case ROUTE_BUILTIN:
		return asks_for_state ? 489 : 405;
	case ROUTE_REFUSED:
		return 403;
	case ROUTE_DENIED:
		break;
	}
	return 404;
}

struct sip_dialog *relay_target_dialog(const struct relay *relay, const struct route_identity *sender,
				       const struct relay_target *target)
{
	struct route_identity_audience audience = route_party_audience(&target->party, relay->domain);
	audience.address = target->account ? trunk_account_address_of_record(target->account) : NULL;
	g_autofree char *from = route_identity_from(sender, &audience);
	struct sip_dialog *dialog = sip_dialog_new_caller(from, target->to, target->uri);
	if (target->path)
		sip_dialog_preload_route(dialog, target->path);
	return dialog;
}
