"""Reliable provisional responses (RFC 3262), on either leg."""

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip

CONFIG = {**calls_module.CONFIG}
DIRECTIONS = calls_module.DIRECTIONS
RELIABLE = [("Require", "100rel")]


def reliable(end, status, rseq, body=b"", tag=None):
    """A reliable provisional response of the called side."""
    headers = [("Require", "100rel"), ("RSeq", str(rseq))]
    return end.peer.reply(end.invite, status, to_tag=tag or end.tag, contact=end.peer.contact, body=body, headers=headers)


def prack_of(end, invite, response, body=b""):
    rack = f"{response.header('RSeq')} {invite.cseq[0]} INVITE"
    return end.request("PRACK", headers=[("RAck", rack)], body=body)


def early_dialog(end, response):
    end.dialog = sip.Dialog.as_caller(end.invite, response)


def answered(call):
    """Its dialog has had requests before."""
    cseq = call.caller.dialog.cseq if call.caller.dialog else None
    response = call.answered()
    call.caller.dialog.cseq = cseq or call.caller.dialog.cseq
    return response


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_called_side_may_ring_reliably(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    assert "100rel" in call.called.invite.header("Supported")
    reliable(call.called, 180, 7)
    prack = call.called.expect("PRACK")
    assert prack.header("RAck").split() == ["7", str(call.called.invite.cseq[0]), "INVITE"]
    call.called.reply(prack, 200)
    call.caller.response(call.caller.invite, 180)
    call.answer()
    answered(call)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_53_a_repeated_183_is_heard_once_and_a_gap_is_not_acknowledged(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    early = call.called.describe(call.called.invite.sdp)
    reliable(call.called, 183, 1, early)
    prack = call.called.expect("PRACK")
    reliable(call.called, 183, 1, early)
    call.called.reply(prack, 200)
    call.caller.response(call.caller.invite, 183)
    reliable(call.called, 180, 3)
    call.called.silence("PRACK", 0.2)
    reliable(call.called, 180, 2)
    second = call.called.expect("PRACK")
    assert second.header("RAck").startswith("2 ")
    assert second.cseq[0] > prack.cseq[0]
    call.caller.response(call.caller.invite, 180)
    call.answer()  # crosses the 200 to PRACK
    call.called.reply(second, 200)
    answered(call)
    call.caller.silence(seconds=0.1)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_200_may_leave_out_what_a_reliable_183_has_answered(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    reliable(call.called, 183, 1, call.called.describe(call.called.invite.sdp))
    call.called.reply(call.called.expect("PRACK"), 200)
    call.caller.response(call.caller.invite, 183)
    call.called.reply(call.called.invite, 200)
    call.called.expect("ACK")
    assert answered(call).sdp
    call.hang_up("called")


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_caller_who_requires_it_hears_every_provisional_response_reliably(calls, direction):
    call = calls(direction)
    invite = call.dial(headers=RELIABLE)
    call.arrive()
    response = call.ring()
    assert "100rel" in response.header("Require")
    early_dialog(call.caller, response)
    repeated = call.caller.response(invite, 180)  # until the PRACK
    assert repeated.header("RSeq") == response.header("RSeq")
    call.called.reply(call.called.invite, 183, call.called.describe(call.called.invite.sdp))
    call.caller.response(call.caller.send(prack_of(call.caller, invite, response)), 200)
    second = call.caller.response(invite, 183)
    assert int(second.header("RSeq")) == int(response.header("RSeq")) + 1
    assert second.sdp
    call.answer()
    call.caller.silence("BYE", 0.1)
    assert call.caller.peer._take(lambda m: m.status == 200 and m.cseq[1] == "INVITE") is None  # an answer must be PRACKed first
    call.caller.response(call.caller.send(prack_of(call.caller, invite, second)), 200)
    final = answered(call)
    assert not final.sdp
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_answer_in_a_183_goes_reliably_to_a_caller_who_can(calls, direction):
    call = calls(direction)
    invite = call.dial(headers=[("Supported", "100rel")])
    call.arrive()
    assert not call.ring().header("Require")
    response = call.ring(183, early=True)
    assert "100rel" in response.header("Require")
    early_dialog(call.caller, response)
    call.caller.response(call.caller.send(prack_of(call.caller, invite, response)), 200)
    call.answer()
    answered(call)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_54_a_prack_with_another_rack_is_refused(calls, direction):
    call = calls(direction)
    invite = call.dial(headers=RELIABLE)
    call.arrive()
    response = call.ring()
    early_dialog(call.caller, response)
    for rack in (f"{int(response.header('RSeq')) + 1} {invite.cseq[0]} INVITE", f"{response.header('RSeq')} 99 INVITE",
                 f"{response.header('RSeq')} {invite.cseq[0]} UPDATE"):
        call.caller.ask("PRACK", 481, headers=[("RAck", rack)])
    prack = prack_of(call.caller, invite, response)
    call.caller.response(call.caller.send(prack), 200)
    call.caller.ask("PRACK", 481, headers=[("RAck", prack.header("RAck"))])
    call.answer()
    answered(call)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_54_a_cancel_crosses_the_prack(calls, direction):
    call = calls(direction)
    invite = call.dial(headers=RELIABLE)
    call.arrive()
    response = call.ring()
    early_dialog(call.caller, response)
    prack = prack_of(call.caller, invite, response)
    call.caller.send(sip.cancel_of(invite))
    call.caller.send(prack)
    assert call.caller.response(prack).status in (200, 481)
    call.refused(487)
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.reject(487)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_late_offer_goes_out_in_the_reliable_180_and_is_answered_in_its_prack(calls, direction):
    call = calls(direction)
    invite = call.dial(offer=False, headers=RELIABLE)
    call.arrive()
    response = call.ring()
    assert response.sdp
    early_dialog(call.caller, response)
    answer = call.caller.describe(response.sdp)
    call.caller.response(call.caller.send(prack_of(call.caller, invite, response, answer)), 200)
    call.answer()
    assert not answered(call).sdp
    # what the two have in common may have to be settled once more
    again = call.called.peer._take(lambda m: m.is_request and m.method == "INVITE" and m.call_id == call.called.call_id)
    if again:
        call.called.reply(again, 200, call.called.describe(again.sdp))
    call.hang_up()


@pytest.mark.parametrize("side", calls_module.SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_early_update_is_answered_from_what_the_other_side_has_said(calls, direction, side):
    call = calls(direction)
    invite = call.dial(headers=[("Supported", "100rel")])
    call.arrive()
    reliable(call.called, 183, 1, call.called.describe(call.called.invite.sdp))
    call.called.reply(call.called.expect("PRACK"), 200)
    response = call.caller.response(invite, 183)
    early_dialog(call.caller, response)
    call.caller.response(call.caller.send(prack_of(call.caller, invite, response)), 200)
    one, other = call.end(side)
    update = one.send(one.request("UPDATE", body=one.describe()))
    assert one.response(update, 200).sdp
    call.answer()
    answered(call)
    call.hang_up()
