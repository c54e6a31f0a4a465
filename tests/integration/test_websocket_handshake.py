"""Who gets a WebSocket, and who is told why not."""

import pytest
from tandem_test.net import Deadline, connect, read_response
from tandem_test.websocket import TEXT, WebSocket, frame, handshake_headers

CONFIG = {"web": {"header_timeout_seconds": 2, "idle_timeout_seconds": 3}}


def ask(daemon, method="GET", path="/ws", version="HTTP/1.1", extra="", **changes):
    headers = handshake_headers(daemon.host, daemon.web_port, **changes)
    text = f"{method} {path} {version}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + extra
    with connect(daemon.host, daemon.web_port, daemon.tls) as connection:
        connection.sendall(text.encode() + b"\r\n")
        response = read_response(connection, has_body=method != "HEAD")
        if response and response.status == 101:
            connection.sendall(frame(8))
        return response


@pytest.mark.parametrize("path", ["/", "/ws", "/ws?token=x"])
def test_accepted(daemon, path):
    response = ask(daemon, path=path)
    assert response.status == 101
    assert response.header("sec-websocket-protocol") == "sip"
    assert response.header("sec-websocket-extensions") is None


@pytest.mark.parametrize(
    "status, options",
    [
        (405, {"method": "POST"}),
        (405, {"method": "HEAD"}),
        (405, {"method": "PUT"}),
        (400, {"version": "HTTP/1.0"}),
        (505, {"version": "HTTP/2.0"}),
        (426, {"Sec_WebSocket_Version": "8"}),
        (426, {"Sec_WebSocket_Version": "0"}),
        (426, {"Sec_WebSocket_Version": "13, 8"}),
        (400, {"Sec_WebSocket_Version": None}),
        (400, {"Sec_WebSocket_Key": None}),
        (400, {"Sec_WebSocket_Key": "c2hvcnQ="}),
        (400, {"Sec_WebSocket_Key": "x" * 24}),
        (400, {"Sec_WebSocket_Protocol": None}),
        (400, {"Sec_WebSocket_Protocol": "chat"}),
        (400, {"Sec_WebSocket_Protocol": "sips"}),
        (101, {"Sec_WebSocket_Protocol": "chat, sip"}),
        (400, {"Connection": "keep-alive"}),
        (101, {"Connection": "keep-alive, Upgrade"}),
        (101, {"Upgrade": "WebSocket"}),
        (101, {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"}),
        (400, {"extra": "Content-Length: 5\r\n"}),
        (400, {"Host": None}),
        (404, {"path": "/other"}),
        (404, {"path": "/ws/"}),
    ],
    ids=str,
)
def test_matrix(daemon, status, options):
    assert ask(daemon, **options).status == status


def test_upgrade_required_says_what_is_spoken(daemon):
    response = ask(daemon, Sec_WebSocket_Version="7")
    assert response.status == 426
    assert response.header("sec-websocket-version") == "13"
    assert response.header("upgrade") == "websocket"


def test_not_an_upgrade_gets_the_page(daemon):
    assert ask(daemon, path="/", Upgrade=None, Connection=None).status == 200


@pytest.mark.parametrize(
    "status, origin",
    [
        (101, "http://{host}:{port}"),
        (101, None),
        (403, "http://{host}"),
        (403, "http://{host}:1"),
        (403, "https://evil.example"),
        (403, "http://{host}:{port}.evil.example"),
        (403, "null"),
        (403, ""),
    ],
)
def test_origin_is_our_own(daemon, status, origin):
    value = origin.format(host=daemon.host, port=daemon.web_port) if origin is not None else None
    assert ask(daemon, Origin=value).status == status


def test_head_in_single_bytes(daemon):
    headers = handshake_headers(daemon.host, daemon.web_port)
    text = "GET /ws HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    with connect(daemon.host, daemon.web_port) as connection:
        for byte in text.encode():
            connection.sendall(bytes([byte]))
        assert read_response(connection).status == 101
        connection.sendall(frame(8))


def test_head_and_frames_in_one_segment(daemon):
    headers = handshake_headers(daemon.host, daemon.web_port)
    text = "GET /ws HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    with connect(daemon.host, daemon.web_port) as connection:
        connection.sendall(text.encode() + frame(TEXT, b"\r\n\r\n"))
        socket = WebSocket.__new__(WebSocket)
        socket.connection, socket.buffer, socket.pings, socket.close_code = connection, b"", 0, None
        response = read_response(connection)
        assert response.status == 101
        socket.buffer = response.rest
        assert socket.receive() == b"\r\n"
        connection.sendall(frame(8))


def test_slow_head_is_given_up(daemon):
    deadline = Deadline(6)
    with connect(daemon.host, daemon.web_port) as connection:
        connection.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\n")
        response = read_response(connection)
        assert response.status == 408
        assert connection.recv(1) == b""
    assert not deadline.is_over()


def test_silent_connection_is_closed(daemon):
    with connect(daemon.host, daemon.web_port) as connection:
        connection.settimeout(6)
        assert connection.recv(1) == b""


def test_no_sanity_no_answer(daemon):
    """Not HTTP at all."""
    with connect(daemon.host, daemon.web_port) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200))
        assert read_response(connection).status == 400
    assert daemon.health().status == 200


def test_origin_list(own_daemon):
    tandem = own_daemon({"web": {"origins": ["https://app.example", "http://localhost:3000"]}}).start()
    assert ask(tandem, Origin="https://app.example").status == 101
    assert ask(tandem, Origin="http://localhost:3000").status == 101
    assert ask(tandem, Origin=f"http://{tandem.host}:{tandem.web_port}").status == 403


def test_limits_of_connections(own_daemon):
    tandem = own_daemon({"web": {"connections_per_address": 5}}).start()
    sockets = []
    with pytest.raises((ConnectionError, OSError)):
        for _ in range(10):
            sockets.append(WebSocket(tandem.host, tandem.web_port))
    assert len(sockets) == 5
    sockets.pop().close()
    deadline = Deadline()
    while True:  # the place is free as soon as the daemon has seen the end
        try:
            sockets.append(WebSocket(tandem.host, tandem.web_port))
            break
        except OSError:
            assert not deadline.is_over()
    for socket in sockets:
        socket.close()
