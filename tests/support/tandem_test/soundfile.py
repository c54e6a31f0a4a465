"""Sound files by libsndfile, whatever their kind: what a player makes of them."""

import ctypes
import ctypes.util
import math
import struct

WAV, OGG_OPUS, OGG_VORBIS = 0x010002, 0x200064, 0x200060
READ, WRITE = 0x10, 0x20


class _Info(ctypes.Structure):
    _fields_ = [("frames", ctypes.c_int64), ("hz", ctypes.c_int), ("channels", ctypes.c_int), ("format", ctypes.c_int),
                ("sections", ctypes.c_int), ("seekable", ctypes.c_int)]


def _library():
    library = ctypes.CDLL(ctypes.util.find_library("sndfile") or "libsndfile.so.1")
    library.sf_open.restype = ctypes.c_void_p
    library.sf_close.argtypes = [ctypes.c_void_p]
    for name in ("sf_readf_short", "sf_writef_short"):
        function = getattr(library, name)
        function.restype, function.argtypes = ctypes.c_int64, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    return library


def read(path):
    """The rate, and the samples of each channel; None: it cannot be played."""
    library, info = _library(), _Info()
    file = library.sf_open(str(path).encode(), READ, ctypes.byref(info))
    if not file:
        return None
    buffer = (ctypes.c_int16 * (info.frames * info.channels + 1))()
    count = library.sf_readf_short(file, buffer, info.frames)
    library.sf_close(file)
    samples = buffer[:count * info.channels]
    return info.hz, [samples[channel::info.channels] for channel in range(info.channels)]


def write(path, hz, samples, kind=WAV):
    """One channel."""
    library, info = _library(), _Info(hz=hz, channels=1, format=kind)
    file = library.sf_open(str(path).encode(), WRITE, ctypes.byref(info))
    assert file, path
    assert library.sf_writef_short(file, struct.pack(f"<{len(samples)}h", *samples), len(samples)) == len(samples)
    library.sf_close(file)


def tone(hz, rate, seconds, amplitude=8000, first=0):
    return [round(amplitude * math.sin(2 * math.pi * hz * (first + i) / rate)) for i in range(round(rate * seconds))]


def level(samples, rate, hz):
    """The amplitude of a frequency (Goertzel)."""
    w = 2 * math.pi * hz / rate
    c, before, last = 2 * math.cos(w), 0.0, 0.0
    for sample in samples:
        before, last = last, sample + c * last - before
    return 2 * math.sqrt(max(last * last + before * before - c * last * before, 0)) / max(len(samples), 1)


def windows(samples, rate, seconds=0.25):
    """The sound in pieces, for whoever judges the best of them: a machine that is busy makes gaps."""
    n = round(rate * seconds)
    return [samples[i:i + n] for i in range(0, len(samples) - n + 1, n)]
