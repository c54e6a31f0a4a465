"""What a trunk is shown that asks for credentials: {algorithm x qop x stale x realm x method} (RFC 3261, section 22; RFC 7616; RFC 8760)."""

import contextlib
import itertools
import signal

import pytest
from tandem_test import calls as calls_module
from tandem_test import sip
from tandem_test.demanding import DemandingTrunk, Realm
from tandem_test.transfer import refer_accepted, refer_to

REALM, USERNAME, PASSWORD = "pbx.test", "gateway", 'pass "word'
CONFIG = {**calls_module.CONFIG}
DOMAIN = "example.test"

ALGORITHMS = ["MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess", "SHA-512-256-sess"]
QOPS = [None, "auth", "auth,auth-int", "auth-int"]
MATRIX = [(algorithm, qop, stale) for algorithm, qop, stale in itertools.product(ALGORITHMS, QOPS, (False, True))
          if qop or not algorithm.endswith("-sess")]


def prepare(directory, config):
    config["trunks"][0].update(username=USERNAME, password=PASSWORD, realm=REALM)
    return config


@pytest.fixture
def trunk(daemon, trunk_port):
    peer = DemandingTrunk((daemon.host, daemon.sip_port), port=trunk_port)
    yield peer
    peer.close()


@pytest.fixture
def alice(calls):
    peer = calls.user()
    yield peer
    peer.unregister()


def realm_of(**options):
    return Realm(**{"name": REALM, "username": USERNAME, "password": PASSWORD, **options})


def verdicts(realm, method=None):
    return [verdict for of, verdict in realm.verdicts if method in (None, of)]


def check_round(realm, method, stale=False, first=("absent", "unknown")):
    """Asked once where nothing fit was shown; once more for a nonce that was old; then right."""
    seen = verdicts(realm, method)
    realm.verdicts.clear()
    assert seen[-1] == "right" and set(seen[:-1]) <= {*first, "stale"}, seen
    assert seen.count("stale") == stale and len(seen) <= 2 + stale, seen
    return seen


# --- the matrix ---
@pytest.mark.parametrize("algorithm, qop, stale", MATRIX)
def test_the_matrix_in_a_call(calls, trunk, algorithm, qop, stale):
    """INVITE, ACK, PRACK, INFO, re-INVITE, BYE; each nonce serves as long as it may."""
    realm = trunk.demand(realm_of(algorithm=algorithm, qop=qop, status=407, opaque="o,1"))
    realm.stale_next = stale
    call = calls("browser-trunk")
    call.dial()
    invite = call.arrive()
    check_round(realm, "INVITE", stale)
    call.called.reply(invite, 180, headers=[("Require", "100rel"), ("RSeq", "7")])
    call.called.reply(call.called.expect("PRACK"), 200)
    check_round(realm, "PRACK")
    ack = call.answer()
    assert ack.values("Proxy-Authorization") == invite.values("Proxy-Authorization")  # RFC 3261, section 13.2.2.4
    call.answered()
    info = call.caller.send(call.caller.request("INFO", body="1", content_type="text/plain"))
    realm.stale_next = stale
    call.called.reply(call.called.expect("INFO"), 200)
    call.caller.response(info, 200)
    check_round(realm, "INFO", stale)
    hold = call.caller.reinvite("sendonly")
    call.called.answer_reinvite("recvonly")
    call.caller.response(hold, 200)
    call.caller.ack(hold)
    seen = check_round(realm, "INVITE")
    assert len(seen) == (1 if qop else 2), "with qop a nonce serves many requests, without it one"
    realm.stale_next = stale
    call.hang_up()
    check_round(realm, "BYE", stale)


@pytest.mark.parametrize("algorithm, qop, stale", MATRIX)
def test_the_matrix_outside_of_calls(alice, trunk, algorithm, qop, stale):
    realm = trunk.demand(realm_of(algorithm=algorithm, qop=qop))
    realm.stale_next = stale
    text = alice.send(alice.request("MESSAGE", f"sip:1001@{DOMAIN}", body="hello").set("Content-Type", "text/plain"))
    trunk.reply(trunk.expect_request("MESSAGE"), 202, to_tag="t")
    alice.expect_response(text, 202)
    check_round(realm, "MESSAGE", stale)
    realm.stale_next = stale
    wish = alice.send(alice.request("SUBSCRIBE", f"sip:1001@{DOMAIN}", headers=[("Event", "dialog"), ("Expires", "0"),
                                                                                ("Contact", alice.contact)]))
    asked = trunk.expect_request("SUBSCRIBE")
    check_round(realm, "SUBSCRIBE", stale)
    trunk.reply(asked, 489, to_tag="t")
    alice.expect_response(wish, 489)


def test_a_notify(calls, trunk):
    call = calls.up("trunk-browser")
    one = call.caller
    target = calls.end("browser", "target")
    realm = trunk.demand(realm_of(algorithm="SHA-256"))
    refer_accepted(one, refer_to(call, target.user))
    one.reply(one.expect("NOTIFY"), 200)
    check_round(realm, "NOTIFY")
    call.hang_up("called")
    one.reply(one.expect("NOTIFY"), 200)  # what came of it
    one.peer.expect_silence(lambda m: m.is_request and m.method == "BYE", 0.1)


# --- which, and how often ---
@pytest.mark.parametrize("offers, chosen", [
    (["MD5", "SHA-256"], "SHA-256"), (["SHA-256", "MD5"], "SHA-256"), (["SHA-512-256", "SHA-256", "MD5"], "SHA-512-256"),
    (["AKAv1-MD5", "MD5"], "MD5"), (["SHA-1", "SHA-256-sess"], "SHA-256-sess")])
def test_the_strongest_that_is_known_answers(alice, trunk, offers, chosen):
    realm = trunk.demand(realm_of(algorithm=chosen, offers=offers))
    text = alice.send(alice.request("MESSAGE", f"sip:1001@{DOMAIN}", body="hello").set("Content-Type", "text/plain"))
    trunk.reply(trunk.expect_request("MESSAGE"), 202, to_tag="t")
    alice.expect_response(text, 202)
    check_round(realm, "MESSAGE")


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "BYE"])
@pytest.mark.parametrize("why", ["password", "realm"])
def test_one_answer_that_is_refused_is_the_last(calls, alice, trunk, method, why):
    wrong = {"password": {"password": "another"}, "realm": {"name": "elsewhere"}}[why]
    realm = realm_of(status=407, **wrong)
    given = ["absent", "unknown"] if why == "realm" else ["absent", "unknown", "wrong: response"]
    if method == "INVITE":
        trunk.demand(realm)
        call = calls("browser-trunk")
        call.dial()
        with pytest.raises(AssertionError, match="no INVITE"):
            call.arrive(0.5)
        call.refused(403)
    elif method == "MESSAGE":
        trunk.demand(realm)
        text = alice.send(alice.request("MESSAGE", f"sip:1001@{DOMAIN}", body="hello").set("Content-Type", "text/plain"))
        with pytest.raises(AssertionError, match="no request"):
            trunk.expect_request("MESSAGE", timeout=0.5)
        alice.expect_response(text, 403)
    else:
        call = calls.up("browser-trunk")
        trunk.demand(realm)
        call.caller.ask("BYE", 200)
        call.called.silence("BYE")
    seen = verdicts(realm, method)
    assert len(seen) <= 2 and set(seen) <= set(given), seen
    assert why == "password" or seen == ["absent"], "nothing of ours is for another realm"


def test_a_peer_that_is_never_content(alice, trunk):
    """It says stale for ever: the rounds are counted."""
    realm = trunk.demand(realm_of())
    realm.stale_next = 100
    text = alice.send(alice.request("MESSAGE", f"sip:1001@{DOMAIN}", body="hello").set("Content-Type", "text/plain"))
    with pytest.raises(AssertionError, match="no request"):
        trunk.expect_request("MESSAGE", timeout=0.5)
    alice.expect_response(text, 403)
    assert 3 <= len(realm.verdicts) <= 6


def test_the_next_nonce_of_authentication_info(alice, trunk):
    realm = trunk.demand(realm_of(algorithm="SHA-256", status=407))
    realm.next_nonces = True
    for number in range(4):
        text = alice.send(alice.request("MESSAGE", f"sip:1001@{DOMAIN}", body="hello").set("Content-Type", "text/plain"))
        got = trunk.expect_request("MESSAGE")
        trunk.reply(got, 202, to_tag="t")
        alice.expect_response(text, 202)
        assert "nc=00000001" in got.header("Proxy-Authorization")
        assert number == 0 or verdicts(realm) == ["right"]
        realm.verdicts.clear()


def test_a_realm_behind_another(own_daemon, trunk_port):
    """A proxy's and its server's, with one login: each is asked for, the other's answer stays with the request."""
    tandem = own_daemon({"trunks": [{"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}", "username": USERNAME,
                                     "password": PASSWORD}], "registrar": {"authentication": "none"}}).start()
    from tandem_test.browser import Browser

    peer = DemandingTrunk((tandem.host, tandem.sip_port), port=trunk_port)
    alice = Browser(tandem.host, tandem.web_port, "alice", DOMAIN)
    proxy, server = realm_of(name="proxy", status=407), realm_of(name="server", status=401, algorithm="SHA-256")
    peer.demand(proxy, server)
    for expectation in ((["absent", "right", "right"], ["absent", "right"]), (["right"], ["right"])):
        text = alice.send(alice.request("MESSAGE", f"sip:1001@{DOMAIN}", body="hello").set("Content-Type", "text/plain"))
        peer.reply(peer.expect_request("MESSAGE"), 202, to_tag="t")
        alice.expect_response(text, 202)
        assert (verdicts(proxy), verdicts(server)) == expectation
        proxy.verdicts.clear()
        server.verdicts.clear()
    alice.close()
    peer.close()


# --- REGISTER ---
def register_with(own_daemon, trunk_port, realm, password=PASSWORD):
    """A daemon whose trunk is to register from now on, and its peer."""
    trunk = {"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}", "username": USERNAME, "realm": REALM, "password": password}
    tandem = own_daemon({"trunks": [trunk]}).start()
    peer = DemandingTrunk((tandem.host, tandem.sip_port), port=trunk_port)
    peer.demand(realm)
    tandem.reload({**tandem.config, "trunks": [{**trunk, "register": True}]})
    return tandem, peer


@pytest.mark.parametrize("algorithm, qop, stale", [("MD5", "auth", False), ("MD5", None, True), ("SHA-256", "auth", True),
                                                   ("SHA-512-256", "auth-int", True), ("SHA-256-sess", "auth", False)])
def test_register(own_daemon, trunk_port, algorithm, qop, stale):
    realm = realm_of(algorithm=algorithm, qop=qop)
    realm.stale_next = stale
    tandem, peer = register_with(own_daemon, trunk_port, realm)
    with contextlib.closing(peer):
        asked = peer.expect_request("REGISTER")
        check_round(realm, "REGISTER", stale)
        contact = asked.header("Contact").partition(";expires")[0]
        peer.reply(asked, 200, to_tag="r", headers=[("Contact", f"{contact};expires=4")])
        refresh = peer.expect_request("REGISTER")
        seen = check_round(realm, "REGISTER")
        assert len(seen) == (1 if qop else 2)
        peer.reply(refresh, 200, to_tag="r", headers=[("Contact", f"{contact};expires=3600")])
        tandem.wait_metric('tandem_trunk_registered{trunk="pbx"}', 1)
        tandem.process.send_signal(signal.SIGTERM)
        last = peer.expect_request("REGISTER")
        assert last.header("Expires") == "0"
        peer.reply(last, 200, to_tag="r")
        tandem.process.wait(30)


def test_a_register_with_a_wrong_password_ends(own_daemon, trunk_port):
    realm = realm_of()
    tandem, peer = register_with(own_daemon, trunk_port, realm, "another")
    with contextlib.closing(peer):
        peer.expect_silence(lambda m: m.is_request, 1.0)
        assert verdicts(realm) == ["absent", "wrong: response"]
        tandem.wait_log("the credentials are wrong")
