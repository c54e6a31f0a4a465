/* The one place that knows libwebsockets: it carries bytes over TCP or TLS (its raw role), as a guest of our loop.
 * HTTP and WebSocket are read in http.c and frame.c; the README says why. Signalling thread. */
#pragma once
#include "loop/loop.h"

struct web_carrier;
struct web_link; /* one connection */

struct web_carrier_parameters {
	struct loop *loop;
	const char *certificate; /* PEM file with the chain; NULL: no TLS */
	const char *key;
};

struct web_link_handler {
	/* `bytes` may be changed. */
	void (*received)(void *data, uint8_t *bytes, size_t length);
	void (*writable)(void *data);
	/* Once, the last call. */
	void (*closed)(void *data);
};

int web_carrier_new(const struct web_carrier_parameters *parameters, struct web_carrier **ret_carrier);
/* All links must be closed. Accepts NULL; returns NULL. */
struct web_carrier *web_carrier_free(struct web_carrier *carrier);
/* Reads the certificate and key files anew, for what connects from now on. */
void web_carrier_reload(struct web_carrier *carrier);

/* Takes the connected socket, also when it fails. `closed` is not called for a link that did not come to be. 0 or -EIO. */
int web_link_new(struct web_carrier *carrier, int descriptor, const struct web_link_handler *handler, void *data,
		 struct web_link **ret_link);
/* Not from inside a callback of this link. Calls `closed`. */
void web_link_close(struct web_link *link);
/* `writable` will be called once the socket takes bytes. */
void web_link_want_write(struct web_link *link);
/* At any time, but only when drained. What the socket does not take is kept and sent first. 0 or -EPIPE. */
int web_link_write(struct web_link *link, const uint8_t *bytes, size_t length);
/* Whether nothing written is waiting here, so that it is worth writing more. */
bool web_link_is_drained(const struct web_link *link);
