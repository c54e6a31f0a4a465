/* Trunks: the SIP peers of the configuration. Signalling thread.
 *
 * A trunk is made from the snapshot and never blocks: a peer given by address is there at once, one given by name when
 * it has been looked up on another thread; it is looked up again from time to time and the last good answer is kept. */
#pragma once
#include "config/config.h"
#include "event/event.h"
#include "loop/loop.h"
#include "sip/digest.h"
#include "sip/stack.h"
#include "trunk/account.h"
#include "trunk/hop.h"

extern const struct config_table trunk_options;
extern const struct config_table trunk_dns_options; /* beside those of the group "sip" */

struct trunks; /* all of them */
struct trunk;  /* reference counted: a call keeps its trunk through a reload */

enum trunk_dtmf { TRUNK_DTMF_AUTO, TRUNK_DTMF_RFC4733, TRUNK_DTMF_INFO, TRUNK_DTMF_INBAND };
enum trunk_srtp { TRUNK_SRTP_OFF, TRUNK_SRTP_OPTIONAL, TRUNK_SRTP_REQUIRED, TRUNK_SRTP_DTLS };

/* Starts looking up names. 0 or -errno. */
int trunks_new(struct loop *loop, struct config_snapshot *snapshot, struct trunks **ret_trunks);
/* After a reload: trunks whose entry is unchanged stay the same objects, others are replaced. */
int trunks_reload(struct trunks *trunks, struct config_snapshot *snapshot);
/* From now on, once the stack listens, those with the option "register" do. `events` may be NULL. */
void trunks_start(struct trunks *trunks, struct sip_stack *stack, struct event_bus *events);
/* The house is closing: they unregister. */
void trunks_unregister(struct trunks *trunks);
struct trunks *trunks_free(struct trunks *trunks); /* before stack and loop; accepts NULL; returns NULL */
size_t trunks_count(const struct trunks *trunks);
struct trunk *trunks_at(const struct trunks *trunks, size_t index); /* borrowed */

/* By name; borrowed; NULL. */
struct trunk *trunk_find(const struct trunks *trunks, const char *name);
/* By identity, which may be NULL; borrowed; NULL. */
struct trunk *trunk_of_identity(const struct trunks *trunks, const char *identity);
/* Whose request this is: the trunk one of whose peer addresses is the sender's host, else the first that lists it (inbound_addresses).
 * Any source port is taken: clients over TCP and many PBXs send from others than they listen on. A trunk on UDP is heard over TCP too,
 * as RFC 3261, section 18.1.1, asks of large requests; a trunk on TCP is not heard over UDP, where the source is easily forged, and one
 * on TLS over nothing else; not at all if it has client_certificate. Of several trunks with that host the one whose transport and port
 * fit best is meant, then the first. Borrowed; NULL: a stranger. */
struct trunk *trunk_of_source(const struct trunks *trunks, enum sip_transport transport,
			      const struct net_address *source);

/* On TLS, where the far end has been verified: the trunk that it is, at whatever address. Borrowed; NULL. */
struct trunk *trunk_of_certificate(const struct trunks *trunks, const struct sip_flow *flow);

/* Who sends a new request: the trunk `by_address` (NULL: a stranger's address) where that is enough; else the one that proves
 * itself by digest (407, the realm is the gateway's domain), from whatever address; the flow is its own then. 0 with the
 * trunk, borrowed; -ENOENT: no trunk has a login, the sender stays a stranger; -EACCES: it was answered. */
int trunk_authenticate(struct trunks *trunks, struct sip_server_transaction *transaction, struct trunk *by_address,
		       struct trunk **ret_trunk);

/* Whether a sender may touch what belongs to `identity` ("trunk:pbx"): the source is one of that trunk's addresses now,
 * or was one before its name changed. True for a trunk that is gone from the configuration as long as a call holds it,
 * and where several trunks share a host, for each of them: a BYE is not lost because another trunk fits better. */
bool trunk_may_act(const struct trunks *trunks, const char *identity, enum sip_transport transport,
		   const struct net_address *source);

/* Users who are somebody of their own at the peer of a trunk: whoever registers one there (the room `upstream`) says so, calls and
 * messages of his ask. A user is so at one trunk at most; the last word counts. `account` is referenced. */
void trunks_add_account(struct trunks *trunks, const char *user, const char *trunk_name, struct trunk_account *account);
void trunks_remove_account(struct trunks *trunks, const char *user);
/* Who the user is at the trunk of this name; borrowed; NULL: nobody of his own. An account without credentials is one whose challenges
 * only the user's browser can answer. */
struct trunk_account *trunks_account(const struct trunks *trunks, const char *user, const char *trunk_name);

struct trunk *trunk_ref(struct trunk *trunk);
struct trunk *trunk_unref(struct trunk *trunk); /* accepts NULL; returns NULL */

const char *trunk_name(const struct trunk *trunk);
const char *trunk_identity(const struct trunk *trunk); /* "trunk:<name>" */
/* Where and how requests that are no calls go now, as the hop that is best for them: see trunk_hop_uri(). A new string. */
char *trunk_uri(const struct trunk *trunk, const char *user);
enum sip_transport trunk_transport(const struct trunk *trunk);
/* Of a user's registration with the peer: "sip:<user>@<domain>", the domain as configured, else the first peer's host. A new
 * string. */
char *trunk_address_of_record(const struct trunk *trunk, const char *user);
/* The first peer's host and port as configured: "10.0.0.2", "pbx.example.com:5062"; "": it has none. */
const char *trunk_host(const struct trunk *trunk);
/* Whether the flow leads to a peer of the trunk, by its certificate on TLS, else by its address: a Contact or Record-Route of the peer's
 * can name anybody. */
bool trunk_is_far_end(const struct trunk *trunk, const struct sip_flow *flow);
/* What may be shown to the far end of a flow as `account` (NULL: as the trunk itself): NULL when there are no credentials of ours,
 * or where it is not the trunk's. */
struct sip_digest_client *trunk_digest(const struct trunk *trunk, const struct trunk_account *account,
				       const struct sip_flow *flow);
const char *trunk_realm(const struct trunk *trunk); /* of challenges that may be answered; NULL: any */
/* Encoding names in order of preference, NULL-terminated; empty: no preference. */
const char *const *trunk_codecs(const struct trunk *trunk);
bool trunk_latch(const struct trunk *trunk);
/* How its digits come and go; as enum media_dtmf. */
enum trunk_dtmf trunk_dtmf(const struct trunk *trunk);
bool trunk_video(const struct trunk *trunk);
bool trunk_holds_by_address(const struct trunk *trunk);
/* Of session timers (RFC 4028): its own, else `otherwise`. */
uint32_t trunk_session_expires_s(const struct trunk *trunk, uint32_t otherwise);
bool trunk_record(const struct trunk *trunk);
/* Whether its new requests are taken only with a right answer to a challenge of ours. */
bool trunk_wants_proof(const struct trunk *trunk);
bool trunk_is_trusted(const struct trunk *trunk);
enum trunk_identity_header { TRUNK_IDENTITY_NONE, TRUNK_IDENTITY_PAI, TRUNK_IDENTITY_RPID };
enum trunk_identity_header trunk_identity_header(const struct trunk *trunk);
const char *trunk_caller_id(const struct trunk *trunk); /* of users who have no number of their own; NULL: their names */
bool trunk_registers(const struct trunk *trunk);
bool trunk_is_registered(const struct trunk *trunk); /* itself */
/* Whether a Request-URI's user part is the Contact it has registered for itself: then To says who was dialled. */
bool trunk_is_own_contact(const struct trunk *trunk, const char *user);
/* Its peer has refused a call as a stranger's: perhaps it knows our registration no more. */
void trunk_doubt(struct trunk *trunk);
uint32_t trunk_expires_s(const struct trunk *trunk); /* of registrations with the peer */
uint32_t trunk_retry_s(const struct trunk *trunk);
enum trunk_srtp trunk_srtp(const struct trunk *trunk);
/* Where its calls go: a user, a built-in's name; NULL: by the dialled user part. */
const char *trunk_inbound(const struct trunk *trunk);

/* Whether a 3xx that points at the peer itself is followed. */
bool trunk_may_redirect(const struct trunk *trunk);
/* Whether the peer may have others sent to numbers of its own (REFER). */
bool trunk_may_refer_back(const struct trunk *trunk);
/* Each call begins with another peer. */
bool trunk_shares(const struct trunk *trunk);
/* So long a hop may be silent before the next one is tried. */
int64_t trunk_failover_ms(const struct trunk *trunk);
/* Whether this is one of its peers' addresses now; its port is not looked at. */
bool trunk_has_address(const struct trunk *trunk, const struct net_address *address);
/* Whether a URI's host is the peer: its name or one of its addresses. */
bool trunk_has_host(const struct trunk *trunk, const char *host);

/* Its peers' addresses that do not answer, by what OPTIONS say; whether that is all of them. */
unsigned trunk_count_down(const struct trunk *trunk);
bool trunk_is_down(const struct trunk *trunk);
/* Whether there is an address to send requests to; else the names have not been found (yet). */
bool trunk_is_found(const struct trunk *trunk);
bool trunk_shares_host(const struct trunk *trunk, const struct trunk *other); /* an address of both */
/* Whether the peers' addresses are known, or the first look-up of each name has ended. */
bool trunk_is_looked_up(const struct trunk *trunk);

/* The flow towards the peer that is best now, its identity set to the trunk's; for what is no call (see trunk/hop.h). A reference; NULL: no address yet, or nothing listens
 * with that transport and family. */
struct sip_flow *trunk_flow(struct trunk *trunk, struct sip_stack *stack);
/* Another address of the peer's that a dialog leads to, by the trust in the peer that `hop` is one of; NULL: in the first. */
struct sip_flow *trunk_flow_to(struct trunk *trunk, const struct trunk_hop *hop, struct sip_stack *stack, enum sip_transport transport,
			       const struct net_address *address);
/* What went there was not served: see trunk_hop_failed(). `flow` NULL: there was none. Whether trunk_flow() is another one now. */
bool trunk_flow_failed(struct trunk *trunk, const struct sip_flow *flow, const char *cause, uint32_t retry_after_s);
