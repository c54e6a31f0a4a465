"""The storm itself: the daemon, the parties, the calls one after the other, the leftovers, the report."""

import argparse
import asyncio
import collections
import fcntl
import gc
import json
import os
import pathlib
import sys
import tempfile
import time
import traceback

from tandem_test import daemon as daemon_module
from tandem_test.net import free_port, http
from tandem_test import net, sip

from .agent import ABSENT, Browser, Client, TIMEOUT, Trunk
from .call import Call, Plan

PASSWORD = "secret"
WARM_UP_FIRST = 1000000  # the number of the first call of the warm-up
SETTLE = 2 * 32.0 + 10.0  # 64*T1 without a final response or an ACK, 64*T1 of lingering, and what a busy machine needs
REMEMBERED = 50.0  # seconds that the history of an ended call is kept
PRINTED = 30  # histories; the report has the first 500
MEMORY_SHARE, MEMORY_BYTES = 0.05, 8 << 20


def arguments():
    parser = argparse.ArgumentParser(prog="storm", description="Calls with random timing of everything; counts wrong answers and leftovers.")
    parser.add_argument("--calls", type=int, default=20000)
    parser.add_argument("--daemon", help="the tandem to be tested; else $TANDEM, else the newest build")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--rate", type=float, default=60.0, help="new calls a second, at most")
    parser.add_argument("--at-once", type=int, default=400, help="calls at a time, at most")
    parser.add_argument("--users", type=int, default=48)
    parser.add_argument("--trunks", type=int, default=4)
    parser.add_argument("--loss", type=float, default=0.0, help="of the datagrams of every other trunk, each way")
    parser.add_argument("--media", action="store_true", help="real ICE, DTLS and RTP in some calls")
    parser.add_argument("--media-share", type=float, default=0.05)
    parser.add_argument("--warm-up", type=int, help="calls before memory is measured; default: a quarter, 300 at least")
    parser.add_argument("--quick", action="store_true",
                        help="no call that takes 64*T1 to end, no warm-up, no measure of memory; what lingers is not awaited")
    parser.add_argument("--only", help="numbers of calls, with commas: only these")
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--directory", type=pathlib.Path, help="for configuration and log; else a temporary one")
    return parser.parse_args()


class Storm:
    domain, grace, no_answer = "storm.test", 2.0, 10.0

    def __init__(self, options):
        self.options = options
        self.counts, self.kinds, self.anomalies = collections.Counter(), collections.Counter(), []
        self.browsers, self.trunks, self.calls, self.waiting = [], [], {}, {}
        self.pairs, self.tasks, self.gone = set(), set(), collections.OrderedDict()
        self.is_ending, self.lags, self.lost, self.loop = False, [], 0, None
        self.start_of_all = time.monotonic()

    # --- what calls and parties ask ---
    def now(self):
        return self.loop.time()

    def count(self, what, number=1):
        self.counts[what] += number

    def task(self, coroutine):
        task = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() and not self.is_ending:
            self.wrong("cannot connect", None, repr(task.exception()))

    def was_slow(self, seconds):
        """The daemon was: it has too much to do beside the rest of the machine."""
        self.count("moments without time for the daemon (> 1 s)")
        self.lags.append((self.now(), 2 * seconds))

    def was_starved(self, since):
        """Whether this process itself had no time for a while: then no bound can be judged."""
        return any(at >= since and lag > 2.0 for at, lag in self.lags)

    def stranger(self, party):
        others = [one for one in (self.browsers if party.is_browser else self.trunks) if one is not party and one.is_ready]
        return others[0] if others and party.is_browser else None

    def find_end(self, party, invite):
        user = invite.header("From").split("sip:", 1)[1].split("@", 1)[0]
        if party.is_browser:
            call = self.waiting.get((user, party.user))
        else:
            call = self.waiting.get(invite.uri.split(":", 1)[1].split("@", 1)[0])
        if call is None or call.called.call_id is not None:
            return None
        call.called.call_id = invite.call_id
        party.ends[invite.call_id] = call.called
        return call.called

    def stray(self, party, message, data):
        call = self.gone.get(message.call_id)
        if call is None and not message.is_request and message.cseq[1] == "REGISTER":
            return  # its connection went away meanwhile
        if "sip:probe@" in message.header("From"):
            return  # answered twice
        what = "message long after the end" if call is not None else "stray message"
        if message.is_request and message.method == "ACK":
            self.count("late ACK")
            return
        text = data.decode("utf-8", "replace").split("\r\n\r\n", 1)[0]
        if call is not None and call.plan.lost_acks > 2 and message.cseq[1] == "INVITE":
            return  # 64*T1 long, since no ACK tells that it has come
        if call is not None and self.was_starved(call.started_at):
            self.count("late messages of calls that the machine had no time for")
            return
        if call is not None:
            call.note("late", "<-", data)
        self.wrong(what, call, f"{party.name}: {text if call is None else message.start}")

    def crashed(self, data, call=None):
        self.wrong("the storm itself failed", call, f"{traceback.format_exc()}\n{data!r}")

    def wrong(self, kind, call, text):
        self.kinds[kind] += 1
        history = self.tell(call) if call else ""
        if len(self.anomalies) < 500:
            self.anomalies.append({"kind": kind, "call": call.number if call else None, "text": text,
                                   "plan": str(call.plan) if call else "", "history": history.splitlines()})
        if sum(self.kinds.values()) <= PRINTED:
            number = f"call {call.number}" if call else "no call"
            print(f"*** {kind}, {number}, seed {self.options.seed}: {text}\n{history}", file=sys.stderr, flush=True)

    @staticmethod
    def tell(call):
        lines = [f"    plan: {call.plan}"]
        for at, role, arrow, data in call.history:
            text = data.decode("utf-8", "replace")
            head = text.split("\r\n\r\n", 1)
            rows = head[0].split("\r\n")
            extra = [row for row in rows[1:] if row.split(":", 1)[0] in ("CSeq", "Via", "Reason", "Call-ID", "To", "From")]
            body = " +SDP" if len(head) > 1 and "v=0" in head[1] else ""
            lines.append(f"    {at - call.started_at:8.3f} {role:6} {arrow} {rows[0]}{body}  " + " | ".join(extra))
        return "\n".join(lines)

    def call_ended(self, call):
        self.count("calls ended")

    def call_gone(self, call):
        self.calls.pop(call.number, None)
        self.waiting.pop(call.key, None)
        self.pairs.discard(call.key)
        for end in call.ends:
            if end.call_id:
                self.gone[end.call_id] = call
        while self.gone and next(iter(self.gone.values())).ended_at < self.now() - REMEMBERED:
            self.gone.popitem(last=False)

    # --- the daemon ---
    def configuration(self, directory):
        page = directory / "html"
        page.mkdir(exist_ok=True)
        (page / "index.html").write_text("<!doctype html>")
        first, last = self.media_ports()
        users = [{"name": f"u{i}", "password": PASSWORD} for i in range(self.options.users)]
        users.append({"name": ABSENT, "password": PASSWORD})
        self.ports = [free_port() for _ in range(self.options.trunks)]
        trunks = [{"name": f"t{i}", "peer": f"sip:127.0.0.1:{port}", "username": "storm", "password": PASSWORD}
                  for i, port in enumerate(self.ports)]
        routes = [{"match": f"^{i + 1}[0-9]+$", "to": f"t{i}"} for i in range(self.options.trunks)]
        return {
            "domain": self.domain, "web": {"root": str(page)},
            "media": {"address": "127.0.0.1", "ports": f"{first}-{last}", "worker_fill_percent": 0},
            "calls": {"grace_seconds": int(self.grace), "no_answer_seconds": int(self.no_answer)},
            "users": users, "trunks": trunks, "routes": routes + [{"match": "^[a-z]", "to": "user"}],
        }

    def media_ports(self):
        """Many, for the first storm of a machine; those of a test for others."""
        self.lock = open(pathlib.Path(tempfile.gettempdir()) / f"tandem-storm-ports-{os.getuid()}", "w", encoding="ascii")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return net.media_ports()
        return 30000, 32700

    def start_daemon(self):
        if self.options.daemon:
            os.environ["TANDEM"] = self.options.daemon
        os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=99:quarantine_size_mb=16"
                                              ":malloc_context_size=12")
        os.environ.setdefault("MALLOC_ARENA_MAX", "2")
        directory = self.options.directory or pathlib.Path(tempfile.mkdtemp(prefix="tandem-storm-"))
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.daemon = daemon_module.Daemon(directory, self.configuration(directory))
        self.daemon.start()
        self.web_port = self.daemon.web_port
        self.process = f"/proc/{self.daemon.process.pid}"

    def memory(self):
        with open(self.process + "/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    async def gauges(self):
        """All gauges, by name."""
        text = (await self.loop.run_in_executor(None, http, "127.0.0.1", self.web_port, "GET", "/metrics")).text
        names, values = set(), {}
        for line in text.splitlines():
            if line.startswith("# TYPE ") and line.endswith(" gauge"):
                names.add(line.split()[2])
            elif line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                if name.split("{")[0] in names:
                    values[name] = float(value)
        return values

    # --- the parties ---
    async def open_parties(self):
        options = self.options
        for i, port in enumerate(self.ports):
            bad = {"loss": options.loss if i % 2 else 0.0, "duplicate": 0.1, "delay": 0.2 if options.loss else 0.02}
            trunk = Trunk(self, f"t{i}", port, challenges=i == 1, **(bad if i >= 2 or (options.loss and i % 2) else {}))
            trunk.prefix = str(i + 1)
            await trunk.open((self.daemon.host, self.daemon.sip_port), f"{options.seed}/{i}")
            self.trunks.append(trunk)
        self.browsers = [Browser(self, f"u{i}", PASSWORD, i % 4 != 3) for i in range(options.users)]
        for browser in self.browsers:
            registered = self.loop.create_future()
            await browser.connect()
            browser.register(lambda future=registered: future.set_result(None))
            await asyncio.wait_for(registered, 20)

    # --- calls ---
    def begin(self, number):
        plan = Plan(self.options.seed, number, self.options)
        kinds = plan.direction.split("-")
        parties = []
        for kind in kinds:
            choice = [one for one in (self.browsers if kind == "browser" else self.trunks) if one not in parties]
            parties.append(plan.dice.choice(choice))
        caller, called = parties
        if kinds[1] == "trunk":
            key = f"{called.prefix}{number}"
        elif kinds[0] == "trunk":
            key = (f"n{number}", called.user)
        else:
            key = (caller.user, called.user)
        if key in self.waiting:
            self.count("calls not made: the same two call already")
            return
        if not caller.is_ready:
            self.count("calls not made: the caller has no connection")
            return
        call = Call(self, number, caller, called, plan)
        call.key = key
        self.calls[number] = self.waiting[key] = call
        self.count("calls")
        self.count(f"calls {plan.direction}")
        call.start()

    async def run_calls(self, numbers):
        """As many a second as asked for, and not more at once than allowed; with irregular steps."""
        due, order = self.now(), 0
        numbers = list(numbers)
        dice = Plan(self.options.seed, "rhythm", self.options).dice
        while order < len(numbers):
            active = sum(1 for call in self.calls.values() if call.ended_at is None)
            while order < len(numbers) and due <= self.now() and active < self.options.at_once:
                self.begin(numbers[order])
                order, active = order + 1, active + 1
                due += dice.expovariate(self.options.rate)
            if active >= self.options.at_once:
                due = max(due, self.now())
            if self.lags and self.lags[-1][0] > self.now() - 0.5:  # a machine that cannot follow shows nothing
                due = max(due, self.now() + 1.0)
            await asyncio.sleep(0.005)
            if self.daemon.process.poll() is not None:
                raise RuntimeError("the daemon has ended")

    async def watch_lag(self):
        before = self.now()
        while True:
            await asyncio.sleep(0.2)
            now = self.now()
            lag = now - before - 0.2
            if lag > 0.5:
                self.lags.append((now, lag))
                self.count("moments without time for this process (> 0.5 s)")
            lost = self.datagrams_lost()
            if lost > self.lost:
                self.count("datagrams lost in the kernel", lost - self.lost)
                self.lags.append((now, lost))  # as much a reason to be late as having no time
                self.lost = lost
            before = self.now()

    async def probe(self):
        """How long the daemon takes for an answer on UDP."""
        trunk = self.trunks[0]
        while True:
            await asyncio.sleep(0.5)
            sent = self.now()
            answered = self.loop.create_future()
            request = sip.request("OPTIONS", f"sip:{self.domain}", f"<sip:probe@127.0.0.1>;tag={sip.token()}",
                                  f"<sip:{self.domain}>", trunk.via)
            client = Client(trunk, request, lambda client, response: answered.done() or answered.set_result(None))
            await asyncio.wait([answered], timeout=TIMEOUT)
            if self.now() - sent > 1.0:
                self.was_slow(self.now() - sent)
            trunk.clients.pop(client.key, None)

    def datagrams_lost(self):
        """Of ours, for want of room in a socket's buffer: the machine has too much to do."""
        ports = {f"{port:04X}" for port in self.ports + [self.daemon.sip_port]}
        with open("/proc/net/udp", encoding="ascii") as file:
            next(file)
            rows = [line.split() for line in file]
        return sum(int(row[-1]) for row in rows if row[1].rsplit(":", 1)[1] in ports)

    async def settle(self):
        """Until every call is gone, then until the gauges are what they were; returns those that are not."""
        patience = self.now() + 120
        while any(call.ended_at is None for call in self.calls.values()) and self.now() < patience:
            await asyncio.sleep(0.1)
        for call in list(self.calls.values()):
            if call.ended_at is None:
                states = f"caller {call.caller.state}, called {call.called.state}"
                self.wrong("call not over", call, states)
                for end in call.ends:
                    end.finish("at the end")
        patience = self.now() + SETTLE
        for browser in self.browsers:
            while not browser.is_ready:
                if self.now() > patience:
                    self.wrong("not registered again", None, browser.name)
                    break
                await asyncio.sleep(0.1)
        while True:
            seen = await self.gauges()
            left = {name: (value, self.first_gauges.get(name, 0.0)) for name, value in seen.items()
                    if value > self.first_gauges.get(name, 0.0) and "memory" not in name and "connections" not in name}
            left = {name: pair for name, pair in left.items() if "web_sockets" not in name and name != "tandem_flows"}
            if self.options.quick:
                left = {name: pair for name, pair in left.items() if name in daemon_module.LEFTOVERS}
            if not left or self.now() > patience:
                return left
            await asyncio.sleep(0.5)

    async def run(self):
        self.loop = asyncio.get_running_loop()
        self.loop.slow_callback_duration = 10
        await self.loop.run_in_executor(None, self.start_daemon)
        await self.open_parties()
        watches = [self.loop.create_task(self.watch_lag()), self.loop.create_task(self.probe())]
        result = {}
        try:
            result = await self._phases()
        finally:
            for watch in watches:
                watch.cancel()
            self.is_ending = True
            for party in self.browsers + self.trunks:
                party.close()
            await asyncio.sleep(0.2)
            try:
                await self.loop.run_in_executor(None, self.daemon.stop)
                result["daemon"] = "ended with status 0"
            except AssertionError as error:
                result["daemon"] = str(error)
                self.wrong("the daemon ended wrongly", None, str(error))
        return result

    async def _phases(self):
        options = self.options
        self.first_gauges = await self.gauges()
        if options.only or options.quick:
            started = self.now()
            numbers = [int(part) for part in options.only.split(",")] if options.only else range(options.calls)
            await self.run_calls(numbers)
            seconds = self.now() - started
            left = await self.settle()
            self.tell_leftovers(left)
            return {"calls": self.counts["calls"], "seconds": round(seconds, 1), "leftovers": left}
        warm_up = options.warm_up if options.warm_up is not None else max(300, options.calls // 4)
        await self.run_calls(range(WARM_UP_FIRST, WARM_UP_FIRST + warm_up))
        left = await self.settle()
        gc.collect()
        before, started, made = self.memory(), self.now(), self.counts["calls"]
        print(f"warm-up: {made} calls, leftovers {left}, memory {before >> 20} MB", flush=True)
        progress = self.loop.create_task(self.tell_progress(started, made))
        await self.run_calls(range(options.calls))
        seconds = self.now() - started
        progress.cancel()
        calls = self.counts["calls"] - made
        left = await self.settle()
        after = self.memory()
        self.tell_leftovers(left)
        limit = before + max(MEMORY_BYTES, MEMORY_SHARE * before)
        if after > limit:
            self.wrong("memory", None, f"{after >> 10} kB resident after {calls} calls, {before >> 10} kB before")
        return {"calls": calls, "seconds": round(seconds, 1), "calls a second": round(calls / max(seconds, 0.001), 1),
                "leftovers": {name: value for name, (value, _) in left.items()},
                "memory before, kB": before >> 10, "memory after, kB": after >> 10}

    def tell_leftovers(self, left):
        for name, (value, first) in left.items():
            self.wrong("leftover", None, f"{name} is {value:g}, not {first:g}")

    async def tell_progress(self, started, made):
        while True:
            await asyncio.sleep(10)
            active = sum(1 for call in self.calls.values() if call.ended_at is None)
            print(f"{self.now() - started:6.0f} s: {self.counts['calls'] - made} calls, {active} now, "
                  f"{sum(self.kinds.values())} anomalies, memory {self.memory() >> 20} MB", flush=True)


def main():
    options = arguments()
    storm = Storm(options)
    result = asyncio.run(storm.run())
    result.update({"seed": options.seed, "events": dict(sorted(storm.counts.items())), "anomalies": dict(storm.kinds)})
    for name, value in result.items():
        if name == "events":
            print("events:")
            for what, number in value.items():
                print(f"  {number:8} {what}")
        else:
            print(f"{name}: {value}")
    if options.report:
        options.report.write_text(json.dumps({**result, "histories": storm.anomalies}, indent=1))
    print("no anomaly" if not storm.kinds else f"{sum(storm.kinds.values())} anomalies; log in {storm.directory}")
    return 1 if storm.kinds else 0
