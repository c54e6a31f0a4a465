#include "media/ice_host.h"
#include <string.h>

#define GATHER_ATTEMPTS 16 /* ports of the pool that other programs hold */

static const char *state_name(enum ice_state state)
{
	static const char *const names[] = {"new", "gathering", "gathered", "checking", "connected", "restarting", "failed"};

	return names[state];
}

static void set_state(struct media_ice *ice, enum ice_state state)
{
	if (ice->state == state)
		return;
	log_debug(&ice->end->log, "ICE %s -> %s", state_name(ice->state), state_name(state));
	ice->state = state;
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
void ice_note_answer(struct media_ice *ice, const uint8_t *bytes, size_t length)
{
	struct media_binding answer;

	bytes = media_stun_unwrap(bytes, &length);
	if (media_binding_read(bytes, length, &answer) < 0 || answer.kind != MEDIA_BINDING_SUCCESS ||
	    !media_binding_is_authentic(&answer, bytes, ice->remote_pwd) ||
	    memcmp(answer.transaction, ice->consent_transaction, sizeof answer.transaction) == 0)
		return;
	memcpy(ice->consent_transaction, answer.transaction, sizeof answer.transaction);
	ice_consent(ice);
}

void ice_consent(struct media_ice *ice)
{
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

/* NULL: libnice must carry the packets. */
static struct ice_socket *socket_of(struct media_ice *ice, const NiceCandidate *local)
{
	struct net_address base;

	if (local->type == NICE_CANDIDATE_TYPE_RELAYED)
		return NULL;
	ice_address_from_nice(&local->base_addr, &base);
	return ice_socket_find(ice, &base);
}

void ice_select(struct media_ice *ice, int descriptor, const struct net_address *remote)
{
	char text[NET_ADDRESS_TEXT_MAX];

	log_debug(&ice->end->log, "ICE selected the pair to %s%s", net_address_format(remote, text), descriptor < 0 ? " by a relay" : "");
	loop_timer_stop(&ice->timer);
	set_state(ice, ICE_CONNECTED);
	watch_consent(ice);
	media_end_path_found(ice->end, descriptor, remote);
}

static void on_pair(NiceAgent *agent, guint stream, guint component, NiceCandidate *local, NiceCandidate *remote,
		    gpointer data)
{
	struct media_ice *ice = data;
	struct net_address far;
	const struct ice_socket *socket = socket_of(ice, local);

	ice_address_from_nice(&remote->addr, &far);
	if (!socket)
		ice_select(ice, -1, &far);
	else /* without one of our own libnice's does as well: it is a plain UDP socket */
		ice_select(ice, socket->media.descriptor >= 0 ? socket->media.descriptor : socket->descriptor, &far);
}

/* Where our own addresses are not told, that is up to the servers. */
static bool has_candidates(struct media_ice *ice)
{
	GSList *candidates;
	bool has_some;

	if (!ice->end->worker->engine->settings.is_relay_only)
		return true;
	candidates = nice_agent_get_local_candidates(ice->agent, ice->stream, ICE_COMPONENT);
	has_some = candidates;
	g_slist_free_full(candidates, (GDestroyNotify)nice_candidate_free);
	return has_some;
}

static void end_gathering(struct media_ice *ice)
{
	if (!has_candidates(ice)) {
		fail(ice, MEDIA_FAILURE_RELAY);
		return;
	}
	loop_timer_stop(&ice->timer);
	set_state(ice, ICE_GATHERED);
	media_end_gathered(ice->end);
}

static void on_gathered(NiceAgent *agent, guint stream, gpointer data)
{
	struct media_ice *ice = data;

	switch (ice->state) {
	case ICE_NEW: /* at once: there is no server to ask */
		set_state(ice, ICE_GATHERED);
		break;
	case ICE_GATHERING:
		end_gathering(ice);
		break;
	case ICE_FAILED:
		break;
	default:
		media_end_gathered_more(ice->end);
	}
}

void ice_server_lost(struct media_ice *ice)
{
	ice->n_servers--;
	if (ice->n_servers == 0 && ice->state == ICE_GATHERING)
		end_gathering(ice);
}

static void on_time_out(void *data)
{
	struct media_ice *ice = data;

	if (ice->state == ICE_GATHERING) {
		if (!has_candidates(ice) && loop_now_us(media_end_loop(ice->end)) < ice->gather_until_us) {
			loop_timer_start_ms(&ice->timer, MEDIA_ICE_GATHER_MS);
			return;
		}
		log_info(&ice->end->log, "a STUN or TURN server does not answer in time");
		end_gathering(ice);
		return;
	}
	/* libnice's own verdict is not waited for, as a peer-reflexive candidate may still come. After a restart the
	 * old pair may serve; its consent decides. */
	if (ice->state == ICE_CHECKING)
		fail(ice, MEDIA_FAILURE_ICE);
	else if (ice->state == ICE_RESTARTING)
		set_state(ice, ICE_CONNECTED);
}

/* --- making and ending --- */

static void close_agent(struct media_ice *ice)
{
	if (ice->host || ice->agent)
		atomic_fetch_sub(&ice->end->worker->engine->n_ice_agents, 1);
	ice_turn_close(ice);
	ice_tcp_close(ice);
	BASE_CLEAR(&ice->host, ice_host_free);
	ice_sockets_close(ice);
	if (ice->agent) {
		g_signal_handlers_disconnect_by_data(ice->agent, ice);
		if (ice->stream)
			nice_agent_remove_stream(ice->agent, ice->stream);
		g_clear_object(&ice->agent);
		ice_touch(ice);
	}
	ice->stream = 0;
	if (ice->port)
		net_port_pool_give(ice->end->worker->engine->ports, ice->port);
	ice->port = 0;
}

static int ask_turn_server(struct media_ice *ice, const struct media_turn_server *turn)
{
	char host[NET_ADDRESS_TEXT_MAX];
	struct net_address address;
	bool is_stream = turn->transport != MEDIA_TURN_UDP;
	int error = is_stream ? ice_turn_open(ice, turn, &address) : 0;

	if (error < 0)
		return error;
	nice_agent_set_relay_info(ice->agent, ice->stream, ICE_COMPONENT,
				  is_stream ? net_address_format_host(&address, host) : turn->at.host,
				  is_stream ? net_address_port(&address) : turn->at.port, turn->username, turn->password,
				  NICE_RELAY_TYPE_TURN_UDP);
	ice->n_servers++;
	return 0;
}

static int ask_servers(struct media_ice *ice, const struct media_settings *settings)
{
	int error = 0;

	ice->n_servers = settings->stun_server.port ? 1 : 0;
	if (settings->stun_server.port)
		g_object_set(ice->agent, "stun-server", settings->stun_server.host, "stun-server-port",
			     (guint)settings->stun_server.port, NULL);
	for (size_t i = 0; error == 0 && i < settings->n_turn_servers; i++)
		error = ask_turn_server(ice, &settings->turn_servers[i]);
	return error;
}

static int make_agent(struct media_ice *ice, bool controlling)
{
	const struct media_settings *settings = &ice->end->worker->engine->settings;
	NiceAgent *agent;

	agent = nice_agent_new_full(loop_guest_context(media_end_loop(ice->end)), NICE_COMPATIBILITY_RFC5245,
				    NICE_AGENT_OPTION_REGULAR_NOMINATION | NICE_AGENT_OPTION_CONSENT_FRESHNESS);
	ice->agent = agent;
	atomic_fetch_add(&ice->end->worker->engine->n_ice_agents, 1);
	g_object_set(agent, "ice-tcp", FALSE, "upnp", FALSE, "force-relay",
		     (gboolean)settings->is_relay_only, "controlling-mode", (gboolean)controlling,
		     "stun-pacing-timer", MEDIA_ICE_PACING_MS, "idle-timeout", MEDIA_ICE_IDLE_MS, NULL);
	for (size_t i = 0; i < settings->n_addresses; i++) {
		NiceAddress address;

		ice_address_to_nice(&settings->addresses[i], &address);
		nice_agent_add_local_address(agent, &address);
	}
	g_signal_connect(agent, "new-selected-pair-full", G_CALLBACK(on_pair), ice);
	g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(on_gathered), ice);
	ice->stream = nice_agent_add_stream(agent, 1);
	if (!ice->stream)
		return -EIO;
	return ask_servers(ice, settings);
}

static bool has_tcp(const struct media_ice *ice)
{
	const struct media_settings *settings = &ice->end->worker->engine->settings;

	return settings->has_ice_tcp && !settings->is_relay_only;
}

static int gather_by_libnice(struct media_ice *ice, bool controlling)
{
	int error = make_agent(ice, controlling);

	if (error == 0) {
		/* One port, chosen by us: libnice's own search blocks when few are left. */
		nice_agent_set_port_range(ice->agent, ice->stream, ICE_COMPONENT, ice->port, ice->port);
		if (!nice_agent_gather_candidates(ice->agent, ice->stream))
			error = -EADDRINUSE;
	}
	if (error == 0)
		error = ice_sockets_open(ice);
	for (size_t i = 0; error == 0 && has_tcp(ice) && i < ice->n_sockets; i++)
		error = ice_tcp_open(ice, &ice->sockets[i].local);
	ice_touch(ice);
	return error;
}

static int gather_alone(struct media_ice *ice, bool controlling)
{
	int error = ice_host_new(ice, controlling, &ice->host);
	const struct net_address *local;

	if (error < 0)
		return error;
	atomic_fetch_add(&ice->end->worker->engine->n_ice_agents, 1);
	set_state(ice, ICE_GATHERED);
	for (size_t i = 0; error == 0 && has_tcp(ice) && (local = ice_host_local(ice->host, i)); i++)
		error = ice_tcp_open(ice, local);
	return error;
}

/* libnice costs a quarter of all that a call costs to set up, and is needed for what lies beyond our own addresses. */
static bool needs_libnice(const struct media_settings *settings)
{
	return settings->stun_server.port || settings->n_turn_servers > 0 || settings->is_relay_only;
}

static int gather(struct media_ice *ice, bool controlling)
{
	struct media_engine *engine = ice->end->worker->engine;
	int error = net_port_pool_take(engine->ports, &ice->port);

	if (error == 0)
		error = needs_libnice(&engine->settings) ? gather_by_libnice(ice, controlling) : gather_alone(ice, controlling);
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
	if (error == 0 && ice->state == ICE_GATHERED && !has_candidates(ice))
		error = -EHOSTUNREACH;
	if (error < 0) {
		media_ice_free(ice);
		return error;
	}
	if (ice->state == ICE_NEW) {
		set_state(ice, ICE_GATHERING);
		ice->gather_until_us = loop_now_us(media_end_loop(end)) + MEDIA_ICE_RELAY_MS * INT64_C(1000);
		loop_timer_start_ms(&ice->timer, MEDIA_ICE_GATHER_MS);
	}
	*ret_ice = ice;
	return 0;
}

bool media_ice_is_gathered(const struct media_ice *ice)
{
	return ice->state > ICE_GATHERING;
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

/* The default: IPv4 where there is some, since that is what old clients can read. */
static void choose_default(const struct sdp_candidate *candidate, struct net_address *address)
{
	if (address->length == 0 || (net_address_is_ipv6(address) && !net_address_is_ipv6(&candidate->address)))
		*address = candidate->address;
}

static void describe_by_libnice(struct media_ice *ice, struct sdp_transport *ret_local)
{
	gchar *ufrag = NULL, *pwd = NULL;
	GSList *candidates = nice_agent_get_local_candidates(ice->agent, ice->stream, ICE_COMPONENT);

	for (GSList *i = candidates; i && ret_local->n_candidates < SDP_CANDIDATES_MAX; i = i->next)
		ret_local->n_candidates += ice_candidate_describe(ice, i->data, &ret_local->candidates[ret_local->n_candidates]);
	for (GSList *i = candidates; i && ret_local->n_candidates < SDP_CANDIDATES_MAX; i = i->next)
		ret_local->n_candidates +=
			ice_candidate_describe_tcp(ice, i->data, &ret_local->candidates[ret_local->n_candidates]);
	g_slist_free_full(candidates, (GDestroyNotify)nice_candidate_free);
	if (nice_agent_get_local_credentials(ice->agent, ice->stream, &ufrag, &pwd)) {
		base_copy_text(ret_local->ice_ufrag, sizeof ret_local->ice_ufrag, ufrag);
		base_copy_text(ret_local->ice_pwd, sizeof ret_local->ice_pwd, pwd);
	}
	g_free(ufrag);
	g_free(pwd);
}

void media_ice_describe(struct media_ice *ice, struct sdp_transport *ret_local)
{
	if (ice->host)
		ice_host_describe(ice->host, ret_local);
	else
		describe_by_libnice(ice, ret_local);
	for (size_t i = 0; i < ret_local->n_candidates; i++)
		choose_default(&ret_local->candidates[i], &ret_local->rtp);
	ret_local->rtcp_mux = true;
	ret_local->has_ice = true;
	ret_local->end_of_candidates = true;
}

bool ice_knows_password(const struct media_ice *ice, const uint8_t *bytes, size_t length)
{
	struct media_binding check;
	gchar *ufrag = NULL, *pwd = NULL;
	bool knows;

	if (media_binding_read(bytes, length, &check) < 0)
		return false;
	if (ice->host)
		return ice_host_knows_password(ice->host, &check, bytes);
	knows = nice_agent_get_local_credentials(ice->agent, ice->stream, &ufrag, &pwd) && media_binding_is_to(&check, ufrag) &&
		media_binding_is_authentic(&check, bytes, pwd);
	g_free(ufrag);
	g_free(pwd);
	return knows;
}

/* --- packets --- */

bool media_ice_receive(struct media_ice *ice, struct media_socket *socket, const struct net_address *from, const uint8_t *bytes,
		       size_t length)
{
	if (ice->host)
		ice_host_receive(ice->host, socket, from, bytes, length);
	return ice->host;
}

void media_ice_send(struct media_ice *ice, const uint8_t *bytes, size_t length)
{
	nice_agent_send(ice->agent, ice->stream, ICE_COMPONENT, (guint)length, (const gchar *)bytes);
	ice_touch(ice);
}

/* --- the far end --- */

static void add_candidates(struct media_ice *ice, const struct sdp_candidate *candidates, size_t n)
{
	GSList *list = NULL;

	if (ice->host) {
		ice_host_add_candidates(ice->host, candidates, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		NiceCandidate *nice = ice_candidate_to_nice(ice, &candidates[i]);

		if (nice)
			list = g_slist_prepend(list, nice);
	}
	list = g_slist_reverse(list);
	if (list)
		nice_agent_set_remote_candidates(ice->agent, ice->stream, ICE_COMPONENT, list);
	g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
	ice_touch(ice);
}

void media_ice_restart(struct media_ice *ice)
{
	if (ice->host)
		ice_host_restart(ice->host);
	else
		nice_agent_restart(ice->agent);
	ice->awaits_remote = true;
	if (ice->state == ICE_CONNECTED)
		set_state(ice, ICE_RESTARTING);
	else if (ice->state != ICE_RESTARTING)
		set_state(ice, ICE_GATHERED);
	if (ice->agent)
		ice_touch(ice);
}

static bool is_changed(const struct media_ice *ice, const struct sdp_transport *remote)
{
	return !ice->is_told || strcmp(ice->remote_ufrag, remote->ice_ufrag) != 0 ||
	       strcmp(ice->remote_pwd, remote->ice_pwd) != 0;
}

static void take_credentials(struct media_ice *ice, bool is_lite)
{
	if (ice->host) {
		ice_host_take_remote(ice->host, is_lite);
		return;
	}
	if (is_lite) /* it never sends checks (RFC 8445, section 6.1.1) */
		g_object_set(ice->agent, "controlling-mode", TRUE, NULL);
	nice_agent_set_remote_credentials(ice->agent, ice->stream, ice->remote_ufrag, ice->remote_pwd);
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
		take_credentials(ice, remote->ice_lite);
		if (ice->state == ICE_GATHERED || ice->state == ICE_FAILED)
			set_state(ice, ICE_CHECKING);
		loop_timer_start_ms(&ice->timer, MEDIA_ICE_TIMEOUT_MS);
	}
	add_candidates(ice, remote->candidates, remote->n_candidates);
	return is_unanswered;
}
