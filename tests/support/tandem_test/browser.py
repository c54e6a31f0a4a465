"""A scripted SIP user agent over WebSocket (RFC 7118), one flow at a time."""

import uuid

from . import digest, media, sip
from .net import LIMIT
from .peer import Peer
from .websocket import WebSocket


class Browser(Peer):
    def __init__(self, host, port, user, domain, password=None, tls=False, path="/ws", with_instance=True, connect=True):
        super().__init__(user)
        self.host, self.port, self.tls, self.path = host, port, tls, path
        self.user, self.domain, self.password = user, domain, password
        self.aor = f"sip:{user}@{domain}"
        self.instance = f"<urn:uuid:{uuid.uuid4()}>" if with_instance else None
        self.sent_by = f"{sip.token()}.invalid"
        self.contact = f"<sip:{sip.token(user)}@{self.sent_by};transport=ws>"
        self.register_call_id = sip.token("reg")
        self.register_cseq = 0
        self.user_is_proven = False  # for tests that clean up after themselves
        self.socket = None
        if connect:
            self.connect()

    # --- the flow ---
    def connect(self, **options):
        """A new WebSocket; the old one stays open until the test closes it (keep it before)."""
        self.socket = WebSocket(self.host, self.port, self.path, self.tls, **options)
        return self.socket

    def reconnect(self, reset=False):
        self.socket.drop(reset)
        return self.connect()

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    @property
    def via(self):
        return f"{'WSS' if self.tls else 'WS'} {self.sent_by}"

    def _write(self, message):
        data = message.encode()
        self.socket.send(data.decode() if data.isascii() else data)

    def _read(self, timeout):
        while True:
            data = self.socket.receive(timeout)
            if data.strip():
                return sip.Message.parse(data)

    # --- requests ---
    def request(self, method, uri=None, to=None, **options):
        options.setdefault("contact", self.contact if method in ("REGISTER", "INVITE", "SUBSCRIBE") else None)
        uri = uri or f"sip:{self.domain}"
        return sip.request(method, uri, f"<{self.aor}>;tag={sip.token()}", f"<{to or uri}>", self.via, **options)

    def register_request(self, expires=None, contact=None, reg_id=1, headers=()):
        """`contact` is a whole header value; None: ours, with instance and reg-id."""
        self.register_cseq += 1
        if contact is None:
            contact = self.contact
            if self.instance:
                contact += f';+sip.instance="{self.instance}"' + (f";reg-id={reg_id}" if reg_id else "")
        extra = [("Supported", "path, outbound")] + list(headers)
        if expires is not None:
            extra.append(("Expires", expires))
        return sip.request("REGISTER", f"sip:{self.domain}", f"<{self.aor}>;tag={sip.token()}", f"<{self.aor}>", self.via,
                           self.register_call_id, self.register_cseq, contact or None, headers=extra)

    def authorized(self, make_request, status=None, algorithm=None, timeout=LIMIT):
        """Sends what make_request() makes; answers one challenge with a new request. Returns request and response."""
        request = make_request()
        response = self.ask(request, timeout=timeout)
        if response.status in (401, 407) and self.password is not None:
            if request.method == "INVITE":
                self.send(sip.ack_of_failure(request, response))
            again = make_request()
            if again.call_id != request.call_id:
                again.set("Call-ID", request.call_id).set("CSeq", f"{request.cseq[0] + 1} {request.method}")
                again.set("From", request.header("From"))
            request = digest.authorize(again, response, self.user, self.password, algorithm)
            response = self.ask(request, timeout=timeout)
        if status is not None:
            assert response.status == status, f"{self.name}: {response.start}, not {status}"
        return request, response

    def register(self, status=200, **options):
        return self.authorized(lambda: self.register_request(**options), status)[1]

    def unregister(self):
        return self.register(expires=0)

    # --- calls ---
    def invite(self, to, body=None, authorized=True, headers=()):
        """Sends an INVITE to a number or user and sees to the 407 where there is one. Returns the INVITE that is on its
        way; what comes of it is the test's to expect. `body` b'': no offer."""
        uri = to if to.startswith("sip:") else f"sip:{to}@{self.domain}"
        offer = media.browser_sdp() if body is None else body
        request = self.send(self.request("INVITE", uri, body=offer, headers=headers))
        if not authorized or self.password is None:
            return request
        first = self.wait_for(lambda m: not m.is_request and m.branch == request.branch and m.cseq[1] == "INVITE",
                              "response to INVITE")
        if first.status not in (401, 407):
            self.inbox.insert(0, first)
            return request
        self.send(sip.ack_of_failure(request, first))
        again = request.copy().set("CSeq", "2 INVITE")
        again.set("Via", f"SIP/2.0/{self.via};branch={sip.branch()}")
        return self.send(digest.authorize(again, first, self.user, self.password))

    def answered(self, invite, timeout=LIMIT):
        """Waits for the 200, sends the ACK, returns (dialog, response)."""
        response = self.expect_response(invite, 200, timeout)
        dialog = sip.Dialog.as_caller(invite, response)
        self.send(dialog.request("ACK", self.via, cseq=invite.cseq[0]))
        return dialog, response

    def answer(self, invite, body=None, status=200, tag=None, **options):
        """Answers a received INVITE with SDP; returns the dialog. The ACK is the test's to expect. `tag`: the To tag of
        the provisional answers before, if there were any."""
        tag = tag or sip.token("t")
        sdp = media.browser_sdp(invite.sdp) if body is None else body
        self.reply(invite, status, to_tag=tag, contact=self.contact, body=sdp, **options)
        return sip.Dialog.as_callee(invite, tag, self.contact)

    def in_dialog(self, dialog, method, **options):
        return dialog.request(method, self.via, **options)

    def bye(self, dialog, status=200):
        return self.ask(self.in_dialog(dialog, "BYE"), status)
