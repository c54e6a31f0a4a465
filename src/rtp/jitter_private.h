/* Of the jitter buffer, for its own two files: jitter.c takes packets, jitter_play.c gives them. */
#pragma once
#include "rtp/jitter.h"
#include "rtp/lateness.h"

#define RTP_JITTER_WINDOW                                                                                              \
	256 /* sequence numbers of which it is known whether they came; a power of two, over RTP_MAX_MISORDER */
#define RTP_JITTER_RECENT 8 /* packets whose shortest delay is compared with the target */

enum rtp_jitter_mark { RTP_JITTER_MARK_MISSING, RTP_JITTER_MARK_SOUND, RTP_JITTER_MARK_OTHER };

/* One timeline: numbers are those of its first packet and go on beyond their ends. */
struct rtp_jitter_epoch {
	uint32_t ssrc, clock_hz;
	int64_t begun_us;
	int64_t sequence_highest, timestamp_last;
	uint8_t marks[RTP_JITTER_WINDOW]; /* of sequence_highest and those before */
	int unconfirmed;		  /* the sequence number that would confirm a jump; -1: none */
};

struct rtp_jitter_slot {
	uint64_t epoch;
	int64_t sequence, timestamp;
	uint32_t duration;
	size_t payload_bytes;
	uint8_t payload_type;
	bool marker;
};

struct rtp_jitter {
	struct rtp_jitter_settings settings;
	enum rtp_jitter_state state;
	struct rtp_jitter_slot slots[RTP_JITTER_PACKETS_MAX];
	uint8_t order[RTP_JITTER_PACKETS_MAX]; /* slots in use by epoch and sequence, then the free ones */
	size_t n;
	uint8_t *payloads;
	struct rtp_lateness lateness; /* of the epoch that comes */
	/* Epochs are numbered from 1 on; at most two are kept, the one that comes and the one before. */
	struct rtp_jitter_epoch epochs[2];
	uint64_t coming, playing;
	/* of the epoch that is played */
	int64_t passed;	   /* sequence: played or given up; what comes now is late */
	int64_t next;	   /* timestamp: what is to be played now */
	int64_t played_to; /* timestamp: the end of what was played, before anything was concealed */
	uint32_t duration; /* of the last packet */
	uint8_t payload_type;
	uint32_t starved; /* concealments since played_to, in number and clock units */
	uint32_t starved_units;
	int64_t recent_us[RTP_JITTER_RECENT]; /* delays, a ring */
	size_t n_recent;
	int64_t delay_us, delay_us_max;
	struct rtp_jitter_figures figures;
};

static inline struct rtp_jitter_slot *rtp_jitter_slot_at(struct rtp_jitter *jitter, size_t place)
{
	return &jitter->slots[jitter->order[place]];
}

static inline uint8_t *rtp_jitter_payload_at(const struct rtp_jitter *jitter, size_t place)
{
	return jitter->payloads + jitter->order[place] * jitter->settings.payload_max;
}

static inline struct rtp_jitter_epoch *rtp_jitter_epoch_of(struct rtp_jitter *jitter, uint64_t number)
{
	return &jitter->epochs[number % G_N_ELEMENTS(jitter->epochs)];
}

static inline int64_t rtp_jitter_units_us(const struct rtp_jitter *jitter, uint64_t epoch, int64_t units)
{
	return units * G_USEC_PER_SEC / jitter->epochs[epoch % G_N_ELEMENTS(jitter->epochs)].clock_hz;
}

static inline uint8_t *rtp_jitter_mark_of(struct rtp_jitter_epoch *epoch, int64_t sequence)
{
	return &epoch->marks[(uint64_t)sequence % RTP_JITTER_WINDOW];
}

void rtp_jitter_set_state(struct rtp_jitter *jitter, enum rtp_jitter_state state);
/* Sequence numbers before the head that have not come; the first of them. */
uint32_t rtp_jitter_count_missing(struct rtp_jitter *jitter, const struct rtp_jitter_slot *head, int64_t *ret_first);
/* The head leaves: what comes of it or of those before is late from now on. */
void rtp_jitter_pass_head(struct rtp_jitter *jitter);
void rtp_jitter_discard_head(struct rtp_jitter *jitter);
