"""The keys of tokens, fetched from where their owner keeps them."""

import contextlib
import http.server
import json
import ssl
import subprocess
import threading
import time

import pytest
from tandem_test.browser import Browser
from tandem_test.daemon import find_binary
from tandem_test.net import Deadline
from tandem_test.pki import self_signed
from tandem_test.token import Signer

DOMAIN = "example.test"


class KeyServer:
    """By https, on the loopback: what `body` is at the time, with `status`."""

    def __init__(self, certificate):
        self.status, self.body, self.hits = 200, b"", 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.hits += 1
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                with contextlib.suppress(OSError):  # who has heard enough
                    self.wfile.write(outer.body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def has(self, *signers):
        self.body = json.dumps({"keys": [signer.jwk() for signer in signers]}).encode()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def server(tmp_path):
    certificate = self_signed(tmp_path, "keys", "IP:127.0.0.1")
    with contextlib.closing(KeyServer(certificate)) as one:
        one.ca_file = str(certificate.chain)
        yield one


def start(own_daemon, server, **more):
    return own_daemon({"tokens": {"jwks_url": server.url, "jwks_ca_file": server.ca_file, "audience": "tandem", **more}}).start()


def dave_at(tandem):
    return contextlib.closing(Browser(tandem.host, tandem.web_port, "dave", DOMAIN))


def register(browser, signer):
    request = browser.register_request().set("Authorization", f"Bearer {signer.token('dave')}")
    return browser.expect_response(browser.send(request))


def test_keys_are_fetched_at_the_start_and_by_reload(own_daemon, server):
    first, second = Signer("ES256", "1"), Signer("EdDSA", "2")
    server.has(first)
    tandem = start(own_daemon, server)
    tandem.wait_log("1 keys for tokens from https")
    with dave_at(tandem) as dave:
        assert register(dave, first).status == 200
        server.has(second)
        assert register(dave, second).status == 401
        tandem.reload({})
        deadline = Deadline()
        while register(dave, second).status != 200:
            assert not deadline.is_over()
            time.sleep(0.2)  # the gateway takes no flood
        assert register(dave, first).status == 401


def test_an_unknown_key_is_a_reason_to_look_again(own_daemon, server):
    first, second = Signer("ES256", "1"), Signer("EdDSA", "2")
    server.has(first)
    tandem = start(own_daemon, server)
    tandem.wait_log("keys for tokens from https")
    server.has(first, second)
    with dave_at(tandem) as dave:
        deadline = Deadline(20)
        while register(dave, second).status != 200:
            assert not deadline.is_over()
            time.sleep(0.2)  # the gateway takes no flood
    assert server.hits == 2, "however many such tokens come"


@pytest.mark.parametrize("status, body, said", [
    (404, b"", "404"),
    (302, b"", "answered 302"),
    (200, b"no keys", "no public key"),
    (200, b"x" * 70000, "more than 65536 bytes"),
], ids=["404", "a redirection", "no keys", "too large"])
def test_what_is_no_key_set_is_told_and_tokens_wait(own_daemon, server, status, body, said):
    server.status, server.body = status, body
    tandem = start(own_daemon, server)
    assert said in tandem.wait_log("the keys for tokens at .* cannot be had")
    with dave_at(tandem) as dave:
        response = register(dave, Signer())
        assert (response.status, response.header("Retry-After")) == (503, "5")


def test_a_server_that_nobody_vouches_for_is_not_believed(own_daemon, server, tmp_path):
    server.has(Signer("ES256"))
    other = self_signed(tmp_path, "other", "IP:127.0.0.1")
    tandem = start(own_daemon, server, jwks_ca_file=str(other.chain))
    assert "certificate" in tandem.wait_log("the keys for tokens at .* cannot be had")
    assert server.hits == 0


def test_nothing_waits_for_a_server_that_is_silent(own_daemon, server):
    server.server.socket.close()
    tandem = start(own_daemon, server)
    tandem.wait_log("is ready")  # and ends at once, see the fixture


@pytest.mark.parametrize("tokens, said", [
    ({"jwks_url": "http://id.example/keys"}, "tokens.jwks_url is no URL"),
    ({"jwks_url": "https://id.example/keys", "key_file": "nowhere.pem"}, "tokens.jwks_url stands beside key_file"),
    ({"jwks_ca_file": "nowhere.pem"}, "tokens.jwks_ca_file is of use with jwks_url only"),
])
def test_mistakes(own_daemon, tokens, said):
    path = own_daemon({"tokens": tokens}).write_config()
    result = subprocess.run([find_binary(), "-t", "-c", str(path)], capture_output=True, text=True)
    assert result.returncode == 1 and said in result.stderr, result.stderr
