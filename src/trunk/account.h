/* Who somebody is at a trunk's peer: the address-of-record there, the credentials that go with it, our Contact for it, and what the
 * peer's registrar has said about the way. Calls hold on to it. Reference counted; signalling thread. */
#pragma once
#include "sip/digest.h"
#include "sip/dialog.h"
#include "sip/flow.h"

#define TRUNK_CONTACT_CHARACTERS 20 /* of the token in our Contact */

struct trunk_account;

/* All texts are copied. `contact_user` is a token of ours that says nothing about anybody. `credentials` NULL: they are not ours (the
 * user's browser has them) or there are none. */
struct trunk_account *trunk_account_new(const char *address_of_record, const char *contact_user,
					const struct sip_credentials *credentials);
struct trunk_account *trunk_account_ref(struct trunk_account *account);
struct trunk_account *trunk_account_unref(struct trunk_account *account); /* accepts NULL; returns NULL */

const char *trunk_account_address_of_record(const struct trunk_account *account); /* "sip:alice@example.com" */
const char *trunk_account_contact_user(const struct trunk_account *account);
/* What proves requests of his; NULL: not ours to show. */
struct sip_digest_client *trunk_account_digest(const struct trunk_account *account);

/* A request as this account was refused as a stranger's: perhaps the peer's registrar has lost its memory. `doubted` hears of it; NULL:
 * nobody, as at first. */
void trunk_account_doubt(const struct trunk_account *account);
void trunk_account_on_doubt(struct trunk_account *account, void (*doubted)(void *user), void *user);

/* A 2xx to REGISTER: keeps its Service-Route (RFC 3608). */
void trunk_account_learn(struct trunk_account *account, const struct sip_message *response);
/* The Service-Route, NULL-terminated: the Route of his requests outside of dialogs. */
const char *const *trunk_account_route(const struct trunk_account *account);

/* How long the contact with this user part holds by a 2xx to REGISTER: the parameter of our Contact in it, else its Expires header,
 * else what was asked for. */
uint32_t trunk_account_granted_s(const struct trunk_account *account, const struct sip_message *response, uint32_t asked_s);
