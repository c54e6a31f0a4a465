/* A name looked up on a thread of its own. */
#pragma once
#include "loop/loop.h"
#include "net/address.h"

#define TRUNK_ADDRESSES_MAX 8

struct trunk_lookup;

/* Calls done(user, ...) on the loop, once: `error` is 0 or one of getaddrinfo()'s. 0; -EAGAIN when there is no thread
 * to be had. */
int trunk_lookup_start(struct loop *loop, const char *host, uint16_t port,
		       void (*done)(void *user, int error, const struct net_address *addresses, size_t n), void *user,
		       struct trunk_lookup **ret_lookup);
/* No callback comes after it; the thread ends by itself and the loop may be freed. Not from within done(). Accepts
 * NULL. */
struct trunk_lookup *trunk_lookup_abandon(struct trunk_lookup *lookup);
