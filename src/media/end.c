#include "media/end.h"
#include "crypto/random.h"
#include "media/beside.h"
#include "media/builtin.h"
#include "media/delay.h"
#include "media/dtls.h"
#include "media/feedback.h"
#include "media/ice.h"
#include "media/plain.h"
#include "media/quality.h"
#include "media/repair.h"
#include "media/soundfile.h"
#include "media/tap.h"
#include "media/tell.h"
#include "media/transcode.h"
#include "media/watch.h"
#include "metrics/metrics.h"
#include <string.h>

METRICS_DURATION(connecting, "tandem_media_connect_seconds", "From the plan to media that can flow (ICE and DTLS).", 25000,
		 50000, 100000, 200000, 400000, 800000, 1600000, 3200000, 6400000);
METRICS_COUNTER(failed_port, "tandem_media_failures_total", "Legs whose media failed.", "cause", "no_port");
METRICS_COUNTER(failed_relay, "tandem_media_failures_total", "Legs whose media failed.", "cause", "relay");
METRICS_COUNTER(failed_ice, "tandem_media_failures_total", "Legs whose media failed.", "cause", "ice");
METRICS_COUNTER(failed_consent, "tandem_media_failures_total", "Legs whose media failed.", "cause", "consent");
METRICS_COUNTER(failed_dtls, "tandem_media_failures_total", "Legs whose media failed.", "cause", "dtls");
METRICS_COUNTER(failed_fingerprint, "tandem_media_failures_total", "Legs whose media failed.", "cause", "fingerprint");
METRICS_COUNTER(failed_keys, "tandem_media_failures_total", "Legs whose media failed.", "cause", "keys");
METRICS_COUNTER(failed_silence, "tandem_media_failures_total", "Legs whose media failed.", "cause", "silence");

static struct metrics_item *const failures[] = {
	[MEDIA_FAILURE_NO_PORT] = &failed_port,		[MEDIA_FAILURE_ICE] = &failed_ice,
	[MEDIA_FAILURE_ICE_CONSENT] = &failed_consent,	[MEDIA_FAILURE_DTLS] = &failed_dtls,
	[MEDIA_FAILURE_FINGERPRINT] = &failed_fingerprint, [MEDIA_FAILURE_KEYS] = &failed_keys,
	[MEDIA_FAILURE_RTP_TIMEOUT] = &failed_silence,	[MEDIA_FAILURE_RELAY] = &failed_relay,
};

static const char *state_name(enum media_end_state state)
{
	static const char *const names[] = {"new", "ready", "connected", "failed"};

	return names[state];
}

static void set_state(struct media_end *end, enum media_end_state state)
{
	if (end->state == state)
		return;
	log_debug(&end->log, "media %s -> %s", state_name(end->state), state_name(state));
	end->state = state;
}

/* --- life; `new` runs on the signalling thread, everything else on the worker --- */

struct media_end *media_end_new(struct media_worker *worker, const char *log_id, struct media_leg *handle,
				const struct media_leg_options *options)
{
	struct media_end *end = g_new0(struct media_end, 1);

	end->worker = worker;
	end->handle = handle;
	end->options = *options;
	base_copy_text(end->log_id, sizeof end->log_id, log_id);
	base_copy_text(end->name, sizeof end->name, options->name ? options->name : "leg");
	end->options.name = end->name;
	media_soundfile_ref(end->options.announcement);
	end->log = (struct log_context){.call = end->log_id, .leg = end->name};
	end->rtp_descriptor = end->rtcp_descriptor = -1;
	end->protection = media_end_may_use_dtls(end) ? MEDIA_PROTECTION_SRTP : MEDIA_PROTECTION_NONE;
	if (options->sdes)
		end->sdes = media_sdes_new();
	memset(end->stream_of_type, MEDIA_STREAM_NONE, sizeof end->stream_of_type);
	end->ssrc = (crypto_random_u32() | 1 << 8) & ~UINT32_C(0xff); /* those behind it neither wrap nor are 0 */
	crypto_random_token(end->cname, MEDIA_CNAME_BYTES);
	crypto_random_token(end->tls_id, MEDIA_TLS_ID_BYTES);
	return end;
}

static void describe(struct media_end *end, struct sdp_transport *local)
{
	struct sdp_fingerprint *fingerprint = &local->fingerprints[0];

	if (end->plain)
		media_plain_describe(end->plain, local);
	if (end->sdes)
		media_sdes_describe(end->sdes, local);
	if (end->ice) {
		local->ssrc = end->ssrc;
		base_copy_text(local->cname, sizeof local->cname, end->cname);
		media_ice_describe(end->ice, local);
	}
	if (!media_end_may_use_dtls(end))
		return;
	base_copy_text(local->tls_id, sizeof local->tls_id, end->tls_id);
	base_copy_text(fingerprint->algorithm, sizeof fingerprint->algorithm, "sha-256");
	base_copy_text(fingerprint->digits, sizeof fingerprint->digits,
		       crypto_certificate_fingerprint(end->worker->engine->certificate));
	local->n_fingerprints = 1;
}

static void tell_description(struct media_end *end,
			     void (*tell)(struct media_end *end, struct sdp_transport *local, size_t n_transports))
{
	size_t n = 1 + end->n_beside;
	struct sdp_transport *local = g_new0(struct sdp_transport, n);

	for (size_t i = 0; i < n; i++)
		describe(media_beside_at(end, i), &local[i]);
	tell(end, local, n);
}

static void tell_ready(struct media_end *end)
{
	tell_description(end, media_tell_ready);
}

void media_end_open_transports(struct media_end *end, size_t n_transports)
{
	if (end->state == MEDIA_END_NEW || end->state == MEDIA_END_FAILED)
		return; /* that was told */
	media_beside_open(end, n_transports);
	tell_ready(end);
}

void media_end_gathered_more(struct media_end *end)
{
	tell_description(end, media_tell_gathered_more);
}

void media_end_start(struct media_end *end)
{
	int error = 0;

	switch (end->options.kind) {
	case MEDIA_LEG_WEBRTC:
		error = media_ice_new(end, end->options.controlling, &end->ice);
		break;
	case MEDIA_LEG_RTP:
		error = media_plain_new(end, &end->plain);
		break;
	case MEDIA_LEG_BUILTIN:
		break;
	}
	if (error == -EHOSTUNREACH) {
		media_end_fail(end, MEDIA_FAILURE_RELAY);
		return;
	}
	if (error < 0) {
		log_error(&end->log, "no media socket: %s", g_strerror(-error));
		media_end_fail(end, MEDIA_FAILURE_NO_PORT);
		return;
	}
	media_watch_begin(end);
	if (!end->ice || media_ice_is_gathered(end->ice))
		media_end_gathered(end);
}

struct media_end *media_end_free(struct media_end *end)
{
	if (!end)
		return NULL;
	BASE_CLEAR(&end->tap, media_tap_free);
	media_bridge_part(end);
	media_watch_end(end);
	if (!end->main)
		media_quality_count(end);
	media_reports_say_goodbye(end);
	media_reports_stop(end);
	media_feedback_stop(end);
	BASE_CLEAR(&end->dtls, media_dtls_free);
	BASE_CLEAR(&end->ice, media_ice_free);
	BASE_CLEAR(&end->plain, media_plain_free);
	BASE_CLEAR(&end->srtp_send, media_srtp_free);
	BASE_CLEAR(&end->srtp_receive, media_srtp_free);
	BASE_CLEAR(&end->sdes, media_sdes_free);
	for (size_t i = 0; i < end->n_streams; i++)
		media_stream_free(end->streams[i]);
	g_free(end->arrivals);
	media_beside_free(end);
	media_soundfile_unref(end->options.announcement);
	g_free(end);
	return NULL;
}

/* A key of ours from the descriptions may come back, and goes on then. */
static void leave_keys(struct media_end *end)
{
	if (end->sdes)
		media_sdes_leave(end->sdes, &end->srtp_send, &end->srtp_receive);
	BASE_CLEAR(&end->srtp_send, media_srtp_free);
	BASE_CLEAR(&end->srtp_receive, media_srtp_free);
}

void media_end_fail(struct media_end *end, enum media_failure failure)
{
	set_state(end, MEDIA_END_FAILED);
	if (failure == MEDIA_FAILURE_DTLS || failure == MEDIA_FAILURE_FINGERPRINT || failure == MEDIA_FAILURE_KEYS)
		leave_keys(end); /* they do not outlive the trust */
	log_warning(&end->log, "media failed: %s", media_failure_text(failure));
	metrics_add(failures[failure], 1);
	media_tell_failed(end, failure);
}

void media_end_tell_timeout(struct media_end *end)
{
	metrics_add(failures[MEDIA_FAILURE_RTP_TIMEOUT], 1);
	media_tell_failed(end, MEDIA_FAILURE_RTP_TIMEOUT);
}

/* --- how media comes to flow --- */

static bool has_all(const struct media_end *end)
{
	bool has_keys = end->protection == MEDIA_PROTECTION_NONE || (end->srtp_send && end->srtp_receive);

	switch (end->options.kind) {
	case MEDIA_LEG_WEBRTC:
		return end->rtp_remote.length > 0 && has_keys;
	case MEDIA_LEG_RTP:
		return end->plain && end->has_plan && has_keys;
	case MEDIA_LEG_BUILTIN:
		return true;
	}
	return false;
}

static void tell_connected(struct media_end *end)
{
	if (media_end_may_use_dtls(end))
		metrics_observe_us(&connecting, loop_now_us(media_end_loop(end)) - end->planned_us);
	media_watch_restart(end);
	media_reports_start(end);
	media_tell_connected(end);
}

static void check_connected(struct media_end *end)
{
	if (end->state == MEDIA_END_CONNECTED || end->state == MEDIA_END_NEW || !has_all(end))
		return;
	set_state(end, MEDIA_END_CONNECTED);
	if (!end->main)
		tell_connected(end);
	media_feedback_connected(end);
}

void media_end_gathered(struct media_end *end)
{
	set_state(end, MEDIA_END_READY);
	tell_ready(end);
	check_connected(end);
}

/* What came too early is believed only if it came from where the pair leads. */
static void go_on_with_dtls(struct media_end *end)
{
	size_t bytes = end->early_bytes;

	if (!end->dtls || end->rtp_remote.length == 0)
		return;
	media_dtls_start(end->dtls);
	end->early_bytes = 0;
	if (bytes > 0 && net_address_equal(&end->early_from, &end->rtp_remote))
		media_dtls_receive(end->dtls, end->early, bytes);
}

/* With ICE there is one component: without rtcp-mux the far end reports nothing and is reported nothing (RFC 8445, section
 * 6.1.2.2). */
static void choose_rtcp(struct media_end *end)
{
	end->rtcp_remote = end->muxes_rtcp ? end->rtp_remote : (struct net_address){0};
}

void media_end_path_found(struct media_end *end, int descriptor, const struct net_address *remote)
{
	if (end->rtp_remote.length > 0 && !net_address_equal(&end->rtp_remote, remote))
		end->rtp_remote_before = end->rtp_remote;
	end->rtp_descriptor = end->rtcp_descriptor = descriptor;
	end->rtp_remote = *remote;
	choose_rtcp(end);
	go_on_with_dtls(end);
	check_connected(end);
}

void media_end_keys_ready(struct media_end *end, struct media_srtp *send, struct media_srtp *receive)
{
	leave_keys(end);
	end->srtp_send = send;
	end->srtp_receive = receive;
	check_connected(end);
}

/* --- the plan --- */

/* False: the end has failed. */
static bool apply_sdes(struct media_end *end, const struct sdp_stream_plan *plan)
{
	bool has_keys = plan->send_crypto.suite[0];

	if (!end->sdes && !has_keys)
		return true;
	/* First, so that nothing goes out in clear while the keys change. */
	end->protection = has_keys || media_end_may_use_dtls(end) ? MEDIA_PROTECTION_SRTP : MEDIA_PROTECTION_NONE;
	if (end->sdes && media_sdes_apply(end->sdes, plan, &end->srtp_send, &end->srtp_receive) == 0)
		return true;
	media_end_fail(end, MEDIA_FAILURE_KEYS);
	return false;
}

static void apply_dtls(struct media_end *end, const struct sdp_stream_plan *plan)
{
	const struct sdp_transport *remote = &plan->remote;

	if (remote->n_fingerprints == 0) {
		log_warning(&end->log, "the description has no fingerprint");
		return;
	}
	if (end->dtls && media_dtls_is_for(end->dtls, remote, plan->we_are_dtls_client))
		return;
	/* The keys of an association before serve until the new one is made. */
	BASE_CLEAR(&end->dtls, media_dtls_free);
	if (media_dtls_new(end, remote, plan->we_are_dtls_client, &end->dtls) < 0) {
		media_end_fail(end, MEDIA_FAILURE_DTLS);
		return;
	}
	go_on_with_dtls(end);
}

static void apply_webrtc(struct media_end *end, const struct sdp_stream_plan *plan)
{
	end->muxes_rtcp = plan->remote.rtcp_mux;
	choose_rtcp(end);
	if (media_ice_apply(end->ice, &plan->remote))
		tell_ready(end);
	if (!plan->send_crypto.suite[0])
		apply_dtls(end, plan);
	else if (apply_sdes(end, plan))
		BASE_CLEAR(&end->dtls, media_dtls_free);
}

static void apply_plain(struct media_end *end, const struct sdp_stream_plan *plan)
{
	if (!apply_sdes(end, plan))
		return;
	media_plain_apply(end->plain, &plan->remote);
	if (end->options.dtls)
		apply_dtls(end, plan);
}

static void apply_transport(struct media_end *end, const struct sdp_stream_plan *plan)
{
	if (end->ice)
		apply_webrtc(end, plan);
	else if (end->plain)
		apply_plain(end, plan);
	check_connected(end);
}

/* To what the first stream of each says. */
static void apply_transports(struct media_end *end, const struct sdp_leg_plan *plan)
{
	for (size_t i = 0; i < plan->n_streams; i++) {
		const struct sdp_stream_plan *stream = &plan->streams[i];
		struct media_end *carrier = media_beside_at(end, stream->transport);

		if (carrier && !stream->is_bundled)
			apply_transport(carrier, stream);
	}
}

static const struct sdp_stream_plan *plan_of_line(const struct sdp_leg_plan *plan, uint8_t line)
{
	for (size_t i = 0; i < plan->n_streams; i++)
		if (plan->streams[i].line == line)
			return &plan->streams[i];
	return NULL;
}

/* NULL: it has no transport. */
static struct media_stream *stream_of_line(struct media_end *end, const struct sdp_stream_plan *plan)
{
	struct media_end *carrier = media_beside_at(end, plan->transport);

	for (size_t i = 0; i < end->n_streams; i++)
		if (end->streams[i]->line == plan->line)
			return end->streams[i];
	if (!carrier || end->n_streams == MEDIA_STREAMS_MAX)
		return NULL;
	return end->streams[end->n_streams++] = media_stream_new(carrier, plan);
}

static bool apply_streams(struct media_end *end, const struct sdp_leg_plan *plan)
{
	bool is_news = false;

	for (size_t i = 0; i < plan->n_streams; i++) {
		struct media_stream *stream = stream_of_line(end, &plan->streams[i]);

		is_news |= stream && media_stream_apply(stream, &plan->streams[i]);
	}
	/* A stream that the plan has no more is silent, and may come back as the same. */
	for (size_t i = 0; i < end->n_streams; i++) {
		struct media_stream *stream = end->streams[i];

		if (stream->direction == SDP_INACTIVE || plan_of_line(plan, stream->line))
			continue;
		stream->direction = SDP_INACTIVE;
		is_news = true;
	}
	return is_news;
}

static void add_types(struct media_end *end, uint8_t index)
{
	const struct media_stream *stream = end->streams[index];

	for (size_t i = 0; i < stream->n_formats; i++)
		if (stream->formats[i].payload_type < MEDIA_TYPES)
			end->stream_of_type[stream->formats[i].payload_type] = index;
	media_repair_add_types(stream->repair, end->stream_of_type, index);
}

/* A type is the first stream's that has it; but what comes to one that has ended is another's, where there is one. */
static void make_stream_table(struct media_end *end)
{
	memset(end->stream_of_type, MEDIA_STREAM_NONE, sizeof end->stream_of_type);
	for (int in_use = 0; in_use < 2; in_use++)
		for (size_t i = end->n_streams; i-- > 0;)
			if (end->streams[i]->end == end && (end->streams[i]->direction != SDP_INACTIVE) == in_use)
				add_types(end, (uint8_t)i);
}

void media_end_apply_streams(struct media_end *end, const struct sdp_leg_plan *plan)
{
	bool is_news = apply_streams(end, plan) || !end->has_plan;

	media_beside_share(end);
	for (size_t i = 0; i <= end->n_beside; i++) {
		struct media_end *carrier = media_beside_at(end, i);

		carrier->has_plan = true;
		make_stream_table(carrier);
	}
	if (is_news)
		media_bridge_refresh(end);
}

void media_end_apply(struct media_end *end, const struct sdp_leg_plan *plan)
{
	if (!end->ice && !end->plain)
		return; /* a built-in speaks what its partner speaks; of any other without sockets it was told */
	if (!end->has_plan)
		end->planned_us = loop_now_us(media_end_loop(end));
	media_end_apply_streams(end, plan);
	apply_transports(end, plan);
}

void media_end_restart_ice(struct media_end *end)
{
	if (!end->ice)
		return;
	media_ice_restart(end->ice);
	if (end->state == MEDIA_END_FAILED)
		set_state(end, MEDIA_END_READY);
	tell_ready(end);
}

struct media_stream *media_end_audio(const struct media_end *end)
{
	struct media_stream *audio = NULL;

	for (size_t i = 0; i < end->n_streams; i++) {
		struct media_stream *stream = end->streams[i];

		if (stream->kind == SDP_KIND_AUDIO && (!audio || (audio->direction == SDP_INACTIVE && stream->direction)))
			audio = stream;
	}
	return audio;
}

/* --- figures --- */

static void add_stream(const struct media_stream *stream, struct media_report *report)
{
	report->packets_received += media_stream_packets(stream);
	report->octets_received += media_stream_octets(stream);
	report->packets_lost += media_stream_lost(stream);
	report->jitter_us = MAX(report->jitter_us, rtp_receiver_jitter_us(&stream->receiver));
	report->packets_sent += stream->sender.packets;
	report->octets_sent += stream->sender.octets;
	report->round_trip_us = MAX(report->round_trip_us, stream->round_trip_us);
	report->far_fraction_lost = MAX(report->far_fraction_lost, stream->far.fraction_lost);
	report->far_packets_lost += stream->far.packets_lost;
	report->packets_decoded += stream->decoded_before;
	report->packets_concealed += stream->concealed_before;
	if (stream->transcode)
		media_transcode_report(stream->transcode, report);
	if (stream->kind == SDP_KIND_AUDIO && report->mos_received == 0)
		media_quality_report(stream, report);
}

void media_end_report(const struct media_end *end, struct media_report *ret_report)
{
	*ret_report = (struct media_report){0};
	for (size_t i = 0; i < MEDIA_REFUSALS; i++)
		for (size_t k = 0; k <= end->n_beside; k++)
			ret_report->packets_refused += (k ? end->beside[k - 1] : end)->refused[i];
	for (size_t i = 0; i < end->n_streams; i++)
		add_stream(end->streams[i], ret_report);
}
