/* Sets of final SIP statuses, as fallback_on names them. Pure. */
#pragma once
#include "base/base.h"

#define ROUTE_STATUS_FIRST 300
#define ROUTE_STATUS_LAST  699

struct route_statuses {
	uint64_t bits[(ROUTE_STATUS_LAST - ROUTE_STATUS_FIRST) / 64 + 1];
};
/* Adds "408" or "500-599". 0 or -EINVAL; then nothing is added. */
int route_statuses_add(struct route_statuses *statuses, const char *text);
bool route_statuses_have(const struct route_statuses *statuses, unsigned status);
