/* A whole negotiation with two hostile far ends: one offers, the other answers, then the other offers. What we write
 * must always be right: it parses again, our answers answer, our later offers keep lines, names and payload types.
 * Input: one byte of switches, then descriptions parted by a line "%". */
#include "../support/sdp_support.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SWITCH_A_RTP = 1,
	SWITCH_B_RTP = 2,
	SWITCH_VIDEO = 4,
	SWITCH_CONVERT = 8,
	SWITCH_ORDER = 16,
	SWITCH_NO_DTMF = 32,
	SWITCH_SDES_ALLOWED = 64,
	SWITCH_SDES_WANTED = 128,
	SWITCH_DTLS = SWITCH_SDES_ALLOWED | SWITCH_SDES_WANTED /* on RTP */
};

#define demand(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

static void set_up_keys(struct support_leg *leg, unsigned switches)
{
	leg->leg.profile.sdes = switches & SWITCH_SDES_WANTED	 ? NEGOTIATE_SDES_WANTED
				: switches & SWITCH_SDES_ALLOWED ? NEGOTIATE_SDES_ALLOWED
								 : NEGOTIATE_SDES_OFF;
	leg->transport.n_crypto = 2;
	leg->transport.crypto[0] = (struct sdp_crypto){.tag = 1, .suite = "AES_CM_128_HMAC_SHA1_80", .key_bytes = 30};
	leg->transport.crypto[1] = (struct sdp_crypto){.tag = 2, .suite = "AEAD_AES_128_GCM", .key_bytes = 28};
}

static void set_up_dtls(struct support_leg *leg)
{
	leg->leg.profile.sdes = NEGOTIATE_SDES_OFF;
	leg->leg.profile.is_dtls = leg->transport.rtcp_mux = true;
	leg->transport.n_fingerprints = 1;
	strcpy(leg->transport.fingerprints[0].algorithm, "sha-256");
	strcpy(leg->transport.fingerprints[0].digits, "01:02");
	strcpy(leg->transport.tls_id, "our-own-random-tls-id-0000");
}

static void set_up(struct support_leg *leg, unsigned switches, bool is_rtp)
{
	static const char *const order[] = {"PCMA", "opus", "PCMU", "VP8", NULL};
	support_leg_init(leg, is_rtp ? NEGOTIATE_RTP : NEGOTIATE_WEBRTC);
	set_up_keys(leg, switches);
	if (is_rtp && (switches & SWITCH_DTLS) == SWITCH_DTLS)
		set_up_dtls(leg);
	leg->leg.profile.carries_dtmf = !(switches & SWITCH_NO_DTMF);
	leg->leg.profile.carries_video = switches & SWITCH_VIDEO;
	leg->leg.profile.converter = switches & SWITCH_CONVERT ? &support_opus_and_g711 : NULL;
	leg->leg.profile.codecs = switches & SWITCH_ORDER ? order : NULL;
}

static struct sdp_session *next_description(const char **at, const char *end)
{
	const char *stop = g_strstr_len(*at, end - *at, "\n%\n");
	const char *text = *at;
	struct sdp_session *session = NULL;
	*at = stop ? stop + 3 : end;
	if (sdp_parse(text, (stop ? stop + 1 : end) - text, &session, NULL) < 0)
		return NULL;
	return session;
}

static void check_types(const struct sdp_media *media)
{
	for (size_t i = 0; i < media->n_formats; i++)
		demand(sdp_media_find_format(media, media->formats[i].payload_type) == &media->formats[i]);
}

/* Whatever we say. */
static void check_ours(const struct sdp_session *session)
{
	demand(support_comes_back(session));
	demand(session->n_media <= SDP_MEDIA_MAX);
	for (size_t i = 0; i < session->n_media; i++) {
		if (session->media[i].port)
			check_types(&session->media[i]);
		else
			demand(session->media[i].is_bundle_only || !session->media[i].transport.n_crypto);
	}
}

/* What we have said on this leg binds us. */
static void check_later_offer(const struct sdp_session *before, const struct sdp_session *now)
{
	demand(now->n_media >= before->n_media);
	demand(now->session_version >= before->session_version);
	for (size_t i = 0; i < before->n_media; i++) {
		const struct sdp_media *old = &before->media[i], *new = &now->media[i];
		demand(!strcmp(old->kind_text, new->kind_text) && !strcmp(old->mid, new->mid));
		for (size_t k = 0; k < old->n_formats && old->port && new->port; k++) {
			const struct sdp_format *format = &old->formats[k];
			const struct sdp_format *same_type = sdp_media_find_format(new, format->payload_type);
			demand(!same_type || !format->encoding[0] || sdp_format_same_codec(format, same_type));
		}
	}
}

static void plan(const struct sdp_session *local, const struct sdp_session *remote, bool local_is_offer)
{
	struct sdp_leg_plan made = {0};
	if (negotiate_make_plan(local, remote, local_is_offer, &made) < 0)
		return;
	for (size_t i = 0; i < made.n_streams; i++) {
		const struct sdp_stream_plan *stream = &made.streams[i];
		demand(stream->n_formats && stream->n_formats <= SDP_FORMATS_MAX);
		demand(!g_ascii_strcasecmp(stream->send_crypto.suite, stream->receive_crypto.suite));
	}
	sdp_leg_plan_clear(&made);
}

/* A leg without ICE answers without, which is right (RFC 8839, section 4.2.2), and would be wrong of a far end of ours. */
static void forget_ice(const struct support_leg *leg, struct sdp_session *offer)
{
	for (size_t i = 0; i < offer->n_media && leg->leg.profile.kind == NEGOTIATE_RTP; i++)
		offer->media[i].transport.has_ice = false;
}

/* `from` offers on leg a, `answer` comes on leg b. Both are taken over. False when the exchange failed. */
static bool exchange(struct support_leg *a, struct support_leg *b, struct sdp_session *from, struct sdp_session *answer)
{
	struct sdp_session *offer = NULL, *our_answer = NULL;
	bool ends_all = true;
	for (size_t i = 0; i < from->n_media; i++)
		ends_all &= !from->media[i].port && !from->media[i].is_bundle_only;
	if (negotiate_make_offer(&b->leg, from, &offer) < 0)
		goto failed;
	check_ours(offer);
	if (b->local)
		check_later_offer(b->local, offer);
	if (negotiate_check_answer(offer, answer, NULL) < 0)
		goto failed;
	plan(offer, answer, true);
	support_leg_agree(b, offer, answer, true);
	offer = answer = NULL;
	negotiate_needs_reoffer(&a->leg, from);
	negotiate_is_ice_restart(&a->leg, from);
	negotiate_is_hold(from);
	if (negotiate_make_answer(&a->leg, from, &b->leg, &our_answer) < 0)
		goto failed;
	check_ours(our_answer);
	forget_ice(a, from);
	const char *reason = "";
	if (!ends_all && negotiate_check_answer(from, our_answer, &reason) < 0) {
		fprintf(stderr, "our own answer is wrong: %s\n", reason);
		abort();
	}
	plan(our_answer, from, false);
	support_leg_agree(a, our_answer, from, false);
	negotiate_legs_match(&a->leg, &b->leg);
	return true;
failed:
	sdp_session_free(offer);
	sdp_session_free(from);
	sdp_session_free(answer);
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct support_leg a, b;
	if (!size)
		return 0;
	set_up(&a, data[0], data[0] & SWITCH_A_RTP);
	set_up(&b, data[0], data[0] & SWITCH_B_RTP);
	const char *at = (const char *)data + 1, *end = (const char *)data + size;
	for (unsigned round = 0; round < 4 && at < end; round++) {
		struct sdp_session *offer = next_description(&at, end), *answer = next_description(&at, end);
		if (!offer || !answer) {
			sdp_session_free(offer);
			sdp_session_free(answer);
			break;
		}
		/* alone, as built-in extensions answer */
		struct sdp_session *alone = NULL;
		if (negotiate_make_answer(&a.leg, offer, NULL, &alone) == 0) {
			check_ours(alone);
			sdp_session_free(alone);
		}
		exchange(round % 2 ? &b : &a, round % 2 ? &a : &b, offer, answer);
	}
	support_leg_clear(&a);
	support_leg_clear(&b);
	return 0;
}
