"""Addresses, ports, raw HTTP."""

import fcntl
import os
import pathlib
import random
import socket
import ssl
import tempfile
import time

LIMIT = 10.0  # seconds that anything on loopback may take at most, sanitizers and a busy machine included


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def bracketed(host):
    """As URIs and Via have it."""
    return f"[{host}]" if ":" in host else host


class Deadline:
    """A limit that several waits share."""

    def __init__(self, seconds=LIMIT):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(self.end - time.monotonic(), 0.0)

    def is_over(self):
        return time.monotonic() >= self.end


class _Ports:
    """Ports that no other test run on this machine takes: each process holds a slot, by a lock on a file, as long as it
    lives. All are below the range from which the kernel picks ports by itself."""

    FIRST, SLOTS, EACH, MEDIA = 10000, 30, 750, 400

    def __init__(self):
        folder = pathlib.Path(tempfile.gettempdir()) / f"tandem-test-ports-{os.getuid()}"
        folder.mkdir(exist_ok=True)
        order = list(range(self.SLOTS))
        random.shuffle(order)
        for slot in order:
            self.lock = open(folder / str(slot), "w", encoding="ascii")  # held until the process ends
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self.lock.close()
                continue
            self.start = self.FIRST + slot * self.EACH
            self.next, self.kept = 0, set()
            return
        raise RuntimeError("too many test runs at a time")

    @staticmethod
    def _is_free(host, port):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(family_of(host), kind) as probe:
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((host, port))
                except OSError:
                    return False
        return True

    def free(self, host):
        for _ in range(self.EACH - self.MEDIA):
            port = self.start + self.next
            self.next = (self.next + 1) % (self.EACH - self.MEDIA)
            if port not in self.kept and self._is_free(host, port):
                return port
        raise RuntimeError("no free port is left")

    def media(self):
        return self.start + self.EACH - self.MEDIA, self.start + self.EACH - 1


_ports = None


def _slot():
    global _ports
    if _ports is None:
        _ports = _Ports()
    return _ports


def free_port(host="127.0.0.1"):
    """A port that is free for UDP and TCP, for whoever takes it at once."""
    return _slot().free(host)


def kept_port(host="127.0.0.1"):
    """As free_port(), but it may be taken, let go and taken again as long as this process lives."""
    port = free_port(host)
    _slot().kept.add(port)
    return port


def media_ports():
    """First and last of the ports that daemons of this process may use for media."""
    return _slot().media()


def connect(host, port, tls=False, timeout=LIMIT):
    connection = socket.create_connection((host, port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = context.wrap_socket(connection, server_hostname=host)
    return connection


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        return self.headers.get(name.lower())

    @property
    def text(self):
        return self.body.decode()


def read_response(connection, deadline=None, has_body=True):
    """One HTTP response; None when the connection ends before one is whole."""
    deadline = deadline or Deadline()
    buffer = b""
    while b"\r\n\r\n" not in buffer:
        connection.settimeout(max(deadline.left(), 0.001))
        part = connection.recv(65536)
        if not part:
            return None
        buffer += part
    head, rest = buffer.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split()[1])
    headers = {}
    for line in lines[1:]:
        name, value = line.split(":", 1)
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0")) if has_body and status not in (101, 204, 304) else 0
    while len(rest) < length:
        connection.settimeout(max(deadline.left(), 0.001))
        part = connection.recv(65536)
        if not part:
            return None
        rest += part
    response = Response(status, headers, rest[:length])
    response.rest = rest[length:]
    return response


def http(host, port, method="GET", path="/", headers=None, body=b"", tls=False):
    """One request on a connection of its own."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    with connect(host, port, tls) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return read_response(connection, has_body=method != "HEAD")
