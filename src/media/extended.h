/* Extended reports (RFC 3611). */
#pragma once
#include "media/end.h"

struct rtcp_writer;
/* Brings stream->extended to what the far end asks for: NULL when it is nothing. */
void media_extended_apply(struct media_stream *stream, const struct sdp_stream_plan *plan);
/* A packet of its source has come; stream->extended is there. */
void media_extended_note(struct media_stream *stream, const struct rtp_packet *packet);
/* A far end's XR: it may ask for the round trip. */
void media_extended_receive(struct media_end *end, const struct rtcp_packet *packet, int64_t now_us);
/* What is due, into our next report. */
void media_extended_write(struct media_stream *stream, struct rtcp_writer *writer, int64_t now_us);
