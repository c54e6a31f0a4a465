"""The daemon under test: its configuration, its process, its log, its metrics."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time

from .net import Deadline, LIMIT, free_port, http

START_LIMIT = 30.0
STOP_LIMIT = 30.0
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|runtime error:")

# What must be back at nothing when calls are over, within CLEAN_LIMIT. What lingers by the RFCs' timers is not among it.
LEFTOVERS = (
    "tandem_calls",
    "tandem_legs",
    "tandem_media_sessions",
    "tandem_media_legs",
    "tandem_media_ports",
    "tandem_media_hops",
    "tandem_media_conversions",
    "tandem_ice_agents",
    "tandem_dtls_associations",
    "tandem_srtp_contexts",
    'tandem_timers{loop="media"}',
    'tandem_watches{loop="media"}',
)
# What the RFCs' timers hold for up to LINGER_LIMIT after the last call; then the signalling loop is as it was before the first.
LINGERING = (
    "tandem_lingering_legs",
    "tandem_sip_dialogs",
    "tandem_sip_server_transactions",
    "tandem_sip_client_transactions",
    "tandem_sip_admitted_requests",
    "tandem_sip_stray_successes",
)
SIGNALLING = ('tandem_timers{loop="signalling"}', 'tandem_watches{loop="signalling"}', "tandem_flows", "tandem_endpoints")
LINGER_LIMIT = 75.0  # an unanswered BYE (64*T1) and then what is kept for its repetitions (64*T1)
CLEAN_LIMIT = 1.0


def find_binary():
    if os.environ.get("TANDEM"):
        return pathlib.Path(os.environ["TANDEM"]).resolve()
    root = pathlib.Path(__file__).resolve().parents[3]
    places = [pathlib.Path.cwd(), root] + sorted(root.glob("build*")) + sorted(root.parent.glob("build*"))
    found = [place / "tandem" for place in places if (place / "tandem").is_file()]
    assert found, "no tandem found: build it, or set TANDEM to its path"
    return max(found, key=lambda path: path.stat().st_mtime)


def libconfig(value, depth=0):
    """Python values as libconfig text: dict, list of dicts, list of plain values, str, int, bool."""
    indent = "  " * depth
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        lines = [f"{indent}  {name} = {libconfig(item, depth + 1)};\n" for name, item in value.items()]
        return "{\n" + "".join(lines) + indent + "}"
    return "( " + ", ".join(libconfig(item, depth + 1) for item in value) + " )"


def merge(base, changes):
    """Groups are merged, all else is replaced; None takes an option out."""
    result = dict(base)
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merge(result[name], value)
        else:
            result[name] = value
    return result


class Daemon:
    def __init__(self, directory, config, arguments=()):
        """`config` as libconfig() takes it. Ports that are wanted to be free: "web.listen" and "sip.listen" are
        filled in when they are missing."""
        self.directory = pathlib.Path(directory)
        self.host = "127.0.0.1"
        self.config = config
        self.arguments = list(arguments)
        self.sip_port = free_port()
        self.config = merge({"web": {"listen": [f"{self.host}:0"]},
                             "sip": {"listen": [f"udp:{self.host}:{self.sip_port}", f"tcp:{self.host}:{self.sip_port}"]}},
                            config)
        plugins = find_binary().parent / "plugins" / ".libs"
        if plugins.is_dir():  # the build tree's own
            self.config = merge({"plugins": {"directory": str(plugins)}}, self.config)
        self.tls = "certificate" in self.config["web"]
        self.web_port = None
        self.process = None
        self.environment = {}  # beside ours
        self.lines = []
        self.changed = threading.Condition()

    # --- life ---
    def write_config(self, config=None):
        path = self.directory / "tandem.conf"
        text = "".join(f"{name} = {libconfig(value)};\n" for name, value in (config or self.config).items())
        path.write_text(text)
        return path

    def start(self):
        path = self.write_config()
        environment = {**os.environ, **self.environment}
        start = len(self.lines)
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=99")
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1:exitcode=99")
        self.process = subprocess.Popen([str(find_binary()), "-c", str(path)] + self.arguments, stderr=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, env=environment, text=True, errors="replace")
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        line = self.wait_log(r"web: listening on \S+:(\d+)", START_LIMIT, start)
        self.web_port = int(re.search(r"web: listening on \S+:(\d+)", line).group(1))
        deadline = Deadline(START_LIMIT)
        while self.health().status != 200:
            assert not deadline.is_over(), f"not well after its start: {self.health().text}"
            time.sleep(0.02)
        return self

    def restart(self):
        """After it was killed."""
        self.process.wait(STOP_LIMIT)
        self.reader.join()
        self.process.stderr.close()
        return self.start()

    def _read_log(self):
        with open(self.directory / "tandem.log", "a", encoding="utf-8") as copy:
            for line in self.process.stderr:
                copy.write(line)
                copy.flush()
                with self.changed:
                    self.lines.append(line.rstrip("\n"))
                    self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def wait_log(self, pattern, timeout=LIMIT, start=0):
        """The first line from `start` on in which the pattern is found."""
        deadline = Deadline(timeout)
        with self.changed:
            while True:
                for line in self.lines[start:]:
                    if re.search(pattern, line):
                        return line
                assert self.process.poll() is None, "the daemon has ended:\n" + "\n".join(self.lines[-50:])
                assert not deadline.is_over(), f"no {pattern!r} in the log:\n" + "\n".join(self.lines[-50:])
                self.changed.wait(min(deadline.left(), 0.2))

    def stop(self, sign=signal.SIGTERM):
        """Ends it and fails on a wrong exit or a sanitizer's report."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            status = self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the daemon did not end:\n" + "\n".join(self.lines[-50:])) from None
        finally:
            self.reader.join()
            self.process.stderr.close()
        self.process = None
        report = [line for line in self.lines if SANITIZER.search(line)]
        assert not report, "\n".join(self.lines[self.lines.index(report[0]):])
        assert status == 0, f"exit status {status}:\n" + "\n".join(self.lines[-50:])

    def reload(self, config):
        """Writes the changed configuration and has it read."""
        self.config = merge(self.config, config)
        self.write_config()
        start = len(self.lines)
        self.process.send_signal(signal.SIGHUP)
        return self.wait_log(r"was (not )?reloaded", start=start)

    # --- asking ---
    def http(self, path, method="GET", **options):
        return http(self.host, self.web_port, method, path, tls=self.tls, **options)

    def health(self):
        return self.http("/healthz")

    def metrics(self):
        """Name, with labels as written, to value."""
        values = {}
        for line in self.http("/metrics").text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values

    def metric(self, name):
        return self.metrics().get(name, 0.0)

    def wait_metric(self, name, value, timeout=LIMIT):
        """Until the metric is `value` (or a function of it is true)."""
        fits = value if callable(value) else lambda seen: seen == value
        deadline = Deadline(timeout)
        while True:
            seen = self.metric(name)
            if fits(seen):
                return seen
            assert not deadline.is_over(), f"{name} is {seen} after {timeout} s"
            time.sleep(0.02)

    def at_rest(self):
        """What must be the same when the daemon is as busy as it was, once everything that lingers has ended."""
        metrics = self.metrics()
        return {name: metrics.get(name) for name in (*LEFTOVERS, *LINGERING, *SIGNALLING)}

    def check_at_rest(self, before):
        deadline = Deadline(LINGER_LIMIT)
        while True:
            now = self.at_rest()
            changed = {name: (before[name], now[name]) for name in now if now[name] != before[name]}
            if not changed:
                return
            assert not deadline.is_over(), f"not as before: {changed}"
            time.sleep(0.5)

    def check_clean(self):
        """No call has left anything behind, and the process lives."""
        assert self.process.poll() is None, "the daemon has ended:\n" + "\n".join(self.lines[-50:])
        deadline = Deadline(CLEAN_LIMIT)
        while True:
            metrics = self.metrics()
            left = {name: metrics[name] for name in LEFTOVERS if metrics.get(name)}
            if not left:
                return
            assert not deadline.is_over(), f"left behind: {left}"
            time.sleep(0.05)
