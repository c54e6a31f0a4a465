"""One end of a DTLS association that makes keys for SRTP (RFC 5764), and a telephone that has one. Needs pyOpenSSL."""

import datetime
import hashlib
import os
import re
import select
import socket
import struct

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from . import media
from .net import LIMIT, Deadline
from .srtp import KEY_AND_SALT_BYTES, KEY_BYTES, SALT_BYTES, Srtp

PROFILE = "UDP/TLS/RTP/SAVP"
MTU = 1200


def is_dtls(data):
    """RFC 7983."""
    return 20 <= data[0] < 64


def certificate():
    """A new one: the certificate, its key, its SHA-256 in hexadecimal."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "browser")])
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256()))
    return (crypto.X509.from_cryptography(made), crypto.PKey.from_cryptography_key(key),
            hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest().upper())


def records(flight):
    """A memory BIO does not keep datagrams apart; records must not be broken."""
    while flight:
        length = 13 + struct.unpack(">H", flight[11:13])[0]
        yield flight[:length]
        flight = flight[length:]


class Identity:
    """A certificate and what is said of it."""

    def __init__(self):
        self.certificate, self.key, digest = certificate()
        self.fingerprint = ":".join(digest[i:i + 2] for i in range(0, len(digest), 2))


class Dtls:
    """`send(record)` is what becomes of what it says."""

    def __init__(self, identity, send, is_server=True):
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_certificate(identity.certificate)
        context.use_privatekey(identity.key)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *arguments: True)
        context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
        self.connection, self.send, self.is_server = SSL.Connection(context, None), send, is_server
        self.is_connected = self.is_parted = False
        self.sends = self.takes = None  # Srtp, once connected
        if is_server:
            self.connection.set_accept_state()
        else:
            self.connection.set_connect_state()

    def begin(self):
        """A client's first word."""
        self._go_on()

    def take(self, data):
        self.connection.bio_write(data)
        self._go_on()

    def repeat(self):
        """The last flight again, if it is time (RFC 6347, section 4.2.4)."""
        SSL._lib.DTLSv1_handle_timeout(self.connection._ssl)  # pylint: disable=protected-access
        self._flush()

    def _go_on(self):
        try:
            if self.is_connected:
                self.connection.recv(4096)
            else:
                self.connection.do_handshake()
                self._take_keys()
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.is_parted = True
        self._flush()

    def _flush(self):
        while True:
            try:
                flight = self.connection.bio_read(65536)
            except SSL.WantReadError:
                return
            for record in records(flight):
                self.send(record)

    def _take_keys(self):
        """RFC 5764, section 4.2."""
        material = self.connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * KEY_AND_SALT_BYTES)
        keys, salts = material[:2 * KEY_BYTES], material[2 * KEY_BYTES:]
        client, server = (Srtp(keys[i * KEY_BYTES:(i + 1) * KEY_BYTES] + salts[i * SALT_BYTES:(i + 1) * SALT_BYTES])
                          for i in (0, 1))
        self.takes, self.sends = (client, server) if self.is_server else (server, client)
        self.is_connected = True


class DtlsRtp(media.Rtp):
    """A telephone's RTP port that is keyed by DTLS."""

    def __init__(self, **options):
        super().__init__(**options)
        self.identity, self.dtls, self.tls_id = Identity(), None, None

    def renew(self):
        """The next description is about another association."""
        self.tls_id = os.urandom(15).hex()

    def describe(self, setup="actpass", profile=PROFILE, mux=True, fingerprint=None, **options):
        sdp = re.sub(r"^(m=audio \d+) \S+", rf"\1 {profile}", media.trunk_sdp(self.port, **options), count=1, flags=re.M)
        lines = [f"a=fingerprint:sha-256 {fingerprint or self.identity.fingerprint}", f"a=setup:{setup}"]
        lines += [f"a=tls-id:{self.tls_id}"] * bool(self.tls_id) + ["a=rtcp-mux"] * mux
        return sdp + "".join(line + "\r\n" for line in lines)

    def shake_hands(self, to, is_server, limit=LIMIT, is_lost=lambda: False):
        """A new association with who is at `to`; `is_lost` is asked for each datagram in either direction."""
        def send(record):
            if not is_lost():
                self.socket.sendto(record, to)

        self.dtls = Dtls(self.identity, send, is_server)
        deadline = Deadline(limit)
        if not is_server:
            self.dtls.begin()
        while not self.dtls.is_connected:
            assert not deadline.is_over(), "no DTLS association"
            if not select.select([self.socket], [], [], 0.05)[0]:
                self.dtls.repeat()
                continue
            data = self.socket.recv(4096)
            assert len(data) <= MTU, len(data)
            if is_dtls(data) and not is_lost():
                self.dtls.take(data)

    def receive(self, timeout=LIMIT):
        """The next RTP packet."""
        deadline = Deadline(timeout)
        while select.select([self.socket], [], [], deadline.left())[0]:
            head = self.socket.recv(2, socket.MSG_PEEK)
            if not is_dtls(head) and not 192 <= head[1] < 224:
                return super().receive(deadline.left())
            data = self.socket.recv(4096)
            if is_dtls(data):
                self.dtls.take(data)
        raise TimeoutError

    def _wrap(self, packet):
        return self.dtls.sends.protect(packet)

    def _unwrap(self, data):
        return self.dtls.takes.unprotect(data)
