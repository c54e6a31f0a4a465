/* Event and Subscription-State as far ends write them. */
#include "relay/relay_private.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *value = g_strndup((const char *)data, size);
	char *other = strchr(value, '\n');
	if (other)
		*other++ = '\0';
	if (relay_event_is_sound(value)) {
		g_assert(relay_event_is_same(value, value));
		relay_event_is_same(value, other ? other : "dialog;id=1");
	}
	struct sip_message *notify =
		sip_request_new(SIP_METHOD_NOTIFY, "sip:b@d.test", "<sip:a@d.test>;tag=1", "<sip:b@d.test>;tag=2", "c", 1);
	struct sip_message *copy =
		sip_request_new(SIP_METHOD_NOTIFY, "sip:b@d.test", "<sip:a@d.test>;tag=1", "<sip:b@d.test>;tag=2", "c", 1);
	uint32_t expires_s;
	if (sip_message_add_header(notify, "Subscription-State", value) == 0) {
		relay_state_is_terminated(notify);
		relay_state_expires(notify, &expires_s);
	}
	g_assert(relay_carry_request(copy, notify) == 0);
	sip_message_unref(copy);
	sip_message_unref(notify);
	return 0;
}
