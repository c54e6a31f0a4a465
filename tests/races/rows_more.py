"""Rows 37 to 39: UPDATE (RFC 3311). Row 50: session timers (RFC 4028). Rows 53 and 54: reliable provisional responses (RFC 3262).
Rows 60 to 62: 302, REFER and INFO that cross the end."""

import asyncio
import random

from tandem_test.races.agent import TIMEOUT
from tandem_test.races.runner import ALL, BOTH, BROWSER_TRUNK, row

from rows_cancel import CANCELLED, call_cancel, cancelled_or_answered
from rows_offers import ROUNDS, accepted

EXPIRES = 90  # the least that a session timer may be


def update(end, direction):
    return end.send("UPDATE", body=end.describe(direction=direction))


async def updated(end, client, direction):
    for _ in range(ROUNDS):
        final = await end.final(client, (200, 491, 500))
        if final.status == 200:
            return
        await asyncio.sleep(random.uniform(0.1, 2.0) if final.status == 491 else 0.3)
        client = update(end, direction)
    raise AssertionError(f"{end.name}: its UPDATE is never taken")


@row(37, directions=ALL, variants=("caller", "called"))
async def row_37_an_update_with_an_offer_crosses_our_reinvite(call, offset, variant):
    """491, or first come, first served; both succeed in the end."""
    await call.up()
    other = call.caller if variant == "caller" else call.called
    one = call.other(other)
    for end in call.ends:
        call.expects(end, "INVITE", 0, 2 * ROUNDS)
        call.expects(end, "UPDATE", 0, 2 * ROUNDS)
    call.allow(491, 500)
    first, second = await call.cross(offset, lambda: one.reinvite("sendonly"), lambda: update(other, "inactive"))
    await asyncio.gather(accepted(one, first, "sendonly"), updated(other, second, "inactive"))
    await call.hang_up()


@row(38, directions=ALL, variants=("caller", "called"))
async def row_38_an_update_without_an_offer_crosses_our_reinvite(call, offset, variant):
    """A refresh of the session concerns no offer."""
    await call.up()
    other = call.caller if variant == "caller" else call.called
    one = call.other(other)
    call.expects(other, "INVITE")
    first, second = await call.cross(offset, lambda: one.reinvite("sendonly"), lambda: other.send("UPDATE"))
    await one.final(first, 200)
    await other.final(second, 200)
    await call.hang_up()


@row(39, directions=ALL)
async def row_39_a_second_update_before_the_first_is_answered(call, offset):
    """500 with Retry-After; when the first has just been answered, 200."""
    await call.up()
    caller, called = call.ends
    heard = asyncio.get_running_loop().create_future()
    for method in ("INVITE", "UPDATE"):
        called.manual[method] = lambda server: heard.done() or heard.set_result(server)
        call.expects(called, method, 0, 2)
    call.allow(500)
    first = update(caller, "sendonly")
    server = await asyncio.wait_for(heard, 30)
    called.manual.clear()
    answer = called.on_invite if server.method == "INVITE" else called.on_update
    _, second = await call.cross(offset, lambda: answer(server), lambda: update(caller, "inactive"))
    await caller.final(first, 200)
    final = await caller.final(second, (200, 500))
    assert final.status == 200 or 0 <= int(final.header("Retry-After")) <= 10
    await call.hang_up()


# --- session timers ---
async def up_with_timer(call, refresher):
    await call.ringing(direction="inactive")  # nobody waits for media
    headers = [("Session-Expires", f"{EXPIRES};refresher={refresher}"), ("Require", "timer")]
    called = call.called
    called.answer(called.describe(called.invite.request.sdp, "inactive"), headers=headers)
    await call.answered()
    return call.loop.time()


async def first_refresh(call):
    """The gateway's refresh of the called side's session: what it is, held back from an answer."""
    called = call.called
    heard = asyncio.get_running_loop().create_future()
    for method in ("INVITE", "UPDATE"):
        called.manual[method] = lambda server: heard.done() or heard.set_result(server)
        call.expects(called, method, 0, 3)
    server = await asyncio.wait_for(heard, EXPIRES)
    called.manual.clear()
    return server


@row(50, directions=ALL, variants=("BYE", 491, 408, 481), is_long=True)
async def row_50_a_refresh_crosses_bye_or_is_refused(call, offset, variant):
    await up_with_timer(call, "uac")
    server = await first_refresh(call)
    called = call.called
    good = called.on_invite if server.method == "INVITE" else called.on_update
    refusal = {"BYE": lambda: server.final or good(server)}.get(
        variant, lambda: server.final or called.reply(server, variant, contact=None))
    call.ends_by(("caller", "hung up"), ("called|gateway", "lost the call|refresh"))
    if variant == 491:
        await call.cross(offset, refusal, lambda: call.caller.send("OPTIONS"))
        await called.until(lambda: len(called.heard("INVITE") + called.heard("UPDATE")) >= 2, "second refresh", 30)
        await call.hang_up()
        return
    await call.cross(offset, refusal, call.caller.bye)
    await call.over()


@row(50, directions=ALL, is_long=True)
async def row_50_no_refresh_comes(call, offset):
    """The called side promised it; its refresh comes when the gateway gives up, at two thirds of the time."""
    begun = await up_with_timer(call, "uas")
    call.ends_by(("caller", "hung up"), ("called|gateway", ""))
    call.allow(481)
    client = await call.at(begun + 2 * EXPIRES / 3, offset, lambda: call.called.send("UPDATE"))
    final = await call.called.final(client, (200, 481))
    if final.status == 200:
        await asyncio.sleep(1.0)
    if not call.called.over:
        await call.hang_up()
    await call.over()


# --- reliable provisional responses ---
def reliable(end, status, rseq, body=b""):
    return end.reply(end.invite, status, body, headers=[("Require", "100rel"), ("RSeq", str(rseq))])


async def pracked(call, rseq, status=183, body=b""):
    """Sent until it is acknowledged. The PRACK is the scenario's."""
    called = call.called
    found = lambda: next((one for one in called.heard("PRACK") if one.request.header("RAck").startswith(f"{rseq} ")), None)
    return await call.again_and_again(lambda: reliable(called, status, rseq, body), found, "PRACK")


@row(53, directions=ALL)
async def row_53_the_200_crosses_the_200_to_prack(call, offset):
    await call.arrived()
    called = call.called
    called.manual["PRACK"] = None
    call.expects(called, "PRACK", 1, 1)
    prack = await pracked(call, 1, body=called.describe(called.invite.request.sdp))
    await call.cross(offset, lambda: called.reply(prack, 200, contact=None), called.answer)
    await call.answered()
    await call.hang_up()


@row(53, directions=ALL)
async def row_53_a_repeated_183_and_a_gap(call, offset):
    """RSeq 1 comes again around its PRACK, 3 before 2: one PRACK for each in its order."""
    await call.arrived()
    called = call.called
    call.expects(called, "PRACK", 2, 3)
    body = called.describe(called.invite.request.sdp)
    await call.cross(21 + offset, lambda: reliable(called, 183, 1, body), lambda: called.invite.send())
    await pracked(call, 1, body=body)
    await call.cross(21 + offset, lambda: reliable(called, 180, 3), lambda: reliable(called, 180, 2))
    await pracked(call, 2, status=180)
    called.answer()
    await call.answered()
    await call.settled()
    numbers = [one.request.header("RAck").split()[0] for one in called.heard("PRACK")]
    assert sorted(numbers) in (["1", "2"], ["1", "2", "3"]), numbers  # 3 only when it had come behind 2
    await call.hang_up()


async def ringing_reliably(call):
    """To a caller who requires it."""
    call.dial(headers=[("Require", "100rel")])
    await call.arrive()
    call.called.reply(call.called.invite, 180)
    response = await call.again_and_again(
        lambda: call.called.invite.send(), lambda: next((m for m in call.caller.invite.responses if m.status == 180), None), "180")
    call.caller.early(response)
    return response


def prack(call, response, rseq=None):
    number = rseq or response.header("RSeq")
    cseq = call.caller.invite.request.cseq[0]
    return call.caller.send("PRACK", headers=[("RAck", f"{number} {cseq} INVITE")])


@row(54, directions=ALL)
async def row_54_cancel_crosses_prack(call, offset):
    response = await ringing_reliably(call)
    call.allow(481)
    cancel, client = await call.cross(offset, call_cancel(call), lambda: prack(call, response))
    await call.caller.final(client, (200, 481))
    assert await cancelled_or_answered(call, cancel) == 487


@row(54, directions=ALL)
async def row_54_a_prack_of_nothing(call, offset):
    """Around the right one."""
    response = await ringing_reliably(call)
    call.allow(481, *[500] * call.run.is_bad)
    right, wrong = await call.cross(offset, lambda: prack(call, response), lambda: prack(call, response, "99"))
    assert (await call.caller.final(wrong)).status in ((481, 500) if call.run.is_bad else (481,))
    final = await call.caller.final(right, (200, 500) if call.run.is_bad else 200)
    if final.status == 500:  # it was overtaken
        await call.caller.final(prack(call, response), 200)
    call.called.answer()
    await call.answered()
    await call.hang_up()


@row(54, directions=ALL, is_long=True)
async def row_54_the_prack_comes_when_the_gateway_gives_up(call, offset):
    response = await ringing_reliably(call)
    begun = next(w.time for w in call.caller.agent.wire if w.way == "<" and w.message.status == 180)
    call.allow(481)
    client = await call.at(begun + TIMEOUT, offset, lambda: prack(call, response))
    if (await call.caller.final(client, (200, 481))).status == 481:
        assert (await call.caller.final(call.caller.invite)).status >= 500
        call.ends_by(("caller|gateway", "not acknowledged"))
    else:
        call.called.answer()
        await call.answered()
        await call.hang_up()
    await call.over()


# --- 302, REFER, INFO ---
@row(60, directions=(BROWSER_TRUNK,), variants=("elsewhere", "itself"))
async def row_60_a_302_crosses_cancel(call, offset, variant):
    """It is not followed: to nobody else ever, and not to the trunk itself, which may not redirect."""
    await call.ringing()
    called = call.called
    contact = "<sip:5551@192.0.2.7>" if variant == "elsewhere" else called.contact
    _, cancel = await call.cross(offset, lambda: called.refuse(302, contact=contact), call_cancel(call))
    status = (await call.caller.final(cancel)).status
    final = await call.caller.final(call.caller.invite, (487, 502))
    assert status == 200 or status == 481 and final.status == 502
    call.allow(481)
    call.ends_by(CANCELLED, ("called", "302"))
    await call.over()


@row(60, directions=(BROWSER_TRUNK,), trunk="redirecting")
async def row_60_a_302_that_is_followed_crosses_cancel(call, offset):
    """No INVITE goes out behind the CANCEL, or it is cancelled."""
    await call.ringing()
    called = call.called
    target = called.contact.replace("sip:", "sip:9")
    called.agent.socket.agents["9" + called.agent.number] = called.agent
    _, cancel = await call.cross(offset, lambda: called.refuse(302, contact=target), call_cancel(call))
    await call.caller.final(cancel, 200)
    await call.caller.final(call.caller.invite, 487)
    call.ends_by(CANCELLED)
    await call.over()
    try:
        found = await called.until(lambda: next(iter(called.agent.strangers), None), "INVITE", 5 if call.run.is_bad else 0.5)
    except AssertionError:
        return
    called.agent.strangers.remove(found)
    second = call.another()
    call.numbers.pop()
    second.take(second.called, found)
    await call.again_and_again(lambda: found.final or second.called.reply(found, 180), lambda: second.called.over, "CANCEL")


@row(61, directions=ALL, variants=("own", "other"))
async def row_61_refer_crosses_bye(call, offset, variant):
    """The BYE of the other side, or the own one. Who is to be called is nobody."""
    await call.up()
    caller, called = call.ends
    bye = called.bye if variant == "other" else caller.bye
    refer = lambda: caller.send("REFER", headers=[("Refer-To", f"<sip:nobody@{call.domain}>")])
    call.expects(caller, "NOTIFY", 0, 3)
    call.allow(202, 403, 404, 481, 500, 603)
    call.ends_by(("caller|called|gateway", ""))
    if variant == "own":
        call.calm(True)  # a BYE that is overtaken is out of order, and the call lives
    _, client = await call.cross(offset, lambda: bye(), refer)
    await caller.final(client)
    await call.over()


@row(62, directions=ALL)
async def row_62_info_crosses_bye(call, offset):
    """A digit: to the other side, or 481."""
    await call.up()
    caller, called = call.ends
    call.expects(called, "INFO", 0, 1)
    call.allow(481, 487)
    info = lambda: caller.send("INFO", body="Signal=5\r\nDuration=160\r\n", content_type="application/dtmf-relay")
    _, client = await call.cross(offset, called.bye, info)
    await caller.final(client)
    await call.over()


__all__ = ["BOTH"]
