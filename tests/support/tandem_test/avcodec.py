"""Speech codecs of libavcodec 59 (FFmpeg 5): for most, other code than what the gateway's plugins are made of. What its structs hold
where stays the same as long as the library's number does."""

import array
import ctypes
import functools
from ctypes import byref, c_char_p, c_int, c_int64, c_void_p

PARAMETERS = {"type": 0, "id": 4, "format": 28, "bit_rate": 32, "bits_per_sample": 40, "rate": 116, "layout": 144}
FRAME = {"data": 0, "n_samples": 112, "format": 116, "rate": 208, "layout": 448}
PACKET = {"data": 24, "size": 32}
CODEC_ID = 20
AUDIO, S16, FLOATS, S16_PLANAR, FLOATS_PLANAR = 1, 1, 3, 6, 8


@functools.lru_cache(None)
def _libraries():
    codec, util = ctypes.CDLL("libavcodec.so.59"), ctypes.CDLL("libavutil.so.57")
    for library, names in ((codec, ("avcodec_find_decoder_by_name", "avcodec_find_encoder_by_name", "avcodec_alloc_context3",
                                    "avcodec_parameters_alloc", "av_packet_alloc")), (util, ("av_frame_alloc",))):
        for name in names:
            getattr(library, name).restype = c_void_p
    util.av_log_set_level(-8)
    return codec, util


def _check(status):
    assert status >= 0, f"libavcodec: {status}"


def _at(kind, pointer, offset):
    return kind.from_address(pointer.value + offset)


class _Coder:
    def __init__(self, find, name, rate_hz, bit_rate=0, bits_per_sample=0):
        self.codec, self.util = _libraries()
        self.rate_hz = rate_hz
        found = c_void_p(getattr(self.codec, find)(c_char_p(name.encode())))
        assert found, f"libavcodec has no {name}"
        self.context, parameters = c_void_p(self.codec.avcodec_alloc_context3(found)), c_void_p(self.codec.avcodec_parameters_alloc())
        values = {"type": AUDIO, "id": _at(c_int, found, CODEC_ID).value, "format": S16, "bits_per_sample": bits_per_sample, "rate": rate_hz}
        for field, value in values.items():
            _at(c_int, parameters, PARAMETERS[field]).value = value
        _at(c_int64, parameters, PARAMETERS["bit_rate"]).value = bit_rate
        self.util.av_channel_layout_default(c_void_p(parameters.value + PARAMETERS["layout"]), 1)
        _check(self.codec.avcodec_parameters_to_context(self.context, parameters))
        self.codec.avcodec_parameters_free(byref(parameters))
        _check(self.codec.avcodec_open2(self.context, found, None))
        self.packet, self.frame = c_void_p(self.codec.av_packet_alloc()), c_void_p(self.util.av_frame_alloc())

    def __del__(self):
        self.codec.avcodec_free_context(byref(self.context))
        self.codec.av_packet_free(byref(self.packet))
        self.util.av_frame_free(byref(self.frame))


class Encoder(_Coder):
    def __init__(self, name, rate_hz, bit_rate=0):
        super().__init__("avcodec_find_encoder_by_name", name, rate_hz, bit_rate)

    def __call__(self, pcm):
        _at(c_int, self.frame, FRAME["n_samples"]).value = len(pcm) // 2
        _at(c_int, self.frame, FRAME["format"]).value = S16
        _at(c_int, self.frame, FRAME["rate"]).value = self.rate_hz
        self.util.av_channel_layout_default(c_void_p(self.frame.value + FRAME["layout"]), 1)
        _check(self.util.av_frame_get_buffer(self.frame, 0))
        ctypes.memmove(_at(c_void_p, self.frame, FRAME["data"]).value, pcm, len(pcm))
        _check(self.codec.avcodec_send_frame(self.context, self.frame))
        self.util.av_frame_unref(self.frame)
        _check(self.codec.avcodec_receive_packet(self.context, self.packet))
        size = _at(c_int, self.packet, PACKET["size"]).value
        payload = ctypes.string_at(_at(c_void_p, self.packet, PACKET["data"]).value, size)
        self.codec.av_packet_unref(self.packet)
        return payload


class Decoder(_Coder):
    def __init__(self, name, rate_hz, bits_per_sample=0):
        super().__init__("avcodec_find_decoder_by_name", name, rate_hz, bits_per_sample=bits_per_sample)

    def __call__(self, payload):
        _check(self.codec.av_new_packet(self.packet, len(payload)))
        ctypes.memmove(_at(c_void_p, self.packet, PACKET["data"]).value, payload, len(payload))
        _check(self.codec.avcodec_send_packet(self.context, self.packet))
        self.codec.av_packet_unref(self.packet)
        _check(self.codec.avcodec_receive_frame(self.context, self.frame))
        n, kind = (_at(c_int, self.frame, FRAME[field]).value for field in ("n_samples", "format"))
        is_float = kind in (FLOATS, FLOATS_PLANAR)
        assert is_float or kind in (S16, S16_PLANAR), kind
        data = ctypes.string_at(_at(c_void_p, self.frame, FRAME["data"]).value, n * (4 if is_float else 2))
        self.util.av_frame_unref(self.frame)
        if is_float:
            data = array.array("h", [max(-32768, min(32767, round(32768 * one))) for one in array.array("f", data)]).tobytes()
        return data
