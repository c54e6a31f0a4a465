/* Sound that its partner has no codec for: decoded, and encoded in one that it has. One for each way; on the worker of the leg
 * that the packets come from. */
#pragma once
#include "media/end.h"

struct media_transcode;

/* What is to convert what comes in at `from` for `to` (NULL: nothing) from now on: `transcode` itself where it fits still, else
 * another one; `transcode`, which may be NULL, is freed then. NULL: all that comes can go over as it is, or cannot be converted. */
struct media_transcode *media_transcode_renew(struct media_transcode *transcode, struct media_stream *from,
					      struct media_stream *to);
struct media_transcode *media_transcode_free(struct media_transcode *transcode); /* accepts NULL; returns NULL */

/* Adds what it has decoded. */
void media_transcode_report(const struct media_transcode *transcode, struct media_report *report);

/* A packet that cannot go over as it is. False: nor can it be converted. */
bool media_transcode_put(struct media_transcode *transcode, const struct rtp_packet *packet);
/* One that goes over as it is: its number is not missing. */
void media_transcode_pass(struct media_transcode *transcode, const struct rtp_packet *packet);
