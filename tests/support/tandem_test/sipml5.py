"""A browser telephone of 2013: sipML5 in Chrome 27, as eSpace's WebRTC client and many others used it. It has no instance, its
sent-by is everybody's, it knows MD5 and the last challenge only, and its media have keys in the description (SDES), no DTLS."""

from . import digest, sdes, sip
from .browser import Browser
from .srtp import Srtp
from .webrtc import WebRtc

SENT_BY = "df7jal23ls0d.invalid"
USER_AGENT = "IM-client/OMA1.0 sipML5-v1.2013.08.10"


class SipMl5(Browser):
    def __init__(self, host, port, user, domain, **options):
        super().__init__(host, port, user, domain, with_instance=False, **options)
        self.key = sdes.new_key()
        self.sent_by = SENT_BY
        uri = f"sip:{user}@{SENT_BY};rtcweb-breaker=no;click2call=no;transport=ws"
        self.contact = f'"{user}"<{uri}>;click2call=no;+g.oma.sip-im;+audio;language="en,fr"'

    def _dress(self, message):
        """What it says in every request."""
        message.set("Via", message.header("Via") + ";rport")
        for name, value in (("User-Agent", USER_AGENT), ("Organization", "Doubango Telecom")):
            message.set(name, value)
        if message.method in ("REGISTER", "INVITE"):
            message.set("Supported", "path")
            message.set("P-Preferred-Identity", f"<{self.aor}>")
        return message

    def request(self, method, *arguments, **options):
        return self._dress(super().request(method, *arguments, **options))

    def register_request(self, expires=200, contact=None, **options):
        return self._dress(super().register_request(expires, contact or f"{self.contact};expires={expires}", **options))

    def register(self, status=200, **options):
        return self.authorized(lambda: self.register_request(**options), status, algorithm="MD5")[1]

    def in_dialog(self, dialog, method, **options):
        return self._dress(dialog.request(method, self.via, **options))

    def offer(self):
        return sdes.browser_2013_sdp(self.key)

    def dial(self, user):
        """INVITE; the connection has proved itself."""
        return super().invite(user, self.offer(), authorized=False)

    def take(self, invite, tag):
        """180 and 200; returns the dialog."""
        self.reply(invite, 180, to_tag=tag, contact=self.contact)
        return self.answer(invite, sdes.browser_2013_sdp(self.key, invite.sdp), tag=tag)

    def prove(self, request, challenge):
        """The request again, with the answer to a 407."""
        again = request.copy().set("CSeq", f"{request.cseq[0] + 1} {request.method}")
        again.set("Via", f"SIP/2.0/{self.via};branch={sip.branch()};rport")
        return digest.authorize(again, challenge, self.user, self.password, "MD5")


class OldMedia(WebRtc):
    """Its media: ICE, and SRTP by the keys of the two descriptions."""

    def __init__(self):
        self.key, self.agreed = sdes.new_key(), None
        super().__init__()

    @property
    def keys(self):
        return self.agreed

    def describe(self, offer=None):
        path = self.paths[-1]
        return sdes.browser_2013_sdp(self.key, offer, path.port, path.ufrag, path.password)

    def hear(self, sdp, suite=sdes.SHA80):
        super().hear(sdp)
        self.agreed = Srtp(self.key), Srtp(sdes.key_of(sdp, suite))
