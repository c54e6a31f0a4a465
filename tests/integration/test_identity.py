"""Who calls, and what the other side may hear of him: From, P-Asserted-Identity, Remote-Party-ID, Privacy, Diversion,
History-Info; and that nothing of one side's network shows on the other."""

import pytest
from tandem_test import media, sip
from tandem_test.trunk import UdpTrunk
from tandem_test.net import kept_port

DOMAIN = "example.test"
NAMES = ("plain", "pai", "rpid")
SECRETS = ("inner.example", "10.99.0.1", "Spy/1.0")
SPY = [("User-Agent", "Spy/1.0"), ("X-Inner", "inner.example"), ("Warning", '399 inner.example "oh"'),
       ("Server", "Spy/1.0"), ("Call-Info", "<http://inner.example/a.png>;purpose=icon")]
PORTS = {}


def prepare(directory, config):
    PORTS.update({name: kept_port() for name in NAMES})
    config["trunks"] = [
        # of several trunks on one host the one with the sender's port is meant
        {"name": "plain", "peer": f"sip:127.0.0.1:{PORTS['plain']}"},
        {"name": "pai", "peer": f"sip:127.0.0.1:{PORTS['pai']}", "trusted": True, "identity": "pai"},
        {"name": "rpid", "peer": f"sip:127.0.0.1:{PORTS['rpid']}", "identity": "rpid"},
    ]
    config["routes"] = [{"match": f"^{number}", "to": name} for number, name in zip("123", NAMES)]
    for user in config["users"]:
        if user["name"] == "alice":
            user.update(display_name="Alice Adams", caller_id=["+4930111", "+4930222"])
    return config


@pytest.fixture
def trunks(daemon):
    peers = {name: UdpTrunk((daemon.host, daemon.sip_port), port=PORTS[name], name=name) for name in NAMES}
    yield peers
    for peer in peers.values():
        peer.close()


def call(caller, called, number, headers=()):
    """The INVITE as the called side sees it; the call is refused at once."""
    sent = caller.invite(number, headers=headers) if hasattr(caller, "aor") else \
        caller.invite(number, DOMAIN, media.trunk_sdp(40000), headers=headers)
    got = called.expect_request("INVITE")
    called.reply(got, 486, to_tag="x", headers=SPY)
    called.expect_request("ACK")
    answer = caller.expect_response(sent, 486)
    caller.send(sip.ack_of_failure(sent, answer))
    hidden(answer)
    return got


def hidden(message):
    text = message.encode().decode()
    for secret in SECRETS:
        assert secret not in text, secret
    return message


IDENTITY = ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy", "Diversion", "History-Info")


def identity(message):
    return {name: message.values(name) for name in IDENTITY if message.values(name)}


# --- users ---
def test_a_user_is_his_login_and_configured_name_to_other_users(alice, bob):
    got = call(alice, bob, "bob")
    assert got.header("From").startswith(f'"Alice Adams" <sip:alice@{DOMAIN}>') and not identity(got)


def test_a_user_is_his_number_to_a_trunk(alice, bob, trunks):
    assert call(alice, trunks["plain"], "100").header("From").startswith(f'"Alice Adams" <sip:+4930111@{DOMAIN}>')
    assert sip.uri_of(call(bob, trunks["plain"], "100").header("From")) == f"sip:bob@{DOMAIN}"


@pytest.mark.parametrize("wish, number", [("<sip:+4930222@x>", "+4930222"), ('"A" <tel:+4930222>', "+4930222"),
                                          ("<sip:+4930999@x>", "+4930111"), ("<sip:bob@example.test>", "+4930111")])
def test_a_user_may_ask_for_his_own_numbers_only(alice, trunks, wish, number):
    got = call(alice, trunks["plain"], "100", [("P-Preferred-Identity", wish)])
    assert sip.uri_of(got.header("From")) == f"sip:{number}@{DOMAIN}"


def test_a_user_asserts_nothing_by_himself(alice, bob, trunks):
    forged = [("P-Asserted-Identity", "<sip:boss@example.test>"), ("Remote-Party-ID", "<sip:boss@example.test>"),
              ("Diversion", "<sip:boss@inner.example>"), ("History-Info", "<sip:boss@inner.example>;index=1")] + SPY
    for called, number in ((trunks["plain"], "100"), (trunks["pai"], "200"), (trunks["rpid"], "300"), (bob, "bob")):
        got = hidden(call(alice, called, number, forged))
        assert "boss" not in got.encode().decode()


def test_how_a_trunk_is_told_who_calls(alice, trunks):
    assert not identity(call(alice, trunks["plain"], "100"))
    assert identity(call(alice, trunks["pai"], "200")) == {
        "P-Asserted-Identity": [f'"Alice Adams" <sip:+4930111@{DOMAIN}>']}
    told = identity(call(alice, trunks["rpid"], "300"))
    assert list(told) == ["Remote-Party-ID"]
    assert told["Remote-Party-ID"][0].startswith(f'"Alice Adams" <sip:+4930111@{DOMAIN}>;party=calling')


@pytest.mark.parametrize("privacy", ["id", "header;id", "user"])
def test_a_user_who_wants_to_be_unknown(alice, bob, trunks, privacy):
    for called, number in ((trunks["plain"], "100"), (trunks["rpid"], "300"), (bob, "bob")):
        got = call(alice, called, number, [("Privacy", privacy)])
        assert sip.uri_of(got.header("From")) == "sip:anonymous@anonymous.invalid"
        text = got.encode().decode()
        assert "Alice" not in text and "+4930111" not in text and "alice" not in text
    got = call(alice, trunks["pai"], "200", [("Privacy", privacy)])
    assert sip.uri_of(got.header("From")) == "sip:anonymous@anonymous.invalid"
    assert identity(got) == {"P-Asserted-Identity": [f'"Alice Adams" <sip:+4930111@{DOMAIN}>'], "Privacy": ["id"]}


def test_privacy_none(alice, trunks):
    assert "+4930111" in call(alice, trunks["plain"], "100", [("Privacy", "none")]).header("From")


# --- trunks ---
ASSERTED = [("P-Asserted-Identity", '"Carl" <sip:+4940777@inner.example>')]


def test_an_untrusted_trunk_asserts_nothing(alice, trunks):
    got = hidden(call(trunks["plain"], alice, "alice", ASSERTED + [("Diversion", "<sip:5@inner.example>")] + SPY))
    assert sip.uri_of(got.header("From")) == f"sip:5551234@{DOMAIN}" and not identity(got)


def test_a_trusted_trunk_names_the_caller(alice, trunks):
    got = hidden(call(trunks["pai"], alice, "alice", ASSERTED + SPY))
    assert got.header("From").startswith(f'"Carl" <sip:+4940777@{DOMAIN}>') and not identity(got)


def test_a_trusted_trunk_names_the_caller_by_remote_party_id(alice, trunks):
    rpid = [("Remote-Party-ID", '"Carl" <sip:+4940777@inner.example>;party=calling;privacy=off')]
    got = hidden(call(trunks["pai"], alice, "alice", rpid))
    assert got.header("From").startswith(f'"Carl" <sip:+4940777@{DOMAIN}>')


@pytest.mark.parametrize("headers", [ASSERTED + [("Privacy", "id")],
                                     [("Remote-Party-ID", "<sip:+4940777@inner.example>;privacy=full")]])
def test_a_caller_behind_a_trusted_trunk_who_wants_to_be_unknown(alice, trunks, headers):
    got = call(trunks["pai"], alice, "alice", headers)
    assert sip.uri_of(got.header("From")) == "sip:anonymous@anonymous.invalid"
    assert "4940777" not in got.encode().decode()


def test_for_whom_a_call_was_meant_is_told_by_a_trusted_trunk_in_our_words(alice, trunks):
    headers = [("Diversion", '"X" <sip:+4911@inner.example:5070;user=phone>;reason=no-answer;counter=2;x=inner.example'),
               ("Diversion", "<sip:+4922@10.99.0.1>;privacy=full"),
               ("History-Info", "<sip:+4933@inner.example?Reason=SIP%3Bcause%3D302>;index=1")]
    got = hidden(call(trunks["pai"], alice, "alice", headers))
    assert got.values("Diversion") == [f"<sip:+4911@{DOMAIN}>;reason=no-answer;counter=2"]
    assert got.values("History-Info") == [f"<sip:+4933@{DOMAIN}>;index=1"]


@pytest.mark.parametrize("bad", ['"open <sip:a@b>', "<sip:a", "<>", '"x" sip:a@b', "<http://a>", "<sip:@b>", ";;;", "x" * 3000])
def test_assertions_that_are_none(alice, trunks, bad):
    sent = trunks["pai"].invite("alice", DOMAIN, media.trunk_sdp(40000), headers=[("P-Asserted-Identity", bad), ("Diversion", bad)])
    message = alice.wait_for(lambda m: m.is_request and m.method == "INVITE", "INVITE")
    assert sip.uri_of(message.header("From")) == f"sip:5551234@{DOMAIN}"
    alice.reply(message, 486, to_tag="x")
    alice.expect_request("ACK")
    trunks["pai"].send(sip.ack_of_failure(sent, trunks["pai"].expect_response(sent, 486)))


# --- messages and subscriptions have the same sender ---
def test_messages_have_the_same_sender(alice, bob, trunks):
    sent = alice.send(alice.request("MESSAGE", f"sip:200@{DOMAIN}", body="x", headers=[("Privacy", "id")]))
    got = trunks["pai"].expect_request("MESSAGE")
    assert sip.uri_of(got.header("From")) == "sip:anonymous@anonymous.invalid"
    assert identity(got) == {"P-Asserted-Identity": [f'"Alice Adams" <sip:+4930111@{DOMAIN}>'], "Privacy": ["id"]}
    trunks["pai"].reply(got, 200, to_tag="t", headers=SPY)
    hidden(alice.expect_response(sent, 200))


def test_subscriptions_have_the_same_sender(alice, trunks):
    sent = alice.send(alice.request("SUBSCRIBE", f"sip:100@{DOMAIN}", headers=[("Event", "dialog"), ("Expires", "60")] + SPY))
    got = hidden(trunks["plain"].expect_request("SUBSCRIBE"))
    assert sip.uri_of(got.header("From")) == f"sip:+4930111@{DOMAIN}" and got.contact.startswith("sip:+4930111@")
    trunks["plain"].reply(got, 403, to_tag="x", headers=SPY)
    hidden(alice.expect_response(sent, 403))
