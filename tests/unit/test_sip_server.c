/* The server machines, CANCEL, repeats on other flows. */
#include "../support/sip_world.h"

static void invite_is_ringing(void **state) /* rows 57 (100 in time), 58 */
{
	struct world *world = *state;
	world_request(world, &world->udp, "INVITE", "1", "", 1);
	assert_int_equal(world->n_requests, 1);
	world_advance(world, 199);
	world_expect_silence(&world->udp);
	world_advance(world, 1);
	world_expect_response(&world->udp, 100);
	for (int i = 0; i < 6; i++) {
		world_request(world, &world->udp, "INVITE", "1", "", 1);
		world_expect_response(&world->udp, 100);
	}
	sip_server_transaction_reply(world->server, 180, NULL, "t");
	world_expect_response(&world->udp, 180);
	world_request(world, &world->udp, "INVITE", "1", "", 1);
	world_expect_response(&world->udp, 180);
	world_advance(world, 1000000); /* ringing has no end here */
	assert_int_equal(world->n_requests, 1);
}

static void invite_repeated_before_100(void **state)
{
	struct world *world = *state;
	world_request(world, &world->ws, "INVITE", "1", "", 1);
	world_request(world, &world->ws, "INVITE", "1", "", 1);
	world_expect_response(&world->ws, 100);
	world_advance(world, 1000);
	world_expect_silence(&world->ws);
	assert_int_equal(world->n_requests, 1);
}

static void invite_refused(void **state)
{
	struct world *world = *state;
	static const int64_t gaps[] = {500, 1000, 2000, 4000, 4000};
	world_request(world, &world->udp, "INVITE", "1", "", 1);
	assert_false(sip_server_transaction_is_answered(world->server));
	assert_int_equal(sip_server_transaction_reply(world->server, 486, NULL, "t"), 0);
	assert_true(sip_server_transaction_is_answered(world->server));
	assert_int_equal(sip_server_transaction_reply(world->server, 200, NULL, "t"), -EALREADY);
	world_expect_response(&world->udp, 486);
	for (size_t i = 0; i < G_N_ELEMENTS(gaps); i++) { /* G */
		world_advance(world, gaps[i]);
		world_expect_response(&world->udp, 486);
	}
	world_request(world, &world->udp, "INVITE", "1", "", 1);
	world_expect_response(&world->udp, 486);
	world_request(world, &world->udp, "ACK", "1", "t", 1);
	world_request(world, &world->udp, "ACK", "1", "t", 1);
	world_request(world, &world->udp, "INVITE", "1", "", 1);
	world_expect_silence(&world->udp);
	world_advance(world, 4999); /* I */
	assert_int_equal(world->n_server_ended, 0);
	world_advance(world, 1);
	assert_int_equal(world->n_server_ended, 1);
	assert_int_equal(world->n_acks + world->n_in_dialog, 0);
	world_expect_empty(world);
}

static void invite_refused_no_ack(void **state)
{
	struct world *world = *state;
	world_request(world, &world->ws, "INVITE", "1", "", 1);
	sip_server_transaction_reply(world->server, 486, NULL, "t");
	world_expect_response(&world->ws, 486);
	world_advance(world, 31999); /* H; no G where the transport is reliable */
	world_expect_silence(&world->ws);
	assert_int_equal(world->n_server_ended, 0);
	world_advance(world, 1);
	assert_int_equal(world->n_server_ended, 1);
	assert_int_equal(world->n_unacknowledged, 0);
	world_expect_empty(world);
}

static void invite_refused_ack_reliable(void **state)
{
	struct world *world = *state;
	world_request(world, &world->ws, "INVITE", "1", "", 1);
	sip_server_transaction_reply(world->server, 486, NULL, "t");
	world_expect_response(&world->ws, 486);
	world_request(world, &world->ws, "ACK", "1", "t", 1);
	world_advance(world, 0);
	assert_int_equal(world->n_server_ended, 1);
	world_expect_empty(world);
}

static struct sip_dialog *accept_call(struct world *world, struct fake_flow *flow)
{
	world_request(world, flow, "INVITE", "1", "", 1);
	struct sip_dialog *dialog = sip_dialog_new_callee(sip_server_transaction_request(world->server));
	sip_server_transaction_reply(world->server, 200, NULL, dialog->local_tag);
	world_expect_response(flow, 200);
	return dialog;
}

static void unacknowledged_200(struct world *world, struct fake_flow *flow) /* rows 15, 16 */
{
	static const int64_t gaps[] = {500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000};
	sip_dialog_free(accept_call(world, flow));
	for (size_t i = 0; i < G_N_ELEMENTS(gaps); i++) {
		world_advance(world, gaps[i] - 1);
		world_expect_silence(flow);
		world_advance(world, 1);
		world_expect_response(flow, 200);
	}
	world_request(world, flow, "INVITE", "1", "", 1); /* row 17: absorbed */
	world_expect_silence(flow);
	assert_int_equal(world->n_unacknowledged, 0);
	world_advance(world, 500);
	assert_int_equal(world->n_unacknowledged, 1);
	assert_int_equal(world->n_server_ended, 1);
	world_expect_empty(world);
}

static void no_ack_udp(void **state)
{
	unacknowledged_200(*state, &((struct world *)*state)->udp);
}

static void no_ack_websocket(void **state)
{
	unacknowledged_200(*state, &((struct world *)*state)->ws);
}

static void acknowledged_200(void **state)
{
	struct world *world = *state;
	struct sip_dialog *dialog = accept_call(world, &world->udp);
	struct sip_dialog_entry *entry =
		sip_stack_add_dialog(world->stack, dialog, NULL, &world_dialog_handler, world);
	world_advance(world, 500);
	world_expect_response(&world->udp, 200);
	world_request(world, &world->udp, "ACK", "2", dialog->local_tag, 1);
	world_request(world, &world->udp, "ACK", "2", dialog->local_tag, 1);
	assert_int_equal(world->n_acks, 2);
	world_request(world, &world->udp, "INVITE", "1", "", 1);
	world_advance(world, 31499);
	assert_int_equal(world->n_server_ended, 0);
	world_advance(world, 1); /* L */
	assert_int_equal(world->n_server_ended, 1);
	assert_int_equal(world->n_unacknowledged, 0);
	world_expect_silence(&world->udp);
	world_expect_empty(world);
	sip_stack_remove_dialog(entry);
	sip_dialog_free(dialog);
}

static void other_request(void **state)
{
	struct world *world = *state;
	world_request(world, &world->udp, "OPTIONS", "1", "", 1);
	world_request(world, &world->udp, "OPTIONS", "1", "", 1);
	world_expect_silence(&world->udp); /* trying: absorbed */
	sip_server_transaction_reply(world->server, 200, NULL, "t");
	world_expect_response(&world->udp, 200);
	world_request(world, &world->udp, "OPTIONS", "1", "", 1);
	world_expect_response(&world->udp, 200);
	assert_int_equal(world->n_requests, 1);
	world_advance(world, 31999); /* J */
	assert_int_equal(world->n_server_ended, 0);
	world_advance(world, 1);
	assert_int_equal(world->n_server_ended, 1);
	world_expect_empty(world);
	world_request(world, &world->ws, "OPTIONS", "2", "", 1);
	sip_server_transaction_reply(world->server, 200, NULL, "t");
	world_expect_response(&world->ws, 200);
	world_request(world, &world->ws, "OPTIONS", "2", "", 1); /* it may have to be asked again on the next connection */
	world_expect_response(&world->ws, 200);
	world_advance(world, 31999);
	assert_int_equal(world->n_server_ended, 1);
	world_advance(world, 1);
	assert_int_equal(world->n_server_ended, 2);
	world_expect_empty(world);
}

static void nobody_answers(void **state)
{
	struct world *world = *state;
	world->attach = false;
	world_request(world, &world->udp, "OPTIONS", "1", "", 1);
	world_advance(world, 32000);
	world_expect_silence(&world->udp);
	world_expect_empty(world);
}

static void cancel(void **state) /* rows 1, 7 */
{
	struct world *world = *state;
	world_request(world, &world->udp, "CANCEL", "1", "", 1);
	world_expect_response(&world->udp, 481);
	world_request(world, &world->udp, "INVITE", "2", "", 1);
	world_request(world, &world->udp, "CANCEL", "other", "", 1);
	world_expect_response(&world->udp, 481);
	world_request(world, &world->udp, "CANCEL", "2", "", 1);
	world_expect_response(&world->udp, 200);
	struct sip_message *response = world_take_response(&world->udp, 487);
	assert_string_equal(sip_message_to_tag(response), "t");
	assert_int_equal(sip_message_method(response), SIP_METHOD_INVITE);
	sip_message_unref(response);
	assert_int_equal(world->n_cancelled, 1);
	world_request(world, &world->udp, "CANCEL", "2", "", 1); /* repeated */
	world_expect_response(&world->udp, 200);
	world_request(world, &world->udp, "ACK", "2", "t", 1);
	assert_int_equal(world->n_cancelled, 1);
	world_advance(world, 32000);
	world_expect_empty(world);
}

static void cancel_is_too_late(void **state) /* row 3 */
{
	struct world *world = *state;
	struct sip_dialog *dialog = accept_call(world, &world->ws);
	world_request(world, &world->ws, "CANCEL", "1", "", 1);
	struct sip_message *response = world_take_response(&world->ws, 200);
	assert_string_equal(sip_message_to_tag(response), dialog->local_tag);
	assert_int_equal(sip_message_method(response), SIP_METHOD_CANCEL);
	sip_message_unref(response);
	assert_int_equal(world->n_cancelled, 0);
	sip_dialog_free(dialog);
}

static void cancel_of_nobodys_invite(void **state)
{
	struct world *world = *state;
	world->attach = false;
	world_request(world, &world->ws, "INVITE", "1", "", 1);
	world_request(world, &world->ws, "CANCEL", "1", "", 1);
	world_expect_response(&world->ws, 200);
	world_expect_response(&world->ws, 487);
}

static void another_websocket_of_the_same_user(void **state) /* rows 8, 56e */
{
	struct world *world = *state;
	static struct fake_flow again;
	fake_flow_open(&again, SIP_TRANSPORT_WS, "192.0.2.1:40001");
	world_request(world, &world->ws, "INVITE", "1", "", 1);
	sip_flow_set_identity(world->ws.flow, "user:alice");
	sip_flow_set_identity(again.flow, "user:alice");
	fake_flow_break(&world->ws);
	sip_server_transaction_reply(world->server, 180, NULL, "t");
	world_request(world, &again, "INVITE", "1", "", 1);
	world_expect_response(&again, 180);
	assert_ptr_equal(sip_server_transaction_flow(world->server), again.flow);
	world_request(world, &again, "CANCEL", "1", "", 1);
	world_expect_response(&again, 200);
	world_expect_response(&again, 487);
	assert_int_equal(world->n_requests, 1);
	world_expect_silence(&world->ws);
	fake_flow_clear(&again);
	assert_false(again.is_destroyed); /* the transaction still holds it */
	sip_server_transaction_detach(world->server);
	world_advance(world, 32000);
	assert_true(again.is_destroyed);
}

static void answer_waits_for_another_websocket(void **state) /* row 56e with a final answer, and a request but INVITE */
{
	struct world *world = *state;
	static struct fake_flow again;
	fake_flow_open(&again, SIP_TRANSPORT_WS, "192.0.2.1:40001");
	sip_flow_set_identity(world->ws.flow, "user:alice");
	sip_flow_set_identity(again.flow, "user:alice");
	world_request(world, &world->ws, "OPTIONS", "1", "", 1);
	struct sip_server_transaction *options = world->server;
	world_request(world, &world->ws, "INVITE", "2", "", 2);
	fake_flow_break(&world->ws);
	sip_server_transaction_reply(options, 200, NULL, "t");
	sip_server_transaction_reply(world->server, 200, NULL, "t");
	world_advance(world, 200);
	world_request(world, &again, "OPTIONS", "1", "", 1);
	world_expect_response(&again, 200);
	world_request(world, &again, "INVITE", "2", "", 2);
	world_expect_response(&again, 200);
	assert_int_equal(world->n_requests, 2);
	world_advance(world, 32000);
	while (fake_flow_pending(&again))
		world_expect_response(&again, 200);
	assert_int_equal(world->n_unacknowledged, 1);
	world_expect_empty(world);
	fake_flow_clear(&again);
}

static void another_user(void **state) /* row 9 */
{
	struct world *world = *state;
	static struct fake_flow mallory, nobody;
	fake_flow_open(&mallory, SIP_TRANSPORT_WS, "192.0.2.1:40001");
	fake_flow_open(&nobody, SIP_TRANSPORT_WS, "192.0.2.1:40002");
	sip_flow_set_identity(world->ws.flow, "user:alice");
	sip_flow_set_identity(mallory.flow, "user:mallory");
	world_request(world, &world->ws, "INVITE", "1", "", 1);
	world_request(world, &mallory, "CANCEL", "1", "", 1);
	world_expect_response(&mallory, 481);
	world_request(world, &nobody, "CANCEL", "1", "", 1);
	world_expect_response(&nobody, 481);
	assert_int_equal(world->n_cancelled, 0);
	sip_server_transaction_reply(world->server, 486, NULL, "t");
	world_expect_response(&world->ws, 486);
	world_request(world, &mallory, "ACK", "1", "t", 1); /* absorbs nothing of alice's */
	world_advance(world, 0);
	assert_int_equal(world->n_server_ended, 0);
	world_request(world, &world->ws, "CANCEL", "1", "", 1);
	world_expect_response(&world->ws, 200);
	fake_flow_clear(&mallory);
	fake_flow_clear(&nobody);
}

static void another_websocket_of_nobody(void **state) /* one address stands for many behind a NAT */
{
	struct world *world = *state;
	static struct fake_flow other;
	fake_flow_open(&other, SIP_TRANSPORT_WS, "192.0.2.1:40001");
	world_request(world, &world->ws, "INVITE", "1", "", 1);
	world_request(world, &other, "CANCEL", "1", "", 1);
	world_expect_response(&other, 481);
	fake_flow_clear(&other);
}

static void another_port_of_the_same_host(void **state)
{
	struct world *world = *state;
	static struct fake_flow other_port, other_host;
	fake_flow_open(&other_port, SIP_TRANSPORT_UDP, "192.0.2.2:5999");
	fake_flow_open(&other_host, SIP_TRANSPORT_UDP, "192.0.2.3:5060");
	world_request(world, &world->udp, "INVITE", "1", "", 1);
	world_request(world, &other_host, "CANCEL", "1", "", 1);
	world_expect_response(&other_host, 481);
	world_request(world, &other_port, "CANCEL", "1", "", 1);
	world_expect_response(&other_port, 200);
	world_expect_response(&world->udp, 487);
	fake_flow_clear(&other_port);
	fake_flow_clear(&other_host);
}

static void via_is_stamped(void **state)
{
	struct world *world = *state;
	world_request(world, &world->udp, "OPTIONS", "1", "", 1);
	sip_server_transaction_reply(world->server, 200, NULL, "t");
	struct sip_message *response = world_take_response(&world->udp, 200);
	const char *via = sip_message_header(response, "Via", 0);
	assert_non_null(strstr(via, "received=192.0.2.2"));
	assert_non_null(strstr(via, "rport=5060"));
	sip_message_unref(response);
}

static void stack_ends_in_the_middle(void **state)
{
	struct world *world = *state;
	sip_dialog_free(accept_call(world, &world->udp));
	world_request(world, &world->ws, "OPTIONS", "2", "", 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(invite_is_ringing),
		TEST(invite_repeated_before_100),
		TEST(invite_refused),
		TEST(invite_refused_no_ack),
		TEST(invite_refused_ack_reliable),
		TEST(no_ack_udp),
		TEST(no_ack_websocket),
		TEST(acknowledged_200),
		TEST(other_request),
		TEST(nobody_answers),
		TEST(cancel),
		TEST(cancel_is_too_late),
		TEST(cancel_of_nobodys_invite),
		TEST(another_websocket_of_the_same_user),
		TEST(answer_waits_for_another_websocket),
		TEST(another_user),
		TEST(another_websocket_of_nobody),
		TEST(another_port_of_the_same_host),
		TEST(via_is_stamped),
		TEST(stack_ends_in_the_middle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
