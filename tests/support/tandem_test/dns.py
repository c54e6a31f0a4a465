"""A scripted DNS server on loopback: it says what the test says, and keeps what it was asked."""

import socket
import struct
import threading

A, CNAME, AAAA, SRV, NAPTR = 1, 5, 28, 33, 35
NXDOMAIN, SERVFAIL, REFUSED = 3, 2, 5


def _name(text):
    labels = [label.encode() for label in text.strip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _string(text):
    return bytes([len(text)]) + text.encode()


def a(address):
    return A, socket.inet_aton(address)


def aaaa(address):
    return AAAA, socket.inet_pton(socket.AF_INET6, address)


def srv(priority, weight, port, target):
    return SRV, struct.pack("!HHH", priority, weight, port) + _name(target)


def naptr(order, preference, service, replacement, flags="s"):
    return NAPTR, struct.pack("!HH", order, preference) + _string(flags) + _string(service) + _string("") + _name(replacement)


class Dns:
    """dns.records[name] is a list of records; a name that is not there does not exist. `ttl` is for those that are asked now."""

    def __init__(self, ttl=60):
        self.records, self.ttl = {}, ttl
        self.asked = []  # (name, type)
        self.refuses = {}  # type: response code, or None for silence
        self.garbles = lambda answer: answer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            data, source = self.socket.recvfrom(4096)
            if data == b"stop":
                return
            answer = self._answer(data)
            if answer:
                self.socket.sendto(self.garbles(answer), source)

    def _answer(self, data):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        question = data[12:at + 5]
        kind = struct.unpack("!H", data[at + 1:at + 3])[0]
        name = ".".join(labels).lower()
        self.asked.append((name, kind))
        if kind in self.refuses and self.refuses[kind] is None:
            return None
        code = self.refuses.get(kind, 0 if name in self.records else NXDOMAIN)
        found = [rdata for type_, rdata in self.records.get(name, []) if type_ == kind] if not code else []
        body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self.ttl, len(rdata)) + rdata for rdata in found)
        return data[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(found), 0, 0) + question + body

    def close(self):
        self.socket.sendto(b"stop", self.socket.getsockname())
        self.thread.join()
        self.socket.close()
