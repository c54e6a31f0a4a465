"""Two sides that share no codec: what one says is decoded and encoded anew, and is heard as it was said."""

import audioop
import math
import re
import struct
import threading
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test.lifetime import maker
from tandem_test.media import RATES
from tandem_test.net import Deadline
from tandem_test.voice import MediaCall

CONFIG = {**calls_module.CONFIG}
DIRECTIONS = ("browser-trunk", "trunk-browser")
HZ, FRAME, INTERVAL = 8000, 160, 0.02
AMPLITUDE = 8000
ENCODE = {"PCMU": audioop.lin2ulaw, "PCMA": audioop.lin2alaw}
DECODE = {"PCMU": audioop.ulaw2lin, "PCMA": audioop.alaw2lin}


def tone(hz, first, n_samples):
    return struct.pack(f"<{n_samples}h", *(round(AMPLITUDE * math.sin(2 * math.pi * hz * (first + i) / HZ)) for i in range(n_samples)))


def level_of(pcm, hz):
    """The amplitude of a frequency in it (Goertzel)."""
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    w = 2 * math.pi * hz / HZ
    real = sum(s * math.cos(w * i) for i, s in enumerate(samples))
    imaginary = sum(s * math.sin(w * i) for i, s in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / len(samples)


def only(*names):
    """A description without the other codecs."""

    def filtered(sdp):
        if not re.search(rf"a=rtpmap:\d+ {names[0]}/", sdp):
            return sdp
        kept = re.findall(rf"^a=rtpmap:(\d+) (?:{'|'.join(names)}|telephone-event)/", sdp, re.M)
        sdp = re.sub(r"^(m=audio \d+ \S+) .*?\r$", rf"\1 {' '.join(kept)}\r", sdp, flags=re.M)
        return re.sub(r"^a=(?:rtpmap|fmtp):(\d+) .*?\r\n", lambda line: line.group(0) if line.group(1) in kept else "", sdp, flags=re.M)

    return filtered


class Speaker(threading.Thread):
    """A tone in packets of `frame` samples, at their pace, until it is stopped; sends packets by `send(payload)`."""

    def __init__(self, send, codec, hz, frame=FRAME):
        super().__init__(daemon=True)
        self.send, self.codec, self.hz, self.frame, self.stopped = send, codec, hz, frame, threading.Event()
        self.start()

    def run(self):
        due, first = time.monotonic(), 0
        while not self.stopped.wait(max(0, due - time.monotonic())):
            self.send(ENCODE[self.codec](tone(self.hz, first, self.frame), 2))
            first += self.frame
            due += self.frame / HZ

    def stop(self):
        self.stopped.set()
        self.join()


class TranscodedCall(MediaCall):
    """The browser has one codec and the trunk another."""

    def __init__(self, calls, direction, browser="PCMA", trunk="PCMU"):
        super().__init__(calls, direction, browser_sdp=only(browser))
        self.browser_codec, self.trunk_codec = browser, trunk
        describe = self.trunk.describe
        self.trunk.describe = lambda offer=None, **options: describe(offer, codecs=(trunk, "telephone-event"), **options)

    def from_trunk(self, payload):
        self.port.send(self.to_trunk_port(), payload_type=RATES[self.trunk_codec][0], payload=payload)

    def from_browser(self, payload):
        self.peer.send(self.page.packet(RATES[self.browser_codec][0], payload))

    def wait_for_media(self):
        assert self.peer.is_connected.wait(10)

    def set_up(self):
        self.page = type(self.port)()
        self.owned.append(self.page)
        return super().set_up()

    def browser_hears(self, count):
        """The last of so many packets: their sound; it is one stream."""
        self.peer.heard.clear()
        return check_stream([packet for _, packet, _ in self.peer.wait_heard(count)], self.browser_codec)

    def trunk_hears(self, count):
        self.port.socket.settimeout(10)
        packets = []
        while len(packets) < count:
            packet = self.port.socket.recvfrom(2048)[0]
            if not 192 <= packet[1] < 224:
                packets.append(packet)
        return check_stream(packets, self.trunk_codec)


def check_stream(packets, codec, frame=FRAME):
    headers = [struct.unpack(">BBHII", packet[:12]) for packet in packets]
    assert {header[1] & 0x7F for header in headers} == {RATES[codec][0]}
    assert len({header[4] for header in headers}) == 1
    for before, after in zip(headers, headers[1:]):
        assert (after[2] - before[2]) & 0xFFFF == 1
        assert (after[3] - before[3]) & 0xFFFFFFFF == frame
    return b"".join(DECODE[codec](packet[-frame:], 2) for packet in packets)


def check_tone(pcm, hz):
    """Within a decibel of what was said, and nothing else worth naming."""
    level = level_of(pcm, hz)
    assert abs(20 * math.log10(level / AMPLITUDE)) < 1, level
    rest = math.sqrt(max(audioop.rms(pcm, 2) ** 2 - level ** 2 / 2, 0))
    assert rest < level / 20, (rest, level)


@pytest.fixture
def transcoded(calls):
    with maker(lambda direction, **options: TranscodedCall(calls, direction, **options)) as make:
        yield make


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_what_one_side_says_the_other_hears_in_its_own_codec(transcoded, direction):
    one = transcoded(direction).set_up()
    speakers = [Speaker(one.from_trunk, "PCMU", 440), Speaker(one.from_browser, "PCMA", 1000)]
    try:
        one.peer.wait_heard(20)
        check_tone(one.browser_hears(50), 440)
        one.trunk_hears(20)
        check_tone(one.trunk_hears(50), 1000)
    finally:
        for speaker in speakers:
            speaker.stop()
    one.call.hang_up()


@pytest.mark.parametrize("frame", [80, 240, 480])
def test_packets_of_another_length_go_on_in_the_usual_one(transcoded, frame):
    one = transcoded("trunk-browser").set_up()
    speaker = Speaker(one.from_trunk, "PCMU", 440, frame)
    try:
        one.peer.wait_heard(20)
        check_tone(one.browser_hears(50), 440)
    finally:
        speaker.stop()
    one.call.hang_up()


def test_who_says_nothing_costs_nothing(transcoded):
    one = transcoded("browser-trunk").set_up()
    speaker = Speaker(one.from_trunk, "PCMU", 440)
    one.peer.wait_heard(20)
    speaker.stop()
    deadline = Deadline()
    while not deadline.is_over():
        one.peer.heard.clear()
        time.sleep(0.2)
        if not one.peer.heard:
            break
    assert not one.peer.heard
    speaker = Speaker(one.from_trunk, "PCMU", 1000)
    try:
        one.peer.wait_heard(20)
        check_tone(one.browser_hears(50), 1000)
    finally:
        speaker.stop()
    one.call.hang_up()


def test_a_telephone_that_refuses_the_usual_codecs_is_offered_all(calls):
    call = calls("browser-trunk")
    call.dial()
    usual = call.arrive()
    assert not re.search(r"^a=rtpmap:\d+ L16/", usual.sdp, re.M) and len(usual.sdp) < 700
    call.reject(488)
    every = call.arrive()
    assert every.header("Call-ID") != usual.header("Call-ID")
    assert re.search(r"^a=rtpmap:\d+ L16/", every.sdp, re.M)
    call.answer()
    call.answered()
    call.hang_up()
