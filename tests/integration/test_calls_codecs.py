"""A browser that has Opus alone, and a telephone that has one codec alone, for every codec there is: each hears what the other says."""

import pathlib
import re
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test.codecs import G722, G723, G729, GSM, OPUS, PCMA, PCMU, TELEPHONE
from tandem_test.lifetime import maker
from tandem_test.net import Deadline
from tandem_test.transcoding import ChangingCall, TranscodedCall

CONFIG = {**calls_module.CONFIG}
DIRECTIONS = ("browser-trunk", "trunk-browser")
CHROMIUM_OFFER = pathlib.Path(__file__).resolve().parents[1] / "fuzz" / "corpus" / "sdp" / "chromium-offer.sdp"


def need(daemon, *codecs):
    """The gateway has plugins for them, and so has this machine libraries for the far ends."""
    directory = pathlib.Path(daemon.config.get("plugins", {}).get("directory", "/"))
    for codec in codecs:
        if directory != pathlib.Path("/") and not (directory / f"codec_{codec.name}.so").exists():
            pytest.skip(f"this build has no plugin {codec.name}")
        try:
            codec.encoder(), codec.decoder()
        except OSError as error:
            pytest.skip(f"{codec}: {error}")


@pytest.fixture
def transcoded(daemon, calls):
    def make(direction, **options):
        one = TranscodedCall(calls, direction, browser=OPUS, **options)
        need(daemon, *one.codecs.values())
        return one

    with maker(make) as made:
        yield made


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("codec", TELEPHONE, ids=str)
def test_a_telephone_with_one_codec_and_a_browser_with_opus(transcoded, codec, direction):
    one = transcoded(direction, trunk=codec).set_up()
    one.says("trunk", 440)
    one.says("browser", 600)
    print(one.hears("browser", 440))
    print(one.hears("trunk", 600))


PTIMES = [(codec, asked, asked) for codec in (PCMU, G722, G729) for asked in (10, 20, 30, 40, 60)] + [
    (GSM, 10, 20), (GSM, 30, 20), (GSM, 60, 60), (G723, 20, 30), (G723, 60, 60)]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("codec, asked_ms, sent_ms", PTIMES)
def test_a_telephone_gets_packets_as_long_as_it_asks_for(transcoded, codec, asked_ms, sent_ms, direction):
    """Or as its codec can, the next shorter ones."""
    one = transcoded(direction, trunk=codec, ptimes={"trunk": asked_ms}).set_up()
    one.says("browser", 600)
    one.hears("trunk", 600, sent_ms, seconds=0.5)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("asked_ms, sent_ms", [(10, 10), (20, 20), (30, 20), (40, 40), (60, 60)])
def test_a_browser_gets_packets_as_long_as_it_asks_for(transcoded, asked_ms, sent_ms, direction):
    """Whatever the telephone sends: here the other length of the two that are most usual."""
    one = transcoded(direction, trunk=PCMU, ptimes={"browser": asked_ms}).set_up()
    one.says("trunk", 440, 30 if sent_ms == 20 else 20)
    one.hears("browser", 440, sent_ms, seconds=0.5)


@pytest.fixture
def changing(daemon, calls):
    def make(direction, **options):
        one = ChangingCall(calls, direction, **options)
        need(daemon, *one.known, one.codecs["trunk"])
        return one

    with maker(make) as made:
        yield made


# What the browser can speak, and what the telephone speaks first and then: passed on, converted, passed on.
CHANGES = {"PCMU-PCMA": ([PCMU], [PCMU, PCMA, PCMU]), "PCMU-G722-Opus": ([OPUS, PCMU], [PCMU, G722, PCMU])}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_telephone_changes_its_codec_in_mid_call(changing, change, direction):
    browser, telephone = CHANGES[change]
    one = changing(direction, browser=browser, trunk=telephone[0]).set_up()
    one.says("trunk", 440)
    one.says("browser", 600)
    for codec in telephone[1:]:
        one.hears("browser", 440)
        one.hears("trunk", 600)
        marks, before = {end: len(one.heard_by(end)) for end in one.codecs}, dict(one.codecs)
        one.change(codec)
        one.marks = {end: one.first_of(end, marks[end]) for end in one.codecs}
        one.hears("browser", 440)
        one.hears("trunk", 600)
        for end in one.codecs:
            one.check_change(end, marks[end], before[end], one.codecs[end])


def amr_mode(packet):
    """Of the first frame, of a payload that is laid out without gaps."""
    return (packet[12] & 7) << 1 | packet[13] >> 7


def test_a_telephone_gets_the_mode_of_amr_that_it_asks_for(transcoded):
    amr = next(codec for codec in TELEPHONE if codec.encoding == "AMR" and not codec.fmtp)
    one = transcoded("browser-trunk", trunk=amr).set_up()
    one.says("browser", 600)
    deadline, heard = Deadline(), one.heard_by("trunk")
    while not heard:
        assert not deadline.is_over()
        time.sleep(0.02)
    assert amr_mode(heard[-1][1]) != 0
    say = one._from_trunk
    one._from_trunk = lambda codec, payload, duration: say(codec, bytes([payload[0] & 0x0F]) + payload[1:], duration)
    one.says("trunk", 440)
    while amr_mode(heard[-1][1]) != 0:
        assert not deadline.is_over()
        time.sleep(0.02)


def test_what_chromium_offers_reaches_a_trunk_in_one_datagram_with_room_to_spare(calls):
    """Requests above 1,300 octets want TCP (RFC 3261, section 18.1.1), and many trunks have none."""
    call = calls("browser-trunk")
    call.caller.local = "\r\n".join(CHROMIUM_OFFER.read_text().splitlines()) + "\r\n"
    call.caller.describe = lambda **options: call.caller.local
    call.dial()
    invite = call.arrive()
    offered = re.findall(r"^a=rtpmap:\d+ (\S+?)/", invite.sdp, re.M)
    assert {"opus", "PCMU", "PCMA", "G722"} <= set(offered)
    print(len(invite.encode()), len(invite.body), offered)
    assert len(invite.encode()) <= 1300
    call.reject(486)
    call.refused(486)
