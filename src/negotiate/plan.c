/* From two descriptions to what media does. */
#include "negotiate/negotiate_private.h"

#include <string.h>

static void add_format(struct sdp_stream_plan *plan, const struct negotiate_agreed *agreed, size_t index)
{
	const struct sdp_format *remote = agreed->remote[index];
	const struct sdp_format *told = plan->kind == SDP_KIND_VIDEO ? agreed->offered[index] : remote;
	struct sdp_format *format = &plan->formats[plan->n_formats];
	*format = *agreed->local[index];
	memcpy(format->parameters, told->parameters, sizeof format->parameters);
	plan->send_types[plan->n_formats++] = remote->payload_type;
}

static void plan_formats(struct sdp_stream_plan *plan, const struct negotiate_agreed *agreed)
{
	for (size_t i = 0; i < agreed->n; i++) {
		if (negotiate_is_codec(agreed->local[i]))
			add_format(plan, agreed, i);
	}
	for (size_t i = 0; i < agreed->n && plan->n_formats; i++) {
		if (!negotiate_is_codec(agreed->local[i]) && !negotiate_is_retransmission(agreed->local[i]))
			add_format(plan, agreed, i);
	}
}

/* False for a stream that must be encrypted and has nothing for it. */
static bool plan_keying(const struct sdp_media *local, const struct sdp_media *remote, bool local_is_offer,
			struct sdp_stream_plan *plan)
{
	const struct sdp_media *offer = local_is_offer ? local : remote, *answer = local_is_offer ? remote : local;
	const struct sdp_crypto *offered, *answered;
	if (local->transport.n_fingerprints || local->is_bundle_only || remote->is_bundle_only)
		return true; /* DTLS, or whatever the first stream of the bundle has */
	if (!negotiate_crypto_pair(offer, answer, &offered, &answered))
		return !negotiate_is_secure_profile(local->profile);
	plan->send_crypto = local_is_offer ? *offered : *answered;
	plan->receive_crypto = local_is_offer ? *answered : *offered;
	return true;
}

static bool plan_stream(const struct sdp_media *local, const struct sdp_media *remote, bool local_is_offer,
			struct sdp_stream_plan *plan)
{
	struct negotiate_agreed agreed;
	if (!negotiate_is_active(local) || !negotiate_is_active(remote))
		return false;
	negotiate_agree(local, remote, local_is_offer, &agreed);
	plan->kind = local->kind;
	plan_formats(plan, &agreed);
	if (!plan->n_formats || !plan_keying(local, remote, local_is_offer, plan))
		return false;
	base_copy_text(plan->mid, sizeof plan->mid, local->mid[0] ? local->mid : remote->mid);
	plan->direction = local->direction & sdp_direction_reverse(negotiate_direction(remote));
	plan->ptime_ms = remote->ptime_ms;
	plan->maxptime_ms = remote->maxptime_ms;
	plan->remote = remote->transport;
	plan->remote.rtcp_mux = local->transport.rtcp_mux && remote->transport.rtcp_mux;
	plan->we_are_dtls_client = negotiate_role(&local->transport, &remote->transport) == SDP_SETUP_ACTIVE;
	negotiate_plan_feedback(local, remote, plan);
	return true;
}

int negotiate_make_plan(const struct sdp_session *local, const struct sdp_session *remote, bool local_is_offer,
			struct sdp_leg_plan *ret_plan)
{
	size_t n = MIN(local->n_media, remote->n_media);
	struct sdp_leg_plan plan = {.streams = g_new0(struct sdp_stream_plan, MAX(n, 1))};
	const struct sdp_session *answer = local_is_offer ? remote : local;
	for (size_t i = 0; i < n; i++) {
		struct sdp_stream_plan *stream = &plan.streams[plan.n_streams];
		if (!plan_stream(&local->media[i], &remote->media[i], local_is_offer, stream)) {
			*stream = (struct sdp_stream_plan){0};
			continue;
		}
		bool is_in_bundle = negotiate_is_bundled(answer, answer->media[i].mid);
		stream->line = i;
		stream->rank = negotiate_rank(local, i);
		stream->transport = is_in_bundle ? 0 : negotiate_transport_rank(local, i);
		stream->is_bundled = plan.n_streams && is_in_bundle;
		plan.n_streams++;
	}
	if (!plan.n_streams) {
		sdp_leg_plan_clear(&plan);
		return -ENOTSUP;
	}
	*ret_plan = plan;
	return 0;
}
