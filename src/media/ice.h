/* ICE (RFC 8445). Where our own addresses are all there is, it is our own agent (ice_host.h) on a socket an address. With STUN
 * and TURN servers it is libnice, and our own sockets on libnice's ports: STUN stays with libnice, DTLS, RTP and RTCP come to
 * us, told apart in the kernel by the first byte (RFC 7983); relayed pairs are carried by libnice. Nothing outside the
 * files of ICE knows libnice. */
#pragma once
#include "media/end.h"

/* From the far end's credentials to a pair that works. A browser may still be asking its user for the microphone. */
#define MEDIA_ICE_TIMEOUT_MS 15000
/* Without an answer for so long the far end no longer agrees to be sent to (RFC 7675, section 5.1). */
#define MEDIA_ICE_CONSENT_MS 30000
/* STUN and TURN servers that have not answered by then are not waited for: the description leaves without them. */
#define MEDIA_ICE_GATHER_MS  500
/* But for so long where nothing else than TURN servers may be used. */
#define MEDIA_ICE_RELAY_MS   4000
#define MEDIA_ICE_PACING_MS  10 /* between checks (RFC 8445, section 14.2 allows 5) */
#define MEDIA_ICE_IDLE_MS    100 /* with nothing left to check, libnice goes on ticking so long: 5 s if it were not told */

/* Gathers. What media_ice_describe() says is complete when media_ice_is_gathered(), which is at once unless servers are to be asked;
 * then media_end_gathered() tells of it, and of what comes later media_end_gathered_more(). 0, -EADDRINUSE (no port), -EADDRNOTAVAIL,
 * -EHOSTUNREACH (only TURN servers may be used, and none can be asked). */
int media_ice_new(struct media_end *end, bool controlling, struct media_ice **ret_ice);
bool media_ice_is_gathered(const struct media_ice *ice);
/* Closes everything and gives the port back. Accepts NULL and half-built objects. */
struct media_ice *media_ice_free(struct media_ice *ice);

/* Credentials and candidates of ours. */
void media_ice_describe(struct media_ice *ice, struct sdp_transport *ret_local);
/* New credentials of ours; the pair of now stays in use until there is another. */
void media_ice_restart(struct media_ice *ice);
/* The far end's credentials and candidates. True when that was a restart by the far end that we had not answered with one
 * of our own yet: our credentials have changed and must be told. */
bool media_ice_apply(struct media_ice *ice, const struct sdp_transport *remote);
/* How long ago the far end has last agreed to be sent to (RFC 7675). Of use once there is a pair. */
int64_t media_ice_consent_age_us(const struct media_ice *ice);
/* Where the far end is, for people: `remote`, or the other end of the TCP connection that it stands for. */
const struct net_address *media_ice_far(const struct media_ice *ice, const struct net_address *remote);
/* STUN that came to a socket of ours. False: this agent has its own. */
bool media_ice_receive(struct media_ice *ice, struct media_socket *socket, const struct net_address *from, const uint8_t *bytes,
		       size_t length);
/* To the far end, over a pair that has no socket: a relayed one. */
void media_ice_send(struct media_ice *ice, const uint8_t *bytes, size_t length);
