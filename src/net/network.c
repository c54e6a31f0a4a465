#include "net/network.h"
#include <string.h>

/* Returns the number of bits. */
static unsigned bytes_of(const struct net_address *address, const uint8_t **ret_bytes)
{
	bool is_ipv6 = net_address_is_ipv6(address);
	*ret_bytes = is_ipv6 ? address->ipv6.sin6_addr.s6_addr : (const uint8_t *)&address->ipv4.sin_addr;
	return is_ipv6 ? 128 : 32;
}

static bool bit(const uint8_t *bytes, unsigned position)
{
	return bytes[position / 8] & 0x80u >> position % 8;
}

int net_network_parse(const char *text, struct net_network *ret_network)
{
	g_auto(GStrv) parts = g_strsplit(text, "/", 2);
	struct net_network network;
	const uint8_t *bytes;
	uint64_t length;
	if (!parts[0] || *parts[0] == '[' || net_address_parse(parts[0], 0, &network.address) < 0)
		return -EINVAL;
	unsigned n_bits = bytes_of(&network.address, &bytes);
	network.bits = n_bits;
	if (parts[1]) {
		if (!g_ascii_string_to_unsigned(parts[1], 10, 0, n_bits, &length, NULL))
			return -EINVAL;
		network.bits = (unsigned)length;
	}
	for (unsigned i = network.bits; i < n_bits; i++)
		if (bit(bytes, i))
			return -ERANGE;
	*ret_network = network;
	return 0;
}

bool net_network_contains(const struct net_network *network, const struct net_address *address)
{
	const uint8_t *ours, *theirs;
	if (!address->length || network->address.any.sa_family != address->any.sa_family)
		return false;
	bytes_of(&network->address, &ours);
	bytes_of(address, &theirs);
	unsigned whole = network->bits / 8, rest = network->bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);
	return !memcmp(ours, theirs, whole) && (!rest || !((ours[whole] ^ theirs[whole]) & mask));
}
