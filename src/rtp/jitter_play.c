#include "rtp/jitter_private.h"

#define QUIET_US (5 * INT64_C(1000)) /* more than a packet too much, before one is dropped unheard */
#define LOUD_US	 (RTP_JITTER_LOUD_MS * INT64_C(1000))

const char *rtp_jitter_verdict_text(enum rtp_jitter_verdict verdict)
{
	static const char *const texts[] = {"silence", "packet", "surplus", "lost"};

	return texts[verdict];
}

const char *rtp_jitter_state_text(enum rtp_jitter_state state)
{
	static const char *const texts[] = {"idle", "waiting", "playing", "starved", "silent"};

	return texts[state];
}

enum rtp_jitter_state rtp_jitter_state(const struct rtp_jitter *jitter)
{
	return jitter->state;
}

void rtp_jitter_set_state(struct rtp_jitter *jitter, enum rtp_jitter_state state)
{
	if (state == RTP_JITTER_PLAYING)
		jitter->starved = jitter->starved_units = 0;
	jitter->state = state;
}

/* --- delay --- */

/* What waits ahead of now, if the one in front is played now. */
static int64_t content_us(struct rtp_jitter *jitter)
{
	const struct rtp_jitter_slot *head = rtp_jitter_slot_at(jitter, 0),
				     *last = rtp_jitter_slot_at(jitter, jitter->n - 1);

	return last->epoch == head->epoch
		   ? rtp_jitter_units_us(jitter, head->epoch, last->timestamp + last->duration - head->timestamp)
		   : INT64_MAX;
}

static int64_t target_us(const struct rtp_jitter *jitter)
{
	return CLAMP(rtp_lateness_most_us(&jitter->lateness), jitter->settings.delay_min_ms * INT64_C(1000),
		     jitter->settings.delay_max_ms * INT64_C(1000));
}

static bool is_measured(const struct rtp_jitter *jitter)
{
	return jitter->playing == jitter->coming; /* of an epoch that has ended the rest is played as it comes */
}

static int64_t delay_of(const struct rtp_jitter *jitter, const struct rtp_jitter_slot *slot, int64_t now_us)
{
	return now_us -
	       rtp_lateness_earliest_us(&jitter->lateness, rtp_jitter_units_us(jitter, slot->epoch, slot->timestamp));
}

static bool is_due(const struct rtp_jitter *jitter, const struct rtp_jitter_slot *slot, int64_t now_us)
{
	return slot->epoch != jitter->coming || delay_of(jitter, slot, now_us) >= target_us(jitter);
}

static void note_delay(struct rtp_jitter *jitter, int64_t delay_us)
{
	jitter->delay_us = delay_us;
	jitter->delay_us_max = MAX(jitter->delay_us_max, delay_us);
	jitter->recent_us[jitter->n_recent++ % RTP_JITTER_RECENT] = delay_us;
}

/* Where packets and frames differ in length, the delay goes up and down from packet to packet: the shortest decides. */
static int64_t shortest_us(const struct rtp_jitter *jitter)
{
	int64_t shortest = jitter->recent_us[0];

	for (size_t i = 1; i < RTP_JITTER_RECENT; i++)
		shortest = MIN(shortest, jitter->recent_us[i]);
	return shortest;
}

static bool can_adjust(const struct rtp_jitter *jitter)
{
	return is_measured(jitter) && jitter->n_recent >= RTP_JITTER_RECENT;
}

static void adjusted(struct rtp_jitter *jitter)
{
	jitter->figures.adjustments++;
	jitter->n_recent = 0;
}

/* When the way has become longer, the fastest is still the old one for five seconds and the delay seems too long, but
 * what waits shows that it is not. */
static bool is_too_long(struct rtp_jitter *jitter, bool is_quiet)
{
	const struct rtp_jitter_slot *head = rtp_jitter_slot_at(jitter, 0);
	int64_t limit_us =
	    rtp_jitter_units_us(jitter, head->epoch, head->duration) + (is_quiet || head->marker ? QUIET_US : LOUD_US);

	return can_adjust(jitter) && jitter->n > 1 &&
	       MIN(shortest_us(jitter), content_us(jitter)) - target_us(jitter) >= limit_us;
}

static bool is_too_short(struct rtp_jitter *jitter, bool is_quiet)
{
	const struct rtp_jitter_slot *head = rtp_jitter_slot_at(jitter, 0);
	bool is_free = is_quiet || head->marker;

	return is_free && head->duration > 0 && can_adjust(jitter) &&
	       target_us(jitter) - shortest_us(jitter) >= RTP_LATENESS_STEP_US;
}

static void discard_too_old(struct rtp_jitter *jitter, int64_t now_us)
{
	int64_t max_us = jitter->settings.delay_max_ms * INT64_C(1000);

	while (jitter->n > 1 && is_measured(jitter) &&
	       delay_of(jitter, rtp_jitter_slot_at(jitter, 0), now_us) > max_us && content_us(jitter) > max_us)
		rtp_jitter_discard_head(jitter);
}

/* --- playing --- */

static enum rtp_jitter_verdict give_silence(struct rtp_jitter *jitter, enum rtp_jitter_state state)
{
	rtp_jitter_set_state(jitter, state);
	return RTP_JITTER_SILENCE;
}

static enum rtp_jitter_verdict give_loss(struct rtp_jitter *jitter, uint32_t duration,
					 struct rtp_jitter_frame *ret_frame)
{
	*ret_frame = (struct rtp_jitter_frame){
	    .payload_type = jitter->payload_type,
	    .clock_hz = rtp_jitter_epoch_of(jitter, jitter->playing)->clock_hz,
	    .duration = duration,
	    .timestamp = (uint32_t)jitter->next,
	};
	return RTP_JITTER_LOST;
}

/* Nothing is there. */
static enum rtp_jitter_verdict starve(struct rtp_jitter *jitter, struct rtp_jitter_frame *ret_frame)
{
	enum rtp_jitter_verdict verdict;

	if (jitter->state == RTP_JITTER_IDLE)
		return RTP_JITTER_SILENCE;
	if (jitter->state == RTP_JITTER_PLAYING)
		rtp_jitter_set_state(jitter, RTP_JITTER_STARVED);
	if (jitter->state != RTP_JITTER_STARVED || jitter->duration == 0 ||
	    rtp_jitter_units_us(jitter, jitter->playing, jitter->starved_units) >=
		RTP_JITTER_CONCEAL_MS * INT64_C(1000))
		return give_silence(jitter, RTP_JITTER_SILENT);
	verdict = give_loss(jitter, jitter->duration, ret_frame);
	jitter->next += jitter->duration;
	jitter->starved_units += jitter->duration;
	jitter->starved++;
	return verdict;
}

static enum rtp_jitter_verdict play(struct rtp_jitter *jitter, int64_t now_us, bool is_quiet,
				    struct rtp_jitter_frame *ret_frame)
{
	enum rtp_jitter_verdict verdict = is_too_long(jitter, is_quiet) ? RTP_JITTER_SURPLUS : RTP_JITTER_PACKET;
	const struct rtp_jitter_slot *head = rtp_jitter_slot_at(jitter, 0);

	*ret_frame = (struct rtp_jitter_frame){
	    .payload = rtp_jitter_payload_at(jitter, 0),
	    .payload_bytes = head->payload_bytes,
	    .payload_type = head->payload_type,
	    .clock_hz = rtp_jitter_epoch_of(jitter, head->epoch)->clock_hz,
	    .duration = head->duration,
	    .timestamp = (uint32_t)head->timestamp,
	};
	jitter->duration = head->duration;
	jitter->payload_type = head->payload_type;
	jitter->figures.played++;
	if (is_measured(jitter) && head->duration > 0)
		note_delay(jitter, delay_of(jitter, head, now_us));
	rtp_jitter_set_state(jitter, head->duration > 0 ? RTP_JITTER_PLAYING : RTP_JITTER_SILENT);
	if (verdict == RTP_JITTER_SURPLUS)
		adjusted(jitter);
	rtp_jitter_pass_head(jitter);
	return verdict;
}

static enum rtp_jitter_verdict play_or_stretch(struct rtp_jitter *jitter, int64_t now_us, bool is_quiet,
					       struct rtp_jitter_frame *ret_frame)
{
	if (jitter->state == RTP_JITTER_PLAYING && is_too_short(jitter, is_quiet)) {
		adjusted(jitter);
		return give_loss(jitter, rtp_jitter_slot_at(jitter, 0)->duration, ret_frame);
	}
	discard_too_old(jitter, now_us);
	return play(jitter, now_us, is_quiet, ret_frame);
}

/* After a silence: the first packet waits for the target, and the others behind it. */
static enum rtp_jitter_verdict begin_spurt(struct rtp_jitter *jitter, int64_t now_us,
					   struct rtp_jitter_frame *ret_frame)
{
	if (!is_due(jitter, rtp_jitter_slot_at(jitter, 0), now_us))
		return give_silence(jitter, RTP_JITTER_WAITING);
	rtp_jitter_set_state(jitter, RTP_JITTER_WAITING);
	jitter->n_recent = 0;
	return play_or_stretch(jitter, now_us, false, ret_frame);
}

static enum rtp_jitter_verdict lose(struct rtp_jitter *jitter, int64_t sequence, struct rtp_jitter_frame *ret_frame)
{
	const struct rtp_jitter_slot *head = rtp_jitter_slot_at(jitter, 0);
	int64_t gap = head->timestamp - jitter->next;
	uint32_t usual = jitter->duration > 0 ? jitter->duration : head->duration, duration = (uint32_t)MIN(gap, usual);
	bool is_next_to_head = gap <= usual + usual / 2;

	give_loss(jitter, is_next_to_head ? (uint32_t)gap : duration, ret_frame);
	if (is_next_to_head) {
		ret_frame->payload = rtp_jitter_payload_at(jitter, 0);
		ret_frame->payload_bytes = head->payload_bytes;
		ret_frame->payload_type = head->payload_type;
	}
	jitter->passed = sequence;
	jitter->next += ret_frame->duration;
	jitter->played_to = jitter->next;
	jitter->figures.lost++;
	jitter->figures.concealed++;
	rtp_jitter_set_state(jitter, RTP_JITTER_PLAYING);
	return RTP_JITTER_LOST;
}

/* What was concealed while nothing was there turns out to have been a loss, a delay, or the far end's silence. */
static void settle(struct rtp_jitter *jitter, bool was_silence)
{
	if (!was_silence)
		jitter->figures.concealed += jitter->starved;
	jitter->starved = 0;
}

static enum rtp_jitter_verdict go_on(struct rtp_jitter *jitter, int64_t now_us, bool is_quiet,
				     struct rtp_jitter_frame *ret_frame)
{
	const struct rtp_jitter_slot *head = rtp_jitter_slot_at(jitter, 0);
	int64_t first_missing, tolerance = head->duration / 2;
	uint32_t n_missing = rtp_jitter_count_missing(jitter, head, &first_missing);
	bool is_spurt = n_missing == 0 && head->timestamp - jitter->played_to > tolerance;

	settle(jitter, is_spurt);
	if (jitter->state == RTP_JITTER_SILENT || jitter->state == RTP_JITTER_WAITING || is_spurt)
		return begin_spurt(jitter, now_us, ret_frame);
	if (head->timestamp - jitter->next > tolerance && n_missing > 0)
		return lose(jitter, first_missing, ret_frame);
	return play_or_stretch(jitter, now_us, is_quiet, ret_frame);
}

static void enter_epoch(struct rtp_jitter *jitter)
{
	const struct rtp_jitter_slot *head = rtp_jitter_slot_at(jitter, 0);

	jitter->playing = head->epoch;
	jitter->passed = head->sequence - 1;
	jitter->next = jitter->played_to = head->timestamp;
	jitter->n_recent = 0;
	rtp_jitter_set_state(jitter, RTP_JITTER_WAITING);
}

enum rtp_jitter_verdict rtp_jitter_get(struct rtp_jitter *jitter, int64_t now_us, bool is_quiet,
				       struct rtp_jitter_frame *ret_frame)
{
	*ret_frame = (struct rtp_jitter_frame){.payload_type = jitter->payload_type};
	if (jitter->n == 0)
		return starve(jitter, ret_frame);
	if (rtp_jitter_slot_at(jitter, 0)->epoch != jitter->playing) {
		/* not before it is due: until then packets may come that stand before it */
		if (!is_due(jitter, rtp_jitter_slot_at(jitter, 0), now_us))
			return give_silence(jitter, RTP_JITTER_WAITING);
		enter_epoch(jitter);
	}
	return go_on(jitter, now_us, is_quiet, ret_frame);
}

void rtp_jitter_get_figures(const struct rtp_jitter *jitter, struct rtp_jitter_figures *ret_figures)
{
	*ret_figures = jitter->figures;
	ret_figures->delay_ms = (uint32_t)(MAX(jitter->delay_us, 0) / 1000);
	ret_figures->delay_ms_max = (uint32_t)(jitter->delay_us_max / 1000);
	ret_figures->target_ms = (uint32_t)(target_us(jitter) / 1000);
}
