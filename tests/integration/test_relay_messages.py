"""MESSAGE, PUBLISH and NOTIFYs nobody asked for: between browsers and a trunk, in all directions."""

import pytest
from tandem_test import digest, sip
from tandem_test.relay import DOMAIN, SECRET, challenge, credentials, prepare, trunk_request  # noqa: F401


@pytest.fixture(autouse=True)
def nothing_is_left(daemon):
    yield
    daemon.wait_metric("tandem_relay_requests", 0)


def message(peer, to, text="hello", content_type="text/plain;charset=utf-8", headers=()):
    request = peer.request("MESSAGE", f"sip:{to}@{DOMAIN}", body=text, headers=headers)
    if text:
        request.set("Content-Type", content_type)
    return request


def assert_nothing_of(sender, received):
    """The topology of one side is hidden from the other."""
    text = received.encode().decode()
    assert len(received.values("Via")) == 1
    for name in ("Record-Route", "Route", "Server", "Warning"):
        assert not received.values(name), name
    for secret in (sender.sent_by if hasattr(sender, "sent_by") else f"{sender.host}:{sender.port}", "inner.example", "Spy/1.0"):
        assert secret not in text.replace(received.start, "")


SPY = [("User-Agent", "Spy/1.0"), ("Record-Route", "<sip:inner.example;lr>"), ("X-Secret", "inner.example")]


# --- MESSAGE ---
def test_a_message_from_browser_to_browser(alice, bob):
    sent = alice.send(message(alice, "bob", headers=SPY))
    got = bob.expect_request("MESSAGE")
    assert got.body == b"hello"
    assert got.header("Content-Type") == "text/plain;charset=utf-8"
    assert sip.uri_of(got.header("From")) == f"sip:alice@{DOMAIN}"
    assert got.call_id != sent.call_id and got.from_tag != sent.from_tag
    assert not got.values("X-Secret")
    assert_nothing_of(alice, got)
    bob.reply(got, 200, to_tag="b", headers=[("Server", "Spy/1.0")])
    answer = alice.expect_response(sent, 200)
    assert_nothing_of(bob, answer)


def test_a_message_from_browser_to_trunk(alice, trunk):
    sent = alice.send(message(alice, "1001", headers=SPY))
    got = trunk.expect_request("MESSAGE")
    assert got.uri == f"sip:1001@127.0.0.1:{trunk.port}"
    assert sip.uri_of(got.header("From")) == f"sip:alice@{DOMAIN}"
    assert got.body == b"hello"
    assert_nothing_of(alice, got)
    trunk.reply(got, 202, to_tag="t")
    alice.expect_response(sent, 202)


def test_a_message_from_trunk_to_browser(alice, trunk):
    sent = trunk.send(trunk_request(trunk, "MESSAGE", "alice", body="hi", content_type="text/plain", headers=SPY))
    got = alice.expect_request("MESSAGE")
    assert got.body == b"hi" and got.header("Content-Type") == "text/plain"
    assert_nothing_of(trunk, got)
    alice.reply(got, 200, to_tag="a")
    trunk.expect_response(sent, 200)


def test_a_trunk_reaches_no_trunk(trunk):
    trunk.ask(trunk_request(trunk, "MESSAGE", "1001", body="hi", content_type="text/plain"), 404)


def test_a_user_who_is_not_there(alice):
    alice.ask(message(alice, "bob"), 480)
    alice.ask(message(alice, "carol"), 480)


def test_nobody_of_that_name(trunk):
    trunk.ask(trunk_request(trunk, "MESSAGE", "nobody", body="hi", content_type="text/plain"), 404)


def test_a_builtin_takes_no_messages(alice):
    alice.ask(message(alice, "9196"), 405)


@pytest.fixture
def devices(browser):
    """Bob's two."""
    made = [browser("bob"), browser("bob")]
    for device in made:
        device.register()
    yield made
    for device in made:
        device.unregister()


def test_all_devices_get_a_message_and_the_first_2xx_is_the_answer(alice, devices):
    sent = alice.send(message(alice, "bob"))
    first, second = (device.expect_request("MESSAGE") for device in devices)
    devices[0].reply(first, 486, to_tag="x")
    devices[1].reply(second, 200, to_tag="y")
    alice.expect_response(sent, 200)
    alice.expect_silence(lambda m: m.method == "MESSAGE", 0.2)


def test_the_best_of_several_failures(alice, devices):
    sent = alice.send(message(alice, "bob"))
    first, second = (device.expect_request("MESSAGE") for device in devices)
    devices[0].reply(first, 500, to_tag="x")
    devices[1].reply(second, 415, to_tag="y", reason="No Text Please")
    assert alice.expect_response(sent, 415).reason == "No Text Please"


def test_a_sender_without_proof_is_challenged(browser, bob):
    carol = browser("carol")
    request = carol.send(message(carol, "bob"))
    challenge = carol.expect_response(request, 407)
    again = message(carol, "bob").set("Call-ID", request.call_id).set("CSeq", "2 MESSAGE").set("From", request.header("From"))
    carol.send(digest.authorize(again, challenge, "carol", carol.password))
    bob.reply(bob.expect_request("MESSAGE"), 200, to_tag="b")
    carol.expect_response(again, 200)


def test_a_sender_cannot_be_another(alice, bob):
    request = message(alice, "bob")
    request.set("From", f"<sip:carol@{DOMAIN}>;tag=x")
    alice.ask(request, 403)
    bob.expect_silence(lambda m: m.method == "MESSAGE", 0.2)


@pytest.mark.parametrize("status", [401, 407])
def test_credentials_for_the_trunk(alice, trunk, status):
    sent = alice.send(message(alice, "1001"))
    got = trunk.expect_request("MESSAGE")
    question = challenge(status)
    trunk.reply(got, status, to_tag="t", headers=[question])
    again = trunk.expect_request("MESSAGE")
    assert again.call_id == got.call_id and again.cseq[0] == got.cseq[0] + 1 and again.body == b"hello"
    proof = digest.parse(credentials(again, status))
    expected = digest.parse(digest.answer(question[1], "MESSAGE", again.uri, "tandem", SECRET, cnonce=proof["cnonce"]))
    assert proof["response"] == expected["response"]
    trunk.reply(again, 200, to_tag="t")
    alice.expect_response(sent, 200)


def test_no_credentials_for_another_realm(alice, trunk):
    sent = alice.send(message(alice, "1001"))
    got = trunk.expect_request("MESSAGE")
    trunk.reply(got, 401, to_tag="t", headers=[challenge(401, "evil")])
    answer = alice.expect_response(sent, 403)
    assert not answer.values("WWW-Authenticate")
    trunk.expect_silence(lambda m: m.method == "MESSAGE", 0.3)


def test_a_large_message_goes_to_browsers_only(alice, bob, trunk):
    text = "x" * 1300
    alice.ask(message(alice, "1001", text), 513)
    trunk.expect_silence(lambda m: m.method == "MESSAGE", 0.2)
    sent = alice.send(message(alice, "bob", "x" * 20000))
    got = bob.expect_request("MESSAGE")
    assert len(got.body) == 20000
    bob.reply(got, 200, to_tag="b")
    alice.expect_response(sent, 200)


def test_a_body_without_type(alice, bob):
    alice.ask(message(alice, "bob").set("Content-Type", None), 400)


def test_a_redirection_is_not_followed(alice, trunk):
    sent = alice.send(message(alice, "1001"))
    trunk.reply(trunk.expect_request("MESSAGE"), 302, to_tag="t", contact="<sip:elsewhere.example>")
    answer = alice.expect_response(sent, 502)
    assert not answer.values("Contact")


def test_a_repeated_message_is_delivered_once(alice, trunk):
    sent = trunk.send(trunk_request(trunk, "MESSAGE", "alice", body="hi", content_type="text/plain"))
    got = alice.expect_request("MESSAGE")
    trunk.send(sent)
    alice.reply(got, 200, to_tag="a")
    trunk.expect_response(sent, 200)
    trunk.send(sent)
    trunk.expect_response(sent, 200)
    alice.expect_silence(lambda m: m.method == "MESSAGE", 0.2)


def test_a_browser_that_leaves_instead_of_answering(alice, browser):
    bob = browser("bob")
    bob.register()
    sent = alice.send(message(alice, "bob"))
    bob.expect_request("MESSAGE")
    bob.socket.drop()
    bob.socket = None
    alice.expect_response(sent, 480)


# --- PUBLISH ---
def publish(peer, user, headers=(), body="<presence/>"):
    request = peer.request("PUBLISH", f"sip:{user}@{DOMAIN}", body=body, headers=[("Event", "presence")] + list(headers))
    return request.set("Content-Type", "application/pidf+xml") if body else request


def test_a_publication_goes_to_the_trunk_with_its_entity_tag(alice, trunk):
    sent = alice.send(publish(alice, "alice", [("Expires", "3600"), ("SIP-If-Match", "old1")]))
    got = trunk.expect_request("PUBLISH")
    assert got.uri == f"sip:alice@127.0.0.1:{trunk.port}"
    assert [got.header(name) for name in ("Event", "Expires", "SIP-If-Match")] == ["presence", "3600", "old1"]
    assert got.header("Content-Type") == "application/pidf+xml" and got.body == b"<presence/>"
    trunk.reply(got, 200, to_tag="t", headers=[("SIP-ETag", "new1"), ("Expires", "1800")])
    answer = alice.expect_response(sent, 200)
    assert answer.header("SIP-ETag") == "new1" and answer.header("Expires") == "1800"


@pytest.mark.parametrize("status, name, value", [(412, None, None), (423, "Min-Expires", "600"), (489, "Allow-Events", "dialog")])
def test_a_publication_is_refused(alice, trunk, status, name, value):
    sent = alice.send(publish(alice, "alice"))
    trunk.reply(trunk.expect_request("PUBLISH"), status, to_tag="t", headers=[(name, value)] if name else [])
    answer = alice.expect_response(sent, status)
    if name:
        assert answer.header(name) == value


def test_nobody_publishes_for_another(alice, trunk):
    alice.ask(publish(alice, "bob"), 403)
    trunk.expect_silence(lambda m: m.method == "PUBLISH", 0.2)


def test_a_publication_without_event(alice):
    alice.ask(publish(alice, "alice").set("Event", None), 400)


# --- NOTIFY that nobody has asked for ---
SUMMARY = "Messages-Waiting: yes\r\nVoice-Message: 2/0 (0/0)\r\n"


def test_a_trunks_voice_mail_notice_reaches_the_user(alice, trunk):
    sent = trunk.send(trunk_request(trunk, "NOTIFY", "alice", body=SUMMARY, content_type="application/simple-message-summary",
                                    headers=[("Event", "message-summary"), ("Subscription-State", "active")], contact=trunk.contact))
    got = alice.expect_request("NOTIFY")
    assert got.body == SUMMARY.encode()
    assert got.header("Event") == "message-summary" and got.header("Subscription-State") == "active"
    assert got.header("Content-Type") == "application/simple-message-summary"
    assert_nothing_of(trunk, got)
    alice.reply(got, 200, to_tag="a")
    trunk.expect_response(sent, 200)


def test_a_notice_from_a_browser_fits_nothing(alice, bob):
    alice.ask(alice.request("NOTIFY", f"sip:bob@{DOMAIN}", headers=[("Event", "message-summary")], contact=alice.contact), 481)


@pytest.mark.parametrize("event, status", [(None, 400), ("@", 400)])
def test_a_notice_without_a_sound_event(trunk, event, status):
    headers = [("Event", event)] if event else []
    trunk.ask(trunk_request(trunk, "NOTIFY", "alice", headers=headers, contact=trunk.contact), status)
