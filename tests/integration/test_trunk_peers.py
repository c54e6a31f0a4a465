"""A trunk of several peers: which of them is called, when the next one is, and that no call remains where it was not taken."""

import time

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip
from tandem_test.calls import Call, End
from tandem_test.lifetime import maker
from tandem_test.net import kept_port
from tandem_test.trunk import TcpTrunk, UdpTrunk

FAILOVER = 0.6  # seconds, as configured; so short that few retransmissions lie in it
CONFIG = {**calls_module.CONFIG, "trunks": None, "routes": [{"match": "^[a-z]+$", "to": "user"}, {"to": "pbx"}]}


@pytest.fixture
def site(own_daemon, request):
    """site() is a daemon with a trunk of two peers; site.peer(i) begins to play one; site.call() is a call that a browser dials."""
    from tandem_test.browser import Browser

    class Site:
        def __init__(self):
            self.ports = [kept_port() for _ in range(3)]
            self.transports = ["udp"] * 3
            self.daemon = None

        def start(self, n=2, transport="udp", **options):
            self.transport = transport
            uris = [f"sip:127.0.0.1:{port};transport={transport}" for port in self.ports[:n]]
            trunk = {"name": "pbx", "peers": uris, "failover_ms": int(FAILOVER * 1000), "options_seconds": 0, **options}
            self.daemon = own_daemon({**CONFIG, "trunks": [trunk]}).start()
            return self

        def peer(self, index):
            make = UdpTrunk if self.transport == "udp" else TcpTrunk
            return peers(make, (self.daemon.host, self.daemon.sip_port), port=self.ports[index], name=f"peer {index}")

        def call(self, called=None, number="5551234"):
            browser = browsers(self.daemon.host, self.daemon.web_port, next(calls_module._users), "example.test",
                               password=calls_module.PASSWORD)
            browser.register()
            return Call(End(browser, "caller", browser.user), End(called, "called", number), "example.test", number)

    with maker(lambda make, *arguments, **options: make(*arguments, **options)) as peers, maker(Browser) as browsers:
        yield Site()


def arrive(call, peer):
    """The call's INVITE is at this peer."""
    call.called = End(peer, "called", call.number)
    return call.arrive()


def ends_well(call):
    call.ring()
    call.answer()
    call.answered()
    call.hang_up()


def invites(peer):
    peer.expect_silence(lambda message: False, 0.1)  # what has come is in the history
    return [message for direction, message in peer.history if direction == "<-" and message.method == "INVITE"]


def test_the_first_peer_is_called_while_it_serves(site):
    site.start()
    first, second = site.peer(0), site.peer(1)
    for _ in range(2):
        call = site.call()
        call.dial()
        invite = arrive(call, first)
        assert invite.uri == f"sip:5551234@127.0.0.1:{first.port}"
        ends_well(call)
    assert not invites(second)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_where_nobody_listens_the_next_is_called_at_once(site, transport):
    site.start(transport=transport)
    second = site.peer(1)
    call = site.call()
    call.dial()
    start = time.monotonic()
    invite = arrive(call, second)
    assert time.monotonic() - start < 2
    assert f"@127.0.0.1:{second.port}" in invite.uri
    site.daemon.wait_log(rf"127.0.0.1:{site.ports[0]}: no connection; the call goes on to 127.0.0.1:{site.ports[1]}")
    ends_well(call)
    # The next call does not ask again.
    call = site.call()
    call.dial()
    arrive(call, second)
    ends_well(call)
    assert site.daemon.metric("tandem_sip_udp_unreachable_total") == (transport == "udp")


def test_a_silent_peer_is_not_waited_for(site):
    site.start()
    first, second = site.peer(0), site.peer(1)
    call = site.call()
    call.dial()
    lost = arrive(call, first)
    arrive(call, second)
    ends_well(call)
    sent = [message for message in invites(first) if message.branch == lost.branch]
    assert len(sent) <= 3  # of the retransmissions at 0.5, 1.5, 3.5 s
    # The first wakes up: its answer is acknowledged and ended.
    dialog = first.answer(lost, b"", status=180)
    cancel = first.expect_request("CANCEL", lost.call_id)
    assert cancel.branch == lost.branch
    dialog = first.answer(lost, calls_sdp())
    first.expect_request("ACK", lost.call_id)
    bye = first.expect_request("BYE", lost.call_id)
    first.reply(cancel, 200)
    first.reply(bye, 200)
    assert dialog


def calls_sdp():
    from tandem_test import media
    return media.trunk_sdp(40000)


def test_a_late_answer_without_ringing_is_ended(site):
    site.start()
    first, second = site.peer(0), site.peer(1)
    call = site.call()
    call.dial()
    lost = arrive(call, first)
    arrive(call, second)
    call.ring()
    call.answer()
    call.answered()
    first.answer(lost, calls_sdp())
    first.expect_request("ACK", lost.call_id)
    bye = first.expect_request("BYE", lost.call_id)
    first.reply(bye, 200)
    call.hang_up()


def test_a_hundred_trying_is_a_sign_of_life(site):
    site.start()
    first, second = site.peer(0), site.peer(1)
    call = site.call()
    call.dial()
    invite = arrive(call, first)
    first.reply(invite, 100)
    second.expect_silence(lambda m: m.is_request and m.method == "INVITE", 2 * FAILOVER)
    ends_well(call)


@pytest.mark.parametrize("rings", [False, True])
def test_503_leads_to_the_next(site, rings):
    site.start()
    first, second = site.peer(0), site.peer(1)
    call = site.call()
    call.dial()
    arrive(call, first)
    if rings:
        call.ring()
    call.reject(503)
    arrive(call, second)
    call.answer()
    call.answered()
    call.hang_up()
    # It has not said for how long: others may ask it.
    call = site.call()
    call.dial()
    arrive(call, first)
    ends_well(call)


def test_early_media_of_a_peer_that_then_declines(site):
    site.start()
    first, second = site.peer(0), site.peer(1)
    call = site.call()
    call.dial()
    arrive(call, first)
    call.ring(183, early=True)
    call.reject(503)
    arrive(call, second)
    call.answer()
    response = call.answered()
    assert response.status == 200
    call.hang_up()


def test_retry_after_is_respected(site):
    site.start()
    first, second = site.peer(0), site.peer(1)
    call = site.call()
    call.dial()
    arrive(call, first)
    call.reject(503, headers=[("Retry-After", "2")])
    arrive(call, second)
    ends_well(call)
    site.daemon.wait_log(rf"{site.ports[0]} does not serve \(503 Service Unavailable\); calls go to 127.0.0.1:{site.ports[1]}")
    call = site.call()
    call.dial()
    arrive(call, second)
    ends_well(call)
    for peer in iter(lambda: dial_either(site, first, second), first):  # until it has its turn again
        assert peer is second


def dial_either(site, *peers):
    """Which of them is called."""
    call = site.call()
    call.dial()
    while True:
        for peer in peers:
            peer.expect_silence(lambda message: False, 0.02)
            if any(message.method == "INVITE" for message in peer.inbox):
                arrive(call, peer)
                ends_well(call)
                return peer


@pytest.mark.parametrize("status", [404, 408, 486, 500, 502, 504, 603])
def test_other_answers_are_the_callers(site, status):
    site.start()
    first, second = site.peer(0), site.peer(1)
    call = site.call()
    call.dial()
    arrive(call, first)
    call.reject(status)
    call.refused(status)
    assert not invites(second)


def test_all_that_decline_leave_the_last_word(site):
    site.start()
    first, second = site.peer(0), site.peer(1)
    call = site.call()
    call.dial()
    arrive(call, first)
    call.reject(503)
    arrive(call, second)
    call.reject(486)
    call.refused(486)


def test_nobody_serves(site):
    site.start()
    call = site.call()
    call.dial()
    call.refused(503)
    call.dial()  # all are down, so all are asked
    call.refused(503)


def test_a_caller_who_gives_up_stops_the_search(site):
    site.start()
    first, second = site.peer(0), site.peer(1)
    call = site.call()
    call.dial()
    lost = arrive(call, first)
    arrive(call, second)
    call.ring()
    sip_cancel = sip.cancel_of(call.caller.invite)
    call.caller.peer.ask(sip_cancel, 200)
    call.refused(487)
    cancel = call.called.expect("CANCEL")
    call.called.reply(cancel, 200)
    call.reject(487)
    first.reply(lost, 180, to_tag="late", contact=first.contact)
    cancel = first.expect_request("CANCEL", lost.call_id)
    first.reply(cancel, 200)
    first.reply(lost, 487, to_tag="late")
    first.expect_request("ACK", lost.call_id)


def test_a_connection_lost_while_it_rings_leads_to_the_next(site):
    site.start(transport="tcp")
    first, second = site.peer(0), site.peer(1)
    call = site.call()
    call.dial()
    arrive(call, first)
    call.ring()
    first.close()
    arrive(call, second)
    call.answer()
    call.answered()
    call.hang_up()


def test_an_answered_call_outlives_the_failure_of_others(site):
    site.start()
    first = site.peer(0)
    call = site.call()
    call.dial()
    arrive(call, first)
    call.ring()
    call.answer()
    call.answered()
    held = call
    first.drops_received = lambda message: message.method == "INVITE" and message.call_id != held.called.call_id
    second = site.peer(1)
    call = site.call()
    call.dial()
    arrive(call, second)
    ends_well(call)
    # What is asked within the first call goes where it began.
    held.caller.renegotiate(held.called, "sendonly", "recvonly")
    held.hang_up()


def test_calls_of_every_peer_are_taken_and_stay_there(site):
    site.start()
    first, second = site.peer(0), site.peer(1)
    call = site.call(second)
    call = Call(End(second, "caller", "5550000"), call.caller, "example.test", call.caller.user)
    call.called.name = "called"
    call.set_up()
    call.called.renegotiate(call.caller, "sendonly", "recvonly")
    call.hang_up("called")
    assert not first.inbox


def test_calls_are_shared(site):
    site.start(n=3, balance="share")
    peers = [site.peer(i) for i in range(3)]
    for turn in range(6):
        call = site.call()
        call.dial()
        arrive(call, peers[turn % 3])
        ends_well(call)


def test_shared_calls_pass_over_who_does_not_serve(site):
    site.start(n=3, balance="share")
    peers = {0: site.peer(0), 2: site.peer(2)}
    call = site.call()
    call.dial()
    arrive(call, peers[0])
    ends_well(call)
    for index in (2, 2, 0):  # its own turn, and the one that nobody took
        call = site.call()
        call.dial()
        arrive(call, peers[index])
        ends_well(call)
