"""REGISTER over WebSocket: proof of identity, bindings, their order and their end."""

import re

import pytest
from tandem_test import digest, media, sip

CONFIG = {
    "registrar": {"expires_min_seconds": 2, "expires_seconds": 60, "expires_max_seconds": 120, "grace_seconds": 2,
                  "bindings_per_user": 3},
}


@pytest.fixture(autouse=True)
def nobody_is_left(daemon):
    """A test's flows are gone before the next counts."""
    yield
    daemon.wait_metric("tandem_bindings", 0)


@pytest.fixture
def browser(browser):
    """As everywhere, but unregistered at the end, so that no binding waits for its grace time."""
    made = []

    def make(*arguments, **options):
        made.append(browser(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        if one.socket and one.register_cseq and one.user_is_proven:
            one.register(contact="*", expires=0)


def contacts(response):
    """URI to header value of the Contact list."""
    return {sip.uri_of(value): value for line in response.values("Contact") for value in re.split(r",\s*(?=<)", line)}


def expires(value):
    return int(sip.parameter(value, "expires"))


# --- proof ---
def test_challenge(browser):
    alice = browser("alice", password=None)
    response = alice.register(status=401)
    offered = [digest.parse(value) for value in response.values("WWW-Authenticate")]
    assert {values["algorithm"] for values in offered} == {"SHA-256", "MD5"}
    assert all(values["qop"] == "auth" and values["realm"] == "example.test" for values in offered)


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_right_password(daemon, browser, algorithm):
    alice = browser("alice")
    _, response = alice.authorized(alice.register_request, 200, algorithm)
    assert list(contacts(response)) == [sip.uri_of(alice.contact)]
    assert daemon.metric("tandem_bindings") == 1
    alice.user_is_proven = True


@pytest.mark.parametrize("user, password", [("alice", "wrong"), ("alice", ""), ("nobody", "wonderland"), ("bob", "wonderland")])
def test_wrong_credentials(daemon, browser, user, password):
    browser(user, password=password).register(status=403)
    assert daemon.metric("tandem_bindings") == 0


def test_proven_once_is_enough_for_a_flow(browser):
    alice = browser("alice")
    alice.register()
    alice.user_is_proven = True
    alice.password = None
    alice.register()  # no challenge this time
    alice.reconnect()
    alice.register(status=401)
    alice.password = "wonderland"
    alice.register()


def test_wrong_credentials_on_a_proven_flow(browser):
    alice = browser("alice")
    challenge = alice.ask(alice.register_request(), 401)
    alice.register()
    alice.user_is_proven = True
    request = digest.authorize(alice.register_request(), challenge, "alice", "wrong")
    assert alice.ask(request).status == 403


def test_replayed_answer(browser):
    """The same nonce with the same count does not prove anything on another connection."""
    alice = browser("alice")
    challenge = alice.ask(alice.register_request(), 401)
    request = digest.authorize(alice.register_request(), challenge, "alice", "wonderland")
    assert alice.ask(request).status == 200
    alice.user_is_proven = True
    thief = browser("alice", password=None)
    stolen = request.copy()
    stolen.set("Via", f"SIP/2.0/{thief.via};branch={sip.branch()}").set("CSeq", "9 REGISTER")
    response = thief.ask(stolen)
    assert response.status == 401
    assert digest.parse(digest.choose(response)).get("stale", "").lower() == "true"


def test_from_and_to_must_be_the_proven_user(browser):
    alice = browser("alice")
    alice.register()
    alice.user_is_proven = True
    for name in ("From", "To"):
        request = alice.register_request()
        tag = ";tag=x" if name == "From" else ""
        request.set(name, f"<sip:bob@example.test>{tag}")
        assert alice.ask(request).status == 403
    request = alice.register_request()
    request.set("To", "<sip:alice@elsewhere.test>")
    assert alice.ask(request).status == 404
    request = alice.register_request()
    request.set("From", "<sip:alice@elsewhere.test>;tag=x")
    assert alice.ask(request).status == 403


def test_a_flow_does_not_change_its_user(browser):
    alice = browser("alice")
    alice.register()
    alice.user_is_proven = True
    bob = browser("bob")
    bob.socket.close()
    bob.socket = alice.socket
    response = bob.ask(bob.register_request())
    bob.socket = None
    assert response.status == 403


def test_invite_proves_a_flow_too(browser):
    alice = browser("alice")
    invite = alice.invite("nobody")
    response = alice.expect_response(invite, 404)
    alice.send(sip.ack_of_failure(invite, response))
    alice.password = None
    alice.register()
    alice.user_is_proven = True


def test_invite_of_another_user_on_a_proven_flow(browser):
    alice = browser("alice")
    alice.register()
    alice.user_is_proven = True
    invite = alice.request("INVITE", "sip:bob@example.test", body=media.browser_sdp())
    invite.set("From", "<sip:carol@example.test>;tag=x")
    response = alice.ask(invite)
    alice.send(sip.ack_of_failure(invite, response))
    assert response.status == 403


# --- bindings ---
@pytest.fixture
def alice(browser):
    made = browser("alice")
    made.register(contact="")  # no Contact: a question
    made.user_is_proven = True
    return made


def test_question_changes_nothing(daemon, alice):
    assert alice.register(contact="").values("Contact") == []
    alice.register()
    assert len(contacts(alice.register(contact=""))) == 1
    assert daemon.metric("tandem_bindings") == 1


def test_outbound_is_confirmed(alice):
    response = alice.register()
    value = contacts(response)[sip.uri_of(alice.contact)]
    assert sip.parameter(value, "+sip.instance") == alice.instance
    assert sip.parameter(value, "reg-id") == "1"
    assert "outbound" in response.header("Require")
    assert "outbound" in response.header("Supported") and "path" in response.header("Supported")
    plain = alice.register(contact=f"<sip:plain@{alice.sent_by}>")
    assert plain.header("Require") is None


def test_path_is_given_back(alice):
    response = alice.register(headers=[("Path", "<sip:edge.example;lr>")])
    assert response.values("Path") == ["<sip:edge.example;lr>"]


def test_same_instance_and_reg_id_replace(daemon, alice):
    alice.register()
    new = f'<sip:new@{alice.sent_by}>;+sip.instance="{alice.instance}";reg-id=1'
    assert list(contacts(alice.register(contact=new))) == [f"sip:new@{alice.sent_by}"]
    second = f'<sip:second@{alice.sent_by}>;+sip.instance="{alice.instance}";reg-id=2'
    assert len(contacts(alice.register(contact=second))) == 2
    assert daemon.metric("tandem_bindings") == 2


def test_without_reg_id_the_uri_counts(alice):
    contact = f"<sip:a@{alice.sent_by}>"
    alice.register(contact=contact)
    assert len(contacts(alice.register(contact=contact))) == 1
    assert len(contacts(alice.register(contact=f"<sip:b@{alice.sent_by}>"))) == 2


def test_limit_of_bindings(daemon, alice):
    for number in range(3):
        alice.register(contact=f"<sip:c{number}@{alice.sent_by}>")
    alice.register(status=403, contact=f"<sip:c3@{alice.sent_by}>")
    alice.register(contact=f"<sip:c2@{alice.sent_by}>")
    alice.register(contact=f"<sip:c2@{alice.sent_by}>;expires=0")
    alice.register(contact=f"<sip:c3@{alice.sent_by}>")
    assert daemon.metric("tandem_bindings") == 3


def test_closed_connections_make_room(daemon, browser):
    for number in range(3):
        gone = browser("alice")
        gone.register()
        gone.socket.drop()
        daemon.wait_metric("tandem_flows", 0)
        gone.socket = None
    alice = browser("alice")
    alice.register()
    assert daemon.metric("tandem_bindings") <= 3


def test_all_or_nothing(daemon, alice):
    good, brief = f"<sip:good@{alice.sent_by}>", f"<sip:brief@{alice.sent_by}>;expires=1"
    request = alice.register_request(contact=good)
    request.add("Contact", brief)
    assert alice.ask(request).status == 423
    assert daemon.metric("tandem_bindings") == 0
    request = alice.register_request(contact=good)
    request.add("Contact", f"<sip:other@{alice.sent_by}>;expires=30")
    response = alice.ask(request, 200)
    found = contacts(response)
    assert expires(found[f"sip:good@{alice.sent_by}"]) == 60
    assert expires(found[f"sip:other@{alice.sent_by}"]) == 30


@pytest.mark.parametrize("asked, given", [(None, 60), (30, 30), (100000, 120), (4294967295, 120), (2, 2)])
def test_expires(alice, asked, given):
    response = alice.register(expires=asked)
    assert abs(expires(contacts(response)[sip.uri_of(alice.contact)]) - given) <= 1


def test_expires_of_the_contact_goes_first(alice):
    response = alice.register(contact=f"{alice.contact};expires=20", expires=50)
    assert expires(contacts(response)[sip.uri_of(alice.contact)]) in (19, 20)


def test_too_brief(daemon, alice):
    response = alice.register(status=423, expires=1)
    assert response.header("Min-Expires") == "2"
    assert daemon.metric("tandem_bindings") == 0


def test_it_expires(daemon, alice):
    alice.register(expires=2)
    assert daemon.metric("tandem_bindings") == 1
    daemon.wait_metric("tandem_bindings", 0, 5)


def test_refreshed_in_time(daemon, alice):
    alice.register(expires=2)
    alice.register(expires=60)
    with pytest.raises(AssertionError):
        daemon.wait_metric("tandem_bindings", 0, 3)


def test_unregister(daemon, alice):
    alice.register()
    assert contacts(alice.register(expires=0)) == {}
    assert daemon.metric("tandem_bindings") == 0


def test_star(daemon, alice):
    alice.register()
    alice.register(contact=f"<sip:two@{alice.sent_by}>")
    assert contacts(alice.register(contact="*", expires=0)) == {}
    alice.register(status=400, contact="*")
    alice.register(status=400, contact="*", expires=10)
    request = alice.register_request(contact="*", expires=0)
    request.add("Contact", alice.contact)
    assert alice.ask(request).status == 400


def test_order_of_cseq(daemon, alice):
    """RFC 3261, section 10.3: an older REGISTER that comes late is not done."""
    alice.register()
    late = alice.register_request(expires=0)
    alice.register()
    assert alice.ask(late).status == 500
    assert daemon.metric("tandem_bindings") == 1
    star = alice.register_request(contact="*", expires=0)
    star.set("CSeq", "1 REGISTER")
    assert alice.ask(star).status == 500
    other = alice.register_request(expires=0)
    other.set("Call-ID", sip.token("other")).set("CSeq", "1 REGISTER")
    assert alice.ask(other).status == 200


@pytest.mark.parametrize("contact", ["<tel:+123>", "<http://example.test/>", "<sip:>", "<mailto:alice@example.test>"])
def test_contacts_that_are_none(alice, contact):
    alice.register(status=400, contact=contact)


@pytest.mark.parametrize("parameters", [';reg-id=0;+sip.instance="<urn:x>"', ';reg-id=x;+sip.instance="<urn:x>"',
                                        f';+sip.instance="<urn:{"x" * 300}>"'])
def test_parameters_that_are_none(alice, parameters):
    alice.register(status=400, contact=alice.contact + parameters)


def test_several_devices(daemon, browser):
    one, two = browser("alice"), browser("alice")
    one.register()
    one.user_is_proven = True
    assert len(contacts(two.register())) == 2
    two.user_is_proven = True
    bob = browser("bob")
    assert len(contacts(bob.register())) == 1
    bob.user_is_proven = True
    assert daemon.metric("tandem_registered_users") == 2


# --- flows ---
def test_binding_outlives_its_flow_for_a_while(daemon, browser):
    alice = browser("alice")
    alice.register()
    alice.socket.drop()
    daemon.wait_metric("tandem_flows", 0)
    assert daemon.metric("tandem_bindings") == 1
    daemon.wait_metric("tandem_bindings", 0, 5)
    alice.socket = None


def test_back_in_time(daemon, browser):
    alice = browser("alice")
    alice.register()
    alice.reconnect(reset=True)
    assert len(contacts(alice.register())) == 1
    alice.user_is_proven = True
    with pytest.raises(AssertionError):
        daemon.wait_metric("tandem_bindings", 0, 3)


def test_new_flow_while_the_old_is_open(daemon, browser):
    """The old connection's end does not take the new one's binding along."""
    alice = browser("alice")
    alice.register()
    old = alice.socket
    alice.connect()
    assert len(contacts(alice.register())) == 1
    alice.user_is_proven = True
    old.close()
    daemon.wait_metric("tandem_flows", 1)
    with pytest.raises(AssertionError):
        daemon.wait_metric("tandem_bindings", 0, 3)


def test_not_by_datagram(daemon, trunk):
    request = sip.request("REGISTER", "sip:example.test", "<sip:alice@example.test>;tag=1", "<sip:alice@example.test>",
                          trunk.via, contact=trunk.contact)
    assert trunk.ask(request).status in (403, 405)
    assert daemon.metric("tandem_bindings") == 0


def test_without_authentication(own_daemon, browser):
    from tandem_test.browser import Browser

    tandem = own_daemon({"registrar": {"authentication": "none"}, "users": [{"name": "alice"}]}).start()
    for user in ("alice", "stranger"):
        guest = Browser(tandem.host, tandem.web_port, user, "anything.test")
        guest.register()
        request = guest.register_request()
        request.set("From", "<sip:other@anything.test>;tag=x").set("To", "<sip:other@anything.test>")
        assert guest.ask(request).status == 403
        guest.close()
    assert tandem.metric("tandem_bindings") == 2
