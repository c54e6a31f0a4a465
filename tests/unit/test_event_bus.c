#include "event/event.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static struct event_bus *bus;
static struct event_subscription *first, *second, *late;
static GString *heard;

static int set_up(void **state)
{
	bus = event_bus_new();
	heard = g_string_new(NULL);
	first = second = late = NULL;
	return 0;
}

static int tear_down(void **state)
{
	bus = event_bus_free(bus);
	event_unsubscribe(first);
	event_unsubscribe(second);
	event_unsubscribe(late);
	g_string_free(heard, TRUE);
	return 0;
}

static void note_call(void *user, const struct event_call_changed *event)
{
	g_string_append_printf(heard, "%s:%s:%s ", (const char *)user, event->call,
			       event_call_state_name(event->state));
}

static void note_registration(void *user, const struct event_registration_changed *event)
{
	g_string_append_printf(heard, "%s:%s:%zu ", (const char *)user, event->user, event->n_bindings);
}

static const struct event_receiver calls = {.call_changed = note_call};
static const struct event_receiver all = {.call_changed = note_call, .registration_changed = note_registration};

static void leave(void *user, const struct event_call_changed *event)
{
	note_call(user, event);
	first = event_unsubscribe(first);
	second = event_unsubscribe(second);
	if (!late)
		late = event_subscribe(bus, &calls, "late");
}
static const struct event_receiver leaver = {.call_changed = leave};

static void nest(void *user, const struct event_call_changed *event)
{
	note_call(user, event);
	event_publish_registration_changed(bus, &(struct event_registration_changed){.user = "alice", .n_bindings = 1});
}
static const struct event_receiver nester = {.call_changed = nest};

static void ring(const char *call)
{
	event_publish_call_changed(bus, &(struct event_call_changed){.call = call, .state = EVENT_CALL_RINGING});
}

static void test_order_and_kinds(void **state)
{
	first = event_subscribe(bus, &calls, "a");
	second = event_subscribe(bus, &all, "b");
	ring("1");
	event_publish_registration_changed(bus, &(struct event_registration_changed){.user = "alice", .n_bindings = 2});
	event_publish_media_failed(bus, &(struct event_media_failed){.call = "1"});
	first = event_unsubscribe(first);
	ring("2");
	assert_string_equal(heard->str, "a:1:ringing b:1:ringing b:alice:2 b:2:ringing ");
}

static void test_leaving_within(void **state)
{
	first = event_subscribe(bus, &leaver, "a");
	second = event_subscribe(bus, &calls, "b");
	ring("1"); /* b left before it was told, late came after */
	ring("2");
	assert_string_equal(heard->str, "a:1:ringing late:2:ringing ");
}

static void test_publishing_within(void **state)
{
	first = event_subscribe(bus, &nester, "a");
	second = event_subscribe(bus, &all, "b");
	ring("1");
	assert_string_equal(heard->str, "a:1:ringing b:alice:1 b:1:ringing ");
}

static void test_nobody(void **state)
{
	event_publish_call_changed(NULL, &(struct event_call_changed){.call = "1"});
	ring("1");
	assert_string_equal(heard->str, "");
	assert_string_equal(event_side_name(EVENT_SIDE_GATEWAY), "gateway");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_order_and_kinds, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_leaving_within, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_publishing_within, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_nobody, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
