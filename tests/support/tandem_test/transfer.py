"""REFER and Replaces, as the ends of tandem_test.calls send and hear them."""

from urllib.parse import quote

from . import sip


def replaces_of(end, swapped=False, early_only=False):
    """The dialog of an end as a Replaces value; `swapped`: as JsSIP names those that it did not begin."""
    local, remote = sip.parameter(end.dialog.local, "tag"), sip.parameter(end.dialog.remote, "tag")
    to_tag, from_tag = (local, remote) if swapped else (remote, local)
    return f"{end.call_id};to-tag={to_tag};from-tag={from_tag}" + (";early-only" if early_only else "")


def refer_to(call, user, replaces=None, host=None):
    uri = f"sip:{user}@{host or call.domain}"
    return f"<{uri}?Replaces={quote(replaces, safe='')}>" if replaces else f"<{uri}>"


def refer(end, target, headers=()):
    """Sends a REFER; `target` is a Refer-To value."""
    return end.send(end.request("REFER", headers=[("Refer-To", target), *headers]))


def refer_accepted(end, target, headers=()):
    request = refer(end, target, headers)
    return end.response(request, 202)


def notified(end, status, answer=200, timeout=10.0):
    """The next NOTIFY about a REFER; says so much, and is the last one if that is final."""
    notify = end.expect("NOTIFY", timeout)
    end.reply(notify, answer)
    assert notify.header("Event").split(";")[0] == "refer"
    assert notify.header("Content-Type") == "message/sipfrag;version=2.0"
    assert notify.body.decode().startswith(f"SIP/2.0 {status} "), notify.body
    state = notify.header("Subscription-State")
    assert state == "terminated;reason=noresource" if status >= 200 else state.startswith("active;expires="), state
    return notify


def expect_bye(end, timeout=10.0):
    bye = end.expect("BYE", timeout)
    end.reply(bye, 200)
    return bye


def talk(one, other):
    """Both are in one call: when one hangs up the other hears it."""
    one.ask("BYE", 200)
    expect_bye(other)

