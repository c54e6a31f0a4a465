"""A trunk's far end that is a process of its own, to be stopped and killed: it answers OPTIONS, lets calls ring, and answers those to
numbers that begin with 7."""

import os
import pathlib
import signal
import subprocess
import sys

from . import media, sip
from .trunk import UdpTrunk


class LoneTrunk:
    """It is there when this returns. `gateway` is (host, port) of the daemon's UDP listener."""

    def __init__(self, gateway, port):
        package = pathlib.Path(__file__).resolve().parent
        command = [sys.executable, "-B", "-m", f"{package.name}.lone_trunk", *map(str, gateway), str(port)]
        self.process = subprocess.Popen(command, cwd=package.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """It lives, and does nothing any more."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stdin.close()
        self.process.stdout.close()


class _Lone(UdpTrunk):
    def _incoming(self, data, source):
        message = sip.Message.parse(data)
        options = {"to_tag": sip.token(), "contact": self.contact}
        if message.is_request and message.method == "OPTIONS":
            self._write_now(sip.response(message, 200, **options))
        elif message.is_request and message.method == "INVITE":
            self._write_now(sip.response(message, 180, **options))
            if message.uri.startswith("sip:7"):
                self._write_now(sip.response(message, 200, body=media.trunk_sdp(40000), **options))


def main(host, gateway_port, port):
    _Lone((host, int(gateway_port)), port=int(port))
    print("ready", flush=True)
    sys.stdin.read()  # until the test has ended, however it did


if __name__ == "__main__":
    main(*sys.argv[1:])
