"""Rows 1 to 12: CANCEL and what it crosses (RFC 3261, section 9; RFC 5407, section 3.1.2)."""

from tandem_test import sip
from tandem_test.races.agent import TIMEOUT
from tandem_test.races.runner import ALL, BOTH, BROWSER_BROWSER, BROWSER_TRUNK, TRUNK_BROWSER, row

CANCELLED = ("caller", "cancelled")
HUNG_UP = ("caller", "hung up")
INVITE_TAKES_MS = 12  # until it is out on the other side: ICE gathers


async def cancelled_or_answered(call, cancel):
    """The caller has 487, or 200 and hangs up. Returns which."""
    await call.caller.final(cancel, 200)
    final = await call.caller.final(call.caller.invite, (200, 487))
    if final.status == 200:
        call.ends_by(HUNG_UP)
        await call.hang_up("caller")
    else:
        call.ends_by(CANCELLED)
        await call.over()
    return final.status


async def cancel_right_behind_the_invite(call, offset):
    """No INVITE goes out, or what goes out is cancelled when it may be."""
    line = call.caller.agent.line
    line.is_calm = True  # a CANCEL that overtakes its INVITE is no crossing
    _, cancel = await call.cross(INVITE_TAKES_MS + 10 + offset, call.dial, call_cancel(call))
    await call.caller.final(cancel, 200)
    line.is_calm = False
    await call.caller.final(call.caller.invite, 487)
    call.ends_by(CANCELLED)
    try:
        await call.arrive(timeout=5 if call.run.is_bad else 0.5)
    except AssertionError:
        return
    assert not call.called.heard("CANCEL")
    await call.again_and_again(lambda: call.called.invite.final or call.called.reply(call.called.invite, 180),
                               lambda: call.called.over, "CANCEL")


def call_cancel(call):
    return lambda: call.caller.cancel()


@row(1, directions=ALL)
async def row_01_cancel_before_the_invite_is_out(call, offset):
    await cancel_right_behind_the_invite(call, offset)


@row(12, directions=(TRUNK_BROWSER, BROWSER_BROWSER), variants=("present", "absent"))
async def row_12_cancel_while_the_browsers_leg_is_set_up(call, offset, variant):
    if variant == "absent":
        call.called.agent.socket.drop()
        await call.called.agent.until(lambda: call.called.agent.socket.is_gone, "end of the connection")
    await cancel_or_refusal(call, offset) if variant == "absent" else await cancel_right_behind_the_invite(call, offset)


async def cancel_or_refusal(call, offset):
    line = call.caller.agent.line
    line.is_calm = True
    _, cancel = await call.cross(20 + offset, call.dial, call_cancel(call))
    status = (await call.caller.final(cancel)).status
    line.is_calm = False
    final = await call.caller.final(call.caller.invite, (487, 480))
    if status != 200:
        assert status == 481 and final.status == 480 and call.caller.is_browser, "only after the refusal"
        call.allow(481)
    call.ends_by(CANCELLED, ("gateway|called", ""))


@row(2, directions=ALL)
async def row_02_cancel_waits_for_the_first_provisional(call, offset):
    await call.arrived()
    _, cancel = await call.cross(offset, lambda: call.called.reply(call.called.invite, 180), call_cancel(call))
    await call.caller.final(cancel, 200)
    await call.caller.final(call.caller.invite, 487)
    call.ends_by(CANCELLED)
    await call.again_and_again(lambda: call.called.invite.final or call.called.reply(call.called.invite, 180),
                               lambda: call.called.over, "CANCEL")
    assert len(call.called.heard("CANCEL")) == 1


@row(2, directions=ALL, variants=(302, 486, 503))
async def row_02_a_refusal_leaves_nothing_to_cancel(call, offset, variant):
    await call.arrived()
    _, cancel = await call.cross(offset, lambda: call.called.refuse(variant), call_cancel(call))
    told = 502 if variant == 302 else variant
    status = (await call.caller.final(cancel)).status
    final = await call.caller.final(call.caller.invite, (487, told))
    if status != 200:
        assert status == 481 and final.status == told and call.caller.is_browser, "only after the refusal and its ACK"
        call.allow(481)
    call.ends_by(CANCELLED if final.status == 487 else ("called", f"answered {variant}"))
    await call.over()
    assert not call.called.heard("CANCEL")


@row(2, directions=ALL)
async def row_02_an_answer_before_any_provisional_is_ended(call, offset):
    await call.arrived()
    _, cancel = await call.cross(offset, call.called.answer, call_cancel(call))
    await cancelled_or_answered(call, cancel)
    assert not call.called.heard("CANCEL")


@row(2, directions=ALL, is_long=True)
async def row_02_an_invite_that_is_never_answered_is_never_cancelled(call, offset):
    """The answer comes when the gateway gives up."""
    await call.arrived()
    begun = call.called.agent.wire[0].time if not call.called.is_browser else call.loop.time()
    await call.caller.final(call.caller.cancel(), 200)
    await call.caller.final(call.caller.invite, 487)
    call.ends_by(CANCELLED)
    await call.at(begun + TIMEOUT, offset, call.called.answer)
    await call.over()
    assert not call.called.heard("CANCEL")


@row(3, directions=(BROWSER_TRUNK, BROWSER_BROWSER))
async def row_03_cancel_crosses_the_200(call, offset):
    await call.ringing()
    _, cancel = await call.cross(offset, call.called.answer, call_cancel(call))
    await cancelled_or_answered(call, cancel)


@row(11, directions=(TRUNK_BROWSER,))
async def row_11_the_trunks_cancel_crosses_the_browsers_200(call, offset):
    await call.ringing()
    _, cancel = await call.cross(offset, call.called.answer, call_cancel(call))
    await cancelled_or_answered(call, cancel)


@row(4, directions=ALL, variants=(200, 481, 500))
async def row_04_the_200_crosses_our_cancel(call, offset, variant):
    """The called side answers around the moment at which the CANCEL is there, and says this or that to the CANCEL."""
    await call.ringing()
    called = call.called
    called.manual["CANCEL"] = lambda server: called.reply(server, variant, contact=None)
    cancel, _ = await call.cross(offset, call_cancel(call), called.answer)
    await cancelled_or_answered(call, cancel)
    assert len(called.heard("CANCEL")) <= 1


async def cancelled_by_caller(call):
    """A call that rang. The CANCEL is at the called side, which is the row's to speak for."""
    await call.ringing()
    call.called.manual["CANCEL"] = None
    call.ends_by(CANCELLED)
    await call.caller.final(call.caller.cancel(), 200)
    await call.caller.final(call.caller.invite, 487)
    return await call.called.expect("CANCEL")


@row(5, directions=ALL)
async def row_05_a_cancel_answered_481_leaves_the_invite_to_its_own_answer(call, offset):
    cancel = await cancelled_by_caller(call)
    await call.cross(offset, lambda: call.called.reply(cancel, 481, contact=None), call.called.answer)
    await call.over()


@row(6, directions=ALL, is_long=True)
async def row_06_a_cancelled_invite_without_final_answer(call, offset):
    """CANCEL is answered 200, the INVITE when the gateway has just given up, or is about to: ACK and BYE in any case."""
    cancel = await cancelled_by_caller(call)
    begun = call.loop.time()
    call.called.reply(cancel, 200, contact=None)
    await call.at(begun + TIMEOUT, offset, call.called.answer)
    await call.over()


@row(7, directions=ALL)
async def row_07_a_cancel_of_another_branch_matches_nothing(call, offset):
    await call.ringing()
    wrong = sip.cancel_of(call.caller.invite.request).set("Via", f"SIP/2.0/{call.caller.via};branch={sip.branch()}")
    cancel, second = await call.cross(offset, call_cancel(call), lambda: call.caller.start(wrong))
    call.allow(481)
    await call.caller.final(second, 481)
    assert await cancelled_or_answered(call, cancel) == 487


@row(8, directions=(BROWSER_TRUNK, BROWSER_BROWSER))
async def row_08_cancel_on_a_new_connection(call, offset):
    """The old connection breaks around the time of the CANCEL."""
    await call.ringing()
    agent = call.caller.agent
    before = agent.socket
    await agent.connect()
    await agent.register()
    _, cancel = await call.cross(offset, before.drop, call_cancel(call))
    assert await cancelled_or_answered(call, cancel) == 487
    assert len(call.called.heard("CANCEL")) == 1


@row(9, directions=(BROWSER_TRUNK, BROWSER_BROWSER))
async def row_09_cancel_by_another_user(call, offset):
    await call.ringing()
    thief = await call.stranger()
    stolen = sip.cancel_of(call.caller.invite.request)
    _, cancel = await call.cross(offset, call.called.answer, lambda: thief.start(stolen))
    call.allow((thief, 481))
    assert (await thief.final(cancel)).status == 481
    await call.answered()
    assert not call.called.heard("CANCEL")
    call.ends_by(HUNG_UP)
    await call.hang_up()


@row(10, directions=(BROWSER_TRUNK,), trunk="asking", variants=(401, 407))
async def row_10_cancel_crosses_the_challenge(call, offset, variant):
    """Of the trunk to the gateway: no second INVITE goes out, or it is cancelled."""
    await call.arrived()
    called = call.called
    called.again = lambda server: called.reply(server, 180)
    header = "WWW-Authenticate" if variant == 401 else "Proxy-Authenticate"
    challenge = [(header, f'Digest realm="pbx", nonce="{sip.token()}", algorithm=MD5, qop="auth"')]
    _, cancel = await call.cross(offset, lambda: called.refuse(variant, headers=challenge), call_cancel(call))
    await call.caller.final(cancel, 200)
    await call.caller.final(call.caller.invite, 487)
    call.ends_by(CANCELLED)
    call.expects(called, "INVITE", 0, 1)
    await call.over()


__all__ = ["BOTH"]
