"""HTTPS and WSS: versions, ALPN, a new certificate, what does not speak TLS."""

import pathlib
import socket
import ssl
import subprocess

import pytest
from tandem_test.daemon import find_binary
from tandem_test.net import connect, read_response
from tandem_test.websocket import PING, PONG, WebSocket


def make_certificate(directory, name="localhost"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", directory / "key.pem", "-out", directory / "chain.pem", "-days", "2", "-subj", f"/CN={name}"],
                   check=True, capture_output=True)


def prepare(directory, config):
    make_certificate(directory)
    web = {**config["web"], "certificate": "chain.pem", "key": "key.pem", "header_timeout_seconds": 2}
    return {**config, "web": web}


def test_page_and_socket(daemon):
    assert daemon.http("/").status == 200
    made = WebSocket(daemon.host, daemon.web_port, tls=True)
    made.send_frame(PING, b"secret")
    assert made.receive_frame() == (PONG, b"secret")
    big = b"x" * 8000
    for _ in range(50):
        made.send_frame(PING, big[:125])
    for _ in range(50):
        assert made.receive_frame() == (PONG, big[:125])
    made.close()


def context(minimum=None, maximum=None, alpn=()):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_ciphers("DEFAULT:@SECLEVEL=0")
    if minimum:
        made.minimum_version = minimum
    if maximum:
        made.maximum_version = maximum
    if alpn:
        made.set_alpn_protocols(alpn)
    return made


def shake_hands(daemon, made):
    with socket.create_connection((daemon.host, daemon.web_port), 5) as plain:
        with made.wrap_socket(plain, server_hostname="localhost") as secure:
            return secure.version(), secure.selected_alpn_protocol(), secure.getpeercert(binary_form=True)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_versions(daemon, version):
    wanted = getattr(ssl.TLSVersion, version)
    assert shake_hands(daemon, context(wanted, wanted))[0] == version.replace("_", ".")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions(daemon, version):
    wanted = getattr(ssl.TLSVersion, version)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake_hands(daemon, context(wanted, wanted))


def test_no_http2(daemon):
    assert shake_hands(daemon, context(alpn=["h2", "http/1.1"]))[1] == "http/1.1"


def test_plain_http_on_the_tls_port(daemon):
    with connect(daemon.host, daemon.web_port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try:
            assert b"HTTP" not in connection.recv(1000)
        except ConnectionError:
            pass
    assert daemon.health().status == 200


def test_handshake_that_never_comes(daemon):
    with connect(daemon.host, daemon.web_port) as connection:
        connection.settimeout(6)
        assert connection.recv(1) == b""


def test_handshake_that_stops_half_way(daemon):
    with connect(daemon.host, daemon.web_port) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50))
        connection.settimeout(6)
        try:
            while connection.recv(100):
                pass
        except ConnectionError:
            pass
    daemon.wait_metric("tandem_web_connections", 1)


def test_slow_request(daemon):
    with connect(daemon.host, daemon.web_port, tls=True) as connection:
        connection.sendall(b"GET / HT")
        assert read_response(connection).status == 408


def refused(tandem):
    """What is said of the configuration, by the check and at the start alike."""
    path = tandem.write_config()
    checked, started = (subprocess.run([find_binary(), *more, "-c", path], capture_output=True, text=True, timeout=30, check=False)
                        for more in (["-t"], []))
    assert checked.returncode == started.returncode == 1
    assert checked.stderr == started.stderr
    return checked.stderr


@pytest.mark.parametrize("broken", ["chain.pem", "key.pem"])
@pytest.mark.parametrize("spoil", [lambda path: path.write_text("nothing of use\n"), pathlib.Path.unlink], ids=["rubbish", "missing"])
def test_a_certificate_that_cannot_be_used_is_a_mistake_in_the_configuration(own_daemon, broken, spoil):
    tandem = own_daemon({"web": {"certificate": "chain.pem", "key": "key.pem"}})
    make_certificate(tandem.directory)
    spoil(tandem.directory / broken)
    assert f"{tandem.directory / broken} cannot be read" in refused(tandem)


def test_certificate_of_another_key(own_daemon):
    tandem = own_daemon({"web": {"certificate": "chain.pem", "key": "key.pem"}})
    make_certificate(tandem.directory, "one")
    chain = (tandem.directory / "chain.pem").read_text()
    make_certificate(tandem.directory, "two")
    (tandem.directory / "chain.pem").write_text(chain)
    assert "does not belong to the certificate" in refused(tandem)


def test_new_certificate(own_daemon, tmp_path):
    tandem = own_daemon()
    make_certificate(tandem.directory, "first")
    tandem.config["web"].update(certificate="chain.pem", key="key.pem")
    tandem.tls = True
    tandem.start()
    old = WebSocket(tandem.host, tandem.web_port, tls=True)
    first = shake_hands(tandem, context())[2]
    make_certificate(tandem.directory, "second")
    tandem.reload({})
    second = shake_hands(tandem, context())[2]
    assert first != second
    old.send("\r\n\r\n")
    assert old.receive() == b"\r\n"
    old.close()
