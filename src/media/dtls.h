/* One DTLS association of a leg (RFC 5763, 5764): the handshake, the check of the certificate against what was announced,
 * and the keys for SRTP. A change of fingerprint, role or tls-id makes a new one. */
#pragma once
#include "media/end.h"

#define MEDIA_DTLS_TIMEOUT_MS	  10000 /* from the first moment there is a path */
#define MEDIA_DTLS_RETRANSMIT_MS  100	/* the first time; doubled each time (RFC 6347, section 4.2.4.1 allows less than 1 s) */
#define MEDIA_DTLS_RETRANSMIT_MAX_MS 2000
#define MEDIA_DTLS_LINGER_MS	  240000 /* twice the life of a segment (RFC 6347, section 4.2.4) */

int media_dtls_new(struct media_end *end, const struct sdp_transport *remote, bool we_are_client,
		   struct media_dtls **ret_dtls);
/* Says close_notify if there was an association. Accepts NULL. */
struct media_dtls *media_dtls_free(struct media_dtls *dtls);
/* Whether the association that was made from these is this one (RFC 8842, section 3.1). Where the far end names none and there
 * is no ICE, another address means another association too (RFC 5763, section 6.6). */
bool media_dtls_is_for(const struct media_dtls *dtls, const struct sdp_transport *remote, bool we_are_client);
/* There is a path: a client begins. Further calls do nothing. */
void media_dtls_start(struct media_dtls *dtls);
/* A datagram from the address at the other end of the path. */
void media_dtls_receive(struct media_dtls *dtls, const uint8_t *bytes, size_t length);
/* Something has come that the far end can only have sent with all keys in hand. Most of the association is given back. */
void media_dtls_confirm(struct media_dtls *dtls);
