"""Keys in the descriptions (SDES, RFC 4568): telephones on trunks with RTP/SAVP, and browsers that know no DTLS."""

import re

import pytest
from tandem_test import calls as calls_module
from tandem_test import daemon as daemon_module
from tandem_test import media, sdes, sip
from tandem_test.net import LIMIT, Deadline, kept_port
from tandem_test.sdes import SHA32, SHA80, SecureRtp
from tandem_test.trunk import UdpTrunk
from tandem_test.lifetime import maker

OPTIONAL_PORT = kept_port()
CONFIG = daemon_module.merge(calls_module.CONFIG, {
    "routes": [{"match": "^9196$", "to": "echo"}, {"match": "^[a-z]+$", "to": "user"}, {"match": "^7", "to": "open"},
               {"to": "pbx"}],
    "log": {"level": "debug"},
})
CONFIG["users"] = CONFIG["users"] + [{"name": "old", "password": "secret", "media": "sdes"},
                                     {"name": "modern", "password": "secret", "media": "webrtc"}]


def prepare(directory, config):
    port = config["trunks"][0]["peer"].rsplit(":", 1)[1]
    config["trunks"] = [{"name": "pbx", "peer": f"sip:127.0.0.1:{port}", "srtp": "required", "inbound": "echo"},
                        {"name": "open", "peer": f"sip:127.0.0.1:{OPTIONAL_PORT}", "srtp": "optional", "inbound": "echo"}]
    return config


@pytest.fixture
def open_trunk(daemon):
    """The trunk with srtp = "optional"."""
    peer = UdpTrunk((daemon.host, daemon.sip_port), port=OPTIONAL_PORT, name="open")
    yield peer
    peer.close()


@pytest.fixture
def phone():
    """Makes telephones: RTP ports with a key."""
    with maker(SecureRtp) as make:
        yield make


def describe(phone, *lines, profile="RTP/SAVP", **options):
    return sdes.secured(media.trunk_sdp(phone.port, **options), *(lines or (sdes.line(1, phone.key),)), profile=profile)


def echo_call(trunk, phone, body=None):
    """The telephone calls the echo. Returns dialog, the gateway's answer, and where RTP goes."""
    invite = trunk.invite("9196", "example.test", body or describe(phone))
    dialog, response = trunk.answered(invite)
    address, port, _ = media.audio_of(response.sdp)
    return dialog, response.sdp, (address, port)


def hears_itself(phone, to, count=5):
    """The first packets may be quicker than the gateway's media is ready."""
    deadline = Deadline(LIMIT)
    while count:
        payload = bytes((phone.sequence * 7 + i) & 0xFF for i in range(160))
        phone.send(to, payload=payload)
        try:
            heard = phone.receive(0.2)[4]
        except TimeoutError:
            assert not deadline.is_over(), "no echo"
            continue
        assert heard == payload
        count -= 1


# --- trunks ---

def test_a_telephone_hears_its_echo_encrypted(trunk, phone):
    """The answer has the offer's tag, one line, and a key of the gateway's own."""
    phone = phone()
    dialog, answer, to = echo_call(trunk, phone)
    assert sdes.profile_of(answer) == "RTP/SAVP"
    assert [(tag, suite) for tag, suite, _ in sdes.lines_of(answer)] == [(1, SHA80)]
    assert sdes.key_of(answer) != phone.key
    phone.hear(sdes.key_of(answer))
    hears_itself(phone, to)
    trunk.bye(dialog)


def test_what_is_not_authentic_is_not_heard(trunk, phone, rtp):
    phone, stranger = phone(), rtp()
    dialog, answer, to = echo_call(trunk, phone)
    phone.hear(sdes.key_of(answer))
    own, phone.sealer = phone.sealer, sdes.Srtp(sdes.new_key())
    phone.send(to, 3)  # another key
    phone.sealer = own
    stranger.send(to, 3)
    hears_itself(phone, to)
    stranger.expect_silence(0.1)
    trunk.bye(dialog)


def test_keys_and_rollover_counters_live_through_hold_and_reinvite(trunk, phone):
    phone = phone()
    phone.sequence = 65530  # the sequence number turns over while the call is held and resumed
    dialog, answer, to = echo_call(trunk, phone)
    key = sdes.key_of(answer)
    phone.hear(key)
    hears_itself(phone, to, 4)
    for version, direction in ((2, "sendonly"), (3, "sendrecv"), (4, "sendrecv")):
        body = describe(phone, direction=direction, version=version)
        reinvite = trunk.send(trunk.in_dialog(dialog, "INVITE", body=body))
        response = trunk.expect_response(reinvite, 200)
        trunk.send(dialog.request("ACK", trunk.via, cseq=reinvite.cseq[0]))
        assert sdes.key_of(response.sdp) == key
        if direction == "sendrecv":
            hears_itself(phone, to, 6)
    trunk.bye(dialog)


def test_the_far_end_changes_its_key(trunk, phone):
    phone = phone()
    dialog, answer, to = echo_call(trunk, phone)
    phone.hear(sdes.key_of(answer))
    hears_itself(phone, to)
    phone.rekey()
    reinvite = trunk.send(trunk.in_dialog(dialog, "INVITE", body=describe(phone, version=2)))
    response = trunk.expect_response(reinvite, 200)
    trunk.send(dialog.request("ACK", trunk.via, cseq=reinvite.cseq[0]))
    assert sdes.key_of(response.sdp) == sdes.key_of(answer)
    hears_itself(phone, to)
    trunk.bye(dialog)


@pytest.mark.parametrize("lines", [
    [sdes.line(1, sdes.new_key(), rest="|2^31|1:4")],
    [sdes.line(1, sdes.new_key(), rest=" UNENCRYPTED_SRTP")],
    [sdes.line(1, sdes.new_key(), rest=" UNAUTHENTICATED_SRTP")],
    [sdes.line(1, sdes.new_key()[:20])],
    [sdes.line(1, sdes.new_key(), "F8_128_HMAC_SHA1_80")],
], ids=["mki", "unencrypted", "unauthenticated", "short key", "suite"])
def test_lines_that_cannot_be_used_are_refused(trunk, phone, lines):
    invite = trunk.invite("9196", "example.test", describe(phone(), *lines))
    response = trunk.expect_response(invite)
    trunk.send(sip.ack_of_failure(invite, response))
    assert response.status == 488


def test_the_next_line_serves_when_the_first_has_an_mki(trunk, phone):
    phone = phone()
    lines = [sdes.line(1, sdes.new_key(), rest="|1:4"), sdes.line(9, phone.key, rest="|2^48")]
    dialog, answer, to = echo_call(trunk, phone, describe(phone, *lines))
    phone.hear(sdes.key_of(answer, tag=9))
    hears_itself(phone, to)
    trunk.bye(dialog)


def test_nothing_goes_in_clear_where_srtp_is_required(trunk):
    invite = trunk.invite("9196", "example.test", media.trunk_sdp(4000))
    response = trunk.expect_response(invite)
    trunk.send(sip.ack_of_failure(invite, response))
    assert response.status == 488


def test_a_browser_calls_a_trunk_that_requires_srtp(calls, trunk, phone):
    """The offer is RTP/SAVP with several suites and fresh keys; the browser hears nothing of it."""
    phone, keys = phone(), set()
    for _ in range(2):
        call = calls("browser-trunk")
        call.dial()
        offer = call.arrive().sdp
        assert sdes.profile_of(offer) == "RTP/SAVP"
        assert len(sdes.lines_of(offer)) >= 4 and len({key for _, _, key in sdes.lines_of(offer)}) >= 4
        keys.update(key for _, _, key in sdes.lines_of(offer))
        tag = next(tag for tag, suite, _ in sdes.lines_of(offer) if suite == SHA80)
        call.answer(describe(phone, sdes.line(tag, phone.key)))
        answer = call.answered()
        assert "a=crypto" not in answer.sdp and "a=fingerprint" in answer.sdp
        call.hang_up()
    assert len(keys) >= 8


@pytest.mark.parametrize("lines, profile", [
    ([], "RTP/AVP"), ([], "RTP/SAVP"), ([sdes.line(77, sdes.new_key())], "RTP/SAVP"),
    ([sdes.line(1, sdes.new_key(), SHA32)], "RTP/SAVP")], ids=["plain", "no key", "unknown tag", "other suite"])
def test_an_answer_without_a_fitting_key_ends_the_call(calls, phone, lines, profile):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    body = sdes.secured(media.trunk_sdp(phone().port), *lines, profile=profile)
    call.answer(body)
    call.called.reply(call.called.expect("BYE"), 200)
    call.refused(488)


def test_optional_is_offered_in_rtp_avp_and_may_be_left(calls, open_trunk, phone, rtp):
    for keys in (True, False):
        phone_rtp = phone() if keys else rtp()
        browser = calls.user()
        invite = browser.invite("7100", authorized=False)
        offer = open_trunk.expect_request("INVITE")
        assert sdes.profile_of(offer.sdp) == "RTP/AVP" and sdes.lines_of(offer.sdp)
        body = media.trunk_sdp(phone_rtp.port)
        if keys:
            tag = next(tag for tag, suite, _ in sdes.lines_of(offer.sdp) if suite == SHA80)
            body = sdes.secured(body, sdes.line(tag, phone_rtp.key), profile="RTP/AVP")
        open_trunk.answer(offer, body)
        open_trunk.expect_request("ACK")
        dialog, _ = browser.answered(invite)
        browser.send(browser.in_dialog(dialog, "BYE"))
        open_trunk.reply(open_trunk.expect_request("BYE"), 200)


@pytest.mark.parametrize("profile", ["RTP/AVP", "RTP/SAVP"])
def test_optional_takes_keys_of_a_trunk(open_trunk, phone, profile):
    phone = phone()
    dialog, answer, to = echo_call(open_trunk, phone, describe(phone, profile=profile))
    assert sdes.profile_of(answer) == profile
    phone.hear(sdes.key_of(answer))
    hears_itself(phone, to)
    open_trunk.bye(dialog)


def test_optional_takes_a_trunk_without_keys(open_trunk, rtp):
    phone = rtp()
    dialog, answer, to = echo_call(open_trunk, phone, media.trunk_sdp(phone.port))
    assert not sdes.lines_of(answer)
    hears_itself(phone, to)
    open_trunk.bye(dialog)


def test_no_key_is_in_the_log(daemon, trunk, phone):
    phone = phone()
    dialog, answer, _ = echo_call(trunk, phone)
    bad = trunk.invite("9196", "example.test", describe(phone, sdes.line(1, phone.key, rest="|1:4")) + "a=fingerprint:x\r\n")
    trunk.send(sip.ack_of_failure(bad, trunk.expect_response(bad)))
    trunk.bye(dialog)
    log = "\n".join(daemon.lines)
    for text in (describe(phone), answer):
        for key in re.findall(r"inline:(\S+)", text):
            assert key not in log


# --- browsers ---

class OldBrowser:
    """A registered browser of 2013, whose description has keys and no fingerprint."""

    def __init__(self, peer):
        self.peer, self.key = peer, sdes.new_key()

    def offer(self):
        return sdes.browser_2013_sdp(self.key)

    def answer(self, offer):
        return sdes.browser_2013_sdp(self.key, offer)


def test_an_old_browser_is_answered_in_its_way(calls):
    old = OldBrowser(calls.user())
    invite = old.peer.invite("9196", old.offer(), authorized=False)
    dialog, response = old.peer.answered(invite)
    assert sdes.profile_of(response.sdp) == "RTP/SAVPF"
    assert [(tag, suite) for tag, suite, _ in sdes.lines_of(response.sdp)] == [(0, SHA32)]
    assert "a=fingerprint" not in response.sdp and "a=setup" not in response.sdp
    assert "google-ice" not in response.sdp and "a=rtcp-mux" in response.sdp
    old.peer.bye(dialog)


def test_who_offers_both_gets_dtls(calls):
    browser = calls.user()
    invite = browser.invite("9196", media.browser_sdp() + sdes.line(1, sdes.new_key()) + "\r\n", authorized=False)
    dialog, response = browser.answered(invite)
    assert "a=fingerprint" in response.sdp and "a=crypto" not in response.sdp
    browser.bye(dialog)


def test_a_user_who_wants_webrtc_alone_is_not_taken_without_dtls(calls):
    browser = calls.user("modern")
    invite = browser.invite("9196", sdes.browser_2013_sdp(sdes.new_key()), authorized=False)
    response = browser.expect_response(invite)
    browser.send(sip.ack_of_failure(invite, response))
    assert response.status == 488


def rings(peer):
    """Its INVITE, and how it is asked: (invite, profile)."""
    invite = peer.expect_request("INVITE")
    return invite, sdes.profile_of(invite.sdp)


def talk(caller, invite, old, ringing):
    """The old browser answers; both ends hang up."""
    dialog = old.peer.answer(ringing, old.answer(ringing.sdp))
    old.peer.expect_request("ACK")
    caller_dialog, response = caller.answered(invite)
    caller.send(caller.in_dialog(caller_dialog, "BYE"))
    old.peer.reply(old.peer.expect_request("BYE", dialog.call_id), 200)
    return response


def test_a_user_known_to_be_old_is_offered_keys(calls):
    old, caller = OldBrowser(calls.user("old")), calls.user()
    invite = caller.invite("old", authorized=False)
    ringing, profile = rings(old.peer)
    assert profile == "RTP/SAVPF" and "a=fingerprint" not in ringing.sdp and len(sdes.lines_of(ringing.sdp)) >= 4
    response = talk(caller, invite, old, ringing)
    assert "a=fingerprint" in response.sdp


def test_one_that_cannot_read_dtls_is_asked_again_and_remembered(calls):
    old, caller = OldBrowser(calls.user()), calls.user()
    invite = caller.invite(old.peer.user, authorized=False)
    first, profile = rings(old.peer)
    assert profile == "UDP/TLS/RTP/SAVPF"
    old.peer.reply(first, 488, to_tag="x")
    old.peer.expect_request("ACK", first.call_id)
    second, profile = rings(old.peer)
    assert profile == "RTP/SAVPF" and second.call_id != first.call_id
    talk(caller, invite, old, second)
    # the next call knows
    invite = caller.invite(old.peer.user, authorized=False)
    ringing, profile = rings(old.peer)
    assert profile == "RTP/SAVPF"
    talk(caller, invite, old, ringing)


def test_one_that_refuses_both_ways_is_asked_twice_only(calls):
    old, caller = OldBrowser(calls.user()), calls.user()
    invite = caller.invite(old.peer.user, authorized=False)
    for _ in range(2):
        ringing, _ = rings(old.peer)
        old.peer.reply(ringing, 488, to_tag="x")
        old.peer.expect_request("ACK", ringing.call_id)
    response = caller.expect_response(invite)
    caller.send(sip.ack_of_failure(invite, response))
    assert response.status == 488
    old.peer.expect_silence(lambda m: m.is_request and m.method == "INVITE", 0.2)


def test_one_that_has_called_is_offered_keys(calls):
    old, caller = OldBrowser(calls.user()), calls.user()
    call = old.peer.invite("9196", old.offer(), authorized=False)
    old.peer.bye(old.peer.answered(call)[0])
    invite = caller.invite(old.peer.user, authorized=False)
    ringing, profile = rings(old.peer)
    assert profile == "RTP/SAVPF"
    talk(caller, invite, old, ringing)
