"""Signed tokens (JWT) as an identity provider would give them."""

import base64
import json
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """One key; `algorithm` is RS256, ES256 or EdDSA."""

    def __init__(self, algorithm="EdDSA", kid=None):
        self.algorithm, self.kid = algorithm, kid
        self.key = {"RS256": lambda: rsa.generate_private_key(65537, 2048), "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
                    "EdDSA": ed25519.Ed25519PrivateKey.generate}[algorithm]()

    def pem(self):
        return self.key.public_key().public_bytes(serialization.Encoding.PEM,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def jwk(self):
        public = self.key.public_key()
        if self.algorithm == "RS256":
            numbers = public.public_numbers()
            fields = {"kty": "RSA", "n": encode(numbers.n.to_bytes(256, "big")), "e": encode(numbers.e.to_bytes(3, "big"))}
        elif self.algorithm == "ES256":
            numbers = public.public_numbers()
            fields = {"kty": "EC", "crv": "P-256", "x": encode(numbers.x.to_bytes(32, "big")), "y": encode(numbers.y.to_bytes(32, "big"))}
        else:
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            fields = {"kty": "OKP", "crv": "Ed25519", "x": encode(raw)}
        return {**fields, "use": "sig", "alg": self.algorithm, **({"kid": self.kid} if self.kid else {})}

    def _sign(self, data):
        if self.algorithm == "RS256":
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if self.algorithm == "EdDSA":
            return self.key.sign(data)
        r, s = utils.decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def token(self, user, seconds=300, header=None, **claims):
        head = {"alg": self.algorithm, "typ": "JWT", **({"kid": self.kid} if self.kid else {}), **(header or {})}
        body = {"sub": user, "iss": "https://id.example", "aud": "tandem", "exp": time.time() + seconds, **claims}
        text = f"{encode(json.dumps(head).encode())}.{encode(json.dumps(body).encode())}"
        return f"{text}.{encode(self._sign(text.encode()))}"
