"""Which ways ICE finds and packets go: by a relay, over TCP, with servers that do not answer."""

import re
import socket
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test import turn
from tandem_test.calls import Maker
from tandem_test.browser import Browser
from tandem_test.net import free_port
from tandem_test.trunk import UdpTrunk
from tandem_test.voice import Listener, MediaCall, check_identity, longest_silence

CONFIG = {**calls_module.CONFIG}
DOMAIN = "example.test"
GATHER_LIMIT = 0.5  # for which a description waits for servers


@pytest.fixture
def turn_server(tmp_path):
    if not turn.is_installed():
        pytest.skip("coturn is not installed")
    server = turn.TurnServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def world(own_daemon, trunk_port):
    """world(configuration): a daemon of its own, and what makes calls with media through it."""
    made = []

    def start(config):
        daemon = own_daemon({**CONFIG, **config}).start()
        trunk = UdpTrunk((daemon.host, daemon.sip_port), port=trunk_port)
        made.append(trunk)

        def browser(user, **options):
            made.append(Browser(daemon.host, daemon.web_port, user, DOMAIN, **options))
            return made[-1]

        calls = Maker(daemon, browser, trunk, DOMAIN)

        def make(direction):
            made.append(MediaCall(calls, direction))
            return made[-1]

        make.daemon = daemon
        return make

    yield start
    for one in made:
        for owned in getattr(one, "owned", [one]):
            owned.close()


def candidates_of(one):
    """(transport, address, port, type) of the gateway's."""
    return re.findall(r"^a=candidate:\S+ 1 (\S+) \d+ (\S+) (\d+) typ (\S+)", one.said_to(one.browser), re.M)


def talk(one, seconds=0.4):
    """Both ways, without a gap."""
    listener = Listener(one.port)
    streams = one.trunk_stream(), one.browser_stream()
    time.sleep(seconds)
    for stream in streams:
        stream.stop()
    heard = one.peer.wait_heard(streams[0].sent)
    assert longest_silence(heard, streams[0].sent) == 0
    check_identity(heard)
    time.sleep(0.1)
    listener.stop()
    assert longest_silence(listener.heard, streams[1].sent) <= 0.02
    check_identity(listener.heard)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_media_goes_by_a_relay_when_nothing_else_works(world, turn_server, transport, direction):
    make = world({"turn_servers": [{"server": f"127.0.0.1:{turn_server.port}", "transport": transport,
                                    "username": turn.USERNAME, "password": turn.PASSWORD}]})
    one = make(direction)
    one.peer.only_candidate = "relay"
    one.set_up()
    assert {kind for *_, kind in candidates_of(one)} >= {"host", "relay"}
    talk(one)
    one.call.hang_up()
    log = "\n".join(make.daemon.lines)
    assert turn.PASSWORD not in log
    make.daemon.check_clean()


def test_a_stun_server_tells_our_address(world, turn_server):
    make = world({"media": {"address": ["127.0.0.1", "127.0.0.2"], "stun_server": f"127.0.0.1:{turn_server.port}"}})
    one = make("browser-trunk").set_up()
    talk(one)
    one.call.hang_up()


def test_a_server_that_does_not_answer_delays_a_call_by_half_a_second_at_most(world):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        make = world({"media": {"stun_server": f"127.0.0.1:{silent.getsockname()[1]}"},
                      "turn_servers": [{"server": f"127.0.0.1:{silent.getsockname()[1]}", "username": "u", "password": "p"}]})
        one = make("browser-trunk")
        begun = time.monotonic()
        one.set_up()
        assert GATHER_LIMIT <= time.monotonic() - begun < GATHER_LIMIT + 2.0
        talk(one)
        one.call.hang_up()
        make.daemon.check_clean()


def test_a_turn_server_that_refuses_our_credentials_is_done_without(world, turn_server):
    make = world({"turn_servers": [{"server": f"127.0.0.1:{turn_server.port}", "username": turn.USERNAME,
                                    "password": "another-secret"}]})
    one = make("browser-trunk").set_up()
    assert {kind for *_, kind in candidates_of(one)} == {"host"}
    one.call.hang_up()
    assert "another-secret" not in "\n".join(make.daemon.lines)


@pytest.mark.parametrize("config, complaint", [
    ({"media": {"stun_server": "stun.example.com"}}, "stun_server"),
    ({"turn_servers": [{"server": "::1:3478", "username": "u", "password": "p"}]}, "server"),
    ({"turn_servers": [{"server": "turn.example.com:3478", "username": "u"}]}, "password"),
    ({"turn_servers": [{"server": f"h:{n}", "username": "u", "password": "p"} for n in range(1, 6)]}, "turn_servers"),
])
def test_wrong_servers_are_complained_of(own_daemon, config, complaint):
    daemon = own_daemon({**CONFIG, **config})
    with pytest.raises(AssertionError):
        daemon.start()
    assert any(complaint in line for line in daemon.lines), daemon.lines
    daemon.process.wait()
    daemon.process.stderr.close()
    daemon.process = None
