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
		bool is_session;
		char ha1[CRYPTO_DIGEST_HEX_MAX], response[CRYPTO_DIGEST_HEX_MAX];
		assert_int_equal(sip_digest_fields_parse(table[i].text, &fields), 0);
		assert_int_equal(sip_digest_algorithm_of(&fields, &algorithm, &is_session), 0);
		assert_int_equal(algorithm, table[i].algorithm);
		assert_int_equal(sip_digest_ha1(algorithm, table[i].user, fields.realm, table[i].password, ha1), 0);
		assert_int_equal(sip_digest_response(algorithm, ha1, &fields, table[i].method, NULL, response), 0);
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
	struct sip_digest_client *client;
	struct net_address peer;
};

static bool find(void *user, const char *name, struct sip_credentials *ret_credentials)
{
	*ret_credentials = (struct sip_credentials){.username = "alice", .password = "secret"};
	return !strcmp(name, "alice");
}

static int setup(void **state)
{
	struct bench *bench = g_new0(struct bench, 1);
	assert_int_equal(sip_digest_server_new("example.com", find, NULL, &bench->server), 0);
	net_address_parse("192.0.2.1", 1000, &bench->sender);
	net_address_parse("192.0.2.9", 5060, &bench->peer);
	bench->credentials = (struct sip_credentials){"example.com", "alice", "secret"};
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;
	sip_digest_server_free(bench->server);
	sip_digest_client_free(bench->client);
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

/* As the `round`th answer; `before` is what was challenged. */
static int answer_again(struct bench *bench, unsigned round, const struct sip_message *before, const struct sip_message *asked,
			struct sip_message *request)
{
	if (!bench->client)
		bench->client = sip_digest_client_new(&bench->credentials);
	struct sip_digest_challenged challenged = {.peer = &bench->peer, .request = before, .response = asked, .round = round};
	return sip_digest_client_answer(bench->client, &challenged, request);
}

static int answer_to(struct bench *bench, const struct sip_message *asked, struct sip_message *request)
{
	bench->client = sip_digest_client_free(bench->client);
	struct sip_message *before = new_request();
	int error = answer_again(bench, 0, before, asked, request);
	sip_message_unref(before);
	return error;
}

static struct sip_message *answer(struct bench *bench)
{
	struct sip_message *asked = challenge(bench, 401), *request = new_request();
	assert_int_equal(answer_to(bench, asked, request), 0);
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
	assert_int_equal(answer_to(bench, asked, request), 0);
	assert_non_null(sip_message_header(request, "Proxy-Authorization", 0));
	assert_int_equal(check(bench, request), SIP_DIGEST_OK);
	struct sip_message *again = new_request();
	assert_int_equal(answer_again(bench, 1, request, asked, again), -EACCES);
	sip_message_unref(again);
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
	assert_int_equal(sip_digest_server_new("example.com", find, NULL, &other), 0);
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

/* The parameter's value without quotes; a new string. */
static char *shown(const struct sip_message *request, const char *header, size_t index, const char *name)
{
	const char *text = sip_message_header(request, header, index);
	struct sip_digest_fields fields;
	assert_non_null(text);
	assert_int_equal(sip_digest_fields_parse(text, &fields), 0);
	const struct { const char *name, *value; } known[] = {
		{"realm", fields.realm}, {"nonce", fields.nonce}, {"nc", fields.nc}, {"cnonce", fields.cnonce}, {"opaque", fields.opaque},
		{"qop", fields.qop}, {"algorithm", fields.algorithm}, {"response", fields.response},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (!strcmp(known[i].name, name))
			return g_strdup(known[i].value);
	return NULL;
}

static void assert_shown(const struct sip_message *request, const char *header, const char *name, const char *expected)
{
	g_autofree char *value = shown(request, header, 0, name);
	assert_string_equal(value, expected);
}

static struct sip_message *response_with(unsigned status, const char *header, const char *const *values)
{
	struct sip_message *request = new_request(), *response = sip_response_new(request, status, NULL, "t");
	for (; *values; values++)
		assert_int_equal(sip_message_add_header(response, header, *values), 0);
	sip_message_unref(request);
	return response;
}

static void client_choices(void **state)
{
	static const struct { const char *challenges[4]; int error; const char *expected; } table[] = {
		{{"Digest realm=\"example.com\", nonce=\"n\""}, 0, "Digest username=\"alice\""},
		{{"Digest realm=\"example.com\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"",
		  "Digest realm=\"example.com\", nonce=\"n\", algorithm=SHA-512-256, qop=\"auth,auth-int\"",
		  "Digest realm=\"example.com\", nonce=\"n\", algorithm=MD5, qop=\"auth\""}, 0, "algorithm=SHA-512-256"},
		{{"Digest realm=\"example.com\", nonce=\"n\", algorithm=AKAv1-MD5",
		  "Digest realm=\"example.com\", nonce=\"n\", algorithm=MD5"}, 0, "algorithm=MD5"},
		{{"Digest realm=\"example.com\", nonce=\"n\", algorithm=MD5-sess, qop=auth"}, 0, "algorithm=MD5-sess"},
		{{"Digest realm=\"example.com\", nonce=\"n\", algorithm=SHA-256-SESS, qop=auth"}, 0, "algorithm=SHA-256-sess"},
		{{"Digest realm=\"example.com\", nonce=\"n\", algorithm=MD5-session, qop=auth"}, -ENOENT, NULL},
		{{"Digest realm=\"example.com\", nonce=\"n\", algorithm=MD5-sess"}, -ENOENT, NULL}, /* without a cnonce there is none */
		{{"Digest realm=\"example.com\", nonce=\"n\", qop=\"auth-int\""}, 0, "qop=auth-int"},
		{{"Digest realm=\"example.com\", nonce=\"n\", qop=\"auth-int , auth\""}, 0, "qop=auth,"},
		{{"Digest realm=\"example.com\", nonce=\"n\", qop=\"token\""}, -ENOENT, NULL},
		{{"Digest realm=\"evil.com\", nonce=\"n\""}, -ENOENT, NULL},
		{{"Basic realm=\"example.com\""}, -ENOENT, NULL},
		{{"Digest realm=\"example.com\""}, -ENOENT, NULL},
		{{NULL}, -ENOENT, NULL},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct sip_message *request = new_request(), *response = response_with(401, "WWW-Authenticate", table[i].challenges);
		int error = answer_to(bench, response, request);
		if (error != table[i].error)
			fail_msg("%s: %d", table[i].challenges[0], error);
		if (!table[i].error && !strstr(sip_message_header(request, "Authorization", 0), table[i].expected))
			fail_msg("%s: %s", table[i].challenges[0], sip_message_header(request, "Authorization", 0));
		sip_message_unref(request);
		sip_message_unref(response);
	}
}

static void client_sessions_and_bodies(void **state)
{
	static const char *const session[] = {"Digest realm=\"example.com\", nonce=\"n\", algorithm=SHA-256-sess, qop=\"auth-int\"", NULL};
	struct bench *bench = *state;
	struct sip_message *request = new_request(), *asked = response_with(401, "WWW-Authenticate", session);
	assert_int_equal(sip_message_set_body(request, "text/plain", "hello", 5), 0);
	assert_int_equal(answer_to(bench, asked, request), 0);
	g_autofree char *cnonce = shown(request, "Authorization", 0, "cnonce");
	g_autofree char *a1 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "alice:example.com:secret", -1);
	g_autofree char *session_text = g_strdup_printf("%s:n:%s", a1, cnonce);
	g_autofree char *session_a1 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, session_text, -1);
	g_autofree char *body = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "hello", -1);
	g_autofree char *a2_text = g_strdup_printf("REGISTER:sip:example.com:%s", body);
	g_autofree char *a2 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, a2_text, -1);
	g_autofree char *text = g_strdup_printf("%s:n:00000001:%s:auth-int:%s", session_a1, cnonce, a2);
	g_autofree char *expected = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
	assert_shown(request, "Authorization", "response", expected);
	struct sip_message *next = new_request(); /* a session's cnonce is its first one's */
	sip_digest_client_prove(bench->client, &bench->peer, next);
	assert_shown(next, "Authorization", "cnonce", cnonce);
	assert_shown(next, "Authorization", "nc", "00000002");
	sip_message_unref(next);
	sip_message_unref(request);
	sip_message_unref(asked);
}

static void client_counts(void **state)
{
	static const char *const first[] = {"Digest realm=\"example.com\", nonce=\"n1\", opaque=\"o\\\"1\", qop=\"auth\"", NULL};
	static const char *const next_nonce[] = {"nextnonce=\"n2\", qop=auth", NULL};
	struct bench *bench = *state;
	struct sip_message *request = new_request(), *asked = response_with(401, "WWW-Authenticate", first);
	assert_int_equal(answer_to(bench, asked, request), 0);
	assert_shown(request, "Authorization", "nc", "00000001");
	assert_shown(request, "Authorization", "opaque", "o\"1");
	g_autofree char *cnonce = shown(request, "Authorization", 0, "cnonce");
	struct sip_message *second = new_request();
	sip_digest_client_prove(bench->client, &bench->peer, second);
	assert_shown(second, "Authorization", "nonce", "n1");
	assert_shown(second, "Authorization", "nc", "00000002");
	assert_shown(second, "Authorization", "opaque", "o\"1");
	g_autofree char *other_cnonce = shown(second, "Authorization", 0, "cnonce");
	assert_string_not_equal(cnonce, other_cnonce);
	struct sip_message *elsewhere = new_request();
	struct net_address other;
	net_address_parse("192.0.2.8", 5060, &other);
	sip_digest_client_prove(bench->client, &other, elsewhere);
	assert_null(sip_message_header(elsewhere, "Authorization", 0));
	struct sip_message *success = response_with(200, "Authentication-Info", next_nonce);
	sip_digest_client_learn(bench->client, &other, second, success); /* not the peer's word */
	sip_digest_client_learn(bench->client, &bench->peer, second, success);
	struct sip_message *third = new_request();
	sip_digest_client_prove(bench->client, &bench->peer, third);
	assert_shown(third, "Authorization", "nonce", "n2");
	assert_shown(third, "Authorization", "nc", "00000001");
	sip_message_unref(success);
	sip_message_unref(elsewhere);
	sip_message_unref(third);
	sip_message_unref(second);
	sip_message_unref(request);
	sip_message_unref(asked);
}

static void client_ends(void **state)
{
	static const char *const fresh[] = {"Digest realm=\"example.com\", nonce=\"n1\", qop=\"auth\"", NULL};
	static const char *const stale_one[] = {"Digest realm=\"example.com\", nonce=\"n2\", qop=\"auth\", stale=TRUE", NULL};
	static const char *const old[] = {"Digest realm=\"example.com\", nonce=\"n3\"", NULL};
	struct bench *bench = *state;
	struct sip_message *asked = response_with(401, "WWW-Authenticate", fresh);
	struct sip_message *asked_stale = response_with(401, "WWW-Authenticate", stale_one);
	struct sip_message *asked_old = response_with(401, "WWW-Authenticate", old);
	struct sip_message *one = new_request(), *two = new_request(), *three = new_request();
	assert_int_equal(answer_to(bench, asked, one), 0);
	assert_int_equal(answer_again(bench, 1, one, asked_stale, two), 0);
	assert_shown(two, "Authorization", "nonce", "n2");
	assert_int_equal(answer_again(bench, 2, two, asked, three), -EACCES);
	assert_null(sip_message_header(three, "Authorization", 0));
	sip_digest_client_prove(bench->client, &bench->peer, three); /* what was refused is forgotten */
	assert_null(sip_message_header(three, "Authorization", 0));
	assert_int_equal(answer_again(bench, SIP_DIGEST_ROUNDS_MAX, one, asked_stale, three), -EACCES);
	sip_message_unref(two);
	sip_message_unref(three);
	two = new_request();
	assert_int_equal(answer_to(bench, asked_old, two), 0);
	three = new_request();
	sip_digest_client_prove(bench->client, &bench->peer, three); /* without qop a nonce is for one request */
	assert_null(sip_message_header(three, "Authorization", 0));
	assert_int_equal(answer_again(bench, 1, two, asked_old, three), -EACCES);
	sip_message_unref(asked_old);
	sip_message_unref(asked_stale);
	sip_message_unref(asked);
	sip_message_unref(three);
	sip_message_unref(two);
	sip_message_unref(one);
}

/* A nonce that has served before may have grown old without the realm's saying so. */
static void client_old_nonces(void **state)
{
	static const char *const first[] = {"Digest realm=\"example.com\", nonce=\"n1\", qop=\"auth\"", NULL};
	static const char *const second[] = {"Digest realm=\"example.com\", nonce=\"n2\", qop=\"auth\"", NULL};
	struct bench *bench = *state;
	struct sip_message *asked = response_with(401, "WWW-Authenticate", first), *again = response_with(401, "WWW-Authenticate", second);
	struct sip_message *one = new_request(), *two = new_request(), *three = new_request();
	assert_int_equal(answer_to(bench, asked, one), 0);
	sip_digest_client_prove(bench->client, &bench->peer, two);
	assert_int_equal(answer_again(bench, 0, two, again, three), 0);
	assert_shown(three, "Authorization", "nonce", "n2");
	assert_shown(three, "Authorization", "nc", "00000001");
	sip_message_unref(asked);
	sip_message_unref(again);
	sip_message_unref(one);
	sip_message_unref(two);
	sip_message_unref(three);
}

static void client_realms(void **state)
{
	static const char *const proxys[] = {"Digest realm=\"proxy\", nonce=\"p\", qop=\"auth\"",
					     "Digest realm=\"proxy\", nonce=\"p\", algorithm=SHA-256, qop=\"auth\"",
					     "Digest realm=\"second\", nonce=\"s\", qop=\"auth\"", NULL};
	static const char *const servers[] = {"Digest realm=\"server\", nonce=\"w\", qop=\"auth\"", NULL};
	struct bench *bench = *state;
	bench->credentials.realm = NULL;
	struct sip_message *by_proxy = response_with(407, "Proxy-Authenticate", proxys);
	struct sip_message *by_server = response_with(401, "WWW-Authenticate", servers);
	struct sip_message *one = new_request(), *two = new_request();
	assert_int_equal(answer_to(bench, by_proxy, one), 0);
	assert_shown(one, "Proxy-Authorization", "algorithm", "SHA-256");
	assert_non_null(strstr(sip_message_header(one, "Proxy-Authorization", 1), "realm=\"second\""));
	assert_null(sip_message_header(one, "Proxy-Authorization", 2));
	assert_int_equal(answer_again(bench, 1, one, by_server, two), 0);
	assert_shown(two, "Authorization", "nonce", "w");
	assert_shown(two, "Proxy-Authorization", "nc", "00000002"); /* behind the proxies is where it got */
	assert_non_null(sip_message_header(two, "Proxy-Authorization", 1));
	sip_message_unref(by_proxy);
	sip_message_unref(by_server);
	sip_message_unref(one);
	sip_message_unref(two);
}

static void hashed_credentials(void **state)
{
	static const char *const asked_texts[] = {"Digest realm=\"example.com\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"",
						  "Digest realm=\"example.com\", nonce=\"n\", algorithm=MD5, qop=\"auth\"", NULL};
	struct bench *bench = *state;
	char md5[CRYPTO_DIGEST_HEX_MAX];
	sip_digest_ha1(SIP_DIGEST_MD5, "alice", "example.com", "secret", md5);
	bench->credentials.password = NULL;
	bench->credentials.ha1[SIP_DIGEST_MD5] = md5;
	struct sip_message *asked = response_with(401, "WWW-Authenticate", asked_texts), *request = new_request();
	assert_int_equal(answer_to(bench, asked, request), 0);
	assert_shown(request, "Authorization", "algorithm", "MD5"); /* no hash for the stronger one */
	sip_message_unref(asked);
	sip_message_unref(request);
	request = answer(bench);
	assert_int_equal(check(bench, request), SIP_DIGEST_OK); /* the server knows the password */
	sip_message_unref(request);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors), cmocka_unit_test(parsing), TEST(goes_round), TEST(wrong),
		TEST(stale),		   TEST(bounded),	      TEST(client_choices), TEST(client_sessions_and_bodies), TEST(client_counts),
		TEST(client_ends), TEST(client_old_nonces), TEST(client_realms), TEST(hashed_credentials),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
