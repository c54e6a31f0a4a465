/* A document fetched by https on a thread of its own: bounded in size and time, from a server with a valid certificate. */
#pragma once
#include "loop/loop.h"

struct net_fetch;

struct net_fetch_settings {
	const char *url;     /* "https://..."; redirections are not followed */
	const char *ca_file; /* PEM of who vouches for the server; NULL: the system's */
	size_t bytes_max;
	uint32_t timeout_ms; /* for all of it */
};

/* Calls done() on the loop, once: with the text, or with NULL and what is wrong, in words; both are there for as long as it runs. 0;
 * -EAGAIN when there is no thread to be had. The settings' texts are copied. */
int net_fetch_start(struct loop *loop, const struct net_fetch_settings *settings,
		    void (*done)(void *user, const GString *text, const char *problem), void *user, struct net_fetch **ret_fetch);
/* No callback comes after it. Not from within done(). Accepts NULL; returns NULL. */
struct net_fetch *net_fetch_abandon(struct net_fetch *fetch);
