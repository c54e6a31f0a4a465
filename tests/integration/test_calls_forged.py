"""Forged packets into a call that is up, on both legs: it goes on as if nothing had been. FORGED_PACKETS says how many (tests/bench/forge
sends a million)."""

import os
import struct
import threading
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test.forge import BATCH, MARK, Forger, Leg
from tandem_test.media import audio_of
from tandem_test.voice import Listener, check_identity, longest_silence

CONFIG = calls_module.CONFIG
COUNT = int(os.environ.get("FORGED_PACKETS", "6000"))
PART = 10000
SILENCE_LIMIT = 0.2
MEMORY_GROWTH_KB = 20000


class Recorder:
    """Keeps the last of what a browser sends."""

    def __init__(self, peer):
        self.kept, self.protect = [], peer.dtls.sends.protect
        peer.dtls.sends.protect = self

    def __call__(self, packet):
        sealed = self.protect(packet)
        self.kept.append(sealed)
        del self.kept[:-200]
        return sealed


def resident_kb(daemon):
    with open(f"/proc/{daemon.process.pid}/statm", encoding="ascii") as text:
        return int(text.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def legs_of(one, streams, recorder):
    path = one.peer.path
    ours, theirs = path.ufrag, path.remote[0]
    address, port = one.to_trunk_port()
    return [Leg([path.remote[2]], ("127.0.0.1", path.port), True, streams[1].rtp.ssrc, f"{theirs}:{ours}".encode(), recorder.kept),
            Leg([(address, port), (address, port + 1)], ("127.0.0.1", one.port.port), False, streams[0].rtp.ssrc)]


def check_genuine(heard, sent):
    for _, packet, _ in heard:
        assert MARK not in packet and not any(packet[16:]) and len(packet) == 172
        assert struct.unpack(">I", packet[12:16])[0] < sent


@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_forged_packets_change_nothing(media_call, daemon, direction):
    one = media_call(direction).set_up()
    recorder = Recorder(one.peer)
    listener = Listener(one.port)
    streams = one.trunk_stream(), one.browser_stream()
    one.peer.wait_heard(10)
    forger = Forger(legs_of(one, streams, recorder), seed=direction)
    memory, began = resident_kb(daemon), time.monotonic()
    try:
        for part in range(0, COUNT, PART):
            forger.send(min(PART, COUNT - part))
            one.browser.peer.expect_silence(lambda m: m.is_request, 0.01)  # and the connection is kept up
        seconds = time.monotonic() - began
        time.sleep(0.3)
        for stream in streams:
            stream.stop()
        time.sleep(0.2)
        listener.stop()
        heard = list(one.peer.heard)
        assert not forger.answers()
        assert forger.dropped() == 0
    finally:
        forger.close()
    assert longest_silence(heard, streams[0].sent) < SILENCE_LIMIT
    assert longest_silence(listener.heard, streams[1].sent) < SILENCE_LIMIT
    check_genuine(heard, streams[0].sent)
    check_genuine(listener.heard, streams[1].sent)
    check_identity(heard)
    check_identity(listener.heard)
    for outcome in ("unexpected_source", "not_authentic"):
        daemon.wait_metric(f'tandem_media_packets_total{{outcome="{outcome}"}}', lambda seen: seen > COUNT / 10)
    growth = resident_kb(daemon) - memory
    assert growth < MEMORY_GROWTH_KB
    sent, lost = streams[0].sent + streams[1].sent, streams[0].sent + streams[1].sent - len(heard) - len(listener.heard)
    print(f"{forger.sent} forged packets in {seconds:.0f} s, {forger.in_its_name} of them in the name of the far ends; "
          f"{sent} genuine ones, {lost} of them lost; memory {growth:+} kB")
    one.call.hang_up()


class Flood(threading.Thread):
    """Strangers' packets to the gateway's ports of a call that is not up yet, until it is stopped."""

    def __init__(self, ports):
        super().__init__(daemon=True)
        self.forger = Forger([Leg([port], None, True, 1) for port in ports], seed=1, in_their_names=False)
        self.stopped, self.answers = threading.Event(), []
        self.start()

    def run(self):
        while not self.stopped.is_set():
            self.forger.send(BATCH)
            self.answers += self.forger.answers()
            time.sleep(0.002)

    def stop(self):
        self.stopped.set()
        self.join()
        self.forger.close()


@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_a_call_comes_to_be_under_forged_packets(media_call, direction):
    one = media_call(direction)
    one.call.dial()
    one.call.arrive()
    flood = Flood([audio_of(one.said_to(one.call.called))[:2]])
    try:
        one.call.answer()
        one.call.answered()
        one.peer.hear(one.said_to(one.browser))
        one.wait_for_media()
        streams, listener = (one.trunk_stream(), one.browser_stream()), Listener(one.port)
        one.peer.wait_heard(25)
    finally:
        flood.stop()
    for stream in streams:
        stream.stop()
    time.sleep(0.1)
    listener.stop()
    assert not flood.answers and flood.forger.sent >= BATCH
    check_genuine(one.peer.heard, streams[0].sent)
    check_genuine(listener.heard, streams[1].sent)
    assert longest_silence(one.peer.heard, streams[0].sent) < SILENCE_LIMIT
    one.call.hang_up()
