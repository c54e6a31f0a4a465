/* What web/http.c and web/handshake.c take and refuse. */
#include "web/handshake.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static unsigned parse(const char *text, struct web_http_head *head)
{
	unsigned status = 0;
	int error = web_http_parse(text, strlen(text), head, &status);
	if (error == -EAGAIN)
		return 1;
	return error ? status : 0;
}

static void test_good_request(void **state)
{
	struct web_http_head head;
	const char *text = "GET /a%20b/c.js?x=%41&y HTTP/1.1\r\nHost: example.com\r\nX-Thing:  some thing \t\r\n"
			   "Connection: Upgrade, keep-alive\r\n\r\nrest";
	assert_int_equal(parse(text, &head), 0);
	assert_string_equal(head.method, "GET");
	assert_string_equal(head.path, "/a b/c.js");
	assert_string_equal(head.query, "x=%41&y");
	assert_string_equal(web_http_header(&head, "x-thing"), "some thing");
	assert_null(web_http_header(&head, "x-other"));
	assert_true(head.keep_alive);
	assert_true(web_http_lists(&head, "connection", "upgrade"));
	assert_false(web_http_lists(&head, "connection", "grade"));
	assert_int_equal(head.length_bytes, strlen(text) - 4);
	web_http_head_clear(&head);
}

static void test_every_prefix_wants_more(void **state)
{
	const char *text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n";
	struct web_http_head head;
	unsigned status;
	for (size_t length = 0; length < strlen(text); length++)
		assert_int_equal(web_http_parse(text, length, &head, &status), -EAGAIN);
	assert_int_equal(parse(text, &head), 0);
	assert_int_equal(head.content_length_bytes, 12);
	web_http_head_clear(&head);
}

static void test_refused(void **state)
{
	static const struct {
		unsigned status;
		const char *text;
	} cases[] = {
		{400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
		{400, "GET /\r\n\r\n"},
		{400, "\r\n\r\n"},
		{400, "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET /a/%2e%2e/b HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET /a/..%2fb HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET /a/.. HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET /a%0d%0ab HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{501, "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{413, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n"},
		{413, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"},
		{417, "GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n"},
		{505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct web_http_head head;
		if (parse(cases[i].text, &head) != cases[i].status)
			fail_msg("%s", cases[i].text);
	}
}

static void test_limits(void **state)
{
	struct web_http_head head;
	unsigned status;
	g_autofree char *long_path = g_strnfill(2000, 'a');
	g_autofree char *uri = g_strdup_printf("GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", long_path);
	assert_int_equal(parse(uri, &head), 414);
	g_autofree char *long_value = g_strnfill(9000, 'a');
	g_autofree char *header = g_strdup_printf("GET / HTTP/1.1\r\nHost: a\r\nX: %s", long_value);
	assert_int_equal(parse(header, &head), 431);
	g_autoptr(GString) lines = g_string_new("GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < WEB_HEADER_LINES_MAX; i++)
		g_string_append(lines, "X: y\r\n");
	g_string_append(lines, "\r\n");
	assert_int_equal(parse(lines->str, &head), 431);
	assert_int_equal(web_http_parse("GET / HTTP/1.1\r\nHost:\0a\r\n\r\n", 28, &head, &status), -EBADMSG);
	assert_int_equal(status, 400);
}

#define GOOD_HEADERS                                                                                             \
	"Host: gw.example:8443\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"    \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, sip\r\n"

static unsigned handshake(const char *text, const char *const *origins, char *accept)
{
	struct web_http_head head;
	const char *reason;
	assert_int_equal(parse(text, &head), 0);
	struct web_handshake_rules rules = {.subprotocol = "sip", .origins = origins};
	unsigned status = web_handshake_check(&head, &rules, accept, &reason);
	web_http_head_clear(&head);
	return status;
}

static void test_handshake(void **state)
{
	static const char *const none[] = {NULL};
	char accept[WEB_HANDSHAKE_ACCEPT_BYTES];
	assert_int_equal(handshake("GET / HTTP/1.1\r\n" GOOD_HEADERS "\r\n", none, accept), 101);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); /* RFC 6455, section 1.3 */
	assert_int_equal(handshake("HEAD / HTTP/1.1\r\n" GOOD_HEADERS "\r\n", none, accept), 405);
	assert_int_equal(handshake("POST / HTTP/1.1\r\n" GOOD_HEADERS "\r\n", none, accept), 405);
	assert_int_equal(handshake("GET / HTTP/1.0\r\n" GOOD_HEADERS "\r\n", none, accept), 400);
	assert_int_equal(handshake("GET / HTTP/1.1\r\n" GOOD_HEADERS "Content-Length: 3\r\n\r\n", none, accept), 400);
	assert_int_equal(handshake("GET / HTTP/1.1\r\n" GOOD_HEADERS "Sec-WebSocket-Version: 8\r\n\r\n", none, accept), 426);
}

static void test_handshake_without(void **state)
{
	static const char *const none[] = {NULL};
	static const struct {
		unsigned status;
		const char *header, *instead;
	} cases[] = {
		{400, "Connection: Upgrade\r\n", ""},
		{400, "Connection: Upgrade\r\n", "Connection: keep-alive\r\n"},
		{400, "Sec-WebSocket-Version: 13\r\n", ""},
		{426, "Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 12\r\n"},
		{426, "Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 013\r\n"},
		{400, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""},
		{400, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "Sec-WebSocket-Key: dGhl\r\n"},
		{400, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "Sec-WebSocket-Key: d,hlIHNhbXBsZSBub25jZQ==\r\n"},
		{400, "Sec-WebSocket-Protocol: chat, sip\r\n", ""},
		{400, "Sec-WebSocket-Protocol: chat, sip\r\n", "Sec-WebSocket-Protocol: sips\r\n"},
		{101, "Sec-WebSocket-Protocol: chat, sip\r\n", "Sec-WebSocket-Protocol: SIP\r\n"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		char accept[WEB_HANDSHAKE_ACCEPT_BYTES];
		g_autoptr(GString) text = g_string_new("GET / HTTP/1.1\r\n" GOOD_HEADERS "\r\n");
		assert_int_equal(g_string_replace(text, cases[i].header, cases[i].instead, 1), 1);
		if (handshake(text->str, none, accept) != cases[i].status)
			fail_msg("%s", text->str);
	}
}

static void test_origins(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const some[] = {"https://app.example", "http://[::1]:8080", NULL};
	static const char *const any[] = {"*", NULL};
	static const struct {
		const char *origin;
		const char *const *allowed;
		unsigned status;
	} cases[] = {
		{"https://gw.example:8443", none, 101}, {"https://GW.Example:8443", none, 101},
		{"https://gw.example", none, 403},	{"https://evil.example:8443", none, 403},
		{"null", none, 403},			{"", none, 403},
		{"https://gw.example:8443/", none, 403}, {"https://gw.example:8443@evil", none, 403},
		{"https://app.example", some, 101},	{"https://app.example:443", some, 101},
		{"http://app.example", some, 403},	{"http://[::1]:8080", some, 101},
		{"http://[::1]", some, 403},		{"https://gw.example:8443", some, 403},
		{"https://app.example.evil", some, 403}, {"null", some, 403},
		{"https://anything", any, 101},		{"null", any, 101},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		char accept[WEB_HANDSHAKE_ACCEPT_BYTES];
		g_autofree char *text = g_strdup_printf("GET / HTTP/1.1\r\n" GOOD_HEADERS "Origin: %s\r\n\r\n", cases[i].origin);
		if (handshake(text, cases[i].allowed, accept) != cases[i].status)
			fail_msg("%s", cases[i].origin);
	}
	char accept[WEB_HANDSHAKE_ACCEPT_BYTES];
	assert_int_equal(handshake("GET / HTTP/1.1\r\n" GOOD_HEADERS
				   "Origin: https://gw.example:8443\r\nOrigin: https://evil\r\n\r\n",
				   none, accept),
			 403);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_request), cmocka_unit_test(test_every_prefix_wants_more),
		cmocka_unit_test(test_refused),	     cmocka_unit_test(test_limits),
		cmocka_unit_test(test_handshake),    cmocka_unit_test(test_handshake_without),
		cmocka_unit_test(test_origins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
