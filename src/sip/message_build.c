#include "sip/message_internal.h"
#include "sip/value.h"
#include <stdarg.h>
#include <string.h>

#define VALUE_BYTES_MAX (SIP_HEADER_BYTES_MAX - 256)

static msg_pub_t *public_of(const struct sip_message *message)
{
	return (msg_pub_t *)message->sip;
}

static bool is_one_line(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

static int add_class(msg_t *msg, msg_hclass_t *class, const char *value)
{
	if (!value || !is_one_line(value))
		return -EINVAL;
	return sip_add_make(msg, sip_object(msg), class, value) < 0 ? -EINVAL : 0;
}

static void changed(struct sip_message *message)
{
	if (message->text)
		g_string_free(message->text, TRUE);
	message->text = NULL;
}

struct sip_message *sip_request_new(enum sip_method method, const char *request_uri, const char *from, const char *to,
				    const char *call_id, uint32_t cseq)
{
	msg_t *msg = sip_message_msg_new();
	const char *name = sip_method_text(method);
	g_autofree char *line = g_strdup_printf("%s %s SIP/2.0", name, request_uri);
	g_autofree char *sequence = g_strdup_printf("%u %s", cseq, name);
	if (!strpbrk(request_uri, " \t") && !add_class(msg, sip_request_class, line) &&
	    !add_class(msg, sip_from_class, from) && !add_class(msg, sip_to_class, to) &&
	    !add_class(msg, sip_call_id_class, call_id) && !add_class(msg, sip_cseq_class, sequence))
		return sip_message_wrap(msg);
	msg_unref(msg);
	return NULL;
}

/* Copies a list of headers in its order. Sofia puts a new Via, Route or Record-Route above the old ones, so the list is
 * walked from its end. */
static void copy_list(msg_t *msg, const sip_header_t *header)
{
	if (!header)
		return;
	copy_list(msg, header->sh_next);
	msg_header_t *copy = msg_header_dup_one(msg_home(msg), (const msg_header_t *)header);
	if (copy)
		msg_header_insert(msg, (msg_pub_t *)sip_object(msg), copy);
}

static void copy_one(msg_t *msg, const void *header)
{
	if (header)
		msg_header_add_dup(msg, (msg_pub_t *)sip_object(msg), header);
}

/* Section 12.1.1: the response that makes a dialog shows the route back. */
static bool echoes_record_route(const struct sip_message *request, unsigned status)
{
	return status > 100 && status < 300 && !sip_message_to_tag(request) &&
	       (request->method == SIP_METHOD_INVITE || request->method == SIP_METHOD_SUBSCRIBE ||
		request->method == SIP_METHOD_REFER || request->method == SIP_METHOD_NOTIFY);
}

const char *sip_status_text(unsigned status)
{
	const char *phrase = status >= 100 && status <= 699 ? sip_status_phrase((int)status) : NULL;
	return phrase ? phrase : "Unknown";
}

struct sip_message *sip_response_new(const struct sip_message *request, unsigned status, const char *reason,
				     const char *to_tag)
{
	const sip_t *asked = request->sip;
	msg_t *msg = sip_message_msg_new();
	if (!reason || !is_one_line(reason))
		reason = sip_status_text(status);
	g_autofree char *line = g_strdup_printf("SIP/2.0 %03u %s", status, reason);
	add_class(msg, sip_status_class, line);
	copy_list(msg, (const sip_header_t *)asked->sip_via);
	if (echoes_record_route(request, status))
		copy_list(msg, (const sip_header_t *)asked->sip_record_route);
	copy_one(msg, asked->sip_from);
	copy_one(msg, asked->sip_to);
	copy_one(msg, asked->sip_call_id);
	copy_one(msg, asked->sip_cseq);
	if (status == 100)
		copy_one(msg, asked->sip_timestamp);
	sip_t *sip = sip_object(msg);
	if (to_tag && sip->sip_to && !sip->sip_to->a_tag)
		sip_to_tag(msg_home(msg), sip->sip_to, to_tag);
	return sip_message_wrap(msg);
}

static msg_href_t const *class_of(const struct sip_message *message, const char *name)
{
	const msg_mclass_t *classes = msg_mclass(message->msg);
	isize_t ignored;
	const msg_href_t *reference = msg_find_hclass(classes, name, &ignored);
	return reference == classes->mc_unknown ? NULL : reference;
}

int sip_message_add_header(struct sip_message *message, const char *name, const char *value)
{
	size_t name_length = strlen(name);
	if (!sip_value_is_token(name, name_length) || name_length + strlen(value) > VALUE_BYTES_MAX)
		return -EINVAL;
	changed(message);
	const msg_href_t *reference = class_of(message, name);
	if (reference)
		return add_class(message->msg, (msg_hclass_t *)reference->hr_class, value);
	g_autofree char *line = g_strdup_printf("%s: %s", name, value);
	return add_class(message->msg, sip_unknown_class, line);
}

int sip_message_add_header_format(struct sip_message *message, const char *name, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *value = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	return sip_message_add_header(message, name, value);
}

void sip_message_copy_headers(struct sip_message *to, const struct sip_message *from, const char *const *names)
{
	for (; *names; names++) {
		const char *value;
		for (size_t i = 0; (value = sip_message_header(from, *names, i)); i++)
			sip_message_add_header(to, *names, value);
	}
}

static int remove_unknown(struct sip_message *message, const char *name)
{
	int result = -ENOENT;
	for (sip_unknown_t *header = message->sip->sip_unknown, *next; header; header = next) {
		next = header->un_next;
		if (!g_ascii_strcasecmp(header->un_name, name))
			result = msg_header_remove(message->msg, public_of(message), (msg_header_t *)header);
	}
	return result;
}

int sip_message_remove_header(struct sip_message *message, const char *name)
{
	changed(message);
	const msg_href_t *reference = class_of(message, name);
	if (!reference)
		return remove_unknown(message, name);
	msg_header_t **slot = msg_hclass_offset(msg_mclass(message->msg), public_of(message),
						(msg_hclass_t *)reference->hr_class);
	if (!slot || !*slot)
		return -ENOENT;
	while (*slot)
		msg_header_remove(message->msg, public_of(message), *slot);
	return 0;
}

static void remove_entity(struct sip_message *message)
{
	sip_t *sip = message->sip;
	void *const parts[] = {sip->sip_payload, sip->sip_content_type, sip->sip_content_length};
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		if (parts[i])
			msg_header_remove(message->msg, public_of(message), parts[i]);
}

int sip_message_set_body(struct sip_message *message, const char *content_type, const char *body, size_t length)
{
	changed(message);
	remove_entity(message);
	if (!length)
		return 0;
	if (length > SIP_BODY_BYTES_MAX)
		return -E2BIG;
	int error = add_class(message->msg, sip_content_type_class, content_type);
	if (error < 0)
		return error;
	sip_payload_t *payload = sip_payload_create(msg_home(message->msg), body, (isize_t)length);
	return payload && !msg_header_insert(message->msg, public_of(message), (msg_header_t *)payload) ? 0 : -ENOMEM;
}

static GString *print(msg_t *msg)
{
	GString *text = g_string_sized_new(1024);
	sip_complete_message(msg); /* Content-Length and the empty line */
	msg_serialize(msg, (msg_pub_t *)sip_object(msg)); /* puts the headers in order */
	for (msg_header_t *h = *msg_chain_head(msg); h; h = h->sh_succ) {
		ssize_t length = msg_header_e(NULL, 0, h, 0);
		size_t start = text->len;
		if (length <= 0)
			continue;
		g_string_set_size(text, start + (size_t)length + SIP_PRINT_SLACK);
		msg_header_e(text->str + start, length + SIP_PRINT_SLACK, h, 0);
		g_string_truncate(text, start + (size_t)length);
	}
	return text;
}

const char *sip_message_text(struct sip_message *message, size_t *ret_length)
{
	if (!message->text)
		message->text = print(message->msg);
	*ret_length = message->text->len;
	return message->text->str;
}

void sip_message_set_to_tag(struct sip_message *message, const char *tag)
{
	changed(message);
	sip_to_tag(msg_home(message->msg), message->sip->sip_to, tag);
}

int sip_message_set_via(struct sip_message *message, const char *transport, const char *sent_by, const char *branch)
{
	g_autofree char *value = g_strdup_printf("SIP/2.0/%s %s;branch=%s;rport", transport, sent_by, branch);
	changed(message);
	while (message->sip->sip_via)
		msg_header_remove(message->msg, public_of(message), (msg_header_t *)message->sip->sip_via);
	int error = add_class(message->msg, sip_via_class, value);
	message->via_sent_by = su_strdup(msg_home(message->msg), sent_by);
	return error;
}

void sip_message_stamp_via(struct sip_message *message, const struct net_address *source)
{
	sip_via_t *via = message->sip->sip_via;
	su_home_t *home = msg_home(message->msg);
	char host[NET_ADDRESS_TEXT_MAX];
	net_address_format_host(source, host);
	if (via->v_rport || strcmp(via->v_host, host)) {
		msg_header_replace_param(home, via->v_common, su_sprintf(home, "received=%s", host));
	}
	if (via->v_rport)
		msg_header_replace_param(home, via->v_common, su_sprintf(home, "rport=%u", net_address_port(source)));
}

struct sip_message *sip_message_new_like_invite(const struct sip_message *invite, enum sip_method method,
						const struct sip_message *to)
{
	msg_t *msg = sip_message_msg_new();
	const sip_t *sip = invite->sip;
	const char *name = sip_method_text(method);
	g_autofree char *line = g_strdup_printf("%s %s SIP/2.0", name, invite->request_uri);
	g_autofree char *sequence = g_strdup_printf("%u %s", sip->sip_cseq->cs_seq, name);
	add_class(msg, sip_request_class, line);
	copy_one(msg, sip->sip_via);
	copy_list(msg, (const sip_header_t *)sip->sip_route);
	add_class(msg, sip_max_forwards_class, "70");
	copy_one(msg, sip->sip_from);
	copy_one(msg, to->sip->sip_to);
	copy_one(msg, sip->sip_call_id);
	add_class(msg, sip_cseq_class, sequence);
	return sip_message_wrap(msg);
}

static char *without_tag(const sip_addr_t *address)
{
	su_home_t *home = su_home_new(sizeof *home);
	char *text = url_as_string(home, address->a_url);
	const char *display = address->a_display && *address->a_display ? address->a_display : NULL;
	char *result = display ? g_strdup_printf("%s <%s>", display, text) : g_strdup_printf("<%s>", text);
	su_home_unref(home);
	return result;
}

char *sip_message_from_without_tag(const struct sip_message *message)
{
	return without_tag(message->sip->sip_from);
}

char *sip_message_to_without_tag(const struct sip_message *message)
{
	return without_tag(message->sip->sip_to);
}
