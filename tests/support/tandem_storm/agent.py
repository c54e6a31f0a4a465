"""Transactions (RFC 3261, section 17) and the parties that hold them: browsers and trunks. What a message means for its call is
the business of `end`."""

import asyncio
import uuid

from tandem_test import digest, sip

from .wire import Udp, WebSocket

T1, T2, TIMEOUT = 0.5, 4.0, 32.0
REFUSED = "000486"  # numbers that end so are always busy: where a REFER leads to, so that the call comes back
ABSENT = "absent"  # a user who never registers
SILENT_TIME = 40.0  # how long a connection that was lost without a word stays open on this side


class Client:
    """One request of ours, until its final response. `on_response(client, message)` hears each response once, and the repeated 2xx
    of an INVITE."""

    def __init__(self, party, message, on_response, end=None):
        self.party, self.message, self.on_response, self.end = party, message, on_response, end
        self.method, self.branch = message.method, message.branch
        self.data = message.encode()
        self.sent_at = party.loop.time()
        self.is_early, self.final, self.resent, self.interval, self.timer, self.check = False, None, False, T1, None, None
        self.key = (self.branch, self.method)  # a CANCEL has its INVITE's branch
        party.clients[self.key] = self
        if end:
            end.transactions.append((party.clients, self.key))
        self.transmit()
        if party.is_datagram:
            self.timer = party.loop.call_later(T1, self._again)

    def transmit(self):
        self.party.transmit(self.data, self.end)

    def _again(self):
        if self.final or self.method == "INVITE" and self.is_early or self.party.loop.time() - self.sent_at > TIMEOUT:
            return
        self.transmit()
        self.interval = min(2 * self.interval, TIMEOUT if self.method == "INVITE" else T2)
        self.timer = self.party.loop.call_later(self.interval, self._again)

    def stop(self):
        """Nothing is repeated any more."""
        for timer in (self.timer, self.check):
            if timer:
                timer.cancel()

    def receive(self, message):
        status = message.status
        if status < 200:
            self.is_early = True
            if not self.final:
                self.on_response(self, message)
            return
        if self.method == "INVITE" and status >= 300:
            self.party.transmit(sip.ack_of_failure(self.message, message).encode(), self.end)
        if self.final is None:
            self.final = message
            self.stop()
            self.on_response(self, message)
        elif self.method == "INVITE" and status < 300:
            self.on_response(self, message)
        elif self.final.status != status and self.end:
            self.end.wrong("two finals", f"{self.final.start}, then {message.start}")


class Server:
    """One request to us. Repeated ones get the last response again."""

    def __init__(self, party, message, end):
        self.party, self.message, self.end = party, message, end
        self.last, self.status = None, 0
        self.cancelled = False

    def respond(self, response):
        self.last, self.status = response.encode(), response.status
        self.party.transmit(self.last, self.end)

    def stop(self):
        """It repeats nothing by itself."""

    def repeated(self):
        if self.last:
            self.party.transmit(self.last, self.end)


class Party:
    """A user agent with many calls. `find_end(party, invite)` gives the end that a new INVITE belongs to, or None."""

    is_datagram = False

    def __init__(self, storm, name):
        self.storm, self.name, self.loop = storm, name, asyncio.get_running_loop()
        self.clients, self.servers, self.ends = {}, {}, {}

    # --- out ---
    def transmit(self, data, end=None):
        if end:
            end.call.note(end.role, "->", data)
        if self.is_up:
            self.write(data)

    def reply(self, request, status, end=None, **options):
        """Outside of any server transaction of ours."""
        self.transmit(sip.response(request, status, **options).encode(), end)

    # --- in ---
    def receive(self, data):
        try:
            message = sip.Message.parse(data)
            if message.is_request:
                self._request(message, data)
            else:
                self._response(message, data)
        except Exception:  # pylint: disable=broad-except # whatever it was, it must be seen
            self.storm.crashed(data)

    def _response(self, message, data):
        client = self.clients.get((message.branch, message.cseq[1]))
        if client is None:
            self.storm.stray(self, message, data)
            return
        if client.end:
            client.end.call.note(client.end.role, "<-", data)
        client.receive(message)

    def _request(self, message, data):
        method, branch = message.method, message.branch
        end = self.ends.get(message.call_id)
        if end is None and method == "INVITE" and message.to_tag is None:
            end = self.storm.find_end(self, message)
        if end is None and method == "INVITE" and message.uri.split("@", 1)[0].endswith(REFUSED):
            self.storm.count("transfers refused by their target")
            self.reply(message, 486, to_tag="refused")
            return
        if end is None:
            self._outside(message, data)
            return
        end.call.note(end.role, "<-", data)
        if method == "ACK":
            end.on_ack(message)
            return
        server = self.servers.get((branch, method))
        if server:
            self.storm.count("repeated requests received")
            server.repeated()
            return
        server = self.servers[branch, method] = Server(self, message, end)
        end.transactions.append((self.servers, (branch, method)))
        if method == "CANCEL":
            end.on_cancel(server, self.servers.get((branch, "INVITE")))
        else:
            end.on_request(server)

    def _outside(self, message, data):
        if message.method == "OPTIONS":
            self.reply(message, 200, to_tag=sip.token())
        else:
            is_of_lost_invite = message.method == "CANCEL" and self.was_away(self.loop.time() - TIMEOUT)
            if not is_of_lost_invite:
                self.storm.stray(self, message, data)
            if message.method != "ACK":
                self.reply(message, 481, to_tag=sip.token())


class Trunk(Party):
    """The far end of a trunk, on UDP."""

    is_datagram, is_up, is_ready, is_browser = True, True, True, False

    def __init__(self, storm, name, port, loss=0.0, duplicate=0.0, delay=0.0, challenges=False):
        super().__init__(storm, name)
        self.port, self.loss, self.duplicate, self.delay = port, loss, duplicate, delay
        self.challenges = challenges  # asks for digest in each first INVITE
        self.via, self.contact = f"UDP 127.0.0.1:{port}", f"<sip:{name}@127.0.0.1:{port}>"
        self.user = None

    async def open(self, gateway, seed):
        self.udp = await Udp.open(self.port, gateway, self.receive, loss=self.loss, duplicate=self.duplicate,
                                  delay=self.delay, seed=seed)
        self.write = self.udp.send

    def was_away(self, _since):
        return False

    def when_up(self, function):
        function()

    def close(self):
        self.udp.close()


class Browser(Party):
    """A user with one WebSocket at a time; registers with digest, with an instance or without."""

    is_browser, loss, delay = True, 0.0, 0.0

    def __init__(self, storm, user, password, has_instance):
        super().__init__(storm, user)
        self.user, self.password = user, password
        self.aor = f"sip:{user}@{storm.domain}"
        self.sent_by = f"{sip.token()}.invalid"
        self.via = f"WS {self.sent_by}"
        self.contact = f"<sip:{sip.token(user)}@{self.sent_by};transport=ws>"
        self.instance = f';+sip.instance="<urn:uuid:{uuid.uuid4()}>";reg-id=1' if has_instance else ""
        self.call_id, self.cseq = sip.token("reg"), 0
        self.socket, self.is_up, self.waiting = None, False, []
        self.outages = []  # [from, to or None]
        self.old = []

    def write(self, data):
        self.socket.send(data)

    # --- the flow ---
    async def connect(self):
        self.socket = await WebSocket.open("127.0.0.1", self.storm.web_port, self.receive, self._lost)
        self.is_up = True

    def _lost(self):
        if not self.storm.is_ending:
            self.storm.wrong("connection closed by the gateway", None, self.name)
        self.lose("close", 0.2)

    def lose(self, how, seconds):
        """The connection is gone; a new one comes after `seconds`."""
        if not self.is_up:
            return
        self.is_up = False
        self.storm.count(f"connection lost, {how}")
        if not self.outages or self.outages[-1][1] is not None:
            self.outages.append([self.loop.time(), None])
        lost = self.socket
        lost.drop(how)
        if how == "silent":
            self.loop.call_later(SILENT_TIME, lambda: lost.transport.abort())
        for end in list(self.ends.values()):
            end.on_away(how, seconds)
        self.loop.call_later(seconds, lambda: self.storm.task(self._return()))

    async def _return(self):
        await self.connect()
        self.register(self._back)

    def _back(self):
        self.outages[-1][1] = self.loop.time()
        self.storm.count("connection back, " + ("instance" if self.instance else "credentials"))
        for client in list(self.clients.values()):
            if not client.final and client.end and not client.end.is_over:
                client.resent = True
                client.transmit()
        for end in list(self.ends.values()):
            end.on_back()
        waiting, self.waiting = self.waiting, []
        for function in waiting:
            function()

    @property
    def is_ready(self):
        """Connected, and proven."""
        return self.is_up and (not self.outages or self.outages[-1][1] is not None)

    def when_up(self, function):
        """Now, or when the registration is back."""
        if self.is_ready:
            function()
        else:
            self.waiting.append(function)

    def was_away(self, since):
        return any(to is None or to >= since for _, to in self.outages)

    # --- registration ---
    def register(self, done, credentials=None):
        self.cseq += 1
        message = sip.request("REGISTER", f"sip:{self.storm.domain}", f"<{self.aor}>;tag={sip.token()}", f"<{self.aor}>",
                              self.via, self.call_id, self.cseq, self.contact + self.instance,
                              headers=[("Supported", "path, outbound"), ("Expires", 600)])
        if credentials:
            digest.authorize(message, credentials, self.user, self.password)
        started = self.loop.time()

        def on_response(client, response):
            if response.status < 200:
                return
            del self.clients[client.key]
            if response.status == 401 and not credentials:
                self.register(done, response)
            elif response.status == 200:
                self.storm.count("registrations")
                done()
            else:
                self.storm.wrong("wrong status", None, f"REGISTER of {self.name}: {response.start}")

        def check(client):
            if not client.final and not self.was_away(started):
                self.storm.wrong("missing answer", None, f"REGISTER of {self.name}")

        client = Client(self, message, on_response)
        self.loop.call_later(TIMEOUT, check, client)

    def close(self):
        if self.is_up:
            self.is_up = False
            self.socket.drop("close")
