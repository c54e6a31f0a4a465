/* Values of headers as text, read by the rules that all headers share (RFC 3261, sections 7.3.1, 20 and 25.1). Pure. */
#pragma once
#include "base/base.h"

/* "Bob" <sip:b@d.test>;q=1 or sip:b@d.test;q=1: where its parts are in the text. */
struct sip_name_addr {
	const char *name; /* without the quotes; what is escaped in it stays so */
	size_t name_length; /* 0: none */
	const char *uri;
	size_t uri_length;
};
/* The first of a list of name-addr or addr-spec. 0 or -EINVAL. */
int sip_value_name_addr(const char *value, struct sip_name_addr *ret_address);
/* The URI alone; a new string; NULL when the value is malformed. */
char *sip_value_uri(const char *value);
/* Whether it is a URI in angle brackets that requests can be routed by (Route, Path). */
bool sip_value_is_route(const char *value);

/* A parameter of the first value of a list ("token;name=value", name-addr, or what stands behind one), as it is written, quotes
 * and all; "" when it has no value. What stands in quotes or angle brackets is no parameter. A new string; NULL: absent, or its quotes have no end. */
char *sip_value_parameter(const char *value, const char *name);

/* delta-seconds, where the value begins with it (Retry-After has comments behind it); what is too large is as large as can be
 * (section 20.19). False: there is none. `value` may be NULL. */
bool sip_value_seconds(const char *value, uint32_t *ret_seconds);

/* How many characters of a token (an event package) the value begins with. */
size_t sip_value_token_length(const char *value);
/* `text` need not end in NUL. */
bool sip_value_is_token(const char *text, size_t length);
