/* Addresses that begin alike: "203.0.113.0/24", "2001:db8::/32", or a single one. A plain value. Any thread. */
#pragma once
#include "net/address.h"

struct net_network {
	struct net_address address;
	unsigned bits; /* that count, from the first */
};

/* 0; -EINVAL: no address with an optional length behind a '/'; -ERANGE: there are bits behind that length. */
int net_network_parse(const char *text, struct net_network *ret_network);
/* Its port is not looked at. */
bool net_network_contains(const struct net_network *network, const struct net_address *address);
