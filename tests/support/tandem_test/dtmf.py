"""Digits at one end of a call, in every form: pressed, and heard. Tones are looked for by spandsp."""

import audioop
import ctypes
import math
import os
import random
import re
import struct
import time

DIGITS = "0123456789*#ABCD"
FRAME_MS = 20
ENDS = 3  # of an event
LOWS, HIGHS, KEYS = (697, 770, 852, 941), (1209, 1336, 1477, 1633), "123A456B789C*0#D"
PEAK = 6000  # of each of a digit's two tones
OPUS_SILENCE = b"\xf8\xff\xfe"
HEARD_MS = 5  # blocks in which a tone's length is measured
LOUD = 800  # mean of one of them


class Format:
    """An encoding in a description, and the payload type it has there."""

    def __init__(self, payload_type, encoding):
        self.payload_type, self.encoding = payload_type, encoding
        self.name, self.clock = encoding.split("/")[0], int(encoding.split("/")[1])

    @property
    def lines(self):
        lines = [f"a=rtpmap:{self.payload_type} {self.encoding}"]
        return lines + ([f"a=fmtp:{self.payload_type} 0-16"] if self.name == "telephone-event" else [])


def formats_in(offer, formats):
    """Those that an offer has too, as it numbers them."""
    found = {encoding.lower(): int(number) for number, encoding in re.findall(r"^a=rtpmap:(\d+) (\S+)", offer, re.M)}
    found.setdefault("pcmu/8000", 0)
    return [Format(found[one.encoding.lower()], one.encoding) for one in formats if one.encoding.lower() in found]


def describing(sdp, formats):
    """The same description with these formats alone."""
    sdp = re.sub(r"^a=(?:rtpmap|fmtp):.*?\r\n", "", sdp, flags=re.M)
    numbers = " ".join(str(one.payload_type) for one in formats)
    return re.sub(r"^(m=audio \d+ \S+) .*?\r\n", rf"\1 {numbers}\r\n", sdp, flags=re.M) + "".join(
        line + "\r\n" for one in formats for line in one.lines)


# --- pressing ---


_tones = {}


def tone_of(digit, ms):
    """The digit as PCMU, with soft edges."""
    if (digit, ms) not in _tones:
        key, n = KEYS.index(digit), 8 * ms
        low, high = (2 * math.pi * hz / 8000 for hz in (LOWS[key // 4], HIGHS[key % 4]))
        edge = [min(1, i / 16, (n - i) / 16) for i in range(n)]
        samples = [round(PEAK * edge[i] * (math.sin(low * i) + math.sin(high * i))) for i in range(n)]
        _tones[digit, ms] = audioop.lin2ulaw(struct.pack(f"<{n}h", *samples), 2)
    return _tones[digit, ms]


class Talker:
    """One RTP source: sound and events have one SSRC and one sequence. What it presses is a list of (digit, ms, ms until the next)."""

    def __init__(self, send, sound, event=None, loss=0.0, seed=1):
        self.send, self.sound, self.event = send, sound, event
        self.loss, self.random = loss, random.Random(seed)
        self.sequence, self.base, self.ssrc = 1000, 160000, int.from_bytes(os.urandom(4), "big")
        self.elapsed_ms, self.due = 0, None

    def packet(self, form, payload, at_ms=None, marker=False):
        at_ms = self.elapsed_ms if at_ms is None else at_ms
        timestamp = self.base + at_ms * form.clock // 1000 & 0xFFFFFFFF
        second = form.payload_type | (0x80 if marker else 0)
        self.sequence += 1
        if self.random.random() >= self.loss:
            self.send(struct.pack(">BBHII", 0x80, second, self.sequence & 0xFFFF, timestamp, self.ssrc) + payload)

    def step(self, ms=FRAME_MS):
        """So long until what comes next."""
        self.elapsed_ms += ms
        return ms

    def run(self, steps):
        """In time. Who was held up goes on from there: far ends judge by the numbers in packets."""
        for ms in steps:
            now = time.monotonic()
            self.due = max(self.due or now, now - 0.05) + ms / 1000
            time.sleep(max(0, self.due - now))

    def sound_steps(self, payload=None):
        """20 ms; without a payload of silence."""
        silence = OPUS_SILENCE if self.sound.name == "opus" else b"\xff" * 160
        self.packet(self.sound, silence if payload is None else payload)
        yield self.step()

    def event_steps(self, digits):
        for digit, ms, gap_ms in digits:
            begin, code = self.elapsed_ms, DIGITS.index(digit)
            for told in range(FRAME_MS, ms, FRAME_MS):
                yield self.step()
                self.packet(self.event, self.payload(code, told), begin, told == FRAME_MS)
            yield self.step(begin + ms - self.elapsed_ms)
            for _ in range(ENDS):
                self.packet(self.event, self.payload(code, ms, True), begin)
                yield self.step()
            yield self.step(max(gap_ms - ENDS * FRAME_MS, 0))

    def payload(self, code, ms, is_end=False):
        return struct.pack(">BBH", code, (0x80 if is_end else 0) | 10, ms * self.event.clock // 1000)

    def tone_steps(self, digits):
        sound = b"".join(tone_of(digit, ms) + b"\xff" * (8 * gap_ms) for digit, ms, gap_ms in digits)
        for first in range(0, len(sound) - 159, 160):
            yield from self.sound_steps(sound[first:first + 160])

    def say(self):
        self.run(self.sound_steps())

    def press_by_events(self, digits):
        self.run(self.event_steps(digits))

    def press_by_tones(self, digits):
        self.run(self.tone_steps(digits))


def info_of(digit, ms):
    """The body of application/dtmf-relay."""
    return f"Signal={digit}\r\nDuration={ms}\r\n"


# --- hearing: what comes is a list of RTP packets; it is told as a list of (digit, ms) ---


def header_of(packet):
    """(payload type, sequence, timestamp, payload), of packets without extensions or with."""
    _, second, sequence, timestamp, _ = struct.unpack(">BBHII", packet[:12])
    start = 12 + (4 + 4 * struct.unpack(">H", packet[14:16])[0] if packet[0] & 0x10 else 0)
    return second & 0x7F, sequence, timestamp, packet[start:]


def heard_events(packets, form, needs_end=True):
    """One for each timestamp (that has an end); nothing else may come between the packets of one."""
    events, others = {}, 0
    for packet in packets:
        payload_type, _, timestamp, payload = header_of(packet)
        if payload_type != form.payload_type:
            others += 1
            continue
        code, flags, duration = struct.unpack(">BBH", payload)
        digit, _, is_over, others_then = events.get(timestamp, (DIGITS[code], 0, False, others))
        assert digit == DIGITS[code] and others == others_then, "an event is broken by something else"
        events[timestamp] = (digit, duration * 1000 // form.clock, is_over or bool(flags & 0x80), others)
    return [(digit, ms) for digit, ms, is_over, _ in events.values() if is_over or not needs_end]


class ToneFinder:
    """spandsp's detector: put(pcm) as it comes; `digits` so far."""

    _library = None

    def __init__(self):
        if not ToneFinder._library:
            library = ToneFinder._library = ctypes.CDLL("libspandsp.so.2")
            library.dtmf_rx_init.restype = ctypes.c_void_p
            library.dtmf_rx_init.argtypes = [ctypes.c_void_p] * 3
            library.dtmf_rx.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
            library.dtmf_rx_get.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
            library.dtmf_rx_free.argtypes = [ctypes.c_void_p]
        self.state, self.digits = self._library.dtmf_rx_init(None, None, None), ""

    def put(self, pcm):
        buffer = ctypes.create_string_buffer(129)
        self._library.dtmf_rx(self.state, pcm, len(pcm) // 2)
        self._library.dtmf_rx_get(self.state, buffer, 128)
        self.digits += buffer.value.decode()
        return self.digits

    def close(self):
        self._library.dtmf_rx_free(self.state)


def sound_of(packets, form):
    """The PCMU in them, in time; what is missing is silence."""
    sound, begin = bytearray(), None
    for packet in packets:
        payload_type, _, timestamp, payload = header_of(packet)
        if payload_type != form.payload_type:
            continue
        begin = timestamp if begin is None else begin
        at = timestamp - begin & 0xFFFFFFFF
        if at > 8000 * 3600:
            continue
        sound.extend(b"\xff" * (at + len(payload) - len(sound)))
        sound[at:at + len(payload)] = payload
    return audioop.ulaw2lin(bytes(sound), 2)


def loud_lengths(pcm):
    lengths, length, step = [], 0, 16 * HEARD_MS
    for first in range(0, len(pcm) + step, step):
        block = pcm[first:first + step]
        if block and audioop.rms(block, 2) > LOUD:
            length += HEARD_MS
        elif length:
            lengths.append(length)
            length = 0
    return lengths


def digits_in(pcm):
    finder = ToneFinder()
    for first in range(0, len(pcm), 320):
        finder.put(pcm[first:first + 320])
    digits = finder.put(bytes(1600))
    finder.close()
    return digits


def heard_tones(packets, form):
    pcm = sound_of(packets, form)
    digits, lengths = digits_in(pcm), loud_lengths(pcm)
    assert len(digits) == len(lengths) or not digits, (digits, lengths)
    return list(zip(digits, lengths))


def heard_info(request):
    """What an INFO says."""
    assert request.header("Content-Type") == "application/dtmf-relay", request.header("Content-Type")
    found = re.fullmatch(r"Signal=(\S+)\r\nDuration=(\d+)\r\n", request.body.decode())
    return found.group(1), int(found.group(2))
