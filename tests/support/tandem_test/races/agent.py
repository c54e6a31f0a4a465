"""A user agent's transactions (RFC 3261, section 17; 2xx and ACK as section 13 has them), and all that was on the wire.

An agent answers what is repeated and repeats what is not answered, so that a scenario speaks of messages, not of copies.
`wire` has what the gateway sent (before the bad line took any of it) and what reached the gateway, in this order."""

import asyncio
import collections

from .. import sip

T1, T2, TIMEOUT = 0.5, 4.0, 32.0
PATIENCE = 45.0  # nothing that is awaited takes longer

# way: "<" the gateway sent it, ">" it reached the gateway, "x" lost on its way there
Wired = collections.namedtuple("Wired", "time way message is_lost")


class Client:
    """A request of ours."""

    def __init__(self, agent, request, end):
        self.agent, self.request, self.end = agent, request, end
        self.responses = []  # first copies only
        self.final = None  # the first one
        self.acks = {}  # To tag -> our ACK of the 2xx
        self.timer = None
        self.gives_up = agent.loop.time() + TIMEOUT
        self.interval = T1
        self.is_alone = False  # nobody repeats it
        agent.transmit(request)
        if not agent.is_reliable:
            self.timer = agent.loop.call_later(T1, self._repeat)

    def _repeat(self):
        is_invite = self.request.method == "INVITE"
        if self.final or (is_invite and self.responses) or self.is_alone or self.agent.loop.time() > self.gives_up:
            return
        self.agent.transmit(self.request)
        self.interval *= 2
        if not is_invite:
            self.interval = min(self.interval, T2)
        self.timer = self.agent.loop.call_later(self.interval, self._repeat)

    def on_response(self, message):
        is_new = not any(message.encode() == one.encode() for one in self.responses)
        if is_new:
            self.responses.append(message)
        status = message.status
        if status < 200:
            if is_new and self.end:
                self.end.on_provisional(self, message)
            return
        if self.request.method == "INVITE":
            if status >= 300:
                if self.agent.acknowledges:
                    self.agent.transmit(sip.ack_of_failure(self.request, message))
            elif message.to_tag in self.acks:
                self.agent.transmit(self.acks[message.to_tag])
        if not self.final:
            self.final = message
        if is_new and self.end:
            self.end.on_final(self, message)

    @property
    def is_done(self):
        return self.final is not None

    def has(self, status):
        return any(one.status == status for one in self.responses)

    def __repr__(self):
        return f"<{self.request.start} {self.request.header('CSeq')}>"


class Server:
    """A request of the gateway's."""

    def __init__(self, agent, request):
        self.agent, self.request = agent, request
        self.method = request.method
        self.end = None
        self.last = None  # our last response
        self.final = None
        self.ack = None
        self.is_taken = False  # by the scenario
        self.has_passed = False  # a final response has got through to the gateway
        self.repeats_final = True
        self.interval = T1
        self.gives_up = None

    def respond(self, message):
        self.last = message
        self.send()
        if message.status < 200:
            return message
        self.final = message
        self.gives_up = self.agent.loop.time() + TIMEOUT
        if self.method == "INVITE" and (message.status < 300 or not self.agent.is_reliable):
            self.agent.loop.call_later(T1, self._repeat_final)
        return message

    def send(self):
        """The last response, once more too."""
        message = self.last

        def passed():
            if message.status >= 200:
                self.has_passed = True

        self.agent.transmit(message, passed)

    def _repeat_final(self):
        if self.ack or not self.repeats_final or self.agent.loop.time() > self.gives_up:
            return
        self.send()
        self.interval = min(2 * self.interval, T2)
        self.agent.loop.call_later(self.interval, self._repeat_final)

    def repeated(self):
        """A copy of the request has come."""
        if self.last and not (self.method == "INVITE" and self.final and self.final.status < 300):
            self.send()

    @property
    def is_done(self):
        if not self.final:
            return False
        return bool(self.ack) if self.method == "INVITE" else self.has_passed

    def __repr__(self):
        return f"<{self.request.start} {self.request.header('CSeq')} {self.final or 'unanswered'}>"


class Agent:
    """`socket` sends; `arrived()` is told what comes. What to do with new messages is up to `ends`."""

    def __init__(self, name, line, is_reliable):
        self.name, self.line, self.is_reliable = name, line, is_reliable
        self.loop = asyncio.get_running_loop()
        self.socket = None
        self.wire = []
        self.clients = {}
        self.servers = {}
        self.ends = []
        self.strangers = []  # new requests of no known Call-ID, as Server
        self.acknowledges = True  # failures of our INVITEs
        self.drops_received = lambda message: False
        self.drops_sent = lambda message: False
        self.waiters = []
        self.is_served = True  # false: it plays dead

    # --- the wire ---
    def transmit(self, message, passed=None):
        delays = [] if self.drops_sent(message) else self.line.copies(">", message)
        if not delays:
            self._note("x", message, True)
        for delay in delays:
            if delay:
                self.loop.call_later(delay, self._put, message, passed)
            else:
                self._put(message, passed)

    def _put(self, message, passed):
        self._note(">", message)
        self.socket.send(message)
        if passed:
            passed()
        self.poke()

    def _note(self, way, message, is_lost=False):
        self.wire.append(Wired(self.loop.time(), way, message, is_lost))

    def arrived(self, message):
        delays = [] if self.drops_received(message) or not self.is_served else self.line.copies("<", message)
        self._note("<", message, not delays)
        for delay in delays:
            if delay:
                self.loop.call_later(delay, self._receive, message)
            else:
                self._receive(message)

    # --- transactions ---
    def start(self, request, end=None):
        client = Client(self, request, end)
        self.clients[request.branch, request.method] = client
        return client

    def _receive(self, message):
        if not message.is_request:
            client = self.clients.get((message.branch, message.cseq[1]))
            if client:
                client.on_response(message)
        elif message.method == "ACK":
            self._on_ack(message)
        else:
            key = message.branch, message.method
            server = self.servers.get(key)
            if server:
                server.repeated()
            else:
                server = self.servers[key] = Server(self, message)
                self._on_request(server)
        self.poke()

    def _on_ack(self, ack):
        for server in self.servers.values():
            if server.method != "INVITE" or not server.final or server.request.call_id != ack.call_id:
                continue
            is_its = (server.request.branch == ack.branch if server.final.status >= 300
                      else server.request.cseq[0] == ack.cseq[0] and server.final.to_tag == ack.to_tag)
            if is_its:
                is_first = server.ack is None
                server.ack = server.ack or ack
                if is_first and server.end:
                    server.end.on_ack(server, ack)

    def _on_request(self, server):
        """To the dialog it names; one that was forked is nobody's own."""
        request = server.request
        mine = [end for end in self.ends if end.call_id == request.call_id]
        server.end = next((end for end in mine if end.tag == request.to_tag), mine[-1] if mine else None)
        if server.end:
            server.end.on_request(server)
        else:
            self.strangers.append(server)

    # --- waiting ---
    def poke(self):
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, predicate, what, timeout=PATIENCE):
        """Returns what the predicate gives when that is true."""
        deadline = self.loop.time() + timeout
        while True:
            result = predicate()
            if result:
                return result
            left = deadline - self.loop.time()
            if left <= 0:
                raise AssertionError(f"{self.name}: no {what} in {timeout:.3g} s")
            waiter = self.loop.create_future()
            self.waiters.append(waiter)
            await asyncio.wait([waiter], timeout=left)

    async def final(self, client, timeout=PATIENCE):
        return await self.until(lambda: client.final, f"final response to {client}", timeout)

    async def ask(self, request, status=None, timeout=PATIENCE):
        response = await self.final(self.start(request), timeout)
        assert status is None or response.status == status, f"{self.name}: {response.start}, not {status}, to {request}"
        return response

    @property
    def last_heard(self):
        return next((wired.time for wired in reversed(self.wire) if wired.way == "<"), 0.0)

    def told(self):
        """All that was on the wire, for people."""
        arrows = {"<": "<--", ">": "-->", "x": "--x"}
        for time, way, message, is_lost in self.wire:
            arrow = "x--" if way == "<" and is_lost else arrows[way]
            number, method = message.cseq
            text = message.start.split(" SIP/2.0")[0].removeprefix("SIP/2.0 ")
            sdp = next((line[2:] for line in (message.sdp or "").splitlines()
                        if line in ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")), "sdp" if message.body else "")
            yield time, f"{self.name:8} {arrow} {text}  ({number} {method} {message.branch[-6:]} {message.call_id[-5:]}) {sdp}"
