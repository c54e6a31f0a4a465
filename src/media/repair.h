/* Losses between a far end and us made good: what it asks for is sent again, what has not come is asked for (NACK, RFC
 * 4585), in either direction as RTX where that is agreed (RFC 4588). Between this far end and us only: the other leg
 * has its own. */
#pragma once
#include "media/end.h"
#include "rtp/rtcp_feedback.h"

/* Brings stream->repair to the plan: NULL when NACK is not agreed. */
void media_repair_apply(struct media_stream *stream, const struct sdp_stream_plan *plan);
struct media_repair *media_repair_free(struct media_repair *repair); /* accepts NULL */
/* The payload types by which the far end sends again belong to the stream too. */
void media_repair_add_types(const struct media_repair *repair, uint8_t stream_of_type[static MEDIA_TYPES],
			    uint8_t stream);

/* A packet on its way out, before and after encryption. Which of the two is kept depends on how it would be sent again:
 * as RTX it is a new packet, otherwise it must be the same datagram, because no index may be encrypted twice. */
enum media_repair_form { MEDIA_REPAIR_PLAIN, MEDIA_REPAIR_SEALED };
void media_repair_note_sent(struct media_repair *repair, enum media_repair_form form, const uint8_t *bytes,
			    size_t length);
/* The far end asks. */
void media_repair_answer(struct media_repair *repair, const struct rtcp_feedback *nack);

enum media_repair_verdict {
	MEDIA_REPAIR_ORIGINAL,
	MEDIA_REPAIR_AGAIN,   /* `packet` is now what was lost; for the counts of its source it has not come */
	MEDIA_REPAIR_NOTHING, /* it carries nothing */
};
/* A packet that has come. Starts the end's feedback timer when something is missing. */
enum media_repair_verdict media_repair_take(struct media_repair *repair, struct rtp_packet *packet, int64_t now_us);
/* Asks for what is missing. True while there is something. */
bool media_repair_ask(struct media_repair *repair, int64_t now_us);
