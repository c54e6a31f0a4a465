#include "route/party.h"
#include "sip/uri.h"

#define DEFAULT_PORT 5060

struct route_party route_party_ref(const struct route_party *party)
{
	return (struct route_party){
	    .endpoint = party->endpoint ? registrar_endpoint_ref(party->endpoint) : NULL,
	    .trunk = party->trunk ? trunk_ref(party->trunk) : NULL,
	};
}

void route_party_unref(struct route_party *party)
{
	registrar_endpoint_unref(party->endpoint);
	trunk_unref(party->trunk);
	*party = (struct route_party){0};
}

const char *route_party_identity(const struct route_party *party)
{
	return party->trunk ? trunk_identity(party->trunk) : registrar_endpoint_identity(party->endpoint);
}

const char *route_party_name(const struct route_party *party)
{
	return party->trunk ? trunk_name(party->trunk) : registrar_endpoint_user(party->endpoint);
}

/* NULL: the dialog leads nowhere that can be told without looking up a name. */
static struct sip_flow *flow_of_dialog(struct trunk *trunk, struct sip_stack *stack, const struct sip_dialog *dialog)
{
	const char *next_hop = sip_dialog_next_hop(dialog);
	struct sip_uri uri;
	struct net_address address;
	char name[16];
	if (!next_hop || sip_uri_parse(next_hop, &uri) < 0 ||
	    net_address_parse(uri.host, uri.port ? uri.port : DEFAULT_PORT, &address) < 0)
		return NULL;
	enum sip_transport transport = trunk_transport(trunk);
	if (sip_uri_parameter(&uri, "transport", name, sizeof name))
		transport = !g_ascii_strcasecmp(name, "tcp") ? SIP_TRANSPORT_TCP : SIP_TRANSPORT_UDP;
	struct sip_flow *flow = sip_stack_flow_to(stack, transport, &address);
	if (flow && !sip_flow_identity(flow))
		sip_flow_set_identity(flow, trunk_identity(trunk));
	return flow;
}

struct sip_flow *route_party_flow(const struct route_party *party, struct sip_stack *stack,
				  const struct sip_dialog *dialog)
{
	if (party->trunk) {
		bool is_confirmed = dialog && dialog->state == SIP_DIALOG_CONFIRMED;
		struct sip_flow *flow = is_confirmed ? flow_of_dialog(party->trunk, stack, dialog) : NULL;
		return flow ? flow : trunk_flow(party->trunk, stack);
	}
	struct sip_flow *flow = party->endpoint ? registrar_endpoint_flow(party->endpoint) : NULL;
	return flow ? sip_flow_ref(flow) : NULL;
}

struct route_identity *route_party_identify(const struct route_party *party, const struct registrar *registrar,
					    const struct sip_message *request)
{
	struct route_identity_source source = {0};
	if (party->trunk) {
		source.is_trusted = trunk_is_trusted(party->trunk);
	} else {
		source.login = registrar_endpoint_user(party->endpoint);
		source.display_name = registrar_display_name(registrar, source.login);
		source.caller_ids = registrar_caller_ids(registrar, source.login);
	}
	return route_identity_read(request, &source);
}

struct route_identity_audience route_party_audience(const struct route_party *party, const char *domain)
{
	static const enum route_assertion assertions[] = {
	    [TRUNK_IDENTITY_NONE] = ROUTE_ASSERT_NOTHING,
	    [TRUNK_IDENTITY_PAI] = ROUTE_ASSERT_PAI,
	    [TRUNK_IDENTITY_RPID] = ROUTE_ASSERT_RPID,
	};
	if (!party->trunk)
		return (struct route_identity_audience){.domain = domain};
	return (struct route_identity_audience){
	    .domain = domain,
	    .is_trunk = true,
	    .is_trusted = trunk_is_trusted(party->trunk),
	    .caller_id = trunk_caller_id(party->trunk),
	    .assertion = assertions[trunk_identity_header(party->trunk)],
	};
}
