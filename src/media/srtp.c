#include "config.h"
#include "media/srtp_backend.h"
#include "metrics/metrics.h"
#include "rtp/packet.h"
#include <string.h>

METRICS_GAUGE(contexts, "tandem_srtp_contexts", "SRTP contexts: one for each direction of a leg.");

#ifdef WITH_LIBSRTP2
#define CHOSEN_BACKEND media_srtp_libsrtp2
#else
#define CHOSEN_BACKEND media_srtp_openssl
#endif

static const struct srtp_suite suites[MEDIA_SRTP_PROFILES] = {
    [MEDIA_SRTP_AES_128_CM_SHA1_80] = {"AES_CM_128_HMAC_SHA1_80", 1, 16, 14, 10, 10, false},
    /* section 5.2 leaves SRTCP's tag alone: 80 bits (RFC 4568, section 6.2) */
    [MEDIA_SRTP_AES_128_CM_SHA1_32] = {"AES_CM_128_HMAC_SHA1_32", 2, 16, 14, 4, 10, false},
    [MEDIA_SRTP_AES_256_CM_SHA1_80] = {"AES_256_CM_HMAC_SHA1_80", 0, 32, 14, 10, 10, false},
    [MEDIA_SRTP_AES_256_CM_SHA1_32] = {"AES_256_CM_HMAC_SHA1_32", 0, 32, 14, 4, 10, false},
    [MEDIA_SRTP_AEAD_AES_128_GCM] = {"AEAD_AES_128_GCM", 7, 16, 12, 16, 16, true},
    [MEDIA_SRTP_AEAD_AES_256_GCM] = {"AEAD_AES_256_GCM", 8, 32, 12, 16, 16, true},
};

const struct srtp_suite *media_srtp_suite(enum media_srtp_profile profile)
{
	return (unsigned)profile < MEDIA_SRTP_PROFILES ? &suites[profile] : NULL;
}

size_t media_srtp_key_bytes(enum media_srtp_profile profile)
{
	return suites[profile].key_bytes;
}

size_t media_srtp_salt_bytes(enum media_srtp_profile profile)
{
	return suites[profile].salt_bytes;
}

const char *media_srtp_profile_name(enum media_srtp_profile profile)
{
	return suites[profile].name;
}

int media_srtp_profile_from_name(const char *name, enum media_srtp_profile *ret_profile)
{
	for (unsigned i = 0; i < MEDIA_SRTP_PROFILES; i++) {
		if (strcmp(suites[i].name, name) == 0) {
			*ret_profile = (enum media_srtp_profile)i;
			return 0;
		}
	}
	return -ENOTSUP;
}

int media_srtp_profile_from_dtls(unsigned long id, enum media_srtp_profile *ret_profile)
{
	for (unsigned i = 0; i < MEDIA_SRTP_PROFILES; i++) {
		if (id != 0 && suites[i].dtls_id == id) {
			*ret_profile = (enum media_srtp_profile)i;
			return 0;
		}
	}
	return -ENOTSUP;
}

void media_srtp_split_exported(enum media_srtp_profile profile, const uint8_t *material, bool we_are_dtls_client,
			       uint8_t ret_send[static MEDIA_SRTP_KEY_BYTES_MAX],
			       uint8_t ret_receive[static MEDIA_SRTP_KEY_BYTES_MAX])
{
	/* client's key, server's key, client's salt, server's salt */
	size_t key_bytes = suites[profile].key_bytes, salt_bytes = suites[profile].salt_bytes;
	uint8_t *client = we_are_dtls_client ? ret_send : ret_receive;
	uint8_t *server = we_are_dtls_client ? ret_receive : ret_send;
	memcpy(client, material, key_bytes);
	memcpy(server, material + key_bytes, key_bytes);
	memcpy(client + key_bytes, material + 2 * key_bytes, salt_bytes);
	memcpy(server + key_bytes, material + 2 * key_bytes + salt_bytes, salt_bytes);
}

int media_srtp_new_with(const struct media_srtp_backend *backend, enum media_srtp_profile profile,
			const uint8_t *key_and_salt, size_t bytes, enum media_srtp_direction direction,
			struct media_srtp **ret_srtp)
{
	const struct srtp_suite *suite = media_srtp_suite(profile);
	if (!suite || bytes != (size_t)suite->key_bytes + suite->salt_bytes)
		return -EINVAL;
	int error = backend->create(profile, key_and_salt, direction, ret_srtp);
	if (error == 0)
		metrics_add(&contexts, 1);
	return error;
}

int media_srtp_new(enum media_srtp_profile profile, const uint8_t *key_and_salt, size_t bytes,
		   enum media_srtp_direction direction, struct media_srtp **ret_srtp)
{
	return media_srtp_new_with(&CHOSEN_BACKEND, profile, key_and_salt, bytes, direction, ret_srtp);
}

struct media_srtp *media_srtp_free(struct media_srtp *srtp)
{
	if (!srtp)
		return NULL;
	media_srtp_streams_clear(&srtp->streams);
	srtp->backend->destroy(srtp);
	metrics_add(&contexts, -1);
	return NULL;
}

int media_srtp_protect(struct media_srtp *srtp, uint8_t *packet, size_t *length, size_t capacity)
{
	size_t header_bytes;
	if (srtp->direction != MEDIA_SRTP_SEND || rtp_header_length(packet, *length, &header_bytes) < 0)
		return -EINVAL;
	if (*length > capacity || capacity - *length < srtp->suite->rtp_tag_bytes)
		return -ENOSPC;
	return srtp->backend->protect(srtp, packet, length, header_bytes);
}

int media_srtp_unprotect(struct media_srtp *srtp, uint8_t *packet, size_t *length)
{
	size_t header_bytes, tag_bytes = srtp->suite->rtp_tag_bytes;
	if (srtp->direction != MEDIA_SRTP_RECEIVE || *length < tag_bytes ||
	    rtp_header_length(packet, *length - tag_bytes, &header_bytes) < 0)
		return -EINVAL;
	return srtp->backend->unprotect(srtp, packet, length, header_bytes);
}

static bool is_rtcp(const uint8_t *packet, size_t length)
{
	return length >= SRTCP_HEADER_BYTES && packet[0] >> 6 == RTP_VERSION;
}

int media_srtp_protect_rtcp(struct media_srtp *srtp, uint8_t *packet, size_t *length, size_t capacity)
{
	size_t trailer_bytes = (size_t)srtp->suite->rtcp_tag_bytes + SRTCP_INDEX_BYTES;
	if (srtp->direction != MEDIA_SRTP_SEND || !is_rtcp(packet, *length))
		return -EINVAL;
	if (*length > capacity || capacity - *length < trailer_bytes)
		return -ENOSPC;
	return srtp->backend->protect_rtcp(srtp, packet, length);
}

int media_srtp_unprotect_rtcp(struct media_srtp *srtp, uint8_t *packet, size_t *length)
{
	size_t trailer_bytes = (size_t)srtp->suite->rtcp_tag_bytes + SRTCP_INDEX_BYTES;
	if (srtp->direction != MEDIA_SRTP_RECEIVE || *length < trailer_bytes ||
	    !is_rtcp(packet, *length - trailer_bytes))
		return -EINVAL;
	return srtp->backend->unprotect_rtcp(srtp, packet, length);
}

void media_srtp_export(const struct media_srtp *srtp, struct media_srtp_state *ret_state)
{
	media_srtp_streams_export(&srtp->streams, ret_state);
}

int media_srtp_import(struct media_srtp *srtp, const struct media_srtp_state *state)
{
	return srtp->backend->can_import ? media_srtp_streams_import(&srtp->streams, state) : -ENOTSUP;
}
