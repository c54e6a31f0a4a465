"""SIP over TLS with trunks: certificates that are right, wrong, asked for and missing; connections that go, stall, and speak of other things."""

import contextlib
import re
import socket
import ssl
import subprocess
import threading

import pytest
from tandem_test import calls as calls_module
from tandem_test import daemon as daemon_module
from tandem_test import media, pki, sdes, sip
from tandem_test.calls import Call, Maker
from tandem_test.daemon import find_binary
from tandem_test.net import Deadline, free_port, kept_port
from tandem_test.pbx import Registrar
from tandem_test.sdes import SecureRtp
from tandem_test.trunk import TlsTrunk

NAME = "pbx.example.net"
TLS_PORT = kept_port()
PORTS = {name: kept_port() for name in ("bad", "named", "any", "mutual", "sips", "keys", "twin", "pair", "other")}
CONFIG = daemon_module.merge(calls_module.CONFIG, {"routes": [
    {"match": "^9196$", "to": "echo"}, {"match": "^[a-z]+$", "to": "user"},
    *({"match": f"^{digit}00[0-9]+$", "to": name} for digit, name in enumerate(PORTS, 2) if name != "other"), {"to": "pbx"}]})
NUMBERS = {name: f"{digit}001" for digit, name in enumerate(PORTS, 2)}
PKI = {}


class TlsPbx(Registrar, TlsTrunk):
    pass


def prepare(directory, config):
    right, other = pki.Authority(directory), pki.Authority(directory, "other")
    PKI.update(
        authority=right.pem, other=other.pem,
        gateway=right.issue("gateway", "DNS:gateway.example.net"),
        address=right.issue("address", "IP:127.0.0.1"), named=right.issue("named", f"DNS:{NAME}"),
        uri=right.issue("uri", f"URI:sip:{NAME}"), person=right.issue("person", f"URI:sip:alice@{NAME}"),
        server=right.issue("server", f"DNS:{NAME}", usage="serverAuth"),
        wildcard=right.issue("wildcard", "DNS:*.example.net"), common=right.issue(NAME),
        nobody=right.issue("nobody", "DNS:elsewhere.example.net,IP:127.0.0.2"),
        expired=right.issue("expired", "IP:127.0.0.1", pki.LONG_AGO, pki.PAST),
        early=right.issue("early", "IP:127.0.0.1", pki.SOON, pki.LATER),
        stranger=other.issue("stranger", "IP:127.0.0.1"), alone=pki.self_signed(directory, "alone", "IP:127.0.0.1"))
    port = config["trunks"][0]["peer"].rsplit(":", 1)[1]
    trusted = {"transport": "tls", "ca_file": str(right.pem)}
    config["trunks"] = [{"name": "pbx", "peer": f"sip:127.0.0.1:{port}", **trusted},
                        {"name": "bad", "peer": f"sip:127.0.0.1:{PORTS['bad']}", **trusted},
                        {"name": "named", "peer": f"sip:127.0.0.1:{PORTS['named']}", "tls_name": NAME, **trusted},
                        {"name": "any", "peer": f"sip:127.0.0.1:{PORTS['any']};transport=tls", "verify": False},
                        {"name": "mutual", "peer": f"sip:127.0.0.1:{PORTS['mutual']}", "tls_name": NAME, "client_certificate": True,
                         "certificate": str(PKI["gateway"].chain), "key": str(PKI["gateway"].key), **trusted},
                        {"name": "twin", "peer": f"sip:127.0.0.1:{PORTS['named']}", **trusted},
                        {"name": "pair", "peers": [f"sips:127.0.0.1:{PORTS['pair']}", f"sips:127.0.0.1:{PORTS['other']}"],
                         "ca_file": str(right.pem)},
                        {"name": "sips", "peer": f"sips:127.0.0.1:{PORTS['sips']}", "ca_file": str(right.pem)},
                        {"name": "keys", "peer": f"sip:127.0.0.1:{PORTS['keys']}", "srtp": "required", "inbound": "echo", **trusted}]
    config["sip"] = {"listen": [f"udp:127.0.0.1:{free_port()}", f"tls:127.0.0.1:{TLS_PORT}"],
                     "certificate": str(PKI["gateway"].chain), "key": str(PKI["gateway"].key)}
    return config


@pytest.fixture
def peer(daemon):
    """Makes far ends: peer(port, certificate, ...)."""
    with contextlib.ExitStack() as stack:
        def make(port, certificate="address", asks=False, client=None, kind=TlsTrunk):
            return stack.enter_context(contextlib.closing(kind(
                (daemon.host, TLS_PORT), PKI[certificate], PKI["authority"], asks, client and PKI[client], port=port)))
        yield make


@pytest.fixture
def trunk(peer, trunk_port):
    return peer(trunk_port)


def call_to(calls, trunk, name):
    """A browser's call to that trunk, not dialled yet."""
    maker = Maker(calls.daemon, calls.browser, trunk, calls.domain)
    return Call(maker.end("browser", "caller"), maker.end("trunk", "called"), calls.domain, NUMBERS[name])


def complaints(daemon, name):
    return [line for line in daemon.lines if f"trunk {name}: no TLS" in line]


# --- calls ---
@pytest.mark.parametrize("by", ["caller", "called"])
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_calls(calls, direction, by):
    call = calls(direction).set_up()
    invite = (call.called if direction == "browser-trunk" else call.caller).invite
    if direction == "browser-trunk":
        assert invite.header("Via").startswith(f"SIP/2.0/TLS 127.0.0.1:{TLS_PORT};")
        assert sip.uri_of(invite.header("Contact")).endswith(f"@127.0.0.1:{TLS_PORT};transport=tls")
        assert ";transport=tls" in invite.uri
    call.hang_up(by)


def test_one_connection_serves_many_calls(calls):
    first = calls.up("browser-trunk")
    second = calls.up("browser-trunk")
    assert len(calls.trunk.connections) == 1 and calls.trunk.connections[0].version() == "TLSv1.3"
    for call in (first, second):
        call.hang_up()


def test_the_far_end_calls_by_our_connection(calls):
    out = calls.up("browser-trunk")
    calls.trunk.outgoing = calls.trunk.connections[0]
    back = calls.up("trunk-browser")
    assert len(calls.trunk.connections) == 1
    back.hang_up()
    out.hang_up("called")


@pytest.mark.parametrize("by", ["caller", "called"])
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_a_call_outlives_its_connection(calls, direction, by):
    call = calls.up(direction)
    calls.trunk.lose()
    calls.daemon.wait_metric("tandem_flows", lambda n: n <= 1)  # the browser's
    call.hang_up(by)


def test_an_answer_finds_its_way_when_the_connection_is_gone(calls):
    call = calls("trunk-browser")
    call.dial()
    call.arrive()
    call.ring()
    calls.trunk.lose()
    calls.daemon.wait_metric("tandem_flows", lambda n: n <= 1)
    call.answer()
    call.answered()
    call.hang_up()


def test_a_contact_without_transport_means_the_connection(calls):
    calls.trunk.uri_parameters = ""
    call = calls.up("browser-trunk")
    call.hang_up()
    calls.trunk.uri_parameters = ";transport=udp"
    call = calls.up("browser-trunk")
    call.hang_up()
    assert len(calls.trunk.connections) == 1


def test_sips(calls, peer):
    trunk = peer(PORTS["sips"])
    trunk.uri_parameters = ""
    call = call_to(calls, trunk, "sips").set_up()
    assert call.called.invite.uri == f"sips:{NUMBERS['sips']}@127.0.0.1:{PORTS['sips']}"
    assert re.fullmatch(rf"sips:[^@]+@127\.0\.0\.1:{TLS_PORT}", sip.uri_of(call.called.invite.header("Contact")))
    call.hang_up()


def test_who_asks_with_sips_gets_a_contact_of_that_kind(calls):
    user = calls.user()
    invite = sip.request("INVITE", f"sips:{user.user}@example.test", "<sips:1@127.0.0.1>;tag=q", f"<sips:{user.user}@example.test>",
                         calls.trunk.via, contact=calls.trunk.contact.replace("sip:", "sips:").replace(";transport=tls", ""),
                         body=media.trunk_sdp(40000))
    calls.trunk.send(invite)
    heard = user.expect_request("INVITE")
    user.reply(heard, 180, to_tag="x", contact=user.contact)
    ringing = calls.trunk.expect_response(invite, 180)
    assert ringing.header("Contact").startswith("<sips:")
    calls.trunk.ask(sip.cancel_of(invite), 200)
    calls.trunk.send(sip.ack_of_failure(invite, calls.trunk.expect_response(invite, 487)))
    cancel = user.expect_request("CANCEL")
    user.reply(cancel, 200)
    user.reply(heard, 487, to_tag="x")
    user.expect_request("ACK")


def test_options_of_a_stranger(daemon):
    stranger = TlsTrunk((daemon.host, TLS_PORT), PKI["address"], PKI["authority"], host="127.0.0.1")
    stranger._dial = lambda: socket.create_connection(stranger.gateway, 10, ("127.0.0.2", 0))
    with contextlib.closing(stranger):
        stranger.ask(sip.request("OPTIONS", "sip:example.test", "<sip:x@y>;tag=a", "<sip:example.test>", stranger.via), 403)


def test_keys_in_the_description_go_by_tls(calls, peer):
    trunk = peer(PORTS["keys"])
    phone = SecureRtp()
    call = call_to(calls, trunk, "keys")
    call.dial()
    offer = call.arrive().sdp
    assert sdes.profile_of(offer) == "RTP/SAVP" and sdes.lines_of(offer)
    call.reject(486)
    call.refused(486)
    trunk.outgoing = trunk.connections[0]  # which says who it is
    invite = trunk.invite("9196", "example.test",
                          sdes.secured(media.trunk_sdp(phone.port), sdes.line(1, phone.key), profile="RTP/SAVP"))
    dialog, response = trunk.answered(invite)
    assert sdes.profile_of(response.sdp) == "RTP/SAVP" and len(sdes.lines_of(response.sdp)) == 1
    phone.hear(sdes.lines_of(response.sdp)[0][2])
    address, port, _ = media.audio_of(response.sdp)
    deadline = Deadline()
    while True:
        phone.send((address, port), payload=b"\x55" * 160)
        try:
            assert phone.receive(0.2)[4] == b"\x55" * 160
            break
        except TimeoutError:
            assert not deadline.is_over()
    trunk.bye(dialog)
    phone.close()


# --- the far end's certificate ---
@pytest.mark.parametrize("certificate, complaint", [
    ("nobody", r"certificate is for elsewhere\.example\.net, 127\.0\.0\.2, not for 127\.0\.0\.1; .*tls_name"),
    ("expired", "has expired; the peer needs a new one"),
    ("early", "is not yet valid; .*clocks"),
    ("stranger", "a CA that ca_file does not hold; set ca_file to the PEM of its CA"),
    ("alone", "is self-signed, .*; set ca_file"),
])
def test_a_certificate_that_is_refused(calls, peer, certificate, complaint):
    trunk = peer(PORTS["bad"], certificate)
    before = len(complaints(calls.daemon, "bad"))
    for _ in range(2):  # tried anew, told once
        call = call_to(calls, trunk, "bad")
        call.dial()
        deadline = Deadline(3)
        call.refused(503)
        assert not deadline.is_over()
    calls.daemon.wait_log(f"trunk bad: no TLS with 127.0.0.1:{PORTS['bad']}: .*{complaint}")
    assert len(complaints(calls.daemon, "bad")) == before + 1
    assert trunk.received.empty()
    trunk.show(PKI["address"])
    call_to(calls, trunk, "bad").set_up().hang_up()


@pytest.mark.parametrize("certificate", ["named", "uri", "common"])
def test_a_certificate_with_the_name_that_is_configured(calls, peer, certificate):
    trunk = peer(PORTS["named"], certificate)
    call_to(calls, trunk, "named").set_up().hang_up()
    assert trunk.heard_name == NAME


@pytest.mark.parametrize("certificate", ["wildcard", "person", "address"])
def test_a_certificate_with_a_name_that_is_none_in_sip(calls, peer, certificate):
    trunk = peer(PORTS["named"], certificate)
    call = call_to(calls, trunk, "named")
    call.dial()
    call.refused(503)


@pytest.mark.parametrize("certificate", ["nobody", "expired", "alone"])
def test_a_trunk_that_is_not_verified(calls, peer, certificate):
    call_to(calls, peer(PORTS["any"], certificate), "any").set_up().hang_up()


def test_what_one_trunk_trusts_is_not_another_ones(calls, peer):
    """Both are at the same port."""
    trunk = peer(PORTS["named"], "named")
    call = call_to(calls, trunk, "named").set_up()
    other = call_to(calls, trunk, "twin")
    other.dial()
    other.refused(503)
    call.hang_up()


def test_another_peer_takes_the_call_where_a_certificate_is_refused(calls, peer):
    peer(PORTS["pair"], "expired")
    call_to(calls, peer(PORTS["other"]), "pair").set_up().hang_up()
    calls.daemon.wait_log(f"trunk pair: no TLS with 127.0.0.1:{PORTS['pair']}: .*expired")


# --- ours ---
def test_a_certificate_of_ours_is_shown(calls, peer):
    trunk = peer(PORTS["mutual"], "named", asks=True)
    call_to(calls, trunk, "mutual").set_up().hang_up()
    assert ("DNS", "gateway.example.net") in trunk.connections[0].getpeercert()["subjectAltName"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_far_end_that_wants_a_certificate_and_gets_none(calls, peer, version):
    trunk = peer(PORTS["bad"], "address", asks=True)
    trunk.context.maximum_version = version
    start = len(calls.daemon.lines)
    call = call_to(calls, trunk, "bad")
    call.dial()
    call.refused(503)
    calls.daemon.wait_log("trunk bad: no TLS .*refuses us without a certificate.*set certificate and key", start=start)
    trunk.show(PKI["address"])
    call_to(calls, trunk, "bad").set_up().hang_up()


# --- the certificate of who connects ---
@pytest.mark.parametrize("certificate", ["named", "uri", "server"])
def test_who_shows_the_certificate_may_call(calls, peer, certificate):
    trunk = peer(PORTS["mutual"], "named", client=certificate)
    trunk._dial = lambda: socket.create_connection(trunk.gateway, 10, ("127.0.0.3", 0))  # from any address
    maker = Maker(calls.daemon, calls.browser, trunk, calls.domain)
    for by in ("caller", "called"):
        call = maker.up("trunk-browser")
        call.hang_up(by)
    assert len(trunk.connections) == 1
    call = maker.up("trunk-browser")
    trunk.lose()  # the next one has the certificate, too
    call.hang_up()


@pytest.mark.parametrize("client", [None, "nobody", "stranger", "expired"])
def test_who_shows_none_or_another_is_a_stranger(calls, peer, client):
    other = TlsTrunk((calls.daemon.host, TLS_PORT), PKI["address"], PKI["authority"], client_certificate=client and PKI[client])
    other._dial = lambda: socket.create_connection(other.gateway, 10, ("127.0.0.3", 0))
    with contextlib.closing(other):
        invite = other.invite(calls.user().user, calls.domain, media.trunk_sdp(40000))
        other.send(sip.ack_of_failure(invite, other.expect_response(invite, 403)))


def test_the_address_of_a_trunk_with_a_certificate_is_nothing(own_daemon, trunk_port):
    daemon = own_daemon({**CONFIG, "trunks": [{"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}", "transport": "tls", "tls_name": NAME,
                                               "ca_file": str(PKI["authority"]), "client_certificate": True}],
                         "routes": [],
                         "sip": {"listen": [f"tls:127.0.0.1:{free_port()}"], "certificate": str(PKI["gateway"].chain),
                                 "key": str(PKI["gateway"].key)}})
    port = int(daemon.config["sip"]["listen"][0].rsplit(":", 1)[1])
    daemon.start()
    trunk = TlsTrunk((daemon.host, port), PKI["named"], PKI["authority"], port=trunk_port)
    with contextlib.closing(trunk):
        invite = trunk.invite("9196", "example.test", media.trunk_sdp(40000))
        trunk.send(sip.ack_of_failure(invite, trunk.expect_response(invite, 403)))


# --- registration ---
def registered_daemon(own_daemon, trunk_port, **options):
    return own_daemon({**CONFIG, "routes": [], "sip": {"keep_alive_seconds": 1}, "trunks": [
        {"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}", "transport": "tls", "ca_file": str(PKI["authority"]), "register": True,
         "username": "2004", "password": "kept", "retry_seconds": 1, "inbound": "echo", **options}]})


def test_a_trunk_registers_by_tls_and_is_called_by_the_same_connection(own_daemon, trunk_port):
    """There is no listener on TLS: nothing else is needed."""
    daemon = registered_daemon(own_daemon, trunk_port)
    pbx = TlsPbx((daemon.host, 1), PKI["address"], PKI["authority"], port=trunk_port)
    pbx.start_registrar({"2004": "kept"})
    with contextlib.closing(pbx):
        daemon.start()
        contact = pbx.wait_bound("2004")
        assert contact.endswith(";transport=tls")
        deadline = Deadline()
        while pbx.pings < 2:  # kept open
            with pbx.changed:
                pbx.changed.wait(0.1)
            assert not deadline.is_over()
        pbx.outgoing = pbx.connections[0]
        invite = pbx.call(contact, "2004", "example.test", media.trunk_sdp(40000))
        dialog, _ = pbx.answered(invite)
        pbx.bye(dialog)
        first = len(pbx.registers)
        pbx.lose()
        pbx.wait_until(lambda: any(status == 200 for _, status in pbx.registers[first:]), "registered again")
        daemon.stop()
        pbx.wait_unbound("2004")


def test_a_registrar_with_a_wrong_certificate_hears_no_password(own_daemon, trunk_port):
    daemon = registered_daemon(own_daemon, trunk_port)
    pbx = TlsPbx((daemon.host, 1), PKI["address"], PKI["authority"], port=trunk_port)
    pbx.start_registrar({"2004": "kept"})
    with contextlib.closing(pbx):
        daemon.start()
        pbx.wait_bound("2004")
        before = len(pbx.registers)
        pbx.show(PKI["nobody"])
        pbx.lose()
        daemon.wait_log("trunk pbx: no TLS .*its certificate is for")
        assert len(pbx.registers) == before
        pbx.show(PKI["address"])
        pbx.wait_until(lambda: any(status == 200 for _, status in pbx.registers[before:]), "registered again")
        daemon.stop()


# --- what is no TLS ---
def test_a_far_end_that_stalls_costs_five_seconds(calls):
    with socket.create_server(("127.0.0.1", PORTS["bad"])):
        call = call_to(calls, None, "bad")
        call.dial()
        response = call.caller.response(call.caller.invite, 503, timeout=15)
        call.caller.send(sip.ack_of_failure(call.caller.invite, response))
        calls.daemon.wait_log("trunk bad: no TLS .*there is no answer")


def test_a_far_end_that_is_not_there(calls):
    call = call_to(calls, None, "bad")
    call.dial()
    call.refused(503)


def test_a_far_end_that_speaks_of_other_things(calls):
    def babble(listener):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"SIP/2.0 400 This Is No TLS\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(1000):
                    pass

    with socket.create_server(("127.0.0.1", PORTS["bad"])) as listener:
        thread = threading.Thread(target=babble, args=(listener,), daemon=True)
        thread.start()
        call = call_to(calls, None, "bad")
        call.dial()
        call.refused(503)
        thread.join()
    calls.daemon.wait_log("trunk bad: no TLS .*wrong version number")


@pytest.mark.parametrize("data", [b"", b"OPTIONS sip:x SIP/2.0\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 400,
                                  b"\x16\x03\x01\xff\xff" + b"x" * 3000], ids=["nothing", "SIP", "half a hello", "a huge record"])
def test_garbage_in_place_of_tls(daemon, data):
    failures = daemon.metric("tandem_sip_tls_handshake_failures_total")
    with socket.create_connection((daemon.host, TLS_PORT), 10) as connection:
        connection.sendall(data)
        if not data:
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(1000):
                pass
    daemon.wait_metric("tandem_sip_tls_handshake_failures_total", lambda n: n > failures)


def test_a_handshake_that_stalls_is_given_up(daemon):
    with socket.create_connection((daemon.host, TLS_PORT), 10) as connection:
        connection.sendall(b"\x16\x03\x01")
        connection.settimeout(10)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""


def test_old_versions_are_refused(daemon):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection((daemon.host, TLS_PORT), 10) as connection, pytest.raises(OSError):
        context.wrap_socket(connection)


# --- the configuration ---
def certificate_of(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain) as secure:
        return secure.getpeercert(binary_form=True)


def test_a_new_certificate_is_taken_by_a_reload(own_daemon, tmp_path):
    authority = pki.Authority(tmp_path)
    first, second = authority.issue("first"), authority.issue("second")
    port = free_port()
    daemon = own_daemon({"sip": {"listen": [f"tls:127.0.0.1:{port}"], "certificate": str(first.chain), "key": str(first.key)}}).start()
    shown = certificate_of(port)
    second.chain.replace(first.chain)
    second.key.replace(first.key)
    daemon.reload({})
    assert certificate_of(port) != shown
    first.key.write_text("nothing")
    assert "was not reloaded" in daemon.reload({})
    certificate_of(port)


def check(own_daemon, config):
    daemon = own_daemon(config)
    result = subprocess.run([find_binary(), "-t", "-c", daemon.write_config()], capture_output=True, text=True, timeout=60, check=False)
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("sip_options, complaint", [
    ({"listen": ["tls:127.0.0.1:5061"]}, 'needs "certificate" and "key"'),
    ({"listen": ["tls:127.0.0.1:5061"], "certificate": "/nonexistent", "key": "{key}"}, "certificate /nonexistent cannot be read"),
    ({"certificate": "{chain}"}, 'needs "key" beside it'),
    ({"key": "{key}"}, 'needs "certificate" beside it'),
    ({"certificate": "{chain}", "key": "{chain}"}, "key .*holds no key"),
    ({"certificate": "{chain}", "key": "{other}"}, "key .*does not belong to the certificate"),
])
def test_wrong_options_of_listeners(own_daemon, tmp_path, sip_options, complaint):
    authority = pki.Authority(tmp_path)
    one, other = authority.issue("one"), authority.issue("two")
    filled = {name: value.format(chain=one.chain, key=one.key, other=other.key) if isinstance(value, str) else value
              for name, value in sip_options.items()}
    status, said = check(own_daemon, {"sip": {"listen": ["udp:127.0.0.1:5060"], **filled}})
    assert status == 1 and re.search(complaint, said), said


@pytest.mark.parametrize("trunk_options, complaint", [
    ({"peer": "sips:h", "transport": "udp"}, "another transport"),
    ({"peer": "sips:h;transport=udp"}, "not TLS"),
    ({"peer": "sip:h;transport=sctp"}, "udp, tcp and tls"),
    ({"peer": "sip:h", "ca_file": "{chain}"}, 'with transport = "tls" only'),
    ({"peer": "sips:h", "ca_file": "/nonexistent"}, "cannot be read"),
    ({"peer": "sips:h", "ca_file": "{key}"}, "no certificate in it"),
    ({"peer": "sips:h", "ca_file": "{chain}", "verify": False}, "of no use"),
    ({"peer": "sips:h", "certificate": "{chain}"}, 'needs "key"'),
    ({"transport": "tls", "inbound_username": "u", "inbound_password": "p", "client_certificate": True}, "tls_name"),
])
def test_wrong_options_of_trunks(own_daemon, tmp_path, trunk_options, complaint):
    one = pki.Authority(tmp_path).issue("one")
    filled = {name: value.format(chain=one.chain, key=one.key) if isinstance(value, str) else value
              for name, value in trunk_options.items()}
    status, said = check(own_daemon, {"trunks": [{"name": "pbx", **filled}]})
    assert status == 1 and re.search(complaint, said), said


@pytest.mark.parametrize("trunk_options, warning", [
    ({"peer": "sips:h", "verify": False}, "whoever is in between"), ({"peer": "sip:h", "srtp": "required"}, "no TLS"),
    ({"peer": "sips:h", "srtp": "required"}, None), ({"peer": "sip:h;transport=tls"}, None), ({"peer": "sips:h;transport=tcp"}, None)])
def test_warnings_of_trunks(own_daemon, trunk_options, warning):
    status, said = check(own_daemon, {"trunks": [{"name": "pbx", **trunk_options}]})
    assert status == 0 and ((warning in said) if warning else "trunks[" not in said), said
