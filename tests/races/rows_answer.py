"""Rows 13 to 24: 2xx, ACK and their loss (RFC 3261, section 13; RFC 6026). Rows 51, 52, 57 to 59: provisional answers,
forks, repeats."""

import re

from tandem_test import sip
from tandem_test.races.agent import TIMEOUT
from tandem_test.races.runner import ALL, BROWSER_BROWSER, BROWSER_TRUNK, NO_ANSWER, TRUNK_BROWSER, row

ACK_TAKES_MS = 21  # a message at -20 ms comes after what it follows


def first_time(end, way, fits):
    """When such a message was first on the wire; none: now."""
    return next((wired.time for wired in end.agent.wire if wired.way == way and fits(wired.message)), end.agent.loop.time())


@row(13, directions=ALL, is_long=True)
async def row_13_the_200_comes_when_timer_b_fires(call, offset):
    """Answered, or given up with 408; then the 200 is acknowledged and ended."""
    call.dial()
    await call.arrive()
    begun = first_time(call.called, "<", lambda m: m.is_request and m.method == "INVITE")
    await call.at(begun + TIMEOUT, offset, call.called.answer)
    final = await call.caller.final(call.caller.invite, (200, 408))
    if final.status == 200:
        await call.hang_up()
    else:
        call.ends_by(("called", "408"))
        await call.over()


@row(14, directions=ALL, variants=("heard", "lost"))
async def row_14_each_repeated_200_gets_the_same_ack(call, offset, variant):
    """The 200 comes again around the time of the ACK, which is heard, or lost."""
    await call.ringing()
    lost = []
    if variant == "lost":
        call.called.agent.drops_received = lambda m: m.is_request and m.method == "ACK" and not lost and not lost.append(m)
    await call.cross(ACK_TAKES_MS + offset, call.called.answer, lambda: call.called.invite.send())
    await call.answered()
    assert variant == "heard" or lost
    await call.hang_up()


async def ack_at_the_last_moment(call, offset):
    """The 200 is repeated for 64*T1; the ACK comes just in time, or the call is ended."""
    call.caller.acknowledges = False
    await call.ringing()
    call.called.answer()
    await call.caller.final(call.caller.invite, 200)
    begun = first_time(call.caller, "<", lambda m: m.status == 200 and m.method == "INVITE")
    await call.called.acknowledged()
    assert not call.called.over
    await call.at(begun + TIMEOUT, offset, call.caller.ack)
    copies = [wired.time - begun for wired in call.caller.agent.wire if wired.way == "<" and wired.message.status == 200
              and wired.message.cseq == call.caller.invite.request.cseq]
    assert len(copies) in (10, 11), copies
    try:
        await call.called.until(lambda: call.called.over, "BYE", 1.0 + 6.0 * call.run.is_bad)
    except AssertionError:
        await call.hang_up()
        return
    call.ends_by(("caller", "no ACK"))
    await call.over()


@row(15, directions=(TRUNK_BROWSER,), is_long=True)
async def row_15_the_trunks_ack_comes_when_the_gateway_gives_up(call, offset):
    await ack_at_the_last_moment(call, offset)


@row(16, directions=(BROWSER_TRUNK, BROWSER_BROWSER), is_long=True)
async def row_16_the_browsers_ack_comes_when_the_gateway_gives_up(call, offset):
    await ack_at_the_last_moment(call, offset)


@row(17, directions=(TRUNK_BROWSER,))
async def row_17_an_invite_repeated_around_its_200_is_absorbed(call, offset):
    await call.ringing()
    caller = call.caller
    await call.cross(offset, call.called.answer, lambda: caller.agent.transmit(caller.invite.request))
    await call.answered()
    await call.hang_up()


@row(18, directions=ALL)
async def row_18_a_200_repeated_around_our_bye_is_acknowledged(call, offset):
    await call.up()
    await call.cross(offset, call.caller.bye, lambda: call.called.invite.send())
    await call.over()
    await call.settled()
    acks = [wired for wired in call.called.agent.wire if wired.way == "<" and wired.message.method == "ACK"]
    assert call.run.is_bad or len(acks) == 2


@row(19, directions=ALL)
async def row_19_the_ack_with_the_answer_crosses_the_called_sides_bye(call, offset):
    """The caller has its BYE after its ACK."""
    call.caller.acknowledges = False
    await call.ringing(offer=False)
    call.called.answer()
    await call.caller.final(call.caller.invite, 200)
    await call.called.acknowledged()
    answer = call.caller.describe(call.caller.invite.final.sdp)
    call.expects(call.called, "INVITE", 0, 1)  # the answer may differ from what it has
    await call.cross(offset, call.called.bye, lambda: call.caller.ack(body=answer))
    await call.over()
    bye_follows_ack(call)


def bye_follows_ack(call):
    if call.run.is_bad:
        return
    ways = [(wired.way, wired.message.method) for wired in call.caller.agent.wire if wired.message.is_request]
    assert ways.index(("<", "BYE")) > ways.index((">", "ACK")), "a callee's BYE waits for the ACK"


@row(20, directions=ALL)
async def row_20_an_ack_that_lacks_the_answer_ends_the_call(call, offset):
    call.caller.acknowledges = False
    await call.ringing(offer=False)
    call.called.answer()
    await call.caller.final(call.caller.invite, 200)
    await call.called.acknowledged()
    await call.cross(offset, call.called.bye, call.caller.ack)
    call.ends_by(("called", "hung up"), ("gateway", "lacks an answer"))
    await call.over()
    bye_follows_ack(call)


@row(21, directions=ALL)
async def row_21_an_ack_of_another_cseq_acknowledges_nothing(call, offset):
    caller = call.caller
    caller.acknowledges = False
    await call.ringing()
    call.called.answer()
    await caller.final(caller.invite, 200)
    wrong = caller.request("ACK", cseq=caller.invite.request.cseq[0] + 7)
    await call.cross(offset, caller.ack, lambda: caller.agent.transmit(wrong))
    await call.answered()
    await call.hang_up()


@row(22, directions=(BROWSER_TRUNK,))
async def row_22_target_and_route_are_those_of_the_200(call, offset):
    """The caller hangs up around a repetition of the 200."""
    await answered_with_route(call, offset, ";lr")
    called = call.called
    route = called.reply_route
    for message in requests_of(called):
        assert message.uri == sip.uri_of(called.agent.new_contact) and message.values("Route") == [route], message


@row(23, directions=(BROWSER_TRUNK,))
async def row_23_a_strict_router(call, offset):
    await answered_with_route(call, offset, "")
    called = call.called
    for message in requests_of(called):
        assert message.uri == sip.uri_of(called.reply_route), message
        assert message.values("Route") == [called.agent.new_contact], message


def requests_of(end):
    return [wired.message for wired in end.agent.wire if wired.way == "<" and wired.message.method in ("ACK", "BYE")
            and wired.message.is_request]


async def answered_with_route(call, offset, parameters):
    called = call.called
    host = called.contact.split("@")[1].rstrip(">")
    await call.arrived()
    await call.ring(headers=[("Record-Route", "<sip:127.0.0.99;lr>")], contact=f"<sip:old@{host}>")
    called.reply_route = f"<sip:router@{host}{parameters}>"
    called.agent.new_contact = f"<sip:new@{host}>"
    called.answer(headers=[("Record-Route", called.reply_route)], contact=called.agent.new_contact)
    await call.answered()
    await call.cross(offset, lambda: called.invite.send(), lambda: call.caller.bye())
    await call.over()


@row(24, directions=(BROWSER_TRUNK,), variants=(302, 486, 603))
async def row_24_a_refusal_is_acknowledged_each_time_and_told_once(call, offset, variant):
    await call.ringing()
    lost = []
    call.called.agent.drops_received = lambda m: m.is_request and m.method == "ACK" and not lost and not lost.append(m)
    await call.cross(ACK_TAKES_MS + offset, lambda: call.called.refuse(variant), lambda: call.called.invite.send())
    await call.caller.final(call.caller.invite, 502 if variant == 302 else variant)
    await call.called.acknowledged()
    call.ends_by(("called", f"answered {variant}"))
    await call.over()


@row(51, directions=(BROWSER_TRUNK,))
async def row_51_a_fork_rings_plays_and_answers(call, offset):
    """180 of one branch, early media of another around the 200 of a third."""
    await call.arrived()
    called = call.called
    await call.ring(tag="b1")
    body = called.describe()
    early = sip.response(called.invite.request, 183, to_tag="b2", contact=called.contact, body=body)
    await call.cross(offset, lambda: called.agent.transmit(early), lambda: called.answer(body))
    await call.answered()
    tags = {message.to_tag for message in call.caller.invite.responses if message.status > 100}
    assert len(tags) == 1
    bodies = {message.body for message in call.caller.invite.responses if message.body}
    assert len(bodies) == 1, "the browser sees one answer"
    await call.hang_up("called")


@row(52, directions=(BROWSER_TRUNK,))
async def row_52_the_second_200_of_a_fork_is_acknowledged_and_ended(call, offset):
    """Both branches answer; the call has the one that was first at the gateway, the other has ACK and BYE."""
    await call.ringing()
    called = call.called
    body = called.describe()
    other = sip.response(called.invite.request, 200, to_tag="fork", contact=called.contact, body=body)
    called.invite.repeats_final = False
    await call.cross(offset, called.answer, lambda: called.agent.transmit(other))
    acked = lambda tag: any(w.way == "<" and w.message.method == "ACK" and w.message.to_tag == tag for w in called.agent.wire)
    await call.again_and_again(lambda: (acked(called.tag) or called.invite.send(), acked("fork") or called.agent.transmit(other)),
                               lambda: acked(called.tag) and acked("fork"), "ACKs")
    await called.until(lambda: called.heard("BYE"), "BYE to the other branch")
    if called.heard("BYE")[0].request.to_tag == called.tag:  # the fork was the first
        called.dialog = sip.Dialog.as_callee(called.invite.request, "fork", called.contact)
        called.tag, called.over = "fork", None
    await call.caller.final(call.caller.invite, 200)
    call.unanswered.add(called.invite)
    await call.hang_up("called")
    assert len(called.heard("BYE")) == 1


@row(57, directions=(TRUNK_BROWSER,))
async def row_57_a_merged_invite_is_refused(call, offset):
    """The same INVITE on two paths: one of them goes on, the other has 482."""
    caller = call.caller

    def second():
        request = caller.invite.request.copy().set("Via", f"SIP/2.0/{caller.via};branch={sip.branch()}")
        return caller.start(request)

    first, second = await call.cross(ACK_TAKES_MS + offset, call.dial, second)
    call.allow((caller.agent, 482))
    refused = await caller.until(lambda: next((one for one in (first, second) if one.final), None), "482")
    assert refused.final.status == 482
    caller.invite, caller.over = (second if refused is first else first), None
    await call.arrive()
    await call.ring()
    call.called.answer()
    await call.answered()
    await call.hang_up()


@row(58, directions=(TRUNK_BROWSER,))
async def row_58_an_invite_repeated_six_times_rings_once(call, offset):
    """Around the 100, which comes after 200 ms at most."""
    line = call.caller.agent.line
    line.is_calm = True
    invite = call.dial()
    begun = call.loop.time()
    for _ in range(6):
        await call.at(begun + 0.2, offset, lambda: call.caller.agent.transmit(invite.request))
    await call.arrive()
    trying = await call.caller.until(lambda: next((w for w in call.caller.agent.wire if w.message.status == 100), None), "100")
    assert trying.time - begun < 0.25 + call.slack(), trying.time - begun
    line.is_calm = False
    await call.ring()
    call.called.answer()
    await call.answered()
    await call.hang_up()


@row(59, directions=ALL, is_long=True)
async def row_59_the_called_side_answers_when_the_gateway_gives_up(call, offset):
    """100 or 180, then nothing for as long as anybody may ring."""
    call.dial()
    begun = call.loop.time()
    await call.arrive()
    await call.ring()
    await call.at(begun + NO_ANSWER, offset, call.called.answer)
    final = await call.caller.final(call.caller.invite, (200, 480))
    if final.status == 200:
        await call.hang_up()
    else:
        call.ends_by(("gateway", "no answer"))
        await call.over()


__all__ = ["re"]
