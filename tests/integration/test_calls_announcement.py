"""Announcements: a call is answered with the sound of a file, and ended when that is over."""

import audioop
import math
import struct

import pytest
from tandem_test import calls as calls_module
from tandem_test import media, soundfile
from tandem_test.net import Deadline

DOMAIN = "example.test"
HZ, SECONDS, AMPLITUDE, RATE = 440, 1.0, 8000, 8000


def prepare(directory, config):
    for name, kind, hz in (("wav", soundfile.WAV, 8000), ("opus", soundfile.OGG_OPUS, 48000), ("vorbis", soundfile.OGG_VORBIS, 44100)):
        soundfile.write(directory / name, hz, soundfile.tone(HZ, hz, SECONDS, AMPLITUDE), kind)
    config["announcements"] = [{"name": "closed", "file": "wav"}, {"name": "twice", "file": "opus", "times": 2},
                               {"name": "vorbis", "file": "vorbis"}, {"name": "endless", "file": "wav", "times": 0}]
    config["routes"].insert(0, {"match": "^700[0-9]$", "to": "twice"})
    config["users"] = calls_module.CONFIG["users"]
    return config


def pcm_until_bye(trunk, port):
    """What is heard until the gateway hangs up."""
    heard, deadline = b"", Deadline(20)
    port.socket.settimeout(0.02)
    while not deadline.is_over():
        try:
            packet = port.socket.recvfrom(2048)[0]
        except OSError:
            try:
                bye = trunk.expect_request("BYE", timeout=0.01)
            except AssertionError:
                continue
            trunk.reply(bye, 200)
            return struct.unpack(f"<{len(heard) // 2}h", heard), bye
        if not 192 <= packet[1] < 224:
            heard += audioop.ulaw2lin(packet[12:], 2)
    raise AssertionError("no BYE")


@pytest.fixture
def port(rtp):
    return rtp()


@pytest.mark.parametrize("name, seconds", [("closed", 1), ("vorbis", 1), ("twice", 2)])
def test_it_is_heard_so_often_and_then_the_call_ends(daemon, trunk, trunk_port, port, name, seconds):
    trunks = [{"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}", "inbound": name}]
    assert "was reloaded" in daemon.reload({"trunks": trunks})
    trunk.answered(trunk.invite("1", DOMAIN, media.trunk_sdp(port.port)))
    samples, bye = pcm_until_bye(trunk, port)
    assert bye.header("Reason") is None
    pieces = soundfile.windows(samples, RATE, 0.1)
    is_tone = [abs(20 * math.log10(max(soundfile.level(piece, RATE, HZ), 1) / AMPLITUDE)) < 1 for piece in pieces]
    assert abs(is_tone.count(True) - 10 * seconds) <= 2, is_tone
    assert max(map(abs, pieces[-1])) < 100  # its last word was not cut off
    daemon.wait_log("the announcement is over")


def test_a_route_leads_to_it(calls, daemon):
    browser = calls.user()
    dialog, _ = browser.answered(browser.invite("7001", media.browser_sdp()))
    daemon.wait_log("built-in twice")
    browser.bye(dialog)


def test_one_without_end_is_ended_by_the_caller(daemon, trunk, trunk_port, port):
    trunks = [{"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}", "inbound": "endless"}]
    daemon.reload({"trunks": trunks})
    dialog, _ = trunk.answered(trunk.invite("1", DOMAIN, media.trunk_sdp(port.port)))
    for _ in range(125):  # two and a half times
        packet = port.receive()
    assert packet
    trunk.bye(dialog)


def test_a_file_that_is_changed_is_read_again(daemon, trunk, trunk_port, port):
    soundfile.write(daemon.directory / "wav", 8000, soundfile.tone(1000, 8000, SECONDS, AMPLITUDE))
    trunks = [{"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}", "inbound": "closed"}]
    daemon.reload({"trunks": trunks})
    trunk.answered(trunk.invite("1", DOMAIN, media.trunk_sdp(port.port)))
    samples, _ = pcm_until_bye(trunk, port)
    assert max(soundfile.level(piece, RATE, 1000) for piece in soundfile.windows(samples, RATE)) > AMPLITUDE * 0.9
