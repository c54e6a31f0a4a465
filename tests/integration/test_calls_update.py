"""UPDATE (RFC 3311), and what crosses it; session timers (RFC 4028); INFO and MESSAGE in a call."""

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip

CONFIG = {**calls_module.CONFIG, "calls": {"session_expires_seconds": 1800, "min_session_expires_seconds": 100}}
DIRECTIONS, SIDES = calls_module.DIRECTIONS, calls_module.SIDES
pytestmark = pytest.mark.parametrize("direction", DIRECTIONS)
both_sides = pytest.mark.parametrize("side", SIDES)


@both_sides
def test_an_update_with_an_offer_holds_and_resumes(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    for heard, told in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
        update = one.send(one.request("UPDATE", body=one.describe(direction=heard)))
        assert f"a={heard}" in other.answer_reinvite(told).sdp
        assert f"a={told}" in one.response(update, 200).sdp
    call.hang_up()


@both_sides
def test_row_37_an_update_with_an_offer_crosses_our_reinvite(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    invite = one.reinvite("sendonly")
    ours = other.expect("INVITE")
    other.ask("UPDATE", 491, body=other.describe())
    other.reply(ours, 491)
    other.expect("ACK")
    again = other.expect("INVITE")
    other.reply(again, 200, other.describe(again.sdp, "recvonly"))
    other.expect("ACK")
    one.response(invite, 200)
    one.ack(invite)
    call.hang_up()


@both_sides
def test_row_38_an_update_without_an_offer_crosses_our_reinvite(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    invite = one.reinvite("sendonly")
    ours = other.expect("INVITE")
    other.ask("UPDATE", 200)
    other.reply(ours, 200, other.describe(ours.sdp, "recvonly"))
    other.expect("ACK")
    one.response(invite, 200)
    one.ack(invite)
    call.hang_up()


@both_sides
def test_row_39_a_second_offer_while_the_first_has_no_answer(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    first = one.send(one.request("UPDATE", body=one.describe(direction="sendonly")))
    ours = other.expect("INVITE")
    refusal = one.ask("UPDATE", 500, body=one.describe(direction="sendrecv"))
    assert 0 <= int(refusal.header("Retry-After")) <= 10
    invite = one.send(one.request("INVITE", body=one.describe(direction="sendrecv")))
    one.send(sip.ack_of_failure(invite, one.response(invite, 500)))
    one.describe(direction="sendonly")
    other.reply(ours, 200, other.describe(ours.sdp, "recvonly"))
    other.expect("ACK")
    one.response(first, 200)
    call.hang_up()


@both_sides
def test_an_update_whose_offer_the_other_side_refuses_leaves_the_session(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    update = one.send(one.request("UPDATE", body=one.describe(direction="sendonly")))
    other.reply(other.expect("INVITE"), 488)
    other.expect("ACK")
    assert one.response(update).status == 488
    call.hang_up()


@both_sides
def test_a_bye_ends_a_pending_update(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    update = one.send(one.request("UPDATE", body=one.describe(direction="sendonly")))
    ours = other.expect("INVITE")
    one.ask("BYE", 200)
    assert one.response(update).status in (481, 487)
    other.reply(other.expect("BYE"), 200)
    other.reply(ours, 487)


def test_update_after_the_end_is_refused(calls, direction):
    call = calls.up(direction)
    call.hang_up()
    call.caller.ask("UPDATE", 481)
    call.called.ask("UPDATE", 481)


# --- session timers ---


def test_we_ask_for_a_session_timer_and_take_what_is_granted(calls, direction):
    call = calls(direction)
    call.dial()
    invite = call.arrive()
    assert invite.header("Session-Expires") == "1800"
    assert "timer" in invite.header("Supported")
    call.ring()
    end = call.called
    end.reply(end.invite, 200, end.describe(end.invite.sdp), headers=[("Session-Expires", "1800;refresher=uas"),
                                                                       ("Require", "timer")])
    end.expect("ACK")
    call.answered()
    call.hang_up()


def test_a_422_is_settled_without_the_caller(calls, direction):
    call = calls(direction)
    call.dial()
    first = call.arrive()
    call.called.reply(first, 422, headers=[("Min-SE", "3600")])
    call.called.expect("ACK")
    second = call.called.expect("INVITE")
    assert second.header("Session-Expires") == "3600" and second.header("Min-SE") == "3600"
    assert second.call_id == first.call_id and second.cseq[0] > first.cseq[0]
    call.called.invite = second
    call.called.dialog = sip.Dialog.as_callee(second, call.called.tag, call.called.peer.contact)
    call.ring()
    call.answer()
    call.answered()
    call.hang_up()


def test_a_timer_that_is_too_short_is_refused_with_422(calls, direction):
    call = calls(direction)
    call.dial(headers=[("Session-Expires", "91"), ("Supported", "timer")])
    assert call.refused(422).header("Min-SE") == "100"


@pytest.mark.parametrize("asked,told", [("120;refresher=uac", "120;refresher=uac"), ("120;refresher=uas", "120;refresher=uas"),
                                        ("120", "120;refresher=uac")])
def test_who_asks_for_a_timer_is_told_who_refreshes(calls, direction, asked, told):
    call = calls(direction)
    call.dial(headers=[("Session-Expires", asked), ("Supported", "timer")])
    call.arrive()
    call.answer()
    response = call.answered()
    assert response.header("Session-Expires") == told
    assert "timer" in response.header("Require")
    assert call.caller.ask("UPDATE", 200, headers=[("Session-Expires", told), ("Supported", "timer")]) \
        .header("Session-Expires") == told
    assert call.caller.ask("UPDATE", 422, headers=[("Session-Expires", "95"), ("Supported", "timer")]) \
        .header("Min-SE") == "100"
    call.hang_up()


# --- what means the other far end ---


@both_sides
@pytest.mark.parametrize("method,kind,body", [("INFO", "application/x-own", "a=5\r\nb=160\r\n"),
                                              ("MESSAGE", "text/plain", "wait a moment")])
def test_a_request_for_the_other_side_crosses_the_call_and_its_answer_comes_back(calls, direction, side, method, kind, body):
    call = calls.up(direction)
    one, other = call.end(side)
    sent = one.send(one.request(method, body=body, content_type=kind, headers=[("X-Inner", "secret")]))
    heard = other.expect(method)
    assert heard.body.decode() == body and heard.header("Content-Type") == kind
    assert not heard.header("X-Inner")
    other.reply(heard, 415)
    assert one.response(sent).status == 415
    call.hang_up()


@both_sides
def test_an_answer_481_means_that_the_call_is_lost(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    sent = one.send(one.request("INFO", body="x", content_type="text/plain"))
    other.reply(other.expect("INFO"), 481)
    assert one.response(sent).status == 481
    one.reply(one.expect("BYE"), 200)
    other.reply(other.expect("BYE"), 481)


@both_sides
def test_row_62_a_bye_ends_what_has_not_crossed_yet(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    sent = one.send(one.request("INFO", body="x", content_type="text/plain"))
    other.expect("INFO")
    other.ask("BYE", 200)
    assert one.response(sent).status == 481
    one.reply(one.expect("BYE"), 200)


@both_sides
def test_so_many_requests_may_wait_for_the_other_side(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    sent = [one.send(one.request("INFO", body="x", content_type="text/plain")) for _ in range(20)]
    heard = [other.expect("INFO") for _ in range(16)]
    assert [one.response(request).status for request in sent[16:]] == [500] * 4
    for request in heard:
        other.reply(request, 200)
    assert [one.response(request).status for request in sent[:16]] == [200] * 16
    call.hang_up()
