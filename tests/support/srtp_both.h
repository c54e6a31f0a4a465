/* SRTP as both backends do it, ours and libsrtp2's: at every step they must say and write the same. Who includes this says how
 * long packets may be: SRTP_PACKET_MAX. */
#pragma once
#include "media/srtp_backend.h"
#include <string.h>

enum { SRTP_OWN, SRTP_LIB, SRTP_BACKENDS };

struct srtp_packet {
	size_t length;
	uint8_t data[SRTP_PACKET_MAX];
};

/* A packet on its way, as it was sent (length 0: nothing was) and as it was before. */
struct srtp_kept {
	struct srtp_packet sent, plain;
	bool is_rtcp;
};

struct both_srtp {
	struct media_srtp *send[SRTP_BACKENDS], *receive[SRTP_BACKENDS];
};

static inline bool both_open(struct both_srtp *both, enum media_srtp_profile profile, const uint8_t *key)
{
	static const struct media_srtp_backend *const backends[] = {&media_srtp_openssl, &media_srtp_libsrtp2};
	size_t bytes = media_srtp_key_bytes(profile) + media_srtp_salt_bytes(profile);
	int error = 0;

	for (int i = 0; i < SRTP_BACKENDS && error == 0; i++) {
		error = media_srtp_new_with(backends[i], profile, key, bytes, MEDIA_SRTP_SEND, &both->send[i]);
		if (error == 0)
			error = media_srtp_new_with(backends[i], profile, key, bytes, MEDIA_SRTP_RECEIVE,
						    &both->receive[i]);
	}
	return error == 0;
}

static inline void both_close(struct both_srtp *both)
{
	for (int i = 0; i < SRTP_BACKENDS; i++) {
		BASE_CLEAR(&both->send[i], media_srtp_free);
		BASE_CLEAR(&both->receive[i], media_srtp_free);
	}
}

/* What is in use of it, no more. */
static inline void both_copy(struct srtp_packet *to, const struct srtp_packet *from)
{
	to->length = from->length;
	memcpy(to->data, from->data, from->length);
}

/* In which the two differ, if they do. */
static inline const char *both_compare(const int results[SRTP_BACKENDS], const struct srtp_packet packets[SRTP_BACKENDS])
{
	const struct srtp_packet *own = &packets[SRTP_OWN], *lib = &packets[SRTP_LIB];

	if (results[SRTP_OWN] != results[SRTP_LIB])
		return "another verdict";
	if (results[SRTP_OWN] < 0)
		return NULL;
	if (own->length != lib->length)
		return "another length";
	return memcmp(own->data, lib->data, own->length) == 0 ? NULL : "other bytes";
}

/* What they both say of it; the packet becomes what both have made of it. *ret_difference: NULL, or in which they differ. */
static inline int both_send(const struct both_srtp *both, struct srtp_packet *packet, bool is_rtcp,
			    const char **ret_difference)
{
	static struct srtp_packet out[SRTP_BACKENDS];
	int results[SRTP_BACKENDS];

	for (int i = 0; i < SRTP_BACKENDS; i++) {
		both_copy(&out[i], packet);
		results[i] = (is_rtcp ? media_srtp_protect_rtcp : media_srtp_protect)(both->send[i], out[i].data, &out[i].length,
										      SRTP_PACKET_MAX);
	}
	*ret_difference = both_compare(results, out);
	if (results[SRTP_OWN] == 0)
		both_copy(packet, &out[SRTP_OWN]);
	return results[SRTP_OWN];
}

static inline int both_receive(const struct both_srtp *both, struct srtp_packet *packet, bool is_rtcp,
			       const char **ret_difference)
{
	static struct srtp_packet out[SRTP_BACKENDS];
	int results[SRTP_BACKENDS];

	for (int i = 0; i < SRTP_BACKENDS; i++) {
		both_copy(&out[i], packet);
		results[i] = (is_rtcp ? media_srtp_unprotect_rtcp : media_srtp_unprotect)(both->receive[i], out[i].data,
											  &out[i].length);
	}
	*ret_difference = both_compare(results, out);
	if (results[SRTP_OWN] == 0)
		both_copy(packet, &out[SRTP_OWN]);
	return results[SRTP_OWN];
}
