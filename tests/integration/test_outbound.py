"""Flows of a browser (RFC 5626): several at once, one after another, none; proxies before the gateway (RFC 3327)."""

import re

import pytest
from tandem_test import calls as calls_module
from tandem_test import digest, sip
from tandem_test.calls import End

GRACE = 2
CONFIG = {
    **calls_module.CONFIG,
    "calls": {"grace_seconds": GRACE},
    "registrar": {"grace_seconds": 4},
}


@pytest.fixture
def page(browser):
    """A page of a user, with what it says of itself: page(user, like=other_page) says the same over another connection."""

    def make(user, like=None, reg_id=1, register=True, **options):
        one = browser(user, password=calls_module.PASSWORD, **options)
        if like:
            one.instance, one.contact, one.sent_by = like.instance, like.contact, like.sent_by
            if reg_id == 1:
                one.register_call_id, one.register_cseq = like.register_call_id, like.register_cseq
        if register:
            one.register(reg_id=reg_id)
        return one

    return make


@pytest.fixture
def user(calls):
    return next(calls.users)


@pytest.fixture
def to_page(calls):
    """A call of the trunk to a page."""

    def make(peer):
        call = calls("trunk-browser")
        call.called.peer.close()
        call.called = End(peer, "called", peer.user)
        call.number = peer.user
        return call

    return make


def sees_no_request(peer, seconds=0.3):
    peer.expect_silence(lambda m: m.is_request, seconds)


# --- registration ---
def test_the_registrar_says_that_it_knows_flows(page, user):
    one = page(user, register=False)
    response = one.register()
    assert "outbound" in response.header("Require")
    assert int(response.header("Flow-Timer")) == 25 + 10  # web.ping_interval_seconds, web.ping_timeout_seconds
    assert one.register(contact=one.contact).header("Flow-Timer") is None


def test_each_registration_has_one_flow(page, user):
    one = page(user)
    request = one.register_request()
    request.add("Contact", f'<sip:two@{one.sent_by}>;+sip.instance="{one.instance}";reg-id=2')
    assert one.ask(request).status == 400


@pytest.mark.parametrize("path, status", [([], 439), (["<sip:edge.example;lr>"], 439), (["<sip:edge.example;lr;ob>"], 200),
                                          (["<sip:inner.example;lr>", "<sip:edge.example;lr;ob>"], 200),
                                          (["<sip:inner.example;lr;ob>", "<sip:edge.example;lr>"], 439)])
def test_the_first_hop_must_hold_the_flow(page, user, path, status):
    one = page(user)
    request = one.register_request(headers=[("Path", value) for value in path])
    request.headers.insert(1, ("Via", f"SIP/2.0/WS client.invalid;branch={sip.branch()}"))
    assert one.ask(request).status == status


def test_a_path_needs_its_option_tag(page, user):
    one = page(user)
    request = one.register_request(headers=[("Path", "<sip:edge.example;lr>")]).set("Supported", "outbound")
    response = one.ask(request)
    assert response.status == 420 and response.header("Unsupported") == "path"


@pytest.mark.parametrize("path", [["<tel:+123>"], ["<sip:edge.example;lr>"] * 5])
def test_paths_that_are_none(daemon, page, user, path):
    one = page(user)
    assert one.ask(one.register_request(headers=[("Path", value) for value in path])).status == 400


def test_the_invite_goes_along_the_path(page, user, to_page):
    one = page(user, register=False)
    path = ["<sip:inner.example;lr>", "<sip:edge.example;lr;ob>"]
    assert one.register(headers=[("Path", ", ".join(path))]).values("Path") == path
    call = to_page(one)
    call.dial()
    invite = call.arrive()
    assert invite.values("Route") == path
    assert invite.uri == sip.uri_of(one.contact)
    call.ring()
    call.answer()
    call.answered()
    assert call.hang_up().values("Route") == []  # nobody has recorded his route


# --- several flows at once ---
@pytest.mark.parametrize("ends", ["caller", "called"])
def test_the_other_flow_serves_on_in_a_call(calls, page, user, to_page, ends):
    first = page(user)
    second = page(user, like=first, reg_id=2)
    call = to_page(second)
    call.set_up()
    sees_no_request(first)
    second.socket.drop()
    call.called.peer = first
    call.caller.silence(seconds=GRACE + 0.5)
    call.caller.renegotiate(call.called, "sendonly", "recvonly")
    call.hang_up(ends)


def test_the_other_flow_rings_on(page, user, to_page):
    first = page(user)
    second = page(user, like=first, reg_id=2)
    call = to_page(second)
    call.dial()
    invite = call.arrive()
    call.ring()
    second.socket.drop()
    call.called.peer = first
    assert call.arrive().branch == invite.branch
    call.answer()
    call.answered()
    call.hang_up()


def test_a_flow_that_was_replaced_is_not_used_again(page, user, to_page):
    """The old connection may be half dead: whoever left it says so by another with the same reg-id."""
    first = page(user)
    second = page(user, like=first)
    call = to_page(second)
    call.set_up()
    second.socket.drop()
    call.caller.reply(call.caller.expect("BYE", GRACE + 2), 200)
    sees_no_request(first)


# --- away ---
def test_a_browser_that_is_away_for_a_moment_is_called_when_it_is_back(calls, page, user, to_page):
    one = page(user)
    one.socket.drop()
    call = to_page(one)
    calls.daemon.wait_metric("tandem_endpoints_away", lambda n: n >= 1)
    call.dial()
    calls.daemon.wait_log(f"browser {user}.*connection closed")
    one.connect()
    one.register()
    call.arrive()
    call.ring()
    call.answer()
    call.answered()
    call.hang_up()


def test_a_browser_that_is_away_and_stays_away(calls, page, user, to_page):
    one = page(user)
    one.socket.drop()
    calls.daemon.wait_metric("tandem_endpoints_away", lambda n: n >= 1)
    call = to_page(one)
    call.dial()
    call.refused(480)


def test_who_is_there_answers_while_another_device_is_away(calls, page, user, to_page):
    gone, there = page(user), page(user)
    gone.socket.drop()
    calls.daemon.wait_metric("tandem_endpoints_away", lambda n: n >= 1)
    call = to_page(there)
    call.set_up()
    gone.connect()
    gone.register()
    sees_no_request(gone)
    call.hang_up()


def ringing_and_gone(page, user, to_page):
    """A page that rings, whose connection then closes; the call; its INVITE."""
    one = page(user)
    call = to_page(one)
    call.dial()
    invite = call.arrive()
    call.ring()
    one.socket.drop()
    return one, call, invite


@pytest.mark.parametrize("register_first", [True, False])
def test_row_56_a_browser_that_rings_comes_back(page, user, to_page, register_first):
    """The INVITE is sent again with its branch: a retransmission to who still knows it, a call to who does not. What the
    browser answers by its next connection counts, even before it has registered there."""
    one, call, invite = ringing_and_gone(page, user, to_page)
    one.connect()
    if register_first:
        one.register()
        again = call.arrive()
        assert again.branch == invite.branch and again.cseq == invite.cseq
        call.answer()
    else:
        call.called.reply(invite, 200, call.called.describe(invite.sdp))
        one.register()
        call.called.reply(invite, 200, call.called.local)  # repeated for want of an ACK
        call.called.expect("ACK")
    call.answered()
    call.hang_up()


@pytest.mark.parametrize("in_time", [True, False])
def test_row_56_a_call_is_cancelled_while_the_browser_that_rings_is_away(calls, page, user, to_page, in_time):
    one, call, invite = ringing_and_gone(page, user, to_page)
    calls.daemon.wait_log(f"browser {user}.*connection closed")
    if in_time:
        call.cancel()
    else:
        call.refused(480)
    one.connect()
    one.register()
    cancel = call.called.expect("CANCEL")
    assert cancel.branch == invite.branch
    call.called.reply(cancel, 200)
    call.reject(487)


def test_row_56_the_caller_is_back_by_registering_alone(page, user, calls):
    one = page(user)
    call = calls("browser-trunk")
    call.caller.peer.close()
    call.caller = End(one, "caller", user)
    call.dial()
    call.arrive()
    call.ring()
    one.socket.drop()
    calls.daemon.wait_log(f"browser {user}.*connection closed")
    one.connect()
    one.register()
    call.caller.response(call.caller.invite, 180)
    call.answer()
    call.answered()
    call.called.silence("BYE", GRACE + 0.3)
    call.hang_up("called")


# --- a connection that has proven nothing yet ---
def unproven(one):
    one.socket.drop()
    one.connect()


@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_row_55_a_bye_on_a_new_connection_is_asked_for_a_proof(calls, direction):
    call = calls.up(direction)
    browser, trunk = call.ends if call.caller.is_browser else call.ends[::-1]
    unproven(browser.peer)
    bye = browser.request("BYE")
    challenge = browser.peer.ask(bye, 407)
    trunk.silence(seconds=0.2)
    again = digest.authorize(browser.request("BYE"), challenge, browser.user, calls_module.PASSWORD)
    browser.peer.ask(again, 200)
    trunk.reply(trunk.expect("BYE"), 200)


@pytest.mark.parametrize("knows", ["nothing", "another password"])
def test_row_55_stolen_ids_on_a_new_connection(calls, browser, knows):
    call = calls.up("browser-trunk")
    thief = browser("alice")
    bye = call.caller.request("BYE")
    challenge = thief.ask(bye, 407)
    again = call.caller.request("BYE")
    if knows == "another password":
        assert thief.ask(digest.authorize(again, challenge, "alice", "wonderland")).status == 403
    else:
        thief.ask(again, 407)
    call.called.silence(seconds=0.2)
    call.hang_up()


def test_row_55_ids_of_no_dialog_are_asked_for_nothing(calls, browser):
    call = calls.up("browser-trunk")
    bye = call.caller.request("BYE")
    bye.set("Call-ID", sip.token("other"))
    assert browser("alice").ask(bye).status == 481
    call.hang_up()


# --- pages of one user that do not say which they are ---
def fixed(one, user):
    """As some old clients do it: no instance, and the user's name in the Contact of all of his pages."""
    one.contact = f"<sip:{user}@df7jal23ls0d.invalid;transport=ws>"
    return one


def test_another_page_does_not_get_a_call_that_is_not_its_own(calls, page, user, to_page):
    first = fixed(page(user, register=False, with_instance=False), user)
    first.register()
    call = to_page(first)
    call.set_up()
    second = fixed(page(user, register=False, with_instance=False), user)
    second.register()
    invite = call.caller.reinvite("sendonly")  # the first page is still there
    call.called.answer_reinvite("recvonly")
    call.caller.response(invite, 200)
    call.caller.ack(invite)
    first.socket.drop()
    second.register()
    third = fixed(page(user, register=False, with_instance=False), user)
    third.register()
    call.caller.reply(call.caller.expect("BYE", GRACE + 2), 200)
    for other in (second, third):
        sees_no_request(other)


def test_a_page_without_instance_comes_back(calls, page, user, to_page):
    one = fixed(page(user, register=False, with_instance=False), user)
    one.register()
    call = to_page(one)
    call.set_up()
    one.socket.drop()
    calls.daemon.wait_log(f"browser {user}.*connection closed")
    one.connect()
    one.register()  # with the Call-ID of its registrations before
    call.hang_up("caller")


def test_a_dialog_goes_to_the_device_that_speaks_in_it_and_back(calls, page, user, to_page):
    one, other = page(user), page(user)
    call = to_page(one)
    call.dial()
    call.arrive()
    call.ring()
    other.reply(other.expect_request("INVITE"), 180, to_tag="other")
    call.answer()
    call.answered()
    other.expect_request("CANCEL")
    call.called.peer = other
    call.called.ask("OPTIONS", 200)
    one.socket.drop()  # the call is not there any more
    call.caller.silence("BYE", GRACE + 0.3)
    call.caller.renegotiate(call.called, "sendonly", "recvonly")
    call.hang_up()


# --- what is told ---
def test_what_is_away_is_counted(calls):
    before = calls.daemon.metrics()
    lost, returned = ('tandem_absences_total{outcome="%s"}' % word for word in ("lost", "returned"))
    call = calls.up("browser-trunk")
    one = call.caller.peer
    one.socket.drop()
    calls.daemon.wait_metric("tandem_endpoints_away", lambda n: n >= 1)
    one.connect()
    one.register()
    calls.daemon.wait_metric(returned, before.get(returned, 0) + 1)
    one.socket.drop()
    call.called.reply(call.called.expect("BYE", GRACE + 2), 200)
    assert re.match(r'SIP;cause=\d+;text="', call.called.peer.history[-2][1].header("Reason"))
    calls.daemon.wait_metric(lost, before.get(lost, 0) + 1)
