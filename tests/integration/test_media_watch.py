"""When audio is missing, log and metrics say why; a call ends only when nothing at all comes for long; how it was is told at its end."""

import re
import threading

import pytest
from tandem_test import media
from tandem_test.media import Rtp
from tandem_test.lifetime import maker

DOMAIN = "example.test"
CONFIG = {"media": {"silence_seconds": 1, "timeout_seconds": 4}}
INTERVAL = 0.02


def prepare(directory, config):
    config["trunks"][0]["inbound"] = "echo"
    return config


class Phone:
    """A call of the trunk's to the echo, and its RTP port."""

    def __init__(self, trunk, direction="sendrecv"):
        self.trunk, self.rtp = trunk, Rtp()
        offer = media.trunk_sdp(self.rtp.port, direction=direction)
        self.dialog, answer = trunk.answered(trunk.invite("100", DOMAIN, offer))
        self.to = media.audio_of(answer.sdp)[:2]

    def address(self):
        return "%s:%d" % self.to

    def hang_up(self):
        self.trunk.bye(self.dialog)

    def close(self):
        self.rtp.close()


class Voice(threading.Thread):
    """A packet every 20 ms while the block lasts."""

    def __init__(self, send):
        super().__init__(daemon=True)
        self.send, self.stopped = send, threading.Event()

    def run(self):
        while not self.stopped.wait(INTERVAL):
            self.send()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.stopped.set()
        self.join()


@pytest.fixture
def phone(trunk):
    with maker(lambda **options: Phone(trunk, **options)) as make:
        yield make


def test_silence_is_named_and_its_end_told(daemon, phone):
    one, start = phone(), len(daemon.lines)
    before = daemon.metric('tandem_media_troubles_total{cause="silent"}')
    daemon.wait_log(re.escape(f"trunk pbx sends nothing to {one.address()}"), start=start)
    assert daemon.metric('tandem_media_troubles_total{cause="silent"}') == before + 1
    assert daemon.metric("tandem_media_troubled_legs") == 1
    with Voice(lambda: one.rtp.send(one.to)):
        daemon.wait_log("no audio is missing any more", start=start)
        daemon.wait_metric("tandem_media_troubled_legs", 0)
    one.hang_up()


def test_an_unexpected_source_is_named(daemon, phone):
    one, other, start = phone(), Rtp(), len(daemon.lines)
    with Voice(lambda: other.send(one.to)):
        daemon.wait_log(re.escape(f"all packets from an unexpected source 127.0.0.1:{other.port}"), start=start)
    other.close()
    one.hang_up()
    daemon.wait_metric("tandem_media_troubled_legs", 0)


def test_a_call_that_stays_silent_is_ended_with_its_cause(daemon, phone):
    one, start = phone(), len(daemon.lines)
    bye = one.trunk.expect_request("BYE", timeout=10)
    one.trunk.reply(bye, 200)
    assert "no media arrives" in bye.header("Reason")
    daemon.wait_log("ended by gateway after .* no media arrives", start=start)


def test_who_holds_may_be_silent(daemon, phone, trunk):
    one, start = phone(direction="recvonly"), len(daemon.lines)
    trunk.expect_silence(lambda message: message.is_request, seconds=6)
    assert not [line for line in daemon.lines[start:] if "sends nothing" in line]
    one.hang_up()


def talk(one, n, lose=0):
    """`n` packets there and back; each `lose`-th never arrives."""
    for i in range(1, n + 1):
        if lose and i % lose == 0:
            one.rtp.packet()
            continue
        one.rtp.send_until_heard(one.to)


@pytest.mark.parametrize("lose, quality", [(0, "best"), (4, "unusable")])
def test_how_a_leg_was_heard_is_told_at_its_end(daemon, phone, lose, quality):
    one, start = phone(), len(daemon.lines)
    name = 'tandem_media_legs_total{quality="%s"}' % quality
    before = daemon.metric(name)
    talk(one, 51, lose)
    one.hang_up()
    line = daemon.wait_log(r"trunk pbx: received \d+ packets of PCMU", start=start)
    figures = re.search(r"received (\d+) .* lost (\d+), refused \d+, .* MOS (\S+); sent (\d+), ", str(line))
    assert figures, line
    assert int(figures[1]) >= int(figures[4]) >= (39 if lose else 51)
    assert int(figures[2]) == (12 if lose else 0)
    assert float(figures[3]) > 4.3 if not lose else float(figures[3]) < 2.6
    daemon.wait_metric(name, before + 1)


def test_a_call_that_never_had_media_is_told_too(daemon, trunk):
    start = len(daemon.lines)
    offer = media.trunk_sdp(9, direction="inactive")
    dialog, _ = trunk.answered(trunk.invite("100", DOMAIN, offer))
    trunk.bye(dialog)
    daemon.wait_log("ended by caller", start=start)
    assert not [line for line in daemon.lines[start:] if "MOS" in line]
