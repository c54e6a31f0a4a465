"""SRTP with AES_CM_128_HMAC_SHA1_80 (RFC 3711): the far end of an encrypted leg."""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY_BYTES, SALT_BYTES, TAG_BYTES = 16, 14, 10
KEY_AND_SALT_BYTES = KEY_BYTES + SALT_BYTES
LABEL_CIPHER, LABEL_AUTH, LABEL_SALT = 0, 1, 2
LABEL_RTCP = 3  # added to each
ENCRYPTED = 1 << 31


def _key_stream(key, counter, length):
    return Cipher(algorithms.AES(key), modes.CTR(counter.to_bytes(16, "big"))).encryptor().update(bytes(length))


def _derive(key, salt, label, length):
    """Section 4.3.1, key derivation rate 0."""
    return _key_stream(key, (int.from_bytes(salt, "big") ^ label << 48) << 16, length)


def header_length(packet):
    length = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10:
        length += 4 + 4 * struct.unpack(">H", packet[length + 2:length + 4])[0]
    return length


class Srtp:
    """One direction: master key and salt, and the rollover counter of each SSRC."""

    def __init__(self, key_and_salt):
        key, salt = key_and_salt[:KEY_BYTES], key_and_salt[KEY_BYTES:KEY_AND_SALT_BYTES]
        self.cipher = _derive(key, salt, LABEL_CIPHER, KEY_BYTES)
        self.auth = _derive(key, salt, LABEL_AUTH, 20)
        self.salt = int.from_bytes(_derive(key, salt, LABEL_SALT, SALT_BYTES), "big")
        self.highest = {}
        self.rtcp_cipher = _derive(key, salt, LABEL_RTCP + LABEL_CIPHER, KEY_BYTES)
        self.rtcp_auth = _derive(key, salt, LABEL_RTCP + LABEL_AUTH, 20)
        self.rtcp_salt = int.from_bytes(_derive(key, salt, LABEL_RTCP + LABEL_SALT, SALT_BYTES), "big")
        self.rtcp_index = 0

    def _index(self, ssrc, sequence):
        """Section 3.3.1."""
        if ssrc not in self.highest:
            return sequence
        rollovers, last = divmod(self.highest[ssrc], 1 << 16)
        return min(((rollovers + step << 16) + sequence for step in (-1, 0, 1) if rollovers + step >= 0),
                   key=lambda index: abs(index - self.highest[ssrc]))

    def _crypt(self, packet, ssrc, index):
        start = header_length(packet)
        counter = (self.salt << 16) ^ (ssrc << 64) ^ (index << 16)
        stream = _key_stream(self.cipher, counter, len(packet) - start)
        return packet[:start] + bytes(a ^ b for a, b in zip(packet[start:], stream))

    def _tag(self, packet, index):
        return hmac.new(self.auth, packet + struct.pack(">I", index >> 16), hashlib.sha1).digest()[:TAG_BYTES]

    def protect(self, packet):
        sequence, ssrc = struct.unpack(">H", packet[2:4])[0], struct.unpack(">I", packet[8:12])[0]
        index = self._index(ssrc, sequence)
        self.highest[ssrc] = max(index, self.highest.get(ssrc, 0))
        packet = self._crypt(packet, ssrc, index)
        return packet + self._tag(packet, index)

    def unprotect(self, packet):
        """ValueError when it is not authentic."""
        packet, tag = packet[:-TAG_BYTES], packet[-TAG_BYTES:]
        if len(packet) < 12:
            raise ValueError("too short for SRTP")
        sequence, ssrc = struct.unpack(">H", packet[2:4])[0], struct.unpack(">I", packet[8:12])[0]
        index = self._index(ssrc, sequence)
        if not hmac.compare_digest(tag, self._tag(packet, index)):
            raise ValueError("SRTP not authentic")
        self.highest[ssrc] = max(index, self.highest.get(ssrc, 0))
        return self._crypt(packet, ssrc, index)

    def _crypt_rtcp(self, packet, index):
        ssrc = struct.unpack(">I", packet[4:8])[0]
        counter = (self.rtcp_salt << 16) ^ (ssrc << 64) ^ (index << 16)
        stream = _key_stream(self.rtcp_cipher, counter, len(packet) - 8)
        return packet[:8] + bytes(a ^ b for a, b in zip(packet[8:], stream))

    def protect_rtcp(self, packet):
        """Section 3.4."""
        self.rtcp_index += 1
        packet = self._crypt_rtcp(packet, self.rtcp_index) + struct.pack(">I", ENCRYPTED | self.rtcp_index)
        return packet + hmac.new(self.rtcp_auth, packet, hashlib.sha1).digest()[:TAG_BYTES]

    def unprotect_rtcp(self, packet):
        """ValueError when it is not authentic."""
        packet, tag = packet[:-TAG_BYTES], packet[-TAG_BYTES:]
        if len(packet) < 12 or not hmac.compare_digest(tag, hmac.new(self.rtcp_auth, packet, hashlib.sha1).digest()[:TAG_BYTES]):
            raise ValueError("SRTCP not authentic")
        return self._crypt_rtcp(packet[:-4], struct.unpack(">I", packet[-4:])[0] & ~ENCRYPTED)
