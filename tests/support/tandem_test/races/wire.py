"""How messages come and go: one UDP socket for all calls of a trunk, a WebSocket for each browser, and the bad line."""

import asyncio
import collections
import random
import socket
import struct

from .. import sip, websocket

LOST_AT_MOST = 3  # copies of one message; a line that loses more is no bad line, it is none


class Line:
    """Clean; or bad: loss, duplicates and delays, the same for the same seed."""

    def __init__(self, seed, loss=0.0, duplicate=0.0, delay=0.0):
        self.loss, self.duplicate, self.delay = loss, duplicate, delay
        self.random = random.Random(seed)
        self.is_calm = False  # for as long as a scenario needs order
        self.lost = collections.Counter()

    def copies(self, way, message):
        """For each copy that gets through, its delay in seconds."""
        if self.is_calm or not self.loss:
            return [0.0]
        key = (way, message.start, message.branch, message.header("CSeq"))
        if self.random.random() < self.loss and self.lost[key] < LOST_AT_MOST:
            self.lost[key] += 1
            return []
        count = 2 if self.random.random() < self.duplicate else 1
        return [self.random.random() * self.delay for _ in range(count)]


class TrunkSocket(asyncio.DatagramProtocol):
    """The far end of a trunk. Agents hear what is for their numbers and Call-IDs."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.agents = {}  # number or Call-ID -> agent
        self.nobodys = []  # what belonged to no agent
        self.answers_options = True

    @classmethod
    async def open(cls, gateway, host, port):
        loop = asyncio.get_running_loop()
        transport, self = await loop.create_datagram_endpoint(lambda: cls(gateway), local_addr=(host, port))
        own = transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.host, self.port = own.getsockname()[:2]
        self.transport = transport
        return self

    @property
    def via(self):
        return f"UDP {self.host}:{self.port}"

    def contact(self, number):
        return f"<sip:{number}@{self.host}:{self.port}>"

    def datagram_received(self, data, source):
        if not data.strip():
            return
        message = sip.Message.parse(data)
        agent = self.agents.get(message.call_id)
        if not agent and message.is_request and not message.to_tag:
            agent = self.agents.get(message.uri.split("@")[0].removeprefix("sip:"))
            if agent:
                self.agents[message.call_id] = agent
        if agent:
            agent.arrived(message)
        elif message.is_request and message.method == "OPTIONS" and self.answers_options:
            self.send(sip.response(message, 200, to_tag=sip.token()))
        else:
            self.nobodys.append(message)

    def send(self, message):
        self.transport.sendto(message.encode(), self.gateway)

    def close(self):
        self.transport.close()


class BrowserSocket(asyncio.Protocol):
    """A WebSocket (RFC 6455), the client's side."""

    def __init__(self, hear, host, port):
        self.hear, self.host, self.port = hear, host, port
        self.buffer = b""
        self.is_open = asyncio.get_running_loop().create_future()
        self.is_gone = False
        self.close_code = None

    @classmethod
    async def open(cls, hear, host, port):
        loop = asyncio.get_running_loop()
        _, self = await loop.create_connection(lambda: cls(hear, host, port), host, port)
        await asyncio.wait_for(self.is_open, 20)
        return self

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = websocket.handshake_headers(self.host, self.port)
        lines = ["GET /ws HTTP/1.1"] + [f"{name}: {value}" for name, value in headers.items()]
        transport.write("\r\n".join(lines).encode() + b"\r\n\r\n")

    def connection_lost(self, error):
        self.is_gone = True
        if not self.is_open.done():
            self.is_open.set_exception(ConnectionError("the gateway closed the connection"))

    def data_received(self, data):
        self.buffer += data
        if not self.is_open.done():
            head, separator, rest = self.buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.is_open.set_exception(ConnectionError(head.decode()))
                return
            self.buffer = rest
            self.is_open.set_result(True)
        while True:
            frame = self._take_frame()
            if frame is None:
                return
            self._on_frame(*frame)

    def _take_frame(self):
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        length, head = buffer[1] & 0x7F, 2
        if length >= 126:
            head = 4 if length == 126 else 10
            if len(buffer) < head:
                return None
            length = int.from_bytes(buffer[2:head], "big")
        if len(buffer) < head + length:
            return None
        self.buffer = buffer[head + length:]
        return buffer[0] & 0x0F, buffer[head:head + length]

    def _on_frame(self, opcode, payload):
        if opcode == websocket.PING:
            self._write(websocket.PONG, payload)
        elif opcode == websocket.CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else None
            self.transport.close()
        elif payload.strip():
            self.hear(sip.Message.parse(payload))

    def _write(self, opcode, payload):
        if not self.is_gone:
            self.transport.write(websocket.frame(opcode, payload))

    def send(self, message):
        self._write(websocket.TEXT, message.encode())

    def close(self):
        self._write(websocket.CLOSE, struct.pack(">H", 1000))
        self.transport.close()

    def drop(self):
        """Without a word."""
        self.transport.abort()
