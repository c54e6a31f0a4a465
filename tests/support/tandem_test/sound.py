"""Tones, and an ear that knows one again. Sound is 16-bit samples in the machine's byte order, mono."""

import array
import math
from operator import mul

AMPLITUDE = 8000


class Tone:
    """Of a whole number of Hz at a whole number of samples a second: a second of it is all of it."""

    def __init__(self, hz, rate_hz):
        self.hz, self.rate_hz = hz, rate_hz
        self.sine = [math.sin(2 * math.pi * hz * i / rate_hz) for i in range(rate_hz)] * 2
        self.cosine = [math.cos(2 * math.pi * hz * i / rate_hz) for i in range(rate_hz)] * 2

    def samples(self, first, n):
        start = first % self.rate_hz
        return array.array("h", [round(AMPLITUDE * one) for one in self.sine[start:start + n]]).tobytes()

    def sums(self, first, samples):
        """What a fit of the tone to the samples is made of; sums of several pieces that follow each other can be added."""
        start = first % self.rate_hz
        sine, cosine = self.sine[start:start + len(samples)], self.cosine[start:start + len(samples)]
        return (sum(map(mul, samples, sine)), sum(map(mul, samples, cosine)), sum(map(mul, samples, samples)),
                sum(map(mul, sine, sine)), sum(map(mul, cosine, cosine)), sum(map(mul, sine, cosine)), len(samples))


def fit(sums):
    """(amplitude of the tone, root mean square of all that is not the tone)"""
    with_sine, with_cosine, power, sines, cosines, mixed, n = sums
    determinant = sines * cosines - mixed * mixed
    a = (with_sine * cosines - with_cosine * mixed) / determinant
    b = (with_cosine * sines - with_sine * mixed) / determinant
    return math.hypot(a, b), math.sqrt(max(power - a * with_sine - b * with_cosine, 0) / n)


def decibel(amplitude, reference=AMPLITUDE):
    return 20 * math.log10(max(amplitude, 1e-9) / reference)


class Ear:
    """Listens for one tone. It has heard it when a stretch without a break is that tone at the level it was sent with, from one end to
    the other in one phase, and next to nothing else: who speaks or listens here may be kept from it by a busy machine, and what the
    gateway then puts in place of the missing breaks the tone, but not for long."""

    PIECE_MS = 10

    def __init__(self, tone, seconds=1.0, level_db=1.0, rest_db=-26.0):
        """`rest_db`: what may be beside the tone, against its amplitude."""
        self.tone, self.level_db, self.rest_db = tone, level_db, rest_db
        self.n_pieces = round(seconds * 1000 / self.PIECE_MS)
        self.first, self.waiting, self.pieces = 0, array.array("h"), []
        self.has_heard, self.best, self.n_good, self.n_judged = False, None, 0, 0

    def hear(self, pcm, is_continuous=True):
        if not is_continuous:
            self.waiting, self.pieces = array.array("h"), []
        self.waiting.frombytes(pcm)
        n = self.tone.rate_hz * self.PIECE_MS // 1000
        while len(self.waiting) >= n:
            self.pieces.append(self.tone.sums(self.first, self.waiting[:n]))
            self.first += n
            del self.waiting[:n]
            if len(self.pieces) >= self.n_pieces:
                self._judge([sum(column) for column in zip(*self.pieces[-self.n_pieces:])])

    def _judge(self, sums):
        amplitude, rest = fit(sums)
        level_db, rest_db = decibel(amplitude), decibel(rest, max(amplitude, 1))
        is_good = abs(level_db) < self.level_db and rest_db < self.rest_db
        self.n_judged += 1
        self.n_good += is_good
        self.has_heard |= is_good
        if self.best is None or rest_db < self.best[1]:
            self.best = (round(level_db, 2), round(rest_db, 1))

    def __str__(self):
        return (f"{self.tone.hz} Hz: {self.n_good} of {self.n_judged} stretches were good, "
                f"the purest at {self.best and self.best[0]} dB with {self.best and self.best[1]} dB beside it")
