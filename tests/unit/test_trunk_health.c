/* A peer that is asked by OPTIONS, on the loopback: what is told when it goes, comes, and is asked no more. */
#include "trunk/trunk.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define PATIENCE_MS 20000

static const struct config_table *const tables[] = {&trunk_options, &trunk_dns_options, NULL};

struct site {
	struct loop *loop;
	struct event_bus *bus;
	struct event_subscription *subscription;
	struct sip_stack *ours, *theirs;
	struct trunks *trunks;
	char peer[NET_ADDRESS_TEXT_MAX];
	char *heard; /* the last event */
};

static void on_event(void *user, const struct event_trunk_peer_changed *event)
{
	struct site *site = user;
	g_free(site->heard);
	site->heard = g_strdup_printf("%s %s %s: %s", event->trunk, event->peer, event->is_up ? "up" : "down", event->cause);
	loop_quit(site->loop);
}
static const struct event_receiver receiver = {.trunk_peer_changed = on_event};

static void on_request(void *user, struct sip_server_transaction *transaction)
{
	sip_server_transaction_reply(transaction, 200, NULL, "t");
}

static struct sip_stack *listening(struct site *site, const char *where)
{
	static const struct sip_stack_handler handler = {.request = on_request};
	struct sip_stack *stack;
	g_autofree char *text = g_strdup_printf("udp:%s", where);
	assert_int_equal(sip_stack_new(site->loop, &handler, site, &stack), 0);
	assert_int_equal(sip_stack_listen(stack, text), 0);
	return stack;
}

static struct config_snapshot *configuration(const struct site *site, unsigned options_seconds)
{
	struct config_snapshot *snapshot = NULL;
	struct config_errors *errors = NULL;
	g_autofree char *text = g_strdup_printf("trunks : ( { name = \"pbx\"; peer = \"sip:%s\"; options_seconds = %u; } );", site->peer,
						options_seconds);
	if (config_load_text("/t", text, strlen(text), tables, &snapshot, &errors) < 0)
		fail_msg("%s", config_errors_line(errors, 0));
	return snapshot;
}

/* A port that nobody listens on. */
static void choose_peer(struct site *site)
{
	struct sip_stack *stack = listening(site, "127.0.0.1:0");
	struct net_address address;
	assert_int_equal(sip_stack_listening_address(stack, SIP_TRANSPORT_UDP, 0, &address), 0);
	net_address_format(&address, site->peer);
	sip_stack_free(stack);
}

static int set_up(void **state)
{
	struct site *site = *state = g_new0(struct site, 1);
	assert_int_equal(loop_new("test", &site->loop), 0);
	site->bus = event_bus_new();
	site->subscription = event_subscribe(site->bus, &receiver, site);
	choose_peer(site);
	struct config_snapshot *snapshot = configuration(site, 1);
	assert_int_equal(trunks_new(site->loop, snapshot, &site->trunks), 0);
	config_unref(snapshot);
	site->ours = listening(site, "127.0.0.1:0");
	trunks_start(site->trunks, site->ours, site->bus);
	return 0;
}

static int tear_down(void **state)
{
	struct site *site = *state;
	trunks_free(site->trunks);
	sip_stack_free(site->ours);
	sip_stack_free(site->theirs);
	event_unsubscribe(site->subscription);
	event_bus_free(site->bus);
	loop_free(site->loop);
	g_free(site->heard);
	g_free(site);
	return 0;
}

static void give_up(void *data)
{
	fail_msg("nothing was told of the peer");
}

static void expect_event(struct site *site, const char *said)
{
	struct loop_timer patience;
	loop_timer_init(&patience, site->loop, give_up, site);
	loop_timer_start_ms(&patience, PATIENCE_MS);
	if (!site->heard)
		loop_run(site->loop);
	loop_timer_stop(&patience);
	g_autofree char *wanted = g_strdup_printf("pbx %s %s", site->peer, said);
	assert_string_equal(site->heard, wanted);
	g_clear_pointer(&site->heard, g_free);
}

static void test_a_peer_that_goes_and_comes(void **state)
{
	struct site *site = *state;
	expect_event(site, "down: no connection");
	site->theirs = listening(site, site->peer);
	expect_event(site, "up: it answers again");
}

static void test_a_peer_that_is_down_and_asked_no_more(void **state)
{
	struct site *site = *state;
	expect_event(site, "down: no connection");
	struct config_snapshot *snapshot = configuration(site, 0);
	assert_int_equal(trunks_reload(site->trunks, snapshot), 0);
	config_unref(snapshot);
	expect_event(site, "up: it is not asked any more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_a_peer_that_goes_and_comes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_a_peer_that_is_down_and_asked_no_more, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
