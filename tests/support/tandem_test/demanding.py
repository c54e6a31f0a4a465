"""A trunk's far end that asks for digest credentials with every request (RFC 7616, RFC 8760), and checks them by its own reckoning."""

import hashlib

from . import digest, sip
from .trunk import UdpTrunk

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
HEADERS = {401: ("WWW-Authenticate", "Authorization", "Authentication-Info"),
           407: ("Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info")}
NEVER_ASKED = ("ACK", "CANCEL")  # RFC 3261, section 22.1


def expected(values, algorithm, method, uri, body, username, password):
    """RFC 7616, section 3.4.1, written down once more."""
    plain, _, session = algorithm.partition("-sess") if algorithm.endswith("-sess") else (algorithm, "", None)

    def h(*parts):
        data = b":".join(part if isinstance(part, bytes) else part.encode() for part in parts)
        return hashlib.new(HASHES[plain], data).hexdigest()

    a1 = h(username, values["realm"], password)
    if session is not None:
        a1 = h(a1, values["nonce"], values["cnonce"])
    qop = values.get("qop")
    a2 = h(method, uri, h(body)) if qop == "auth-int" else h(method, uri)
    if qop is None:
        return h(a1, values["nonce"], a2)
    return h(a1, values["nonce"], values["nc"], values["cnonce"], qop, a2)


class Realm:
    """One that asks. `verdicts` is what became of each request: (method, "absent" | "unknown" | "stale" | "right" | "wrong ...")."""

    def __init__(self, name, username, password, algorithm="MD5", qop="auth", status=401, opaque=None, offers=None):
        self.name, self.username, self.password = name, username, password
        self.algorithm, self.qop, self.status, self.opaque = algorithm, qop, status, opaque
        self.offers = offers  # algorithms of several challenges; `algorithm` is the one to be chosen
        self.counts, self.cnonces = {}, set()
        self.stale_next = 0  # so many right answers are told that their nonce was old
        self.is_unwilling = False  # right answers are refused without a word of why
        self.next_nonces = False
        self.verdicts = []

    def check(self, request):
        given = [digest.parse(value) for value in request.values(HEADERS[self.status][1])]
        mine = [values for values in given if values.get("realm") == self.name]
        if not mine:
            return "absent"
        if len(mine) > 1:
            return "wrong: several answers"
        values = mine[0]
        if values["nonce"] not in self.counts:
            return "unknown"
        if values.get("algorithm") != self.algorithm or values["username"] != self.username or values["uri"] != request.uri:
            return f"wrong: {values}"
        if values.get("opaque") != self.opaque:
            return "wrong: opaque"
        wanted = None if self.qop is None else "auth" if "auth" in self.qop.split(",") else "auth-int"
        if values.get("qop") != wanted:
            return f"wrong: qop {values.get('qop')}"
        self.counts[values["nonce"]] += 1
        if wanted and int(values["nc"], 16) != self.counts[values["nonce"]]:
            return f"wrong: nc {values['nc']} where {self.counts[values['nonce']]} is next"
        if wanted and not self.algorithm.endswith("-sess") and values["cnonce"] in self.cnonces:
            return "wrong: a cnonce a second time"
        if wanted:
            self.cnonces.add(values["cnonce"])
        elif "cnonce" in values or "nc" in values:
            return "wrong: cnonce or nc without qop"
        if not wanted and self.counts[values["nonce"]] > 1:
            return "wrong: a nonce a second time without qop"
        if values["response"] != expected(values, self.algorithm, request.method, request.uri, request.body, self.username,
                                          self.password):
            return "wrong: response"
        if self.stale_next:
            self.stale_next -= 1
            del self.counts[values["nonce"]]
            return "stale"
        return "right"

    def nonce(self):
        nonce = sip.token("nonce")
        self.counts[nonce] = 0
        return nonce

    def challenges(self, stale):
        nonce = self.nonce()
        for algorithm in self.offers or [self.algorithm]:
            text = f'Digest realm="{self.name}", nonce="{nonce}", algorithm={algorithm}'
            text += f', qop="{self.qop}"' if self.qop else ""
            text += f', opaque="{self.opaque}"' if self.opaque else ""
            yield HEADERS[self.status][0], text + (", stale=true" if stale else "")


class DemandingTrunk(UdpTrunk):
    """Only what has been proven reaches the test."""

    def demand(self, *realms):
        """In this order, as proxies on a way; none: no more."""
        self.realms = realms
        return realms[0] if realms else None

    def _serve(self, message):
        if not message.is_request:
            return False
        if message.method == "ACK" and message.branch in self._asked():
            return True  # of the challenge
        if message.method in NEVER_ASKED:
            return False
        if message.branch in self._seen():
            return True  # sent again before our answer was there
        self._seen().add(message.branch)
        for realm in getattr(self, "realms", ()):
            verdict = realm.check(message)
            realm.verdicts.append((message.method, verdict))
            if verdict != "right" or realm.is_unwilling:
                self._asked().add(message.branch)
                self.reply(message, realm.status, to_tag=sip.token(), headers=list(realm.challenges(verdict == "stale")))
                return True
        return super()._serve(message)

    def _asked(self):
        return self.__dict__.setdefault("asked_branches", set())

    def _seen(self):
        return self.__dict__.setdefault("seen_branches", set())

    def reply(self, request, status, headers=(), **options):
        for realm in getattr(self, "realms", ()) if 200 <= status < 300 else ():
            if realm.next_nonces:
                headers = [*headers, (HEADERS[realm.status][2], f'nextnonce="{realm.nonce()}", qop=auth')]
        return super().reply(request, status, headers=headers, **options)
