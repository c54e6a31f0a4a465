"""Feedback (RFC 4585) is each leg's own; only key frames are asked of the other far end, in the way it understands (RFC 5168)."""

import re
import struct

import pytest
from tandem_test import calls as calls_module
from tandem_test.media import Rtp
from test_calls_video import FRAME, DIRECTIONS, attributes, section, video_call  # noqa: F401

CONFIG = {**calls_module.CONFIG}
RTPFB, PSFB = 205, 206
NACK, PLI = 1, 1
TWCC = 15
MEDIA_CONTROL = "application/media_control+xml"
WISH = ('<?xml version="1.0" encoding="utf-8"?><media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder>'
        "</vc_primitive></media_control>")


def feedback(kind, form, media, fci=b"", sender=11):
    body = struct.pack(">II", sender, media) + fci
    return struct.pack(">BBH", 0x80 | form, kind, len(body) // 4) + body


def shows(one):
    """A picture from each side, so that either is known to send; (the browser's source, a packet as it heard it)."""
    heard = one.check_picture()
    return heard, int.from_bytes(heard[8:12], "big")


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_what_the_browser_has_lost_is_sent_again(video_call, direction):
    one = video_call(direction).set_up()
    packet, ssrc = shows(one)
    one.peer.heard.clear()
    one.peer.report(feedback(RTPFB, NACK, ssrc, packet[2:4] + b"\0\0"))
    again = one.peer.wait_heard(1)[0][1]
    said = one.said_to(one.browser)
    rtx = int(re.search(r"^a=rtpmap:(\d+) rtx", section(said, "video"), re.M).group(1))
    assert again[1] & 0x7F == rtx
    assert int.from_bytes(again[8:12], "big") == int(attributes(said, "ssrc-group")[0].split()[2])
    assert again.endswith(packet[2:4] + FRAME)
    one.call.hang_up()


def test_what_the_browser_has_sent_in_vain_is_asked_for(video_call):
    one = video_call("browser-trunk").set_up()
    page = Rtp()
    one.owned.append(page)
    one.peer.send(page.packet(one.browser_type(), FRAME))
    one.picture.receive()
    lost = page.packet(one.browser_type(), FRAME[::-1])
    one.peer.send(page.packet(one.browser_type(), FRAME))
    first = one.picture.receive()
    body = one.peer.wait_report(RTPFB, NACK)
    assert struct.unpack(">IHH", body[4:12]) == (page.ssrc, int.from_bytes(lost[2:4], "big"), 0)
    one.peer.send(lost)
    late = one.picture.receive()
    assert late[1] == (first[1] - 1) & 0xFFFF and late[4] == FRAME[::-1]
    one.call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_telephone_that_asks_by_info_gets_its_key_frame_by_pli(video_call, direction):
    one = video_call(direction).set_up()
    shows(one)
    one.peer.reports.clear()
    one.trunk.ask("INFO", 200, body=WISH, content_type=MEDIA_CONTROL)
    body = one.peer.wait_report(PSFB, PLI)
    assert len(body) == 8
    one.browser.silence(seconds=0.1)
    one.call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_browser_that_asks_by_pli_gets_its_key_frame_by_info(video_call, direction):
    one = video_call(direction).set_up()
    _, ssrc = shows(one)
    one.peer.report(feedback(PSFB, PLI, ssrc))
    info = one.trunk.expect("INFO")
    assert info.header("Content-Type") == MEDIA_CONTROL and b"picture_fast_update" in info.body
    one.trunk.reply(info, 415)
    for _ in range(3):  # who does not understand it is not asked again
        one.peer.report(feedback(PSFB, PLI, ssrc))
    one.trunk.silence(seconds=2.5)
    one.call.hang_up()


def test_what_is_no_wish_for_a_key_frame_goes_on_as_before(video_call):
    one = video_call("browser-trunk").set_up()
    info = one.trunk.send(one.trunk.request("INFO", body="1", content_type="text/plain"))
    heard = one.browser.expect("INFO")
    one.browser.reply(heard, 200)
    one.trunk.response(info, 200)
    one.trunk.ask("INFO", 200, body="<media_control/>", content_type=MEDIA_CONTROL)
    one.browser.silence(seconds=0.1)
    one.call.hang_up()
