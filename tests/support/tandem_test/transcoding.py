"""Calls whose ends share no codec, with a tone from each end that the other is to hear."""

import itertools
import re
import struct
import threading
import time

from .codecs import PCMA, PCMU
from .net import Deadline
from .sound import Ear, Tone
from .voice import INTERVAL, Listener, MediaCall

FRAME_MS = 20
LISTEN_LIMIT = 20.0


def only(*names):
    """A description without the other codecs."""

    def filtered(sdp):
        kept = re.findall(rf"^a=rtpmap:(\d+) (?:{'|'.join(names)}|telephone-event)/", sdp, re.M)
        sdp = re.sub(r"^(m=audio \d+ \S+) .*?\r$", rf"\1 {' '.join(kept)}\r", sdp, flags=re.M)
        return re.sub(r"^a=(?:rtpmap|fmtp):(\d+) .*?\r\n", lambda line: line.group(0) if line.group(1) in kept else "", sdp, flags=re.M)

    return filtered


class Speaker(threading.Thread):
    """A tone in packets of some length at their pace, until it is stopped; sends by `send(codec, payload, duration in clock units)`."""

    def __init__(self, send, codec, hz, frame_ms=FRAME_MS):
        super().__init__(daemon=True)
        self.send, self.codec, self.tone, self.frame_ms = send, codec, Tone(hz, codec.pcm_hz), frame_ms
        self.stopped = threading.Event()
        self.start()

    def change(self, codec):
        """Goes on with the tone in another codec."""
        self.codec = codec

    def run(self):
        due, codec, n_frames = time.monotonic(), None, 0
        while not self.stopped.wait(max(0, due - time.monotonic())):
            if self.codec is not codec:
                codec = self.codec
                encode, tone = codec.encoder(), Tone(self.tone.hz, codec.pcm_hz)
                n, duration = (rate * self.frame_ms // 1000 for rate in (codec.pcm_hz, codec.clock_hz))
            self.send(codec, encode(tone.samples(n_frames * n, n)), duration)
            n_frames += 1
            due += self.frame_ms / 1000

    def stop(self):
        self.stopped.set()
        self.join()


class Stream:
    """Packets of one stream as they come: of one source, with numbers that go on one by one, timestamps that go on by what a packet
    lasts, but behind a pause."""

    def __init__(self, codec, payload_type, frame_ms=FRAME_MS):
        self.payload_type, self.duration = payload_type, codec.clock_hz * frame_ms // 1000
        self.last = None

    def take(self, packet):
        """Whether there is no pause before it."""
        _, second, sequence, timestamp, ssrc = struct.unpack(">BBHII", packet[:12])
        last, self.last = self.last, (sequence, timestamp, ssrc)
        assert second & 0x7F == self.payload_type, second & 0x7F
        if last is None:
            return False
        passed = (timestamp - last[1]) & 0xFFFFFFFF
        assert ssrc == last[2] and (sequence - last[0]) & 0xFFFF == 1, (last, self.last)
        assert passed == self.duration or (second & 0x80 and passed < 1 << 31), (last, self.last)
        return passed == self.duration


def telephone_sdp(port, codec, payload_type, version, ptime_ms=None, direction="sendrecv"):
    """Of a telephone that has one codec."""
    lines = ["v=0", f"o=telephone 4711 {version} IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
             f"m=audio {port} RTP/AVP {payload_type}", f"a=rtpmap:{payload_type} {codec.rtpmap}"]
    lines += [f"a=fmtp:{payload_type} {codec.fmtp}"] if codec.fmtp else []
    lines += [f"a=ptime:{ptime_ms}"] if ptime_ms else []
    return "\r\n".join(lines + [f"a={direction}"]) + "\r\n"


def payload_type_of(sdp, codec):
    """By which a description knows the codec, and whether it lays AMR out in the same way; None: it does not know it."""
    for payload_type, parameters in re.findall(rf"^a=rtpmap:(\d+) {codec.encoding}/{codec.clock_hz}(/\d+)?\s*$", sdp, re.M | re.I):
        fmtp = re.search(rf"^a=fmtp:{payload_type} (.*?)\s*$", sdp, re.M)
        if ("octet-align=1" in (fmtp.group(1) if fmtp else "")) == ("octet-align=1" in codec.fmtp):
            return int(payload_type)
    return None


class TranscodedCall(MediaCall):
    """The browser has one codec and the telephone another."""

    def __init__(self, calls, direction, browser=PCMA, trunk=PCMU, ptimes=None):
        """`ptimes`: what the ends ask for, as {"trunk": 30}."""
        super().__init__(calls, direction, browser_sdp=self._browser_sdp)
        self.codecs = {"browser": browser, "trunk": trunk}
        self.ptimes, self.version = ptimes or {}, 0
        self.trunk.describe = self._describe_telephone
        self.page = type(self.port)()  # numbers of what the browser says
        self.listener = Listener(self.port)
        self.speakers, self.marks, self.payload_types = {}, {"trunk": 0, "browser": 0}, {}
        self.owned.append(self.page)

    # --- what the ends are ---
    def _browser_sdp(self, sdp):
        sdp = only(self.codecs["browser"].encoding)(sdp)
        return sdp + (f"a=ptime:{self.ptimes['browser']}\r\n" if "browser" in self.ptimes else "")

    def _describe_telephone(self, offer=None, direction="sendrecv"):
        codec = self.codecs["trunk"]
        payload_type = payload_type_of(offer, codec) if offer else codec.payload_type
        assert payload_type is not None, f"no {codec} in {offer}"
        self.version += 1
        self.trunk.local = telephone_sdp(self.port.port, codec, payload_type, self.version, self.ptimes.get("trunk"), direction)
        return self.trunk.local

    def payload_type(self, end, codec=None):
        """By which the end and the gateway know its codec, or have known it before they agreed upon others."""
        codec = codec or self.codecs[end]
        found = payload_type_of((self.trunk if end == "trunk" else self.browser).local, codec)
        return self.payload_types.setdefault((end, codec), found) if found is not None else self.payload_types.get((end, codec))

    def dial_and_answer(self):
        """A telephone that has none of the codecs which it is offered first refuses, and is offered more."""
        self.call.dial()
        offer = self.call.arrive().sdp
        if self.call.called is self.trunk and payload_type_of(offer, self.codecs["trunk"]) is None:
            self.call.reject(488)
            self.call.arrive()
        self.call.answer()
        self.call.answered()
        self.peer.hear(self.said_to(self.browser))

    def close(self):
        """A call that is still up is ended: a test that has failed leaves nothing to the next."""
        for speaker in self.speakers.values():
            speaker.stop()
        self.listener.stop()
        super().close()
        if self.call.caller.dialog:
            self.call.hang_up()

    def wait_for_media(self):
        assert self.peer.is_connected.wait(10)

    # --- what the ends say ---
    def _from_trunk(self, codec, payload, duration):
        self.port.socket.sendto(self.port.packet(self.payload_type("trunk", codec), payload, duration=duration), self.to_trunk_port())

    def _from_browser(self, codec, payload, duration):
        self.peer.send(self.page.packet(self.payload_type("browser", codec), payload, duration=duration))

    def says(self, end, hz, frame_ms=None):
        """From now on, instead of what it said before."""
        self.falls_silent(end)
        listener = "browser" if end == "trunk" else "trunk"
        self.marks[listener] = len(self.heard_by(listener))
        send, codec = self._from_trunk if end == "trunk" else self._from_browser, self.codecs[end]
        self.speakers[end] = Speaker(send, codec, hz, frame_ms or codec.frame_ms)

    def falls_silent(self, end):
        if end in self.speakers:
            self.speakers.pop(end).stop()

    # --- what the ends hear ---
    def heard_by(self, end):
        return self.listener.heard if end == "trunk" else self.peer.heard

    def hears(self, end, hz, frame_ms=None, **judgement):
        """Listens to what came since the other end says it, until it has heard the tone well."""
        codec, heard, n = self.codecs[end], self.heard_by(end), self.marks[end]
        stream, decode, deadline = Stream(codec, self.payload_type(end), frame_ms or codec.frame_ms), codec.decoder(), Deadline(LISTEN_LIMIT)
        ear = Ear(Tone(hz, codec.pcm_hz), **{"rest_db": max(one.rest_db for one in self.codecs.values()), **judgement})
        while not ear.has_heard:
            assert not deadline.is_over(), f"{end}: {len(heard) - self.marks[end]} packets, {ear}"
            time.sleep(0.02)
            for _, packet, _ in heard[n:]:
                n += 1
                is_continuous = stream.take(packet)
                ear.hear(decode(packet[12:]), is_continuous)
        return ear


class ChangingCall(TranscodedCall):
    """The telephone changes its codec in mid-call; the browser has several and speaks the one that is agreed upon first."""

    PAUSE_MS_MAX = 1000  # of the change itself, on a busy machine; a change of the origin of time would be longer

    def __init__(self, calls, direction, browser, trunk):
        self.known = browser
        super().__init__(calls, direction, browser=browser[0], trunk=trunk)

    def _browser_sdp(self, sdp):
        return only(*(codec.encoding for codec in self.known))(sdp)

    def _agreed_by_browser(self):
        types = re.search(r"^m=audio \d+ \S+ (.*?)\r?$", self.said_to(self.browser), re.M).group(1).split()
        return next(codec for one in types for codec in self.known if self.payload_type("browser", codec) == int(one))

    def wait_for_media(self):
        super().wait_for_media()
        self.codecs["browser"] = self._agreed_by_browser()

    def change(self, codec):
        """A re-INVITE of the telephone's, by which the browser is asked once."""
        self.codecs["trunk"] = codec
        invite = self.trunk.send(self.trunk.request("INVITE", body=self._describe_telephone()))
        asked = self.browser.expect("INVITE")
        self.browser.reply(asked, 200, self.browser.describe(asked.sdp))
        self.browser.expect("ACK")
        self.codecs["browser"] = self._agreed_by_browser()
        self.speakers["browser"].change(self.codecs["browser"])
        self.trunk.response(invite, 200)
        self.trunk.ack(invite)
        self.speakers["trunk"].change(codec)
        self.browser.silence("INVITE", 0.3)

    def first_of(self, end, since):
        """The first packet in the codec that is spoken there now."""
        heard, deadline, wanted = self.heard_by(end), Deadline(), self.payload_type(end)
        while True:
            for index in range(since, len(heard)):
                if heard[index][1][1] & 0x7F == wanted:
                    return index
            assert not deadline.is_over(), f"{end}: nothing has come in {self.codecs[end]}"
            time.sleep(INTERVAL)

    def check_change(self, end, since, before, after):
        """What was heard from the packet `since` on: one stream, whose numbers and time go on while its codec changes once."""
        packets = [packet for _, packet, _ in self.heard_by(end)[since:]]
        heads = [struct.unpack(">BBHII", packet[:12]) for packet in packets]
        for last, now in zip(heads, heads[1:]):
            assert now[4] == last[4] and (now[2] - last[2]) & 0xFFFF == 1, (last, now)
            assert 0 < (now[3] - last[3]) & 0xFFFFFFFF < self.PAUSE_MS_MAX * max(before.clock_hz, after.clock_hz) // 1000, (last, now)
        types = [kind for kind, _ in itertools.groupby(head[1] & 0x7F for head in heads)]
        expected = list(dict.fromkeys(self.payload_type(end, codec) for codec in (before, after)))
        assert types in (expected, expected[-1:]), types
        return len(packets)
