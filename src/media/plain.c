#include "media/plain.h"

#define OPEN_ATTEMPTS 16 /* ports of the pool that other programs hold */

struct media_plain {
	struct media_end *end;
	struct media_socket rtp, rtcp;
	uint16_t port; /* of RTP; 0: none taken */
	struct net_address announced, announced_rtcp; /* the far end's */

	/* Latching (a trunk's option): two packets in order from one address, then never again. */
	enum { LATCH_OFF, LATCH_OPEN, LATCH_SEEN, LATCH_CLOSED } latch;
	struct net_address seen_from;
	uint32_t seen_ssrc;
	uint16_t seen_sequence;
};

/* The address that leads to the far end, if it may be used: any when none is configured, else one of those. Failing that, the
 * first of its family. */
static int choose_address(const struct media_end *end, struct net_address *ret_address)
{
	const struct media_settings *settings = &end->worker->engine->settings;
	const struct net_address *toward = &end->options.toward;
	bool ipv6 = toward->length > 0 && net_address_is_ipv6(toward);
	const struct net_address *first = NULL;
	struct net_address source;
	bool has_source = toward->length > 0 && net_source_address(toward, &source) == 0;

	if (has_source && !end->worker->engine->has_chosen_addresses) {
		*ret_address = source;
		return 0;
	}
	for (size_t i = 0; i < settings->n_addresses; i++) {
		const struct net_address *address = &settings->addresses[i];

		if (net_address_is_ipv6(address) != ipv6)
			continue;
		if (!first || (has_source && net_address_same_host(address, &source)))
			first = address;
	}
	if (!first)
		return -EADDRNOTAVAIL;
	*ret_address = *first;
	return 0;
}

static int open_one(struct media_plain *plain, struct media_socket *socket, struct net_address address, uint16_t port)
{
	int descriptor, error;

	net_address_set_port(&address, port);
	error = net_udp_open(&address, &descriptor);
	return error < 0 ? error : media_socket_open(socket, plain->end, descriptor);
}

static void close_pair(struct media_plain *plain)
{
	struct net_port_pool *pool = plain->end->worker->engine->ports;

	media_socket_close(&plain->rtp);
	media_socket_close(&plain->rtcp);
	if (plain->port) {
		net_port_pool_give(pool, plain->port);
		net_port_pool_give(pool, plain->port + 1);
	}
	plain->port = 0;
}

static int open_pair(struct media_plain *plain, const struct net_address *address)
{
	int error = net_port_pool_take_pair(plain->end->worker->engine->ports, &plain->port);

	if (error < 0)
		return error;
	error = open_one(plain, &plain->rtp, *address, plain->port);
	if (error == 0)
		error = open_one(plain, &plain->rtcp, *address, plain->port + 1);
	if (error < 0)
		close_pair(plain);
	return error;
}

int media_plain_new(struct media_end *end, struct media_plain **ret_plain)
{
	struct media_plain *plain = g_new0(struct media_plain, 1);
	struct net_address address;
	int error = choose_address(end, &address);

	plain->end = end;
	plain->rtp.descriptor = plain->rtcp.descriptor = -1;
	plain->latch = end->options.latch ? LATCH_OPEN : LATCH_OFF;
	for (int i = 0; error == 0 && i < OPEN_ATTEMPTS; i++) {
		error = open_pair(plain, &address);
		if (error == 0) {
			*ret_plain = plain;
			return 0;
		}
		if (error == -EADDRINUSE && i + 1 < OPEN_ATTEMPTS)
			error = 0;
	}
	media_plain_free(plain);
	return error;
}

struct media_plain *media_plain_free(struct media_plain *plain)
{
	if (!plain)
		return NULL;
	close_pair(plain);
	g_free(plain);
	return NULL;
}

void media_plain_describe(const struct media_plain *plain, struct sdp_transport *ret_local)
{
	const struct net_address *public_address = &plain->end->worker->engine->settings.public_address;

	ret_local->rtp = plain->rtp.local;
	ret_local->rtcp = plain->rtcp.local;
	ret_local->rtcp_mux = plain->end->options.dtls;
	/* A PBX beside us is not sent through the router and back. */
	if (plain->end->options.toward.length > 0 && net_address_is_private(&plain->end->options.toward))
		return;
	if (public_address->length == 0 || net_address_is_ipv6(public_address) != net_address_is_ipv6(&plain->rtp.local))
		return;
	ret_local->rtp = ret_local->rtcp = *public_address;
	net_address_set_port(&ret_local->rtp, plain->port);
	net_address_set_port(&ret_local->rtcp, plain->port + 1);
}

/* c=0.0.0.0 is the old way to say hold; port 9 with it is no port. */
static bool is_reachable(const struct net_address *address)
{
	return address->length > 0 && !net_address_is_wildcard(address) && net_address_port(address) != 0;
}

void media_plain_apply(struct media_plain *plain, const struct sdp_transport *remote)
{
	struct media_end *end = plain->end;
	bool muxed = remote->rtcp_mux;
	struct net_address rtcp = muxed ? remote->rtp : remote->rtcp;

	/* There is no second association for RTCP (RFC 5764, section 4). */
	if (end->options.dtls && !muxed)
		rtcp = (struct net_address){0};
	end->rtp_descriptor = plain->rtp.descriptor;
	end->rtcp_descriptor = muxed ? plain->rtp.descriptor : plain->rtcp.descriptor;
	if (net_address_equal(&plain->announced, &remote->rtp) && net_address_equal(&plain->announced_rtcp, &rtcp))
		return;
	plain->announced = remote->rtp;
	plain->announced_rtcp = rtcp;
	if (plain->latch != LATCH_OFF)
		plain->latch = LATCH_OPEN;
	end->rtp_remote = end->rtcp_remote = (struct net_address){0};
	if (is_reachable(&remote->rtp))
		end->rtp_remote = remote->rtp;
	if (is_reachable(&rtcp))
		end->rtcp_remote = rtcp;
}

static void latch_to(struct media_plain *plain, const struct net_address *from)
{
	struct media_end *end = plain->end;
	uint16_t port = net_address_port(from);
	char text[NET_ADDRESS_TEXT_MAX];

	plain->latch = LATCH_CLOSED;
	end->rtp_remote = *from;
	end->rtcp_remote = *from;
	/* Behind a NAT the port of RTCP cannot be known; the neighbour is the best guess. */
	if (end->rtcp_descriptor != end->rtp_descriptor)
		net_address_set_port(&end->rtcp_remote, port == UINT16_MAX ? port : port + 1);
	log_info(&end->log, "RTP comes from %s, not from the announced address; going there from now on",
		 net_address_format(from, text));
}

void media_plain_confirm(struct media_plain *plain)
{
	plain->latch = LATCH_CLOSED;
}

bool media_plain_may_latch(const struct media_plain *plain)
{
	return plain->latch == LATCH_OPEN || plain->latch == LATCH_SEEN;
}

bool media_plain_latches(struct media_end *end, const struct net_address *from, const uint8_t *bytes, size_t length)
{
	struct media_plain *plain = end->plain;
	struct rtp_packet packet;

	if (!media_plain_may_latch(plain) || !end->has_plan ||
	    rtp_packet_parse(bytes, length, &packet) < 0 ||
	    end->stream_of_type[packet.payload_type] == MEDIA_STREAM_NONE)
		return false;
	if (plain->latch == LATCH_SEEN && net_address_equal(from, &plain->seen_from) &&
	    packet.ssrc == plain->seen_ssrc && packet.sequence == (uint16_t)(plain->seen_sequence + 1)) {
		latch_to(plain, from);
		return true;
	}
	plain->latch = LATCH_SEEN;
	plain->seen_from = *from;
	plain->seen_ssrc = packet.ssrc;
	plain->seen_sequence = packet.sequence;
	return false;
}
