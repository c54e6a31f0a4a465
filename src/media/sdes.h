/* Keys that stand in the descriptions (SDES, RFC 4568). Ours are made once a leg, one for each suite, and stay; the far end's
 * come with the plan. */
#pragma once
#include "media/srtp.h"
#include "sdp/plan.h"

struct media_sdes;

struct media_sdes *media_sdes_new(void);
/* Wipes the keys. Accepts NULL. */
struct media_sdes *media_sdes_free(struct media_sdes *sdes);
/* Our lines, in the order of our preference. */
void media_sdes_describe(const struct media_sdes *sdes, struct sdp_transport *ret_local);
/* Brings a leg's two contexts to the stream's keys: a context whose key stays is not touched, so that its rollover counters
 * and replay window live on; one of ours that is left is kept for its return, because a key must never meet the same index
 * twice. A stream without keys leaves the leg without contexts. 0; -ENOTSUP, -EINVAL, -EIO: there are none then. */
int media_sdes_apply(struct media_sdes *sdes, const struct sdp_stream_plan *plan, struct media_srtp **send,
		     struct media_srtp **receive);
/* The leg is keyed by something else from now on; it is left without contexts. */
void media_sdes_leave(struct media_sdes *sdes, struct media_srtp **send, struct media_srtp **receive);
