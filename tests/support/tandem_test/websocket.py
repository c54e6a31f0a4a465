"""A WebSocket client that can also do what no client should."""

import base64
import hashlib
import os
import socket
import struct

from .net import Deadline, LIMIT, connect, read_response

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0


class Closed(Exception):
    """The far end closed; `code` is None when it did so without a Close frame."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code, self.reason = code, reason


def handshake_headers(host, port, **changes):
    """The headers of a right handshake; a change of None takes one out. Names with '_' for '-'."""
    headers = {
        "Host": f"{host}:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Protocol": "sip",
    }
    for name, value in changes.items():
        name = name.replace("_", "-")
        for known in list(headers):
            if known.lower() == name.lower():
                del headers[known]
        if value is not None:
            headers[name] = value
    return headers


def frame(opcode, payload=b"", fin=True, masked=True, rsv=0, mask=None):
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", len(payload))
    if not masked:
        return head + payload
    mask = mask or os.urandom(4)
    repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return head + mask + mixed.to_bytes(len(payload), "big")


class WebSocket:
    def __init__(self, host, port, path="/ws", tls=False, **header_changes):
        headers = handshake_headers(host, port, **header_changes)
        self.connection = connect(host, port, tls)
        lines = [f"GET {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in headers.items()]
        self.connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        self.response = read_response(self.connection)
        if self.response is None or self.response.status != 101:
            self.connection.close()
            raise ConnectionRefusedError(self.response.status if self.response else "closed")
        digest = hashlib.sha1((headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert self.response.header("sec-websocket-accept") == base64.b64encode(digest).decode()
        assert self.response.header("sec-websocket-protocol") == "sip"
        assert self.response.header("sec-websocket-extensions") is None
        self.buffer = self.response.rest
        self.answers_pings = True
        self.pings = 0
        self.close_code = None

    def send_raw(self, data):
        self.connection.settimeout(LIMIT)
        self.connection.sendall(data)

    def send_frame(self, opcode, payload=b"", **options):
        self.send_raw(frame(opcode, payload, **options))

    def send(self, text):
        if isinstance(text, bytes):
            self.send_frame(BINARY, text)
        else:
            self.send_frame(TEXT, text.encode())

    def _fill(self, size, deadline):
        while len(self.buffer) < size:
            if deadline.is_over():
                raise TimeoutError("nothing came over the WebSocket")
            self.connection.settimeout(max(deadline.left(), 0.001))
            try:
                part = self.connection.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                part = b""
            except (socket.timeout, TimeoutError):
                raise TimeoutError("nothing came over the WebSocket") from None
            if not part:
                raise Closed(self.close_code)
            self.buffer += part

    def receive_frame(self, timeout=LIMIT):
        """(opcode, payload) of the next frame, control frames too."""
        deadline = Deadline(timeout)
        self._fill(2, deadline)
        assert not self.buffer[1] & 0x80, "a server never masks"
        assert not self.buffer[0] & 0x70
        length, head = self.buffer[1] & 0x7F, 2
        if length >= 126:
            head = 4 if length == 126 else 10
            self._fill(head, deadline)
            length = int.from_bytes(self.buffer[2:head], "big")
        self._fill(head + length, deadline)
        opcode, payload = self.buffer[0] & 0x0F, self.buffer[head : head + length]
        assert self.buffer[0] & 0x80, "this server sends no fragments"
        self.buffer = self.buffer[head + length :]
        return opcode, payload

    def receive(self, timeout=LIMIT):
        """The next message's bytes. Raises Closed and TimeoutError."""
        deadline = Deadline(timeout)
        while True:
            opcode, payload = self.receive_frame(deadline.left())
            if opcode in (TEXT, BINARY):
                return payload
            if opcode == PING:
                self.pings += 1
                if self.answers_pings:
                    self.send_frame(PONG, payload)
            elif opcode == CLOSE:
                self.close_code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else None
                raise Closed(self.close_code, payload[2:].decode())

    def expect_closed(self, timeout=LIMIT):
        """Reads until the far end closes; returns the code."""
        deadline = Deadline(timeout)
        try:
            while True:
                self.receive(deadline.left())
        except Closed as closed:
            return closed.code

    def expect_gone(self, timeout=LIMIT):
        """Reads until the TCP connection has ended; what comes is dropped."""
        deadline = Deadline(timeout)
        try:
            while not deadline.is_over():
                self._fill(len(self.buffer) + 1, deadline)
        except Closed:
            return
        raise TimeoutError("the connection is still open")

    def close(self, code=1000):
        """With the closing handshake."""
        try:
            self.send_frame(CLOSE, struct.pack(">H", code))
            self.expect_closed()
        except (OSError, Closed):
            pass
        self.connection.close()

    def drop(self, reset=False):
        """Without a word, as a lost network does."""
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
