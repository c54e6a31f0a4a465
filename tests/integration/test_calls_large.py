"""Requests that are too large for UDP (RFC 3261, section 18.1.1)."""

import contextlib
import itertools
import socket

import pytest
from tandem_test import calls as calls_module
from tandem_test import daemon as daemon_module
from tandem_test import sip
from tandem_test.trunk import TcpTrunk

CONFIG = daemon_module.merge(calls_module.CONFIG, {"log": {"level": "debug"}})
LIMIT_BYTES = 1300
_places = itertools.count(10)


@pytest.fixture
def place(own_daemon):
    """A daemon whose trunk is at an address where nobody has looked for TCP yet, and what makes calls through it."""
    from tandem_test.browser import Browser
    from tandem_test.lifetime import maker
    from tandem_test.net import free_port
    from tandem_test.trunk import UdpTrunk

    host, port = f"127.0.0.{next(_places)}", free_port()
    daemon = own_daemon({**CONFIG, "trunks": [{"name": "pbx", "peer": f"sip:{host}:{port}"}]}).start()
    with contextlib.ExitStack() as stack:
        trunk = stack.enter_context(contextlib.closing(UdpTrunk((daemon.host, daemon.sip_port), host=host, port=port)))
        browser = stack.enter_context(maker(lambda user, **options: Browser(daemon.host, daemon.web_port, user, "example.test", **options)))
        made = calls_module.Maker(daemon, browser, trunk, "example.test")
        made.stack = stack
        yield made
        daemon.check_clean()


def tcp_at(place):
    """The same telephone, as it is on TCP."""
    return place.stack.enter_context(contextlib.closing(
        TcpTrunk(place.trunk.gateway, host=place.trunk.host, port=place.trunk.port, name="on TCP")))


def large_call(place, peer):
    """Its number alone makes it so."""
    call = place("browser-trunk", number="7" * 250)
    call.called = calls_module.End(peer, "called", call.number)
    return call


def check_large(invite, transport):
    assert len(invite.encode()) > LIMIT_BYTES
    assert len(invite.values("Via")) == 1 and invite.header("Via").startswith(f"SIP/2.0/{transport} ")
    assert "transport" not in sip.uri_of(invite.header("Contact"))


def test_a_small_request_stays_on_udp(place):
    tcp = tcp_at(place)
    call = place.up("browser-trunk")
    assert call.called.invite.header("Via").startswith("SIP/2.0/UDP ") and len(call.called.invite.encode()) <= LIMIT_BYTES
    call.hang_up()
    assert not tcp.connections


def test_a_large_one_goes_by_tcp(place):
    tcp = tcp_at(place)
    for _ in range(2):
        call = large_call(place, tcp)
        call.dial()
        check_large(call.arrive(), "TCP")
        call.ring()
        call.called.reply(call.called.invite, 486)
        call.called.expect("ACK")
        call.refused(486)
    assert len(tcp.connections) == 1 and place.trunk.received.empty()
    assert place.daemon.metric("tandem_sip_tcp_large_requests_total") == 2


def test_what_follows_a_large_one_and_is_small_goes_by_udp(place):
    tcp = tcp_at(place)
    call = large_call(place, tcp)
    call.dial()
    call.arrive()
    contact = place.trunk.contact
    call.called.reply(call.called.invite, 180)
    call.caller.response(call.caller.invite, 180)
    tcp.reply(call.called.invite, 200, to_tag=call.called.tag, contact=contact, body=call.called.describe(call.called.invite.sdp))
    ack = place.trunk.expect_request("ACK", call.called.call_id)
    assert ack.header("Via").startswith("SIP/2.0/UDP ")
    call.answered()
    call.caller.ask("BYE", 200)
    place.trunk.reply(place.trunk.expect_request("BYE", call.called.call_id), 200)


def test_a_large_one_is_cancelled_by_the_way_it_went(place):
    tcp = tcp_at(place)
    call = large_call(place, tcp)
    call.dial()
    call.arrive()
    call.ring()
    call.caller.send(sip.cancel_of(call.caller.invite))
    cancel = call.called.expect("CANCEL")
    assert cancel.header("Via") == call.called.invite.header("Via")
    call.called.reply(cancel, 200)
    call.called.reply(call.called.invite, 487)
    call.called.expect("ACK")
    call.caller.response(call.caller.invite, 487)


def test_without_tcp_it_goes_by_udp(place):
    """Refused; and remembered."""
    for _ in range(2):
        call = large_call(place, place.trunk)
        call.set_up()
        check_large(call.called.invite, "UDP")
        call.hang_up()
    assert place.daemon.metric("tandem_sip_udp_large_requests_total") >= 2
    tcp = tcp_at(place)
    call = large_call(place, place.trunk)
    call.set_up()
    call.hang_up()
    assert not tcp.connections


def test_a_connection_that_does_not_come_about_is_waited_for_two_seconds(place):
    """A listener whose queue is full answers no SYN."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(socket.create_server((place.trunk.host, place.trunk.port), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((place.trunk.host, place.trunk.port))
        call = large_call(place, place.trunk)
        call.dial()
        check_large(call.arrive(), "UDP")
        call.ring()
        call.called.reply(call.called.invite, 486)
        call.called.expect("ACK")
        call.refused(486)


def test_a_repetition_by_udp_is_the_same_request(place):
    """Timer A runs there as for any other."""
    call = large_call(place, place.trunk)
    call.dial()
    first = call.arrive()
    again = call.called.expect("INVITE")
    assert again.branch == first.branch and again.header("Via") == first.header("Via")
    call.ring()
    call.reject(486)
    call.refused(486)
