/* What far ends write about who calls: any header block, for a user and for a trusted trunk. Whatever is told to others must be fit for
 * a message. */
#include "route/identity.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(void *user, const char *name, const char *value)
{
	g_assert(sip_message_add_header(user, name, value) == 0);
}

static void tell(const struct route_identity *identity, bool is_trunk, bool is_trusted, enum route_assertion assertion)
{
	struct route_identity_audience audience = {
		.domain = "d.test", .is_trunk = is_trunk, .is_trusted = is_trusted, .assertion = assertion};
	g_autofree char *from = route_identity_from(identity, &audience);
	struct sip_message *request = sip_request_new(SIP_METHOD_INVITE, "sip:b@d.test", from, "<sip:b@d.test>", "c", 1);
	g_assert(request);
	route_identity_headers(identity, &audience, add, request);
	sip_message_unref(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const numbers[] = {"+4930111", NULL};
	static const struct route_identity_source sources[] = {
		{.is_trusted = true}, {.login = "alice", .caller_ids = numbers}};
	g_autofree char *block = g_strndup((const char *)data, size);
	g_autofree char *text = g_strdup_printf("INVITE sip:b@d SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@d>;tag=1\r\n"
						"To: <sip:b@d>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n%s\r\n\r\n",
						block);
	struct sip_message *message;
	struct sip_refusal refusal;
	int error = sip_message_parse(text, strlen(text), &message, &refusal);
	for (size_t i = 0; error == 0 && i < G_N_ELEMENTS(sources); i++) {
		struct route_identity *identity = route_identity_read(message, &sources[i]);
		tell(identity, false, false, ROUTE_ASSERT_NOTHING);
		tell(identity, true, false, ROUTE_ASSERT_RPID);
		tell(identity, true, true, ROUTE_ASSERT_PAI);
		route_identity_free(identity);
	}
	sip_message_unref(message);
	return 0;
}
