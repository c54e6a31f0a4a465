/* Who calls, and what each far end may hear of him. */
#include "route/identity.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const char *const numbers[] = {"+4930111", "+4930222", NULL};
static const struct route_identity_audience users = {.domain = "d.test"};
static const struct route_identity_audience carrier = {.domain = "d.test", .is_trunk = true};
static const struct route_identity_audience trusted = {
	.domain = "d.test", .is_trunk = true, .is_trusted = true, .assertion = ROUTE_ASSERT_PAI};

static struct route_identity *identify(const char *from, const char *headers, const struct route_identity_source *source)
{
	g_autofree char *text = g_strdup_printf("INVITE sip:b@d.test SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: %s;tag=1\r\n"
						"To: <sip:b@d.test>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n%s"
						"Content-Length: 0\r\n\r\n",
						from, headers);
	struct sip_message *request;
	struct sip_refusal refusal;
	assert_int_equal(sip_message_parse(text, strlen(text), &request, &refusal), 0);
	struct route_identity *identity = route_identity_read(request, source);
	sip_message_unref(request);
	return identity;
}

static void add(void *user, const char *name, const char *value)
{
	g_string_append_printf(user, "%s: %s\n", name, value);
}

static void expect(struct route_identity *identity, const struct route_identity_audience *audience, const char *from,
		   const char *headers)
{
	g_autofree char *said = route_identity_from(identity, audience);
	g_autoptr(GString) told = g_string_new(NULL);
	route_identity_headers(identity, audience, add, told);
	assert_string_equal(said, from);
	assert_string_equal(told->str, headers);
}

static void a_user(void **state)
{
	struct route_identity_source source = {.login = "alice", .display_name = "Alice", .caller_ids = numbers};
	struct route_identity *identity = identify("\"Boss\" <sip:boss@d.test>", "", &source);
	assert_string_equal(route_identity_user(identity), "alice");
	expect(identity, &users, "\"Alice\" <sip:alice@d.test>", "");
	expect(identity, &carrier, "\"Alice\" <sip:+4930111@d.test>", "");
	expect(identity, &trusted, "\"Alice\" <sip:+4930111@d.test>", "P-Asserted-Identity: \"Alice\" <sip:+4930111@d.test>\n");
	assert_string_equal(route_identity_shown_user(identity, &carrier), "+4930111");
	struct route_identity_audience own = carrier;
	own.address = "sip:1001@pbx.test";
	expect(identity, &own, "\"Alice\" <sip:1001@pbx.test>", "");
	route_identity_free(identity);
}

static void a_trunks_number_is_for_users_without_one(void **state)
{
	struct route_identity_audience numbered = trusted;
	numbered.caller_id = "+49300";
	struct route_identity_source source = {.login = "alice"};
	struct route_identity *identity = identify("<sip:alice@d.test>", "", &source);
	expect(identity, &numbered, "<sip:+49300@d.test>", "P-Asserted-Identity: <sip:+49300@d.test>\n");
	assert_string_equal(route_identity_shown_user(identity, &numbered), "+49300");
	assert_string_equal(route_identity_shown_user(identity, &users), "alice");
	route_identity_free(identity);
	source.caller_ids = numbers;
	identity = identify("<sip:alice@d.test>", "", &source);
	assert_string_equal(route_identity_shown_user(identity, &numbered), "+4930111");
	route_identity_free(identity);
	identity = identify("<sip:5@x>", "", &(struct route_identity_source){0}); /* another trunk's caller */
	assert_string_equal(route_identity_shown_user(identity, &numbered), "5");
	route_identity_free(identity);
}

static void those_it_was_meant_for_before(void **state)
{
	struct route_identity_source source = {.is_trusted = true};
	struct route_identity *identity = identify("<sip:5@x>", "Diversion: <sip:1@x>;reason=unknown\r\n", &source);
	route_identity_divert(identity, "bob", "no-answer");
	route_identity_divert(identity, "sales team", "user-busy");
	expect(identity, &users, "<sip:5@d.test>",
	       "Diversion: <sip:sales%20team@d.test>;reason=user-busy\nDiversion: <sip:bob@d.test>;reason=no-answer\n"
	       "Diversion: <sip:1@d.test>;reason=unknown\n");
	expect(identity, &carrier, "<sip:5@d.test>", "");
	route_identity_free(identity);
}

static void a_user_who_is_private(void **state)
{
	struct route_identity_source source = {.login = "alice"};
	struct route_identity *identity = identify("\"A\" <sip:alice@d.test>", "Privacy: header;id\r\n", &source);
	const char *nobody = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
	struct route_identity_audience rpid = carrier;
	rpid.assertion = ROUTE_ASSERT_RPID;
	expect(identity, &users, nobody, "");
	expect(identity, &carrier, nobody, "Privacy: id\n");
	expect(identity, &rpid, nobody, "Privacy: id\n");
	expect(identity, &trusted, nobody, "P-Asserted-Identity: \"A\" <sip:alice@d.test>\nPrivacy: id\n");
	rpid.is_trusted = true;
	expect(identity, &rpid, nobody,
	       "Remote-Party-ID: \"A\" <sip:alice@d.test>;party=calling;screen=yes;privacy=full\nPrivacy: id\n");
	assert_string_equal(route_identity_shown_user(identity, &trusted), "anonymous");
	route_identity_free(identity);
}

static void preferred_number(void **state)
{
	static const struct {
		const char *wish, *number;
	} rows[] = {
		{"<sip:+4930222@x>", "+4930222"}, {"\"q \\\" <sip:no@x>\" <tel:+4930222>", "+4930222"},
		{"sip:+4930222@x;tag=1", "+4930222"}, {"<sip:+4930999@x>", "+4930111"}, {"\"open", "+4930111"},
	};
	struct route_identity_source source = {.login = "alice", .caller_ids = numbers};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *header = g_strdup_printf("P-Preferred-Identity: %s\r\n", rows[i].wish);
		struct route_identity *identity = identify("<sip:alice@d.test>", header, &source);
		assert_string_equal(route_identity_shown_user(identity, &carrier), rows[i].number);
		assert_string_equal(route_identity_shown_user(identity, &users), "alice");
		route_identity_free(identity);
	}
}

static void a_trunks_caller(void **state)
{
	static const char headers[] = "P-Asserted-Identity: Carl <sip:+4940@x>\r\n"
				      "Diversion: <sip:1@x>;reason=user-busy;other=x\r\nDiversion: <sip:2@x>;privacy=full\r\n"
				      "History-Info: <sip:3@x>;index=1.1\r\n";
	struct route_identity_source source = {0};
	struct route_identity *identity = identify("\"A\\\"B\" <sip:5@x>", headers, &source);
	expect(identity, &users, "\"A B\" <sip:5@d.test>", "");
	route_identity_free(identity);
	source.is_trusted = true;
	identity = identify("<sip:5@x>", headers, &source);
	expect(identity, &users, "\"Carl\" <sip:+4940@d.test>",
	       "Diversion: <sip:1@d.test>;reason=user-busy\nHistory-Info: <sip:3@d.test>;index=1.1\n");
	expect(identity, &carrier, "\"Carl\" <sip:+4940@d.test>", "");
	expect(identity, &trusted, "\"Carl\" <sip:+4940@d.test>",
	       "Diversion: <sip:1@d.test>;reason=user-busy\nDiversion: <sip:2@d.test>;privacy=full\n"
	       "History-Info: <sip:3@d.test>;index=1.1\nP-Asserted-Identity: \"Carl\" <sip:+4940@d.test>\n");
	route_identity_free(identity);
}

static void quoted_parameters_pass_whole(void **state)
{
	static const char headers[] = "Diversion: \"X;reason=y\" <sip:1@x;reason=z>;reason=\"no; answer\"\r\n"
				      "Diversion: <sip:2@x>;reason=\"no answer\r\nDiversion: <sip:3@x>;reason=a<b\r\n";
	struct route_identity_source source = {.is_trusted = true};
	struct route_identity *identity = identify("<sip:5@x>", headers, &source);
	expect(identity, &users, "<sip:5@d.test>",
	       "Diversion: <sip:1@d.test>;reason=\"no; answer\"\nDiversion: <sip:2@d.test>\nDiversion: <sip:3@d.test>\n");
	route_identity_free(identity);
}

static void nobody(void **state)
{
	struct route_identity_source source = {.is_trusted = true};
	struct route_identity *identity = identify("<sip:x.test>", "P-Asserted-Identity: <sip:x.test>\r\n", &source);
	expect(identity, &users, "<sip:anonymous@d.test>", "");
	route_identity_free(identity);
	identity = route_identity_new("a b");
	expect(identity, &users, "<sip:a%20b@d.test>", "");
	route_identity_free(identity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user),
		cmocka_unit_test(those_it_was_meant_for_before),
		cmocka_unit_test(a_trunks_number_is_for_users_without_one),	    cmocka_unit_test(a_user_who_is_private), cmocka_unit_test(preferred_number),
		cmocka_unit_test(a_trunks_caller), cmocka_unit_test(quoted_parameters_pass_whole), cmocka_unit_test(nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
