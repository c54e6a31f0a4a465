/* An IPv4 or IPv6 address with a port. A plain value: copy it freely. Any thread. */
#pragma once
#include "base/base.h"
#include <netinet/in.h>
#include <sys/socket.h>

#define NET_ADDRESS_TEXT_MAX 64

struct net_address {
	socklen_t length; /* 0: none */
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6; /* the largest */
	};
};

/* Literal addresses only ("192.0.2.1", "2001:db8::1", "[2001:db8::1]"); never a name. 0 or -EINVAL. */
int net_address_parse(const char *host, uint16_t port, struct net_address *ret_address);
/* "192.0.2.1:5060", "[::1]:5060"; 0 or -EINVAL. */
int net_address_parse_with_port(const char *text, struct net_address *ret_address);
/* "192.0.2.1:5060" or "[2001:db8::1]:5060". Returns `text`. */
char *net_address_format(const struct net_address *address, char text[static NET_ADDRESS_TEXT_MAX]);
/* Without port and brackets. Returns `text`. */
char *net_address_format_host(const struct net_address *address, char text[static NET_ADDRESS_TEXT_MAX]);
uint16_t net_address_port(const struct net_address *address);
void net_address_set_port(struct net_address *address, uint16_t port);
bool net_address_equal(const struct net_address *a, const struct net_address *b);
bool net_address_same_host(const struct net_address *a, const struct net_address *b);
unsigned net_address_hash(const struct net_address *address);
bool net_address_is_ipv6(const struct net_address *address);
bool net_address_is_wildcard(const struct net_address *address);
/* Of a network that the public one does not reach: loopback, link-local, RFC 1918, RFC 6598, RFC 4193. */
bool net_address_is_private(const struct net_address *address);
