/* The jitter buffer of one stream of sound that is decoded here: takes packets as they come, gives them in order at the
 * consumer's pace, and says what is missing. Bounded and measured. One thread at a time; has no clock (times come in as
 * monotonic microseconds) and allocates nothing after rtp_jitter_new().
 *
 * Use: put each packet as it comes. Once a frame time, while less sound than a frame is at hand, get; what a verdict
 * gives lasts `duration`, so that packets and frames may have different lengths:
 *
 *	while (held < frame && (verdict = rtp_jitter_get(jitter, now_us, is_quiet, &out)) != RTP_JITTER_SILENCE)
 *		held += decode(verdict, &out);
 *
 * Delay: it is what a packet waits beyond the fastest way there was in the last five seconds. The target is what all
 *but one in a hundred packets of those five seconds kept below, between delay_min_ms and delay_max_ms: so it rises with
 *the first packets that are slower and falls five seconds after the last. The delay follows the target
 *	- at the start of each talk spurt (a silence of the sender's is made longer or shorter),
 *	- when a packet comes after its time: what is concealed meanwhile is not cut from what comes then,
 *	- by one packet dropped (RTP_JITTER_SURPLUS) when what waits is too much by a packet and the sound is quiet, or
 *by RTP_JITTER_LOUD_MS more and it is not,
 *	- by one concealment more (RTP_JITTER_LOST without a payload) when the delay is too short and
 *	  the sound is quiet.
 * Drift of the far end's clock is nothing else: the fastest way becomes slower or faster and the rest follows, a packet
 * dropped or concealed every 40 s at 500 ppm and 20 ms. More than delay_max_ms never waits longer than for one call of
 *get.
 *
 * A new SSRC or clock rate, or numbers that have nothing to do with those before, begin a new epoch: what waits of the
 *old one is played first. */
#pragma once
#include "rtp/packet.h"

#define RTP_JITTER_DELAY_MS_MAX	  1000
#define RTP_JITTER_PACKETS_MAX	  128
#define RTP_JITTER_PAYLOAD_MAX	  RTP_PACKET_BYTES_MAX
#define RTP_JITTER_DURATION_S_MAX 1   /* of one packet */
#define RTP_JITTER_LOUD_MS	  40  /* more than a packet too much, before sound that can be heard is dropped */
#define RTP_JITTER_CONCEAL_MS	  100 /* nothing came: for so long something is missing, then it is a silence */

struct rtp_jitter_settings {
	uint32_t delay_min_ms;
	uint32_t delay_max_ms; /* 0: 200; at most RTP_JITTER_DELAY_MS_MAX */
	size_t packets_max;    /* 0: 64; when there are more, the oldest is discarded */
	size_t payload_max;    /* bytes; 0: 1500 */
};
struct rtp_jitter;
/* NULL when a setting is out of its limits. */
struct rtp_jitter *rtp_jitter_new(const struct rtp_jitter_settings *settings);
struct rtp_jitter *rtp_jitter_free(struct rtp_jitter *jitter); /* accepts NULL */
/* Forgets all but the figures: after hold, or another leg. */
void rtp_jitter_reset(struct rtp_jitter *jitter);

struct rtp_jitter_sound {
	uint32_t clock_hz; /* of the packet's payload type */
	uint32_t duration; /* of the payload in units of clock_hz; 0: it says what the silence until the next packet is
			      like (RFC 3389) */
};
/* Copies the payload. 0; -EALREADY: it was there already; -ETIME: too late, or of a source that has been left;
 * -EMSGSIZE: payload too long; -EINVAL: a clock or duration that cannot be; -EAGAIN: far off the sequence, and begins
 * an epoch if the next one follows it. */
int rtp_jitter_put(struct rtp_jitter *jitter, const struct rtp_packet *packet, const struct rtp_jitter_sound *sound,
		   int64_t arrival_us);
/* A packet of the same source that is no sound (telephone event, nothing but padding): its number is not missing. */
void rtp_jitter_pass(struct rtp_jitter *jitter, const struct rtp_packet *packet);

enum rtp_jitter_verdict {
	RTP_JITTER_SILENCE, /* nothing is to be played for the rest of the frame: not begun, or the far end is silent */
	RTP_JITTER_PACKET,  /* to be decoded and played */
	RTP_JITTER_SURPLUS, /* to be decoded, and its sound dropped (or faded into the next): the delay is too long */
	RTP_JITTER_LOST,    /* to be concealed; with a payload: recovered from what that, the following one, carries */
};
const char *rtp_jitter_verdict_text(enum rtp_jitter_verdict verdict);

struct rtp_jitter_frame {
	const uint8_t
	    *payload; /* valid until the next call on the jitter buffer; NULL for SILENCE, and for LOST without help */
	size_t payload_bytes;
	uint8_t payload_type; /* LOST without a payload: of the packet before */
	uint32_t clock_hz;    /* likewise */
	uint32_t duration;    /* in its units: of the packet, or of what is to be concealed */
	uint32_t timestamp;   /* of the packet; LOST: of what is missing, as well as is known */
};
/* `is_quiet`: what was played last cannot be heard, so that a frame more or less does no harm; false when it is not
 * known. *ret_frame is written always. */
enum rtp_jitter_verdict rtp_jitter_get(struct rtp_jitter *jitter, int64_t now_us, bool is_quiet,
				       struct rtp_jitter_frame *ret_frame);

enum rtp_jitter_state {
	RTP_JITTER_IDLE,    /* nothing has come */
	RTP_JITTER_WAITING, /* a talk spurt has begun to come, and is not due yet */
	RTP_JITTER_PLAYING,
	RTP_JITTER_STARVED, /* nothing is there that should be: concealing */
	RTP_JITTER_SILENT,  /* and now for too long, or the far end has said that it is silent */
};
const char *rtp_jitter_state_text(enum rtp_jitter_state state);
enum rtp_jitter_state rtp_jitter_state(const struct rtp_jitter *jitter);

/* Counted in packets since rtp_jitter_new(). */
struct rtp_jitter_figures {
	uint32_t delay_ms, target_ms; /* now */
	uint32_t delay_ms_max;	      /* the longest there was */
	uint64_t received;	      /* put, whatever became of them */
	uint64_t played;
	uint64_t lost; /* had not come when their time was (late ones are among them) */
	uint64_t late; /* came after that */
	uint64_t duplicates;
	uint64_t discarded;   /* there was no room, or more waited than delay_max_ms */
	uint64_t concealed;   /* verdicts LOST that stood for a packet that was lost or came too late to be in time */
	uint64_t adjustments; /* SURPLUS, and LOST to make the delay longer */
	uint64_t epochs;
};
void rtp_jitter_get_figures(const struct rtp_jitter *jitter, struct rtp_jitter_figures *ret_figures);
