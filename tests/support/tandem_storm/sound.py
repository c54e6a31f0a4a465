"""Real media of an end, for `--media`: ICE, DTLS and SRTP of a browser, RTP of a trunk; a packet each 20 ms, and a count of what is
heard."""

from tandem_test import media
from tandem_test.webrtc import WebRtc

INTERVAL = 0.02
ENOUGH = 1.0  # seconds after which a connected path must have carried something


class Sound:
    """`hear(sdp)` is told what the gateway says; stop() gives (since when this end could send, packets heard)."""

    def __init__(self, loop):
        self.loop, self.rtp = loop, media.Rtp()
        self.timer = loop.call_later(INTERVAL, self._tick)
        self.open_since = None

    def _tick(self):
        self.timer = self.loop.call_later(INTERVAL, self._tick)
        if self.open_since is None and self.is_open():
            self.open_since = self.loop.time()
        if self.open_since is not None:
            self.send()

    def stop(self):
        self.timer.cancel()
        since, count = self.open_since, self.count()
        self.close()
        return since, count


class TrunkSound(Sound):
    def __init__(self, loop):
        super().__init__(loop)
        self.heard, self.to = 0, None
        self.rtp.socket.setblocking(False)
        loop.add_reader(self.rtp.socket, self._read)

    def _read(self):
        try:
            while True:
                self.rtp.socket.recv(2048)
                self.heard += 1
        except BlockingIOError:
            pass

    def describe(self, _offer, direction, session_id):
        return media.trunk_sdp(self.rtp.port, direction=direction, session_id=session_id)

    def hear(self, sdp):
        address, port, _ = media.audio_of(sdp)
        self.to = (address, port) if port else None

    def is_open(self):
        return self.to is not None

    def send(self):
        if self.to:
            self.rtp.send(self.to)

    def count(self):
        return self.heard

    def close(self):
        self.loop.remove_reader(self.rtp.socket)
        self.rtp.close()


class BrowserSound(Sound):
    def __init__(self, loop):
        super().__init__(loop)
        self.rtc = WebRtc()

    def describe(self, offer, direction, _session_id):
        return self.rtc.describe(offer).replace("a=sendrecv", f"a={direction}")

    def hear(self, sdp):
        if self.rtc.paths[-1].remote is None:
            self.rtc.hear(sdp)

    def is_open(self):
        return self.rtc.is_connected.is_set()

    def send(self):
        self.rtc.send(self.rtp.packet())

    def count(self):
        return len(self.rtc.heard)

    def close(self):
        self.rtp.close()
        self.loop.run_in_executor(None, self.rtc.close)


def make(loop, is_browser):
    return BrowserSound(loop) if is_browser else TrunkSound(loop)

