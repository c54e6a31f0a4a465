"""Calls with media at both ends: a browser with ICE, DTLS and SRTP, a trunk with RTP, and what is heard. Needs pyOpenSSL."""

import struct
import threading
import time

from . import media, sip
from .media import Rtp
from .net import LIMIT, Deadline
from .webrtc import WebRtc

INTERVAL = 0.02


def number_of(packet):
    return struct.unpack(">I", packet[12:16])[0]


class Stream(threading.Thread):
    """A voice: a numbered packet every 20 ms to `send`, until it is stopped."""

    def __init__(self, send):
        super().__init__(daemon=True)
        self.send, self.rtp, self.sent, self.stopped = send, Rtp(), 0, threading.Event()
        self.start()

    def run(self):
        due = time.monotonic()
        while not self.stopped.wait(max(0, due - time.monotonic())):
            due += INTERVAL
            self.send(self.rtp.packet(payload=struct.pack(">I", self.sent) + bytes(156)))
            self.sent += 1

    def stop(self):
        self.stopped.set()
        self.join()
        self.rtp.close()


class Listener(threading.Thread):
    """What comes to some ports of the trunk's: (time, packet, the port it came to)."""

    def __init__(self, *ports):
        super().__init__(daemon=True)
        self.ports, self.heard, self.stopped = list(ports), [], False
        self.start()

    def run(self):
        while not self.stopped:
            for port in self.ports:
                self._take_all(port)

    def _take_all(self, port):
        """Everything that waits: what came to an older port came before."""
        port.socket.settimeout(0.005)
        while not self.stopped:
            try:
                packet = port.socket.recvfrom(2048)[0]
            except OSError:
                return
            if not 192 <= packet[1] < 224:
                self.heard.append((time.monotonic(), packet, port.port))

    def stop(self):
        self.stopped = True
        self.join()


def longest_silence(heard, sent):
    """In seconds of speech: the longest run of packets, of those numbered below `sent`, that nobody heard."""
    numbers = sorted({number_of(packet) for _, packet, _ in heard} | {-1, sent})
    return max(b - a - 1 for a, b in zip(numbers, numbers[1:])) * INTERVAL


def check_identity(heard):
    """One SSRC, and sequence numbers that go on."""
    packets = [packet for _, packet, _ in heard]
    assert len({packet[8:12] for packet in packets}) == 1
    sequences = [struct.unpack(">H", packet[2:4])[0] for packet in packets]
    assert all(0 < (b - a) & 0xFFFF < 100 for a, b in zip(sequences, sequences[1:])), sequences


class MediaCall:
    def __init__(self, calls, direction, browser_sdp=lambda sdp: sdp, browser_host="127.0.0.1", trunk_host="127.0.0.1"):
        self.call = calls(direction)
        self.browser, self.trunk = self.call.ends if direction == "browser-trunk" else self.call.ends[::-1]
        self.peer, self.port = WebRtc(browser_host), Rtp(trunk_host)
        self.trunk.rtp_host, self.trunk.rtp_port = trunk_host, self.port.port
        self.owned = [self.peer, self.port]
        self.browser.describe = self.describe
        self.browser_sdp = browser_sdp

    def describe(self, offer=None, **options):
        self.browser.local = self.browser_sdp(self.peer.describe(offer))
        return self.browser.local

    def close(self):
        """What belongs to it; the call itself has ended, or ends with its daemon."""
        for one in self.owned:
            one.close()

    def said_to(self, end):
        """The gateway's last description there."""
        return next(m.sdp for way, m in reversed(end.peer.history) if way == "<-" and m.body.startswith(b"v=0") and m.call_id == end.call_id)

    def to_trunk_port(self):
        """Where the trunk sends to."""
        return media.audio_of(self.said_to(self.trunk))[:2]

    def is_admitted(self):
        """The trunk hears of the call; else the caller hears that there is no port for it."""
        caller, deadline = self.call.caller, Deadline()
        while not deadline.is_over():
            for wait in (lambda: self.call.arrive(0.1), lambda: caller.response(caller.invite, 503, timeout=0.01)):
                try:
                    message = wait()
                except AssertionError:
                    continue
                if not message.is_request:
                    caller.send(sip.ack_of_failure(caller.invite, message))
                return message.is_request
        raise AssertionError("neither an INVITE nor a refusal")

    def decline(self):
        self.call.reject(486)
        self.call.refused(486)

    def dial_and_answer(self):
        self.call.dial()
        self.call.arrive()
        self.call.answer()
        self.call.answered()
        self.peer.hear(self.said_to(self.browser))

    def set_up(self):
        self.dial_and_answer()
        self.wait_for_media()
        return self

    def wait_for_media(self):
        """The browser's end of DTLS is ready a little before the gateway's: until the first packet is through."""
        deadline = Deadline()
        while not self.peer.heard and not deadline.is_over():
            self.port.send(self.to_trunk_port())
            time.sleep(INTERVAL)
        self.peer.wait_heard(1)
        last = self.port.send(self.to_trunk_port())
        with self.peer.heard_more:  # none of these is on its way any more
            assert self.peer.heard_more.wait_for(lambda: any(p.endswith(last[12:]) for _, p, _ in self.peer.heard), LIMIT)
        self.peer.heard.clear()

    def trunk_stream(self, port=None):
        to = self.to_trunk_port()
        return Stream(lambda packet: (port or self.port).socket.sendto(packet, to))

    def browser_stream(self):
        return Stream(self.peer.send)
