"""GRUUs (RFC 5627): an address for one device of a user, open or unlinkable."""

import re

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip
from tandem_test.calls import Call, End
from tandem_test.transfer import expect_bye, notified, refer_accepted, talk

CONFIG = {**calls_module.CONFIG, "calls": {"grace_seconds": 1}, "registrar": {"grace_seconds": 1}}
DOMAIN = "example.test"
SUPPORTED = [("Supported", "gruu")]


class Device:
    """A registered browser and what it got."""

    def __init__(self, calls, user):
        self.user = user
        self.browser = calls.browser(user, password=calls_module.PASSWORD)
        self.public, self.temporary = self.refresh()

    def refresh(self):
        return gruus(self.browser.register(headers=SUPPORTED), self.browser.instance)


def gruus(response, instance):
    """(pub-gruu, temp-gruu) of an instance in a response to REGISTER."""
    for line in response.values("Contact"):
        for value in re.split(r",\s*(?=<)", line):
            if sip.parameter(value, "+sip.instance") == instance:
                return tuple(re.search(rf';{name}="([^"]*)"', value).group(1) for name in ("pub-gruu", "temp-gruu"))
    return None


@pytest.fixture
def devices(calls):
    """Two devices of a user."""
    user = next(calls.users)
    return Device(calls, user), Device(calls, user)


@pytest.fixture
def call_to(calls):
    """A call from an end to a URI that a device is to answer."""

    def make(kind, uri, device):
        call = Call(calls.end(kind, "caller"), End(device.browser, "called", device.user), DOMAIN)
        caller = call.caller
        if kind == "browser":
            caller.invite = caller.peer.invite(uri, caller.describe(), authorized=False)
        else:
            caller.invite = caller.peer.send(sip.request(
                "INVITE", uri, f"<sip:{caller.user}@pbx.test>;tag={sip.token()}", f"<{uri}>", caller.peer.via,
                contact=caller.peer.contact, body=caller.describe()))
        return call

    return make


def refused(call):
    """The final answer to the caller, acknowledged."""
    answer = call.caller.response(call.caller.invite)
    call.caller.send(sip.ack_of_failure(call.caller.invite, answer))
    return answer.status


# --- what they look like ---
def test_both_kinds(devices):
    one = devices[0]
    uuid = one.browser.instance.strip("<>")
    assert one.public == f"sip:{one.user}@{DOMAIN};gr={uuid}"
    assert re.fullmatch(rf"sip:tgruu\.[A-Za-z0-9_-]+@{DOMAIN};gr", one.temporary)


def test_only_for_who_knows_them(calls):
    one = calls.user()
    assert "gruu=" not in one.register().header("Contact")
    plain = calls.user(with_instance=False)
    assert "gruu=" not in plain.register(headers=SUPPORTED).header("Contact")


def test_temporary_ones_cannot_be_linked(devices):
    one, two = devices
    seen = [one.refresh()[1] for _ in range(20)] + [two.refresh()[1] for _ in range(20)]
    assert len(set(seen)) == len(seen)
    tokens = [re.search(r"tgruu\.(.*)@", uri).group(1) for uri in seen]
    assert one.user not in "".join(tokens)
    for first, second in zip(tokens, tokens[1:]):  # nothing stays the same from one to the next
        assert sum(a == b for a, b in zip(first, second)) < len(first) / 2


def test_a_gruu_is_no_contact(devices):
    browser = devices[0].browser
    for uri in (devices[0].public, devices[1].public, devices[0].temporary):
        assert browser.register(status=403, contact=f"<{uri}>")


# --- where they lead ---
@pytest.mark.parametrize("kind", ["browser", "trunk"])
@pytest.mark.parametrize("which", ["public", "temporary"])
@pytest.mark.parametrize("index", [0, 1])
def test_a_call_reaches_its_device_alone(devices, call_to, kind, which, index):
    wanted, other = devices[index], devices[1 - index]
    call = call_to(kind, getattr(wanted, which), wanted)
    invite = call.called.peer.expect_request("INVITE")
    call.called.invite = invite
    call.called.dialog = sip.Dialog.as_callee(invite, call.called.tag, call.called.peer.contact)
    assert invite.uri == sip.uri_of(wanted.browser.contact)
    call.ring()
    call.answer()
    call.answered()
    other.browser.expect_silence(lambda m: m.is_request, 0.2)
    call.hang_up()


def test_a_trunk_may_call_it_at_our_address(calls, devices, call_to):
    """As in the Request-URI after a PBX has put its peer's address there."""
    one = devices[0]
    call = call_to("trunk", one.public.replace(DOMAIN, f"127.0.0.1:{calls.daemon.sip_port}"), one)
    invite = one.browser.expect_request("INVITE")
    devices[1].browser.expect_silence(lambda m: m.is_request, 0.2)
    one.browser.reply(invite, 486, to_tag="t")
    assert refused(call) == 486


@pytest.mark.parametrize("which", ["public", "temporary"])
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_as_contact_of_a_call(devices, calls, direction, which):
    """Clients give their GRUU as Contact; JsSIP answers 404 to what names its temporary one."""
    one = devices[0]
    registered = sip.uri_of(one.browser.contact)
    call = calls(direction)
    end = End(one.browser, "page", one.user)
    one.browser.contact = f"<{getattr(one, which)}>"
    if direction == "browser-trunk":
        call.caller = end
        call.set_up()
        assert call.hang_up("called").uri == registered
        return
    call.called, call.number = end, one.user
    call.dial()
    call.arrive()
    devices[1].browser.reply(devices[1].browser.expect_request("INVITE"), 486, to_tag="t")
    call.ring()
    assert call.answer().uri == registered
    call.answered()
    assert call.hang_up("caller").uri == registered


def test_earlier_temporary_ones_stay(devices, call_to):
    one = devices[0]
    one.refresh()
    call = call_to("trunk", one.temporary, one)
    one.browser.reply(one.browser.expect_request("INVITE"), 486, to_tag="t")
    assert refused(call) == 486


@pytest.mark.parametrize("which", ["public", "temporary"])
@pytest.mark.parametrize("kind", ["browser", "trunk"])
def test_a_message_reaches_its_device_alone(calls, devices, kind, which):
    one, other = devices
    uri = getattr(one, which)
    sender = calls.end(kind, "sender").peer
    if kind == "browser":
        request = sender.request("MESSAGE", uri, body=b"hello", content_type="text/plain")
    else:
        request = sip.request("MESSAGE", uri, f"<sip:1@pbx.test>;tag={sip.token()}", f"<{uri}>", sender.via, body=b"hello",
                              content_type="text/plain")
    sender.send(request)
    one.browser.reply(one.browser.expect_request("MESSAGE"), 200, to_tag="t")
    sender.expect_response(request, 200)
    other.browser.expect_silence(lambda m: m.is_request, 0.2)


@pytest.mark.parametrize("side", ["caller", "called"])
def test_a_transfer_goes_to_its_device_alone(calls, devices, side):
    """A REFER of the trunk names it, as after a consultation."""
    one, other = devices
    call = calls.up("trunk-browser" if side == "caller" else "browser-trunk")
    trunk, browser = call.end(side)
    refer_accepted(trunk, f"<{one.temporary}>")
    notified(trunk, 100)
    second = Call(browser, End(one.browser, "target", one.user), DOMAIN)
    second.arrive()
    other.browser.expect_silence(lambda m: m.is_request, 0.2)
    second.answer()
    notified(trunk, 200)
    expect_bye(trunk)
    talk(second.called, browser)


# --- when they end ---
def test_unregistered(devices, call_to):
    one, two = devices
    one.browser.unregister()
    assert refused(call_to("trunk", one.public, one)) == 480
    assert refused(call_to("trunk", one.temporary, one)) == 404
    two.browser.expect_silence(lambda m: m.is_request, 0.1)


def test_the_public_one_comes_back(devices, call_to):
    one = devices[0]
    one.browser.unregister()
    public, temporary = one.refresh()
    assert public == one.public and temporary != one.temporary
    assert refused(call_to("trunk", one.temporary, one)) == 404
    call = call_to("trunk", public, one)
    one.browser.reply(one.browser.expect_request("INVITE"), 486, to_tag="t")
    assert refused(call) == 486


def test_another_call_id_ends_the_temporary_ones(devices, call_to):
    """RFC 5627, section 3.1.2: the client has begun anew."""
    one = devices[0]
    one.browser.register_call_id = sip.token("anew")
    _, temporary = one.refresh()
    assert refused(call_to("trunk", one.temporary, one)) == 404
    call = call_to("trunk", temporary, one)
    one.browser.reply(one.browser.expect_request("INVITE"), 486, to_tag="t")
    assert refused(call) == 486


def test_they_follow_the_device_to_its_next_connection(devices, call_to):
    one = devices[0]
    one.browser.reconnect()
    one.browser.register()
    for uri in (one.public, one.temporary):
        call = call_to("trunk", uri, one)
        one.browser.reply(one.browser.expect_request("INVITE"), 486, to_tag="t")
        assert refused(call) == 486


# --- what is none ---
def altered(uri, index):
    at = uri.index("tgruu.") + 6 + index
    return uri[:at] + ("A" if uri[at] != "A" else "B") + uri[at + 1:]


@pytest.mark.parametrize("index", [0, 9, 15, 20, 31])
def test_a_temporary_one_cannot_be_made(devices, call_to, index):
    one = devices[0]
    assert refused(call_to("trunk", altered(one.temporary, index), one)) == 404
    one.browser.expect_silence(lambda m: m.is_request, 0.1)


@pytest.mark.parametrize("uri", ["sip:tgruu.@example.test;gr", "sip:tgruu.x@example.test;gr", f"sip:tgruu.{'A' * 32}@example.test;gr",
                                 f"sip:tgruu.{'A' * 200}@example.test;gr", "sip:nobody@example.test;gr=urn:uuid:x",
                                 "sip:nobody@example.test;gr", "sip:nobody@example.test;gr=%00"])
def test_what_is_no_gruu_of_ours(devices, call_to, uri):
    assert refused(call_to("trunk", uri, devices[0])) == 404


def test_a_device_that_never_was(devices, call_to):
    one, two = devices
    assert refused(call_to("trunk", f"sip:{one.user}@{DOMAIN};gr=urn:uuid:other", one)) == 480
    for device in devices:
        device.browser.expect_silence(lambda m: m.is_request, 0.1)


def test_instances_with_odd_characters(calls, call_to):
    user = next(calls.users)
    browser = calls.browser(user, password=calls_module.PASSWORD)
    browser.instance = "<urn:x:a b;c=d%20,e?f@g>"
    contact = browser.register(headers=SUPPORTED).header("Contact")
    public, temporary = re.findall(r'(?:pub|temp)-gruu="([^"]*)"', contact)
    device = type("Device", (), {"browser": browser, "user": user})
    for uri in (public, temporary):
        call = call_to("browser", uri, device)
        browser.reply(browser.expect_request("INVITE"), 486, to_tag="t")
        assert refused(call) == 486
