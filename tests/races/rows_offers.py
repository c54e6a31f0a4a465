"""Rows 35 to 48: offers in a call that is up, and what they cross (RFC 3261, section 14; RFC 5407, section 3.3)."""

import random

from tandem_test import sip
from tandem_test.races.agent import TIMEOUT
from tandem_test.races.call import REVERSE, direction_of
from tandem_test.races.runner import ALL, BOTH, BROWSER_BROWSER, row

import asyncio

ROUNDS = 8


async def accepted(end, client, direction):
    """Of an offer: tried again after 491 as section 14.1 has it, until it is accepted."""
    for _ in range(ROUNDS):
        final = await end.final(client, (200, 491))
        if final.status == 200:
            return final
        is_owner = isinstance(end.invite, type(client))  # the caller made the Call-ID
        await asyncio.sleep(random.uniform(2.1, 4.0) if is_owner else random.uniform(0.0, 2.0))
        client = end.reinvite(direction)
    raise AssertionError(f"{end.name}: no end of 491")


async def both_offer(call, offset, one, other):
    """`one` holds, `other` offers around that moment; both succeed in the end."""
    await call.up()
    for end in call.ends:
        call.expects(end, "INVITE", 0, 2 * ROUNDS)
    call.allow(491)
    first, second = await call.cross(offset, lambda: one.reinvite("sendonly"), lambda: other.reinvite("inactive"))
    await asyncio.gather(accepted(one, first, "sendonly"), accepted(other, second, "inactive"))
    check_retries(call)
    await call.hang_up()


def check_retries(call):
    """Of the gateway after 491: 2.1 to 4 s where it made the Call-ID, else up to 2 s (section 14.1)."""
    for end in call.ends:
        refused, known = None, set()  # (branch, time) of the last INVITE that met with 491
        for wired in end.agent.wire:
            message = wired.message
            if message.cseq[1] != "INVITE" or wired.way == "x":
                continue
            if wired.way == ">" and message.status == 491 and message.branch not in known:
                refused = message.branch, wired.time
                known.add(message.branch)
            elif wired.way == "<" and message.is_request and refused and message.branch != refused[0]:
                waited = wired.time - refused[1]
                least, most = (2.1, 4.0) if end is call.called else (0.0, 2.0)
                assert least - 0.1 <= waited <= most + 0.5 + 6.0 * call.run.is_bad + call.slack(), f"{end.name}: tried again after {waited:.2f} s"
                refused = None


@row(35, directions=BOTH)
async def row_35_glare_on_the_trunks_leg(call, offset):
    await both_offer(call, offset, call.browser, call.trunk)


@row(36, directions=BOTH)
async def row_36_glare_on_the_browsers_leg(call, offset):
    await both_offer(call, offset, call.trunk, call.browser)


@row(36, directions=(BROWSER_BROWSER,))
async def row_36_glare_between_browsers(call, offset):
    await both_offer(call, offset, call.caller, call.called)


@row(40, directions=ALL)
async def row_40_a_reinvite_around_the_ack(call, offset):
    """The offer was in the INVITE: accepted, or 491."""
    caller = call.caller
    caller.acknowledges = False
    await call.ringing()
    call.called.answer()
    await caller.final(caller.invite, 200)
    await call.called.acknowledged()
    call.expects(call.called, "INVITE", 0, 1)
    call.allow(491)
    _, client = await call.cross(offset, caller.ack, lambda: caller.reinvite("sendonly"))
    final = await caller.final(client, (200, 491))
    if final.status == 200:
        caller.ack(client)
    await call.hang_up()


@row(41, directions=ALL)
async def row_41_a_reinvite_around_the_ack_with_the_answer(call, offset):
    """Before the ACK there is no session that could change: 491."""
    caller = call.caller
    caller.acknowledges = False
    await call.ringing(offer=False)
    call.called.answer()
    await caller.final(caller.invite, 200)
    await call.called.acknowledged()
    answer = caller.describe(caller.invite.final.sdp)
    call.expects(call.called, "INVITE", 0, 2)
    call.allow(491)
    _, client = await call.cross(offset, lambda: caller.ack(body=answer), lambda: caller.reinvite("sendonly"))
    final = await caller.final(client, (200, 491))
    assert call.run.is_bad or final.status == (200 if offset >= 0 else 491) or abs(offset) < 20
    if final.status == 200:
        caller.ack(client)
    await call.hang_up()


@row(42, directions=ALL)
async def row_42_a_second_reinvite_while_the_first_is_unanswered(call, offset):
    """500 with Retry-After; when the first has just been answered, 200."""
    await call.up()
    caller, called = call.ends
    called.manual["INVITE"] = None
    call.expects(called, "INVITE", 1, 2)
    call.allow(500, 491)
    first = caller.reinvite("sendonly")
    heard = await called.expect("INVITE")
    del called.manual["INVITE"]
    _, second = await call.cross(offset, lambda: called.on_invite(heard), lambda: caller.reinvite("inactive"))
    await caller.final(first, 200)
    final = await caller.final(second, (200, 500))
    assert final.status == 200 or 0 <= int(final.header("Retry-After")) <= 10
    await call.hang_up()


@row(43, directions=ALL)
async def row_43_a_reinvite_crosses_our_bye(call, offset):
    await call.up()
    caller, called = call.ends
    call.expects(caller, "INVITE", 0, 1)
    _, client = await call.cross(offset, caller.bye, lambda: called.reinvite("sendonly"))
    await called.final(client, (200, 481, 487))
    await call.over()


@row(44, directions=ALL)
async def row_44_bye_while_the_own_reinvite_is_pending(call, offset):
    """It crosses the answer to the re-INVITE."""
    await call.up()
    caller, called = call.ends
    called.manual["INVITE"] = None
    call.expects(called, "INVITE")
    client = caller.reinvite("sendonly")
    heard = await called.expect("INVITE")
    await call.cross(offset, lambda: heard.final or called.on_invite(heard), caller.bye)
    await caller.final(client, (200, 487))
    await call.over()


@row(45, directions=ALL, variants=(408, 481))
async def row_45_a_refusal_that_ends_the_dialog(call, offset, variant):
    """Around the BYE of the one who had offered."""
    await call.up()
    caller, called = call.ends
    called.manual["INVITE"] = None
    call.expects(called, "INVITE")
    call.allow(variant)
    client = caller.reinvite("sendonly")
    heard = await called.expect("INVITE")
    await call.cross(offset, lambda: heard.final or called.reply(heard, variant, contact=None), caller.bye)
    await caller.final(client, (variant, 487))
    call.ends_by(("caller", "hung up"), ("called", "lost the call"))
    await call.over()


@row(45, directions=ALL, is_long=True)
async def row_45_a_reinvite_is_answered_when_the_gateway_gives_up(call, offset):
    await call.up()
    caller, called = call.ends
    called.manual["INVITE"] = None
    call.expects(called, "INVITE")
    call.allow(408)
    client = caller.reinvite("sendonly")
    heard = await called.expect("INVITE")
    begun = next(w.time for w in called.agent.wire if w.message.branch == heard.request.branch)
    await call.at(begun + TIMEOUT, offset, lambda: heard.final or called.on_invite(heard))
    final = await caller.final(client, (200, 408))
    if final.status == 200:
        await call.hang_up()
    else:
        call.ends_by(("called", "lost the call"))
        if heard.final.status >= 300:  # there was no transaction any more that could acknowledge it
            call.unanswered.add(heard)
        await call.over()


@row(46, directions=ALL, variants=(488, 491, 500, 503, 504, 603))
async def row_46_a_refused_offer_leaves_the_call_as_it_was(call, offset, variant):
    """What refuses offers something itself around that moment; the call goes on, and can be held after all."""
    await call.up()
    caller, called = call.ends
    called.manual["INVITE"] = None
    call.expects(called, "INVITE", 1, 2 * ROUNDS)
    call.expects(caller, "INVITE", 0, 2 * ROUNDS)
    call.allow(variant, 491)
    client = caller.reinvite("sendonly")
    heard = await called.expect("INVITE")
    del called.manual["INVITE"]
    _, crossing = await call.cross(offset, lambda: called.reply(heard, variant, contact=None),
                                   lambda: called.reinvite("inactive"))
    final = await caller.final(client, (200, 491) if variant == 491 else (variant, 491))
    assert final.status in (variant, 200) or variant == 491 or crossing.final
    await accepted(called, crossing, "inactive")
    assert not caller.over and not called.over
    await accepted(caller, caller.reinvite("sendonly"), "sendonly")
    await call.hang_up()


@row(47, directions=ALL)
async def row_47_cancel_of_a_reinvite_crosses_its_200(call, offset):
    """487 or 200; the call lives. Who held for nothing is offered what was before."""
    await call.up()
    caller, called = call.ends
    called.manual["INVITE"] = None
    call.expects(called, "INVITE", 1, 2)
    client = caller.reinvite("sendonly")
    heard = await called.expect("INVITE")
    called.reply(heard, 100, contact=None)
    del called.manual["INVITE"]
    await caller.until(lambda: client.responses or caller.is_browser, "100")
    _, cancel = await call.cross(offset, lambda: heard.final or called.on_invite(heard), lambda: caller.cancel(client))
    cancelled = await caller.final(cancel)
    final = await caller.final(client, (200, 487))
    assert cancelled.status == 200, cancelled.start
    assert not caller.over and not called.over
    if final.status == 487 and heard.final.status == 200:
        await called.until(lambda: direction_of(called.heard("INVITE")[-1].request) == "sendrecv", "what was before")
    await call.hang_up()


@row(48, directions=BOTH)
async def row_48_a_new_contact_while_our_bye_is_in_flight(call, offset):
    """What is in flight goes to the old target, all new requests to the new one."""
    await call.up()
    trunk, browser = call.trunk, call.browser
    old = sip.uri_of(trunk.contact)
    host = trunk.contact.split("@")[1]
    trunk.dialog.contact = f"<sip:moved@{host}"
    call.expects(browser, "INVITE", 0, 1)
    _, client = await call.cross(offset, browser.bye, lambda: trunk.reinvite("sendrecv", body=trunk.local))
    await trunk.final(client, (200, 481, 487))
    await call.over()
    moved = False
    for wired in trunk.agent.wire:
        if wired.way == "<" and wired.message.status == 200 and wired.message.cseq == client.request.cseq:
            moved = True
        if wired.way == "<" and wired.message.is_request and wired.message.method == "BYE":
            assert wired.message.uri == ("sip:moved@" + host.rstrip(">") if moved else old)


__all__ = ["REVERSE"]
