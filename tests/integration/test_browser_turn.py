"""TURN credentials that a browser gets with its registration, against a real server."""

import contextlib
import json
import time

import pytest
from tandem_test import turn
from tandem_test.browser import Browser

DOMAIN, SECRET = "example.test", "shared with coturn"
pytestmark = pytest.mark.skipif(not turn.is_installed(), reason="coturn is not installed")


@pytest.fixture
def server(tmp_path):
    with contextlib.ExitStack() as stack:
        made = turn.TurnServer(tmp_path, SECRET)
        stack.callback(made.stop)
        yield made


def ice_servers(response):
    value = response.header("X-Ice-Servers")
    return json.loads(value) if value else None


def test_who_is_registered_gets_credentials_that_the_server_takes(own_daemon, server):
    urls = [f"turn:127.0.0.1:{server.port}", f"turns:127.0.0.1:{server.tls_port}?transport=tcp"]
    tandem = own_daemon({"browser_turn": {"servers": urls, "secret": SECRET, "seconds": 3600}}).start()
    with contextlib.closing(Browser(tandem.host, tandem.web_port, "alice", DOMAIN, password="wonderland")) as alice:
        assert ice_servers(alice.ask(alice.register_request(), 401)) is None
        (one,) = ice_servers(alice.register())
        ends, _, name = one["username"].partition(":")
        assert one["urls"] == urls and name == "alice" and 3590 <= int(ends) - time.time() <= 3601
        assert turn.allocate(server.port, one["username"], one["credential"]) is None
        assert turn.allocate(server.port, f"{ends}:bob", one["credential"]) == 401, "they are the user's own"
        assert turn.allocate(server.port, f"{int(ends) + 9999}:alice", one["credential"]) == 401, "and do not last"
        assert ice_servers(alice.unregister()) is None
    assert "static" not in "".join(tandem.lines) and SECRET not in "".join(tandem.lines)
    assert SECRET not in tandem.http("/config.json").text and "credential" not in tandem.http("/config.json").text


def test_nobody_gets_them_where_anybody_may_be_anybody(own_daemon):
    tandem = own_daemon({"browser_turn": {"servers": ["turn:turn.example:3478"], "secret": SECRET},
                         "registrar": {"authentication": "none"}}).start()
    with contextlib.closing(Browser(tandem.host, tandem.web_port, "alice", DOMAIN)) as alice:
        assert ice_servers(alice.register()) is None


@pytest.mark.parametrize("options, said", [
    ({"servers": ["turn:x"]}, "browser_turn.servers needs a secret"),
    ({"secret": "x"}, "browser_turn.secret needs servers"),
    ({"servers": ["stun:x"], "secret": "x"}, "browser_turn.servers wants URIs"),
    ({"servers": ["turn:x"], "secret": "x", "seconds": 60}, "browser_turn.seconds is less than registrar.expires_max_seconds"),
])
def test_mistakes(own_daemon, options, said):
    import subprocess

    from tandem_test.daemon import find_binary

    path = own_daemon({"browser_turn": options}).write_config()
    result = subprocess.run([find_binary(), "-t", "-c", str(path)], capture_output=True, text=True)
    assert result.returncode == 1 and said in result.stderr, result.stderr
