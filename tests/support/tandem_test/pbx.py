"""The far end of a trunk that is a registrar too: it asks for digest credentials and remembers who is where. REGISTER is answered on the
reader's thread, so that a test may wait for a browser meanwhile; all else is the test's, as with any trunk."""

import threading

from . import digest, sip
from .trunk import TcpTrunk, UdpTrunk

REALM = "pbx.test"


class Registrar:
    """Mixed into a trunk."""

    def start_registrar(self, passwords, realm=REALM, expires=3600, min_expires=1):
        self.passwords, self.realm = passwords, realm
        self.expires, self.min_expires = expires, min_expires
        self.nonces = set()
        self.nonce_lives = None  # uses of a nonce until it is stale; None: for ever
        self.uses = {}
        self.bindings = {}  # user -> {contact URI: expires}
        self.sequences = {}  # (contact, Call-ID): the last CSeq (RFC 3261, section 10.3)
        self.registers = []  # (REGISTER, status), as answered
        self.answers = True
        self.loses_answers = 0  # so many of the next answers are lost
        self.refuses = None  # (status, reason): to whomever
        self.extra = []  # headers of the 200
        self.changed = threading.Condition()
        self.is_registrar = True

    def _incoming(self, data, source):
        message = sip.Message.parse(data) if data.strip() else None
        if message is None or not getattr(self, "is_registrar", False) or not message.is_request or message.method != "REGISTER":
            super()._incoming(data, source)
            return
        message.source = source
        if self.answers and not self.drops_received(message):
            self._through(lambda: self._register(message))

    def _register(self, message):
        with self.changed:
            status, options = self._decide(message)
            self.registers.append((message, status))
            self.changed.notify_all()
        if self.loses_answers:
            self.loses_answers -= 1
            return
        self.reply(message, status, to_tag=sip.token(), **options)

    def _challenge(self, stale=False):
        nonce = sip.token("nonce")
        self.nonces.add(nonce)
        more = ", stale=true" if stale else ""
        return 401, {"headers": [("WWW-Authenticate",
                                  f'Digest realm="{self.realm}", nonce="{nonce}", opaque="o-{nonce}", algorithm=MD5, qop="auth"{more}')]}

    def _decide(self, message):
        user = sip.uri_of(message.header("To")).split(":", 1)[1].split("@")[0]
        if self.refuses:
            return self.refuses[0], {"reason": self.refuses[1]}
        given = message.header("Authorization")
        if not given:
            return self._challenge()
        values = digest.parse(given)
        nonce = values["nonce"]
        if nonce not in self.nonces:
            return self._challenge(stale=True)
        if values["username"] != user or not self._is_right(message, values):
            return self._challenge()
        self.uses[nonce] = self.uses.get(nonce, 0) + 1
        if self.nonce_lives is not None and self.uses[nonce] > self.nonce_lives:
            self.nonces.discard(nonce)
            return self._challenge(stale=True)
        return self._bind(message, user)

    def _is_right(self, message, values):
        password = self.passwords.get(values["username"])
        if password is None or values["uri"] != message.uri or values["realm"] != self.realm:
            return False
        challenge = f'Digest realm="{values["realm"]}", nonce="{values["nonce"]}", algorithm={values.get("algorithm", "MD5")}'
        expected = digest.answer(challenge, message.method, values["uri"], values["username"], password,
                                 int(values.get("nc", "1"), 16), values.get("cnonce"), values.get("qop"))
        return digest.parse(expected)["response"] == values["response"]

    def _bind(self, message, user):
        contacts, bound = message.values("Contact"), self.bindings.setdefault(user, {})
        if any(message.cseq[0] < self.sequences.get((sip.uri_of(contact), message.call_id), 0) for contact in contacts):
            return 500, {"reason": "CSeq Is Out Of Order"}
        for contact in contacts:
            self.sequences[sip.uri_of(contact), message.call_id] = message.cseq[0]
            seconds = int(sip.parameter(contact, "expires") or message.header("Expires") or 3600)
            if 0 < seconds < self.min_expires:
                return 423, {"headers": [("Min-Expires", str(self.min_expires))]}
            bound.pop(sip.uri_of(contact), None)
            if seconds:
                bound[sip.uri_of(contact)] = min(seconds, self.expires)
        if not bound:
            del self.bindings[user]
        return 200, {"headers": [("Contact", f"<{uri}>;expires={left}") for uri, left in bound.items()] + self.extra}

    # --- for tests ---
    def wait_until(self, condition, what, timeout=10):
        with self.changed:
            assert self.changed.wait_for(condition, timeout), f"{self.name}: not {what}: {self.bindings} {self.registers}"

    def wait_bound(self, user, timeout=10):
        """The one contact of the user."""
        self.wait_until(lambda: len(self.bindings.get(user, ())) == 1, f"one contact of {user}", timeout)
        return next(iter(self.bindings[user]))

    def wait_unbound(self, user, timeout=10):
        self.wait_until(lambda: user not in self.bindings, f"{user} gone", timeout)

    def forget(self):
        """A restart with an empty memory."""
        with self.changed:
            self.bindings.clear()
            self.nonces.clear()

    def call(self, contact, number, domain, body, **options):
        """An INVITE to a registered contact; To is what was dialled."""
        return self.send(sip.request("INVITE", contact, f"<sip:5551234@{domain}>;tag={sip.token()}", f"<sip:{number}@{domain}>",
                                     self.via, contact=self.contact, body=body, **options))

    def challenge_call(self, invite):
        """407 to an INVITE; takes the ACK."""
        nonce = sip.token("nonce")
        self.nonces.add(nonce)
        self.reply(invite, 407, to_tag=sip.token(), headers=[
            ("Proxy-Authenticate", f'Digest realm="{self.realm}", nonce="{nonce}", algorithm=MD5, qop="auth"')])
        self.expect_request("ACK", invite.call_id)
        return nonce

    def is_proven(self, request, user):
        given = request.header("Proxy-Authorization")
        if not given:
            return False
        values = digest.parse(given)
        return values["username"] == user and values["nonce"] in self.nonces and self._is_right(request, values)


class UdpPbx(Registrar, UdpTrunk):
    pass


class TcpPbx(Registrar, TcpTrunk):
    pass
