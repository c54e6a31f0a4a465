"""A TURN and STUN server (coturn) on the loopback."""

import hashlib
import hmac
import os
import shutil
import socket
import struct
import subprocess
import time

from .net import Deadline, free_port, media_ports

USERNAME, PASSWORD = "gateway", "a-secret-of-turn"


def is_installed():
    return shutil.which("turnserver") is not None


def make_certificate(directory, name, subject):
    """A certificate that vouches for itself, "DNS:localhost" or "IP:127.0.0.1", and its key: (path, path)."""
    files = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=turn", "-addext", f"subjectAltName={subject}", "-out", files[0], "-keyout", files[1]],
                   check=True, capture_output=True)
    return files


def allocate(port, username, password, realm="example.test"):
    """An Allocate request with long-term credentials (RFC 8656, RFC 8489); the error code, or None when it is granted."""
    def attribute(kind, value):
        return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)

    def ask(attributes, key=None):
        transaction = os.urandom(12)
        def header(length):
            return struct.pack("!HHI", 0x0003, length, 0x2112A442) + transaction
        if key:
            mac = hmac.new(key, header(len(attributes) + 24) + attributes, hashlib.sha1).digest()
            attributes += attribute(0x0008, mac)
        peer.send(header(len(attributes)) + attributes)
        answer = peer.recv(2048)
        found, rest = {}, answer[20:]
        while rest:
            kind, length = struct.unpack("!HH", rest[:4])
            found[kind], rest = rest[4:4 + length], rest[4 + length + -length % 4:]
        return struct.unpack("!H", answer[:2])[0], found

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(10)
        peer.connect(("127.0.0.1", port))
        wish = attribute(0x0019, b"\x11\0\0\0")
        kind, found = ask(wish)
        assert kind == 0x0113 and found[0x0015], "no nonce"
        key = hashlib.md5(f"{username}:{realm}:{password}".encode()).digest()
        kind, found = ask(wish + attribute(0x0006, username.encode()) + attribute(0x0014, realm.encode())
                          + attribute(0x0015, found[0x0015]), key)
        return None if kind == 0x0103 else found[0x0009][2] * 100 + found[0x0009][3]


class TurnServer:
    def __init__(self, directory, secret=None):
        """`secret`: credentials are made from it, instead of the one user."""
        login = ["--use-auth-secret", f"--static-auth-secret={secret}"] if secret else ["--lt-cred-mech", f"--user={USERNAME}:{PASSWORD}"]
        self.port, self.tls_port = free_port(), free_port()
        self.certificate, key = make_certificate(directory, "turn", "IP:127.0.0.1,DNS:localhost")
        self.log = open(directory / "turnserver.log", "w+", encoding="utf-8")
        first = media_ports()[1] - 40
        self.process = subprocess.Popen(
            ["turnserver", "-n", "--listening-ip=127.0.0.1", f"--listening-port={self.port}", "--relay-ip=127.0.0.1",
             f"--min-port={first}", f"--max-port={first + 40}", *login,
             "--realm=example.test", "--allow-loopback-peers", "--no-cli", "--no-dtls", "--simple-log",
             f"--tls-listening-port={self.tls_port}", f"--cert={self.certificate}", f"--pkey={key}",
             "--log-file=stdout", f"--pidfile={directory / 'turnserver.pid'}", f"--userdb={directory / 'turndb'}"],
            stdout=self.log, stderr=subprocess.STDOUT, env={**os.environ, "HOME": str(directory)})
        deadline = Deadline()
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None and not deadline.is_over(), self.text()
                time.sleep(0.02)

    def entry(self, transport="udp", **options):
        """For the daemon's turn_servers."""
        places = {"udp": f"turn:127.0.0.1:{self.port}", "tcp": f"turn:127.0.0.1:{self.port}?transport=tcp",
                  "tls": f"turns:127.0.0.1:{self.tls_port}"}
        ca_file = {"ca_file": str(self.certificate)} if transport == "tls" else {}
        return {"server": places[transport], "username": USERNAME, "password": PASSWORD, **ca_file, **options}

    def text(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()
