/* SDES (RFC 4568): which line of an offer is answered with which of our keys, and what stays through later offers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../support/sdp_support.h"

#define KEY_30_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
#define KEY_30_B "HRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA"
#define KEY_28	 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="
#define SHA80	 "AES_CM_128_HMAC_SHA1_80"
#define SHA32	 "AES_CM_128_HMAC_SHA1_32"

static const char ice[] = "a=ice-ufrag:farU\r\na=ice-pwd:farfarfarfarfarfarfarfar\r\na=rtcp-mux\r\n";

/* A far end's description of one audio stream; `attributes` are lines. */
static struct sdp_session *far_end(const char *profile, const char *attributes)
{
	g_autofree char *text = g_strdup_printf("v=0\r\no=- 70 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n"
						"m=audio 4000 %s 0\r\n%s",
						profile, attributes);
	return support_parse(text);
}

/* A leg of ours with a key for each suite; the first byte of a key says which. */
static void leg_init(struct support_leg *leg, enum negotiate_kind kind, enum negotiate_sdes sdes)
{
	static const struct {
		const char *suite;
		uint8_t key_bytes;
	} suites[] = {{SHA80, 30}, {SHA32, 30}, {"AEAD_AES_128_GCM", 28}};
	support_leg_init(leg, kind);
	leg->leg.profile.sdes = sdes;
	leg->transport.n_crypto = G_N_ELEMENTS(suites);
	for (size_t i = 0; i < G_N_ELEMENTS(suites); i++) {
		struct sdp_crypto *crypto = &leg->transport.crypto[i];
		crypto->tag = i + 1;
		base_copy_text(crypto->suite, sizeof crypto->suite, suites[i].suite);
		crypto->key_bytes = suites[i].key_bytes;
		memset(crypto->key, 0xa0 + (int)i, crypto->key_bytes);
	}
}

/* "RTP/SAVP 1:AES_CM_128_HMAC_SHA1_80:a0 ... [fingerprint]" */
static char *describe(const struct sdp_session *session)
{
	const struct sdp_media *media = &session->media[0];
	GString *out = g_string_new(media->port ? media->profile_text : "refused");
	for (size_t i = 0; i < media->transport.n_crypto; i++)
		g_string_append_printf(out, " %u:%s:%02x", media->transport.crypto[i].tag, media->transport.crypto[i].suite,
				       media->transport.crypto[i].key[0]);
	if (media->transport.n_fingerprints)
		g_string_append(out, " fingerprint");
	if (media->transport.setup)
		g_string_append(out, " setup");
	return g_string_free(out, FALSE);
}

struct offer_case {
	const char *name;
	enum negotiate_kind kind;
	enum negotiate_sdes sdes;
	const char *profile, *attributes;
	const char *expected; /* NULL: 488 */
};

static const struct offer_case offer_cases[] = {
	{"the first line, with its tag", NEGOTIATE_RTP, NEGOTIATE_SDES_ALLOWED, "RTP/SAVP",
	 "a=crypto:7 " SHA32 " inline:" KEY_30_A "\r\na=crypto:8 " SHA80 " inline:" KEY_30_B "\r\n",
	 "RTP/SAVP 7:" SHA32 ":a1"},
	{"a suite that we have not is passed over", NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED, "RTP/SAVP",
	 "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" KEY_30_A "\r\na=crypto:2 AEAD_AES_128_GCM inline:" KEY_28 "\r\n",
	 "RTP/SAVP 2:AEAD_AES_128_GCM:a2"},
	{"a lifetime is accepted", NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED, "RTP/SAVP",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A "|2^31\r\n", "RTP/SAVP 1:" SHA80 ":a0"},
	{"a line with an MKI is passed over", NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED, "RTP/SAVP",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A "|2^31|1:4\r\na=crypto:2 " SHA32 " inline:" KEY_30_A "\r\n",
	 "RTP/SAVP 2:" SHA32 ":a1"},
	{"nothing but an MKI", NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED, "RTP/SAVP",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A "|1:4\r\n", NULL},
	{"no encryption is refused", NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED, "RTP/SAVP",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A " UNENCRYPTED_SRTP\r\n", NULL},
	{"no authentication is refused", NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED, "RTP/SAVP",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A " WSH=64 UNAUTHENTICATED_SRTP\r\n", NULL},
	{"unencrypted RTCP is refused", NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED, "RTP/SAVP",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A " UNENCRYPTED_SRTCP\r\n", NULL},
	{"hints and what may be ignored", NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED, "RTP/SAVP",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A " KDR=0 WSH=64 -x\r\n", "RTP/SAVP 1:" SHA80 ":a0"},
	{"a key of a wrong length", NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED, "RTP/SAVP",
	 "a=crypto:1 " SHA80 " inline:" KEY_28 "\r\n", NULL},
	{"RTP/SAVP without keys", NEGOTIATE_RTP, NEGOTIATE_SDES_ALLOWED, "RTP/SAVP", "", NULL},
	{"keys where they are off", NEGOTIATE_RTP, NEGOTIATE_SDES_OFF, "RTP/SAVP",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A "\r\n", NULL},
	{"RTP/AVP with keys where they are off", NEGOTIATE_RTP, NEGOTIATE_SDES_OFF, "RTP/AVP",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A "\r\n", "RTP/AVP"},
	{"RTP/AVP with keys", NEGOTIATE_RTP, NEGOTIATE_SDES_ALLOWED, "RTP/AVP",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A "\r\n", "RTP/AVP 1:" SHA80 ":a0"},
	{"RTP/AVP without keys", NEGOTIATE_RTP, NEGOTIATE_SDES_ALLOWED, "RTP/AVP", "", "RTP/AVP"},
	{"RTP/AVP without keys where they are required", NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED, "RTP/AVP", "", NULL},
	{"a browser of 2013", NEGOTIATE_WEBRTC, NEGOTIATE_SDES_ALLOWED, "RTP/SAVPF",
	 "a=ice-options:google-ice\r\na=crypto:0 " SHA32 " inline:" KEY_30_A "\r\na=crypto:1 " SHA80 " inline:" KEY_30_B
	 "\r\n",
	 "RTP/SAVPF 0:" SHA32 ":a1"},
	{"one that offers both ways", NEGOTIATE_WEBRTC, NEGOTIATE_SDES_ALLOWED, "RTP/SAVPF",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A "\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n",
	 "RTP/SAVPF fingerprint setup"},
	{"a browser's keys where they are off", NEGOTIATE_WEBRTC, NEGOTIATE_SDES_OFF, "RTP/SAVPF",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A "\r\n", NULL},
	{"DTLS where SDES is offered", NEGOTIATE_WEBRTC, NEGOTIATE_SDES_WANTED, "UDP/TLS/RTP/SAVPF",
	 "a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n", "UDP/TLS/RTP/SAVPF fingerprint setup"},
	{"keys for a DTLS profile", NEGOTIATE_WEBRTC, NEGOTIATE_SDES_ALLOWED, "UDP/TLS/RTP/SAVPF",
	 "a=crypto:1 " SHA80 " inline:" KEY_30_A "\r\n", NULL},
};

static void run_offer_case(const struct offer_case *test)
{
	struct support_leg leg;
	leg_init(&leg, test->kind, test->sdes);
	g_autofree char *attributes = g_strconcat(test->kind == NEGOTIATE_WEBRTC ? ice : "", test->attributes, NULL);
	struct sdp_session *offer = far_end(test->profile, attributes), *answer = NULL;
	int error = negotiate_make_answer(&leg.leg, offer, NULL, &answer);
	if ((negotiate_check_offer(&leg.leg.profile, offer) < 0) != !test->expected)
		fail_msg("%s: the check before says otherwise", test->name);
	if (!test->expected) {
		if (error != -ENOTSUP)
			fail_msg("%s: it was taken", test->name);
	} else {
		if (error < 0)
			fail_msg("%s: it was refused", test->name);
		g_autofree char *text = describe(answer);
		if (strcmp(text, test->expected) != 0)
			fail_msg("%s: %s", test->name, text);
		const char *reason = "";
		if (negotiate_check_answer(offer, answer, &reason) < 0)
			fail_msg("%s: %s", test->name, reason);
		assert_true(support_comes_back(answer));
	}
	sdp_session_free(answer);
	sdp_session_free(offer);
}

static void test_answers(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(offer_cases); i++)
		run_offer_case(&offer_cases[i]);
}

static struct sdp_session *offer_of(const struct support_leg *leg)
{
	struct sdp_session *offer = NULL;
	assert_int_equal(negotiate_make_offer(&leg->leg, NULL, &offer), 0);
	assert_true(support_comes_back(offer));
	return offer;
}

static void assert_description(const struct sdp_session *session, const char *expected)
{
	g_autofree char *text = describe(session);
	assert_string_equal(text, expected);
}

static void test_our_offers(void **state)
{
	static const struct {
		enum negotiate_kind kind;
		enum negotiate_sdes sdes;
		const char *expected;
	} cases[] = {
		{NEGOTIATE_RTP, NEGOTIATE_SDES_OFF, "RTP/AVP"},
		{NEGOTIATE_RTP, NEGOTIATE_SDES_ALLOWED, "RTP/AVP 1:" SHA80 ":a0 2:" SHA32 ":a1 3:AEAD_AES_128_GCM:a2"},
		{NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED, "RTP/SAVP 1:" SHA80 ":a0 2:" SHA32 ":a1 3:AEAD_AES_128_GCM:a2"},
		{NEGOTIATE_WEBRTC, NEGOTIATE_SDES_OFF, "UDP/TLS/RTP/SAVPF fingerprint setup"},
		{NEGOTIATE_WEBRTC, NEGOTIATE_SDES_ALLOWED, "UDP/TLS/RTP/SAVPF fingerprint setup"},
		{NEGOTIATE_WEBRTC, NEGOTIATE_SDES_WANTED,
		 "RTP/SAVPF 1:" SHA80 ":a0 2:" SHA32 ":a1 3:AEAD_AES_128_GCM:a2"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct support_leg leg;
		leg_init(&leg, cases[i].kind, cases[i].sdes);
		struct sdp_session *offer = offer_of(&leg);
		assert_description(offer, cases[i].expected);
		sdp_session_free(offer);
	}
}

static void test_answers_to_us(void **state)
{
	static const struct {
		enum negotiate_sdes sdes;
		const char *profile, *attributes;
		bool is_right;
	} cases[] = {
		{NEGOTIATE_SDES_WANTED, "RTP/SAVP", "a=crypto:2 " SHA32 " inline:" KEY_30_A "\r\n", true},
		{NEGOTIATE_SDES_WANTED, "RTP/SAVP", "a=crypto:2 " SHA80 " inline:" KEY_30_A "\r\n", false},
		{NEGOTIATE_SDES_WANTED, "RTP/SAVP", "a=crypto:9 " SHA80 " inline:" KEY_30_A "\r\n", false},
		{NEGOTIATE_SDES_WANTED, "RTP/SAVP", "a=crypto:1 " SHA80 " inline:" KEY_30_A "|1:4\r\n", false},
		{NEGOTIATE_SDES_WANTED, "RTP/SAVP", "", false},
		{NEGOTIATE_SDES_WANTED, "RTP/AVP", "", false},
		{NEGOTIATE_SDES_ALLOWED, "RTP/AVP", "", true},
		{NEGOTIATE_SDES_ALLOWED, "RTP/SAVP", "", false},
		{NEGOTIATE_SDES_ALLOWED, "RTP/AVP", "a=crypto:1 " SHA80 " inline:" KEY_30_A "\r\n", true},
		{NEGOTIATE_SDES_ALLOWED, "RTP/AVP", "a=crypto:3 " SHA80 " inline:" KEY_30_A "\r\n", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct support_leg leg;
		leg_init(&leg, NEGOTIATE_RTP, cases[i].sdes);
		struct sdp_session *offer = offer_of(&leg), *answer = far_end(cases[i].profile, cases[i].attributes);
		const char *reason = "";
		if ((negotiate_check_answer(offer, answer, &reason) == 0) != cases[i].is_right)
			fail_msg("case %zu: %s", i, reason);
		sdp_session_free(offer);
		sdp_session_free(answer);
	}
}

static void test_plan_has_both_keys(void **state)
{
	struct support_leg leg;
	struct sdp_leg_plan plan = {0};
	leg_init(&leg, NEGOTIATE_RTP, NEGOTIATE_SDES_WANTED);
	struct sdp_session *offer = offer_of(&leg);
	struct sdp_session *answer = far_end("RTP/SAVP", "a=crypto:2 " SHA32 " inline:" KEY_30_B "\r\n");
	assert_int_equal(negotiate_make_plan(offer, answer, true, &plan), 0);
	assert_string_equal(plan.streams[0].send_crypto.suite, SHA32);
	assert_int_equal(plan.streams[0].send_crypto.key[0], 0xa1);
	assert_int_equal(plan.streams[0].receive_crypto.key[0], 0x1d);
	sdp_leg_plan_clear(&plan);

	/* the other way round, ours is the answer */
	assert_int_equal(negotiate_make_plan(answer, offer, false, &plan), 0);
	assert_int_equal(plan.streams[0].send_crypto.key[0], 0x1d);
	assert_int_equal(plan.streams[0].receive_crypto.key[0], 0xa1);
	sdp_leg_plan_clear(&plan);

	/* what must be encrypted and cannot be is no stream */
	answer->media[0].transport.n_crypto = 0;
	assert_int_equal(negotiate_make_plan(offer, answer, true, &plan), -ENOTSUP);
	sdp_session_free(offer);
	sdp_session_free(answer);
}

static void test_later_offers_keep_the_line(void **state)
{
	struct support_leg leg;
	leg_init(&leg, NEGOTIATE_RTP, NEGOTIATE_SDES_ALLOWED);
	struct sdp_session *offer = far_end("RTP/SAVP", "a=crypto:7 " SHA32 " inline:" KEY_30_A "\r\n"), *answer, *later;
	assert_int_equal(negotiate_make_answer(&leg.leg, offer, NULL, &answer), 0);
	support_leg_agree(&leg, answer, offer, false);
	later = offer_of(&leg);
	assert_description(later, "RTP/SAVP 7:" SHA32 ":a1");
	sdp_session_free(later);

	/* their new key, and what they like best now behind what is in use */
	offer = far_end("RTP/SAVP", "a=crypto:1 " SHA80 " inline:" KEY_30_A "\r\na=crypto:2 " SHA32 " inline:" KEY_30_B "\r\n");
	assert_false(negotiate_needs_reoffer(&leg.leg, offer));
	assert_int_equal(negotiate_make_answer(&leg.leg, offer, NULL, &answer), 0);
	assert_description(answer, "RTP/SAVP 2:" SHA32 ":a1");
	support_leg_agree(&leg, answer, offer, false);
	support_leg_clear(&leg);
}

static void test_plain_stays_plain(void **state)
{
	struct support_leg leg;
	leg_init(&leg, NEGOTIATE_RTP, NEGOTIATE_SDES_ALLOWED);
	support_leg_agree(&leg, offer_of(&leg), far_end("RTP/AVP", ""), true);
	struct sdp_session *later = offer_of(&leg);
	assert_description(later, "RTP/AVP");
	sdp_session_free(later);
	support_leg_clear(&leg);
}

static void test_sdes_in_use_is_not_left_for_dtls(void **state)
{
	struct support_leg leg;
	leg_init(&leg, NEGOTIATE_WEBRTC, NEGOTIATE_SDES_WANTED);
	g_autofree char *keys = g_strconcat(ice, "a=crypto:1 " SHA80 " inline:" KEY_30_A "\r\n", NULL);
	g_autofree char *both = g_strconcat(keys, "a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n", NULL);
	support_leg_agree(&leg, offer_of(&leg), far_end("RTP/SAVPF", keys), true);
	struct sdp_session *offer = far_end("RTP/SAVPF", both), *answer;
	assert_int_equal(negotiate_make_answer(&leg.leg, offer, NULL, &answer), 0);
	assert_description(answer, "RTP/SAVPF 1:" SHA80 ":a0");
	sdp_session_free(offer);
	sdp_session_free(answer);
	support_leg_clear(&leg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_our_offers),
		cmocka_unit_test(test_answers_to_us),
		cmocka_unit_test(test_plan_has_both_keys),
		cmocka_unit_test(test_later_offers_keep_the_line),
		cmocka_unit_test(test_plain_stays_plain),
		cmocka_unit_test(test_sdes_in_use_is_not_left_for_dtls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
