/* How a stream is encrypted, and with SDES (RFC 4568) by which lines. The keys themselves are media's: they come and go in
 * the legs' transports. */
#include "negotiate/negotiate_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The suites of RFC 4568, 6188 and 7714 that media has, and how long master key and salt are together. */
static const struct {
	const char *name;
	size_t key_bytes;
} suites[] = {
    {"AES_CM_128_HMAC_SHA1_80", 30}, {"AES_CM_128_HMAC_SHA1_32", 30}, {"AES_256_CM_HMAC_SHA1_80", 46},
    {"AES_256_CM_HMAC_SHA1_32", 46}, {"AEAD_AES_128_GCM", 28},	      {"AEAD_AES_256_GCM", 44},
};

static bool is_known_suite(const struct sdp_crypto *crypto)
{
	for (size_t i = 0; i < G_N_ELEMENTS(suites); i++) {
		if (!strcasecmp(suites[i].name, crypto->suite))
			return crypto->key_bytes == suites[i].key_bytes;
	}
	return false;
}

/* RFC 4568, section 6.3: what we do anyway, what is a hint, and what says of itself that it may be ignored. Everything else
 * (no encryption, no authentication, other key derivation, FEC) changes what a packet is. */
static bool are_harmless(const char *parameters)
{
	char text[sizeof((struct sdp_crypto *)0)->session_parameters], *rest = text;
	base_copy_text(text, sizeof text, parameters);
	for (char *word; (word = strtok_r(rest, " \t", &rest));) {
		if (word[0] != '-' && strcasecmp(word, "KDR=0") && strncasecmp(word, "WSH=", 4))
			return false;
	}
	return true;
}

static bool is_usable(const struct sdp_crypto *crypto)
{
	return is_known_suite(crypto) && !crypto->mki_bytes && are_harmless(crypto->session_parameters);
}

bool negotiate_has_usable_crypto(const struct sdp_transport *transport)
{
	for (size_t i = 0; i < transport->n_crypto; i++) {
		if (is_usable(&transport->crypto[i]))
			return true;
	}
	return false;
}

static const struct sdp_crypto *find_suite(const struct sdp_transport *transport, const char *suite)
{
	for (size_t i = 0; i < transport->n_crypto; i++) {
		if (!strcasecmp(transport->crypto[i].suite, suite))
			return &transport->crypto[i];
	}
	return NULL;
}

bool negotiate_choose_crypto(const struct sdp_transport *ours, const struct sdp_transport *offered,
			     const struct sdp_crypto *in_use, struct sdp_crypto *ret_answer)
{
	const struct sdp_crypto *theirs = NULL;
	for (size_t i = 0; i < offered->n_crypto; i++) {
		const struct sdp_crypto *line = &offered->crypto[i];
		if (!is_usable(line) || !find_suite(ours, line->suite))
			continue;
		bool is_in_use = in_use && !strcasecmp(in_use->suite, line->suite);
		if (!theirs || is_in_use)
			theirs = line;
		if (is_in_use)
			break;
	}
	if (!theirs)
		return false;
	*ret_answer = *find_suite(ours, theirs->suite);
	ret_answer->tag = theirs->tag;
	return true;
}

bool negotiate_crypto_pair(const struct sdp_media *offer, const struct sdp_media *answer,
			   const struct sdp_crypto **ret_offered, const struct sdp_crypto **ret_answered)
{
	const struct sdp_transport *offered = &offer->transport, *answered = &answer->transport;
	for (size_t k = 0; k < answered->n_crypto; k++) {
		for (size_t i = 0; i < offered->n_crypto; i++) {
			const struct sdp_crypto *a = &offered->crypto[i], *b = &answered->crypto[k];
			if (a->tag != b->tag || strcasecmp(a->suite, b->suite) || !is_usable(a) || !is_usable(b))
				continue;
			*ret_offered = a;
			*ret_answered = b;
			return true;
		}
	}
	return false;
}

bool negotiate_is_secure_profile(enum sdp_profile profile)
{
	return profile == SDP_RTP_SAVP || profile == SDP_RTP_SAVPF || profile == SDP_DTLS_SAVP ||
	       profile == SDP_DTLS_SAVPF;
}

/* The stream's last complete exchange, the offer first. False when there is none, or it left no stream. */
static bool last_exchange(const struct negotiate_leg *leg, size_t index, const struct sdp_media **ret_offer,
			  const struct sdp_media **ret_answer)
{
	if (!leg->local || !leg->remote || index >= leg->local->n_media || index >= leg->remote->n_media ||
	    !leg->local->media[index].port || !leg->remote->media[index].port)
		return false;
	const struct sdp_media *local = &leg->local->media[index], *remote = &leg->remote->media[index];
	*ret_offer = leg->local_was_offer ? local : remote;
	*ret_answer = leg->local_was_offer ? remote : local;
	return true;
}

enum negotiate_keying negotiate_current_keying(const struct negotiate_leg *leg, size_t index,
					       const struct sdp_crypto **ret_line)
{
	const struct sdp_media *offer, *answer;
	const struct sdp_crypto *offered, *answered;
	*ret_line = NULL;
	if (!last_exchange(leg, index, &offer, &answer))
		return NEGOTIATE_KEYING_UNDECIDED;
	if (leg->local->media[index].transport.n_fingerprints)
		return NEGOTIATE_KEYING_DTLS;
	if (!negotiate_crypto_pair(offer, answer, &offered, &answered))
		return NEGOTIATE_KEYING_PLAIN;
	*ret_line = leg->local_was_offer ? offered : answered;
	return NEGOTIATE_KEYING_SDES;
}

enum negotiate_keying negotiate_answer_keying(const struct negotiate_leg *leg, size_t index,
					      const struct sdp_media *offer)
{
	const struct sdp_crypto *line;
	bool has_crypto = leg->profile.sdes != NEGOTIATE_SDES_OFF && negotiate_has_usable_crypto(&offer->transport);
	bool is_sdes_now = negotiate_current_keying(leg, index, &line) == NEGOTIATE_KEYING_SDES;
	if (leg->profile.is_dtls)
		return NEGOTIATE_KEYING_DTLS;
	if (leg->profile.kind == NEGOTIATE_RTP)
		return has_crypto ? NEGOTIATE_KEYING_SDES : NEGOTIATE_KEYING_PLAIN;
	/* DTLS is better, but not worth a change in the middle of a call. A bundled stream may leave it to the first. */
	bool has_dtls = offer->transport.n_fingerprints || offer->is_bundle_only;
	return has_crypto && (is_sdes_now || !has_dtls) ? NEGOTIATE_KEYING_SDES : NEGOTIATE_KEYING_DTLS;
}

static bool has_fingerprint(const struct sdp_transport *transport, const struct sdp_fingerprint *wanted)
{
	for (size_t i = 0; i < transport->n_fingerprints; i++) {
		if (!strcasecmp(transport->fingerprints[i].algorithm, wanted->algorithm) &&
		    !strcasecmp(transport->fingerprints[i].digits, wanted->digits))
			return true;
	}
	return false;
}

enum sdp_setup negotiate_role(const struct sdp_transport *one, const struct sdp_transport *other)
{
	if (one->setup == SDP_SETUP_ACTIVE || one->setup == SDP_SETUP_PASSIVE)
		return one->setup;
	return other->setup == SDP_SETUP_ACTIVE ? SDP_SETUP_PASSIVE : SDP_SETUP_ACTIVE;
}

enum sdp_setup negotiate_answer_setup(const struct negotiate_leg *leg, size_t index, enum sdp_setup offered)
{
	const struct sdp_media *offer, *answer;
	switch (offered) {
	case SDP_SETUP_ACTPASS:
		return last_exchange(leg, index, &offer, &answer)
			       ? negotiate_role(&leg->local->media[index].transport, &leg->remote->media[index].transport)
			       : SDP_SETUP_ACTIVE;
	case SDP_SETUP_PASSIVE:
		return SDP_SETUP_ACTIVE;
	default:
		return SDP_SETUP_PASSIVE;
	}
}

/* RFC 8842, section 3.1: other certificates, the other role, or another name. */
static bool makes_association(const struct negotiate_leg *leg, size_t index, const struct sdp_transport *offer,
			      const struct sdp_transport *answer)
{
	const struct sdp_transport *ours = &leg->local->media[index].transport, *theirs = &leg->remote->media[index].transport;
	if (offer->n_fingerprints != theirs->n_fingerprints || negotiate_role(answer, offer) != negotiate_role(ours, theirs) ||
	    strcmp(offer->tls_id, theirs->tls_id))
		return true;
	for (size_t i = 0; i < offer->n_fingerprints; i++) {
		if (!has_fingerprint(theirs, &offer->fingerprints[i]))
			return true;
	}
	return false;
}

static const char *current_tls_id(const struct negotiate_leg *leg, size_t index)
{
	const struct sdp_media *offer, *answer;
	return last_exchange(leg, index, &offer, &answer) ? leg->local->media[index].transport.tls_id : "";
}

void negotiate_offer_tls_id(const struct negotiate_leg *leg, size_t index, struct sdp_transport *transport)
{
	const char *current = current_tls_id(leg, index);
	if (current[0])
		base_copy_text(transport->tls_id, sizeof transport->tls_id, current);
}

/* What media has made is random; a number behind it keeps it unique. */
static void count_tls_id(const char *before, struct sdp_transport *transport)
{
	size_t length = strlen(transport->tls_id);
	unsigned long number = 0;
	if (!strncmp(before, transport->tls_id, length) && before[length] == '+')
		number = strtoul(before + length + 1, NULL, 10);
	snprintf(transport->tls_id + length, sizeof transport->tls_id - length, "+%lu", number + 1);
}

/* An offer without one is not answered with one (section 5.3). */
void negotiate_answer_tls_id(const struct negotiate_leg *leg, size_t index, const struct sdp_transport *offer,
			     struct sdp_transport *transport)
{
	const char *current = current_tls_id(leg, index);
	if (!offer->tls_id[0])
		transport->tls_id[0] = 0;
	else if (current[0] && makes_association(leg, index, offer, transport))
		count_tls_id(current, transport);
	else if (current[0])
		base_copy_text(transport->tls_id, sizeof transport->tls_id, current);
}

static void drop_crypto(struct sdp_transport *transport)
{
	explicit_bzero(transport->crypto, sizeof transport->crypto);
	transport->n_crypto = 0;
}

static void drop_dtls(struct sdp_transport *transport)
{
	transport->n_fingerprints = 0;
	transport->setup = SDP_SETUP_NONE;
	transport->tls_id[0] = 0;
}

void negotiate_keep_keying(struct sdp_transport *transport, enum negotiate_keying keying)
{
	if (keying != NEGOTIATE_KEYING_DTLS)
		drop_dtls(transport);
	if (keying != NEGOTIATE_KEYING_SDES)
		drop_crypto(transport);
}

void negotiate_keep_crypto(struct sdp_transport *transport, const struct sdp_crypto *line)
{
	struct sdp_crypto copy = *line; /* may be one of those that go */
	drop_crypto(transport);
	transport->n_crypto = 1;
	transport->crypto[0] = copy;
	explicit_bzero(&copy, sizeof copy);
}
