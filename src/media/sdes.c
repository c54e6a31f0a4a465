#include "media/sdes.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include <string.h>

/* What every telephone has comes first: some look at the first line only. */
static const enum media_srtp_profile preference[] = {
	MEDIA_SRTP_AES_128_CM_SHA1_80, MEDIA_SRTP_AES_256_CM_SHA1_80, MEDIA_SRTP_AEAD_AES_128_GCM,
	MEDIA_SRTP_AEAD_AES_256_GCM,   MEDIA_SRTP_AES_128_CM_SHA1_32, MEDIA_SRTP_AES_256_CM_SHA1_32,
};
G_STATIC_ASSERT(G_N_ELEMENTS(preference) == MEDIA_SRTP_PROFILES && MEDIA_SRTP_PROFILES <= SDP_CRYPTO_MAX);
G_STATIC_ASSERT(MEDIA_SRTP_KEY_BYTES_MAX == SDP_CRYPTO_KEY_BYTES_MAX);

struct media_sdes {
	struct sdp_crypto lines[MEDIA_SRTP_PROFILES]; /* ours, as they are offered */
	struct media_srtp *shelf[MEDIA_SRTP_PROFILES]; /* sending contexts that were left, by profile */
	struct sdp_crypto sending, receiving;	      /* the keys in use; suite "": none */
};

struct media_sdes *media_sdes_new(void)
{
	struct media_sdes *sdes = g_new0(struct media_sdes, 1);

	for (size_t i = 0; i < MEDIA_SRTP_PROFILES; i++) {
		struct sdp_crypto *line = &sdes->lines[i];

		line->tag = (uint32_t)i + 1;
		base_copy_text(line->suite, sizeof line->suite, media_srtp_profile_name(preference[i]));
		line->key_bytes =
			(uint8_t)(media_srtp_key_bytes(preference[i]) + media_srtp_salt_bytes(preference[i]));
		crypto_random(line->key, line->key_bytes);
	}
	return sdes;
}

struct media_sdes *media_sdes_free(struct media_sdes *sdes)
{
	if (!sdes)
		return NULL;
	for (size_t i = 0; i < MEDIA_SRTP_PROFILES; i++)
		media_srtp_free(sdes->shelf[i]);
	crypto_wipe(sdes, sizeof *sdes);
	g_free(sdes);
	return NULL;
}

void media_sdes_describe(const struct media_sdes *sdes, struct sdp_transport *ret_local)
{
	ret_local->n_crypto = MEDIA_SRTP_PROFILES;
	memcpy(ret_local->crypto, sdes->lines, sizeof sdes->lines);
}

static bool is_same_key(const struct sdp_crypto *a, const struct sdp_crypto *b)
{
	return g_ascii_strcasecmp(a->suite, b->suite) == 0 && a->key_bytes == b->key_bytes &&
	       crypto_equal(a->key, b->key, a->key_bytes);
}

static int change_sending(struct media_sdes *sdes, const struct sdp_crypto *key, struct media_srtp **send)
{
	enum media_srtp_profile profile;
	int error;

	if (*send && is_same_key(&sdes->sending, key))
		return 0;
	if (media_srtp_profile_from_name(sdes->sending.suite, &profile) == 0)
		sdes->shelf[profile] = g_steal_pointer(send);
	BASE_CLEAR(send, media_srtp_free); /* one that was not made here */
	sdes->sending = *key;
	if (!key->suite[0])
		return 0;
	error = media_srtp_profile_from_name(key->suite, &profile);
	if (error < 0)
		return error;
	*send = g_steal_pointer(&sdes->shelf[profile]);
	return *send ? 0 : media_srtp_new(profile, key->key, key->key_bytes, MEDIA_SRTP_SEND, send);
}

static int change_receiving(struct media_sdes *sdes, const struct sdp_stream_plan *plan, struct media_srtp **receive)
{
	const struct sdp_crypto *key = &plan->receive_crypto;
	enum media_srtp_profile profile;
	int error;

	if (*receive && is_same_key(&sdes->receiving, key))
		return 0;
	BASE_CLEAR(receive, media_srtp_free);
	sdes->receiving = *key;
	if (!key->suite[0])
		return 0;
	/* ours is written as we write it */
	error = media_srtp_profile_from_name(plan->send_crypto.suite, &profile);
	return error < 0 ? error : media_srtp_new(profile, key->key, key->key_bytes, MEDIA_SRTP_RECEIVE, receive);
}

int media_sdes_apply(struct media_sdes *sdes, const struct sdp_stream_plan *plan, struct media_srtp **send,
		     struct media_srtp **receive)
{
	int error = change_sending(sdes, &plan->send_crypto, send);

	if (error == 0)
		error = change_receiving(sdes, plan, receive);
	return error;
}

void media_sdes_leave(struct media_sdes *sdes, struct media_srtp **send, struct media_srtp **receive)
{
	static const struct sdp_crypto none;

	BASE_CLEAR(receive, media_srtp_free);
	crypto_wipe(&sdes->receiving, sizeof sdes->receiving);
	change_sending(sdes, &none, send);
}
