/* Digits in INFO bodies: application/dtmf-relay ("Signal=5", "Duration=160") and application/dtmf ("5"). No RFC has
 * them; this is what gateways and telephones send. Pure; any thread. */
#pragma once
#include "base/base.h"

#define SIP_DTMF_BODY_BYTES_MAX	     256 /* taken */
#define SIP_DTMF_BODY_BYTES	     48	 /* written, with the end */
#define SIP_DTMF_DURATION_MS_DEFAULT 250 /* where the body says nothing */
#define SIP_DTMF_DURATION_MS_MAX     60000

enum sip_dtmf_kind { SIP_DTMF_RELAY, SIP_DTMF_BARE };
/* "application/dtmf-relay", "application/dtmf" */
const char *sip_dtmf_content_type(enum sip_dtmf_kind kind);
/* The kind a Content-Type names (its parameters do not matter); -EPROTONOSUPPORT: none. NULL is none. */
int sip_dtmf_kind_of(const char *content_type, enum sip_dtmf_kind *ret_kind);

struct sip_dtmf {
	char digit;	      /* '0'-'9', '*', '#', 'A'-'D', or '!': flash */
	uint32_t duration_ms; /* as it stands there */
};
/* 0; -EBADMSG: not one digit, or a duration that is no number or over its limit; -EMSGSIZE. Unknown lines of dtmf-relay
 * are passed over. */
int sip_dtmf_parse(enum sip_dtmf_kind kind, const char *body, size_t length, struct sip_dtmf *ret_dtmf);
/* The body, ended by NUL. Its length; -EINVAL: no such digit. */
int sip_dtmf_format(enum sip_dtmf_kind kind, const struct sip_dtmf *dtmf, char ret_body[static SIP_DTMF_BODY_BYTES]);
