/* A binary heap of members; every timer knows its position, so that stopping one takes no search. The times stand in the heap too: to
 * compare them in thousands of timers all over the memory would be a cache miss each. */
#include "loop/internal.h"

static struct loop_due *heap_at(const struct loop *loop, size_t position)
{
	return &g_array_index(loop->heap, struct loop_due, position);
}

static void heap_place(struct loop *loop, size_t position, struct loop_due due)
{
	*heap_at(loop, position) = due;
	due.timer->position = position;
}

static void heap_rise(struct loop *loop, size_t position, struct loop_due due)
{
	for (; position > 1 && heap_at(loop, position / 2)->at_us > due.at_us; position /= 2)
		heap_place(loop, position, *heap_at(loop, position / 2));
	heap_place(loop, position, due);
}

static void heap_sink(struct loop *loop, size_t position, struct loop_due due)
{
	for (size_t child; (child = position * 2) < loop->heap->len; position = child) {
		if (child + 1 < loop->heap->len && heap_at(loop, child + 1)->at_us < heap_at(loop, child)->at_us)
			child++;
		if (heap_at(loop, child)->at_us >= due.at_us)
			break;
		heap_place(loop, position, *heap_at(loop, child));
	}
	heap_place(loop, position, due);
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop, void (*fire)(void *data), void *data)
{
	*timer = (struct loop_timer){.loop = loop, .fire = fire, .data = data};
}

static void heap_resize(struct loop *loop, guint length)
{
	g_array_set_size(loop->heap, length);
	__atomic_store_n(&loop->n_timers, length - 1, __ATOMIC_RELAXED);
}

void loop_timer_stop(struct loop_timer *timer)
{
	if (!timer->position)
		return;
	struct loop *loop = timer->loop;
	size_t position = timer->position;
	timer->position = 0;
	struct loop_due last = *heap_at(loop, loop->heap->len - 1);
	heap_resize(loop, loop->heap->len - 1);
	if (last.timer == timer)
		return;
	if (position > 1 && heap_at(loop, position / 2)->at_us > last.at_us)
		heap_rise(loop, position, last);
	else
		heap_sink(loop, position, last);
}

void loop_timer_start_us(struct loop_timer *timer, int64_t delay_us)
{
	loop_timer_stop(timer);
	/* Never due in the round that starts it: one that always starts itself anew must not keep the loop. */
	timer->due_us = loop_now_us(timer->loop) + MAX(delay_us, 1);
	heap_resize(timer->loop, timer->loop->heap->len + 1);
	heap_rise(timer->loop, timer->loop->heap->len - 1, (struct loop_due){timer->due_us, timer});
}

void loop_timer_start_ms(struct loop_timer *timer, int64_t delay_ms)
{
	loop_timer_start_us(timer, delay_ms * 1000);
}

bool loop_timer_is_running(const struct loop_timer *timer)
{
	return timer->position != 0;
}

int64_t loop_timers_due_us(const struct loop *loop)
{
	return loop->heap->len > 1 ? heap_at(loop, 1)->at_us : INT64_MAX;
}

void loop_timers_fire(struct loop *loop)
{
	while (loop_timers_due_us(loop) <= loop->now_us) {
		struct loop_timer *timer = heap_at(loop, 1)->timer;
		loop_timer_stop(timer);
		timer->fire(timer->data);
	}
}

void loop_timers_forget(struct loop *loop)
{
	for (size_t i = 1; i < loop->heap->len; i++)
		heap_at(loop, i)->timer->position = 0;
	heap_resize(loop, 1);
}
