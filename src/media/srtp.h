/* SRTP and SRTCP (RFC 3711, 6188, 7714), in place, on one thread at a time. A context has one master key and one
 * direction. Nothing is allocated, locked or logged per packet. Nothing a packet says is learned before it is
 * authenticated.
 *
 * Errors of the packet functions: -EINVAL malformed or too short; -EBADMSG not authentic; -EALREADY seen before or
 * older than the replay window; -ENOSPC no room for the trailer, or too many SSRCs under one key; -EOVERFLOW the key
 * has done its 2^48 packets or 2^31 reports and must be replaced; -EIO the cipher failed. On any error the packet is
 * worthless. */
#pragma once
#include "base/base.h"

#define MEDIA_SRTP_KEY_BYTES_MAX 46 /* master key and salt */
/* SSRCs of one context; more are refused, since forgetting one would allow replays. */
#define MEDIA_SRTP_STREAMS_MAX	32
#define MEDIA_SRTP_WINDOW	1024 /* packets of the replay window */
#define MEDIA_SRTCP_WINDOW	128
#define MEDIA_SRTP_TRAILER_MAX	16 /* what protect() adds at most */
#define MEDIA_SRTCP_TRAILER_MAX 20 /* what protect_rtcp() adds at most */

enum media_srtp_profile {
	MEDIA_SRTP_AES_128_CM_SHA1_80,
	MEDIA_SRTP_AES_128_CM_SHA1_32,
	MEDIA_SRTP_AES_256_CM_SHA1_80,
	MEDIA_SRTP_AES_256_CM_SHA1_32,
	MEDIA_SRTP_AEAD_AES_128_GCM,
	MEDIA_SRTP_AEAD_AES_256_GCM,
};
#define MEDIA_SRTP_PROFILES 6

enum media_srtp_direction { MEDIA_SRTP_SEND, MEDIA_SRTP_RECEIVE };

/* Lengths of a profile's master key and master salt. */
size_t media_srtp_key_bytes(enum media_srtp_profile profile);
size_t media_srtp_salt_bytes(enum media_srtp_profile profile);
/* The names of SDES (RFC 4568, 6188, 7714): "AES_CM_128_HMAC_SHA1_80", ... */
const char *media_srtp_profile_name(enum media_srtp_profile profile);
/* 0 or -ENOTSUP. */
int media_srtp_profile_from_name(const char *name, enum media_srtp_profile *ret_profile);
/* From the number of DTLS's use_srtp (RFC 5764, 7714; SSL_get_selected_srtp_profile()->id). 0 or -ENOTSUP. */
int media_srtp_profile_from_dtls(unsigned long id, enum media_srtp_profile *ret_profile);

/* Cuts the exporter's output ("EXTRACTOR-dtls_srtp", 2 * (key + salt) bytes, RFC 5764, section 4.2) into the master key
 * and salt we send with and the ones we receive with, each key + salt bytes long. */
void media_srtp_split_exported(enum media_srtp_profile profile, const uint8_t *material, bool we_are_dtls_client,
			       uint8_t ret_send[static MEDIA_SRTP_KEY_BYTES_MAX],
			       uint8_t ret_receive[static MEDIA_SRTP_KEY_BYTES_MAX]);

struct media_srtp;
/* `key_and_salt`: master key, then master salt, `bytes` together exactly as the profile has it. The caller wipes its
 * copy. 0, -EINVAL, -EIO. */
int media_srtp_new(enum media_srtp_profile profile, const uint8_t *key_and_salt, size_t bytes,
		   enum media_srtp_direction direction, struct media_srtp **ret_srtp);
/* Accepts NULL. Wipes the keys. */
struct media_srtp *media_srtp_free(struct media_srtp *srtp);

/* Sending contexts. `capacity` is of the buffer at `packet`; *length grows. A sequence number is sent under one key
 * once: a second time is -EALREADY, because the key stream would be used twice. */
int media_srtp_protect(struct media_srtp *srtp, uint8_t *packet, size_t *length, size_t capacity);
int media_srtp_protect_rtcp(struct media_srtp *srtp, uint8_t *packet, size_t *length, size_t capacity);
/* Receiving contexts. *length shrinks to the plain packet. */
int media_srtp_unprotect(struct media_srtp *srtp, uint8_t *packet, size_t *length);
int media_srtp_unprotect_rtcp(struct media_srtp *srtp, uint8_t *packet, size_t *length);

/* What must outlive the process for the keys to go on: a plain value, without the keys. Replay windows are not in it;
 * after an import everything up to the recorded index counts as seen. */
struct media_srtp_stream_state {
	uint32_t ssrc;
	bool has_rtp;
	uint64_t rtp_index; /* 2^16 * ROC + SEQ, the highest so far; when has_rtp */
	bool has_rtcp;
	uint32_t rtcp_index; /* the highest so far, 31 bits; when has_rtcp */
};
struct media_srtp_state {
	size_t n_streams;
	struct media_srtp_stream_state streams[MEDIA_SRTP_STREAMS_MAX];
};
void media_srtp_export(const struct media_srtp *srtp, struct media_srtp_state *ret_state);
/* To a new context of the same key and direction. 0; -EINVAL for impossible values; -EBUSY when packets have been
 * through; -ENOTSUP on libsrtp2, which cannot be told an SRTCP index. */
int media_srtp_import(struct media_srtp *srtp, const struct media_srtp_state *state);
