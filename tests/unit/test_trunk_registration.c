/* Our registration with a registrar elsewhere: every answer, every loss, and the way out. */
#include "../support/sip_world.h"
#include "trunk/registration.h"

#define MD5_CHALLENGE "Digest realm=\"pbx\", nonce=\"%s\", algorithm=MD5, qop=\"auth\"%s"

struct client {
	struct world *world;
	struct fake_flow *far; /* NULL: no way to the registrar */
	struct trunk_account *account;
	struct trunk_registration *registration;
	unsigned n_changes;
	enum trunk_registration_state last;
};

static struct sip_flow *client_connect(void *user)
{
	struct client *client = user;
	return client->far && sip_flow_is_open(client->far->flow) ? sip_flow_ref(client->far->flow) : NULL;
}

static void client_changed(void *user, struct trunk_registration *registration, enum trunk_registration_state state)
{
	struct client *client = user;
	client->n_changes++;
	client->last = state;
}

static void client_make(struct client *client, struct world *world, struct fake_flow *far)
{
	static const struct trunk_registration_handler handler = {.connect = client_connect, .changed = client_changed};
	static const struct sip_credentials credentials = {.username = "alice", .password = "secret", .realm = "pbx"};
	*client = (struct client){.world = world, .far = far};
	client->account = trunk_account_new("sip:alice@pbx.example", "token", &credentials);
	struct trunk_registration_parameters parameters = {
	    .stack = world->stack,
	    .name = "test",
	    .account = client->account,
	    .expires_s = 100,
	    .retry_s = 30,
	};
	client->registration = trunk_registration_new(&parameters, &handler, client);
}

static void client_clear(struct client *client)
{
	trunk_registration_free(client->registration);
	trunk_account_unref(client->account);
}

/* Answers; `headers` end in "\r\n" each. Frees the request. */
static void answer(struct client *client, struct sip_message *request, unsigned status, const char *headers)
{
	world_receive(client->world, client->far,
		      "SIP/2.0 %u Whatever\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=r\r\nCall-ID: %s\r\nCSeq: %u REGISTER\r\n%s", status,
		      sip_message_header(request, "Via", 0), sip_message_header(request, "From", 0),
		      sip_message_header(request, "To", 0), sip_message_call_id(request), sip_message_cseq(request), headers);
	sip_message_unref(request);
}

static void challenge(struct client *client, struct sip_message *request, const char *nonce, const char *more)
{
	g_autofree char *header = g_strdup_printf("WWW-Authenticate: " MD5_CHALLENGE "\r\n", nonce, more);
	answer(client, request, 401, header);
}

/* The next REGISTER; its repetitions up to now are dropped. */
static struct sip_message *take(struct client *client)
{
	struct sip_message *request = world_take_request(client->far, SIP_METHOD_REGISTER);
	while (fake_flow_pending(client->far)) {
		struct sip_message *again = world_take_request(client->far, SIP_METHOD_REGISTER);
		assert_string_equal(sip_message_branch(again), sip_message_branch(request));
		sip_message_unref(again);
	}
	return request;
}

static void expect_state(const struct client *client, enum trunk_registration_state state)
{
	assert_string_equal(trunk_registration_state_name(trunk_registration_state(client->registration)),
			    trunk_registration_state_name(state));
}

static void register_now(struct client *client, const char *headers)
{
	trunk_registration_start(client->registration);
	answer(client, take(client), 200, headers);
	expect_state(client, TRUNK_REGISTRATION_REGISTERED);
}

/* What may be left after a test: transactions in their last timers. */
static void end_of_test(struct client *client)
{
	client_clear(client);
	world_advance(client->world, 100000);
	world_expect_empty(client->world);
}

static bool client_elsewhere(void *user, const struct sip_flow *flow, const char *cause, uint32_t retry_after_s)
{
	struct client *client = user;
	assert_ptr_equal(flow, client->far->flow);
	if (client->far == &client->world->ws)
		return false;
	client->far = &client->world->ws;
	return true;
}

/* The first is silent, the second busy: then it waits as ever. */
static void goes_elsewhere_at_once(void **state)
{
	static const struct trunk_registration_handler handler = {
	    .connect = client_connect, .elsewhere = client_elsewhere, .changed = client_changed};
	struct world *world = *state;
	struct client client;
	client_make(&client, world, &world->udp);
	trunk_registration_free(client.registration);
	struct trunk_registration_parameters parameters = {
	    .stack = world->stack, .name = "test", .account = client.account, .expires_s = 100, .retry_s = 30, .patience_ms = 400};
	client.registration = trunk_registration_new(&parameters, &handler, &client);
	trunk_registration_start(client.registration);
	world_expect_request(&world->udp, SIP_METHOD_REGISTER);
	world_advance(world, 399);
	world_expect_silence(&world->ws);
	world_advance(world, 1);
	expect_state(&client, TRUNK_REGISTRATION_REGISTERING);
	answer(&client, take(&client), 503, "");
	expect_state(&client, TRUNK_REGISTRATION_WAITING);
	assert_string_equal(trunk_registration_failure(client.registration), "503 Whatever");
	while (fake_flow_pending(&world->udp)) /* of the first, in vain */
		world_expect_request(&world->udp, SIP_METHOD_REGISTER);
	world_advance(world, 31000);
	while (fake_flow_pending(&world->udp))
		world_expect_request(&world->udp, SIP_METHOD_REGISTER);
	answer(&client, take(&client), 200, "");
	expect_state(&client, TRUNK_REGISTRATION_REGISTERED);
	end_of_test(&client);
	while (fake_flow_pending(&world->udp))
		world_expect_request(&world->udp, SIP_METHOD_REGISTER);
}

static void says_who_where_and_how_long(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	trunk_registration_start(client.registration);
	expect_state(&client, TRUNK_REGISTRATION_REGISTERING);
	assert_false(trunk_registration_holds(client.registration));
	struct sip_message *request = take(&client);
	assert_string_equal(sip_message_request_uri(request), "sip:pbx.example");
	assert_string_equal(sip_message_to_uri(request), "sip:alice@pbx.example");
	assert_string_equal(sip_message_from_uri(request), "sip:alice@pbx.example");
	assert_string_equal(sip_message_contact_uri(request, 0), "sip:token@192.0.2.100:5060");
	assert_string_equal(sip_message_contact_parameter(request, 0, "expires"), "100");
	assert_true(sip_message_lists(request, "Supported", "path"));
	assert_null(sip_message_header(request, "Authorization", 0));
	answer(&client, request, 200, "Contact: <sip:other@h>;expires=9, <sip:token@192.0.2.100:5060>;expires=60\r\n"
				      "Service-Route: <sip:edge.example;lr>\r\n");
	expect_state(&client, TRUNK_REGISTRATION_REGISTERED);
	assert_true(trunk_registration_holds(client.registration));
	assert_string_equal(trunk_account_route(client.account)[0], "<sip:edge.example;lr>");
	assert_null(trunk_account_route(client.account)[1]);
	end_of_test(&client);
}

static void refreshes_after_half_the_time(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	register_now(&client, "Contact: <sip:token@192.0.2.100:5060>;expires=60\r\n");
	world_advance(client.world, 23999);
	world_expect_silence(client.far);
	world_advance(client.world, 6001);
	expect_state(&client, TRUNK_REGISTRATION_REFRESHING);
	struct sip_message *request = take(&client);
	assert_int_equal(sip_message_cseq(request), 2);
	assert_string_equal(sip_message_contact_parameter(request, 0, "expires"), "100");
	answer(&client, request, 200, "Expires: 60\r\n");
	expect_state(&client, TRUNK_REGISTRATION_REGISTERED);
	end_of_test(&client);
}

static void answers_a_challenge_once_and_a_stale_one_again(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	trunk_registration_start(client.registration);
	challenge(&client, take(&client), "one", "");
	struct sip_message *request = take(&client);
	assert_non_null(strstr(sip_message_header(request, "Authorization", 0), "nonce=\"one\""));
	assert_non_null(strstr(sip_message_header(request, "Authorization", 0), "uri=\"sip:pbx.example\""));
	challenge(&client, request, "two", ", stale=true");
	request = take(&client);
	assert_non_null(strstr(sip_message_header(request, "Authorization", 0), "nonce=\"two\""));
	assert_null(sip_message_header(request, "Authorization", 1));
	challenge(&client, request, "three", ""); /* not stale: the password is wrong */
	world_expect_silence(client.far);
	expect_state(&client, TRUNK_REGISTRATION_WAITING);
	assert_non_null(strstr(trunk_registration_failure(client.registration), "credentials are wrong"));
	world_advance(client.world, 899999); /* whoever asks on looks like a guesser */
	world_expect_silence(client.far);
	end_of_test(&client);
}

static void answers_proxy_and_registrar(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	trunk_registration_start(client.registration);
	answer(&client, take(&client), 407, "Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"p\"\r\n");
	challenge(&client, take(&client), "r", "");
	struct sip_message *request = take(&client);
	assert_non_null(sip_message_header(request, "Authorization", 0));
	assert_non_null(sip_message_header(request, "Proxy-Authorization", 0));
	answer(&client, request, 200, "");
	expect_state(&client, TRUNK_REGISTRATION_REGISTERED);
	end_of_test(&client);
}

static void shows_nothing_to_another_realm(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	trunk_registration_start(client.registration);
	answer(&client, take(&client), 401, "WWW-Authenticate: Digest realm=\"other\", nonce=\"n\"\r\n");
	world_expect_silence(client.far);
	expect_state(&client, TRUNK_REGISTRATION_WAITING);
	end_of_test(&client);
}

static void asks_no_more_than_a_few_times(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	trunk_registration_start(client.registration);
	for (unsigned i = 0; i < TRUNK_REGISTRATION_ROUNDS_MAX; i++)
		challenge(&client, take(&client), "n", ", stale=true");
	world_expect_silence(client.far);
	expect_state(&client, TRUNK_REGISTRATION_WAITING);
	end_of_test(&client);
}

static void takes_the_least_time_the_registrar_wants(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	trunk_registration_start(client.registration);
	answer(&client, take(&client), 423, "Min-Expires: 600\r\n");
	struct sip_message *request = take(&client);
	assert_string_equal(sip_message_contact_parameter(request, 0, "expires"), "600");
	answer(&client, request, 423, "Min-Expires: 500\r\n"); /* no help */
	expect_state(&client, TRUNK_REGISTRATION_WAITING);
	end_of_test(&client);
}

static void waits_longer_after_every_failure(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	trunk_registration_start(client.registration);
	for (int64_t most_ms = 30000; most_ms <= TRUNK_REGISTRATION_RETRY_MAX_MS; most_ms = most_ms * 2) {
		answer(&client, take(&client), 500, "");
		expect_state(&client, TRUNK_REGISTRATION_WAITING);
		world_advance(client.world, most_ms / 2 - 1);
		world_expect_silence(client.far);
		for (int64_t left_ms = most_ms / 2 + 1; left_ms > 0 && !fake_flow_pending(client.far); left_ms -= 500)
			world_advance(client.world, 500);
	}
	answer(&client, take(&client), 503, "Retry-After: 7\r\n");
	world_advance(client.world, 6999);
	world_expect_silence(client.far);
	world_advance(client.world, 2002);
	answer(&client, take(&client), 200, "");
	assert_string_equal(trunk_registration_failure(client.registration), "");
	expect_state(&client, TRUNK_REGISTRATION_REGISTERED);
	end_of_test(&client);
}

static void follows_no_redirection(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	trunk_registration_start(client.registration);
	answer(&client, take(&client), 302, "Contact: <sip:192.0.2.66>\r\n");
	world_expect_silence(client.far);
	expect_state(&client, TRUNK_REGISTRATION_WAITING);
	end_of_test(&client);
}

static void outlives_a_lost_answer(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	trunk_registration_start(client.registration);
	struct sip_message *first = take(&client);
	world_advance(client.world, 500);
	struct sip_message *again = take(&client);
	assert_string_equal(sip_message_branch(first), sip_message_branch(again));
	sip_message_unref(first);
	answer(&client, again, 200, "");
	expect_state(&client, TRUNK_REGISTRATION_REGISTERED);
	end_of_test(&client);
}

static void waits_when_nobody_answers(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	trunk_registration_start(client.registration);
	world_advance(client.world, SIP_TIMEOUT_MS);
	expect_state(&client, TRUNK_REGISTRATION_WAITING);
	assert_string_equal(trunk_registration_failure(client.registration), "no answer");
	sip_message_unref(take(&client));
	world_advance(client.world, 30000);
	expect_state(&client, TRUNK_REGISTRATION_REGISTERING);
	answer(&client, take(&client), 200, "");
	end_of_test(&client);
}

static void waits_where_there_is_no_way(void **state)
{
	struct client client;
	client_make(&client, *state, NULL);
	trunk_registration_start(client.registration);
	expect_state(&client, TRUNK_REGISTRATION_WAITING);
	trunk_registration_end(client.registration); /* nothing holds: nothing to be said */
	expect_state(&client, TRUNK_REGISTRATION_IDLE);
	end_of_test(&client);
}

static void comes_back_when_the_connection_closes(void **state)
{
	struct world *world = *state;
	struct fake_flow tcp, next;
	struct client client;
	fake_flow_open(&tcp, SIP_TRANSPORT_TCP, "192.0.2.3:5060");
	fake_flow_open(&next, SIP_TRANSPORT_TCP, "192.0.2.3:5060");
	client_make(&client, world, &tcp);
	trunk_registration_start(client.registration);
	struct sip_message *request = take(&client);
	assert_string_equal(sip_message_contact_uri(request, 0), "sip:token@192.0.2.100:5060;transport=tcp");
	answer(&client, request, 200, "");
	fake_flow_break(&tcp);
	expect_state(&client, TRUNK_REGISTRATION_WAITING);
	client.far = &next;
	world_advance(world, TRUNK_REGISTRATION_RETURN_MAX_MS);
	answer(&client, take(&client), 200, "");
	expect_state(&client, TRUNK_REGISTRATION_REGISTERED);
	end_of_test(&client);
	fake_flow_clear(&tcp);
	fake_flow_clear(&next);
}

static void refreshes_when_doubted(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	register_now(&client, "");
	trunk_registration_doubt(client.registration); /* so new that the refusal speaks of something else */
	world_expect_silence(client.far);
	world_advance(client.world, TRUNK_REGISTRATION_DOUBT_MS);
	trunk_registration_doubt(client.registration);
	trunk_registration_doubt(client.registration);
	answer(&client, take(&client), 200, "");
	world_expect_silence(client.far);
	end_of_test(&client);
}

static void unregisters_with_credentials(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	register_now(&client, "");
	trunk_registration_end(client.registration);
	expect_state(&client, TRUNK_REGISTRATION_UNREGISTERING);
	struct sip_message *request = take(&client);
	assert_string_equal(sip_message_contact_parameter(request, 0, "expires"), "0");
	challenge(&client, request, "n", "");
	request = take(&client);
	assert_string_equal(sip_message_contact_parameter(request, 0, "expires"), "0");
	assert_string_equal(sip_message_header(request, "Expires", 0), "0");
	answer(&client, request, 200, "");
	expect_state(&client, TRUNK_REGISTRATION_IDLE);
	assert_int_equal(client.last, TRUNK_REGISTRATION_IDLE);
	end_of_test(&client);
}

static void is_idle_though_its_end_is_lost(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	register_now(&client, "");
	trunk_registration_end(client.registration);
	world_advance(client.world, SIP_TIMEOUT_MS);
	expect_state(&client, TRUNK_REGISTRATION_IDLE);
	sip_message_unref(take(&client));
	end_of_test(&client);
}

static void may_be_wanted_again_before_its_end(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	register_now(&client, "");
	trunk_registration_end(client.registration);
	struct sip_message *end = take(&client);
	trunk_registration_start(client.registration);
	struct sip_message *request = take(&client);
	assert_true(sip_message_cseq(request) > sip_message_cseq(end));
	answer(&client, end, 200, ""); /* late: says nothing about the new one */
	expect_state(&client, TRUNK_REGISTRATION_REGISTERING);
	answer(&client, request, 200, "");
	expect_state(&client, TRUNK_REGISTRATION_REGISTERED);
	end_of_test(&client);
}

static void ends_what_may_have_come_through(void **state)
{
	struct client client;
	client_make(&client, *state, &((struct world *)*state)->udp);
	trunk_registration_start(client.registration);
	struct sip_message *request = take(&client);
	trunk_registration_end(client.registration);
	answer(&client, request, 200, "");
	expect_state(&client, TRUNK_REGISTRATION_UNREGISTERING);
	answer(&client, take(&client), 200, "");
	expect_state(&client, TRUNK_REGISTRATION_IDLE);
	end_of_test(&client);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	static const struct CMUnitTest tests[] = {
	    T(goes_elsewhere_at_once),
	    T(says_who_where_and_how_long),
	    T(refreshes_after_half_the_time),
	    T(answers_a_challenge_once_and_a_stale_one_again),
	    T(answers_proxy_and_registrar),
	    T(shows_nothing_to_another_realm),
	    T(asks_no_more_than_a_few_times),
	    T(takes_the_least_time_the_registrar_wants),
	    T(waits_longer_after_every_failure),
	    T(follows_no_redirection),
	    T(outlives_a_lost_answer),
	    T(waits_when_nobody_answers),
	    T(waits_where_there_is_no_way),
	    T(comes_back_when_the_connection_closes),
	    T(refreshes_when_doubted),
	    T(unregisters_with_credentials),
	    T(is_idle_though_its_end_is_lost),
	    T(may_be_wanted_again_before_its_end),
	    T(ends_what_may_have_come_through),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
