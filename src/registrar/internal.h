/* What the parts of this room share and no other room sees. */
#pragma once
#include "crypto/token.h"
#include "registrar/registrar.h"
#include "sip/digest.h"
#include "sip/uri.h"

#define REGISTRAR_IDENTITY_PREFIX "user:"
#define REGISTRAR_IDENTITY_BYTES 300
#define REGISTRAR_GRUU_KEY_BYTES 32

enum registrar_authentication { REGISTRAR_AUTHENTICATION_DIGEST, REGISTRAR_AUTHENTICATION_NONE };

struct registrar {
	struct sip_stack *stack;
	struct loop *loop;
	struct config_snapshot *config;
	struct event_bus *events;
	char *domain;
	struct sip_digest_server *digest;
	struct registrar_token_keys *token_keys;
	GHashTable *token_proofs;	      /* sip_flow -> what it has proved by a token */
	GHashTable *bindings;	/* user name -> GPtrArray of struct registrar_binding, latest last; never empty */
	GHashTable *endpoints;	/* user name -> GPtrArray of struct registrar_endpoint, no references; never empty */
	GHashTable *flow_owners; /* sip_flow -> struct registrar_endpoint that has it now; no reference */
	GHashTable *gruus;	 /* gruu_id -> struct registrar_endpoint; no reference */
	uint8_t gruu_key[REGISTRAR_GRUU_KEY_BYTES];
	size_t n_bindings;
	size_t n_endpoints;
};

/* --- binding.c --- */
struct registrar_binding {
	struct registrar *registrar;
	char *user;
	char *contact;	/* URI */
	char *instance; /* NULL: none */
	uint32_t reg_id; /* 0: none */
	char **path;	 /* NULL-terminated */
	char *call_id;
	uint32_t cseq;
	int64_t expires_us;
	struct registrar_endpoint *endpoint; /* a reference */
	struct sip_flow *flow;		     /* a reference; NULL once it has closed */
	struct sip_flow_watch watch;
	struct loop_timer timer;
};

/* What a REGISTER says about one contact. Borrowed texts. */
struct registrar_contact_request {
	const char *uri;
	const char *instance; /* NULL */
	uint32_t reg_id;      /* 0 */
	uint32_t expires_s;
	const char *call_id;  /* of the REGISTER */
	char **path;
};

GPtrArray *registrar_bindings_of(const struct registrar *registrar, const char *user); /* NULL: none */
struct registrar_binding *registrar_binding_find(const struct registrar *registrar, const char *user,
						 const struct registrar_contact_request *contact);
/* Adds or refreshes. */
void registrar_binding_set(struct registrar *registrar, const char *user, const struct registrar_contact_request *contact,
			   const struct sip_message *request, struct sip_flow *flow);
void registrar_binding_remove(struct registrar_binding *binding, const char *cause);
/* How many of a user's bindings have lost their flow, and the end of the oldest of those, until `limit` are left. */
ssize_t registrar_bindings_idle(const struct registrar *registrar, const char *user);
void registrar_bindings_make_room(struct registrar *registrar, const char *user, size_t limit);
void registrar_bindings_remove_all(struct registrar *registrar);
uint32_t registrar_binding_left_s(const struct registrar_binding *binding);

/* --- endpoint.c --- */
/* The device of `user` that says this of itself, and the flow becomes its flow. With an instance that tells it. Without, it
 * is whose flow that is, or the same Call-ID tells it (RFC 3261, section 10.2: one for all registrations of a client), or
 * the Contact of a device that is away; never just the user, who may have several pages open. A reference; NULL when there
 * are too many. */
struct registrar_endpoint *registrar_endpoint_claim(struct registrar *registrar, const char *user,
						    const struct registrar_contact_request *contact, struct sip_flow *flow);
/* The device with this instance, or NULL. Borrowed. */
struct registrar_endpoint *registrar_endpoint_find(const struct registrar *registrar, const char *user,
						   const char *instance);
const char *registrar_endpoint_instance(const struct registrar_endpoint *endpoint); /* NULL: none */
/* What its temporary GRUUs stand for; made when there is none yet. */
uint64_t registrar_endpoint_gruu_id(struct registrar_endpoint *endpoint);
/* Its temporary GRUUs are not valid any more (RFC 5627, section 3.1.2). */
void registrar_endpoint_end_gruus(struct registrar_endpoint *endpoint);
size_t registrar_endpoints_deserted(const struct registrar *registrar);
/* The registrar is going. */
void registrar_endpoints_orphan(struct registrar *registrar);

/* --- gruu.c --- */
/* The values of pub-gruu (NULL: the instance is unfit for one) and temp-gruu; new strings. A temporary one is another each time, and they cannot be linked. */
char *registrar_gruu_public(const struct registrar *registrar, const struct registrar_endpoint *endpoint);
char *registrar_gruu_temporary(const struct registrar *registrar, struct registrar_endpoint *endpoint);

/* --- token_keys.c --- */
/* What "tokens" says of keys is what is wanted; it may take a while until they are there, and they are fetched again from time to time. */
struct registrar_token_keys *registrar_token_keys_new(struct registrar *registrar);
struct registrar_token_keys *registrar_token_keys_free(struct registrar_token_keys *keys); /* accepts NULL; returns NULL */
void registrar_token_keys_load(struct registrar_token_keys *keys); /* anew: the configuration has been read again */
bool registrar_token_keys_are_wanted(const struct registrar_token_keys *keys); /* whether tokens are taken at all */
const struct crypto_token_keys *registrar_token_keys_get(const struct registrar_token_keys *keys); /* NULL: none (yet) */
/* A token is signed with one that is not known: perhaps they have changed. */
void registrar_token_keys_missed(struct registrar_token_keys *keys);
void registrar_token_keys_check(const struct config_snapshot *snapshot, struct config_report *report);

/* --- token.c --- */
void registrar_tokens_begin(struct registrar *registrar); /* once digest, loop and configuration are there */
void registrar_tokens_end(struct registrar *registrar);
void registrar_tokens_load(struct registrar *registrar); /* the keys, anew */
void registrar_tokens_check(const struct config_snapshot *snapshot, struct config_report *report);
const char *registrar_tokens_text(const struct registrar *registrar, const char *name); /* an option of the group "tokens" */
/* The sender shows a token that is `user`'s: 0, and the flow is good for as long as it is; -ENOENT: none is shown, or they are not
 * taken; -EACCES, or -EAGAIN where there are no keys yet, with what is wrong, for logs. */
int registrar_token_prove(struct registrar *registrar, struct sip_server_transaction *transaction, const char *user,
			  const char **ret_wrong);
/* Answers with 401 or 407 that a token was no good, or with 503 where there are no keys yet to judge it (RFC 8898, section 2.1.3). */
void registrar_token_refuse(const struct registrar *registrar, struct sip_server_transaction *transaction, unsigned status);
/* Whether the flow is somebody's by a token; *ret_holds: which has not run out. */
bool registrar_token_has_proved(const struct registrar *registrar, const struct sip_flow *flow, bool *ret_holds);
/* UINT32_MAX for a flow without a token. */
uint32_t registrar_token_left_s(const struct registrar *registrar, const struct sip_flow *flow);

/* --- turn.c --- */
/* Adds TURN servers and credentials for them, if there are such. */
void registrar_turn_tell(const struct registrar *registrar, const char *user, struct sip_message *response);

/* --- authenticate.c --- */
/* "sip:alice@example.com" -> "alice"; false: no SIP URI, no user, or (with authentication) not our domain. */
bool registrar_user_of_uri(const struct registrar *registrar, const char *uri, char *user, size_t size);
/* What a user proves himself with to us, or to the peer of his trunk. */
enum registrar_proof { REGISTRAR_PROOF_HERE, REGISTRAR_PROOF_UPSTREAM };
/* What his entry holds of it; borrowed. False: nothing. */
bool registrar_read_proof(const struct config_snapshot *config, size_t index, enum registrar_proof proof,
			  struct sip_credentials *ret_credentials);
/* For digest: of `user`, the registrar, what proves a user of ours; borrowed. False: there is no such user, or nothing that would. */
bool registrar_find_credentials(void *user, const char *name, struct sip_credentials *ret_credentials);
/* Proves the sender and sets the flow's identity. 0 with the user in `user`, or -EACCES: answered with `challenge`
 * (401 or 407) or 403. */
int registrar_prove(struct registrar *registrar, struct sip_server_transaction *transaction, unsigned challenge,
		    char *user, size_t size);
/* It is this user's from now on. */
void registrar_flow_proven(struct sip_flow *flow, const char *user);
enum registrar_authentication registrar_authentication(const struct registrar *registrar);
