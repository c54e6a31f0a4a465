"""The process: its start, its refusal to start, reload, end."""

import json
import signal
import socket
import subprocess

import pytest
from tandem_test import media, sip
from tandem_test.browser import Browser
from tandem_test.daemon import find_binary
from tandem_test.relay import DOMAIN, trunk_request
from tandem_test.trunk import UdpTrunk
from tandem_test.websocket import WebSocket


def run(*arguments):
    return subprocess.run([str(find_binary()), *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False)


def test_check_of_a_good_configuration(own_daemon):
    tandem = own_daemon()
    tandem.config["web"]["listen"] = ["127.0.0.1:8080"]
    result = run("-t", "-c", tandem.write_config())
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("change, hint", [
    ({"web": {"listen": "localhost"}}, "web.listen"),
    ({"web": {"lissten": ["127.0.0.1:0"]}}, '"listen"'),
    ({"web": {"certificate": "x.pem"}}, "key"),
    ({"media": {"dtls_certificate": "x.pem"}}, "dtls_key"),
    ({"web": {"origins": ["example.com"]}}, "is no origin"),
    ({"media": {"music": "/dev/null"}}, "is no sound file"),
    ({"recording": {"directory": "/nowhere"}}, "recording.directory /nowhere: No such file"),
    ({"recording": {"directory": "/dev/null"}}, "/dev/null: no directory"),
    ({"users": [{"name": "alice", "password": "x", "record": True}]}, "needs a recording.directory"),
    ({"media": {"music": "/nowhere.wav"}}, "/nowhere.wav: No such file"),
    ({"media": {"hold": "song"}}, "music"),
    ({"users": [{"name": "alice"}]}, "password"),
    ({"users": [{"name": "alice@home", "password": "x"}]}, "before the '@'"),
    ({"users": [{"name": "alice", "password": "x"}, {"name": "alice", "password": "y"}]}, "alice"),
    ({"registrar": {"expires_min_seconds": 600, "expires_max_seconds": 60}}, "expires_min_seconds"),
    ({"registrar": {"authentication": "maybe"}}, "digest"),
])
def test_mistakes_are_told(own_daemon, change, hint):
    path = own_daemon(change).write_config()
    for arguments in (("-t", "-c", path), ("-c", path)):
        result = run(*arguments)
        assert result.returncode != 0
        assert f"{path}:" in result.stderr + result.stdout
        assert hint in result.stderr + result.stdout
        assert "wonderland" not in result.stderr + result.stdout


def test_port_in_use(own_daemon):
    first = own_daemon().start()
    second = own_daemon({"web": {"listen": [f"127.0.0.1:{first.web_port}"]}})
    result = run("-c", second.write_config())
    assert result.returncode != 0
    assert "cannot listen" in result.stderr and "in use" in result.stderr


def test_several_listeners(own_daemon):
    tandem = own_daemon({"web": {"listen": ["127.0.0.1:0", "[::1]:0"]}}).start()
    line = tandem.wait_log(r"web: listening on \[::1\]:\d+")
    port = int(line.rsplit(":", 1)[1].split()[0])
    socket = WebSocket("::1", port, Host=f"[::1]:{port}", Origin=f"http://[::1]:{port}")
    socket.send("\r\n\r\n")
    assert socket.receive() == b"\r\n"
    socket.close()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_end_tells_the_browsers(own_daemon, sign):
    tandem = own_daemon().start()
    alice = Browser(tandem.host, tandem.web_port, "alice", "example.test", "wonderland")
    alice.register()
    tandem.stop(sign)
    assert alice.socket.expect_closed() == 1001
    alice.socket.drop()


def begin_subscriptions(alice, trunk):
    """One that nobody has answered, one whose NOTIFY waits for alice, one of the trunk's that waits for her; two messages."""
    for number in ("1001", "1002"):
        alice.send(alice.request("SUBSCRIBE", f"sip:{number}@{DOMAIN}", headers=[("Event", "dialog"), ("Expires", 600)]))
        asked = trunk.expect_request("SUBSCRIBE")
    trunk.reply(asked, 200, to_tag="n", contact=trunk.contact, headers=[("Expires", 600)])
    down = sip.Dialog.as_callee(asked, "n", trunk.contact)
    trunk.send(down.request("NOTIFY", trunk.via, headers=[("Event", "dialog"), ("Subscription-State", "active")]))
    alice.expect_request("NOTIFY")
    trunk.send(trunk_request(trunk, "SUBSCRIBE", "alice", contact=trunk.contact, headers=[("Event", "dialog"), ("Expires", 600)]))
    alice.expect_request("SUBSCRIBE")
    alice.send(alice.request("MESSAGE", f"sip:1003@{DOMAIN}"))
    trunk.expect_request("MESSAGE")
    trunk.send(trunk_request(trunk, "MESSAGE", "alice"))
    alice.expect_request("MESSAGE")


def begin_cancel(carol, trunk):
    """Of a call that rings at her; she has another connection, and is told again. Returns the first."""
    invite = trunk.invite("carol", DOMAIN, media.trunk_sdp(9))
    carol.reply(carol.expect_request("INVITE"), 180, to_tag="r", contact=carol.contact)
    trunk.expect_response(invite, 180)
    trunk.ask(sip.cancel_of(invite), 200)
    carol.expect_request("CANCEL")
    first = carol.socket
    carol.connect()
    carol.register()
    carol.expect_request("CANCEL")
    return first


def begin_calls(alice, bob, trunk):
    """One that nobody has answered, one that rings, one that is cancelled while it rings, one that is up and has an offer on its way,
    one for somebody whose connection is lost."""
    invites = [alice.invite(f"200{i}", authorized=False) for i in range(4)]
    asked = [trunk.expect_request("INVITE") for _ in invites]
    for one in asked[1:3]:
        trunk.reply(one, 180, to_tag="r")
    for one in invites[1:3]:
        alice.expect_response(one, 180)
    alice.ask(sip.cancel_of(invites[2]), 200)
    trunk.expect_request("CANCEL")
    trunk.reply(asked[3], 200, to_tag="u", contact=trunk.contact, body=media.trunk_sdp(9))
    up = sip.Dialog.as_caller(invites[3], alice.expect_response(invites[3], 200))
    alice.send(up.request("ACK", alice.via, cseq=invites[3].cseq[0]))
    trunk.expect_request("ACK")
    alice.send(up.request("INVITE", alice.via, body=media.browser_sdp(direction="sendonly")))
    trunk.expect_request("INVITE")
    trunk.invite("bob", DOMAIN, media.trunk_sdp(9))
    bob.expect_request("INVITE")
    bob.close()


def test_what_is_in_progress_at_the_end_is_not_left_behind(own_daemon, trunk_port):
    """A stop at once, with something of everything on its way; the sanitizer tells of what nobody frees."""
    tandem = own_daemon({"registrar": {"upstream": "pbx"}, "admin": {"socket": "admin.sock"}}).start()
    trunk = UdpTrunk((tandem.host, tandem.sip_port), port=trunk_port)
    passwords = {"alice": "wonderland", "bob": "builder", "carol": "christmas", "dora": "her PBX's"}
    alice, bob, carol, dora = (Browser(tandem.host, tandem.web_port, name, DOMAIN, passwords[name]) for name in passwords)
    for one in (alice, bob, carol):
        one.register()
    begin_subscriptions(alice, trunk)
    begin_calls(alice, bob, trunk)
    first = begin_cancel(carol, trunk)
    dora.send(dora.register_request())
    trunk.expect_request("REGISTER")
    tandem.reload({"trunks": [*tandem.config["trunks"], {"name": "tcp", "peer": "sip:192.0.2.1;transport=tcp"},
                              {"name": "own", "peer": f"sip:127.0.0.1:{trunk_port}", "username": "own", "password": "x", "register": True},
                              {"name": "named", "peer": "sip:pbx.invalid"}]})
    trunk.expect_request("REGISTER")
    halves = [socket.create_connection((tandem.host, port)) for port in (tandem.web_port, tandem.sip_port)]
    halves[0].sendall(b"GET / HTTP/1.1\r\n")
    halves[1].sendall(b"OPTIONS sip:gateway SIP/2.0\r\n")
    operator = socket.socket(socket.AF_UNIX)
    operator.connect(str(tandem.directory / "admin.sock"))
    operator.sendall(b"cal")
    tandem.process.send_signal(signal.SIGTERM)
    tandem.wait_log(": stopping")
    tandem.stop()
    for one in (alice, carol, first, dora, trunk, operator, *halves):
        one.close()


def test_reload_of_users(own_daemon):
    tandem = own_daemon().start()
    alice = Browser(tandem.host, tandem.web_port, "alice", "example.test", "wonderland")
    alice.register()
    bob = Browser(tandem.host, tandem.web_port, "bob", "example.test", "builder")
    bob.register()
    line = tandem.reload({"users": [{"name": "bob", "password": "new"}, {"name": "dora", "password": "explorer"}]})
    assert "was reloaded" in line
    tandem.wait_metric("tandem_bindings", 1)
    alice.register(status=403)  # on her connection, which is left alone
    invite = alice.invite("9196", authorized=False)
    alice.send(sip.ack_of_failure(invite, alice.expect_response(invite, 407)))
    dora = Browser(tandem.host, tandem.web_port, "dora", "example.test", "explorer")
    dora.register()
    again = Browser(tandem.host, tandem.web_port, "bob", "example.test", "builder")
    again.register(status=403)
    for browser in (alice, bob, dora, again):
        browser.close()


def test_reload_with_another_domain_changes_nothing(own_daemon):
    tandem = own_daemon().start()
    assert "was not reloaded: it has another domain" in tandem.reload({"domain": "other.test"})
    alice = Browser(tandem.host, tandem.web_port, "alice", "example.test", "wonderland")
    alice.register()
    alice.close()


def test_reload_of_a_mistake_changes_nothing(own_daemon):
    tandem = own_daemon().start()
    line = tandem.reload({"users": [{"name": "bob"}]})
    assert "was not reloaded" in line
    alice = Browser(tandem.host, tandem.web_port, "alice", "example.test", "wonderland")
    alice.register()
    alice.close()
    assert json.loads(tandem.health().text)["status"] == "ok"


def test_options_from_a_stranger(own_daemon, trunk_port):
    """The first thing a monitor asks a SIP server."""
    tandem = own_daemon().start()
    peer = UdpTrunk((tandem.host, tandem.sip_port), port=trunk_port)
    request = sip.request("OPTIONS", f"sip:{tandem.host}:{tandem.sip_port}", f"<sip:monitor@{peer.host}>;tag=1",
                          f"<sip:{tandem.host}>", peer.via)
    assert peer.ask(request).status == 200
    peer.close()
