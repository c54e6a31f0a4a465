/* Where a call goes. Made from the snapshot; pure after that: a table may be used by any thread, one at a time. */
#pragma once
#include "config/config.h"
#include "route/number.h"
#include "route/period.h"

/* "routes", "numbers", "ring_groups", and what users say of routes; "calendars" are in calendar.h. */
extern const struct config_table route_options, route_number_options, route_group_options, route_user_options;

#define ROUTE_DEVICE_BYTES_MAX 257

enum route_target {
	ROUTE_DENIED,  /* nobody there: 404 */
	ROUTE_REFUSED, /* by a route to "deny": 403 */
	ROUTE_USER,    /* `name`: a user of ours */
	ROUTE_GROUP,   /* `name`: a ring group */
	ROUTE_TRUNK,   /* `name`: a trunk; `number`: the user part to call there */
	ROUTE_BUILTIN, /* `builtin`; `name` is its name */
};
const char *route_target_name(enum route_target target); /* "denied", "user", ... */

enum route_builtin { ROUTE_BUILTIN_ECHO, ROUTE_BUILTIN_DELAYED_ECHO, ROUTE_BUILTIN_MILLIWATT, ROUTE_BUILTIN_MUSIC,
		     ROUTE_BUILTIN_ANNOUNCEMENT /* `name`: which of "announcements" */ };
const char *route_builtin_name(enum route_builtin builtin); /* "echo", "delayed-echo", "milliwatt", "music"; NULL: it has names of its own */

struct route_table;

/* 0 or -errno (a snapshot that config_load() has checked always works). */
int route_table_new(const struct config_snapshot *snapshot, struct route_table **ret_table);
struct route_table *route_table_free(struct route_table *table); /* accepts NULL; returns NULL */

/* What a dialled number is compared as. False: it is too long. */
bool route_table_number(const struct route_table *table, const char *dialled, char number[static ROUTE_NUMBER_BYTES_MAX]);

/* Why a route was not taken. */
enum route_misfit {
	ROUTE_FITS,
	ROUTE_MISFIT_TRUNK, /* it is for calls of (other) trunks, or for users only */
	ROUTE_MISFIT_NUMBER,
	ROUTE_MISFIT_CALLER,
	ROUTE_MISFIT_GROUP,
	ROUTE_MISFIT_TIME,
	ROUTE_FITS_LATER, /* it has no `match`: after users and built-in numbers */
};

struct route_request {
	const char *dialled; /* the user part of the Request-URI, unescaped */
	const char *caller;  /* a user of ours, or whom a trunk names; NULL: not known */
	const char *trunk;   /* the trunk the call came from; NULL: from a user of ours */
	const char *inbound; /* that trunk's `inbound`; NULL */
	const char *const *groups; /* of the caller, by his token; NULL: as the configuration has it */
	bool is_beyond_us;   /* whatever of ours has that name: which trunk would take it? */
	struct route_moment at;
	void (*looked_at)(void *data, size_t rule, enum route_misfit misfit); /* for explanations; NULL */
	void *data;
};

struct route_decision {
	enum route_target target;
	enum route_builtin builtin;
	char name[ROUTE_NUMBER_BYTES_MAX];
	char number[ROUTE_NUMBER_BYTES_MAX];
	char device[ROUTE_DEVICE_BYTES_MAX]; /* of ROUTE_USER: this instance alone (RFC 5627); "": all of his */
	int rule; /* the entry of "routes" that matched, from 0; -1: none did */
	bool is_as_dialled; /* nothing has replaced the number: it is what was dialled, in one way of writing */
	bool is_emergency;  /* limits are not for it */
};

/* Numbers are compared as route_number_normalise() writes them. A user's call goes, in this order, by the first entry of "routes"
 * that fits and has a `match`; to the user of that name; to the built-in of that number (9195 to 9198); by the first that fits and
 * has none. Else it is denied, as is a route to a user who does not exist.
 * A trunk's call goes by the first entry that names the trunk and fits; to `inbound` or, without, to the user of the dialled
 * name. So no peer calls through us at our cost, unless a route says that it may. */
void route_decide(const struct route_table *table, const struct route_request *request,
		  struct route_decision *ret_decision);
