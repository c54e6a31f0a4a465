/* Reading a=fmtp: parameters as "name=value", between semicolons, names without regard to case. The text is the far
 * end's: what makes no sense counts as not there. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* The number a parameter has, or `otherwise`. */
long fmtp_number(const char *fmtp, const char *name, long otherwise);
/* Whether a parameter is there and, unless `value` is NULL, has this value (compared without case). */
bool fmtp_has(const char *fmtp, const char *name, const char *value);
/* The value's begin and length; NULL when the parameter is not there. Quotation marks around it are left out. */
const char *fmtp_value(const char *fmtp, const char *name, size_t *ret_length);
