/* A GMainContext for one object of a library that brings timeouts and nothing else. GLib walks all sources of a context for
 * each that is due; with one of its own, an object is never walked for another's sake. */
#include "loop/internal.h"

#define POLLS_MAX 4 /* the context's own descriptor, which says nothing to its own thread */

struct loop_timeouts {
	GMainContext *context;
	struct loop_timer timer;
};

/* What is due is served when `serves`. When the next is due, in ms; -1: never. */
static int timeouts_walk(struct loop_timeouts *timeouts, bool serves)
{
	GMainContext *context = timeouts->context;
	GPollFD polls[POLLS_MAX] = {0};
	int priority, timeout_ms = -1;
	if (!g_main_context_acquire(context))
		return -1;
	g_main_context_prepare(context, &priority);
	int n = g_main_context_query(context, priority, &timeout_ms, polls, POLLS_MAX);
	if (serves && g_main_context_check(context, priority, polls, MIN(n, POLLS_MAX)))
		g_main_context_dispatch(context);
	g_main_context_release(context);
	return timeout_ms;
}

void loop_timeouts_touch(struct loop_timeouts *timeouts)
{
	int due_ms = timeouts_walk(timeouts, false);
	if (due_ms < 0)
		loop_timer_stop(&timeouts->timer);
	else
		loop_timer_start_ms(&timeouts->timer, due_ms);
}

static void timeouts_due(void *data)
{
	timeouts_walk(data, true);
	loop_timeouts_touch(data);
}

struct loop_timeouts *loop_timeouts_new(struct loop *loop)
{
	struct loop_timeouts *timeouts = g_new0(struct loop_timeouts, 1);
	timeouts->context = g_main_context_new();
	loop_timer_init(&timeouts->timer, loop, timeouts_due, timeouts);
	return timeouts;
}

struct loop_timeouts *loop_timeouts_free(struct loop_timeouts *timeouts)
{
	if (!timeouts)
		return NULL;
	loop_timer_stop(&timeouts->timer);
	g_main_context_unref(timeouts->context);
	g_free(timeouts);
	return NULL;
}

GMainContext *loop_timeouts_context(struct loop_timeouts *timeouts)
{
	return timeouts->context;
}
