/* The gate, the parser behind it, accessors and builders. */
#include "sip/message.h"
#include "sip/uri.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define VIA "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport\r\n"
#define FROM "From: \"A \\\"q\\\" B\" <sip:alice@example.com>;tag=f1\r\n"
#define TO "To: <sip:bob@example.com>\r\n"
#define CALL_ID "Call-ID: c1@example.com\r\n"
#define CSEQ "CSeq: 7 INVITE\r\n"
#define NONE "Content-Length: 0\r\n\r\n"
#define INVITE "INVITE sip:bob@example.com SIP/2.0\r\n"
#define BASE INVITE VIA FROM TO CALL_ID CSEQ

static struct sip_message *parse(const char *text)
{
	struct sip_message *message;
	struct sip_refusal refusal = {0};
	if (sip_message_parse(text, strlen(text), &message, &refusal) < 0)
		fail_msg("refused: %s\n%s", refusal.reason, text);
	return message;
}

static void accessors(void **state)
{
	struct sip_message *m = parse(
		"INVITE sip:bob@example.com;x=y SIP/2.0\r\n"
		"v: SIP/2.0/WSS abc.invalid;branch=z9hG4bKtop;rport, SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKlow\r\n"
		"f: \"A \\\"q\\\" B\" <sip:alice@example.com>;tag=f1\r\n"
		"t : <sip:bob@example.com;user=phone>\r\n"
		"i: c1@example.com\r\nCSeq:\t 7\r\n  INVITE\r\n"
		"m: \"x, y\" <sip:a@abc.invalid;transport=ws>;+sip.instance=\"<urn:uuid:1>\";reg-id=1;ob, "
		"<sip:b@h>;expires=30\r\nm: sip:c@h;q=0.5\r\n"
		"Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n"
		"k: timer, path\r\nSupported: outbound\r\nX-One: a, b\r\nx-one: c\r\nExpires: 4294967295\r\n"
		"c: Application/SDP;charset=x\r\nl: 5\r\n\r\nv=0\r\n");
	size_t length;
	assert_true(sip_message_is_request(m));
	assert_int_equal(sip_message_method(m), SIP_METHOD_INVITE);
	assert_string_equal(sip_message_request_uri(m), "sip:bob@example.com;x=y");
	assert_string_equal(sip_message_branch(m), "z9hG4bKtop");
	assert_string_equal(sip_message_via_sent_by(m), "abc.invalid");
	assert_string_equal(sip_message_from_tag(m), "f1");
	assert_null(sip_message_to_tag(m));
	assert_string_equal(sip_message_from_uri(m), "sip:alice@example.com");
	assert_string_equal(sip_message_from_display_name(m), "A \"q\" B");
	assert_string_equal(sip_message_to_uri(m), "sip:bob@example.com;user=phone");
	assert_string_equal(sip_message_call_id(m), "c1@example.com");
	assert_int_equal(sip_message_cseq(m), 7);
	assert_int_equal(sip_message_contact_count(m), 3);
	assert_string_equal(sip_message_contact_uri(m, 0), "sip:a@abc.invalid;transport=ws");
	assert_string_equal(sip_message_contact_parameter(m, 0, "+sip.instance"), "<urn:uuid:1>");
	assert_string_equal(sip_message_contact_parameter(m, 0, "ob"), "");
	assert_string_equal(sip_message_contact_parameter(m, 0, "reg-id"), "1");
	assert_null(sip_message_contact_parameter(m, 0, "reg"));
	assert_string_equal(sip_message_contact_parameter(m, 1, "expires"), "30");
	assert_string_equal(sip_message_contact_parameter(m, 2, "Q"), "0.5");
	assert_null(sip_message_contact_uri(m, 3));
	assert_int_equal(sip_message_record_route_count(m), 3);
	assert_string_equal(sip_message_record_route(m, 0), "<sip:p1;lr>");
	assert_string_equal(sip_message_record_route(m, 2), "<sip:p3;lr>");
	assert_string_equal(sip_message_header(m, "Via", 1), "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKlow");
	assert_string_equal(sip_message_header(m, "Supported", 2), "outbound");
	assert_null(sip_message_header(m, "Supported", 3));
	assert_string_equal(sip_message_header(m, "X-One", 0), "a, b");
	assert_string_equal(sip_message_header(m, "X-One", 1), "c");
	assert_null(sip_message_header(m, "X-Two", 0));
	assert_true(sip_message_lists(m, "Supported", "PATH"));
	assert_true(sip_message_lists(m, "X-One", "b"));
	assert_false(sip_message_lists(m, "Supported", "pat"));
	uint32_t expires;
	assert_true(sip_message_expires(m, &expires));
	assert_int_equal(expires, UINT32_MAX);
	assert_string_equal(sip_message_content_type(m), "application/sdp");
	assert_true(sip_message_has_sdp(m));
	assert_memory_equal(sip_message_body(m, &length), "v=0\r\n", 5);
	assert_int_equal(length, 5);
	sip_message_unref(m);
}

static const struct {
	const char *what, *text;
	int status; /* -1: not answerable, so no message comes back */
} refused[] = {
	{"garbage", "GET / HTTP/1.1\r\n\r\n", -1},
	{"cut in the headers", "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/WS x.inv", -1},
	{"bare LF", "INVITE sip:bob@example.com SIP/2.0\n" VIA FROM TO CALL_ID CSEQ NONE, -1},
	{"control character", BASE "X: a\1b\r\n" NONE, -1},
	{"DEL", BASE "X: a\177b\r\n" NONE, -1},
	{"no colon", BASE "Fnord\r\n" NONE, -1},
	{"name is no token", BASE "F(o): x\r\n" NONE, -1},
	{"two spaces in the request line", "INVITE  sip:bob@example.com SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ NONE, -1},
	{"space behind the version", "INVITE sip:bob@example.com SIP/2.0 \r\n" VIA FROM TO CALL_ID CSEQ NONE, -1},
	{"URI in angle brackets", "INVITE <sip:bob@example.com> SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ NONE, -1},
	{"version", "INVITE sip:bob@example.com SIP/7.0\r\n" VIA FROM TO CALL_ID CSEQ NONE, 505},
	{"no Via", INVITE FROM TO CALL_ID CSEQ NONE, -1},
	{"no From", INVITE VIA TO CALL_ID CSEQ NONE, -1},
	{"no CSeq", INVITE VIA FROM TO CALL_ID NONE, -1},
	{"two From", BASE FROM NONE, 400},
	{"two Call-ID, one compact", BASE "i: other\r\n" NONE, 400},
	{"two CSeq", BASE "CSeq: 8 INVITE\r\n" NONE, 400},
	{"CSeq of another method", INVITE VIA FROM TO CALL_ID "CSeq: 7 OPTIONS\r\n" NONE, 400},
	{"CSeq 2^31", INVITE VIA FROM TO CALL_ID "CSeq: 2147483648 INVITE\r\n" NONE, 400},
	{"CSeq 2^65", INVITE VIA FROM TO CALL_ID "CSeq: 36893488147419103232 INVITE\r\n" NONE, -1},
	{"negative CSeq", INVITE VIA FROM TO CALL_ID "CSeq: -1 INVITE\r\n" NONE, -1},
	{"Max-Forwards 256", BASE "Max-Forwards: 256\r\n" NONE, 400},
	{"Max-Forwards text", BASE "Max-Forwards: x\r\n" NONE, 400},
	{"Expires 2^32", BASE "Expires: 4294967296\r\n" NONE, 400},
	{"Content-Length negative", BASE "Content-Length: -999\r\n\r\n", 400},
	{"Content-Length too long", BASE "Content-Type: a/b\r\nContent-Length: 9\r\n\r\nshort", 400},
	{"Content-Length too short", BASE "Content-Type: a/b\r\nContent-Length: 3\r\n\r\nlonger", 400},
	{"two Content-Length", BASE "Content-Length: 0\r\nl: 0\r\n\r\n", 400},
	{"two messages", BASE NONE BASE NONE, 400},
	{"body without type", BASE "Content-Length: 2\r\n\r\nab", 400},
	{"bad Contact", BASE "Contact: <<\r\n" NONE, 400},
	{"Contact * and more", BASE "Contact: *, <sip:a@b>\r\n" NONE, 400},
	{"bad Via", INVITE "Via: x\r\n" FROM TO CALL_ID CSEQ NONE, -1},
	{"no branch", INVITE "Via: SIP/2.0/UDP h\r\n" FROM TO CALL_ID CSEQ NONE, 400},
	{"branch without cookie", INVITE "Via: SIP/2.0/UDP h;branch=1\r\n" FROM TO CALL_ID CSEQ NONE, 400},
	{"branch is the cookie", INVITE "Via: SIP/2.0/UDP h;branch=z9hG4bK\r\n" FROM TO CALL_ID CSEQ NONE, 400},
	{"Call-ID of two words", INVITE VIA FROM TO "Call-ID: a b\r\n" CSEQ NONE, -1},
	{"status 99", "SIP/2.0 099 x\r\n" VIA FROM TO CALL_ID CSEQ NONE, -1},
	{"status 700", "SIP/2.0 700 x\r\n" VIA FROM TO CALL_ID CSEQ NONE, -1},
	{"status of four digits", "SIP/2.0 2000 x\r\n" VIA FROM TO CALL_ID CSEQ NONE, -1},
	{"response with two To", "SIP/2.0 200 OK\r\n" VIA FROM TO TO CALL_ID CSEQ NONE, -1},
	{"ACK is never answered",
	 "ACK sip:a@b SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 7 ACK\r\nMax-Forwards: 300\r\n" NONE, -1},
};

static void refusals(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		struct sip_message *message = NULL;
		struct sip_refusal refusal = {0};
		if (sip_message_parse(refused[i].text, strlen(refused[i].text), &message, &refusal) != -EBADMSG)
			fail_msg("taken: %s", refused[i].what);
		assert_non_null(refusal.reason);
		int status = message ? (int)refusal.status : -1;
		if (status != refused[i].status)
			fail_msg("%s: %d %s", refused[i].what, status, refusal.reason);
		if (message) {
			struct sip_message *answer = sip_response_new(message, refusal.status, refusal.reason, "t");
			size_t length;
			assert_non_null(strstr(sip_message_text(answer, &length), "z9hG4bK") ?: refused[i].what);
			sip_message_unref(answer);
		}
		sip_message_unref(message);
	}
}

static void limits(void **state)
{
	struct { size_t fill; bool taken; } lines[] = {{8000, true}, {8300, false}};
	struct sip_message *message;
	struct sip_refusal refusal;
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_autofree char *fill = g_strnfill(lines[i].fill, 'a');
		g_autofree char *text = g_strdup_printf(BASE "X: %s\r\n" NONE, fill);
		assert_int_equal(!sip_message_parse(text, strlen(text), &message, &refusal), lines[i].taken);
		sip_message_unref(message);
	}
	for (unsigned count = 120; count < 126; count++) {
		GString *text = g_string_new(BASE);
		for (unsigned i = 0; i < count; i++)
			g_string_append(text, "X: y\r\n");
		g_string_append(text, NONE);
		bool taken = !sip_message_parse(text->str, text->len, &message, &refusal);
		assert_int_equal(taken, count + 6 <= SIP_HEADER_LINES_MAX);
		sip_message_unref(message);
		g_string_free(text, TRUE);
	}
	for (size_t size = SIP_TOKEN_BYTES_MAX; size <= SIP_TOKEN_BYTES_MAX + 1; size++) {
		g_autofree char *fill = g_strnfill(size, 'a');
		g_autofree char *tag = g_strdup_printf(INVITE VIA "From: <sip:a@b>;tag=%s\r\n" TO CALL_ID CSEQ NONE, fill);
		assert_int_equal(!sip_message_parse(tag, strlen(tag), &message, &refusal), size == SIP_TOKEN_BYTES_MAX);
		sip_message_unref(message);
		g_autofree char *id = g_strdup_printf(INVITE VIA FROM TO "Call-ID: %s\r\n" CSEQ NONE, fill);
		assert_int_equal(!sip_message_parse(id, strlen(id), &message, &refusal), size == SIP_TOKEN_BYTES_MAX);
		sip_message_unref(message);
	}
	g_autofree char *body = g_strnfill(SIP_BODY_BYTES_MAX + 1, 'b');
	g_autofree char *text = g_strdup_printf(BASE "Content-Type: a/b\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
	assert_int_equal(sip_message_parse(text, strlen(text), &message, &refusal), -EBADMSG);
	assert_int_equal(refusal.status, 413);
	sip_message_unref(message);
	g_autofree char *huge = g_strnfill(SIP_MESSAGE_BYTES_MAX + 1, 'b');
	assert_int_equal(sip_message_parse(huge, strlen(huge), &message, &refusal), -EBADMSG);
	assert_null(message);
}

/* What may look odd and is right (RFC 4475, section 3.1.1, and what is seen in the field). */
static void tolerated(void **state)
{
	static const char *const texts[] = {
		"\r\n\r\n" BASE NONE,
		BASE "\r\n", /* no Content-Length: the text ends where it ends */
		BASE "Content-Type: text/plain\r\n\r\nhello",
		BASE "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\nUnknownHeaderWithUnusualValue: ;;,,;;,;\r\n" NONE,
		BASE "Contact: *\r\n" NONE,
		BASE "Date: foo\r\nWarning: x\r\nAccept-Language: (\r\n" NONE, /* not ours to judge */
		BASE "Subject:\r\nMax-Forwards: 0\r\n" NONE,
		"INVITE tel:+1972;ext=3 SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ NONE,
		"INVITE sip:null-%00-null@example.com SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ NONE,
		"FNORD sip:a@b SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 FNORD\r\n" NONE,
		"SIP/2.0 200\r\n" VIA FROM TO CALL_ID CSEQ NONE,
		"SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe\r\n" VIA FROM TO CALL_ID CSEQ NONE,
		INVITE VIA "From: sip:a@b\r\n" TO CALL_ID CSEQ NONE, /* no tag: the stack answers */
		INVITE "Via: SIP / 2.0\r\n / UDP 192.0.2.2;branch=z9hG4bKq\r\n" FROM TO CALL_ID CSEQ NONE,
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		sip_message_unref(parse(texts[i]));
	assert_int_equal(sip_message_unref(NULL), NULL);
}

static void builds_requests(void **state)
{
	struct sip_message *m = sip_request_new(SIP_METHOD_BYE, "sip:bob@192.0.2.1", "\"A\" <sip:a@b>;tag=1",
						"<sip:bob@b>;tag=2", "id", 12);
	assert_non_null(m);
	assert_int_equal(sip_message_add_header(m, "X-Test", "one"), 0);
	assert_int_equal(sip_message_add_header(m, "X-Test", "a\r\nInjected: yes"), -EINVAL);
	assert_int_equal(sip_message_add_header(m, "Bad Name", "x"), -EINVAL);
	assert_int_equal(sip_message_add_header(m, "Contact", "<<"), -EINVAL);
	assert_int_equal(sip_message_add_header_format(m, "Reason", "Q.850;cause=%d", 16), 0);
	assert_int_equal(sip_message_set_body(m, "text/plain", "hello", 5), 0);
	size_t length;
	const char *text = sip_message_text(m, &length);
	assert_int_equal(length, strlen(text));
	assert_string_equal(text, "BYE sip:bob@192.0.2.1 SIP/2.0\r\nFrom: \"A\" <sip:a@b>;tag=1\r\nTo: <sip:bob@b>;tag=2\r\n"
				  "Call-ID: id\r\nCSeq: 12 BYE\r\nReason: Q.850;cause=16\r\nContent-Type: text/plain\r\n"
				  "Content-Length: 5\r\nX-Test: one\r\n\r\nhello");
	assert_int_equal(sip_message_remove_header(m, "Reason"), 0);
	assert_int_equal(sip_message_remove_header(m, "x-test"), 0);
	assert_int_equal(sip_message_remove_header(m, "x-test"), -ENOENT);
	assert_int_equal(sip_message_set_body(m, NULL, NULL, 0), 0);
	assert_int_equal(sip_message_add_header(m, "Route", "<sip:p1;lr>"), 0);
	assert_int_equal(sip_message_add_header(m, "Route", "<sip:p2;lr>"), 0);
	assert_string_equal(sip_message_text(m, &length),
			    "BYE sip:bob@192.0.2.1 SIP/2.0\r\nFrom: \"A\" <sip:a@b>;tag=1\r\nTo: <sip:bob@b>;tag=2\r\n"
			    "Call-ID: id\r\nCSeq: 12 BYE\r\nRoute: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n"
			    "Content-Length: 0\r\n\r\n");
	sip_message_unref(m);
	assert_null(sip_request_new(SIP_METHOD_BYE, "sip:a b", "<sip:a@b>", "<sip:a@b>", "i", 1));
	assert_null(sip_request_new(SIP_METHOD_BYE, "sip:a@b", "<sip:a@b\r\nX: y>", "<sip:a@b>", "i", 1));
}

static void builds_responses(void **state)
{
	struct sip_message *m = parse(INVITE "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK2\r\n"
				      "Record-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\n" FROM TO CALL_ID CSEQ
				      "Timestamp: 54\r\n" NONE);
	struct sip_message *r = sip_response_new(m, 180, NULL, "tt");
	size_t length;
	assert_string_equal(sip_message_text(r, &length),
			    "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n"
			    "Via: SIP/2.0/UDP b;branch=z9hG4bK2\r\nRecord-Route: <sip:p1;lr>\r\n"
			    "Record-Route: <sip:p2;lr>\r\n" FROM "To: <sip:bob@example.com>;tag=tt\r\n" CALL_ID CSEQ NONE);
	assert_string_equal(sip_message_to_tag(r), "tt");
	assert_int_equal(sip_message_status(r), 180);
	assert_int_equal(sip_message_method(r), SIP_METHOD_INVITE);
	sip_message_unref(r);
	r = sip_response_new(m, 486, "evil\r\nX: y", "tt");
	assert_string_equal(sip_message_reason(r), "Busy Here");
	assert_int_equal(sip_message_record_route_count(r), 0);
	sip_message_unref(r);
	r = sip_response_new(m, 100, NULL, NULL);
	assert_null(sip_message_to_tag(r));
	assert_non_null(sip_message_header(r, "Timestamp", 0));
	sip_message_unref(r);
	sip_message_unref(m);
}

/* Sofia's printers lose the last parameter where a buffer is just about full. */
static void prints_at_every_length(void **state)
{
	for (size_t size = 1; size < 1200; size++) {
		g_autofree char *fill = g_strnfill(size, 'a');
		g_autofree char *digest = g_strdup_printf("Digest realm=\"%s\", nonce=\"n\", algorithm=MD5", fill);
		g_autofree char *contact = g_strdup_printf("<sip:%s@h;transport=ws;x=%s>;expires=3;last", fill, fill);
		g_autofree char *uri = g_strdup_printf("sip:%s@h;transport=ws;x=%s", fill, fill);
		struct sip_message *m = sip_request_new(SIP_METHOD_BYE, uri, "<sip:a@b>;tag=1", "<sip:b@b>", "id", 1);
		struct sip_message *again;
		struct sip_refusal refusal;
		size_t length;
		char body[] = "a\0b";
		assert_int_equal(sip_message_add_header(m, "Via", "SIP/2.0/WS h;branch=z9hG4bKx"), 0);
		assert_int_equal(sip_message_add_header(m, "Proxy-Authenticate", digest), 0);
		assert_int_equal(sip_message_add_header(m, "Contact", contact), 0);
		assert_int_equal(sip_message_set_body(m, "a/b", body, sizeof body), 0);
		const char *text = sip_message_text(m, &length);
		assert_int_equal(sip_message_parse(text, length, &again, &refusal), 0);
		assert_string_equal(sip_message_header(again, "Proxy-Authenticate", 0), digest);
		assert_string_equal(sip_message_header(again, "Contact", 0), contact);
		assert_string_equal(sip_message_contact_uri(again, 0), uri);
		assert_string_equal(sip_message_request_uri(again), uri);
		assert_memory_equal(sip_message_body(again, &length), body, sizeof body);
		assert_int_equal(length, sizeof body);
		sip_message_unref(again);
		sip_message_unref(m);
	}
}

static const struct {
	const char *text, *user, *host, *again;
	unsigned port;
} uris[] = {
	{"sip:alice@Example.COM", "alice", "example.com", "sip:alice@example.com", 0},
	{"sip:a%40b%20c:secret@h:5061;transport=tcp;lr?X=y", "a@b c", "h", "sip:a%40b%20c@h:5061;transport=tcp;lr", 5061},
	{"SIPS:[2001:DB8::1]:5061", "", "2001:db8::1", "sips:[2001:db8::1]:5061", 5061},
	{"sip:1;phone-context=x@h", "1;phone-context=x", "h", "sip:1;phone-context=x@h", 0},
	{"tel:+1-972-5552222;ext=3", "+1-972-5552222", "", "tel:+1-972-5552222;ext=3", 0},
	{"http://x", NULL}, {"sip:", NULL}, {"sip:a@", NULL}, {"sip:@h", NULL}, {"sip:a@h:0", NULL},
	{"sip:a@h:65536", NULL}, {"sip:a@h:", NULL}, {"sip:a%00b@h", NULL}, {"sip:a%4@h", NULL}, {"sip:a%zz@h", NULL},
	{"sip:a@h h", NULL}, {"sip:a@[::1", NULL}, {"sip:a@[1]", NULL}, {"sip:a@[::1]x", NULL}, {"tel:", NULL},
	{"sip:a@h>", NULL}, {"nothing", NULL},
};

static void uri_table(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(uris); i++) {
		struct sip_uri uri;
		int error = sip_uri_parse(uris[i].text, &uri);
		if (!!error != !uris[i].user)
			fail_msg("%s: %d", uris[i].text, error);
		if (error)
			continue;
		assert_string_equal(uri.user, uris[i].user);
		assert_string_equal(uri.host, uris[i].host);
		assert_int_equal(uri.port, uris[i].port);
		g_autofree char *again = sip_uri_format(&uri);
		assert_string_equal(again, uris[i].again);
	}
	struct sip_uri uri;
	char value[8];
	assert_int_equal(sip_uri_parse(uris[1].text, &uri), 0);
	assert_true(sip_uri_parameter(&uri, "Transport", value, sizeof value));
	assert_string_equal(value, "tcp");
	assert_true(sip_uri_parameter(&uri, "lr", value, sizeof value));
	assert_string_equal(value, "");
	assert_false(sip_uri_parameter(&uri, "trans", value, sizeof value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accessors),	   cmocka_unit_test(refusals),	       cmocka_unit_test(limits),
		cmocka_unit_test(tolerated),	   cmocka_unit_test(builds_requests),  cmocka_unit_test(builds_responses),
		cmocka_unit_test(uri_table), cmocka_unit_test(prints_at_every_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
