"""What only the long timers end (64*T1 = 32 s). All of it runs at once, on one daemon; each test awaits its own part."""

import concurrent.futures
import time

import pytest
from tandem_test import calls as calls_module
from tandem_test import daemon as daemon_module
from tandem_test import sip
from tandem_test.browser import Browser
from tandem_test.demanding import DemandingTrunk, Realm
from tandem_test.net import kept_port
from tandem_test.trunk import UdpTrunk

pytestmark = pytest.mark.xdist_group("timers")

TIMEOUT = 32.0
LOGIN = {"realm": "pbx.test", "username": "gateway", "password": "secret"}
PLAYS = {}
TRUNKS = {}  # of plays that want another kind


def play(function, trunk=UdpTrunk):
    PLAYS[function.__name__], TRUNKS[function.__name__] = function, trunk
    return function


class Stage(calls_module.Maker):
    """A trunk of its own for each play, reached by numbers that begin with its name."""

    def __init__(self, daemon, trunk, prefix, users):
        self.made = []
        super().__init__(daemon, self._browser, trunk, "example.test")
        self.prefix, self.users = prefix, iter(users)

    def _browser(self, user, **options):
        self.made.append(Browser(self.daemon.host, self.daemon.web_port, user, self.domain, **options))
        return self.made[-1]

    def end(self, kind, name):
        end = super().end(kind, name)
        if kind == "trunk":
            end.user = self.prefix + end.user
        return end

    def close(self):
        for one in self.made:
            one.close()
        self.trunk.close()

    def media(self, end):
        """Real media for a browser's end, so that the call lives for longer than ICE waits."""
        from tandem_test.webrtc import WebRtc

        peer = WebRtc()
        self.made.append(peer)
        end.media = peer
        end.describe = lambda offer=None, **options: setattr(end, "local", peer.describe(offer)) or end.local
        return peer


def repeats(end, invite, seconds):
    """The times, from the first on, at which 200s to the INVITE come."""
    times, start = [0.0], time.monotonic()
    while True:
        left = seconds - (time.monotonic() - start)
        try:
            end.response(invite, 200, max(left, 0.01))
        except AssertionError:
            return times
        times.append(time.monotonic() - start)
        if left <= 0:
            return times


# --- row 13 ---
@play
def row_13_a_200_after_timer_b_is_acknowledged_and_ended(stage):
    """The trunk is silent for 32 s: 408 to the caller; then its 200 comes."""
    call = stage("browser-trunk")
    call.dial()
    first = call.arrive()
    response = call.caller.response(call.caller.invite, timeout=TIMEOUT + 8)
    assert response.status == 408
    call.caller.send(sip.ack_of_failure(call.caller.invite, response))
    assert call.called.expect("INVITE").branch == first.branch, "it was repeated"
    for _ in range(2):
        call.answer()
    call.called.reply(call.called.expect("BYE"), 200)
    call.called.silence("BYE", 0.3)
    call.caller.silence("BYE", 0.1)


@play
def row_2_no_cancel_for_an_invite_that_is_never_answered(stage):
    call = stage("browser-trunk")
    call.dial()
    call.arrive()
    call.cancel()
    call.called.silence("CANCEL", TIMEOUT + 2)
    call.answer()
    call.called.reply(call.called.expect("BYE"), 200)


@play
def row_6_and_13_a_cancelled_invite_without_final_answer(stage):
    """CANCEL is answered 200, the INVITE never; what comes later is acknowledged and ended."""
    call = stage("browser-trunk")
    call.dial()
    call.arrive()
    call.ring()
    call.cancel()
    call.called.reply(call.called.expect("CANCEL"), 200)
    call.called.silence(seconds=TIMEOUT + 1)
    for _ in range(2):
        call.answer()
    call.called.reply(call.called.expect("BYE"), 200)
    call.called.silence("BYE", 0.3)


# --- row 15 and 16 ---
def check_repeats(times):
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert len(times) >= 9, times
    for gap, wanted in zip(gaps, [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]):
        assert wanted - 0.2 < gap < wanted + 1.0, times


@play
def row_15_the_ack_of_the_trunk_is_lost(stage):
    call = stage("trunk-browser")
    peer = stage.media(call.called)
    call.dial()
    peer.hear(call.arrive().sdp)
    call.answer()
    call.answered(acknowledge=False)
    check_repeats(repeats(call.caller, call.caller.invite, TIMEOUT - 1))
    assert peer.is_connected.is_set()
    for end in call.ends:
        end.reply(end.expect("BYE", 6), 200)


@play
def row_15_the_ack_of_the_trunk_is_lost_and_the_called_side_hangs_up(stage):
    """The BYE to a caller waits for the ACK, at most 64*T1 (section 15)."""
    call = stage("trunk-browser").set_up(acknowledge=False)
    call.called.ask("BYE", 200)
    call.caller.silence("BYE", TIMEOUT - 2)
    call.caller.reply(call.caller.expect("BYE", 6), 200)


@play
def row_16_the_ack_of_the_browser_is_missing(stage):
    call = stage("browser-trunk")
    peer = stage.media(call.caller)
    call.dial()
    call.arrive()
    call.answer()
    peer.hear(call.answered(acknowledge=False).sdp)
    check_repeats(repeats(call.caller, call.caller.invite, TIMEOUT - 1))
    assert peer.is_connected.is_set()
    for end in call.ends:
        end.reply(end.expect("BYE", 6), 200)


@play
def row_16_to_a_builtin(stage):
    call = stage("browser-trunk", "9196")
    peer = stage.media(call.caller)
    call.dial()
    peer.hear(call.answered(acknowledge=False).sdp)
    call.caller.silence("BYE", TIMEOUT - 2)
    call.caller.reply(call.caller.expect("BYE", 6), 200)


# --- row 29 ---
@play
def row_29_a_bye_that_the_trunk_never_answers(stage):
    call = stage.up("browser-trunk")
    call.caller.ask("BYE", 200)
    first = call.called.expect("BYE")
    assert first.cseq[1] == "BYE"
    call.called.silence("INVITE", TIMEOUT + 1)
    count = len([m for m in call.called.peer.inbox if m.method == "BYE"])
    assert 7 <= count <= 11, count
    call.called.peer.inbox.clear()
    call.called.silence(seconds=5)


@play
def row_29_a_bye_that_the_browser_never_answers(stage):
    call = stage.up("trunk-browser")
    call.caller.ask("BYE", 200)
    call.called.expect("BYE")
    call.called.silence("BYE", TIMEOUT + 1)
    call.caller.silence(seconds=0.1)


@play
def row_45_a_reinvite_that_is_never_answered_ends_the_call(stage):
    call = stage("trunk-browser")
    peer = stage.media(call.called)
    call.dial()
    peer.hear(call.arrive().sdp)
    call.answer()
    call.answered()
    invite = call.called.reinvite(body=call.called.describe(call.called.invite.sdp).replace("a=sendrecv", "a=sendonly"))
    response = call.called.response(invite, timeout=TIMEOUT + 8)
    assert response.status == 408
    call.called.send(sip.ack_of_failure(invite, response))
    for end in call.ends:
        end.reply(end.expect("BYE"), 200)


# --- session timers ---
def our_update_is_proven_to_a_trunk_that_asks_for_it(stage):
    """The refresh after half of the least session (RFC 4028): challenged each time, and answered with a nonce that may be used again."""
    asks = "Session-Expires", "90;refresher=uac"
    call = stage("browser-trunk")
    peer = stage.media(call.caller)
    realm = stage.trunk.demand(Realm(LOGIN["realm"], LOGIN["username"], LOGIN["password"], algorithm="SHA-256", status=407))
    call.dial()
    call.called.reply(call.arrive(), 200, call.called.describe(call.called.invite.sdp), headers=[asks, ("Allow", "INVITE, ACK, BYE, UPDATE")])
    call.called.expect("ACK")
    peer.hear(call.answered().sdp)
    realm.stale_next = 1
    call.caller.silence(seconds=44)  # it is none of the browser's business, which answers pings meanwhile
    update = call.called.expect("UPDATE")
    assert update.header("Session-Expires") == "90;refresher=uac" and not update.body
    call.called.reply(update, 200, headers=[asks])
    call.hang_up()
    seen = [verdict for method, verdict in realm.verdicts if method == "UPDATE"]
    assert seen == ["stale", "right"], realm.verdicts
    assert [verdict for method, verdict in realm.verdicts if method == "BYE"] == ["right"], realm.verdicts


play(our_update_is_proven_to_a_trunk_that_asks_for_it, DemandingTrunk)


@pytest.fixture(scope="module")
def plays(tmp_path_factory, default_configuration):
    """All of them, running."""
    directory = tmp_path_factory.mktemp("timers")
    ports = {name: kept_port() for name in PLAYS}
    prefixes = {name: str(10 + i) for i, name in enumerate(PLAYS)}
    config = daemon_module.merge(default_configuration(directory, 5), {
        **calls_module.CONFIG,
        "media": {"timeout_seconds": 0},  # nobody says anything
        "trunks": [{"name": f"t{prefixes[name]}", "peer": f"sip:127.0.0.1:{ports[name]}", **LOGIN} for name in PLAYS],
        "routes": [{"match": "^9196$", "to": "echo"}, {"match": "^[a-z]+$", "to": "user"}]
        + [{"match": f"^{prefix}", "to": f"t{prefix}"} for prefix in prefixes.values()],
    })
    daemon = daemon_module.Daemon(directory, config).start()
    before = daemon.at_rest()
    pool = concurrent.futures.ThreadPoolExecutor(len(PLAYS))
    stages = [Stage(daemon, TRUNKS[name]((daemon.host, daemon.sip_port), port=ports[name]), prefixes[name],
                    calls_module.USERS[10 * i:10 * i + 10]) for i, name in enumerate(PLAYS)]
    try:
        yield {name: pool.submit(PLAYS[name], stage) for name, stage in zip(PLAYS, stages)}
        pool.shutdown()
        daemon.check_clean()
        while stages:
            stages.pop().close()
        daemon.check_at_rest(before)
    finally:
        for stage in stages:
            stage.close()
        daemon.stop()


@pytest.mark.parametrize("name", PLAYS)
def test_timers(plays, name):
    plays[name].result(timeout=90)
