"""Rows, their runs, and what came of them. All runs go through one daemon, in one thread that has a clock of its own; the
tests wait for their run's outcome."""

import asyncio
import concurrent.futures
import dataclasses
import itertools
import os
import pathlib
import re
import signal
import struct
import subprocess
import threading
import time
import traceback
import zlib

from .. import daemon as daemon_module
from .. import media
from ..net import free_port
from . import rules
from .call import BrowserAgent, Call, End, TrunkAgent
from .rtc import Rtc
from .wire import Line, TrunkSocket

OFFSETS = (-20, -5, 0, 5, 20)
BROWSER_TRUNK, TRUNK_BROWSER, BROWSER_BROWSER = "browser-trunk", "trunk-browser", "browser-browser"
BOTH = (BROWSER_TRUNK, TRUNK_BROWSER)
ALL = (*BOTH, BROWSER_BROWSER)
BAD = {"loss": 0.3, "duplicate": 0.2, "delay": 0.2}
SEED = int(os.environ.get("RACES_SEED", "1"))
DOMAIN = "example.test"
PASSWORD = "secret"
AT_A_TIME = int(os.environ.get("RACES_AT_A_TIME", "100"))
LAG_MAX = 0.02  # no run begins while the clock is later than this, or the gateway's answer to OPTIONS four times as late
PATIENCE_TO_BEGIN = 2.0  # but after this it does
RUN_LIMIT = 170.0
GRACE = 4.0  # how long a call waits for a browser
DRAIN = 4.0  # how long calls go on after SIGTERM
NO_ANSWER = 36.0  # how long the called side may ring, longer than any timer


@dataclasses.dataclass(frozen=True)
class Row:
    number: int
    function: object
    directions: tuple
    lines: tuple
    variants: tuple  # None, or what the scenario is given as `variant`
    is_long: bool  # waits for a timer of 32 s
    trunk: str
    process: str  # "main", or what happens to the daemon that its runs have for themselves


@dataclasses.dataclass(frozen=True)
class Run:
    row: Row
    variant: object
    offset: int
    line: str
    direction: str
    delay = BAD["delay"]

    @property
    def is_bad(self):
        return self.line == "bad"

    @property
    def id(self):
        variant = "" if self.variant is None else f"-{self.variant}"
        return f"{self.row.function.__name__}{variant}-{self.offset:+d}ms-{self.line}-{self.direction}".replace("+0ms", "0ms")

    @property
    def seed(self):
        return zlib.crc32(f"{SEED} {self.id}".encode())


ROWS = []


def row(number, directions=BOTH, lines=("clean", "bad"), variants=(None,), is_long=False, trunk="pbx",
        process="main"):
    """Marks a scenario: `async def row_NN_what_happens(call, offset)`, with `variant` where it has variants."""

    def mark(function):
        ROWS.append(Row(number, function, tuple(directions), tuple(lines), tuple(variants), is_long, trunk, process))
        return function

    return mark


def all_runs():
    runs = [Run(one, variant, offset, line, direction) for one in ROWS
            for variant, direction, line, offset in itertools.product(one.variants, one.directions, one.lines, OFFSETS)
            if not (line == "bad" and direction == BROWSER_BROWSER)]
    return sorted(runs, key=lambda run: not run.row.is_long)  # the long ones first


_networks = itertools.count()


class Failure(Exception):
    """A run that went wrong, told for people."""


class Stage:
    """The daemon, its trunks, its users, and the witness: a call that hears all the while whether media suffers."""

    TRUNKS = {"pbx": {}, "asking": {"username": "gateway", "password": "secret", "realm": "pbx"},
              "redirecting": {"redirect": "trunk"}, "witness": {"inbound": "echo"}}

    def __init__(self, directory, n_runs, config):
        self.users = (f"u{number:05d}" for number in itertools.count())
        self.numbers = itertools.count(100000)
        own = os.getpid() * 7 + next(_networks)
        network = f"127.{own // 256 % 250 + 1}.{own % 256}"  # no port is another's
        hosts = {name: f"{network}.{2 + index}" for index, name in enumerate(self.TRUNKS)}
        self.addresses = {name: (host, free_port(host)) for name, host in hosts.items()}
        base = {
            "domain": DOMAIN,
            "registrar": {"grace_seconds": 5},
            "calls": {"no_answer_seconds": int(NO_ANSWER), "grace_seconds": int(GRACE), "session_expires_seconds": 1800},
            "shutdown": {"drain_seconds": int(DRAIN)},
            "web": {"connections": 8192, "connections_per_address": 8192},
            "media": {"address": f"{network}.1", "ports": "20000-39999"},
            "users": [{"name": f"u{number:05d}", "password": PASSWORD} for number in range(3 * n_runs + 10)],
            "trunks": [{"name": name, "peer": f"sip:{host}:{port}", **self.TRUNKS[name]}
                       for name, (host, port) in self.addresses.items()],
            "routes": [{"match": "^[a-z]", "to": "user"}]
            + [{"match": f"^{index}", "to": name} for index, name in enumerate(self.TRUNKS, 1)],
        }
        self.daemon = daemon_module.Daemon(directory, daemon_module.merge(base, config))
        self.sockets = {}
        self.waiting = 0  # runs that have come to moment()
        self.n_runs = n_runs
        self.at_moment = None
        self.is_restarted = None
        self.read = 0
        self.calls_of = {}  # who was called -> ids of the daemon's calls
        self.ends_of = {}  # id -> lines that tell its end

    async def open(self):
        gateway = (self.daemon.host, self.daemon.sip_port)
        for name, (host, port) in self.addresses.items():
            self.sockets[name] = await TrunkSocket.open(gateway, host, port)

    # --- what happens to the process ---
    async def moment(self):
        """The time at which it happens: soon after all runs are waiting for it."""
        loop = asyncio.get_running_loop()
        self.at_moment = self.at_moment or loop.create_future()
        self.waiting += 1
        if self.waiting == self.n_runs and not self.at_moment.done():
            self.at_moment.set_result(loop.time() + 0.5)
        return await asyncio.shield(self.at_moment)

    async def restarted(self):
        self.is_restarted = self.is_restarted or asyncio.Event()
        await self.is_restarted.wait()

    async def happen(self, process):
        """Does it."""
        loop = asyncio.get_running_loop()
        self.at_moment = self.at_moment or loop.create_future()
        self.is_restarted = self.is_restarted or asyncio.Event()
        await asyncio.sleep(await asyncio.shield(self.at_moment) - loop.time())
        self.daemon.process.send_signal(signal.SIGTERM if process == "term" else signal.SIGKILL)
        if process == "kill":
            await loop.run_in_executor(None, self.daemon.restart)
            self.is_restarted.set()

    def forget(self, call):
        """Nobody can tell how it ended."""
        call.numbers.clear()

    def number(self, trunk):
        return f"{1 + list(self.TRUNKS).index(trunk)}{next(self.numbers)}"

    # --- the daemon's log ---
    CALLS = re.compile(r" call (\w+): .* calls (\S+): ")
    ENDED = re.compile(r" call (\w+): (ended by .*)")

    def read_log(self):
        lines = self.daemon.lines
        while self.read < len(lines):
            line = lines[self.read]
            self.read += 1
            if found := self.CALLS.search(line):
                self.calls_of.setdefault(found.group(2), []).append(found.group(1))
            elif found := self.ENDED.search(line):
                self.ends_of.setdefault(found.group(1), []).append(found.group(2))

    def left_behind(self):
        metrics = self.daemon.metrics()
        return {name: metrics[name] for name in daemon_module.LEFTOVERS if metrics.get(name)}

    def not_at_rest(self, before):
        now = self.daemon.at_rest()
        return {name: f"{before[name]:g} before, {now[name]:g} now" for name in now if now[name] != before[name]}

    def log_of(self, call):
        ids = {one for number in call.numbers for one in self.calls_of.get(number, [])}
        return [line for line in self.daemon.lines if any(f" call {one}" in line for one in ids)]

    async def ended_once(self, call):
        """Within a second the daemon's log tells one end, of the right cause, for each of its calls."""
        for number in dict.fromkeys(call.numbers):
            wanted = call.numbers.count(number)
            deadline = time.monotonic() + daemon_module.CLEAN_LIMIT + call.slack()
            while True:
                self.read_log()
                ids = self.calls_of.get(number, [])
                if len(ids) >= wanted and all(one in self.ends_of for one in ids):
                    break
                assert time.monotonic() < deadline, f"calls of {number}: {ids}, not {wanted}, or one lives"
                await asyncio.sleep(0.02)
            assert len(ids) == wanted, f"{len(ids)} calls of {number}, not {wanted}"
            for one in ids:
                ends = self.ends_of[one]
                assert len(ends) == 1, f"several ends: {ends}"
                fits = any(re.match(rf"ended by ({side})\b.*: .*{cause}", ends[0]) for side, cause in call.causes)
                assert fits, f"{ends[0]!r}, which is none of {call.causes}"

    # --- calls ---
    async def browser(self, call_name, line, user=None, registered=True):
        user = user or next(self.users)
        agent = BrowserAgent(call_name, line, (self.daemon.host, self.daemon.web_port), user, PASSWORD, DOMAIN)
        await agent.connect()
        if registered:
            await agent.register()
        return agent

    async def strange_trunk(self, call):
        """Somebody at an address that is no trunk's."""
        host = next(iter(self.addresses.values()))[0].rsplit(".", 1)[0] + ".99"
        socket = await TrunkSocket.open((self.daemon.host, self.daemon.sip_port), host, 0)
        return TrunkAgent("stranger", Line(0), socket, "stranger")

    async def end(self, kind, name, run):
        if kind == "trunk":
            line = Line(run.seed, **BAD) if run.is_bad else Line(run.seed)
            number = self.number(run.row.trunk)
            return End(TrunkAgent(name, line, self.sockets[run.row.trunk], number), name, number)
        agent = await self.browser(name, Line(run.seed))
        end = End(agent, name, agent.user)
        end.rtc = await Rtc.open()
        return end

    async def call(self, run):
        caller, called = run.direction.split("-")
        ends = await self.end(caller, "caller", run), await self.end(called, "called", run)
        call = Call(run, DOMAIN, *ends, ends[1].user)
        call.stage = self
        return call


class Outcome:
    def __init__(self, run):
        self.run = run
        self.done = concurrent.futures.Future()
        self.call = None
        self.seconds = 0.0


class Matrix(threading.Thread):
    """Runs what it is given; `outcomes` by id."""

    def __init__(self, directory, runs, config=None):
        super().__init__(daemon=True)
        self.runs = runs
        self.process = runs[0].row.process if runs else "main"
        self.directory = pathlib.Path(directory)
        self.outcomes = {run.id: Outcome(run) for run in runs}
        self.stage = Stage(directory, len(runs), config or {})
        self.witness = None
        self.lag = self.answer_took = 0.0  # just now
        self.slack = 0.0  # the worst of both so far: what "late" is on this machine
        self.left = None  # what is left over at the end, in words; {}: nothing
        self.late = {}  # id -> rules that were broken after the run
        self.finished = concurrent.futures.Future()
        self.started = time.monotonic()

    # --- the thread ---
    def run(self):
        try:
            if self.process == "clock":
                self.stage.daemon.environment = self._preload()
            self.stage.daemon.start()
            try:
                asyncio.run(self._main())
            finally:
                self.stage.daemon.stop()
            self.finished.set_result(None)
        except BaseException as error:  # pylint: disable=broad-except
            self.finished.set_exception(error)
            for outcome in self.outcomes.values():
                if not outcome.done.done():
                    outcome.done.set_exception(error)

    async def _main(self):
        await self.stage.open()
        self.before = self.stage.daemon.at_rest()
        self.slots = asyncio.Semaphore(AT_A_TIME)
        watches = [asyncio.create_task(one) for one in (self._watch_clock(), self._watch_gateway())]
        self.witness = Witness(self.stage)
        await self.witness.begin()
        if self.process in ("term", "kill"):
            watches.append(asyncio.create_task(self.stage.happen(self.process)))
            watches[1].cancel()
        elif self.process == "clock":
            watches.append(asyncio.create_task(self._let_clock_jump()))
        runs = [asyncio.create_task(self._run_one(outcome)) for outcome in self.outcomes.values()]
        await asyncio.gather(*runs)
        watches[1].cancel()
        if self.process == "main":
            self.left = await self._left_over()
        else:  # a sanitizer looks for what is left when the process ends
            self.witness.task.cancel()
            self.left = {}
        for watch in watches:
            watch.cancel()
        for outcome in self.outcomes.values():
            if outcome.call and not outcome.done.exception() and self.process != "kill" and (found := rules.broken(outcome.call)):
                self.late[outcome.run.id] = found
        for socket in self.stage.sockets.values():
            socket.close()

    def _preload(self):
        source = pathlib.Path(__file__).resolve().parents[2] / "clock_jump.c"
        library, self.jump = self.directory / "clock_jump.so", self.directory / "jump"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
        self.jump.write_bytes(struct.pack("=q", 0))
        return {"LD_PRELOAD": str(library), "CLOCK_JUMP": str(self.jump),
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "detect_leaks=1:exitcode=99") + ":verify_asan_link_order=0"}

    async def _let_clock_jump(self):
        with open(self.jump, "r+b", buffering=0) as file:
            for days in itertools.cycle((20, 0, -20, 0, 20, -20)):
                file.seek(0)
                file.write(struct.pack("=q", days * 86400))
                await asyncio.sleep(0.05)

    async def _watch_clock(self):
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.01)
            self.lag = loop.time() - before - 0.01
            self.slack = max(self.slack, self.lag)

    async def _watch_gateway(self):
        loop = asyncio.get_running_loop()
        agent = TrunkAgent("probe", Line(0), self.stage.sockets["witness"], "probe")
        while True:
            before = loop.time()
            await agent.ask(agent_options(agent), 200)
            self.answer_took = loop.time() - before
            self.slack = max(self.slack, self.answer_took)
            await asyncio.sleep(0.05)

    async def _may_begin(self):
        """One after the other, and none while the machine cannot follow."""
        loop = asyncio.get_running_loop()
        async with self.gate:
            await asyncio.sleep(0.005)
            if self.process in ("term", "kill"):
                return
            deadline = loop.time() + PATIENCE_TO_BEGIN
            while (self.lag > LAG_MAX or self.answer_took > 4 * LAG_MAX) and loop.time() < deadline:
                await asyncio.sleep(0.01)

    gate = property(lambda self: self.__dict__.setdefault("_gate", asyncio.Lock()))

    async def _run_one(self, outcome):
        if outcome.run.row.is_long or self.process in ("term", "kill"):
            await self._play(outcome)
        else:
            async with self.slots:
                await self._play(outcome)

    async def _play(self, outcome):
        await self._may_begin()
        begun = time.monotonic()
        try:
            await asyncio.wait_for(self._scenario(outcome), RUN_LIMIT)
        except Exception as error:  # pylint: disable=broad-except
            outcome.done.set_exception(Failure(self._tell(outcome, error)))
        else:
            outcome.done.set_result(None)
        outcome.seconds = time.monotonic() - begun
        if outcome.call:
            asyncio.get_running_loop().call_later(1.0, outcome.call.close)

    async def _scenario(self, outcome):
        run = outcome.run
        call = outcome.call = await self.stage.call(run)
        call.slack = lambda: 3 * self.slack
        options = {} if run.variant is None else {"variant": run.variant}
        await run.row.function(call, run.offset, **options)
        if run.row.process == "kill":
            return
        await call.settled()
        await self.stage.ended_once(call)
        if run.row.process != "term":
            await self._both_answer(call)
        found = rules.broken(call)
        assert not found, "; ".join(found)

    @staticmethod
    async def _both_answer(call):
        for agent in {end.agent for end in call.ends}:
            if agent.is_served and not (agent.is_reliable and agent.socket.is_gone):
                request = agent_options(agent)
                await agent.ask(request, 200)

    def _tell(self, outcome, error):
        run, call = outcome.run, outcome.call
        steps = [f"  {frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.line}" for frame in
                 traceback.extract_tb(error.__traceback__) if "/asyncio/" not in frame.filename]
        frames = "\n".join([f"{type(error).__name__}: {error}", *steps])
        lines = [f"{run.id} (seed {run.seed}, RACES_SEED={SEED})", frames]
        if call:
            told = sorted((item for agent in call.agents for item in agent.told()))
            start = told[0][0] if told else 0.0
            lines += [f"{time - start:8.3f} {text}" for time, text in told if "REGISTER" not in text]
            lines += self.stage.log_of(call)
        return "\n".join(lines)

    # --- at the end ---
    async def _left_over(self):
        """What is not at nothing: at once what belongs to calls; and after the longest timers, what is not as before."""
        await self.witness.end()
        left = await self._wait_until(lambda: self.stage.left_behind(), daemon_module.CLEAN_LIMIT + 3 * self.slack)
        return {**left, **await self._wait_until(lambda: self.stage.not_at_rest(self.before), daemon_module.LINGER_LIMIT)}

    @staticmethod
    async def _wait_until(what, limit):
        """Until there is nothing of it; else what there is."""
        loop = asyncio.get_running_loop()
        deadline = time.monotonic() + limit
        while True:
            left = await loop.run_in_executor(None, what)
            if not left or time.monotonic() > deadline:
                return left
            await asyncio.sleep(0.2)

    def result(self, run, timeout=600):
        self.outcomes[run.id].done.result(timeout)

    def summary(self):
        done = [one for one in self.outcomes.values() if one.done.done()]
        failed = [one for one in done if one.done.exception()]
        real = [abs(is_ - wanted) for one in done if one.call for wanted, is_ in one.call.offsets]
        real.sort()
        jitter = f"{real[len(real) // 2]:.1f} ms, 95 % {real[int(len(real) * 0.95)]:.1f} ms" if real else "-"
        return (f"races ({self.process}): {len({one.run.row.number for one in done})} rows, {len(done)} runs, {len(done) - len(failed)} passed, "
                f"{len(failed)} failed, left over: {self.left if self.left else 'nothing'}, late: {len(self.late)}, "
                f"{self.witness and self.witness.told()}; offsets off by {jitter} (median), slack {self.slack:.2f} s; seed {SEED}; "
                f"{time.monotonic() - self.started:.0f} s")


def agent_options(agent):
    from .. import sip

    return sip.request("OPTIONS", f"sip:{DOMAIN}", f"<{agent.aor}>;tag={sip.token()}", f"<sip:{DOMAIN}>", agent.via)


class Witness(asyncio.DatagramProtocol):
    """A call of the trunk to the echo, 50 packets a second for as long as the matrix runs."""

    def __init__(self, stage):
        self.stage = stage
        self.sent = self.heard = 0
        self.task = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, source):
        if data[1] & 0x7F == media.PCMU:
            self.heard += 1

    async def begin(self):
        import socket

        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        own = self.transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        agent = TrunkAgent("witness", Line(0), self.stage.sockets["witness"], "witness")
        agent.rtp_port = own.getsockname()[1]
        self.end_ = End(agent, "witness", "witness")
        self.end_.call("9196", DOMAIN, self.end_.describe())
        response = await self.end_.final(self.end_.invite, 200)
        address, port, _ = media.audio_of(response.sdp)
        self.task = asyncio.create_task(self._talk((address, port)))

    async def _talk(self, to):
        import struct

        loop = asyncio.get_running_loop()
        next_time = loop.time()
        while True:
            header = struct.pack(">BBHII", 0x80, media.PCMU, self.sent & 0xFFFF, 160 * self.sent & 0xFFFFFFFF, 4711)
            self.transport.sendto(header + bytes(160), to)
            self.sent += 1
            next_time += 0.02
            await asyncio.sleep(max(next_time - loop.time(), 0.001))

    async def end(self):
        self.task.cancel()
        await asyncio.sleep(0.5)
        await self.end_.final(self.end_.bye(), 200)
        self.transport.close()

    def told(self):
        return f"the witness heard {self.heard} of {self.sent} packets"
