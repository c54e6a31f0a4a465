/* Packets kept for a while and then sent: what a delayed echo is made of. */
#pragma once
#include "media/end.h"

#define MEDIA_DELAY_MS	  5000
#define MEDIA_DELAY_BYTES (512 * 1024) /* 5 s of 800 kbit/s; what is over is lost */

struct media_delay *media_delay_new(struct media_stream *stream);
struct media_delay *media_delay_free(struct media_delay *delay); /* accepts NULL */
/* Copies the packet; it is sent by the same stream MEDIA_DELAY_MS later. */
void media_delay_put(struct media_delay *delay, const struct rtp_packet *packet, uint8_t type_out, uint32_t clock_hz);
