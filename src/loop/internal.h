/* What the files of this room share. */
#pragma once
#include "loop/loop.h"
#include <sys/epoll.h>

struct loop_guest;

struct loop_watch {
	struct loop *loop;
	int descriptor;
	void (*ready)(void *data, uint32_t events);
	void *data;
	bool freed;              /* waits for the end of the round, so that events already fetched find it */
	struct loop_watch *next; /* of the freed ones */
};

/* A timer that runs. */
struct loop_due {
	int64_t at_us;
	struct loop_timer *timer;
};

struct loop_post {
	void (*function)(void *data);
	void *data;
	struct loop_post *next;
};

struct loop {
	char *name;
	int epoll;
	int wake; /* an eventfd, for posts and quit */
	int64_t now_us;
	unsigned interval_us;
	bool quit;                 /* atomic */
	struct loop_post *posts;   /* atomic; a stack, the newest first */
	GPtrArray *to_wake;        /* of struct loop: what this round has posted work to */
	size_t n_timers, n_watches; /* atomic: read by any thread */
	GArray *heap;              /* of struct loop_due; [0] unused, so that children are at 2i and 2i + 1 */
	struct loop_watch *buried; /* freed in this round */
	struct loop_guest *guest;
};

/* The due time of the first timer, or INT64_MAX. */
int64_t loop_timers_due_us(const struct loop *loop);
void loop_timers_fire(struct loop *loop);
void loop_timers_forget(struct loop *loop);

/* The guest context. Its descriptors are in an epoll of its own, so that it can never collide with a watch; that
 * epoll's descriptor is readable when one of them is ready. */
int loop_guest_new(struct loop_guest **ret_guest);
struct loop_guest *loop_guest_free(struct loop_guest *guest);
int loop_guest_descriptor(const struct loop_guest *guest);
GMainContext *loop_guest_get_context(struct loop_guest *guest);
void loop_guest_touch(struct loop_guest *guest);
/* Around the rounds: own the context and be the thread's default. */
void loop_guest_enter(struct loop_guest *guest);
void loop_guest_leave(struct loop_guest *guest);
/* When the guest wants to be walked next without any event; 0 for at once, INT64_MAX for never. */
int64_t loop_guest_due_us(const struct loop_guest *guest);
/* Once a round. Costs nothing when no descriptor is `ready`, nothing is due and nothing was touched. */
void loop_guest_walk(struct loop_guest *guest, bool ready, int64_t now_us);
