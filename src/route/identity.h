/* Who the sender of a request is, and what each far end may hear of him: From, P-Asserted-Identity (RFC 3325),
 * Remote-Party-ID (its forerunner), Privacy (RFC 3323), Diversion (RFC 5806), History-Info (RFC 7044). Pure. */
#pragma once
#include "sip/message.h"

#define ROUTE_DIVERSIONS_MAX 16 /* of each header; what comes after them is dropped */

struct route_identity;

/* What is known of the sender beside his words. */
struct route_identity_source {
	const char *login;		/* a user of ours, proven; NULL: a trunk's */
	const char *display_name;	/* his by configuration; NULL: his own words */
	const char *const *caller_ids;	/* numbers he may present, the usual one first; NULL or empty: none */
	bool is_trusted;		/* a trunk's word is taken for who calls and on whose behalf */
};
/* A user is his login to other users, and to trunks one of his numbers: the first, or the one he asks for by
 * P-Preferred-Identity. A trunk's caller is whom From names, or, if it is trusted, whom it asserts. */
struct route_identity *route_identity_read(const struct sip_message *request, const struct route_identity_source *source);
/* Of a name alone, not escaped. */
struct route_identity *route_identity_new(const char *user);
struct route_identity *route_identity_free(struct route_identity *identity); /* accepts NULL; returns NULL */
/* It was meant for this user of ours before, and goes on because of `reason` (a word of RFC 5806). */
void route_identity_divert(struct route_identity *identity, const char *user, const char *reason);
/* As logs and records name him, whether he wants to be known or not; "anonymous" when nobody is named. Borrowed. */
const char *route_identity_user(const struct route_identity *identity);

enum route_assertion { ROUTE_ASSERT_NOTHING, ROUTE_ASSERT_PAI, ROUTE_ASSERT_RPID };
struct route_identity_audience {
	const char *domain; /* of our addresses */
	const char *address; /* the sender's own there, an URI; NULL: one of domain */
	bool is_trunk;
	const char *caller_id; /* at that trunk, of users who have no number of their own; NULL: their names */
	bool is_trusted;
	enum route_assertion assertion;
};
/* From's value without tag; a new string. Who wants privacy is "Anonymous" <sip:anonymous@anonymous.invalid>. */
char *route_identity_from(const struct route_identity *identity, const struct route_identity_audience *audience);
/* The user part that may stand in our Contact: borrowed. */
const char *route_identity_shown_user(const struct route_identity *identity, const struct route_identity_audience *audience);
/* The other headers that go to that audience, one call each. */
void route_identity_headers(const struct route_identity *identity, const struct route_identity_audience *audience,
			    void (*add)(void *user, const char *name, const char *value), void *user);
