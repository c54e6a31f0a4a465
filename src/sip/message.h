/* SIP messages (RFC 3261, sections 7 and 20) over sofia-sip's parser. Signalling thread.
 * No other room sees a sofia type. Text returned by accessors belongs to the message and lives as long as it. */
#pragma once
#include "base/base.h"

/* Limits of what is parsed at all; checked before the parser sees a byte. */
#define SIP_MESSAGE_BYTES_MAX 65535
#define SIP_HEADER_LINES_MAX 128
#define SIP_HEADER_BYTES_MAX 8192
#define SIP_BODY_BYTES_MAX 49152
#define SIP_TOKEN_BYTES_MAX 256 /* Call-ID, tags, branch */

enum sip_method {
	SIP_METHOD_UNKNOWN,
	SIP_METHOD_INVITE,
	SIP_METHOD_ACK,
	SIP_METHOD_BYE,
	SIP_METHOD_CANCEL,
	SIP_METHOD_REGISTER,
	SIP_METHOD_OPTIONS,
	SIP_METHOD_PRACK,
	SIP_METHOD_UPDATE,
	SIP_METHOD_REFER,
	SIP_METHOD_NOTIFY,
	SIP_METHOD_SUBSCRIBE,
	SIP_METHOD_MESSAGE,
	SIP_METHOD_INFO,
	SIP_METHOD_PUBLISH,
};

/* Reference counted. Received messages are never changed; built ones until they are sent. */
struct sip_message;

/* Why text is not a SIP message. `status` is what a server answers (400, 413, 505, ...), 0 when no answer is possible
 * (not even the Via could be read) or the text was a response. `text` is a static phrase for the log and the reason. */
struct sip_refusal {
	unsigned status;
	const char *reason;
};

/* The gate and the parser: `text` is one whole message (a WebSocket message, a datagram, or what the stream framing
 * cut out) and need not end in NUL. Checks sizes, counts and ranges first, then parses, then checks that the
 * mandatory headers are there once and agree (CSeq method, Content-Length, tags and branch sizes, Max-Forwards).
 * 0, or -EBADMSG with *ret_refusal set; then *ret_message is set too if enough could be read to answer it. */
int sip_message_parse(const char *text, size_t length, struct sip_message **ret_message, struct sip_refusal *ret_refusal);

struct sip_message *sip_message_ref(struct sip_message *message);
/* Accepts NULL; returns NULL. */
struct sip_message *sip_message_unref(struct sip_message *message);

bool sip_message_is_request(const struct sip_message *message);
/* Of a response: the CSeq's method. */
enum sip_method sip_message_method(const struct sip_message *message);
const char *sip_message_method_name(const struct sip_message *message);
/* Not ..._name and ..._phrase: sofia exports those, and a program's symbols win over a library's. */
const char *sip_method_text(enum sip_method method);
unsigned sip_message_status(const struct sip_message *message);
const char *sip_message_reason(const struct sip_message *message);
const char *sip_message_call_id(const struct sip_message *message);
/* Tags are NULL when absent. */
const char *sip_message_from_tag(const struct sip_message *message);
const char *sip_message_to_tag(const struct sip_message *message);
uint32_t sip_message_cseq(const struct sip_message *message);
size_t sip_message_via_count(const struct sip_message *message);
/* Of the topmost Via. */
const char *sip_message_branch(const struct sip_message *message);
const char *sip_message_via_sent_by(const struct sip_message *message); /* "host" or "host:port" */
/* URIs as text without angle brackets and header parameters; NULL when absent. */
const char *sip_message_request_uri(const struct sip_message *message);
const char *sip_message_from_uri(const struct sip_message *message);
const char *sip_message_from_display_name(const struct sip_message *message); /* unquoted; NULL */
const char *sip_message_to_uri(const struct sip_message *message);
/* The Contact list; 0 for "*", which stands alone. */
size_t sip_message_contact_count(const struct sip_message *message);
bool sip_message_contact_is_star(const struct sip_message *message);
const char *sip_message_contact_uri(const struct sip_message *message, size_t index);
/* A header parameter's value without quotes ("expires", "+sip.instance", "reg-id"); "" when it has none; NULL when absent. */
const char *sip_message_contact_parameter(const struct sip_message *message, size_t index, const char *name);
/* Record-Route and Route entries as text with angle brackets, in the message's order. */
size_t sip_message_record_route_count(const struct sip_message *message);
const char *sip_message_record_route(const struct sip_message *message, size_t index);

/* The index-th value of a header by its full name, known to the parser or not, as text; NULL when there are no more.
 * Compact forms are found by the full name. */
const char *sip_message_header(const struct sip_message *message, const char *name, size_t index);
/* Expires header in seconds; false when absent or malformed. */
bool sip_message_expires(const struct sip_message *message, uint32_t *ret_seconds);
/* Whether a list header (Supported, Require, Allow) holds the token. */
bool sip_message_lists(const struct sip_message *message, const char *header, const char *token);
/* NULL and 0 when there is none. Not NUL-terminated. */
const char *sip_message_body(const struct sip_message *message, size_t *ret_length);
/* "application/sdp", lower case, without parameters; NULL. */
const char *sip_message_content_type(const struct sip_message *message);
/* Whether the body is application/sdp and not empty. */
bool sip_message_has_sdp(const struct sip_message *message);

/* --- building --- */
/* `from` and `to` are name-addr texts with their tags. Via and Max-Forwards are the transaction's to add. */
struct sip_message *sip_request_new(enum sip_method method, const char *request_uri, const char *from, const char *to,
				    const char *call_id, uint32_t cseq);
/* Copies Via, From, To, Call-ID, CSeq (and Record-Route where section 12.1.1 asks). `to_tag` is set on To unless the
 * request had one; may be NULL for 100. `reason` NULL: the standard phrase. */
struct sip_message *sip_response_new(const struct sip_message *request, unsigned status, const char *reason,
				     const char *to_tag);
const char *sip_status_text(unsigned status);
/* Adds a header; Via and Record-Route go above those that are there. -EINVAL when the value holds a control character or
 * the parser does not take it. */
int sip_message_add_header(struct sip_message *message, const char *name, const char *value);
int sip_message_add_header_format(struct sip_message *message, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* All values of the headers of these names (NULL-terminated); what `to` may not hold is left out. */
void sip_message_copy_headers(struct sip_message *to, const struct sip_message *from, const char *const *names);
int sip_message_remove_header(struct sip_message *message, const char *name);
/* Replaces body and Content-Type. Length 0 removes both. */
int sip_message_set_body(struct sip_message *message, const char *content_type, const char *body, size_t length);
/* The text to be sent; kept by the message. */
const char *sip_message_text(struct sip_message *message, size_t *ret_length);
