/* Refer-To (RFC 3515) and Replaces (RFC 3891), read from text. Pure. */
#pragma once
#include "sip/message.h"
#include "sip/uri.h"

/* The dialog that is to be replaced, as its far end for the sender of the header names it: `to_tag` is that far end's own. */
struct sip_replaces {
	char call_id[SIP_TOKEN_BYTES_MAX + 1];
	char to_tag[SIP_TOKEN_BYTES_MAX + 1];
	char from_tag[SIP_TOKEN_BYTES_MAX + 1];
	bool is_early_only;
};

/* 0, or -EINVAL: malformed, a part missing, there twice, or too long. */
int sip_replaces_parse(const char *text, struct sip_replaces *ret_replaces);
/* The header's value; a new string. */
char *sip_replaces_format(const struct sip_replaces *replaces);

struct sip_refer_to {
	char uri[SIP_URI_BYTES_MAX + 1]; /* without the headers */
	struct sip_uri parts;		 /* of it */
	bool has_replaces;
	struct sip_replaces replaces;
};

/* Takes a URI that asks for an INVITE, whose headers are Replaces, Require: replaces, or none. 0; -EINVAL: malformed;
 * -EPROTONOSUPPORT: neither sip nor tel; -EACCES: another method or header than may stand there. */
int sip_refer_to_parse(const char *text, struct sip_refer_to *ret_refer_to);
