"""Connections that are dead without anybody having said so: no FIN, no RST."""

from tandem_test import calls as calls_module
from tandem_test.net import Deadline

GRACE, PING, PONG = 2, 1, 1
CONFIG = {
    **calls_module.CONFIG,
    "calls": {"grace_seconds": GRACE},
    "web": {"ping_interval_seconds": PING, "ping_timeout_seconds": PONG},
}


def test_a_silent_connection_is_noticed_in_bounded_time(calls):
    """ping_interval_seconds + ping_timeout_seconds + grace_seconds, and nothing more."""
    call = calls.up("browser-trunk")
    began = Deadline(60)
    call.called.reply(call.called.expect("BYE", PING + PONG + GRACE + 1.5), 200)  # nobody reads the browser's socket
    assert 60 - began.left() > GRACE
    calls.daemon.wait_metric("tandem_calls", 0, 1)


def test_a_silent_connection_and_the_next(calls):
    """The browser has its next connection long before the gateway hears that the old one is dead."""
    call = calls.up("browser-trunk")
    one = call.caller.peer
    old = one.socket
    one.connect()
    one.register()
    call.called.renegotiate(call.caller, "sendonly", "recvonly")
    call.caller.silence(seconds=PING + PONG + GRACE + 0.5)  # the new one answers its pings
    old.expect_gone(1)
    call.hang_up("called")
    old.connection.close()
