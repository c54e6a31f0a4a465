"""Subscriptions (RFC 6665) across the gateway: two dialogs, in all directions."""

import pytest
from tandem_test import digest, sip
from tandem_test.relay import DOMAIN, challenge, credentials, prepare, trunk_request  # noqa: F401
from tandem_test.trunk import UdpTrunk

GRACE = 1
CONFIG = {"relay": {"grace_seconds": GRACE, "subscriptions_per_user": 8}}
SUMMARY = "Messages-Waiting: yes\r\n"


@pytest.fixture(autouse=True)
def nothing_is_left(daemon):
    dialogs = daemon.metric("tandem_sip_dialogs")
    yield
    daemon.wait_metric("tandem_subscriptions", 0, 5)
    daemon.wait_metric("tandem_relay_requests", 0)
    assert daemon.metric("tandem_sip_dialogs") <= dialogs + 12  # half dialogs of SUBSCRIBEs wait 32 s for forks


def subscribe_request(peer, to, event="dialog", expires=600, headers=()):
    headers = [("Event", event), ("Expires", expires), ("Accept", "application/dialog-info+xml")] + list(headers)
    if hasattr(peer, "aor"):
        return peer.request("SUBSCRIBE", f"sip:{to}@{DOMAIN}", headers=headers)
    return trunk_request(peer, "SUBSCRIBE", to, contact=peer.contact, headers=headers)


class Subscription:
    """A subscription with a hand on both ends."""

    def __init__(self, subscriber, notifier, to, event="dialog", expires=600):
        self.subscriber, self.notifier, self.event = subscriber, notifier, event
        self.sent = subscriber.send(subscribe_request(subscriber, to, event, expires))
        self.got = notifier.expect_request("SUBSCRIBE")
        self.tag = sip.token("n")
        self.down = sip.Dialog.as_callee(self.got, self.tag, notifier.contact)
        self.up = None

    def accept(self, expires=600, status=200):
        self.notifier.reply(self.got, status, to_tag=self.tag, contact=self.notifier.contact, headers=[("Expires", expires)])
        response = self.subscriber.expect_response(self.sent, status)
        assert response.header("Expires") == str(expires)
        self.up = sip.Dialog.as_caller(self.sent, response)
        return self

    def notify_request(self, state="active;expires=600", body="<dialog-info/>", dialog=None):
        return (dialog or self.down).request("NOTIFY", self.notifier.via, body=body,
                                             content_type="application/dialog-info+xml",
                                             headers=[("Event", self.event), ("Subscription-State", state)])

    def notify(self, state="active;expires=600", body="<dialog-info/>", status=200):
        sent = self.notifier.send(self.notify_request(state, body))
        got = self.subscriber.expect_request("NOTIFY")
        assert got.body == body.encode() and got.header("Subscription-State") == state
        assert got.header("Event") == self.event
        assert got.call_id == self.sent.call_id and got.to_tag == self.sent.from_tag
        if self.up:
            assert got.from_tag == sip.parameter(self.up.remote, "tag")
        self.subscriber.reply(got, status)
        self.notifier.expect_response(sent, status)
        return got

    def refresh(self, expires=600, granted=None, status=200):
        sent = self.subscriber.send(self.up.request("SUBSCRIBE", self.subscriber.via,
                                                    headers=[("Event", self.event), ("Expires", expires)]))
        got = self.notifier.expect_request("SUBSCRIBE")
        assert got.call_id == self.got.call_id and got.to_tag == self.tag and got.from_tag == self.got.from_tag
        assert got.header("Expires") == str(expires)
        self.notifier.reply(got, status, contact=self.notifier.contact,
                            headers=[("Expires", expires if granted is None else granted)] if status < 300 else [])
        return self.subscriber.expect_response(sent, status)

    def unsubscribe(self):
        self.refresh(0)
        self.notify("terminated;reason=timeout")


DIRECTIONS = ["browser-trunk", "trunk-browser", "browser-browser"]


@pytest.fixture(params=DIRECTIONS)
def ends(request, alice, trunk):
    """(subscriber, notifier, whom to subscribe to)"""
    if request.param == "browser-trunk":
        return alice, trunk, "1001"
    if request.param == "trunk-browser":
        return trunk, alice, "alice"
    return alice, request.getfixturevalue("bob"), "bob"


# --- a subscription's life, in all directions ---
def test_a_subscription_lives_and_ends(daemon, ends):
    subscription = Subscription(*ends)
    got, sent = subscription.got, subscription.sent
    assert got.call_id != sent.call_id and got.from_tag != sent.from_tag
    assert got.header("Event") == "dialog" and got.header("Accept") == "application/dialog-info+xml"
    assert got.header("Expires") == "600" and len(got.values("Via")) == 1
    subscription.accept()
    assert daemon.metric("tandem_subscriptions") == 1
    assert subscription.notify(body="<one/>").cseq[0] < subscription.notify(body="<two/>").cseq[0]
    subscription.refresh(300)
    subscription.unsubscribe()
    assert daemon.metric("tandem_subscriptions") == 0


def test_the_notifier_ends_it(daemon, ends):
    subscription = Subscription(*ends).accept()
    subscription.notify("terminated;reason=noresource", "")
    daemon.wait_metric("tandem_subscriptions", 0)
    subscriber = ends[0]
    subscriber.ask(subscription.up.request("SUBSCRIBE", subscriber.via, headers=[("Event", "dialog"), ("Expires", 600)]), 481)
    ends[1].ask(subscription.notify_request(), 481)


def test_a_fetch(ends):
    subscription = Subscription(*ends, expires=0).accept(0)
    subscription.notify("terminated;reason=timeout")


def test_a_notify_that_overtakes_the_2xx_waits_for_it(ends):
    subscription = Subscription(*ends)
    early = subscription.notifier.send(subscription.notify_request(body="<early/>"))
    subscription.subscriber.expect_silence(lambda m: m.is_request and m.method == "NOTIFY", 0.2)
    subscription.accept()
    got = subscription.subscriber.expect_request("NOTIFY")
    assert got.body == b"<early/>" and got.from_tag == sip.parameter(subscription.up.remote, "tag")
    subscription.subscriber.reply(got, 200)
    subscription.notifier.expect_response(early, 200)
    subscription.unsubscribe()


def test_a_refused_subscription(ends):
    subscription = Subscription(*ends)
    subscription.notifier.reply(subscription.got, 489, to_tag="n", headers=[("Allow-Events", "presence")])
    response = subscription.subscriber.expect_response(subscription.sent, 489)
    assert response.header("Allow-Events") == "presence"


def test_too_brief_a_subscription(ends):
    subscription = Subscription(*ends, expires=1)
    subscription.notifier.reply(subscription.got, 423, to_tag="n", headers=[("Min-Expires", "60")])
    assert subscription.subscriber.expect_response(subscription.sent, 423).header("Min-Expires") == "60"


def test_a_shorter_time_is_granted(ends):
    subscription = Subscription(*ends, expires=3600).accept(60)
    response = subscription.refresh(3600, 90)
    assert response.header("Expires") == "90" and response.contact
    subscription.unsubscribe()


def test_481_to_a_notify_ends_it_on_both_sides(daemon, ends):
    subscription = Subscription(*ends).accept()
    subscription.notify(status=481)
    daemon.wait_metric("tandem_subscriptions", 0)
    ends[1].ask(subscription.notify_request(), 481)


def test_481_to_a_refresh_ends_it(daemon, ends):
    subscription = Subscription(*ends).accept()
    subscription.refresh(600, status=481)
    daemon.wait_metric("tandem_subscriptions", 0)


def test_a_failed_refresh_leaves_it(ends):
    subscription = Subscription(*ends).accept()
    subscription.refresh(600, status=503)
    subscription.notify()
    subscription.unsubscribe()


def test_other_methods_and_events_in_the_dialog(ends):
    subscriber, notifier, _ = ends
    subscription = Subscription(*ends).accept()
    subscriber.ask(subscription.up.request("INFO", subscriber.via), 405)
    subscriber.ask(subscription.up.request("SUBSCRIBE", subscriber.via, headers=[("Event", "presence")]), 489)
    notifier.ask(subscription.down.request("BYE", notifier.via), 405)
    other = subscription.notify_request().set("Event", "presence")
    notifier.ask(other, 489)
    subscription.unsubscribe()


@pytest.mark.parametrize("event", ["presence", "message-summary", "reg", "conference", "x-vendor.winfo", "dialog;id=7"])
def test_any_package(alice, trunk, event):
    subscription = Subscription(alice, trunk, "1001", event).accept()
    subscription.notify()
    subscription.unsubscribe()


# --- towards a trunk ---
def test_a_users_own_voice_mail_is_asked_of_the_trunk(alice, trunk):
    subscription = Subscription(alice, trunk, "alice", "message-summary").accept()
    assert subscription.got.uri == f"sip:alice@127.0.0.1:{trunk.port}"
    subscription.notify(body=SUMMARY)
    subscription.unsubscribe()


@pytest.mark.parametrize("status", [401, 407])
def test_credentials_for_the_trunk(alice, trunk, status):
    sent = alice.send(subscribe_request(alice, "1001"))
    first = trunk.expect_request("SUBSCRIBE")
    trunk.reply(first, status, to_tag="x", headers=[challenge(status)])
    again = trunk.expect_request("SUBSCRIBE")
    assert again.call_id == first.call_id and again.from_tag == first.from_tag and again.cseq[0] == first.cseq[0] + 1
    assert digest.parse(credentials(again, status))["username"] == "tandem"
    trunk.reply(again, 200, to_tag="n", contact=trunk.contact, headers=[("Expires", 600)])
    alice.expect_response(sent, 200)
    down = sip.Dialog.as_callee(again, "n", trunk.contact)
    last = trunk.send(down.request("NOTIFY", trunk.via, headers=[("Event", "dialog"), ("Subscription-State", "terminated")]))
    alice.reply(alice.expect_request("NOTIFY"), 200)
    trunk.expect_response(last, 200)


def test_credentials_are_for_the_trunk_not_for_where_its_contact_leads(alice, trunk):
    elsewhere = UdpTrunk(trunk.gateway, host="127.0.0.2")
    sent = alice.send(subscribe_request(alice, "1001"))
    trunk.reply(trunk.expect_request("SUBSCRIBE"), 200, to_tag="n", contact=elsewhere.contact, headers=[("Expires", 600)])
    up = sip.Dialog.as_caller(sent, alice.expect_response(sent, 200))
    refresh = alice.send(up.request("SUBSCRIBE", alice.via, headers=[("Event", "dialog"), ("Expires", 0)]))
    asked = elsewhere.expect_request("SUBSCRIBE")
    elsewhere.reply(asked, 401, headers=[challenge(401)])
    alice.expect_response(refresh, 403)
    elsewhere.expect_silence(lambda m: m.is_request)
    again = alice.send(up.request("SUBSCRIBE", alice.via, headers=[("Event", "dialog"), ("Expires", 0)]))
    elsewhere.reply(elsewhere.expect_request("SUBSCRIBE"), 481)
    alice.expect_response(again, 481)
    elsewhere.close()


def test_a_fork_has_a_dialog_of_its_own(daemon, alice, trunk):
    subscription = Subscription(alice, trunk, "1001").accept()
    other = sip.Dialog.as_callee(subscription.got, "other", trunk.contact)
    subscription.notify()
    sent = trunk.send(subscription.notify_request(body="<other/>", dialog=other))
    got = alice.expect_request("NOTIFY")
    assert got.body == b"<other/>" and got.from_tag != sip.parameter(subscription.up.remote, "tag")
    alice.reply(got, 481)  # does not want it
    trunk.expect_response(sent, 481)
    daemon.wait_metric("tandem_subscriptions", 1)
    subscription.notify()
    subscription.unsubscribe()


def test_the_notifiers_route_is_followed(alice, trunk):
    sent = alice.send(subscribe_request(alice, "1001"))
    got = trunk.expect_request("SUBSCRIBE")
    here = f"<sip:127.0.0.1:{trunk.port};lr>"
    trunk.reply(got, 200, to_tag="n", contact="<sip:inner@10.99.0.1:5070>",
                headers=[("Expires", 600), ("Record-Route", here)])
    up = sip.Dialog.as_caller(sent, alice.expect_response(sent, 200))
    assert not up.routes and "10.99.0.1" not in up.target
    alice.send(up.request("SUBSCRIBE", alice.via, headers=[("Event", "dialog"), ("Expires", 0)]))
    again = trunk.expect_request("SUBSCRIBE")
    assert again.uri == "sip:inner@10.99.0.1:5070" and again.header("Route") == here
    trunk.reply(again, 200, headers=[("Expires", 0)])
    down = sip.Dialog.as_callee(got, "n", trunk.contact)
    trunk.send(down.request("NOTIFY", trunk.via, headers=[("Event", "dialog"), ("Subscription-State", "terminated")]))
    alice.reply(alice.expect_request("NOTIFY"), 200)


def test_a_notify_of_another_identity_is_refused(browser, alice, trunk):
    subscription = Subscription(alice, trunk, "1001").accept()
    thief = browser("carol")
    thief.register()
    stolen = subscription.notify_request().set("Via", f"SIP/2.0/{thief.via};branch={sip.branch()}")
    thief.ask(stolen, 481)
    thief.ask(subscription.up.request("SUBSCRIBE", thief.via, headers=[("Event", "dialog"), ("Expires", 0)]), 481)
    subscription.notify()
    subscription.unsubscribe()
    thief.unregister()


# --- devices of a user ---
def test_all_devices_are_asked_and_the_subscriber_hears_one_answer(daemon, browser, trunk):
    devices = [browser("bob"), browser("bob")]
    for device in devices:
        device.register()
    sent = trunk.send(subscribe_request(trunk, "bob"))
    requests = [device.expect_request("SUBSCRIBE") for device in devices]
    for device, request in zip(devices, requests):
        device.reply(request, 200, to_tag="d", contact=device.contact, headers=[("Expires", 600)])
    trunk.expect_response(sent, 200)
    daemon.wait_metric("tandem_subscriptions", 2)
    tags = set()
    for device, request in zip(devices, requests):
        down = sip.Dialog.as_callee(request, "d", device.contact)
        last = device.send(down.request("NOTIFY", device.via, headers=[("Event", "dialog"),
                                                                      ("Subscription-State", "terminated")]))
        got = trunk.expect_request("NOTIFY")
        tags.add(got.from_tag)
        trunk.reply(got, 200)
        device.expect_response(last, 200)
    assert len(tags) == 2
    for device in devices:
        device.unregister()


def test_a_user_who_is_not_there(trunk, alice):
    trunk.ask(subscribe_request(trunk, "carol"), 480)
    trunk.ask(subscribe_request(trunk, "nobody"), 404)
    alice.ask(subscribe_request(alice, "carol"), 480)


# --- what is refused ---
def test_malformed_subscribes(alice):
    alice.ask(subscribe_request(alice, "1001").set("Event", None), 400)
    alice.ask(subscribe_request(alice, "1001").set("Event", "@"), 400)
    alice.ask(subscribe_request(alice, "1001").set("Contact", None), 400)
    alice.ask(subscribe_request(alice, "9196"), 489)


def test_a_subscriber_without_proof_is_challenged(browser, trunk):
    carol = browser("carol")
    request = carol.send(subscribe_request(carol, "1001"))
    challenge = carol.expect_response(request, 407)
    again = request.copy().set("CSeq", "2 SUBSCRIBE").set("Via", f"SIP/2.0/{carol.via};branch={sip.branch()}")
    carol.send(digest.authorize(again, challenge, "carol", carol.password))
    got = trunk.expect_request("SUBSCRIBE")
    assert not [value for value in got.values("Proxy-Authorization") if "carol" in value]
    trunk.reply(got, 403, to_tag="x")
    carol.expect_response(again, 403)


def test_a_user_has_a_limit(alice, trunk):
    subscriptions = [Subscription(alice, trunk, f"10{n}").accept() for n in range(8)]
    alice.ask(subscribe_request(alice, "1099"), 403)
    for subscription in subscriptions:
        subscription.unsubscribe()


# --- connections that close ---
def test_a_subscription_follows_its_browser(alice, trunk):
    subscription = Subscription(alice, trunk, "1001").accept()
    alice.socket.drop()
    for body in ("<one/>", "<two/>"):
        trunk.ask(subscription.notify_request(body=body), 200)
    alice.connect()
    alice.register()
    for body in (b"<one/>", b"<two/>"):
        got = alice.expect_request("NOTIFY")
        assert got.body == body
        alice.reply(got, 200)
    subscription.notify(body="<three/>")
    subscription.unsubscribe()


def test_a_browser_that_does_not_return(daemon, alice, trunk):
    subscription = Subscription(alice, trunk, "1001").accept()
    alice.close()
    got = trunk.expect_request("SUBSCRIBE", timeout=GRACE + 3)
    assert got.header("Expires") == "0" and got.header("Event") == "dialog" and got.to_tag == subscription.tag
    trunk.reply(got, 200, headers=[("Expires", 0)])
    trunk.ask(subscription.notify_request("terminated;reason=timeout"), 200)
    daemon.wait_metric("tandem_subscriptions", 0)


def test_a_browser_that_does_not_return_and_a_trunk_with_digest(daemon, alice, trunk):
    Subscription(alice, trunk, "1001").accept()
    alice.close()
    got = trunk.expect_request("SUBSCRIBE", timeout=GRACE + 3)
    trunk.reply(got, 401, headers=[challenge(401)])
    again = trunk.expect_request("SUBSCRIBE")
    assert again.header("Expires") == "0" and again.values("Authorization")
    trunk.reply(again, 481)
    daemon.wait_metric("tandem_subscriptions", 0)


def test_a_notifier_that_does_not_return(daemon, alice, trunk):
    Subscription(trunk, alice, "alice").accept()
    alice.close()
    got = trunk.expect_request("NOTIFY", timeout=GRACE + 3)
    assert got.header("Subscription-State") == "terminated;reason=probation"
    trunk.reply(got, 200)
    daemon.wait_metric("tandem_subscriptions", 0)


def test_what_was_missed_last_is_kept_for_the_return(alice, trunk):
    subscription = Subscription(alice, trunk, "1001").accept()
    alice.socket.drop()
    for n in range(20):
        trunk.ask(subscription.notify_request(body=f"<n{n}/>"), 200)
    alice.connect()
    alice.register()
    bodies = []
    for _ in range(16):
        got = alice.expect_request("NOTIFY")
        alice.reply(got, 200)
        bodies.append(got.body)
    assert bodies == [f"<n{n}/>".encode() for n in range(4, 20)]
    subscription.unsubscribe()
