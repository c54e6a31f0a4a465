"""Calls that are recorded: what is in the files, and that no file can harm a call."""

import audioop
import json
import math
import resource
import signal
import socket
import stat
import struct
import threading
import time
import wave

import pytest
from tandem_test import calls as calls_module
from tandem_test import media, soundfile
from tandem_test.media import RATES
from tandem_test.calls import Call, End
from tandem_test.lifetime import maker
from tandem_test.net import Deadline
from tandem_test.transcoding import TranscodedCall
from tandem_test.transfer import expect_bye, notified, refer_accepted, refer_to, replaces_of
from tandem_test.webrtc import WebRtc

CONFIG = {**calls_module.CONFIG}
DIRECTIONS = ("browser-trunk", "trunk-browser")
RATE, FRAME, INTERVAL = 8000, 160, 0.02
BROWSER_HZ, TRUNK_HZ = 440, 1000
AMPLITUDE = 8000
ENCODE = {"PCMU": audioop.lin2ulaw, "PCMA": audioop.lin2alaw}


class Speaker(threading.Thread):
    """A tone, in packets of 20 ms, until it is stopped."""

    def __init__(self, send, hz, codec="PCMU"):
        super().__init__(daemon=True)
        self.send, self.hz, self.codec, self.stopped = send, hz, codec, threading.Event()
        self.start()

    def run(self):
        due, first = time.monotonic(), 0
        while not self.stopped.wait(max(0, due - time.monotonic())):
            samples = soundfile.tone(self.hz, RATE, INTERVAL, AMPLITUDE, first)
            self.send(ENCODE[self.codec](struct.pack(f"<{FRAME}h", *samples), 2), RATES[self.codec][0])
            first += FRAME
            due += INTERVAL

    def stop(self):
        self.stopped.set()
        self.join()


class Talk:
    """A call whose two sides say their tones."""

    def __init__(self, one):
        self.one = one.set_up()
        self.page = type(one.port)()
        one.owned.append(self.page)
        self.browser = Speaker(lambda payload, kind: one.peer.send(self.page.packet(kind, payload)), BROWSER_HZ)
        self.trunk = Speaker(self.from_trunk, TRUNK_HZ)

    def from_trunk(self, payload, kind):
        self.one.port.send(self.one.to_trunk_port(), payload_type=kind, payload=payload)

    def last(self, seconds):
        """So much of both voices is heard."""
        for count in (self.one.peer.wait_heard, self.trunk_hears):
            count(round(seconds / INTERVAL))
        return self

    def trunk_hears(self, count):
        self.one.port.socket.settimeout(10)
        while count:
            count -= not 192 <= self.one.port.socket.recvfrom(2048)[0][1] < 224

    def silence(self):
        self.browser.stop()
        self.trunk.stop()

    def end(self):
        self.silence()
        self.one.call.hang_up()


def wait_until(condition, what):
    deadline = Deadline()
    while not (found := condition()):
        assert not deadline.is_over(), what
        time.sleep(0.02)
    return found


def note_of(path):
    return json.loads(path.with_name(path.name + ".json").read_text())


def new_file(directory, known):
    """The recording that was not there."""
    def found():
        files = [path for path in directory.iterdir() if path.suffix in (".wav", ".ogg") and path.name not in known]
        assert len(files) < 2, files
        return files and files[0]
    return wait_until(found, "no recording")


def complete(path, state="complete"):
    wait_until(lambda: note_of(path)["state"] == state and "cause" in note_of(path), "the note is not finished")
    return note_of(path)


def is_tone(samples, rate, hz, other):
    own = soundfile.level(samples, rate, hz)
    return abs(20 * math.log10(max(own, 1) / AMPLITUDE)) < 1 and soundfile.level(samples, rate, other) < AMPLITUDE / 30


def is_silence(samples):
    return max(map(abs, samples)) < 100


def check_sides(path, left, right):
    """Each channel has a stretch of its own tone, and no stretch of the other's."""
    rate, channels = soundfile.read(path)
    assert len(channels) == 2 and len(channels[0]) == len(channels[1])
    for samples, hz, other in ((channels[0], left, right), (channels[1], right, left)):
        pieces = soundfile.windows(samples, rate)
        assert any(is_tone(piece, rate, hz, other) for piece in pieces), [round(soundfile.level(p, rate, hz)) for p in pieces]
        assert all(soundfile.level(piece, rate, other) < AMPLITUDE / 10 for piece in pieces)
    return rate, channels


def tones_of(direction):
    """Left is who has called."""
    return (BROWSER_HZ, TRUNK_HZ) if direction == "browser-trunk" else (TRUNK_HZ, BROWSER_HZ)


def prepare(directory, config):
    (directory / "recordings").mkdir()
    config["users"] = CONFIG["users"]
    config["trunks"][0]["record"] = True
    config["recording"] = {"directory": "recordings"}
    config["admin"] = {"socket": "admin.sock"}
    return config


@pytest.fixture
def directory(daemon):
    return daemon.directory / "recordings"


@pytest.fixture
def known(directory):
    """The files of other tests."""
    return {path.name for path in directory.iterdir()}


def ask(daemon, command):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(5)
    client.connect(str(daemon.directory / "admin.sock"))
    client.sendall(command.encode() + b"\n")
    text = b""
    while part := client.recv(65536):
        text += part
    client.close()
    return json.loads(text)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_each_side_is_in_its_channel(daemon, directory, known, media_call, direction):
    talk = Talk(media_call(direction)).last(2)
    path = new_file(directory, known)
    assert note_of(path)["state"] == "running"
    call, = ask(daemon, "calls")["calls"]
    assert call["recording"] == {"file": path.name, "state": "running"}
    assert daemon.metric("tandem_recordings") == 1
    talk.end()
    note = complete(path)
    rate, channels = check_sides(path, *tones_of(direction))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert note["call"] == call["id"] and note["file"] == path.name and note["requested_by"] == "trunk"
    assert note["sample_rate_hz"] == rate and abs(note["duration_seconds"] - len(channels[0]) / rate) < 0.01
    assert note["duration_seconds"] >= 1.5 and note["lost_seconds"] == 0
    trunk, browser = (note["right"], note["left"]) if direction == "browser-trunk" else (note["left"], note["right"])
    assert trunk["leg"] == note["recorded_leg"] == "trunk pbx" and browser["leg"].startswith("browser ")
    for side in (trunk, browser):
        assert side["codec"] == "PCMU" and side["packets_received"] >= 80 and side["packets_lost"] == 0
    assert note["ended_by"] == "caller" and note["started"] < note["ended"]
    assert daemon.metric("tandem_recordings") == 0


def test_a_call_that_is_converted_is_recorded_like_any_other(directory, known, calls):
    with maker(lambda: TranscodedCall(calls, "browser-trunk")) as make:
        one = make().set_up()
        one.says("browser", BROWSER_HZ)
        one.says("trunk", TRUNK_HZ)
        one.hears("trunk", BROWSER_HZ)
        one.hears("browser", TRUNK_HZ)
    path = new_file(directory, known)
    note = complete(path)
    assert {note["left"]["codec"], note["right"]["codec"]} == {"PCMA", "PCMU"}
    check_sides(path, BROWSER_HZ, TRUNK_HZ)


def test_ogg_files_and_calls_of_a_user(world, tmp_path):
    place = tmp_path / "ogg"
    place.mkdir()
    users = [{**user, "record": True} for user in CONFIG["users"]]
    make = world({"recording": {"directory": str(place), "format": "ogg"}, "users": users})
    talk = Talk(make("browser-trunk")).last(2)
    path = new_file(place, set())
    assert path.suffix == ".ogg"
    talk.end()
    assert complete(path)["requested_by"] == "user"
    check_sides(path, BROWSER_HZ, TRUNK_HZ)


@pytest.mark.parametrize("kind", ["wav", "ogg"])
def test_what_a_killed_process_leaves_can_be_played(world, tmp_path, kind):
    place = tmp_path / kind
    place.mkdir()
    users = [{**user, "record": True} for user in CONFIG["users"]]
    make = world({"recording": {"directory": str(place), "format": kind}, "users": users})
    talk = Talk(make("browser-trunk"))
    path = new_file(place, set())
    size = {"wav": 3 * 64000, "ogg": 3 * 8000}[kind]
    wait_until(lambda: path.stat().st_size > size, "nothing is written")
    make.daemon.process.send_signal(signal.SIGKILL)
    talk.silence()
    make.daemon.restart()
    rate, channels = check_sides(path, BROWSER_HZ, TRUNK_HZ)
    assert len(channels[0]) >= 1.5 * rate
    assert note_of(path)["state"] == "running"
    if kind == "wav":  # for players that believe what the header says
        with wave.open(str(path)) as file:
            assert file.getnframes() >= 1.5 * rate


def test_who_is_silent_has_a_silent_channel(directory, known, media_call):
    talk = Talk(media_call("browser-trunk")).last(1.5)
    talk.browser.stop()
    talk.one.peer.heard.clear()
    talk.one.peer.wait_heard(100)
    talk.end()
    path = new_file(directory, known)
    complete(path)
    rate, (left, right) = check_sides(path, BROWSER_HZ, TRUNK_HZ)
    pairs = zip(soundfile.windows(left, rate), soundfile.windows(right, rate))
    assert any(is_silence(a) and is_tone(b, rate, TRUNK_HZ, BROWSER_HZ) for a, b in pairs)


def test_a_codec_that_changes_stays_in_the_file(directory, known, media_call):
    one = media_call("browser-trunk")
    trunk, browser = one.trunk, one.browser
    describe = trunk.describe
    trunk.describe = lambda offer=None, **options: describe(offer, codecs=("PCMU", "telephone-event"), **options)
    talk = Talk(one).last(1)
    talk.trunk.stop()
    trunk.local = calls_module.changed(media.trunk_sdp(one.port.port, codecs=("PCMA", "telephone-event")))
    invite = trunk.request("INVITE", body=trunk.local.encode())
    trunk.send(invite)
    offer = browser.expect("INVITE")
    browser.local = calls_module.changed(browser.local, setup="active")
    browser.reply(offer, 200, browser.local)
    trunk.response(invite, 200)
    trunk.ack(invite)
    talk.trunk = Speaker(talk.from_trunk, 1500, "PCMA")
    talk.one.peer.heard.clear()
    talk.one.peer.wait_heard(100)
    talk.end()
    path = new_file(directory, known)
    complete(path)
    rate, (_, right) = check_sides(path, BROWSER_HZ, TRUNK_HZ)
    assert any(is_tone(piece, rate, 1500, TRUNK_HZ) for piece in soundfile.windows(right, rate))


def with_media(one, end):
    """A browser's end gets media of its own."""
    peer = WebRtc()
    one.owned.append(peer)

    def describe(offer=None, **options):
        end.local = peer.describe(offer)
        return end.local

    end.describe = describe
    return peer


def said_to(end):
    """The gateway's last description there."""
    return next(m.sdp for way, m in reversed(end.peer.history) if way == "<-" and m.body and m.call_id == end.call_id)


def speaks_instead(talk, peer, hz):
    talk.browser.stop()
    assert peer.is_connected.wait(10)
    talk.browser = Speaker(lambda payload, kind: peer.send(talk.page.packet(kind, payload)), hz)
    peer.heard.clear()
    peer.wait_heard(75)


def check_transferred(path):
    """The trunk goes on in its channel; in the other speaks one after the other."""
    complete(path)
    rate, (trunk, others) = soundfile.read(path)
    assert sum(is_tone(piece, rate, TRUNK_HZ, BROWSER_HZ) for piece in soundfile.windows(trunk, rate)) >= 4
    order = ["first" if is_tone(piece, rate, BROWSER_HZ, 1500) else "second" for piece in soundfile.windows(others, rate)
             if is_tone(piece, rate, BROWSER_HZ, 1500) or is_tone(piece, rate, 1500, BROWSER_HZ)]
    assert "first" in order and "second" in order and order == sorted(order), order


def test_a_transfer_stays_in_the_file(directory, known, media_call, calls):
    one = media_call("trunk-browser")
    target = calls.end("browser", "target")
    peer = with_media(one, target)
    talk = Talk(one).last(1.5)
    refer_accepted(one.browser, refer_to(one.call, target.user))
    notified(one.browser, 100)
    second = Call(one.trunk, target, one.call.domain)
    second.arrive()
    second.answer()
    peer.hear(said_to(target))
    notified(one.browser, 200)
    expect_bye(one.browser)
    speaks_instead(talk, peer, 1500)
    talk.silence()
    one.trunk.ask("BYE", 200)
    expect_bye(target)
    check_transferred(new_file(directory, known))


def test_a_leg_that_goes_over_into_another_call_takes_its_file_with_it(directory, known, media_call, calls):
    one = media_call("trunk-browser")
    keeps = one.browser
    target, mine = calls.end("browser", "target"), End(keeps.peer, "second", keeps.user)
    peer, consultation = with_media(one, target), with_media(one, mine)
    talk = Talk(one).last(1.5)
    Call(mine, target, one.call.domain).set_up()
    consultation.hear(said_to(mine))
    peer.hear(said_to(target))
    assert peer.is_connected.wait(10) and consultation.is_connected.wait(10)
    refer_accepted(mine, refer_to(one.call, one.trunk.user or "1", replaces_of(keeps)))
    expect_bye(keeps)
    notified(mine, 100)
    notified(mine, 200)
    expect_bye(mine)
    speaks_instead(talk, peer, 1500)
    talk.silence()
    one.trunk.ask("BYE", 200)
    expect_bye(target)
    check_transferred(new_file(directory, known))


def test_the_operator_starts_and_stops(world, tmp_path):
    place = tmp_path / "ordered"
    place.mkdir()
    make = world({"recording": {"directory": str(place)}, "admin": {"socket": "admin.sock"}})
    daemon = make.daemon
    assert "id" in ask(daemon, "record start 00000000")["error"]
    assert "record start" in ask(daemon, "record 00000000")["error"]
    talk = Talk(make("trunk-browser")).last(0.5)
    call, = ask(daemon, "calls")["calls"]
    assert call["recording"] is None and not list(place.iterdir())
    first = ask(daemon, f"record start {call['id']}")["file"]
    assert "already" in ask(daemon, f"record start {call['id']}")["error"]
    talk.last(1.5)
    assert ask(daemon, f"record stop {call['id']}")["file"] == first
    wait_until(lambda: ask(daemon, "calls")["calls"][0]["recording"]["state"] == "complete", "it was not stopped")
    assert "already" in ask(daemon, f"record stop {call['id']}")["error"]
    wait_until(lambda: note_of(place / first)["state"] == "complete", "the note does not say so")
    length = len(soundfile.read(place / first)[1][0])
    second = ask(daemon, f"record start {call['id']}")["file"]
    assert second != first
    talk.last(1.5)
    talk.end()
    for name in (first, second):
        assert complete(place / name)["requested_by"] == "operator"
        check_sides(place / name, TRUNK_HZ, BROWSER_HZ)
    assert len(soundfile.read(place / first)[1][0]) == length


def test_a_disk_that_is_full_ends_the_recording_and_not_the_call(world, tmp_path, trunk_port):
    place = tmp_path / "full"
    place.mkdir()
    trunk = {"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}", "record": True}
    make = world({"recording": {"directory": str(place)}, "trunks": [trunk]})
    daemon = make.daemon
    talk = Talk(make("browser-trunk")).last(0.5)
    path = new_file(place, set())
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (50000, resource.RLIM_INFINITY))
    daemon.wait_log("recording .* has stopped after .*: File too large")
    daemon.wait_metric("tandem_recordings_failed_total", 1)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for _ in range(2):
        talk.one.peer.heard.clear()
        talk.last(0.5)
    talk.end()
    note = complete(path, "failed")
    assert note["error"] == "File too large" and note["left"]["packets_lost"] == 0
    assert soundfile.read(path)
