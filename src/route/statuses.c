#include "route/statuses.h"

#define DIGITS 3

static int read_status(const char **text, unsigned *ret_status)
{
	unsigned status = 0;
	for (size_t i = 0; i < DIGITS; i++, (*text)++) {
		if (!g_ascii_isdigit(**text))
			return -EINVAL;
		status = status * 10 + (unsigned)(**text - '0');
	}
	*ret_status = status;
	return status < ROUTE_STATUS_FIRST || status > ROUTE_STATUS_LAST ? -EINVAL : 0;
}

int route_statuses_add(struct route_statuses *statuses, const char *text)
{
	unsigned first, last;
	if (read_status(&text, &first) < 0)
		return -EINVAL;
	last = first;
	if (*text == '-') {
		text++;
		if (read_status(&text, &last) < 0)
			return -EINVAL;
	}
	if (*text || last < first)
		return -EINVAL;
	for (unsigned i = first - ROUTE_STATUS_FIRST; i <= last - ROUTE_STATUS_FIRST; i++)
		statuses->bits[i / 64] |= (uint64_t)1 << i % 64;
	return 0;
}

bool route_statuses_have(const struct route_statuses *statuses, unsigned status)
{
	if (status < ROUTE_STATUS_FIRST || status > ROUTE_STATUS_LAST)
		return false;
	unsigned i = status - ROUTE_STATUS_FIRST;
	return statuses->bits[i / 64] >> i % 64 & 1;
}
