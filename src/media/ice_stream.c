#include "media/ice_stream.h"
#include "crypto/tls.h"
#include "loop/loop.h"
#include "media/worker.h"
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READS_MAX 8 /* before others have their turn */

enum stream_state { STREAM_CONNECTING, STREAM_SHAKING_HANDS, STREAM_OPEN };

struct ice_stream {
	const struct ice_stream_handler *handler;
	void *data;
	enum media_framing framing;
	enum stream_state state;
	int descriptor;
	struct crypto_tls *tls; /* NULL: plain TCP */
	struct loop_watch *watch;
	GByteArray *out;
	size_t n_in;
	uint8_t in[2 * MEDIA_PACKET_BYTES_MAX];
	const char *problem; /* of the last call that has failed */
};

/* --- bytes --- */

static int fail(struct ice_stream *stream, const char *problem)
{
	stream->problem = problem;
	return -EIO;
}

/* -EAGAIN: later. */
static ssize_t tls_result(struct ice_stream *stream, ssize_t n)
{
	return n >= 0 || n == -EAGAIN ? n : fail(stream, crypto_tls_problem(stream->tls));
}

static ssize_t plain_result(struct ice_stream *stream, ssize_t n)
{
	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	return fail(stream, n < 0 ? g_strerror(errno) : "the connection was closed");
}

static ssize_t read_some(struct ice_stream *stream, uint8_t *bytes, size_t size)
{
	if (stream->tls)
		return tls_result(stream, crypto_tls_read(stream->tls, bytes, size));
	return plain_result(stream, recv(stream->descriptor, bytes, size, 0));
}

static ssize_t write_some(struct ice_stream *stream, const uint8_t *bytes, size_t length)
{
	if (stream->tls)
		return tls_result(stream, crypto_tls_write(stream->tls, bytes, length));
	return plain_result(stream, send(stream->descriptor, bytes, length, MSG_NOSIGNAL));
}

/* --- steps; 0 or -errno --- */

static int connect_on(struct ice_stream *stream)
{
	int error = 0;
	socklen_t length = sizeof error;

	if (getsockopt(stream->descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (error)
		return fail(stream, g_strerror(error));
	stream->state = stream->tls ? STREAM_SHAKING_HANDS : STREAM_OPEN;
	return 0;
}

static int shake_hands(struct ice_stream *stream)
{
	ssize_t error = tls_result(stream, crypto_tls_shake_hands(stream->tls));

	if (error == 0)
		stream->state = STREAM_OPEN;
	return error == -EAGAIN ? 0 : (int)error;
}

static int flush(struct ice_stream *stream)
{
	while (stream->out->len > 0) {
		ssize_t n = write_some(stream, stream->out->data, stream->out->len);

		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		g_byte_array_remove_range(stream->out, 0, (guint)n);
	}
	return 0;
}

static int take_messages(struct ice_stream *stream)
{
	struct media_frame frame;
	size_t begin = 0;
	int error;

	for (;;) {
		error = media_framing_parse(stream->framing, stream->in + begin, stream->n_in - begin, MEDIA_PACKET_BYTES_MAX,
					    &frame);
		if (error < 0)
			break;
		if (frame.length > 0 && !stream->handler->take(stream->data, stream->in + begin + frame.begin, frame.length))
			return fail(stream, "it has no right to be here");
		begin += frame.total;
	}
	stream->n_in -= begin;
	memmove(stream->in, stream->in + begin, stream->n_in);
	return error == -EAGAIN ? 0 : fail(stream, "it speaks another protocol");
}

static int receive(struct ice_stream *stream)
{
	for (int i = 0; i < READS_MAX || (stream->tls && crypto_tls_has_more(stream->tls)); i++) {
		ssize_t n = read_some(stream, stream->in + stream->n_in, sizeof stream->in - stream->n_in);
		int error;

		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		stream->n_in += (size_t)n;
		error = take_messages(stream);
		if (error < 0)
			return error;
	}
	return 0;
}

static bool waits_for_room(const struct ice_stream *stream)
{
	switch (stream->state) {
	case STREAM_CONNECTING:
		return true;
	case STREAM_SHAKING_HANDS:
		return crypto_tls_wants_to_write(stream->tls);
	case STREAM_OPEN:
		return stream->out->len > 0;
	}
	return false;
}

static void await(struct ice_stream *stream)
{
	loop_watch_set_events(stream->watch, waits_for_room(stream) ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void serve(void *data, uint32_t events)
{
	struct ice_stream *stream = data;
	int error = 0;

	if (stream->state == STREAM_CONNECTING)
		error = connect_on(stream);
	if (error == 0 && stream->state == STREAM_SHAKING_HANDS)
		error = shake_hands(stream);
	if (error == 0 && stream->state == STREAM_OPEN)
		error = flush(stream);
	if (error == 0 && stream->state == STREAM_OPEN)
		error = receive(stream);
	if (error < 0)
		stream->handler->ended(stream->data, stream->problem);
	else
		await(stream);
}

/* --- */

void ice_stream_send(struct ice_stream *stream, const uint8_t *bytes, size_t length)
{
	if (stream->state != STREAM_OPEN)
		g_byte_array_set_size(stream->out, 0);
	if (stream->out->len + length > ICE_STREAM_QUEUE_BYTES_MAX ||
	    !media_framing_append(stream->framing, bytes, length, stream->out) || stream->state != STREAM_OPEN)
		return;
	/* A failure is seen again when the descriptor is served, where the end may be told. */
	flush(stream);
	await(stream);
}

static void set_options(int descriptor)
{
	int on = 1, half = ICE_STREAM_SILENCE_SECONDS / 2, silence_ms = ICE_STREAM_SILENCE_SECONDS * 1000;

	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &half, sizeof half);
	setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &half, sizeof half);
	setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof silence_ms);
}

int ice_stream_new(const struct ice_stream_options *options, const struct ice_stream_handler *handler, void *data,
		   struct ice_stream **ret_stream)
{
	struct ice_stream *stream = g_new0(struct ice_stream, 1);
	int error;

	stream->handler = handler;
	stream->data = data;
	stream->framing = options->framing;
	stream->descriptor = options->descriptor;
	stream->tls = options->tls;
	stream->out = g_byte_array_new();
	set_options(stream->descriptor);
	error = loop_watch_add(options->loop, stream->descriptor, EPOLLIN | EPOLLOUT, serve, stream, &stream->watch);
	if (error < 0) {
		ice_stream_free(stream);
		return error;
	}
	*ret_stream = stream;
	return 0;
}

struct ice_stream *ice_stream_free(struct ice_stream *stream)
{
	if (!stream)
		return NULL;
	loop_watch_free(stream->watch);
	crypto_tls_free(stream->tls);
	close(stream->descriptor);
	g_byte_array_unref(stream->out);
	g_free(stream);
	return NULL;
}
