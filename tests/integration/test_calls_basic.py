"""Calls as they go when nothing crosses: ringing, answer, end, refusal, between browsers, trunk and built-ins."""

import re

import pytest
from tandem_test import calls as calls_module
from tandem_test import digest, media, sip
from tandem_test.calls import DIRECTIONS, SIDES, End
from tandem_test.lifetime import maker

# Who is known to speak DTLS is not asked again after a 488.
CONFIG = {"users": [{**user, "media": "webrtc"} for user in calls_module.CONFIG["users"]]}


@pytest.mark.parametrize("by", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_call_rings_is_answered_and_ends(calls, direction, by):
    call = calls(direction)
    call.dial()
    invite = call.arrive()
    assert invite.call_id != call.caller.invite.call_id
    assert call.ring().body == b""
    call.answer()
    response = call.answered()
    assert media.audio_of(response.sdp)[2] == "sendrecv"
    assert calls.daemon.metric("tandem_calls") == 1
    call.hang_up(by)
    for end in call.ends:
        end.silence(seconds=0.2)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_each_side_is_told_the_profile_of_its_kind(calls, direction):
    call = calls.up(direction)
    answer = next(m for way, m in call.caller.peer.history
                  if way == "<-" and m.branch == call.caller.invite.branch and m.status == 200)
    for end, sdp in ((call.called, call.called.invite.sdp), (call.caller, answer.sdp)):
        assert ("UDP/TLS/RTP/SAVPF" in sdp) == end.is_browser
        assert ("a=fingerprint:" in sdp) == end.is_browser
        assert ("a=ice-ufrag:" in sdp) == end.is_browser
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_caller_is_named(calls, direction):
    call = calls(direction)
    call.dial()
    invite = call.arrive()
    user = sip.uri_of(call.caller.invite.header("From")).split("@")[0]
    assert sip.uri_of(invite.header("From")) == f"{user}@{calls.domain}"
    call.cancel()
    call.called.reply(invite, 180)
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.reject(487)


@pytest.mark.parametrize("number", ["9196"])
def test_a_builtin_answers_a_browser(calls, number):
    call = calls("browser-trunk", number)
    call.dial()
    call.answered()
    call.caller.ask("BYE", 200)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_early_media_has_the_same_answer_as_the_200(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    early = call.ring(183, early=True)
    assert early.sdp and "m=audio" in early.sdp
    call.answer()
    assert call.answered().body == early.body
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_200_without_the_answer_that_the_183_had(calls, direction):
    """Forbidden by section 13.2.1, seen in the field: the answer stands."""
    call = calls(direction)
    call.dial()
    call.arrive()
    early = call.ring(183, early=True)
    call.answer(b"")
    assert call.answered().body == early.body
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_early_media_then_180_and_refusal(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring(183, early=True)
    call.ring(180)
    call.reject(486)
    call.refused(486)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_call_is_cancelled_while_it_rings(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring()
    call.cancel()
    cancel = call.called.expect("CANCEL")
    assert cancel.branch == call.called.invite.branch and cancel.cseq[0] == call.called.invite.cseq[0]
    assert cancel.uri == call.called.invite.uri
    call.called.reply(cancel, 200)
    call.reject(487)
    for end in call.ends:
        end.silence(seconds=0.2)


@pytest.mark.parametrize("status", [400, 403, 404, 480, 486, 488, 500, 503, 600, 603, 606])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_refusal_goes_on_with_its_words(calls, direction, status):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.ring()
    call.reject(status, reason=f"My Words {status}")
    if direction == "browser-trunk" and status in (488, 606):  # a telephone that refuses the usual codecs is asked once more
        call.arrive()
        call.reject(status, reason=f"My Words {status}")
    assert call.refused(status).reason == f"My Words {status}"


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("status, told", [(302, 502), (401, 403), (407, 403), (430, 480), (481, 480)])
def test_a_refusal_that_concerns_the_gateway_alone(calls, direction, status, told):
    call = calls(direction)
    call.dial()
    call.arrive()
    headers = [("Contact", "<sip:elsewhere@192.0.2.1>")] if status == 302 else []
    call.called.peer.reply(call.called.invite, status, to_tag="x", headers=headers)
    call.called.expect("ACK")
    call.refused(told)
    call.called.silence("INVITE", 0.2)


# --- who is called ---
@pytest.mark.parametrize("kind", ["browser", "trunk"])
def test_a_user_who_is_not_there(calls, kind):
    call = calls(f"{kind}-trunk", calls_module.ABSENT)
    call.dial()
    call.refused(480)


@pytest.mark.parametrize("kind", ["browser", "trunk"])
def test_a_user_nobody_knows(calls, kind):
    call = calls(f"{kind}-trunk", "stranger")
    call.dial()
    call.refused(404)


@pytest.mark.parametrize("kind", ["browser", "trunk"])
def test_the_first_device_that_answers_has_the_call(calls, kind):
    call = calls(f"{kind}-browser")
    devices = [call.called] + [End(calls.user(call.called.user), f"device{i}", call.called.user) for i in range(2)]
    call.dial()
    for device in devices:
        device.invite = device.peer.expect_request("INVITE")
        device.reply(device.invite, 180)
    call.caller.response(call.caller.invite, 180)
    winner = devices[1]
    call.called = winner
    winner.dialog = sip.Dialog.as_callee(winner.invite, winner.tag, winner.peer.contact)
    call.answer()
    call.answered()
    for device in (devices[0], devices[2]):
        cancel = device.expect("CANCEL")
        assert "cause=200" in cancel.header("Reason")
        device.reply(cancel, 200)
        device.reply(device.invite, 487)
        device.expect("ACK")
    call.hang_up()


def test_two_devices_answer_at_once(calls):
    """The second 2xx crosses the CANCEL: it is acknowledged and ended by BYE (section 9.1)."""
    call = calls("trunk-browser")
    second = End(calls.user(call.called.user), "second", call.called.user)
    call.dial()
    call.arrive()
    second.invite = second.peer.expect_request("INVITE")
    second.reply(second.invite, 180)
    call.ring()
    call.answer()
    call.answered()
    second.reply(second.invite, 200, second.describe(second.invite.sdp))
    second.expect("ACK")
    second.reply(second.expect("BYE"), 200)
    second.reply(second.expect("CANCEL"), 200)
    call.caller.silence("BYE", 0.2)
    call.hang_up()


def test_a_device_that_declines_leaves_the_others_ringing_and_603_is_told(calls):
    call = calls("trunk-browser")
    second = End(calls.user(call.called.user), "second", call.called.user)
    call.dial()
    call.arrive()
    second.invite = second.peer.expect_request("INVITE")
    second.reply(second.invite, 603)
    second.expect("ACK")
    call.ring()
    call.reject(486)
    call.refused(603)


def test_nobody_calls_himself_on_the_same_device(calls):
    call = calls("browser-browser")
    call.number = call.caller.user
    call.dial()
    call.refused(480)


# --- late offers ---
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_invite_without_offer_gets_one_in_the_200(calls, direction):
    call = calls(direction)
    call.dial(offer=False)
    invite = call.arrive()
    assert "m=audio" in invite.sdp
    call.ring()
    call.answer()
    response = call.answered(acknowledge=False)
    assert ("a=setup:actpass" in response.sdp) == call.caller.is_browser
    call.caller.ack(call.caller.invite, call.caller.describe(response.sdp))
    call.called.silence("BYE", 0.3)
    call.caller.silence("BYE", 0.1)
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_row_20_an_ack_that_lacks_the_answer_ends_the_call(calls, direction):
    call = calls(direction)
    call.dial(offer=False)
    call.arrive()
    call.answer()
    call.answered()
    for end in call.ends:
        end.reply(end.expect("BYE"), 200)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_late_answer_with_another_codec_is_told_to_the_other_side(calls, direction):
    call = calls(direction)
    call.dial(offer=False)
    invite = call.arrive()
    call.answer(call.called.describe(invite.sdp if call.called.is_browser else None))
    response = call.answered(acknowledge=False)
    audio = re.search(r"^m=audio \d+ \S+ (.*?)\r?$", response.sdp, re.M).group(1).split()
    if not {"0", "8"} <= set(audio):
        pytest.skip("one codec alone was offered")
    answer = call.caller.describe(response.sdp)
    answer = re.sub(r"^(m=audio \d+ \S+) .*?\r?$", r"\1 8\r", answer, flags=re.M)
    answer = re.sub(r"^a=(rtpmap|fmtp):(?!8 ).*\r\n", "", answer, flags=re.M)
    call.caller.ack(call.caller.invite, answer)
    again = call.called.expect("INVITE")
    assert re.search(r"^m=audio \d+ \S+ 8\b", again.sdp, re.M)
    call.called.reply(again, 200, calls_module.changed(answer if call.called.is_browser == call.caller.is_browser else
                                                       call.called.describe(again.sdp)))
    call.called.expect("ACK")
    call.hang_up()


# --- OPTIONS ---
@pytest.mark.parametrize("kind", ["browser", "trunk"])
def test_options_outside_a_dialog(calls, kind):
    peer = calls.user() if kind == "browser" else calls.trunk
    request = sip.request("OPTIONS", f"sip:{calls.domain}", f"<sip:x@{calls.domain}>;tag=a", f"<sip:{calls.domain}>", peer.via)
    response = peer.ask(request, 200)
    for method in ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"):
        assert method in response.header("Allow")
    assert "application/sdp" in response.header("Accept")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_options_in_a_dialog(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    assert "INVITE" in one.ask("OPTIONS", 200).header("Allow")
    other.silence(seconds=0.1)
    call.hang_up()
    assert one.ask("OPTIONS").status == 481


def test_options_in_no_dialog(calls):
    peer = calls.user()
    request = sip.request("OPTIONS", f"sip:{calls.domain}", f"<sip:x@{calls.domain}>;tag=a", f"<sip:{calls.domain}>;tag=b",
                          peer.via)
    peer.ask(request, 481)


@pytest.mark.parametrize("method, status", [("REFER", 403), ("INFO", 481)])
def test_requests_that_live_in_calls_only(calls, method, status):
    peer = calls.user()
    request = sip.request(method, f"sip:{calls.domain}", f"<sip:x@{calls.domain}>;tag=a", f"<sip:{calls.domain}>", peer.via,
                          contact=peer.contact)
    peer.ask(request, status)


# --- identity ---
def test_an_invite_without_proof_is_challenged_and_then_taken(calls):
    alice = calls.browser(next(calls.users), password=calls_module.PASSWORD)
    request = alice.invite("9196")
    dialog, _ = alice.answered(request)
    alice.bye(dialog)


def test_an_invite_of_an_unproven_browser_goes_nowhere(calls):
    alice = calls.browser(next(calls.users), password=None)
    invite = alice.invite("4711", authorized=False)
    alice.send(sip.ack_of_failure(invite, alice.expect_response(invite, 407)))
    calls.trunk.expect_silence(lambda m: "4711" in m.start, 0.2)
    assert calls.daemon.metric("tandem_calls") == 0


def test_a_stranger_on_udp_is_refused(calls):
    from tandem_test.trunk import UdpTrunk

    stranger = UdpTrunk((calls.daemon.host, calls.daemon.sip_port), host="127.0.0.2")
    try:
        invite = stranger.invite(calls.user().user, calls.domain, media.trunk_sdp(40000))
        stranger.send(sip.ack_of_failure(invite, stranger.expect_response(invite, 403)))
    finally:
        stranger.close()


# --- what is wrong in an INVITE ---
def test_an_invite_without_contact(calls):
    call = calls("trunk-browser")
    request = sip.request("INVITE", f"sip:{call.number}@{calls.domain}", "<sip:1@127.0.0.1>;tag=q", f"<sip:{call.number}@x>",
                          calls.trunk.via, body=media.trunk_sdp(40000))
    calls.trunk.ask(request, 400)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_offer_that_cannot_be_read(calls, direction):
    call = calls(direction)
    call.caller.local = "v=0\r\nthis is no description\r\n"
    end = call.caller
    body = end.local
    end.invite = (end.peer.invite(call.number, body, authorized=False) if end.is_browser
                  else end.peer.invite(call.number, calls.domain, body))
    call.refused(400)
    assert calls.daemon.metric("tandem_calls") == 0


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_answer_that_cannot_be_read_ends_the_call(calls, direction):
    call = calls(direction)
    call.dial()
    call.arrive()
    call.answer("v=0\r\nthis is no description\r\n")
    call.called.reply(call.called.expect("BYE"), 200)
    call.refused(488)


# --- digest towards a trunk ---
def challenge(trunk, request, realm="pbx", status=407):
    name = "Proxy-Authenticate" if status == 407 else "WWW-Authenticate"
    trunk.reply(request, status, to_tag=sip.token(),
                headers=[(name, f'Digest realm="{realm}", nonce="{sip.token()}", algorithm=MD5, qop="auth"')])


def check_proof(challenged, request, status=407):
    """The answer is right for the user and password of the trunk's configuration."""
    name = "Proxy-Authorization" if status == 407 else "Authorization"
    values = digest.parse(request.header(name))
    assert values["username"] == "gateway" and values["uri"] == request.uri
    asked = challenged.header("Proxy-Authenticate" if status == 407 else "WWW-Authenticate")
    right = digest.parse(digest.answer(asked, request.method, request.uri, "gateway", "password",
                                       nc=int(values["nc"], 16), cnonce=values["cnonce"]))
    assert values["response"] == right["response"]


@pytest.fixture
def digest_calls(own_daemon, trunk_port):
    from tandem_test.browser import Browser
    from tandem_test.trunk import UdpTrunk

    tandem = own_daemon({**CONFIG, "trunks": [{"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}", "username": "gateway",
                                               "password": "password", "realm": "pbx"}]}).start()
    trunk = UdpTrunk((tandem.host, tandem.sip_port), port=trunk_port)
    with maker(lambda user, **options: Browser(tandem.host, tandem.web_port, user, "example.test", **options)) as browser:
        yield calls_module.Maker(tandem, browser, trunk, "example.test")
    tandem.check_clean()
    trunk.close()


def sent(peer):
    return next(m for way, m in reversed(peer.history) if way == "->")


@pytest.mark.parametrize("status", [401, 407])
def test_a_trunk_that_asks_who_is_there(digest_calls, status):
    call = digest_calls("browser-trunk")
    call.dial()
    first = call.arrive()
    challenge(digest_calls.trunk, first, status=status)
    asked = sent(digest_calls.trunk)
    call.called.expect("ACK")
    second = call.arrive()
    assert second.cseq[0] == first.cseq[0] + 1 and second.branch != first.branch and second.call_id == first.call_id
    assert not sip.parameter(second.header("To"), "tag")
    check_proof(asked, second, status)
    call.ring()
    call.answer()
    call.answered()
    call.caller.ask("BYE", 200)
    bye = call.called.expect("BYE")
    challenge(digest_calls.trunk, bye, status=status)
    asked = sent(digest_calls.trunk)
    again = call.called.expect("BYE")
    assert again.cseq[0] == bye.cseq[0] + 1
    check_proof(asked, again, status)
    call.called.reply(again, 200)


def test_a_reinvite_that_the_trunk_asks_credentials_for(digest_calls):
    call = digest_calls.up("browser-trunk")
    invite = call.caller.reinvite("sendonly")
    first = call.called.expect("INVITE")
    challenge(digest_calls.trunk, first)
    asked = sent(digest_calls.trunk)
    call.called.expect("ACK")
    second = call.called.expect("INVITE")
    check_proof(asked, second)
    call.called.reply(second, 200, call.called.describe(direction="recvonly"))
    call.called.expect("ACK")
    response = call.caller.response(invite, 200)
    assert media.audio_of(response.sdp)[2] == "recvonly"
    call.caller.ack(invite)
    call.hang_up()


def test_a_trunk_that_is_not_content_with_the_credentials(digest_calls):
    call = digest_calls("browser-trunk")
    call.dial()
    for _ in range(2):
        challenge(digest_calls.trunk, call.arrive())
        call.called.expect("ACK")
    call.refused(403)
    call.called.silence("INVITE", 0.2)


def test_row_10_a_cancel_before_the_second_invite(digest_calls):
    """The 407 is on its way when the caller gives up: no second INVITE."""
    call = digest_calls("browser-trunk")
    call.dial()
    call.arrive()
    call.cancel()
    challenge(digest_calls.trunk, call.called.invite)
    call.called.expect("ACK")
    call.called.silence()


def test_row_31_credentials_are_for_the_configured_realm_only(digest_calls):
    call = digest_calls("browser-trunk")
    call.dial()
    challenge(digest_calls.trunk, call.arrive(), realm="elsewhere")
    call.called.expect("ACK")
    call.refused(403)
    call.called.silence("INVITE", 0.2)
    call = digest_calls.up("browser-trunk")
    call.caller.ask("BYE", 200)
    challenge(digest_calls.trunk, call.called.expect("BYE"), realm="elsewhere")
    call.called.silence("BYE")


def test_row_31_credentials_are_for_the_trunk_not_for_where_its_contact_leads(digest_calls):
    """CVE-2021-41158: whoever is there would only have to ask."""
    from tandem_test.trunk import UdpTrunk

    call = digest_calls("browser-trunk")
    elsewhere = UdpTrunk(digest_calls.trunk.gateway, host="127.0.0.2")
    call.dial()
    call.arrive()
    call.called.peer.reply(call.called.invite, 200, to_tag=call.called.tag, contact=elsewhere.contact,
                           body=call.called.describe(call.called.invite.sdp))
    call.answered()
    elsewhere.expect_request("ACK", call.called.invite.call_id)
    invite = call.caller.reinvite("sendonly")
    asked = elsewhere.expect_request("INVITE", call.called.invite.call_id)
    challenge(elsewhere, asked)
    call.caller.send(sip.ack_of_failure(invite, call.caller.response(invite, 403)))
    call.caller.ask("BYE", 200)
    challenge(elsewhere, elsewhere.expect_request("BYE", call.called.invite.call_id), status=401)
    elsewhere.expect_silence(lambda m: m.is_request and m.method != "ACK")
    elsewhere.close()


@pytest.mark.parametrize("realm", ["pbx", "elsewhere"])
def test_row_31_a_notify_that_the_trunk_asks_credentials_for(digest_calls, realm):
    from tandem_test.transfer import refer_accepted, refer_to

    call = digest_calls.up("trunk-browser")
    one, other = call.ends
    target = digest_calls.end("browser", "target")
    refer_accepted(one, refer_to(call, target.user))
    notify = one.expect("NOTIFY")
    challenge(one.peer, notify, realm)
    asked = sent(one.peer)
    if realm == "pbx":
        again = one.expect("NOTIFY")
        check_proof(asked, again)
        assert again.body == notify.body
        one.reply(again, 200)
    else:
        one.silence("NOTIFY")
    call.hang_up("called")
    one.peer.expect_silence(lambda m: m.is_request and m.method == "BYE", 0.1)
