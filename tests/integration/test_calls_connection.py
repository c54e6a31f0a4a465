"""A browser's connection closes in a call, and comes back or does not (RFC 5626, section 4; RFC 7118, section 5)."""

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip
from tandem_test.calls import End

GRACE = 2
CONFIG = {**calls_module.CONFIG, "calls": {"grace_seconds": GRACE}}
DIRECTIONS = ("browser-trunk", "trunk-browser")


def sides(call):
    """(the browser's end, the trunk's end)"""
    return call.ends if call.caller.is_browser else call.ends[::-1]


def come_back(browser, reset=False):
    browser.peer.reconnect(reset)
    browser.peer.register()


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_55_the_call_goes_on_when_the_browser_is_back(calls, direction, reset):
    call = calls.up(direction)
    browser, trunk = sides(call)
    come_back(browser, reset)
    trunk.silence(seconds=0.2)
    trunk.ask("OPTIONS", 200)
    browser.renegotiate(trunk, "sendonly", "recvonly")
    trunk.renegotiate(browser, "inactive", "inactive")
    if not reset:
        trunk.silence(seconds=GRACE + 0.5)  # the time for its return is over, and it is back
    call.hang_up("called")


@pytest.mark.parametrize("method", ["BYE", "INVITE"])
def test_row_55_a_request_on_a_proven_connection_is_enough(calls, method):
    """Without a REGISTER: the dialog moves to the connection of the same user that speaks in it."""
    call = calls.up("browser-trunk")
    browser, trunk = sides(call)
    second = calls.user(browser.user)
    first, browser.peer.socket = browser.peer.socket, second.socket
    second.socket = first
    first.drop()
    if method == "BYE":
        browser.ask("BYE", 200)
        trunk.reply(trunk.expect("BYE"), 200)
        return
    browser.renegotiate(trunk, "sendonly", "recvonly")
    call.hang_up("called")


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_55_the_bye_waits_for_the_browser(calls, direction):
    call = calls.up(direction)
    browser, trunk = sides(call)
    browser.peer.socket.drop()
    calls.daemon.wait_log(f"call .*browser {browser.user}.*connection closed")
    trunk.ask("BYE", 200)
    calls.daemon.wait_metric("tandem_calls", 0, 1)
    browser.peer.connect()
    browser.peer.register()
    browser.reply(browser.expect("BYE"), 200)
    browser.silence(seconds=0.3)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_55_a_reinvite_meanwhile_ends_only_itself(calls, direction):
    call = calls.up(direction)
    browser, trunk = sides(call)
    browser.peer.socket.drop()
    calls.daemon.wait_log(f"call .*browser {browser.user}.*connection closed")
    invite = trunk.reinvite("sendonly")
    response = trunk.response(invite, 500)
    assert response.header("Retry-After")
    trunk.send(sip.ack_of_failure(invite, response))
    browser.peer.connect()
    browser.peer.register()
    browser.silence(seconds=0.2)
    trunk.renegotiate(browser, "sendonly", "recvonly")
    call.hang_up()


def test_row_55_a_reinvite_that_concerns_the_trunk_alone_is_answered_meanwhile(calls):
    call = calls.up("browser-trunk")
    browser, trunk = sides(call)
    browser.peer.socket.drop()
    calls.daemon.wait_log(f"call .*browser {browser.user}.*connection closed")
    invite = trunk.reinvite(body=trunk.local)
    trunk.response(invite, 200)
    trunk.ack(invite)
    browser.peer.connect()
    browser.peer.register()
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_55_the_connection_breaks_while_a_reinvite_is_on_its_way(calls, direction):
    """The trunk's re-INVITE must not get 408, 481 or 404: these would end its dialog."""
    call = calls.up(direction)
    browser, trunk = sides(call)
    invite = trunk.reinvite("sendonly")
    browser.expect("INVITE")
    browser.peer.socket.drop()
    response = trunk.response(invite)
    assert response.status == 500 and response.header("Retry-After")
    trunk.send(sip.ack_of_failure(invite, response))
    browser.peer.connect()
    browser.peer.register()
    trunk.silence("BYE", 0.2)
    call.hang_up()


def lose_silently(browser):
    """The network is gone, and the gateway does not know: its side of the connection stays open. To be closed at the end."""
    return browser.peer.socket


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_55_a_bye_that_went_into_a_dead_connection_goes_to_the_next(calls, direction):
    call = calls.up(direction)
    browser, trunk = sides(call)
    lost = lose_silently(browser)
    trunk.ask("BYE", 200)
    calls.daemon.wait_metric("tandem_calls", 0, 1)
    browser.peer.connect()
    browser.peer.register()
    browser.reply(browser.expect("BYE"), 200)
    browser.silence(seconds=0.3)
    lost.close()


def test_row_55_a_reinvite_goes_to_the_next_connection(calls):
    call = calls.up("browser-trunk")
    browser, trunk = sides(call)
    lost = lose_silently(browser)
    invite = trunk.reinvite("sendonly")
    calls.daemon.wait_metric("tandem_sip_client_transactions", lambda seen: seen >= 1)
    browser.peer.connect()
    browser.peer.register()
    arrived = browser.expect("INVITE")
    browser.reply(arrived, 200, browser.describe(arrived.sdp, "recvonly"))
    browser.expect("ACK")
    trunk.response(invite, 200)
    trunk.ack(invite)
    call.hang_up("called")
    lost.close()


def test_row_55_requests_go_to_the_next_connection_in_their_order(calls):
    call = calls.up("browser-trunk")
    browser, trunk = sides(call)
    lost = lose_silently(browser)
    message = trunk.send(trunk.request("MESSAGE", body="hello", content_type="text/plain"))
    invite = trunk.reinvite("sendonly")
    trunk.response(invite, 100)
    browser.peer.connect()
    browser.peer.register()
    first = browser.peer.wait_for(lambda m: m.is_request and m.call_id == browser.call_id, "request")
    second = browser.peer.wait_for(lambda m: m.is_request and m.call_id == browser.call_id, "request")
    assert (first.method, second.method) == ("MESSAGE", "INVITE") and first.cseq[0] < second.cseq[0]
    browser.reply(first, 200)
    browser.reply(second, 200, browser.describe(second.sdp, "recvonly"))
    browser.expect("ACK")
    trunk.response(message, 200)
    trunk.response(invite, 200)
    trunk.ack(invite)
    call.hang_up("called")
    lost.close()


@pytest.mark.parametrize("silently", [False, True])
def test_row_16_the_200_follows_to_the_next_connection(calls, silently):
    """The ACK went into the dead connection, or was never written."""
    call = calls("browser-trunk")
    browser, trunk = call.ends
    call.dial()
    call.arrive()
    call.answer()
    first = call.answered(acknowledge=False)
    lost = browser.peer.socket
    if not silently:
        lost.drop()
    browser.peer.connect()
    browser.peer.register()
    again = browser.response(browser.invite, 200)
    assert again.body == first.body and again.to_tag == first.to_tag
    browser.ack(browser.invite)
    call.hang_up("called")
    if silently:
        lost.close()


def test_row_55_a_bye_repeated_on_the_next_connection_is_the_same_bye(calls):
    """Its 200 went into the connection that broke."""
    call = calls.up("browser-trunk")
    browser, trunk = sides(call)
    bye = browser.send(browser.request("BYE"))
    trunk.reply(trunk.expect("BYE"), 200)
    come_back(browser, reset=True)
    browser.send(bye)
    browser.response(bye, 200)
    trunk.silence(seconds=0.2)


def test_row_55_stolen_ids_on_another_users_connection(calls):
    call = calls.up("browser-trunk")
    browser, trunk = sides(call)
    thief = calls.user()
    for method in ("INVITE", "OPTIONS", "BYE"):
        request = browser.request(method, body=browser.local if method == "INVITE" else b"")
        response = thief.ask(request)
        assert response.status in (403, 481)
        if method == "INVITE":
            thief.send(sip.ack_of_failure(request, response))
    trunk.silence(seconds=0.2)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_56_a_browser_that_does_not_return_ends_the_call(calls, direction):
    call = calls.up(direction)
    browser, trunk = sides(call)
    browser.peer.socket.drop()
    trunk.silence("BYE", GRACE - 0.5)
    bye = trunk.expect("BYE", 2)
    assert "connection was lost" in bye.header("Reason")
    trunk.reply(bye, 200)
    calls.daemon.wait_metric("tandem_calls", 0, 1)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_55_an_info_meanwhile_waits_for_the_browser(calls, direction):
    call = calls.up(direction)
    browser, trunk = sides(call)
    browser.peer.socket.drop()
    calls.daemon.wait_log(f"call .*browser {browser.user}.*connection closed")
    info = trunk.send(trunk.request("INFO", body="1", content_type="text/plain"))
    trunk.silence(seconds=0.3)
    browser.peer.connect()
    browser.peer.register()
    heard = browser.expect("INFO")
    assert heard.body == b"1"
    browser.reply(heard, 200)
    trunk.response(info, 200)
    call.hang_up("called")


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_56_what_waited_for_a_browser_that_does_not_return_is_refused(calls, direction):
    call = calls.up(direction)
    browser, trunk = sides(call)
    browser.peer.socket.drop()
    calls.daemon.wait_log(f"call .*browser {browser.user}.*connection closed")
    info = trunk.send(trunk.request("INFO", body="1", content_type="text/plain"))
    assert trunk.response(info).status == 481
    trunk.reply(trunk.expect("BYE", 2), 200)


def test_row_56_the_connection_of_the_browser_that_rings_closes(calls):
    call = calls("trunk-browser")
    call.dial()
    call.arrive()
    call.ring()
    call.called.peer.socket.drop()
    call.refused(480)


def test_row_56_another_device_goes_on_ringing(calls):
    call = calls("trunk-browser")
    second = End(calls.user(call.called.user), "second", call.called.user)
    call.dial()
    call.arrive()
    second.invite = second.peer.expect_request("INVITE")
    call.ring()
    call.called.peer.socket.drop()
    call.caller.peer.expect_silence(lambda m: not m.is_request and m.status >= 200 and m.cseq[1] == "INVITE"
                                    and m.call_id == call.caller.call_id, 0.5)
    call.called = second
    second.dialog = sip.Dialog.as_callee(second.invite, second.tag, second.peer.contact)
    call.answer()
    call.answered()
    call.hang_up()


@pytest.mark.parametrize("ringing", [False, True])
def test_row_56_a_caller_that_does_not_return_cancels(calls, ringing):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    if ringing:
        call.ring()
    call.caller.peer.socket.drop()
    call.called.silence("CANCEL", GRACE - 0.7)
    if not ringing:
        calls.daemon.wait_metric("tandem_calls", 0)
        call.called.peer.reply(call.called.invite, 100)
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.reject(487)


def test_row_56_a_caller_that_is_back_gets_its_answer(calls):
    """The INVITE is sent again with the same branch: its last answer is repeated, no second call begins."""
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    call.ring()
    come_back(call.caller)
    call.caller.send(call.caller.invite)
    call.caller.response(call.caller.invite, 180)
    call.called.silence(seconds=0.2)
    call.answer()
    call.answered()
    call.hang_up()


def test_row_56_the_answer_came_while_the_caller_was_away(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    call.ring()
    call.caller.peer.socket.drop()
    calls.daemon.wait_log(f"call .*browser {call.caller.user}.*connection closed")
    call.answer()
    call.caller.peer.connect()
    call.caller.peer.register()
    call.caller.send(call.caller.invite)
    call.answered()
    call.caller.silence(seconds=1.5)
    call.hang_up()


def test_the_browser_that_was_answered_is_gone_before_its_ack(calls):
    call = calls("browser-trunk").set_up(acknowledge=False)
    call.caller.peer.socket.drop()
    call.called.reply(call.called.expect("BYE", GRACE + 2), 200)
    calls.daemon.wait_metric("tandem_calls", 0, 1)


def test_row_56_who_hung_up_before_the_answer_reached_him_gets_it_on_the_next_connection(calls):
    """The BYE belongs to the early dialog: the 200 was lost with the connection, and the INVITE is sent again."""
    call = calls("browser-trunk")
    browser, trunk = call.ends
    call.dial()
    call.arrive()
    call.ring()
    call.answer()
    first = call.answered(acknowledge=False)
    bye = browser.send(browser.request("BYE"))
    trunk.reply(trunk.expect("BYE"), 200)
    come_back(browser, reset=True)
    for request in (browser.invite, bye):
        browser.send(request)
        assert browser.response(request, 200).to_tag == first.to_tag
    browser.ack(browser.invite)
    trunk.silence(seconds=0.2)


def test_a_browser_that_has_hung_up_closes_its_connection_at_once(calls):
    """As when the page is left: the BYE is its last word."""
    call = calls.up("browser-trunk")
    call.caller.send(call.caller.request("BYE"))
    call.caller.peer.socket.drop()
    call.called.reply(call.called.expect("BYE", 1), 200)


def test_both_browsers_are_gone(calls):
    call = calls.up("browser-browser")
    for end in call.ends:
        end.peer.socket.drop()
    calls.daemon.wait_metric("tandem_calls", 0, GRACE + 2)
