"""Which ways ICE finds and packets go: by a relay, over TCP, with servers that do not answer."""

import re
import socket
import ssl
import struct
import threading
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip, turn, webrtc
from tandem_test.net import Deadline, bracketed, family_of, free_port, media_ports
from tandem_test.voice import Listener, check_identity, longest_silence

CONFIG = {**calls_module.CONFIG}
DOMAIN = "example.test"
MAPPED_ADDRESS = 0x0001
CONSENT_LIMIT = 30.0  # RFC 7675
GATHER_LIMIT = 0.5  # for which a description waits for servers
TRANSPORTS = ["udp", "tcp", "tls"]  # to a TURN server
LEG_CONNECTIONS, WORKER_STRANGERS, STRANGER_LIMIT = 8, 64, 5.0  # of ICE-TCP


@pytest.fixture
def turn_server(tmp_path):
    if not turn.is_installed():
        pytest.skip("coturn is not installed")
    server = turn.TurnServer(tmp_path)
    yield server
    server.stop()


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


def relayed(make, *arguments, **options):
    """A call by way of the relay. The gateway waits half a second for a TURN server, which a busy machine may not keep: then another call."""
    while True:
        one = make(*arguments, **options)
        one.peer.only_candidate = "relay"
        slow = sum("does not answer in time" in line for line in make.daemon.lines)
        try:
            return one.set_up()
        except StopIteration:
            assert sum("does not answer in time" in line for line in make.daemon.lines) > slow, "no candidate of the relay"
            one.call.hang_up()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_media_goes_by_a_relay_when_nothing_else_works(world, turn_server, transport, direction):
    make = world({"turn_servers": [turn_server.entry(transport)]})
    one = relayed(make, direction)
    kinds = {kind for *_, kind in candidates_of(one)}
    assert kinds == {"host", "relay"} or (transport == "udp" and kinds == {"host", "relay", "srflx"})
    talk(one)
    one.call.hang_up()
    log = "\n".join(make.daemon.lines)
    assert turn.PASSWORD not in log
    make.daemon.check_clean()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_our_own_addresses_are_not_told_where_only_relays_are_wanted(world, turn_server, transport):
    make = world({"media": {"relay_only": True}, "turn_servers": [turn_server.entry(transport)]})
    one = relayed(make, "trunk-browser")
    assert {kind for *_, kind in candidates_of(one)} == {"relay"}
    talk(one)
    one.call.hang_up()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_restart_of_ice_finds_another_way_by_the_relay(world, turn_server, transport):
    """The browser changes its network; what it hears goes on without a gap."""
    make = world({"turn_servers": [turn_server.entry(transport)]})
    one = relayed(make, "browser-trunk")
    stream, old_path = one.trunk_stream(), one.peer.path
    invite = one.browser.reinvite(body=one.peer.change_network(one.browser.local))
    answer = one.browser.response(invite, 200)
    one.browser.ack(invite)
    one.peer.hear(answer.sdp)
    deadline = Deadline()
    while not one.peer.heard or one.peer.heard[-1][2] == old_path.port:
        assert not deadline.is_over()
        time.sleep(0.05)
    stream.stop()
    time.sleep(0.2)
    assert longest_silence(one.peer.heard, stream.sent) < 0.2
    check_identity(one.peer.heard)
    one.call.hang_up()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_consent_is_heard_by_a_relay_too(world, turn_server, transport):
    """What the far end answers comes wrapped by the server; without it the call would end."""
    make = world({"turn_servers": [turn_server.entry(transport)]})
    one = relayed(make, "browser-trunk")
    streams = one.trunk_stream(), one.browser_stream()
    one.trunk.silence("BYE", CONSENT_LIMIT + 3)
    for stream in streams:
        stream.stop()
    assert longest_silence(one.peer.wait_heard(streams[0].sent), streams[0].sent) == 0
    one.call.hang_up()


@pytest.fixture
def tcp_call(world):
    """Calls with a browser that knows nothing but TCP."""
    make = world({"media": {"ice_tcp": True, "workers": 1, "timeout_seconds": 0}})

    def start(direction, **options):
        one = make(direction, **options)
        one.browser_sdp = lambda sdp: re.sub(r"^a=candidate:1 1 udp (\d+) (\S+) \d+ typ host",
                                             r"a=candidate:1 1 tcp \1 \2 9 typ host tcptype active", sdp, flags=re.M)
        one.peer.use_tcp()
        one.daemon = make.daemon
        return one

    return start


@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_media_goes_over_tcp_when_no_udp_is_let_through(tcp_call, direction):
    one = tcp_call(direction).set_up()
    candidates = candidates_of(one)
    assert {(transport.lower(), kind) for transport, _, _, kind in candidates} == {("udp", "host"), ("tcp", "host")}
    assert len({(host, port) for _, host, port, _ in candidates}) == 1
    talk(one)
    one.call.hang_up()
    one.daemon.check_clean()


def test_consent_is_heard_over_tcp_too(tcp_call):
    one = tcp_call("browser-trunk").set_up()
    one.trunk.silence("BYE", CONSENT_LIMIT + 3)
    talk(one)
    one.call.hang_up()


def test_who_answers_no_more_over_tcp_has_thirty_seconds(tcp_call):
    """And the operator reads from where nothing comes."""
    one = tcp_call("browser-trunk").set_up()
    begun = time.monotonic()
    address = "%s:%d" % one.peer.path.socket.socket.getsockname()
    one.peer.stopped = True
    one.peer.join()
    one.daemon.wait_log(rf"ICE pair lost: \S+ \S+ has not answered from {address} ", CONSENT_LIMIT)
    bye = one.trunk.expect("BYE", CONSENT_LIMIT + 5)
    one.daemon.wait_log("ICE consent")
    assert time.monotonic() - begun > CONSENT_LIMIT - 6
    one.trunk.reply(bye, 200)
    one.browser.reply(one.browser.expect("BYE"), 200)


def is_ended(connection):
    """By the gateway, within the limits."""
    connection.settimeout(10)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def is_open(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def refused(daemon):
    return daemon.metrics().get("tandem_ice_tcp_refused_total", 0)


@pytest.mark.parametrize("words", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + bytes(300), b"\x00\x00" * 40 + b"\x00\x02hi", webrtc.stun(
    webrtc.BINDING, bytes(12), [(webrtc.USERNAME, b"another:one")], "password"), b"\xff\xff" + bytes(3000)],
    ids=["HTTP", "TLS", "nothing", "a check with another password", "too long"])
def test_who_connects_without_the_password_is_gone_at_once(tcp_call, words):
    one = tcp_call("browser-trunk").set_up()
    if words.startswith(b"\x00\x01"):
        words = struct.pack(">H", len(words)) + words
    with socket.create_connection(one.peer.path.remote[2]) as stranger:
        stranger.sendall(words)
        assert is_ended(stranger)
    talk(one)
    one.call.hang_up()


def test_who_connects_and_says_nothing_is_gone_after_a_while(tcp_call):
    one = tcp_call("browser-trunk").set_up()
    begun = time.monotonic()
    with socket.create_connection(one.peer.path.remote[2]) as stranger:
        assert is_ended(stranger)
    assert STRANGER_LIMIT - 0.5 < time.monotonic() - begun < STRANGER_LIMIT + 3
    one.call.hang_up()


@pytest.mark.parametrize("comes", ["before", "after"])
def test_many_strangers_on_a_media_port_keep_nobody_out(tcp_call, comes):
    """The oldest of them make room, for each other and for the browser."""
    one = tcp_call("browser-trunk")
    one.call.dial()
    one.call.arrive()
    one.call.answer()
    one.call.answered()
    answer = one.said_to(one.browser)
    if comes == "before":
        one.peer.hear(answer)
        one.wait_for_media()
    before = refused(one.daemon)
    address = next((host, int(port)) for transport, host, port, _ in candidates_of(one) if transport.lower() == "tcp")
    strangers = [socket.create_connection(address) for _ in range(50)]
    deadline = Deadline()
    while refused(one.daemon) - before < 50 - LEG_CONNECTIONS:
        assert not deadline.is_over()
        time.sleep(0.02)
    assert sum(is_open(one) for one in strangers) <= LEG_CONNECTIONS
    if comes == "after":
        one.peer.hear(answer)
        one.wait_for_media()
    talk(one)
    for stranger in strangers:
        stranger.close()
    one.call.hang_up()
    one.daemon.check_clean()


def test_many_strangers_on_many_media_ports(tcp_call):
    """Those of a worker are counted together."""
    calls = [tcp_call("browser-trunk").set_up() for _ in range(12)]
    strangers = [socket.create_connection(one.peer.path.remote[2]) for one in calls for _ in range(LEG_CONNECTIONS - 1)]
    deadline = Deadline(4)
    while sum(is_open(one) for one in strangers) > WORKER_STRANGERS:
        assert not deadline.is_over()
        time.sleep(0.02)
    talk(calls[0])
    for stranger in strangers:
        stranger.close()
    for one in calls:
        one.call.hang_up()


def test_without_the_option_nothing_is_offered_over_tcp(media_call):
    one = media_call("browser-trunk").set_up()
    assert {transport.lower() for transport, *_ in candidates_of(one)} == {"udp"}
    one.call.hang_up()


def test_a_stun_server_tells_our_address(world, turn_server):
    make = world({"media": {"address": ["127.0.0.1", "127.0.0.2"], "stun_server": f"127.0.0.1:{turn_server.port}"}})
    one = make("browser-trunk").set_up()
    talk(one)
    one.call.hang_up()


def test_a_server_that_does_not_answer_delays_a_call_by_half_a_second_at_most(world):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        make = world({"media": {"stun_server": f"127.0.0.1:{silent.getsockname()[1]}"},
                      "turn_servers": [{"server": f"turn:127.0.0.1:{silent.getsockname()[1]}", "username": "u", "password": "p"}]})
        one = make("browser-trunk")
        begun = time.monotonic()
        one.set_up()
        assert GATHER_LIMIT <= time.monotonic() - begun < GATHER_LIMIT + 2.0
        talk(one)
        one.call.hang_up()
        make.daemon.check_clean()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_turn_server_that_refuses_our_credentials_is_done_without(world, turn_server, transport):
    make = world({"turn_servers": [turn_server.entry(transport, password="another-secret")]})
    one = make("browser-trunk").set_up()
    assert {kind for *_, kind in candidates_of(one)} == {"host"}
    one.call.hang_up()
    assert "another-secret" not in "\n".join(make.daemon.lines)


def check_nothing_but_relays_and_none(make, direction, limit):
    """The call ends and says why, long before ICE would give up."""
    one = make(direction)
    begun = time.monotonic()
    one.call.dial()
    one.call.refused(503)
    assert time.monotonic() - begun < limit
    make.daemon.wait_log("no TURN server serves us, and media.relay_only allows no other way")
    assert make.daemon.metrics()['tandem_media_failures_total{cause="relay"}'] == 1
    make.daemon.check_clean()


RELAY_LIMIT = 4.0  # for which nothing but relays are waited for


@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_nothing_but_relays_and_the_server_is_dead(world, direction):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        make = world({"media": {"relay_only": True},
                      "turn_servers": [{"server": f"turn:127.0.0.1:{silent.getsockname()[1]}", "username": "u", "password": "p"}]})
        check_nothing_but_relays_and_none(make, direction, RELAY_LIMIT + 2.0)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_nothing_but_relays_and_the_server_refuses_us(world, turn_server, transport, direction):
    make = world({"media": {"relay_only": True}, "turn_servers": [turn_server.entry(transport, password="another-secret")]})
    check_nothing_but_relays_and_none(make, direction, 2.0)


@pytest.mark.parametrize("server", ["turn:127.0.0.1:{port}?transport=tcp", "turns:127.0.0.1:{port}", "turns:localhost:{port}",
                                    "turns:nowhere.invalid:{port}"])
def test_nothing_but_relays_and_the_server_cannot_be_reached(world, server):
    make = world({"media": {"relay_only": True},
                  "turn_servers": [{"server": server.format(port=free_port()), "username": "u", "password": "p"}]})
    check_nothing_but_relays_and_none(make, "browser-trunk", 2.0)


def test_a_turn_server_by_tcp_where_ipv6_is_the_first_address(world, turn_server):
    make = world({"media": {"address": ["::1", "127.0.0.1"]}, "turn_servers": [turn_server.entry("tcp")]})
    one = relayed(make, "browser-trunk")
    talk(one)
    one.call.hang_up()


def test_a_turn_server_by_its_name(world, turn_server):
    make = world({"turn_servers": [turn_server.entry("tls", server=f"turns:localhost:{turn_server.tls_port}?transport=tcp")]})
    one = relayed(make, "browser-trunk")
    talk(one)
    one.call.hang_up()
    make.daemon.check_clean()


@pytest.mark.parametrize("subject, trusted, complaint", [
    ("IP:127.0.0.1", False, "self.signed"), ("IP:127.0.0.2", True, "IP address mismatch"), ("DNS:127.0.0.1", True, "IP address mismatch")],
    ids=["nobody vouches for it", "another's", "a name that looks like it"])
def test_a_turn_server_with_a_wrong_certificate_learns_nothing(world, tmp_path, subject, trusted, complaint):
    certificate, key = turn.make_certificate(tmp_path, "wrong", subject)
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=impostor, args=(listener, certificate, key, heard), daemon=True).start()
        make = world({"media": {"relay_only": True},
                      "turn_servers": [{"server": f"turns:127.0.0.1:{listener.getsockname()[1]}", "username": "u", "password": "p",
                                        **({"ca_file": str(certificate)} if trusted else {})}]})
        check_nothing_but_relays_and_none(make, "browser-trunk", 2.0)
        make.daemon.wait_log(f"no way by the TURN server 127.0.0.1: {complaint}")
    assert heard == []


def impostor(listener, certificate, key, heard):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    try:
        with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
            heard.append(connection.recv(100))
    except OSError:
        pass


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_turn_server_that_goes_away_takes_its_calls_with_it_and_no_other(world, turn_server, transport):
    make = world({"turn_servers": [turn_server.entry(transport)]})
    relayed, direct = make("browser-trunk"), make("browser-trunk").set_up()
    relayed.peer.only_candidate = "relay"
    relayed.set_up()
    turn_server.process.kill()
    make.daemon.wait_log("no way by the TURN server")
    talk(direct)
    direct.call.hang_up()
    relayed.call.hang_up()
    make.daemon.check_clean()


def test_nothing_but_relays_and_the_server_is_of_another_family(world):
    make = world({"media": {"relay_only": True}, "turn_servers": [{"server": "turn:[::1]:3478", "username": "u", "password": "p"}]})
    check_nothing_but_relays_and_none(make, "browser-trunk", 2.0)


@pytest.mark.parametrize("config, complaint", [
    ({"media": {"stun_server": "stun.example.com"}}, "stun_server"),
    ({"media": {"relay_only": True}}, "relay_only"),
    ({"turn_servers": [{"server": "turn:::1:3478", "username": "u", "password": "p"}]}, "server"),
    *[({"turn_servers": [{"server": uri, "username": "u", "password": "p"}]}, complaint) for uri, complaint in (
        ("turn.example.com:3478", "no URI"), ("stun:turn.example.com", "no URI"), ("turn:", "host:port"), ("turn:h:0", "host:port"),
        ("turn:h:65536", "host:port"), ("turn:h:+5", "host:port"), ("turn:[::1", "host:port"), ("turn:h?transport=sctp", "transport"),
        ("turns:h?transport=udp", "DTLS"))],
    ({"turn_servers": [{"server": "turns:h", "ca_file": "/nonexistent", "username": "u", "password": "p"}]}, "ca_file"),
    ({"turn_servers": [{"server": "turns:h", "ca_file": __file__, "username": "u", "password": "p"}]}, "no certificate"),
    ({"turn_servers": [{"server": "turn:h", "ca_file": __file__, "username": "u", "password": "p"}]}, "turns:"),
    ({"turn_servers": [{"server": "turn:turn.example.com:3478", "username": "u"}]}, "password"),
    ({"turn_servers": [{"server": f"turn:h:{n}", "username": "u", "password": "p"} for n in range(1, 6)]}, "turn_servers"),
])
def test_wrong_servers_are_complained_of(own_daemon, config, complaint):
    daemon = own_daemon({**CONFIG, **config})
    with pytest.raises(AssertionError):
        daemon.start()
    assert any(complaint in line for line in daemon.lines), daemon.lines
    daemon.process.wait()
    daemon.process.stderr.close()
    daemon.process = None


# --- addresses and ports ---

def test_both_families_are_told_and_ipv4_is_the_default(world):
    make = world({"media": {"address": ["::1", "127.0.0.1"]}})
    one = make("browser-trunk").set_up()
    assert {address for _, address, _, _ in candidates_of(one)} == {"127.0.0.1", "::1"}
    assert re.search(r"^c=IN IP4 127\.0\.0\.1\r$", one.said_to(one.browser), re.M)
    talk(one)
    one.call.hang_up()


FAMILIES = {"IPv4": "127.0.0.1", "IPv6": "::1"}
DUAL_STACK = {"media": {"address": ["127.0.0.1", "::1"]}}


@pytest.mark.parametrize("trunk", FAMILIES)
@pytest.mark.parametrize("browser", FAMILIES)
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_browser_and_trunk_need_not_be_of_the_same_family(world, trunk_port, direction, browser, trunk):
    host = FAMILIES[trunk]
    port = free_port(host)
    make = world({**DUAL_STACK, "sip": {"listen": [f"udp:{bracketed(host)}:{port}"]},
                  "trunks": [{"name": "pbx", "peer": f"sip:{bracketed(host)}:{trunk_port}"}]}, (host, port))
    one = make(direction, browser_host=FAMILIES[browser], trunk_host=host).set_up()
    assert family_of(one.to_trunk_port()[0]) == family_of(host)
    talk(one)
    one.call.hang_up()
    make.daemon.check_clean()


def test_a_trunk_that_speaks_sip_by_ipv4_may_have_its_media_on_ipv6(world):
    """Its offer says so; of our own offers it takes what we have."""
    one = world(DUAL_STACK)("trunk-browser", trunk_host="::1").set_up()
    assert one.to_trunk_port()[0] == "::1"
    talk(one)
    one.call.hang_up()


@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_a_browser_of_both_families_is_reached_where_it_can_be(world, direction):
    """Its IPv4 address, the default of its description, leads nowhere."""
    one = world(DUAL_STACK)(direction, browser_host="::1")
    one.browser_sdp = lambda sdp: re.sub(r"^c=IN IP6 ::1", "c=IN IP4 192.0.2.7", sdp, flags=re.M).replace(
        "a=candidate:", "a=candidate:2 1 udp 2130706431 192.0.2.7 50000 typ host\r\na=candidate:", 1)
    one.set_up()
    talk(one)
    one.call.hang_up()


def test_interfaces_by_name(world):
    make = world({"media": {"address": None, "interface": ["lo"]}})
    one = make("browser-trunk").set_up()
    assert {address for _, address, _, _ in candidates_of(one)} <= {"127.0.0.1", "::1"}
    talk(one)
    one.call.hang_up()


def test_behind_one_to_one_nat_the_public_address_is_told(world):
    make = world({"media": {"public_address": "203.0.113.5", "ice_tcp": True}})
    one = make("browser-trunk")
    one.call.dial()
    one.call.arrive()
    one.call.answer()
    one.call.answered()
    candidates = candidates_of(one)
    assert {address for _, address, _, _ in candidates} == {"203.0.113.5"} and len({port for _, _, port, _ in candidates}) == 1
    assert "127.0.0.1" not in re.sub("^a=rtcp.*$", "", one.said_to(one.browser), flags=re.M)
    answer = one.said_to(one.browser).replace("203.0.113.5", "127.0.0.1")  # the NAT
    one.peer.hear(answer)
    one.wait_for_media()
    talk(one)
    one.call.hang_up()


def test_names_that_hide_addresses_delay_nothing(media_call):
    one = media_call("browser-trunk", browser_sdp=lambda sdp: re.sub(
        r"^(a=candidate:1 1 udp \d+) 127\.0\.0\.1", r"\1 5c3e2bd5-3bd4-4bd1-9cb0-2dbd58a2a8c2.local", sdp, flags=re.M))
    begun = time.monotonic()
    one.set_up()
    assert time.monotonic() - begun < 2.0
    talk(one)
    one.call.hang_up()


def test_calls_go_on_and_are_refused_at_once_when_the_ports_are_used_up(world):
    first, _ = media_ports()
    make = world({"media": {"ports": f"{first}-{first + 15}"}})
    one = make("browser-trunk").set_up()
    listener, stream = Listener(one.port), one.browser_stream()
    others = []
    while True:
        other = make("browser-trunk")
        begun = time.monotonic()
        other.call.dial()
        others.append(other)
        if not other.is_admitted():
            break
    assert time.monotonic() - begun < 1.0 and len(others) >= 4
    for other in others[:-1]:
        other.decline()
    stream.stop()
    time.sleep(0.1)
    listener.stop()
    assert longest_silence(listener.heard, stream.sent) <= 0.02
    one.call.hang_up()


# --- trickle ICE (RFC 8840) ---

def fragment(peer, sdp, more=""):
    """The candidate of the peer's that its description has left out."""
    path = peer.paths[-1]
    mid = re.search(r"^a=mid:(\S+)", sdp, re.M).group(1)
    return (f"a=ice-ufrag:{path.ufrag}\r\na=ice-pwd:{path.password}\r\nm=audio 9 RTP/AVP 0\r\na=mid:{mid}\r\n"
            f"a=candidate:1 1 udp 2122260223 127.0.0.1 {path.port} typ host\r\n" + more)


def trickle(end, body, status=200):
    return end.ask("INFO", status, body=body, content_type="application/trickle-ice-sdpfrag",
                   headers=[("Info-Package", "trickle-ice"), ("Content-Disposition", "Info-Package")])


def without_candidates(sdp):
    return re.sub(r"^a=candidate:.*\r\n", "", sdp, flags=re.M)


@pytest.fixture
def secretive_call(media_call):
    """Calls with a browser whose description has no candidates, and that makes no checks by itself."""

    def make(direction):
        one = media_call(direction, browser_sdp=without_candidates)
        one.peer.is_passive = True
        return one

    return make


def test_candidates_that_come_after_the_answer(secretive_call):
    one = secretive_call("trunk-browser")
    one.dial_and_answer()
    assert re.search(r"^a=ice-options:trickle\r$", one.said_to(one.browser), re.M)
    assert "trickle-ice" in one.browser.invite.header("Recv-Info")
    trickle(one.browser, fragment(one.peer, one.browser.local, "a=end-of-candidates\r\n"))
    one.wait_for_media()
    talk(one)
    one.trunk.silence("INFO", 0.1)
    one.call.hang_up()


def test_candidates_that_come_before_our_answer(secretive_call):
    one = secretive_call("browser-trunk")
    one.call.dial()
    one.call.arrive()
    one.browser.dialog = sip.Dialog.as_caller(one.browser.invite, one.call.ring())
    trickle(one.browser, fragment(one.peer, one.browser.local))
    one.call.answer()
    one.call.answered()
    one.browser.dialog.cseq += 1  # the INFO's
    one.peer.hear(one.said_to(one.browser))
    one.wait_for_media()
    talk(one)
    one.trunk.silence("INFO", 0.1)
    one.call.hang_up()


def test_candidates_of_other_credentials_change_nothing(secretive_call):
    one = secretive_call("trunk-browser")
    one.dial_and_answer()
    body = fragment(one.peer, one.browser.local)
    trickle(one.browser, body.replace(one.peer.paths[-1].ufrag, "before"))
    assert not one.peer.is_connected.wait(0.5)
    trickle(one.browser, body)
    trickle(one.browser, body)
    one.wait_for_media()
    one.call.hang_up()


@pytest.mark.parametrize("body, status", [("a=candidate:\x01\r\n", 400), ("a=mid:0\r\n" * 2000, 413), ("\r\n", 200),
                                          ("m=audio 9 RTP/AVP 0\r\na=candidate:1 1 udp 1 x.local 5 typ host\r\n", 200)],
                         ids=["control characters", "too many lines", "empty", "a name"])
def test_wrong_fragments_harm_nobody(media_call, body, status):
    one = media_call("browser-trunk").set_up()
    trickle(one.browser, body, status)
    talk(one)
    one.call.hang_up()


class SlowStun:
    """A STUN server that answers after a while, with an address of nobody's."""

    ADDRESS = "203.0.113.9"

    def __init__(self, delay):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port, self.delay = self.socket.getsockname()[1], delay
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            request, source = self.socket.recvfrom(2048)
            time.sleep(self.delay)
            mapped = struct.pack(">HHBBH", MAPPED_ADDRESS, 8, 0, 1, 4242) + socket.inet_aton(self.ADDRESS)
            self.socket.sendto(struct.pack(">HH", webrtc.SUCCESS, len(mapped)) + request[4:20] + mapped, source)
        except OSError:
            pass


@pytest.mark.parametrize("takes_candidates", [True, False])
def test_what_a_slow_server_says_is_told_to_who_takes_it(world, takes_candidates):
    server = SlowStun(GATHER_LIMIT + 0.4)
    make = world({"media": {"stun_server": f"127.0.0.1:{server.port}"}})
    one = make("browser-trunk")
    one.call.dial(headers=[("Supported", "trickle-ice")] if takes_candidates else ())
    one.call.arrive()
    one.call.answer()
    one.call.answered()
    answer = one.said_to(one.browser)
    assert server.ADDRESS not in answer
    one.peer.hear(answer)
    one.wait_for_media()
    if takes_candidates:
        info = one.browser.expect("INFO")
        assert info.header("Content-Type") == "application/trickle-ice-sdpfrag"
        assert info.header("Info-Package") == "trickle-ice"
        assert re.search(rf"^a=candidate:\S+ 1 UDP \d+ {server.ADDRESS} 4242 typ srflx raddr 127.0.0.1 rport \d+\r$", info.sdp,
                         re.M | re.I), info.sdp
        ufrag = re.search(r"^a=ice-ufrag:(\S+)", answer, re.M).group(0)
        assert ufrag in info.sdp and "a=end-of-candidates" in info.sdp
        one.browser.reply(info, 200)
    else:
        one.browser.silence("INFO", 0.6)
    one.call.hang_up()
    server.socket.close()
