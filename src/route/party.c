#include "route/party.h"
#include "sip/uri.h"
#include <string.h>

struct route_party route_party_ref(const struct route_party *party)
{
	return (struct route_party){
	    .endpoint = party->endpoint ? registrar_endpoint_ref(party->endpoint) : NULL,
	    .trunk = party->trunk ? trunk_ref(party->trunk) : NULL,
	    .hop = party->hop ? trunk_hop_ref(party->hop) : NULL,
	};
}

void route_party_unref(struct route_party *party)
{
	registrar_endpoint_unref(party->endpoint);
	trunk_hop_unref(party->hop);
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

static enum sip_transport transport_of(enum sip_transport known, const struct sip_uri *uri)
{
	char name[16];
	if (!strcmp(uri->scheme, "sips"))
		return SIP_TRANSPORT_TLS;
	if (!sip_uri_parameter(uri, "transport", name, sizeof name)) /* many a Contact on TLS does not say so, and means the connection */
		return known == SIP_TRANSPORT_TCP ? SIP_TRANSPORT_TCP : SIP_TRANSPORT_UDP;
	if (!g_ascii_strcasecmp(name, "tls"))
		return SIP_TRANSPORT_TLS;
	return !g_ascii_strcasecmp(name, "tcp") ? SIP_TRANSPORT_TCP : SIP_TRANSPORT_UDP;
}

/* NULL: the dialog leads nowhere that can be told without looking up a name, or from TLS to where there is none. */
static struct sip_flow *flow_of_dialog(const struct route_party *party, struct sip_stack *stack, const struct sip_dialog *dialog)
{
	const char *next_hop = sip_dialog_next_hop(dialog);
	struct sip_uri uri;
	struct net_address address;
	if (!next_hop || sip_uri_parse(next_hop, &uri) < 0)
		return NULL;
	enum sip_transport known = party->hop ? trunk_hop_transport(party->hop) : trunk_transport(party->trunk);
	enum sip_transport transport = transport_of(known, &uri);
	uint16_t port = uri.port ? uri.port : sip_transport_default_port(transport);
	if ((transport == SIP_TRANSPORT_TLS) != (known == SIP_TRANSPORT_TLS) ||
	    net_address_parse(uri.host, port, &address) < 0)
		return NULL;
	return trunk_flow_to(party->trunk, party->hop, stack, transport, &address);
}

struct sip_flow *route_party_flow(const struct route_party *party, struct sip_stack *stack,
				  const struct sip_dialog *dialog)
{
	if (party->trunk) {
		bool is_confirmed = dialog && dialog->state == SIP_DIALOG_CONFIRMED;
		struct sip_flow *flow = is_confirmed ? flow_of_dialog(party, stack, dialog) : NULL;
		if (flow)
			return flow;
		return party->hop ? trunk_hop_flow(party->hop, stack) : trunk_flow(party->trunk, stack);
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
