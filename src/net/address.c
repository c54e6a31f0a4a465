#include "net/address.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int net_address_parse(const char *host, uint16_t port, struct net_address *ret_address)
{
	char bare[INET6_ADDRSTRLEN];
	size_t length = strlen(host);
	bool bracketed = length >= 2 && host[0] == '[' && host[length - 1] == ']';
	if (bracketed) {
		host++;
		length -= 2;
	}
	if (length >= sizeof bare)
		return -EINVAL;
	memcpy(bare, host, length);
	bare[length] = 0;

	struct net_address address = {.length = 0};
	if (!bracketed && inet_pton(AF_INET, bare, &address.ipv4.sin_addr) == 1) {
		address.length = sizeof address.ipv4;
		address.ipv4.sin_family = AF_INET;
		address.ipv4.sin_port = htons(port);
	} else if (inet_pton(AF_INET6, bare, &address.ipv6.sin6_addr) == 1) {
		address.length = sizeof address.ipv6;
		address.ipv6.sin6_family = AF_INET6;
		address.ipv6.sin6_port = htons(port);
	} else {
		return -EINVAL;
	}
	*ret_address = address;
	return 0;
}

int net_address_parse_with_port(const char *text, struct net_address *ret_address)
{
	char host[NET_ADDRESS_TEXT_MAX];
	const char *colon = strrchr(text, ':');
	if (!colon || (size_t)(colon - text) >= sizeof host)
		return -EINVAL;
	memcpy(host, text, colon - text);
	host[colon - text] = 0;
	if (host[0] != '[' && strchr(host, ':'))
		return -EINVAL; /* "::1:5060" could be either */

	const char *digits = colon + 1;
	size_t length = strlen(digits);
	if (!length || length > 5 || strspn(digits, "0123456789") != length)
		return -EINVAL;
	unsigned long port = strtoul(digits, NULL, 10);
	if (port > UINT16_MAX)
		return -EINVAL;
	return net_address_parse(host, port, ret_address);
}

char *net_address_format_host(const struct net_address *address, char text[static NET_ADDRESS_TEXT_MAX])
{
	const void *bytes = net_address_is_ipv6(address) ? (const void *)&address->ipv6.sin6_addr
							 : (const void *)&address->ipv4.sin_addr;
	if (!address->length || !inet_ntop(address->any.sa_family, bytes, text, NET_ADDRESS_TEXT_MAX))
		base_copy_text(text, NET_ADDRESS_TEXT_MAX, "none");
	return text;
}

char *net_address_format(const struct net_address *address, char text[static NET_ADDRESS_TEXT_MAX])
{
	char host[NET_ADDRESS_TEXT_MAX];
	net_address_format_host(address, host);
	if (!address->length)
		return strcpy(text, host);
	bool ipv6 = net_address_is_ipv6(address);
	snprintf(text, NET_ADDRESS_TEXT_MAX, "%s%.46s%s:%u", ipv6 ? "[" : "", host, ipv6 ? "]" : "",
		 net_address_port(address));
	return text;
}

uint16_t net_address_port(const struct net_address *address)
{
	return ntohs(net_address_is_ipv6(address) ? address->ipv6.sin6_port : address->ipv4.sin_port);
}

void net_address_set_port(struct net_address *address, uint16_t port)
{
	if (net_address_is_ipv6(address))
		address->ipv6.sin6_port = htons(port);
	else
		address->ipv4.sin_port = htons(port);
}

bool net_address_same_host(const struct net_address *a, const struct net_address *b)
{
	if (!a->length || !b->length)
		return a->length == b->length;
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (!net_address_is_ipv6(a))
		return a->ipv4.sin_addr.s_addr == b->ipv4.sin_addr.s_addr;
	return !memcmp(&a->ipv6.sin6_addr, &b->ipv6.sin6_addr, sizeof a->ipv6.sin6_addr) &&
	       a->ipv6.sin6_scope_id == b->ipv6.sin6_scope_id;
}

bool net_address_equal(const struct net_address *a, const struct net_address *b)
{
	return net_address_same_host(a, b) && (!a->length || net_address_port(a) == net_address_port(b));
}

unsigned net_address_hash(const struct net_address *address)
{
	const unsigned char *bytes = (const unsigned char *)&address->ipv4.sin_addr;
	size_t length = address->length ? sizeof address->ipv4.sin_addr : 0;
	if (net_address_is_ipv6(address)) {
		bytes = address->ipv6.sin6_addr.s6_addr;
		length = sizeof address->ipv6.sin6_addr;
	}
	uint32_t hash = 2166136261u ^ (address->length ? net_address_port(address) : 0); /* FNV-1a */
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash ^ hash >> 15;
}

bool net_address_is_ipv6(const struct net_address *address)
{
	return address->length && address->any.sa_family == AF_INET6;
}

bool net_address_is_wildcard(const struct net_address *address)
{
	if (!address->length)
		return false;
	if (net_address_is_ipv6(address))
		return IN6_IS_ADDR_UNSPECIFIED(&address->ipv6.sin6_addr);
	return address->ipv4.sin_addr.s_addr == htonl(INADDR_ANY);
}

static bool is_private_ipv4(uint32_t host)
{
	return host >> 24 == 127 || host >> 24 == 10 || host >> 20 == 0xac1 || host >> 16 == 0xc0a8 ||
	       host >> 16 == 0xa9fe || host >> 22 == 0x64400000 >> 22;
}

bool net_address_is_private(const struct net_address *address)
{
	if (!net_address_is_ipv6(address))
		return is_private_ipv4(ntohl(address->ipv4.sin_addr.s_addr));
	const struct in6_addr *host = &address->ipv6.sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(host))
		return is_private_ipv4((uint32_t)host->s6_addr[12] << 24 | (uint32_t)host->s6_addr[13] << 16 |
				       (uint32_t)host->s6_addr[14] << 8 | host->s6_addr[15]);
	return IN6_IS_ADDR_LOOPBACK(host) || IN6_IS_ADDR_LINKLOCAL(host) || (host->s6_addr[0] & 0xfe) == 0xfc;
}
