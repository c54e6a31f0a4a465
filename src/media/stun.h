/* The little of STUN (RFC 8489) that is looked at here; libnice speaks it. Pure; any thread. */
#pragma once
#include "net/address.h"

#define MEDIA_STUN_TRANSACTION_BYTES 12

/* Whether this is a success response to a Binding request that was authenticated with `password` (short-term credentials,
 * RFC 8489, section 9.1). `ret_transaction` is written when it is. */
bool media_stun_is_answer(const uint8_t *bytes, size_t length, const char *password,
			  uint8_t ret_transaction[static MEDIA_STUN_TRANSACTION_BYTES]);

/* Whether this is a Binding request to who has `ufrag`, authenticated with its `password` (RFC 8445, section 7.1). */
bool media_stun_is_check(const uint8_t *bytes, size_t length, const char *ufrag, const char *password);

/* Where a TURN server sees us who grants an allocation (RFC 8656, section 7.3). False for any other message. */
bool media_stun_allocated(const uint8_t *bytes, size_t length, struct net_address *ret_seen);

/* What a TURN server has wrapped in a Data indication or a channel's message (RFC 8656, sections 11 and 12); what is neither, as it
 * is. *length becomes its length. */
const uint8_t *media_stun_unwrap(const uint8_t *bytes, size_t *length);
