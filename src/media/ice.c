#include "media/ice.h"
#include "media/reuseport.h"
#include "media/stun.h"
#include <nice/agent.h>
#include <string.h>
#include <sys/epoll.h>

#define COMPONENT     1 /* rtcp-mux: there is no other */
#define GATHER_ATTEMPTS 16 /* ports of the pool that other programs hold */
#define SOCKETS_MAX   G_N_ELEMENTS(((struct media_settings *)NULL)->addresses)
#define STUN_BATCH    4

enum ice_state {
	ICE_NEW,
	ICE_GATHERED,	/* our side is known */
	ICE_CHECKING,	/* the far end's side too */
	ICE_CONNECTED,	/* a pair works */
	ICE_RESTARTING, /* a pair works, another is looked for */
	ICE_FAILED,	/* none was found, or it was lost */
};

struct ice_socket {
	struct media_ice *ice;
	int nice_descriptor;	   /* libnice's */
	struct loop_watch *watch;  /* on it: STUN, and everything else while `media` has no descriptor */
	struct media_socket media; /* ours on the same port */
	struct net_address local;
};

struct media_ice {
	struct media_end *end;
	NiceAgent *agent;
	guint stream;
	enum ice_state state;
	uint16_t port; /* 0: none taken */
	size_t n_sockets;
	struct ice_socket sockets[SOCKETS_MAX];
	struct loop_timer timer;
	struct loop_timer consent_timer; /* while a pair works */
	int64_t consent_us;		 /* the last time the far end agreed */
	uint8_t consent_transaction[MEDIA_STUN_TRANSACTION_BYTES]; /* by this answer */
	bool is_told;	    /* the far end's credentials are set */
	bool awaits_remote; /* we have restarted; the far end has yet to answer with credentials of its own */
	char remote_ufrag[257], remote_pwd[257];
};

static const char *state_name(enum ice_state state)
{
	static const char *const names[] = {"new", "gathered", "checking", "connected", "restarting", "failed"};

	return names[state];
}

static void set_state(struct media_ice *ice, enum ice_state state)
{
	if (ice->state == state)
		return;
	log_debug(&ice->end->log, "ICE %s -> %s", state_name(ice->state), state_name(state));
	ice->state = state;
}

static void touch(struct media_ice *ice)
{
	loop_touch_guest(media_end_loop(ice->end));
}

/* --- addresses --- */

static void to_nice(const struct net_address *address, NiceAddress *ret_address)
{
	nice_address_init(ret_address);
	nice_address_set_from_sockaddr(ret_address, &address->any);
}

static void from_nice(const NiceAddress *address, struct net_address *ret_address)
{
	memset(ret_address, 0, sizeof *ret_address);
	nice_address_copy_to_sockaddr(address, &ret_address->any);
	ret_address->length = ret_address->any.sa_family == AF_INET6 ? sizeof ret_address->ipv6
								      : sizeof ret_address->ipv4;
}

static void fail(struct media_ice *ice, enum media_failure failure)
{
	loop_timer_stop(&ice->timer);
	loop_timer_stop(&ice->consent_timer);
	set_state(ice, ICE_FAILED);
	media_end_fail(ice->end, failure);
}

/* --- consent --- */

/* libnice asks the far end about every five seconds, but gives up after ten: two packets lost in a row would be the end of
 * a call. It goes on asking after that, so the answers are looked at here, and the 30 s of RFC 7675 hold. */
static void note_answer(struct media_ice *ice, const uint8_t *bytes, size_t length)
{
	uint8_t transaction[MEDIA_STUN_TRANSACTION_BYTES];

	if (!media_stun_is_answer(bytes, length, ice->remote_pwd, transaction) ||
	    memcmp(transaction, ice->consent_transaction, sizeof transaction) == 0)
		return;
	memcpy(ice->consent_transaction, transaction, sizeof transaction);
	ice->consent_us = loop_now_us(media_end_loop(ice->end));
}

static void on_consent_time(void *data)
{
	struct media_ice *ice = data;
	int64_t left_us = ice->consent_us + MEDIA_ICE_CONSENT_MS * INT64_C(1000) - loop_now_us(media_end_loop(ice->end));

	if (left_us <= 0)
		fail(ice, MEDIA_FAILURE_ICE_CONSENT);
	else
		loop_timer_start_us(&ice->consent_timer, left_us);
}

int64_t media_ice_consent_age_us(const struct media_ice *ice)
{
	return loop_now_us(media_end_loop(ice->end)) - ice->consent_us;
}

static void watch_consent(struct media_ice *ice)
{
	ice->consent_us = loop_now_us(media_end_loop(ice->end));
	if (!loop_timer_is_running(&ice->consent_timer))
		loop_timer_start_ms(&ice->consent_timer, MEDIA_ICE_CONSENT_MS);
}

/* --- what libnice tells; always within one of our calls into it, or from the guest context --- */

static struct ice_socket *socket_of(struct media_ice *ice, const struct net_address *local)
{
	for (size_t i = 0; i < ice->n_sockets; i++)
		if (net_address_equal(&ice->sockets[i].local, local))
			return &ice->sockets[i];
	return NULL;
}

static void on_pair(NiceAgent *agent, guint stream, guint component, NiceCandidate *local, NiceCandidate *remote,
		    gpointer data)
{
	struct media_ice *ice = data;
	struct net_address base, far;
	struct ice_socket *socket;
	char text[NET_ADDRESS_TEXT_MAX];

	from_nice(&local->base_addr, &base);
	from_nice(&remote->addr, &far);
	socket = socket_of(ice, &base);
	if (!socket || local->transport != NICE_CANDIDATE_TRANSPORT_UDP)
		return;
	log_debug(&ice->end->log, "ICE selected the pair to %s", net_address_format(&far, text));
	loop_timer_stop(&ice->timer);
	set_state(ice, ICE_CONNECTED);
	watch_consent(ice);
	/* Without a socket of our own libnice's does as well: it is a plain UDP socket. */
	media_end_path_found(ice->end, socket->media.descriptor >= 0 ? socket->media.descriptor : socket->nice_descriptor,
			     &far);
}

static void on_time_out(void *data)
{
	struct media_ice *ice = data;

	/* libnice's own verdict is not waited for, as a peer-reflexive candidate may still come. After a restart the
	 * old pair may serve; its consent decides. */
	if (ice->state == ICE_CHECKING)
		fail(ice, MEDIA_FAILURE_ICE);
	else if (ice->state == ICE_RESTARTING)
		set_state(ice, ICE_CONNECTED);
}

/* --- libnice's sockets --- */

/* Serves what waits on libnice's socket: STUN within, and what came before our own socket had joined, or comes because it
 * could not, to us. Costs less than libnice's own sources in a main context: that walks all agents for each packet. */
static void serve_nice(void *data, uint32_t events)
{
	struct ice_socket *socket = data;
	struct media_ice *ice = socket->ice;
	ssize_t first;
	uint8_t bytes[STUN_BATCH][MEDIA_PACKET_BYTES_MAX + MEDIA_PACKET_ROOM];
	GInputVector vectors[STUN_BATCH];
	NiceAddress sources[STUN_BATCH];
	NiceInputMessage messages[STUN_BATCH];
	gint n;

	for (size_t i = 0; i < STUN_BATCH; i++) {
		vectors[i] = (GInputVector){bytes[i], MEDIA_PACKET_BYTES_MAX};
		nice_address_init(&sources[i]);
		messages[i] = (NiceInputMessage){.buffers = &vectors[i], .n_buffers = 1, .from = &sources[i]};
	}
	first = recv(socket->nice_descriptor, bytes[0], sizeof bytes[0], MSG_PEEK | MSG_DONTWAIT);
	if (first > 0)
		note_answer(ice, bytes[0], (size_t)first);
	n = nice_agent_recv_messages_nonblocking(ice->agent, ice->stream, COMPONENT, messages, STUN_BATCH, NULL, NULL);
	for (gint i = 0; i < n; i++) {
		struct net_address from;

		ice->end->worker->n_packets++;
		from_nice(&sources[i], &from);
		media_end_receive(ice->end, &from, bytes[i], messages[i].length);
	}
	touch(ice);
}

static int join_socket(struct media_ice *ice, GSocket *gsocket)
{
	struct ice_socket *socket;
	int ours, error;

	if (g_socket_get_socket_type(gsocket) != G_SOCKET_TYPE_DATAGRAM || ice->n_sockets == SOCKETS_MAX)
		return 0;
	socket = &ice->sockets[ice->n_sockets++];
	socket->ice = ice;
	socket->media.descriptor = -1;
	socket->nice_descriptor = g_socket_get_fd(gsocket);
	error = net_local_address(socket->nice_descriptor, &socket->local);
	if (error == 0)
		error = loop_watch_add(media_end_loop(ice->end), socket->nice_descriptor, EPOLLIN, serve_nice, socket,
				       &socket->watch);
	if (error < 0)
		return error;
	ours = media_reuseport_join(socket->nice_descriptor);
	if (ours < 0) {
		log_debug(&ice->end->log, "no socket beside libnice's: %s", g_strerror(-ours));
		return 0;
	}
	return media_socket_open(&socket->media, ice->end, ours);
}

static int join_sockets(struct media_ice *ice)
{
	GPtrArray *sockets = nice_agent_get_sockets(ice->agent, ice->stream, COMPONENT);
	int error = 0;

	for (guint i = 0; sockets && error == 0 && i < sockets->len; i++)
		error = join_socket(ice, sockets->pdata[i]);
	if (sockets)
		g_ptr_array_unref(sockets);
	return error < 0 ? error : ice->n_sockets == 0 ? -EADDRNOTAVAIL : 0;
}

/* --- making and ending --- */

static void close_agent(struct media_ice *ice)
{
	/* Ours first: with libnice's gone, its packets would come to us and the port stay busy. */
	for (size_t i = 0; i < ice->n_sockets; i++) {
		media_socket_close(&ice->sockets[i].media);
		BASE_CLEAR(&ice->sockets[i].watch, loop_watch_free);
	}
	ice->n_sockets = 0;
	if (ice->agent) {
		g_signal_handlers_disconnect_by_data(ice->agent, ice);
		if (ice->stream)
			nice_agent_remove_stream(ice->agent, ice->stream);
		g_clear_object(&ice->agent);
		touch(ice);
		atomic_fetch_sub(&ice->end->worker->engine->n_ice_agents, 1);
	}
	ice->stream = 0;
	if (ice->port)
		net_port_pool_give(ice->end->worker->engine->ports, ice->port);
	ice->port = 0;
}

static int make_agent(struct media_ice *ice, bool controlling)
{
	const struct media_settings *settings = &ice->end->worker->engine->settings;
	NiceAgent *agent;

	agent = nice_agent_new_full(loop_guest_context(media_end_loop(ice->end)), NICE_COMPATIBILITY_RFC5245,
				    NICE_AGENT_OPTION_REGULAR_NOMINATION | NICE_AGENT_OPTION_CONSENT_FRESHNESS);
	ice->agent = agent;
	atomic_fetch_add(&ice->end->worker->engine->n_ice_agents, 1);
	g_object_set(agent, "ice-tcp", FALSE, "upnp", FALSE, "controlling-mode", (gboolean)controlling,
		     "stun-pacing-timer", MEDIA_ICE_PACING_MS, NULL);
	for (size_t i = 0; i < settings->n_addresses; i++) {
		NiceAddress address;

		to_nice(&settings->addresses[i], &address);
		nice_agent_add_local_address(agent, &address);
	}
	g_signal_connect(agent, "new-selected-pair-full", G_CALLBACK(on_pair), ice);
	ice->stream = nice_agent_add_stream(agent, 1);
	return ice->stream ? 0 : -EIO;
}

static int gather(struct media_ice *ice, bool controlling)
{
	int error = net_port_pool_take(ice->end->worker->engine->ports, &ice->port);

	if (error == 0)
		error = make_agent(ice, controlling);
	if (error == 0) {
		/* One port, chosen by us: libnice's own search blocks when few are left. */
		nice_agent_set_port_range(ice->agent, ice->stream, COMPONENT, ice->port, ice->port);
		if (!nice_agent_gather_candidates(ice->agent, ice->stream))
			error = -EADDRINUSE;
	}
	if (error == 0)
		error = join_sockets(ice);
	if (ice->agent)
		touch(ice);
	if (error < 0)
		close_agent(ice);
	return error;
}

int media_ice_new(struct media_end *end, bool controlling, struct media_ice **ret_ice)
{
	struct media_ice *ice = g_new0(struct media_ice, 1);
	int error = -EADDRINUSE;

	ice->end = end;
	loop_timer_init(&ice->timer, media_end_loop(end), on_time_out, ice);
	loop_timer_init(&ice->consent_timer, media_end_loop(end), on_consent_time, ice);
	for (int i = 0; error == -EADDRINUSE && i < GATHER_ATTEMPTS; i++)
		error = gather(ice, controlling);
	if (error < 0) {
		media_ice_free(ice);
		return error;
	}
	set_state(ice, ICE_GATHERED);
	*ret_ice = ice;
	return 0;
}

struct media_ice *media_ice_free(struct media_ice *ice)
{
	if (!ice)
		return NULL;
	loop_timer_stop(&ice->timer);
	loop_timer_stop(&ice->consent_timer);
	close_agent(ice);
	g_free(ice);
	return NULL;
}

/* --- describing --- */

static void describe_candidate(const struct media_ice *ice, const NiceCandidate *candidate, struct sdp_transport *local)
{
	const struct net_address *public_address = &ice->end->worker->engine->settings.public_address;
	struct sdp_candidate *described = &local->candidates[local->n_candidates];

	if (local->n_candidates == SDP_CANDIDATES_MAX || candidate->transport != NICE_CANDIDATE_TRANSPORT_UDP ||
	    candidate->type != NICE_CANDIDATE_TYPE_HOST)
		return;
	*described = (struct sdp_candidate){
		.component = COMPONENT,
		.transport = SDP_CANDIDATE_UDP,
		.priority = candidate->priority,
		.type = SDP_CANDIDATE_HOST,
	};
	base_copy_text(described->foundation, sizeof described->foundation, candidate->foundation);
	from_nice(&candidate->addr, &described->address);
	if (public_address->length > 0 &&
	    net_address_is_ipv6(public_address) == net_address_is_ipv6(&described->address)) {
		described->address = *public_address;
		net_address_set_port(&described->address, ice->port);
	}
	local->n_candidates++;
	/* The default: IPv4 where there is some, since that is what old clients can read. */
	if (local->rtp.length == 0 ||
	    (net_address_is_ipv6(&local->rtp) && !net_address_is_ipv6(&described->address)))
		local->rtp = described->address;
}

void media_ice_describe(struct media_ice *ice, struct sdp_transport *ret_local)
{
	gchar *ufrag = NULL, *pwd = NULL;
	GSList *candidates = nice_agent_get_local_candidates(ice->agent, ice->stream, COMPONENT);

	for (GSList *i = candidates; i; i = i->next)
		describe_candidate(ice, i->data, ret_local);
	g_slist_free_full(candidates, (GDestroyNotify)nice_candidate_free);
	if (nice_agent_get_local_credentials(ice->agent, ice->stream, &ufrag, &pwd)) {
		base_copy_text(ret_local->ice_ufrag, sizeof ret_local->ice_ufrag, ufrag);
		base_copy_text(ret_local->ice_pwd, sizeof ret_local->ice_pwd, pwd);
	}
	g_free(ufrag);
	g_free(pwd);
	ret_local->rtcp_mux = true;
	ret_local->has_ice = true;
	ret_local->end_of_candidates = true;
}

/* --- the far end --- */

static NiceCandidateType type_to_nice(enum sdp_candidate_type type)
{
	switch (type) {
	case SDP_CANDIDATE_SERVER_REFLEXIVE:
		return NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE;
	case SDP_CANDIDATE_PEER_REFLEXIVE:
		return NICE_CANDIDATE_TYPE_PEER_REFLEXIVE;
	case SDP_CANDIDATE_RELAYED:
		return NICE_CANDIDATE_TYPE_RELAYED;
	case SDP_CANDIDATE_HOST:
		break;
	}
	return NICE_CANDIDATE_TYPE_HOST;
}

/* NULL for what we do not use: TCP, the second component, names (mDNS) instead of addresses. */
static NiceCandidate *candidate_to_nice(const struct media_ice *ice, const struct sdp_candidate *candidate)
{
	NiceCandidate *nice;

	if (candidate->component != COMPONENT || candidate->transport != SDP_CANDIDATE_UDP ||
	    candidate->address.length == 0 || net_address_is_wildcard(&candidate->address) ||
	    net_address_port(&candidate->address) == 0)
		return NULL;
	nice = nice_candidate_new(type_to_nice(candidate->type));
	nice->transport = NICE_CANDIDATE_TRANSPORT_UDP;
	nice->stream_id = ice->stream;
	nice->component_id = COMPONENT;
	nice->priority = candidate->priority;
	base_copy_text(nice->foundation, sizeof nice->foundation, candidate->foundation);
	to_nice(&candidate->address, &nice->addr);
	to_nice(&candidate->address, &nice->base_addr);
	return nice;
}

static void add_candidates(struct media_ice *ice, const struct sdp_candidate *candidates, size_t n)
{
	GSList *list = NULL;

	for (size_t i = 0; i < n; i++) {
		NiceCandidate *nice = candidate_to_nice(ice, &candidates[i]);

		if (nice)
			list = g_slist_prepend(list, nice);
	}
	list = g_slist_reverse(list);
	if (list)
		nice_agent_set_remote_candidates(ice->agent, ice->stream, COMPONENT, list);
	g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
	touch(ice);
}

void media_ice_add_candidate(struct media_ice *ice, const struct sdp_candidate *candidate)
{
	if (ice->is_told)
		add_candidates(ice, candidate, 1);
}

void media_ice_restart(struct media_ice *ice)
{
	nice_agent_restart(ice->agent);
	ice->awaits_remote = true;
	if (ice->state == ICE_CONNECTED)
		set_state(ice, ICE_RESTARTING);
	else if (ice->state != ICE_RESTARTING)
		set_state(ice, ICE_GATHERED);
	touch(ice);
}

static bool is_changed(const struct media_ice *ice, const struct sdp_transport *remote)
{
	return !ice->is_told || strcmp(ice->remote_ufrag, remote->ice_ufrag) != 0 ||
	       strcmp(ice->remote_pwd, remote->ice_pwd) != 0;
}

bool media_ice_apply(struct media_ice *ice, const struct sdp_transport *remote)
{
	bool is_news = is_changed(ice, remote);
	bool is_unanswered = is_news && ice->is_told && !ice->awaits_remote;

	if (remote->ice_ufrag[0] == '\0' || remote->ice_pwd[0] == '\0')
		return false;
	if (is_unanswered)
		media_ice_restart(ice);
	if (is_news) {
		base_copy_text(ice->remote_ufrag, sizeof ice->remote_ufrag, remote->ice_ufrag);
		base_copy_text(ice->remote_pwd, sizeof ice->remote_pwd, remote->ice_pwd);
		ice->is_told = true;
		ice->awaits_remote = false;
		if (remote->ice_lite) /* it never sends checks (RFC 8445, section 6.1.1) */
			g_object_set(ice->agent, "controlling-mode", TRUE, NULL);
		nice_agent_set_remote_credentials(ice->agent, ice->stream, remote->ice_ufrag, remote->ice_pwd);
		if (ice->state == ICE_GATHERED || ice->state == ICE_FAILED)
			set_state(ice, ICE_CHECKING);
		loop_timer_start_ms(&ice->timer, MEDIA_ICE_TIMEOUT_MS);
	}
	add_candidates(ice, remote->candidates, remote->n_candidates);
	return is_unanswered;
}
