"""A call through the gateway. Each end is a user agent that behaves by itself: it acknowledges, answers BYE, CANCEL, re-INVITE
and the rest as RFC 3261 has them. A scenario sends what crosses, and takes out of an end's hands what it wants to do
otherwise: `end.manual["BYE"] = None`, and answers them itself."""

import asyncio
import re

from .. import digest, media, sip
from ..calls import changed
from .agent import PATIENCE, Agent
from .rtc import Rtc
from .wire import BrowserSocket

REVERSE = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive", "sendrecv": "sendrecv"}
QUIET = 0.06  # seconds without a message that end a run on a clean line; on a bad one the delay of the line too
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, MESSAGE, SUBSCRIBE"


def direction_of(message):
    return media.audio_of(message.sdp)[2]


class End:
    """A dialog of an agent's."""

    def __init__(self, agent, name, user):
        self.agent, self.name, self.user = agent, name, user
        self.tag = sip.token("t")
        self.call_id = None
        self.invite = None  # the transaction of the first INVITE: Client of the caller, Server of the called side
        self.dialog = None
        self.local = None  # our last description
        self.rtc = None
        self.own_byes = []
        self.over = None  # why, in words; None: it is not
        self.manual = {}  # method -> what is done with its requests instead of what is usual; None: nothing
        self.acknowledges = True  # 2xx
        self.servers = []  # what the gateway asked, ACKs not among it
        self.acks = []
        self.wanted_call_id = None
        self.again = None  # is told of a second first INVITE

    # --- who it is ---
    @property
    def is_browser(self):
        return self.agent.is_reliable

    @property
    def via(self):
        return self.agent.via

    @property
    def contact(self):
        return self.agent.contact

    def join(self, call_id):
        self.call_id = call_id
        self.agent.ends.append(self)

    # --- descriptions ---
    def describe(self, offer=None, direction="sendrecv", **options):
        """Our first description, or the same again with another direction; an answer when there is an offer."""
        if self.rtc and offer:
            self.rtc.hear(offer)
        if self.local is not None:
            setup = {"setup": "passive" if offer else "actpass"} if self.rtc else {}
            self.local = changed(self.local, direction, **setup)
        elif self.is_browser:
            self.local = (self.rtc.describe if self.rtc else media.browser_sdp)(offer, direction=direction, **options)
        else:
            self.local = media.trunk_sdp(self.agent.rtp_port, direction=direction, **options)
        return self.local

    # --- sending ---
    def start(self, request):
        return self.agent.start(request, self)

    def request(self, method, **options):
        return self.dialog.request(method, self.via, **options)

    def send(self, method, **options):
        return self.start(self.request(method, **options))

    def call(self, number, domain, body, headers=()):
        request = sip.request("INVITE", f"sip:{number}@{domain}", f"<{self.agent.aor}>;tag={self.tag}",
                              f"<sip:{number}@{domain}>", self.via, call_id=self.wanted_call_id,
                              contact=self.contact, body=body, headers=[("Allow", ALLOW), *headers])
        self.join(request.call_id)
        self.invite = self.start(request)
        return self.invite

    def bye(self, **options):
        self.own_byes.append(self.send("BYE", **options))
        return self.own_byes[-1]

    def cancel(self, client=None):
        return self.start(sip.cancel_of((client or self.invite).request))

    def ack(self, client=None, body=b"", **options):
        """Of a 2xx, that of the first INVITE."""
        client = client or self.invite
        message = self.request("ACK", cseq=client.request.cseq[0], body=body, **options)
        client.acks[client.final.to_tag] = message
        self.agent.transmit(message)
        return message

    def reinvite(self, direction="sendrecv", body=None, **options):
        body = self.describe(direction=direction) if body is None else body
        return self.send("INVITE", body=body, **options)

    def reply(self, server, status, body=b"", tag=None, **options):
        options.setdefault("contact", self.contact)
        return server.respond(sip.response(server.request, status, to_tag=tag or self.tag, body=body, **options))

    def answer(self, body=None, status=200, **options):
        """Of the called side to the first INVITE. It has lost its chance when a CANCEL was faster."""
        if self.invite.final:
            return None
        if body is None:
            body = self.local or self.describe(self.invite.request.sdp)
        return self.reply(self.invite, status, body, **options)

    def refuse(self, status, **options):
        if self.invite.final:
            return None
        self.over = self.over or f"refused with {status}"
        return self.reply(self.invite, status, **options)

    # --- what comes ---
    def early(self, response):
        """The caller's dialog, from a provisional response on."""
        if not self.dialog:
            self.dialog = sip.Dialog.as_caller(self.invite.request, response)

    def on_provisional(self, client, message):
        if client is self.invite and message.to_tag and message.contact:
            self.early(message)
            if self.rtc:
                self.rtc.hear(message.sdp)

    def on_final(self, client, message):
        method = client.request.method
        if client is self.invite:
            if message.status >= 300:
                self.over = self.over or f"{message.status} came"
                return
            if client.final is not message:
                return
            before = self.dialog.cseq if self.dialog else 0
            self.dialog = sip.Dialog.as_caller(client.request, message)
            self.dialog.cseq = max(self.dialog.cseq, before)
            if self.rtc:
                self.rtc.hear(message.sdp)
            if self.acknowledges:
                self.ack(client, b"" if client.request.body else self.describe(message.sdp))
        elif method == "INVITE" and message.status < 300 and self.acknowledges:
            self.ack(client, b"" if client.request.body else self.describe(message.sdp))
        elif method == "BYE" and client in self.own_byes:
            self.over = self.over or f"our BYE was answered {message.status}"

    def on_ack(self, server, ack):
        self.acks.append(ack)
        if server is self.invite and server.final.status >= 300:
            self.over = self.over or f"{server.final.status} was acknowledged"
        if ack.body and self.rtc:
            self.rtc.hear(ack.sdp)

    def on_request(self, server):
        self.servers.append(server)
        usual = getattr(self, f"on_{server.method.lower()}", self.on_other)
        handler = self.manual.get(server.method, usual)
        if handler:
            handler(server)

    def pending(self):
        return [one for one in self.servers if one.method == "INVITE" and not one.final]

    def on_bye(self, server):
        if server.request.to_tag != self.tag:  # of a branch that was not taken
            self.reply(server, 200, contact=None)
            return
        self.reply(server, 200 if not self.over else 481, contact=None)
        for one in self.pending():
            self.reply(one, 487, contact=None)
        self.over = self.over or "BYE came"

    def on_cancel(self, server):
        invite = next((one for one in self.servers if one.method == "INVITE"
                       and one.request.branch == server.request.branch), None)
        self.reply(server, 200 if invite else 481, contact=None)
        if invite and not invite.final:
            self.reply(invite, 487, contact=None)
            if invite is self.invite:
                self.over = self.over or "cancelled"

    def on_invite(self, server):
        """In the dialog."""
        is_own_pending = any(one.request.method == "INVITE" and one.request.call_id == self.call_id and not one.final
                             for one in self.agent.clients.values())
        if not server.request.to_tag:  # once more, with credentials
            self.invite, self.over = server, None
            if self.again:
                self.again(server)
        elif self.over:
            self.reply(server, 481, contact=None)
        elif is_own_pending:
            self.reply(server, 491, contact=None)
        else:
            offer = server.request.sdp
            self.reply(server, 200, self.describe(offer, REVERSE[direction_of(server.request)] if offer else "sendrecv"))

    def on_update(self, server):
        offer = server.request.sdp
        body = self.describe(offer, REVERSE[direction_of(server.request)]) if offer else b""
        self.reply(server, 481 if self.over else 200, b"" if self.over else body)

    def on_other(self, server):
        self.reply(server, 481 if self.over and server.method != "OPTIONS" else 200, contact=None)

    # --- waiting ---
    async def until(self, predicate, what, timeout=PATIENCE):
        return await self.agent.until(predicate, f"{what} ({self.name})", timeout)

    def heard(self, method):
        """The transactions of this method that the gateway has begun in the dialog, the first INVITE not among them."""
        return [one for one in self.servers if one.method == method and one is not self.invite]

    async def expect(self, method, timeout=PATIENCE):
        """The next one that the scenario has not taken yet."""
        server = await self.until(lambda: next((one for one in self.heard(method) if not one.is_taken), None), method, timeout)
        server.is_taken = True
        return server

    async def final(self, client, status=None, timeout=PATIENCE):
        """The final response, which must be of these statuses."""
        response = await self.agent.final(client, timeout)
        wanted = (status,) if isinstance(status, int) else status
        assert wanted is None or response.status in wanted, f"{self.name}: {response.start} to {client}, not {wanted}"
        return response

    async def acknowledged(self, server=None):
        return await self.until(lambda: (server or self.invite).ack, "ACK")


class TrunkAgent(Agent):
    def __init__(self, name, line, socket, number):
        super().__init__(name, line, is_reliable=False)
        self.socket, self.number = socket, number
        self.rtp_port = 40000
        self.via = socket.via
        self.contact = socket.contact(number)
        self.aor = f"sip:{number}@{socket.host}"
        socket.agents[number] = self

    def start(self, request, end=None):
        self.socket.agents[request.call_id] = self
        return super().start(request, end)


class BrowserAgent(Agent):
    def __init__(self, name, line, gateway, user, password, domain):
        super().__init__(name, line, is_reliable=True)
        self.gateway, self.user, self.password, self.domain = gateway, user, password, domain
        self.aor = f"sip:{user}@{domain}"
        self.sent_by = f"{sip.token()}.invalid"
        self.via = f"WS {self.sent_by}"
        self.contact = f"<sip:{sip.token(user)}@{self.sent_by};transport=ws>"
        self.instance = f"<urn:uuid:00000000-0000-4000-8000-{abs(hash(self.sent_by)) % 16 ** 12:012x}>"
        self.register_call_id = sip.token("reg")
        self.register_cseq = 0
        self.nonce = None

    async def connect(self):
        """A new WebSocket; the one before stays open until it is closed (keep it)."""
        self.socket = await BrowserSocket.open(self.arrived, *self.gateway)

    def register_request(self, challenge=None, contact=None, headers=()):
        self.register_cseq += 1
        contact = contact or self.contact + f';+sip.instance="{self.instance}";reg-id=1'
        request = sip.request("REGISTER", f"sip:{self.domain}", f"<{self.aor}>;tag={sip.token()}", f"<{self.aor}>", self.via,
                              self.register_call_id, self.register_cseq, contact,
                              headers=[("Supported", "path, outbound"), *headers])
        if challenge:
            digest.authorize(request, challenge, self.user, self.password)
        return request

    async def register(self, **options):
        response = await self.ask(self.register_request(**options))
        if response.status == 401:
            response = await self.ask(self.register_request(challenge=response, **options))
        assert response.status == 200, f"{self.name}: {response.start} to REGISTER"
        return response

    def close(self):
        if self.socket:
            self.socket.close()


class Call:
    """`caller` and `called`; `browser` and `trunk`, where there is one of them."""

    def __init__(self, run, domain, caller, called, number):
        self.run, self.domain, self.number = run, domain, number
        self.caller, self.called = caller, called
        self.loop = asyncio.get_running_loop()
        self.numbers = [number]  # that were called: one call of the daemon's each
        self.causes = [("caller|called", "hung up")]  # (side, pattern): one of them must be told
        self.expected = {}  # (end, method) -> (least, most) requests that the gateway may begin; 0 by default
        self.allowed = set()  # final statuses beside 200 to requests other than the first INVITE; (agent, status) too
        self.may_end_twice = False  # a BYE after a BYE is right here
        self.unanswered = set()  # transactions that rightly get no final response, or no ACK
        self.siblings = []  # further calls of the same ends
        self.others = []  # agents of others
        self.offsets = []  # (wanted, real)

    @property
    def ends(self):
        return (self.caller, self.called)

    @property
    def trunk(self):
        return next(end for end in self.ends if not end.is_browser)

    @property
    def browser(self):
        return next(end for end in self.ends if end.is_browser)

    def other(self, end):
        return self.called if end is self.caller else self.caller

    def allow(self, *statuses):
        self.allowed.update(statuses)

    def expects(self, end, method, least=1, most=None):
        self.expected[end, method] = (least, max(least, 1) if most is None else most)

    def ends_by(self, *causes):
        """("caller", "hung up"), ..."""
        self.causes = list(causes)

    # --- its beginning ---
    def dial(self, offer=True, headers=(), **options):
        return self.caller.call(self.number, self.domain, self.caller.describe(**options) if offer else b"", headers)

    async def arrive(self, timeout=PATIENCE):
        end = self.called
        found = await end.until(lambda: next((one for one in end.agent.strangers if one.method == "INVITE"), None), "INVITE",
                                timeout)
        end.agent.strangers.remove(found)
        return self.take(end, found)

    def take(self, end, server):
        end.invite = server
        server.end = end
        end.join(server.request.call_id)
        end.servers.append(server)
        end.dialog = sip.Dialog.as_callee(server.request, end.tag, end.contact)
        if end.rtc:
            end.rtc.hear(server.request.sdp)
        return server

    async def ring(self, status=180, early=False, **options):
        """A provisional answer of the called side, heard by the caller."""
        body = self.called.describe(self.called.invite.request.sdp) if early else b""
        self.calm(True)  # a provisional answer that is lost is repeated by nobody
        self.called.reply(self.called.invite, status, body, **options)
        response = await self.caller.until(lambda: self.caller.invite.has(status), f"{status}")
        self.calm(False)
        return response

    def calm(self, is_calm):
        """The bad line loses and delays nothing for a while."""
        for agent in self.agents:
            agent.line.is_calm = is_calm

    async def arrived(self, **options):
        self.dial(**options)
        await self.arrive()

    async def ringing(self, **options):
        await self.arrived(**options)
        await self.ring()

    async def answered(self):
        """Both know."""
        await self.caller.final(self.caller.invite, 200)
        await self.called.acknowledged()

    async def up(self, **options):
        await self.ringing(**options)
        self.called.answer()
        await self.answered()
        return self

    # --- what crosses ---
    async def cross(self, offset, theirs, ours):
        """`theirs` happens now, `ours` so many milliseconds later, or earlier. Returns what they returned."""
        results = {}
        start = self.loop.time() + 0.005 + max(-offset, 0) / 1000
        done = self.loop.create_future()
        times = {}

        def happen(name, function):
            try:
                times[name] = self.loop.time()
                results[name] = function()
            except Exception as error:  # pylint: disable=broad-except
                if not done.done():
                    done.set_exception(error)
            if len(results) == 2 and not done.done():
                done.set_result(None)

        self.loop.call_at(start, happen, "theirs", theirs)
        self.loop.call_at(start + offset / 1000 + (1e-6 if offset == 0 else 0), happen, "ours", ours)
        await done
        self.offsets.append((offset, 1000 * (times["ours"] - times["theirs"])))
        return results["theirs"], results["ours"]

    async def at(self, when, offset, function):
        """At a moment of the loop's clock, so many milliseconds later or earlier."""
        delay = when + offset / 1000 - self.loop.time()
        await asyncio.sleep(max(delay, 0))
        self.offsets.append((offset, 1000 * (self.loop.time() - when)))
        return function()

    async def again_and_again(self, function, until, what, seconds=0.5):
        """As somebody does whose messages may be lost."""
        for _ in range(60):
            function()
            try:
                return await self.called.agent.until(until, what, seconds)
            except AssertionError:
                continue
        raise AssertionError(f"no {what}")

    # --- others ---
    async def stranger(self):
        """A registered browser of another user."""
        agent = await self.stage.browser("stranger", type(self.caller.agent.line)(0))
        self.others.append(agent)
        return agent

    async def strange_trunk(self):
        agent = await self.stage.strange_trunk(self)
        self.others.append(agent)
        return agent

    def another(self, call_id=None):
        """A second call between the same two."""
        caller, called = (End(end.agent, f"{end.name} 2", end.user) for end in self.ends)
        caller.wanted_call_id = call_id
        if caller.is_browser or called.is_browser:
            for end in (caller, called):
                end.rtc = None
        second = Call(self.run, self.domain, caller, called, self.number)
        second.stage = self.stage
        self.numbers.append(self.number)
        self.siblings.append(second)
        return second

    # --- its end ---
    async def hang_up(self, by="caller"):
        end = self.caller if by == "caller" else self.called
        await end.final(end.bye(), (200, 481))
        await self.over()

    async def forgotten(self):
        """The daemon's log tells the end, within a second."""
        await self.stage.ended_once(self)

    async def over(self, timeout=PATIENCE):
        """Both dialogs have ended."""
        for end in self.ends:
            if end.invite is not None:
                await end.until(lambda end=end: end.over, "end of the dialog", timeout)

    def is_settled(self, agent):
        transactions = [*agent.clients.values(), *agent.servers.values()]
        quiet = QUIET + (self.run.delay if self.run.is_bad else 0)
        return (all(one.is_done or one in self.unanswered for one in transactions)
                and self.loop.time() - agent.last_heard >= quiet)

    async def settled(self, timeout=PATIENCE):
        """All transactions of both ends have come to their end, and nothing more comes."""
        deadline = self.loop.time() + timeout
        agents = self.agents
        while not all(self.is_settled(agent) for agent in agents):
            if self.loop.time() > deadline:
                open_ones = [one for agent in agents for one in [*agent.clients.values(), *agent.servers.values()]
                             if one not in self.unanswered and not one.is_done]
                raise AssertionError(f"not settled: {open_ones}")
            await asyncio.sleep(0.02)

    @property
    def agents(self):
        return list(dict.fromkeys([end.agent for end in self.ends] + self.others))

    def close(self):
        for end in self.ends:
            if end.rtc:
                end.rtc.close()
        for agent in self.agents:
            if agent.is_reliable:
                agent.close()


__all__ = ["BrowserAgent", "Call", "End", "Rtc", "TrunkAgent", "direction_of", "re"]
