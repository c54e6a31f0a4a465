/* The same interface on libsrtp2. What libsrtp2 decides, it decides alone; our table of streams only follows it, for
 * the limit on their number, which is looked at before libsrtp2 makes a stream, and for export. */
#include "media/srtp_backend.h"
#include "rtp/packet.h"
#include <openssl/crypto.h>
#include <srtp2/srtp.h>
#include <string.h>

struct libsrtp2_srtp {
	struct media_srtp common;
	srtp_t session;
};

static srtp_t session_of(struct media_srtp *srtp)
{
	return BASE_CONTAINER_OF(srtp, struct libsrtp2_srtp, common)->session;
}

static int error_of(srtp_err_status_t status)
{
	switch (status) {
	case srtp_err_status_ok:
		return 0;
	case srtp_err_status_auth_fail:
	case srtp_err_status_cant_check: /* SRTCP in the clear */
		return -EBADMSG;
	case srtp_err_status_replay_fail:
	case srtp_err_status_replay_old:
		return -EALREADY;
	case srtp_err_status_bad_param:
	case srtp_err_status_parse_err:
		return -EINVAL;
	case srtp_err_status_key_expired:
		return -EOVERFLOW;
	default:
		return -EIO;
	}
}

static void follow(struct media_srtp *srtp, uint32_t at, uint32_t ssrc, uint16_t sequence)
{
	uint64_t index;
	if (media_srtp_streams_estimate(&srtp->streams, at, sequence, &index) == 0)
		media_srtp_streams_commit(&srtp->streams, at, ssrc, index);
}

static int libsrtp2_protect(struct media_srtp *srtp, uint8_t *packet, size_t *length, size_t header_bytes)
{
	uint32_t ssrc = rtp_get_u32(packet + 8), at;
	uint16_t sequence = rtp_get_u16(packet + 2);
	int octets = (int)*length, r = media_srtp_streams_find(&srtp->streams, ssrc, &at);
	if (r == 0)
		r = error_of(srtp_protect(session_of(srtp), packet, &octets));
	if (r < 0)
		return r;
	*length = (size_t)octets;
	follow(srtp, at, ssrc, sequence);
	return 0;
}

static int libsrtp2_unprotect(struct media_srtp *srtp, uint8_t *packet, size_t *length, size_t header_bytes)
{
	uint32_t ssrc = rtp_get_u32(packet + 8), at;
	uint16_t sequence = rtp_get_u16(packet + 2);
	int octets = (int)*length, r = media_srtp_streams_find(&srtp->streams, ssrc, &at);
	if (r == 0)
		r = error_of(srtp_unprotect(session_of(srtp), packet, &octets));
	if (r < 0)
		return r;
	*length = (size_t)octets;
	follow(srtp, at, ssrc, sequence);
	return 0;
}

/* Where SRTCP's index word stands in a protected packet. */
static uint32_t index_of(const struct media_srtp *srtp, const uint8_t *packet, size_t length)
{
	size_t behind = SRTCP_INDEX_BYTES + (srtp->suite->is_aead ? 0 : (size_t)srtp->suite->rtcp_tag_bytes);
	return rtp_get_u32(packet + length - behind) & ~SRTCP_ENCRYPTED;
}

static int libsrtp2_protect_rtcp(struct media_srtp *srtp, uint8_t *packet, size_t *length)
{
	uint32_t ssrc = rtp_get_u32(packet + 4), at;
	int octets = (int)*length, r = media_srtp_streams_find(&srtp->streams, ssrc, &at);
	if (r == 0)
		r = error_of(srtp_protect_rtcp(session_of(srtp), packet, &octets));
	if (r < 0)
		return r;
	*length = (size_t)octets;
	media_srtp_streams_commit_rtcp(&srtp->streams, at, ssrc, index_of(srtp, packet, *length));
	return 0;
}

static int libsrtp2_unprotect_rtcp(struct media_srtp *srtp, uint8_t *packet, size_t *length)
{
	uint32_t ssrc = rtp_get_u32(packet + 4), index = index_of(srtp, packet, *length), at;
	int octets = (int)*length, r = media_srtp_streams_find(&srtp->streams, ssrc, &at);
	if (r == 0)
		r = error_of(srtp_unprotect_rtcp(session_of(srtp), packet, &octets));
	if (r < 0)
		return r;
	*length = (size_t)octets;
	media_srtp_streams_commit_rtcp(&srtp->streams, at, ssrc, index);
	return 0;
}

static void set_policy(enum media_srtp_profile profile, srtp_policy_t *policy)
{
	switch (profile) {
	case MEDIA_SRTP_AES_128_CM_SHA1_80:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
		break;
	case MEDIA_SRTP_AES_128_CM_SHA1_32:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
		break;
	case MEDIA_SRTP_AES_256_CM_SHA1_80:
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy->rtcp);
		break;
	case MEDIA_SRTP_AES_256_CM_SHA1_32:
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy->rtcp);
		break;
	case MEDIA_SRTP_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
		break;
	case MEDIA_SRTP_AEAD_AES_256_GCM:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
		break;
	}
}

static bool library_is_ready(void)
{
	static gsize state; /* 1 ready, 2 failed */
	if (g_once_init_enter(&state))
		g_once_init_leave(&state, srtp_init() == srtp_err_status_ok ? 1 : 2);
	return state == 1;
}

static int libsrtp2_create(enum media_srtp_profile profile, const uint8_t *key_and_salt,
			   enum media_srtp_direction direction, struct media_srtp **ret_srtp)
{
	if (!library_is_ready())
		return -EIO;
	uint8_t key[MEDIA_SRTP_KEY_BYTES_MAX] = {0};
	const struct srtp_suite *suite = media_srtp_suite(profile);
	memcpy(key, key_and_salt, (size_t)suite->key_bytes + suite->salt_bytes);
	srtp_policy_t policy = {
	    .ssrc.type = direction == MEDIA_SRTP_SEND ? ssrc_any_outbound : ssrc_any_inbound,
	    .key = key,
	    .window_size = MEDIA_SRTP_WINDOW,
	};
	set_policy(profile, &policy);
	struct libsrtp2_srtp *own = g_new0(struct libsrtp2_srtp, 1);
	own->common.backend = &media_srtp_libsrtp2;
	own->common.suite = suite;
	own->common.direction = direction;
	int r = error_of(srtp_create(&own->session, &policy));
	OPENSSL_cleanse(key, sizeof key);
	if (r < 0) {
		g_free(own);
		return r;
	}
	*ret_srtp = &own->common;
	return 0;
}

static void libsrtp2_destroy(struct media_srtp *srtp)
{
	struct libsrtp2_srtp *own = BASE_CONTAINER_OF(srtp, struct libsrtp2_srtp, common);
	srtp_dealloc(own->session);
	g_free(own);
}

const struct media_srtp_backend media_srtp_libsrtp2 = {
    .name = "libsrtp2",
    .create = libsrtp2_create,
    .destroy = libsrtp2_destroy,
    .protect = libsrtp2_protect,
    .unprotect = libsrtp2_unprotect,
    .protect_rtcp = libsrtp2_protect_rtcp,
    .unprotect_rtcp = libsrtp2_unprotect_rtcp,
    .can_import = false, /* libsrtp2 cannot be told an SRTCP index */
};
