/* The stack between gate, transactions and dialogs: who gets what, and what is refused. */
#include "sip/capabilities.h"
#include "../support/sip_world.h"

struct call {
	struct sip_dialog *dialog;
	struct sip_dialog_entry *entry;
};

static struct call accept_call(struct world *world, struct fake_flow *flow, const char *identity)
{
	struct call call;
	world_request(world, flow, "INVITE", "1", "", 5);
	call.dialog = sip_dialog_new_callee(sip_server_transaction_request(world->server));
	call.entry = sip_stack_add_dialog(world->stack, call.dialog, identity, &world_dialog_handler, world);
	sip_server_transaction_reply(world->server, 200, NULL, call.dialog->local_tag);
	world_expect_response(flow, 200);
	world_request(world, flow, "ACK", "1a", call.dialog->local_tag, 5);
	assert_int_equal(world->n_acks, 1);
	return call;
}

static void end_call(struct call *call)
{
	sip_stack_remove_dialog(call->entry);
	sip_dialog_free(call->dialog);
}

static void in_dialog(void **state) /* rows 21, 32, 33 */
{
	struct world *world = *state;
	struct call call = accept_call(world, &world->udp, NULL);
	g_autofree char *tag = g_strdup(call.dialog->local_tag);
	world_request(world, &world->udp, "ACK", "1b", tag, 5); /* repeats reach it as well */
	assert_int_equal(world->n_acks, 2);
	world_request(world, &world->udp, "ACK", "1c", "other", 5);
	assert_int_equal(world->n_acks, 2);
	world_request(world, &world->udp, "BYE", "2", "other", 6);
	world_expect_response(&world->udp, 481);
	world_request(world, &world->udp, "BYE", "3", "", 6);
	world_expect_response(&world->udp, 481);
	world_receive(world, &world->udp, /* tags swapped */
		      "BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK4;rport\r\nFrom: <sip:a@b>;tag=%s\r\n"
		      "To: <sip:a@b>;tag=f\r\nCall-ID: c\r\nCSeq: 6 BYE\r\n", tag);
	world_expect_response(&world->udp, 481);
	world_receive(world, &world->udp, /* no From tag */
		      "BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK5;rport\r\nFrom: <sip:a@b>\r\n"
		      "To: <sip:a@b>;tag=%s\r\nCall-ID: c\r\nCSeq: 6 BYE\r\n", tag);
	world_expect_response(&world->udp, 481);
	world_request(world, &world->udp, "BYE", "6", tag, 5);
	world_expect_response(&world->udp, 500);
	assert_int_equal(world->n_in_dialog, 0);
	world_request(world, &world->udp, "INFO", "7", tag, 8);
	world_expect_response(&world->udp, 200);
	world_request(world, &world->udp, "INFO", "8", tag, 7);
	world_expect_response(&world->udp, 500);
	world_request(world, &world->udp, "BYE", "9", tag, 9);
	world_expect_response(&world->udp, 200);
	assert_int_equal(world->n_in_dialog, 2);
	end_call(&call);
	world_request(world, &world->udp, "BYE", "9", tag, 9); /* the transaction is still there */
	world_expect_response(&world->udp, 200);
	world_request(world, &world->udp, "BYE", "10", tag, 9);
	world_expect_response(&world->udp, 481);
	assert_int_equal(world->n_in_dialog, 2);
}

static void by_identity(void **state) /* rows 55, 65 */
{
	struct world *world = *state;
	static struct fake_flow again, mallory;
	fake_flow_open(&again, SIP_TRANSPORT_WS, "198.51.100.9:1");
	fake_flow_open(&mallory, SIP_TRANSPORT_WS, "192.0.2.1:40000");
	sip_flow_set_identity(world->ws.flow, "user:alice");
	struct call call = accept_call(world, &world->ws, "user:alice");
	sip_flow_set_identity(mallory.flow, "user:mallory");
	world_request(world, &mallory, "BYE", "2", call.dialog->local_tag, 6);
	world_expect_response(&mallory, 481);
	world_request(world, &again, "BYE", "3", call.dialog->local_tag, 6);
	world_expect_response(&again, 481);
	world_request(world, &again, "ACK", "4", call.dialog->local_tag, 5);
	assert_int_equal(world->n_acks, 1);
	assert_int_equal(world->n_in_dialog, 0);
	sip_flow_set_identity(again.flow, "user:alice"); /* other address, other connection, same user */
	fake_flow_break(&world->ws);
	world_request(world, &again, "BYE", "5", call.dialog->local_tag, 6);
	world_expect_response(&again, 200);
	assert_int_equal(world->n_in_dialog, 1);
	end_call(&call);
	fake_flow_clear(&again);
	fake_flow_clear(&mallory);
}

static void new_requests(void **state) /* row 70 */
{
	struct world *world = *state;
	world_request(world, &world->udp, "INVITE", "1", "", 1);
	assert_int_equal(sip_stack_admit(world->stack, world->server), 0);
	world_receive(world, &world->udp,
		      "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK2;rport\r\nFrom: <sip:a@b>;tag=another\r\n"
		      "To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n");
	assert_int_equal(world->n_requests, 2);
	assert_int_equal(sip_stack_admit(world->stack, world->server), 0);
	world_receive(world, &world->udp,
		      "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK3;rport\r\nFrom: <sip:a@b>\r\n"
		      "To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n");
	world_expect_response(&world->udp, 400);
	assert_int_equal(world->n_requests, 2);
}

static void merged(void **state) /* row 57 */
{
	struct world *world = *state;
	world_request(world, &world->udp, "INVITE", "1", "", 1);
	struct sip_server_transaction *first = world->server;
	assert_int_equal(sip_stack_admit(world->stack, first), 0);
	world_request(world, &world->udp, "INVITE", "2", "", 1);
	assert_ptr_not_equal(first, world->server);
	assert_int_equal(sip_stack_admit(world->stack, world->server), -EPROTO);
	world_expect_response(&world->udp, 482);
	assert_int_equal(sip_stack_admit(world->stack, first), 0);
	world_request(world, &world->udp, "ACK", "2", "x", 1);
	sip_server_transaction_reply(first, 486, NULL, NULL);
	world_expect_response(&world->udp, 486);
	world_request(world, &world->udp, "ACK", "1", "x", 1);
	world_advance(world, 5000);
	world_expect_empty(world);
	world_request(world, &world->udp, "INVITE", "3", "", 1); /* forgotten with the transaction */
	assert_int_equal(sip_stack_admit(world->stack, world->server), 0);
}

static void refuse(struct world *world, const char *method, const char *header, unsigned status, const char *name,
		   const char *value)
{
	static unsigned n;
	world_receive(world, &world->udp,
		      "%s sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKr%u;rport\r\nFrom: <sip:a@b>;tag=%u\r\n"
		      "To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 %s\r\n%s",
		      method, n, n, method, header);
	n++;
	assert_int_equal(sip_stack_admit(world->stack, world->server), status ? -EPROTO : 0);
	if (!status)
		return;
	struct sip_message *response = world_take_response(&world->udp, status);
	assert_non_null(sip_message_to_tag(response));
	if (name)
		assert_string_equal(sip_message_header(response, name, 0), value);
	sip_message_unref(response);
}

static void admission(void **state)
{
	struct world *world = *state;
	refuse(world, "FNORD", "", 405, "Allow", "INVITE");
	refuse(world, "OPTIONS", "Max-Forwards: 0\r\n", 483, NULL, NULL);
	refuse(world, "OPTIONS", "Max-Forwards: 1\r\n", 0, NULL, NULL);
	refuse(world, "OPTIONS", "Require: " SIP_SUPPORTED "\r\n", 0, NULL, NULL);
	refuse(world, "OPTIONS", "Require: " SIP_SUPPORTED ", nothingSupports\r\nRequire: thisOne\r\n", 420, "Unsupported",
	       "nothingSupports");
}

static void gate(void **state)
{
	struct world *world = *state;
	static const char two[] = "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1;rport\r\n"
				  "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
				  "Content-Length: 0\r\n\r\nOPTIONS sip:b SIP/2.0\r\n";
	sip_stack_receive(world->stack, world->ws.flow, "\r\n\r\n", 4); /* keep-alive */
	sip_stack_receive(world->stack, world->udp.flow, "\0\0\0\0", 4);
	sip_stack_receive(world->stack, world->udp.flow, "fnord", 5);
	sip_stack_receive(world->stack, world->ws.flow, two, strlen(two)); /* RFC 7118: one message each */
	world_expect_response(&world->ws, 400);
	assert_int_equal(world->n_requests, 0);
	sip_stack_receive(world->stack, world->udp.flow, two, strlen(two)); /* section 18.3: the rest is cut off */
	assert_int_equal(world->n_requests, 1);
	world_receive(world, &world->udp,
		      "OPTIONS sip:b SIP/9.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK2;rport\r\nFrom: <sip:a@b>;tag=1\r\n"
		      "To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n");
	struct sip_message *response = world_take_response(&world->udp, 505);
	assert_non_null(sip_message_to_tag(response));
	assert_non_null(strstr(sip_message_header(response, "Via", 0), "rport=5060"));
	sip_message_unref(response);
}

static void not_for_us(void **state)
{
	struct world *world = *state;
	world_start(world, &world->udp, SIP_METHOD_OPTIONS);
	struct sip_message *options = world_take_request(&world->udp, SIP_METHOD_OPTIONS);
	world_receive(world, &world->udp,
		      "SIP/2.0 200 OK\r\nVia: %s\r\nVia: SIP/2.0/UDP next;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"
		      "To: <sip:a@b>;tag=1\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n",
		      sip_message_header(options, "Via", 0));
	assert_int_equal(world->n_responses, 0);
	world_answer(world, &world->ws, options, 200, "x"); /* the branch says whose it is */
	assert_int_equal(world->n_responses, 1);
	sip_message_unref(options);
}

/* --- dialogs as values --- */

static struct sip_message *parse(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	struct sip_message *message;
	struct sip_refusal refusal;
	if (sip_message_parse(text, strlen(text), &message, &refusal) < 0)
		fail_msg("%s: %s", refusal.reason, text);
	return message;
}

static struct sip_message *response(const struct sip_dialog *dialog, unsigned status, const char *tag, const char *extra)
{
	return parse("SIP/2.0 %u x\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: %s;tag=%s\r\nTo: %s%s%s\r\nCall-ID: %s\r\n"
		     "CSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n",
		     status, dialog->local_uri, dialog->local_tag, dialog->remote_uri, *tag ? ";tag=" : "", tag,
		     dialog->call_id, extra);
}

static int learn(struct sip_dialog *dialog, unsigned status, const char *tag, const char *extra)
{
	struct sip_message *message = response(dialog, status, tag, extra);
	int error = sip_dialog_learn(dialog, message);
	sip_message_unref(message);
	return error;
}

static void caller(void **state) /* rows 22, 23 */
{
	struct sip_dialog *dialog = sip_dialog_new_caller("\"A\" <sip:a@e>", "<sip:b@e>", "sip:b@proxy");
	struct sip_message *request = sip_dialog_request(dialog, SIP_METHOD_INVITE);
	assert_string_equal(sip_message_request_uri(request), "sip:b@proxy");
	assert_null(sip_message_to_tag(request));
	assert_string_equal(sip_message_from_tag(request), dialog->local_tag);
	sip_message_unref(request);
	assert_int_equal(learn(dialog, 180, "", ""), -EINVAL);
	assert_int_equal(learn(dialog, 180, "t", "Record-Route: <sip:old;lr>\r\nContact: <sip:early@h>\r\n"), 0);
	assert_string_equal(dialog->remote_tag, "t");
	assert_string_equal(sip_dialog_next_hop(dialog), "sip:old;lr");
	assert_int_equal(learn(dialog, 200, "t", ""), -EINVAL); /* no Contact: as before */
	assert_int_equal(learn(dialog, 200, "t", "Contact: <tel:+1>\r\n"), -EINVAL);
	assert_int_equal(learn(dialog, 200, "other", "Contact: <sip:x@h>\r\n"), -EINVAL);
	assert_string_equal(dialog->remote_target, "sip:early@h");
	assert_int_equal(dialog->state, SIP_DIALOG_EARLY);
	assert_int_equal(learn(dialog, 200, "t",
			       "Record-Route: <sip:last;lr>\r\nRecord-Route: <sip:first;lr>\r\n"
			       "Contact: <sip:b@192.0.2.1:5062;x=y?h=v>\r\n"), 0);
	assert_int_equal(dialog->state, SIP_DIALOG_CONFIRMED);
	struct sip_message *ack = sip_dialog_ack(dialog, 1);
	assert_string_equal(sip_message_request_uri(ack), "sip:b@192.0.2.1:5062;x=y");
	assert_string_equal(sip_message_header(ack, "Route", 0), "<sip:first;lr>");
	assert_string_equal(sip_message_header(ack, "Route", 1), "<sip:last;lr>");
	assert_null(sip_message_header(ack, "Route", 2));
	assert_string_equal(sip_message_to_tag(ack), "t");
	assert_int_equal(sip_message_cseq(ack), 1);
	assert_string_equal(sip_dialog_next_hop(dialog), "sip:first;lr");
	sip_message_unref(ack);
	assert_int_equal(learn(dialog, 200, "t", "Contact: <sip:else@h>\r\n"), 0); /* a repeat changes nothing */
	assert_string_equal(dialog->remote_target, "sip:b@192.0.2.1:5062;x=y");
	struct sip_message *refresh = response(dialog, 200, "t", "Contact: <sip:new@h>\r\n");
	sip_dialog_refresh_target(dialog, refresh);
	assert_string_equal(dialog->remote_target, "sip:new@h");
	sip_message_unref(refresh);
	struct sip_message *bye = sip_dialog_request(dialog, SIP_METHOD_BYE);
	assert_int_equal(sip_message_cseq(bye), 2);
	sip_message_unref(bye);
	sip_dialog_free(dialog);
}

static void strict_router(void **state) /* row 23 */
{
	struct sip_dialog *dialog = sip_dialog_new_caller("<sip:a@e>", "<sip:b@e>", "sip:b@proxy");
	assert_int_equal(learn(dialog, 200, "t",
			       "Record-Route: <sip:second;lr>, <sip:strict>\r\nContact: <sip:b@h>\r\n"), 0);
	struct sip_message *bye = sip_dialog_request(dialog, SIP_METHOD_BYE);
	assert_string_equal(sip_message_request_uri(bye), "sip:strict");
	assert_string_equal(sip_message_header(bye, "Route", 0), "<sip:second;lr>");
	assert_string_equal(sip_message_header(bye, "Route", 1), "<sip:b@h>");
	assert_string_equal(sip_dialog_next_hop(dialog), "sip:strict");
	sip_message_unref(bye);
	sip_dialog_free(dialog);
}

static void callee(void **state)
{
	static const char head[] = "INVITE sip:b@e SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
				   "To: \"B\" <sip:b@e>\r\nCall-ID: c\r\nCSeq: 9 INVITE\r\n";
	struct sip_message *invite =
		parse("%sFrom: sip:a@e;tag=f\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nContact: <sip:a@h>\r\n"
		      "Content-Length: 0\r\n\r\n", head);
	struct sip_dialog *dialog = sip_dialog_new_callee(invite), *copy = sip_dialog_copy(dialog);
	struct sip_message *bye = sip_dialog_request(copy, SIP_METHOD_BYE);
	assert_string_equal(sip_message_request_uri(bye), "sip:a@h");
	assert_string_equal(sip_message_header(bye, "Route", 0), "<sip:p1;lr>");
	g_autofree char *from = g_strdup_printf("\"B\" <sip:b@e>;tag=%s", dialog->local_tag);
	assert_string_equal(sip_message_header(bye, "From", 0), from);
	assert_string_equal(sip_message_header(bye, "To", 0), "<sip:a@e>;tag=f");
	assert_string_equal(sip_message_call_id(bye), "c");
	assert_int_equal(dialog->local_cseq, 0);
	assert_int_equal(sip_dialog_accept_cseq(dialog, invite), -EBADMSG);
	assert_false(dialog->is_caller);
	sip_message_unref(bye);
	sip_dialog_free(copy);
	sip_dialog_free(dialog);
	sip_message_unref(invite);
	invite = parse("%sFrom: sip:a@e;tag=f\r\nContent-Length: 0\r\n\r\n", head);
	assert_null(sip_dialog_new_callee(invite));
	sip_message_unref(invite);
	invite = parse("%sFrom: sip:a@e\r\nContact: <sip:a@h>\r\nContent-Length: 0\r\n\r\n", head);
	assert_null(sip_dialog_new_callee(invite));
	sip_message_unref(invite);
	GString *routes = g_string_new("Record-Route: <sip:p;lr>");
	for (int i = 0; i < SIP_ROUTE_SET_MAX; i++)
		g_string_append(routes, ", <sip:p;lr>");
	invite = parse("%sFrom: sip:a@e;tag=f\r\nContact: <sip:a@h>\r\n%s\r\nContent-Length: 0\r\n\r\n", head, routes->str);
	assert_null(sip_dialog_new_callee(invite));
	sip_message_unref(invite);
	g_string_free(routes, TRUE);
	assert_null(sip_dialog_free(NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(in_dialog), TEST(by_identity), TEST(new_requests),	      TEST(merged),		       TEST(admission),
		TEST(gate),	 TEST(not_for_us),  cmocka_unit_test(caller), cmocka_unit_test(strict_router), cmocka_unit_test(callee),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
