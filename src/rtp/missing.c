#include "rtp/missing.h"
#include <string.h>

void rtp_missing_reset(struct rtp_missing *missing)
{
	missing->has_highest = false;
	missing->n = 0;
}

static void remove_item(struct rtp_missing *missing, size_t i)
{
	missing->n--;
	memmove(&missing->items[i], &missing->items[i + 1], (missing->n - i) * sizeof missing->items[0]);
}

static void came_late(struct rtp_missing *missing, uint16_t sequence)
{
	for (size_t i = 0; i < missing->n; i++) {
		if (missing->items[i].sequence == sequence) {
			remove_item(missing, i);
			return;
		}
	}
}

bool rtp_missing_note(struct rtp_missing *missing, uint16_t sequence, int64_t now_us)
{
	int ahead = missing->has_highest ? rtp_sequence_distance(sequence, missing->highest) : 1;
	if (ahead <= 0 && ahead > -RTP_MISSING_MAX) {
		came_late(missing, sequence);
		return false;
	}
	if (ahead <= 0 || ahead > RTP_MISSING_MAX - missing->n) {
		missing->n = 0;
		ahead = 1;
	}
	for (int i = 1; i < ahead; i++)
		missing->items[missing->n++] = (struct rtp_missing_item){
		    .sequence = (uint16_t)(missing->highest + i),
		    .since_us = now_us,
		};
	missing->has_highest = true;
	missing->highest = sequence;
	return ahead > 1;
}

static bool is_due(const struct rtp_missing_item *item, int64_t now_us, int64_t pause_us)
{
	return item->n_asks == 0 ? now_us - item->since_us >= RTP_MISSING_PATIENCE_US
				 : now_us - item->asked_us >= pause_us;
}

size_t rtp_missing_due(struct rtp_missing *missing, int64_t now_us, int64_t round_trip_us,
		       uint16_t ret_sequences[static RTP_MISSING_MAX])
{
	int64_t pause_us = MAX(round_trip_us, RTP_MISSING_PAUSE_MIN_US);
	size_t n = 0;
	for (size_t i = 0; i < missing->n;) {
		struct rtp_missing_item *item = &missing->items[i];
		bool is_asked_enough = item->n_asks >= RTP_MISSING_ASKS_MAX && now_us - item->asked_us >= pause_us;
		if (now_us - item->since_us >= RTP_MISSING_AGE_US || is_asked_enough) {
			remove_item(missing, i);
			continue;
		}
		if (item->n_asks < RTP_MISSING_ASKS_MAX && is_due(item, now_us, pause_us)) {
			item->n_asks++;
			item->asked_us = now_us;
			ret_sequences[n++] = item->sequence;
		}
		i++;
	}
	return n;
}
