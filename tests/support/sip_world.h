/* A stack on a manual loop with two far ends, for tests of what goes in and out. */
#pragma once
#include "fake_flow.h"
#include "manual_loop.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
	struct loop *loop;
	struct sip_stack *stack;
	struct fake_flow ws, udp;
	/* requests that reached the stack's handler, and the last of them */
	unsigned n_requests;
	struct sip_server_transaction *server;
	bool attach; /* hear the events of new server transactions */
	unsigned n_cancelled, n_unacknowledged, n_server_ended;
	/* what the client handler heard */
	unsigned n_responses, last_status, n_ended;
	enum sip_client_end end;
	bool client_stays; /* for the far end's next flow */
	/* what the dialog handler heard */
	unsigned n_in_dialog, n_acks;
	struct sip_server_transaction *in_dialog;
};

int world_setup(void **state);
/* Fails when anything was sent that no test took. */
int world_teardown(void **state);

extern const struct sip_client_handler world_client_handler;
extern const struct sip_dialog_handler world_dialog_handler;

/* One message with these lines ("\r\n" is added to each); Content-Length 0 and the end are added. */
void world_receive(struct world *world, struct fake_flow *from, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A request with branch z9hG4bK<branch>, From tag "f", and `to_tag` or "". CSeq `cseq`. */
void world_request(struct world *world, struct fake_flow *from, const char *method, const char *branch,
		   const char *to_tag, unsigned cseq);
/* A response to a request that was sent, with To tag `tag` and, if it is a 2xx, a Contact at `far`. */
void world_answer(struct world *world, struct fake_flow *from, const struct sip_message *request, unsigned status,
		  const char *tag);
/* Takes the next message, which must be this. Returned ones are the caller's. */
struct sip_message *world_take_request(struct fake_flow *to, enum sip_method method);
struct sip_message *world_take_response(struct fake_flow *to, unsigned status);
void world_expect_request(struct fake_flow *to, enum sip_method method);
void world_expect_response(struct fake_flow *to, unsigned status);
void world_expect_silence(struct fake_flow *to);
void world_advance(struct world *world, int64_t milliseconds);
/* All transactions gone, no timer running. */
void world_expect_empty(struct world *world);
/* An INVITE of ours over the flow. */
struct sip_client_transaction *world_invite(struct world *world, struct fake_flow *to);
struct sip_client_transaction *world_start(struct world *world, struct fake_flow *to, enum sip_method method);
