"""Rows 55 and 56: the browser's connection closes, and comes back or does not (RFC 5626, section 4; RFC 7118, section 5)."""

import asyncio

from tandem_test import sip
from tandem_test.races.agent import TIMEOUT
from tandem_test.races.runner import BOTH, BROWSER_TRUNK, GRACE, TRUNK_BROWSER, row


async def come_back(end):
    await end.agent.connect()
    await end.agent.register()


@row(55, directions=BOTH)
async def row_55_a_bye_around_the_loss_waits_for_the_browser(call, offset):
    """The trunk has its 200 at once, the browser its BYE when it is back."""
    await call.up()
    browser, trunk = call.browser, call.trunk
    _, bye = await call.cross(offset, lambda: browser.agent.socket.drop(), trunk.bye)
    await trunk.final(bye, 200)
    await call.forgotten()
    await come_back(browser)
    await call.over()


@row(55, directions=BOTH)
async def row_55_a_reinvite_around_the_loss_ends_only_itself(call, offset):
    """Accepted, or 500 with Retry-After: never 404, 408 or 481. It may be tried again when the browser is back."""
    await call.up()
    browser, trunk = call.browser, call.trunk
    call.expects(browser, "INVITE", 0, 3)
    call.allow(500, 491)
    _, client = await call.cross(offset, lambda: browser.agent.socket.drop(), lambda: trunk.reinvite("sendonly"))
    await asyncio.sleep(0.3)
    await come_back(browser)
    final = await trunk.final(client, (200, 500))
    assert final.status == 200 or final.header("Retry-After")
    assert not trunk.over and not browser.over
    await call.hang_up()


@row(55, directions=BOTH, variants=("BYE", "INVITE"))
async def row_55_the_browser_speaks_on_its_new_connection(call, offset, variant):
    """Around the end of the old one."""
    await call.up()
    browser, trunk = call.browser, call.trunk
    before = browser.agent.socket
    await come_back(browser)
    call.expects(trunk, "INVITE", 0, 1)
    speak = browser.bye if variant == "BYE" else lambda: browser.reinvite("sendonly")
    _, client = await call.cross(offset, before.drop, speak)
    await browser.final(client, 200)
    if variant == "INVITE":
        await call.hang_up()
    await call.over()


@row(55, directions=BOTH)
async def row_55_stolen_ids_on_another_users_connection(call, offset):
    """Around the loss: the call lives."""
    await call.up()
    browser, trunk = call.browser, call.trunk
    thief = await call.stranger()
    stolen = browser.dialog.request("BYE", thief.via)
    browser.dialog.cseq -= 1
    _, bye = await call.cross(offset, lambda: browser.agent.socket.drop(), lambda: thief.start(stolen))
    call.allow((thief, 403), (thief, 481))
    assert (await thief.final(bye)).status in (403, 481)
    await come_back(browser)
    assert not trunk.over
    await call.hang_up()


@row(56, directions=BOTH, is_long=True)
async def row_56_the_trunk_hangs_up_when_the_browser_is_given_up(call, offset):
    await call.up()
    browser, trunk = call.browser, call.trunk
    begun = call.loop.time()
    browser.agent.socket.drop()
    call.ends_by(("caller|called", "(hung up|lost)"))
    await call.at(begun + GRACE, offset, lambda: trunk.over or trunk.bye())
    await trunk.until(lambda: trunk.over, "end")
    await call.forgotten()
    await come_back(browser)  # it hears of it, as long as anything is left of the call
    await call.over()


@row(56, directions=BOTH, is_long=True)
async def row_56_the_browser_returns_when_it_is_given_up(call, offset):
    """The call lives, or is over on both sides."""
    await call.up()
    browser, trunk = call.browser, call.trunk
    begun = call.loop.time()
    browser.agent.socket.drop()
    await call.at(begun + GRACE - 0.02, offset, lambda: None)
    await come_back(browser)
    await asyncio.sleep(0.5 + 5.0 * call.run.is_bad)
    call.ends_by(("caller|called", "(hung up|lost)"))
    if not trunk.over:
        await call.hang_up()
    await call.over()


@row(56, directions=(TRUNK_BROWSER,))
async def row_56_the_connection_of_the_browser_that_rings_closes(call, offset):
    """Around the trunk's CANCEL."""
    await call.ringing()
    _, cancel = await call.cross(offset, lambda: call.called.agent.socket.drop(), lambda: call.caller.cancel())
    await call.caller.final(cancel, 200)
    await call.caller.final(call.caller.invite, (480, 487))
    call.ends_by(("caller", "cancelled"), ("called|gateway", ""))
    call.called.over = "its connection is gone"
    call.unanswered.add(call.called.invite)  # its refusal, or the ACK, went with the connection
    await come_back(call.called)


@row(56, directions=(BROWSER_TRUNK,), is_long=True)
async def row_56_the_trunk_answers_when_the_caller_is_given_up(call, offset):
    """Its 200 is acknowledged; then BYE, as the caller is not there."""
    await call.ringing()
    begun = call.loop.time()
    call.caller.agent.socket.drop()
    await call.at(begun + GRACE, offset, call.called.answer)
    call.ends_by(("caller", ""), ("gateway", ""))
    call.unanswered.add(call.caller.invite)
    await call.called.until(lambda: call.called.over, "end of the dialog", 2 * TIMEOUT)
    call.caller.over = "its connection is gone"


@row(56, directions=(BROWSER_TRUNK,))
async def row_56_the_invite_comes_again_on_a_new_connection(call, offset):
    """With the same branch, around the answer: its last response is repeated, no second call begins."""
    await call.ringing()
    caller = call.caller
    caller.agent.socket.drop()
    await come_back(caller)
    await call.cross(offset, call.called.answer, lambda: caller.agent.transmit(caller.invite.request))
    await call.answered()
    await call.hang_up()


__all__ = ["sip"]
