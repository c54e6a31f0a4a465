"""SIP messages as the tests read and write them. Lenient on purpose: a test can also say what is wrong."""

import itertools
import os

COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type",
    "k": "supported", "s": "subject", "e": "content-encoding",
}

REASONS = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted", 301: "Moved Permanently",
    302: "Moved Temporarily", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    407: "Proxy Authentication Required", 408: "Request Timeout", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
    491: "Request Pending", 500: "Server Internal Error", 503: "Service Unavailable", 603: "Decline",
}

_counter = itertools.count(1)


def token(prefix=""):
    return f"{prefix}{next(_counter)}x{os.urandom(5).hex()}"


def branch():
    return token("z9hG4bK")


def parameter(value, name):
    """Of a header value; '' when it has none, None when absent. Looks behind the '>' of a name-addr."""
    rest = value.split(">", 1)[1] if ">" in value else value
    for part in rest.split(";")[1:]:
        key, _, text = part.partition("=")
        if key.strip().lower() == name.lower():
            return text.strip().strip('"')
    return None


def uri_of(value):
    return value.split("<", 1)[1].split(">", 1)[0] if "<" in value else value.split(";", 1)[0].strip()


class Message:
    def __init__(self, start, headers=(), body=b""):
        self.start = start
        self.headers = [(name, str(value)) for name, value in headers]
        self.body = body.encode() if isinstance(body, str) else body
        self.source = None  # where it came from

    @classmethod
    def parse(cls, data):
        head, separator, body = data.partition(b"\r\n\r\n")
        assert separator, f"no end of headers: {data!r}"
        lines = head.decode("utf-8").split("\r\n")
        headers = []
        for line in lines[1:]:
            if line[:1] in (" ", "\t"):
                headers[-1] = (headers[-1][0], headers[-1][1] + " " + line.strip())
                continue
            name, colon, value = line.partition(":")
            assert colon, f"no header: {line!r}"
            headers.append((name.strip(), value.strip()))
        return cls(lines[0], headers, body)

    def encode(self):
        headers = list(self.headers)
        if not any(name.lower() in ("content-length", "l") for name, _ in headers):
            headers.append(("Content-Length", str(len(self.body))))
        lines = [self.start] + [f"{name}: {value}" for name, value in headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body

    def values(self, name):
        wanted = name.lower()
        return [value for key, value in self.headers if COMPACT.get(key.lower(), key.lower()) == wanted]

    def header(self, name):
        values = self.values(name)
        return values[0] if values else None

    def set(self, name, value):
        """In the place of the first of that name; others go. None takes it out."""
        wanted, done, headers = name.lower(), value is None, []
        for key, old in self.headers:
            if COMPACT.get(key.lower(), key.lower()) != wanted:
                headers.append((key, old))
            elif not done:
                headers.append((key, str(value)))
                done = True
        if not done:
            headers.append((name, str(value)))
        self.headers = headers
        return self

    def add(self, name, value):
        self.headers.append((name, str(value)))
        return self

    def copy(self):
        return Message(self.start, self.headers, self.body)

    @property
    def is_request(self):
        return not self.start.startswith("SIP/2.0 ")

    @property
    def method(self):
        return self.start.split(" ", 1)[0] if self.is_request else self.cseq[1]

    @property
    def uri(self):
        return self.start.split(" ")[1]

    @property
    def status(self):
        return None if self.is_request else int(self.start.split(" ")[1])

    @property
    def reason(self):
        return None if self.is_request else self.start.split(" ", 2)[2]

    @property
    def cseq(self):
        number, method = self.header("CSeq").split()
        return int(number), method

    @property
    def call_id(self):
        return self.header("Call-ID")

    @property
    def branch(self):
        return parameter(self.header("Via"), "branch")

    @property
    def from_tag(self):
        return parameter(self.header("From"), "tag")

    @property
    def to_tag(self):
        return parameter(self.header("To"), "tag")

    @property
    def contact(self):
        value = self.header("Contact")
        return uri_of(value) if value else None

    @property
    def sdp(self):
        return self.body.decode() if self.body else None

    def __repr__(self):
        return f"<{self.start} {self.header('CSeq')} {self.call_id}>"


def request(method, uri, from_, to, via, call_id=None, cseq=1, contact=None, body=b"", content_type="application/sdp",
            headers=()):
    """`via` is "WS host" or "UDP host:port"; a branch is added unless it has one."""
    if "branch=" not in via:
        via += f";branch={branch()}"
    message = Message(f"{method} {uri} SIP/2.0", [("Via", f"SIP/2.0/{via}"), ("Max-Forwards", 70), ("From", from_),
                                                  ("To", to), ("Call-ID", call_id or token("call")),
                                                  ("CSeq", f"{cseq} {method}")], body)
    if contact:
        message.add("Contact", contact)
    for name, value in headers:
        message.add(name, value)
    if body:
        message.add("Content-Type", content_type)
    return message


def response(to_what, status, reason=None, to_tag=None, contact=None, body=b"", content_type="application/sdp", headers=()):
    """`to_tag` is set unless the request had one."""
    message = Message(f"SIP/2.0 {status} {reason or REASONS.get(status, 'Status')}", [], body)
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        for value in to_what.values(name):
            if name == "To" and to_tag and not parameter(value, "tag"):
                value += f";tag={to_tag}"
            message.add(name, value)
    for value in to_what.values("Record-Route"):
        message.add("Record-Route", value)
    if contact:
        message.add("Contact", contact)
    for name, value in headers:
        message.add(name, value)
    if body:
        message.add("Content-Type", content_type)
    return message


class Dialog:
    """One side's view of a dialog, a plain value. No forks, loose routing only."""

    def __init__(self, call_id, local, remote, target, routes=(), cseq=1, contact=None):
        self.call_id, self.local, self.remote, self.target = call_id, local, remote, target
        self.routes, self.cseq, self.contact = list(routes), cseq, contact

    @classmethod
    def as_caller(cls, invite, answer):
        return cls(invite.call_id, invite.header("From"), answer.header("To"), answer.contact,
                   reversed(answer.values("Record-Route")), invite.cseq[0], invite.header("Contact"))

    @classmethod
    def as_callee(cls, invite, to_tag, contact):
        return cls(invite.call_id, f"{invite.header('To')};tag={to_tag}", invite.header("From"), invite.contact,
                   invite.values("Record-Route"), 0, contact)

    def request(self, method, via, body=b"", headers=(), cseq=None, **options):
        """With the next CSeq, unless one is given (ACK)."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        contact = self.contact if method in ("INVITE", "UPDATE", "SUBSCRIBE", "REFER", "NOTIFY") else None
        routes = [("Route", route) for route in self.routes]
        return request(method, self.target, self.local, self.remote, via, self.call_id, cseq, contact, body,
                       headers=routes + list(headers), **options)


def cancel_of(invite):
    return Message(f"CANCEL {invite.uri} SIP/2.0",
                   [("Via", invite.header("Via")), ("Max-Forwards", 70), ("From", invite.header("From")),
                    ("To", invite.header("To")), ("Call-ID", invite.call_id), ("CSeq", f"{invite.cseq[0]} CANCEL")])


def ack_of_failure(invite, answer):
    """The ACK of a non-2xx belongs to the INVITE's transaction."""
    return Message(f"ACK {invite.uri} SIP/2.0",
                   [("Via", invite.header("Via")), ("Max-Forwards", 70), ("From", invite.header("From")),
                    ("To", answer.header("To")), ("Call-ID", invite.call_id), ("CSeq", f"{invite.cseq[0]} ACK")])
