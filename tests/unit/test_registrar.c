/* Bindings and endpoints over time: what ends them, who takes over, who is told. Who may register at all is tested on the
 * whole daemon. */
#include "fake_flow.h"
#include "manual_loop.h"
#include "registrar/registrar.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define GRACE_MS 30000

struct house {
	struct loop *loop;
	struct sip_stack *stack;
	struct config_snapshot *config;
	struct event_bus *events;
	struct event_subscription *subscription;
	struct registrar *registrar;
	unsigned n_requests;
	GString *seen; /* registration events */
};

static void on_request(void *user, struct sip_server_transaction *transaction)
{
	struct house *house = user;
	registrar_handle_register(house->registrar, transaction);
}

static void on_registration(void *user, const struct event_registration_changed *event)
{
	struct house *house = user;
	g_string_append_printf(house->seen, "%s %s%s %zu\n", event->user, event->is_added ? "added" : "removed: ",
			       event->is_added ? "" : event->cause, event->n_bindings);
}

static struct config_snapshot *load(const char *text)
{
	static const struct config_table *const tables[] = {&registrar_config_table, &registrar_tokens_config_table, &registrar_turn_config_table,
							     &registrar_users_config_table, NULL};
	struct config_snapshot *config = NULL;
	struct config_errors *errors = NULL;
	if (config_load_text("test.conf", text, strlen(text), tables, &config, &errors))
		fail_msg("%s", config_errors_line(errors, 0));
	return config;
}

static int setup(void **state)
{
	static const struct sip_stack_handler handler = {.request = on_request};
	static const struct event_receiver receiver = {.registration_changed = on_registration};
	struct house *house = g_new0(struct house, 1);
	house->seen = g_string_new(NULL);
	house->config = load("registrar : { authentication = \"none\"; expires_seconds = 600; grace_seconds = 30; };\n"
			     "users : ( { name = \"alice\"; } );");
	house->events = event_bus_new();
	house->subscription = event_subscribe(house->events, &receiver, house);
	assert_int_equal(loop_new("test", &house->loop), 0);
	assert_int_equal(sip_stack_new(house->loop, &handler, house, &house->stack), 0);
	assert_int_equal(registrar_new(house->stack, house->config, "example.com", house->events, &house->registrar), 0);
	*state = house;
	return 0;
}

static int teardown(void **state)
{
	struct house *house = *state;
	house->registrar = registrar_free(house->registrar);
	sip_stack_free(house->stack);
	assert_int_equal(manual_loop_timers(house->loop), 0);
	event_unsubscribe(house->subscription);
	event_bus_free(house->events);
	config_unref(house->config);
	loop_free(house->loop);
	g_string_free(house->seen, TRUE);
	g_free(house);
	return 0;
}

/* Sends a REGISTER and returns its status. `contact` is the header's value. */
static unsigned register_with(struct house *house, struct fake_flow *flow, const char *call_id, const char *contact)
{
	unsigned number = ++house->n_requests;
	g_autofree char *text = g_strdup_printf(
		"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=%u\r\nTo: <sip:alice@example.com>\r\n"
		"Call-ID: %s\r\nCSeq: %u REGISTER\r\nContact: %s\r\nContent-Length: 0\r\n\r\n",
		number, number, call_id, number, contact);
	sip_stack_receive(house->stack, flow->flow, text, strlen(text));
	struct sip_message *response = fake_flow_take(flow);
	assert_non_null(response);
	unsigned status = sip_message_status(response);
	sip_message_unref(response);
	return status;
}

/* Flows are static in the tests: transactions hold them until the stack is freed. */
#define CONTACT "<sip:a@x.invalid>"
#define DEVICE(instance, reg_id) CONTACT ";+sip.instance=\"<urn:" instance ">\";reg-id=" #reg_id

static void open_flow(struct fake_flow *flow)
{
	fake_flow_open(flow, SIP_TRANSPORT_WS, "192.0.2.1:40000");
}

static size_t n_bindings(const struct house *house)
{
	struct registrar_counts counts;
	registrar_count(house->registrar, &counts);
	return counts.bindings;
}

static size_t n_endpoints(const struct house *house)
{
	struct registrar_counts counts;
	registrar_count(house->registrar, &counts);
	return counts.endpoints;
}

static size_t n_to_ring(struct house *house)
{
	struct registrar_contact contacts[8];
	return registrar_lookup(house->registrar, "alice", NULL, contacts, G_N_ELEMENTS(contacts));
}

static void test_expires(void **state)
{
	struct house *house = *state;
	static struct fake_flow flow;
	open_flow(&flow);
	assert_int_equal(register_with(house, &flow, "c", DEVICE("1", 1)), 200);
	assert_true(registrar_has_user(house->registrar, "alice"));
	manual_loop_advance_ms(house->loop, 599000);
	assert_int_equal(register_with(house, &flow, "c", DEVICE("1", 1)), 200);
	manual_loop_advance_ms(house->loop, 599999);
	assert_int_equal(n_bindings(house), 1);
	manual_loop_advance_ms(house->loop, 1);
	assert_int_equal(n_bindings(house), 0);
	assert_int_equal(n_endpoints(house), 0);
	assert_string_equal(house->seen->str, "alice added 1\nalice removed: expired 0\n");
	fake_flow_clear(&flow);
}

static void test_grace_after_the_flow(void **state)
{
	struct house *house = *state;
	static struct fake_flow flow;
	open_flow(&flow);
	register_with(house, &flow, "c", DEVICE("1", 1));
	fake_flow_clear(&flow);
	struct registrar_contact contact;
	assert_int_equal(registrar_lookup(house->registrar, "alice", NULL, &contact, 1), 1);
	assert_null(registrar_endpoint_flow(contact.endpoint)); /* it is waited for */
	manual_loop_advance_ms(house->loop, GRACE_MS - 1);
	assert_int_equal(n_bindings(house), 1);
	manual_loop_advance_ms(house->loop, 1);
	assert_int_equal(n_bindings(house), 0);
	assert_string_equal(house->seen->str, "alice added 1\nalice removed: connection closed 0\n");
}

static void test_grace_is_no_longer_than_the_binding(void **state)
{
	struct house *house = *state;
	static struct fake_flow flow;
	open_flow(&flow);
	register_with(house, &flow, "c", CONTACT ";expires=40");
	manual_loop_advance_ms(house->loop, 35000);
	fake_flow_clear(&flow);
	manual_loop_advance_ms(house->loop, 5000);
	assert_int_equal(n_bindings(house), 0);
}

static void test_comes_back_on_another_flow(void **state)
{
	struct house *house = *state;
	static struct fake_flow first, second;
	struct registrar_contact contact;
	open_flow(&first);
	open_flow(&second);
	register_with(house, &first, "c", DEVICE("1", 1));
	fake_flow_clear(&first);
	assert_int_equal(register_with(house, &second, "d", DEVICE("1", 1)), 200);
	assert_int_equal(n_bindings(house), 1);
	assert_int_equal(registrar_lookup(house->registrar, "alice", NULL, &contact, 1), 1);
	assert_ptr_equal(registrar_endpoint_flow(contact.endpoint), second.flow);
	assert_string_equal(contact.uri, "sip:a@x.invalid");
	manual_loop_advance_ms(house->loop, GRACE_MS);
	assert_int_equal(n_bindings(house), 1);
	fake_flow_clear(&second);
}

struct watcher {
	struct registrar_endpoint_watch watch;
	unsigned n_changes;
	struct sip_flow *flow;
	struct watcher *to_stop; /* another, at the first change */
};

static void on_changed(void *data, struct registrar_endpoint *endpoint, struct sip_flow *flow)
{
	struct watcher *watcher = data;
	watcher->n_changes++;
	watcher->flow = flow;
	if (watcher->to_stop)
		registrar_endpoint_watch_stop(&watcher->to_stop->watch);
}

static void test_call_follows_its_device(void **state)
{
	struct house *house = *state;
	static struct fake_flow first, second;
	struct watcher watcher = {0};
	open_flow(&first);
	open_flow(&second);
	register_with(house, &first, "c", DEVICE("1", 1));
	struct registrar_endpoint *endpoint = registrar_endpoint_of_flow(house->registrar, first.flow);
	assert_string_equal(registrar_endpoint_identity(endpoint), "user:alice");
	assert_string_equal(registrar_endpoint_user(endpoint), "alice");
	registrar_endpoint_watch_start(&watcher.watch, endpoint, on_changed, &watcher);

	fake_flow_clear(&first);
	assert_int_equal(watcher.n_changes, 1);
	assert_null(watcher.flow);
	manual_loop_advance_ms(house->loop, GRACE_MS); /* the binding is gone, the call holds on */
	register_with(house, &second, "d", DEVICE("1", 1));
	assert_int_equal(watcher.n_changes, 2);
	assert_ptr_equal(watcher.flow, second.flow);
	assert_ptr_equal(registrar_endpoint_flow(endpoint), second.flow);
	register_with(house, &second, "d", DEVICE("1", 1));
	assert_int_equal(watcher.n_changes, 2);

	registrar_endpoint_watch_stop(&watcher.watch);
	registrar_endpoint_unref(endpoint);
	fake_flow_clear(&second);
}

static void test_old_flow_that_closes_late(void **state)
{
	struct house *house = *state;
	static struct fake_flow first, second;
	struct watcher watcher = {0};
	open_flow(&first);
	open_flow(&second);
	register_with(house, &first, "c", DEVICE("1", 1));
	struct registrar_endpoint *endpoint = registrar_endpoint_of_flow(house->registrar, first.flow);
	registrar_endpoint_watch_start(&watcher.watch, endpoint, on_changed, &watcher);
	register_with(house, &second, "d", DEVICE("1", 1));
	assert_ptr_equal(watcher.flow, second.flow);
	fake_flow_clear(&first);
	assert_int_equal(watcher.n_changes, 1);
	assert_int_equal(n_to_ring(house), 1);
	manual_loop_advance_ms(house->loop, GRACE_MS);
	assert_int_equal(n_bindings(house), 1);
	registrar_endpoint_watch_stop(&watcher.watch);
	registrar_endpoint_unref(endpoint);
	fake_flow_clear(&second);
}

static void test_two_flows_of_one_device(void **state)
{
	struct house *house = *state;
	static struct fake_flow first, second;
	struct watcher watcher = {0};
	open_flow(&first);
	open_flow(&second);
	register_with(house, &first, "c", DEVICE("1", 1));
	register_with(house, &second, "d", DEVICE("1", 2));
	assert_int_equal(n_bindings(house), 2);
	assert_int_equal(n_endpoints(house), 1);
	assert_int_equal(n_to_ring(house), 1); /* one device rings once */
	struct registrar_endpoint *endpoint = registrar_endpoint_of_flow(house->registrar, first.flow);
	assert_ptr_equal(registrar_endpoint_flow(endpoint), second.flow);
	registrar_endpoint_watch_start(&watcher.watch, endpoint, on_changed, &watcher);
	fake_flow_clear(&second);
	assert_int_equal(watcher.n_changes, 1);
	assert_ptr_equal(watcher.flow, first.flow); /* the other one serves on */
	registrar_endpoint_watch_stop(&watcher.watch);
	registrar_endpoint_unref(endpoint);
	fake_flow_clear(&first);
}

static void test_two_devices(void **state)
{
	struct house *house = *state;
	static struct fake_flow first, second;
	struct registrar_contact contacts[2];
	open_flow(&first);
	open_flow(&second);
	register_with(house, &first, "c", DEVICE("1", 1));
	register_with(house, &second, "d", "<sip:b@y.invalid>;+sip.instance=\"<urn:2>\";reg-id=1");
	assert_int_equal(registrar_lookup(house->registrar, "alice", NULL, contacts, 2), 2);
	assert_ptr_equal(registrar_endpoint_flow(contacts[0].endpoint), second.flow); /* the latest first */
	assert_ptr_equal(registrar_endpoint_flow(contacts[1].endpoint), first.flow);
	assert_int_equal(registrar_lookup(house->registrar, "alice", NULL, contacts, 1), 1);
	assert_int_equal(registrar_lookup(house->registrar, "bob", NULL, contacts, 2), 0);
	fake_flow_clear(&first);
	fake_flow_clear(&second);
}

static void check_who_comes_back(struct house *house, const char *call_id, const char *contact, bool is_the_same)
{
	static struct fake_flow first, other, again;
	open_flow(&first);
	open_flow(&other);
	open_flow(&again);
	register_with(house, &first, "c", "<sip:a7x@x.invalid;transport=ws>");
	struct registrar_endpoint *endpoint = registrar_endpoint_of_flow(house->registrar, first.flow);
	register_with(house, &other, "o", "<sip:b@y.invalid>"); /* another page of the same user, all the time */
	fake_flow_break(&first);
	assert_null(registrar_endpoint_flow(endpoint));
	assert_int_equal(register_with(house, &again, call_id, contact), 200);
	assert_ptr_equal(registrar_endpoint_flow(endpoint), is_the_same ? again.flow : NULL);
	registrar_endpoint_unref(endpoint);
	fake_flow_clear(&first);
	fake_flow_clear(&other);
	fake_flow_clear(&again);
}

/* --- which device it is, when it does not say --- */
static void test_same_call_id_is_the_same_client(void **state)
{
	check_who_comes_back(*state, "c", "<sip:new@z.invalid>", true);
}

static void test_same_contact_is_the_same_client(void **state)
{
	check_who_comes_back(*state, "e", "<sip:a7x@x.invalid;ob>", true);
}

static void test_same_user_is_not_the_same_client(void **state)
{
	check_who_comes_back(*state, "e", "<sip:c@z.invalid>", false);
}

static void test_call_before_registration(void **state)
{
	struct house *house = *state;
	static struct fake_flow flow, other;
	open_flow(&flow);
	open_flow(&other);
	assert_null(registrar_endpoint_of_flow(house->registrar, flow.flow)); /* nobody has proved anything */
	sip_flow_set_identity(flow.flow, "trunk:pbx");
	assert_null(registrar_endpoint_of_flow(house->registrar, flow.flow));
	sip_flow_set_identity(flow.flow, "user:alice");
	struct registrar_endpoint *endpoint = registrar_endpoint_of_flow(house->registrar, flow.flow);
	struct registrar_endpoint *again = registrar_endpoint_of_flow(house->registrar, flow.flow);
	assert_ptr_equal(endpoint, again);
	registrar_endpoint_unref(again);
	register_with(house, &flow, "c", DEVICE("1", 1));
	assert_int_equal(n_endpoints(house), 1); /* it is the device that registered then */
	fake_flow_clear(&flow);
	register_with(house, &other, "d", DEVICE("1", 1));
	assert_ptr_equal(registrar_endpoint_flow(endpoint), other.flow);
	registrar_endpoint_unref(endpoint);
	fake_flow_clear(&other);
}

/* --- GRUUs --- */
/* A parameter of the only Contact in the answer to a REGISTER of this Call-ID. */
static char *gruu_of(struct house *house, struct fake_flow *flow, const char *call_id, const char *name)
{
	unsigned number = ++house->n_requests;
	g_autofree char *text = g_strdup_printf(
		"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\n"
		"Call-ID: %s\r\nCSeq: %u REGISTER\r\nContact: %s\r\nSupported: gruu\r\nContent-Length: 0\r\n\r\n",
		number, call_id, number, DEVICE("1", 1));
	sip_stack_receive(house->stack, flow->flow, text, strlen(text));
	struct sip_message *response = fake_flow_take(flow);
	char *gruu = g_strdup(sip_message_contact_parameter(response, 0, name));
	sip_message_unref(response);
	return gruu;
}

static void test_gruus(void **state)
{
	struct house *house = *state;
	static struct fake_flow flow;
	struct registrar_device device;
	open_flow(&flow);
	g_autofree char *public = gruu_of(house, &flow, "c", "pub-gruu");
	assert_string_equal(public, "sip:alice@example.com;gr=urn:1");
	g_autofree char *temporary = gruu_of(house, &flow, "c", "temp-gruu");
	g_autofree char *other = gruu_of(house, &flow, "c", "temp-gruu");
	assert_string_not_equal(temporary, other);
	const char *const all[] = {public, temporary, other};
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		assert_int_equal(registrar_gruu_resolve(house->registrar, all[i], &device), 0);
		assert_string_equal(device.user, "alice");
		assert_string_equal(device.instance, "<urn:1>");
	}
	g_autofree char *anew = gruu_of(house, &flow, "another", "temp-gruu");
	assert_int_equal(registrar_gruu_resolve(house->registrar, temporary, &device), -ENOENT);
	assert_int_equal(registrar_gruu_resolve(house->registrar, anew, &device), 0);
	fake_flow_clear(&flow);
	manual_loop_advance_ms(house->loop, GRACE_MS); /* the binding ends */
	assert_int_equal(registrar_gruu_resolve(house->registrar, anew, &device), -ENOENT);
	assert_int_equal(registrar_gruu_resolve(house->registrar, public, &device), 0);
}

static void test_a_call_outlives_the_gruus_of_its_device(void **state)
{
	struct house *house = *state;
	static struct fake_flow flow;
	struct registrar_device device;
	open_flow(&flow);
	g_autofree char *temporary = gruu_of(house, &flow, "c", "temp-gruu");
	struct registrar_endpoint *endpoint = registrar_endpoint_of_flow(house->registrar, flow.flow);
	register_with(house, &flow, "c", DEVICE("1", 1) ";expires=0");
	assert_int_equal(registrar_gruu_resolve(house->registrar, temporary, &device), -ENOENT);
	registrar_endpoint_unref(endpoint);
	fake_flow_clear(&flow);
}

static void test_what_is_no_gruu(void **state)
{
	struct house *house = *state;
	struct registrar_device device;
	static const char *const texts[] = {"sip:alice@example.com", "sip:alice@elsewhere.com;gr=urn:1", "sip:bob@example.com;gr=urn:1",
					    "sip:alice@example.com;gr", "sip:alice@example.com;gr=%00", "tel:+1;gr=x", "",
					    "sip:tgruu.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@elsewhere.com;gr"};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		assert_int_equal(registrar_gruu_resolve(house->registrar, texts[i], &device), -EINVAL);
	assert_int_equal(registrar_gruu_resolve(house->registrar, "sip:tgruu.A@example.com;gr", &device), -ENOENT);
}

static void test_who_is_there_comes_first(void **state)
{
	struct house *house = *state;
	static struct fake_flow first, second;
	struct registrar_contact contacts[2];
	open_flow(&first);
	open_flow(&second);
	register_with(house, &first, "c", "<sip:a@x.invalid>;+sip.instance=\"<urn:1>\";reg-id=1");
	register_with(house, &second, "d", "<sip:b@x.invalid>;+sip.instance=\"<urn:2>\";reg-id=1");
	fake_flow_break(&second);
	assert_int_equal(registrar_lookup(house->registrar, "alice", NULL, contacts, 2), 2);
	assert_string_equal(contacts[0].uri, "sip:a@x.invalid");
	assert_string_equal(contacts[1].uri, "sip:b@x.invalid");
	assert_int_equal(registrar_lookup(house->registrar, "alice", NULL, contacts, 1), 1);
	assert_string_equal(contacts[0].uri, "sip:a@x.invalid");
	fake_flow_clear(&first);
	fake_flow_clear(&second);
}

static void test_follow(void **state)
{
	struct house *house = *state;
	static struct fake_flow first, second, stranger;
	open_flow(&first);
	open_flow(&second);
	open_flow(&stranger);
	sip_flow_set_identity(first.flow, "user:alice");
	struct registrar_endpoint *endpoint = registrar_endpoint_of_flow(house->registrar, first.flow);
	sip_flow_set_identity(stranger.flow, "user:bob");
	assert_null(registrar_endpoint_follow(endpoint, stranger.flow));
	assert_null(registrar_endpoint_follow(endpoint, second.flow));
	sip_flow_set_identity(second.flow, "user:alice");
	assert_ptr_equal(registrar_endpoint_follow(endpoint, second.flow), endpoint);
	assert_ptr_equal(registrar_endpoint_flow(endpoint), second.flow);
	fake_flow_break(&second);
	assert_null(registrar_endpoint_follow(endpoint, second.flow));
	assert_ptr_equal(registrar_endpoint_flow(endpoint), first.flow);
	registrar_endpoint_unref(endpoint);
	assert_int_equal(n_endpoints(house), 0);
	fake_flow_clear(&first);
	fake_flow_clear(&second);
	fake_flow_clear(&stranger);
}

static void test_follow_to_another_device(void **state)
{
	struct house *house = *state;
	static struct fake_flow first, second;
	open_flow(&first);
	open_flow(&second);
	register_with(house, &first, "c", DEVICE("1", 1));
	register_with(house, &second, "d", DEVICE("2", 1));
	struct registrar_endpoint *one = registrar_endpoint_of_flow(house->registrar, first.flow);
	struct registrar_endpoint *two = registrar_endpoint_of_flow(house->registrar, second.flow);
	assert_ptr_not_equal(one, two);
	assert_ptr_equal(registrar_endpoint_follow(one, second.flow), two);
	assert_ptr_equal(registrar_endpoint_flow(one), first.flow); /* what is not spoken of stays where it is */
	registrar_endpoint_unref(one);
	registrar_endpoint_unref(two);
	fake_flow_clear(&first);
	fake_flow_clear(&second);
}

static void test_superseded_flow_does_not_serve(void **state)
{
	struct house *house = *state;
	static struct fake_flow first, second;
	open_flow(&first);
	open_flow(&second);
	register_with(house, &first, "c", DEVICE("1", 1));
	register_with(house, &second, "c", DEVICE("1", 1)); /* the first is dead, and nobody has noticed */
	struct registrar_endpoint *endpoint = registrar_endpoint_of_flow(house->registrar, first.flow);
	assert_ptr_equal(registrar_endpoint_flow(endpoint), second.flow);
	fake_flow_break(&second);
	assert_null(registrar_endpoint_flow(endpoint));
	assert_ptr_equal(registrar_endpoint_follow(endpoint, first.flow), endpoint); /* it was not */
	assert_ptr_equal(registrar_endpoint_flow(endpoint), first.flow);
	registrar_endpoint_unref(endpoint);
	fake_flow_clear(&first);
	fake_flow_clear(&second);
}

static void test_each_flow_has_its_binding(void **state)
{
	struct house *house = *state;
	static struct fake_flow first, second;
	struct registrar_contact contact;
	open_flow(&first);
	open_flow(&second);
	register_with(house, &first, "c", "<sip:one@x.invalid>;+sip.instance=\"<urn:1>\";reg-id=1");
	register_with(house, &second, "d", "<sip:two@x.invalid>;+sip.instance=\"<urn:1>\";reg-id=2");
	assert_int_equal(registrar_lookup(house->registrar, "alice", "<urn:1>", &contact, 1), 1);
	assert_string_equal(contact.uri, "sip:two@x.invalid");
	fake_flow_break(&second);
	assert_int_equal(registrar_lookup(house->registrar, "alice", NULL, &contact, 1), 1);
	assert_string_equal(contact.uri, "sip:one@x.invalid");
	assert_int_equal(registrar_lookup(house->registrar, "alice", "<urn:2>", &contact, 1), 0);
	fake_flow_clear(&first);
	fake_flow_clear(&second);
}

static void test_watchers_stop_each_other(void **state)
{
	struct house *house = *state;
	for (int stopper = 0; stopper < 3; stopper++) {
		for (int stopped = 0; stopped < 3; stopped++) {
			static struct fake_flow flow;
			struct watcher watchers[3] = {0};
			open_flow(&flow);
			sip_flow_set_identity(flow.flow, "user:alice");
			struct registrar_endpoint *endpoint = registrar_endpoint_of_flow(house->registrar, flow.flow);
			for (int i = 0; i < 3; i++)
				registrar_endpoint_watch_start(&watchers[i].watch, endpoint, on_changed, &watchers[i]);
			watchers[stopper].to_stop = &watchers[stopped];
			fake_flow_clear(&flow);
			for (int i = 0; i < 3; i++)
				if (i != stopped)
					assert_int_equal(watchers[i].n_changes, 1);
			assert_int_equal(watchers[stopped].n_changes, stopped >= stopper); /* latest first */
			for (int i = 0; i < 3; i++)
				registrar_endpoint_watch_stop(&watchers[i].watch);
			registrar_endpoint_unref(endpoint);
		}
	}
}

static void test_endpoint_outlives_the_registrar(void **state)
{
	struct house *house = *state;
	static struct fake_flow flow;
	struct watcher watcher = {0};
	open_flow(&flow);
	register_with(house, &flow, "c", DEVICE("1", 1));
	struct registrar_endpoint *endpoint = registrar_endpoint_of_flow(house->registrar, flow.flow);
	registrar_endpoint_watch_start(&watcher.watch, endpoint, on_changed, &watcher);
	house->registrar = registrar_free(house->registrar);
	assert_null(registrar_endpoint_flow(endpoint));
	fake_flow_clear(&flow);
	registrar_endpoint_watch_stop(&watcher.watch);
	registrar_endpoint_unref(endpoint);
}

static void test_user_is_taken_out(void **state)
{
	struct house *house = *state;
	static struct fake_flow flow;
	open_flow(&flow);
	register_with(house, &flow, "c", DEVICE("1", 1));
	struct config_snapshot *config = load("users : ( { name = \"bob\"; password = \"x\"; } );");
	registrar_reconfigure(house->registrar, config);
	config_unref(config);
	assert_int_equal(n_bindings(house), 0);
	assert_false(registrar_has_user(house->registrar, "alice"));
	assert_true(registrar_has_user(house->registrar, "bob"));
	assert_string_equal(house->seen->str, "alice added 1\nalice removed: no user any more 0\n");
	assert_int_equal(register_with(house, &flow, "c", DEVICE("1", 1)), 401); /* what her connection has proved is worth nothing */
	assert_int_equal(n_bindings(house), 0);
	fake_flow_clear(&flow);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_expires),
		TEST(test_grace_after_the_flow),
		TEST(test_grace_is_no_longer_than_the_binding),
		TEST(test_comes_back_on_another_flow),
		TEST(test_call_follows_its_device),
		TEST(test_old_flow_that_closes_late),
		TEST(test_two_flows_of_one_device),
		TEST(test_two_devices),
		TEST(test_same_call_id_is_the_same_client),
		TEST(test_same_contact_is_the_same_client),
		TEST(test_same_user_is_not_the_same_client),
		TEST(test_call_before_registration),
		TEST(test_gruus),
		TEST(test_a_call_outlives_the_gruus_of_its_device),
		TEST(test_what_is_no_gruu),
		TEST(test_who_is_there_comes_first),
		TEST(test_follow),
		TEST(test_follow_to_another_device),
		TEST(test_superseded_flow_does_not_serve),
		TEST(test_each_flow_has_its_binding),
		TEST(test_watchers_stop_each_other),
		TEST(test_endpoint_outlives_the_registrar),
		TEST(test_user_is_taken_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
