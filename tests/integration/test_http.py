"""The page, health, metrics, and what a web server must refuse."""

import json
import os
import re

import pytest
from tandem_test.net import connect, read_response

CONFIG = {"web": {"idle_timeout_seconds": 5}}


def test_page(daemon):
    response = daemon.http("/")
    assert response.status == 200
    assert response.header("content-type") == "text/html; charset=utf-8"
    assert "softphone" in response.text
    assert response.header("x-content-type-options") == "nosniff"
    assert "frame-ancestors 'none'" in response.header("content-security-policy")
    assert "'unsafe-inline'" not in response.header("content-security-policy")
    assert daemon.http("/index.html").body == response.body


@pytest.mark.parametrize("path, kind", [("/app.js", "text/javascript"), ("/style.css", "text/css")])
def test_content_types(daemon, path, kind):
    assert daemon.http(path).header("content-type").startswith(kind)


def test_head(daemon):
    whole, head = daemon.http("/app.js"), daemon.http("/app.js", "HEAD")
    assert head.status == 200
    assert head.header("content-length") == str(len(whole.body))
    assert head.body == b""


def test_unchanged_is_not_sent_again(daemon):
    first = daemon.http("/app.js")
    for headers in ({"If-None-Match": first.header("etag")}, {"If-None-Match": f'"x", {first.header("etag")}'},
                    {"If-Modified-Since": first.header("last-modified")}):
        again = daemon.http("/app.js", headers=headers)
        assert (again.status, again.body) == (304, b"")
        assert again.header("etag") == first.header("etag")
    assert daemon.http("/app.js", headers={"If-None-Match": '"other"'}).status == 200


def test_changed_is_sent(daemon):
    path = daemon.directory / "html" / "changing.txt"
    path.write_text("one")
    first = daemon.http("/changing.txt")
    path.write_text("two")
    os.utime(path, (1, 1))
    second = daemon.http("/changing.txt", headers={"If-None-Match": first.header("etag")})
    assert (first.text, second.status, second.text) == ("one", 200, "two")
    path.unlink()
    assert daemon.http("/changing.txt").status == 404


@pytest.mark.parametrize(
    "status, path",
    [
        (404, "/nothing.txt"),
        (404, "/tandem.conf"),
        (400, "/../tandem.conf"),
        (400, "/%2e%2e/tandem.conf"),
        (400, "/x/..%2f../tandem.conf"),
        (404, "//tandem.conf"),
        (404, "/outside.conf"),
        (404, "/folder_outside/tandem.conf"),
        (404, "/.hidden"),
        (404, "/sub/.hidden"),
        (404, "/sub"),
        (404, "/pipe"),
        (400, "/a%00.js"),
        (400, "/a%zz"),
        (400, "/\\..\\tandem.conf"),
        (414, "/" + "a" * 1500),
    ],
)
def test_no_way_out_of_the_folder(daemon, status, path):
    root = daemon.directory / "html"
    if not (root / "sub").exists():
        (root / "sub").mkdir()
        (root / ".hidden").write_text("secret")
        (root / "sub" / ".hidden").write_text("secret")
        (root / "outside.conf").symlink_to(daemon.directory / "tandem.conf")
        (root / "folder_outside").symlink_to(daemon.directory)
        os.mkfifo(root / "pipe")
    response = daemon.http(path)
    assert response.status == status
    assert b"secret" not in response.body


def test_link_inside_the_folder(daemon):
    link = daemon.directory / "html" / "link.js"
    link.symlink_to("app.js")
    assert daemon.http("/link.js").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods(daemon, method):
    response = daemon.http("/", method)
    assert response.status == 405
    assert response.header("allow") == "GET, HEAD"
    assert daemon.http("/healthz", method).status == 405


def test_health(daemon):
    response = daemon.health()
    assert response.status == 200
    assert response.header("content-type") == "application/json"
    assert response.header("cache-control") == "no-store"
    answer = json.loads(response.text)
    assert answer["status"] == "ok"
    assert answer["problems"] == []
    assert daemon.http("/healthz", "HEAD").status == 200


def test_metrics_are_well_formed(daemon):
    response = daemon.http("/metrics")
    assert response.header("content-type").startswith("text/plain; version=0.0.4")
    typed = set()
    for line in response.text.splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif not line.startswith("#"):
            found = re.fullmatch(r'([a-z_]+)(\{[a-z_]+="[^"]*"(,le="[^"]*")?\})? [-+0-9.eInf]+', line)
            assert found, line
            base = re.sub(r"_(bucket|sum|count)$", "", found.group(1))
            assert found.group(1) in typed or base in typed, line
    assert daemon.metric("tandem_web_requests_total") > 0


def test_settings_of_the_page_hold_no_secret(daemon):
    response = daemon.http("/config.json")
    answer = json.loads(response.text)
    assert answer["demo"] is False
    assert answer["websocket"] == "/ws"
    assert answer["domain"] == "example.test"
    assert "users" not in answer
    assert "wonderland" not in response.text


def test_settings_of_the_page_in_a_demo(own_daemon):
    tandem = own_daemon({"web": {"demo": True}}).start()
    answer = json.loads(tandem.http("/config.json").text)
    assert answer["demo"] is True
    assert {"name": "alice", "password": "wonderland"} in answer["users"]


def test_requests_on_one_connection(daemon):
    with connect(daemon.host, daemon.web_port) as connection:
        request = f"GET /app.js HTTP/1.1\r\nHost: {daemon.host}:{daemon.web_port}\r\n\r\n".encode()
        for _ in range(3):
            connection.sendall(request)
            assert read_response(connection).status == 200
        connection.sendall(request + request.replace(b"/app.js", b"/style.css"))
        first = read_response(connection)
        assert first.status == 200
        rest = first.rest
        while b"body {}" not in rest:
            rest += connection.recv(65536)


BAD = [
    (400, b"GET / HTTP/1.1\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n"),
    (400, b"GET / HTTP/1.1\nHost: a\n\r\n\r\n"),
    (400, b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n"),
    (400, b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (501, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (413, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"),
    (431, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 9000),
    (431, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100 + b"\r\n"),
    (414, b"GET /" + b"a" * 9000),
]


@pytest.mark.parametrize("status, request_bytes", BAD, ids=range(len(BAD)))
def test_refused(daemon, status, request_bytes):
    with connect(daemon.host, daemon.web_port) as connection:
        connection.sendall(request_bytes)
        response = read_response(connection)
        assert response.status == status
        assert response.header("connection") == "close"
        assert connection.recv(1) == b""


def test_large_file_to_a_slow_reader(daemon):
    content = os.urandom(3_000_000)
    path = daemon.directory / "html" / "large.bin"
    path.write_bytes(content)
    with connect(daemon.host, daemon.web_port) as connection:
        connection.sendall(b"GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        seen = b""
        while True:
            part = connection.recv(10000)
            if not part:
                break
            seen += part
    assert seen.endswith(content)


def test_abandoned_downloads(daemon):
    path = daemon.directory / "html" / "abandoned.bin"
    path.write_bytes(bytes(3_000_000))
    for _ in range(20):
        connection = connect(daemon.host, daemon.web_port)
        connection.sendall(b"GET /abandoned.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(100)
        connection.close()
    daemon.wait_metric("tandem_web_connections", 1)
