/* What the room's files share about the stack. Not for other rooms. */
#pragma once
#include "sip/message_internal.h"
#include "sip/stack.h"

#define SIP_SERVER_TRANSACTIONS_MAX 65536
#define SIP_STRAYS_MAX 1024
#define SIP_BRANCH_BYTES 40 /* cookie, 16 random characters, 16 of their MAC, NUL */

struct sip_transport_set; /* listeners, UDP flows, TCP connections */

struct sip_stack {
	struct loop *loop;
	struct sip_stack_handler handler;
	void *user;
	GHashTable *servers;  /* branch, sent-by, method -> first server transaction; the others are chained to it */
	GHashTable *clients;  /* branch, method -> client transaction */
	GHashTable *dialogs;  /* Call-ID and tags -> entry */
	GHashTable *admitted; /* Call-ID, From tag, CSeq -> the server transaction that has them (section 8.2.2.2) */
	GHashTable *strays;   /* Call-ID, tags, CSeq -> stray */
	size_t n_servers;
	uint8_t branch_key[32];
	struct sip_transport_set *transports;
};

/* May what comes by `flow` act on what `owner` began and `identity` (or, without one, the owning flow's) owns? */
bool sip_stack_same_party(struct sip_stack *stack, struct sip_flow *flow, struct sip_flow *owner);
bool sip_stack_may_act(struct sip_stack *stack, struct sip_flow *flow, const char *identity);
/* Sends a response outside any transaction. Takes the reference. */
void sip_stack_send_stateless(struct sip_stack *stack, struct sip_flow *flow, const struct sip_message *request,
			      struct sip_message *response);

/* A branch that this process can tell from others' (for stray responses). */
void sip_stack_make_branch(const struct sip_stack *stack, char branch[static SIP_BRANCH_BYTES]);
bool sip_stack_made_branch(const struct sip_stack *stack, const char *branch);

/* --- server_transaction.c --- */
struct sip_server_transaction *sip_server_transaction_new(struct sip_stack *stack, struct sip_message *request,
							  struct sip_flow *flow);
/* The transaction that `request` of `method` belongs to by section 17.2.3, if it is the same party's. */
struct sip_server_transaction *sip_server_transaction_find(struct sip_stack *stack, const struct sip_message *request,
							   const char *method, struct sip_flow *flow);
void sip_server_transaction_repeated(struct sip_server_transaction *transaction, struct sip_flow *flow);
/* Whether the ACK was one for a non-2xx, which ends here. */
bool sip_server_transaction_absorb_ack(struct sip_server_transaction *transaction);
/* By this CANCEL; its flow may be another connection of the same party. */
void sip_server_transaction_cancelled(struct sip_server_transaction *transaction, struct sip_server_transaction *cancel);
/* The To tag of what was answered so far, or NULL. */
const char *sip_server_transaction_to_tag(const struct sip_server_transaction *transaction);
/* The only one with the request's Call-ID, From tag and CSeq? Notes it as that from then on. */
bool sip_server_transaction_is_first(struct sip_server_transaction *transaction);
/* Without a call to the handler: the stack is being freed. */
void sip_server_transaction_free_all(struct sip_stack *stack);

/* --- client_transaction.c --- */
/* Whether the response belonged to a transaction and is done with. */
bool sip_client_transaction_receive(struct sip_stack *stack, struct sip_flow *flow, struct sip_message *response);
void sip_client_transaction_free_all(struct sip_stack *stack);

/* --- dialog_table.c --- */
struct sip_dialog_entry *sip_dialog_table_find(struct sip_stack *stack, const char *call_id, const char *local_tag,
					       const char *remote_tag);
/* A request with a To tag, in its new transaction. */
void sip_dialog_table_request(struct sip_stack *stack, struct sip_server_transaction *transaction);
void sip_dialog_table_ack(struct sip_stack *stack, struct sip_message *ack, struct sip_flow *flow);
void sip_dialog_table_free_all(struct sip_stack *stack);

/* --- stray.c --- */
/* A response that no transaction wants: a 2xx to an INVITE is ACKed and ended, all others are dropped. */
void sip_stray_receive(struct sip_stack *stack, struct sip_flow *flow, struct sip_message *response);
void sip_stray_free_all(struct sip_stack *stack);

/* --- large.c --- */
/* The TCP connection for a request that is too large for this flow. A reference; NULL: it is not, or there is none. */
struct sip_flow *sip_large_flow(struct sip_stack *stack, struct sip_message *request, const struct sip_flow *flow);
/* Whether no connection could be made there, not long ago. */
bool sip_large_lacks_tcp(struct sip_stack *stack, const struct net_address *remote);

/* --- transport.c --- */
struct sip_transport_set *sip_transport_set_new(struct sip_stack *stack);
struct sip_transport_set *sip_transport_set_free(struct sip_transport_set *transports);
/* Where the responses to a request go (sections 18.2.1 and 18.2.2, RFC 3581). Returns a reference, never NULL. */
struct sip_flow *sip_transport_reply_flow(struct sip_stack *stack, struct sip_flow *flow,
					  const struct sip_message *request);
size_t sip_transport_flow_count(const struct sip_transport_set *transports);
