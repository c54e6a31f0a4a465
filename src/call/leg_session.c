/* Offer/answer of a leg (RFC 3264), and media brought to what it has settled. */
#include "call/call_private.h"
#include <string.h>

/* Where the far end's media will be: in its offer, if it is of another family than its signalling. */
static struct net_address media_peer(const struct leg *leg)
{
	const struct net_address *at_hop = leg->way.hop ? trunk_hop_address(leg->way.hop) : NULL;
	const struct net_address *peer = leg->caller_flow ? sip_flow_remote(leg->caller_flow) : at_hop;
	const struct sdp_session *offer = leg->pending_remote;
	const struct net_address *offered = offer && offer->n_media > 0 ? &offer->media[0].transport.rtp : NULL;
	if (offered && offered->length > 0 && !net_address_is_wildcard(offered) &&
	    (!peer || net_address_is_ipv6(offered) != net_address_is_ipv6(peer)))
		return *offered;
	return peer ? *peer : (struct net_address){0};
}

void leg_prepare_media(struct leg *leg, bool controlling)
{
	struct media_leg_options options = {
		.kind = leg->kind == LEG_BROWSER ? MEDIA_LEG_WEBRTC : MEDIA_LEG_RTP,
		.name = leg->name,
		.controlling = controlling,
		.sdes = leg->sdes != NEGOTIATE_SDES_OFF,
		.dtls = leg->trunk && trunk_srtp(leg->trunk) == TRUNK_SRTP_DTLS,
		.dtmf = leg_dtmf(leg),
	};
	if (leg->trunk) {
		options.toward = media_peer(leg);
		options.latch = trunk_latch(leg->trunk);
	}
	leg->media = media_leg_new(leg->call->media, &options);
}

void leg_set_transports(struct leg *leg, const struct sdp_transport *local, size_t n_transports)
{
	leg_wake(leg);
	if (leg->transports) {
		explicit_bzero(leg->transports->list, leg->transports->n * sizeof *local);
		g_free(leg->transports->list);
	}
	g_clear_pointer(&leg->transports, g_free);
	if (!local)
		return;
	leg->transports = g_new0(struct leg_transports, 1);
	leg->transports->n = n_transports;
	leg->transports->list = g_memdup2(local, n_transports * sizeof *local);
}

void leg_set_exchange(struct leg *leg, enum leg_exchange exchange)
{
	if (leg->exchange == exchange)
		return;
	log_debug(&leg->log, "offer/answer %s, now %s", leg_exchange_name(leg->exchange), leg_exchange_name(exchange));
	leg->exchange = exchange;
}

void leg_rest(struct leg *leg)
{
	sdp_session_rest(leg->local);
	sdp_session_rest(leg->remote);
	struct leg_transports *ours = leg->transports;
	if (ours && ours->list)
		ours->rest = sdp_pack(g_steal_pointer(&ours->list), ours->n * sizeof *ours->list);
}

void leg_wake(const struct leg *leg)
{
	sdp_session_wake(leg->local);
	sdp_session_wake(leg->remote);
	if (leg->transports && !leg->transports->list)
		leg->transports->list = sdp_unpack(g_steal_pointer(&leg->transports->rest));
	call_manager_expect_rest(leg->manager);
}

struct negotiate_leg leg_view(const struct leg *leg)
{
	leg_wake(leg);
	enum media_dtmf dtmf = leg_dtmf(leg);
	struct negotiate_leg view = {
		.profile = {
			.kind = leg->kind == LEG_BROWSER ? NEGOTIATE_WEBRTC : NEGOTIATE_RTP,
			.codecs = (const char *const *)leg->codecs,
			.offers_all_codecs = leg->offers_all_codecs,
			.converter = media_engine_converter(leg->manager->media),
			.sdes = leg->sdes,
			.is_dtls = leg->trunk && trunk_srtp(leg->trunk) == TRUNK_SRTP_DTLS,
			.holds_by_address = leg->trunk && trunk_holds_by_address(leg->trunk),
			.fills_silence = media_engine_plays_on_hold(leg->manager->media),
			.carries_dtmf = dtmf == MEDIA_DTMF_AUTO || dtmf == MEDIA_DTMF_RFC4733,
			.carries_video = leg->carries_video,
			.trickle = true,
			.session_id = leg->session_id,
		},
		.n_transports = leg->transports ? leg->transports->n : 0,
		.transports = leg->transports ? leg->transports->list : NULL,
		.local = leg->local,
		.remote = leg->remote,
		.local_was_offer = leg->local_was_offer,
		.last_version = leg->last_version,
	};
	return view;
}

struct negotiate_leg leg_view_beside(const struct leg *leg, const struct leg *other)
{
	struct negotiate_leg view = leg_view(leg);
	view.profile.carries_video &= !other || other->carries_video;
	return view;
}

/* What is to be told of a leg to others: an offer that waits before the last word. A new description or NULL. */
static struct sdp_session *leg_word(const struct leg *leg)
{
	struct negotiate_leg view = leg_view(leg);
	if (leg->pending_remote)
		return negotiate_wishes_of_offer(&view, leg->pending_remote);
	return leg->remote ? negotiate_wishes(&view) : NULL;
}

bool leg_has_transports(struct leg *leg, const struct leg *other)
{
	if (!leg->transports || leg->kind == LEG_BROWSER) /* it bundles */
		return leg->transports != NULL;
	bool is_offer = leg->exchange == LEG_EXCHANGE_REMOTE_OFFER;
	struct sdp_session *word = is_offer || !other ? NULL : leg_word(other);
	const struct sdp_session *from = is_offer ? leg->pending_remote : word;
	struct negotiate_leg view = leg_view_beside(leg, other);
	size_t n_wanted = from ? negotiate_count_transports(&view, from, is_offer) : 1;
	sdp_session_free(word);
	if (n_wanted <= MAX(leg->transports->n, leg->n_transports_wanted))
		return true; /* or as many as media could give */
	leg->n_transports_wanted = n_wanted;
	leg_set_transports(leg, NULL, 0);
	media_leg_open_transports(leg->media, n_wanted);
	return false;
}

int leg_make_offer(struct leg *leg, const struct leg *other)
{
	struct negotiate_leg view = leg_view_beside(leg, other);
	struct sdp_session *offer, *word = other ? leg_word(other) : NULL;
	bool is_waiting = other && other->pending_remote;
	int error = negotiate_make_offer(&view, word, &offer);
	sdp_session_free(word);
	if (error < 0)
		return error;
	sdp_session_free(leg->pending_local);
	leg->pending_local = offer;
	leg->last_version = offer->session_version;
	leg->heard = !other ? LEG_WORD_OF_BUILTIN : is_waiting ? other->pending_said : other->said;
	leg_set_exchange(leg, LEG_EXCHANGE_LOCAL_OFFER);
	return 0;
}

void leg_apply_plan(struct leg *leg)
{
	struct sdp_leg_plan plan;
	leg_wake(leg);
	if (negotiate_make_plan(leg->local, leg->remote, leg->local_was_offer, &plan) < 0) {
		log_warning(&leg->log, "offer and answer leave no stream");
		return;
	}
	if (leg->media)
		media_leg_apply(leg->media, &plan);
	if (leg->endpoint)
		registrar_endpoint_note_media(leg->endpoint, plan.streams[0].send_crypto.suite[0] ? REGISTRAR_MEDIA_SDES
												  : REGISTRAR_MEDIA_WEBRTC);
	sdp_leg_plan_clear(&plan);
}

bool leg_is_behind(struct leg *leg, const struct leg *other)
{
	if (leg->heard == (other ? other->said : LEG_WORD_OF_BUILTIN))
		return false;
	if (!other)
		return true;
	if (other->pending_remote && leg->heard == other->pending_said)
		return false; /* it has heard more than what the other leg has settled so far */
	struct negotiate_leg view = leg_view(leg), other_view = leg_view(other);
	if (negotiate_legs_match(&view, &other_view) && negotiate_directions_match(&view, &other_view)) {
		leg->heard = other->said; /* there is nothing to tell */
		return false;
	}
	return true;
}

bool leg_has_answered_early(const struct leg *leg)
{
	return leg->state == LEG_INCOMING && leg->exchange == LEG_EXCHANGE_STABLE && leg->local;
}

static void leg_settle(struct leg *leg, struct sdp_session *local, struct sdp_session *remote, bool local_was_offer)
{
	sdp_session_free(leg->local);
	sdp_session_free(leg->remote);
	leg->local = local;
	leg->remote = remote;
	leg->local_was_offer = local_was_offer;
	leg_apply_plan(leg);
}

int leg_make_answer(struct leg *leg, const struct leg *other)
{
	struct negotiate_leg view = leg_view_beside(leg, other);
	struct negotiate_leg other_view = other ? leg_view(other) : (struct negotiate_leg){0};
	struct sdp_session *answer;
	int error = negotiate_make_answer(&view, leg->pending_remote, other ? &other_view : NULL, &answer);
	if (error < 0)
		return error;
	leg->last_version = answer->session_version;
	leg->said = leg->pending_said;
	leg->heard = other ? other->said : LEG_WORD_OF_BUILTIN;
	leg_settle(leg, answer, g_steal_pointer(&leg->pending_remote), false);
	leg_set_exchange(leg, LEG_EXCHANGE_STABLE);
	return 0;
}

static int leg_parse(struct leg *leg, const struct sip_message *message, struct sdp_session **ret_session)
{
	size_t length;
	const char *body = sip_message_body(message, &length);
	struct sdp_problem problem = {0};
	if (!body || !sip_message_has_sdp(message))
		return -EBADMSG;
	if (sdp_parse(body, length, ret_session, &problem) < 0) {
		log_warning(&leg->log, "the far end's SDP is refused: line %u: %s", problem.line,
			    problem.reason ? problem.reason : "malformed");
		return -EBADMSG;
	}
	return 0;
}

int leg_take_offer(struct leg *leg, const struct sip_message *message)
{
	struct sdp_session *offer;
	int error = leg_parse(leg, message, &offer);
	if (error < 0)
		return error;
	struct negotiate_leg view = leg_view(leg);
	error = negotiate_check_offer(&view.profile, offer);
	if (error < 0) {
		sdp_session_free(offer);
		return error;
	}
	sdp_session_free(leg->pending_remote);
	leg->pending_remote = offer;
	leg->pending_said = ++leg->manager->last_word;
	leg->relay = LEG_RELAY_NONE;
	leg_set_exchange(leg, LEG_EXCHANGE_REMOTE_OFFER);
	return 0;
}

int leg_take_answer(struct leg *leg, const struct sip_message *message, bool is_final)
{
	struct sdp_session *answer;
	int error = leg_parse(leg, message, &answer);
	/* The final response of some omits what a provisional one has said. */
	if (error < 0 && is_final && !sip_message_has_sdp(message) && leg->exchange == LEG_EXCHANGE_EARLY_ANSWER) {
		BASE_CLEAR(&leg->pending_local, sdp_session_free);
		leg_set_exchange(leg, LEG_EXCHANGE_STABLE);
		return 0;
	}
	if (error < 0)
		return error;
	if (is_final && !leg->pending_local && leg->local) { /* said and answered before, and changed by an UPDATE since */
		sdp_session_free(answer);
		return 0;
	}
	const char *reason = NULL;
	error = leg->pending_local ? negotiate_check_answer(leg->pending_local, answer, &reason) : -EBADMSG;
	if (error < 0) {
		log_warning(&leg->log, "the far end's answer is refused: %s", reason ? reason : "it fits no offer of ours");
		sdp_session_free(answer);
		return error;
	}
	leg->said = ++leg->manager->last_word;
	leg_settle(leg, is_final ? g_steal_pointer(&leg->pending_local) : sdp_session_copy(leg->pending_local), answer, true);
	leg_set_exchange(leg, is_final ? LEG_EXCHANGE_STABLE : LEG_EXCHANGE_EARLY_ANSWER);
	return 0;
}

void leg_drop_exchange(struct leg *leg)
{
	BASE_CLEAR(&leg->pending_local, sdp_session_free);
	BASE_CLEAR(&leg->pending_remote, sdp_session_free);
	leg->relay = LEG_RELAY_NONE;
	leg_set_exchange(leg, LEG_EXCHANGE_STABLE);
}
