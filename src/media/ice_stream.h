/* A stream connection, TCP or TLS, that carries messages as a UDP socket would: what cannot be sent now waits for a while, and is lost
 * when too much waits. libnice is to know nothing but UDP, so that consent, sockets and costs are the same however packets travel. */
#pragma once
#include "media/framing.h"
#include "net/address.h"

#define ICE_STREAM_SILENCE_SECONDS 30 /* without a sign of life from the other end's TCP, which is asked for one: consent's time */
#define ICE_STREAM_QUEUE_BYTES_MAX (32 * 1024) /* that wait to be sent; more are lost, as old sound is of no use */

struct crypto_tls;
struct loop;
struct ice_stream;

struct ice_stream_handler {
	/* A message has come; false ends the connection. */
	bool (*take)(void *data, const uint8_t *bytes, size_t length);
	/* It is over, and why; the stream is to be freed. Never from within a call of ours. */
	void (*ended)(void *data, const char *why);
};

struct ice_stream_options {
	struct loop *loop;
	enum media_framing framing;
	int descriptor; /* not blocking, and connecting or connected; becomes the stream's */
	struct crypto_tls *tls; /* on it; becomes the stream's; NULL: none */
};

/* `handler` is borrowed for good. 0 or -errno; then the descriptor and TLS are gone as well. */
int ice_stream_new(const struct ice_stream_options *options, const struct ice_stream_handler *handler, void *data,
		   struct ice_stream **ret_stream);
/* Before the connection stands, only the last message is kept: they are requests that are repeated. */
void ice_stream_send(struct ice_stream *stream, const uint8_t *bytes, size_t length);
/* Accepts NULL. Not from within take(). */
struct ice_stream *ice_stream_free(struct ice_stream *stream);
