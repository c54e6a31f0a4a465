"""How many calls a user or a trunk may have, and begin; and that emergencies are exempt."""

import contextlib
import signal

import pytest
from tandem_test import calls as calls_module
from tandem_test.browser import Browser
from tandem_test.calls import Call, End, Maker, PASSWORD
from tandem_test.net import kept_port
from tandem_test.trunk import UdpTrunk

CARRIER_PORT = kept_port()
LIMITS = {"one": {"calls_limit": 1}, "two": {"calls_limit": 1, "busy": "ann"}, "pair": {"calls_limit": 2},
          "slow": {"calls_per_second": 1}}
CONFIG = {
    "registrar": {"grace_seconds": 0},
    "users": calls_module.CONFIG["users"] + [{"name": "ann", "password": PASSWORD}] +
    [{"name": f"{name}{i}", "password": PASSWORD, **limits} for name, limits in LIMITS.items() for i in range(3)],
    "routes": [
        {"match": "^112$", "to": "carrier", "emergency": True},
        {"match": "^8", "to": "carrier", "fallback": "pbx"},
        {"match": "^7", "to": "carrier"},
        {"match": "^[a-z]+[0-9]*$", "to": "user"},
        {"match": "^112$", "trunk": "carrier", "to": "user", "replace": "one0", "emergency": True},
        {"to": "pbx"},
    ],
}


def prepare(directory, config):
    config["trunks"].append({"name": "carrier", "peer": f"sip:127.0.0.1:{CARRIER_PORT}", "calls_limit": 2})
    return config


@pytest.fixture
def carrier(daemon):
    with contextlib.closing(UdpTrunk((daemon.host, daemon.sip_port), port=CARRIER_PORT, name="carrier")) as peer:
        yield peer


def call_to(calls, caller, peer, number=None):
    """Not dialled yet; `caller` and `peer` are browsers or trunks."""
    return Call(End(caller, caller.name, caller.name), End(peer, peer.name, number or peer.name), calls.domain)


def refused(call, status, words):
    call.dial()
    response = call.refused(status)
    assert response.start == f"SIP/2.0 {status} {words}"
    return response


def over_limit(daemon, limit):
    return daemon.metric(f'tandem_calls_over_limit_total{{limit="{limit}"}}')


def full_carrier(calls, carrier):
    """As many calls as it may have, one of them its own."""
    return [call_to(calls, calls.user(), carrier, "7001").set_up(), call_to(calls, carrier, calls.user("ann")).set_up()]


def test_a_user_begins_no_more_calls_than_he_may_have(calls, daemon):
    start, before = len(daemon.lines), over_limit(daemon, "user")
    one = calls.user("one0")
    first = call_to(calls, one, calls.trunk, "2001").set_up()
    for _ in range(3):
        response = refused(call_to(calls, one, calls.trunk, "2002"), 503, "user one0 is at its limit of 1 call")
        assert response.header("Retry-After")
    first.hang_up()
    call_to(calls, one, calls.trunk, "2003").set_up().hang_up()
    assert over_limit(daemon, "user") == before + 3
    assert len([line for line in daemon.lines[start:] if "one0 is at its limit" in line]) == 1


def test_a_user_who_is_called_is_busy_then(calls):
    one = calls.user("one1")
    first = call_to(calls, one, calls.trunk, "2004").set_up()
    refused(call_to(calls, calls.user(), one), 486, "user one1 is at its limit of 1 call")
    first.hang_up("called")
    call_to(calls, calls.user(), one).set_up().hang_up()


def test_all_devices_that_ring_are_one_call(calls):
    phones = [calls.user("pair0") for _ in range(2)]
    ringing = []
    for _ in range(2):
        call = call_to(calls, calls.user(), phones[0])
        call.dial()
        ringing.append((call, [phone.expect_request("INVITE") for phone in phones]))
    refused(call_to(calls, calls.user(), phones[0]), 486, "user pair0 is at its limit of 2 calls")
    for call, invites in ringing:
        for phone, invite in zip(phones, invites):
            phone.reply(invite, 180, to_tag=phone.sent_by, contact=phone.contact)
        call.cancel()
        for phone, invite in zip(phones, invites):
            phone.reply(phone.expect_request("CANCEL", invite.call_id), 200)
            phone.reply(invite, 487, to_tag=phone.sent_by)
            phone.expect_request("ACK", invite.call_id)


def test_a_call_between_two_devices_of_a_user_is_one(calls):
    call_to(calls, calls.user("one2"), calls.user("one2")).set_up().hang_up()


def test_calls_go_on_to_the_busy_target(calls):
    two, ann = calls.user("two0"), calls.user("ann")
    first = call_to(calls, two, calls.trunk, "2005").set_up()
    call = call_to(calls, calls.user(), ann, "two0")
    call.dial()
    assert call.arrive().header("Diversion") == f"<sip:two0@{call.domain}>;reason=user-busy"
    call.answer()
    call.answered()
    call.hang_up()
    first.hang_up()


def test_a_trunk_takes_and_brings_no_more_calls_than_it_may_have(calls, carrier, daemon):
    before = over_limit(daemon, "trunk")
    up = full_carrier(calls, carrier)
    refused(call_to(calls, calls.user(), carrier, "7002"), 503, "trunk carrier is at its limit of 2 calls")
    refused(call_to(calls, carrier, calls.user()), 503, "trunk carrier is at its limit of 2 calls")
    elsewhere = call_to(calls, calls.user(), calls.trunk, "8001").set_up()
    assert over_limit(daemon, "trunk") == before + 3
    for call in [*up, elsewhere]:
        call.hang_up()
    call_to(calls, calls.user(), carrier, "7003").set_up().hang_up()


def test_emergencies_are_exempt(calls, carrier):
    one = calls.user("one0")
    up = [*full_carrier(calls, carrier), call_to(calls, one, calls.trunk, "2006").set_up()]
    up.append(call_to(calls, one, carrier, "112").set_up())
    up.append(call_to(calls, carrier, one, "112").set_up())
    for call in up:
        call.hang_up()


def test_calls_a_second(calls):
    slow = calls.user("slow0")
    call = call_to(calls, slow, calls.trunk, "2010")
    call.dial()
    refused(call_to(calls, slow, calls.trunk, "2011"), 503, "user slow0 is at its limit of 1 call a second")
    call.arrive()
    call.ring()
    call.cancel()
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.reject(487)


def test_the_limit_of_the_gateway_and_its_end(own_daemon, trunk_port):
    daemon = own_daemon({**CONFIG, "calls": {"limit": 1}, "trunks": [
        {"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}"}, {"name": "carrier", "peer": f"sip:127.0.0.1:{CARRIER_PORT}"}]}).start()
    gateway = (daemon.host, daemon.sip_port)
    with contextlib.ExitStack() as stack:
        pbx, carrier = (stack.enter_context(contextlib.closing(UdpTrunk(gateway, port=port, name=name)))
                        for port, name in ((trunk_port, "pbx"), (CARRIER_PORT, "carrier")))
        calls = Maker(daemon, lambda user, **options: stack.enter_context(contextlib.closing(
            Browser(daemon.host, daemon.web_port, user, "example.test", **options))), pbx, "example.test")
        one = calls.user()
        up = [call_to(calls, one, pbx, "2020").set_up()]
        refused(call_to(calls, one, pbx, "2021"), 503, "the gateway is at its limit of 1 calls")
        assert over_limit(daemon, "gateway") == 1
        up.append(call_to(calls, one, carrier, "112").set_up())
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_log("stopping")
        refused(call_to(calls, one, pbx, "2022"), 503, "the gateway is shutting down")
        up.append(call_to(calls, one, carrier, "112").set_up())
        for call in up:
            call.hang_up()
        assert daemon.process.wait(30) == 0
