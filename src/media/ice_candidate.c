/* Candidates, as libnice and as descriptions have them. */
#include "media/ice_private.h"
#include <string.h>

void ice_address_to_nice(const struct net_address *address, NiceAddress *ret_address)
{
	nice_address_init(ret_address);
	nice_address_set_from_sockaddr(ret_address, &address->any);
}

void ice_address_from_nice(const NiceAddress *address, struct net_address *ret_address)
{
	memset(ret_address, 0, sizeof *ret_address);
	if (!nice_address_is_valid(address))
		return;
	nice_address_copy_to_sockaddr(address, &ret_address->any);
	ret_address->length = ret_address->any.sa_family == AF_INET6 ? sizeof ret_address->ipv6
								      : sizeof ret_address->ipv4;
}

static const struct {
	enum sdp_candidate_type ours;
	NiceCandidateType nice;
} types[] = {
	{SDP_CANDIDATE_HOST, NICE_CANDIDATE_TYPE_HOST},
	{SDP_CANDIDATE_SERVER_REFLEXIVE, NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE},
	{SDP_CANDIDATE_PEER_REFLEXIVE, NICE_CANDIDATE_TYPE_PEER_REFLEXIVE},
	{SDP_CANDIDATE_RELAYED, NICE_CANDIDATE_TYPE_RELAYED},
};

/* RFC 6544, section 4.2: less than all UDP, passive. The local preference of UDP goes on below. */
#define TCP_TYPE_PREFERENCE	  90
#define TCP_DIRECTION_PREFERENCE  4
#define TCP_PRIORITY(preference)  ((uint32_t)TCP_TYPE_PREFERENCE << 24 | (TCP_DIRECTION_PREFERENCE << 13 | ((preference) & 0x1fff)) << 8 | 0xff)

/* --- ours --- */

/* Behind 1:1 NAT others know us by the public address, with the same port. */
void ice_candidate_announce_publicly(const struct media_ice *ice, struct net_address *address)
{
	const struct net_address *public_address = &ice->end->worker->engine->settings.public_address;
	uint16_t port = net_address_port(address);

	if (public_address->length == 0 || net_address_is_ipv6(public_address) != net_address_is_ipv6(address))
		return;
	*address = *public_address;
	net_address_set_port(address, port);
}

bool ice_candidate_describe(const struct media_ice *ice, const NiceCandidate *candidate, struct sdp_candidate *ret_candidate)
{
	struct sdp_candidate described = {.component = ICE_COMPONENT, .priority = candidate->priority};

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (types[i].nice == candidate->type)
			described.type = types[i].ours;
	if (candidate->type == NICE_CANDIDATE_TYPE_PEER_REFLEXIVE) /* the far end has told us */
		return false;
	ice_address_from_nice(&candidate->addr, &described.address);
	if (candidate->type == NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE && ice_turn_is_seen_at(ice, &described.address))
		return false;
	base_copy_text(described.foundation, sizeof described.foundation, candidate->foundation);
	if (candidate->type == NICE_CANDIDATE_TYPE_HOST)
		ice_candidate_announce_publicly(ice, &described.address);
	else
		ice_address_from_nice(&candidate->base_addr, &described.related);
	*ret_candidate = described;
	return true;
}

void ice_candidate_make_tcp(struct sdp_candidate *candidate)
{
	char foundation[sizeof candidate->foundation];

	base_copy_text(foundation, sizeof foundation, candidate->foundation);
	g_snprintf(candidate->foundation, sizeof candidate->foundation, "T%.30s", foundation);
	candidate->transport = SDP_CANDIDATE_TCP_PASSIVE;
	candidate->priority = TCP_PRIORITY(candidate->priority >> 8);
}

bool ice_candidate_describe_tcp(const struct media_ice *ice, const NiceCandidate *candidate, struct sdp_candidate *ret_candidate)
{
	struct net_address local;

	ice_address_from_nice(&candidate->addr, &local);
	if (candidate->type != NICE_CANDIDATE_TYPE_HOST || !ice_tcp_is_open(ice, &local) ||
	    !ice_candidate_describe(ice, candidate, ret_candidate))
		return false;
	ice_candidate_make_tcp(ret_candidate);
	return true;
}

/* --- the far end's --- */

bool ice_candidate_is_usable(const struct sdp_candidate *candidate)
{
	return candidate->component == ICE_COMPONENT && candidate->transport == SDP_CANDIDATE_UDP && candidate->address.length > 0 &&
	       !net_address_is_wildcard(&candidate->address) && net_address_port(&candidate->address) != 0;
}

NiceCandidate *ice_candidate_to_nice(const struct media_ice *ice, const struct sdp_candidate *candidate)
{
	NiceCandidate *nice;

	if (!ice_candidate_is_usable(candidate))
		return NULL;
	nice = nice_candidate_new(NICE_CANDIDATE_TYPE_HOST);
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (types[i].ours == candidate->type)
			nice->type = types[i].nice;
	nice->transport = NICE_CANDIDATE_TRANSPORT_UDP;
	nice->stream_id = ice->stream;
	nice->component_id = ICE_COMPONENT;
	nice->priority = candidate->priority;
	base_copy_text(nice->foundation, sizeof nice->foundation, candidate->foundation);
	ice_address_to_nice(&candidate->address, &nice->addr);
	ice_address_to_nice(&candidate->address, &nice->base_addr);
	return nice;
}
