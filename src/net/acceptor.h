/* Takes the connections that come to a listening socket of any family. One loop's thread. */
#pragma once
#include "loop/loop.h"
#include "net/address.h"

/* A member of the object it serves. */
struct net_acceptor {
	void (*accepted)(void *user, int descriptor, const struct net_address *remote);
	void *user;
	struct loop_watch *watch; /* NULL: stopped */
	int descriptor;
	unsigned at_once;
	struct loop_timer rest;
};

/* `descriptor` is the acceptor's from then on, also when this fails. `accepted` is given non-blocking connections to keep or to
 * close, at most `at_once` before others have their turn on the loop; it may not stop the acceptor. `remote` says something for IP
 * alone. While the process has no descriptor left the acceptor rests, where the waiting connections would wake the loop over and over.
 * 0 or -errno. */
int net_acceptor_start(struct net_acceptor *acceptor, struct loop *loop, int descriptor, unsigned at_once,
		       void (*accepted)(void *user, int descriptor, const struct net_address *remote), void *user);
/* Closes the socket. Accepts one that was never started (zeroed). */
void net_acceptor_stop(struct net_acceptor *acceptor);
