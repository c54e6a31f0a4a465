#include "web/handshake.h"
#include <string.h>

bool web_handshake_is_wanted(const struct web_http_head *head)
{
	return web_http_lists(head, "upgrade", "websocket");
}

/* "https://Host:443" -> "host:443"; the port is made explicit so that "https://a" and "a:443" are one place. */
static bool split_origin(const char *origin, char **ret_scheme, char **ret_authority)
{
	const char *separator = strstr(origin, "://");
	if (!separator)
		return false;
	const char *authority = separator + 3;
	if (!*authority || strcspn(authority, "/?#@ ") != strlen(authority))
		return false;
	g_autofree char *scheme = g_ascii_strdown(origin, separator - origin);
	if (!web_http_is_token(scheme))
		return false;
	*ret_authority = g_ascii_strdown(authority, -1);
	*ret_scheme = g_steal_pointer(&scheme);
	return true;
}

static bool has_port(const char *authority)
{
	const char *colon = strrchr(authority, ':');
	const char *bracket = strrchr(authority, ']');
	return colon && (!bracket || bracket < colon);
}

static char *with_port(const char *scheme, const char *authority)
{
	if (has_port(authority))
		return g_strdup(authority);
	return g_strdup_printf("%s:%s", authority, strcmp(scheme, "https") ? "80" : "443");
}

bool web_handshake_is_origin(const char *text)
{
	if (!strcmp(text, "*") || !strcmp(text, "null"))
		return true;
	g_autofree char *scheme = NULL;
	g_autofree char *authority = NULL;
	return split_origin(text, &scheme, &authority);
}

static bool is_same_host(const char *origin, const char *host)
{
	g_autofree char *scheme = NULL;
	g_autofree char *authority = NULL;
	if (!host || !split_origin(origin, &scheme, &authority))
		return false;
	g_autofree char *lower = g_ascii_strdown(host, -1);
	g_autofree char *ours = with_port(scheme, lower);
	g_autofree char *theirs = with_port(scheme, authority);
	return !strcmp(ours, theirs);
}

static bool is_same_origin(const char *allowed, const char *origin)
{
	if (!strcmp(allowed, "*"))
		return true;
	g_autofree char *scheme_a = NULL;
	g_autofree char *authority_a = NULL;
	g_autofree char *scheme_b = NULL;
	g_autofree char *authority_b = NULL;
	if (!split_origin(allowed, &scheme_a, &authority_a) || !split_origin(origin, &scheme_b, &authority_b))
		return !strcmp(allowed, origin); /* "null" */
	g_autofree char *whole_a = with_port(scheme_a, authority_a);
	g_autofree char *whole_b = with_port(scheme_b, authority_b);
	return !strcmp(scheme_a, scheme_b) && !strcmp(whole_a, whole_b);
}

/* No Origin at all is no browser: the header is there to protect a browser's user, so there is nobody to protect. */
static bool is_origin_allowed(const struct web_http_head *head, const char *const *origins)
{
	size_t count = web_http_header_count(head, "origin");
	if (count == 0)
		return true;
	if (count > 1)
		return false;
	const char *origin = web_http_header(head, "origin");
	if (!origins[0])
		return is_same_host(origin, web_http_header(head, "host"));
	for (; *origins; origins++)
		if (is_same_origin(*origins, origin))
			return true;
	return false;
}

static bool is_key(const char *key)
{
	if (!key || strlen(key) != 24 || strcmp(key + 22, "=="))
		return false;
	for (const char *c = key; c < key + 22; c++)
		if (!g_ascii_isalnum(*c) && *c != '+' && *c != '/')
			return false;
	return true;
}

static void accept_key(const char *key, char accept[static WEB_HANDSHAKE_ACCEPT_BYTES])
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
	g_checksum_update(checksum, (const guchar *)key, -1);
	g_checksum_update(checksum, (const guchar *)"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", -1);
	guint8 digest[20];
	gsize length = sizeof digest;
	g_checksum_get_digest(checksum, digest, &length);
	g_autofree char *text = g_base64_encode(digest, length);
	base_copy_text(accept, WEB_HANDSHAKE_ACCEPT_BYTES, text);
}

unsigned web_handshake_check(const struct web_http_head *head, const struct web_handshake_rules *rules,
			     char accept[static WEB_HANDSHAKE_ACCEPT_BYTES], const char **ret_reason)
{
	const char *version = web_http_header(head, "sec-websocket-version");
	const char *key = web_http_header(head, "sec-websocket-key");
	const char *reason = NULL;
	unsigned status = 400;

	if (strcmp(head->method, "GET")) {
		reason = "a WebSocket is asked for with GET";
		status = 405;
	} else if (head->minor_version < 1) {
		reason = "a WebSocket needs HTTP/1.1";
	} else if (head->content_length_bytes) {
		reason = "an upgrade has no body";
	} else if (!web_http_lists(head, "connection", "upgrade")) {
		reason = "Connection: upgrade is missing";
	} else if (web_http_header_count(head, "sec-websocket-version") != 1 || strcmp(version, "13")) {
		reason = "only version 13 is spoken";
		status = version ? 426 : 400;
	} else if (web_http_header_count(head, "sec-websocket-key") != 1 || !is_key(key)) {
		reason = "Sec-WebSocket-Key is missing or malformed";
	} else if (!is_origin_allowed(head, rules->origins)) {
		reason = "this origin is not allowed";
		status = 403;
	} else if (!web_http_lists(head, "sec-websocket-protocol", rules->subprotocol)) {
		reason = "the subprotocol is not offered";
	}
	if (reason) {
		*ret_reason = reason;
		return status;
	}
	accept_key(key, accept);
	return 101;
}
