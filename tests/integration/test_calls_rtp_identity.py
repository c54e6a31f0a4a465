"""Each side of a call hears one source (RFC 3550) from its beginning to its end, whatever happens behind it: one SSRC, sequence numbers
without a hole that the far end did not make, timestamps that go with the time."""

import os
import struct
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test.calls import Call, End, changed
from tandem_test.media import PCMA, Rtp
from tandem_test.transfer import expect_bye, notified, refer_accepted, refer_to, replaces_of
from tandem_test.voice import Listener
from tandem_test.webrtc import WebRtc

CONFIG = calls_module.CONFIG
RATE = 8000
CLOCK_SLACK = 0.4  # seconds that timestamps may be off the time of arrival, on a busy machine
TALK = 0.3
EACH_WAY = pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])


def fields(packet):
    """(payload type, sequence, timestamp, SSRC)"""
    return (packet[1] & 0x7F,) + struct.unpack(">HII", packet[2:12])


def check_one_source(heard, lost=0):
    """At most so many packets in a row are missing."""
    assert len(heard) > 10
    seen = [(when, *fields(packet)) for when, packet, _ in heard]
    assert len({ssrc for *_, ssrc in seen}) == 1
    first_when, _, _, first_timestamp, _ = seen[0]
    for (_, _, before, earlier, _), (when, _, sequence, timestamp, _) in zip(seen, seen[1:]):
        assert 1 <= (sequence - before) & 0xFFFF <= 1 + lost, (before, sequence)
        assert 0 < (timestamp - earlier) & 0xFFFFFFFF < 1 << 31, (earlier, timestamp)
        drift = ((timestamp - first_timestamp) & 0xFFFFFFFF) / RATE - (when - first_when)
        assert abs(drift) < CLOCK_SLACK, drift
    return {payload_type for _, payload_type, *_ in seen}


def another_source():
    rtp = Rtp()
    rtp.sequence, rtp.timestamp = int.from_bytes(os.urandom(2), "big") & 0x7FFF, int.from_bytes(os.urandom(4), "big")
    return rtp


def keeps_its_description(one):
    """What the browser says from now on is what it said first, with another direction."""
    browser = one.browser

    def describe(offer=None, direction="sendrecv", **options):
        browser.local = changed(browser.local, direction, setup="passive" if offer else "actpass")
        return browser.local

    browser.describe = describe


class Talk:
    """Both sides speak, and what each hears is kept. `with` checks at its end that each has heard one source."""

    def __init__(self, one, lost=0):
        self.one, self.lost = one, lost
        self.listener, self.browsers = Listener(one.port), [one.peer]
        self.from_trunk, self.from_browser = one.trunk_stream(), one.browser_stream()
        self.types = {}

    def __enter__(self):
        time.sleep(TALK)
        return self

    def heard_by_browser(self):
        return [entry for peer in self.browsers for entry in peer.heard]

    def __exit__(self, kind, *rest):
        time.sleep(TALK)
        for stream in (self.from_trunk, self.from_browser):
            stream.stop()
        time.sleep(0.1)
        self.listener.stop()
        if kind is None:
            self.types = {"trunk": check_one_source(self.listener.heard, self.lost)}
            for peer in self.browsers:
                self.types["browser"] = check_one_source(peer.heard, self.lost)


def reinvite(end, other=None, **options):
    """Of one end; `other` is asked too, where the gateway has to."""
    invite = end.reinvite(**options)
    if other:
        other.answer_reinvite({"sendonly": "recvonly", "inactive": "inactive"}.get(options.get("direction"), "sendrecv"))
    response = end.response(invite, 200)
    end.ack(invite)
    return response


@EACH_WAY
def test_a_far_end_changes_its_source(media_call, direction):
    """By another SSRC with other numbers: again and again."""
    one = media_call(direction).set_up()
    with Talk(one, lost=1) as talk:
        for _ in range(4):
            for stream in (talk.from_trunk, talk.from_browser):
                old, stream.rtp = stream.rtp, another_source()
                old.close()
            time.sleep(0.1)
    one.call.hang_up()


@EACH_WAY
def test_a_trunk_counts_anew_under_the_same_ssrc(media_call, direction):
    one = media_call(direction).set_up()
    with Talk(one, lost=1) as talk:
        talk.from_trunk.rtp.sequence += 20000
        talk.from_trunk.rtp.timestamp += 1 << 30
    one.call.hang_up()


@EACH_WAY
def test_a_far_end_changes_the_codec_among_the_agreed_ones(media_call, direction):
    one = media_call(direction).set_up()
    with Talk(one) as talk:
        for stream in (talk.from_trunk, talk.from_browser):
            make = stream.rtp.packet
            stream.rtp.packet = lambda payload, make=make: make(payload_type=PCMA, payload=payload)
        time.sleep(TALK)
    assert talk.types == {"trunk": {0, PCMA}, "browser": {0, PCMA}}
    one.call.hang_up()


@EACH_WAY
@pytest.mark.parametrize("by", ["browser", "trunk"])
@pytest.mark.parametrize("held", ["sendonly", "inactive"])
def test_hold_and_resume(media_call, direction, by, held):
    """The one who is held, and is sent to no more, hears nothing meanwhile; then it goes on, with the time that has passed."""
    one = media_call(direction).set_up()
    keeps_its_description(one)
    end, other = (one.browser, one.trunk) if by == "browser" else (one.trunk, one.browser)
    with Talk(one, lost=1000) as talk:
        reinvite(end, other, direction=held)
        time.sleep(0.6)
        reinvite(end, other, direction="sendrecv")
        time.sleep(TALK)
    heard_by_holder = talk.listener.heard if by == "trunk" else one.peer.heard
    pauses = [b[0] - a[0] for a, b in zip(heard_by_holder, heard_by_holder[1:])]
    assert max(pauses) > 0.4
    one.call.hang_up()


@EACH_WAY
def test_a_new_offer_with_other_codecs(media_call, direction):
    one = media_call(direction).set_up()
    keeps_its_description(one)
    with Talk(one, lost=1000) as talk:
        body = changed(one.trunk.local).replace("RTP/AVP 0 8 101", "RTP/AVP 8 101").replace("a=rtpmap:0 PCMU/8000\r\n", "")
        one.trunk.local = body
        invite = one.trunk.reinvite(body=body)
        one.browser.answer_reinvite("sendrecv")
        one.trunk.response(invite, 200)
        one.trunk.ack(invite)
        for stream in (talk.from_trunk, talk.from_browser):
            make = stream.rtp.packet
            stream.rtp.packet = lambda payload, make=make: make(payload_type=PCMA, payload=payload)
        time.sleep(TALK)
    assert PCMA in talk.types["trunk"] and PCMA in talk.types["browser"]
    one.call.hang_up()


def target_of(calls, one):
    """A browser with media, to be transferred to."""
    peer, target = WebRtc(), calls.end("browser", "target")
    one.owned.append(peer)

    def describe(offer=None, **options):
        target.local = peer.describe(offer)
        return target.local

    target.describe = describe
    return peer, target


def speaks_instead(talk, peer):
    talk.from_browser.send = peer.send
    talk.browsers.append(peer)


def said_to(end):
    return next(m.sdp for way, m in reversed(end.peer.history) if way == "<-" and m.body and m.call_id == end.call_id)


@EACH_WAY
def test_a_blind_transfer(media_call, calls, direction):
    """The trunk hears one source though another browser speaks."""
    one = media_call(direction).set_up()
    peer, target = target_of(calls, one)
    with Talk(one, lost=1) as talk:
        refer_accepted(one.browser, refer_to(one.call, target.user))
        notified(one.browser, 100)
        second = Call(one.trunk, target, one.call.domain)
        second.arrive()
        second.answer()
        peer.hear(said_to(target))
        notified(one.browser, 200)
        assert peer.is_connected.wait(5)
        speaks_instead(talk, peer)
        expect_bye(one.browser)
        time.sleep(2 * TALK)
    one.trunk.ask("BYE", 200)
    expect_bye(target)


@EACH_WAY
def test_an_attended_transfer(media_call, calls, direction):
    """The trunk's leg goes over into another call, and the target's into the first: both hear what they heard, from one source."""
    one = media_call(direction).set_up()
    keeps_its_description(one)
    peer, target = target_of(calls, one)
    mine = End(one.browser.peer, "second", one.browser.user)
    consultation = WebRtc()
    one.owned.append(consultation)

    def describe(offer=None, **options):
        mine.local = consultation.describe(offer)
        return mine.local

    mine.describe = describe
    with Talk(one, lost=1000) as talk:
        reinvite(one.browser, one.trunk, direction="sendonly")
        second = Call(mine, target, one.call.domain).set_up()
        consultation.hear(said_to(mine))
        peer.hear(said_to(target))
        assert peer.is_connected.wait(5) and consultation.is_connected.wait(5)
        refer_accepted(one.browser, refer_to(one.call, target.user, replaces_of(mine)))
        expect_bye(mine)
        one.trunk.answer_reinvite("sendrecv")
        notified(one.browser, 100)
        notified(one.browser, 200)
        speaks_instead(talk, peer)
        expect_bye(one.browser)
        time.sleep(2 * TALK)
    assert second
    one.trunk.ask("BYE", 200)
    expect_bye(target)
