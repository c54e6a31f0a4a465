#pragma once
#include "route/route.h"
#include <regex.h>

#define ROUTE_REFERENCES 10 /* \0 to \9 */
#define ROUTE_USER_WORD	 "user"

/* 0 or -ENOENT. */
int route_builtin_from_name(const char *name, enum route_builtin *ret_builtin);

/* Puts `replace` together from what `match` found in `dialled`. False: the result has no room in `number`. */
bool route_substitute(const char *replace, const char *dialled, const regmatch_t match[static ROUTE_REFERENCES],
		      char number[static ROUTE_NUMBER_BYTES_MAX]);
/* The highest group that `replace` refers to; -1: none. */
int route_highest_reference(const char *replace);
