/* Binding messages of STUN (RFC 8489) as ICE has them (RFC 8445, section 7), read and written. Short-term credentials: everything
 * but an indication has MESSAGE-INTEGRITY. Pure; any thread. */
#pragma once
#include "media/stun.h"

#define MEDIA_BINDING_READ_MAX	    1280
#define MEDIA_BINDING_WRITTEN_MAX   704 /* a USERNAME of two times 256 characters and a colon, and 120 bytes */
#define MEDIA_BINDING_ROLE_CONFLICT 487

enum media_binding_kind { MEDIA_BINDING_REQUEST, MEDIA_BINDING_SUCCESS, MEDIA_BINDING_ERROR, MEDIA_BINDING_INDICATION };
enum media_binding_role { MEDIA_BINDING_NO_ROLE, MEDIA_BINDING_CONTROLLING, MEDIA_BINDING_CONTROLLED };

struct media_binding {
	enum media_binding_kind kind;
	uint8_t transaction[MEDIA_STUN_TRANSACTION_BYTES];
	size_t username_bytes;
	const char *username; /* in the message, without NUL; NULL: none */
	uint32_t priority;    /* 0: none */
	bool uses_candidate;
	enum media_binding_role role; /* the sender's */
	uint64_t tie_breaker;
	uint16_t error_code;  /* 0: none */
	size_t covered_bytes; /* before MESSAGE-INTEGRITY; 0: there is none */
	bool has_unknown;     /* attributes that would have to be understood */
};

/* 0, -EBADMSG: no Binding message, broken, or with a wrong FINGERPRINT. What stands behind MESSAGE-INTEGRITY is ignored. */
int media_binding_read(const uint8_t *bytes, size_t length, struct media_binding *ret_binding);
/* Of a message that was read from `bytes`. */
bool media_binding_is_authentic(const struct media_binding *binding, const uint8_t *bytes, const char *password);
/* Whether it is a request to who has this fragment. */
bool media_binding_is_to(const struct media_binding *binding, const char *ufrag);

/* A check; `username` is both fragments with the colon. Returns its length. */
size_t media_binding_write_request(const struct media_binding *binding, const char *username, const char *password,
				   uint8_t ret_bytes[static MEDIA_BINDING_WRITTEN_MAX]);
/* The answer to a request from `from`. */
size_t media_binding_write_success(const uint8_t *transaction, const struct net_address *from, const char *password,
				   uint8_t ret_bytes[static MEDIA_BINDING_WRITTEN_MAX]);
size_t media_binding_write_conflict(const uint8_t *transaction, const char *password,
				    uint8_t ret_bytes[static MEDIA_BINDING_WRITTEN_MAX]);
