"""Pictures go over where both ends have them: by payload type, on ports of their own at the trunk, in the bundle at the browser."""

import re
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip
from tandem_test.calls import SIDES, changed
from tandem_test.media import Rtp
from tandem_test.lifetime import maker
from tandem_test.voice import MediaCall

CONFIG = {**calls_module.CONFIG}
DIRECTIONS = ("browser-trunk", "trunk-browser")
VP8, RTX, TRUNK_VP8, LOCAL_VIDEO = 96, 97, 99, 2
FRAME = bytes(range(256)) * 4


def section(sdp, kind):
    """The lines of the first m= line of a kind; session-level connection included."""
    found = re.search(rf"^m={kind} .*?(?=^m=|\Z)", sdp, re.M | re.S)
    return found.group(0) if found else ""


def port_of(sdp, kind="video"):
    return int(re.search(r"^m=\S+ (\d+)", section(sdp, kind)).group(1))


def attributes(sdp, name, kind="video"):
    return re.findall(rf"^a={name}[: ](.*?)\r?$", section(sdp, kind), re.M)


def browser_video(sdp, port=9, types=f"{VP8} {RTX}"):
    """The browser's description with video in it, in the bundle."""
    fields = [line for line in sdp.split("\r\n") if line.startswith(("a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup"))]
    sdp = re.sub(r"^(a=group:BUNDLE \S+)\r$", r"\1 picture\r" if port else r"\1\r", sdp, flags=re.M)
    lines = [f"m=video {port} UDP/TLS/RTP/SAVPF {types}", "c=IN IP4 0.0.0.0", *fields, "a=mid:picture", "a=sendrecv", "a=rtcp-mux",
             "a=rtcp-rsize", "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid", "b=AS:900", f"a=rtpmap:{VP8} VP8/90000",
             f"a=rtcp-fb:{VP8} nack", f"a=rtcp-fb:{VP8} nack pli", f"a=rtcp-fb:{VP8} ccm fir", f"a=rtpmap:{RTX} rtx/90000",
             f"a=fmtp:{RTX} apt={VP8}", "a=ssrc-group:FID 11 12", "a=ssrc:11 cname:page", "a=ssrc:12 cname:page"]
    sdp = sdp.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 1)
    return sdp + "\r\n".join(lines) + "\r\n"


def trunk_video(sdp, port):
    return sdp + f"m=video {port} RTP/AVP {TRUNK_VP8}\r\na=rtpmap:{TRUNK_VP8} VP8/90000\r\nb=AS:512\r\n"


def answering(sdp, offer):
    """The browser's answer has the numbers and the name of the gateway's offer."""
    video = section(offer, "video")
    if not video:
        return sdp
    types = re.search(r"^m=video \d+ \S+ (.*?)\r", video).group(1)
    mid = re.search(r"^a=mid:(\S+)", video, re.M).group(1)
    answer = browser_video(sdp, types=types)
    kept = "".join(line + "\r\n" for line in video.split("\r\n") if re.match(r"a=(rtpmap|fmtp|rtcp-fb|extmap)", line))
    answer = answer[:answer.index("m=video")] + re.sub(r"^a=(rtpmap|fmtp|rtcp-fb|extmap).*?\r\n", "",
                                                       answer[answer.index("m=video"):], flags=re.M) + kept
    return answer.replace("a=mid:picture", f"a=mid:{mid}").replace(" picture\r", f" {mid}\r")


class VideoCall(MediaCall):
    """A call with pictures on both sides from its beginning, or (`is_from_start` False) ready for them."""

    def __init__(self, calls, direction, is_from_start=True):
        super().__init__(calls, direction)
        self.picture = Rtp()
        self.owned.append(self.picture)
        self.has_video = is_from_start
        trunk = self.trunk
        describe = trunk.describe

        def describe_trunk(offer=None, **options):
            trunk.local = None
            local = describe(offer, **options)
            trunk.local = trunk_video(local, self.picture.port) if self.has_video else local
            return trunk.local

        trunk.describe = describe_trunk

    def describe(self, offer=None, **options):
        sdp = self.peer.describe(offer)
        if self.has_video:
            sdp = answering(sdp, offer) if offer else browser_video(sdp)
        self.browser.local = sdp
        return sdp

    def to_trunk_video(self):
        return "127.0.0.1", port_of(self.said_to(self.trunk))

    def browser_type(self):
        """What the browser calls the codec."""
        return int(re.search(r"^a=rtpmap:(\d+) VP8", self.said_to(self.browser), re.M).group(1))

    def check_picture(self):
        """Both ways; what arrives is what was sent, on the agreed number."""
        page = Rtp()
        self.owned.append(page)
        self.peer.send(page.packet(self.browser_type(), FRAME, marker=True))
        got = self.picture.receive()
        expected = int(re.search(r"^a=rtpmap:(\d+) VP8", self.trunk.local, re.M).group(1))
        assert (got[0], got[4]) == (expected, FRAME)
        assert got[5] == self.to_trunk_video()
        self.peer.heard.clear()
        offered = int(re.search(r"^a=rtpmap:(\d+) VP8", self.said_to(self.trunk), re.M).group(1))
        self.picture.send(self.to_trunk_video(), payload_type=offered, payload=FRAME)
        packet = self.peer.wait_heard(1)[0][1]
        assert packet[1] & 0x7F == self.browser_type() and packet.endswith(FRAME)
        mid = attributes(self.said_to(self.browser), "mid")[0].encode()
        assert packet[0] & 0x10 and mid in packet[16:-len(FRAME)], packet[:40]
        told = int(attributes(self.said_to(self.browser), "ssrc")[0].split()[0])
        assert int.from_bytes(packet[8:12], "big") == told
        return packet

    def check_sound(self):
        self.peer.heard.clear()
        self.port.send(self.to_trunk_port())
        self.peer.wait_heard(1)


@pytest.fixture
def video_call(calls):
    with maker(lambda direction, **options: VideoCall(calls, direction, **options)) as make:
        yield make


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_pictures_go_both_ways_beside_the_sound(video_call, direction):
    one = video_call(direction).set_up()
    to_trunk, to_browser = one.said_to(one.trunk), one.said_to(one.browser)
    assert port_of(to_trunk) not in (0, port_of(to_trunk, "audio"))
    assert {"nack", "nack pli", "ccm fir"} <= {line.split(" ", 1)[1] for line in attributes(to_browser, "rtcp-fb")}
    assert "rtx/90000" in " ".join(attributes(to_browser, "rtpmap")) and attributes(to_browser, "ssrc-group")
    assert "rtx" not in section(to_trunk, "video") and "b=AS:900" in section(to_trunk, "video")
    assert "b=AS:512" in section(to_browser, "video")
    one.check_picture()
    one.check_sound()
    one.check_picture()
    one.call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_picture_from_a_stranger_is_not_relayed(video_call, direction):
    one = video_call(direction).set_up()
    one.peer.heard.clear()
    stranger = Rtp()
    one.owned.append(stranger)
    stranger.send(one.to_trunk_video(), count=5, payload_type=TRUNK_VP8, payload=b"forged" * 20)
    one.port.send(one.to_trunk_video(), count=5, payload_type=TRUNK_VP8, payload=b"forged" * 20)  # the sound's port is no better
    one.check_picture()
    assert not any(b"forged" in packet for _, packet, _ in one.peer.heard)
    one.call.hang_up()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_pictures_are_added_in_a_call_and_taken_away(video_call, direction, side):
    one = video_call(direction, is_from_start=False).set_up()
    one.check_sound()
    adds, other = one.call.end(side)
    one.has_video = True

    def later(end, offer=None):
        """The description of an end as it is now, with its version counted up."""
        base, version = (end.local, int(re.search(r"^o=\S+ \S+ (\d+)", end.local, re.M).group(1)))
        base = base[:base.index("m=video")] if "m=video" in base else base
        if end.is_browser:
            base = re.sub(r"^(a=group:BUNDLE \S+).*?\r$", r"\1\r", base, flags=re.M)
            base = base.replace("a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n", "")
            if offer is None:
                base = re.sub(r"^a=setup:\S+", "a=setup:actpass", base, flags=re.M)
                base = browser_video(base, 9 if one.has_video else 0)
            else:
                base = re.sub(r"^a=setup:\S+", "a=setup:passive", base, flags=re.M)
                mid = attributes(offer, "mid")[0]
                base = answering(base, offer) if one.has_video else browser_video(base, 0).replace(":picture", f":{mid}")
        else:
            base = trunk_video(base, one.picture.port if one.has_video else 0)
        end.local = changed(base, version=version + 1)
        return end.local

    for has_video in (True, False, True):
        one.has_video = has_video
        invite = adds.reinvite(body=later(adds))
        offered = other.expect("INVITE")
        assert (port_of(offered.sdp) != 0 or "bundle-only" in section(offered.sdp, "video")) == has_video
        other.reply(offered, 200, later(other, offered.sdp))
        other.expect("ACK")
        answer = adds.response(invite, 200)
        adds.ack(invite)
        assert (port_of(answer.sdp) != 0) == has_video
        time.sleep(0.05)
        one.check_sound()
        if has_video:
            one.check_picture()
    one.call.hang_up()


def call_echo(one, sdp):
    """The answer of the extension that sends everything back, once media can flow."""
    browser = one.browser
    browser.invite = browser.peer.invite("9196", sdp)
    response = browser.response(browser.invite, 200)
    one.peer.hear(response.sdp)
    browser.dialog = sip.Dialog.as_caller(browser.invite, response)
    browser.ack(browser.invite)
    assert one.peer.is_connected.wait(10)
    return response.sdp


def echo_of(one, frame, ssrc=None):
    """The packet that comes back, of pictures that are shown until one does."""
    page = Rtp()
    one.owned.append(page)
    page.ssrc = ssrc or page.ssrc
    for _ in range(100):
        one.peer.send(page.packet(VP8, frame))
        time.sleep(0.02)
        for _, packet, _ in list(one.peer.heard):
            if packet.endswith(frame):
                return packet
    raise AssertionError("no echo")


def test_an_echo_shows_the_page_to_itself(calls, video_call):
    one = video_call("browser-trunk")
    assert port_of(call_echo(one, one.browser.describe()))
    echo_of(one, FRAME)
    one.browser.ask("BYE", 200)


def test_camera_and_screen_are_told_apart(calls, video_call):
    one = video_call("browser-trunk")
    camera = one.browser.describe()
    screen = section(camera, "video").replace("a=mid:picture", "a=mid:screen")
    for before, after in ((11, 21), (12, 22)):
        screen = re.sub(rf"^(a=ssrc.*?)\b{before}\b", rf"\g<1>{after}", screen, flags=re.M)
    answer = call_echo(one, re.sub(r"^(a=group:BUNDLE .*?)\r$", r"\1 screen\r", camera, flags=re.M) + screen)
    shown = [re.search(r"^a=ssrc:(\d+)", lines, re.M).group(1) for lines in re.split(r"^m=video", answer, flags=re.M)[1:]]
    assert len(set(shown)) == 2
    for ssrc, frame, told in ((11, b"camera" * 50, shown[0]), (21, b"screen" * 50, shown[1]), (11, b"again" * 50, shown[0])):
        assert int.from_bytes(echo_of(one, frame, ssrc)[8:12], "big") == int(told)
    one.browser.ask("BYE", 200)
