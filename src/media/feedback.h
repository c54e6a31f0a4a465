/* Feedback of a leg (RFC 4585, RFC 5104): each leg's is between its far end and us, and what concerns the other leg's
 * far end (key frames) is asked of it in its own way: by PLI or FIR, or through the signalling. */
#pragma once
#include "media/end.h"
#include "rtp/rtcp_feedback.h"

/* A feedback packet of the far end. */
void media_feedback_receive(struct media_end *end, const struct rtcp_packet *packet);
/* Something is to be asked for soon. */
void media_feedback_wake(struct media_end *end);
void media_feedback_stop(struct media_end *end);
/* Media can flow now, by this end. */
void media_feedback_connected(struct media_end *end);

/* A RTCP packet of ours with feedback in it: with a report and a name before it unless the far end takes less (RFC
 * 5506). */
#define MEDIA_FEEDBACK_BYTES 1200
struct media_feedback_packet {
	struct rtcp_writer writer;
	uint8_t bytes[MEDIA_FEEDBACK_BYTES + MEDIA_PACKET_ROOM];
};
void media_feedback_begin(struct media_feedback_packet *packet, const struct media_stream *stream);
void media_feedback_send(struct media_feedback_packet *packet, const struct media_stream *stream);

/* The stream's part of a plan has changed. */
void media_feedback_apply(struct media_stream *stream, const struct sdp_stream_plan *plan);
/* A packet of a stream with arrival_extension, whatever is in it. */
void media_feedback_note_arrival(struct media_stream *stream, const struct rtp_packet *packet);

/* --- rate.c --- */

/* Whoever sends `source` is to send no more than this. It is told soon; of several limits until then, the last. */
void media_rate_limit(struct media_stream *source, uint64_t bits_per_second);
/* Tells it, if there is something to tell. */
void media_rate_tell(struct media_stream *source);
/* The far end of `stream` can take no more than this: the far end that stands behind it is told. */
void media_rate_limited_by(struct media_stream *stream, uint64_t bits_per_second);
/* A report of the far end of `stream`; parts of 256. */
void media_rate_note_loss(struct media_stream *stream, uint8_t fraction_lost, int64_t now_us);

/* --- key_frame.c --- */

/* Whoever sends `source` is to send a key frame as soon as may be. Does nothing where there is no video. */
void media_key_frame_want(struct media_stream *source);
/* The far end of `stream` cannot go on without one: the far end that stands behind it is asked. */
void media_key_frame_wanted_by(struct media_stream *stream);
/* Asks if it is time to. True while a wish waits. */
bool media_key_frame_ask(struct media_stream *source, int64_t now_us);
