/* SIP URIs (RFC 3261, section 19.1; RFC 3966 for tel). Pure. */
#pragma once
#include "base/base.h"

#define SIP_URI_BYTES_MAX 1024

struct sip_uri {
	char scheme[8];	    /* "sip", "sips", "tel" */
	char user[256];	    /* unescaped; "" when there is none */
	char host[256];	    /* without brackets, lower case */
	uint16_t port;	    /* 0 when not given */
	char parameters[512]; /* raw, without the leading ';' */
};

/* 0 or -EINVAL (also when a part is longer than its room). */
int sip_uri_parse(const char *text, struct sip_uri *ret_uri);
/* Escapes what must be. Returns a new string. */
char *sip_uri_format(const struct sip_uri *uri);
/* A parameter's value, "" when it has none, into `value`; false when absent. */
bool sip_uri_parameter(const struct sip_uri *uri, const char *name, char *value, size_t size);
/* Escapes the characters that may not stand in a user part. Returns a new string. */
char *sip_uri_escape_user(const char *user);
