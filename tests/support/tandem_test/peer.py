"""What scripted browsers and trunks have in common: an inbox in which a test finds what it waits for."""

from . import sip
from .net import Deadline, LIMIT


class Peer:
    """`_read(timeout)` gives the next message or raises TimeoutError; `send(message)` sends one."""

    def __init__(self, name):
        self.name = name
        self.inbox = []  # received and not yet taken
        self.history = []  # everything, as (direction, message)

    def send(self, message):
        self.history.append(("->", message))
        self._write(message)
        return message

    def _take(self, fits):
        for index, message in enumerate(self.inbox):
            if fits(message):
                return self.inbox.pop(index)
        return None

    def wait_for(self, fits, what, timeout=LIMIT):
        """The first message that fits, also of those that came before; others stay in the inbox."""
        deadline = Deadline(timeout)
        while True:
            message = self._take(fits)
            if message:
                return message
            try:
                message = self._read(deadline.left())
            except TimeoutError:
                raise AssertionError(f"{self.name}: no {what} in {timeout} s; inbox {self.inbox}") from None
            self.history.append(("<-", message))
            if not self._serve(message):
                self.inbox.append(message)

    def _serve(self, message):
        """Answers what the test need not see; true when done."""
        return False

    def expect_request(self, method, call_id=None, timeout=LIMIT):
        return self.wait_for(lambda m: m.is_request and m.method == method and call_id in (None, m.call_id),
                             f"request {method}", timeout)

    def expect_response(self, to_request, status=None, timeout=LIMIT):
        """A response to this request: with this status, or the first final one."""

        def fits(message):
            if message.is_request or message.branch != to_request.branch or message.cseq[1] != to_request.method:
                return False
            return message.status >= 200 if status is None else message.status == status

        def fails(message):
            return fits(message) or (status is not None and not message.is_request and message.status >= 200
                                     and message.branch == to_request.branch and message.cseq[1] == to_request.method)

        message = self.wait_for(fails, f"{status or 'final'} response to {to_request}", timeout)
        assert fits(message), f"{self.name}: {message.start} where {status} was awaited"
        return message

    def expect_silence(self, fits=lambda message: message.is_request or message.status != 100, seconds=0.5):
        """Nothing that fits comes for so long, and nothing of it is in the inbox. For what must not happen. (A 100 tells no more than
        that the machine is busy.)"""
        deadline = Deadline(seconds)
        while not deadline.is_over():
            try:
                message = self._read(deadline.left())
            except TimeoutError:
                break
            self.history.append(("<-", message))
            if not self._serve(message):
                self.inbox.append(message)
        unwanted = [message for message in self.inbox if fits(message)]
        assert not unwanted, f"{self.name}: unexpected {unwanted}"

    def reply(self, request, status, **options):
        return self.send(sip.response(request, status, **options))

    def ask(self, request, status=None, timeout=LIMIT):
        """Sends the request and waits for its final (or this) response."""
        self.send(request)
        return self.expect_response(request, status, timeout)
