"""A browser's media as far as a call needs it to live: ICE (RFC 8445) and the DTLS handshake, many at a time."""

import asyncio
import os
import re
import socket
import struct

from OpenSSL import SSL

from .. import dtls, media, webrtc

CHECK_INTERVAL, CHECKS_MAX = 0.3, 100


def _context():
    certificate, key, digest = dtls.certificate()
    context = SSL.Context(SSL.DTLS_METHOD)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *arguments: True)
    context.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80")
    return context, ":".join(digest[i:i + 2] for i in range(0, len(digest), 2))


class Rtc(asyncio.DatagramProtocol):
    context, fingerprint = _context()  # one certificate for all

    @classmethod
    async def open(cls):
        loop = asyncio.get_running_loop()
        transport, self = await loop.create_datagram_endpoint(cls, local_addr=("127.0.0.1", 0))
        self.loop, self.transport = loop, transport
        self.port = transport.get_extra_info("sockname")[1]
        return self

    def __init__(self):
        self.ufrag, self.password = os.urandom(4).hex(), os.urandom(16).hex()
        self.dtls = SSL.Connection(self.context, None)
        self.dtls.set_accept_state()
        self.remote = None
        self.is_offerer = False
        self.has_path = self.is_connected = False
        self.timer = None
        self.checks = 0

    def describe(self, offer=None, **options):
        self.is_offerer = self.is_offerer or not offer
        sdp = media.browser_sdp(offer, port=self.port, setup="passive" if offer else "actpass", ufrag=self.ufrag, **options)
        sdp = re.sub(r"^a=ice-pwd:.*?\r$", f"a=ice-pwd:{self.password}\r", sdp, flags=re.M)
        return re.sub(r"^a=fingerprint:.*?\r$", f"a=fingerprint:sha-256 {self.fingerprint}\r", sdp, flags=re.M)

    def hear(self, sdp):
        """The gateway's description; those after the first say nothing new here."""
        if self.remote or not sdp or "a=candidate" not in sdp:
            return
        values = {name: re.search(rf"^a={name}:(\S+)", sdp, re.M).group(1) for name in ("ice-ufrag", "ice-pwd")}
        address, port = re.search(r"^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+)", sdp, re.M | re.I).groups()
        self.remote = (values["ice-ufrag"], values["ice-pwd"], (address, int(port)))
        self._check()

    def close(self):
        if self.timer:
            self.timer.cancel()
        self.transport.close()

    def _check(self):
        self.checks += 1
        if self.has_path or self.checks > CHECKS_MAX:
            return
        ufrag, password, address = self.remote
        attributes = [(webrtc.USERNAME, f"{ufrag}:{self.ufrag}".encode()), (webrtc.PRIORITY, struct.pack(">I", 1862270975))]
        if self.is_offerer:
            attributes += [(webrtc.CONTROLLING, os.urandom(8)), (webrtc.USE_CANDIDATE, b"")]
        else:
            attributes += [(webrtc.CONTROLLED, os.urandom(8))]
        self.transport.sendto(webrtc.stun(webrtc.BINDING, os.urandom(12), attributes, password), address)
        self.timer = self.loop.call_later(CHECK_INTERVAL, self._check)

    def datagram_received(self, data, source):
        if data[0] < 4:
            self._on_stun(data, source)
        elif 20 <= data[0] < 64:
            self._on_dtls(data, source)

    def _on_stun(self, data, source):
        kind = struct.unpack(">H", data[:2])[0]
        if kind == webrtc.SUCCESS:
            self.has_path = True
        if kind != webrtc.BINDING:
            return
        port = source[1] ^ webrtc.COOKIE >> 16
        address = struct.unpack(">I", socket.inet_aton(source[0]))[0] ^ webrtc.COOKIE
        mapped = struct.pack(">BBHI", 0, 1, port, address)
        self.transport.sendto(webrtc.stun(webrtc.SUCCESS, data[8:20], [(webrtc.MAPPED, mapped)], self.password), source)

    def _on_dtls(self, data, source):
        self.dtls.bio_write(data)
        try:
            if self.is_connected:
                self.dtls.recv(4096)
            else:
                self.dtls.do_handshake()
                self.is_connected = True
        except SSL.Error:
            pass
        while True:
            try:
                flight = self.dtls.bio_read(65536)
            except SSL.Error:
                return
            for record in dtls.records(flight):
                self.transport.sendto(record, source)
