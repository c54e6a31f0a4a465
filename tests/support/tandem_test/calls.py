"""A call through the gateway, with both of its ends in the hands of the test."""

import itertools
import re
import threading

from . import media, sip
from .browser import Browser

DIRECTIONS = ("browser-trunk", "trunk-browser", "browser-browser")
SIDES = ("caller", "called")
USERS = [f"user{a}{b}" for a in "abcdefghijklmnop" for b in "abcdefghijklmnopqrst"]
ABSENT = "absent"  # a user who never registers
PASSWORD = "secret"
# A user of its own for each browser of a test: nothing of one test rings in the next.
CONFIG = {"users": [{"name": name, "password": PASSWORD} for name in USERS + [ABSENT]]}

_numbers = itertools.count(1000)
_users = itertools.cycle(USERS)


def changed(sdp, direction=None, version=None, **replace):
    """The same description as its owner would send it again, with another direction; `version` None: one more. `replace`
    names attributes ('ice-ufrag' as ice_ufrag) that get another value."""
    fields = re.search(r"^o=(\S+ \S+) (\d+) ", sdp, re.M)
    sdp = sdp.replace(fields.group(0), f"o={fields.group(1)} {version or int(fields.group(2)) + 1} ")
    if direction:
        sdp = re.sub(r"^a=(sendrecv|sendonly|recvonly|inactive)", f"a={direction}", sdp, flags=re.M)
    for name, value in replace.items():
        sdp = re.sub(rf"^a={name.replace('_', '-')}:\S+", f"a={name.replace('_', '-')}:{value}", sdp, flags=re.M)
    return sdp


def cross(offset, first, second):
    """The second so many seconds behind the first, or before it."""
    if offset < 0:
        first, second = second, first
    timer = threading.Timer(abs(offset), second)
    timer.start()
    first()
    timer.join()


class End:
    """One end: a scripted peer, its dialog, the description it last sent."""

    def __init__(self, peer, name, user):
        self.peer, self.name, self.user = peer, name, user
        self.is_browser = isinstance(peer, Browser)
        self.invite = None  # the INVITE that made the dialog, sent or received
        self.dialog = None
        self.tag = sip.token("t")
        self.local = None
        self.rtp_host, self.rtp_port = "127.0.0.1", 40000

    # --- descriptions ---
    def describe(self, offer=None, direction="sendrecv", **options):
        """Our first description, or the same again with another direction; an answer when there is an offer."""
        if self.local is not None:
            setup = {"setup": "active"} if offer and self.is_browser else {}
            self.local = changed(self.local, direction, **setup)
        elif self.is_browser:
            self.local = media.browser_sdp(offer, direction=direction, **options)
        else:
            self.local = media.trunk_sdp(self.rtp_port, **{"address": self.rtp_host, "direction": direction, **options})
        return self.local

    # --- messages ---
    def reply(self, request, status, body=b"", **options):
        return self.peer.reply(request, status, to_tag=self.tag, contact=self.peer.contact, body=body, **options)

    def request(self, method, **options):
        return self.peer.in_dialog(self.dialog, method, **options)

    def send(self, message):
        return self.peer.send(message)

    def ask(self, method, status=None, **options):
        return self.peer.ask(self.request(method, **options), status)

    def ack(self, invite, body=b""):
        """Of a 2xx."""
        return self.send(self.request("ACK", cseq=invite.cseq[0], body=body))

    def expect(self, method, timeout=10.0):
        """A request of this call."""
        return self.peer.expect_request(method, self.call_id, timeout)

    def response(self, request, status=None, timeout=10.0):
        return self.peer.expect_response(request, status, timeout)

    def silence(self, method=None, seconds=0.5):
        """No message of the call (a request of this method) comes."""
        def fits(message):
            if message.call_id != self.call_id:
                return False
            if message.is_request:
                return method in (None, message.method)
            return not method and message.status != 100

        self.peer.expect_silence(fits, seconds)

    @property
    def call_id(self):
        return self.invite.call_id

    # --- offers in the dialog ---
    def reinvite(self, direction="sendrecv", body=None, **options):
        body = self.describe(direction=direction) if body is None else body
        return self.send(self.request("INVITE", body=body, **options))

    def answer_reinvite(self, direction):
        """Awaits a re-INVITE, answers it; the gateway's ACK is awaited. Returns the re-INVITE."""
        invite = self.expect("INVITE")
        self.reply(invite, 200, self.describe(invite.sdp, direction))
        self.expect("ACK")
        return invite

    def renegotiate(self, other, ours, theirs):
        """A re-INVITE of ours that the other end answers. Returns what it has heard."""
        invite = self.reinvite(ours)
        heard = other.answer_reinvite(theirs)
        self.response(invite, 200)
        self.ack(invite)
        return heard


class Call:
    def __init__(self, caller, called, domain, number=None):
        self.caller, self.called, self.domain, self.number = caller, called, domain, number or called.user

    @property
    def ends(self):
        return (self.caller, self.called)

    def end(self, name):
        """(the one, the other)"""
        return self.ends if name == "caller" else self.ends[::-1]

    # --- its beginning ---
    def dial(self, offer=True, headers=(), **options):
        end = self.caller
        body = end.describe(**options) if offer else b""
        if end.is_browser:
            end.invite = end.peer.invite(self.number, body, authorized=False, headers=headers)
        else:
            end.invite = end.peer.invite(self.number, self.domain, body, headers=headers)
        return end.invite

    def arrive(self, timeout=10.0):
        """The INVITE is at the called side."""
        end = self.called
        end.invite = end.peer.wait_for(
            lambda m: m.is_request and m.method == "INVITE" and (end.is_browser or m.uri.startswith((f"sip:{self.number}@", f"sips:{self.number}@"))),
            "INVITE", timeout)
        end.dialog = sip.Dialog.as_callee(end.invite, end.tag, end.peer.contact)
        return end.invite

    def ring(self, status=180, early=False, **options):
        """A provisional answer of the called side, heard by the caller."""
        self.called.reply(self.called.invite, status, self.called.describe(self.called.invite.sdp) if early else b"", **options)
        return self.caller.response(self.caller.invite, status)

    def answer(self, body=None):
        """200 of the called side, and the gateway's ACK."""
        end = self.called
        if body is None:
            body = end.local or end.describe(end.invite.sdp)
        end.reply(end.invite, 200, body)
        return end.expect("ACK")

    def answered(self, acknowledge=True):
        """The caller hears the 200."""
        end = self.caller
        response = end.response(end.invite, 200)
        end.dialog = sip.Dialog.as_caller(end.invite, response)
        if acknowledge:
            end.ack(end.invite)
        return response

    def set_up(self, acknowledge=True):
        self.dial()
        self.arrive()
        self.ring()
        self.answer()
        self.answered(acknowledge)
        return self

    # --- its end ---
    def hang_up(self, by="caller"):
        one, other = self.end(by)
        one.ask("BYE", 200)
        bye = other.expect("BYE")
        other.reply(bye, 200)
        return bye

    def reject(self, status, **options):
        """The called side's final answer, and its ACK."""
        self.called.reply(self.called.invite, status, **options)
        self.called.expect("ACK")

    def refused(self, status, invite=None):
        """The caller hears so, and acknowledges."""
        invite = invite or self.caller.invite
        response = self.caller.response(invite)
        assert response.status == status, response.start
        self.caller.send(sip.ack_of_failure(invite, response))
        return response

    def cancel(self):
        """The caller's CANCEL, its 200 and the 487."""
        self.caller.peer.ask(sip.cancel_of(self.caller.invite), 200)
        return self.refused(487)


class Maker:
    """Makes calls: maker("browser-trunk") is not dialled yet; maker.up("trunk-browser") is answered."""

    def __init__(self, daemon, browser, trunk, domain):
        self.daemon, self.browser, self.trunk, self.domain = daemon, browser, trunk, domain
        self.users = _users

    def user(self, name=None, **options):
        """A registered browser."""
        one = self.browser(name or next(self.users), password=PASSWORD, **options)
        one.register()
        return one

    def end(self, kind, name):
        if kind == "browser":
            peer = self.user()
            return End(peer, name, peer.user)
        return End(self.trunk, name, str(next(_numbers)))

    def __call__(self, direction, number=None):
        caller, called = direction.split("-")
        return Call(self.end(caller, "caller"), self.end(called, "called"), self.domain, number)

    def up(self, direction):
        return self(direction).set_up()
