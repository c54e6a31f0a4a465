/* Client and server transactions (RFC 3261, section 17, with RFC 6026), the same machines on every transport; only
 * the timers that stand for loss (A, E, G, D, I, J, K) are zero or absent where the transport is reliable.
 * Signalling thread. Both kinds are owned by the stack and live until their last timer; a user lets go of one with
 * ..._detach() and hears nothing more. */
#pragma once
#include "sip/flow.h"
#include "sip/message.h"

struct sip_stack;
struct sip_server_transaction;
struct sip_client_transaction;

#define SIP_T1_MS 500
#define SIP_T2_MS 4000
#define SIP_T4_MS 5000
#define SIP_TIMEOUT_MS (64 * SIP_T1_MS)

/* --- server --- */
enum sip_server_event {
	SIP_SERVER_CANCELLED,	 /* INVITE only: a CANCEL matched and was answered 200; the user answers the INVITE 487 */
	SIP_SERVER_UNACKNOWLEDGED, /* a 2xx had no ACK for 64*T1 (rows 15, 16) */
	SIP_SERVER_ENDED,	 /* last call; the transaction is gone */
};
typedef void sip_server_handler(void *user, struct sip_server_transaction *transaction, enum sip_server_event event);

void sip_server_transaction_attach(struct sip_server_transaction *transaction, sip_server_handler *handler, void *user);
void sip_server_transaction_detach(struct sip_server_transaction *transaction);
struct sip_message *sip_server_transaction_request(const struct sip_server_transaction *transaction); /* borrowed */
/* The CANCEL that SIP_SERVER_CANCELLED was told of; borrowed; NULL: there was none. */
const struct sip_message *sip_server_transaction_cancel(const struct sip_server_transaction *transaction);
struct sip_flow *sip_server_transaction_flow(const struct sip_server_transaction *transaction);	       /* borrowed */
bool sip_server_transaction_is_answered(const struct sip_server_transaction *transaction); /* a final response was sent */
/* Takes the reference to `response`. An INVITE's 2xx is retransmitted, on reliable transports too, at T1, 2*T1 .. T2
 * until ..._acknowledge() or 64*T1 (section 13.3.1.4). If the flow has closed the response is kept, and sent when the
 * request is repeated on another flow of the same identity (rows 8, 56e).
 * A To tag is added where it lacks. 0, or -EALREADY after a final response. */
int sip_server_transaction_respond(struct sip_server_transaction *transaction, struct sip_message *response);
/* Shorthand without body: builds with sip_response_new(). */
int sip_server_transaction_reply(struct sip_server_transaction *transaction, unsigned status, const char *reason,
				 const char *to_tag);
/* The far end is reached by another flow now: what it is told goes there, the last response once more. */
void sip_server_transaction_move(struct sip_server_transaction *transaction, struct sip_flow *flow);
/* The ACK of the 2xx has come (it is a message of the dialog, not of the transaction). */
void sip_server_transaction_acknowledge(struct sip_server_transaction *transaction);

/* --- client --- */
enum sip_client_end {
	SIP_CLIENT_ANSWERED,	     /* ended after its final response */
	SIP_CLIENT_TIMEOUT,	     /* Timer B or F, or no final response for 64*T1 after CANCEL (row 6) */
	SIP_CLIENT_TRANSPORT_FAILED, /* the flow closed or refused the request; not told for an answered one */
};
struct sip_client_handler {
	/* Every provisional but 100; the first final; for an INVITE every further 2xx too (repeats, forks) for 64*T1.
	 * Non-2xx finals of an INVITE were already ACKed. */
	void (*response)(void *user, struct sip_client_transaction *transaction, struct sip_message *response);
	/* Once, the last call. */
	void (*ended)(void *user, struct sip_client_transaction *transaction, enum sip_client_end end);
	/* The flow has closed under a request without a final response. True: the transaction stays for the far end's next
	 * flow, see ..._move(), until Timer B or F or until it is cancelled. May be NULL: it ends. */
	bool (*stays)(void *user, struct sip_client_transaction *transaction);
	/* ICMP says that the request does not arrive, and no response has come (section 18.4). True: that is a failure of the transport.
	 * May be NULL: it is sent again as if nothing had been heard, for a far end that may be back in a moment. */
	bool (*gives_up)(void *user, struct sip_client_transaction *transaction);
};

/* Adds Via (with a new branch) and Max-Forwards, sends, and keeps a reference to `request`. `handler` may be NULL
 * (nobody cares: a BYE). Failures to send are reported by `ended`, never from inside this call. Returns the
 * transaction, valid until `ended`; never NULL. How long a ringing INVITE may go on is the user's to say (it cancels). */
struct sip_client_transaction *sip_client_transaction_start(struct sip_stack *stack, struct sip_message *request,
							    struct sip_flow *flow, const struct sip_client_handler *handler,
							    void *user);
void sip_client_transaction_detach(struct sip_client_transaction *transaction);
struct sip_message *sip_client_transaction_request(const struct sip_client_transaction *transaction);
struct sip_flow *sip_client_transaction_flow(const struct sip_client_transaction *transaction);
/* Whether a response has come, be it a 100. */
bool sip_client_transaction_is_heard(const struct sip_client_transaction *transaction);
/* The far end is reached by another flow now: the request goes there as the retransmission that it is, or its CANCEL when
 * it was cancelled. For one that is answered, later ACKs and answers go there. */
void sip_client_transaction_move(struct sip_client_transaction *transaction, struct sip_flow *flow);
/* INVITE only: sends CANCEL now if a provisional response has come, else once one comes; never after a final one
 * (row 2). Ends with SIP_CLIENT_TIMEOUT 64*T1 after the CANCEL if nothing final comes. `reason_header` may be NULL. */
void sip_client_transaction_cancel(struct sip_client_transaction *transaction, const char *reason_header);
