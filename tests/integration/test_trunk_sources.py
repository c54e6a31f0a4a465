"""Where a trunk's calls may come from: its peers, the addresses it lists, and who proves himself there. All else is refused, and counted."""

import subprocess

import pytest
from tandem_test import calls as calls_module
from tandem_test import digest, media, sip
from tandem_test.browser import Browser
from tandem_test.calls import Call, End
from tandem_test.daemon import find_binary
from tandem_test.lifetime import maker
from tandem_test.net import kept_port
from tandem_test.trunk import UdpTrunk

DOMAIN = "example.test"
LISTED, STRANGER = "127.0.7.9", "127.0.7.12"
CONFIG = {**calls_module.CONFIG, "routes": [{"match": "^[a-z]+$", "to": "user"}, {"to": "pbx"}]}
STRANGERS = "tandem_requests_of_strangers_total"


@pytest.fixture
def site(own_daemon):
    """site.make(**options of the trunk); site.caller(host) calls from there."""

    class Site:
        def make(self, **options):
            peer = {"name": "pbx", "peer": f"sip:127.0.0.1:{kept_port()}", "inbound_addresses": ["127.0.7.8/30"], **options}
            self.daemon = own_daemon({**CONFIG, "trunks": [peer]}).start()
            return self

        def caller(self, host):
            return trunks(("127.0.0.1", self.daemon.sip_port), host)

        def call(self, host):
            user = next(calls_module._users)
            browser = browsers(self.daemon.host, self.daemon.web_port, user, DOMAIN, password=calls_module.PASSWORD)
            browser.register()
            return Call(End(self.caller(host), "caller", "5551234"), End(browser, "called", user), DOMAIN)

    with maker(UdpTrunk) as trunks, maker(Browser) as browsers:
        yield Site()


def refused(site, host):
    caller = site.caller(host)
    before = site.daemon.metric(STRANGERS)
    invite = caller.invite("usera", DOMAIN, media.trunk_sdp(40000))
    response = caller.expect_response(invite)
    caller.send(sip.ack_of_failure(invite, response))
    assert response.status == 403 and not response.header("Proxy-Authenticate")
    site.daemon.wait_metric(STRANGERS, before + 1)


def test_calls_of_a_listed_address_are_the_trunks(site):
    site.make()
    call = site.call(LISTED).set_up()
    call.called.renegotiate(call.caller, "sendonly", "recvonly")
    call.hang_up("called")
    call = site.call(LISTED).set_up()
    call.caller.renegotiate(call.called, "sendonly", "recvonly")
    call.hang_up("caller")
    call = site.call("127.0.0.1").set_up()  # its peer's still are
    call.hang_up("caller")
    refused(site, STRANGER)


def test_a_listed_address_must_prove_itself_where_there_is_a_login(site):
    site.make(inbound_username="carrier", inbound_password="secret")
    refused(site, STRANGER)  # not even asked
    call = site.call(LISTED)
    challenged = call.caller.response(call.dial(), 407)
    call.caller.send(sip.ack_of_failure(call.caller.invite, challenged))
    again = sip.request("INVITE", call.caller.invite.uri, call.caller.invite.header("From"), call.caller.invite.header("To"),
                        call.caller.peer.via, call_id=call.caller.invite.call_id, cseq=2, contact=call.caller.peer.contact,
                        body=call.caller.local)
    again.headers.append(("Proxy-Authorization", digest.answer(challenged.header("Proxy-Authenticate"), "INVITE", again.uri, "carrier", "secret")))
    call.caller.invite = call.caller.send(again)
    call.arrive()
    call.answer()
    call.answered()
    call.hang_up("caller")


def test_a_reload_takes_an_address_off_the_list_and_calls_go_on(site):
    site.make()
    call = site.call(LISTED).set_up()
    site.daemon.reload({"trunks": [{**site.daemon.config["trunks"][0], "inbound_addresses": []}]})
    call.caller.renegotiate(call.called, "sendonly", "recvonly")
    call.hang_up("caller")
    refused(site, LISTED)


@pytest.mark.parametrize("options, said", [
    ({"inbound_addresses": ["203.0.113.7/24"]}, 'holds "203.0.113.7/24", whose address is longer than its prefix'),
    ({"inbound_addresses": ["pbx.example.com"]}, 'holds "pbx.example.com", which is neither an address nor a network'),
    ({"inbound_addresses": ["::/0"]}, 'holds "::/0", which is everybody'),
    ({"peer": None}, "needs inbound_addresses or an inbound_username"),
])
def test_mistakes(own_daemon, options, said):
    trunk = {key: value for key, value in {"name": "pbx", "peer": "sip:192.0.2.1", **options}.items() if value}
    tandem = own_daemon({"trunks": [trunk]})
    run = subprocess.run([find_binary(), "-t", "-c", tandem.write_config()], capture_output=True, text=True, check=False)
    assert run.returncode == 1 and said in run.stderr, run.stderr
