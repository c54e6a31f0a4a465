#include "sip/message_internal.h"
#include <string.h>

/* Faults in headers of these classes refuse a message; in all others the header is as if it were not there. */
#define CRITICAL_IN_REQUEST (sip_mask_request | sip_mask_ua | sip_mask_proxy)
#define CRITICAL_IN_RESPONSE (sip_mask_response | sip_mask_ua)

static const char *const method_names[] = {
	[SIP_METHOD_UNKNOWN] = "UNKNOWN",     [SIP_METHOD_INVITE] = "INVITE",	  [SIP_METHOD_ACK] = "ACK",
	[SIP_METHOD_BYE] = "BYE",	      [SIP_METHOD_CANCEL] = "CANCEL",	  [SIP_METHOD_REGISTER] = "REGISTER",
	[SIP_METHOD_OPTIONS] = "OPTIONS",     [SIP_METHOD_PRACK] = "PRACK",	  [SIP_METHOD_UPDATE] = "UPDATE",
	[SIP_METHOD_REFER] = "REFER",	      [SIP_METHOD_NOTIFY] = "NOTIFY",	  [SIP_METHOD_SUBSCRIBE] = "SUBSCRIBE",
	[SIP_METHOD_MESSAGE] = "MESSAGE",     [SIP_METHOD_INFO] = "INFO",	  [SIP_METHOD_PUBLISH] = "PUBLISH",
};

const char *sip_method_text(enum sip_method method)
{
	return method_names[method];
}

enum sip_method sip_method_from_name(const char *name)
{
	for (size_t i = SIP_METHOD_UNKNOWN + 1; i < G_N_ELEMENTS(method_names); i++)
		if (!strcmp(name, method_names[i]))
			return (enum sip_method)i;
	return SIP_METHOD_UNKNOWN;
}

void sip_message_init_sofia(void)
{
	static gsize once;
	if (g_once_init_enter(&once)) {
		su_init();
		g_once_init_leave(&once, 1);
	}
}

msg_t *sip_message_msg_new(void)
{
	sip_message_init_sofia();
	return msg_create(sip_default_mclass(), 0);
}

static const char *url_text(msg_t *msg, const url_t *url)
{
	return url_as_string(msg_home(msg), url);
}

static const char *sent_by_text(msg_t *msg, const sip_via_t *via)
{
	if (!via->v_port || !*via->v_port)
		return via->v_host;
	return su_sprintf(msg_home(msg), "%s:%s", via->v_host, via->v_port);
}

struct sip_message *sip_message_wrap(msg_t *msg)
{
	sip_t *sip = msg ? sip_object(msg) : NULL;
	if (!sip || !(sip->sip_request || sip->sip_status) || !sip->sip_from || !sip->sip_to || !sip->sip_call_id ||
	    !sip->sip_cseq || !sip->sip_cseq->cs_method_name) {
		if (msg)
			msg_unref(msg);
		return NULL;
	}
	struct sip_message *message = g_new0(struct sip_message, 1);
	message->msg = msg;
	message->sip = sip;
	message->references = 1;
	message->method = sip_method_from_name(sip->sip_cseq->cs_method_name);
	if (sip->sip_request)
		message->request_uri = url_text(msg, sip->sip_request->rq_url);
	message->from_uri = url_text(msg, sip->sip_from->a_url);
	message->to_uri = url_text(msg, sip->sip_to->a_url);
	if (sip->sip_via)
		message->via_sent_by = sent_by_text(msg, sip->sip_via);
	return message;
}

static bool is_short(const char *text)
{
	return !text || strlen(text) <= SIP_TOKEN_BYTES_MAX;
}

static const char *find_fault(const struct sip_message *message)
{
	const sip_t *sip = message->sip;
	unsigned critical = sip->sip_request ? CRITICAL_IN_REQUEST : CRITICAL_IN_RESPONSE;
	if (!msg_is_complete(message->msg) || msg_extract_errors(message->msg) & critical)
		return "Malformed header";
	const char *branch = sip->sip_via->v_branch;
	if (!is_short(branch) || !is_short(sip->sip_from->a_tag) || !is_short(sip->sip_to->a_tag))
		return "Branch or tag too long";
	/* the cookie is what makes a branch unique; RFC 2543 is long dead */
	if (!branch || g_ascii_strncasecmp(branch, "z9hG4bK", 7) || !branch[7])
		return "Missing branch";
	if (strlen(message->via_sent_by) > SIP_TOKEN_BYTES_MAX)
		return "Via too long";
	for (const sip_contact_t *contact = sip->sip_contact; contact; contact = contact->m_next)
		if (contact->m_url->url_type == url_any && (contact != sip->sip_contact || contact->m_next))
			return "Malformed Contact";
	return NULL;
}

int sip_message_parse_as(const char *text, size_t length, enum sip_gate_mode mode, struct sip_message **ret_message,
			 struct sip_refusal *ret_refusal)
{
	struct sip_gate gate;
	int error = sip_gate_check(text, length, mode, &gate, ret_refusal);
	*ret_message = NULL;
	if (error < 0 && !gate.is_readable) {
		ret_refusal->status = 0;
		return error;
	}
	sip_message_init_sofia();
	struct sip_message *message =
		sip_message_wrap(msg_make(sip_default_mclass(), 0, gate.text, (ssize_t)gate.length));
	bool has_via = message && message->sip->sip_via && message->via_sent_by;
	if (!error) {
		const char *reason = has_via ? find_fault(message) : "Malformed header";
		if (!reason) {
			*ret_message = message;
			return 0;
		}
		ret_refusal->status = gate.is_request ? 400 : 0;
		ret_refusal->reason = reason;
	}
	if (!has_via || !gate.is_request || message->method == SIP_METHOD_ACK) {
		ret_refusal->status = 0;
		sip_message_unref(message);
	} else {
		*ret_message = message;
	}
	return -EBADMSG;
}

int sip_message_parse(const char *text, size_t length, struct sip_message **ret_message, struct sip_refusal *ret_refusal)
{
	return sip_message_parse_as(text, length, SIP_GATE_WHOLE, ret_message, ret_refusal);
}

struct sip_message *sip_message_ref(struct sip_message *message)
{
	message->references++;
	return message;
}

struct sip_message *sip_message_unref(struct sip_message *message)
{
	if (message && !--message->references) {
		msg_unref(message->msg);
		if (message->text)
			g_string_free(message->text, TRUE);
		g_free(message);
	}
	return NULL;
}

bool sip_message_is_request(const struct sip_message *message)
{
	return message->sip->sip_request != NULL;
}

enum sip_method sip_message_method(const struct sip_message *message)
{
	return message->method;
}

const char *sip_message_method_name(const struct sip_message *message)
{
	return message->sip->sip_cseq->cs_method_name;
}

unsigned sip_message_status(const struct sip_message *message)
{
	return message->sip->sip_status ? (unsigned)message->sip->sip_status->st_status : 0;
}

const char *sip_message_reason(const struct sip_message *message)
{
	const sip_status_t *status = message->sip->sip_status;
	return status && status->st_phrase ? status->st_phrase : "";
}

const char *sip_message_call_id(const struct sip_message *message)
{
	return message->sip->sip_call_id->i_id;
}

const char *sip_message_from_tag(const struct sip_message *message)
{
	return message->sip->sip_from->a_tag;
}

const char *sip_message_to_tag(const struct sip_message *message)
{
	return message->sip->sip_to->a_tag;
}

uint32_t sip_message_cseq(const struct sip_message *message)
{
	return message->sip->sip_cseq->cs_seq;
}

const char *sip_message_branch(const struct sip_message *message)
{
	return message->sip->sip_via ? message->sip->sip_via->v_branch : NULL;
}

const char *sip_message_via_sent_by(const struct sip_message *message)
{
	return message->via_sent_by;
}

uint16_t sip_message_via_port(const struct sip_message *message)
{
	const char *port = message->sip->sip_via ? message->sip->sip_via->v_port : NULL;
	uint64_t number;
	return port && !sip_gate_number(port, strlen(port), UINT16_MAX, &number) ? (uint16_t)number : 0;
}

bool sip_message_via_has_rport(const struct sip_message *message)
{
	return message->sip->sip_via && message->sip->sip_via->v_rport;
}

size_t sip_message_via_count(const struct sip_message *message)
{
	size_t count = 0;
	for (const sip_via_t *via = message->sip->sip_via; via; via = via->v_next)
		count++;
	return count;
}

const char *sip_message_request_uri(const struct sip_message *message)
{
	return message->request_uri;
}

const char *sip_message_from_uri(const struct sip_message *message)
{
	return message->from_uri;
}

const char *sip_message_to_uri(const struct sip_message *message)
{
	return message->to_uri;
}

const char *sip_message_from_display_name(const struct sip_message *message)
{
	const char *name = message->sip->sip_from->a_display;
	if (!name || !*name)
		return NULL;
	return *name == '"' ? msg_unquote_dup(msg_home(message->msg), name) : name;
}

static const sip_contact_t *contact_at(const struct sip_message *message, size_t index)
{
	const sip_contact_t *contact = message->sip->sip_contact;
	while (contact && index--)
		contact = contact->m_next;
	return contact;
}

bool sip_message_contact_is_star(const struct sip_message *message)
{
	const sip_contact_t *contact = message->sip->sip_contact;
	return contact && contact->m_url->url_type == url_any;
}

size_t sip_message_contact_count(const struct sip_message *message)
{
	size_t count = 0;
	if (sip_message_contact_is_star(message))
		return 0;
	while (contact_at(message, count))
		count++;
	return count;
}

const char *sip_message_contact_uri(const struct sip_message *message, size_t index)
{
	const sip_contact_t *contact = contact_at(message, index);
	return contact ? url_text(message->msg, contact->m_url) : NULL;
}

const char *sip_message_contact_parameter(const struct sip_message *message, size_t index, const char *name)
{
	const sip_contact_t *contact = contact_at(message, index);
	size_t length = strlen(name);
	for (const msg_param_t *parameter = contact ? contact->m_params : NULL; parameter && *parameter; parameter++) {
		if (g_ascii_strncasecmp(*parameter, name, length))
			continue;
		const char *value = *parameter + length;
		if (!*value)
			return "";
		if (*value++ == '=')
			return *value == '"' ? msg_unquote_dup(msg_home(message->msg), value) : value;
	}
	return NULL;
}

static const char *header_text(const struct sip_message *message, const void *header)
{
	ssize_t length = msg_header_field_e(NULL, 0, header, 0);
	char *text = length < 0 ? NULL : su_zalloc(msg_home(message->msg), length + SIP_PRINT_SLACK);
	if (text)
		msg_header_field_e(text, length + SIP_PRINT_SLACK, header, 0);
	return text;
}

size_t sip_message_record_route_count(const struct sip_message *message)
{
	size_t count = 0;
	for (const sip_record_route_t *route = message->sip->sip_record_route; route; route = route->r_next)
		count++;
	return count;
}

const char *sip_message_record_route(const struct sip_message *message, size_t index)
{
	const sip_record_route_t *route = message->sip->sip_record_route;
	while (route && index--)
		route = route->r_next;
	return route ? header_text(message, route) : NULL;
}

static const char *unknown_header(const struct sip_message *message, const char *name, size_t index)
{
	for (const sip_unknown_t *header = message->sip->sip_unknown; header; header = header->un_next)
		if (!g_ascii_strcasecmp(header->un_name, name) && !index--)
			return header->un_value;
	return NULL;
}

const char *sip_message_header(const struct sip_message *message, const char *name, size_t index)
{
	const msg_mclass_t *classes = msg_mclass(message->msg);
	isize_t ignored;
	const msg_href_t *reference = msg_find_hclass(classes, name, &ignored);
	if (!reference || reference == classes->mc_unknown)
		return unknown_header(message, name, index);
	msg_header_t *const *slot =
		msg_hclass_offset(classes, (msg_pub_t *)message->sip, (msg_hclass_t *)reference->hr_class);
	const sip_header_t *header = slot ? (const sip_header_t *)*slot : NULL;
	if (reference->hr_class->hc_kind == msg_kind_list) { /* sofia joins the lines of a token list */
		const msg_param_t *items = header ? ((const msg_list_t *)header)->k_items : NULL;
		while (items && *items && index)
			items++, index--;
		return items ? *items : NULL;
	}
	while (header && index--)
		header = header->sh_next;
	return header ? header_text(message, header) : NULL;
}

bool sip_message_expires(const struct sip_message *message, uint32_t *ret_seconds)
{
	const sip_expires_t *expires = message->sip->sip_expires;
	if (!expires || expires->ex_date)
		return false;
	*ret_seconds = (uint32_t)expires->ex_delta;
	return true;
}

bool sip_message_lists(const struct sip_message *message, const char *header, const char *token)
{
	const char *value;
	for (size_t i = 0; (value = sip_message_header(message, header, i)); i++) {
		g_auto(GStrv) words = g_strsplit_set(value, ", \t", -1);
		for (size_t j = 0; words[j]; j++)
			if (!g_ascii_strcasecmp(words[j], token))
				return true;
	}
	return false;
}

const char *sip_message_body(const struct sip_message *message, size_t *ret_length)
{
	const sip_payload_t *payload = message->sip->sip_payload;
	*ret_length = payload ? payload->pl_len : 0;
	return *ret_length ? payload->pl_data : NULL;
}

const char *sip_message_content_type(const struct sip_message *message)
{
	const sip_content_type_t *type = message->sip->sip_content_type;
	if (!type || !type->c_type)
		return NULL;
	char *text = su_strdup(msg_home(message->msg), type->c_type);
	for (char *c = text; c && *c; c++)
		*c = g_ascii_tolower(*c);
	return text;
}

bool sip_message_has_sdp(const struct sip_message *message)
{
	const char *type = sip_message_content_type(message);
	size_t length;
	return type && !strcmp(type, "application/sdp") && sip_message_body(message, &length);
}
