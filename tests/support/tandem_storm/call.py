"""A call: its two ends, what has happened to it, and what may be answered because of it."""

from tandem_test import media

from .end import End
from .plan import Plan

PROMPT = 10.0  # what must follow, follows within this time, if nothing was lost
SLOW = 34.0  # ... or within 64*T1, if something may have been
MEDIA_PATIENCE = 12.0  # without media the gateway ends a call after a while
LINGER = 6.0  # how long an ended call listens for what must not come


class Call:
    def __init__(self, storm, number, caller, called, plan):
        self.storm, self.number, self.plan = storm, number, plan
        self.history, self.triggers, self.triggered_at, self.is_slow = [], [], None, False
        self.started_at, self.answered_at, self.ended_at, self.faults = storm.now(), None, None, 0
        self.refusals, self.offer_refusals, self.offer_times = set(), [], []
        self.ups, self.acted, self.acked_at, self.decided_at, self.transfer_at = 0, False, None, None, None
        self.caller, self.called = End(self, caller, "caller"), End(self, called, "called")
        self.ends = (self.caller, self.called)
        self.slack = max(1.0, 3 * max(caller.delay, called.delay))
        if caller.loss or called.loss:
            self.is_slow, self.slack = True, SLOW

    @property
    def uri(self):
        called = self.called.party
        return f"sip:{called.user if called.is_browser else called.prefix + str(self.number)}@{self.storm.domain}"

    def start(self):
        for after, side, how, seconds in self.plan.outages:
            party = getattr(self, side).party
            self.caller.after(after, party.lose, how, seconds)
        self.caller.dial()
        self.caller.after(self.storm.no_answer * 0.85, self._unanswered)
        self.caller.after(MEDIA_PATIENCE, self._without_media)

    def make_sound(self, end):
        if not self.plan.with_media:
            return None
        from . import sound  # needs more than Python's own library
        return sound.make(self.storm.loop, end.party.is_browser)

    def first_description(self, end, offer, direction):
        if end.sound:
            return end.sound.describe(offer, direction, 4711 + self.number)
        if end.party.is_browser:
            return media.browser_sdp(offer, direction=direction)
        return media.trunk_sdp(40000, direction=direction, session_id=4711 + self.number)

    # --- the story ---
    def note(self, role, arrow, data):
        self.history.append((self.storm.now(), role, arrow, data))

    def count(self, what):
        self.storm.count(what)

    def wrong(self, kind, text):
        self.faults += 1
        self.storm.wrong(kind, self, text)

    def trigger(self, cause, must=True, slow=False):
        """Something that ends the call, or (`must` false) may end it."""
        now = self.storm.now()
        self.note("", "  ", f"* {cause}".encode())
        self.triggers.append((now, cause))
        self.is_slow = self.is_slow or slow
        if must and self.triggered_at is None:
            self.triggered_at = now
            self.caller.after(self.bound, self._check_over, now)

    @property
    def bound(self):
        return PROMPT + (SLOW if self.is_slow else 2.0)

    def is_ending(self):
        return bool(self.triggers)

    def patience(self, end):
        return SLOW + 2 if end.party.loss else PROMPT

    def _unanswered(self):
        if self.caller.state == "calling":
            self.trigger("not answered in time", must=self.called.state == "ringing" and not self.called.was_away)

    def _without_media(self):
        if self.ended_at is None and not self.plan.with_media:
            self.trigger("no media for too long", must=False)

    def on_up(self, end):
        """An end has its dialog. When both have, the talking begins; the caller alone talks when the other end is gone."""
        self.ups += 1
        if self.ups != 2 or self.acted:
            return
        self.acted = True
        self.count("calls up on both ends")
        for after, side, what in self.plan.acts:
            getattr(self, side).after(after, getattr(self, side).act, what)
        for index, side in enumerate(self.plan.hang_up):
            getattr(self, side).after(self.plan.talk + index * self.plan.hang_up_skew, getattr(self, side).bye)

    def glare(self):
        self.count("re-INVITE glare")
        for end in self.ends:
            end.offer("sendrecv")

    def stranger(self, end):
        """Somebody else on the same kind of connection."""
        return self.storm.stranger(end.party)

    def on_end_over(self, end):
        other = self.called if end is self.caller else self.caller
        if other.state in ("over", "new"):
            self._finish()

    def _finish(self):
        if self.ended_at is None:
            self.ended_at = self.storm.now()
            self.storm.call_ended(self)
            self.caller.after(LINGER + (SLOW if self.is_slow and self.slack > 5 else 0), self._dispose)

    def _dispose(self):
        late = self.called.state not in ("over", "new")
        if late and not self.storm.is_ending:  # a late INVITE came to the called side
            self.caller.after(LINGER, self._dispose)
            return
        for end in self.ends:
            for table, key in end.transactions:
                transaction = table.pop(key, None)
                if transaction:
                    transaction.stop()
            if end.call_id:
                end.party.ends.pop(end.call_id, None)
            end.forget()
        self.storm.call_gone(self)

    # --- what must happen ---
    def expect_answer(self, end, client):
        limit = SLOW if end.party.loss else PROMPT
        if client.method == "INVITE":
            limit = SLOW
        client.check = end.after(limit, self._check_answer, end, client)

    def _check_answer(self, end, client):
        if client.final or self.storm.was_starved(client.sent_at):
            return
        if end.party.was_away(self.storm.now() - PROMPT):
            if end.party.is_up:
                end.after(PROMPT, self._check_answer, end, client)
            return
        if client.method == "INVITE" and end.state == "over" and end.bye_received:
            return  # its answer may have come behind the BYE's
        self.wrong("missing answer", f"{end.role}: {client.method} of {self.storm.now() - client.sent_at:.1f} s ago")

    def _check_over(self, since):
        early = self.triggered_at + self.bound - self.storm.now()
        if early > 0.1:  # that it goes slowly was only known later
            self.caller.after(early, self._check_over, since)
            return
        for end in self.ends:
            if end.state in ("over", "new"):
                continue
            now = self.storm.now()
            if end.party.was_away(now - PROMPT) or self.storm.was_starved(since):
                if end.party.is_up:
                    end.after(PROMPT, self._check_over, now)
                else:
                    end.after(1.0, self._check_over, now)
                return
        for end in self.ends:
            if end.state in ("over", "new"):
                continue
            if end.state == "ringing" and end.was_away:
                end.finish("nobody knows of it any more")
                continue
            self.storm.count("stuck legs")
            self.wrong("stuck leg", f"{end.role} ({end.party.name}) is {end.state} {now - self.triggered_at:.1f} s after: "
                       + self.triggers[0][1])
            end.finish("stuck")

    def check_provoked(self, end, method, reason=None):
        """The gateway ends a leg: there must be a cause."""
        is_unanswered = self.answered_at is None and self.storm.now() - self.started_at > 0.85 * self.storm.no_answer
        is_absent = any(not one.party.is_ready and one.party.outages[-1][0] < self.storm.now() - 0.8 * self.storm.grace
                        for one in self.ends)
        if not self.triggers and not is_unanswered and not is_absent:
            self.wrong("lost call", f"{end.role}: {method} out of nothing, Reason: {reason}")

    # --- offers of both sides, for glare ---
    def offer_begins(self, end):
        interval = [self.storm.now(), None, end]
        self.offer_times.append(interval)
        return interval

    def offer_ends(self, interval):
        if interval[1] is None:
            interval[1] = self.storm.now()

    def _other_offers(self, since, own):
        """Whether another offer of the call was open at some time since then."""
        others = [one for one in self.offer_times if (one[1] is None or one[1] >= since - 1.0 - self.slack)]
        return len(others) > own or bool(self.caller.success or self.called.success)

    # --- what may be answered ---
    def _away(self, since):
        return any(end.party.was_away(since - self.slack) for end in self.ends)

    def _judge(self, end, client, response, allowed):
        if response.status in allowed:
            return
        kind = "spurious 481" if response.status == 481 else "wrong status"
        self.wrong(kind, f"{end.role} ({end.party.name}): {response.start} to {client.method} "
                         f"{client.message.cseq[0]}, allowed {sorted(allowed)}")

    @staticmethod
    def told(status):
        """What the caller hears of a refusal."""
        if 300 <= status < 400:
            return 502
        return {401: 403, 407: 403, 430: 480, 481: 480}.get(status, status)

    def judge_invite(self, end, client, response):
        allowed = {self.told(status) for status in self.refusals}
        if self.answered_at is not None:
            allowed.add(200)
        if end.cancel_sent:
            allowed.add(487)
        if self._away(self.started_at):
            allowed |= {480, 487, 503, 408}
        is_late = self.storm.now() - self.started_at > 0.95 * self.storm.no_answer
        if is_late and (self.decided_at is None or self.decided_at > self.storm.now() - 1.0 - self.slack):
            allowed |= {480}
        if self.called.bye_sent:
            allowed |= {480}
        if self.storm.now() - client.sent_at > 30:
            allowed |= {408}
        if self.called.bye_sent or end.bye_sent:
            allowed |= {487}
        self._judge(end, client, response, allowed)
        self.count(f"INVITE {response.status}")

    def judge_sound(self, end, since, heard):
        """Both could send for a while, and nothing was on hold: then something was heard."""
        self.storm.count("packets heard", heard)
        other = self.called if end is self.caller else self.caller
        if since is None or other.sound.open_since is None or self.plan.changes_sound or self.ups < 2 or end.was_away or other.was_away:
            return
        self.count("ends with media judged")
        if self.triggered_at is not None and self.triggered_at - max(since, other.sound.open_since) > 1.0 and not heard:
            self.wrong("no media", f"{end.role} ({end.party.name}) heard nothing")

    def judge_cancel(self, end, client, response):
        allowed = {200}
        if self._away(client.sent_at - 2) or end.party.loss:
            allowed |= {481}
        self._judge(end, client, response, allowed)

    def judge_bye(self, end, client, response):
        allowed = {200}
        ended_by_gateway = end.bye_received is not None and (end.party.is_datagram or client.resent)
        early = end.role == "caller" and end.cancel_sent and len(self.triggers) > 1  # the called side was quicker
        absent = end.was_away and len(self.triggers) > 1
        refused = end.first and end.first.final and end.first.final.status >= 300
        if ended_by_gateway or early or absent or refused or client.resent:
            allowed |= {481}
        if end.party.loss or end.party.delay:
            allowed |= {500}
        self._judge(end, client, response, allowed)
        self.count(f"BYE {response.status}")

    def _is_acked(self, at):
        """The ACK, which may bring an answer, was at the gateway by then."""
        return self.acked_at is not None and self.acked_at + 2 * self.caller.party.delay + 0.05 < at

    def judge_offer(self, end, client, response):
        allowed = {200}
        since = client.sent_at
        if self._other_offers(since, 1) or not self._is_acked(since):
            allowed |= {491, 500}
        if self._away(since):
            allowed |= {500, 480, 491}
        if end.party.delay or end.party.loss:
            allowed |= {500}
        if getattr(client, "cancelled", False):
            allowed |= {487}
        if self.triggers:
            allowed |= {481, 487, 500, 491}
        allowed |= {status for at, status in self.offer_refusals if at >= since - self.slack}
        self._judge(end, client, response, allowed)
        self.count(f"re-INVITE {response.status}")

    def judge_other(self, end, client, response):
        allowed = {200}
        if client.method == "REFER":  # a trunk's leads to nobody
            allowed = {202} if end.party.is_browser else {202, 480}
        is_offer = client.method == "UPDATE" and client.message.body
        if is_offer and (self._other_offers(client.sent_at, 1) or not self._is_acked(client.sent_at)):
            allowed |= {491, 500, 504}
        if is_offer:
            allowed |= {status for at, status in self.offer_refusals if at >= client.sent_at - self.slack}
        if client.method == "REFER" and self.transfer_at != client.sent_at:
            allowed |= {491, 500, 603}  # one transfer at a time
        if self.triggers:
            allowed |= {481, 487, 500, 603}
        if self._away(client.sent_at):
            allowed |= {480, 500, 503}
        if end.party.delay or end.party.loss:
            allowed |= {500}
        self._judge(end, client, response, allowed)
        self.count(f"{client.method} {response.status}")


__all__ = ["Call", "Plan"]
