#include "web/internal.h"
#include <string.h>

/* For every answer; the page needs nothing from elsewhere but the WebSocket it is told to use. */
static const char security_headers[] =
	"X-Content-Type-Options: nosniff\r\n"
	"Referrer-Policy: no-referrer\r\n"
	"Permissions-Policy: camera=(self), microphone=(self), geolocation=()\r\n"
	"Content-Security-Policy: default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
	"media-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
	"frame-ancestors 'none'\r\n";

const char *web_request_path(const struct web_request *request)
{
	return request->head->path;
}

const char *web_request_query(const struct web_request *request)
{
	return request->head->query;
}

const char *web_request_method(const struct web_request *request)
{
	return request->head->method;
}

const char *web_request_header(const struct web_request *request, const char *name)
{
	return web_http_header(request->head, name);
}

const char *web_request_body(const struct web_request *request, size_t *ret_length)
{
	*ret_length = request->body_length;
	return request->body;
}

const struct net_address *web_request_remote(const struct web_request *request)
{
	return web_connection_remote(request->connection);
}

bool web_request_is_secure(const struct web_request *request)
{
	return web_is_secure(web_connection_web(request->connection));
}

int web_request_add_header(struct web_request *request, const char *name, const char *value)
{
	if (!web_http_is_token(name) || !web_http_is_value(value))
		return -EINVAL;
	if (!request->extra_headers)
		request->extra_headers = g_string_new(NULL);
	if (request->extra_headers->len + strlen(name) + strlen(value) > WEB_EXTRA_HEADER_BYTES_MAX)
		return -EINVAL;
	g_string_append_printf(request->extra_headers, "%s: %s\r\n", name, value);
	request->has_cache_control = request->has_cache_control || !g_ascii_strcasecmp(name, "cache-control");
	return 0;
}

static void append_date(GString *text)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *date = g_date_time_format(now, "%a, %d %b %Y %H:%M:%S GMT");
	g_string_append_printf(text, "Date: %s\r\n", date);
}

void web_request_reply_bytes(struct web_request *request, unsigned status, const char *content_type, GBytes *body)
{
	if (request->is_replied)
		return;
	request->is_replied = true;
	size_t length = body ? g_bytes_get_size(body) : 0;
	bool has_body = status != 304 && status != 204;
	g_autoptr(GString) text = g_string_sized_new(1024);
	g_string_printf(text, "HTTP/1.1 %u %s\r\n", status, web_http_phrase(status));
	append_date(text);
	if (has_body)
		g_string_append_printf(text, "Content-Length: %zu\r\n", length);
	if (has_body && content_type && web_http_is_value(content_type))
		g_string_append_printf(text, "Content-Type: %s\r\n", content_type);
	g_string_append(text, security_headers);
	if (!request->has_cache_control)
		g_string_append(text, "Cache-Control: no-store\r\n");
	if (!request->head->keep_alive)
		g_string_append(text, "Connection: close\r\n");
	if (request->extra_headers)
		g_string_append(text, request->extra_headers->str);
	g_string_append(text, "\r\n");
	web_connection_send(request->connection, g_bytes_new(text->str, text->len));
	if (has_body && length && strcmp(request->head->method, "HEAD"))
		web_connection_send(request->connection, g_bytes_ref(body));
}

void web_request_reply(struct web_request *request, unsigned status, const char *content_type, const char *body,
		       size_t length)
{
	g_autoptr(GBytes) bytes = length ? g_bytes_new(body, length) : NULL;
	web_request_reply_bytes(request, status, content_type, bytes);
}

void web_request_refuse(struct web_request *request, unsigned status, const char *reason)
{
	g_autofree char *text = reason ? g_strdup_printf("%u %s: %s\n", status, web_http_phrase(status), reason)
				       : g_strdup_printf("%u %s\n", status, web_http_phrase(status));
	web_request_reply(request, status, "text/plain; charset=utf-8", text, strlen(text));
}
