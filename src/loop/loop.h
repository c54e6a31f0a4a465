/* One thread's event loop: file descriptors on epoll, a timer heap, posted work, and a guest GMainContext for libraries
 * that bring GLib sources (libwebsockets, libnice). The guest is only walked when it has something to do, so that its
 * number of sources is no cost of a packet.
 *
 * Everything but loop_post(), loop_quit() and loop_count() is called on the loop's own thread (or before loop_run()). */
#pragma once
#include "base/base.h"

struct loop;
struct loop_watch;

/* 0 or -errno. `name` is for logs and the thread's name; copied. */
int loop_new(const char *name, struct loop **ret_loop);
/* Runs nothing more; posted work that has not run yet is run once so that it can free what it owns. Accepts NULL. */
struct loop *loop_free(struct loop *loop);

/* Runs until loop_quit(). Makes the guest context the thread's default. */
void loop_run(struct loop *loop);
/* Any thread. */
void loop_quit(struct loop *loop);

/* Any thread. Calls function(data) on the loop's thread, in order of posting. */
void loop_post(struct loop *loop, void (*function)(void *data), void *data);

/* CLOCK_MONOTONIC, read once per round of the loop. */
int64_t loop_now_us(const struct loop *loop);

/* The context for libraries that want one. Owned by the loop. */
GMainContext *loop_guest_context(struct loop *loop);
/* To be called after any call into a library that may have added or changed a GLib source from this thread. */
void loop_touch_guest(struct loop *loop);

/* What waits on the loop, for metrics and tests. Any thread. */
struct loop_counts {
	size_t timers;  /* running */
	size_t watches;
};
void loop_count(const struct loop *loop, struct loop_counts *ret_counts);

/* At least this long between two rounds (0: every event is served at once). For batching packets under load. */
void loop_set_interval_us(struct loop *loop, unsigned interval_us);

/* `events` are EPOLLIN, EPOLLOUT; the descriptor stays the caller's and must outlive the watch. 0 or -errno. */
int loop_watch_add(struct loop *loop, int descriptor, uint32_t events, void (*ready)(void *data, uint32_t events),
		   void *data, struct loop_watch **ret_watch);
int loop_watch_set_events(struct loop_watch *watch, uint32_t events);
/* Safe inside the watch's own callback; no callback comes after it. Accepts NULL. Returns NULL. */
struct loop_watch *loop_watch_free(struct loop_watch *watch);

/* A timer is a member of the object it serves; it costs nothing while stopped. */
struct loop_timer {
	struct loop *loop;
	void (*fire)(void *data);
	void *data;
	int64_t due_us;
	size_t position; /* in the heap, from 1; 0 when stopped */
};

void loop_timer_init(struct loop_timer *timer, struct loop *loop, void (*fire)(void *data), void *data);
/* Starts, or starts anew. One-shot; may be started again from its own callback. */
void loop_timer_start_ms(struct loop_timer *timer, int64_t delay_ms);
void loop_timer_start_us(struct loop_timer *timer, int64_t delay_us);
/* Accepts a stopped or never initialised (zeroed) timer. To be called in the destructor of the object. */
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_running(const struct loop_timer *timer);
