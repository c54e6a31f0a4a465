"""The media side of a browser as far as a call needs it: answers and makes ICE checks (RFC 8445), is the DTLS server, sends and
takes SRTP, changes its network. Needs pyOpenSSL, which the other parts do without."""

import hashlib
import hmac
import os
import re
import select
import socket
import struct
import threading
import time
import zlib

from . import media
from .dtls import Dtls, Identity, is_dtls
from .net import Deadline, family_of

COOKIE = 0x2112A442
BINDING, SUCCESS, ERROR = 0x0001, 0x0101, 0x0111
USERNAME, INTEGRITY, PRIORITY, USE_CANDIDATE, MAPPED = 0x0006, 0x0008, 0x0024, 0x0025, 0x0020
FINGERPRINT, CONTROLLED, CONTROLLING = 0x8028, 0x8029, 0x802A
CHECK_INTERVAL = 0.5
NEW_PATH_CHECK_INTERVAL = 0.05


def stun(kind, transaction, attributes, password):
    """With integrity and fingerprint (RFC 8489, sections 14.5 and 14.7)."""
    body = b""
    for name, value in attributes:
        body += struct.pack(">HH", name, len(value)) + value + bytes(-len(value) % 4)

    def head(extra):
        return struct.pack(">HHI", kind, len(body) + extra, COOKIE) + transaction

    mac = hmac.new(password.encode(), head(24) + body, hashlib.sha1).digest()
    body += struct.pack(">HH", INTEGRITY, 20) + mac
    crc = zlib.crc32(head(8) + body) ^ 0x5354554E
    body += struct.pack(">HHI", FINGERPRINT, 4, crc)
    return head(0) + body


class Framed:
    """A TCP connection that looks like a datagram socket (RFC 4571); made by the first that is sent."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.received, self.peer = b"", None

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()

    def sendto(self, data, address):
        if not self.peer:
            self.socket.connect(address)
            self.peer = address
        self.socket.sendall(struct.pack(">H", len(data)) + data)

    def recvfrom(self, _size):
        while not self.has_more:
            more = self.socket.recv(4096)
            if not more:
                raise ConnectionError("the gateway has closed the connection")
            self.received += more
        end = 2 + struct.unpack(">H", self.received[:2])[0]
        data, self.received = self.received[2:end], self.received[end:]
        return data, self.peer

    @property
    def has_more(self):
        return len(self.received) >= 2 and len(self.received) >= 2 + struct.unpack(">H", self.received[:2])[0]


def description(ice, fingerprint, port, offer=None, **options):
    """What a browser with these credentials, certificate and port says."""
    sdp = media.browser_sdp(offer, port=port, setup="passive" if offer else "actpass", ufrag=ice.ufrag, **options)
    sdp = re.sub(r"^a=ice-pwd:.*?\r$", f"a=ice-pwd:{ice.password}\r", sdp, flags=re.M)
    return re.sub(r"^a=fingerprint:.*?\r$", f"a=fingerprint:sha-256 {fingerprint}\r", sdp, flags=re.M)


def far_end(sdp, family=socket.AF_INET, transport="udp", kind="host"):
    """(ufrag, password, address) of the gateway's description: its first candidate of that sort."""
    values = {name: re.search(rf"^a={name}:(\S+)", sdp, re.M).group(1) for name in ("ice-ufrag", "ice-pwd")}
    found = re.findall(rf"^a=candidate:\S+ 1 {transport} \d+ (\S+) (\d+) typ {kind}", sdp, re.M | re.I)
    address, port = next(one for one in found if family_of(one[0]) == family)
    return values["ice-ufrag"], values["ice-pwd"], (address, int(port))


class Ice:
    """The credentials of a path, and the checks that go by it. Dead until the other side's are known. `send(data, address)` is what
    becomes of what it says."""

    def __init__(self, send):
        self.send = send
        self.ufrag, self.password = os.urandom(4).hex(), os.urandom(16).hex()
        self.remote = None  # (ufrag, password, address)
        self.is_valid = threading.Event()  # the gateway has answered a check
        self.next_check = Deadline(0)
        self.was_asked = False  # a check has come
        self.tie_breaker, self.is_controlling = os.urandom(8), True

    def check(self):
        if not self.remote or not self.next_check.is_over():
            return
        self.next_check = Deadline(CHECK_INTERVAL if self.is_valid.is_set() else NEW_PATH_CHECK_INTERVAL)
        ufrag, password, address = self.remote
        role = [(CONTROLLING, self.tie_breaker), (USE_CANDIDATE, b"")] if self.is_controlling else [(CONTROLLED, self.tie_breaker)]
        attributes = [(USERNAME, f"{ufrag}:{self.ufrag}".encode()), (PRIORITY, struct.pack(">I", 1862270975))] + role
        self.send(stun(BINDING, os.urandom(12), attributes, password), address)

    def answer(self, data, source):
        kind = struct.unpack(">H", data[:2])[0]
        if kind == SUCCESS:
            self.is_valid.set()
        if kind == ERROR and b"Role" in data:  # 487: theirs was the higher tie-breaker (RFC 8445, section 7.2.5.1)
            self.is_controlling = False
            self.next_check = Deadline(0)
        if kind != BINDING or not self.remote:
            return
        self.was_asked = True
        address = socket.inet_pton(family_of(source[0]), source[0])
        address = bytes(a ^ b for a, b in zip(address, data[4:20]))  # the cookie, and the transaction behind it
        mapped = struct.pack(">BBH", 0, 1 if len(address) == 4 else 2, source[1] ^ COOKIE >> 16) + address
        self.send(stun(SUCCESS, data[8:20], [(MAPPED, mapped)], self.password), source)


class Path(Ice):
    """With a socket of its own."""

    def __init__(self, host="127.0.0.1"):
        super().__init__(lambda data, address: self.socket.sendto(data, address))
        self.socket = socket.socket(family_of(host), socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.port = self.socket.getsockname()[1]


class WebRtc(threading.Thread):
    def __init__(self, host="127.0.0.1"):
        super().__init__(daemon=True)
        self.host = host
        self.paths = [Path(host)]  # the newest last
        self.unused = []  # sockets
        identity = Identity()
        self.fingerprint = identity.fingerprint
        self.dtls = Dtls(identity, lambda record: self.dtls_path.socket.sendto(record, self.dtls_from))
        self.dtls_path = self.dtls_from = None  # where the far end's last word came to, and from
        self.is_connected = threading.Event()  # DTLS
        self.is_parted = threading.Event()  # close_notify
        self.heard = []  # (time, packet, the port it came to) of each authentic RTP packet
        self.reports = []  # RTCP packets, taken out of their compounds
        self.heard_more = threading.Condition()
        self.stopped = False
        self.is_passive = False  # makes no checks before it was asked: who does not know its address finds no path
        self.transport = "udp"
        self.only_candidate = None  # its type: as if all others of the gateway's were out of reach
        self.start()

    @property
    def path(self):
        """Where media goes: the newest path that works."""
        return next((path for path in reversed(self.paths) if path.is_valid.is_set()), self.paths[0])

    def describe(self, offer=None):
        path = self.paths[-1]
        return description(path, self.fingerprint, path.port, offer, host=self.host)

    def use_tcp(self):
        """Nothing but TCP, to the gateway."""
        self.only_candidate, self.transport = "host", "tcp"
        self.unused.append(self.paths[0].socket)  # the thread may be looking at it
        self.paths[0].socket = Framed()

    def hear(self, sdp):
        """The gateway's description."""
        self.paths[-1].remote = far_end(sdp, family_of(self.host), self.transport, self.only_candidate or "host")

    def change_network(self, local):
        """Another socket, other credentials, to be offered: `local`, our last description, with them in it. What comes to
        the old ones is still heard, and media goes the old way, until the new one works."""
        path = Path(self.host)
        self.paths.append(path)
        sdp = re.sub(r"^(o=\S+ \S+ )(\d+)", lambda found: found.group(1) + str(int(found.group(2)) + 1), local, flags=re.M)
        sdp = re.sub(r"^a=ice-ufrag:\S+", f"a=ice-ufrag:{path.ufrag}", sdp, flags=re.M)
        sdp = re.sub(r"^a=ice-pwd:\S+", f"a=ice-pwd:{path.password}", sdp, flags=re.M)
        sdp = re.sub(r"^a=setup:\S+", "a=setup:actpass", sdp, flags=re.M)
        sdp = re.sub(rf"^(a=candidate:1 1 udp \d+ {re.escape(self.host)}) \d+", rf"\1 {path.port}", sdp, flags=re.M)
        return re.sub(r"^m=audio \d+", f"m=audio {path.port}", sdp, flags=re.M)

    @property
    def keys(self):
        """What SRTP goes out and comes in by; None until it is agreed upon."""
        return (self.dtls.sends, self.dtls.takes) if self.dtls.is_connected else None

    def send(self, packet):
        """An RTP packet, to the gateway."""
        path = self.path
        path.socket.sendto(self.keys[0].protect(packet), path.remote[2])

    def report(self, packet):
        """Sends RTCP."""
        self.path.socket.sendto(self.dtls.sends.protect_rtcp(packet), self.path.remote[2])

    def wait_report(self, kind, count, timeout=10.0):
        """The body of the first RTCP packet of a type and count (or format) that has come or comes; it is taken away."""
        with self.heard_more:
            wanted = lambda: next((one for one in self.reports if (one[1], one[0] & 31) == (kind, count)), None)
            assert self.heard_more.wait_for(wanted, timeout), f"no RTCP {kind}/{count} in {[(r[1], r[0] & 31) for r in self.reports]}"
            found = wanted()
            self.reports.remove(found)
            return found[4:]

    def wait_heard(self, count, timeout=10.0):
        with self.heard_more:
            assert self.heard_more.wait_for(lambda: len(self.heard) >= count, timeout), f"{len(self.heard)} packets heard"
        return self.heard[:count]

    def close(self):
        self.stopped = True
        self.join()
        for one in self.unused + [path.socket for path in self.paths]:
            one.close()

    # --- the thread ---
    def run(self):
        try:
            self._serve()
        except ConnectionError:  # TCP: the call is over
            pass

    def _serve(self):
        while not self.stopped:
            for path in list(self.paths):
                if path.was_asked or not self.is_passive:
                    path.check()
            ready, _, _ = select.select([path.socket for path in self.paths if getattr(path.socket, "peer", True)], [], [],
                                        NEW_PATH_CHECK_INTERVAL)
            for path in self.paths:
                if path.socket in ready:
                    self._take(path, *path.socket.recvfrom(4096))
                while getattr(path.socket, "has_more", False):
                    self._take(path, *path.socket.recvfrom(4096))

    def _take(self, path, data, source):
        if self.only_candidate and path.remote and source[:2] != path.remote[2]:
            return
        if data[0] < 4:
            path.answer(data, source)
        elif is_dtls(data):
            self._dtls(path, data, source)
        elif data[0] >= 128 and 192 <= data[1] < 224 and self.dtls.is_connected:
            self._rtcp(data)
        elif data[0] >= 128 and not 192 <= data[1] < 224 and self.keys:
            self._rtp(path, data)

    def _rtp(self, path, data):
        try:
            packet = self.keys[1].unprotect(data)
        except ValueError:
            return
        with self.heard_more:
            self.heard.append((time.monotonic(), packet, path.port))
            self.heard_more.notify_all()

    def _rtcp(self, data):
        try:
            data = self.dtls.takes.unprotect_rtcp(data)
        except ValueError:
            return
        with self.heard_more:
            while len(data) >= 4:
                length = 4 * (int.from_bytes(data[2:4], "big") + 1)
                self.reports.append(data[:length])
                data = data[length:]
            self.heard_more.notify_all()

    def _dtls(self, path, data, source):
        self.dtls_path, self.dtls_from = path, source
        self.dtls.take(data)
        if self.dtls.is_connected:
            self.is_connected.set()
        if self.dtls.is_parted:
            self.is_parted.set()
