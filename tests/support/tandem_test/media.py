"""Session descriptions, and RTP as far as a trunk needs it."""

import os
import re
import socket
import struct

from .net import Deadline, LIMIT, family_of

PCMU, PCMA, TELEPHONE_EVENT = 0, 8, 101
RATES = {"PCMU": (0, 8000), "PCMA": (8, 8000), "opus": (111, 48000), "telephone-event": (101, 8000)}


def _kind(host):
    return "IP6" if ":" in host else "IP4"


def _codecs(names):
    payload_types = [RATES[name][0] for name in names]
    lines = []
    for name in names:
        payload_type, rate = RATES[name]
        lines.append(f"a=rtpmap:{payload_type} {name}/{rate}" + ("/2" if name == "opus" else ""))
        if name == "telephone-event":
            lines.append(f"a=fmtp:{payload_type} 0-15")
    return " ".join(map(str, payload_types)), lines


def browser_sdp(offer=None, codecs=("opus", "PCMU", "PCMA", "telephone-event"), direction="sendrecv", version=2,
                session_id=None, setup=None, ufrag=None, port=9, host="127.0.0.1"):
    """What a browser says, with a candidate at which nobody is: signalling is tested, ICE never connects. With `offer`
    its answer: mid and payload types are taken from there."""
    mid, payload_types, lines = "0", *_codecs(codecs)
    if offer:
        found = re.search(r"^a=mid:(\S+)", offer, re.M)
        mid = found.group(1) if found else "0"
        payload_types = re.search(r"^m=audio \d+ \S+ (.*?)\r?$", offer, re.M).group(1)
        lines = [line for line in offer.split("\r\n") if line.startswith(("a=rtpmap:", "a=fmtp:"))]
    setup = setup or ("active" if offer else "actpass")
    fingerprint = ":".join(f"{byte:02X}" for byte in os.urandom(32))
    text = [
        "v=0", f"o=- {session_id or int.from_bytes(os.urandom(6), 'big')} {version} IN IP4 127.0.0.1", "s=-", "t=0 0",
        f"a=group:BUNDLE {mid}",
        f"m=audio {port} UDP/TLS/RTP/SAVPF {payload_types}", f"c=IN {_kind(host)} {host}", "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=candidate:1 1 udp 2122260223 {host} {port} typ host",
        f"a=ice-ufrag:{ufrag or os.urandom(2).hex()}", f"a=ice-pwd:{os.urandom(12).hex()}", "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {fingerprint}", f"a=setup:{setup}", f"a=mid:{mid}", f"a={direction}", "a=rtcp-mux",
    ] + lines
    return "\r\n".join(text) + "\r\n"


def trunk_sdp(port, codecs=("PCMU", "PCMA", "telephone-event"), address="127.0.0.1", direction="sendrecv", version=1,
              session_id=4711):
    payload_types, lines = _codecs(codecs)
    text = [
        "v=0", f"o=trunk {session_id} {version} IN {_kind(address)} {address}", "s=call", f"c=IN {_kind(address)} {address}", "t=0 0",
        f"m=audio {port} RTP/AVP {payload_types}",
    ] + lines + ["a=ptime:20", f"a={direction}"]
    return "\r\n".join(text) + "\r\n"


def audio_of(sdp):
    """(address, port, direction) of the audio stream."""
    port = int(re.search(r"^m=audio (\d+)", sdp, re.M).group(1))
    address = re.findall(r"^c=IN IP[46] (\S+)", sdp, re.M)[-1]
    direction = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$", sdp, re.M)
    return address, port, direction.group(1) if direction else "sendrecv"


class Rtp:
    """A UDP port that sends and counts RTP packets with a pattern in the payload."""

    def __init__(self, host="127.0.0.1"):
        self.socket = socket.socket(family_of(host), socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.port = self.socket.getsockname()[1]
        self.sequence, self.timestamp = 1000, 160000
        self.ssrc = int.from_bytes(os.urandom(4), "big")

    def _wrap(self, packet):
        """What becomes of a packet on the wire."""
        return packet

    def _unwrap(self, data):
        return data

    def packet(self, payload_type=PCMU, payload=None, marker=False, duration=None):
        """The next one. `duration`: in clock units; without one as many as the payload has octets."""
        content = payload if payload is not None else bytes((self.sequence + i) & 0xFF for i in range(160))
        first = payload_type | (0x80 if marker else 0)
        header = struct.pack(">BBHII", 0x80, first, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc)
        self.sequence += 1
        self.timestamp += len(content) if duration is None else duration
        return header + content

    def send(self, to, count=1, payload_type=PCMU, payload=None, marker=False):
        """The last of the packets, as it was before it was wrapped."""
        for _ in range(count):
            packet = self.packet(payload_type, payload, marker)
            self.socket.sendto(self._wrap(packet), to)
            marker = False
        return packet

    def receive(self, timeout=LIMIT):
        """(payload type, sequence, timestamp, ssrc, payload, source) of the next packet."""
        self.socket.settimeout(timeout)
        data, source = self.socket.recvfrom(2048)
        data = self._unwrap(data)
        _, second, sequence, timestamp, ssrc = struct.unpack(">BBHII", data[:12])
        return second & 0x7F, sequence, timestamp, ssrc, data[12:], source

    def send_until_heard(self, to):
        """For an echo: the first packets may come before the gateway is ready for them."""
        deadline = Deadline()
        while True:
            self.send(to)
            try:
                return self.receive(0.05)
            except (socket.timeout, TimeoutError):
                assert not deadline.is_over(), "no echo"

    def expect_silence(self, seconds=0.5):
        deadline = Deadline(seconds)
        try:
            packet = self.receive(max(deadline.left(), 0.001))
        except (socket.timeout, TimeoutError):
            return
        raise AssertionError(f"a packet came: {packet}")

    def close(self):
        self.socket.close()
