/* SRTP on OpenSSL: the order of things in a packet (RFC 3711, section 3.1, 3.3, 3.4; RFC 7714, section 8, 9). */
#include "media/srtp_transform.h"
#include "rtp/packet.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

struct openssl_srtp {
	struct media_srtp common;
	struct srtp_transform rtp, rtcp;
};

static struct openssl_srtp *openssl_of(struct media_srtp *srtp)
{
	return BASE_CONTAINER_OF(srtp, struct openssl_srtp, common);
}

/* Leaves nothing in the thread's error queue for the next TLS call to stumble on. */
static int failed(int error)
{
	ERR_clear_error();
	return error;
}

static int openssl_protect(struct media_srtp *srtp, uint8_t *packet, size_t *length, size_t header_bytes)
{
	struct srtp_transform *transform = &openssl_of(srtp)->rtp;
	uint32_t ssrc = rtp_get_u32(packet + 8), at;
	uint64_t index;
	int r = media_srtp_streams_find(&srtp->streams, ssrc, &at);
	if (r == 0)
		r = media_srtp_streams_estimate(&srtp->streams, at, rtp_get_u16(packet + 2), &index);
	if (r < 0)
		return r;
	if (srtp->suite->is_aead) {
		struct srtp_associated associated = {packet, header_bytes, NULL};
		media_srtp_gcm_start(transform, ssrc, index, &associated);
		if (!media_srtp_gcm_seal(transform, packet + header_bytes, *length - header_bytes, packet + *length))
			return failed(-EIO);
	} else {
		uint8_t mac[SHA_DIGEST_LENGTH];
		uint32_t rollover = (uint32_t)(index >> 16);
		if (!media_srtp_counter_mode(transform, ssrc, index, packet + header_bytes, *length - header_bytes))
			return failed(-EIO);
		media_srtp_hmac(transform, packet, *length, &rollover, mac);
		memcpy(packet + *length, mac, srtp->suite->rtp_tag_bytes);
	}
	media_srtp_streams_commit(&srtp->streams, at, ssrc, index);
	*length += srtp->suite->rtp_tag_bytes;
	return 0;
}

static int openssl_unprotect(struct media_srtp *srtp, uint8_t *packet, size_t *length, size_t header_bytes)
{
	struct srtp_transform *transform = &openssl_of(srtp)->rtp;
	uint32_t ssrc = rtp_get_u32(packet + 8), at;
	size_t plain_length = *length - srtp->suite->rtp_tag_bytes;
	uint8_t *tag = packet + plain_length;
	uint64_t index;
	int r = media_srtp_streams_find(&srtp->streams, ssrc, &at);
	if (r == 0)
		r = media_srtp_streams_estimate(&srtp->streams, at, rtp_get_u16(packet + 2), &index);
	if (r < 0)
		return r;
	if (srtp->suite->is_aead) {
		struct srtp_associated associated = {packet, header_bytes, NULL};
		media_srtp_gcm_start(transform, ssrc, index, &associated);
		if (!media_srtp_gcm_open(transform, packet + header_bytes, plain_length - header_bytes, tag))
			return failed(-EBADMSG);
	} else {
		uint8_t mac[SHA_DIGEST_LENGTH];
		uint32_t rollover = (uint32_t)(index >> 16);
		media_srtp_hmac(transform, packet, plain_length, &rollover, mac);
		if (CRYPTO_memcmp(mac, tag, srtp->suite->rtp_tag_bytes) != 0)
			return -EBADMSG;
		if (!media_srtp_counter_mode(transform, ssrc, index, packet + header_bytes,
					     plain_length - header_bytes))
			return failed(-EIO);
	}
	media_srtp_streams_commit(&srtp->streams, at, ssrc, index);
	*length = plain_length;
	return 0;
}

static int openssl_protect_rtcp(struct media_srtp *srtp, uint8_t *packet, size_t *length)
{
	struct srtp_transform *transform = &openssl_of(srtp)->rtcp;
	uint32_t ssrc = rtp_get_u32(packet + 4), at, index;
	uint8_t *body = packet + SRTCP_HEADER_BYTES, *end = packet + *length;
	size_t body_bytes = *length - SRTCP_HEADER_BYTES;
	int r = media_srtp_streams_find(&srtp->streams, ssrc, &at);
	if (r == 0)
		r = media_srtp_streams_next_rtcp(&srtp->streams, at, &index);
	if (r < 0)
		return r;
	if (srtp->suite->is_aead) { /* packet, tag, index word (RFC 7714, section 9.2) */
		struct srtp_associated associated = {packet, SRTCP_HEADER_BYTES, end + SRTP_GCM_TAG_BYTES};
		rtp_put_u32(end + SRTP_GCM_TAG_BYTES, SRTCP_ENCRYPTED | index);
		media_srtp_gcm_start(transform, ssrc, index, &associated);
		if (!media_srtp_gcm_seal(transform, body, body_bytes, end))
			return failed(-EIO);
	} else { /* packet, index word, tag (RFC 3711, section 3.4) */
		uint8_t mac[SHA_DIGEST_LENGTH];
		if (!media_srtp_counter_mode(transform, ssrc, index, body, body_bytes))
			return failed(-EIO);
		rtp_put_u32(end, SRTCP_ENCRYPTED | index);
		media_srtp_hmac(transform, packet, *length + SRTCP_INDEX_BYTES, NULL, mac);
		memcpy(end + SRTCP_INDEX_BYTES, mac, srtp->suite->rtcp_tag_bytes);
	}
	media_srtp_streams_commit_rtcp(&srtp->streams, at, ssrc, index);
	*length += SRTCP_INDEX_BYTES + (size_t)srtp->suite->rtcp_tag_bytes;
	return 0;
}

static int openssl_unprotect_rtcp(struct media_srtp *srtp, uint8_t *packet, size_t *length)
{
	struct srtp_transform *transform = &openssl_of(srtp)->rtcp;
	size_t tag_bytes = srtp->suite->rtcp_tag_bytes, plain_length = *length - tag_bytes - SRTCP_INDEX_BYTES;
	uint8_t *body = packet + SRTCP_HEADER_BYTES, *end = packet + plain_length;
	uint8_t *index_word = srtp->suite->is_aead ? end + tag_bytes : end;
	uint32_t ssrc = rtp_get_u32(packet + 4), index = rtp_get_u32(index_word), at;
	if (!(index & SRTCP_ENCRYPTED))
		return -EBADMSG; /* encryption was agreed on; nothing in the clear is taken instead */
	index &= ~SRTCP_ENCRYPTED;
	int r = media_srtp_streams_find(&srtp->streams, ssrc, &at);
	if (r == 0)
		r = media_srtp_streams_check_rtcp(&srtp->streams, at, index);
	if (r < 0)
		return r;
	if (srtp->suite->is_aead) {
		struct srtp_associated associated = {packet, SRTCP_HEADER_BYTES, index_word};
		media_srtp_gcm_start(transform, ssrc, index, &associated);
		if (!media_srtp_gcm_open(transform, body, plain_length - SRTCP_HEADER_BYTES, end))
			return failed(-EBADMSG);
	} else {
		uint8_t mac[SHA_DIGEST_LENGTH];
		media_srtp_hmac(transform, packet, plain_length + SRTCP_INDEX_BYTES, NULL, mac);
		if (CRYPTO_memcmp(mac, end + SRTCP_INDEX_BYTES, tag_bytes) != 0)
			return -EBADMSG;
		if (!media_srtp_counter_mode(transform, ssrc, index, body, plain_length - SRTCP_HEADER_BYTES))
			return failed(-EIO);
	}
	media_srtp_streams_commit_rtcp(&srtp->streams, at, ssrc, index);
	*length = plain_length;
	return 0;
}

static int key_transform(struct srtp_transform *transform, const struct srtp_suite *suite, const uint8_t *key_and_salt,
			 bool for_rtcp)
{
	struct srtp_session_keys keys;
	int r = media_srtp_derive_keys(suite, key_and_salt, for_rtcp, &keys);
	if (r == 0)
		r = media_srtp_transform_init(transform, suite, &keys);
	OPENSSL_cleanse(&keys, sizeof keys);
	return r;
}

static void openssl_destroy(struct media_srtp *srtp)
{
	struct openssl_srtp *own = openssl_of(srtp);
	media_srtp_transform_clear(&own->rtp);
	media_srtp_transform_clear(&own->rtcp);
	OPENSSL_cleanse(own, sizeof *own);
	g_free(own);
}

static int openssl_create(enum media_srtp_profile profile, const uint8_t *key_and_salt,
			  enum media_srtp_direction direction, struct media_srtp **ret_srtp)
{
	const struct srtp_suite *suite = media_srtp_suite(profile);
	struct openssl_srtp *own = g_new0(struct openssl_srtp, 1);
	own->common.backend = &media_srtp_openssl;
	own->common.suite = suite;
	own->common.direction = direction;
	int r = key_transform(&own->rtp, suite, key_and_salt, false);
	if (r == 0)
		r = key_transform(&own->rtcp, suite, key_and_salt, true);
	if (r < 0) {
		openssl_destroy(&own->common);
		return r;
	}
	*ret_srtp = &own->common;
	return 0;
}

const struct media_srtp_backend media_srtp_openssl = {
    .name = "openssl",
    .create = openssl_create,
    .destroy = openssl_destroy,
    .protect = openssl_protect,
    .unprotect = openssl_unprotect,
    .protect_rtcp = openssl_protect_rtcp,
    .unprotect_rtcp = openssl_unprotect_rtcp,
    .can_import = true,
};
