/* What was sent a short while ago, to be sent again when a NACK asks for it (RFC 4585, section 6.2.1). Datagrams are
 * kept as they are given, in a ring of bytes. One block of the caller's memory, without pointers. Pure; one thread at a
 * time. Times are monotonic microseconds. */
#pragma once
#include "rtp/packet.h"

#define RTP_HISTORY_AGE_US	2000000 /* older than this it would be heard or seen by nobody */
#define RTP_HISTORY_REPEATS_MAX 10	/* of one packet */

struct rtp_history;
/* Bytes of memory for so many packets and so many bytes of them. `packets` is a power of two, at most 2^15. */
size_t rtp_history_size(size_t packets, size_t bytes);
/* `memory` has rtp_history_size() bytes, aligned as malloc() does. Returns it. */
struct rtp_history *rtp_history_init(void *memory, size_t packets, size_t bytes);
/* One longer than the whole ring is not kept. */
void rtp_history_put(struct rtp_history *history, uint16_t sequence, const uint8_t *data, size_t length,
		     int64_t now_us);
/* The datagram, valid until the next ..._put(). NULL when it is not there any more, too old, was given out less than
 * `pause_us` ago or too often, or when more would be sent again than was sent at all. */
const uint8_t *rtp_history_take(struct rtp_history *history, uint16_t sequence, int64_t now_us, int64_t pause_us,
				size_t *ret_length);
