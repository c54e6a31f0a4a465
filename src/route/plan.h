/* What is tried one after another for a call: stages, of which each says who comes next when it has ended without an answer. Made
 * when the call comes and never changed; keeps what it needs of the configuration. */
#pragma once
#include "route/route.h"

#define ROUTE_STAGES_MAX 256
#define ROUTE_HOPS_MAX	 8 /* from target to target, beside the members of a group in turn */

/* How a stage of users has ended; the highest of several counts. */
enum route_cause { ROUTE_CAUSE_UNREGISTERED, ROUTE_CAUSE_BUSY, ROUTE_CAUSE_NO_ANSWER, ROUTE_CAUSES };
const char *route_cause_name(enum route_cause cause); /* as the option is called: "unregistered", "busy", "no_answer" */
/* What the final response of a user's device means: he who declines is as good as busy. */
enum route_cause route_cause_of_status(unsigned status);

struct route_plan;

struct route_stage {
	struct route_decision to;
	const char *const *users; /* that ring at once, NULL-terminated; NULL: a trunk or a built-in */
	const struct route_decision *numbers; /* that ring with them: at a trunk, or nowhere where no route leads to one now */
	size_t n_numbers;
	const char *meant;	  /* the user or ring group it stands for, told to later ones (RFC 5806); NULL */
	unsigned ring_s;	  /* 0: as long as anything may ring */
	bool is_next_member;	  /* of a group in turn: how the members before have ended counts too */
	int next[ROUTE_CAUSES];	  /* -1: nobody */
	int fallback;		  /* -1: none */
};

/* `first` must lead somewhere. Never NULL. */
struct route_plan *route_plan_new(const struct route_table *table, const struct route_decision *first, struct route_moment at);
struct route_plan *route_plan_free(struct route_plan *plan); /* accepts NULL; returns NULL */
/* NULL: there are not so many. From 0, where it begins. */
const struct route_stage *route_plan_stage(const struct route_plan *plan, int index);
/* Who comes after a stage that has ended so; -1: nobody. `status` is what its attempts have come to. */
int route_plan_next(const struct route_plan *plan, int index, enum route_cause cause, unsigned status);
