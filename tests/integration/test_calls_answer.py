"""2xx, ACK and their loss (RFC 3261, section 13; RFC 6026), provisional answers, forks."""

import threading

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip
from tandem_test.calls import DIRECTIONS, SIDES

CONFIG = {**calls_module.CONFIG}


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_14_each_repeated_200_gets_the_same_ack(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    first = call.answer()
    call.answered()
    for _ in range(3):
        again = call.answer()
        assert again.encode() == first.encode()
    call.caller.silence(seconds=0.2)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_16_the_200_is_repeated_until_the_ack(calls, direction):
    """Section 13.3.1.4: on reliable transports too."""
    call = calls(direction)
    call.dial()
    call.arrive()
    call.answer()
    first = call.answered(acknowledge=False)
    second = call.caller.response(call.caller.invite, 200)
    third = call.caller.response(call.caller.invite, 200)
    assert first.encode() == second.encode() == third.encode()
    call.caller.ack(call.caller.invite)
    call.caller.silence(seconds=2.5 if direction == "trunk-browser" else 0.1)
    call.hang_up()


def test_row_16_our_bye_ends_the_repetition_of_a_200_too(calls):
    """The ACK of a re-INVITE shows that the session is there, so that BYE need not wait for the lost ACK."""
    call = calls("trunk-browser").set_up(acknowledge=False)
    invite = call.caller.reinvite()
    call.caller.response(invite, 200)
    call.caller.ack(invite)
    call.hang_up("called")
    call.caller.peer.inbox.clear()
    call.caller.silence(seconds=1.7)  # T1 and 2*T1


def test_row_17_an_invite_repeated_after_its_200_is_absorbed(calls):
    call = calls("trunk-browser")
    call.set_up()
    call.caller.send(call.caller.invite)
    call.caller.silence(seconds=0.4)
    call.called.silence(seconds=0.1)
    call.hang_up()


def test_row_17_before_the_ack_too(calls):
    call = calls("trunk-browser").set_up(acknowledge=False)
    call.caller.send(call.caller.invite)
    call.caller.silence(seconds=0.3)  # T1 has not passed yet
    call.caller.ack(call.caller.invite)
    call.called.silence(seconds=0.1)
    call.hang_up()


def test_row_58_an_invite_repeated_before_the_answer_rings_once(calls):
    call = calls("trunk-browser")
    call.dial()
    call.arrive()
    for _ in range(5):
        call.caller.send(call.caller.invite)
    call.called.silence("INVITE", 0.3)
    assert calls.daemon.metric("tandem_calls") == 1
    call.ring()
    call.answer()
    call.answered()
    call.hang_up()


def test_row_57_a_merged_request(calls):
    call = calls("trunk-browser")
    call.dial()
    call.arrive()
    merged = call.caller.invite.copy().set("Via", f"SIP/2.0/{calls.trunk.via};branch={sip.branch()}")
    response = call.caller.peer.ask(merged, 482)
    call.caller.send(sip.ack_of_failure(merged, response))
    call.called.silence("INVITE", 0.2)
    call.answer()
    call.answered()
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_18_a_200_repeated_after_our_bye_is_acknowledged(calls, direction):
    call = calls.up(direction)
    call.caller.ask("BYE", 200)
    bye = call.called.expect("BYE")
    call.answer()
    call.called.reply(bye, 200)
    call.answer()
    call.called.silence(seconds=0.2)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_19_an_ack_after_our_bye_is_ignored(calls, direction):
    """The ACK with the answer and the BYE of the other side cross."""
    call = calls(direction)
    call.dial(offer=False)
    call.arrive()
    call.answer()
    response = call.answered(acknowledge=False)
    call.called.ask("BYE", 200)
    call.caller.silence("BYE", 0.2)  # a callee waits for the ACK (section 15)
    call.caller.ack(call.caller.invite, call.caller.describe(response.sdp))
    bye = call.caller.expect("BYE")
    call.caller.ack(call.caller.invite, call.caller.local)
    call.caller.reply(bye, 200)
    call.caller.silence(seconds=0.2)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_21_an_ack_of_another_cseq_acknowledges_nothing(calls, direction):
    call = calls(direction).set_up(acknowledge=False)
    call.caller.send(call.caller.request("ACK", cseq=call.caller.invite.cseq[0] + 7))
    call.caller.response(call.caller.invite, 200)  # it is still repeated
    call.caller.ack(call.caller.invite)
    call.caller.silence(seconds=1.2 if direction == "trunk-browser" else 0.1)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_ack_may_repeat(calls, direction):
    call = calls.up(direction)
    for _ in range(3):
        call.caller.ack(call.caller.invite)
    for end in call.ends:
        end.silence(seconds=0.1)
    call.hang_up()


def test_row_22_target_and_route_are_those_of_the_200(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    trunk, invite = calls.trunk, call.called.invite
    route = f"<sip:127.0.0.1:{trunk.port};lr>"
    ringing = sip.response(invite, 180, to_tag=call.called.tag, contact=f"<sip:old@127.0.0.1:{trunk.port}>")
    ringing.add("Record-Route", "<sip:127.0.0.2;lr>")
    trunk.send(ringing)
    call.caller.response(call.caller.invite, 180)
    answer = sip.response(invite, 200, to_tag=call.called.tag, contact=f"<sip:new@127.0.0.1:{trunk.port}>",
                          body=call.called.describe())
    answer.add("Record-Route", route)
    trunk.send(answer)
    ack = call.called.expect("ACK")
    assert ack.uri == f"sip:new@127.0.0.1:{trunk.port}" and ack.values("Route") == [route]
    call.answered()
    call.caller.ask("BYE", 200)
    bye = call.called.expect("BYE")
    assert bye.uri == f"sip:new@127.0.0.1:{trunk.port}" and bye.values("Route") == [route]
    call.called.reply(bye, 200)


def test_row_23_a_strict_router(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    trunk, invite = calls.trunk, call.called.invite
    answer = sip.response(invite, 200, to_tag=call.called.tag, contact=f"<sip:new@127.0.0.1:{trunk.port}>",
                          body=call.called.describe())
    answer.add("Record-Route", f"<sip:strict@127.0.0.1:{trunk.port}>")
    trunk.send(answer)
    ack = call.called.expect("ACK")
    assert ack.uri == f"sip:strict@127.0.0.1:{trunk.port}"
    assert ack.values("Route") == [f"<sip:new@127.0.0.1:{trunk.port}>"]
    call.answered()
    call.hang_up()


@pytest.mark.parametrize("status", [302, 404, 503, 603])
def test_row_24_a_refusal_is_acknowledged_each_time_and_told_once(calls, status):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    call.ring()
    for _ in range(4):
        call.reject(status)
    call.refused(502 if status == 302 else status)
    call.caller.silence(seconds=0.2)


def test_row_24_with_the_ack_lost(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    lost = []
    calls.trunk.drops_received = lambda m: m.is_request and m.method == "ACK" and len(lost) < 2 and not lost.append(m)
    call.called.reply(call.called.invite, 486)
    call.refused(486)
    for _ in range(2):
        call.called.reply(call.called.invite, 486)
    ack = call.called.expect("ACK")
    assert len(lost) == 2 and ack.encode() == lost[0].encode() and ack.branch == call.called.invite.branch
    call.caller.silence(seconds=0.2)


def test_row_51_a_fork_of_the_trunk(calls):
    """Ringing of one branch, early media of another, answer of a third."""
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    invite = call.called.invite
    calls.trunk.reply(invite, 180, to_tag="b1", contact=calls.trunk.contact)
    first = call.caller.response(call.caller.invite, 180)
    calls.trunk.reply(invite, 183, to_tag="b2", contact=calls.trunk.contact, body=call.called.describe())
    second = call.caller.response(call.caller.invite, 183)
    call.called.tag = "b3"
    call.answer()
    third = call.answered()
    assert len({sip.parameter(m.header("To"), "tag") for m in (first, second, third)}) == 1
    assert second.body == third.body
    call.called.dialog = sip.Dialog.as_callee(invite, "b3", calls.trunk.contact)
    call.hang_up("called")


@pytest.mark.parametrize("after", ["at once", "after our BYE"])
def test_row_52_the_second_200_of_a_fork_is_acknowledged_and_ended(calls, after):
    call = calls.up("browser-trunk")
    invite = call.called.invite
    if after == "after our BYE":
        call.hang_up()
    for _ in range(2):
        calls.trunk.reply(invite, 200, to_tag="other", contact=calls.trunk.contact, body=call.called.describe())
        ack = call.called.expect("ACK")
        assert sip.parameter(ack.header("To"), "tag") == "other"
        assert ack.cseq == (invite.cseq[0], "ACK")
    bye = call.called.expect("BYE")
    assert sip.parameter(bye.header("To"), "tag") == "other"
    call.called.reply(bye, 200)
    call.called.silence("BYE", 0.3)
    call.caller.silence(seconds=0.1)
    if after == "at once":
        call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_provisional_answer_after_the_200_is_nothing(calls, direction):
    call = calls.up(direction)
    call.called.reply(call.called.invite, 180)
    call.called.reply(call.called.invite, 183, call.called.local)
    for end in call.ends:
        end.silence(seconds=0.2)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_refusal_after_the_200_is_nothing(calls, direction):
    call = calls.up(direction)
    call.called.reply(call.called.invite, 486)
    for end in call.ends:
        end.silence(seconds=0.2)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_answer_without_contact_ends_the_call(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.called.peer.reply(call.called.invite, 200, to_tag=call.called.tag,
                           body=call.called.describe(call.called.invite.sdp))
    call.refused(488)
    for method in ("ACK", "BYE"):
        message = call.called.expect(method)
        assert sip.parameter(message.header("To"), "tag") == call.called.tag
    call.called.reply(message, 200)


@pytest.mark.parametrize("side", SIDES)
def test_a_call_over_a_bad_line(calls, side):
    """30 % loss, duplicates and 200 ms of reordering on the trunk: the call comes up, is held, and ends."""
    for seed in range(2):
        call = calls("browser-trunk")
        calls.trunk.impair(loss=0.3, duplicate=0.2, delay=0.2, seed=seed)
        call.dial()
        call.arrive()
        calls.trunk.impair(loss=0.3, duplicate=0.2, delay=0.2, seed=seed + 10)
        acknowledged = False
        for _ in range(40):
            call.called.reply(call.called.invite, 200, call.called.local or call.called.describe())
            try:
                call.called.expect("ACK", 0.5)
                acknowledged = True
                break
            except AssertionError:
                continue
        assert acknowledged
        call.answered()
        if side == "caller":
            call.caller.ask("BYE", 200)
            bye = call.called.expect("BYE")
            calls.trunk.impair()
            call.called.reply(bye, 200)
        else:
            bye = call.called.request("BYE")
            for _ in range(40):
                call.called.send(bye)
                try:
                    call.called.response(bye, 200, 0.5)
                    break
                except AssertionError as error:
                    assert "no 200 response" in str(error), error
            calls.trunk.impair()
            call.caller.reply(call.caller.expect("BYE"), 200)


def until(end, message, status):
    """Sends a request again and again, as a transaction does, until its response is there."""
    for _ in range(40):
        end.send(message)
        try:
            return end.response(message, status, 0.5)
        except AssertionError as error:
            assert "response to" in str(error), error
    raise AssertionError(f"no {status} to {message}")


@pytest.mark.parametrize("side", SIDES)
def test_a_call_over_a_bad_line_from_the_trunk(calls, side):
    for seed in range(2):
        call = calls("trunk-browser")
        calls.trunk.impair(loss=0.3, duplicate=0.2, delay=0.2, seed=seed + 20)
        answered = []
        def answer():
            call.arrive()
            call.answer()
            answered.append(True)

        thread = threading.Thread(target=answer)
        thread.start()
        invite = call.dial()
        response = until(call.caller, invite, 200)
        thread.join()
        assert answered
        call.caller.dialog = sip.Dialog.as_caller(invite, response)
        call.caller.ack(invite)
        for _ in range(40):  # as long as the 200 is repeated its ACK was lost
            try:
                call.caller.response(invite, 200, 1.5)
            except AssertionError:
                break
            call.caller.ack(invite)
        assert calls.daemon.metric("tandem_calls") == 1
        if side == "caller":
            until(call.caller, call.caller.request("BYE"), 200)
            calls.trunk.impair()
            call.called.reply(call.called.expect("BYE"), 200)
        else:
            call.called.ask("BYE", 200)
            bye = call.caller.expect("BYE")
            calls.trunk.impair()
            call.caller.reply(bye, 200)
        calls.trunk.inbox.clear()
