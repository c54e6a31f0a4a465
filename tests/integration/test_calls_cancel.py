"""CANCEL and what it crosses (RFC 3261, section 9; RFC 5407, section 3.1.2)."""

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip
from tandem_test.calls import DIRECTIONS, cross

CONFIG = {**calls_module.CONFIG}
TO_TRUNK_OR_BROWSER = ("browser-trunk", "trunk-browser", "browser-browser")


def no_invite(call, seconds=0.5):
    end = call.called
    end.peer.expect_silence(lambda m: m.is_request and m.method == "INVITE"
                            and (end.is_browser or f"sip:{call.number}@" in m.uri), seconds)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_1_cancel_right_behind_the_invite(calls, direction):
    """No INVITE goes out, or what goes out is cancelled when it may be."""
    call = calls(direction)
    call.dial()
    call.caller.send(sip.cancel_of(call.caller.invite))
    call.caller.response(sip.cancel_of(call.caller.invite), 200)
    call.refused(487)
    try:
        call.arrive(timeout=0.5)
    except AssertionError:
        return
    call.called.silence("CANCEL", 0.3)
    call.called.reply(call.called.invite, 180)
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.reject(487)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_2_cancel_is_held_until_the_first_provisional_answer(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.cancel()
    call.called.silence("CANCEL", 0.3)
    call.called.peer.reply(call.called.invite, 100)
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.reject(487)


@pytest.mark.parametrize("status", [302, 404, 486, 503, 603])
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_row_2_a_refusal_before_any_provisional_answer_leaves_nothing_to_cancel(calls, direction, status):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.cancel()
    call.reject(status)
    call.called.silence("CANCEL", 0.3)
    call.caller.silence(seconds=0.1)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_2_an_answer_before_any_provisional_is_acknowledged_and_ended(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.cancel()
    call.answer()
    call.called.reply(call.called.expect("BYE"), 200)
    call.called.silence("CANCEL", 0.2)
    call.caller.silence(seconds=0.1)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_3_and_11_cancel_after_the_200_was_sent_changes_nothing(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring()
    call.answer()
    call.caller.peer.ask(sip.cancel_of(call.caller.invite), 200)
    call.answered()
    call.called.silence(seconds=0.3)
    call.hang_up("caller")


@pytest.mark.parametrize("status", [200, 481, 500])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_4_and_5_cancel_crosses_the_answer(calls, direction, status):
    """The called side had answered before the CANCEL came to it: ACK and BYE, whatever it says to the CANCEL."""
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring()
    call.cancel()
    cancel = call.called.expect("CANCEL")
    call.answer()
    bye = call.called.expect("BYE")
    assert sip.parameter(bye.header("To"), "tag") == call.called.tag
    call.called.reply(cancel, status)
    call.called.reply(bye, 200)
    for end in call.ends:
        end.silence(seconds=0.3)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_5_a_cancel_answered_481_leaves_the_invite_to_its_own_answer(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring()
    call.cancel()
    call.called.reply(call.called.expect("CANCEL"), 481)
    call.called.silence(seconds=0.3)
    call.answer()
    call.called.reply(call.called.expect("BYE"), 200)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_7_a_cancel_of_another_branch_matches_nothing(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring()
    wrong = sip.cancel_of(call.caller.invite).set("Via", f"SIP/2.0/{call.caller.peer.via};branch={sip.branch()}")
    call.caller.peer.ask(wrong, 481)
    call.called.silence(seconds=0.3)
    call.cancel()
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.reject(487)


def test_row_8_cancel_on_a_new_connection(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    call.ring()
    call.caller.peer.reconnect()
    call.caller.peer.register()
    call.cancel()
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.reject(487)


def test_row_9_cancel_by_another_user(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    call.ring()
    thief = calls.user()
    thief.ask(sip.cancel_of(call.caller.invite), 481)
    call.called.silence(seconds=0.3)
    call.answer()
    call.answered()
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_12_the_second_487_is_absorbed_and_acknowledged(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring()
    call.cancel()
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.reject(487)
    if not call.called.is_browser:  # on a reliable transport nothing is repeated
        call.reject(487)
    call.caller.silence(seconds=0.1)


def test_row_4_with_loss_and_reordering_on_the_trunk(calls):
    """The CANCEL may be lost or late, the 200 repeated: in the end the trunk's dialog is acknowledged and ended."""
    for seed in range(3):
        call = calls("browser-trunk")
        call.dial()
        call.arrive()
        call.ring()
        calls.trunk.impair(loss=0.3, duplicate=0.2, delay=0.2, seed=seed)
        call.cancel()
        answer = call.called.reply(call.called.invite, 200, call.called.describe())
        done = False
        for _ in range(40):  # the trunk repeats its 200 until the ACK is there
            try:
                call.called.expect("ACK", 0.5)
                break
            except AssertionError:
                calls.trunk.send(answer)
        while not done:
            bye = call.called.expect("BYE")
            calls.trunk.impair()
            call.called.reply(bye, 200)
            done = True
        call.called.peer.inbox.clear()
        call.caller.silence(seconds=0.1)


@pytest.mark.parametrize("offset", [-0.02, -0.005, 0, 0.005, 0.02])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_3_and_4_cancel_and_answer_at_the_same_moment(calls, direction, offset):
    """Whichever comes first: the caller has 200 or 487, and both dialogs end."""
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring()
    caller, called = call.ends
    body = called.describe(called.invite.sdp)
    cancel = sip.cancel_of(caller.invite)
    cross(offset, lambda: caller.send(cancel), lambda: called.reply(called.invite, 200, body))
    caller.response(cancel, 200)
    answer = caller.response(caller.invite)
    if answer.status == 200:
        caller.dialog = sip.Dialog.as_caller(caller.invite, answer)
        caller.ack(caller.invite)
        caller.ask("BYE", 200)
    else:
        assert answer.status == 487
        caller.send(sip.ack_of_failure(caller.invite, answer))
    called.expect("ACK")
    called.reply(called.expect("BYE"), 200)
    called.peer.inbox = [m for m in called.peer.inbox if m.method != "CANCEL"]
    for end in call.ends:
        end.silence(seconds=0.1)
