/* Who is there: users, their proof of identity, their bindings (RFC 3261 section 10, RFC 5626, RFC 3327), the GRUUs of their
 * devices (RFC 5627), and the endpoints that calls hold on to while flows come and go. In memory. Signalling thread. */
#pragma once
#include "config/config.h"
#include "event/event.h"
#include "sip/digest.h"
#include "sip/stack.h"

#define REGISTRAR_BINDINGS_PER_USER_MAX 16 /* the default of registrar.bindings_per_user */
#define REGISTRAR_CONTACTS_PER_REQUEST_MAX 16
#define REGISTRAR_ENDPOINTS_MAX 100000
#define REGISTRAR_INSTANCE_BYTES_MAX 256 /* of +sip.instance */
#define REGISTRAR_PATH_MAX 4		 /* Path URIs of a binding */

/* The option tags of a registration. */
#define REGISTRAR_EXTENSIONS "gruu, outbound, path"

struct registrar;
struct registrar_endpoint;

/* In the 200 to a REGISTER: what RTCConfiguration.iceServers takes, as JSON. */
#define REGISTRAR_ICE_SERVERS_HEADER "X-Ice-Servers"

/* The groups "registrar", "tokens", "browser_turn" and "users". */
extern const struct config_table registrar_config_table;
extern const struct config_table registrar_tokens_config_table;
extern const struct config_table registrar_turn_config_table;
extern const struct config_table registrar_users_config_table;

/* `domain` is the house's own (the realm too), copied; `events` may be NULL. 0 or -errno. */
int registrar_new(struct sip_stack *stack, struct config_snapshot *config, const char *domain, struct event_bus *events,
		  struct registrar **ret_registrar);
/* Endpoints that others still hold live on, without a flow. Accepts NULL; returns NULL. */
struct registrar *registrar_free(struct registrar *registrar);
/* New users and times; the bindings of users that are gone end. */
void registrar_reconfigure(struct registrar *registrar, struct config_snapshot *config);

/* Answers a REGISTER, now. */
void registrar_handle_register(struct registrar *registrar, struct sip_server_transaction *transaction);

/* For any other request from a WebSocket flow. 0: the flow's user is proven and stands in From; *ret_user is the name
 * (borrowed, as long as the flow is not given another identity). Else it was answered (407, 403) and -EACCES comes back.
 * A right answer to a 407 proves the flow as REGISTER does. In mode "none" the From's user is taken at its word. */
int registrar_authenticate(struct registrar *registrar, struct sip_server_transaction *transaction, const char **ret_user);

/* Whose flow it is; borrowed; NULL: its far end has proved to be no user. */
const char *registrar_flow_user(const struct sip_flow *flow);

/* --- users who are somebody at a trunk's peer too (the room `upstream` sees to it) --- */
/* That trunk's name (users[].upstream, registrar.upstream); NULL: he is ours alone. Borrowed. */
const char *registrar_upstream(const struct registrar *registrar, const char *user);
/* Whether he proves himself there, with credentials that we never have. Then only registrar_accept_register() identifies
 * a flow as his, and registrar_authenticate() refuses all others. */
bool registrar_proves_upstream(const struct registrar *registrar, const char *user);
/* His credentials there if we have them, without a realm. Texts are borrowed. */
bool registrar_upstream_credentials(const struct registrar *registrar, const char *user, struct sip_credentials *ret_credentials);
/* "sip:alice@example.com", of this domain; a new string. */
char *registrar_address_of_record(const struct registrar *registrar, const char *user);
/* Whom the request says it is from; false: no user of this domain. */
bool registrar_claimed_user(const struct registrar *registrar, const struct sip_message *request, char *user, size_t size);
/* Whether a Request-URI is this domain's, with nothing in it (port, maddr, transport) that would lead a proxy elsewhere: then it may
 * go to a trunk's peer as it was written, for the proof that covers it. */
bool registrar_uri_is_ours(const struct registrar *registrar, const char *uri);
/* A REGISTER before its proof: 0 if all else is right; else it was answered. */
int registrar_check_register(struct registrar *registrar, struct sip_server_transaction *transaction);
/* A REGISTER whose sender has been proven by somebody else: the flow is his from now on. Answers it. Binds for at most
 * `expires_most_s`. */
void registrar_accept_register(struct registrar *registrar, struct sip_server_transaction *transaction, uint32_t expires_most_s);
/* Names of those with a binding, copied; to be unreferenced. */
GPtrArray *registrar_registered_users(const struct registrar *registrar);
size_t registrar_binding_count(const struct registrar *registrar, const char *user);

/* As configured; borrowed until the next reload. NULL: none. */
const char *registrar_display_name(const struct registrar *registrar, const char *user);
/* The numbers the user may present, NULL-terminated; borrowed likewise. NULL: none. */
const char *const *registrar_caller_ids(const struct registrar *registrar, const char *user);
bool registrar_has_user(const struct registrar *registrar, const char *user);

/* The claim "groups" of the token by which a device of the user's is connected and which holds; NULL-terminated (a token without the
 * claim: empty), borrowed for the moment; NULL: none is. */
const char *const *registrar_token_groups(const struct registrar *registrar, const char *user);

/* --- endpoints: a device of a user. Reference counted. --- */
/* The endpoint whose flow this is, made when there is none yet (a call by a browser that never registered). The flow's
 * identity must be proven. Returns a reference; NULL when it is not proven or there are too many. */
struct registrar_endpoint *registrar_endpoint_of_flow(struct registrar *registrar, struct sip_flow *flow);
struct registrar_endpoint *registrar_endpoint_ref(struct registrar_endpoint *endpoint);
struct registrar_endpoint *registrar_endpoint_unref(struct registrar_endpoint *endpoint); /* accepts NULL; returns NULL */
/* The open flow of this moment, or NULL. Borrowed; never kept. */
struct sip_flow *registrar_endpoint_flow(const struct registrar_endpoint *endpoint);
const char *registrar_endpoint_identity(const struct registrar_endpoint *endpoint); /* "user:alice" */
const char *registrar_endpoint_user(const struct registrar_endpoint *endpoint);	    /* "alice" */
/* What the device is to be offered: the user's option; where that is "auto", SDES when that was noted last. */
enum registrar_media { REGISTRAR_MEDIA_AUTO, REGISTRAR_MEDIA_WEBRTC, REGISTRAR_MEDIA_SDES };
enum registrar_media registrar_endpoint_media(const struct registrar_endpoint *endpoint);
/* Whether his calls are to be recorded. */
bool registrar_endpoint_record(const struct registrar_endpoint *endpoint);
/* Encodings that the user's devices are to speak, the most liked first; empty: any. Borrowed for the call. */
const char *const *registrar_endpoint_codecs(const struct registrar_endpoint *endpoint);
/* What a call has shown. */
void registrar_endpoint_note_media(struct registrar_endpoint *endpoint, enum registrar_media media);
/* An in-dialog request of the endpoint's identity came on `flow`. Returns whose dialog it is from now on, borrowed: the
 * endpoint, to which a flow of nobody's now belongs, or the device that has registered by that flow. NULL: the flow is
 * closed or another identity's. */
struct registrar_endpoint *registrar_endpoint_follow(struct registrar_endpoint *endpoint, struct sip_flow *flow);

/* Told of every change of the endpoint's flow: NULL when it has closed, the new one when another takes over. A member of
 * the watching object, which holds a reference to the endpoint; may be stopped in its own callback. */
struct registrar_endpoint_watch {
	void (*changed)(void *data, struct registrar_endpoint *endpoint, struct sip_flow *flow);
	void *data;
	struct registrar_endpoint *endpoint;
	struct registrar_endpoint_watch *next, **link;
};
void registrar_endpoint_watch_start(struct registrar_endpoint_watch *watch, struct registrar_endpoint *endpoint,
				    void (*changed)(void *, struct registrar_endpoint *, struct sip_flow *), void *data);
void registrar_endpoint_watch_stop(struct registrar_endpoint_watch *watch); /* accepts a zeroed one */

/* --- reaching a user --- */
/* A GRUU of ours, public or temporary (RFC 5627), names one device of a user. */
struct registrar_device {
	char user[256];
	char instance[REGISTRAR_INSTANCE_BYTES_MAX + 1];
};
/* 0; -ENOENT: a temporary GRUU that is not valid any more, to be answered 404; -EINVAL: no GRUU of ours. A device that is
 * named may not be there: then registrar_lookup() finds nothing. */
int registrar_gruu_resolve(const struct registrar *registrar, const char *uri, struct registrar_device *ret_device);

struct registrar_contact {
	struct registrar_endpoint *endpoint; /* borrowed */
	const char *uri;		     /* for the Request-URI; borrowed: valid until the next REGISTER */
	const char *const *path;	     /* for Route, in this order, NULL-terminated; borrowed likewise */
};
/* The user's bindings, one an endpoint, latest first; behind those whose endpoint has a flow those that have lost theirs a
 * moment ago and are waited for. `instance` NULL: of all devices. Returns their number, at most `size`. */
size_t registrar_lookup(struct registrar *registrar, const char *user, const char *instance,
			struct registrar_contact *contacts, size_t size);

struct registrar_counts {
	size_t users;	   /* configured */
	size_t registered; /* users with a binding */
	size_t bindings;
	size_t endpoints;
	size_t deserted; /* of these, those whose last flow has closed: waited for */
};
void registrar_count(const struct registrar *registrar, struct registrar_counts *ret_counts);
