/* A GMainContext driven by hand: prepare and query tell what it waits for, which is kept in an epoll; check and
 * dispatch run only when that epoll has something or the context's own time has come. GLib's loop would poll all
 * descriptors of all sources at every wake-up, a packet's included. */
#include "loop/internal.h"
#include <unistd.h>

#define EVENTS_PER_WALK 64

/* What is known of the descriptor whose number is the index. */
struct slot {
	uint32_t events;     /* as registered; 0 for not registered */
	unsigned generation; /* of the query that named it last */
	unsigned index;      /* into `polls`, of that query */
};

struct loop_guest {
	GMainContext *context;
	int epoll;
	GArray *polls; /* of GPollFD: what the context waits for now, in order of descriptor */
	GArray *before; /* the same, of the query before */
	GArray *slots;
	unsigned generation;
	int priority;
	int64_t due_us;
	bool touched;
};

int loop_guest_new(struct loop_guest **ret_guest)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		return -errno;
	struct loop_guest *guest = g_new0(struct loop_guest, 1);
	guest->epoll = epoll;
	guest->context = g_main_context_new();
	guest->polls = g_array_new(FALSE, TRUE, sizeof(GPollFD));
	guest->before = g_array_new(FALSE, TRUE, sizeof(GPollFD));
	guest->slots = g_array_new(FALSE, TRUE, sizeof(struct slot));
	guest->touched = true;
	*ret_guest = guest;
	return 0;
}

struct loop_guest *loop_guest_free(struct loop_guest *guest)
{
	if (!guest)
		return NULL;
	g_main_context_unref(guest->context);
	g_array_free(guest->polls, TRUE);
	g_array_free(guest->before, TRUE);
	g_array_free(guest->slots, TRUE);
	close(guest->epoll);
	g_free(guest);
	return NULL;
}

int loop_guest_descriptor(const struct loop_guest *guest)
{
	return guest->epoll;
}

GMainContext *loop_guest_get_context(struct loop_guest *guest)
{
	return guest->context;
}

void loop_guest_touch(struct loop_guest *guest)
{
	guest->touched = true;
}

void loop_guest_enter(struct loop_guest *guest)
{
	gboolean owned = g_main_context_acquire(guest->context);
	g_assert(owned); /* nobody else may run it */
	g_main_context_push_thread_default(guest->context);
	guest->touched = true; /* what was attached while nobody owned the context woke nobody */
}

void loop_guest_leave(struct loop_guest *guest)
{
	g_main_context_pop_thread_default(guest->context);
	g_main_context_release(guest->context);
}

int64_t loop_guest_due_us(const struct loop_guest *guest)
{
	return guest->touched ? 0 : guest->due_us;
}

static void guest_register(struct loop_guest *guest, int descriptor, struct slot *slot, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = descriptor};
	/* Always tried as new. A descriptor that was closed and whose number came again between two queries looks
	 * unchanged here but left the epoll when it was closed; EEXIST proves that this one did not. */
	int result = epoll_ctl(guest->epoll, EPOLL_CTL_ADD, descriptor, &event);
	if (result < 0 && errno == EEXIST)
		result = slot->events == events ? 0 : epoll_ctl(guest->epoll, EPOLL_CTL_MOD, descriptor, &event);
	slot->events = result < 0 ? 0 : events;
}

/* Brings the epoll in line with `polls`. */
static void guest_synchronise(struct loop_guest *guest)
{
	guest->generation++;
	for (unsigned i = 0; i < guest->polls->len; i++) {
		GPollFD *poll = &g_array_index(guest->polls, GPollFD, i);
		if (poll->fd < 0)
			continue;
		if ((unsigned)poll->fd >= guest->slots->len)
			g_array_set_size(guest->slots, poll->fd + 1);
		struct slot *slot = &g_array_index(guest->slots, struct slot, poll->fd);
		slot->generation = guest->generation;
		slot->index = i;
		guest_register(guest, poll->fd, slot, poll->events);
	}
	for (unsigned i = 0; i < guest->before->len; i++) {
		int descriptor = g_array_index(guest->before, GPollFD, i).fd;
		if (descriptor < 0)
			continue;
		struct slot *slot = &g_array_index(guest->slots, struct slot, descriptor);
		if (slot->generation == guest->generation || !slot->events)
			continue;
		epoll_ctl(guest->epoll, EPOLL_CTL_DEL, descriptor, NULL); /* fails when it is closed: then it is out */
		slot->events = 0;
	}
}

/* Asks the context what it waits for. */
static void guest_prepare(struct loop_guest *guest)
{
	GArray *before = guest->before;
	guest->before = guest->polls;
	guest->polls = before;
	guest->touched = false;

	g_main_context_prepare(guest->context, &guest->priority);
	int timeout_ms = -1, wanted;
	g_array_set_size(guest->polls, MAX(guest->before->len, 8));
	while ((wanted = g_main_context_query(guest->context, guest->priority, &timeout_ms,
					      (GPollFD *)(void *)guest->polls->data, guest->polls->len)) >
	       (int)guest->polls->len)
		g_array_set_size(guest->polls, wanted);
	g_array_set_size(guest->polls, wanted);
	guest_synchronise(guest);
	guest->due_us = timeout_ms < 0 ? INT64_MAX : base_monotonic_us() + (int64_t)timeout_ms * 1000;
}

/* Writes what is ready into `polls`. More than EVENTS_PER_WALK wait for the next round: the epoll stays readable. */
static void guest_collect(struct loop_guest *guest)
{
	for (unsigned i = 0; i < guest->polls->len; i++)
		g_array_index(guest->polls, GPollFD, i).revents = 0;
	struct epoll_event events[EVENTS_PER_WALK];
	int count = epoll_wait(guest->epoll, events, EVENTS_PER_WALK, 0);
	for (int i = 0; i < count; i++) {
		struct slot *slot = &g_array_index(guest->slots, struct slot, events[i].data.fd);
		if (slot->events)
			g_array_index(guest->polls, GPollFD, slot->index).revents = events[i].events;
	}
}

void loop_guest_walk(struct loop_guest *guest, bool ready, int64_t now_us)
{
	if (ready || now_us >= guest->due_us) {
		guest_collect(guest);
		if (g_main_context_check(guest->context, guest->priority, (GPollFD *)(void *)guest->polls->data,
					 guest->polls->len))
			g_main_context_dispatch(guest->context);
		guest->touched = true;
	}
	if (guest->touched)
		guest_prepare(guest);
}
