"""Blind transfer: REFER in a dialog, by either side, from browser and from trunk (RFC 3515, 3892, 4488)."""

import pytest
from tandem_test import calls as calls_module
from tandem_test import media, sip
from tandem_test.calls import Call, DIRECTIONS, SIDES
from tandem_test.transfer import expect_bye, notified, refer, refer_accepted, refer_to, talk

CONFIG = {**calls_module.CONFIG}
KINDS = ("browser", "trunk")
# Whoever transfers may only send others where he might call himself.
WAYS = [(direction, side, kind) for direction in DIRECTIONS for side in SIDES for kind in KINDS
        if kind == "browser" or direction.split("-")[side == "called"] == "browser"]
BLIND = pytest.mark.parametrize("direction, side, kind", WAYS)


def direction_of(message):
    return media.audio_of(message.sdp)[2]


def begin(calls, direction, side, kind="browser", headers=()):
    """The call, who transfers, who is transferred, and a leg to the target that has its INVITE."""
    call = calls.up(direction)
    one, other = call.end(side)
    target = calls.end(kind, "target")
    second = Call(other, target, call.domain)
    refer_accepted(one, refer_to(call, target.user), headers)
    return call, one, other, second


def test_allow_and_supported_say_so(calls, browser):
    alice = calls.user()
    response = alice.ask(alice.request("OPTIONS"), 200)
    assert "REFER" in response.header("Allow") and "NOTIFY" in response.header("Allow")
    assert "replaces" in response.header("Supported")


@BLIND
def test_blind_transfer(calls, direction, side, kind):
    call, one, other, second = begin(calls, direction, side, kind)
    notified(one, 100)
    invite = second.arrive()
    if one.is_browser:
        assert invite.header("Referred-By") == f"<sip:{one.user}@{call.domain}>"
    second.called.reply(invite, 180)
    notified(one, 180)
    second.answer()
    notified(one, 200)
    one.ask("BYE", 200)
    talk(other, second.called)


@BLIND
def test_who_does_not_hang_up_after_a_transfer_gets_a_bye(calls, direction, side, kind):
    call, one, other, second = begin(calls, direction, side, kind)
    notified(one, 100)
    second.arrive()
    second.answer()
    notified(one, 200)
    expect_bye(one)
    talk(second.called, other)


@pytest.mark.parametrize("direction, side", [(d, s) for d in DIRECTIONS for s in SIDES])
def test_who_was_held_is_resumed_with_the_target(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    one.renegotiate(other, "sendonly", "recvonly")
    target = calls.end("browser", "target")
    second = Call(other, target, call.domain)
    refer_accepted(one, refer_to(call, target.user))
    notified(one, 100)
    assert direction_of(second.arrive()) == "sendrecv"
    second.answer()
    assert direction_of(other.answer_reinvite("sendrecv")) == "sendrecv"
    notified(one, 200)
    expect_bye(one)
    target.silence("INVITE", 0.2)
    talk(other, target)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_to_a_builtin(calls, direction):
    call = calls.up(direction)
    one, other = call.ends if call.caller.is_browser else call.ends[::-1]
    refer_accepted(one, refer_to(call, "9196"))
    notified(one, 100)
    notified(one, 200)
    expect_bye(one)
    other.answer_reinvite("sendrecv")
    other.ask("BYE", 200)


def test_a_builtin_is_transferred(calls):
    one = calls.end("browser", "caller")
    call = Call(one, one, calls.domain, "9196")
    call.dial()
    call.answered()
    target = calls.end("browser", "target")
    second = Call(one, target, call.domain)
    refer_accepted(one, refer_to(call, target.user))
    notified(one, 100)
    second.arrive()
    second.answer()
    notified(one, 200)
    expect_bye(one)
    target.ask("BYE", 200)


@BLIND
@pytest.mark.parametrize("status", [486, 404, 603])
def test_a_failed_transfer_leaves_the_call_as_it_was(calls, direction, side, kind, status):
    call, one, other, second = begin(calls, direction, side, kind)
    notified(one, 100)
    second.arrive()
    second.reject(status)
    notified(one, status)
    other.silence(seconds=0.1)
    one.renegotiate(other, "sendonly", "recvonly")
    call.hang_up(side)


@pytest.mark.parametrize("direction, side", [(d, s) for d in DIRECTIONS for s in SIDES])
def test_a_second_transfer_after_a_failed_one_has_its_id(calls, direction, side):
    call, one, other, second = begin(calls, direction, side)
    assert "id=" not in notified(one, 100).header("Event")
    second.arrive()
    second.reject(486)
    notified(one, 486)
    target = calls.end("browser", "target")
    third = Call(other, target, call.domain)
    request = refer(one, refer_to(call, target.user))
    one.response(request, 202)
    assert notified(one, 100).header("Event") == f"refer;id={request.cseq[0]}"
    third.arrive()
    third.answer()
    assert notified(one, 200).header("Event") == f"refer;id={request.cseq[0]}"
    expect_bye(one)
    talk(other, target)


@pytest.mark.parametrize("direction, side", [(d, s) for d in DIRECTIONS for s in SIDES])
def test_a_second_refer_meanwhile_is_told_to_wait(calls, direction, side):
    call, one, other, second = begin(calls, direction, side)
    notified(one, 100)
    second.arrive()
    one.response(refer(one, refer_to(call, second.called.user)), 491)
    other.response(refer(other, refer_to(call, second.called.user)), 491)
    second.answer()
    notified(one, 200)
    expect_bye(one)
    talk(other, second.called)


@pytest.mark.parametrize("direction, side", [(d, s) for d in DIRECTIONS for s in SIDES])
def test_a_refer_without_a_subscription(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    target = calls.end("browser", "target")
    second = Call(other, target, call.domain)
    response = refer_accepted(one, refer_to(call, target.user),
                              [("Refer-Sub", "false"), ("Supported", "norefersub")])
    assert response.header("Refer-Sub") == "false"
    second.arrive()
    second.answer()
    expect_bye(one)
    one.silence("NOTIFY", 0.1)
    talk(other, target)


@BLIND
def test_who_hangs_up_at_once_has_transferred_all_the_same(calls, direction, side, kind):
    """Row 61, after the REFER was answered: the target is called, and who asked may still be told."""
    call, one, other, second = begin(calls, direction, side, kind)
    one.ask("BYE", 200)
    notified(one, 100)
    second.arrive()
    other.silence("BYE", 0.1)
    second.answer()
    notified(one, 200, answer=481)
    talk(other, second.called)


@pytest.mark.parametrize("direction, side", [(d, s) for d in DIRECTIONS for s in SIDES])
def test_nobody_is_left_when_the_target_refuses_who_was_left_alone(calls, direction, side):
    call, one, other, second = begin(calls, direction, side)
    one.ask("BYE", 200)
    notified(one, 100, answer=481)
    second.arrive()
    second.reject(486)
    expect_bye(other)


@BLIND
def test_who_is_transferred_hangs_up_meanwhile(calls, direction, side, kind):
    call, one, other, second = begin(calls, direction, side, kind)
    notified(one, 100)
    second.arrive()
    second.called.reply(second.called.invite, 180)
    notified(one, 180)
    other.ask("BYE", 200)
    cancel = second.called.expect("CANCEL")
    second.called.reply(cancel, 200)
    second.reject(487)
    notified(one, 487)
    expect_bye(one)


@pytest.mark.parametrize("direction, side", [(d, s) for d in DIRECTIONS for s in SIDES])
def test_row_61_refer_after_bye(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    bye = one.request("BYE")
    late = one.request("REFER", headers=[("Refer-To", refer_to(call, "9196"))])
    one.send(bye)
    one.send(late)
    one.response(bye, 200)
    one.response(late, 481)
    expect_bye(other)


@pytest.mark.parametrize("direction, side", [(d, s) for d in DIRECTIONS for s in SIDES])
def test_row_61_refer_crosses_the_others_bye(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    target = calls.end("browser", "target")
    request = one.request("REFER", headers=[("Refer-To", refer_to(call, target.user))])
    other.send(other.request("BYE"))
    one.send(request)
    response = one.response(request)
    assert response.status in (202, 481)
    expect_bye(one)


@pytest.mark.parametrize("direction, side", [(d, s) for d in DIRECTIONS for s in SIDES])
@pytest.mark.parametrize("who", SIDES)
def test_refer_while_an_offer_is_on_its_way(calls, direction, side, who):
    """The offer was for who transfers: the target is told of it instead, or it is told to the one who stays anew."""
    call = calls.up(direction)
    one, other = call.end(side)
    offerer, offered = call.end(who)
    invite = offerer.reinvite("sendonly")
    waiting = offered.expect("INVITE")
    target = calls.end("browser", "target")
    second = Call(other, target, call.domain)
    refer_accepted(one, refer_to(call, target.user))
    notified(one, 100)
    second.arrive()
    second.answer()
    notified(one, 200)
    if offerer is one:
        one.send(sip.ack_of_failure(invite, one.response(invite, 487)))
        other.reply(waiting, 200, other.describe(waiting.sdp, "recvonly"))
        other.expect("ACK")
        assert direction_of(other.answer_reinvite("sendrecv")) == "sendrecv"
    else:
        assert direction_of(target.answer_reinvite("recvonly")) == "sendonly"
        other.response(invite, 200)
        other.ack(invite)
        one.reply(waiting, 481)
    one.ask("BYE", 200)
    talk(other, target)


def test_the_transferors_connection_closes_meanwhile(calls):
    """What there is to tell waits for his return."""
    call, one, other, second = begin(calls, "browser-trunk", "caller")
    notified(one, 100)
    one.ask("OPTIONS", 200)  # the NOTIFY's answer is there
    second.arrive()
    one.peer.socket.drop(True)
    second.answer()
    second.called.silence("BYE", 0.1)
    one.peer.connect()
    one.peer.register()
    notified(one, 200)
    expect_bye(one)
    talk(other, second.called)


def test_a_notify_that_gets_no_answer_holds_nothing_up(calls):
    call, one, other, second = begin(calls, "trunk-browser", "caller")
    one.expect("NOTIFY")  # not answered
    second.arrive()
    second.answer()
    one.expect("NOTIFY")  # the same again
    expect_bye(one)
    talk(other, second.called)


def test_the_notify_is_repeated_until_it_is_answered(calls):
    call = calls.up("trunk-browser")
    one, other = call.ends
    target = calls.end("browser", "target")
    second = Call(other, target, call.domain)
    lost = []
    calls.trunk.drops_received = lambda m: m.is_request and m.method == "NOTIFY" and len(lost) < 2 and not lost.append(m)
    refer_accepted(one, refer_to(call, target.user))
    notified(one, 100)
    assert len(lost) == 2
    second.arrive()
    second.answer()
    notified(one, 200)
    expect_bye(one)
    talk(other, target)


HOSTILE = [
    ("<https://example.com/>", 416), ("", 400), ("<sip:>", 400), ("<sip:a@b@c>", 400), ("<sip:9196@h;method=BYE>", 403),
    ("<sip:9196@example.test?P-Asserted-Identity=%3Csip:ceo@h%3E>", 403), ("<sip:9196@example.test?body=x>", 403),
    ("<sip:9196@example.test?Replaces=x%0D%0AVia:%20y;to-tag=a;from-tag=b>", 400),
    ("<sip:9196@example.test?Replaces=nothing>", 400), ("<sip:9196@example.test?Require=100rel>", 403),
    ("<sip:" + "9" * 4000 + "@example.test>", 400), ("<sip:9196@example.test>, <sip:9197@example.test>", 400),
]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_hostile_targets(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    for target, status in HOSTILE:
        response = one.response(refer(one, target))
        assert response.status == status, (target, response.start)
    assert one.ask("REFER", 400).to_tag
    one.response(refer(one, "<sip:9196@example.test>", [("r", "<sip:9197@example.test>")]), 400)
    unknown = one.request("REFER", headers=[("Refer-To", refer_to(call, "9196")), ("Require", "x-unknown")])
    assert one.response(one.send(unknown), 420).header("Unsupported") == "x-unknown"
    for end in call.ends:
        end.silence(seconds=0.1)
    call.hang_up()


def test_a_trunk_may_send_others_only_where_its_own_calls_may_go(calls):
    call = calls.up("trunk-browser")
    one, other = call.ends
    for user, host in (("5550000", call.domain), ("5550000", "127.0.0.1"), ("9196", call.domain)):
        one.response(refer(one, refer_to(call, user, host=host)), 404)
    one.response(refer(one, refer_to(call, calls_module.ABSENT)), 480)
    other.silence(seconds=0.1)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_refer_before_the_answer_is_too_early(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring()
    early = call.called.request("REFER", headers=[("Refer-To", refer_to(call, "9196"))])
    call.called.response(call.called.send(early), 491)
    call.answer()
    call.answered()
    call.hang_up()
