/* Digest authentication: the RFCs' vectors, both sides against each other, replay. */
#include "base/base.h"
#include "sip/digest_internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int64_t now_us = 1000000;

int64_t base_monotonic_us(void) /* in place of base's */
{
	return now_us;
}

static void vectors(void **state)
{
	static const struct {
		enum sip_digest_algorithm algorithm;
		const char *user, *password, *method, *text, *response;
	} table[] = {
		/* RFC 2617, section 3.5 */
		{SIP_DIGEST_MD5, "Mufasa", "Circle Of Life", "GET",
		 "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
		 "qop=auth, nc=00000001, cnonce=\"0a4f113b\"",
		 "6629fae49393a05397450978507c4ef1"},
		/* RFC 7616, section 3.9.1 */
		{SIP_DIGEST_MD5, "Mufasa", "Circle of Life", "GET",
		 "Digest realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm=MD5, "
		 "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "
		 "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth",
		 "8ca523f5e9506fed4657c9700eebdbec"},
		{SIP_DIGEST_SHA256, "Mufasa", "Circle of Life", "GET",
		 "Digest realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm=SHA-256, "
		 "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "
		 "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth",
		 "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		/* RFC 2069, as amended by its erratum: no qop */
		{SIP_DIGEST_MD5, "Mufasa", "CircleOfLife", "GET",
		 "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\"",
		 "1949323746fe6a43ef61f9606e7febea"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct sip_digest_fields fields;
		enum sip_digest_algorithm algorithm;
		char ha1[CRYPTO_DIGEST_HEX_MAX], response[CRYPTO_DIGEST_HEX_MAX];
		assert_int_equal(sip_digest_fields_parse(table[i].text, &fields), 0);
		assert_int_equal(sip_digest_algorithm_of(&fields, &algorithm), 0);
		assert_int_equal(algorithm, table[i].algorithm);
		assert_int_equal(sip_digest_ha1(algorithm, table[i].user, fields.realm, table[i].password, ha1), 0);
		assert_int_equal(sip_digest_response(algorithm, ha1, table[i].method, &fields, response), 0);
		assert_string_equal(response, table[i].response);
	}
}

static void parsing(void **state)
{
	static const struct { const char *text; bool taken; } table[] = {
		{"Digest realm=\"a,b\\\"c\", nonce = x , foo=bar,, opaque=\"\"", true},
		{"digest realm=\"a\"", true},
		{"Basic realm=\"a\"", false}, {"Digest", false}, {"Digestrealm=x", false}, {"Digest realm", false},
		{"Digest realm=\"a", false}, {"Digest realm=\"a\" nonce=\"b\"", false}, {"Digest realm=a, realm=b", false},
		{"Digest =x", false}, {"Digest nc=0000000012345", false},
	};
	struct sip_digest_fields fields;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (!sip_digest_fields_parse(table[i].text, &fields) != table[i].taken)
			fail_msg("%s", table[i].text);
	assert_int_equal(sip_digest_fields_parse(table[0].text, &fields), 0);
	assert_string_equal(fields.realm, "a,b\"c");
	assert_string_equal(fields.nonce, "x");
}

struct bench {
	struct sip_digest_server *server;
	struct net_address sender;
	struct sip_credentials credentials;
};

static const char *password(void *user, const char *name)
{
	return !strcmp(name, "alice") ? "secret" : NULL;
}

static int setup(void **state)
{
	struct bench *bench = g_new0(struct bench, 1);
	assert_int_equal(sip_digest_server_new("example.com", password, NULL, &bench->server), 0);
	net_address_parse("192.0.2.1", 1000, &bench->sender);
	bench->credentials = (struct sip_credentials){"example.com", "alice", "secret"};
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;
	sip_digest_server_free(bench->server);
	g_free(bench);
	return 0;
}

static struct sip_message *new_request(void)
{
	return sip_request_new(SIP_METHOD_REGISTER, "sip:example.com", "<sip:alice@example.com>;tag=1",
			       "<sip:alice@example.com>", "c", 1);
}

static struct sip_message *challenge(struct bench *bench, unsigned status)
{
	struct sip_message *request = new_request(), *response = sip_response_new(request, status, NULL, "t");
	assert_int_equal(sip_digest_server_challenge(bench->server, response, &bench->sender, false), 0);
	sip_message_unref(request);
	return response;
}

static struct sip_message *answer(struct bench *bench)
{
	struct sip_message *asked = challenge(bench, 401), *request = new_request();
	assert_int_equal(sip_digest_answer(&bench->credentials, asked, request), 0);
	sip_message_unref(asked);
	return request;
}

static enum sip_digest_verdict check(struct bench *bench, const struct sip_message *request)
{
	char name[SIP_DIGEST_NAME_SIZE] = "";
	enum sip_digest_verdict verdict =
		sip_digest_server_check(bench->server, request, &bench->sender, name);
	assert_string_equal(name, verdict == SIP_DIGEST_OK ? "alice" : "");
	return verdict;
}

static void goes_round(void **state)
{
	struct bench *bench = *state;
	struct sip_message *asked = challenge(bench, 401);
	assert_non_null(strstr(sip_message_header(asked, "WWW-Authenticate", 1), "algorithm=MD5"));
	assert_non_null(strstr(sip_message_header(asked, "WWW-Authenticate", 0), "algorithm=SHA-256"));
	sip_message_unref(asked);
	struct sip_message *request = answer(bench);
	assert_non_null(strstr(sip_message_header(request, "Authorization", 0), "algorithm=SHA-256"));
	assert_int_equal(check(bench, request), SIP_DIGEST_OK);
	assert_int_equal(check(bench, request), SIP_DIGEST_STALE); /* the same nc */
	sip_message_unref(request);
	asked = challenge(bench, 407);
	request = new_request();
	assert_int_equal(check(bench, request), SIP_DIGEST_ABSENT);
	assert_int_equal(sip_digest_answer(&bench->credentials, asked, request), 0);
	assert_non_null(sip_message_header(request, "Proxy-Authorization", 0));
	assert_int_equal(check(bench, request), SIP_DIGEST_OK);
	assert_int_equal(sip_digest_answer(&bench->credentials, asked, request), -EACCES);
	sip_message_unref(request);
	sip_message_unref(asked);
}

static void wrong(void **state)
{
	struct bench *bench = *state;
	bench->credentials.password = "Secret";
	struct sip_message *request = answer(bench);
	assert_int_equal(check(bench, request), SIP_DIGEST_WRONG);
	sip_message_unref(request);
	bench->credentials = (struct sip_credentials){"example.com", "bob", "secret"};
	request = answer(bench);
	assert_int_equal(check(bench, request), SIP_DIGEST_WRONG);
	sip_message_unref(request);
	request = new_request();
	sip_message_add_header(request, "Authorization", "Digest realm=\"example.com\"");
	assert_int_equal(check(bench, request), SIP_DIGEST_WRONG);
	sip_message_remove_header(request, "Authorization");
	sip_message_add_header(request, "Authorization", "Digest realm=\"other.com\", username=\"alice\"");
	assert_int_equal(check(bench, request), SIP_DIGEST_ABSENT);
	sip_message_unref(request);
}

static void stale(void **state)
{
	struct bench *bench = *state;
	struct sip_message *request = answer(bench);
	bench->sender.ipv4.sin_port ^= 1; /* another port is the same host */
	assert_int_equal(check(bench, request), SIP_DIGEST_OK);
	sip_message_unref(request);
	request = answer(bench);
	net_address_parse("192.0.2.2", 1000, &bench->sender); /* a stolen nonce */
	assert_int_equal(check(bench, request), SIP_DIGEST_STALE);
	sip_message_unref(request);
	request = answer(bench);
	now_us += INT64_C(301) * 1000000;
	assert_int_equal(check(bench, request), SIP_DIGEST_STALE);
	sip_message_unref(request);
	request = answer(bench);
	struct sip_digest_server *other; /* another process's nonce */
	assert_int_equal(sip_digest_server_new("example.com", password, NULL, &other), 0);
	char name[SIP_DIGEST_NAME_SIZE];
	assert_int_equal(sip_digest_server_check(other, request, &bench->sender, name),
			 SIP_DIGEST_STALE);
	sip_digest_server_free(other);
	assert_int_equal(check(bench, request), SIP_DIGEST_OK);
	sip_message_unref(request);
}

static void bounded(void **state)
{
	struct bench *bench = *state;
	struct sip_message *first = answer(bench);
	assert_int_equal(check(bench, first), SIP_DIGEST_OK);
	for (int i = 0; i < 16384; i++) {
		now_us++;
		struct sip_message *request = answer(bench);
		assert_int_equal(check(bench, request), SIP_DIGEST_OK);
		sip_message_unref(request);
	}
	assert_int_equal(check(bench, first), SIP_DIGEST_STALE); /* forgotten, and still no replay */
	sip_message_unref(first);
}

static void client_choices(void **state)
{
	static const struct { const char *challenges[3]; int error; const char *expected; } table[] = {
		{{"Digest realm=\"example.com\", nonce=\"n\""}, 0, "Digest username=\"alice\""},
		{{"Digest realm=\"example.com\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"",
		  "Digest realm=\"example.com\", nonce=\"n\", algorithm=SHA-512-256, qop=\"auth,auth-int\"",
		  "Digest realm=\"example.com\", nonce=\"n\", algorithm=MD5, qop=\"auth\""}, 0, "algorithm=SHA-512-256"},
		{{"Digest realm=\"evil.com\", nonce=\"n\""}, -ENOENT, NULL},
		{{"Digest realm=\"example.com\", nonce=\"n\", algorithm=MD5-sess"}, -ENOENT, NULL},
		{{"Digest realm=\"example.com\", nonce=\"n\", qop=\"auth-int\""}, -ENOENT, NULL},
		{{"Basic realm=\"example.com\""}, -ENOENT, NULL},
		{{"Digest realm=\"example.com\""}, -ENOENT, NULL},
		{{NULL}, -ENOENT, NULL},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct sip_message *request = new_request(), *response = sip_response_new(request, 401, NULL, "t");
		for (size_t j = 0; j < 3 && table[i].challenges[j]; j++)
			assert_int_equal(sip_message_add_header(response, "WWW-Authenticate", table[i].challenges[j]), 0);
		assert_int_equal(sip_digest_answer(&bench->credentials, response, request), table[i].error);
		if (!table[i].error)
			assert_non_null(strstr(sip_message_header(request, "Authorization", 0), table[i].expected));
		sip_message_unref(request);
		sip_message_unref(response);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors), cmocka_unit_test(parsing), TEST(goes_round), TEST(wrong),
		TEST(stale),		   TEST(bounded),	      TEST(client_choices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
