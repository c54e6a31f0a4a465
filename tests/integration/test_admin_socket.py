"""The operator's socket: who may connect, what is answered."""

import json
import os
import socket
import stat

import pytest
from tandem_test import media
from tandem_test.media import Rtp

DOMAIN = "example.test"


def prepare(directory, config):
    config["trunks"][0]["inbound"] = "echo"
    config["admin"] = {"socket": "admin.sock"}
    return config


@pytest.fixture
def path(daemon):
    return str(daemon.directory / "admin.sock")


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    client.settimeout(5)
    return client


def answer(client):
    text = b""
    while part := client.recv(65536):
        text += part
    client.close()
    return text


def ask(path, command):
    client = connect(path)
    client.sendall(command)
    return json.loads(answer(client))


def test_only_the_processs_own_user_may_connect(path):
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_no_calls(path):
    assert ask(path, b"calls\n") == {"calls": []}


def test_a_command_may_end_with_the_stream(path):
    client = connect(path)
    client.sendall(b"calls")
    client.shutdown(socket.SHUT_WR)
    assert json.loads(answer(client)) == {"calls": []}


def test_a_call_and_how_it_is_heard(path, trunk):
    rtp = Rtp()
    dialog, response = trunk.answered(trunk.invite("100", DOMAIN, media.trunk_sdp(rtp.port)))
    to = media.audio_of(response.sdp)[:2]
    for _ in range(30):
        rtp.send_until_heard(to)
    call, = ask(path, b"calls\r\n")["calls"]
    assert (call["state"], call["caller"], call["called"]) == ("connected", "5551234", "100")
    leg, = call["legs"]
    assert (leg["name"], leg["codec"], leg["lost"]) == ("trunk pbx", "PCMU", 0)
    assert leg["received"] >= leg["sent"] >= 30
    assert leg["mos"] > 4.3 and leg["mos_far_end"] is None and leg["trouble"] is None
    trunk.bye(dialog)
    rtp.close()


def test_a_name_that_is_no_utf8_hides_no_call(path, trunk):
    dialog, _ = trunk.answered(trunk.invite("1%ff", DOMAIN, media.trunk_sdp(40000), from_user="5%fe"))
    call, = ask(path, b"calls\n")["calls"]
    assert (call["caller"], call["called"]) == ("5\ufffd", "1\ufffd")
    trunk.bye(dialog)


@pytest.mark.parametrize("command", [b"drop everything\n", b"\n", b"\xff\xfe\n", b"calls\x00calls\n"])
def test_other_commands_are_explained(path, command):
    assert "calls" in ask(path, command).get("error", "calls")


@pytest.mark.parametrize("command", [b"", b"x" * 64, b"calls" * 100])
def test_what_is_no_line_is_hung_up_on(path, command):
    client = connect(path)
    client.sendall(command)
    client.shutdown(socket.SHUT_WR)
    try:
        assert answer(client) == b""
    except ConnectionResetError:
        pass


def test_who_hangs_up_early_harms_nobody(path):
    for _ in range(20):
        client = connect(path)
        client.sendall(b"calls\n")
        client.close()
    for _ in range(20):
        connect(path).close()
    assert ask(path, b"calls\n") == {"calls": []}


def test_many_who_say_nothing_keep_nobody_out_for_ever(path):
    clients = [connect(path) for _ in range(12)]
    for client in clients:
        client.close()
    assert ask(path, b"calls\n") == {"calls": []}


def test_a_socket_that_was_left_is_replaced_and_none_is_left(own_daemon, tmp_path):
    path = tmp_path / "admin.sock"
    old = socket.socket(socket.AF_UNIX)
    old.bind(str(path))
    old.close()
    daemon = own_daemon({"admin": {"socket": str(path)}}).start()
    assert ask(str(path), b"calls\n") == {"calls": []}
    daemon.stop()
    assert not path.exists()
