"""INVITE with Replaces (RFC 3891): another device, or the trunk again, takes over a call that is up, or picks up one that rings."""

import pytest
from tandem_test import calls as calls_module
from tandem_test import media, sip
from tandem_test.calls import Call, DIRECTIONS, End, SIDES
from tandem_test.transfer import expect_bye, notified, refer_accepted, refer_to, replaces_of, talk

CONFIG = {**calls_module.CONFIG}
WAYS = [(direction, side) for direction in DIRECTIONS for side in SIDES]
EACH_WAY = pytest.mark.parametrize("direction, side", WAYS)


def direction_of(message):
    return media.audio_of(message.sdp)[2]


def again(calls, end, name="newcomer"):
    """Another device of the same user; the same trunk."""
    if not end.is_browser:
        return End(end.peer, name, end.user)
    return End(calls.browser(end.user, password=calls_module.PASSWORD), name, end.user)


def replace(calls, end, newcomer, replaces, offer=True, headers=(), number="anyone"):
    """Sends the INVITE of a newcomer, whose end of a call it becomes."""
    second = Call(newcomer, end, calls.domain, number)
    if newcomer.is_browser:
        newcomer.peer.register()
    second.dial(offer=offer, headers=[("Replaces", replaces), ("Require", "replaces"), *headers])
    return second


@EACH_WAY
def test_a_call_is_taken_over(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    newcomer = again(calls, one)
    second = replace(calls, one, newcomer, replaces_of(one))
    second.answered()
    expect_bye(one)
    talk(newcomer, other)


@EACH_WAY
def test_a_call_is_taken_over_without_an_offer(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    newcomer = again(calls, one)
    second = replace(calls, one, newcomer, replaces_of(one), offer=False)
    response = second.answered(acknowledge=False)
    newcomer.ack(newcomer.invite, newcomer.describe(response.sdp))
    expect_bye(one)
    talk(other, newcomer)


@EACH_WAY
def test_who_is_held_is_resumed_by_who_takes_over(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    one.renegotiate(other, "sendonly", "recvonly")
    newcomer = again(calls, one)
    second = replace(calls, one, newcomer, replaces_of(one))
    second.answered()
    assert direction_of(other.answer_reinvite("sendrecv")) == "sendrecv"
    expect_bye(one)
    talk(newcomer, other)


def test_a_call_with_a_builtin_is_taken_over(calls):
    one = calls.end("browser", "caller")
    call = Call(one, one, calls.domain, "9196")
    call.dial()
    call.answered()
    newcomer = again(calls, one)
    replace(calls, one, newcomer, replaces_of(one)).answered()
    expect_bye(one)
    newcomer.ask("BYE", 200)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("early_only", [False, True], ids=["", "early-only"])
@pytest.mark.parametrize("offer", [True, False], ids=["offer", "no offer"])
def test_a_call_that_rings_is_picked_up(calls, direction, early_only, offer):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring()
    newcomer = again(calls, call.called)
    second = replace(calls, call.called, newcomer, replaces_of(call.called, early_only=early_only), offer)
    response = second.answered(acknowledge=False)
    newcomer.ack(newcomer.invite, b"" if offer else newcomer.describe(response.sdp))
    cancel = call.called.expect("CANCEL")
    call.called.reply(cancel, 200)
    call.reject(487)
    call.answered()
    talk(call.caller, newcomer)


def test_a_late_offer_is_picked_up(calls):
    call = calls("trunk-browser")
    call.dial(offer=False)
    call.arrive()
    call.ring()
    newcomer = again(calls, call.called)
    replace(calls, call.called, newcomer, replaces_of(call.called)).answered()
    cancel = call.called.expect("CANCEL")
    call.called.reply(cancel, 200)
    call.reject(487)
    response = call.answered(acknowledge=False)
    call.caller.ack(call.caller.invite, call.caller.describe(response.sdp))
    talk(call.caller, newcomer)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_target_of_a_transfer_is_picked_up(calls, direction):
    call = calls.up(direction)
    one, other = call.ends
    target = calls.end("browser", "target")
    ringing = Call(other, target, call.domain)
    refer_accepted(one, refer_to(call, target.user))
    notified(one, 100)
    ringing.arrive()
    target.reply(target.invite, 180)
    notified(one, 180)
    newcomer = again(calls, target)
    replace(calls, target, newcomer, replaces_of(target)).answered()
    cancel = target.expect("CANCEL")
    target.reply(cancel, 200)
    ringing.reject(487)
    notified(one, 200)
    expect_bye(one)
    talk(other, newcomer)


@EACH_WAY
def test_dialogs_that_may_not_be_replaced(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    stranger = calls.end("browser", "stranger")
    rows = [(stranger, replaces_of(one), 481), (again(calls, one), replaces_of(one, early_only=True), 486),
            (again(calls, one), "nothing;to-tag=a;from-tag=b", 481), (again(calls, one), "nothing", 400),
            (again(calls, one), replaces_of(one).replace("to-tag=", "to-tag=x"), 481)]
    for newcomer, replaces, status in rows:
        replace(calls, one, newcomer, replaces).refused(status)
    two = [("Replaces", replaces_of(one))]
    replace(calls, one, again(calls, one), replaces_of(one), headers=two).refused(400)
    for end in call.ends:
        end.silence(seconds=0.05)
    call.hang_up(side)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_call_of_one_s_own_that_rings_is_not_to_be_replaced(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    response = call.ring()
    call.caller.dialog = sip.Dialog.as_caller(call.caller.invite, response)
    replace(calls, call.caller, again(calls, call.caller), replaces_of(call.caller)).refused(481)
    call.answer()
    call.answered()
    call.hang_up()


@EACH_WAY
def test_a_dialog_that_has_ended(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    call.hang_up()
    replace(calls, one, again(calls, one), replaces_of(one)).refused(603)


@EACH_WAY
def test_an_offer_that_fits_nothing_leaves_the_call_as_it_was(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    newcomer = again(calls, one)
    describe = media.browser_sdp if newcomer.is_browser else lambda **options: media.trunk_sdp(40000, **options)
    newcomer.local = describe(codecs=("telephone-event",))
    replace(calls, one, newcomer, replaces_of(one)).refused(488)
    for end in call.ends:
        end.silence(seconds=0.05)
    call.hang_up(side)


@EACH_WAY
def test_one_at_a_time(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    target = calls.end("browser", "target")
    ringing = Call(other, target, call.domain)
    refer_accepted(one, refer_to(call, target.user))
    notified(one, 100)
    ringing.arrive()
    for end in call.ends:
        replace(calls, end, again(calls, end), replaces_of(end)).refused(491)
    ringing.reject(486)
    notified(one, 486)
    call.hang_up(side)


def test_who_takes_over_may_think_better_of_it(calls):
    """CANCEL crosses the 200, or comes first; either way there is one call, or none, and nothing else."""
    call = calls.up("trunk-browser")
    one, other = call.ends
    newcomer = again(calls, one)
    replace(calls, one, newcomer, replaces_of(one))
    newcomer.send(sip.cancel_of(newcomer.invite))
    response = newcomer.response(newcomer.invite)
    if response.status == 487:
        newcomer.send(sip.ack_of_failure(newcomer.invite, response))
        call.hang_up()
    else:
        newcomer.dialog = sip.Dialog.as_caller(newcomer.invite, response)
        newcomer.ack(newcomer.invite)
        expect_bye(one)
        talk(newcomer, other)
