/* A flow whose far end is the test: it keeps what was sent and takes what the test says. */
#pragma once
#include "sip/message.h"
#include "sip/stack.h"

struct fake_flow {
	struct sip_flow *flow;
	GQueue sent; /* struct sip_message, oldest first */
	int error;   /* what send returns from now on; 0: takes it */
	bool is_destroyed;
	unsigned n_refusals; /* 400s that do not parse themselves */
};

void fake_flow_open(struct fake_flow *fake, enum sip_transport transport, const char *remote);
/* Closes the flow if it is still open, lets go of it and of all messages. */
void fake_flow_clear(struct fake_flow *fake);
void fake_flow_break(struct fake_flow *fake); /* closes it */
/* The oldest message sent and not yet taken, as a reference; NULL when there is none. */
struct sip_message *fake_flow_take(struct fake_flow *fake);
size_t fake_flow_pending(const struct fake_flow *fake);
