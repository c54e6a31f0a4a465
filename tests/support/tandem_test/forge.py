"""Forged packets, sent into a call that is up: RTP, RTCP, STUN, DTLS and noise, from strangers' ports and, where what is genuine
can be told by more than its source, in the name of the far end itself (raw sockets, so as root only)."""

import random
import select
import socket
import struct
import time

from .webrtc import BINDING, COOKIE, CONTROLLING, ERROR, MAPPED, PRIORITY, SUCCESS, USE_CANDIDATE, USERNAME, stun

MARK = b"FORGED!!"
STRANGERS = 4
BATCH = 40  # packets between two looks at the gateway's queues
QUEUE_BYTES = 20000  # what may wait there: the kernel must drop nothing genuine
QUEUE_LIMIT = 30.0
CLIENT_HELLO, ALERT, HANDSHAKE, APPLICATION = 1, 21, 22, 23


def rtp(dice, ssrc=None, sequence=None, payload_type=0):
    payload = MARK + dice.randbytes(dice.choice((0, 24, 152, 164)))
    return struct.pack(">BBHII", 0x80, payload_type, sequence if sequence is not None else dice.getrandbits(16),
                       dice.getrandbits(32), ssrc if ssrc is not None else dice.getrandbits(32)) + payload


def rtcp(dice, ssrc):
    """SR, RR, SDES, BYE, APP, feedback, XR, as long as they say or not."""
    body = struct.pack(">I", ssrc) + dice.randbytes(4 * dice.randrange(12))
    said = len(body) // 4 if dice.random() < 0.8 else dice.getrandbits(8)
    return struct.pack(">BBH", 0x80 | dice.randrange(4), dice.choice((200, 201, 202, 203, 204, 205, 206, 207)), said) + body


def binding(dice, username):
    """A check as the far end would make it, with another password; or an answer that nobody asked for."""
    password, transaction = dice.randbytes(12).hex(), dice.randbytes(12)
    if dice.random() < 0.3:
        address = struct.pack(">BBHI", 0, 1, dice.getrandbits(16), dice.getrandbits(32))
        return stun(dice.choice((SUCCESS, ERROR)), transaction, [(MAPPED, address)], password)
    attributes = [(USERNAME, username), (PRIORITY, struct.pack(">I", 0x7FFFFFFF)), (CONTROLLING, dice.randbytes(8)),
                  (USE_CANDIDATE, b"")]
    packet = stun(BINDING, transaction, attributes[:dice.randrange(len(attributes) + 1)], password)
    return packet if dice.random() < 0.8 else packet[:dice.randrange(1, len(packet))]


def dtls(dice):
    kind = dice.choice((ALERT, HANDSHAKE, HANDSHAKE, APPLICATION, 20, 25))
    body = dice.randbytes(dice.randrange(200))
    if kind == ALERT:
        body = bytes((2, dice.choice((0, 10, 40, 80))))
    elif kind == HANDSHAKE and dice.random() < 0.7:
        hello = struct.pack(">H", 0xFEFD) + dice.randbytes(32) + b"\0\0" + b"\0\x02\xc0\x2b" + b"\x01\0"
        body = bytes((CLIENT_HELLO,)) + len(hello).to_bytes(3, "big") + b"\0\0" + bytes(3) + len(hello).to_bytes(3, "big") + hello
    return struct.pack(">BHH", kind, 0xFEFD, dice.choice((0, 0, 1, 2))) + dice.randbytes(6) + struct.pack(">H", len(body)) + body


def noise(dice):
    return dice.randbytes(dice.randrange(1, 1500))


class Leg:
    """The gateway's port(s) of one leg, who talks to it, and what is known of it."""

    def __init__(self, ports, source, is_authenticated, ssrc, username=b"a:b", genuine=()):
        self.ports, self.source, self.is_authenticated, self.ssrc, self.username = ports, source, is_authenticated, ssrc, username
        self.genuine = genuine  # datagrams that were sent already


class Forger:
    def __init__(self, legs, seed=0, in_their_names=True):
        self.legs, self.dice, self.sent = legs, random.Random(seed), 0
        self.in_its_name = 0
        self.strangers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(STRANGERS)]
        for stranger in self.strangers:
            stranger.bind(("127.0.0.1", 0))
        try:
            self.raw = in_their_names and socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        except PermissionError:
            self.raw = None
        self.ports = {port for leg in legs for _, port in leg.ports}
        self.dropped_before = self._queues()[1]

    def close(self):
        for one in self.strangers + ([self.raw] if self.raw else []):
            one.close()

    def send(self, count):
        """Never faster than the gateway takes them."""
        for _ in range(count):
            leg = self.dice.choice(self.legs)
            self._send_one(leg, self.dice.choice(leg.ports))
            self.sent += 1
            if self.sent % BATCH == 0:
                self._wait()

    def dropped(self):
        """What the kernel has dropped at the gateway's ports meanwhile."""
        return self._queues()[1] - self.dropped_before

    def answers(self):
        """What strangers were sent, but for STUN errors."""
        heard = []
        while True:
            ready = select.select(self.strangers, [], [], 0)[0]
            if not ready:
                return heard
            data = ready[0].recv(2048)
            if struct.unpack(">H", data[:2])[0] != ERROR or data[4:8] != COOKIE.to_bytes(4, "big"):
                heard.append(data)

    def _packet(self, leg, is_in_its_name):
        dice = self.dice
        if is_in_its_name and leg.is_authenticated and leg.genuine and dice.random() < 0.1:
            return dice.choice(leg.genuine)
        ssrc = leg.ssrc if dice.random() < 0.7 else dice.getrandbits(32)
        makers = {"rtp": lambda: rtp(dice, ssrc, payload_type=dice.choice((0, 0, 8, 111, 127)) | dice.choice((0, 0x80))),
                  "rtcp": lambda: rtcp(dice, ssrc), "stun": lambda: binding(dice, leg.username), "dtls": lambda: dtls(dice),
                  "noise": lambda: noise(dice)}
        if is_in_its_name and not leg.is_authenticated:  # plain RTP can be told by its source alone
            makers = {"stun": makers["stun"], "dtls": makers["dtls"]}
        return makers[dice.choice(list(makers))]()

    def _send_one(self, leg, to):
        is_in_its_name = self.raw and self.dice.random() < 0.5
        packet = self._packet(leg, is_in_its_name)
        if not is_in_its_name:
            self.dice.choice(self.strangers).sendto(packet, to)
            return
        self.in_its_name += 1
        udp = struct.pack(">HHHH", leg.source[1], to[1], 8 + len(packet), 0) + packet
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                         socket.inet_aton(leg.source[0]), socket.inet_aton(to[0]))
        self.raw.sendto(ip + udp, (to[0], 0))

    def _queues(self):
        """The fullest queue of the gateway's ports, and what was dropped there."""
        fullest = dropped = 0
        with open("/proc/net/udp", encoding="ascii") as table:
            for line in table.readlines()[1:]:
                words = line.split()
                if int(words[1].split(":")[1], 16) in self.ports:
                    fullest = max(fullest, int(words[4].split(":")[1], 16))
                    dropped += int(words[12])
        return fullest, dropped

    def _wait(self):
        end = time.monotonic() + QUEUE_LIMIT
        while self._queues()[0] > QUEUE_BYTES:
            assert time.monotonic() < end, "the gateway takes no packets any more"
            time.sleep(0.0005)
