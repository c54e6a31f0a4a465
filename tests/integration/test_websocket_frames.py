"""What comes over an open WebSocket: cut, glued, wrong, late."""

import struct

import pytest
from tandem_test import sip
from tandem_test.net import Deadline
from tandem_test.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Closed, WebSocket, frame

CONFIG = {"web": {"ping_interval_seconds": 1, "ping_timeout_seconds": 1}}


@pytest.fixture
def socket(daemon):
    made = WebSocket(daemon.host, daemon.web_port, tls=daemon.tls)
    yield made
    made.drop()


def options(domain="example.test", size=0):
    message = sip.request("OPTIONS", f"sip:{domain}", f"<sip:alice@{domain}>;tag=1", f"<sip:{domain}>", "WS x.invalid")
    if size:
        message.add("X-Padding", "")
        message.set("X-Padding", "p" * (size - len(message.encode())))
    return message


def answer_to(socket, message, timeout=10):
    deadline = Deadline(timeout)
    while True:
        answer = sip.Message.parse(socket.receive(deadline.left()))
        if answer.branch == message.branch:
            return answer


def is_alive(socket):
    message = options()
    socket.send_frame(TEXT, message.encode())
    return answer_to(socket, message).status >= 200


def test_text_and_binary(socket):
    for opcode in (TEXT, BINARY):
        message = options()
        socket.send_frame(opcode, message.encode())
        assert answer_to(socket, message).status >= 200


def test_fragments(socket):
    message = options()
    data = message.encode()
    socket.send_frame(TEXT, data[:10], fin=False)
    socket.send_frame(CONTINUATION, data[10:11], fin=False)
    socket.send_frame(PING, b"between")
    socket.send_frame(CONTINUATION, b"", fin=False)
    socket.send_frame(CONTINUATION, data[11:])
    assert socket.receive_frame() == (PONG, b"between")
    assert answer_to(socket, message).status >= 200


def test_single_bytes(socket):
    message = options()
    for byte in frame(TEXT, message.encode()):
        socket.send_raw(bytes([byte]))
    assert answer_to(socket, message).status >= 200


def test_many_in_one_segment(socket):
    messages = [options() for _ in range(50)]
    socket.send_raw(b"".join(frame(TEXT, message.encode()) for message in messages))
    branches = set()
    while len(branches) < 50:
        branches.add(sip.Message.parse(socket.receive()).branch)
    assert branches == {message.branch for message in messages}


def test_one_message_each(socket):
    """Two SIP messages in one WebSocket message are no two messages (RFC 7118, section 5)."""
    first, second = options(), options()
    socket.send_frame(TEXT, first.encode() + second.encode())
    third = options()
    socket.send_frame(TEXT, third.encode())
    seen = set()
    while third.branch not in seen:
        seen.add(sip.Message.parse(socket.receive()).branch)
    assert second.branch not in seen


def test_crlf_keep_alive(socket):
    socket.send("\r\n\r\n")
    assert socket.receive() == b"\r\n"
    socket.send("\r\n")
    assert is_alive(socket)


def test_empty_message_is_ignored(socket):
    socket.send("")
    assert is_alive(socket)


def test_ping_is_answered(socket):
    socket.send_frame(PING, b"x" * 125)
    assert socket.receive_frame() == (PONG, b"x" * 125)
    socket.send_frame(PONG, b"unasked")
    assert is_alive(socket)


WRONG = {
    "unmasked": (1002, frame(TEXT, b"hello", masked=False)),
    "unmasked, empty": (1002, frame(TEXT, b"", masked=False)),
    "unmasked ping": (1002, frame(PING, b"", masked=False)),
    "reserved bit 1": (1002, frame(TEXT, b"hello", rsv=4)),
    "reserved bit 3": (1002, frame(TEXT, b"hello", rsv=1)),
    "reserved opcode": (1002, frame(3, b"hello")),
    "reserved control opcode": (1002, frame(11, b"hello")),
    "continuation of nothing": (1002, frame(CONTINUATION, b"hello")),
    "message in a message": (1002, frame(TEXT, b"a", fin=False) + frame(TEXT, b"b")),
    "fragmented ping": (1002, frame(PING, b"a", fin=False)),
    "long ping": (1002, frame(PING, b"x" * 126)),
    "long length for a short text": (1002, bytes([0x81, 0xFE, 0, 5]) + b"\0\0\0\0hello"),
    "negative length": (1002, bytes([0x81, 0xFF, 0x80]) + bytes(7) + bytes(4)),
    "half a close code": (1002, frame(CLOSE, b"\x03")),
    "forbidden close code": (1002, frame(CLOSE, struct.pack(">H", 1005))),
    "close code of nobody": (1002, frame(CLOSE, struct.pack(">H", 2999))),
    "close reason that is no text": (1007, frame(CLOSE, struct.pack(">H", 1000) + b"\xff")),
    "text that is no text": (1007, frame(TEXT, b"OPTIONS \xff\xfe")),
    "text that ends inside a character": (1007, frame(TEXT, b"\xc3")),
    "too long": (1009, bytes([0x81, 0xFF]) + struct.pack(">Q", 65536) + bytes(4)),
    "enormous": (1009, bytes([0x82, 0xFF]) + struct.pack(">Q", 2**62) + bytes(4)),
    "too long in fragments": (1009, frame(TEXT, b"x" * 60000, fin=False) + frame(CONTINUATION, b"x" * 6000)),
    "endless fragments": (1008, frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 1100),
}


@pytest.mark.parametrize("case", WRONG)
def test_violation(daemon, socket, case):
    code, data = WRONG[case]
    socket.send_raw(data)
    assert socket.expect_closed() == code
    socket.expect_gone()
    assert daemon.health().status == 200


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999, None])
def test_closing_handshake(socket, code):
    payload = b"" if code is None else struct.pack(">H", code) + "done – ok".encode()
    socket.send_frame(CLOSE, payload)
    assert socket.expect_closed() == code
    socket.expect_gone()


def test_nothing_is_heard_after_close(socket):
    message = options()
    socket.send_raw(frame(CLOSE, b"") + frame(TEXT, message.encode()))
    opcode, _ = socket.receive_frame()
    assert opcode == CLOSE
    with pytest.raises(Closed):
        socket.receive_frame()


def test_silent_client_is_pinged_and_dropped(daemon, socket):
    socket.answers_pings = False
    assert socket.expect_closed(6) is None
    assert socket.pings == 1
    daemon.wait_metric("tandem_flows", 0)


def test_answering_client_stays(socket):
    deadline = Deadline(4)
    while socket.pings < 3:
        with pytest.raises(TimeoutError):
            socket.receive(0.2)
        assert not deadline.is_over(), "too few pings"
    assert is_alive(socket)


def test_largest_message(socket):
    message = options(size=8000)
    socket.send_frame(TEXT, message.encode())
    assert answer_to(socket, message).status >= 200


def fill_up(socket, data):
    """Sends it over and over and reads nothing, until nothing more is taken; how many bytes were."""
    sent = 0
    socket.connection.settimeout(0.2)
    while True:
        try:
            sent += socket.connection.send(data[sent % len(data) :])
        except TimeoutError:
            return sent


def test_client_that_does_not_read(daemon, socket):
    """Nothing is read from it either, so that it ends as one that is silent."""
    silent = 'tandem_web_sockets_closed_total{cause="timeout"}'
    before = daemon.metric(silent)
    fill_up(socket, frame(PING, b"x" * 125) * 500)
    daemon.wait_metric(silent, before + 1)
    daemon.wait_metric("tandem_flows", 0)


def test_client_that_reads_late(socket):
    """What it is owed has waited, and what it has sent meanwhile is read."""
    ping = frame(PING, b"x" * 125)
    sent = fill_up(socket, ping * 500)
    wanted = sent // len(ping)
    while wanted:
        opcode, payload = socket.receive_frame()
        assert opcode == PING or (opcode, payload) == (PONG, b"x" * 125)
        wanted -= opcode == PONG
    socket.connection.settimeout(10)
    socket.connection.sendall(ping[sent % len(ping) :])
    assert is_alive(socket)


def test_flood_of_messages(socket):
    """More than a call could ever need, from one flow: closed with 1008."""
    try:
        for _ in range(40):
            socket.send_raw(frame(TEXT, b"\r\n\r\n") * 100)
    except OSError:
        pass
    assert socket.expect_closed() in (1008, None)
