/* The client machines: every timer, CANCEL, lost and late answers. */
#include "../support/sip_world.h"

static void invite_unanswered(void **state)
{
	struct world *world = *state;
	static const int64_t gaps[] = {500, 1000, 2000, 4000, 8000, 16000};
	world_invite(world, &world->udp);
	struct sip_message *first = world_take_request(&world->udp, SIP_METHOD_INVITE);
	assert_string_equal(sip_message_header(first, "Max-Forwards", 0), "70");
	assert_string_equal(sip_message_via_sent_by(first), "192.0.2.100:5060");
	for (size_t i = 0; i < G_N_ELEMENTS(gaps); i++) {
		world_advance(world, gaps[i] - 1);
		world_expect_silence(&world->udp);
		world_advance(world, 1);
		struct sip_message *again = world_take_request(&world->udp, SIP_METHOD_INVITE);
		assert_string_equal(sip_message_branch(again), sip_message_branch(first));
		sip_message_unref(again);
	}
	world_advance(world, 499);
	assert_int_equal(world->n_ended, 0);
	world_advance(world, 1); /* B */
	assert_int_equal(world->n_ended, 1);
	assert_int_equal(world->end, SIP_CLIENT_TIMEOUT);
	world_expect_empty(world);
	sip_message_unref(first);
}

static void invite_reliable_unanswered(void **state)
{
	struct world *world = *state;
	world_invite(world, &world->ws);
	world_expect_request(&world->ws, SIP_METHOD_INVITE);
	world_advance(world, 31999);
	assert_int_equal(world->n_ended, 0);
	world_advance(world, 1);
	assert_int_equal(world->end, SIP_CLIENT_TIMEOUT);
	world_expect_empty(world);
}

static void invite_refused(void **state) /* row 24 */
{
	struct world *world = *state;
	world_invite(world, &world->udp);
	struct sip_message *invite = world_take_request(&world->udp, SIP_METHOD_INVITE);
	world_answer(world, &world->udp, invite, 100, "x");
	assert_int_equal(world->n_responses, 0);
	world_advance(world, 100000); /* ringing has no end here */
	world_answer(world, &world->udp, invite, 180, "x");
	assert_int_equal(world->last_status, 180);
	for (int i = 0; i < 3; i++) {
		world_answer(world, &world->udp, invite, 486, "x");
		struct sip_message *ack = world_take_request(&world->udp, SIP_METHOD_ACK);
		assert_string_equal(sip_message_branch(ack), sip_message_branch(invite));
		assert_string_equal(sip_message_to_tag(ack), "x");
		assert_string_equal(sip_message_request_uri(ack), sip_message_request_uri(invite));
		assert_int_equal(sip_message_cseq(ack), sip_message_cseq(invite));
		sip_message_unref(ack);
	}
	assert_int_equal(world->n_responses, 2);
	world_advance(world, 31999); /* D */
	assert_int_equal(world->n_ended, 0);
	world_advance(world, 1);
	assert_int_equal(world->end, SIP_CLIENT_ANSWERED);
	world_expect_empty(world);
	sip_message_unref(invite);
}

static void invite_accepted(void **state) /* rows 14, 52; RFC 6026 */
{
	struct world *world = *state;
	world_invite(world, &world->udp);
	struct sip_message *invite = world_take_request(&world->udp, SIP_METHOD_INVITE);
	world_answer(world, &world->udp, invite, 200, "x");
	world_answer(world, &world->udp, invite, 200, "x");
	world_answer(world, &world->udp, invite, 200, "fork");
	assert_int_equal(world->n_responses, 3);
	world_answer(world, &world->udp, invite, 486, "x"); /* too late: dropped */
	world_answer(world, &world->udp, invite, 180, "x");
	assert_int_equal(world->n_responses, 3);
	world_advance(world, 31999); /* M */
	assert_int_equal(world->n_ended, 0);
	world_advance(world, 1);
	assert_int_equal(world->end, SIP_CLIENT_ANSWERED);
	world_expect_empty(world);
	sip_message_unref(invite);
}

static void cancel_is_held(void **state) /* row 2 */
{
	struct world *world = *state;
	struct sip_client_transaction *transaction = world_invite(world, &world->udp);
	struct sip_message *invite = world_take_request(&world->udp, SIP_METHOD_INVITE);
	sip_client_transaction_cancel(transaction, "Q.850;cause=16");
	world_expect_silence(&world->udp);
	world_answer(world, &world->udp, invite, 100, "x");
	struct sip_message *cancel = world_take_request(&world->udp, SIP_METHOD_CANCEL);
	assert_string_equal(sip_message_branch(cancel), sip_message_branch(invite));
	assert_string_equal(sip_message_request_uri(cancel), sip_message_request_uri(invite));
	assert_int_equal(sip_message_cseq(cancel), sip_message_cseq(invite));
	assert_null(sip_message_to_tag(cancel));
	assert_string_equal(sip_message_header(cancel, "Reason", 0), "Q.850;cause=16");
	sip_client_transaction_cancel(transaction, NULL); /* once is enough */
	world_expect_silence(&world->udp);
	world_answer(world, &world->udp, cancel, 200, "x");
	world_answer(world, &world->udp, invite, 487, "x");
	world_expect_request(&world->udp, SIP_METHOD_ACK);
	assert_int_equal(world->last_status, 487);
	world_advance(world, 32000);
	assert_int_equal(world->end, SIP_CLIENT_ANSWERED);
	world_expect_empty(world);
	sip_message_unref(cancel);
	sip_message_unref(invite);
}

static void cancel_refused_first(void **state) /* row 2: a final answer first */
{
	struct world *world = *state;
	struct sip_client_transaction *transaction = world_invite(world, &world->ws);
	struct sip_message *invite = world_take_request(&world->ws, SIP_METHOD_INVITE);
	sip_client_transaction_cancel(transaction, NULL);
	world_answer(world, &world->ws, invite, 404, "x");
	world_expect_request(&world->ws, SIP_METHOD_ACK);
	sip_client_transaction_cancel(transaction, NULL);
	world_expect_silence(&world->ws);
	world_advance(world, 0); /* D is zero where the transport is reliable */
	assert_int_equal(world->end, SIP_CLIENT_ANSWERED);
	world_expect_empty(world);
	sip_message_unref(invite);
}

static void cancel_without_any_answer(void **state) /* row 2: Timer B, no CANCEL ever */
{
	struct world *world = *state;
	sip_client_transaction_cancel(world_invite(world, &world->ws), NULL);
	world_expect_request(&world->ws, SIP_METHOD_INVITE);
	world_advance(world, 32000);
	assert_int_equal(world->end, SIP_CLIENT_TIMEOUT);
	world_expect_empty(world);
}

static void cancel_crosses_200(void **state) /* rows 4, 5 */
{
	struct world *world = *state;
	struct sip_client_transaction *transaction = world_invite(world, &world->udp);
	struct sip_message *invite = world_take_request(&world->udp, SIP_METHOD_INVITE);
	world_answer(world, &world->udp, invite, 180, "x");
	sip_client_transaction_cancel(transaction, NULL);
	struct sip_message *cancel = world_take_request(&world->udp, SIP_METHOD_CANCEL);
	world_answer(world, &world->udp, cancel, 481, "x");
	assert_int_equal(world->n_ended, 0);
	world_answer(world, &world->udp, invite, 200, "x");
	assert_int_equal(world->last_status, 200);
	world_advance(world, 32000);
	assert_int_equal(world->end, SIP_CLIENT_ANSWERED);
	world_expect_empty(world);
	sip_message_unref(cancel);
	sip_message_unref(invite);
}

static void cancel_answered_invite_not(void **state) /* rows 6, then 13 */
{
	struct world *world = *state;
	struct sip_client_transaction *transaction = world_invite(world, &world->udp);
	struct sip_message *invite = world_take_request(&world->udp, SIP_METHOD_INVITE);
	world_answer(world, &world->udp, invite, 183, "x");
	world_advance(world, 60000);
	sip_client_transaction_cancel(transaction, NULL);
	struct sip_message *cancel = world_take_request(&world->udp, SIP_METHOD_CANCEL);
	world_answer(world, &world->udp, cancel, 200, "x");
	world_advance(world, 31999);
	assert_int_equal(world->n_ended, 0);
	world_advance(world, 1);
	assert_int_equal(world->end, SIP_CLIENT_TIMEOUT);
	for (int i = 0; i < 3; i++) { /* one ACK for each, one BYE */
		world_answer(world, &world->udp, invite, 200, "x");
		struct sip_message *ack = world_take_request(&world->udp, SIP_METHOD_ACK);
		assert_int_equal(sip_message_cseq(ack), 1);
		assert_string_equal(sip_message_to_tag(ack), "x");
		assert_string_equal(sip_message_request_uri(ack), "sip:far@192.0.2.2:5070;tag-is=x");
		sip_message_unref(ack);
		if (i)
			continue;
		struct sip_message *bye = world_take_request(&world->udp, SIP_METHOD_BYE);
		assert_int_equal(sip_message_cseq(bye), 2);
		assert_string_equal(sip_message_from_tag(bye), "n");
		world_answer(world, &world->udp, bye, 200, "x");
		sip_message_unref(bye);
	}
	world_answer(world, &world->udp, invite, 200, "y"); /* a fork is another call */
	world_expect_request(&world->udp, SIP_METHOD_ACK);
	struct sip_message *bye = world_take_request(&world->udp, SIP_METHOD_BYE);
	world_answer(world, &world->udp, bye, 481, "y");
	world_advance(world, 32000);
	world_expect_empty(world);
	sip_message_unref(bye);
	sip_message_unref(cancel);
	sip_message_unref(invite);
}

static void detached_and_answered(void **state)
{
	struct world *world = *state;
	sip_client_transaction_detach(world_invite(world, &world->udp));
	struct sip_message *invite = world_take_request(&world->udp, SIP_METHOD_INVITE);
	world_answer(world, &world->udp, invite, 200, "x");
	world_expect_request(&world->udp, SIP_METHOD_ACK);
	struct sip_message *bye = world_take_request(&world->udp, SIP_METHOD_BYE);
	world_answer(world, &world->udp, bye, 200, "x");
	world_answer(world, &world->udp, invite, 200, "x");
	world_expect_request(&world->udp, SIP_METHOD_ACK);
	assert_int_equal(world->n_responses, 0);
	world_advance(world, 32000);
	assert_int_equal(world->n_ended, 0);
	world_expect_empty(world);
	sip_message_unref(bye);
	sip_message_unref(invite);
}

static void strays_are_dropped(void **state)
{
	struct world *world = *state;
	static const char *const branches[] = {"forged", "0123456789abcdef0123456789abcdef"};
	for (size_t i = 0; i < G_N_ELEMENTS(branches); i++)
		world_receive(world, &world->udp,
			      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%s\r\nFrom: <sip:a@b>;tag=1\r\n"
			      "To: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContact: <sip:victim@192.0.2.66>\r\n",
			      branches[i]);
	world_receive(world, &world->udp,
		      "SIP/2.0 404 No\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\nFrom: <sip:a@b>;tag=1\r\n"
		      "To: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n");
	world_expect_silence(&world->udp);
	world_expect_empty(world);
}

static void a_late_2xx_of_an_owned_dialog_is_acknowledged_only(void **state)
{
	struct world *world = *state;
	struct sip_client_transaction *transaction = world_invite(world, &world->udp);
	struct sip_message *invite = world_take_request(&world->udp, SIP_METHOD_INVITE);
	struct sip_dialog *dialog = sip_dialog_new_caller("<sip:near@example.com>", "<sip:far@example.com>", "sip:far@h");
	g_free(dialog->call_id);
	g_free(dialog->local_tag);
	dialog->call_id = g_strdup("call");
	dialog->local_tag = g_strdup("n");
	dialog->remote_tag = g_strdup("x");
	struct sip_dialog_entry *entry =
		sip_stack_add_dialog(world->stack, dialog, NULL, &world_dialog_handler, world);
	sip_client_transaction_detach(transaction);
	for (int i = 0; i < 2; i++) {
		world_answer(world, &world->udp, invite, 200, "x");
		world_expect_request(&world->udp, SIP_METHOD_ACK);
	}
	world_expect_silence(&world->udp); /* the BYE is its owner's */
	sip_stack_remove_dialog(entry);
	sip_dialog_free(dialog);
	sip_message_unref(invite);
}

static void other_requests(void **state)
{
	struct world *world = *state;
	static const int64_t gaps[] = {500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000};
	world_start(world, &world->udp, SIP_METHOD_OPTIONS);
	world_expect_request(&world->udp, SIP_METHOD_OPTIONS);
	for (size_t i = 0; i < G_N_ELEMENTS(gaps); i++) {
		world_advance(world, gaps[i] - 1);
		world_expect_silence(&world->udp);
		world_advance(world, 1);
		world_expect_request(&world->udp, SIP_METHOD_OPTIONS);
	}
	world_advance(world, 500); /* F */
	assert_int_equal(world->end, SIP_CLIENT_TIMEOUT);
	world_expect_empty(world);
}

static void other_request_goes_slower_when_heard(void **state)
{
	struct world *world = *state;
	world_start(world, &world->udp, SIP_METHOD_BYE);
	struct sip_message *bye = world_take_request(&world->udp, SIP_METHOD_BYE);
	world_answer(world, &world->udp, bye, 100, "x");
	world_advance(world, 3999);
	world_expect_silence(&world->udp);
	world_advance(world, 1);
	world_expect_request(&world->udp, SIP_METHOD_BYE);
	world_answer(world, &world->udp, bye, 200, "x");
	world_answer(world, &world->udp, bye, 200, "x");
	assert_int_equal(world->n_responses, 1);
	world_advance(world, 4999); /* K */
	assert_int_equal(world->n_ended, 0);
	world_advance(world, 1);
	assert_int_equal(world->end, SIP_CLIENT_ANSWERED);
	world_expect_empty(world);
	sip_message_unref(bye);
}

static void flow_closes(void **state)
{
	struct world *world = *state;
	world_invite(world, &world->ws);
	world_start(world, &world->ws, SIP_METHOD_OPTIONS);
	world_expect_request(&world->ws, SIP_METHOD_INVITE);
	struct sip_message *options = world_take_request(&world->ws, SIP_METHOD_OPTIONS);
	world_answer(world, &world->ws, options, 200, "x");
	fake_flow_break(&world->ws);
	assert_int_equal(world->n_ended, 0); /* told from the loop */
	world_advance(world, 0);
	assert_int_equal(world->n_ended, 2); /* the answered one ended answered, the other failed */
	world_expect_empty(world);
	world->n_ended = 0;
	world_invite(world, &world->ws); /* closed before */
	assert_int_equal(world->n_ended, 0);
	world_advance(world, 0);
	assert_int_equal(world->end, SIP_CLIENT_TRANSPORT_FAILED);
	assert_int_equal(world->n_ended, 1);
	world_expect_empty(world);
	sip_message_unref(options);
}

static void flow_closes_after_the_answer(void **state)
{
	struct world *world = *state;
	world_invite(world, &world->ws);
	struct sip_message *invite = world_take_request(&world->ws, SIP_METHOD_INVITE);
	world_answer(world, &world->ws, invite, 200, "x");
	fake_flow_break(&world->ws);
	world_advance(world, 31999);
	assert_int_equal(world->n_ended, 0);
	world_advance(world, 1);
	assert_int_equal(world->end, SIP_CLIENT_ANSWERED);
	sip_message_unref(invite);
}

static void request_moves_to_the_next_flow(void **state) /* row 56 */
{
	struct world *world = *state;
	static struct fake_flow next;
	fake_flow_open(&next, SIP_TRANSPORT_WS, "192.0.2.3:1");
	world->client_stays = true;
	struct sip_client_transaction *transaction = world_invite(world, &world->ws);
	struct sip_message *invite = world_take_request(&world->ws, SIP_METHOD_INVITE);
	world_answer(world, &world->ws, invite, 180, "x");
	fake_flow_break(&world->ws);
	world_advance(world, 100000);
	assert_int_equal(world->n_ended, 0);
	sip_client_transaction_move(transaction, next.flow);
	struct sip_message *again = world_take_request(&next, SIP_METHOD_INVITE);
	assert_string_equal(sip_message_branch(again), sip_message_branch(invite));
	sip_client_transaction_move(transaction, next.flow); /* once a flow */
	world_expect_silence(&next);
	world_answer(world, &next, again, 486, "x");
	world_expect_request(&next, SIP_METHOD_ACK);
	assert_int_equal(world->last_status, 486);
	world_advance(world, 0);
	assert_int_equal(world->end, SIP_CLIENT_ANSWERED);
	world_expect_empty(world);
	sip_message_unref(again);
	sip_message_unref(invite);
	fake_flow_clear(&next);
}

static void answer_comes_by_the_next_flow(void **state)
{
	struct world *world = *state;
	static struct fake_flow next;
	fake_flow_open(&next, SIP_TRANSPORT_WS, "192.0.2.3:1");
	world->client_stays = true;
	world_invite(world, &world->ws);
	struct sip_message *invite = world_take_request(&world->ws, SIP_METHOD_INVITE);
	fake_flow_break(&world->ws);
	world_answer(world, &next, invite, 486, "x");
	world_expect_request(&next, SIP_METHOD_ACK);
	world_advance(world, 0);
	world_expect_empty(world);
	sip_message_unref(invite);
	fake_flow_clear(&next);
}

static void cancel_follows_to_the_next_flow(void **state)
{
	struct world *world = *state;
	static struct fake_flow next, last;
	fake_flow_open(&next, SIP_TRANSPORT_WS, "192.0.2.3:1");
	fake_flow_open(&last, SIP_TRANSPORT_WS, "192.0.2.3:2");
	world->client_stays = true;
	struct sip_client_transaction *transaction = world_invite(world, &world->ws);
	struct sip_message *invite = world_take_request(&world->ws, SIP_METHOD_INVITE);
	world_answer(world, &world->ws, invite, 180, "x");
	fake_flow_break(&world->ws);
	sip_client_transaction_cancel(transaction, NULL); /* in vain yet */
	sip_client_transaction_move(transaction, next.flow);
	world_expect_request(&next, SIP_METHOD_CANCEL);
	fake_flow_break(&next); /* the CANCEL that fails with it must not take the next one along */
	sip_client_transaction_move(transaction, last.flow);
	struct sip_message *cancel = world_take_request(&last, SIP_METHOD_CANCEL);
	world_advance(world, 0);
	world_answer(world, &last, cancel, 200, "x");
	world_answer(world, &last, invite, 487, "x");
	world_expect_request(&last, SIP_METHOD_ACK);
	world_advance(world, 0);
	world_expect_empty(world);
	sip_message_unref(cancel);
	sip_message_unref(invite);
	fake_flow_clear(&next);
	fake_flow_clear(&last);
}

static void the_next_cancel_takes_the_place_of_the_first(void **state)
{
	struct world *world = *state;
	static struct fake_flow next;
	fake_flow_open(&next, SIP_TRANSPORT_UDP, "192.0.2.3:1");
	struct sip_client_transaction *transaction = world_invite(world, &world->udp);
	struct sip_message *invite = world_take_request(&world->udp, SIP_METHOD_INVITE);
	world_answer(world, &world->udp, invite, 180, "x");
	sip_client_transaction_cancel(transaction, NULL);
	world_expect_request(&world->udp, SIP_METHOD_CANCEL);
	sip_client_transaction_move(transaction, next.flow); /* while the first may still be used */
	world_expect_request(&next, SIP_METHOD_CANCEL);
	world_advance(world, SIP_T1_MS);
	world_expect_request(&next, SIP_METHOD_CANCEL);
	world_expect_silence(&world->udp);
	sip_message_unref(invite);
	sip_stack_free(g_steal_pointer(&world->stack)); /* with both in progress */
	fake_flow_clear(&next);
}

static void nobody_moves_a_detached_request(void **state)
{
	struct world *world = *state;
	world->client_stays = true;
	struct sip_client_transaction *transaction = world_invite(world, &world->ws);
	struct sip_message *invite = world_take_request(&world->ws, SIP_METHOD_INVITE);
	world_answer(world, &world->ws, invite, 180, "x");
	fake_flow_break(&world->ws);
	sip_client_transaction_detach(transaction);
	world_advance(world, 0);
	world_expect_empty(world);
	sip_message_unref(invite);
}

static void flow_is_full(void **state)
{
	struct world *world = *state;
	world->ws.error = -EAGAIN;
	world->udp.error = -EAGAIN;
	world_invite(world, &world->ws);
	world_advance(world, 0);
	assert_int_equal(world->end, SIP_CLIENT_TRANSPORT_FAILED);
	world_start(world, &world->udp, SIP_METHOD_OPTIONS); /* as good as lost: it is sent again */
	world->udp.error = 0;
	world_advance(world, 500);
	world_expect_request(&world->udp, SIP_METHOD_OPTIONS);
	assert_int_equal(world->n_ended, 1);
}

static void stack_ends_in_the_middle(void **state)
{
	struct world *world = *state;
	sip_client_transaction_cancel(world_invite(world, &world->udp), "x");
	world_start(world, &world->ws, SIP_METHOD_OPTIONS);
	world_expect_request(&world->udp, SIP_METHOD_INVITE);
	world_expect_request(&world->ws, SIP_METHOD_OPTIONS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(invite_unanswered),
		TEST(invite_reliable_unanswered),
		TEST(invite_refused),
		TEST(invite_accepted),
		TEST(cancel_is_held),
		TEST(cancel_refused_first),
		TEST(cancel_without_any_answer),
		TEST(cancel_crosses_200),
		TEST(cancel_answered_invite_not),
		TEST(detached_and_answered),
		TEST(strays_are_dropped),
		TEST(a_late_2xx_of_an_owned_dialog_is_acknowledged_only),
		TEST(other_requests),
		TEST(other_request_goes_slower_when_heard),
		TEST(flow_closes),
		TEST(flow_closes_after_the_answer),
		TEST(request_moves_to_the_next_flow),
		TEST(answer_comes_by_the_next_flow),
		TEST(cancel_follows_to_the_next_flow),
		TEST(the_next_cancel_takes_the_place_of_the_first),
		TEST(nobody_moves_a_detached_request),
		TEST(flow_is_full),
		TEST(stack_ends_in_the_middle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
