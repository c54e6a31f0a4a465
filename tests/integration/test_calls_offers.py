"""Offers in a call that is up: hold and resume, what concerns one leg only, glare, refusals, CANCEL (RFC 3261, section 14;
RFC 3264; RFC 5407, section 3.3)."""

import re
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test import media, sip
from tandem_test.calls import DIRECTIONS, SIDES, changed

CONFIG = {**calls_module.CONFIG}
REVERSE = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive", "sendrecv": "sendrecv"}


def version(sdp):
    return int(re.search(r"^o=\S+ \S+ (\d+) ", sdp, re.M).group(1))


def direction_of(message):
    return media.audio_of(message.sdp)[2]


@pytest.mark.parametrize("hold", ["sendonly", "inactive"])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_hold_and_resume(calls, direction, side, hold):
    call = calls.up(direction)
    one, other = call.end(side)
    versions = []
    for offered, answered in ((hold, REVERSE[hold]), ("sendrecv", "sendrecv"), (hold, REVERSE[hold]), ("sendrecv", "sendrecv")):
        invite = one.reinvite(offered)
        heard = other.answer_reinvite(answered)
        assert direction_of(heard) == offered
        versions.append(version(heard.sdp))
        response = one.response(invite, 200)
        assert direction_of(response) == answered
        one.ack(invite)
        for end in call.ends:
            end.silence(seconds=0.1)
    assert versions == sorted(set(versions)), "each new description has a higher version"
    call.hang_up(side)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_both_hold(calls, direction):
    """The one who resumes first stays held by the other, until that resumes too."""
    call = calls.up(direction)
    caller, called = call.ends
    caller.renegotiate(called, "sendonly", "recvonly")
    invite = called.reinvite("inactive")
    heard = caller.expect("INVITE")
    assert direction_of(heard) == "inactive"
    caller.reply(heard, 200, caller.describe(heard.sdp, "inactive"))
    caller.expect("ACK")
    assert direction_of(called.response(invite, 200)) == "inactive"
    called.ack(invite)
    invite = caller.reinvite("sendrecv")
    assert direction_of(caller.response(invite, 200)) == "inactive"
    caller.ack(invite)
    invite = called.reinvite("sendrecv")
    assert direction_of(caller.answer_reinvite("sendrecv")) == "sendrecv"
    assert direction_of(called.response(invite, 200)) == "sendrecv"
    called.ack(invite)
    call.hang_up()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_refresh_of_the_session_concerns_one_leg(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    for body in (one.local, changed(one.local)):
        invite = one.reinvite(body=body)
        assert direction_of(one.response(invite, 200)) == "sendrecv"
        one.ack(invite)
    other.silence(seconds=0.2)
    call.hang_up()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_ice_restart_concerns_one_leg(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    if not one.is_browser:
        one, other = other, one
    before = re.search(r"^a=ice-ufrag:(\S+)", next(
        m.sdp for way, m in reversed(one.peer.history) if way == "<-" and m.body), re.M).group(1)
    one.local = changed(one.local, ice_ufrag="neuu", ice_pwd="n" * 24, setup="actpass")
    invite = one.reinvite(body=one.local)
    answer = one.response(invite, 200)
    assert re.search(r"^a=ice-ufrag:(\S+)", answer.sdp, re.M).group(1) != before
    one.ack(invite)
    other.silence(seconds=0.2)
    call.hang_up()


def test_a_new_address_of_the_trunk_concerns_one_leg(calls):
    call = calls.up("browser-trunk")
    call.called.local = changed(call.called.local).replace(" 40000 ", " 40010 ")
    invite = call.called.reinvite(body=call.called.local)
    call.called.response(invite, 200)
    call.called.ack(invite)
    call.caller.silence(seconds=0.2)
    call.hang_up()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_reinvite_without_offer(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    invite = one.reinvite(body=b"")
    response = one.response(invite, 200)
    assert "m=audio" in response.sdp
    one.ack(invite, one.describe(response.sdp))
    for end in call.ends:
        end.silence(seconds=0.2)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_reinvite_without_offer_whose_answer_holds(calls, direction):
    call = calls.up(direction)
    one, other = call.ends
    invite = one.reinvite(body=b"")
    response = one.response(invite, 200)
    one.ack(invite, one.describe(response.sdp, "inactive"))
    assert direction_of(other.answer_reinvite("inactive")) == "inactive"
    call.hang_up()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("status", [403, 488, 500, 503, 603])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_46_a_refused_offer_leaves_the_call_as_it_was(calls, direction, side, status):
    call = calls.up(direction)
    one, other = call.end(side)
    before = one.local
    invite = one.reinvite("sendonly")
    other.reply(other.expect("INVITE"), status, reason="Own Words")
    other.expect("ACK")
    response = one.response(invite, status)
    assert response.reason == "Own Words"
    one.send(sip.ack_of_failure(invite, response))
    one.local = changed(before, version=version(one.local))
    for end in call.ends:
        end.silence(seconds=0.2)
    one.renegotiate(other, "sendonly", "recvonly")
    call.hang_up(side)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("status", [408, 481])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_45_a_reinvite_whose_answer_ends_the_dialog(calls, direction, side, status):
    call = calls.up(direction)
    one, other = call.end(side)
    invite = one.reinvite("sendonly")
    other.reply(other.expect("INVITE"), status)
    response = one.response(invite, status)
    one.send(sip.ack_of_failure(invite, response))
    for end in (one, other):
        end.reply(end.expect("BYE"), 200 if end is one else 481)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_46_an_answer_that_fits_no_offer(calls, direction):
    call = calls.up(direction)
    invite = call.caller.reinvite("sendonly")
    call.called.reply(call.called.expect("INVITE"), 200, "v=0\r\nno description\r\n")
    call.called.expect("ACK")
    call.caller.send(sip.ack_of_failure(invite, call.caller.response(invite, 488)))
    call.hang_up()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_offer_that_cannot_be_read_is_refused_and_the_call_lives(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    invite = one.reinvite(body="v=0\r\nno description\r\n")
    one.send(sip.ack_of_failure(invite, one.response(invite, 488)))
    other.silence(seconds=0.1)
    call.hang_up()


# --- what crosses ---
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_35_and_36_glare(calls, direction, side):
    """The gateway's re-INVITE crosses one of that side: 491 both ways, it tries again after its time, both succeed."""
    call = calls.up(direction)
    one, other = call.end(side)
    invite = one.reinvite("sendonly")
    crossed = other.expect("INVITE")
    theirs = other.reinvite("sendrecv")
    other.send(sip.ack_of_failure(theirs, other.response(theirs, 491)))
    other.reply(crossed, 491)
    refused = time.monotonic()
    other.expect("ACK")
    one.silence("INVITE", 0.1)
    again = other.expect("INVITE")
    delay = time.monotonic() - refused
    if other is call.called:  # the Call-ID of this dialog is the gateway's
        assert 2.05 < delay < 4.5
    else:
        assert delay < 2.5
    assert again.cseq[0] > crossed.cseq[0] and direction_of(again) == "sendonly"
    other.reply(again, 200, other.describe(again.sdp, "recvonly"))
    other.expect("ACK")
    assert direction_of(one.response(invite, 200)) == "recvonly"
    one.ack(invite)
    theirs = other.reinvite("recvonly")
    try:
        heard = one.expect("INVITE", 0.3)
        one.reply(heard, 200, one.describe(heard.sdp, "sendonly"))
        one.expect("ACK")
    except AssertionError:
        pass  # it concerns one leg only
    other.response(theirs, 200)
    other.ack(theirs)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_both_sides_hold_at_once(calls, direction):
    """Each gets a final answer; who got 491 may try again; nothing hangs."""
    call = calls.up(direction)
    offers = [end.reinvite("sendonly") for end in call.ends]
    pending = dict(zip(call.ends, offers))
    for _ in range(8):
        for end in call.ends:
            try:
                message = end.peer.wait_for(lambda m: m.call_id == end.call_id, "message", 0.5)
            except AssertionError:
                continue
            if message.is_request and message.method == "INVITE":
                if end in pending:
                    end.reply(message, 491)
                else:
                    wanted = REVERSE[direction_of(message)]
                    end.reply(message, 200, end.describe(message.sdp, wanted))
            elif not message.is_request and end in pending and message.branch == pending[end].branch and message.status >= 200:
                invite = pending.pop(end)
                if message.status == 200:
                    end.ack(invite)
                else:
                    assert message.status == 491
                    end.send(sip.ack_of_failure(invite, message))
        if not pending:
            break
    assert not pending
    for end in call.ends:
        end.peer.inbox = [m for m in end.peer.inbox if not (m.is_request and m.method == "ACK")]
    call.caller.ask("BYE", 200)
    call.called.reply(call.called.expect("BYE"), 200)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_40_a_reinvite_before_the_ack(calls, direction):
    call = calls(direction).set_up(acknowledge=False)
    invite = call.caller.reinvite("sendonly")
    call.caller.ack(call.caller.invite)
    call.called.answer_reinvite("recvonly")
    call.caller.peer.inbox.clear()
    call.caller.response(invite, 200)
    call.caller.ack(invite)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_41_a_reinvite_before_the_ack_with_the_answer(calls, direction):
    call = calls(direction)
    call.dial(offer=False)
    call.arrive()
    call.answer()
    response = call.answered(acknowledge=False)
    call.caller.describe(response.sdp)
    invite = call.caller.reinvite(body=call.caller.local)
    call.caller.send(sip.ack_of_failure(invite, call.caller.response(invite, 491)))
    call.caller.ack(call.caller.invite, call.caller.local)
    call.caller.silence("BYE", 0.3)
    call.hang_up()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_42_a_second_invite_while_the_first_is_unanswered(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    first = one.reinvite("sendonly")
    heard = other.expect("INVITE")
    second = one.reinvite("inactive")
    response = one.response(second, 500)
    assert 0 <= int(response.header("Retry-After")) <= 10
    one.send(sip.ack_of_failure(second, response))
    other.reply(heard, 200, other.describe(heard.sdp, "recvonly"))
    other.expect("ACK")
    one.response(first, 200)
    one.ack(first)
    call.hang_up()


def test_row_42_in_the_early_dialog(calls):
    call = calls("trunk-browser")
    call.dial()
    call.arrive()
    response = call.ring()
    call.caller.dialog = sip.Dialog.as_caller(call.caller.invite, response)
    second = call.caller.reinvite("sendonly")
    call.caller.send(sip.ack_of_failure(second, call.caller.response(second, 500)))
    call.called.silence("INVITE", 0.2)
    call.answer()
    call.answered()
    call.caller.dialog.cseq = second.cseq[0]
    call.hang_up()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_43_a_reinvite_crosses_our_bye(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    one.ask("BYE", 200)
    bye = other.expect("BYE")
    invite = other.reinvite("sendonly")
    other.send(sip.ack_of_failure(invite, other.response(invite, 481)))
    other.reply(bye, 200)
    for end in call.ends:
        end.silence(seconds=0.1)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_44_bye_while_the_own_reinvite_is_pending(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    invite = one.reinvite("sendonly")
    heard = other.expect("INVITE")
    one.ask("BYE", 200)
    one.send(sip.ack_of_failure(invite, one.response(invite, 487)))
    bye = other.expect("BYE")
    other.reply(bye, 200)
    other.reply(heard, 200, other.describe(heard.sdp, "recvonly"))
    other.expect("ACK")
    for end in call.ends:
        end.silence("INVITE", 0.1)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_bye_of_the_side_that_owes_an_answer(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    invite = one.reinvite("sendonly")
    heard = other.expect("INVITE")
    other.ask("BYE", 200)
    other.reply(heard, 487)
    other.expect("ACK")
    one.send(sip.ack_of_failure(invite, one.response(invite, 487)))
    one.reply(one.expect("BYE"), 200)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_47_cancel_of_a_reinvite(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    invite = one.reinvite("sendonly")
    heard = other.expect("INVITE")
    other.peer.reply(heard, 100)
    one.peer.ask(sip.cancel_of(invite), 200)
    one.send(sip.ack_of_failure(invite, one.response(invite, 487)))
    other.reply(other.expect("CANCEL"), 200)
    other.reply(heard, 487)
    other.expect("ACK")
    for end in call.ends:
        end.silence(seconds=0.3)  # the session is as it was: nothing more is to be told
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_47_cancel_of_a_reinvite_that_crosses_its_200(calls, direction):
    """The other leg holds although nobody wants that any more: it is told so."""
    call = calls.up(direction)
    one, other = call.ends
    invite = one.reinvite("sendonly")
    heard = other.expect("INVITE")
    other.peer.reply(heard, 100)
    one.peer.ask(sip.cancel_of(invite), 200)
    one.send(sip.ack_of_failure(invite, one.response(invite, 487)))
    cancel = other.expect("CANCEL")
    other.reply(heard, 200, other.describe(heard.sdp, "recvonly"))
    other.expect("ACK")
    other.reply(cancel, 200)
    assert direction_of(other.answer_reinvite("sendrecv")) == "sendrecv"
    one.silence(seconds=0.2)
    call.hang_up()


@pytest.mark.parametrize("side", SIDES)
def test_row_48_a_new_contact_counts_from_the_200_on(calls, side):
    call = calls.up("browser-trunk" if side == "called" else "trunk-browser")
    one, other = call.end(side)
    moved = f"<sip:moved@127.0.0.1:{calls.trunk.port}>"
    one.dialog.contact = moved
    invite = one.reinvite("sendonly")
    other.reply(other.expect("INVITE"), 488)
    one.send(sip.ack_of_failure(invite, one.response(invite, 488)))
    invite = other.reinvite("sendonly")
    heard = one.expect("INVITE")
    assert heard.uri == sip.uri_of(calls.trunk.contact), "the one that failed moves nothing"
    one.peer.reply(heard, 488, to_tag=one.tag)
    one.expect("ACK")
    other.send(sip.ack_of_failure(invite, other.response(invite, 488)))
    invite = one.reinvite("sendrecv")
    one.response(invite, 200)
    one.ack(invite)
    other.ask("BYE", 200)
    bye = one.expect("BYE")
    assert bye.uri == sip.uri_of(moved)
    one.reply(bye, 200)


def test_row_40_a_reinvite_without_offer_overtakes_the_ack(calls):
    """The ACK of the first INVITE owes nothing: the answer to our offer comes with the ACK of the second."""
    call = calls("trunk-browser").set_up(acknowledge=False)
    invite = call.caller.reinvite(body=b"")
    offer = call.caller.response(invite, 200).sdp
    call.caller.ack(call.caller.invite)
    call.caller.silence("BYE", 0.3)
    call.called.silence("BYE", 0.1)
    call.caller.ack(invite, call.caller.describe(offer))
    call.hang_up()


@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_row_41_an_offer_of_the_called_side_waits_for_the_answer_of_the_caller(calls, direction):
    call = calls(direction)
    call.dial(offer=False)
    call.arrive()
    call.answer()
    offer = call.answered(acknowledge=False).sdp
    invite = call.called.reinvite("sendrecv")
    call.called.silence(seconds=0.15)
    call.caller.ack(call.caller.invite, call.caller.describe(offer))
    response = call.called.response(invite, 200)
    assert response.sdp
    call.called.ack(invite)
    call.hang_up()
