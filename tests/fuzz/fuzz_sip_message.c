/* The gate, the parser and the accessors on any text; what is built from a message that was taken must be readable
 * again and say the same. */
#include "sip/dialog.h"
#include "sip/cause.h"
#include "sip/digest_internal.h"
#include "sip/message_internal.h"
#include "sip/uri.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void read_uri(const char *text)
{
	struct sip_uri uri, again;
	char value[64];
	if (!text || sip_uri_parse(text, &uri) < 0)
		return;
	sip_uri_parameter(&uri, "transport", value, sizeof value);
	g_autofree char *formatted = sip_uri_format(&uri);
	if (strlen(formatted) > SIP_URI_BYTES_MAX) /* escapes make it longer */
		return;
	demand(!sip_uri_parse(formatted, &again) && !strcmp(uri.user, again.user) && !strcmp(uri.host, again.host) &&
	       uri.port == again.port);
}

static void read_digest(const struct sip_message *message, const char *header)
{
	struct sip_digest_fields fields;
	enum sip_digest_algorithm algorithm;
	bool is_session;
	const char *text;
	for (size_t i = 0; (text = sip_message_header(message, header, i)); i++)
		if (!sip_digest_fields_parse(text, &fields)) {
			sip_digest_algorithm_of(&fields, &algorithm, &is_session);
			sip_digest_offers(&fields, "auth");
		}
}

static void read_cause(const struct sip_message *message)
{
	struct sip_cause cause;
	demand(sip_cause_read(message, &cause) == (cause.q850 || cause.status));
	demand(strlen(cause.text) < sizeof cause.text && g_utf8_validate(cause.text, -1, NULL));
	g_autofree char *written = sip_cause_write(&cause);
	g_autofree char *explained = sip_cause_explain(message);
	demand(strlen(explained) < 4 * SIP_CAUSE_TEXT_BYTES);
	for (const char *c = explained; *c; c++)
		demand((unsigned char)*c >= ' ');
}

static void read_all(const struct sip_message *message)
{
	if (!sip_message_is_request(message))
		read_cause(message);
	static const char *const names[] = {"Via", "Route", "Supported", "Require", "X", "Reason", "Session-Expires",
					    "Allow", "Content-Type", "To", "Refer-To", "Max-Forwards", "User-Agent", "Date"};
	uint32_t seconds;
	size_t length;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *value;
		for (size_t j = 0; (value = sip_message_header(message, names[i], j)); j++)
			demand(strlen(value) < SIP_MESSAGE_BYTES_MAX);
		sip_message_lists(message, names[i], "x");
	}
	for (size_t i = 0; i < sip_message_contact_count(message); i++) {
		read_uri(sip_message_contact_uri(message, i));
		sip_message_contact_parameter(message, i, "expires");
		sip_message_contact_parameter(message, i, "+sip.instance");
	}
	for (size_t i = 0; i < sip_message_record_route_count(message); i++)
		demand(sip_message_record_route(message, i) != NULL);
	read_uri(sip_message_request_uri(message));
	read_uri(sip_message_from_uri(message));
	read_uri(sip_message_to_uri(message));
	sip_message_from_display_name(message);
	sip_message_expires(message, &seconds);
	sip_message_has_sdp(message);
	demand(!sip_message_body(message, &length) == !length);
	demand(strlen(sip_message_call_id(message)) <= SIP_TOKEN_BYTES_MAX);
	read_digest(message, "WWW-Authenticate");
	read_digest(message, "Proxy-Authorization");
}

/* Takes the reference. */
static void read_again(struct sip_message *built, const struct sip_message *from)
{
	struct sip_message *again;
	struct sip_refusal refusal;
	size_t length;
	if (!built)
		return;
	const char *text = sip_message_text(built, &length);
	if (!sip_message_parse(text, length, &again, &refusal)) {
		demand(!strcmp(sip_message_call_id(from), sip_message_call_id(again)));
		demand(sip_message_cseq(from) == sip_message_cseq(again));
		demand(!strcmp(sip_message_branch(from), sip_message_branch(again)));
		demand(!g_strcmp0(sip_message_from_tag(from), sip_message_from_tag(again)));
	}
	sip_message_unref(again);
	sip_message_unref(built);
}

static void build(struct sip_message *request)
{
	read_again(sip_response_new(request, 180, NULL, "t"), request);
	read_again(sip_response_new(request, 400, "Why", "t"), request);
	read_again(sip_message_new_like_invite(request, SIP_METHOD_ACK, request), request);
	struct sip_dialog *dialog = sip_dialog_new_callee(request);
	if (!dialog)
		return;
	struct sip_dialog *copy = sip_dialog_copy(dialog);
	struct sip_message *bye = sip_dialog_request(copy, SIP_METHOD_BYE);
	size_t length;
	if (bye)
		demand(*sip_message_text(bye, &length));
	sip_message_unref(bye);
	sip_dialog_free(copy);
	sip_dialog_free(dialog);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int mode = SIP_GATE_WHOLE; mode <= SIP_GATE_DATAGRAM; mode++) {
		struct sip_message *message = NULL;
		struct sip_refusal refusal = {0};
		int error = sip_message_parse_as((const char *)data, size, mode, &message, &refusal);
		demand(error ? refusal.reason && (message != NULL) == (refusal.status != 0) : message != NULL);
		if (error && message)
			read_again(sip_response_new(message, refusal.status, refusal.reason, "t"), message);
		if (!error) {
			read_all(message);
			if (sip_message_is_request(message))
				build(message);
			read_again(sip_message_ref(message), message);
		}
		sip_message_unref(message);
	}
	return 0;
}
