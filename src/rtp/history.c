#include "rtp/history.h"
#include <string.h>

struct slot {
	uint64_t start; /* counted from the beginning of all */
	int64_t sent_us, repeated_us;
	uint16_t length; /* 0: empty */
	uint16_t sequence;
	uint8_t n_repeats;
};

struct rtp_history {
	size_t n_slots, n_bytes;
	uint64_t end;  /* bytes ever put */
	size_t credit; /* packets that may be sent again */
	struct slot slots[];
};

size_t rtp_history_size(size_t packets, size_t bytes)
{
	return sizeof(struct rtp_history) + packets * sizeof(struct slot) + bytes;
}

struct rtp_history *rtp_history_init(void *memory, size_t packets, size_t bytes)
{
	struct rtp_history *history = memory;
	*history = (struct rtp_history){.n_slots = packets, .n_bytes = bytes};
	memset(history->slots, 0, packets * sizeof *history->slots);
	return history;
}

static uint8_t *bytes_at(struct rtp_history *history, uint64_t start)
{
	return (uint8_t *)&history->slots[history->n_slots] + start % history->n_bytes;
}

void rtp_history_put(struct rtp_history *history, uint16_t sequence, const uint8_t *data, size_t length, int64_t now_us)
{
	size_t to_end = history->n_bytes - history->end % history->n_bytes;
	if (length > history->n_bytes || length > UINT16_MAX)
		return;
	if (length > to_end)
		history->end += to_end; /* a datagram lies in one piece */
	history->slots[sequence & (history->n_slots - 1)] = (struct slot){
	    .start = history->end,
	    .sent_us = now_us,
	    .length = (uint16_t)length,
	    .sequence = sequence,
	};
	memcpy(bytes_at(history, history->end), data, length);
	history->end += length;
	history->credit = MIN(history->credit + 1, history->n_slots);
}

const uint8_t *rtp_history_take(struct rtp_history *history, uint16_t sequence, int64_t now_us, int64_t pause_us,
				size_t *ret_length)
{
	struct slot *slot = &history->slots[sequence & (history->n_slots - 1)];
	bool is_there =
	    slot->length > 0 && slot->sequence == sequence && history->end - slot->start <= history->n_bytes;
	if (!is_there || now_us - slot->sent_us > RTP_HISTORY_AGE_US || slot->n_repeats >= RTP_HISTORY_REPEATS_MAX ||
	    history->credit == 0 || (slot->n_repeats > 0 && now_us - slot->repeated_us < pause_us))
		return NULL;
	slot->n_repeats++;
	slot->repeated_us = now_us;
	history->credit--;
	*ret_length = slot->length;
	return bytes_at(history, slot->start);
}
