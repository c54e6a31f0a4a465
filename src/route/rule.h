/* An entry of "routes", made ready. Private to the room. */
#pragma once
#include "route/period.h"
#include "route/route.h"
#include "route/statuses.h"
#include <regex.h>

#define ROUTE_REFERENCES 10 /* \0 to \9 */

struct route_rule {
	const char *to; /* texts are the snapshot's */
	const char *replace; /* NULL */
	const char *const *groups, *const *trunks, *const *fallbacks;
	struct route_statuses fallback_on;
	bool has_match, has_from;
	regex_t match, from;
	size_t n_periods;
	struct route_period *periods;
	bool is_emergency;
};

/* 0 or -EINVAL; then nothing is owned. */
int route_rule_init(struct route_rule *rule, const struct config_snapshot *snapshot, size_t index);
void route_rule_clear(struct route_rule *rule);

/* What is asked of a rule. */
struct route_question {
	const struct route_request *request;
	const char *number, *caller; /* as they are compared */
	const char *const *groups;   /* of the caller; NULL: none */
};
/* `match` is what the number's parts are, where the rule fits. */
enum route_misfit route_rule_try(const struct route_rule *rule, const struct route_question *question,
				 regmatch_t match[static ROUTE_REFERENCES]);

/* Puts `replace` together from what `match` found in `dialled`. False: the result is empty, or has no room in `number`. */
bool route_substitute(const char *replace, const char *dialled, const regmatch_t match[static ROUTE_REFERENCES],
		      char number[static ROUTE_NUMBER_BYTES_MAX]);
/* The highest group that `replace` refers to; -1: none. */
int route_highest_reference(const char *replace);
