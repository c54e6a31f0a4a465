"""A trunk given by name: NAPTR, SRV, A and AAAA records of a scripted DNS server (RFC 3263), and what comes of them for calls."""

import threading

import pytest
from tandem_test import calls as calls_module
from tandem_test import dns as dns_module
from tandem_test.browser import Browser
from tandem_test.calls import Call, End
from tandem_test.dns import A, AAAA, NAPTR, SRV, a, aaaa, naptr, srv
from tandem_test.lifetime import maker
from tandem_test import pki
from tandem_test.net import kept_port
from tandem_test.trunk import TcpTrunk, TlsTrunk, UdpTrunk

CONFIG = {**calls_module.CONFIG, "trunks": None, "routes": [{"match": "^[a-z]+$", "to": "user"}, {"to": "pbx"}]}
HOST = "pbx.example.test"


@pytest.fixture
def dns():
    server = dns_module.Dns()
    yield server
    server.close()


@pytest.fixture
def site(own_daemon, dns):
    class Site:
        def __init__(self):
            self.ports = [kept_port() for _ in range(4)]
            self.daemon = None

        def start(self, uri=f"sip:{HOST}", **options):
            trunk = {"name": "pbx", "peer": uri, "failover_ms": 500, "options_seconds": 0, **options}
            self.daemon = own_daemon({**CONFIG, "trunks": [trunk], "sip": {"dns_servers": [dns.address]}})
            return self

        def run(self):
            """Until the name is found."""
            self.daemon.start()
            self.daemon.wait_log(r"trunk pbx: \S+ is at")

        def peer(self, index, make=UdpTrunk):
            return peers(make, ("127.0.0.1", self.daemon.sip_port), port=self.ports[index], name=f"peer {index}")

        def is_at(self):
            """What the log says last."""
            self.daemon.wait_log(f"{HOST} is at")
            return [line for line in self.daemon.lines if f"{HOST} is at" in line][-1].split(" is at ")[1]

        def call(self, *candidates):
            """A whole call; which of them took it."""
            browser = browsers(self.daemon.host, self.daemon.web_port, next(calls_module._users), "example.test",
                               password=calls_module.PASSWORD)
            browser.register()
            call = Call(End(browser, "caller", browser.user), None, "example.test", "5551234")
            call.dial()
            while True:
                for peer in candidates:
                    peer.expect_silence(lambda message: False, 0.02)
                    if any(message.method == "INVITE" for message in peer.inbox):
                        call.called = End(peer, "called", "5551234")
                        invite = call.arrive()
                        call.ring()
                        call.answer()
                        call.answered()
                        call.hang_up()
                        self.invite = invite
                        return candidates.index(peer)

    with maker(lambda make, *arguments, **options: make(*arguments, **options)) as peers, maker(Browser) as browsers:
        yield Site()


def udp(site, *indices):
    return ", ".join(f"127.0.0.1:{site.ports[index]} UDP" for index in indices)


def test_naptr_leads_to_srv_leads_to_addresses(site, dns):
    dns.records.update({
        HOST: [naptr(20, 0, "SIP+D2U", f"_sip._udp.{HOST}"), naptr(10, 5, "SIPS+D2T", f"_sips._tcp.{HOST}"),
               naptr(10, 9, "SIP+D2T", f"_sip._tcp.{HOST}"), naptr(1, 1, "E2U+sip", "elsewhere.test", flags="u")],
        f"_sip._tcp.{HOST}": [srv(0, 0, site.ports[0], "one.example.test")],
        "one.example.test": [a("127.0.0.1")],
    })
    site.start().run()
    assert site.is_at() == f"127.0.0.1:{site.ports[0]} TCP"
    assert (f"_sip._udp.{HOST}", SRV) not in dns.asked and (HOST, A) not in dns.asked
    first = site.peer(0, TcpTrunk)
    assert site.call(first) == 0
    assert site.invite.uri == f"sip:5551234@{HOST}"


def test_a_pointer_that_leads_nowhere_is_passed_over(site, dns):
    dns.records.update({
        HOST: [naptr(1, 0, "SIP+D2T", f"_sip._tcp.{HOST}"), naptr(2, 0, "SIP+D2U", f"_sip._udp.{HOST}")],
        f"_sip._udp.{HOST}": [srv(0, 0, site.ports[0], "one.example.test")],
        "one.example.test": [a("127.0.0.1")],
    })
    site.start().run()
    assert site.is_at() == udp(site, 0)


def test_without_naptr_udp_is_looked_for_first_then_tcp(site, dns):
    dns.records.update({
        f"_sip._tcp.{HOST}": [srv(0, 0, site.ports[0], "one.example.test")],
        "one.example.test": [a("127.0.0.1")],
    })
    site.start().run()
    assert site.is_at() == f"127.0.0.1:{site.ports[0]} TCP"
    order = [kind for name, kind in dns.asked if kind in (NAPTR, SRV)]
    assert order == [NAPTR, SRV, SRV]


def test_a_transport_that_is_written_needs_no_naptr(site, dns):
    dns.records.update({
        f"_sip._udp.{HOST}": [srv(0, 0, 9, "one.example.test")],
        f"_sip._tcp.{HOST}": [srv(0, 0, site.ports[0], "one.example.test")],
        "one.example.test": [a("127.0.0.1")],
    })
    site.start(f"sip:{HOST};transport=tcp").run()
    assert site.is_at() == f"127.0.0.1:{site.ports[0]} TCP"
    assert not [name for name, kind in dns.asked if kind == NAPTR or name.startswith("_sip._udp")]


def test_a_port_that_is_written_needs_no_srv(site, dns):
    dns.records[HOST] = [a("127.0.0.1")]
    site.start(f"sip:{HOST}:{site.ports[0]}").run()
    assert site.is_at() == udp(site, 0)
    assert {kind for _, kind in dns.asked} == {A, AAAA}


def test_a_name_of_the_hosts_file_needs_no_dns(site, dns):
    site.start("sip:localhost").run()
    assert not dns.asked


def test_without_services_the_name_itself_is_called(site, dns):
    dns.records[HOST] = [a("127.0.0.1"), aaaa("::1")]
    site.start().run()
    assert "127.0.0.1:5060 UDP" in site.is_at() and "[::1]:5060 UDP" in site.is_at()


def test_priorities_are_an_order(site, dns):
    dns.records.update({
        f"_sip._udp.{HOST}": [srv(20, 99, site.ports[1], "one.example.test"), srv(10, 1, site.ports[0], "one.example.test")],
        "one.example.test": [a("127.0.0.1")],
    })
    site.start().run()
    assert site.is_at() == udp(site, 0, 1)
    second = site.peer(1)
    assert site.call(second) == 0  # nobody listens at the first
    first = site.peer(0)
    site.daemon.wait_log("127.0.0.1:%d: no connection; the call goes on to 127.0.0.1:%d" % tuple(site.ports[:2]))
    assert first is not second


def test_weights_are_shares(site, dns):
    dns.records.update({
        f"_sip._udp.{HOST}": [srv(10, 1, site.ports[1], "one.example.test"), srv(10, 3, site.ports[0], "one.example.test")],
        "one.example.test": [a("127.0.0.1")],
    })
    site.start().run()
    peers = [site.peer(0), site.peer(1)]
    taken = [site.call(*peers) for _ in range(8)]
    assert taken.count(0) == 6 and taken.count(1) == 2
    assert 1 in taken[:4] and 1 in taken[4:]


def test_a_change_of_records_is_followed(site, dns):
    dns.ttl = 1
    dns.records.update({
        f"_sip._udp.{HOST}": [srv(0, 0, site.ports[0], "one.example.test")],
        "one.example.test": [a("127.0.0.1")],
    })
    site.start().run()
    first, second = site.peer(0), site.peer(1)
    assert site.call(first, second) == 0
    dns.records[f"_sip._udp.{HOST}"] = [srv(0, 0, site.ports[1], "one.example.test")]
    site.daemon.wait_log(f"{HOST} is at {udp(site, 1)}", timeout=20)
    assert site.call(first, second) == 1


def test_what_was_found_outlives_a_name_server_that_fails(site, dns):
    dns.ttl = 1
    dns.records.update({
        f"_sip._udp.{HOST}": [srv(0, 0, site.ports[0], "one.example.test")],
        "one.example.test": [a("127.0.0.1")],
    })
    site.start().run()
    first = site.peer(0)
    dns.refuses[SRV] = dns_module.SERVFAIL
    line = site.daemon.wait_log("is not found", timeout=20)
    assert "the addresses known before are kept" in line
    assert site.call(first) == 0


def begin_and_fail(site):
    """The daemon is well when the name is found; that it is not is awaited, then that the thread ends."""
    start = threading.Thread(target=site.daemon.start)
    start.start()
    while not any(f"its peer {HOST} is not found" in line for line in site.daemon.lines):
        start.join(0.05)
        assert start.is_alive()
    return start


def test_a_domain_may_say_that_it_has_no_such_service(site, dns):
    dns.records.update({f"_sip._udp.{HOST}": [srv(0, 0, 0, ".")], HOST: [a("127.0.0.1")]})
    start = begin_and_fail(site.start())
    assert (HOST, A) not in dns.asked
    dns.records[f"_sip._tcp.{HOST}"] = [srv(0, 0, 5060, HOST)]
    start.join()
    assert site.is_at() == "127.0.0.1:5060 TCP"


def test_addresses_that_nobody_can_have_are_left_out(site, dns):
    dns.records.update({
        f"_sip._udp.{HOST}": [srv(0, 0, 0, "one.example.test"), srv(0, 0, site.ports[0], "one.example.test")],
        "one.example.test": [a("0.0.0.0"), a("224.0.0.1"), a("255.255.255.255"), a("127.0.0.1"), aaaa("::"), aaaa("ff02::1")],
    })
    site.start().run()
    assert site.is_at() == udp(site, 0)


def test_a_flood_of_records_is_bounded(site, dns):
    dns.records[f"_sip._udp.{HOST}"] = [srv(i % 7, i, 1000 + i, f"n{i % 3}.example.test") for i in range(20)]
    dns.records.update({f"n{i}.example.test": [a(f"127.0.{i}.{j}") for j in range(1, 15)] for i in range(3)})
    site.start().run()
    assert len(site.is_at().split(", ")) == 16


def test_garbage_is_no_answer_and_it_is_asked_again(site, dns):
    dns.records[HOST] = [a("127.0.0.1")]
    dns.garbles = lambda answer: answer[:12] + b"\xc0\x0c" + answer[14:]
    start = begin_and_fail(site.start())
    dns.garbles = lambda answer: answer
    start.join()
    assert site.is_at() == "127.0.0.1:5060 UDP"


# --- TLS ---
@pytest.mark.parametrize("certificate", [HOST, "target.example.test"])
def test_a_name_on_tls_leads_elsewhere_and_the_certificate_is_for_the_name_that_is_configured(site, dns, tmp_path, certificate):
    """RFC 5922, section 4: DNS may say where a domain is, not who it is."""
    authority = pki.Authority(tmp_path)
    shown = authority.issue("peer", f"DNS:{certificate}")
    dns.records.update({
        f"_sip._udp.{HOST}": [srv(0, 0, 9, "target.example.test")],
        f"_sips._tcp.{HOST}": [srv(0, 0, site.ports[0], "target.example.test")],
        "target.example.test": [a("127.0.0.1")],
    })
    site.start(f"sips:{HOST}", ca_file=str(authority.pem))
    peer = site.peer(0, lambda gateway, **options: TlsTrunk(gateway, shown, **options))
    site.run()
    assert site.is_at() == f"127.0.0.1:{site.ports[0]} TLS"
    if certificate == HOST:
        assert site.call(peer) == 0 and peer.heard_name == HOST
        return
    browser = Browser(site.daemon.host, site.daemon.web_port, "useraa", "example.test", password=calls_module.PASSWORD)
    browser.register()
    invite = browser.invite("5551234")
    assert browser.expect_response(invite).status == 503
    site.daemon.wait_log(f"trunk pbx: no TLS .*certificate is for target.example.test, not for {HOST}")
    browser.close()
