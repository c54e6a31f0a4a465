"""Why nothing is heard of a browser, in words: no path, a path that is lost, silence; who hangs up is no trouble."""

import re

from tandem_test import calls as calls_module

CONFIG = {**calls_module.CONFIG, "media": {"silence_seconds": 1}}


def test_no_path_is_told_while_ice_still_looks_for_one(daemon, media_call):
    one, start = media_call("browser-trunk", browser_sdp=lambda sdp: re.sub(
        r"^(a=candidate:1 1 udp \d+ 127\.0\.0\.1) \d+", r"\1 9", sdp, flags=re.M)), len(daemon.lines)
    one.call.dial()
    one.call.arrive()
    one.call.answer()
    one.call.answered()
    daemon.wait_log("ICE finds no network path to browser", start=start)
    one.call.hang_up()
    daemon.wait_metric("tandem_media_troubled_legs", 0)


def test_a_silent_browser_and_then_its_lost_path_are_named(daemon, media_call):
    one, start = media_call("browser-trunk").set_up(), len(daemon.lines)
    voice = one.trunk_stream()
    local = r"127\.0\.0\.1:\d+"
    daemon.wait_log(rf"browser \S+ sends (nothing|RTCP but no RTP) to {local}", start=start)
    one.peer.close()  # it answers no check any more
    daemon.wait_log(rf"ICE pair lost: browser \S+ has not answered from {local} for 1\d s", timeout=25, start=start)
    assert daemon.metric('tandem_media_troubles_total{cause="pair_lost"}') == 1
    voice.stop()
    one.call.hang_up("called")
    daemon.wait_metric("tandem_media_troubled_legs", 0)


def test_both_directions_of_a_good_call_are_well(daemon, media_call):
    one, start = media_call("browser-trunk").set_up(), len(daemon.lines)
    voices = [one.trunk_stream(), one.browser_stream()]
    one.peer.wait_heard(100)
    for voice in voices:
        voice.stop()
    one.call.hang_up()
    line = daemon.wait_log(r"browser \S+: received \d+ packets of PCMU, lost 0", start=start)
    assert "MOS 4." in line
    assert not [line for line in daemon.lines[start:] if "sends nothing" in line]
