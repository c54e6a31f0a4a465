"""Calls that go on: to another trunk when one has failed, from member to member of a ring group, to where a user's calls go that he
does not answer."""

import contextlib

import pytest
from tandem_test import calls as calls_module
from tandem_test.calls import Call, End, PASSWORD
from tandem_test.net import kept_port
from tandem_test.transfer import expect_bye, notified, refer_accepted, refer_to, talk
from tandem_test.trunk import UdpTrunk

CARRIER_PORT = kept_port()
MOBILE = "0171 5551212"
PEOPLE = ("ann", "ben", "cat")
CONFIG = {
    "registrar": {"grace_seconds": 0},
    "users": calls_module.CONFIG["users"] + [{"name": name, "password": PASSWORD} for name in PEOPLE] + [
        {"name": "dot", "password": PASSWORD, "no_answer": "ann", "no_answer_seconds": 2, "busy": "ben", "unregistered": "cat"},
        {"name": "eve", "password": PASSWORD, "unregistered": "+49 30-1234"},
        {"name": "fay", "password": PASSWORD, "unregistered": "dot"},
        {"name": "hal", "password": PASSWORD, "unregistered": "4002"},
        {"name": "ida", "password": PASSWORD, "unregistered": "4001"},
        {"name": "gil", "password": PASSWORD, "no_answer": "music", "no_answer_seconds": 2},
    ],
    "ring_groups": [
        {"name": "all", "members": PEOPLE, "busy": "gil"},
        {"name": "soon", "members": PEOPLE, "ring_seconds": 2, "no_answer": "gil"},
        {"name": "turn", "members": PEOPLE, "strategy": "in_turn", "ring_seconds": 3},
        {"name": "abroad", "members": ["ann", MOBILE, "030 99"]},
        {"name": "abroad-in-turn", "members": [MOBILE, "110", "ann"], "strategy": "in_turn", "ring_seconds": 3},
    ],
    "routes": [
        {"match": "^70$", "to": "all"},
        {"match": "^71$", "to": "turn"},
        {"match": "^72$", "to": "soon"},
        {"match": "^73$", "to": "abroad"},
        {"match": "^73$", "trunk": "pbx", "to": "abroad"},
        {"match": "^74$", "to": "abroad-in-turn"},
        {"match": "^0171", "to": "carrier", "fallback": "pbx"},
        {"match": "^030", "to": "carrier"},
        {"match": "^110$", "to": "deny"},
        {"match": "^70$", "trunk": "pbx", "to": "all"},
        {"match": "^[+]4930", "to": "carrier"},
        {"match": "^4001$", "to": "user", "replace": "hal"},
        {"match": "^4002$", "to": "user", "replace": "ida"},
        {"match": "^5", "to": "pbx", "fallback": ["carrier", "all"]},
        {"match": "^6", "to": "pbx", "fallback": "carrier", "fallback_on": ["486", "600-603"]},
        {"match": "^[a-z]+[0-9]*$", "to": "user"},
    ],
}


def prepare(directory, config):
    config["trunks"].append({"name": "carrier", "peer": f"sip:127.0.0.1:{CARRIER_PORT}", "caller_id": "+493012340"})
    return config


@pytest.fixture
def carrier(daemon):
    with contextlib.closing(UdpTrunk((daemon.host, daemon.sip_port), port=CARRIER_PORT, name="carrier")) as peer:
        yield peer


def called(call, peer, number=None):
    """The same call, with another called end."""
    return Call(call.caller, End(peer, peer.name, number or call.number), call.domain)


def group(calls, caller="browser"):
    """A caller, and the three of the group with their ends of his call."""
    one = calls.end(caller, "caller")
    people = [calls.user(name) for name in PEOPLE]
    return one, [Call(one, End(peer, peer.user, "70"), calls.domain) for peer in people]


def reached(call):
    call.dial()
    return call.arrive()


def cancelled(call, reason):
    """It has rung, else there were nothing to cancel yet."""
    call.called.reply(call.called.invite, 180)
    cancel = call.called.expect("CANCEL")
    assert cancel.header("Reason") == reason
    call.called.reply(cancel, 200)
    call.called.reply(call.called.invite, 487)
    call.called.expect("ACK")


def talk_and_end(call):
    call.answer()
    call.answered()
    call.hang_up()


ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
NO_ANSWER = 'SIP;cause=480;text="no answer"'


# --- another trunk ---
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_trunk_that_fails_is_followed_by_the_next(calls, carrier, status):
    call = calls("browser-trunk", "5001")
    reached(call)
    call.reject(status)
    second = called(call, carrier)
    invite = second.arrive()
    assert not invite.header("Diversion")
    second.ring()
    talk_and_end(second)


def test_a_trunk_that_is_silent_is_followed_by_the_next(calls, carrier):
    call = calls("browser-trunk", "5001")
    reached(call)
    second = called(call, carrier)
    second.arrive(timeout=3)  # failover_ms is 1500
    second.ring()
    talk_and_end(second)


@pytest.mark.parametrize("status", [404, 480, 486, 603])
def test_what_the_called_party_says_is_the_last_word(calls, carrier, status):
    call = calls("browser-trunk", "5002")
    reached(call)
    call.reject(status)
    call.refused(status)
    carrier.expect_silence(lambda m: m.is_request and m.method == "INVITE", 0.2)


@pytest.mark.parametrize("status, goes_on", [(486, True), (600, True), (603, True), (604, False), (503, False)])
def test_the_answers_that_are_failures_can_be_named(calls, carrier, status, goes_on):
    call = calls("browser-trunk", "6001")
    reached(call)
    call.reject(status)
    if goes_on:
        second = called(call, carrier)
        second.arrive()
        talk_and_end(second)
    else:
        call.refused(status)


def test_when_all_have_failed_the_last_answer_is_told(calls, carrier):
    call = calls("browser-trunk", "6002")
    reached(call)
    call.reject(486)
    second = called(call, carrier)
    second.arrive()
    second.reject(484)
    call.refused(484)


def test_early_media_of_one_that_fails_is_forgotten(calls, carrier):
    call = calls("browser-trunk", "5003")
    reached(call)
    call.ring(183, early=True)
    call.reject(503)
    second = called(call, carrier)
    second.arrive()
    second.called.reply(second.called.invite, 180)
    second.answer()
    call.answered()
    second.caller.dialog = call.caller.dialog
    second.hang_up("called")


def test_behind_the_last_trunk_a_group(calls, carrier):
    call = calls("browser-trunk", "5004")
    ben = calls.user("ben")
    reached(call)
    call.reject(503)
    second = called(call, carrier)
    second.arrive()
    second.reject(503)
    third = called(call, ben)
    third.arrive()
    talk_and_end(third)


def test_a_caller_gives_up_on_the_way(calls, carrier):
    call = calls("browser-trunk", "5005")
    reached(call)
    call.reject(503)
    second = called(call, carrier)
    second.arrive()
    second.ring()
    call.cancel()
    second.called.reply(second.called.expect("CANCEL"), 200)
    second.reject(487)


# --- ring groups ---
@pytest.mark.parametrize("caller", ["browser", "trunk"])
def test_all_ring_and_the_first_answer_wins(calls, caller):
    one, (ann, ben, cat) = group(calls, caller)
    ann.dial()
    for call in (ann, ben, cat):
        invite = call.arrive()
        assert invite.header("To") == f"<sip:{call.called.name}@{call.domain}>"
        call.called.reply(call.called.invite, 180)
    ben.answer()
    for call in (ann, cat):
        cancelled(call, ELSEWHERE)
    ben.answered()
    ben.hang_up()


def test_one_who_refuses_does_not_speak_for_all(calls):
    one, (ann, ben, cat) = group(calls)
    ann.dial()
    for call in (ann, ben, cat):
        call.arrive()
    ann.reject(603)
    ben.reject(486)
    talk_and_end(cat)


def test_when_all_refuse_it_is_busy(calls):
    one, people = group(calls)
    gil = called(people[0], calls.user("gil"))
    people[0].dial()
    for call in people:
        call.arrive()
    for call, status in zip(people, (603, 486, 600)):
        call.reject(status)
    assert gil.arrive().header("Diversion") == f"<sip:all@{gil.domain}>;reason=user-busy"
    talk_and_end(gil)


def test_when_nobody_answers(calls):
    one, people = group(calls)
    gil = called(people[0], calls.user("gil"))
    people[0].number = "72"
    people[0].dial()
    for call in people:
        call.arrive()
    for call in people:
        cancelled(call, NO_ANSWER)
    assert gil.arrive().header("Diversion") == f"<sip:soon@{gil.domain}>;reason=no-answer"
    talk_and_end(gil)


def test_nobody_of_a_group_is_there(calls):
    call = Call(calls.end("browser", "caller"), None, calls.domain, "70")
    call.dial()
    call.refused(480)


# --- a group with numbers ---
@pytest.mark.parametrize("caller", ["browser", "trunk"])
def test_a_number_rings_with_the_users_of_a_group(calls, carrier, caller):
    ann = calls.user("ann")
    one = calls.end(caller, "caller")
    home = Call(one, End(ann, "ann", "73"), calls.domain)
    mobile, other = (Call(one, End(carrier, "carrier", number), calls.domain) for number in ("01715551212", "03099"))
    reached(home)
    invite, _ = mobile.arrive(), other.arrive()
    if caller == "browser":  # as for any call of his by this trunk
        assert "sip:+493012340@" in invite.header("From")
    mobile.ring()
    mobile.answer()
    mobile.answered()
    for loser in (home, other):
        cancelled(loser, ELSEWHERE)
    mobile.hang_up()


def test_a_user_answers_where_a_number_rings_too(calls, carrier):
    ann = calls.user("ann")
    one = calls.end("browser", "caller")
    home = Call(one, End(ann, "ann", "73"), calls.domain)
    mobile, other = (Call(one, End(carrier, "carrier", number), calls.domain) for number in ("01715551212", "03099"))
    reached(home)
    mobile.arrive()
    other.arrive()
    mobile.reject(486)
    home.answer()
    home.answered()
    cancelled(other, ELSEWHERE)
    home.hang_up()


def test_a_number_in_turn_and_one_that_no_route_takes(calls, carrier, daemon):
    """The next member comes after it, not what its route falls back to."""
    ann = calls.user("ann")
    one = calls.end("browser", "caller")
    mobile = Call(one, End(carrier, "carrier", "01715551212"), calls.domain)
    mobile.caller.invite = one.peer.invite("74", one.describe(), authorized=False)
    mobile.arrive()
    start = len(daemon.lines)
    mobile.reject(503)
    daemon.wait_log("ring group abroad-in-turn: 110 is not called, no route takes it to a trunk", start=start)
    home = Call(one, End(ann, "ann", "74"), calls.domain)
    home.arrive()
    home.ring()
    talk_and_end(home)


def test_a_number_in_turn_that_rings_for_too_long(calls, carrier):
    ann = calls.user("ann")
    one = calls.end("browser", "caller")
    mobile = Call(one, End(carrier, "carrier", "01715551212"), calls.domain)
    mobile.caller.invite = one.peer.invite("74", one.describe(), authorized=False)
    mobile.arrive()
    cancelled(mobile, NO_ANSWER)
    home = Call(one, End(ann, "ann", "74"), calls.domain)
    home.arrive()
    talk_and_end(home)


def test_in_turn(calls):
    one, (ann, ben, cat) = group(calls)
    ann.number = "71"
    ann.dial()
    ann.arrive()
    ben.called.peer.expect_silence(lambda m: m.is_request and m.method == "INVITE", 0.3)
    cancelled(ann, NO_ANSWER)
    assert not ben.arrive().header("Diversion")
    ben.reject(603)
    cat.arrive()
    talk_and_end(cat)


def test_in_turn_who_is_not_there_is_passed_over(calls):
    cat = calls.user("cat")
    call = Call(calls.end("browser", "caller"), End(cat, "cat", "71"), calls.domain)
    reached(call)
    call.reject(486)
    call.refused(486)


# --- users ---
def test_no_answer(calls):
    call = Call(calls.end("browser", "caller"), End(calls.user("dot"), "dot", "dot"), calls.domain)
    ann = called(call, calls.user("ann"))
    reached(call)
    cancelled(call, NO_ANSWER)
    assert ann.arrive().header("Diversion") == f"<sip:dot@{call.domain}>;reason=no-answer"
    talk_and_end(ann)


@pytest.mark.parametrize("status", [486, 600, 603])
def test_busy(calls, status):
    call = Call(calls.end("trunk", "caller"), End(calls.user("dot"), "dot", "dot"), calls.domain)
    ben = called(call, calls.user("ben"))
    reached(call)
    call.reject(status)
    assert ben.arrive().header("Diversion") == f"<sip:dot@{call.domain}>;reason=user-busy"
    talk_and_end(ben)


def test_unregistered_twice(calls):
    call = Call(calls.end("browser", "caller"), End(calls.user("cat"), "cat", "fay"), calls.domain)
    call.dial()
    invite = call.arrive()
    assert invite.values("Diversion") == [f"<sip:dot@{call.domain}>;reason=unavailable", f"<sip:fay@{call.domain}>;reason=unavailable"]
    talk_and_end(call)


def test_numbers_that_lead_in_a_circle_end(calls, daemon):
    start = len(daemon.lines)
    call = Call(calls.end("browser", "caller"), None, calls.domain, "hal")
    call.dial()
    call.refused(480)
    daemon.wait_log("has gone on 8 times, and goes no further", start=start)
    assert len([line for line in daemon.lines[start:] if "; goes on to user" in line]) == 8


@pytest.mark.parametrize("caller", ["browser", "trunk"])
def test_a_users_calls_go_on_to_a_number(calls, carrier, caller):
    call = Call(calls.end(caller, "caller"), End(carrier, "carrier", "+49301234"), calls.domain)
    call.number = "eve"
    call.dial()
    call.number = "+49301234"
    assert not call.arrive().header("Diversion")  # it is not trusted
    talk_and_end(call)


def test_a_built_in_behind_early_media(calls):
    call = Call(calls.end("browser", "caller"), End(calls.user("gil"), "gil", "gil"), calls.domain)
    reached(call)
    call.ring(183, early=True)
    cancelled(call, NO_ANSWER)
    call.answered()
    call.caller.ask("BYE", 200)


def test_the_caller_says_how_long_he_waits(calls):
    call = Call(calls.end("browser", "caller"), End(calls.user("ann"), "ann", "ann"), calls.domain)
    call.dial(headers=[("Expires", "1")])
    call.arrive()
    cancelled(call, 'SIP;cause=487;text="no answer before the INVITE expired"')
    call.refused(487)


def test_a_transfer_to_a_group_in_turn(calls):
    call = calls.up("browser-browser")
    one, other = call.ends
    ann, ben = (Call(other, End(calls.user(name), name, "71"), call.domain) for name in ("ann", "ben"))
    refer_accepted(one, refer_to(call, "71"))
    notified(one, 100)
    ann.arrive()
    cancelled(ann, NO_ANSWER)
    notified(one, 180)
    ben.arrive()
    ben.answer()
    notified(one, 200)
    expect_bye(one)
    talk(other, ben.called)
