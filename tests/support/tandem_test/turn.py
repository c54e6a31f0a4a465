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


class TurnServer:
    def __init__(self, directory):
        self.port = free_port()
        self.log = open(directory / "turnserver.log", "w+", encoding="utf-8")
        first = media_ports()[1] - 40
        self.process = subprocess.Popen(
            ["turnserver", "-n", "--listening-ip=127.0.0.1", f"--listening-port={self.port}", "--relay-ip=127.0.0.1",
             f"--min-port={first}", f"--max-port={first + 40}", "--lt-cred-mech", f"--user={USERNAME}:{PASSWORD}",
             "--realm=example.test", "--allow-loopback-peers", "--no-cli", "--no-tls", "--no-dtls", "--simple-log",
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

    def text(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()
