#include "rtp/jitter_private.h"
#include "rtp/receiver.h"
#include <string.h>

#define DELAY_MAX_MS_USUAL 200
#define PACKETS_MAX_USUAL  64
#define PAYLOAD_MAX_USUAL  1500
#define CLOCK_HZ_MIN	   1000
#define CLOCK_HZ_MAX	   192000
#define JUMP_US		   (1000 * INT64_C(1000)) /* so much earlier or later than it should: another timeline */
#define LEFT_US		   (1000 * INT64_C(1000)) /* for so long a source that has been left is not come back to */

/* --- making --- */

void rtp_jitter_reset(struct rtp_jitter *jitter)
{
	rtp_jitter_set_state(jitter, RTP_JITTER_IDLE);
	for (size_t i = 0; i < jitter->settings.packets_max; i++)
		jitter->order[i] = (uint8_t)i;
	jitter->n = 0;
	jitter->coming = jitter->playing = 0;
	jitter->n_recent = 0;
	jitter->delay_us = 0;
	jitter->duration = 0;
	memset(jitter->epochs, 0, sizeof jitter->epochs);
	rtp_lateness_init(&jitter->lateness);
}

struct rtp_jitter *rtp_jitter_new(const struct rtp_jitter_settings *settings)
{
	struct rtp_jitter_settings used = {
	    .delay_min_ms = settings->delay_min_ms,
	    .delay_max_ms = settings->delay_max_ms ? settings->delay_max_ms : DELAY_MAX_MS_USUAL,
	    .packets_max = settings->packets_max ? settings->packets_max : PACKETS_MAX_USUAL,
	    .payload_max = settings->payload_max ? settings->payload_max : PAYLOAD_MAX_USUAL,
	};
	struct rtp_jitter *jitter;

	if (used.delay_max_ms > RTP_JITTER_DELAY_MS_MAX || used.delay_min_ms > used.delay_max_ms ||
	    used.packets_max < 2 || used.packets_max > RTP_JITTER_PACKETS_MAX ||
	    used.payload_max > RTP_JITTER_PAYLOAD_MAX)
		return NULL;
	jitter = g_new0(struct rtp_jitter, 1);
	jitter->settings = used;
	/* Not cleared: slots are used anew last in, first out, and pages that are never needed stay the kernel's. */
	jitter->payloads = g_malloc_n(used.packets_max, used.payload_max);
	rtp_jitter_reset(jitter);
	return jitter;
}

struct rtp_jitter *rtp_jitter_free(struct rtp_jitter *jitter)
{
	if (jitter)
		g_free(jitter->payloads);
	g_free(jitter);
	return NULL;
}

/* --- slots --- */

static void drop_head(struct rtp_jitter *jitter)
{
	uint8_t freed = jitter->order[0];

	jitter->n--;
	memmove(jitter->order, jitter->order + 1, jitter->n);
	jitter->order[jitter->n] = freed;
}

static bool is_before(const struct rtp_jitter_slot *a, const struct rtp_jitter_slot *b)
{
	return a->epoch != b->epoch ? a->epoch < b->epoch : a->sequence < b->sequence;
}

static void insert(struct rtp_jitter *jitter, const struct rtp_jitter_slot *slot, const uint8_t *payload)
{
	size_t place = jitter->n;
	uint8_t used = jitter->order[place];

	while (place > 0 && is_before(slot, rtp_jitter_slot_at(jitter, place - 1))) {
		jitter->order[place] = jitter->order[place - 1];
		place--;
	}
	jitter->order[place] = used;
	jitter->n++;
	*rtp_jitter_slot_at(jitter, place) = *slot;
	memcpy(rtp_jitter_payload_at(jitter, place), payload, slot->payload_bytes);
}

uint32_t rtp_jitter_count_missing(struct rtp_jitter *jitter, const struct rtp_jitter_slot *head, int64_t *ret_first)
{
	struct rtp_jitter_epoch *epoch = rtp_jitter_epoch_of(jitter, head->epoch);
	int64_t known = CLAMP(epoch->sequence_highest - RTP_JITTER_WINDOW, jitter->passed, head->sequence - 1);
	uint32_t missing = (uint32_t)(known - jitter->passed);

	*ret_first = jitter->passed + 1;
	for (int64_t s = head->sequence - 1; s > known; s--)
		if (*rtp_jitter_mark_of(epoch, s) == RTP_JITTER_MARK_MISSING) {
			missing++;
			if (known == jitter->passed)
				*ret_first = s;
		}
	return missing;
}

void rtp_jitter_pass_head(struct rtp_jitter *jitter)
{
	const struct rtp_jitter_slot *head = rtp_jitter_slot_at(jitter, 0);
	int64_t first;

	jitter->figures.lost += rtp_jitter_count_missing(jitter, head, &first);
	jitter->passed = head->sequence;
	jitter->next = jitter->played_to = head->timestamp + head->duration;
	drop_head(jitter); /* the payload stays until the slot is used again */
}

void rtp_jitter_discard_head(struct rtp_jitter *jitter)
{
	jitter->figures.discarded++;
	if (rtp_jitter_slot_at(jitter, 0)->epoch == jitter->playing)
		rtp_jitter_pass_head(jitter);
	else
		drop_head(jitter);
}

/* --- coming --- */

static bool has_come(const struct rtp_jitter *jitter)
{
	return jitter->coming != 0;
}

static void set_mark(struct rtp_jitter_epoch *epoch, int64_t sequence, enum rtp_jitter_mark mark)
{
	if (sequence - epoch->sequence_highest >= RTP_JITTER_WINDOW)
		memset(epoch->marks, RTP_JITTER_MARK_MISSING, sizeof epoch->marks);
	else
		for (int64_t s = epoch->sequence_highest + 1; s <= sequence; s++)
			*rtp_jitter_mark_of(epoch, s) = RTP_JITTER_MARK_MISSING;
	epoch->sequence_highest = MAX(epoch->sequence_highest, sequence);
	*rtp_jitter_mark_of(epoch, sequence) = (uint8_t)mark;
}

/* What came before the one before is given up: nobody changes so often. */
static void make_room_for_epoch(struct rtp_jitter *jitter)
{
	while (jitter->n > 0 && rtp_jitter_slot_at(jitter, 0)->epoch != jitter->coming)
		rtp_jitter_discard_head(jitter);
}

static struct rtp_jitter_epoch *begin_epoch(struct rtp_jitter *jitter, const struct rtp_packet *packet,
					    uint32_t clock_hz, int64_t now_us)
{
	struct rtp_jitter_epoch *epoch;

	make_room_for_epoch(jitter);
	epoch = rtp_jitter_epoch_of(jitter, ++jitter->coming);
	*epoch = (struct rtp_jitter_epoch){
	    .ssrc = packet->ssrc,
	    .clock_hz = clock_hz,
	    .begun_us = now_us,
	    .sequence_highest = packet->sequence,
	    .timestamp_last = packet->timestamp,
	    .unconfirmed = -1,
	};
	jitter->figures.epochs++;
	if (rtp_lateness_is_known(&jitter->lateness))
		rtp_lateness_move(&jitter->lateness, rtp_jitter_units_us(jitter, jitter->coming, packet->timestamp),
				  now_us);
	return epoch;
}

/* The epoch goes on with such a number, or a jump is confirmed, which has begun another. NULL: it may be a stray. */
static struct rtp_jitter_epoch *follow_sequence(struct rtp_jitter *jitter, const struct rtp_packet *packet,
						uint32_t clock_hz, int64_t now_us)
{
	struct rtp_jitter_epoch *epoch = rtp_jitter_epoch_of(jitter, jitter->coming);
	int ahead = rtp_sequence_distance(packet->sequence, (uint16_t)epoch->sequence_highest);
	bool is_near = ahead < RTP_MAX_DROPOUT && ahead > -RTP_MAX_MISORDER;

	if (!is_near && packet->sequence == epoch->unconfirmed)
		return begin_epoch(jitter, packet, clock_hz, now_us);
	epoch->unconfirmed = is_near ? -1 : (uint16_t)(packet->sequence + 1);
	return is_near ? epoch : NULL;
}

static bool is_left(struct rtp_jitter *jitter, uint32_t ssrc, int64_t now_us)
{
	const struct rtp_jitter_epoch *coming = rtp_jitter_epoch_of(jitter, jitter->coming),
				      *before = rtp_jitter_epoch_of(jitter, jitter->coming - 1);

	return before->clock_hz != 0 && before->ssrc == ssrc && coming->ssrc != ssrc &&
	       now_us - coming->begun_us < LEFT_US;
}

static int64_t sequence_in(const struct rtp_jitter_epoch *epoch, uint16_t sequence)
{
	return epoch->sequence_highest + rtp_sequence_distance(sequence, (uint16_t)epoch->sequence_highest);
}

static int64_t timestamp_in(const struct rtp_jitter_epoch *epoch, uint32_t timestamp)
{
	return epoch->timestamp_last + rtp_timestamp_distance(timestamp, (uint32_t)epoch->timestamp_last);
}

/* The timestamp is not where the time that has passed would put it. */
static bool is_off_time(struct rtp_jitter *jitter, const struct rtp_jitter_epoch *epoch, uint32_t timestamp,
			int64_t arrival_us)
{
	int64_t sent_us = rtp_jitter_units_us(jitter, jitter->coming, timestamp_in(epoch, timestamp));
	int64_t late_us = arrival_us - rtp_lateness_earliest_us(&jitter->lateness, sent_us);

	return rtp_lateness_is_known(&jitter->lateness) && (late_us > JUMP_US || late_us < -JUMP_US);
}

static int find_epoch(struct rtp_jitter *jitter, const struct rtp_packet *packet, uint32_t clock_hz, int64_t now_us,
		      struct rtp_jitter_epoch **ret_epoch)
{
	struct rtp_jitter_epoch *epoch = rtp_jitter_epoch_of(jitter, jitter->coming);

	if (has_come(jitter) && is_left(jitter, packet->ssrc, now_us))
		return -ETIME;
	if (!has_come(jitter) || epoch->ssrc != packet->ssrc) {
		*ret_epoch = begin_epoch(jitter, packet, clock_hz, now_us);
		return 0;
	}
	epoch = follow_sequence(jitter, packet, clock_hz, now_us);
	if (!epoch)
		return -EAGAIN;
	if (epoch->clock_hz != clock_hz || is_off_time(jitter, epoch, packet->timestamp, now_us)) {
		if (sequence_in(epoch, packet->sequence) < epoch->sequence_highest)
			return -ETIME;
		epoch = begin_epoch(jitter, packet, clock_hz, now_us);
	}
	*ret_epoch = epoch;
	return 0;
}

static bool is_there(struct rtp_jitter_epoch *epoch, int64_t sequence)
{
	return sequence <= epoch->sequence_highest && *rtp_jitter_mark_of(epoch, sequence) != RTP_JITTER_MARK_MISSING;
}

static bool is_passed(const struct rtp_jitter *jitter, int64_t sequence)
{
	return jitter->playing == jitter->coming && sequence <= jitter->passed;
}

static int count_refused(struct rtp_jitter *jitter, int error)
{
	if (error == -EALREADY)
		jitter->figures.duplicates++;
	else if (error == -ETIME)
		jitter->figures.late++;
	else
		jitter->figures.discarded++;
	return error;
}

static int take(struct rtp_jitter *jitter, struct rtp_jitter_epoch *epoch, const struct rtp_packet *packet,
		uint32_t duration, int64_t now_us)
{
	struct rtp_jitter_slot slot = {
	    .epoch = jitter->coming,
	    .sequence = sequence_in(epoch, packet->sequence),
	    .timestamp = timestamp_in(epoch, packet->timestamp),
	    .duration = duration,
	    .payload_bytes = packet->payload_bytes,
	    .payload_type = packet->payload_type,
	    .marker = packet->marker,
	};

	if (is_there(epoch, slot.sequence))
		return -EALREADY;
	if (slot.sequence >= epoch->sequence_highest)
		epoch->timestamp_last = slot.timestamp;
	set_mark(epoch, slot.sequence, RTP_JITTER_MARK_SOUND);
	rtp_lateness_add(&jitter->lateness, rtp_jitter_units_us(jitter, jitter->coming, slot.timestamp), now_us);
	if (is_passed(jitter, slot.sequence))
		return -ETIME;
	if (jitter->n == jitter->settings.packets_max)
		rtp_jitter_discard_head(jitter);
	insert(jitter, &slot, packet->payload);
	return 0;
}

int rtp_jitter_put(struct rtp_jitter *jitter, const struct rtp_packet *packet, const struct rtp_jitter_sound *sound,
		   int64_t arrival_us)
{
	struct rtp_jitter_epoch *epoch;
	int error;

	if (sound->clock_hz < CLOCK_HZ_MIN || sound->clock_hz > CLOCK_HZ_MAX ||
	    sound->duration > RTP_JITTER_DURATION_S_MAX * sound->clock_hz)
		return -EINVAL;
	if (packet->payload_bytes == 0) {
		rtp_jitter_pass(jitter, packet);
		return 0;
	}
	jitter->figures.received++;
	if (packet->payload_bytes > jitter->settings.payload_max)
		return count_refused(jitter, -EMSGSIZE);
	error = find_epoch(jitter, packet, sound->clock_hz, arrival_us, &epoch);
	if (!error)
		error = take(jitter, epoch, packet, sound->duration, arrival_us);
	return error < 0 ? count_refused(jitter, error) : 0;
}

void rtp_jitter_pass(struct rtp_jitter *jitter, const struct rtp_packet *packet)
{
	struct rtp_jitter_epoch *epoch = rtp_jitter_epoch_of(jitter, jitter->coming);
	int ahead;

	if (!has_come(jitter) || epoch->ssrc != packet->ssrc)
		return;
	ahead = rtp_sequence_distance(packet->sequence, (uint16_t)epoch->sequence_highest);
	if (ahead < RTP_MAX_DROPOUT && ahead > -RTP_MAX_MISORDER)
		set_mark(epoch, sequence_in(epoch, packet->sequence), RTP_JITTER_MARK_OTHER);
}
