"""A TURN and STUN server (coturn) on the loopback."""

import os
import shutil
import socket
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


class TurnServer:
    def __init__(self, directory):
        self.port, self.tls_port = free_port(), free_port()
        self.certificate, key = make_certificate(directory, "turn", "IP:127.0.0.1,DNS:localhost")
        self.log = open(directory / "turnserver.log", "w+", encoding="utf-8")
        first = media_ports()[1] - 40
        self.process = subprocess.Popen(
            ["turnserver", "-n", "--listening-ip=127.0.0.1", f"--listening-port={self.port}", "--relay-ip=127.0.0.1",
             f"--min-port={first}", f"--max-port={first + 40}", "--lt-cred-mech", f"--user={USERNAME}:{PASSWORD}",
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
