#pragma once
#include "route/route.h"

#define ROUTE_USER_WORD "user"
#define ROUTE_DENY_WORD "deny"

enum route_strategy { ROUTE_STRATEGY_ALL, ROUTE_STRATEGY_IN_TURN };

struct route_rule;

/* 0 or -ENOENT. */
int route_builtin_from_name(const char *name, enum route_builtin *ret_builtin);

const struct config_snapshot *route_table_snapshot(const struct route_table *table); /* borrowed */
const struct route_rule *route_table_rule(const struct route_table *table, size_t index);
/* Whom of ours the name means: a built-in, an announcement, a ring group, a user. False: nobody; then it is ROUTE_DENIED. */
bool route_decide_name(const struct route_table *table, const char *name, struct route_decision *ret_decision);
/* The target that a route names in `to` or `fallback`, other than "user": a trunk (for decision->number), a built-in, an
 * announcement, a ring group, or nobody. Changes target, builtin and name. */
void route_decide_to(const struct route_table *table, const char *to, struct route_decision *decision);

/* --- check.c: what is wrong with targets --- */
bool route_is_reserved(const char *name);
void route_check_target(const struct config_snapshot *snapshot, struct config_report *report, const char *group, size_t index,
			const char *option);
void route_check_names(const struct config_snapshot *snapshot, struct config_report *report);
void route_check_loops(const struct config_snapshot *snapshot, struct config_report *report);
