#include "media/watch.h"
#include "media/ice.h"
#include "media/quality.h"
#include "media/tell.h"
#include "metrics/metrics.h"
#include <inttypes.h>
#include <string.h>

#define PERIOD_MS	1000
#define REFUSED_MIN	3		       /* packets; fewer are a stray's */
#define STRANDED_MIN	10		       /* packets from look to look, and so many looks */
#define STRANDED_LOOKS	3
#define STUCK_REPORTS	2
#define CONSENT_LATE_US (11 * INT64_C(1000000)) /* two of the five-secondly checks are unanswered */
#define TEXT_BYTES	320

static const char *const names[MEDIA_TROUBLES] = {
	[MEDIA_TROUBLE_NONE] = "none",
	[MEDIA_TROUBLE_NO_PATH] = "no_path",
	[MEDIA_TROUBLE_NO_KEYS] = "no_keys",
	[MEDIA_TROUBLE_PAIR_LOST] = "pair_lost",
	[MEDIA_TROUBLE_STRANGER] = "stranger",
	[MEDIA_TROUBLE_NOT_AUTHENTIC] = "not_authentic",
	[MEDIA_TROUBLE_UNKNOWN_TYPE] = "unknown_type",
	[MEDIA_TROUBLE_NO_RTP] = "no_rtp",
	[MEDIA_TROUBLE_SILENT] = "silent",
	[MEDIA_TROUBLE_UNUSABLE] = "unusable",
	[MEDIA_TROUBLE_UNSENDABLE] = "unsendable",
	[MEDIA_TROUBLE_UNHEARD] = "unheard",
};

#define TROUBLE(variable, trouble_name) \
	METRICS_COUNTER(variable, "tandem_media_troubles_total", "Times that audio was found missing, by what was found.", "cause", \
			trouble_name)
TROUBLE(no_path, "no_path");
TROUBLE(no_keys, "no_keys");
TROUBLE(pair_lost, "pair_lost");
TROUBLE(stranger, "stranger");
TROUBLE(not_authentic, "not_authentic");
TROUBLE(unknown_type, "unknown_type");
TROUBLE(no_rtp, "no_rtp");
TROUBLE(silent, "silent");
TROUBLE(unusable, "unusable");
TROUBLE(unsendable, "unsendable");
TROUBLE(unheard, "unheard");

static struct metrics_item *const counters[MEDIA_TROUBLES] = {
	[MEDIA_TROUBLE_NO_PATH] = &no_path,
	[MEDIA_TROUBLE_NO_KEYS] = &no_keys,
	[MEDIA_TROUBLE_PAIR_LOST] = &pair_lost,
	[MEDIA_TROUBLE_STRANGER] = &stranger,
	[MEDIA_TROUBLE_NOT_AUTHENTIC] = &not_authentic,
	[MEDIA_TROUBLE_UNKNOWN_TYPE] = &unknown_type,
	[MEDIA_TROUBLE_NO_RTP] = &no_rtp,
	[MEDIA_TROUBLE_SILENT] = &silent,
	[MEDIA_TROUBLE_UNUSABLE] = &unusable,
	[MEDIA_TROUBLE_UNSENDABLE] = &unsendable,
	[MEDIA_TROUBLE_UNHEARD] = &unheard,
};

METRICS_GAUGE(troubled, "tandem_media_troubled_legs", "Legs on which something is wrong with the audio now.");

const char *media_trouble_name(enum media_trouble trouble)
{
	return names[trouble];
}

/* --- what is wrong --- */

static uint64_t refused_since(const struct media_end *end, enum media_refusal refusal)
{
	return end->refused[refusal] - end->watch.refused[refusal];
}

/* What came instead, if something did: the kind of which most came. */
static enum media_trouble trouble_of_refused(const struct media_end *end)
{
	static const struct {
		enum media_refusal refusal;
		enum media_trouble trouble;
	} kinds[] = {
		{MEDIA_REFUSAL_SOURCE, MEDIA_TROUBLE_STRANGER},
		{MEDIA_REFUSAL_PROTECTION, MEDIA_TROUBLE_NOT_AUTHENTIC},
		{MEDIA_REFUSAL_TYPE, MEDIA_TROUBLE_UNKNOWN_TYPE},
	};
	enum media_trouble trouble = MEDIA_TROUBLE_NONE;
	uint64_t most = REFUSED_MIN - 1;

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		uint64_t n = refused_since(end, kinds[i].refusal);

		if (n <= most)
			continue;
		most = n;
		trouble = kinds[i].trouble;
	}
	return trouble;
}

static enum media_trouble why_silent(const struct media_stream *audio)
{
	const struct media_end *end = audio->end;
	enum media_trouble trouble = trouble_of_refused(end);

	if (trouble != MEDIA_TROUBLE_NONE)
		return trouble;
	if (end->ice && media_ice_consent_age_us(end->ice) > CONSENT_LATE_US)
		return MEDIA_TROUBLE_PAIR_LOST;
	return audio->heard_us > audio->rtp_us ? MEDIA_TROUBLE_NO_RTP : MEDIA_TROUBLE_SILENT;
}

/* Of an end that is heard. */
static enum media_trouble why_useless(struct media_end *end, const struct media_stream *audio)
{
	struct media_watch *watch = &end->watch;
	bool is_stranded = audio->n_stranded - watch->stranded >= STRANDED_MIN;
	int send_error = audio->end->send_error;

	watch->n_stranded_looks = is_stranded ? watch->n_stranded_looks + 1 : 0;
	watch->stranded = audio->n_stranded;
	if (watch->n_stranded_looks >= STRANDED_LOOKS)
		return MEDIA_TROUBLE_UNUSABLE;
	if (send_error != 0 && send_error != EAGAIN)
		return MEDIA_TROUBLE_UNSENDABLE;
	if (media_stream_sends(audio) && audio->far.n_stuck >= STUCK_REPORTS)
		return MEDIA_TROUBLE_UNHEARD;
	return MEDIA_TROUBLE_NONE;
}

static enum media_trouble why_unconnected(const struct media_end *end, int64_t now_us, int64_t limit_us)
{
	if (!end->has_plan || !end->ice || end->state != MEDIA_END_READY || now_us - end->planned_us < limit_us)
		return MEDIA_TROUBLE_NONE;
	return end->rtp_remote.length == 0 ? MEDIA_TROUBLE_NO_PATH : MEDIA_TROUBLE_NO_KEYS;
}

static enum media_trouble find_trouble(struct media_end *end, const struct media_stream *audio, int64_t now_us)
{
	int64_t limit_us = end->worker->engine->settings.silence_ms * 1000;

	if (limit_us == 0 || !audio)
		return MEDIA_TROUBLE_NONE;
	if (end->state == MEDIA_END_FAILED)
		return end->watch.trouble; /* it did not go away */
	if (end->state != MEDIA_END_CONNECTED)
		return why_unconnected(end, now_us, limit_us);
	if (!end->partner)
		return MEDIA_TROUBLE_NONE; /* nobody waits for it */
	if (media_stream_receives(audio) && now_us - audio->rtp_us >= limit_us)
		return why_silent(audio);
	return why_useless(end, audio);
}

/* --- in words --- */

/* `end` is the one that carries the audio. */
static void write_cause(const struct media_end *end, enum media_trouble trouble, char *text, size_t size)
{
	char ours[NET_ADDRESS_TEXT_MAX] = "us", theirs[NET_ADDRESS_TEXT_MAX] = "nowhere", other[NET_ADDRESS_TEXT_MAX];
	struct net_address local;

	if (end->rtp_descriptor >= 0 && net_local_address(end->rtp_descriptor, &local) == 0)
		net_address_format(&local, ours);
	if (end->rtp_remote.length > 0)
		net_address_format(end->ice ? media_ice_far(end->ice, &end->rtp_remote) : &end->rtp_remote, theirs);
	switch (trouble) {
	case MEDIA_TROUBLE_NO_PATH:
		g_snprintf(text, size, "ICE finds no network path to %s", end->name);
		break;
	case MEDIA_TROUBLE_NO_KEYS:
		g_snprintf(text, size, "%s does not complete the DTLS handshake from %s", end->name, theirs);
		break;
	case MEDIA_TROUBLE_PAIR_LOST:
		g_snprintf(text, size, "ICE pair lost: %s has not answered from %s for %" PRId64 " s", end->name, theirs,
			   media_ice_consent_age_us(end->ice) / 1000000);
		break;
	case MEDIA_TROUBLE_STRANGER:
		g_snprintf(text, size, "all packets from an unexpected source %s: %s is to send from %s to %s",
			   net_address_format(&end->refused_from, other), end->name, theirs, ours);
		break;
	case MEDIA_TROUBLE_NOT_AUTHENTIC:
		g_snprintf(text, size, "%s sends from %s what does not fit the agreed keys", end->name, theirs);
		break;
	case MEDIA_TROUBLE_UNKNOWN_TYPE:
		g_snprintf(text, size, "%s sends payload type %u, which was not agreed on, to %s", end->name, end->refused_type,
			   ours);
		break;
	case MEDIA_TROUBLE_NO_RTP:
		g_snprintf(text, size, "%s sends RTCP but no RTP to %s", end->name, ours);
		break;
	case MEDIA_TROUBLE_SILENT:
		g_snprintf(text, size, "%s sends nothing to %s", end->name, ours);
		break;
	case MEDIA_TROUBLE_UNUSABLE:
		g_snprintf(text, size, "%s sends in a codec that the other side does not take", end->name);
		break;
	case MEDIA_TROUBLE_UNSENDABLE:
		g_snprintf(text, size, "nothing can be sent to %s at %s: %s", end->name, theirs, g_strerror(end->send_error));
		break;
	case MEDIA_TROUBLE_UNHEARD:
		g_snprintf(text, size, "nothing that is sent to %s at %s arrives there, by its own reports", end->name, theirs);
		break;
	case MEDIA_TROUBLE_NONE:
	case MEDIA_TROUBLES:
		g_snprintf(text, size, "no audio is missing any more");
		break;
	}
}

/* The only place where it changes. */
static void set_trouble(struct media_end *end, const struct media_end *carrier, enum media_trouble trouble, int64_t now_us)
{
	struct media_watch *watch = &end->watch;
	enum media_trouble before = watch->trouble;
	char text[TEXT_BYTES];

	if (trouble == before)
		return;
	write_cause(carrier, trouble, text, sizeof text);
	if (trouble != MEDIA_TROUBLE_NONE)
		metrics_add(counters[trouble], 1);
	metrics_add(&troubled, (trouble != MEDIA_TROUBLE_NONE) - (before != MEDIA_TROUBLE_NONE));
	if (trouble == MEDIA_TROUBLE_NONE)
		log_info(&end->log, "%s after %.1f s", text, (double)(now_us - watch->since_us) / 1e6);
	else
		log_warning(&end->log, "%s", text);
	if (before == MEDIA_TROUBLE_NONE)
		watch->since_us = now_us;
	watch->trouble = trouble;
	media_tell_trouble(end, trouble, text);
}

/* --- looking --- */

/* A far end that reports is there, though it may have nothing to say. */
static bool has_timed_out(const struct media_end *end, const struct media_stream *audio, int64_t now_us)
{
	int64_t limit_us = end->worker->engine->settings.timeout_ms * 1000;
	int64_t due_us;

	if (limit_us == 0 || end->state != MEDIA_END_CONNECTED || !audio || !media_stream_receives(audio))
		return false;
	due_us = audio->heard_us + limit_us;
	return end->watch.looked_us < due_us && now_us >= due_us; /* told once */
}

static void look(struct media_end *end, int64_t now_us)
{
	struct media_stream *audio = media_end_audio(end);
	struct media_end *carrier = audio ? audio->end : end;
	bool is_over = has_timed_out(end, audio, now_us);

	set_trouble(end, carrier, find_trouble(end, audio, now_us), now_us);
	if (audio && audio->rtp_us >= end->watch.looked_us)
		memcpy(carrier->watch.refused, carrier->refused, sizeof carrier->refused);
	carrier->send_error = 0;
	if (audio && end->state == MEDIA_END_CONNECTED)
		media_quality_look(audio, now_us);
	end->watch.looked_us = now_us;
	if (is_over)
		media_end_tell_timeout(end);
}

static void on_time(void *data)
{
	struct media_worker *worker = data;
	int64_t now_us = loop_now_us(worker->loop);

	for (GList *link = worker->ends.head; link; link = link->next)
		look(link->data, now_us);
	if (worker->ends.head)
		loop_timer_start_ms(&worker->watch_timer, PERIOD_MS);
}

void media_watch_init(struct media_worker *worker)
{
	g_queue_init(&worker->ends);
	loop_timer_init(&worker->watch_timer, worker->loop, on_time, worker);
}

void media_watch_begin(struct media_end *end)
{
	struct media_worker *worker = end->worker;

	if (end->options.kind == MEDIA_LEG_BUILTIN)
		return;
	end->watch.link.data = end;
	end->watch.looked_us = loop_now_us(worker->loop);
	g_queue_push_tail_link(&worker->ends, &end->watch.link);
	if (!loop_timer_is_running(&worker->watch_timer))
		loop_timer_start_ms(&worker->watch_timer, PERIOD_MS);
}

void media_watch_restart(struct media_end *end)
{
	for (size_t i = 0; i < end->n_streams; i++) {
		struct media_stream *stream = end->streams[i];

		stream->heard_us = stream->rtp_us = loop_now_us(media_end_loop(end));
		memcpy(stream->end->watch.refused, stream->end->refused, sizeof stream->end->refused);
	}
}

void media_watch_end(struct media_end *end)
{
	if (!end->watch.link.data)
		return;
	end->watch.link.data = NULL;
	g_queue_unlink(&end->worker->ends, &end->watch.link);
	if (!end->worker->ends.head)
		loop_timer_stop(&end->worker->watch_timer);
	if (end->watch.trouble != MEDIA_TROUBLE_NONE)
		metrics_add(&troubled, -1);
}
