"""The process: its start, its refusal to start, reload, end."""

import json
import signal
import subprocess

import pytest
from tandem_test import sip
from tandem_test.browser import Browser
from tandem_test.daemon import find_binary
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
    ({"media": {"music": "/dev/null"}}, "is no WAV file"),
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
    from tandem_test.trunk import UdpTrunk

    tandem = own_daemon().start()
    peer = UdpTrunk((tandem.host, tandem.sip_port), port=trunk_port)
    request = sip.request("OPTIONS", f"sip:{tandem.host}:{tandem.sip_port}", f"<sip:monitor@{peer.host}>;tag=1",
                          f"<sip:{tandem.host}>", peer.via)
    assert peer.ask(request).status == 200
    peer.close()
