"""Peers of a trunk that come and go: OPTIONS, what they change for calls and registrations, and what is said of it."""

import pytest
from tandem_test import calls as calls_module
from tandem_test.browser import Browser
from tandem_test.calls import Call, End
from tandem_test.lifetime import maker
from tandem_test.lone_trunk import LoneTrunk
from tandem_test.net import Deadline, kept_port
from tandem_test.trunk import UdpTrunk

CONFIG = {**calls_module.CONFIG, "trunks": None, "routes": [{"match": "^[a-z]+$", "to": "user"}, {"to": "pbx"}]}
WELL, ILL, SILENT = 200, 503, None


class Pbx(UdpTrunk):
    """Answers OPTIONS by itself, at once, as it is told to; and REGISTER, unless it is silent."""

    def __init__(self, gateway, port, name):
        self.condition = WELL
        self.n_options = self.n_registers = 0
        super().__init__(gateway, port=port, name=name)

    def _incoming(self, data, source):
        if data.startswith(b"OPTIONS "):
            self._count_and_reply(data, "n_options", {})
        elif data.startswith(b"REGISTER "):
            self._count_and_reply(data, "n_registers", {"headers": [("Expires", "60")]})
        else:
            super()._incoming(data, source)

    def _count_and_reply(self, data, name, options):
        from tandem_test import sip

        message = sip.Message.parse(data)
        setattr(self, name, getattr(self, name) + 1)
        if self.condition is not SILENT:
            self._write_now(sip.response(message, self.condition, to_tag=sip.token(), **options))


@pytest.fixture
def site(own_daemon):
    """site(ports, **options) is a daemon with a trunk of peers there; site.pbx(i) is one of them."""

    class Site:
        def __init__(self):
            self.ports = [kept_port() for _ in range(2)]
            self.daemon = None
            self.gateway = None

        def make(self, **options):
            trunk = {"name": "pbx", "peers": [f"sip:127.0.0.1:{port}" for port in self.ports], "options_seconds": 1,
                     "failover_ms": 500, **options}
            self.daemon = own_daemon({**CONFIG, "trunks": [trunk]})
            self.gateway = ("127.0.0.1", self.daemon.sip_port)
            return self

        def start(self):
            self.daemon.start()
            return self

        def pbx(self, index):
            return peers(self.gateway, self.ports[index], f"pbx {index}")

        def pbx_at(self, port):
            return peers(self.gateway, port, f"pbx at {port}")

        def process(self, index):
            return lone(self.gateway, self.ports[index])

        def is_up(self, index):
            return f'tandem_trunk_peer_up{{trunk="pbx",peer="127.0.0.1:{self.ports[index]}"}}'

        def dial(self, peer, number="5551234"):
            browser = browsers(self.daemon.host, self.daemon.web_port, next(calls_module._users), "example.test",
                               password=calls_module.PASSWORD)
            browser.register()
            call = Call(End(browser, "caller", browser.user), End(peer, "called", number), "example.test", number)
            call.dial()
            return call

        def call(self, peer):
            """Rings at this peer and nowhere else."""
            call = self.dial(peer)
            call.arrive()
            call.ring()
            return call

        def ringing(self):
            """At a peer that is a process."""
            call = self.dial(None)
            call.caller.response(call.caller.invite, 180)
            return call

        def answered(self):
            """By a peer that is a process."""
            call = self.dial(None, "7001")
            call.answered()
            return call

    with maker(Pbx) as peers, maker(Browser) as browsers, maker(LoneTrunk) as lone:
        yield Site()


def ends_well(call):
    call.answer()
    call.answered()
    call.hang_up()


def test_a_peer_that_is_gone_is_noticed_and_its_return_too(site):
    site.make()
    first, second = site.pbx(0), site.pbx(1)
    site.start()
    site.daemon.wait_metric(site.is_up(0), 1)
    ends_well(site.call(first))
    first.close()
    line = site.daemon.wait_log(r"does not answer")
    assert f"trunk pbx: 127.0.0.1:{site.ports[0]} does not answer (no connection" in line
    assert f"calls go to 127.0.0.1:{site.ports[1]}" in line
    site.daemon.wait_metric(site.is_up(0), 0)
    health = site.daemon.health()
    assert health.status == 200 and '"trunk_peers_down":1' in health.text.replace(" ", "")
    ends_well(site.call(second))
    first = site.pbx(0)
    site.daemon.wait_log(rf"127.0.0.1:{site.ports[0]} answers again")
    site.daemon.wait_metric(site.is_up(0), 1)
    ends_well(site.call(first))


def test_one_lost_answer_is_no_news(site):
    site.make()
    first, second = site.pbx(0), site.pbx(1)
    site.start()
    site.daemon.wait_metric(site.is_up(0), 1)
    first.condition = ILL
    before = first.n_options
    while first.n_options < before + 1:
        second.expect_silence(lambda message: False, 0.05)
    first.condition = WELL
    before = first.n_options
    while first.n_options < before + 3:
        second.expect_silence(lambda message: False, 0.05)
    assert site.daemon.metric(site.is_up(0)) == 1
    assert not [line for line in site.daemon.lines if "does not answer" in line]


@pytest.mark.parametrize("condition", [ILL, SILENT])
def test_a_peer_that_does_not_serve_is_passed_over(site, condition):
    site.make()
    first, second = site.pbx(0), site.pbx(1)
    site.start()
    first.condition = condition
    site.daemon.wait_log(rf"{site.ports[0]} does not answer \((no response|503) to OPTIONS", timeout=20)
    ends_well(site.call(second))


def test_any_other_answer_is_a_sign_of_life(site):
    site.make()
    first, _ = site.pbx(0), site.pbx(1)
    first.condition = 404
    site.start()
    while first.n_options < 4:
        first.expect_silence(lambda message: False, 0.05)
    assert site.daemon.metric(site.is_up(0)) == 1


def test_all_down_is_a_problem_and_calls_are_tried_all_the_same(site):
    site.make()
    first, second = site.pbx(0), site.pbx(1)
    site.start()
    first.close()
    second.close()
    for port in site.ports:
        site.daemon.wait_log(rf"{port} does not answer")
    health = site.daemon.health()
    assert health.status == 503 and "no peer of trunk pbx answers" in health.text
    first = site.pbx(0)
    ends_well(site.call(first))


def test_a_call_that_rings_at_a_peer_that_dies_goes_on(site):
    site.make(options_seconds=600)  # it is asked more often while it rings
    first, second = site.pbx(0), site.pbx(1)
    site.start()
    call = site.call(first)
    first.close()
    call.called = End(second, "called", "5551234")
    call.arrive()
    ends_well(call)


def arrives_at(call, peer, within):
    call.called = End(peer, "called", call.number)
    call.arrive(within)


@pytest.mark.parametrize("options_seconds", [1, 10])
def test_a_call_that_rings_at_a_peer_that_is_killed_is_elsewhere_in_less_than_two_seconds(site, options_seconds):
    site.make(options_seconds=options_seconds)
    first, second = site.process(0), site.pbx(1)
    site.start()
    answered = [site.answered() for _ in range(3)]
    call = site.ringing()
    first.kill()
    arrives_at(call, second, within=2)
    ends_well(call)
    site.daemon.wait_metric("tandem_calls", len(answered))
    for one in answered:
        one.caller.ask("BYE", 200)


def test_behind_the_last_peer_that_is_killed_comes_the_fallback(site):
    port = site.ports.pop()
    site.make()
    site.daemon.config["trunks"].append({"name": "backup", "peer": f"sip:127.0.0.1:{port}"})
    site.daemon.config["routes"] = [{"to": "pbx", "fallback": "backup"}]
    first, second = site.process(0), site.pbx_at(port)
    site.start()
    call = site.ringing()
    first.kill()
    arrives_at(call, second, within=2)
    ends_well(call)


def test_where_nobody_else_can_be_called_it_rings_on(site):
    site.ports = site.ports[:1]
    site.make()
    first = site.process(0)
    site.start()
    call = site.ringing()
    first.kill()
    site.daemon.wait_log(rf"{site.ports[0]} does not answer")
    call.caller.silence(seconds=0.5)
    call.cancel()


def test_silence_is_not_found_out_the_sooner_because_calls_ring(site):
    site.make()
    first, second = site.process(0), site.pbx(1)
    site.start()
    call = site.ringing()
    first.stop()
    second.expect_silence(lambda message: message.is_request and message.method == "INVITE", 6)
    arrives_at(call, second, within=6)
    ends_well(call)


def test_a_call_rings_on_at_a_peer_that_serves_calls_and_no_options(site):
    site.make()
    first, second = site.pbx(0), site.pbx(1)
    first.condition = SILENT
    site.start()
    call = site.call(first)
    site.daemon.wait_log(rf"{site.ports[0]} does not answer", timeout=20)
    second.expect_silence(lambda message: message.is_request and message.method == "INVITE", 0.5)
    ends_well(call)


def test_a_call_that_is_up_outlives_its_peers_health(site):
    site.make()
    first, _ = site.pbx(0), site.pbx(1)
    site.start()
    call = site.call(first)
    call.answer()
    call.answered()
    first.condition = ILL
    site.daemon.wait_log(rf"{site.ports[0]} does not answer")
    call.caller.renegotiate(call.called, "sendonly", "recvonly")
    call.hang_up()


def test_a_single_peer_is_not_asked_by_default(site):
    site.ports = site.ports[:1]
    site.make(options_seconds=None)
    del site.daemon.config["trunks"][0]["options_seconds"]
    first = site.pbx(0)
    site.start()
    ends_well(site.call(first))
    assert first.n_options == 0
    assert site.is_up(0) not in site.daemon.metrics()


def test_several_are_asked_by_default(site):
    site.make()
    del site.daemon.config["trunks"][0]["options_seconds"]
    first, second = site.pbx(0), site.pbx(1)
    site.start()
    site.daemon.wait_metric(site.is_up(1), 1)
    while not first.n_options or not second.n_options:
        first.expect_silence(lambda message: False, 0.05)


def registrar_site(site):
    site.make(register=True, username="gateway", password="secret", retry_seconds=1)
    return site


def test_a_trunk_registers_with_the_next_and_returns(site):
    registrar_site(site)
    second = site.pbx(1)
    site.daemon.start()
    site.daemon.wait_log(r"trunk pbx: registered")
    assert second.n_registers == 1
    first = site.pbx(0)
    site.daemon.wait_log(rf"{site.ports[0]} answers again", timeout=20)
    while not first.n_registers:
        second.expect_silence(lambda message: False, 0.05)
    site.daemon.wait_metric('tandem_trunk_registered{trunk="pbx"}', 1)
    first.close()
    before = second.n_registers
    while second.n_registers == before:
        second.expect_silence(lambda message: False, 0.05)
    site.daemon.wait_metric('tandem_trunk_registered{trunk="pbx"}', 1)


def test_a_trunk_registers_again_with_a_peer_that_was_away(site):
    """It may have been started anew, and have forgotten; half of the 60 seconds is not waited for."""
    site.ports = site.ports[:1]
    registrar_site(site)
    first = site.pbx(0)
    site.daemon.start()
    site.daemon.wait_log(r"trunk pbx: registered")
    first.close()
    site.daemon.wait_metric(site.is_up(0), 0)
    first = site.pbx(0)
    site.daemon.wait_metric(site.is_up(0), 1)
    deadline = Deadline(5)
    while not first.n_registers:
        assert not deadline.is_over(), "it is not registered with again"
        first.expect_silence(lambda message: False, 0.05)


def test_a_silent_registrar_is_not_waited_for(site):
    registrar_site(site)
    first, second = site.pbx(0), site.pbx(1)
    first.condition = SILENT
    site.daemon.start()
    site.daemon.wait_log(r"trunk pbx: registered")
    assert first.n_registers <= 2 and second.n_registers == 1


def test_a_busy_registrar_is_left(site):
    registrar_site(site)
    first, second = site.pbx(0), site.pbx(1)
    first.condition = ILL
    site.daemon.start()
    site.daemon.wait_log(r"trunk pbx: registered")
    assert first.n_registers == 1 and second.n_registers == 1


