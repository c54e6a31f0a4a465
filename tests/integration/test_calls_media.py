"""Calls with media at both ends: a scripted browser with ICE, DTLS and SRTP, and a trunk with RTP."""

import random
import re
import struct
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test import digest, media
from tandem_test.calls import changed
from tandem_test.media import Rtp
from tandem_test.net import Deadline, media_ports
from tandem_test.voice import INTERVAL, Listener, check_identity, longest_silence

CONFIG = {**calls_module.CONFIG}
DOMAIN = "example.test"
SILENCE_LIMIT = 0.2
SLOW_NETWORK = 0.8  # until the browser's new path can be used
STALE = b"old!"
REST = 2.1  # seconds after which a port may be taken again
POOL = 16  # the fewest media ports that a daemon accepts
WITH_TRUNK = ("browser-trunk", "trunk-browser")


@pytest.mark.parametrize("direction", WITH_TRUNK)
def test_voice_goes_both_ways(media_call, direction):
    one = media_call(direction).set_up()
    listener = Listener(one.port)
    streams = one.trunk_stream(), one.browser_stream()
    time.sleep(0.5)
    for stream in streams:
        stream.stop()
    heard = one.peer.wait_heard(streams[0].sent)
    assert longest_silence(heard, streams[0].sent) == 0
    check_identity(heard)
    time.sleep(0.1)
    listener.stop()
    assert longest_silence(listener.heard, streams[1].sent) <= INTERVAL  # the first may have come before the keys
    check_identity(listener.heard)
    assert not one.peer.is_parted.is_set()
    one.call.hang_up()
    assert one.peer.is_parted.wait(5)


@pytest.mark.parametrize("is_bad", [False, True], ids=["clean", "bad"])
@pytest.mark.parametrize("offset", [None, -0.02, -0.005, 0, 0.005, 0.02])
@pytest.mark.parametrize("direction", WITH_TRUNK)
def test_row_49_new_network_of_the_browser_and_new_address_of_the_trunk(media_call, calls, direction, offset, is_bad):
    """No silence on either side; the trunk's new address is used at once, the old one is not listened to any more. The trunk moves
    so many seconds behind the browser, or before it, or not at all."""
    one = media_call(direction).set_up()
    if is_bad:
        dice = random.Random(f"{direction} {offset}")
        calls.trunk.impair(duplicate=0.2, delay=0.2, seed=dice.random())
        calls.trunk.drops_received = lambda message: dice.random() < 0.3
    moved, old_port = Rtp(), one.port
    one.owned.append(moved)
    listener = Listener(old_port, moved)
    from_browser, from_trunk = one.browser_stream(), one.trunk_stream()
    time.sleep(0.3)

    to = one.to_trunk_port()

    def send_from_both(packet):
        old_port.socket.sendto(packet, to)
        moved.socket.sendto(packet, to)

    def send_from_new(packet):
        old_port.socket.sendto(packet[:12] + STALE + packet[16:], to)
        moved.socket.sendto(packet, to)

    def trunk_moves():
        body = changed(one.trunk.local).replace(f"m=audio {old_port.port} ", f"m=audio {moved.port} ")
        one.trunk.local = body
        from_trunk.send = send_from_both
        return one.trunk.reinvite(body=body)

    old_path = one.peer.path
    before = one.said_to(one.browser)
    invites = {}
    if offset is not None and offset < 0:
        invites["trunk"] = trunk_moves()
        time.sleep(-offset)
    invites["browser"] = one.browser.reinvite(body=one.peer.change_network(one.browser.local))
    if offset is not None and offset >= 0:
        time.sleep(offset)
        invites["trunk"] = trunk_moves()
    for name, invite in invites.items():
        end = getattr(one, name)
        response = end.response(invite, 200)
        end.ack(invite)
        if name == "browser":
            answer = response.sdp
            ufrag = re.compile(r"^a=ice-ufrag:(\S+)", re.M)
            assert ufrag.search(response.sdp).group(1) != ufrag.search(before).group(1)
        else:
            time.sleep(INTERVAL)  # the order to the media worker is on its way
            from_trunk.send = send_from_new
    switched = len(listener.heard)
    time.sleep(SLOW_NETWORK)
    one.peer.hear(answer)
    assert one.peer.paths[-1].is_valid.wait(5)
    time.sleep(1.5)
    for stream in (from_browser, from_trunk):
        stream.stop()
    time.sleep(0.2)
    listener.stop()
    heard_by_browser = one.peer.heard
    assert not [entry for entry in heard_by_browser if entry[1][12:16] == STALE]
    assert longest_silence(heard_by_browser, from_trunk.sent) < SILENCE_LIMIT
    assert longest_silence(listener.heard, from_browser.sent) < SILENCE_LIMIT
    check_identity(listener.heard)
    check_identity(heard_by_browser)
    assert one.peer.path is not old_path and heard_by_browser[-1][2] == one.peer.path.port
    if "trunk" in invites:
        assert {port for _, _, port in listener.heard[switched + 1:]} == {moved.port}
    calls.trunk.impair()
    calls.trunk.drops_received = lambda message: False
    one.call.hang_up()


@pytest.fixture
def small_call(world):
    """Calls of a daemon that has few media ports: even numbers of them from an even one on."""
    def start(n_ports):
        first = media_ports()[0]
        return world({"media": {"ports": f"{first}-{first + n_ports - 1}"}})

    return start


def ports_of(one):
    """The gateway's, of a call: ICE and RTP."""
    return {one.peer.path.remote[2][1], one.to_trunk_port()[1]}


def test_row_34_ports_rest_after_a_call(small_call):
    """What goes on arriving is heard in no other call, and no other call gets the ports within 2 s, though it is refused for
    want of others."""
    make = small_call(POOL)
    first = make("browser-trunk").set_up()
    talker = first.trunk_stream()
    first.peer.wait_heard(3)
    first.call.hang_up()
    ended = time.monotonic()
    others = []
    while time.monotonic() - ended < 1.9:
        other = make("browser-trunk")
        other.call.dial()
        if not other.is_admitted():
            break
        others.append(other)
        assert other.to_trunk_port() != first.to_trunk_port()
    assert len(others) > 1
    time.sleep(max(0, ended + REST - time.monotonic()))
    last = make("browser-trunk")
    last.call.dial()
    assert last.is_admitted()
    talker.stop()
    for one in (*others, last):
        one.decline()


def dial_by(make, port):
    """A call from a browser that has this port of the gateway's towards the trunk."""
    deadline, held = Deadline(60), []
    while not deadline.is_over():
        for one in held:
            one.decline()
        held = []
        time.sleep(REST)
        while True:
            # ports are taken in turn: calls of one kind might pass by it for ever
            direction = random.choice(WITH_TRUNK)
            one = make(direction)
            one.call.dial()
            if not one.is_admitted():
                break
            if direction == "browser-trunk" and one.to_trunk_port() == port:
                for other in held:
                    other.decline()
                return one
            held.append(one)
    raise AssertionError("no call has got the port")


def test_row_62_an_event_of_the_call_before_is_not_heard_in_the_next(small_call):
    """Its end packets are on their way still when the port has its next call."""
    make = small_call(POOL)
    first = make("browser-trunk").set_up()
    to = first.to_trunk_port()
    end_of_event = struct.pack(">BBH", 7, 0x8A, 1600)
    first.port.send(to, 3, payload_type=media.TELEPHONE_EVENT, payload=end_of_event)
    first.peer.wait_heard(3)
    first.call.hang_up()
    second = dial_by(make, to)
    second.call.answer()
    second.call.answered()
    second.peer.hear(second.said_to(second.browser))
    for _ in range(10):
        first.port.send(to, 1, payload_type=media.TELEPHONE_EVENT, payload=end_of_event)
        time.sleep(INTERVAL)
    second.wait_for_media()
    first.port.send(to, 3, payload_type=media.TELEPHONE_EVENT, payload=end_of_event)
    second.port.send(to, 3)
    second.peer.wait_heard(3)
    time.sleep(0.1)
    assert [packet[1] & 0x7F for _, packet, _ in second.peer.heard] == [media.PCMU] * 3
    second.call.hang_up()


def expect_end_by_media(one, seconds):
    """Both sides get a BYE with the cause, within the time; nothing was forwarded."""
    begun = time.monotonic()
    for end in one.call.ends:
        bye = end.expect("BYE", seconds)
        assert "text=" in bye.header("Reason"), bye.headers
        end.reply(bye, 200)
    assert time.monotonic() - begun < seconds
    one.port.expect_silence(0.1)
    assert not one.peer.heard


@pytest.mark.parametrize("direction", WITH_TRUNK)
def test_row_63_another_certificate_than_the_announced_one(media_call, direction):
    one = media_call(direction, browser_sdp=lambda sdp: re.sub(r"^a=fingerprint:sha-256 (\S)(\S)", lambda found:
                     f"a=fingerprint:sha-256 {found.group(2)}{'0' if found.group(1) != '0' else '1'}", sdp, flags=re.M))
    one.dial_and_answer()
    one.port.send(one.to_trunk_port(), 3)
    expect_end_by_media(one, 5)


def test_row_63_no_path(media_call):
    """Silence until the gateway is sure: 15 s."""
    one = media_call("browser-trunk", browser_sdp=lambda sdp: re.sub(
        r"^(a=candidate:1 1 udp \d+ 127\.0\.0\.1) \d+", r"\1 9", sdp, flags=re.M))
    one.call.dial()
    one.call.arrive()
    one.call.answer()
    one.call.answered()
    one.port.send(one.to_trunk_port(), 3)
    expect_end_by_media(one, 20)


@pytest.mark.parametrize("direction", WITH_TRUNK)
def test_row_64_rtp_before_the_answer(media_call, direction):
    """Dropped; and a stranger who was first is not listened to later."""
    one = media_call(direction)
    stranger = Rtp()
    one.owned.append(stranger)
    call = one.call
    call.dial()
    call.arrive()
    if direction == "browser-trunk":
        to = one.to_trunk_port()
        for port in (stranger, one.port):
            port.send(to, 5)
    call.answer()
    call.answered()
    to = one.to_trunk_port()
    stranger.send(to, 5)
    one.peer.hear(one.said_to(one.browser))
    assert one.peer.is_connected.wait(10)
    stranger.send(to, 5)
    one.wait_for_media()
    stranger.send(to, 5)
    one.port.send(to, 1, payload=bytes(160))
    one.peer.wait_heard(1)
    time.sleep(0.1)
    assert [packet[12:] for _, packet, _ in one.peer.heard] == [bytes(160)]
    one.peer.send(one.port.packet())
    assert one.port.receive()[5][1] == to[1]
    stranger.expect_silence(0.1)
    call.hang_up()


AWAY = 3.0
CLOSED_TAB_LIMIT = 10.0  # until the trunk has its BYE


@pytest.mark.parametrize("comes_back_by", ["REGISTER", "BYE"])
@pytest.mark.parametrize("direction", WITH_TRUNK)
def test_row_55_voice_goes_on_without_the_browsers_connection(calls, media_call, direction, comes_back_by):
    one = media_call(direction).set_up()
    listener = Listener(one.port)
    streams = one.trunk_stream(), one.browser_stream()
    page = one.browser.peer
    page.socket.drop()
    one.trunk.silence(seconds=AWAY)  # nothing of it is to be seen here
    page.connect()
    if comes_back_by == "REGISTER":
        page.register()
        time.sleep(0.3)
    for stream in streams:
        stream.stop()
    heard = one.peer.wait_heard(streams[0].sent)
    time.sleep(0.1)
    listener.stop()
    assert streams[0].sent * INTERVAL > AWAY / 2
    assert longest_silence(heard, streams[0].sent) == 0
    assert longest_silence(listener.heard, streams[1].sent) <= INTERVAL
    check_identity(heard)
    check_identity(listener.heard)
    if comes_back_by == "REGISTER":
        one.call.hang_up("called")
        return
    challenge = one.browser.ask("BYE", 407)
    page.ask(digest.authorize(one.browser.request("BYE"), challenge, page.user, page.password), 200)
    one.trunk.reply(one.trunk.expect("BYE"), 200)


@pytest.mark.parametrize("direction", WITH_TRUNK)
def test_row_56_a_closed_tab(calls, media_call, direction):
    """Connection and media go at once, and nobody says so."""
    one = media_call(direction).set_up()
    one.browser.peer.socket.drop()
    one.peer.close()
    one.owned.remove(one.peer)
    bye = one.trunk.expect("BYE", CLOSED_TAB_LIMIT)
    assert re.match(r'SIP;cause=\d+;text="', bye.header("Reason"))
    one.trunk.reply(bye, 200)
