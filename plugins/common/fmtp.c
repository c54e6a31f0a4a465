#include "fmtp.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"

const char *fmtp_value(const char *fmtp, const char *name, size_t *ret_length)
{
	size_t n = strlen(name);
	for (; *fmtp; fmtp += strcspn(fmtp, ";")) {
		fmtp += strspn(fmtp, ";" BLANKS);
		if (strncasecmp(fmtp, name, n))
			continue;
		const char *value = fmtp + n + strspn(fmtp + n, BLANKS);
		if (*value != '=')
			continue;
		value += 1 + strspn(value + 1, BLANKS "\"");
		size_t length = strcspn(value, ";");
		while (length && strchr(BLANKS "\"", value[length - 1]))
			length--;
		*ret_length = length;
		return value;
	}
	return NULL;
}

long fmtp_number(const char *fmtp, const char *name, long otherwise)
{
	size_t length;
	const char *value = fmtp_value(fmtp, name, &length);
	if (!value || *value < '0' || *value > '9')
		return otherwise;
	return strtol(value, NULL, 10);
}

bool fmtp_has(const char *fmtp, const char *name, const char *value)
{
	size_t length;
	const char *found = fmtp_value(fmtp, name, &length);
	return found && (!value || (length == strlen(value) && !strncasecmp(found, value, length)));
}
