"""BYE and what it crosses (RFC 3261, section 15; RFC 5407, sections 3.1 and 3.2)."""

import pytest
from tandem_test import calls as calls_module
from tandem_test import media, sip
from tandem_test.calls import DIRECTIONS, SIDES

CONFIG = {**calls_module.CONFIG}


def early_dialog(call):
    """Makes the caller's dialog from the 180."""
    response = call.ring()
    call.caller.dialog = sip.Dialog.as_caller(call.caller.invite, response)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_25_bye_of_the_caller_in_the_early_dialog(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    early_dialog(call)
    bye = call.caller.send(call.caller.request("BYE"))
    call.caller.response(bye, 200)
    call.refused(487)
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.reject(487)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_25_the_cancel_crosses_the_answer(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    early_dialog(call)
    bye = call.caller.send(call.caller.request("BYE"))
    call.caller.response(bye, 200)
    call.refused(487)
    cancel = call.called.expect("CANCEL")
    call.answer()
    call.called.reply(cancel, 481)
    call.called.reply(call.called.expect("BYE"), 200)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_bye_of_the_called_side_in_the_early_dialog(calls, direction):
    """Forbidden to a callee, seen in the field: as a refusal."""
    call = calls(direction)
    call.dial()
    call.arrive()
    early_dialog(call)
    call.called.dialog.cseq = 1
    call.called.ask("BYE", 200)
    call.refused(480)
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.reject(487)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_26_bye_of_the_called_side_before_it_has_an_ack(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    end = call.called
    end.reply(end.invite, 200, end.describe(end.invite.sdp))
    end.ask("BYE", 200)
    end.expect("ACK")
    end.reply(end.invite, 200, end.local)
    end.expect("ACK")
    call.answered()
    call.caller.reply(call.caller.expect("BYE"), 200)
    end.silence("BYE", 0.2)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_27_the_caller_gets_its_bye_after_its_ack(calls, direction):
    call = calls(direction).set_up(acknowledge=False)
    call.called.ask("BYE", 200)
    call.caller.silence("BYE", 0.4)
    call.caller.response(call.caller.invite, 200)  # still repeated
    call.caller.ack(call.caller.invite)
    call.caller.reply(call.caller.expect("BYE"), 200)
    call.caller.silence(seconds=0.2)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_bye_of_the_caller_without_ack(calls, direction):
    """A 200 that may have been lost, and crossed the BYE, is repeated until its ACK: the INVITE needs an end too."""
    call = calls(direction).set_up(acknowledge=False)
    call.caller.ask("BYE", 200)
    call.called.reply(call.called.expect("BYE"), 200)
    if direction == "trunk-browser":
        call.caller.response(call.caller.invite, 200)
        call.caller.ack(call.caller.invite)
    call.caller.silence(seconds=1.7 if direction == "trunk-browser" else 0.6)


@pytest.mark.parametrize("delay", [0, 0.005, 0.02])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_28_both_hang_up_at_once(calls, direction, delay):
    import threading

    call = calls.up(direction)
    byes = [end.request("BYE") for end in call.ends]
    timer = threading.Timer(delay, lambda: call.called.send(byes[1]))
    timer.start()
    call.caller.send(byes[0])
    timer.join()
    for end, bye in zip(call.ends, byes):
        status = end.response(bye).status
        assert status == 200 or (delay and status == 481)
    for end in call.ends:
        try:
            crossing = end.expect("BYE", 0.3)
        except AssertionError:
            continue
        end.reply(crossing, 481)
    for end in call.ends:
        end.silence(seconds=0.2)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_28_the_bye_is_out_when_theirs_comes(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    one.ask("BYE", 200)
    crossing = other.expect("BYE")
    other.ask("BYE", 200)
    other.reply(crossing, 481)
    for end in call.ends:
        end.silence(seconds=0.2)


@pytest.mark.parametrize("status", [408, 481, 500, 503, 401, 407, 603])
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_row_30_whatever_a_bye_is_answered_the_call_is_over(calls, direction, status):
    call = calls.up(direction)
    call.caller.ask("BYE", 200)
    calls.daemon.wait_metric("tandem_calls", 0, 1)
    call.called.reply(call.called.expect("BYE"), status)
    for end in call.ends:
        end.silence("BYE", seconds=0.3)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_32_byes_that_belong_to_no_dialog(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    dialog = one.dialog

    def wrong(local, remote, call_id=dialog.call_id):
        return one.peer.ask(sip.request("BYE", dialog.target, local, remote, one.peer.via, call_id, 100)).status

    bare = {name: getattr(dialog, name).split(";tag=")[0] for name in ("local", "remote")}
    tags = {name: sip.parameter(getattr(dialog, name), "tag") for name in ("local", "remote")}
    assert wrong(f"{bare['local']};tag={tags['remote']}", f"{bare['remote']};tag={tags['local']}") == 481
    assert wrong(dialog.local, bare["remote"]) == 481
    assert wrong(bare["local"], dialog.remote) in (400, 481)
    assert wrong(dialog.local, dialog.remote, "another") == 481
    assert wrong(dialog.local, dialog.remote + "x") == 481
    assert wrong(dialog.local + "x", dialog.remote) == 481
    other.silence(seconds=0.1)
    one.ask("OPTIONS", 200)
    call.hang_up(side)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_32_a_bye_out_of_order(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    one.dialog.cseq = 10
    one.ask("OPTIONS", 200)
    for cseq in (11, 10, 1):
        one.ask("BYE", 500, cseq=cseq)
    other.silence(seconds=0.1)
    call.hang_up(side)


def test_row_32_a_bye_of_another_user(calls):
    """Stolen dialog ids on somebody else's connection: the call lives."""
    call = calls.up("trunk-browser")
    thief = calls.user()
    bye = call.called.request("BYE")
    assert thief.ask(bye).status in (403, 481)
    call.caller.silence(seconds=0.2)
    call.called.dialog.cseq -= 1
    call.hang_up("called")


def test_row_65_a_bye_from_an_address_that_is_no_trunks(calls):
    from tandem_test.trunk import UdpTrunk

    call = calls.up("trunk-browser")
    stranger = UdpTrunk((calls.daemon.host, calls.daemon.sip_port), host="127.0.0.3")
    try:
        bye = call.caller.dialog.request("BYE", stranger.via)
        assert stranger.ask(bye).status in (403, 481)
        call.called.silence(seconds=0.2)
    finally:
        stranger.close()
    call.caller.ask("OPTIONS", 200)
    call.hang_up()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_33_a_second_bye(calls, direction, side):
    call = calls.up(direction)
    call.hang_up(side)
    one, other = call.end(side)
    one.ask("BYE", 481)
    other.ask("BYE", 481)
    for end in call.ends:
        end.silence(seconds=0.1)


def test_row_33_a_repeated_bye_gets_its_200_again(calls):
    call = calls.up("trunk-browser")
    bye = call.caller.request("BYE")
    for _ in range(3):
        call.caller.peer.ask(bye, 200)
    call.called.reply(call.called.expect("BYE"), 200)
    call.called.silence("BYE", 0.2)


def test_row_34_media_after_the_bye_reaches_nobody(calls, rtp):
    """Packets go on for two seconds; no other call gets their port meanwhile, and nothing comes back."""
    first = calls("trunk-browser", "9196")
    port = rtp()
    first.caller.rtp_port = port.port
    first.number = first.called.user
    first.dial()
    first.arrive()
    first.answer()
    address, media_port, _ = media.audio_of(first.answered().sdp)
    first.hang_up("called")
    calls.daemon.wait_metric("tandem_calls", 0, 1)
    from tandem_test.net import Deadline

    deadline = Deadline(2.0)
    others = []
    while not deadline.is_over():
        port.send((address, media_port), count=5)
        if len(others) == 8:
            port.expect_silence(0.1)
            continue
        other = calls("browser-trunk")
        other.dial()
        others.append(media.audio_of(other.arrive().sdp)[1])
        other.reject(486)
        other.refused(486)
    assert others and media_port not in others
    port.expect_silence(0.2)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_request_in_an_ended_dialog(calls, direction):
    call = calls.up(direction)
    call.hang_up()
    for end in call.ends:
        for method in ("INVITE", "OPTIONS", "INFO", "UPDATE"):
            request = end.request(method, body=end.local if method == "INVITE" else b"")
            response = end.peer.ask(request, 481)
            if method == "INVITE":
                end.send(sip.ack_of_failure(request, response))
    for end in call.ends:
        end.silence(seconds=0.1)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("method", ["SUBSCRIBE", "PUBLISH"])
def test_other_methods_in_a_dialog(calls, direction, side, method):
    call = calls.up(direction)
    one, other = call.end(side)
    assert "INVITE" in one.ask(method, 405).header("Allow")
    other.silence(seconds=0.1)
    call.hang_up()
