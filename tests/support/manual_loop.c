#include "manual_loop.h"

struct posted {
	void (*function)(void *data);
	void *data;
};

struct loop {
	int64_t now_us;
	GPtrArray *timers; /* struct loop_timer, in order of starting */
	GArray *posted;
};

int loop_new(const char *name, struct loop **ret_loop)
{
	struct loop *loop = g_new0(struct loop, 1);
	loop->now_us = 1000000;
	loop->timers = g_ptr_array_new();
	loop->posted = g_array_new(FALSE, FALSE, sizeof(struct posted));
	*ret_loop = loop;
	return 0;
}

static void run_posted(struct loop *loop)
{
	while (loop->posted->len) {
		struct posted posted = g_array_index(loop->posted, struct posted, 0);
		g_array_remove_index(loop->posted, 0);
		posted.function(posted.data);
	}
}

struct loop *loop_free(struct loop *loop)
{
	if (!loop)
		return NULL;
	run_posted(loop);
	g_ptr_array_unref(loop->timers);
	g_array_unref(loop->posted);
	g_free(loop);
	return NULL;
}

void loop_run(struct loop *loop)
{
	manual_loop_settle(loop);
}

void loop_quit(struct loop *loop)
{
}

void loop_post(struct loop *loop, void (*function)(void *data), void *data)
{
	struct posted posted = {function, data};
	g_array_append_val(loop->posted, posted);
}

int64_t loop_now_us(const struct loop *loop)
{
	return loop->now_us;
}

GMainContext *loop_guest_context(struct loop *loop)
{
	return NULL;
}

void loop_touch_guest(struct loop *loop)
{
}

void loop_set_interval_us(struct loop *loop, unsigned interval_us)
{
}

int loop_watch_add(struct loop *loop, int descriptor, uint32_t events, void (*ready)(void *data, uint32_t events),
		   void *data, struct loop_watch **ret_watch)
{
	return -ENOTSUP;
}

int loop_watch_set_events(struct loop_watch *watch, uint32_t events)
{
	return -ENOTSUP;
}

struct loop_watch *loop_watch_free(struct loop_watch *watch)
{
	return NULL;
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop, void (*fire)(void *data), void *data)
{
	*timer = (struct loop_timer){.loop = loop, .fire = fire, .data = data};
}

void loop_timer_stop(struct loop_timer *timer)
{
	if (timer->position)
		g_ptr_array_remove(timer->loop->timers, timer);
	timer->position = 0;
}

void loop_timer_start_us(struct loop_timer *timer, int64_t delay_us)
{
	loop_timer_stop(timer);
	timer->due_us = timer->loop->now_us + delay_us;
	timer->position = 1;
	g_ptr_array_add(timer->loop->timers, timer);
}

void loop_timer_start_ms(struct loop_timer *timer, int64_t delay_ms)
{
	loop_timer_start_us(timer, delay_ms * 1000);
}

bool loop_timer_is_running(const struct loop_timer *timer)
{
	return timer->position;
}

static struct loop_timer *first_due(const struct loop *loop, int64_t until_us)
{
	struct loop_timer *first = NULL;
	for (unsigned i = 0; i < loop->timers->len; i++) {
		struct loop_timer *timer = g_ptr_array_index(loop->timers, i);
		if (timer->due_us <= until_us && (!first || timer->due_us < first->due_us))
			first = timer;
	}
	return first;
}

void manual_loop_advance_ms(struct loop *loop, int64_t milliseconds)
{
	int64_t until_us = loop->now_us + milliseconds * 1000;
	struct loop_timer *timer;
	run_posted(loop);
	while ((timer = first_due(loop, until_us))) {
		loop->now_us = MAX(loop->now_us, timer->due_us);
		loop_timer_stop(timer);
		timer->fire(timer->data);
		run_posted(loop);
	}
	loop->now_us = until_us;
}

void manual_loop_settle(struct loop *loop)
{
	manual_loop_advance_ms(loop, 0);
}

size_t manual_loop_timers(const struct loop *loop)
{
	return loop->timers->len;
}
