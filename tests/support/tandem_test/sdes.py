"""Far ends that put their keys into the description (SDES, RFC 4568): telephones with RTP/SAVP, and browsers of 2013."""

import base64
import os
import re

from . import media
from .srtp import KEY_AND_SALT_BYTES, Srtp

SHA80, SHA32 = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"


def new_key():
    return os.urandom(KEY_AND_SALT_BYTES)


def line(tag, key, suite=SHA80, rest=""):
    return f"a=crypto:{tag} {suite} inline:{base64.b64encode(key).decode()}{rest}"


def lines_of(sdp):
    """[(tag, suite, key and salt)] of a description."""
    found = re.findall(r"^a=crypto:(\d+) (\S+) inline:([A-Za-z0-9+/=]+)", sdp, re.M)
    return [(int(tag), suite, base64.b64decode(key)) for tag, suite, key in found]


def key_of(sdp, suite=SHA80, tag=None):
    """The key of the line with this suite (and tag)."""
    keys = [key for its_tag, its_suite, key in lines_of(sdp) if its_suite == suite and tag in (None, its_tag)]
    assert len(keys) == 1, f"no key for {suite}, tag {tag}, in {sdp}"
    return keys[0]


def profile_of(sdp):
    return re.search(r"^m=audio \d+ (\S+)", sdp, re.M).group(1)


def secured(sdp, *lines, profile="RTP/SAVP"):
    """A plain description with keys."""
    sdp = re.sub(r"^(m=audio \d+) \S+", rf"\1 {profile}", sdp, count=1, flags=re.M)
    return sdp + "".join(one + "\r\n" for one in lines)


class SecureRtp(media.Rtp):
    """An RTP port that seals what it sends with its own key and opens what it receives with the gateway's."""

    def __init__(self, **options):
        super().__init__(**options)
        self.key = new_key()
        self.sealer, self.opener = Srtp(self.key), None

    def rekey(self):
        self.key = new_key()
        self.sealer = Srtp(self.key)

    def hear(self, key):
        self.opener = Srtp(key)

    def _wrap(self, packet):
        return self.sealer.protect(packet)

    def _unwrap(self, data):
        return self.opener.unprotect(data)


# --- a browser of 2013, as sipML5 drove it ---

_CODECS = [(111, "opus/48000/2"), (103, "ISAC/16000"), (104, "ISAC/32000"), (0, "PCMU/8000"), (8, "PCMA/8000"),
           (106, "CN/32000"), (105, "CN/16000"), (13, "CN/8000"), (126, "telephone-event/8000")]


def browser_2013_sdp(key, offer=None, port=1988, ufrag=None, password=None, address="127.0.0.1"):
    """Chrome 27: RTP/SAVPF with keys, google-ice, no fingerprint. With `offer`, its answer: the first suite it knows."""
    codecs, tags = _CODECS, [line(0, new_key(), SHA32), line(1, key)]
    mid = "audio"
    if offer:
        types = re.search(r"^m=audio \d+ RTP/SAVPF (.*?)\r?$", offer, re.M).group(1).split()
        known = {name.lower() for _, name in _CODECS}
        maps = dict(re.findall(r"^a=rtpmap:(\d+) (\S+)", offer, re.M))
        codecs = [(int(number), maps[number]) for number in types if maps.get(number, "").lower() in known]
        tag = next(tag for tag, suite, _ in lines_of(offer) if suite == SHA80)
        tags = [line(tag, key)]
        found = re.search(r"^a=mid:(\S+)", offer, re.M)
        mid = found.group(1) if found else None
    ssrc = int.from_bytes(os.urandom(4), "big") or 1
    stream = os.urandom(18).hex()
    text = [
        "v=0", f"o=- {int.from_bytes(os.urandom(7), 'big')} 2 IN IP4 127.0.0.1", "s=Doubango Telecom - chrome", "t=0 0",
        *([f"a=group:BUNDLE {mid}"] if mid else []), f"a=msid-semantic: WMS {stream}",
        f"m=audio {port} RTP/SAVPF {' '.join(str(number) for number, _ in codecs)}", f"c=IN IP4 {address}",
        "a=rtcp:1 IN IP4 0.0.0.0",
        f"a=candidate:2337948804 1 udp 2113937151 {address} {port} typ host generation 0",
        f"a=candidate:2337948804 2 udp 2113937151 {address} {port} typ host generation 0",
        f"a=candidate:3319380084 1 tcp 1509957375 {address} 0 typ host generation 0",
        f"a=ice-ufrag:{ufrag or os.urandom(8).hex()}", f"a=ice-pwd:{password or os.urandom(12).hex()}",
        "a=ice-options:google-ice", "a=sendrecv", *([f"a=mid:{mid}"] if mid else []), "a=rtcp-mux", *tags,
        *[f"a=rtpmap:{number} {name}" for number, name in codecs],
        *[f"a=fmtp:{number} minptime=10" for number, name in codecs if name.lower().startswith("opus")],
        "a=maxptime:60", f"a=ssrc:{ssrc} cname:{os.urandom(8).hex()}", f"a=ssrc:{ssrc} msid:{stream} a0",
        f"a=ssrc:{ssrc} mslabel:{stream}", f"a=ssrc:{ssrc} label:{stream}a0",
    ]
    return "\r\n".join(text) + "\r\n"
