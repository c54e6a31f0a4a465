"""Rows 25 to 34, 65, 70: BYE and what it crosses (RFC 3261, section 15; RFC 5407, sections 3.1 and 3.2)."""

from tandem_test import sip
from tandem_test.races.agent import TIMEOUT
from tandem_test.races.runner import ALL, BOTH, TRUNK_BROWSER, row

from rows_answer import bye_follows_ack


@row(25, directions=ALL)
async def row_25_bye_of_the_caller_in_the_early_dialog(call, offset):
    """It crosses the answer."""
    await call.ringing()
    call.caller.acknowledges = False
    _, bye = await call.cross(offset, call.called.answer, call.caller.bye)
    await call.caller.final(bye, 200)
    final = await call.caller.final(call.caller.invite, (200, 487))
    if final.status == 200:
        call.caller.ack()
    call.ends_by(("caller", "hung up"))
    await call.over()


@row(26, directions=ALL)
async def row_26_bye_of_the_called_side_before_it_has_an_ack(call, offset):
    await call.ringing()
    called = call.called
    called.dialog.cseq = 1
    call.may_end_twice = True  # a 200 behind the BYE has made a dialog anew
    await call.cross(offset, called.answer, called.bye)
    await call.caller.final(call.caller.invite, (200, 480))
    call.ends_by(("called", "(hung up|480)"))
    await call.over()


@row(27, directions=ALL)
async def row_27_the_caller_gets_its_bye_after_its_ack(call, offset):
    call.caller.acknowledges = False
    await call.ringing()
    call.called.answer()
    await call.caller.final(call.caller.invite, 200)
    await call.called.acknowledged()
    await call.cross(offset, call.called.bye, lambda: call.caller.ack())
    call.ends_by(("called", "hung up"))
    await call.over()
    bye_follows_ack(call)


@row(28, directions=ALL)
async def row_28_both_hang_up(call, offset):
    await call.up()
    await call.cross(offset, call.called.bye, call.caller.bye)
    await call.over()


@row(29, directions=ALL, is_long=True)
async def row_29_a_bye_is_answered_when_the_gateway_gives_up(call, offset):
    """Nothing waits for it."""
    await call.up()
    call.called.manual["BYE"] = None
    bye = call.caller.bye()
    await call.caller.final(bye, 200)
    await call.forgotten()
    server = await call.called.expect("BYE")
    begun = call.loop.time()
    await call.at(begun + TIMEOUT, offset, lambda: call.called.on_bye(server))
    server.has_passed = True  # as far as it matters
    await call.over()


@row(30, directions=ALL, variants=(408, 481, 500, 503))
async def row_30_whatever_a_bye_is_answered_the_call_is_over(call, offset, variant):
    await call.up()
    called = call.called

    def refuse(server):
        called.reply(server, variant, contact=None)
        called.over = called.over or "BYE came"

    called.manual["BYE"] = refuse
    await call.cross(offset, call.caller.bye, called.bye)
    await call.over()


@row(31, directions=BOTH, trunk="asking", variants=("pbx", "other"))
async def row_31_a_bye_is_challenged(call, offset, variant):
    """Credentials go to their realm only. Something else of the trunk crosses."""
    await call.up()
    trunk = call.trunk
    call.may_end_twice = True  # once without credentials (or with those of another call), once with them
    nonce = sip.token()
    challenge = [("Proxy-Authenticate", f'Digest realm="{variant}", nonce="{nonce}", algorithm=MD5, qop="auth"')]
    seen = []

    def ask(server):
        seen.append(server.request)
        if nonce in (server.request.header("Proxy-Authorization") or ""):  # not what was asked for in another call
            trunk.on_bye(server)
        else:
            trunk.reply(server, 407, headers=challenge, contact=None)
            if variant == "other":
                trunk.over = "the gateway has no credentials"

    trunk.manual["BYE"] = ask
    call.expects(trunk, "BYE", 1, 2 if variant == "pbx" else 1)
    _, options = await call.cross(offset, call.browser.bye, lambda: trunk.send("OPTIONS"))
    await trunk.final(options, (200, 481))
    await call.over()
    assert len(seen) == (2 if variant == "pbx" else 1)


@row(32, directions=ALL, variants=("swapped", "untagged", "old"))
async def row_32_a_bye_that_belongs_to_no_dialog(call, offset, variant):
    """Tags swapped, one missing, CSeq too low: while the other side holds, which goes on as if nothing were."""
    await call.up()
    one, other = call.caller, call.called
    dialog = one.dialog
    if variant == "old":
        dialog.cseq = 10
        await one.final(one.send("OPTIONS"), 200)
    tagged = {name: getattr(dialog, name) for name in ("local", "remote")}
    bare = {name: value.split(";tag=")[0] for name, value in tagged.items()}
    tags = {name: sip.parameter(value, "tag") for name, value in tagged.items()}
    wrong = {
        "swapped": lambda: (f"{bare['local']};tag={tags['remote']}", f"{bare['remote']};tag={tags['local']}", 50),
        "untagged": lambda: (tagged["local"], bare["remote"], 50),
        "old": lambda: (tagged["local"], tagged["remote"], 9),
    }[variant]()
    bye = sip.request("BYE", dialog.target, wrong[0], wrong[1], one.via, dialog.call_id, wrong[2])
    call.expects(one, "INVITE")
    offered, bye = await call.cross(offset, lambda: other.reinvite("sendonly"), lambda: one.start(bye))
    status = 500 if variant == "old" else 481
    call.allow((one.agent, status))
    await one.final(bye, status)
    await other.final(offered, 200)
    assert not one.over and not other.over
    await call.hang_up()


@row(33, directions=ALL)
async def row_33_a_second_bye(call, offset):
    await call.up()
    byes = await call.cross(offset, lambda: call.caller.bye(), lambda: call.caller.bye())
    statuses = [(await call.caller.final(bye)).status for bye in byes]
    assert 200 in statuses and (481 in statuses or call.run.is_bad and 500 in statuses), statuses
    call.allow(481, *[500] * call.run.is_bad)
    await call.over()


@row(65, directions=BOTH)
async def row_65_a_bye_from_an_address_that_is_no_trunks(call, offset):
    await call.up()
    stranger = await call.strange_trunk()
    bye = call.trunk.dialog.request("BYE", stranger.via)
    options, bye = await call.cross(offset, lambda: call.trunk.send("OPTIONS"), lambda: stranger.start(bye))
    call.allow((stranger, 481), (stranger, 403))
    assert (await stranger.final(bye)).status in (403, 481)
    assert not call.trunk.over and not call.browser.over
    await call.trunk.final(options)
    call.allow(500)  # the CSeq of the one that was refused
    call.trunk.dialog.cseq += 1
    await call.hang_up()


@row(70, directions=(TRUNK_BROWSER,))
async def row_70_a_call_id_is_used_again(call, offset):
    """By a new call with another From tag, around the BYE of the first."""
    await call.up()
    second = call.another(call_id=call.caller.call_id)
    await call.cross(offset, call.caller.bye, second.dial)
    await second.arrive()
    await second.ring()
    second.called.answer()
    await second.answered()
    await call.over()
    await second.hang_up()


__all__ = ["TRUNK_BROWSER"]
