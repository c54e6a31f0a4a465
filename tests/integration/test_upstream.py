"""Users who are registered with the PBX while they are here: with the browser's credentials, or with those kept in the gateway."""

import contextlib
import hashlib
import signal
import socket
import subprocess

import pytest
from tandem_test import digest, media, sip
from tandem_test.browser import Browser
from tandem_test.daemon import find_binary
from tandem_test.lifetime import maker
from tandem_test.net import Deadline
from tandem_test.pbx import REALM, TcpPbx, UdpPbx

DOMAIN = "example.test"
# dora proves herself here; her PBX password never leaves the gateway
DORA = {"name": "dora", "password": "explorer", "upstream": "pbx", "upstream_username": "2004", "upstream_password": "kept"}
CONFIG = {
    "registrar": {"upstream": "pbx", "grace_seconds": 1, "expires_min_seconds": 1},
    "users": [DORA, {"name": "carol", "password": "christmas"}],
}
TRUNK = {"name": "pbx", "domain": DOMAIN, "expires_seconds": 60, "retry_seconds": 1}
PASSWORDS = {"alice": "at the pbx", "bob": "too", "2004": "kept"}


def prepare(directory, config):
    config["trunks"][0].update(TRUNK)
    return config


def own_trunk(port, **options):
    """A trunk that registers itself."""
    return [{"peer": f"sip:127.0.0.1:{port}", "username": "2004", "password": "kept", "register": True, **TRUNK, **options}]


@pytest.fixture
def pbx(daemon, trunk_port):
    peer = UdpPbx((daemon.host, daemon.sip_port), port=trunk_port, name="pbx")
    peer.start_registrar(PASSWORDS)
    yield peer
    try:
        daemon.wait_metric("tandem_bindings", 0, timeout=15)
        daemon.wait_metric("tandem_upstream_users", 0, timeout=40)
    finally:
        peer.close()


@pytest.fixture
def phone(browser, daemon):
    """Browsers whose password the PBX knows (or, dora's, we); they unregister at the end."""
    made = []

    def make(user="alice", password=None, **options):
        one = browser(user, password=password or PASSWORDS.get(user, "explorer"), **options)
        made.append(one)
        return one

    yield make
    for one in made:
        if one.socket:
            one.close()


def expires_of(response, phone):
    for value in response.values("Contact"):
        if sip.uri_of(value) == sip.uri_of(phone.contact):
            return int(sip.parameter(value, "expires"))
    raise AssertionError(f"no contact of {phone.name} in {response}")


# --- the browser has the credentials ---
def test_the_pbx_challenges_the_browser(daemon, phone, pbx):
    alice = phone("alice")
    challenge = alice.ask(alice.register_request(), 401)
    assert len(challenge.values("WWW-Authenticate")) == 1
    values = digest.parse(challenge.header("WWW-Authenticate"))
    assert values["realm"] == REALM and values["opaque"] == "o-" + values["nonce"]
    assert daemon.metric("tandem_bindings") == 0
    response = alice.ask(digest.authorize(alice.register_request(expires=600), challenge, "alice", PASSWORDS["alice"]), 200)
    assert expires_of(response, alice) == 60  # no longer than the trunk's expires_seconds
    request, status = pbx.registers[-1]
    assert status == 200 and request.uri == f"sip:{DOMAIN}"
    assert sip.uri_of(request.header("To")) == f"sip:alice@{DOMAIN}"
    contact = pbx.wait_bound("alice")
    assert "alice" not in contact and "invalid" not in contact and "alice" not in request.header("Contact")
    assert daemon.metric("tandem_upstream_registered_users") == 1
    alice.unregister()
    pbx.wait_unbound("alice")


def test_wrong_password_is_told_in_words(daemon, phone, pbx):
    alice = phone("alice", password="wrong")
    _, response = alice.authorized(alice.register_request)
    assert response.status == 401 and response.reason == "Wrong User Name Or Password"
    assert response.values("WWW-Authenticate")
    assert daemon.metric("tandem_bindings") == 0
    # and the connection is nobody's
    invite = alice.send(alice.request("INVITE", f"sip:carol@{DOMAIN}", body=media.browser_sdp()))
    assert alice.expect_response(invite).status == 403


def test_one_user_cannot_be_another(phone, pbx):
    alice = phone("alice")
    alice.register()
    request = alice.register_request()
    request.set("From", f"<sip:bob@{DOMAIN}>;tag=x").set("To", f"<sip:bob@{DOMAIN}>")
    assert alice.ask(request).status == 403
    assert "bob" not in pbx.bindings
    alice.unregister()


def test_stale_nonce(phone, pbx):
    alice = phone("alice")
    challenge = alice.ask(alice.register_request(), 401)
    pbx.nonces.clear()
    request = digest.authorize(alice.register_request(), challenge, "alice", PASSWORDS["alice"])
    again = alice.ask(request, 401)
    assert digest.parse(again.header("WWW-Authenticate"))["stale"] == "true"
    assert again.reason == "Unauthorized"
    alice.ask(digest.authorize(alice.register_request(), again, "alice", PASSWORDS["alice"]), 200)
    alice.unregister()


def test_too_brief_for_the_pbx(phone, pbx):
    pbx.min_expires = 120
    alice = phone("alice")
    _, response = alice.authorized(lambda: alice.register_request(expires=90))
    assert response.status == 423 and response.header("Min-Expires") == "120"
    alice.register(expires=120)
    alice.unregister()


def test_refused_by_the_pbx(phone, pbx):
    pbx.refuses = (403, "Not From There")
    alice = phone("alice")
    response = alice.ask(alice.register_request())
    assert (response.status, response.reason) == (403, "Not From There")


def test_lost_answers(phone, pbx):
    pbx.loses_answers = 2
    alice = phone("alice")
    alice.register()
    assert len(pbx.bindings["alice"]) == 1
    alice.unregister()


def test_pbx_does_not_answer(daemon, phone, pbx):
    pbx.answers = False
    alice = phone("alice")
    response = alice.ask(alice.register_request(), timeout=15)
    assert (response.status, response.reason) == (504, "The PBX Does Not Answer")
    daemon.wait_metric("tandem_upstream_waiting", 0)


def test_one_register_at_a_time(phone, pbx):
    pbx.answers = False
    alice = phone("alice")
    first = alice.send(alice.register_request())
    second = alice.ask(alice.register_request(), 503)
    assert second.header("Retry-After")
    alice.expect_response(first, 504, timeout=15)


def test_pbx_restart_is_mended_by_the_browsers_refresh(phone, pbx):
    alice = phone("alice")
    alice.register()
    contact = pbx.wait_bound("alice")
    pbx.forget()
    alice.register()
    assert pbx.wait_bound("alice") == contact
    alice.unregister()


def test_two_users(phone, pbx):
    alice, bob = phone("alice"), phone("bob")
    alice.register()
    bob.register()
    assert pbx.wait_bound("alice") != pbx.wait_bound("bob")
    alice.unregister()
    pbx.wait_unbound("alice")
    pbx.wait_bound("bob")
    bob.unregister()


def test_two_tabs_are_one_telephone(phone, pbx, rtp):
    tabs = [phone("alice"), phone("alice")]
    for tab in tabs:
        tab.register()
    contact = pbx.wait_bound("alice")
    invite = pbx.call(contact, "2001", DOMAIN, media.trunk_sdp(rtp().port))
    ringing = [tab.expect_request("INVITE") for tab in tabs]
    tabs[1].reply(ringing[1], 180, to_tag="x", contact=tabs[1].contact)
    tabs[0].answer(ringing[0])
    tabs[0].expect_request("ACK")
    tabs[1].reply(tabs[1].expect_request("CANCEL"), 200)
    tabs[1].reply(ringing[1], 487, to_tag="x")
    dialog, _ = pbx.answered(invite)
    bye = pbx.send(pbx.in_dialog(dialog, "BYE"))
    tabs[0].reply(tabs[0].expect_request("BYE"), 200)
    pbx.expect_response(bye, 200)
    tabs[0].unregister()
    pbx.wait_bound("alice")  # the other tab is still there
    tabs[1].unregister()
    pbx.wait_unbound("alice")


def test_lost_connection_unregisters_after_grace(daemon, phone, pbx):
    alice = phone("alice")
    alice.register()
    pbx.wait_bound("alice")
    alice.close()
    pbx.wait_unbound("alice")
    daemon.wait_metric("tandem_upstream_users", 0)


def test_a_peer_that_counts_nonces_is_left_to_its_clock(daemon, phone, pbx):
    pbx.nonce_lives = 1
    alice = phone("alice")
    alice.register()
    alice.close()
    pbx.wait_until(lambda: pbx.registers[-1][1] == 401 and pbx.registers[-1][0].header("Expires") == "0", "asked to forget")
    daemon.wait_metric("tandem_upstream_users", 0)
    assert "alice" in pbx.bindings


def test_return_within_grace(phone, pbx):
    alice = phone("alice")
    alice.register()
    contact = pbx.wait_bound("alice")
    alice.reconnect()
    alice.register()
    assert pbx.wait_bound("alice") == contact
    alice.unregister()


def test_call_out_with_the_browsers_credentials(phone, pbx, rtp):
    alice = phone("alice")
    alice.register()
    invite = alice.send(alice.request("INVITE", f"sip:0123@{DOMAIN}", body=media.browser_sdp()))
    first = pbx.expect_request("INVITE")
    assert first.uri == f"sip:0123@{DOMAIN}"
    assert sip.uri_of(first.header("From")) == f"sip:alice@{DOMAIN}"
    pbx.challenge_call(first)
    challenge = alice.expect_response(invite, 407)
    assert digest.parse(challenge.header("Proxy-Authenticate"))["realm"] == REALM
    alice.send(sip.ack_of_failure(invite, challenge))
    again = invite.copy().set("CSeq", "2 INVITE").set("Via", f"SIP/2.0/{alice.via};branch={sip.branch()}")
    again = alice.send(digest.authorize(again, challenge, "alice", PASSWORDS["alice"]))
    second = pbx.expect_request("INVITE")
    assert pbx.is_proven(second, "alice")
    pbx.answer(second, media.trunk_sdp(rtp().port))
    pbx.expect_request("ACK", second.call_id)
    dialog, _ = alice.answered(again)
    bye = alice.send(alice.in_dialog(dialog, "BYE"))
    pbx.reply(pbx.expect_request("BYE"), 200)
    alice.expect_response(bye, 200)
    alice.unregister()


def test_wrong_credentials_of_a_call_come_back(phone, pbx):
    alice = phone("alice")
    alice.register()
    invite = alice.send(alice.request("INVITE", f"sip:0123@{DOMAIN}", body=media.browser_sdp()))
    pbx.challenge_call(pbx.expect_request("INVITE"))
    challenge = alice.expect_response(invite, 407)
    alice.send(sip.ack_of_failure(invite, challenge))
    again = invite.copy().set("CSeq", "2 INVITE").set("Via", f"SIP/2.0/{alice.via};branch={sip.branch()}")
    again = alice.send(digest.authorize(again, challenge, "alice", "wrong"))
    second = pbx.expect_request("INVITE")
    assert not pbx.is_proven(second, "alice")
    pbx.reply(second, 403, to_tag="x")
    pbx.expect_request("ACK")
    alice.send(sip.ack_of_failure(again, alice.expect_response(again, 403)))
    alice.unregister()


def test_calls_follow_the_service_route(phone, pbx):
    pbx.extra = [("Service-Route", f"<sip:127.0.0.1:{pbx.port};lr>")]
    alice = phone("alice")
    alice.register()
    invite = alice.send(alice.request("INVITE", f"sip:0123@{DOMAIN}", body=media.browser_sdp()))
    request = pbx.expect_request("INVITE")
    assert request.header("Route") == f"<sip:127.0.0.1:{pbx.port};lr>"
    pbx.reply(request, 486, to_tag="x")
    pbx.expect_request("ACK")
    alice.send(sip.ack_of_failure(invite, alice.expect_response(invite, 486)))
    alice.unregister()


@pytest.mark.parametrize("uri", ["sip:elsewhere.test", f"sip:{DOMAIN}:5070", f"sip:{DOMAIN};maddr=192.0.2.1", f"sips:{DOMAIN}"])
def test_a_register_leads_the_pbx_nowhere_else(phone, pbx, uri):
    alice = phone("alice")
    request = alice.register_request()
    request.start = f"REGISTER {uri} SIP/2.0"
    assert alice.ask(request).status == 403
    assert not pbx.registers


@pytest.mark.parametrize("host", ["elsewhere.test", f"{DOMAIN}:5070", f"{DOMAIN};maddr=192.0.2.1"])
def test_a_call_leads_the_pbx_nowhere_else(phone, pbx, host):
    alice = phone("alice")
    alice.register()
    invite = alice.send(alice.request("INVITE", f"sip:0123@{host}", body=media.browser_sdp()))
    request = pbx.expect_request("INVITE")
    assert request.uri == f"sip:0123@{DOMAIN}"
    pbx.reply(request, 486, to_tag="x")
    pbx.expect_request("ACK")
    alice.send(sip.ack_of_failure(invite, alice.expect_response(invite, 486)))
    alice.unregister()


def test_local_user_is_unaffected(phone, pbx):
    carol = phone("carol", password="christmas")
    carol.register()
    assert "carol" not in pbx.bindings and not pbx.registers
    carol.unregister()


def test_credentials_go_nowhere_else(phone, pbx):
    """A call of a user of ours takes no Authorization along."""
    carol = phone("carol", password="christmas")
    carol.register()
    invite = carol.send(carol.request("INVITE", f"sip:0123@{DOMAIN}", body=media.browser_sdp(),
                                      headers=[("Proxy-Authorization", 'Digest username="carol", realm="elsewhere", nonce="n", '
                                                                       'uri="sip:0123@example.test", response="00"')]))
    request = pbx.expect_request("INVITE")
    assert request.header("Proxy-Authorization") is None
    pbx.reply(request, 486, to_tag="x")
    pbx.expect_request("ACK")
    carol.send(sip.ack_of_failure(invite, carol.expect_response(invite, 486)))
    carol.unregister()


# --- the gateway has them ---
def test_kept_credentials(daemon, phone, pbx, rtp):
    dora = phone("dora")
    dora.register()
    contact = pbx.wait_bound("2004")
    request, status = pbx.registers[-1]
    assert status == 200 and "dora" not in str(request.encode())
    daemon.wait_metric("tandem_upstream_registered_users", 1)
    # a call for her
    invite = pbx.call(contact, "2004", DOMAIN, media.trunk_sdp(rtp().port))
    ringing = dora.expect_request("INVITE")
    dora.answer(ringing)
    dora.expect_request("ACK")
    dialog, _ = pbx.answered(invite)
    bye = pbx.send(pbx.in_dialog(dialog, "BYE"))
    dora.reply(dora.expect_request("BYE"), 200)
    pbx.expect_response(bye, 200)
    # a call of hers: she hears of no challenge
    invite = dora.invite("0123", authorized=False)
    pbx.challenge_call(pbx.expect_request("INVITE"))
    second = pbx.expect_request("INVITE")
    assert sip.uri_of(second.header("From")) == f"sip:2004@{DOMAIN}" and pbx.is_proven(second, "2004")
    pbx.reply(second, 486, to_tag="x")
    pbx.expect_request("ACK")
    dora.send(sip.ack_of_failure(invite, dora.expect_response(invite, 486)))
    dora.unregister()
    pbx.wait_unbound("2004")


def test_kept_credentials_last_device(phone, pbx):
    tabs = [phone("dora"), phone("dora")]
    for tab in tabs:
        tab.register()
    pbx.wait_bound("2004")
    tabs[0].unregister()
    tabs[1].register()
    pbx.wait_bound("2004")
    tabs[1].close()
    pbx.wait_unbound("2004")


def test_kept_credentials_back_at_once(phone, pbx):
    dora = phone("dora")
    for _ in range(5):
        dora.register()
        dora.unregister()
    dora.register()
    pbx.wait_bound("2004")
    dora.unregister()
    pbx.wait_unbound("2004")


@pytest.mark.parametrize("seed", range(3))
def test_kept_credentials_over_a_bad_line(phone, pbx, seed):
    pbx.impair(loss=0.3, duplicate=0.3, delay=0.2, seed=seed)
    dora = phone("dora")
    for _ in range(3):
        dora.register()
        dora.unregister()
    dora.register()
    pbx.wait_bound("2004", timeout=60)
    dora.unregister()
    pbx.wait_unbound("2004", timeout=60)
    pbx.impair()


def test_kept_credentials_too_brief(phone, pbx):
    pbx.min_expires = 300
    dora = phone("dora")
    dora.register()
    pbx.wait_bound("2004")
    assert 423 in [status for _, status in pbx.registers]
    dora.unregister()


def test_kept_credentials_pbx_restart_noticed_by_a_refusal(daemon, phone, pbx):
    dora = phone("dora")
    dora.register()
    contact = pbx.wait_bound("2004")
    pbx.expect_silence(seconds=5.1)  # a registration that is as new is not doubted
    pbx.forget()
    invite = dora.invite("0123", authorized=False)
    pbx.reply(pbx.expect_request("INVITE"), 403, reason="Who Are You", to_tag="x")
    pbx.expect_request("ACK")
    dora.send(sip.ack_of_failure(invite, dora.expect_response(invite, 403)))
    assert pbx.wait_bound("2004") == contact
    dora.unregister()


def test_kept_credentials_pbx_away_for_a_while(daemon, phone, pbx):
    pbx.refuses = (503, "Starting")
    dora = phone("dora")
    dora.register()
    pbx.wait_until(lambda: len(pbx.registers) >= 2, "asked again")
    pbx.refuses = None
    pbx.wait_bound("2004")
    dora.unregister()


def test_forged_contact_reaches_nobody(phone, pbx, rtp):
    dora = phone("dora")
    dora.register()
    pbx.wait_bound("2004")
    invite = pbx.call(f"sip:{'0' * 20}@127.0.0.1", "2004", DOMAIN, media.trunk_sdp(rtp().port))
    pbx.send(sip.ack_of_failure(invite, pbx.expect_response(invite, 404)))
    dora.unregister()


# --- configuration ---
@pytest.fixture
def one_pbx(trunk_port):
    """Makes the PBX of one daemon, before the daemon starts."""
    def listen(tandem, transport=UdpPbx):
        return transport((tandem.host, tandem.sip_port), port=trunk_port, name="pbx")

    with maker(listen, then=lambda pbx: pbx.start_registrar(PASSWORDS)) as make:
        yield make


@pytest.fixture
def one_browser():
    """Makes registered browsers of one daemon."""
    def connect(tandem, user, password):
        return Browser(tandem.host, tandem.web_port, user, DOMAIN, password=password)

    with maker(connect, then=Browser.register) as make:
        yield make


def test_shutdown_unregisters_everybody(own_daemon, one_pbx, one_browser, trunk_port):
    tandem = own_daemon({**CONFIG, "trunks": [{"peer": f"sip:127.0.0.1:{trunk_port}", **TRUNK}]})
    pbx = one_pbx(tandem)
    tandem.start()
    one_browser(tandem, "alice", PASSWORDS["alice"])
    one_browser(tandem, "dora", "explorer")
    pbx.wait_bound("2004")
    tandem.stop()
    pbx.wait_unbound("alice")
    pbx.wait_unbound("2004")


def test_reload_while_it_ends_registers_nobody(own_daemon, one_pbx, one_browser, trunk_port):
    tandem = own_daemon({**CONFIG, "trunks": [{"peer": f"sip:127.0.0.1:{trunk_port}", **TRUNK}]})
    pbx = one_pbx(tandem)
    tandem.start()
    dora = one_browser(tandem, "dora", "explorer")
    invite = pbx.call(pbx.wait_bound("2004"), "2004", DOMAIN, media.trunk_sdp(9))
    ringing = dora.expect_request("INVITE")
    tandem.process.send_signal(signal.SIGTERM)  # it waits for the call
    pbx.wait_unbound("2004")
    n_registers = len(pbx.registers)
    assert "was not reloaded: the gateway is stopping" in tandem.reload({})
    dora.reply(ringing, 486, to_tag="x")
    pbx.send(sip.ack_of_failure(invite, pbx.expect_response(invite, 486)))
    tandem.process.wait(20)
    tandem.stop()
    assert len(pbx.registers) == n_registers and "2004" not in pbx.bindings


def test_reload_with_another_password(own_daemon, one_pbx, one_browser, trunk_port):
    tandem = own_daemon({"users": [{**DORA, "upstream_password": "wrong"}], "trunks": [{"peer": f"sip:127.0.0.1:{trunk_port}", **TRUNK}]})
    pbx = one_pbx(tandem)
    tandem.start()
    one_browser(tandem, "dora", "explorer")
    tandem.wait_log("dora at pbx: not registered: 401")
    assert "2004" not in pbx.bindings
    tandem.reload({"users": [DORA]})
    pbx.wait_bound("2004")
    # a user who is somebody at the PBX no more leaves it
    tandem.reload({"users": [{"name": "dora", "password": "explorer"}]})
    pbx.wait_unbound("2004")
    tandem.stop()


def test_the_password_for_the_pbx_may_be_a_hash(own_daemon, one_pbx, one_browser, trunk_port):
    ha1 = hashlib.md5(f"2004:{REALM}:kept".encode()).hexdigest()
    hashed = {name: value for name, value in DORA.items() if name != "upstream_password"}
    trunk = {"peer": f"sip:127.0.0.1:{trunk_port}", **TRUNK, "realm": REALM}
    tandem = own_daemon({"users": [{**hashed, "upstream_ha1_md5": ha1}], "trunks": [trunk]})
    pbx = one_pbx(tandem)
    tandem.start()
    dora = one_browser(tandem, "dora", "explorer")
    pbx.wait_bound("2004")
    number = "5551234"
    dora.invite(number, media.browser_sdp(), authorized=False)
    invite = pbx.expect_request("INVITE")
    pbx.challenge_call(invite)
    again = pbx.expect_request("INVITE")
    assert pbx.is_proven(again, "2004")
    pbx.reply(again, 486, to_tag="x")
    pbx.expect_request("ACK", again.call_id)
    # another hash is another password
    tandem.reload({"users": [{**hashed, "upstream_ha1_md5": "0" * 32}]})
    tandem.wait_log("dora at pbx: not registered: 401")
    tandem.stop()


def test_a_pbx_that_was_away_hears_of_its_users_again(own_daemon, one_pbx, one_browser, trunk_port):
    trunk = {"peer": f"sip:127.0.0.1:{trunk_port}", **TRUNK, "expires_seconds": 3600, "options_seconds": 1}
    tandem = own_daemon({"users": [DORA], "trunks": [trunk]})
    pbx = one_pbx(tandem)
    tandem.start()
    one_browser(tandem, "dora", "explorer")
    pbx.wait_bound("2004")
    is_up = f'tandem_trunk_peer_up{{trunk="pbx",peer="127.0.0.1:{trunk_port}"}}'
    pbx.close()
    tandem.wait_metric(is_up, 0)
    with contextlib.closing(UdpPbx((tandem.host, tandem.sip_port), port=trunk_port, name="pbx anew")) as anew:
        anew.start_registrar(PASSWORDS)
        deadline = Deadline(10)
        while "2004" not in anew.bindings:
            assert not deadline.is_over(), "it hears nothing of her"
            anew.expect_silence(lambda message: False, 0.05)  # it answers OPTIONS meanwhile
        tandem.stop()


def test_reload_keeps_those_who_proved_themselves_there(own_daemon, one_pbx, one_browser, trunk_port):
    trunk = {"peer": f"sip:127.0.0.1:{trunk_port}", **TRUNK}
    tandem = own_daemon({**CONFIG, "trunks": [trunk]})
    pbx = one_pbx(tandem)
    tandem.start()
    alice = one_browser(tandem, "alice", PASSWORDS["alice"])
    contact = pbx.wait_bound("alice")
    tandem.reload({"trunks": [{**trunk, "expires_seconds": 90}]})
    invite = pbx.call(contact, "2001", DOMAIN, media.trunk_sdp(9))
    alice.reply(alice.expect_request("INVITE"), 486, to_tag="x")
    pbx.send(sip.ack_of_failure(invite, pbx.expect_response(invite, 486)))
    tandem.stop()


@pytest.mark.parametrize("users, mistake", [
    ([{"name": "dora", "upstream": "nowhere"}], "upstream is no trunk"),
    ([{"name": "dora", "password": "x", "upstream": "pbx"}], "needs an upstream_password"),
    ([{"name": "dora", "password": "x", "upstream_password": "y"}], "needs an upstream"),
    ([{"name": "dora", "upstream": "pbx", "upstream_username": "y"}], "needs an upstream_password"),
    ([{"name": "dora", "password": "x", "upstream_ha1_md5": "0" * 32}], "needs an upstream"),
    ([{"name": "dora", "password": "x", "upstream": "pbx", "upstream_ha1_md5": "0" * 32}], "a hash is good for one realm only"),
    ([{"name": "dora", "password": "x", "upstream": "pbx", "upstream_password": "y", "upstream_ha1_md5": "0" * 32}],
     "upstream_ha1_md5 stands there beside upstream_password"),
])
def test_mistakes_in_the_configuration(own_daemon, users, mistake):
    tandem = own_daemon({"users": users})
    result = subprocess.run([find_binary(), "-t", "-c", tandem.write_config()], capture_output=True, text=True, check=False)
    assert result.returncode == 1 and mistake in result.stderr


# --- a trunk that registers itself ---
def test_trunk_registers_itself(own_daemon, one_pbx, trunk_port):
    tandem = own_daemon({"trunks": own_trunk(trunk_port)})
    pbx = one_pbx(tandem)
    tandem.start()
    pbx.wait_bound("2004")
    tandem.wait_metric('tandem_trunk_registered{trunk="pbx"}', 1)
    tandem.stop()
    pbx.wait_unbound("2004")


def test_trunk_that_is_not_registered_is_no_good_health(own_daemon, one_pbx, trunk_port):
    tandem = own_daemon({"trunks": own_trunk(trunk_port)})
    pbx = one_pbx(tandem)
    tandem.start()
    pbx.refuses = (403, "No More")
    tandem.reload({"trunks": own_trunk(trunk_port, expires_seconds=70)})
    tandem.wait_metric('tandem_trunk_registered{trunk="pbx"}', 0)
    health = tandem.health()
    assert health.status == 503 and "trunk pbx is not registered" in health.text
    tandem.stop()


def test_trunk_registers_again_when_its_connection_closes(own_daemon, one_pbx, trunk_port):
    tandem = own_daemon({"trunks": own_trunk(trunk_port, transport="tcp")})
    pbx = one_pbx(tandem, TcpPbx)
    tandem.start()
    pbx.wait_bound("2004")
    pbx.forget()
    for connection in list(pbx.connections):
        connection.shutdown(socket.SHUT_RDWR)
    pbx.wait_bound("2004")
    tandem.stop()


def test_call_to_the_trunks_own_contact_goes_by_to(own_daemon, one_pbx, one_browser, trunk_port):
    tandem = own_daemon({"trunks": own_trunk(trunk_port)})
    pbx = one_pbx(tandem)
    tandem.start()
    contact = pbx.wait_bound("2004")
    bob = one_browser(tandem, "bob", "builder")
    invite = pbx.call(contact, "bob", DOMAIN, media.trunk_sdp(9))
    bob.reply(bob.expect_request("INVITE"), 486, to_tag="x")
    pbx.send(sip.ack_of_failure(invite, pbx.expect_response(invite, 486)))
    tandem.stop()
