"""Two sides that share no codec: what one says is decoded and encoded anew, and is heard as it was said."""

import audioop
import math
import re
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test.codecs import PCMA
from tandem_test.lifetime import maker
from tandem_test.net import Deadline
from tandem_test.transcoding import TranscodedCall

OPUS_ALONE = "opus-alone"  # a user with users[].codecs
CONFIG = {"users": calls_module.CONFIG["users"] + [{"name": OPUS_ALONE, "password": calls_module.PASSWORD, "codecs": ["opus"]}]}
DIRECTIONS = ("browser-trunk", "trunk-browser")


@pytest.fixture
def transcoded(calls):
    with maker(lambda direction, **options: TranscodedCall(calls, direction, **options)) as make:
        yield make


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_what_one_side_says_the_other_hears_in_its_own_codec(transcoded, daemon, direction):
    one = transcoded(direction).set_up()
    one.says("trunk", 440)
    one.says("browser", 1000)
    one.hears("browser", 440)
    one.hears("trunk", 1000)
    assert daemon.metrics()["tandem_media_conversions"] == 2


@pytest.mark.parametrize("frame_ms", [10, 30, 60])
def test_packets_of_another_length_go_on_in_the_usual_one(transcoded, frame_ms):
    one = transcoded("trunk-browser").set_up()
    one.says("trunk", 440, frame_ms)
    one.hears("browser", 440)


def test_who_says_nothing_costs_nothing(transcoded):
    one = transcoded("browser-trunk").set_up()
    one.says("trunk", 440)
    one.peer.wait_heard(20)
    one.falls_silent("trunk")
    deadline = Deadline()
    while not deadline.is_over():
        one.peer.heard.clear()
        time.sleep(0.2)
        if not one.peer.heard:
            break
    assert not one.peer.heard
    one.says("trunk", 1000)
    one.hears("browser", 1000)


def test_a_telephone_that_refuses_the_usual_codecs_is_offered_all(calls):
    call = calls("browser-trunk")
    call.dial()
    usual = call.arrive()
    assert not re.search(r"^a=rtpmap:\d+ L16/", usual.sdp, re.M) and len(usual.sdp) < 700
    call.reject(488)
    every = call.arrive()
    assert every.header("Call-ID") != usual.header("Call-ID")
    assert re.search(r"^a=rtpmap:\d+ L16/", every.sdp, re.M)
    call.answer()
    call.answered()
    call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_browser_speaks_what_its_user_is_to_speak_though_both_have_more(calls, direction):
    calls.users = iter([OPUS_ALONE])
    call = calls(direction)
    call.dial()
    offer = call.arrive().sdp
    call.answer()
    answer = call.answered().sdp
    to_browser, to_trunk = (answer, offer) if direction == "browser-trunk" else (offer, answer)
    assert set(re.findall(r"^a=rtpmap:\d+ (\S+?)/", to_browser, re.M)) - {"telephone-event"} == {"opus"}
    assert re.search(r"^a=rtpmap:\d+ PCMU/", to_trunk, re.M)
    for end in call.ends:
        end.silence(seconds=0.2)
    call.hang_up()


NOISE_TYPE, NOISE_DB = 13, 40  # RFC 3389


class NoisyCall(TranscodedCall):
    """The telephone knows comfort noise."""

    def _describe_telephone(self, *arguments, **options):
        sdp = super()._describe_telephone(*arguments, **options)
        self.trunk.local = re.sub(r"^(m=audio .*?)\r$", rf"\1 {NOISE_TYPE}\r", sdp, flags=re.M)
        return self.trunk.local


def wait_for(heard, fits):
    deadline = Deadline()
    while not fits(heard):
        assert not deadline.is_over(), len(heard)
        time.sleep(0.02)


def test_who_falls_silent_leaves_comfort_noise_to_a_telephone_that_knows_it(calls):
    with maker(lambda direction: NoisyCall(calls, direction)) as make:
        one = make("trunk-browser").set_up()
        heard = one.heard_by("trunk")
        one.says("browser", 440)
        one.hears("trunk", 440)
        one.falls_silent("browser")
        wait_for(heard, lambda packets: packets[-1][1][1] & 0x7F == NOISE_TYPE)
        one.says("browser", 440)
        wait_for(heard, lambda packets: packets[-1][1][1] & 0x7F != NOISE_TYPE)
        types = [packet[1] & 0x7F for _, packet, _ in heard]
        resumed = len(types) - types[::-1].index(NOISE_TYPE)
        assert types.count(NOISE_TYPE) == 1 and heard[resumed][1][1] & 0x80, "one description, and a marker behind it"


def test_comfort_noise_of_a_telephone_is_heard_as_noise(calls):
    with maker(lambda direction: NoisyCall(calls, direction, browser=PCMA)) as make:
        one = make("trunk-browser").set_up()
        one.says("trunk", 440)
        one.hears("browser", 440)
        one.falls_silent("trunk")
        one.port.socket.sendto(one.port.packet(NOISE_TYPE, bytes([NOISE_DB]), duration=160), one.to_trunk_port())
        decode, heard = PCMA.decoder(), one.heard_by("browser")

        def is_noise(packets):
            pcm = b"".join(decode(packet[12:]) for _, packet, _ in packets[-25:])
            return abs(20 * math.log10(max(audioop.rms(pcm, 2), 1) / 32767) + NOISE_DB) < 3

        n = len(heard)
        wait_for(heard, lambda packets: len(packets) > n + 50 and is_noise(packets))
