"""The media side of a browser as far as a long call needs it: answers and makes ICE checks (RFC 8445), is the DTLS server.
Needs pyOpenSSL, which the other parts do without."""

import datetime
import hashlib
import hmac
import os
import re
import socket
import struct
import threading
import zlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from . import media
from .net import Deadline

COOKIE = 0x2112A442
BINDING, SUCCESS = 0x0001, 0x0101
USERNAME, INTEGRITY, PRIORITY, USE_CANDIDATE, MAPPED = 0x0006, 0x0008, 0x0024, 0x0025, 0x0020
FINGERPRINT, CONTROLLING = 0x8028, 0x802A


def stun(kind, transaction, attributes, password):
    """With integrity and fingerprint (RFC 8489, sections 14.5 and 14.7)."""
    body = b""
    for name, value in attributes:
        body += struct.pack(">HH", name, len(value)) + value + bytes(-len(value) % 4)

    def head(extra):
        return struct.pack(">HHI", kind, len(body) + extra, COOKIE) + transaction

    mac = hmac.new(password.encode(), head(24) + body, hashlib.sha1).digest()
    body += struct.pack(">HH", INTEGRITY, 20) + mac
    crc = zlib.crc32(head(8) + body) ^ 0x5354554E
    body += struct.pack(">HHI", FINGERPRINT, 4, crc)
    return head(0) + body


def _certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "browser")])
    now = datetime.datetime.utcnow()
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256()))
    return (crypto.X509.from_cryptography(certificate), crypto.PKey.from_cryptography_key(key),
            hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest().upper())


class WebRtc(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.ufrag, self.password = os.urandom(4).hex(), os.urandom(16).hex()
        certificate, key, digest = _certificate()
        self.fingerprint = ":".join(digest[i:i + 2] for i in range(0, len(digest), 2))
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_certificate(certificate)
        context.use_privatekey(key)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *arguments: True)
        context.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80")
        self.dtls = SSL.Connection(context, None)
        self.dtls.set_accept_state()
        self.remote = None  # (ufrag, password, address)
        self.is_connected = threading.Event()
        self.stopped = False
        self.start()

    def describe(self, offer=None):
        sdp = media.browser_sdp(offer, port=self.port, setup="passive" if offer else "actpass", ufrag=self.ufrag)
        sdp = re.sub(r"^a=ice-pwd:.*?\r$", f"a=ice-pwd:{self.password}\r", sdp, flags=re.M)
        return re.sub(r"^a=fingerprint:.*?\r$", f"a=fingerprint:sha-256 {self.fingerprint}\r", sdp, flags=re.M)

    def hear(self, sdp):
        """The gateway's description."""
        values = {name: re.search(rf"^a={name}:(\S+)", sdp, re.M).group(1) for name in ("ice-ufrag", "ice-pwd")}
        address, port = re.search(r"^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+)", sdp, re.M | re.I).groups()
        self.remote = (values["ice-ufrag"], values["ice-pwd"], (address, int(port)))

    def close(self):
        self.stopped = True
        self.join()
        self.socket.close()

    # --- the thread ---
    def run(self):
        next_check = Deadline(0)
        while not self.stopped:
            if self.remote and next_check.is_over():
                next_check = Deadline(0.5)
                self._check()
            try:
                data, source = self.socket.recvfrom(4096)
            except OSError:
                continue
            if data[0] < 4:
                self._stun(data, source)
            elif 20 <= data[0] < 64:
                self._dtls(data, source)

    def _check(self):
        ufrag, password, address = self.remote
        attributes = [(USERNAME, f"{ufrag}:{self.ufrag}".encode()), (PRIORITY, struct.pack(">I", 1862270975)),
                      (CONTROLLING, os.urandom(8)), (USE_CANDIDATE, b"")]
        self.socket.sendto(stun(BINDING, os.urandom(12), attributes, password), address)

    def _stun(self, data, source):
        if struct.unpack(">H", data[:2])[0] != BINDING:
            return
        port = source[1] ^ COOKIE >> 16
        address = struct.unpack(">I", socket.inet_aton(source[0]))[0] ^ COOKIE
        mapped = struct.pack(">BBHI", 0, 1, port, address)
        self.socket.sendto(stun(SUCCESS, data[8:20], [(MAPPED, mapped)], self.password), source)

    def _dtls(self, data, source):
        self.dtls.bio_write(data)
        try:
            if self.is_connected.is_set():
                self.dtls.recv(4096)
            else:
                self.dtls.do_handshake()
                self.is_connected.set()
        except (SSL.WantReadError, SSL.ZeroReturnError):
            pass
        while True:
            try:
                flight = self.dtls.bio_read(65536)
            except SSL.WantReadError:
                return
            for record in self._records(flight):
                self.socket.sendto(record, source)

    @staticmethod
    def _records(flight):
        """A memory BIO does not keep datagrams apart; records must not be broken."""
        while flight:
            length = 13 + struct.unpack(">H", flight[11:13])[0]
            yield flight[:length]
            flight = flight[length:]
