"""Streams that come and go in a call, and hold as old telephones say it (RFC 3264, sections 6 and 8)."""

import re

import pytest
from tandem_test import calls as calls_module
from tandem_test import media
from tandem_test.calls import SIDES, changed

CONFIG = {**calls_module.CONFIG}


def prepare(directory, config):
    config["trunks"][0]["video"] = False
    return config


def direction_of(message):
    return media.audio_of(message.sdp)[2]


def with_video(sdp, port=9):
    """The same with one more stream, as a browser would add it; 0: as it takes it away again."""
    lines = sdp.rstrip().split("\r\n")
    fields = {line.split(":")[0]: line for line in lines if line.startswith(("a=ice-", "a=fingerprint", "a=setup"))}
    webrtc = "a=ice-ufrag" in sdp
    bundle = next((line for line in lines if line.startswith("a=group:BUNDLE")), None)
    if bundle and port:
        lines[lines.index(bundle)] = bundle + " v1"
    lines += [f"m=video {port} {'UDP/TLS/RTP/SAVPF' if webrtc else 'RTP/AVP'} 96", "a=rtpmap:96 VP8/90000", "a=sendrecv"]
    if webrtc:
        lines += ["a=mid:v1", "a=rtcp-mux"] + list(fields.values())
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_video_that_nobody_carries_is_refused_and_the_audio_goes_on(calls, direction, side):
    call = calls.up(direction)
    one, other = call.end(side)
    for port in (9, 0):
        one.local = changed(one.local)
        invite = one.reinvite(body=with_video(one.local, port))
        answer = one.response(invite, 200).sdp
        one.ack(invite)
        assert re.search(r"^m=video 0 ", answer, re.M) and not re.search(r"^m=audio 0 ", answer, re.M)
    other.silence(seconds=0.1)
    call.hang_up()


@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_a_trunk_holds_by_0_0_0_0(calls, direction):
    call = calls.up(direction)
    browser, trunk = call.ends if call.caller.is_browser else call.ends[::-1]
    held = changed(trunk.local).replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0")
    invite = trunk.reinvite(body=held)
    assert direction_of(browser.answer_reinvite("recvonly")) == "sendonly"
    trunk.response(invite, 200)
    trunk.ack(invite)
    invite = trunk.reinvite(body=changed(changed(trunk.local)))
    assert direction_of(browser.answer_reinvite("sendrecv")) == "sendrecv"
    trunk.response(invite, 200)
    trunk.ack(invite)
    call.hang_up()
