"""WebSockets and UDP sockets on asyncio, with a hand on how they break."""

import asyncio
import socket
import struct

from tandem_test.trunk import Impairment
from tandem_test.websocket import BINARY, CLOSE, PING, PONG, TEXT, frame, handshake_headers

ZERO_MASK = bytes(4)  # a mask like any other, and one that costs nothing


class WebSocket(asyncio.Protocol):
    """`on_message(bytes)`, `on_lost()`: neither is called after drop()."""

    def __init__(self, on_message, on_lost):
        self.on_message, self.on_lost = on_message, on_lost
        self.transport, self.buffer, self.head = None, b"", None
        self.ready = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, host, port, on_message, on_lost):
        loop = asyncio.get_running_loop()
        _, self = await loop.create_connection(lambda: cls(on_message, on_lost), host, port)
        headers = handshake_headers(host, port)
        lines = ["GET /ws HTTP/1.1"] + [f"{name}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        await self.ready
        return self

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, error):
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed in the handshake"))
        on_lost, self.on_lost, self.on_message = self.on_lost, None, None
        if on_lost:
            on_lost()

    def data_received(self, data):
        buffer = self.buffer + data
        if self.head is None:
            head, separator, rest = buffer.partition(b"\r\n\r\n")
            if not separator:
                self.buffer = buffer
                return
            self.head, buffer = head, rest
            if b" 101 " in head:
                self.ready.set_result(None)
            else:
                self.ready.set_exception(ConnectionError(head.decode("latin-1")))
        while len(buffer) >= 2:
            length, start = buffer[1] & 0x7F, 2
            if length == 126:
                length, start = struct.unpack(">H", buffer[2:4])[0] if len(buffer) >= 4 else 1 << 30, 4
            elif length == 127:
                length, start = struct.unpack(">Q", buffer[2:10])[0] if len(buffer) >= 10 else 1 << 30, 10
            if len(buffer) < start + length:
                break
            opcode, payload, buffer = buffer[0] & 0x0F, buffer[start:start + length], buffer[start + length:]
            self._frame(opcode, payload)
        self.buffer = buffer

    def _frame(self, opcode, payload):
        if opcode in (TEXT, BINARY):
            if self.on_message and payload.strip():
                self.on_message(payload)
        elif opcode == PING:
            self.transport.write(frame(PONG, payload))
        elif opcode == CLOSE:
            self.transport.close()

    def send(self, data):
        self.transport.write(frame(TEXT, data, mask=ZERO_MASK))

    def drop(self, how):
        """'close': with a Close frame; 'reset': RST; 'silent': the network is gone, and nobody is told."""
        self.on_message = self.on_lost = None
        if how == "close":
            self.transport.write(frame(CLOSE, struct.pack(">H", 1001)))
            self.transport.close()
        elif how == "reset":
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.pause_reading()


class Udp(asyncio.DatagramProtocol):
    """Loss, duplication and delay on both ways, if the impairment says so."""

    def __init__(self, gateway, on_message, impairment=None):
        self.gateway, self.on_message, self.impairment = gateway, on_message, impairment
        self.loop = asyncio.get_running_loop()
        self.transport = None

    @classmethod
    async def open(cls, port, gateway, on_message, **impairment):
        chosen = Impairment(**impairment) if any(impairment.get(name) for name in ("loss", "duplicate", "delay")) else None
        _, self = await asyncio.get_running_loop().create_datagram_endpoint(lambda: cls(gateway, on_message, chosen),
                                                                            local_addr=("127.0.0.1", port))
        return self

    def connection_made(self, transport):
        self.transport = transport

    def _through(self, function, *arguments):
        if self.impairment is None:
            function(*arguments)
            return
        for delay in self.impairment.delays():
            self.loop.call_later(delay, function, *arguments)

    def datagram_received(self, data, address):
        if data.strip():
            self._through(self.on_message, data)

    def error_received(self, error):
        pass

    def _send_now(self, data):
        if not self.transport.is_closing():
            self.transport.sendto(data, self.gateway)

    def send(self, data):
        self._through(self._send_now, data)

    def close(self):
        self.transport.close()
