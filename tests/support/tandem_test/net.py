"""Addresses, ports, raw HTTP."""

import socket
import ssl
import time

LIMIT = 10.0  # seconds that anything on loopback may take at most, sanitizers and a busy machine included


class Deadline:
    """A limit that several waits share."""

    def __init__(self, seconds=LIMIT):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(self.end - time.monotonic(), 0.0)

    def is_over(self):
        return time.monotonic() >= self.end


def free_port(kind=socket.SOCK_STREAM, host="127.0.0.1"):
    """A port nobody uses. It may be taken by others until it is used: whoever binds it must be ready for that."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


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
