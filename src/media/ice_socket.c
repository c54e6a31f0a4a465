/* libnice's UDP sockets: watched by our loop, and ours beside them. Costs less than libnice's own sources in a main context: that
 * walks all agents for each packet. */
#include "media/ice_private.h"
#include "media/reuseport.h"
#include <string.h>
#include <sys/epoll.h>

#define ROUNDS_MAX 4 /* messages read before others have their turn */

static void note_next(struct ice_socket *socket)
{
	uint8_t bytes[MEDIA_PACKET_BYTES_MAX];
	ssize_t length = recv(socket->descriptor, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);

	if (length > 0)
		ice_note_answer(socket->ice, bytes, (size_t)length);
}

/* One message that libnice does not keep for itself. Media comes here when a TURN server is between, before our own socket has
 * joined, or because it could not. One at a time: an answer that comes behind it is to be seen as well. */
static bool serve_message(struct media_ice *ice)
{
	uint8_t bytes[MEDIA_PACKET_BYTES_MAX + MEDIA_PACKET_ROOM];
	GInputVector vector = {bytes, MEDIA_PACKET_BYTES_MAX};
	NiceAddress source;
	NiceInputMessage message = {.buffers = &vector, .n_buffers = 1, .from = &source};
	struct net_address from;

	nice_address_init(&source);
	if (nice_agent_recv_messages_nonblocking(ice->agent, ice->stream, ICE_COMPONENT, &message, 1, NULL, NULL) < 1)
		return false;
	ice->end->worker->n_packets++;
	ice_address_from_nice(&source, &from);
	media_end_receive(ice->end, &from, bytes, message.length);
	return true;
}

static void serve(void *data, uint32_t events)
{
	struct ice_socket *socket = data;
	struct media_ice *ice = socket->ice;
	bool goes_on = true;

	note_next(socket);
	for (int round = 0; goes_on && round < ROUNDS_MAX; round++) {
		goes_on = serve_message(ice);
		if (goes_on)
			note_next(socket);
	}
	ice_touch(ice);
}

static int open_socket(struct media_ice *ice, GSocket *nice)
{
	struct ice_socket *socket = &ice->sockets[ice->n_sockets++];
	int ours, error;

	socket->ice = ice;
	socket->media.descriptor = -1;
	socket->descriptor = g_socket_get_fd(nice);
	error = net_local_address(socket->descriptor, &socket->local);
	if (error == 0)
		error = loop_watch_add(media_end_loop(ice->end), socket->descriptor, EPOLLIN, serve, socket, &socket->watch);
	if (error < 0)
		return error;
	ours = media_reuseport_join(socket->descriptor);
	if (ours >= 0)
		return media_socket_open(&socket->media, ice->end, ours);
	log_debug(&ice->end->log, "no socket beside libnice's: %s", g_strerror(-ours));
	return 0;
}

int ice_sockets_open(struct media_ice *ice)
{
	GPtrArray *nice = nice_agent_get_sockets(ice->agent, ice->stream, ICE_COMPONENT);
	int error = 0;

	for (guint i = 0; nice && error == 0 && i < nice->len && ice->n_sockets < ICE_SOCKETS_MAX; i++)
		if (g_socket_get_socket_type(nice->pdata[i]) == G_SOCKET_TYPE_DATAGRAM)
			error = open_socket(ice, nice->pdata[i]);
	if (nice)
		g_ptr_array_unref(nice);
	return error < 0 ? error : ice->n_sockets == 0 ? -EADDRNOTAVAIL : 0;
}

void ice_sockets_close(struct media_ice *ice)
{
	/* Ours first: with libnice's gone, its packets would come to us and the port stay busy. */
	for (size_t i = 0; i < ice->n_sockets; i++) {
		media_socket_close(&ice->sockets[i].media);
		BASE_CLEAR(&ice->sockets[i].watch, loop_watch_free);
	}
	ice->n_sockets = 0;
}

struct ice_socket *ice_socket_find(struct media_ice *ice, const struct net_address *local)
{
	for (size_t i = 0; i < ice->n_sockets; i++)
		if (net_address_equal(&ice->sockets[i].local, local))
			return &ice->sockets[i];
	return NULL;
}
