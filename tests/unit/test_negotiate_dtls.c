/* DTLS on RTP legs (RFC 5763) and what names an association (a=tls-id, RFC 8842). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../support/sdp_support.h"

#define OUR_ID "our-own-random-tls-id-0000"
#define THEIRS "a=fingerprint:sha-256 AA:BB\r\n"

static void leg_init(struct support_leg *leg)
{
	support_leg_init(leg, NEGOTIATE_RTP);
	leg->leg.profile.is_dtls = true;
	leg->transport.n_fingerprints = 1;
	strcpy(leg->transport.fingerprints[0].algorithm, "sha-256");
	strcpy(leg->transport.fingerprints[0].digits, "01:02");
	strcpy(leg->transport.tls_id, OUR_ID);
	leg->transport.rtcp_mux = true;
}

static struct sdp_session *far_end(const char *profile, const char *attributes)
{
	g_autofree char *text = g_strdup_printf("v=0\r\no=- 70 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n"
						"m=audio 4000 %s 0\r\na=rtcp-mux\r\n%s",
						profile, attributes);
	return support_parse(text);
}

static struct sdp_session *offer_of(const struct support_leg *leg)
{
	struct sdp_session *offer = NULL;
	assert_int_equal(negotiate_make_offer(&leg->leg, NULL, &offer), 0);
	assert_true(support_comes_back(offer));
	return offer;
}

static void test_what_is_taken(void **state)
{
	static const struct {
		const char *profile, *attributes;
		bool is_taken;
	} cases[] = {
		{"UDP/TLS/RTP/SAVP", THEIRS "a=setup:actpass\r\n", true},
		{"UDP/TLS/RTP/SAVPF", THEIRS "a=setup:active\r\n", true},
		{"RTP/SAVP", THEIRS "a=setup:passive\r\n", true},
		{"RTP/AVP", THEIRS "a=setup:actpass\r\n", false},
		{"UDP/TLS/RTP/SAVP", "a=setup:actpass\r\n", false},
		{"RTP/AVP", "", false},
		{"RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct support_leg leg;
		leg_init(&leg);
		struct sdp_session *offer = far_end(cases[i].profile, cases[i].attributes), *answer = NULL;
		assert_int_equal(negotiate_check_offer(&leg.leg.profile, offer), cases[i].is_taken ? 0 : -ENOTSUP);
		assert_int_equal(negotiate_make_answer(&leg.leg, offer, NULL, &answer), cases[i].is_taken ? 0 : -ENOTSUP);
		if (cases[i].is_taken) {
			assert_string_equal(answer->media[0].profile_text, cases[i].profile);
			assert_int_equal(answer->media[0].transport.n_fingerprints, 1);
			assert_true(answer->media[0].transport.rtcp_mux);
			assert_int_equal(negotiate_check_answer(offer, answer, NULL), 0);
		}
		sdp_session_free(offer);
		sdp_session_free(answer);
	}
}

static void test_our_offer_and_its_answers(void **state)
{
	struct support_leg leg;
	struct sdp_leg_plan plan = {0};
	leg_init(&leg);
	struct sdp_session *offer = offer_of(&leg), *answer;
	assert_string_equal(offer->media[0].profile_text, "UDP/TLS/RTP/SAVP");
	assert_int_equal(offer->media[0].transport.setup, SDP_SETUP_ACTPASS);
	assert_string_equal(offer->media[0].transport.tls_id, OUR_ID);
	assert_false(offer->media[0].transport.has_ice);

	answer = far_end("RTP/AVP", "");
	assert_int_equal(negotiate_check_answer(offer, answer, NULL), -EBADMSG);
	sdp_session_free(answer);
	answer = far_end("UDP/TLS/RTP/SAVP", THEIRS "a=setup:active\r\n");
	assert_int_equal(negotiate_check_answer(offer, answer, NULL), 0);
	assert_int_equal(negotiate_make_plan(offer, answer, true, &plan), 0);
	assert_false(plan.streams[0].we_are_dtls_client);
	assert_true(plan.streams[0].remote.rtcp_mux);
	assert_int_equal(plan.streams[0].send_crypto.suite[0], 0);
	sdp_leg_plan_clear(&plan);
	sdp_session_free(answer);
	sdp_session_free(offer);
}

static void assert_answer(struct support_leg *leg, const char *attributes, const char *tls_id)
{
	struct sdp_session *offer = far_end("UDP/TLS/RTP/SAVPF", attributes), *answer;
	assert_int_equal(negotiate_make_answer(&leg->leg, offer, NULL, &answer), 0);
	assert_string_equal(answer->media[0].transport.tls_id, tls_id);
	support_leg_agree(leg, answer, offer, false);
}

static void test_each_association_has_a_name_of_its_own(void **state)
{
	struct support_leg leg;
	leg_init(&leg);
	assert_answer(&leg, THEIRS "a=setup:actpass\r\na=tls-id:their-first-id-000000\r\n", OUR_ID);
	assert_answer(&leg, THEIRS "a=setup:actpass\r\na=tls-id:their-first-id-000000\r\n", OUR_ID);
	assert_answer(&leg, THEIRS "a=setup:actpass\r\na=tls-id:their-second-id-00000\r\n", OUR_ID "+1");
	assert_answer(&leg, "a=fingerprint:sha-256 CC:DD\r\na=setup:actpass\r\na=tls-id:their-second-id-00000\r\n", OUR_ID "+2");
	assert_answer(&leg, "a=fingerprint:sha-256 CC:DD\r\na=setup:active\r\na=tls-id:their-second-id-00000\r\n", OUR_ID "+3");
	assert_answer(&leg, "a=fingerprint:sha-256 CC:DD\r\na=setup:active\r\na=tls-id:their-second-id-00000\r\n", OUR_ID "+3");

	struct sdp_session *later = offer_of(&leg); /* keeps name and profile */
	assert_string_equal(later->media[0].transport.tls_id, OUR_ID "+3");
	assert_string_equal(later->media[0].profile_text, "UDP/TLS/RTP/SAVPF");
	sdp_session_free(later);
	support_leg_clear(&leg);
}

static void test_an_offer_without_a_name_is_answered_without(void **state)
{
	struct support_leg leg;
	leg_init(&leg);
	assert_answer(&leg, THEIRS "a=setup:actpass\r\n", "");
	assert_answer(&leg, THEIRS "a=setup:actpass\r\n", "");
	assert_answer(&leg, THEIRS "a=setup:actpass\r\na=tls-id:their-first-id-000000\r\n", OUR_ID);
	support_leg_clear(&leg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_taken),
		cmocka_unit_test(test_our_offer_and_its_answers),
		cmocka_unit_test(test_each_association_has_a_name_of_its_own),
		cmocka_unit_test(test_an_offer_without_a_name_is_answered_without),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
