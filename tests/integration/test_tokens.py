"""Browsers that log in with a signed token (RFC 8898, RFC 7519) in place of a password."""

import contextlib
import json
import time

import pytest
from tandem_test import digest, sip
from tandem_test.browser import Browser
from tandem_test.token import Signer, encode

DOMAIN = "example.test"
SIGNERS = [Signer("RS256", "rsa"), Signer("ES256", "ec"), Signer("EdDSA", "ed")]
ED = SIGNERS[2]
SERVER = "https://id.example/login"


def prepare(directory, config):
    keys = directory / "keys.json"
    keys.write_text(json.dumps({"keys": [signer.jwk() for signer in SIGNERS]}))
    config["tokens"] = {"key_file": "keys.json", "issuer": "https://id.example", "audience": "tandem", "leeway_seconds": 0,
                        "authorization_server": SERVER}
    config["registrar"] = {"expires_min_seconds": 1, "expires_seconds": 600}
    config["routes"] = [{"match": "^7", "group": "sales", "to": "deny"}, {"match": "^7", "to": "user"}, *config["routes"]]
    return config


def bearer(request, token):
    return request.set("Authorization", f"Bearer {token}")


def register(browser, token, status=200, **options):
    return browser.ask(bearer(browser.register_request(**options), token), status)


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.algorithm)
def test_a_token_of_each_algorithm_signs_in(browser, signer):
    dave = browser("dave")  # of whom the configuration knows nothing
    register(dave, signer.token("dave"))
    text = dave.request("MESSAGE", f"sip:bob@{DOMAIN}", body="hello").set("Content-Type", "text/plain")
    dave.ask(text, 480)  # the connection is his: no question
    register(dave, signer.token("dave"), expires=0)


def test_the_challenge_says_where_tokens_are(browser):
    dave = browser("dave")
    response = dave.ask(dave.register_request(), 401)
    offered = response.values("WWW-Authenticate")
    assert offered[0] == f'Bearer realm="{DOMAIN}", authz_server="{SERVER}"'
    assert [digest.parse(value)["algorithm"] for value in offered[1:]] == ["SHA-256", "MD5"]  # the last is what browsers read


def test_passwords_go_on(alice, bob):
    text = alice.send(alice.request("MESSAGE", f"sip:bob@{DOMAIN}", body="x").set("Content-Type", "text/plain"))
    bob.reply(bob.expect_request("MESSAGE"), 200, to_tag="b")
    alice.expect_response(text, 200)


def attacks():
    stranger = Signer("EdDSA", "ed")
    head, body, signature = ED.token("dave").split(".")
    forged = encode(json.dumps({"sub": "dave", "iss": "https://id.example", "aud": "tandem", "exp": time.time() + 300}).encode())
    none = encode(b'{"alg":"none"}')
    return {
        "expired": ED.token("dave", seconds=-1),
        "not yet": ED.token("dave", nbf=time.time() + 60),
        "another user's": ED.token("mallory"),
        "another issuer's": ED.token("dave", iss="https://evil"),
        "for another": ED.token("dave", aud=["mail"]),
        "no end": ED.token("dave", exp=None),
        "a stranger's key": stranger.token("dave"),
        "no such kid": ED.token("dave", header={"kid": "gone"}),
        "changed claims": f"{head}.{forged}.{signature}",
        "alg none": f"{none}.{body}.",
        "alg none, signed": f"{none}.{body}.{signature}",
        "another alg": ED.token("dave", header={"alg": "RS256", "kid": "rsa"}),
        "no token": "x",
        "huge": "a" * 7000,
    }


@pytest.mark.parametrize("attack", sorted(attacks()))
def test_what_is_no_good_is_refused(daemon, browser, attack):
    dave = browser("dave")
    start = len(daemon.lines)
    response = register(dave, attacks()[attack], 401)
    offered = response.values("WWW-Authenticate")
    assert len(offered) == 1 and 'error="invalid_token"' in offered[0]
    line = daemon.wait_log("the token is no good", start=start)
    assert attacks()[attack][:60] not in line, "no token stands in the log"
    dave.ask(dave.request("MESSAGE", f"sip:bob@{DOMAIN}", body="x").set("Content-Type", "text/plain"), 407)


def test_the_binding_ends_with_the_token_and_a_new_one_goes_on(browser, alice):
    dave = browser("dave")
    response = register(dave, ED.token("dave", seconds=3.5))
    assert 1 <= int(sip.parameter(response.header("Contact"), "expires")) <= 3
    register(dave, ED.token("dave", seconds=300))
    response = dave.ask(dave.register_request())
    assert int(sip.parameter(response.header("Contact"), "expires")) > 250
    register(dave, ED.token("dave", seconds=2.5))
    deadline = time.monotonic() + 10
    while dave.ask(dave.request("MESSAGE", f"sip:bob@{DOMAIN}", body="x").set("Content-Type", "text/plain")).status == 480:
        assert time.monotonic() < deadline, "the proof outlives the token"
        time.sleep(0.1)
    alice.ask(alice.request("MESSAGE", f"sip:dave@{DOMAIN}", body="x").set("Content-Type", "text/plain"), 404)  # the binding is gone too
    register(dave, ED.token("dave"))
    register(dave, ED.token("dave"), expires=0)


@pytest.mark.parametrize("groups, status", [(["office", "sales"], 403), (["office"], 404), (None, 404)])
def test_routes_go_by_the_groups_of_the_token(browser, groups, status):
    token = ED.token("dave", groups=groups) if groups else ED.token("dave")
    dave = browser("dave")
    register(dave, token)
    dave.expect_response(dave.invite("77", authorized=False), status)
    register(dave, token, expires=0)


def test_each_request_may_show_it(browser):
    """As JsSIP does (authorization_jwt): Authorization, though a proxy would ask by 407."""
    dave = browser("dave")
    text = dave.request("MESSAGE", f"sip:bob@{DOMAIN}", body="x").set("Content-Type", "text/plain")
    dave.ask(bearer(text, ED.token("dave")), 480)
    text = dave.request("MESSAGE", f"sip:bob@{DOMAIN}", body="x").set("Content-Type", "text/plain")
    dave.ask(bearer(text, ED.token("mallory")), 407)  # what is shown must be right all the same


def test_keys_are_read_again(own_daemon, tmp_path):
    first, second = Signer("ES256"), Signer("ES256")
    keys = tmp_path / "key.pem"
    keys.write_text(first.pem())
    tandem = own_daemon({"tokens": {"key_file": str(keys), "audience": "tandem"}}).start()
    with contextlib.closing(Browser(tandem.host, tandem.web_port, "dave", DOMAIN)) as dave:
        register(dave, first.token("dave"))
        keys.write_text(second.pem())
        tandem.reload({})
        register(dave, first.token("dave"), 401)
        register(dave, second.token("dave"))


@pytest.mark.parametrize("tokens, said", [
    ({"issuer": "x"}, "tokens.key_file is missing"),
    ({"key_file": "nowhere.pem"}, "tokens.key_file cannot be read"),
    ({"key_file": "tandem.conf"}, "tokens.key_file holds no public key"),
])
def test_mistakes(own_daemon, tokens, said):
    import subprocess

    from tandem_test.daemon import find_binary

    path = own_daemon({"tokens": tokens}).write_config()
    result = subprocess.run([find_binary(), "-t", "-c", str(path)], capture_output=True, text=True)
    assert result.returncode == 1 and said in result.stderr, result.stderr
