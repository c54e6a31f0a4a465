/* What this gateway can, said in one place for everybody (RFC 3261, sections 8.2.1, 20.5, 20.37). A method or an option
 * tag is added here when it works, and nowhere else. */
#pragma once
#include "sip/message.h"

#define SIP_ALLOW                                                                                                      \
	"INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, MESSAGE, SUBSCRIBE, NOTIFY, PUBLISH, REGISTER"
/* Also what a request's Require may name. */
#define SIP_SUPPORTED "100rel, timer, gruu, outbound, path, replaces, norefersub, trickle-ice"

/* Adds Allow and Supported. */
void sip_message_add_capabilities(struct sip_message *message);
