/* Where a trunk's requests may come from beside its peers' addresses (the option inbound_addresses). */
#include "trunk/internal.h"

#define OPTION	      "inbound_addresses"
#define ADDRESSES_MAX 64

void trunk_sources_init(struct trunk *trunk)
{
	trunk->sources = g_array_new(FALSE, FALSE, sizeof(struct net_network));
	for (const char *const *text = config_strings(trunk->snapshot, "trunks", trunk->index, OPTION); *text; text++) {
		struct net_network network;
		if (net_network_parse(*text, &network) == 0)
			g_array_append_val(trunk->sources, network);
	}
}

/* As it is reached itself, like a peer at that address. */
static bool is_heard_over(const struct trunk *trunk, enum sip_transport transport)
{
	enum sip_transport own = trunk_meant_transport(config_enum(trunk->snapshot, "trunks", trunk->index, "transport"));
	if (!trunk->peers->len)
		return trunk_is_heard_over(trunk, own, transport);
	for (guint i = 0; i < trunk->peers->len; i++) {
		const GPtrArray *hops = trunk_peer_hops(trunk, i);
		for (guint j = 0; j < hops->len; j++)
			if (trunk_hop_is_heard_over(hops->pdata[j], transport))
				return true;
	}
	return false;
}

bool trunk_lists_source(const struct trunk *trunk, enum sip_transport transport, const struct net_address *source)
{
	for (guint i = 0; i < trunk->sources->len; i++)
		if (net_network_contains(&g_array_index(trunk->sources, struct net_network, i), source))
			return is_heard_over(trunk, transport);
	return false;
}

void trunk_check_sources(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *const *texts = config_strings(snapshot, "trunks", i, OPTION);
	if (*texts && config_boolean(snapshot, "trunks", i, "client_certificate"))
		config_complain(report, "trunks", i, OPTION, "are of no use with client_certificate: the certificate alone counts");
	if (g_strv_length((char **)texts) > ADDRESSES_MAX)
		config_complain(report, "trunks", i, OPTION, "are more than %d", ADDRESSES_MAX);
	for (; *texts; texts++) {
		struct net_network network;
		int error = net_network_parse(*texts, &network);
		if (error == -ERANGE)
			config_complain(report, "trunks", i, OPTION, "holds \"%s\", whose address is longer than its prefix", *texts);
		else if (error)
			config_complain(report, "trunks", i, OPTION, "holds \"%s\", which is neither an address nor a network: \"203.0.113.0/24\" is one",
					*texts);
		else if (!network.bits)
			config_complain(report, "trunks", i, OPTION, "holds \"%s\", which is everybody; an inbound_username is safer", *texts);
	}
}
