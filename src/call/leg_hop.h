/* The hop of a trunk leg: which address of the trunk it is called at, how long that may be silent, what comes after it. Private to the room. */
#pragma once
#include "trunk/trunk.h"

struct leg;

struct leg_way {
	struct trunk_hop *hop; /* where the trunk was called, or calls from; NULL: it calls from elsewhere */
	GPtrArray *further;    /* to be called when that one does not serve, each a reference; NULL: none */
	char *unserved;	       /* why that one has not served our first INVITE (RFC 3263, section 4.3), for logs; NULL: it may have */
	struct loop_timer patience; /* so long it may be silent */
	struct trunk_hop_watch watch; /* while our first INVITE has no final response */
};

void leg_init_way(struct leg *leg);
void leg_clear_way(struct leg *leg);
/* To be called at the first of these hops; takes the list, which is not empty. */
void leg_take_hops(struct leg *leg, GPtrArray *hops);
/* Their INVITE has come from there. */
void leg_note_source(struct leg *leg, const struct sip_flow *flow);
/* Our INVITE is out. */
void leg_await_hop(struct leg *leg);
void leg_stop_waiting(struct leg *leg);
/* It has not been served there. */
void leg_note_unserved(struct leg *leg, const char *cause);
void leg_note_busy(struct leg *leg, const struct sip_message *response); /* 503 */
