/* Digits that wait to be sent, in whatever form: what rtp_event_sender and media_tone_generator take from. A digit may
 * be put in while it is still being pressed; its end is told later. Plain value; zeroed is empty. Any thread, one at a
 * time. */
#pragma once
#include "rtp/event.h"

#define RTP_DIGITS_MAX	     32
#define RTP_DIGIT_MS_MIN     40	   /* shorter ones are made so long (ITU-T Q.24) */
#define RTP_DIGIT_MS_MAX     10000 /* an end that is never told */
#define RTP_DIGIT_GAP_MS     50	   /* between two */
#define RTP_DIGIT_VOLUME     10	   /* -dBm0, where nobody says */
#define RTP_DIGIT_VOLUME_MAX 63
#define RTP_DIGIT_CODE_FLASH 16

struct rtp_digit {
	uint8_t code;	      /* as of rtp_event_code(), or RTP_DIGIT_CODE_FLASH */
	uint8_t volume;	      /* -dBm0, 0 to 63 */
	uint32_t duration_ms; /* 0: still pressed */
};
struct rtp_digits {
	struct rtp_digit at[RTP_DIGITS_MAX];
	size_t first, n;
	uint32_t so_far_ms; /* has the one lasted that is still pressed; 0: nobody says, and time counts */
};
/* 0; -EINVAL: no such code; -ENOBUFS. duration_ms 0: it is still pressed, until rtp_digits_end(). One that is still
 * pressed ends then. */
int rtp_digits_put(struct rtp_digits *digits, const struct rtp_digit *digit);
/* The one still pressed has lasted so long: no more is told of it, however late the next word comes. */
void rtp_digits_go_on(struct rtp_digits *digits, uint32_t so_far_ms);
/* The end of the one still pressed; nothing when there is none. */
void rtp_digits_end(struct rtp_digits *digits, uint32_t duration_ms);
/* The one whose turn it is; NULL: none. Stays until dropped. */
const struct rtp_digit *rtp_digits_head(const struct rtp_digits *digits);
void rtp_digits_drop(struct rtp_digits *digits);
