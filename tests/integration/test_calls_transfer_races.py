"""What crosses in a transfer, at offsets. Whatever comes first: nobody stays behind in a dialog, and who asked is told at most
one end."""

import random

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip
from tandem_test.calls import Call, DIRECTIONS, End, SIDES, cross
from tandem_test.net import Deadline
from tandem_test.transfer import refer_to, replaces_of

CONFIG = {**calls_module.CONFIG}
OFFSETS = pytest.mark.parametrize("offset", [-0.02, -0.005, 0, 0.005, 0.02])
EACH_WAY = pytest.mark.parametrize("direction, side", [(direction, side) for direction in DIRECTIONS for side in SIDES])


class Agent:
    """Behaves by itself at an end: answers what comes, again when it is repeated."""

    def __init__(self, end):
        self.end, self.is_over, self.notified, self.declined = end, False, [], False
        agents = end.peer.__dict__.setdefault("agents", [])
        agents.append(self)
        end.peer._serve = lambda message: any(agent.serve(message) for agent in agents)

    def serve(self, message):
        end = self.end
        if not end.invite or message.call_id != end.call_id:
            return False
        if not message.is_request:
            if message.cseq[1] == "INVITE" and message.cseq[0] > 1 and message.status >= 200:
                ack = end.request("ACK", cseq=message.cseq[0])
                end.send(ack if message.status < 300 else sip.ack_of_failure(end.sent, message))
                return True
            return False
        answer = getattr(self, f"on_{message.method.lower()}", None)
        if answer:
            answer(message)
        return bool(answer) or message.method == "ACK"

    def on_notify(self, notify):
        status = int(notify.body.split()[1])
        if status not in self.notified:
            self.notified.append(status)
        self.end.reply(notify, 200)
        if 200 <= status < 300 and not self.is_over:
            self.hang_up()  # it was served

    def on_bye(self, bye):
        self.end.reply(bye, 200)
        self.is_over = True

    def on_cancel(self, cancel):
        self.end.reply(cancel, 200)
        if self.end.invite.branch == cancel.branch and not self.declined:
            self.decline(487)

    def on_invite(self, invite):
        if sip.parameter(invite.header("To"), "tag"):
            self.end.reply(invite, 200, self.end.describe(invite.sdp))

    def decline(self, status):
        self.declined = self.is_over = True
        self.end.reply(self.end.invite, status)

    def answer(self):
        if not self.declined:
            self.end.reply(self.end.invite, 200, self.end.describe(self.end.invite.sdp))

    def hang_up(self):
        self.is_over = True
        self.end.sent_bye = self.end.send(self.end.request("BYE"))

    def offer(self):
        self.end.sent = self.end.reinvite("sendrecv")


def pump(agents, is_done, timeout=12.0):
    """All ends act until it is so."""
    deadline, peers = Deadline(timeout), {agent.end.peer for agent in agents}
    while not is_done():
        assert not deadline.is_over(), [(agent.end.name, agent.is_over, agent.notified) for agent in agents]
        for peer in peers:
            try:
                peer.wait_for(lambda message: False, "anything", 0.02)
            except AssertionError:
                pass  # nothing more at this moment


def finish(agents):
    """Whoever is left hangs up; then all are gone. Who asked has heard of one end at most."""
    pump(agents, lambda: any(agent.is_over for agent in agents))
    for agent in agents:
        assert len([status for status in agent.notified if status >= 200]) <= 1, agent.notified
        assert agent.notified == sorted(agent.notified)
    talking = [agent for agent in agents if not agent.is_over]
    try:
        pump(agents, lambda: all(agent.is_over for agent in agents), 1.0)
    except AssertionError:
        next(agent for agent in talking if not agent.is_over).hang_up()
        pump(agents, lambda: all(agent.is_over for agent in agents))


def begin(calls, direction, side):
    """Who transfers, who is transferred, the target: it has its INVITE."""
    call = calls.up(direction)
    one, other = call.end(side)
    target = calls.end("browser", "target")
    second = Call(other, target, call.domain)
    agents = [Agent(one), Agent(other)]
    one.ask("REFER", 202, headers=[("Refer-To", refer_to(call, target.user))])
    second.arrive()
    return (*agents, Agent(target))


@EACH_WAY
@OFFSETS
def test_the_answer_crosses_the_bye_of_who_transfers(calls, direction, side, offset):
    one, other, target = begin(calls, direction, side)
    cross(offset, target.answer, one.hang_up)
    pump([one, other, target], lambda: target.end.peer.history and any(
        m.is_request and m.method == "ACK" and m.call_id == target.end.call_id for _, m in target.end.peer.history))
    assert not other.is_over and not target.is_over
    other.hang_up()
    finish([one, other, target])


@EACH_WAY
@OFFSETS
def test_the_answer_crosses_the_bye_of_who_is_transferred(calls, direction, side, offset):
    one, other, target = begin(calls, direction, side)
    cross(offset, target.answer, other.hang_up)
    finish([one, other, target])


@EACH_WAY
@OFFSETS
def test_a_refusal_crosses_the_bye_of_who_transfers(calls, direction, side, offset):
    one, other, target = begin(calls, direction, side)
    cross(offset, lambda: target.decline(486), one.hang_up)
    finish([one, other, target])


@EACH_WAY
@OFFSETS
def test_a_refusal_crosses_the_bye_of_who_is_transferred(calls, direction, side, offset):
    one, other, target = begin(calls, direction, side)
    cross(offset, lambda: target.decline(486), other.hang_up)
    finish([one, other, target])


@EACH_WAY
@OFFSETS
@pytest.mark.parametrize("who", ["transferor", "transferee"])
def test_the_answer_crosses_an_offer(calls, direction, side, who, offset):
    one, other, target = begin(calls, direction, side)
    cross(offset, target.answer, (one if who == "transferor" else other).offer)
    pump([one, other, target], lambda: 200 in one.notified)
    other.hang_up()
    finish([one, other, target])


@EACH_WAY
@OFFSETS
def test_row_61_a_refer_crosses_the_bye_of_the_other(calls, direction, side, offset):
    call = calls.up(direction)
    one, other = call.end(side)
    target = calls.end("browser", "target")
    agents = [Agent(one), Agent(other)]
    request = one.request("REFER", headers=[("Refer-To", refer_to(call, target.user))])
    cross(offset, lambda: one.send(request), agents[1].hang_up)
    assert one.response(request).status in (202, 481)
    finish(agents)
    target.peer.inbox.clear()


@EACH_WAY
@OFFSETS
def test_both_refer_at_once(calls, direction, side, offset):
    """The one is served, the other is told to wait."""
    call = calls.up(direction)
    one, other = call.end(side)
    target = calls.end("browser", "target")
    agents = [Agent(one), Agent(other)]
    requests = [end.request("REFER", headers=[("Refer-To", refer_to(call, target.user))]) for end in (one, other)]
    cross(offset, lambda: one.send(requests[0]), lambda: other.send(requests[1]))
    assert sorted((one.response(requests[0]).status, other.response(requests[1]).status)) == [202, 491]
    agents[0].hang_up()
    pump(agents, lambda: agents[0].is_over)
    agents[1].hang_up()
    finish(agents)


@EACH_WAY
@OFFSETS
@pytest.mark.parametrize("who", ["target", "transferee"])
def test_an_attended_transfer_crosses_a_bye(calls, direction, side, who, offset):
    call = calls.up(direction)
    one, other = call.end(side)
    mine, target = End(one.peer, "second", one.user), calls.end("browser", "target")
    Call(mine, target, call.domain).set_up()
    agents = [Agent(end) for end in (one, other, mine, target)]
    request = one.request("REFER", headers=[("Refer-To", refer_to(call, target.user, replaces_of(mine)))])
    cross(offset, lambda: one.send(request), agents[3 if who == "target" else 1].hang_up)
    assert one.response(request).status in (202, 481, 603)
    finish(agents)
    while not all(agent.is_over for agent in agents):
        next(agent for agent in agents if not agent.is_over).hang_up()
        finish(agents)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("seed", range(6))
def test_a_transfer_over_a_bad_line(calls, side, seed):
    """What the trunk is told gets lost, and so do its answers."""
    one, other, target = begin(calls, "trunk-browser", side)
    dice = random.Random(seed)
    calls.trunk.drops_received = lambda m: m.is_request and m.method in ("NOTIFY", "BYE", "INVITE") and dice.random() < 0.3
    calls.trunk.drops_sent = lambda m: not m.is_request and dice.random() < 0.3
    target.answer()
    pump([one, other, target], lambda: 200 in one.notified, 40.0)
    other.hang_up()
    pump([one, other, target], lambda: all(agent.is_over for agent in (one, other, target)), 40.0)
    calls.trunk.drops_received = calls.trunk.drops_sent = lambda m: False
