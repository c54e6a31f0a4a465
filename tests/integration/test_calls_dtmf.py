"""Digits are pressed in one form and heard in another: each once, in order, for about as long."""

import random

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip
from tandem_test.calls import End, Maker
from tandem_test.digit_call import ENDS, EVENT_48, EVENT_8, OPTIONS, OPUS, PCMU, DigitCall, add_trunks
from tandem_test.dtmf import Format, info_of
from tandem_test.lifetime import maker
from tandem_test.trunk import UdpTrunk
from tandem_test.voice import check_identity

CONFIG = {**calls_module.CONFIG}
DIRECTIONS = ("browser-trunk", "trunk-browser")
DIGITS = [("1", 100, 100), ("5", 80, 80), ("5", 140, 100), ("#", 100, 80), ("D", 200, 100), ("0", 80, 80), ("*", 100, 100)]
HELD_UP_MS = 350
SLACK_MS = 45  # of a duration: events are told in steps of 20 ms, tones are found in steps of 13


def prepare(directory, config):
    prepare.ports = add_trunks(config)
    return config


@pytest.fixture
def trunks(daemon):
    with maker(lambda option: UdpTrunk((daemon.host, daemon.sip_port), port=prepare.ports[option])) as make:
        yield make


@pytest.fixture
def digit_call(daemon, browser, trunks):
    def make(direction, browser_form, trunk_form, option=None):
        option = option or ENDS[trunk_form][1]
        calls = Maker(daemon, browser, trunks(option), "example.test")
        end = calls.end
        calls.end = lambda kind, name: numbered(end(kind, name), option)
        return DigitCall(calls, direction, browser_form, trunk_form).set_up()

    def numbered(end, option):
        if not end.is_browser:
            end.user = OPTIONS[option] + end.user
        return end

    with maker(make) as one:
        yield one


def check_digits(one, hearer, pressed=DIGITS):
    """A tone sounds until the word of its end comes, and who presses may have been held up."""
    heard, more = one.wait_digits(hearer, len(pressed)), HELD_UP_MS if one.forms[hearer] == "tones" else SLACK_MS
    assert "".join(digit for digit, _ in heard) == "".join(digit for digit, _, _ in pressed)
    for (_, ms), (_, pressed_ms, _) in zip(heard, pressed):
        assert -SLACK_MS <= ms - pressed_ms <= more, heard


def check_silence(one, side):
    """No digit comes once more, by signalling either."""
    end = one.end(side)
    end.peer.expect_silence(lambda m: m.is_request and m.method == "INFO" and m.call_id == end.call_id and m.cseq not in one.infos,
                            0.2)


CELLS = [("browser", one, "trunk", other) for one in ("events-8", "events-48", "info") for other in ENDS] + \
        [("trunk", one, "browser", other) for one in ENDS for other in ("events-8", "events-48", "info")]


@pytest.mark.parametrize("presser,one_form,hearer,other_form", CELLS, ids=lambda value: value)
def test_what_is_pressed_in_one_form_is_heard_in_another(digit_call, presser, one_form, hearer, other_form):
    forms = {presser: one_form, hearer: other_form}
    one = digit_call("browser-trunk", forms["browser"], forms["trunk"])
    one.press(presser, DIGITS)
    check_digits(one, hearer)
    check_silence(one, hearer)
    if one.packets(hearer):
        check_identity([(0, packet, 0) for packet in one.packets(hearer)])
    one.call.hang_up()


@pytest.mark.parametrize("other_form", ["events-8", "events-48", "info", "tones"])
@pytest.mark.parametrize("one_form", ["events-8", "events-48"])
def test_no_event_is_lost_or_doubled_where_packets_are(digit_call, one_form, other_form):
    """One of twenty on the way to us, and on the way from us."""
    dice = random.Random(f"{one_form} {other_form}")
    lost = {number for number in range(1 << 16) if dice.random() < 0.05}
    if other_form == "tones":
        lost = set()  # what spandsp makes of half a tone is not ours
    one = digit_call("browser-trunk", one_form, other_form)
    one.press("browser", DIGITS + DIGITS, loss=0.05, seed=dice.random())
    one.wait_digits("trunk", 2 * len(DIGITS))  # some may have no end here, but each has one there
    heard = list(one.infos.values()) if other_form == "info" else \
        one.hear("trunk", lambda packet: int.from_bytes(packet[2:4], "big") not in lost, needs_end=False)
    assert "".join(digit for digit, _ in heard) == 2 * "".join(digit for digit, _, _ in DIGITS)
    check_silence(one, "trunk")
    one.call.hang_up()


@pytest.mark.parametrize("events", [[EVENT_48, EVENT_8], [EVENT_8], []], ids=["both", "8", "none"])
@pytest.mark.parametrize("trunk_form", ["events-8", "tones"])
def test_a_browser_with_nothing_but_opus(digit_call, monkeypatch, events, trunk_form):
    monkeypatch.setitem(ENDS, "opus", ([OPUS] + events, None))
    one = digit_call("browser-trunk", "opus", trunk_form)
    if not events:
        one.forms["browser"] = "info"
    one.press("browser", DIGITS)
    check_digits(one, "trunk")
    one.press("trunk", DIGITS)
    check_digits(one, "browser")
    one.call.hang_up()


def test_events_are_agreed_on_at_the_clock_of_the_codec(digit_call, monkeypatch):
    monkeypatch.setitem(ENDS, "opus", ([OPUS, EVENT_8, EVENT_48], None))
    one = digit_call("browser-trunk", "opus", "events-8")
    assert "telephone-event/48000" in one.said_to(one.browser) and "telephone-event/8000" not in one.said_to(one.browser)
    assert "telephone-event/8000" in one.said_to(one.trunk)
    one.call.hang_up()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_named_signal_event_in_the_description_does_no_harm(digit_call, monkeypatch, direction):
    nse = Format(100, "NSE/8000")
    monkeypatch.setitem(ENDS, "nse", ([PCMU, nse, EVENT_8], "auto"))
    one = digit_call(direction, "events-48" if direction == "trunk-browser" else "events-8", "nse")
    assert "NSE" not in one.said_to(one.browser) + one.said_to(one.trunk)
    one.press("trunk", DIGITS)
    check_digits(one, "browser")
    one.call.hang_up()


def test_a_trunk_in_band_is_told_of_no_events_and_its_tones_are_heard(digit_call, monkeypatch):
    monkeypatch.setitem(ENDS, "deaf", ([PCMU, EVENT_8], "inband"))
    one = digit_call("trunk-browser", "events-8", "deaf")
    assert "telephone-event" not in one.said_to(one.trunk)
    one.forms["trunk"] = "tones"
    one.press("trunk", DIGITS)
    check_digits(one, "browser")
    one.press("browser", DIGITS)
    check_digits(one, "trunk")
    one.call.hang_up()


def test_who_says_each_digit_by_info_and_by_a_tone_says_it_once(digit_call):
    one = digit_call("trunk-browser", "events-8", "tones", "inband")
    talker = one.talker("trunk")
    for digit, ms, gap_ms in DIGITS:
        talker.press_by_tones([(digit, 20, 0)])
        one.trunk.ask("INFO", 200, body=info_of(digit, ms), content_type="application/dtmf-relay")
        talker.press_by_tones([(digit, ms - 20, gap_ms)])
    assert "".join(digit for digit, _ in one.wait_digits("browser", len(DIGITS))) == "155#D0*"
    one.call.hang_up()


def test_without_events_a_trunk_that_is_to_have_them_gets_info(digit_call):
    one = digit_call("browser-trunk", "events-8", "info", "rfc4733")
    one.press("browser", DIGITS)
    check_digits(one, "trunk")
    one.call.hang_up()


@pytest.mark.parametrize("kind,body,digit", [("application/dtmf", "7", "7"), ("application/dtmf-relay", "Signal=10\r\n", "*"),
                                             ("application/dtmf-relay;charset=UTF-8", "Signal= #\nDuration= 250\n", "#")])
def test_every_kind_of_body_is_understood(digit_call, kind, body, digit):
    one = digit_call("browser-trunk", "info", "events-8")
    one.browser.ask("INFO", 200, body=body, content_type=kind)
    assert one.wait_digits("trunk", 1) == [(digit, 250)]
    one.call.hang_up()


@pytest.mark.parametrize("body", ["Signal=\r\n", "Signal=77\r\n", "Signal=1\r\nDuration=soon\r\n", "x" * 1000])
def test_a_body_without_a_digit_is_refused(digit_call, body):
    one = digit_call("browser-trunk", "info", "events-8")
    one.browser.ask("INFO", 400, body=body, content_type="application/dtmf-relay")
    one.browser.ask("INFO", 200, body=info_of("1", 100), content_type="application/dtmf-relay")
    assert one.wait_digits("trunk", 1) == [("1", 100)]
    one.call.hang_up()


def test_who_does_not_know_the_one_body_gets_the_other(digit_call):
    one = digit_call("browser-trunk", "events-8", "info")
    one.press("browser", DIGITS[:1])
    refused = one.trunk.expect("INFO")
    one.trunk.reply(refused, 415)
    for digit, _, _ in DIGITS[:3]:
        info = one.trunk.expect("INFO")
        assert info.header("Content-Type") == "application/dtmf" and info.body == digit.encode()
        one.trunk.reply(info, 200)
        if digit == "1":
            one.press("browser", DIGITS[1:3])
    one.call.hang_up()


def test_a_digit_for_a_builtin_is_taken(calls):
    end = End(calls.user(), "caller", "")
    end.invite = end.peer.invite("9196", end.describe())
    end.dialog = sip.Dialog.as_caller(end.invite, end.response(end.invite, 200))
    end.ack(end.invite)
    end.ask("INFO", 200, body=info_of("1", 100), content_type="application/dtmf-relay")
    end.silence("INFO", 0.2)
    end.ask("BYE", 200)
