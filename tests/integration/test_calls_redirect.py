"""What a trunk may do that is trusted with it: redirect within itself (redirect = "trunk"), and have the other party of a call sent
to its own numbers (refer = "trunk")."""

import pytest
from tandem_test import calls as calls_module
from tandem_test.calls import Call, End
from tandem_test.transfer import expect_bye, notified, refer, refer_accepted, refer_to, talk

CONFIG = {**calls_module.CONFIG}


def prepare(directory, config):
    config["trunks"][0].update(redirect="trunk", refer="trunk")
    return config


def redirect(call, *contacts, status=302):
    """The called side's 3xx; contacts are numbers of the trunk, with q or without, or whole values."""
    trunk = call.called.peer
    values = [value if "<" in value else f"<sip:{value}@{trunk.host}:{trunk.port}>" for value in contacts]
    trunk.reply(call.called.invite, status, to_tag=call.called.tag, headers=[("Contact", value) for value in values])
    call.called.expect("ACK")


def redirected(call, number):
    """The INVITE to a new target, of the same call."""
    end, before = call.called, call.called.invite
    call.number, end.tag, end.local = number, f"{end.tag}r", None
    invite = call.arrive()
    assert invite.header("To") == before.header("To")
    return invite


@pytest.mark.parametrize("status", [300, 301, 302, 305])
def test_a_redirection_within_the_trunk_is_followed(calls, status):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    redirect(call, "7001", status=status)
    redirected(call, "7001")
    call.ring()
    call.answer()
    call.answered()
    call.hang_up()


def test_the_best_comes_first_and_the_next_when_it_fails(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    port = call.called.peer.port
    redirect(call, f"<sip:7002@127.0.0.1:{port}>;q=0.2", f"<sip:7003@127.0.0.1:{port}>;q=0.9",
             f"<sip:7004@127.0.0.1:{port}>;q=0.5")
    redirected(call, "7003")
    call.reject(486)
    redirected(call, "7004")
    redirect(call, f"<sip:7005@127.0.0.1:{port}>;q=0.3")
    redirected(call, "7005")
    call.reject(404)
    redirected(call, "7002")
    call.answer()
    call.answered()
    call.hang_up("called")


def test_what_comes_of_it_says_more_than_the_redirection(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    redirect(call, "7006")
    redirected(call, "7006")
    call.reject(486)
    call.refused(486)


def test_row_60_elsewhere_is_never_called(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    redirect(call, "<sip:5550000@192.0.2.1>", "<sip:5550000@pbx.invalid>", "<tel:5550000>", "<mailto:a@127.0.0.1>",
             "<sip:7007@127.0.0.1?Replaces=x>", "<sips:7007@127.0.0.1>")
    call.refused(502)
    call.called.peer.expect_silence(lambda m: m.is_request and m.method == "INVITE", 0.2)


def test_not_without_end(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    for number in range(7010, 7015):
        redirect(call, str(number))
        redirected(call, str(number))
    redirect(call, "7015")
    call.refused(502)


def test_row_60_a_redirection_that_crosses_a_cancel(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    call.cancel()
    redirect(call, "7008")
    call.called.peer.expect_silence(lambda m: m.is_request and m.method in ("INVITE", "CANCEL"), 0.3)


def test_row_60_a_cancel_behind_a_redirection(calls):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    redirect(call, "7009")
    redirected(call, "7009")
    call.called.reply(call.called.invite, 180)
    call.caller.response(call.caller.invite, 180)
    call.cancel()
    cancel = call.called.expect("CANCEL")
    call.called.reply(cancel, 200)
    call.reject(487)


# --- REFER ---
def test_a_trunk_sends_the_other_party_to_a_number_of_its_own(calls):
    call = calls.up("trunk-browser")
    one, other = call.ends
    target = End(one.peer, "target", "7020")
    second = Call(other, target, call.domain)
    refer_accepted(one, refer_to(call, "7020", host="127.0.0.1"), [("Referred-By", "<sip:202@pbx.example>")])
    notified(one, 100)
    invite = second.arrive()
    assert invite.header("Referred-By") == "<sip:202@pbx.example>"
    second.answer()
    notified(one, 200)
    expect_bye(one)
    talk(other, target)


def test_a_trunk_names_a_dialog_of_its_own(calls):
    """The second call is between two of the PBX: its ids go on unchanged."""
    call = calls.up("browser-trunk")
    other, one = call.ends
    target = End(one.peer, "target", "7021")
    second = Call(other, target, call.domain)
    replaces = "c1@pbx;to-tag=t1;from-tag=f1"
    refer_accepted(one, refer_to(call, "7021", replaces, host="127.0.0.1"))
    notified(one, 100)
    invite = second.arrive()
    assert invite.header("Replaces") == replaces and invite.header("Require") == "replaces"
    second.answer()
    notified(one, 200)
    expect_bye(one)
    talk(target, other)


def test_elsewhere_is_no_number_of_its_own(calls):
    call = calls.up("trunk-browser")
    one, other = call.ends
    one.response(refer(one, refer_to(call, "7022", host="192.0.2.1")), 404)
    one.response(refer(one, refer_to(call, "7022", "c1@pbx;to-tag=t1;from-tag=f1", host="192.0.2.1")), 481)
    call.hang_up()


def test_a_browser_has_no_numbers_of_the_trunk(calls):
    call = calls.up("browser-trunk")
    one, other = call.ends
    one.response(refer(one, refer_to(call, "9196", "c1@pbx;to-tag=t1;from-tag=f1", host="127.0.0.1")), 481)
    call.hang_up()
