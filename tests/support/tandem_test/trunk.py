"""A scripted SIP peer on UDP, TCP or TLS: the far end of a trunk, with a hand on every datagram."""

import heapq
import itertools
import queue
import random
import select
import socket
import ssl
import threading
import time

from . import media, sip
from .net import LIMIT, bracketed, family_of
from .peer import Peer


class Impairment:
    """Loss, duplication and delay (which reorders), the same for the same seed."""

    def __init__(self, loss=0.0, duplicate=0.0, delay=0.0, seed=1):
        self.loss, self.duplicate, self.delay = loss, duplicate, delay
        self.random = random.Random(seed)

    def delays(self):
        """One entry, in seconds, for each copy that goes through."""
        if self.random.random() < self.loss:
            return []
        copies = 2 if self.random.random() < self.duplicate else 1
        return [self.random.random() * self.delay for _ in range(copies)]


class _Later(threading.Thread):
    """Calls functions at their time."""

    def __init__(self):
        super().__init__(daemon=True)
        self.heap, self.order = [], itertools.count()
        self.changed = threading.Condition()
        self.stopped = False

    def call(self, delay, function):
        with self.changed:
            heapq.heappush(self.heap, (time.monotonic() + delay, next(self.order), function))
            self.changed.notify()

    def stop(self):
        with self.changed:
            self.stopped = True
            self.changed.notify()

    def run(self):
        while True:
            with self.changed:
                while not self.stopped and (not self.heap or self.heap[0][0] > time.monotonic()):
                    self.changed.wait(self.heap[0][0] - time.monotonic() if self.heap else None)
                if self.stopped:
                    return
                function = heapq.heappop(self.heap)[2]
            function()


class _TrunkBase(Peer):
    def __init__(self, name):
        super().__init__(name)
        self.received = queue.Queue()
        self.answers_options = True
        self.drops_received = lambda message: False  # true: as if it had been lost on the way here
        self.drops_sent = lambda message: False  # true: as if it had been lost on the way there
        self.impairment = None
        self.later = None

    def impair(self, **options):
        """From now on, both ways; no options: no more."""
        if self.later is None:
            self.later = _Later()
            self.later.start()
        self.impairment = Impairment(**options) if options else None

    def _through(self, function):
        if self.impairment is None:
            function()
            return
        for delay in self.impairment.delays():
            self.later.call(delay, function)

    def _incoming(self, data, source):
        if not data.strip():
            return
        message = sip.Message.parse(data)
        message.source = source
        if not self.drops_received(message):
            self._through(lambda: self.received.put(message))

    def _read(self, timeout):
        try:
            return self.received.get(timeout=max(timeout, 0.001))
        except queue.Empty:
            raise TimeoutError from None

    def _serve(self, message):
        if self.answers_options and message.is_request and message.method == "OPTIONS":
            self.reply(message, 200, to_tag=sip.token())
            return True
        return False

    def _write(self, message):
        if not self.drops_sent(message):
            self._through(lambda: self._write_now(message))

    # --- calls ---
    @property
    def contact(self):
        return f"<sip:trunk@{bracketed(self.host)}:{self.port}{self.uri_parameters}>"

    @property
    def via(self):
        return f"{self.transport} {bracketed(self.host)}:{self.port}"

    def invite(self, number, domain, body, from_user="5551234", headers=()):
        """Sends an INVITE to the gateway."""
        return self.send(sip.request("INVITE", f"sip:{number}@{domain}", f"<sip:{from_user}@{bracketed(self.host)}>;tag={sip.token()}",
                                     f"<sip:{number}@{domain}>", self.via, contact=self.contact, body=body,
                                     headers=headers))

    def answered(self, invite, timeout=LIMIT):
        response = self.expect_response(invite, 200, timeout)
        dialog = sip.Dialog.as_caller(invite, response)
        self.send(dialog.request("ACK", self.via, cseq=invite.cseq[0]))
        return dialog, response

    def answer(self, invite, body, status=200, tag=None, **options):
        tag = tag or sip.token("t")
        self.reply(invite, status, to_tag=tag, contact=self.contact, body=body, **options)
        return sip.Dialog.as_callee(invite, tag, self.contact)

    def in_dialog(self, dialog, method, **options):
        return dialog.request(method, self.via, **options)

    def bye(self, dialog, status=200):
        return self.ask(self.in_dialog(dialog, "BYE"), status)


class UdpTrunk(_TrunkBase):
    transport, uri_parameters = "UDP", ""

    def __init__(self, gateway, host="127.0.0.1", port=0, name="trunk"):
        """`gateway` is (host, port) of the daemon's UDP listener."""
        super().__init__(name)
        self.socket = socket.socket(family_of(host), socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.host, self.port = self.socket.getsockname()[:2]
        self.gateway = gateway
        self.reader = threading.Thread(target=self._read_all, daemon=True)
        self.reader.start()

    def _read_all(self):
        while True:
            try:
                data, source = self.socket.recvfrom(65535)
            except OSError:
                return
            if data == b"stop" and source == self.socket.getsockname():
                return
            self._incoming(data, source)

    def _write_now(self, message):
        try:
            self.socket.sendto(message.encode(), self.gateway)
        except OSError:
            pass  # closed meanwhile: as lost as a datagram can be

    def close(self):
        """More than once: as it dies in a test, and at its end."""
        if self.socket.fileno() < 0:
            return
        if self.later:
            self.later.stop()
        self.socket.sendto(b"stop", self.socket.getsockname())  # a blocked recvfrom() hears no close()
        self.reader.join()
        self.socket.close()


class TcpTrunk(_TrunkBase):
    """Connects to the gateway when it first sends, and takes the gateway's connections; answers go back where the request
    came from."""

    transport, uri_parameters = "TCP", ";transport=tcp"

    def __init__(self, gateway, host="127.0.0.1", port=0, name="trunk"):
        super().__init__(name)
        self.listener = socket.create_server((host, port))
        self.host, self.port = self.listener.getsockname()[:2]
        self.gateway = gateway
        self.connections = []
        self.pings = 0  # RFC 5626, section 3.5.1
        self.outgoing = None
        self.closing = False
        self.threads = []
        self._start(self._accept_all)

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept_all(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if self.closing:
                connection.close()
                return
            self._start(self._welcome, connection)

    def _welcome(self, connection):
        connection = self._secure(connection, True)
        if connection:
            self.connections.append(connection)
            self._read_all(connection)

    def _secure(self, connection, is_server):
        """What is spoken by; None: nothing."""
        return connection

    def _read_all(self, connection):
        buffer = b""
        while True:
            try:
                part = connection.recv(65536)
            except OSError:
                return
            if not part:
                return
            buffer += part
            self.pings += buffer == b"\r\n\r\n"
            while True:
                buffer = buffer.lstrip(b"\r\n")
                head, separator, rest = buffer.partition(b"\r\n\r\n")
                if not separator:
                    break
                length = int(sip.Message.parse(head + separator).header("Content-Length") or 0)
                if len(rest) < length:
                    break
                self._incoming(head + separator + rest[:length], connection)
                buffer = rest[length:]

    def connect(self):
        self.outgoing = self._secure(self._dial(), False)
        self.connections.append(self.outgoing)
        self._start(self._read_all, self.outgoing)
        return self.outgoing

    def _dial(self):
        return socket.create_connection(self.gateway, timeout=LIMIT)

    def _write_now(self, message):
        connection = getattr(message, "source", None) or self.outgoing or self.connect()
        connection.sendall(message.encode())

    def reply(self, request, status, **options):
        message = sip.response(request, status, **options)
        message.source = request.source
        return self.send(message)

    def close(self):
        self.closing = True
        if self.later:
            self.later.stop()
        try:  # wakes accept()
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            pass
        self.listener.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
        for thread in self.threads:
            thread.join()


class SecureConnection:
    """A TLS connection that one thread reads and others write."""

    def __init__(self, connection):
        self.connection, self.lock = connection, threading.Lock()
        connection.setblocking(False)

    def _patiently(self, function):
        while True:
            with self.lock:
                try:
                    return function()
                except ssl.SSLWantReadError:
                    wanted = ([self.connection], [])
                except ssl.SSLWantWriteError:
                    wanted = ([], [self.connection])
            select.select(*wanted, [], 0.2)

    def recv(self, size):
        try:
            return self._patiently(lambda: self.connection.recv(size))
        except (ssl.SSLError, ValueError):  # closed in the middle; closed by us
            return b""

    def sendall(self, data):
        while data:
            data = data[self._patiently(lambda: self.connection.send(data)):]

    def getpeercert(self):
        return self.connection.getpeercert()

    def version(self):
        return self.connection.version()

    def shutdown(self, how):
        socket.socket.shutdown(self.connection, how)

    def close(self):
        self.connection.close()


class TlsTrunk(TcpTrunk):
    """As TcpTrunk, by TLS. `certificate`: what it shows (pki.Certificate; None to whom it connects); `authority`: the PEM file by which it
    knows the gateway; `asks`: for the gateway's certificate."""

    transport, uri_parameters = "TLS", ";transport=tls"

    def __init__(self, gateway, certificate, authority=None, asks=False, client_certificate=None, **options):
        self.failures = queue.Queue()
        self.show(certificate, authority, asks)
        self.client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client_context.check_hostname = False
        self.client_context.verify_mode = ssl.CERT_REQUIRED if authority else ssl.CERT_NONE
        if authority:
            self.client_context.load_verify_locations(authority)
        if client_certificate:
            self.client_context.load_cert_chain(client_certificate.chain, client_certificate.key)
        super().__init__(gateway, **options)

    def show(self, certificate, authority=None, asks=False):
        """To those who connect from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key)
        if asks:
            context.load_verify_locations(authority)
            context.verify_mode = ssl.CERT_REQUIRED
        self.heard_name = None
        context.sni_callback = lambda connection, name, _: setattr(self, "heard_name", name)
        self.context = context

    def _secure(self, connection, is_server):
        connection.settimeout(LIMIT)
        try:
            context = self.context if is_server else self.client_context
            return SecureConnection(context.wrap_socket(connection, server_side=is_server))
        except OSError as error:
            self.failures.put(error)
            connection.close()
            if not is_server:
                raise
            return None

    def lose(self):
        """All connections are closed."""
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.outgoing = None


__all__ = ["Impairment", "UdpTrunk", "TcpTrunk", "TlsTrunk", "media"]
