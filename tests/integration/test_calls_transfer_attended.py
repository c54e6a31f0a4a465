"""Attended transfer: REFER with Replaces names a second call of who sends it (RFC 3891, RFC 5589)."""

import pytest
from tandem_test import calls as calls_module
from tandem_test import media, sip
from tandem_test.calls import Call, DIRECTIONS, End, SIDES
from tandem_test.transfer import expect_bye, notified, refer, refer_accepted, refer_to, replaces_of, talk

CONFIG = {**calls_module.CONFIG}
WAYS = [(direction, side) for direction in DIRECTIONS for side in SIDES]
EACH_WAY = pytest.mark.parametrize("direction, side", WAYS)


def direction_of(message):
    return media.audio_of(message.sdp)[2]


def hold(one, other):
    one.renegotiate(other, "sendonly", "recvonly")


def begin(calls, direction, side, kind="browser", incoming=False):
    """(the first call, who transfers, who is transferred, the second call, his end of it, the target)"""
    call = calls.up(direction)
    one, other = call.end(side)
    mine, target = End(one.peer, "second", one.user), calls.end(kind, "target")
    ends = (target, mine) if incoming else (mine, target)
    return call, one, other, Call(*ends, call.domain), mine, target


@EACH_WAY
@pytest.mark.parametrize("incoming", [False, True], ids=["he called", "he was called"])
def test_attended_transfer(calls, direction, side, incoming):
    call, one, other, second, mine, target = begin(calls, direction, side, incoming=incoming)
    hold(one, other)
    second.set_up()
    refer_accepted(one, refer_to(call, target.user, replaces_of(mine)))
    expect_bye(mine)
    assert direction_of(other.answer_reinvite("sendrecv")) == "sendrecv"
    notified(one, 100)
    notified(one, 200)
    may_gain_opus = target.is_browser and (one.is_browser or other.is_browser)
    if not may_gain_opus:
        target.silence("INVITE", 0.2)
    one.ask("BYE", 200)
    talk(other, target)


@EACH_WAY
def test_both_were_held(calls, direction, side):
    call, one, other, second, mine, target = begin(calls, direction, side)
    hold(one, other)
    second.set_up()
    hold(mine, target)
    refer_accepted(one, refer_to(call, target.user, replaces_of(mine)))
    expect_bye(mine)
    for end in (other, target):
        assert direction_of(end.answer_reinvite("sendrecv")) == "sendrecv"
    notified(one, 100)
    notified(one, 200)
    expect_bye(one)
    talk(target, other)


@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_two_of_a_trunk_are_joined(calls, direction):
    side = "caller" if direction == "browser-trunk" else "called"
    call, one, other, second, mine, target = begin(calls, direction, side, "trunk")
    hold(one, other)
    second.set_up()
    refer_accepted(one, refer_to(call, target.user, replaces_of(mine)))
    expect_bye(mine)
    assert direction_of(other.answer_reinvite("sendrecv")) == "sendrecv"
    notified(one, 100)
    notified(one, 200)
    expect_bye(one)
    talk(other, target)


def test_a_dialog_that_he_did_not_begin_is_named_as_jssip_names_it(calls):
    call, one, other, second, mine, target = begin(calls, "browser-browser", "caller", incoming=True)
    second.set_up()
    refer_accepted(one, refer_to(call, target.user, replaces_of(mine, swapped=True)))
    expect_bye(mine)
    notified(one, 100)
    notified(one, 200)
    expect_bye(one)
    talk(other, target)


def test_the_second_call_is_with_a_builtin(calls):
    call = calls.up("browser-trunk")
    one, other = call.ends
    mine = End(one.peer, "second", one.user)
    second = Call(mine, mine, call.domain, "9196")
    second.dial()
    second.answered()
    refer_accepted(one, refer_to(call, "9196", replaces_of(mine)))
    expect_bye(mine)
    other.answer_reinvite("sendrecv")
    notified(one, 100)
    notified(one, 200)
    expect_bye(one)
    other.ask("BYE", 200)


def test_the_first_call_is_with_a_builtin(calls):
    one = calls.end("browser", "caller")
    call = Call(one, one, calls.domain, "9196")
    call.dial()
    call.answered()
    mine, target = End(one.peer, "second", one.user), calls.end("browser", "target")
    second = Call(mine, target, calls.domain).set_up()
    refer_accepted(one, refer_to(call, target.user, replaces_of(mine)))
    expect_bye(mine)
    target.answer_reinvite("sendrecv")
    notified(one, 100)
    notified(one, 200)
    expect_bye(one)
    second.called.ask("BYE", 200)


def test_what_rings_at_him_is_answered_by_who_he_talks_to(calls):
    """An early dialog that we began may be replaced; of one that he began he cannot dispose (RFC 3891, section 3)."""
    call, one, other, second, mine, target = begin(calls, "browser-browser", "called", incoming=True)
    second.dial()
    second.arrive()
    second.ring()
    refer_accepted(one, refer_to(call, target.user, replaces_of(mine, early_only=True)))
    cancel = mine.expect("CANCEL")
    mine.reply(cancel, 200)
    second.reject(487)
    second.answered()
    notified(one, 100)
    notified(one, 200)
    expect_bye(one)
    talk(other, target)


@EACH_WAY
def test_a_call_that_still_rings_at_the_other_side_is_not_his_to_give(calls, direction, side):
    call, one, other, second, mine, target = begin(calls, direction, side)
    second.dial()
    second.arrive()
    response = second.ring()
    mine.dialog = sip.Dialog.as_caller(mine.invite, response)
    one.response(refer(one, refer_to(call, target.user, replaces_of(mine))), 481)
    second.cancel_by_caller = mine.peer.ask(sip.cancel_of(mine.invite), 200)
    second.refused(487)
    cancel = target.expect("CANCEL")
    target.reply(cancel, 200)
    second.reject(487)
    call.hang_up(side)


@EACH_WAY
def test_dialogs_that_may_not_be_named(calls, direction, side):
    call, one, other, second, mine, target = begin(calls, direction, side)
    second.set_up()
    stranger = calls.up("browser-browser")
    rows = [(replaces_of(one), 603), (replaces_of(stranger.caller), 481), (replaces_of(stranger.called), 481),
            ("nothing;to-tag=a;from-tag=b", 481), (replaces_of(mine, early_only=True), 486),
            (replaces_of(mine).replace("to-tag=", "to-tag=x"), 481)]
    if other.peer is not one.peer:
        rows.append((replaces_of(other), 481))
    for replaces, status in rows:
        one.response(refer(one, refer_to(call, target.user, replaces)), status)
    for end in (*call.ends, *second.ends, *stranger.ends):
        end.silence(seconds=0.05)
    call.hang_up(side)
    second.hang_up()
    stranger.hang_up()


@EACH_WAY
def test_a_call_that_has_ended_meanwhile(calls, direction, side):
    call, one, other, second, mine, target = begin(calls, direction, side)
    second.set_up()
    replaces = replaces_of(mine)
    target.ask("BYE", 200)
    expect_bye(mine)
    one.response(refer(one, refer_to(call, target.user, replaces)), 603)
    call.hang_up(side)


@EACH_WAY
def test_a_third_call_while_one_is_being_replaced(calls, direction, side):
    """The second call is in a transfer of its own."""
    call, one, other, second, mine, target = begin(calls, direction, side)
    second.set_up()
    third = Call(target, calls.end("browser", "third"), call.domain)
    refer_accepted(mine, refer_to(call, third.called.user))
    notified(mine, 100)
    third.arrive()
    one.response(refer(one, refer_to(call, target.user, replaces_of(mine))), 491)
    third.answer()
    notified(mine, 200)
    expect_bye(mine)
    talk(target, third.called)
    call.hang_up(side)


@EACH_WAY
def test_attended_while_the_target_offers(calls, direction, side):
    """An offer of the target's is on its way to who transfers: it is told to the new partner."""
    call, one, other, second, mine, target = begin(calls, direction, side)
    second.set_up()
    invite = target.reinvite("sendonly")
    waiting = mine.expect("INVITE")
    refer_accepted(one, refer_to(call, target.user, replaces_of(mine)))
    expect_bye(mine)
    mine.reply(waiting, 481)
    assert direction_of(other.answer_reinvite("recvonly")) == "sendonly"
    target.response(invite, 200)
    target.ack(invite)
    notified(one, 100)
    notified(one, 200)
    expect_bye(one)
    talk(other, target)
