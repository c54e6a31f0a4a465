"""One end of a call: a user agent that follows the call's plan, and says what it saw that must not be."""

import functools

from tandem_test import media, sip
from tandem_test.calls import changed

from .agent import ABSENT, Client, REFUSED, T1, T2, TIMEOUT

ANSWERS = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class End:
    """States: new, calling, ringing, answered (2xx sent, no ACK yet), up, leaving (our BYE is out), over."""

    def __init__(self, call, party, role):
        self.call, self.party, self.role = call, party, role
        self.loop, self.plan, self.dice = party.loop, call.plan, call.plan.dice
        self.state, self.ended_at = "new", None
        self.tags = [sip.token(f"c{call.number}t") for _ in range(3)]
        self.dialog, self.early, self.call_id, self.remote_tag = None, None, None, None
        self.local, self.hold = None, "sendrecv"
        self.first, self.offering, self.offered, self.success = None, None, None, None
        self.remote_cseq, self.done_cseq = 0, 0
        self.lost_acks, self.deaf_to_acks = self.plan.lost_acks, self.plan.deaf_to_acks
        self.acks, self.forks, self.transactions = {}, {}, []
        self.bye_received, self.bye_sent, self.cancel_sent, self.was_away, self.heard_cancel = None, None, None, False, False
        self.sound = call.make_sound(self)
        self.rseq, self.pracked = None, False

    # --- small things ---
    def now(self):
        return self.loop.time()

    def after(self, seconds, function, *arguments):
        return self.loop.call_later(seconds, functools.partial(self._guarded, function, *arguments))

    def _guarded(self, function, *arguments):
        try:
            function(*arguments)
        except Exception:  # pylint: disable=broad-except
            self.call.storm.crashed(str(function), self.call)

    def wrong(self, kind, text):
        self.call.wrong(kind, f"{self.role} ({self.party.name}): {text}")

    def forget(self):
        """Nothing more is awaited: what was said is in the call's history."""
        self.first = self.offering = self.offered = self.success = self.early = self.dialog = None
        self.acks, self.transactions = {}, []

    @property
    def is_over(self):
        return self.state == "over"

    def finish(self, why):
        if self.state == "over":
            return
        self.state, self.ended_at = "over", self.now()
        if self.sound:
            self.call.judge_sound(self, *self.sound.stop())
        self.call.note(self.role, "  ", f"over: {why}".encode())
        if self.offered and self.offered.status < 200 and self.party.is_up:
            self.offered.respond(sip.response(self.offered.message, 487, to_tag=self.tags[0]))
        self.offered = None
        self.call.on_end_over(self)

    def describe(self, offer=None, direction="sendrecv"):
        """The same session again with another direction; an answer if there is an offer."""
        if self.local is None:
            self.local = self.call.first_description(self, offer, direction)
        else:
            setup = {"setup": "passive" if self.sound else "active"} if offer and self.party.is_browser else {}
            self.local = changed(self.local, direction, **setup)
        return self.local

    def hear(self, message):
        """A description of the gateway's, if there is one and somebody listens."""
        if self.sound and message.body and b"m=audio" in message.body and not self.is_over:
            self.sound.hear(message.sdp)

    def request(self, method, **options):
        return self.dialog.request(method, self.party.via, **options)

    def client(self, message, on_response):
        client = Client(self.party, message, functools.partial(self._guarded, on_response), self)
        self.call.expect_answer(self, client)
        return client

    # --- the caller ---
    def dial(self):
        self.state = "calling"
        party, call = self.party, self.call
        user = f"sip:{party.user}@{call.storm.domain}" if party.is_browser else f"sip:n{call.number}@127.0.0.1"
        body = b"" if self.plan.is_late else self.describe()
        invite = sip.request("INVITE", call.uri, f"<{user}>;tag={self.tags[0]}", f"<{call.uri}>", party.via,
                             contact=party.contact, body=body)
        self.call_id = invite.call_id
        party.ends[self.call_id] = self
        self.first = self.client(invite, self.on_first_response)
        for _ in range(self.plan.repeats):
            self.first.transmit()
        if self.plan.cancel_after is not None:
            self.after(self.plan.cancel_after, self.give_up)

    def give_up(self):
        """CANCEL, or BYE where there is an early dialog. Over UDP neither goes before a provisional response."""
        if self.state != "calling" or self.first.final or self.cancel_sent:
            return
        if not self.first.is_early and self.party.is_datagram:
            self.after(0.02, self.give_up)
            return
        self.party.when_up(self._give_up_now)

    def _give_up_now(self):
        if self.state != "calling" or self.first.final or self.cancel_sent:
            return
        self.cancel_sent = self.now()
        self.call.trigger(f"{self.role} gives up")
        if self.plan.early_bye and self.early:
            self.call.count("BYE in the early dialog")
            self.dialog = sip.Dialog.as_caller(self.first.message, self.early)
            self.bye_sent = self.now()
            self.client(self.request("BYE"), self.on_bye_response)
        else:
            self.call.count("CANCEL")
            self.client(sip.cancel_of(self.first.message), self.on_cancel_response)

    def on_cancel_response(self, client, response):
        if response.status >= 200:
            self.call.judge_cancel(self, client, response)

    def on_first_response(self, client, response):
        status = response.status
        self.hear(response)
        if status < 200:
            if response.to_tag and response.contact:
                self.early = response
            return
        if client.final is response:
            self.call.judge_invite(self, client, response)
        if status >= 300:
            self.finish(f"refused {status}")
            return
        if self.dialog and self.dialog.remote == response.header("To") and 1 in self.acks:
            self.send_ack(1)
            return
        if 1 in self.acks:
            self.wrong("second answer", f"{response.start} with tag {response.to_tag}, not {self.dialog.remote}")
            return
        self.dialog = sip.Dialog.as_caller(client.message, response)
        self.dialog.cseq += 1  # a BYE of the early dialog may have had it
        self.remote_tag = response.to_tag
        if not response.body:
            self.wrong("no SDP", "in the 200")
        body = self.describe(response.sdp) if self.plan.is_late else b""
        self.acks[1] = self.request("ACK", cseq=1, body=body).encode()
        self.done_cseq = 1
        gave_up = self.cancel_sent is not None
        if self.state == "calling":
            self.state = "leaving" if self.bye_sent else "up"
        if self.plan.lost_acks > 2:
            self.call.trigger("never an ACK", slow=True)
        self.after(self.plan.ack_delay, self.send_ack, 1)
        if gave_up and self.bye_sent is None:
            self.after(self.plan.ack_delay, self.bye)
        elif gave_up:
            if not any(client.method == "BYE" and client.end is self and not client.final
                       for client in self.party.clients.values()):
                self.after(self.plan.ack_delay, self.finish, "BYE was answered before")
        else:
            self.call.on_up(self)

    def send_ack(self, cseq):
        if cseq == 1 and self.role == "caller" and self.lost_acks > 0:
            self.lost_acks -= 1
            self.call.count("ACK lost")
            return
        if cseq == 1:
            self.call.acked_at = self.now()
        self.party.transmit(self.acks[cseq], self)

    # --- the called side ---
    def on_invite(self, server):
        """The first INVITE, or the first again: with credentials, or on another connection."""
        request = server.message
        self.offered, self.first_cseq = server, request.cseq[0]
        self.hear(request)
        if self.state in ("over", "answered", "up", "leaving"):
            server.respond(sip.response(request, 481, to_tag=self.tags[0]))
            if not self.was_away:
                self.wrong("message after the end", "INVITE without To tag")
            return
        if self.party.is_datagram and self.party.challenges and not request.header("Proxy-Authorization"):
            self.call.count("407 of a trunk")
            challenge = f'Digest realm="pbx", nonce="{sip.token()}", algorithm=MD5, qop="auth"'
            server.respond(sip.response(request, 407, to_tag=self.tags[0], headers=[("Proxy-Authenticate", challenge)]))
            self.state, self.remote_cseq, self.offered = "new", request.cseq[0], None
            return
        is_again = self.dialog is not None
        took = self.now() - self.call.started_at
        if took > 1.5 and not is_again and not self.call.caller.was_away:
            self.call.storm.was_slow(took)
        self.state, self.remote_cseq, self.remote_tag = "ringing", request.cseq[0], request.from_tag
        self.dialog = sip.Dialog.as_callee(request, self.tags[0], self.party.contact)
        plan = self.plan
        if is_again:
            return
        for delay, status, early, fork in plan.ringing:
            self.after(delay, self.ring, status, early, fork)
        if plan.outcome != "silent":
            if not plan.ringing:
                server.respond(sip.response(request, 100))
            self.after(plan.after, self.party.when_up, self.decide)
        elif not plan.ringing:
            server.respond(sip.response(request, 100))

    def _may_answer(self):
        return self.state == "ringing" and self.offered is not None and self.offered.status < 200

    def ring(self, status, early, fork):
        if self._may_answer() and self.party.is_up:
            request = self.offered.message
            body = self.describe(request.sdp) if early and request.body else b""
            headers = []
            if self.plan.is_reliable and self.rseq is None and "100rel" in " ".join(request.values("Supported")):
                self.rseq = self.dice.randrange(1, 1000)
                headers = [("Require", "100rel"), ("RSeq", self.rseq)]
                self.call.count("reliable provisional responses")
            response = sip.response(request, status, to_tag=self.tags[fork], contact=self.party.contact, body=body,
                                    headers=headers)
            self.offered.respond(response)
            if headers:
                self.after(T1, self._ring_again, self.offered, response.encode(), T1)

    def _ring_again(self, server, data, interval):
        """RFC 3262, section 3."""
        if self.pracked or server.status >= 200 or self.is_over:
            return
        if interval > 8:
            self.wrong("no PRACK", f"RSeq {self.rseq}")
            return
        self.party.transmit(data, self)
        self.after(2 * interval, self._ring_again, server, data, 2 * interval)

    def decide(self):
        if not self._may_answer():
            return
        self.call.decided_at = self.now()
        if self.plan.outcome == "answer":
            self.answer()
        else:
            self.refuse(self.plan.refusal)

    def refuse(self, status):
        server, self.offered = self.offered, None
        headers = [("Contact", "<sip:elsewhere@192.0.2.1>")] if status == 302 else ()
        self.call.refusals.add(status)
        self.call.trigger(f"refused {status}")
        server.respond(sip.response(server.message, status, to_tag=self.tags[0], headers=headers))
        self.finish(f"refused with {status}")

    def answer(self):
        server, self.offered = self.offered, None
        plan, request = self.plan, server.message
        tag = self.tags[plan.answering_fork]
        self.dialog = sip.Dialog.as_callee(request, tag, self.party.contact)
        self.dialog.cseq = self.dice.randrange(1, 100)
        self.state = "answered"
        self.call.answered_at = self.now()
        self.succeed(server, self.describe(request.sdp), tag)
        if plan.second_answer:
            self.forks[self.tags[0]] = {"acks": 0, "byes": 0}
            self.after(2 * self.party.delay, self._answer_again, request)
        if plan.bye_at_once is not None and not self.party.loss:
            self.call.count("answer, then BYE at once")
            self.after(max(plan.bye_at_once, 2 * self.party.delay), self.bye)

    def _answer_again(self, request):
        self.call.count("second answer of a fork")
        body = media.trunk_sdp(40002, session_id=4712)
        self.party.reply(request, 200, self, to_tag=self.tags[0], contact=self.party.contact, body=body)
        self.after(self.call.patience(self), self._check_fork, self.tags[0])

    def _check_fork(self, tag):
        seen = self.forks[tag]
        if (not seen["acks"] or not seen["byes"]) and not self.call.storm.was_starved(self.call.answered_at):
            self.wrong("2xx without ACK", f"of a fork: {seen}")

    def succeed(self, server, body, tag=None):
        """2xx to an INVITE or re-INVITE; again until the ACK is there."""
        response = sip.response(server.message, 200, to_tag=tag, contact=self.party.contact, body=body)
        if self.success:
            self.success["check"].cancel()
        success = self.success = {"server": server, "cseq": server.message.cseq[0], "data": response.encode(),
                                  "at": self.now(), "acks": 0, "needs_answer": not server.message.body, "interval": T1}
        server.respond(response)
        self.after(T1, self._succeed_again, success)
        success["check"] = self.after(self.call.patience(self), self._check_ack, success)

    def _succeed_again(self, success):
        if self.success is not success or self.bye_received or self.now() - success["at"] > TIMEOUT:
            return
        self.party.transmit(success["data"], self)
        success["interval"] = min(2 * success["interval"], T2)
        self.after(success["interval"], self._succeed_again, success)

    def _check_ack(self, success):
        if success["acks"] or self.party.was_away(success["at"]) or self.call.storm.was_starved(success["at"]):
            return
        if self.bye_received is None or self.state != "over":
            self.wrong("2xx without ACK", f"CSeq {success['cseq']}")

    def on_ack(self, ack):
        if ack.to_tag in self.forks:
            self.forks[ack.to_tag]["acks"] += 1
            return
        success = self.success
        if not success or ack.cseq[0] != success["cseq"]:
            return  # of a failure, or repeated
        success["acks"] += 1
        self.hear(ack)
        success["check"].cancel()
        if self.deaf_to_acks > 0:
            self.deaf_to_acks -= 1
            self.call.count("ACK not heard")
            return
        self.success = None
        if success["needs_answer"] and not ack.body and not self.call.is_ending():
            self.wrong("no SDP", "in the ACK")
        if self.state == "answered":
            self.state = "up"
            self.call.on_up(self)

    def on_cancel(self, cancel, server):
        self.heard_cancel = True
        if cancel.message.to_tag is None:  # else it ends an offer in the dialog, not the call
            self.call.check_provoked(self, "CANCEL")
        if server is None and self.was_away:
            cancel.respond(sip.response(cancel.message, 481, to_tag=self.tags[0]))
            return
        if server is None or self.state == "over" and self.now() - self.ended_at > 2 + self.call.slack:
            if not self.call.storm.was_starved(self.call.started_at):
                self.wrong("CANCEL of nothing", cancel.message.start)
            cancel.respond(sip.response(cancel.message, 481, to_tag=self.tags[0]))
            return
        if not server.status and not self.was_away:
            self.wrong("CANCEL too early", "no provisional response was sent")
        is_open = server.status < 200
        how = self.plan.on_cancel if is_open and server is self.offered and self.state == "ringing" else "487"
        cancel.respond(sip.response(cancel.message, 481 if how == "481" else 200, to_tag=self.tags[0]))
        if not is_open:
            return
        self.call.count(f"CANCEL heard, {how}")
        if self.state != "ringing":  # of a re-INVITE
            self.offered = None
            server.respond(sip.response(server.message, 487))
        elif how in ("200", "481"):
            self.answer()
        elif how == "487":
            self.offered = None
            server.respond(sip.response(server.message, 487, to_tag=self.tags[0]))
            self.finish("cancelled")
        else:
            self.offered = None
            self.finish("cancelled, never to be answered")

    # --- in the dialog ---
    def on_request(self, server):
        message, method = server.message, server.message.method
        if message.to_tag is None and method == "INVITE":
            self.on_invite(server)
            return
        if message.to_tag in self.forks:
            self.forks[message.to_tag]["byes"] += method == "BYE"
            server.respond(sip.response(message, 200))
            return
        if not self._fits_dialog(message):
            server.respond(sip.response(message, 481, to_tag=self.tags[0]))
            return
        if self.state == "over":
            self._late(server)
        elif method == "BYE":
            self.on_bye(server)
        elif method == "INVITE":
            self.on_reinvite(server)
        else:
            self.call.count(f"{method} received")
            self.on_other_request(server)

    def on_other_request(self, server):
        message, body = server.message, b""
        if message.method == "PRACK":
            self.pracked = True
            if message.header("RAck") != f"{self.rseq} {self.first_cseq} INVITE":
                self.wrong("wrong RAck", f"{message.header('RAck')}, not {self.rseq} {self.first_cseq} INVITE")
        elif message.method == "UPDATE" and message.body:
            body = self.describe(message.sdp, ANSWERS[media.audio_of(message.sdp)[2]])
        server.respond(sip.response(message, 200, body=body, contact=self.party.contact))

    def _fits_dialog(self, message):
        tag = sip.parameter(self.dialog.local, "tag") if self.dialog else None
        if message.to_tag != tag or message.from_tag != self.remote_tag:
            if not (self.role == "called" and message.to_tag in self.tags):  # an early dialog of a fork
                self.wrong("wrong dialog", f"{message.start}, To tag {message.to_tag}, From tag {message.from_tag}")
            return False
        is_reordered = self.party.delay or self.party.loss or self.call.storm.was_starved(self.call.started_at)
        if message.cseq[0] <= self.remote_cseq and not is_reordered:
            self.wrong("CSeq not above the last", f"{message.start} {message.header('CSeq')}, last {self.remote_cseq}")
        self.remote_cseq = max(self.remote_cseq, message.cseq[0])
        return True

    def _late(self, server):
        message = server.message
        crossed = self.now() - self.ended_at <= 1.0 + self.call.slack + 2 * self.party.delay
        is_excused = message.method == "BYE" and self.party.loss or self.call.storm.was_starved(self.call.started_at)
        if not self.was_away and not crossed and not is_excused:
            self.wrong("message after the end", message.start)
        server.respond(sip.response(message, 200 if message.method == "BYE" else 481))

    def on_bye(self, server):
        self.bye_received = self.now()
        self.call.check_provoked(self, "BYE", server.message.header("Reason"))
        server.respond(sip.response(server.message, 200))
        if self.offered and self.offered.status < 200:
            self.offered.respond(sip.response(self.offered.message, 487))
            self.offered = None
        if self.state != "leaving":
            self.finish("BYE received")

    def bye(self):
        if self.state in ("up", "answered") and self.bye_sent is None:
            self.party.when_up(self._bye_now)

    def _bye_now(self):
        if self.state not in ("up", "answered") or self.bye_sent is not None:
            return
        if self.role == "caller" and self.lost_acks and self.lost_acks < 3:
            self.lost_acks = 0
            self.send_ack(1)
        self.state, self.bye_sent = "leaving", self.now()
        self.call.trigger(f"{self.role} hangs up")
        self.call.count(f"BYE of the {self.role}")
        self.client(self.request("BYE"), self.on_bye_response)

    def on_bye_response(self, client, response):
        if response.status < 200 or client.final is not response:
            return
        self.call.judge_bye(self, client, response)
        if self.state == "leaving" or self.first and self.first.final:
            self.finish(f"BYE answered {response.status}")

    # --- offers in the dialog ---
    def on_reinvite(self, server):
        message = server.message
        self.call.count("re-INVITE received")
        self.hear(message)
        interval = self.call.offer_begins(self)
        if self.offering and not self.offering.final:
            server.respond(sip.response(message, 491))
            self.call.offer_ends(interval)
            return
        if self.offered and self.offered.status < 200:
            self.wrong("second offer", "a re-INVITE while another of the gateway's is not answered")
            server.respond(sip.response(message, 500, headers=[("Retry-After", 1)]))
            return
        self.offered = server
        chance = self.dice.random()
        self.after(0.0 if chance < 0.6 else self.dice.random() * 0.2, self._answer_offer, server, chance, interval)

    def _answer_offer(self, server, chance, interval):
        self.call.offer_ends(interval)
        if server.status >= 200 or self.state == "over":
            return
        self.offered = None
        refusal = 488 if chance < 0.04 else 491 if chance < 0.07 else 500 if chance < 0.08 else 603 if chance < 0.09 else 0
        if refusal:
            self.call.offer_refusals.append((self.now(), refusal))
            server.respond(sip.response(server.message, refusal))
            return
        message = server.message
        direction = ANSWERS[media.audio_of(message.sdp)[2]] if message.body else "sendrecv"
        if not self.success:
            self.succeed(server, self.describe(message.sdp, direction))
        else:  # the 200 before is not acknowledged yet
            server.respond(sip.response(message, 491))

    def offer(self, direction, body=True, tries=0, cancel=False):
        if self.state != "up" or self.bye_sent is not None or not self.party.is_ready:
            return
        if self.offering and not self.offering.final or self.offered and self.offered.status < 200 or self.success:
            if tries < 3:
                self.after(0.2, self.offer, direction, body, tries + 1, cancel)
            return
        self.hold = direction
        self.call.count("re-INVITE" if body else "re-INVITE without offer")
        request = self.request("INVITE", body=self.describe(direction=direction) if body else b"")
        interval = self.call.offer_begins(self)
        self.offering = self.client(request, functools.partial(self.on_offer_response, direction, tries, interval))
        if cancel:
            self.after(self.dice.random() * 0.01, self._cancel_offer, self.offering)

    def _cancel_offer(self, client):
        if client.final or not self.party.is_ready or self.party.is_datagram and not client.is_early:
            return
        self.call.count("CANCEL of a re-INVITE")
        client.cancelled = True
        self.client(sip.cancel_of(client.message), self.on_cancel_response)

    def on_offer_response(self, direction, tries, interval, client, response):
        status = response.status
        if status < 200:
            return
        cseq = client.message.cseq[0]
        if client.final is response:
            self.call.judge_offer(self, client, response)
            self.done_cseq = max(self.done_cseq, cseq)
            self.call.offer_ends(interval)
        if status < 300:
            if cseq not in self.acks:
                body = self.describe(response.sdp, "sendrecv") if not client.message.body and response.body else b""
                self.acks[cseq] = self.request("ACK", cseq=cseq, body=body).encode()
            self.send_ack(cseq)
        elif status == 491 and tries < 6 and not self.call.is_ending():
            wait = self.dice.uniform(2.1, 4.0) if self.role == "caller" else self.dice.uniform(0.0, 2.0)
            self.after(wait, self.offer, direction, bool(client.message.body), tries + 1)
        elif status == 491 and tries >= 6:
            self.wrong("endless glare", f"{tries} times 491")
        elif status in (408, 481):
            self.bye()

    # --- what else may happen in a call ---
    def act(self, what):
        if self.state != "up" or self.bye_sent is not None or not self.party.is_ready:
            return
        if what in ("hold", "resume", "same"):
            self.offer({"hold": "sendonly", "resume": "sendrecv"}.get(what, self.hold))
        elif what == "late":
            self.offer("sendrecv", body=False)
        elif what == "glare":
            self.call.glare()
        elif what == "cancelled offer":
            self.offer("inactive", cancel=True)
        elif what == "register":
            if self.party.is_browser:
                self.party.register(lambda: None)
        elif what.startswith("update"):
            self.update(with_offer=what != "update")
        elif what == "refer":
            self.call.count("REFER to somebody who does not answer")
            busy = f"{self.call.storm.trunks[0].prefix}{self.call.number}{REFUSED}"
            target = f"<sip:{busy if self.party.is_browser else ABSENT}@{self.call.storm.domain}>"  # a trunk reaches users
            self.call.transfer_at = self.now()
            self.client(self.request("REFER", headers=[("Refer-To", target)]), self.on_other_response)
        elif what in ("options", "info", "message"):
            body = "Signal=5\r\nDuration=160\r\n" if what == "info" else "hello" if what == "message" else b""
            kind = "application/dtmf-relay" if what == "info" else "text/plain"
            self.call.count(f"{what.upper()} in the dialog")
            self.client(self.request(what.upper(), body=body, content_type=kind), self.on_other_response)
        else:
            self.misuse(what)

    def update(self, with_offer):
        """RFC 3311. With an offer not while another is open."""
        if with_offer and (self.offering and not self.offering.final or self.offered and self.offered.status < 200 or self.success):
            return
        self.call.count("UPDATE with offer" if with_offer else "UPDATE")
        interval = self.call.offer_begins(self) if with_offer else None

        def on_response(client, response):
            if interval:
                self.call.offer_ends(interval)
            self.on_other_response(client, response)

        self.client(self.request("UPDATE", body=self.describe(direction=self.hold) if with_offer else b""), on_response)

    def on_other_response(self, client, response):
        if response.status >= 200:
            self.call.judge_other(self, client, response)
            self.done_cseq = max(self.done_cseq, client.message.cseq[0])

    def misuse(self, what):
        """What must be refused, and must not touch the call."""
        self.call.count(f"misuse: {what}")
        party = self.party
        if what == "old cseq":
            if not self.done_cseq or party.delay or party.loss:
                return
            request = self.request("BYE", cseq=self.done_cseq)
            allowed = {500}
        elif what == "wrong tag":
            request = self.request("BYE")
            request.set("To", self.dialog.remote + "x")
            allowed = {481}
        else:
            party = self.call.stranger(self)
            if party is None:
                return
            request = self.dialog.request("BYE", party.via)
            allowed = {403, 481}

        def on_response(client, response):
            if response.status >= 200 and response.status not in allowed and not self.call.is_ending():
                self.wrong("wrong status", f"{response.start} to a BYE with {what}")

        Client(party, request, on_response, self)

    # --- the connection ---
    def on_away(self, how, seconds):
        self.was_away = True
        if self.state == "over":
            return
        self.call.note(self.role, "  ", f"connection lost ({how}) for {seconds:.2f} s".encode())
        grace = self.call.storm.grace
        self.after(grace * 0.8, self._absent, how != "silent" and seconds > grace)
        if self.state in ("ringing", "calling", "answered"):
            self.call.trigger("connection lost before the call was up", must=False)

    def _absent(self, must):
        if not self.is_over and not self.party.is_ready:
            self.call.trigger(f"{self.role} is absent", must=must)

    def on_back(self):
        if self.state == "over":
            return
        self.call.note(self.role, "  ", b"connection is back")
        if self.state == "ringing" and (self.plan.outcome == "silent" or self.dice.random() < 0.5):
            self.finish("stopped ringing")
