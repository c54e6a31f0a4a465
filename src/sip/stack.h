/* The stack: takes messages from flows, finds the transaction, the dialog, or the owner of new requests. One per
 * process; signalling thread. */
#pragma once
#include "loop/loop.h"
#include "sip/dialog.h"

struct sip_stack;

struct sip_stack_handler {
	/* A request outside any dialog, not CANCEL or ACK, with a new server transaction. The receiver answers it, now or
	 * later. Max-Forwards, merged requests (482), Require are not checked here but by sip_stack_admit(). */
	void (*request)(void *user, struct sip_server_transaction *transaction);
	/* May `flow`'s sender touch what belongs to `identity`? Default: the flow's identity is the same text. */
	bool (*may_act)(void *user, struct sip_flow *flow, const char *identity);
	/* A request in a dialog came by a flow whose far end is not known yet, such as a browser's next connection. 0, and
	 * the flow has its identity if the sender could be known; else it was answered. NULL: such a sender may not act. */
	int (*prove)(void *user, struct sip_server_transaction *transaction);
	/* A TLS connection has closed before the answer to a request that came by it: another one to its sender at `remote` (section 18.2.2). A
	 * reference; NULL: there is no trust to make it by. NULL: there never is. */
	struct sip_flow *(*reach)(void *user, const struct sip_flow *closed, const struct net_address *remote);
};

/* `handler` is copied; NULL: none yet, new requests get 503. */
int sip_stack_new(struct loop *loop, const struct sip_stack_handler *handler, void *user, struct sip_stack **ret_stack);
void sip_stack_set_handler(struct sip_stack *stack, const struct sip_stack_handler *handler, void *user);
struct sip_stack *sip_stack_free(struct sip_stack *stack); /* accepts NULL */
struct loop *sip_stack_loop(struct sip_stack *stack);

/* From the transports: one whole message. Refuses (and answers where possible) what the gate refuses. Counts. */
void sip_stack_receive(struct sip_stack *stack, struct sip_flow *flow, const char *text, size_t length);

/* General checks of a new request (sections 8.2.1 to 8.2.3): known method (405 with Allow), Max-Forwards (483),
 * merged (482), Require of what we lack (420 with Unsupported; see capabilities.h). Returns 0, or -EPROTO when it was
 * answered. */
int sip_stack_admit(struct sip_stack *stack, struct sip_server_transaction *transaction);

/* --- the dialog table --- */
struct sip_dialog_handler {
	/* A request in the dialog, CSeq checked and in order, from the identity that owns it; BYE, re-INVITE, INFO... */
	void (*request)(void *user, struct sip_server_transaction *transaction);
	/* An ACK for a 2xx we sent (may repeat). NULL in dialogs without INVITE. */
	void (*ack)(void *user, struct sip_message *ack, struct sip_flow *flow);
};
struct sip_dialog_entry;
/* Makes the dialog reachable by Call-ID and both tags (rule 1). The entry holds no copy: the dialog's ids must not
 * change while it is in the table. Without a far tag it is that of a SUBSCRIBE whose notifiers are not known yet, and
 * takes the NOTIFYs of all that are in no dialog of their own (RFC 6665, section 4.4.1). The stack counts the far end's
 * CSeq in it where the far tag is known.
 * `identity` is copied; NULL: anybody may act. */
struct sip_dialog_entry *sip_stack_add_dialog(struct sip_stack *stack, struct sip_dialog *dialog, const char *identity,
					      const struct sip_dialog_handler *handler, void *user);
/* The `user` of the entry with these ids, if it has this handler; else NULL. */
void *sip_stack_find_dialog(struct sip_stack *stack, const char *call_id, const char *local_tag, const char *remote_tag,
			    const struct sip_dialog_handler *handler);
/* Takes it out at once. */
struct sip_dialog_entry *sip_stack_remove_dialog(struct sip_dialog_entry *entry); /* accepts NULL */

/* Sends an ACK for a 2xx over the flow (adds Via with a new branch once; the same bytes when repeated). */
int sip_stack_send_ack(struct sip_stack *stack, struct sip_message *ack, struct sip_flow *flow);

/* A 2xx to an INVITE nobody waits for any more is ACKed and its dialog ended with BYE by the stack (row 13). */

/* The flow of a listening UDP socket (or a TCP connection, made when needed) towards an address. `transport` UDP or
 * TCP; for TLS see sip/tls.h. Returns a reference, or NULL when nothing listens with that transport and address family. */
struct sip_flow *sip_stack_flow_to(struct sip_stack *stack, enum sip_transport transport, const struct net_address *remote);

/* Whether anything listens with that transport and address family, so that sip_stack_flow_to() can be hoped for. TLS needs no listener. */
bool sip_stack_listens(const struct sip_stack *stack, enum sip_transport transport, bool is_ipv6);

/* "udp:0.0.0.0:5060", "tcp:[::]:5060", "tls:0.0.0.0:5061". 0, -EINVAL for the text, -ENOKEY: TLS without sip_stack_set_certificate(), or
 * -errno of bind. */
int sip_stack_listen(struct sip_stack *stack, const char *text);
/* Where the index-th socket of the transport, in order of listening, is bound (its port, when 0 was asked for).
 * 0 or -ENOENT. */
int sip_stack_listening_address(const struct sip_stack *stack, enum sip_transport transport, size_t index,
				struct net_address *ret_address);

/* What is left over, for tests and metrics. */
struct sip_stack_counts {
	size_t server_transactions, client_transactions, dialogs, flows;
	size_t admitted; /* first requests by which a second copy is told (section 8.2.2.2) */
	size_t strays;	 /* 2xx without a transaction that are being ended */
};
void sip_stack_count(const struct sip_stack *stack, struct sip_stack_counts *ret_counts);
