"""Rows 66 to 68: the process ends, is killed, or its clock jumps. Row 69: the trunk restarts. Each of the first three has a daemon of
its own, in which all its runs wait for the same moment."""

import asyncio

from tandem_test.races.runner import ALL, BOTH, DRAIN, TRUNK_BROWSER, row

from rows_bye import row_28_both_hang_up
from rows_cancel import call_cancel, cancelled_or_answered
from rows_offers import both_offer

LINES = ("clean",)


@row(66, directions=ALL, lines=LINES, variants=("new", "ringing", "up", "hung up"), process="term")
async def row_66_sigterm(call, offset, variant):
    """New calls are refused, those that ring go on, those that are up until the limit."""
    if variant == "ringing":
        await call.ringing()
    elif variant != "new":
        await call.up()
    moment = await call.stage.moment()
    if variant == "new":
        client = await call.at(moment, offset, call.dial)
        while not client.final and not call.called.agent.strangers:
            await asyncio.sleep(0.01)
        if client.final:
            assert client.final.status == 503 and client.final.header("Retry-After")
            call.numbers.clear()
            return
        await call.arrive()
        call.called.answer()
    elif variant == "ringing":
        await call.at(moment, offset, call.called.answer)
    elif variant == "hung up":
        await call.at(moment, offset, call.caller.bye)
        await call.over()
        return
    await call.answered()
    await asyncio.sleep(0.5)
    assert not call.caller.over and not call.called.over
    call.ends_by(("gateway", "shutting down"))
    for end in call.ends:
        bye = await end.expect("BYE", DRAIN + 5)
        assert bye.request.header("Reason"), "it says why"


@row(67, directions=BOTH, lines=LINES, variants=("BYE", "INVITE"), process="kill")
async def row_67_sigkill_and_restart(call, offset, variant):
    """What was sent around the end is answered by the one process or the next; the next knows nothing of the call, and says so."""
    await call.up()
    for end in call.ends:
        call.expects(end, "INVITE", 0, 1)  # may have come through before the end
    moment = await call.stage.moment()
    one = call.trunk
    speak = one.bye if variant == "BYE" else lambda: one.reinvite("sendonly")
    client = await call.at(moment, offset, speak)
    await call.stage.restarted()
    final = await one.final(client, (200, 481, 487, 408))
    if call.run.variant == "INVITE" and final.status == 200:
        await one.final(one.bye(), (200, 481))
    browser = call.browser
    browser.agent.gateway = (call.stage.daemon.host, call.stage.daemon.web_port)
    await browser.agent.connect()
    await browser.agent.register()
    await browser.final(browser.send(variant, body=browser.describe() if variant == "INVITE" else b""), 481)
    call.stage.forget(call)


@row(68, directions=ALL, lines=LINES, variants=("hang up", "cancel", "glare"), process="clock")
async def row_68_the_clock_jumps(call, offset, variant):
    """By 20 days, to and fro, all the while: other rows go as they always do."""
    if variant == "hang up":
        await row_28_both_hang_up(call, offset)
    elif variant == "cancel":
        await call.ringing()
        _, cancel = await call.cross(offset, call.called.answer, call_cancel(call))
        await cancelled_or_answered(call, cancel)
    else:
        await both_offer(call, offset, *call.ends)


@row(69, directions=BOTH)
async def row_69_the_trunk_has_restarted(call, offset):
    """It knows no dialog: a re-INVITE is answered 481, and so is the BYE. The browser has its BYE, whatever it sends around then."""
    await call.up()
    trunk, browser = call.trunk, call.browser

    def unknown(server):
        trunk.reply(server, 481, contact=None)
        if server.method == "BYE":
            trunk.over = "restarted"

    trunk.manual = {"INVITE": None, "BYE": unknown}
    call.expects(trunk, "INVITE")
    call.allow(481)
    client = browser.reinvite("sendonly")
    heard = await trunk.expect("INVITE")
    call.ends_by(("caller|called", "(lost the call|hung up)"))
    await call.cross(offset, lambda: heard.final or unknown(heard), browser.bye)
    await browser.final(client, (481, 487))
    await call.over()


__all__ = ["TRUNK_BROWSER"]
