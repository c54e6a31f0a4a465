/* Plain RTP: a pair of sockets, RTP on the even port and RTCP on the next (RFC 3550, section 11). */
#pragma once
#include "media/end.h"

/* Sockets on the address that leads to options.toward. 0, -EADDRINUSE, -EADDRNOTAVAIL, -errno. */
int media_plain_new(struct media_end *end, struct media_plain **ret_plain);
struct media_plain *media_plain_free(struct media_plain *plain); /* accepts NULL */
/* What our description says. */
void media_plain_describe(const struct media_plain *plain, struct sdp_transport *ret_local);
/* Takes the far end's addresses; what has been latched stays unless they change. */
void media_plain_apply(struct media_plain *plain, const struct sdp_transport *remote);
/* Whether a packet from another address than the announced one is of any interest; it is to be authenticated first. */
bool media_plain_may_latch(const struct media_plain *plain);
/* An authentic packet from another address than the announced one: true when it is, or becomes, the one that counts. */
bool media_plain_latches(struct media_end *end, const struct net_address *from, const uint8_t *bytes, size_t length);
/* A packet came from where it should: no other address will do any more. */
void media_plain_confirm(struct media_plain *plain);
