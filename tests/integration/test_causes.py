"""Why a call failed or ended: told to the other side (RFC 3326, RFC 6432, RFC 3398), and said in the log."""

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip

CONFIG = {**calls_module.CONFIG}


@pytest.mark.parametrize("status, phrase, headers, told, reason, logged", [
    (403, "Forbidden", [("Warning", '399 pbx "caller id not allowed"')], 403, 'SIP;cause=403;text="caller id not allowed"',
     "the trunk answered 403 Forbidden (caller id not allowed)"),
    (404, "Not Found", [("Reason", 'Q.850;cause=1;text="Unallocated (unassigned) number"')], 404,
     'Q.850;cause=1;text="Unallocated (unassigned) number"', "the trunk answered 404 Not Found (Unallocated (unassigned) number)"),
    (500, "Server Error", [("Reason", "Q.850;cause=17")], 486, 'Q.850;cause=17;text="user busy"',
     "the trunk answered 500 Server Error (user busy)"),
    (503, "No Circuit", [("Reason", "SIP;cause=503, Q.850;cause=34")], 503, 'Q.850;cause=34;text="no circuit available"',
     "the trunk answered 503 No Circuit (no circuit available)"),
    (603, "Decline", [("Reason", 'SIP;cause=603;text="not now"')], 603, 'SIP;cause=603;text="not now"',
     "the trunk answered 603 Decline (not now)"),
    (486, "Busy Here", [("Reason", "Preemption;cause=1")], 486, None, "the trunk answered 486 Busy Here"),
])
def test_a_trunks_refusal(daemon, calls, status, phrase, headers, told, reason, logged):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    start = len(daemon.lines)
    call.reject(status, reason=phrase, headers=headers)
    response = call.refused(told)
    assert response.header("Reason") == reason
    line = daemon.wait_log(r"ended by called before an answer", start=start)
    assert logged in line


@pytest.mark.parametrize("by", ["caller", "called"])
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_a_bye_with_a_reason(calls, direction, by):
    call = calls.up(direction)
    one, other = call.end(by)
    one.ask("BYE", 200, headers=[("Reason", 'Q.850;cause=41;text="Temporary failure"')])
    bye = other.expect("BYE")
    other.reply(bye, 200)
    assert bye.header("Reason") == 'Q.850;cause=41;text="Temporary failure"'


@pytest.mark.parametrize("said, told, logged", [
    ('SIP;cause=200;text="Call completed elsewhere"', ['SIP;cause=200;text="Call completed elsewhere"'],
     "cancelled (Call completed elsewhere)"),
    ("Q.850;cause=102", ['Q.850;cause=102;text="recovery on timer expiry"'], "cancelled"),
    ("Q.850;cause=26, SIP;cause=200", ["SIP;cause=200", 'Q.850;cause=26;text="non-selected user clearing"'], "cancelled"),
    (None, [], "cancelled"),
])
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser", "browser-browser"])
def test_a_cancel_with_a_reason(daemon, calls, direction, said, told, logged):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring()
    start = len(daemon.lines)
    cancel = sip.cancel_of(call.caller.invite)
    cancel.headers += [("Reason", said)] if said else []
    call.caller.peer.ask(cancel, 200)
    heard = call.called.expect("CANCEL")
    call.called.reply(heard, 200)
    call.reject(487)
    call.refused(487)
    assert heard.values("Reason") == told
    assert f"ended by caller before an answer: {logged} (487)" in daemon.wait_log("ended by caller before an answer", start=start)


def test_a_bye_without_a_reason(calls):
    call = calls.up("trunk-browser")
    assert call.hang_up("caller").header("Reason") is None


@pytest.mark.parametrize("status, cause", [(486, 17), (603, 21), (404, 1), (480, 18)])
def test_a_browsers_refusal_is_told_to_the_trunk_as_q850(calls, status, cause):
    call = calls("trunk-browser")
    call.dial()
    call.arrive()
    call.reject(status)
    assert call.refused(status).header("Reason").startswith(f"Q.850;cause={cause};")


def test_nobody_answers(calls):
    """What a telephone network calls it, above our own words."""
    call = calls("trunk-browser", number="nobody")
    call.dial()
    assert call.refused(404).values("Reason")[0].startswith("Q.850;cause=1;")
