"""Digest authentication (RFC 7616), the client's side."""

import hashlib
import os
import re

ALGORITHMS = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def parse(challenge):
    """'Digest a="b", c=d' -> dict with lower-case names."""
    scheme, _, rest = challenge.partition(" ")
    assert scheme.lower() == "digest", challenge
    return {name.lower(): quoted or plain
            for name, quoted, plain in re.findall(r'([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))', rest)}


def answer(challenge, method, uri, username, password, nc=1, cnonce=None, qop="auth"):
    """The value for Authorization or Proxy-Authorization."""
    values = parse(challenge)
    algorithm = values.get("algorithm", "MD5")

    def digest(text):
        return ALGORITHMS[algorithm](text.encode()).hexdigest()

    cnonce = cnonce or os.urandom(8).hex()
    ha1 = digest(f"{username}:{values['realm']}:{password}")
    ha2 = digest(f"{method}:{uri}")
    if qop:
        result = digest(f"{ha1}:{values['nonce']}:{nc:08x}:{cnonce}:{qop}:{ha2}")
    else:
        result = digest(f"{ha1}:{values['nonce']}:{ha2}")
    text = (f'Digest username="{username}", realm="{values["realm"]}", nonce="{values["nonce"]}", uri="{uri}", '
            f'response="{result}", algorithm={algorithm}')
    if qop:
        text += f', qop={qop}, nc={nc:08x}, cnonce="{cnonce}"'
    if "opaque" in values:
        text += f', opaque="{values["opaque"]}"'
    return text


def choose(message, algorithm=None):
    """The challenge of a 401 or 407: the first (the server's favourite), or the one with the algorithm."""
    name = "WWW-Authenticate" if message.status == 401 else "Proxy-Authenticate"
    challenges = [value for value in message.values(name) if value.lower().startswith("digest ")]
    assert challenges, f"no {name} in {message}"
    for challenge in challenges:
        if algorithm is None or parse(challenge).get("algorithm", "MD5") == algorithm:
            return challenge
    raise AssertionError(f"no challenge for {algorithm} among {challenges}")


def authorize(request, challenge_message, username, password, algorithm=None, **options):
    """Adds the right answer to the request."""
    name = "Authorization" if challenge_message.status == 401 else "Proxy-Authorization"
    challenge = choose(challenge_message, algorithm)
    return request.set(name, answer(challenge, request.method, request.uri, username, password, **options))
