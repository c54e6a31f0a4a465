#pragma once
#include "route/route.h"

#define ROUTE_USER_WORD "user"
#define ROUTE_DENY_WORD "deny"

/* 0 or -ENOENT. */
int route_builtin_from_name(const char *name, enum route_builtin *ret_builtin);
