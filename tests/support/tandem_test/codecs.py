"""Codecs as scripted peers have them: by the libraries themselves, without the gateway's plugins; what it encodes is decoded by other
code than its own where there is some (libavcodec). A library is loaded by whoever first encodes or decodes with it: OSError says that it
is not there."""

import array
import audioop
import ctypes
import dataclasses
import functools
import sys
from ctypes import byref, c_char_p, c_int, c_void_p

from . import avcodec


@dataclasses.dataclass(frozen=True)
class Codec:
    """What stands in SDP, and how to make encoders and decoders: functions from sound to a payload and back, each with a memory of
    its own where the codec has one."""

    encoding: str
    payload_type: int
    encoder: object
    decoder: object
    clock_hz: int = 8000
    pcm_hz: int = 0  # 0: the clock's
    channels: int = 1
    fmtp: str = ""
    frame_ms: int = 20  # of what the gateway sends, if nobody asks for another
    rest_db: float = -26.0  # what a tone may have beside it, see sound.Ear
    name: str = ""  # of the plugin, without "codec_"

    def __post_init__(self):
        object.__setattr__(self, "pcm_hz", self.pcm_hz or self.clock_hz)

    @property
    def rtpmap(self):
        return f"{self.encoding}/{self.clock_hz}" + (f"/{self.channels}" if self.channels > 1 else "")

    def __str__(self):
        return f"{self.encoding}/{self.clock_hz}" + ("-aligned" if "octet-align=1" in self.fmtp else "")


@functools.lru_cache(None)
def _library(name, *with_pointers):
    library = ctypes.CDLL(name)
    for function in with_pointers:
        getattr(library, function).restype = c_void_p
    return library


def _frames(data, n_bytes):
    return [data[i:i + n_bytes] for i in range(0, len(data), n_bytes)]


def _each(make, n_bytes):
    """A coder for several frames at once, made of one for a single frame."""

    def made():
        one = make()
        return lambda data: b"".join(map(one, _frames(data, n_bytes)))

    return made


# --- G.711, L16 ---
def _alone(function):
    return lambda: lambda data: function(data, 2)


def _swap():
    def swapped(data):
        samples = array.array("h", data)
        if sys.byteorder == "little":
            samples.byteswap()
        return samples.tobytes()

    return swapped


def _l16(clock_hz, payload_type, frame_ms=20):
    return Codec("L16", payload_type, _swap, _swap, clock_hz, frame_ms=frame_ms, name="l16")


# --- G.726 ---
# libavcodec lets the predictor's zeros leak by 2^-8 at 40 kbit/s too, where the recommendation has 2^-9: 5 dB off for a tone.
def _g726_by_spandsp(is_left):
    def encoder():
        spandsp, out = _library("libspandsp.so.2", "g726_init"), ctypes.create_string_buffer(1500)
        state = c_void_p(spandsp.g726_init(None, 40000, 0, 1 if is_left else 2))
        return lambda pcm: _written(out, spandsp.g726_encode(state, out, c_char_p(pcm), len(pcm) // 2))

    def decoder():
        spandsp, out = _library("libspandsp.so.2", "g726_init"), ctypes.create_string_buffer(4800)
        state = c_void_p(spandsp.g726_init(None, 40000, 0, 1 if is_left else 2))
        return lambda payload: _written(out, 2 * spandsp.g726_decode(state, out, c_char_p(payload), len(payload)))

    return encoder, decoder


def _g726_by_libavcodec(bits, is_left):
    name = "g726" if is_left else "g726le"
    return lambda: avcodec.Encoder(name, 8000, 8000 * bits), lambda: avcodec.Decoder(name, 8000, bits)


def _g726(bits, is_left):
    coders = _g726_by_spandsp(is_left) if bits == 5 else _g726_by_libavcodec(bits, is_left)
    return Codec(f"{'AAL2-' if is_left else ''}G726-{8 * bits}", 100 + bits, *coders, rest_db=-15 if bits == 2 else -20, name="g726")


def _written(out, n):
    assert n > 0, f"the library says {n}"
    return out.raw[:n]


# --- Opus ---
def _opus_encoder():
    opus, error, out = _library("libopus.so.0", "opus_encoder_create"), c_int(), ctypes.create_string_buffer(1500)
    state = c_void_p(opus.opus_encoder_create(48000, 1, 2048, byref(error)))
    opus.opus_encoder_ctl(state, 4010, c_int(3))  # complexity
    return lambda pcm: _written(out, opus.opus_encode(state, c_char_p(pcm), len(pcm) // 2, out, len(out)))


def _opus_decoder():
    opus, error, out = _library("libopus.so.0", "opus_decoder_create"), c_int(), ctypes.create_string_buffer(2 * 5760)
    state = c_void_p(opus.opus_decoder_create(48000, 1, byref(error)))
    return lambda payload: _written(out, 2 * opus.opus_decode(state, c_char_p(payload), len(payload), out, 5760, 0))


# --- GSM, G.729 ---
def _gsm_encoder():
    gsm, out = _library("libgsm.so.1", "gsm_create"), ctypes.create_string_buffer(33)
    state = c_void_p(gsm.gsm_create())

    def encode(pcm):
        gsm.gsm_encode(state, c_char_p(pcm), out)
        return out.raw

    return encode


def _g729_encoder():
    bcg729, out, n = _library("libbcg729.so.0", "initBcg729EncoderChannel"), ctypes.create_string_buffer(10), ctypes.c_uint8()
    state = c_void_p(bcg729.initBcg729EncoderChannel(0))

    def encode(pcm):
        bcg729.bcg729Encoder(state, c_char_p(pcm), out, byref(n))
        return out.raw[:n.value]

    return encode


# --- Speex ---
def _speex_bits(speex):
    bits = ctypes.create_string_buffer(64)  # struct SpeexBits
    speex.speex_bits_init(bits)
    return bits


def _speex(clock_hz, payload_type, mode):
    functions = ("speex_lib_get_mode", "speex_encoder_init", "speex_decoder_init")

    def encoder():
        speex, out = _library("libspeex.so.1", *functions), ctypes.create_string_buffer(400)
        bits, state = _speex_bits(speex), c_void_p(speex.speex_encoder_init(c_void_p(speex.speex_lib_get_mode(mode))))
        speex.speex_encoder_ctl(state, 4, byref(c_int(8)))  # quality

        def encode(pcm):
            speex.speex_bits_reset(bits)
            for frame in _frames(pcm, clock_hz // 50 * 2):
                speex.speex_encode_int(state, ctypes.create_string_buffer(frame, len(frame)), bits)
            speex.speex_bits_insert_terminator(bits)
            return _written(out, speex.speex_bits_write(bits, out, len(out)))

        return encode

    def decoder():
        speex, out = _library("libspeex.so.1", *functions), ctypes.create_string_buffer(clock_hz // 50 * 2)
        bits, state = _speex_bits(speex), c_void_p(speex.speex_decoder_init(c_void_p(speex.speex_lib_get_mode(mode))))

        def decode(payload):
            speex.speex_bits_read_from(bits, c_char_p(payload), len(payload))
            frames = []
            while speex.speex_bits_remaining(bits) > 4 and speex.speex_decode_int(state, bits, out) == 0:
                frames.append(out.raw)
            return b"".join(frames)

        return decode

    return Codec("speex", payload_type, encoder, decoder, clock_hz, rest_db=-12, name="speex")


# --- AMR (payloads: RFC 4867, sections 4.3 and 4.4) ---
NO_REQUEST, HAS_MORE = 15, 0x80
FRAME_BITS = {8000: [95, 103, 118, 134, 148, 159, 204, 244, 39], 16000: [132, 177, 253, 285, 317, 365, 397, 461, 477, 40]}


def _amr_pack(frames, clock_hz, is_aligned):
    """`frames`: each an octet of type and quality, and whole octets of sound behind it, as files have them."""
    heads = [frame[0] | HAS_MORE for frame in frames[:-1]] + [frames[-1][0]]
    if is_aligned:
        return bytes([NO_REQUEST << 4] + heads) + b"".join(frame[1:] for frame in frames)
    bits = f"{NO_REQUEST:04b}" + "".join(f"{head >> 2:06b}" for head in heads)
    for frame in frames:
        bits += "".join(f"{octet:08b}" for octet in frame[1:])[:FRAME_BITS[clock_hz][frame[0] >> 3 & 15]]
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _amr_unpack(payload, clock_hz, is_aligned):
    bits, at, heads, frames = "".join(f"{octet:08b}" for octet in payload), 8 if is_aligned else 4, [], []
    while not heads or heads[-1] & HAS_MORE:
        heads.append(int(bits[at:at + 6], 2) << 2)
        at += 8 if is_aligned else 6
    for head in heads:
        n = FRAME_BITS[clock_hz][head >> 3 & 15]
        sound = bits[at:at + n] + "0" * (-n % 8)
        frames.append(bytes([head & 0x7C]) + int(sound, 2).to_bytes(len(sound) // 8, "big"))
        at += len(sound) if is_aligned else n
    assert 0 <= len(bits) - at < 8, "the payload has another length than its frames"
    return frames


# By the library that the plugin has too: libavcodec's decoders take 2 to 4 dB from a tone.
def _amr_encoder(clock_hz):
    is_wide, out = clock_hz == 16000, ctypes.create_string_buffer(64)
    if is_wide:
        amr = _library("libvo-amrwbenc.so.0", "E_IF_init")
        state, encode, mode = c_void_p(amr.E_IF_init()), amr.E_IF_encode, 2
    else:
        amr = _library("libopencore-amrnb.so.0", "Encoder_Interface_init", "Decoder_Interface_init")
        state, encode, mode = c_void_p(amr.Encoder_Interface_init(0)), amr.Encoder_Interface_Encode, 7
    return lambda pcm: _written(out, encode(state, mode, c_char_p(pcm), out, 0))


def _amr_decoder(clock_hz):
    is_wide, out = clock_hz == 16000, ctypes.create_string_buffer(clock_hz // 50 * 2)
    if is_wide:
        amr = _library("libopencore-amrwb.so.0", "D_IF_init")
        state, decode = c_void_p(amr.D_IF_init()), amr.D_IF_decode
    else:
        amr = _library("libopencore-amrnb.so.0", "Encoder_Interface_init", "Decoder_Interface_init")
        state, decode = c_void_p(amr.Decoder_Interface_init()), amr.Decoder_Interface_Decode

    def decoded(frame):
        decode(state, c_char_p(frame), out, 0)
        return out.raw

    return decoded


def _amr(clock_hz, payload_type, is_aligned):
    def encoder():
        encode = _amr_encoder(clock_hz)
        return lambda pcm: _amr_pack([encode(frame) for frame in _frames(pcm, clock_hz // 50 * 2)], clock_hz, is_aligned)

    def decoder():
        decode = _amr_decoder(clock_hz)
        return lambda payload: b"".join(map(decode, _amr_unpack(payload, clock_hz, is_aligned)))

    return Codec("AMR-WB" if clock_hz == 16000 else "AMR", payload_type, encoder, decoder, clock_hz,
                 fmtp="octet-align=1" if is_aligned else "", rest_db=-12, name="amr")


OPUS = Codec("opus", 111, _opus_encoder, _opus_decoder, 48000, channels=2, fmtp="minptime=10;useinbandfec=1",
             rest_db=-17, name="opus")
PCMU = Codec("PCMU", 0, _alone(audioop.lin2ulaw), _alone(audioop.ulaw2lin), name="g711")
PCMA = Codec("PCMA", 8, _alone(audioop.lin2alaw), _alone(audioop.alaw2lin), name="g711")
G722 = Codec("G722", 9, lambda: avcodec.Encoder("g722", 16000), lambda: avcodec.Decoder("g722", 16000), pcm_hz=16000, name="g722")
GSM = Codec("GSM", 3, _each(_gsm_encoder, 320), _each(lambda: avcodec.Decoder("gsm", 8000), 33), rest_db=-12, name="gsm")
G729 = Codec("G729", 18, _each(_g729_encoder, 160), _each(lambda: avcodec.Decoder("g729", 8000), 10), fmtp="annexb=no", rest_db=-12,
             name="g729")
G723 = Codec("G723", 4, _each(lambda: avcodec.Encoder("g723_1", 8000, 6300), 480), _each(lambda: avcodec.Decoder("g723_1", 8000), 24),
             fmtp="annexa=no", frame_ms=30, rest_db=-12, name="g723")

TELEPHONE = [PCMU, PCMA, G722, *(_g726(bits, is_left) for is_left in (False, True) for bits in (2, 3, 4, 5)), GSM,
             _l16(8000, 112), _l16(16000, 113), _l16(44100, 11, 10), _l16(48000, 114, 10),
             _speex(8000, 115, 0), _speex(16000, 116, 1), _speex(32000, 117, 2),
             *(_amr(clock_hz, 118 + clock_hz // 8000 + is_aligned, is_aligned) for clock_hz in (8000, 16000) for is_aligned in (False, True)),
             G729, G723]
