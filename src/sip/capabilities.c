#include "sip/capabilities.h"

void sip_message_add_capabilities(struct sip_message *message)
{
	sip_message_add_header(message, "Allow", SIP_ALLOW);
	sip_message_add_header(message, "Supported", SIP_SUPPORTED);
}
