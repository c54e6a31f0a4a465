/* What the parts of this room share and no other room sees. */
#pragma once
#include "trunk/registration.h"
#include "upstream/upstream.h"

struct upstream {
	struct upstream_parameters rooms;
	struct event_subscription *subscription;
	uint8_t key[32]; /* of contacts and Call-IDs */
	uint32_t cseq;	 /* of carried REGISTERs */
	GHashTable *members; /* user -> struct upstream_member, owned */
	GHashTable *contacts; /* user part of our Contact -> struct upstream_member */
	GPtrArray *leaving;   /* struct upstream_member that unregister; owned, wanted no more */
	GQueue carried;	      /* struct upstream_carried */
};

/* A user of ours at the peer of a trunk. */
struct upstream_member {
	struct upstream *upstream;
	char *user;
	struct trunk *trunk; /* a reference */
	struct trunk_account *account;
	struct trunk_registration *registration; /* credentials are here; NULL: they are the browser's */
	struct sip_message *proof;		 /* then: his last REGISTER that the peer has accepted, a reference */
	int64_t holds_until_us;			 /* then: by the peer's word */
};

/* A token that only this process can make: of what it is for, the user and the trunk. To be freed. */
char *upstream_token(const struct upstream *upstream, const char *purpose, const char *user, const struct trunk *trunk);
void upstream_publish(const struct upstream_member *member, bool is_registered, const char *cause);

/* --- member.c --- */
struct upstream_member *upstream_member_find(const struct upstream *upstream, const char *user); /* NULL */
/* Made if he is none yet; NULL: his trunk is not there. With credentials of ours it registers. */
struct upstream_member *upstream_member_ensure(struct upstream *upstream, const char *user);
/* Unregisters, in its own time. */
void upstream_member_end(struct upstream_member *member);
bool upstream_member_holds(const struct upstream_member *member);
/* Whether it is what the configuration asks for. */
bool upstream_member_is_current(const struct upstream_member *member);
/* At once and without a word. */
void upstream_member_free(struct upstream_member *member);

/* --- carry.c --- */
void upstream_carried_free_all(struct upstream *upstream);
/* Asks the peer to forget the user, with the credentials last seen. */
void upstream_carry_end(struct upstream_member *member);
