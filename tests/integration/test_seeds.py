"""The calls that began the project: two browser telephones of 2013, a Sipura SPA-3000, and a PBX that asks for a password."""

import concurrent.futures
import re
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test import digest, media, sdes, sip
from tandem_test.net import LIMIT, Deadline
from tandem_test.sdes import SHA80
from tandem_test.sipml5 import OldMedia, SipMl5
from tandem_test.trunk import UdpTrunk
from tandem_test.lifetime import maker

DOMAIN = "example.test"
USERS = [f"phone{letter}" for letter in "abcdefghijklmnop"]
CALLS, LINES = 1000, 4
CALLS_PER_SECOND = 18  # of a line; a media port rests for two seconds after its call, and there are 400
SIPURA_HOST, ELSEWHERE = "127.0.0.2", "127.0.0.3"  # the PBX is at 127.0.0.1
CONFIG = {
    "users": [{"name": name, "password": "secret", "media": "sdes"} for name in USERS]
    + [{"name": name, "password": "secret"} for name in ("young", "auto")]
    + calls_module.CONFIG["users"],
    "routes": [{"match": "^9196$", "to": "echo"}, {"match": "^[a-z]+$", "to": "user"}, {"to": "pbx"}],
}


def prepare(directory, config):
    config["trunks"] = [
        {**config["trunks"][0], "username": "tandem", "password": "pbx secret"},
        {"name": "spa", "inbound_username": "spa3000", "inbound_password": "sipura secret"},
    ]
    return config


# --- (a) two sipML5 telephones ---

@pytest.fixture
def old(daemon):
    """Makes registered telephones of 2013."""
    with maker(lambda user: SipMl5(daemon.host, daemon.web_port, user, DOMAIN, password="secret")) as make:
        def make_registered(user, register=True):
            one = make(user)
            if register:
                one.register()
            return one

        yield make_registered


def connect(caller, callee):
    """INVITE, 180, 200, ACK. Returns both dialogs and both descriptions of the gateway."""
    invite = caller.dial(callee.user)
    heard = callee.expect_request("INVITE")
    callee_dialog = callee.take(heard, sip.token("t"))
    caller.expect_response(invite, 180)
    caller_dialog, response = caller.answered(invite)
    callee.expect_request("ACK", heard.call_id)
    return caller_dialog, callee_dialog, response.sdp, heard.sdp


def end(caller, callee, dialogs):
    """BYE from the caller: it reaches the callee, whose 200 ends it; the caller has a 200."""
    bye = caller.send(caller.in_dialog(dialogs[0], "BYE"))
    callee.reply(callee.expect_request("BYE", dialogs[1].call_id), 200)
    caller.expect_response(bye, 200)


def test_sipml5_calls_sipml5(old):
    caller, callee = old("phonea"), old("phoneb")
    caller_dialog, callee_dialog, answer, offer = connect(caller, callee)
    for sdp in (answer, offer):
        assert sdes.profile_of(sdp) == "RTP/SAVPF" and "a=fingerprint" not in sdp and "a=rtcp-mux" in sdp
    assert len(sdes.lines_of(answer)) == 1 and sdes.lines_of(answer)[0][0] == 0  # the offer's first line
    end(caller, callee, (caller_dialog, callee_dialog))
    # and the other way round, on the same connections
    caller_dialog, callee_dialog, _, _ = connect(callee, caller)
    end(callee, caller, (caller_dialog, callee_dialog))


def test_sipml5_calls_sipml5_a_thousand_times(old):
    """Not one BYE is lost, not one answered with anything but 200."""
    pairs = [(old(USERS[2 * i]), old(USERS[2 * i + 1])) for i in range(LINES)]
    start = time.monotonic()

    def talk(pair):
        for i in range(CALLS // LINES):
            next_call = Deadline(1 / CALLS_PER_SECOND)
            caller, callee = pair if i % 2 else pair[::-1]
            end(caller, callee, connect(caller, callee)[:2])
            caller.inbox.clear()
            callee.inbox.clear()
            caller.history.clear()
            callee.history.clear()
            time.sleep(next_call.left())  # the pace, nothing else
        return CALLS // LINES

    with concurrent.futures.ThreadPoolExecutor(LINES) as pool:
        assert sum(pool.map(talk, pairs)) == CALLS
    assert time.monotonic() - start < 60


def test_bye_on_a_new_connection_after_registering_there(old):
    caller, callee = old("phonea"), old("phoneb")
    dialogs = connect(caller, callee)[:2]
    caller.reconnect()
    caller.register()
    end(caller, callee, dialogs)


def test_bye_on_a_new_connection_while_the_old_one_is_still_open(old):
    caller, callee = old("phonea"), old("phoneb")
    dialogs = connect(caller, callee)[:2]
    before = caller.socket
    caller.connect()
    caller.register()
    end(caller, callee, dialogs)
    before.close()


def test_bye_on_a_new_connection_that_is_proved_by_digest_only(old):
    caller, callee = old("phonea"), old("phoneb")
    caller_dialog, callee_dialog = connect(caller, callee)[:2]
    caller.reconnect()
    bye = caller.in_dialog(caller_dialog, "BYE")
    challenge = caller.ask(bye, 407)
    again = caller.send(caller.prove(bye, challenge))
    callee.reply(callee.expect_request("BYE", callee_dialog.call_id), 200)
    caller.expect_response(again, 200)


def test_bye_reaches_a_callee_that_has_come_back(old):
    caller, callee = old("phonea"), old("phoneb")
    dialogs = connect(caller, callee)[:2]
    callee.reconnect()
    callee.register()
    end(caller, callee, dialogs)


@pytest.fixture
def old_media():
    with maker(OldMedia) as make:
        yield make


def sends_until_heard(sender, receiver, rtp, wanted=10):
    """Packets through the gateway, whose content tells them apart. The first ones may come before ICE is done."""
    sent, deadline = set(), time.monotonic() + LIMIT
    while len(receiver.heard) < wanted and time.monotonic() < deadline:
        packet = rtp.packet()
        sent.add(packet[12:])
        if sender.path.is_valid.is_set():
            sender.send(packet)
        with receiver.heard_more:
            receiver.heard_more.wait(0.02)
    heard = receiver.wait_heard(wanted, 0.01)
    assert all(packet[12:] in sent for _, packet, _ in heard)


def test_sipml5_telephones_hear_each_other(old, old_media, rtp):
    """ICE and SRTP on both legs, with keys of each leg's own."""
    caller, callee, one, other = old("phonea"), old("phoneb"), old_media(), old_media()
    invite = caller.invite("phoneb", one.describe(), authorized=False)
    heard = callee.expect_request("INVITE")
    other.hear(heard.sdp)
    callee_dialog = callee.answer(heard, other.describe(heard.sdp))
    caller_dialog, response = caller.answered(invite)
    callee.expect_request("ACK", heard.call_id)
    # the caller's first line was SHA1_32: it is asked for SHA1_80 by an offer with that line alone
    body = re.sub(r"^a=crypto:0 .*\r\n", "", calls_module.changed(one.describe()), flags=re.M)
    reinvite = caller.send(caller.in_dialog(caller_dialog, "INVITE", body=body))
    response = caller.expect_response(reinvite, 200)
    caller.send(caller_dialog.request("ACK", caller.via, cseq=reinvite.cseq[0]))
    assert [tag for tag, _, _ in sdes.lines_of(response.sdp)] == [1]
    one.hear(response.sdp, SHA80)
    sends_until_heard(one, other, rtp())
    sends_until_heard(other, one, rtp())
    end(caller, callee, (caller_dialog, callee_dialog))


def test_sipml5_without_rtcp_mux_has_media_without_rtcp(old, old_media, rtp):
    """The second component is given up by an answer that has only the first (RFC 8445, section 6.1.2.2)."""
    phone, one = old("phonea"), old_media()
    offer = one.describe().replace("a=rtcp-mux\r\n", "").replace("a=crypto:0 ", "a=x:")
    invite = phone.invite("9196", offer, authorized=False)
    dialog, response = phone.answered(invite)
    assert "a=rtcp-mux" not in response.sdp
    assert not re.search(r"^a=candidate:\S+ 2 ", response.sdp, re.M)
    one.hear(response.sdp)
    sends_until_heard(one, one, rtp())
    phone.bye(dialog)


def test_sipml5_and_a_browser_of_today(old, calls):
    """In both directions."""
    phone, young = old("phonea"), calls.user("young")
    invite = phone.dial("young")
    heard = young.expect_request("INVITE")
    assert sdes.profile_of(heard.sdp) == "UDP/TLS/RTP/SAVPF" and not sdes.lines_of(heard.sdp)
    young_dialog = young.answer(heard)
    phone_dialog, response = phone.answered(invite)
    young.expect_request("ACK", heard.call_id)
    assert sdes.profile_of(response.sdp) == "RTP/SAVPF"
    end(phone, young, (phone_dialog, young_dialog))
    invite = young.invite("phonea", authorized=False)
    heard = phone.expect_request("INVITE")
    phone_dialog = phone.take(heard, sip.token("t"))
    young_dialog, response = young.answered(invite)
    phone.expect_request("ACK", heard.call_id)
    assert "a=fingerprint" in response.sdp
    end(young, phone, (young_dialog, phone_dialog))


# --- (b) a Sipura SPA-3000 ---

SIPURA_CODECS = [(2, "G726-32"), (0, "PCMU"), (4, "G723"), (8, "PCMA"), (18, "G729a"), (96, "G726-40"), (97, "G726-24"),
                 (98, "G726-16"), (100, "NSE"), (101, "telephone-event")]


class Sipura(UdpTrunk):
    """SPA-3000 2.0.13: CSeq from 101, compact Call-IDs, Expires 240, ptime 30."""

    def sdp(self):
        lines = [f"a=rtpmap:{number} {name}/8000" for number, name in SIPURA_CODECS]
        lines.insert(9, "a=fmtp:100 192-193")
        return "\r\n".join([
            "v=0", f"o=- 22896919 22896919 IN IP4 {self.host}", "s=-", f"c=IN IP4 {self.host}", "t=0 0",
            f"m=audio 16416 RTP/AVP {' '.join(str(number) for number, _ in SIPURA_CODECS)}", *lines, "a=fmtp:101 0-15",
            "a=ptime:30", "a=sendrecv"]) + "\r\n"

    @property
    def via(self):
        return f"UDP {self.host}:{self.port};branch=z9hG4bK-{sip.token()}"

    @property
    def contact(self):
        return f"SPA3000 <sip:spa3000@{self.host}:{self.port}>"

    def dial(self, number, expires=240):
        return self.send(sip.request(
            "INVITE", f"sip:{number}@{DOMAIN}", f"SPA3000 <sip:spa3000@{DOMAIN}>;tag={sip.token()}o1",
            f"<sip:{number}@{DOMAIN}>", self.via, f"{sip.token()}@{self.host}", 101, self.contact, self.sdp(),
            headers=[("Expires", expires), ("User-Agent", "Sipura/SPA3000-2.0.13(GWg)"),
                     ("Allow", "ACK, BYE, CANCEL, INFO, INVITE, NOTIFY, OPTIONS, REFER"), ("Supported", "x-sipura")]))

    def prove(self, invite, challenge, password="sipura secret", username="spa3000"):
        """INVITE with digest: same Call-ID and tag, CSeq one more."""
        again = invite.copy().set("CSeq", f"{invite.cseq[0] + 1} INVITE").set("Via", f"SIP/2.0/{self.via}")
        return self.send(digest.authorize(again, challenge, username, password, "MD5"))

    def challenged(self, invite):
        response = self.expect_response(invite)
        assert response.status == 407 and DOMAIN in response.header("Proxy-Authenticate")
        assert ["algorithm=MD5" in value for value in response.values("Proxy-Authenticate")] == [True]  # it reads no second
        self.send(sip.ack_of_failure(invite, response))
        return response

    def call(self, number, **options):
        """INVITE, 407, ACK, INVITE with digest."""
        invite = self.dial(number, **options)
        return self.prove(invite, self.challenged(invite))


@pytest.fixture
def sipura(daemon):
    with maker(lambda host=SIPURA_HOST: Sipura((daemon.host, daemon.sip_port), host=host, name="sipura")) as make:
        yield make


def test_sipura_calls_a_browser_and_cancels(calls, sipura):
    """INVITE, 407, ACK, INVITE with digest, 100, 180, CANCEL, 200, 487, ACK; the browser stops ringing."""
    browser, sipura = calls.user(), sipura()
    invite = sipura.call(browser.user)
    sipura.expect_response(invite, 100)
    ringing = browser.expect_request("INVITE")
    assert re.search(r"^m=audio \d+ UDP/TLS/RTP/SAVPF ", ringing.sdp, re.M) and "G729/8000" in ringing.sdp
    browser.reply(ringing, 180, to_tag="ringing", contact=browser.contact)
    sipura.expect_response(invite, 180)
    cancel = sip.cancel_of(invite)
    assert cancel.branch == invite.branch and cancel.cseq[0] == invite.cseq[0]
    sipura.ask(cancel, 200)
    response = sipura.expect_response(invite)
    assert response.status == 487
    ack = sip.ack_of_failure(invite, response)
    sipura.send(ack)
    browser.reply(browser.expect_request("CANCEL", ringing.call_id), 200)
    browser.reply(ringing, 487, to_tag="ringing")
    browser.expect_request("ACK", ringing.call_id)
    sipura.send(ack)  # again: absorbed
    sipura.expect_silence(lambda m: m.call_id == invite.call_id, 0.3)
    browser.expect_silence(lambda m: m.call_id == ringing.call_id, 0.1)


@pytest.mark.parametrize("by", ["sipura", "browser"])
def test_sipura_talks_to_a_browser(calls, sipura, by):
    """From an address nobody knew: the dialog lives on the proof, in both directions."""
    browser, sipura = calls.user(), sipura()
    invite = sipura.call(browser.user)
    ringing = browser.expect_request("INVITE")
    browser_dialog = browser.answer(ringing)
    dialog, response = sipura.answered(invite)
    assert "ptime" not in response.sdp or "a=ptime:" in response.sdp
    browser.expect_request("ACK", ringing.call_id)
    if by == "sipura":
        bye = sipura.send(sipura.in_dialog(dialog, "BYE"))
        browser.reply(browser.expect_request("BYE", ringing.call_id), 200)
        sipura.expect_response(bye, 200)
    else:
        bye = browser.send(browser.in_dialog(browser_dialog, "BYE"))
        sipura.reply(sipura.expect_request("BYE", invite.call_id), 200)
        browser.expect_response(bye, 200)


def test_sipura_behind_nat(calls, sipura):
    """Its Contact is an address that leads nowhere: it is spoken to by the way it came."""
    browser, sipura = calls.user(), sipura()
    invite = sipura.dial(browser.user)
    invite.set("Contact", "SPA3000 <sip:spa3000@192.0.2.105:5061>")
    invite = sipura.prove(invite, sipura.challenged(invite))
    ringing = browser.expect_request("INVITE")
    dialog = browser.answer(ringing)
    sipura.answered(invite)
    browser.expect_request("ACK", ringing.call_id)
    bye = browser.send(browser.in_dialog(dialog, "BYE"))
    heard = sipura.expect_request("BYE", invite.call_id)
    assert "192.0.2.105" in heard.uri
    sipura.reply(heard, 200)
    browser.expect_response(bye, 200)


def test_sipura_with_a_wrong_password(calls, sipura):
    browser, sipura = calls.user(), sipura()
    for login in ({"password": "guess"}, {"username": "nobody"}):
        invite = sipura.dial(browser.user)
        again = sipura.prove(invite, sipura.challenged(invite), **login)
        response = sipura.expect_response(again)
        sipura.send(sip.ack_of_failure(again, response))
        assert response.status == 403
    browser.expect_silence(lambda m: m.method == "INVITE", 0.2)


def test_a_proof_is_of_no_use_from_another_address(calls, sipura):
    """The nonce belongs to the address it was given to."""
    browser, here, elsewhere = calls.user(), sipura(), sipura(ELSEWHERE)
    invite = here.dial(browser.user)
    challenge = here.challenged(invite)
    stolen = elsewhere.dial(browser.user)
    elsewhere.challenged(stolen)
    again = elsewhere.prove(stolen, challenge)
    response = elsewhere.expect_response(again)
    elsewhere.send(sip.ack_of_failure(again, response))
    assert response.status == 407
    browser.expect_silence(lambda m: m.method == "INVITE", 0.2)


def test_a_stranger_ends_no_call_of_the_sipura(calls, sipura):
    browser, sipura_, stranger = calls.user(), sipura(), sipura(ELSEWHERE)
    invite = sipura_.call(browser.user)
    ringing = browser.expect_request("INVITE")
    browser.answer(ringing)
    dialog, _ = sipura_.answered(invite)
    browser.expect_request("ACK", ringing.call_id)
    forged = dialog.request("BYE", stranger.via)
    assert stranger.ask(forged).status in (403, 481)
    browser.expect_silence(lambda m: m.is_request and m.method == "BYE", 0.2)
    dialog.cseq = invite.cseq[0]
    bye = sipura_.send(sipura_.in_dialog(dialog, "BYE"))
    browser.reply(browser.expect_request("BYE", ringing.call_id), 200)
    sipura_.expect_response(bye, 200)


def test_an_invite_expires(calls, sipura):
    """RFC 3261, section 13.3.1: nobody answers within the time the caller has given."""
    browser, sipura = calls.user(), sipura()
    start = time.monotonic()
    invite = sipura.call(browser.user, expires=1)
    ringing = browser.expect_request("INVITE")
    browser.reply(ringing, 180, to_tag="ringing", contact=browser.contact)
    response = sipura.expect_response(invite)
    sipura.send(sip.ack_of_failure(invite, response))
    assert response.status == 487 and 0.9 < time.monotonic() - start < 4
    browser.reply(browser.expect_request("CANCEL", ringing.call_id), 200)
    browser.reply(ringing, 487, to_tag="ringing")
    browser.expect_request("ACK", ringing.call_id)


# --- (c) a PBX that asks 407 ---

def challenge_of(trunk, invite):
    value = f'Digest realm="asterisk", nonce="{sip.token()}", algorithm=MD5, qop="auth"'
    trunk.reply(invite, 407, to_tag=sip.token("as"), headers=[("Proxy-Authenticate", value)])
    trunk.expect_request("ACK", invite.call_id)
    return value


def test_a_browser_calls_a_pbx_that_asks_407_and_cancels(calls, trunk):
    browser = calls.user()
    invite = browser.invite("5551234", authorized=False)
    first = trunk.expect_request("INVITE")
    challenge_of(trunk, first)
    second = trunk.expect_request("INVITE", first.call_id)
    assert second.cseq[0] == first.cseq[0] + 1 and second.branch != first.branch
    assert 'username="tandem"' in second.header("Proxy-Authorization")
    trunk.reply(second, 100)
    trunk.reply(second, 180, to_tag="ringing", contact=trunk.contact)
    browser.expect_response(invite, 180)
    browser.ask(sip.cancel_of(invite), 200)
    response = browser.expect_response(invite)
    assert response.status == 487
    browser.send(sip.ack_of_failure(invite, response))
    cancel = trunk.expect_request("CANCEL", first.call_id)
    assert cancel.branch == second.branch and cancel.cseq[0] == second.cseq[0] and cancel.uri == second.uri
    trunk.reply(cancel, 200, to_tag="ringing")
    trunk.reply(second, 487, to_tag="ringing")
    ack = trunk.expect_request("ACK", first.call_id)
    assert ack.branch == second.branch
    trunk.expect_silence(lambda m: m.call_id == first.call_id, 0.2)


def test_sipml5_calls_a_pbx_that_asks_407(old, trunk):
    phone = old("phonea")
    invite = phone.dial("5551234")
    first = trunk.expect_request("INVITE")
    challenge_of(trunk, first)
    second = trunk.expect_request("INVITE", first.call_id)
    assert sdes.profile_of(second.sdp) == "RTP/AVP" and not sdes.lines_of(second.sdp)
    trunk.answer(second, media.trunk_sdp(4000))
    dialog, response = phone.answered(invite)
    trunk.expect_request("ACK", first.call_id)
    assert sdes.profile_of(response.sdp) == "RTP/SAVPF"
    bye = phone.send(phone.in_dialog(dialog, "BYE"))
    trunk.reply(trunk.expect_request("BYE", first.call_id), 200)
    phone.expect_response(bye, 200)
