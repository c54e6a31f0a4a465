/* Dialogs (RFC 3261, section 12): a plain value that can be written out and read back, and its place in the stack's
 * table. Signalling thread. */
#pragma once
#include "sip/transaction.h"

#define SIP_ROUTE_SET_MAX 16

/* Early until a 2xx (section 12.1); its end is its owner's affair. */
enum sip_dialog_state { SIP_DIALOG_EARLY, SIP_DIALOG_CONFIRMED };

struct sip_dialog {
	enum sip_dialog_state state;
	char *call_id;
	char *local_tag;
	char *remote_tag;    /* NULL until the far end has given one */
	char *local_uri;     /* name-addr text without tag */
	char *remote_uri;    /* name-addr text without tag */
	char *remote_target; /* URI of the far end's Contact */
	char *route_set[SIP_ROUTE_SET_MAX + 1]; /* in the order of use, NULL-terminated */
	char *next_hop; /* kept by sip_dialog_next_hop() */
	uint32_t local_cseq;
	uint32_t remote_cseq; /* valid when has_remote_cseq */
	bool has_remote_cseq;
	bool is_caller; /* we own the Call-ID (races row 35) */
};

/* A dialog to be, before the INVITE: new Call-ID and tag; texts are copied. */
struct sip_dialog *sip_dialog_new_caller(const char *local_uri, const char *remote_uri, const char *remote_target);
/* From a request without To tag: the callee's side, with a new local tag. NULL if the request has no usable Contact, no
 * From tag, or too long a route. */
struct sip_dialog *sip_dialog_new_callee(const struct sip_message *request);
struct sip_dialog *sip_dialog_copy(const struct sip_dialog *dialog);
struct sip_dialog *sip_dialog_free(struct sip_dialog *dialog); /* accepts NULL */

/* Which proxies the first INVITE goes through (the Path of a binding, RFC 3327); name-addr texts, at most
 * SIP_ROUTE_SET_MAX, NULL-terminated, copied. The dialog's own route set takes their place. */
void sip_dialog_preload_route(struct sip_dialog *dialog, const char *const *routes);

/* Caller's side: takes tag, target and route set from a response with a To tag. A 2xx recomputes the route set and
 * confirms (row 22). -EINVAL if it lacks what it must have; the dialog is then as before. */
int sip_dialog_learn(struct sip_dialog *dialog, const struct sip_message *response);
/* The same from a NOTIFY that answers our SUBSCRIBE, perhaps before the 2xx, perhaps from a branch of a fork: it makes the
 * dialog (RFC 6665, section 4.4.1). `dialog` has no far tag yet. 0 or -EINVAL. */
int sip_dialog_learn_notify(struct sip_dialog *dialog, const struct sip_message *notify);
/* A target refresh (INVITE, UPDATE requests and their 2xx) brought a new Contact. */
void sip_dialog_refresh_target(struct sip_dialog *dialog, const struct sip_message *message);
/* Whether a request's CSeq is in order; 0, or -EBADMSG (answer 500, section 12.2.2). ACK and CANCEL are not counted. */
int sip_dialog_accept_cseq(struct sip_dialog *dialog, const struct sip_message *request);
/* Where requests go: the topmost Route's URI or the remote target. Borrowed. */
const char *sip_dialog_next_hop(const struct sip_dialog *dialog);

/* A request inside (or, for the first INVITE, creating) the dialog: Request-URI and Route by section 12.2.1.1 (loose
 * and strict), From, To, Call-ID, a new CSeq. Not for ACK. */
struct sip_message *sip_dialog_request(struct sip_dialog *dialog, enum sip_method method);
/* The ACK for a 2xx with the given CSeq (section 13.2.2.4). It is sent with sip_stack_send_ack(), again for every
 * repeated 2xx. */
struct sip_message *sip_dialog_ack(const struct sip_dialog *dialog, uint32_t cseq);
