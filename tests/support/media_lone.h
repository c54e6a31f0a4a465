/* Ends without threads: the worker is made by hand, its loop never runs, packets are put in by the test. What goes out goes
 * to a socket, where it can be read. */
#pragma once
#include "media/end.h"

struct media_lone {
	struct media_engine engine;
	struct media_worker *worker;
	GPtrArray *ends;
	struct loop *signalling;
	int out; /* what the ends send arrives here */
	struct net_address peer, out_address;
};
void media_lone_open(struct media_lone *lone);
void media_lone_close(struct media_lone *lone);
/* A RTP end with one audio stream (PCMU 0, opus 96, telephone-event 97), connected to `peer`; it sends to `out`. */
struct media_end *media_lone_end(struct media_lone *lone);
