"""Secrets that do not stand in the configuration: files, the environment, hashes."""

import contextlib
import re
import subprocess

import pytest
from tandem_test import digest, sip
from tandem_test.browser import Browser
from tandem_test.daemon import find_binary
from tandem_test.demanding import DemandingTrunk, Realm
from tandem_test.trunk import UdpTrunk

DOMAIN = "example.test"


def hashes(user, realm, password):
    """What "tandem hash" prints, as options."""
    result = subprocess.run([find_binary(), "hash", user, realm], input=password + "\n", capture_output=True, text=True, check=True)
    return dict(re.findall(r'(\w+) = "([0-9a-f]+)";', result.stdout))


def register(tandem, user, password, status=200, algorithm=None):
    with contextlib.closing(Browser(tandem.host, tandem.web_port, user, DOMAIN, password=password)) as browser:
        browser.authorized(lambda: browser.register_request(), status, algorithm=algorithm)


def test_a_password_in_a_file_is_read_again(own_daemon, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("first secret\n")
    secret.chmod(0o600)
    tandem = own_daemon({"users": [{"name": "alice", "password_file": str(secret)}]}).start()
    register(tandem, "alice", "first secret")
    secret.write_text("second\n")
    tandem.reload({})
    register(tandem, "alice", "first secret", 403)
    register(tandem, "alice", "second")
    secret.unlink()
    assert "was not reloaded" in tandem.reload({})
    register(tandem, "alice", "second")
    assert not [line for line in tandem.lines if "first secret" in line]


def test_a_password_of_the_environment(own_daemon):
    tandem = own_daemon({"users": [{"name": "alice", "password_env": "ALICE"}]})
    tandem.environment["ALICE"] = "from outside"
    tandem.start()
    register(tandem, "alice", "from outside")


def test_a_hash_printed_by_the_command(own_daemon):
    tandem = own_daemon({"users": [{"name": "alice", **hashes("alice", DOMAIN, 'wonder "land')},
                                   {"name": "bob", "ha1_md5": hashes("bob", DOMAIN, "builder")["ha1_md5"]}]}).start()
    register(tandem, "alice", 'wonder "land')
    register(tandem, "alice", 'wonder "land', algorithm="MD5")
    register(tandem, "alice", "wonderland", 403)
    register(tandem, "bob", "builder", algorithm="MD5")
    register(tandem, "bob", "builder", 403, algorithm="SHA-256")  # there is no hash for it


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_trunk_with_a_hash(own_daemon, trunk_port, algorithm):
    name = {"MD5": "ha1_md5", "SHA-256": "ha1_sha256"}[algorithm]
    trunk = {"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}", "username": "gateway", "realm": "pbx",
             name: hashes("gateway", "pbx", "secret")[name]}
    tandem = own_daemon({"trunks": [trunk]}).start()
    realm = Realm("pbx", "gateway", "secret", algorithm=algorithm, offers=["SHA-512-256", "SHA-256", "MD5"])
    with contextlib.closing(DemandingTrunk((tandem.host, tandem.sip_port), port=trunk_port)) as peer:
        peer.demand(realm)
        with contextlib.closing(Browser(tandem.host, tandem.web_port, "alice", DOMAIN, password="wonderland")) as alice:
            alice.register()
            text = alice.send(alice.request("MESSAGE", f"sip:1001@{DOMAIN}", body="hello").set("Content-Type", "text/plain"))
            peer.reply(peer.expect_request("MESSAGE"), 202, to_tag="t")
            alice.expect_response(text, 202)
    assert realm.verdicts[-1] == ("MESSAGE", "right")


def test_a_trunk_that_proves_itself_against_a_hash(own_daemon):
    ha1 = hashes("spa", DOMAIN, "sipura")["ha1_md5"]
    tandem = own_daemon({"trunks": [{"name": "ata", "inbound_username": "spa", "inbound_ha1_md5": ha1}],
                         "routes": []}).start()
    with contextlib.closing(UdpTrunk((tandem.host, tandem.sip_port))) as ata:
        def ask(password):
            request = sip.request("MESSAGE", f"sip:alice@{DOMAIN}", f"<sip:1@{ata.host}>;tag=a", f"<sip:alice@{DOMAIN}>", ata.via,
                                  body="x", content_type="text/plain")
            challenge = ata.ask(request, 407)
            again = request.copy().set("CSeq", "2 MESSAGE").set("Via", f"SIP/2.0/{ata.via};branch={sip.branch()}")
            return ata.ask(digest.authorize(again, challenge, "spa", password)).status

        assert ask("wrong") == 403
        assert ask("sipura") == 480  # taken; alice is not there


@pytest.mark.parametrize("users, trunks, said", [
    ([{"name": "a", "ha1_md5": "X" * 32}], {}, r"users\[0\].ha1_md5 is no hash"),
    ([{"name": "a", "ha1_md5": "0" * 31}], {}, r"users\[0\].ha1_md5 is too short"),
    ([{"name": "a", "ha1_md5": "0" * 32, "password": "x"}], {}, "one of both is enough"),
    ([], {"username": "u", "ha1_md5": "0" * 32}, "realm is missing: a hash is good for one realm only"),
    ([], {"ha1_md5": "0" * 32, "realm": "r"}, "needs a username for its hash"),
    ([], {"username": "u", "password_file": "/nowhere/at/all"}, r"password_file cannot be read: /nowhere/at/all: No such file"),
    ([], {"username": "u", "password_env": "NOT_THERE_AT_ALL"}, r"password_env names NOT_THERE_AT_ALL"),
])
def test_mistakes(own_daemon, users, trunks, said):
    path = own_daemon({"users": users, "trunks": [{"name": "pbx", "peer": "sip:127.0.0.1", **trunks}]}).write_config()
    result = subprocess.run([find_binary(), "-t", "-c", str(path)], capture_output=True, text=True)
    assert result.returncode == 1 and re.search(said, result.stderr), result.stderr


def test_a_file_that_everybody_reads_is_warned_of(own_daemon, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hidden value\n")
    secret.chmod(0o644)
    path = own_daemon({"users": [{"name": "a", "password_file": str(secret)}]}).write_config()
    result = subprocess.run([find_binary(), "-t", "-c", str(path)], capture_output=True, text=True)
    assert result.returncode == 0 and "password_file names a file that everybody" in result.stderr
    assert "hidden value" not in result.stderr + result.stdout
