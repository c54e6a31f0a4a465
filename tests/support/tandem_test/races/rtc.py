"""A browser's media as far as a call needs it to live: ICE (RFC 8445) and the DTLS handshake, many at a time."""

import asyncio

from OpenSSL import SSL

from .. import dtls, webrtc

CHECK_INTERVAL, CHECKS_MAX = 0.3, 100


class Rtc(asyncio.DatagramProtocol):
    identity = dtls.Identity()  # one certificate for all

    @classmethod
    async def open(cls):
        loop = asyncio.get_running_loop()
        transport, self = await loop.create_datagram_endpoint(cls, local_addr=("127.0.0.1", 0))
        self.loop, self.transport = loop, transport
        self.port = transport.get_extra_info("sockname")[1]
        return self

    def __init__(self):
        self.ice = webrtc.Ice(lambda data, address: self.transport.sendto(data, address))
        self.ice.is_controlling = False  # until it offers
        self.dtls = dtls.Dtls(self.identity, lambda record: self.transport.sendto(record, self.dtls_from))
        self.dtls_from = None  # where the far end's last word came from
        self.timer = None
        self.checks = 0

    def describe(self, offer=None, **options):
        self.ice.is_controlling = self.ice.is_controlling or not offer
        return webrtc.description(self.ice, self.identity.fingerprint, self.port, offer, **options)

    def hear(self, sdp):
        """The gateway's description; those after the first say nothing new here."""
        if self.ice.remote or not sdp or "a=candidate" not in sdp:
            return
        self.ice.remote = webrtc.far_end(sdp)
        self._check()

    def close(self):
        if self.timer:
            self.timer.cancel()
        self.transport.close()

    def _check(self):
        self.checks += 1
        if self.ice.is_valid.is_set() or self.checks > CHECKS_MAX:
            return
        self.ice.check()
        self.timer = self.loop.call_later(CHECK_INTERVAL, self._check)

    def datagram_received(self, data, source):
        if data[0] < 4:
            self.ice.answer(data, source)
        elif dtls.is_dtls(data):
            self.dtls_from = source
            try:
                self.dtls.take(data)
            except SSL.Error:
                pass
