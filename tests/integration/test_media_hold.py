"""Music on hold: whoever a browser holds hears it from the gateway; a trunk that holds plays its own."""

import socket
import struct
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test import media
from tandem_test.media import Rtp
from tandem_test.net import Deadline

HZ = 8000


def wav(samples):
    data = struct.pack(f"<{len(samples)}h", *samples)
    form = struct.pack("<HHIIHH", 1, 1, HZ, 2 * HZ, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def prepare(directory, config):
    (directory / "hold.wav").write_bytes(wav([1000] * HZ))
    config.update(calls_module.CONFIG)
    config["media"].update(hold="music", music="hold.wav")
    return config


@pytest.fixture
def port():
    one = Rtp()
    yield one
    one.close()


def is_music(packet):
    """PCMU of a sample of 1000, which is what the file holds."""
    return packet[0] == media.PCMU and set(packet[4]) == {0xFF & ~0x31}


def expect_music(port):
    deadline = Deadline()
    while not is_music(port.receive()):
        assert not deadline.is_over(), "no music"
    packets = [port.receive() for _ in range(10)]
    assert all(is_music(packet) for packet in packets)
    assert len({packet[3] for packet in packets}) == 1
    assert all((b[1] - a[1]) & 0xFFFF == 1 for a, b in zip(packets, packets[1:]))


def drain(port):
    port.socket.settimeout(0.1)
    try:
        while True:
            port.socket.recvfrom(2048)
    except (socket.timeout, TimeoutError):
        pass


def hold(one, other, offered="sendonly", answered="recvonly"):
    invite = one.reinvite(offered)
    heard = other.answer_reinvite(answered)
    one.response(invite, 200)
    one.ack(invite)
    one.silence(seconds=0.1)
    return heard


def refresh(held):
    """The one who is held offers what is: he goes on listening."""
    invite = held.reinvite("recvonly")
    assert media.audio_of(held.response(invite, 200).sdp)[2] == "sendonly"
    held.ack(invite)


@pytest.mark.parametrize("way", ["sendonly", "inactive"])
@pytest.mark.parametrize("direction, side", [("browser-trunk", "caller"), ("trunk-browser", "called")])
def test_who_a_browser_holds_hears_music(calls, port, direction, side, way):
    call = calls(direction)
    browser, trunk = call.end(side)
    trunk.rtp_port = port.port
    call.set_up()
    port.expect_silence(0.3)
    heard = hold(browser, trunk, way)
    assert media.audio_of(heard.sdp)[2] == "sendonly"
    expect_music(port)
    refresh(trunk)
    browser.silence(seconds=0.2)
    expect_music(port)
    hold(browser, trunk, "sendrecv", "sendrecv")
    drain(port)
    port.expect_silence(0.3)
    call.hang_up()


def test_a_trunk_that_holds_and_sends_nothing_leaves_music_to_the_gateway(calls, port):
    call = calls("browser-trunk")
    call.called.rtp_port = port.port
    call.set_up()
    assert media.audio_of(hold(call.called, call.caller, "inactive").sdp)[2] == "sendonly"
    assert media.audio_of(hold(call.called, call.caller, "sendrecv", "sendrecv").sdp)[2] == "sendrecv"
    call.hang_up()


def test_a_trunk_that_holds_plays_its_own(daemon, calls, port):
    call = calls("browser-trunk")
    call.called.rtp_port = port.port
    call.set_up()
    hold(call.called, call.caller)
    port.expect_silence(0.3)
    call.hang_up()


@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_an_ack_may_come_when_the_descriptions_are_at_rest(calls, direction):
    call = calls(direction)
    call.set_up(acknowledge=False)
    time.sleep(0.5)
    call.caller.ack(call.caller.invite)
    call.hang_up()
