"""What holds for every call, whatever crossed in it. Judged by what was on the wire; each broken rule is one line of text."""

from .agent import TIMEOUT

LATE = 1.0  # seconds after which the gateway has certainly read what reached it


def key_of(message):
    return message.branch, message.cseq[1]


def number_of(agent, message):
    return f"{agent.name}: {message.start} ({message.header('CSeq')})"


class Story:
    """One agent's wire, sorted out."""

    def __init__(self, agent):
        self.agent = agent
        self.asked = {}  # our requests that reached the gateway: key -> [Wired]
        self.answers = {}  # the gateway's responses: key -> [Wired]
        self.requests = {}  # the gateway's requests: key -> [Wired]
        self.replies = {}  # our responses that reached it: key -> [Wired]
        self.acks = []  # the gateway's ACKs
        self.our_acks = []
        for wired in agent.wire:
            message = wired.message
            if wired.way == "x":
                continue
            if message.is_request and message.method == "ACK":
                (self.our_acks if wired.way == ">" else self.acks).append(wired)
                continue
            if message.is_request:
                table = self.asked if wired.way == ">" else self.requests
            else:
                table = self.replies if wired.way == ">" else self.answers
            table.setdefault(key_of(message), []).append(wired)


def same(copies):
    return all(copy.message.encode() == copies[0].message.encode() for copy in copies)


def check_answers(story, call):
    """Each request of ours has one final response; nothing comes after it but its copies."""
    agent = story.agent
    for key, answers in story.answers.items():
        asked = story.asked.get(key)
        if not asked or asked[0].time > answers[0].time:
            yield f"{number_of(agent, answers[0].message)} answers nothing"
            continue
        finals = [one for one in answers if one.message.status >= 200]
        if not finals:
            continue
        if not same(finals):
            yield f"{agent.name}: two final responses to {key[1]}: {finals[0].message.start}, then another"
        first = answers.index(finals[0])
        if any(one.message.status < 200 for one in answers[first:]):
            yield f"{agent.name}: a provisional response after the final one to {key[1]}"
        tags = {one.message.to_tag for one in answers if one.message.status > 100}
        if len(tags) > 1:
            yield f"{agent.name}: several To tags in the responses to {key[1]}"
        if key[1] != "INVITE" and len(finals) > len(asked):
            yield f"{agent.name}: {len(finals)} final responses to {len(asked)} copies of {key[1]}"
        if key[1] == "INVITE":
            final = finals[0].message
            acked = [one for one in story.our_acks if one.message.cseq[0] == final.cseq[0]
                     and one.message.call_id == final.call_id
                     and (one.message.branch == final.branch or final.status < 300 and one.message.to_tag == final.to_tag)]
            last = max([one.time for one in asked] + [acked[0].time if acked else finals[-1].time]) + LATE + call.slack()
            if any(one.time > last for one in finals):
                yield f"{agent.name}: {finals[0].message.start} is repeated after its ACK"
    for client in agent.clients.values():
        if not client.final and client not in call.unanswered and key_of(client.request) in story.asked:
            yield f"{agent.name}: no final response to {client}"


def check_statuses(story, call):
    """What no scenario has asked for is 200; 481 only when the call has ended."""
    agent = story.agent
    ends = [end for one in (call, *call.siblings) for end in one.ends]
    firsts = {key_of(end.invite.request) for end in ends if end.invite is not None}
    for key, answers in story.answers.items():
        final = next((one for one in answers if one.message.status >= 200), None)
        if not final or key in firsts or key[1] == "REGISTER" or final.message.status in call.allowed | {200} or \
                (agent, final.message.status) in call.allowed:
            continue
        if final.message.status == 481 and call_had_ended(call, final):
            continue
        if key[1] == "INVITE" and final.message.status == 487:
            continue
        yield f"{number_of(agent, final.message)} was not to be expected"


def call_had_ended(call, answer):
    """By a BYE of whatever side, on whatever leg, that was on the wire before this answer."""
    return any(wired.message.is_request and wired.message.method == "BYE" and wired.way != "x" and wired.time <= answer.time
               and key_of(wired.message) != key_of(answer.message) for agent in call.agents for wired in agent.wire)


def check_requests(story, call):
    """Copies are copies, the CSeq rises, CANCEL comes where it may."""
    agent = story.agent
    numbers = {}
    for key, copies in story.requests.items():
        first = copies[0].message
        if not same(copies):
            yield f"{number_of(agent, first)} is repeated with changes"
        if first.method == "CANCEL":
            yield from check_cancel(story, copies[0], call)
            continue
        dialog = first.call_id, first.from_tag
        if numbers.get(dialog, -1) >= first.cseq[0]:
            yield f"{number_of(agent, first)}: the CSeq does not rise"
        numbers[dialog] = first.cseq[0]
        if len(copies) > 11:
            yield f"{number_of(agent, first)} came {len(copies)} times"


def check_cancel(story, cancel, call):
    agent = story.agent
    invite = next((copies[0].message for copies in story.requests.values()
                   if copies[0].message.method == "INVITE" and copies[0].message.branch == cancel.message.branch), None)
    if not invite or invite.cseq[0] != cancel.message.cseq[0] or invite.uri != cancel.message.uri:
        yield f"{number_of(agent, cancel.message)} cancels nothing"
        return
    replies = story.replies.get(key_of(invite), [])
    if not any(one.time <= cancel.time for one in replies):
        yield f"{number_of(agent, cancel.message)} came before any provisional response"
    if any(one.time + LATE + call.slack() < cancel.time and one.message.status >= 200 for one in replies):
        yield f"{number_of(agent, cancel.message)} came after the final response"


def check_acks(story, call):
    """Each final response of ours to an INVITE has its ACK, the same each time; there is no other ACK."""
    agent = story.agent
    wanted = {}
    for key, replies in story.replies.items():
        for one in replies:
            message = one.message
            if key[1] == "INVITE" and message.status >= 200:
                tag = message.to_tag
                wanted.setdefault((message.call_id, message.cseq[0], tag, key[0] if message.status >= 300 else None), []).append(one)
    for (call_id, cseq, tag, branch), replies in wanted.items():
        acks = [one for one in story.acks if one.message.call_id == call_id and one.message.cseq[0] == cseq
                and one.message.to_tag == tag and branch in (None, one.message.branch)]
        what = f"{agent.name}: {replies[0].message.start} ({cseq} INVITE)"
        if not acks:
            is_excused = any(one.request.call_id == call_id and one.request.cseq[0] == cseq for one in call.unanswered)
            if not is_excused and not has_timed_out(story, replies[0], call):
                yield f"{what} has no ACK"
            continue
        if not same(acks):
            yield f"{what} has different ACKs"
        if len(acks) > len(replies):
            yield f"{what}: {len(acks)} ACKs for {len(replies)} copies"
    known = {(call_id, cseq, tag) for call_id, cseq, tag, _ in wanted}
    for one in story.acks:
        if (one.message.call_id, one.message.cseq[0], one.message.to_tag) not in known:
            yield f"{number_of(agent, one.message)} acknowledges nothing"


def has_timed_out(story, reply, call):
    """The refusal came after Timer B, or so near that nobody can tell: there was no transaction any more that could ACK."""
    asked = story.requests.get(key_of(reply.message), [])
    return reply.message.status >= 300 and asked and reply.time > asked[0].time + TIMEOUT - 0.1 - call.slack()


def ends_of_dialogs(story):
    """(Call-ID, time) from which on the gateway may begin nothing more there."""
    for copies in story.requests.values():
        if copies[0].message.method == "BYE":
            yield copies[0].message.call_id, copies[0].message.to_tag, copies[0].time
    for key, answers in story.answers.items():
        for one in answers:
            if key[1] == "BYE" and one.message.status == 200:
                yield one.message.call_id, one.message.from_tag, one.time


def check_silence(story, call):
    """After the end of a dialog no request comes in it."""
    agent = story.agent
    for call_id, tag, end in ends_of_dialogs(story):
        for copies in story.requests.values():
            first = copies[0].message
            if copies[0].time > end and first.call_id == call_id and first.to_tag == tag and first.method != "CANCEL":
                if first.method == "BYE" and call.may_end_twice:
                    continue
                yield f"{number_of(agent, first)} came after the dialog's end"


def check_counts(call):
    """The gateway begins what the scenario expects of it, no more and no less."""
    for end in call.ends:
        methods = {server.method for server in end.servers} | {method for one, method in call.expected if one is end}
        for method in methods - {"BYE", "CANCEL"}:
            count = len(end.heard(method))
            least, most = call.expected.get((end, method), (0, 0))
            if not least <= count <= most:
                yield f"{end.name}: {count} {method} of the gateway, not {least} to {most}"
        yield from check_byes(call, end)
    for agent in call.agents:
        for server in agent.strangers:
            if server.method not in ("OPTIONS", "NOTIFY"):
                yield f"{agent.name}: {server} belongs to nothing"


def check_byes(call, end):
    byes = [one for one in end.heard("BYE") if one.request.to_tag == end.tag]
    least, most = call.expected.get((end, "BYE"), (None, None))
    if least is None:
        invite = end.invite
        was_up = invite is not None and invite.final is not None and invite.final.status < 300
        if any(bye.has(200) for bye in end.own_byes):
            least, most = 0, 1
        else:
            least, most = (1, 1) if was_up else (0, 0)
    if not least <= len(byes) <= most:
        yield f"{end.name}: {len(byes)} BYEs of the gateway, not {least} to {most}"
    cancels = end.heard("CANCEL")
    if len(cancels) > max(1, call.expected.get((end, "CANCEL"), (0, 1))[1]):
        yield f"{end.name}: {len(cancels)} CANCELs of the gateway"


CHECKS = (check_answers, check_statuses, check_requests, check_acks, check_silence)


def broken(call):
    """All that is wrong with this call, in words."""
    found = []
    for agent in call.agents:
        story = Story(agent)
        for check in CHECKS:
            found += check(story, call)
    for one in (call, *call.siblings):
        found += check_counts(one)
    return found
