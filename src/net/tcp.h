/* TCP sockets. */
#pragma once
#include "net/address.h"

/* A listening, non-blocking socket; IPv6 ones are IPv6 only. 0 or -errno. */
int net_tcp_listen(const struct net_address *address, int backlog, int *ret_descriptor);
/* A non-blocking socket that is connecting: when it is writable, SO_ERROR says how that has ended. `from` (its port does not matter)
 * may be NULL. 0 or -errno. */
int net_tcp_connect(const struct net_address *from, const struct net_address *to, int *ret_descriptor);
