/* What the files of this room share. */
#pragma once
#include "base/log.h"
#include "loop/loop.h"
#include "relay/relay.h"

#define RELAY_TARGETS_MAX 6	 /* devices of a user that get a request */
#define RELAY_FORKS_MAX 16	 /* subscriptions that one SUBSCRIBE may make */
#define RELAY_WAITING_MAX 16	 /* NOTIFYs kept for a browser that is away */
#define RELAY_UDP_BYTES_MAX 1300 /* of a MESSAGE (RFC 3428, section 8) */

struct relay {
	struct relay_parameters rooms; /* without the snapshot */
	struct loop *loop;
	char *domain;
	char *state_trunk; /* who knows the state of our users; NULL */
	int64_t grace_ms;
	size_t limit, limit_per_user;
	GQueue forwards, subscribes, subscriptions, sendings;
};

/* --- headers.c: what passes (pure) --- */
/* Adds to `request` what passes of `source`, a request of the same method, and its body. 0 or -errno. */
int relay_carry_request(struct sip_message *request, const struct sip_message *source);
/* Adds to the response to a request of the given method what passes of `source`. */
void relay_carry_response(struct sip_message *response, enum sip_method method, const struct sip_message *source);
/* Of the failures of several far ends the one that says most (sip_status_is_better); that one device of many is not there, 480,
 * says least. */
struct relay_failure {
	unsigned status;	      /* 0: none yet */
	struct sip_message *response; /* a reference; NULL: none came */
};
void relay_failure_note(struct relay_failure *failure, unsigned status, struct sip_message *response);
void relay_failure_clear(struct relay_failure *failure);
/* What the sender of `request` is told of it. */
struct sip_message *relay_failure_answer(const struct relay_failure *failure, const struct sip_message *request);
/* Event's package is a token. */
bool relay_event_is_sound(const char *event);
/* Same package and same id parameter (RFC 6665, section 4.5.2). */
bool relay_event_is_same(const char *a, const char *b);
/* Of Subscription-State. `ret_expires_s` is written if it is there. */
bool relay_state_is_terminated(const struct sip_message *notify);
bool relay_state_expires(const struct sip_message *notify, uint32_t *ret_expires_s);

/* --- targets.c: whom a request goes to --- */
struct relay_target {
	struct route_party party; /* borrowed */
	char *uri, *to;		  /* of Request-URI; To's value */
	const char *const *path;  /* borrowed; NULL */
	struct trunk_account *account; /* who the sender is at the trunk's peer; borrowed; NULL */
};
/* 0 with *ret_count targets (at least one; to be cleared), or the status to refuse the request with. */
unsigned relay_find_targets(const struct relay *relay, const struct route_party *sender, const struct sip_message *request,
			    const struct route_decision *decision, struct relay_target targets[static RELAY_TARGETS_MAX],
			    size_t *ret_count);
void relay_target_clear(struct relay_target *target);
/* The dialog to be, or what stands for it where there is none: From as the target is to see the sender. */
struct sip_dialog *relay_target_dialog(const struct relay *relay, const struct route_identity *sender,
				       const struct relay_target *target);

/* --- send.c: a request to one far end, with credentials where a trunk asks for them --- */
struct relay_sending;
struct relay_outgoing {
	struct sip_dialog *dialog;	 /* borrowed; lives as long as the sending */
	const struct route_party *party; /* whose it is; copied */
	const struct route_identity *sender; /* who says it, where that is news; borrowed likewise; NULL */
	struct trunk_account *account;	 /* who we are there; likewise; NULL */
	enum sip_method method;
	struct sip_message *source;	 /* whose headers and body are carried; NULL: our own request, with ... */
	const char *event;		 /* Event, and */
	const char *header, *value;	 /* one more, or NULL */
};
/* The final response, once; `response` NULL: none came, `status` stands for it. The sending is gone then. */
typedef void relay_done(void *user, unsigned status, struct sip_message *response);
/* 0, or the status that stands for what hinders it (480 for a browser, 503 for a trunk that cannot be reached now). `done` is not
 * called from inside. */
unsigned relay_send(struct relay *relay, const struct relay_outgoing *outgoing, relay_done *done, void *user,
		    struct relay_sending **ret_sending);
/* Nobody hears of it any more; what is on its way goes on. Accepts NULL; returns NULL. */
struct relay_sending *relay_sending_free(struct relay_sending *sending);
/* The user part of the dialog's own URI; a new string. */
char *relay_own_user(const struct sip_dialog *dialog);

/* --- held server transactions: *slot becomes NULL when the transaction ends without us --- */
void relay_hold(struct sip_server_transaction **slot, struct sip_server_transaction *transaction);
/* Answers what is held, if it still is, and lets go. Takes the reference. */
void relay_answer(struct sip_server_transaction **slot, struct sip_message *response);
void relay_let_go(struct sip_server_transaction **slot);
/* A failure: with Retry-After where that keeps a subscription alive (RFC 5057). */
void relay_refuse(struct sip_server_transaction *transaction, unsigned status, const char *phrase);

/* --- forward.c --- */
struct relay_forward;
void relay_forward_start(struct relay *relay, struct sip_server_transaction *transaction, const struct route_party *sender,
			 const struct route_decision *decision);
void relay_forward_free(struct relay_forward *forward);

/* --- subscribe.c: a SUBSCRIBE that makes subscriptions --- */
struct relay_subscribe;
void relay_subscribe_start(struct relay *relay, struct sip_server_transaction *transaction,
			   const struct route_party *sender, const struct route_decision *decision);
void relay_subscribe_free(struct relay_subscribe *subscribe);

/* --- subscription.c: a subscription, that is a pair of dialogs --- */
struct relay_subscription;
/* Of the SUBSCRIBE's sender, who is `account` there (NULL: nobody of his own), and `notifier`, whose dialog (confirmed; taken)
 * it is. Its NOTIFYs wait until relay_subscription_accept(). NULL: the SUBSCRIBE can make no dialog. */
struct relay_subscription *relay_subscription_new(struct relay *relay, const struct sip_message *subscribe,
						  const struct route_party *subscriber, const struct route_party *notifier,
						  struct sip_dialog *dialog, struct trunk_account *account);
void relay_subscription_free(struct relay_subscription *subscription);
/* Told when it is gone; NULL: not any more. */
void relay_subscription_tell_end(struct relay_subscription *subscription,
				 void (*ended)(void *user, struct relay_subscription *subscription), void *user);
/* The SUBSCRIBE has its 2xx (or is about to get it), for so long. */
void relay_subscription_accept(struct relay_subscription *subscription, uint32_t expires_s);
/* A NOTIFY of the notifier. */
void relay_subscription_notify(struct relay_subscription *subscription, struct sip_server_transaction *transaction);
/* The tag we have in the subscriber's dialog. */
const char *relay_subscription_tag(const struct relay_subscription *subscription);
/* Ours with the notifier; borrowed. */
const struct sip_dialog *relay_subscription_dialog(const struct relay_subscription *subscription);
const struct route_party *relay_subscription_subscriber(const struct relay_subscription *subscription);
