#include "loop/internal.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_PER_ROUND 256

static _Thread_local const struct loop *running; /* this thread's, in a round; NULL */

int loop_new(const char *name, struct loop **ret_loop)
{
	struct loop *loop = g_new0(struct loop, 1);
	loop->name = g_strdup(name);
	loop->wake = -1;
	loop->to_wake = g_ptr_array_new();
	loop->heap = g_array_new(FALSE, TRUE, sizeof(struct loop_due));
	g_array_set_size(loop->heap, 1);
	int error = 0;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0 || (loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		error = -errno;
	if (!error)
		error = loop_guest_new(&loop->guest);
	/* The two addresses tell these events from a watch's. */
	struct epoll_event wake = {.events = EPOLLIN | EPOLLET, .data.ptr = &loop->wake}; /* each write wakes; nobody reads */
	struct epoll_event guest = {.events = EPOLLIN, .data.ptr = &loop->guest};
	if (!error && (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &wake) < 0 ||
		       epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop_guest_descriptor(loop->guest), &guest) < 0))
		error = -errno;
	if (error) {
		loop_free(loop);
		return error;
	}
	*ret_loop = loop;
	return 0;
}

int64_t loop_now_us(const struct loop *loop)
{
	return loop == running ? loop->now_us : base_monotonic_us();
}

GMainContext *loop_guest_context(struct loop *loop)
{
	return loop_guest_get_context(loop->guest);
}

void loop_touch_guest(struct loop *loop)
{
	loop_guest_touch(loop->guest);
}

void loop_count(const struct loop *loop, struct loop_counts *ret_counts)
{
	ret_counts->timers = __atomic_load_n(&loop->n_timers, __ATOMIC_RELAXED);
	ret_counts->watches = __atomic_load_n(&loop->n_watches, __ATOMIC_RELAXED);
}

void loop_set_interval_us(struct loop *loop, unsigned interval_us)
{
	loop->interval_us = interval_us;
}

/* Posted work */

static void loop_wake(struct loop *loop)
{
	uint64_t one = 1;
	ssize_t written = write(loop->wake, &one, sizeof one);
	(void)written; /* fails only when it is full, and then the loop wakes anyway */
}

void loop_post(struct loop *loop, void (*function)(void *data), void *data)
{
	struct loop_post *post = g_new(struct loop_post, 1);
	post->function = function;
	post->data = data;
	struct loop_post *head = __atomic_load_n(&loop->posts, __ATOMIC_RELAXED);
	do
		post->next = head;
	while (!__atomic_compare_exchange_n(&loop->posts, &head, post, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	if (head)
		return; /* the others' wake-up is still on its way */
	if (running)
		g_ptr_array_add(running->to_wake, loop);
	else
		loop_wake(loop);
}

/* At the end of a round, which often posts more than once: waking a thread costs more than the work it is woken for. */
static void loop_wake_others(struct loop *loop)
{
	for (guint i = 0; i < loop->to_wake->len; i++)
		loop_wake(loop->to_wake->pdata[i]);
	g_ptr_array_set_size(loop->to_wake, 0);
}

static bool loop_run_posts(struct loop *loop)
{
	struct loop_post *newest = __atomic_exchange_n(&loop->posts, NULL, __ATOMIC_ACQUIRE);
	struct loop_post *oldest = NULL;
	while (newest) {
		struct loop_post *next = newest->next;
		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	bool any = oldest;
	while (oldest) {
		struct loop_post *post = oldest;
		oldest = post->next;
		post->function(post->data);
		g_free(post);
	}
	return any;
}

void loop_quit(struct loop *loop)
{
	__atomic_store_n(&loop->quit, true, __ATOMIC_RELEASE);
	loop_wake(loop);
}

/* Watches */

int loop_watch_add(struct loop *loop, int descriptor, uint32_t events, void (*ready)(void *data, uint32_t events),
		   void *data, struct loop_watch **ret_watch)
{
	struct loop_watch *watch = g_new0(struct loop_watch, 1);
	*watch = (struct loop_watch){.loop = loop, .descriptor = descriptor, .ready = ready, .data = data};
	struct epoll_event event = {.events = events, .data.ptr = watch};
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, descriptor, &event) < 0) {
		int error = -errno;
		g_free(watch);
		return error;
	}
	__atomic_fetch_add(&loop->n_watches, 1, __ATOMIC_RELAXED);
	*ret_watch = watch;
	return 0;
}

int loop_watch_set_events(struct loop_watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	return epoll_ctl(watch->loop->epoll, EPOLL_CTL_MOD, watch->descriptor, &event) < 0 ? -errno : 0;
}

struct loop_watch *loop_watch_free(struct loop_watch *watch)
{
	if (!watch)
		return NULL;
	epoll_ctl(watch->loop->epoll, EPOLL_CTL_DEL, watch->descriptor, NULL);
	__atomic_fetch_sub(&watch->loop->n_watches, 1, __ATOMIC_RELAXED);
	if (watch->loop != running) {
		g_free(watch);
		return NULL;
	}
	watch->freed = true;
	watch->next = watch->loop->buried;
	watch->loop->buried = watch;
	return NULL;
}

static void loop_free_buried(struct loop *loop)
{
	while (loop->buried) {
		struct loop_watch *watch = loop->buried;
		loop->buried = watch->next;
		g_free(watch);
	}
}

/* Rounds */

static int loop_wait(struct loop *loop, struct epoll_event *events)
{
	int64_t due_us = MIN(loop_timers_due_us(loop), loop_guest_due_us(loop->guest));
	if (__atomic_load_n(&loop->quit, __ATOMIC_ACQUIRE))
		due_us = 0;
	if (due_us == INT64_MAX)
		return epoll_wait(loop->epoll, events, EVENTS_PER_ROUND, -1);
	int64_t wait_us = CLAMP(due_us - base_monotonic_us(), 0, (int64_t)3600 * 1000 * 1000);
	struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
	int count = epoll_pwait2(loop->epoll, events, EVENTS_PER_ROUND, &wait, NULL);
	if (count < 0 && errno == ENOSYS) /* Linux before 5.11 */
		count = epoll_wait(loop->epoll, events, EVENTS_PER_ROUND, (wait_us + 999) / 1000);
	return count;
}

static void loop_round(struct loop *loop)
{
	struct epoll_event events[EVENTS_PER_ROUND];
	int count = loop_wait(loop, events);
	loop->now_us = base_monotonic_us();
	running = loop;
	bool guest_ready = false, posted = false;
	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr == &loop->wake) {
			posted = true;
		} else if (events[i].data.ptr == &loop->guest) {
			guest_ready = true;
		} else {
			struct loop_watch *watch = events[i].data.ptr;
			if (!watch->freed)
				watch->ready(watch->data, events[i].events);
		}
	}
	if (posted)
		loop_run_posts(loop);
	loop_timers_fire(loop);
	loop_guest_walk(loop->guest, guest_ready, loop->now_us);
	running = NULL;
	loop_wake_others(loop);
	loop_free_buried(loop);
}

static void loop_sleep_until(int64_t until_us)
{
	struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

void loop_run(struct loop *loop)
{
	if (getpid() != gettid()) /* the first thread's name is the process's */
		pthread_setname_np(pthread_self(), loop->name);
	loop_guest_enter(loop->guest);
	while (!__atomic_load_n(&loop->quit, __ATOMIC_ACQUIRE)) {
		loop_round(loop);
		if (loop->interval_us)
			loop_sleep_until(loop->now_us + loop->interval_us);
	}
	__atomic_store_n(&loop->quit, false, __ATOMIC_RELEASE);
	loop_guest_leave(loop->guest);
}

struct loop *loop_free(struct loop *loop)
{
	if (!loop)
		return NULL;
	while (loop_run_posts(loop))
		; /* what posted work posts is owed the same */
	if (running)
		g_ptr_array_remove(running->to_wake, loop);
	loop_timers_forget(loop);
	loop_free_buried(loop);
	loop_guest_free(loop->guest);
	if (loop->wake >= 0)
		close(loop->wake);
	if (loop->epoll >= 0)
		close(loop->epoll);
	g_array_free(loop->heap, TRUE);
	g_ptr_array_free(loop->to_wake, TRUE);
	g_free(loop->name);
	g_free(loop);
	return NULL;
}
