/* Inside of media/srtp: what the two backends share. The daemon uses the one chosen at build time; tests compare both.
 * Names of functions begin with media_srtp_: libsrtp2 exports many that begin with srtp_, and one of ours would take
 * the place of its own. */
#pragma once
#include "media/srtp.h"
#include "media/srtp_streams.h"

#define SRTP_SALT_BYTES_MAX	  14
#define SRTP_CIPHER_KEY_BYTES_MAX 32
#define SRTP_AUTH_KEY_BYTES	  20
#define SRTP_SHA1_80_TAG_BYTES	  10
#define SRTCP_HEADER_BYTES	  8
#define SRTCP_INDEX_BYTES	  4 /* the E bit and the index */
#define SRTCP_ENCRYPTED		  0x80000000u

/* What a profile is made of. */
struct srtp_suite {
	const char *name;
	unsigned long dtls_id; /* 0: not for DTLS */
	uint8_t key_bytes;
	uint8_t salt_bytes;
	uint8_t rtp_tag_bytes;
	uint8_t rtcp_tag_bytes;
	bool is_aead;
};
/* NULL for a value outside the enum. */
const struct srtp_suite *media_srtp_suite(enum media_srtp_profile profile);

struct media_srtp_backend {
	const char *name;
	int (*create)(enum media_srtp_profile profile, const uint8_t *key_and_salt, enum media_srtp_direction direction,
		      struct media_srtp **ret_srtp);
	void (*destroy)(struct media_srtp *srtp);
	/* Sizes, versions and direction are checked before these are called. */
	int (*protect)(struct media_srtp *srtp, uint8_t *packet, size_t *length, size_t header_bytes);
	int (*unprotect)(struct media_srtp *srtp, uint8_t *packet, size_t *length, size_t header_bytes);
	int (*protect_rtcp)(struct media_srtp *srtp, uint8_t *packet, size_t *length);
	int (*unprotect_rtcp)(struct media_srtp *srtp, uint8_t *packet, size_t *length);
	bool can_import;
};
extern const struct media_srtp_backend media_srtp_openssl, media_srtp_libsrtp2;

/* Every backend's context begins with this. */
struct media_srtp {
	const struct media_srtp_backend *backend;
	const struct srtp_suite *suite;
	enum media_srtp_direction direction;
	struct srtp_streams streams;
};

/* media_srtp_new() with a backend of one's choice. */
int media_srtp_new_with(const struct media_srtp_backend *backend, enum media_srtp_profile profile,
			const uint8_t *key_and_salt, size_t bytes, enum media_srtp_direction direction,
			struct media_srtp **ret_srtp);

/* The session keys of RTP or of RTCP (RFC 3711, section 4.3, key derivation rate 0). */
struct srtp_session_keys {
	uint8_t cipher[SRTP_CIPHER_KEY_BYTES_MAX];
	uint8_t auth[SRTP_AUTH_KEY_BYTES];
	uint8_t salt[SRTP_SALT_BYTES_MAX]; /* of which AEAD uses 12 */
};
/* 0 or -EIO. */
int media_srtp_derive_keys(const struct srtp_suite *suite, const uint8_t *key_and_salt, bool is_rtcp,
			   struct srtp_session_keys *ret_keys);
