"""Calls whose ends each have one way for digits."""

import time

from .dtmf import Format, Talker, describing, formats_in, heard_events, heard_info, heard_tones, info_of
from .net import Deadline, kept_port
from .voice import Listener, MediaCall

PCMU, OPUS = Format(0, "PCMU/8000"), Format(111, "opus/48000/2")
EVENT_8, EVENT_48 = Format(97, "telephone-event/8000"), Format(110, "telephone-event/48000")
# What an end has in its description; and at a trunk, what its option "dtmf" is.
ENDS = {
    "events-8": ([PCMU, EVENT_8], "auto"),
    "events-48": ([OPUS, EVENT_48], "auto"),
    "info": ([PCMU], "info"),
    "tones": ([PCMU], "auto"),
}
OPTIONS = {"auto": "1", "info": "2", "inband": "3", "rfc4733": "4"}  # and the first figure of the trunk's numbers


def add_trunks(config):
    """A trunk for each value of the option "dtmf", in place of the one that there is; their ports."""
    first = int(config["trunks"][0]["peer"].rsplit(":", 1)[1])
    ports = {option: first if option == "auto" else kept_port() for option in OPTIONS}
    config["trunks"] = [{"name": option, "peer": f"sip:127.0.0.1:{ports[option]}", "dtmf": option} for option in OPTIONS]
    config["routes"] = [{"match": "^9196$", "to": "echo"}, {"match": "^[a-z]+$", "to": "user"}] + [
        {"match": f"^{number}", "to": option} for option, number in OPTIONS.items()]
    return ports


class DigitCall(MediaCall):
    """Each end has one way for digits: browser and trunk are among ENDS."""

    def __init__(self, calls, direction, browser, trunk):
        super().__init__(calls, direction)
        self.forms = {"browser": browser, "trunk": trunk}
        self.formats = {"browser": ENDS[browser][0], "trunk": ENDS[trunk][0]}
        self.listener, self.infos = None, {}
        self.browser.describe = lambda offer=None, **options: self.say("browser", self.peer.describe(offer), offer)
        describe = self.trunk.describe
        self.trunk.describe = lambda offer=None, **options: self.say("trunk", describe(offer, **options), offer)

    def say(self, side, sdp, offer):
        if offer:
            self.formats[side] = formats_in(offer, self.formats[side])
        return describing(sdp, self.formats[side])

    def end(self, side):
        return {"browser": self.browser, "trunk": self.trunk}[side]

    def of(self, side, name):
        """Its format of this name, as agreed on; None: there is none."""
        agreed = formats_in(self.said_to(self.end(side)), self.formats[side])
        return next((one for one in self.formats[side] if one.name == name and any(
            one.encoding == other.encoding for other in agreed)), None)

    def talker(self, side, **options):
        to = self.to_trunk_port()
        send = self.peer.send if side == "browser" else lambda packet: self.port.socket.sendto(packet, to)
        return Talker(send, self.formats[side][0], self.of(side, "telephone-event"), **options)

    def packets(self, side):
        with self.peer.heard_more:
            return [packet for _, packet, _ in (self.peer.heard if side == "browser" else list(self.listener.heard))]

    def wait_for_media(self):
        """Both ways."""
        assert self.peer.is_connected.wait(10)
        self.listener = self.listen()
        talkers, deadline = [self.talker(side) for side in self.formats], Deadline()
        while not all(self.packets(side) for side in self.formats) and not deadline.is_over():
            for talker in talkers:
                talker.say()
        assert all(self.packets(side) for side in self.formats)

    def listen(self):
        return Listener(self.port)

    def press(self, side, digits, **options):
        form, talker = self.forms[side], self.talker(side, **options)
        if form == "tones":
            talker.press_by_tones(digits)
        elif form == "info":
            for digit, ms, _ in digits:
                self.end(side).ask("INFO", 200, body=info_of(digit, ms), content_type="application/dtmf-relay")
                for _ in range(ms // 20):
                    talker.say()  # the sound goes on meanwhile
        else:
            assert talker.event, "no events are agreed on"
            talker.press_by_events(digits)

    def hear(self, side, keeps=lambda packet: True, needs_end=True):
        """So far."""
        packets = [packet for packet in self.packets(side) if keeps(packet)]
        if self.forms[side] == "tones":
            return heard_tones(packets, self.formats[side][0])
        return heard_events(packets, self.of(side, "telephone-event"), needs_end)

    def wait_digits(self, side, count):
        """So many, and a moment more for one too many."""
        if self.forms[side] == "info":
            return self.take_infos(side, count)
        deadline = Deadline()
        while not deadline.is_over():
            try:
                if len(self.hear(side)) >= count:
                    break
            except AssertionError:  # one sounds still
                pass
            time.sleep(0.05)
        time.sleep(0.3)
        return self.hear(side)

    def take_infos(self, side, count):
        """One that had to wait for its answer comes again."""
        while len(self.infos) < count:
            info = self.end(side).expect("INFO")
            self.end(side).reply(info, 200)
            self.infos[info.cseq] = heard_info(info)
        return list(self.infos.values())

    def close(self):
        if self.listener:
            self.listener.stop()
        super().close()
