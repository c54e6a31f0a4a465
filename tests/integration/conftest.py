"""Fixtures of the tests of the whole daemon. A test module may say what its daemon is configured with:

    CONFIG = {"registrar": {"authentication": "none"}}    # merged over default_config()

One daemon serves a module; after each test it must live and have nothing left of a call, after the last it must end with
status 0 and no sanitizer's report.
"""

import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from tandem_test import daemon as daemon_module  # noqa: E402
from tandem_test.browser import Browser  # noqa: E402
from tandem_test.calls import Maker  # noqa: E402
from tandem_test.lifetime import maker  # noqa: E402
from tandem_test.media import Rtp  # noqa: E402
from tandem_test.net import kept_port, media_ports  # noqa: E402
from tandem_test.trunk import TcpTrunk, UdpTrunk  # noqa: E402

DOMAIN = "example.test"
PASSWORDS = {"alice": "wonderland", "bob": "builder", "carol": "christmas"}
PAGE = {"index.html": "<!doctype html><title>softphone</title>", "app.js": "export {};\n", "style.css": "body {}\n"}


def pytest_collection_modifyitems(items):
    """The longest first: a module that is marked xdist_group does all at once, on one daemon in one worker."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def default_config(directory, trunk_port):
    page = directory / "html"
    page.mkdir()
    for name, text in PAGE.items():
        (page / name).write_text(text)
    return {
        "domain": DOMAIN,
        "web": {"root": str(page)},
        # few calls, and yet on all of its threads
        "media": {"address": "127.0.0.1", "ports": "%d-%d" % media_ports(), "worker_fill_percent": 0},
        "users": [{"name": name, "password": password} for name, password in PASSWORDS.items()],
        "trunks": [{"name": "pbx", "peer": f"sip:127.0.0.1:{trunk_port}"}],
        "routes": [{"match": "^9196$", "to": "echo"}, {"match": "^[a-z]+$", "to": "user"}, {"to": "pbx"}],
    }


@pytest.fixture(scope="module")
def trunk_port():
    """Where the trunk "pbx" is, for whoever plays it."""
    return kept_port()


@pytest.fixture(scope="session")
def default_configuration():
    """default_config(), for modules that make their daemon by themselves."""
    return default_config


@pytest.fixture(scope="module")
def daemon_of_module(request, tmp_path_factory, trunk_port):
    directory = tmp_path_factory.mktemp("tandem")
    config = daemon_module.merge(default_config(directory, trunk_port), getattr(request.module, "CONFIG", {}))
    if callable(getattr(request.module, "prepare", None)):
        config = request.module.prepare(directory, config)
    tandem = daemon_module.Daemon(directory, config)
    try:
        yield tandem.start()
    finally:
        tandem.stop()


@pytest.fixture
def daemon(daemon_of_module):
    yield daemon_of_module
    daemon_of_module.check_clean()


@pytest.fixture
def own_daemon(request, tmp_path, trunk_port):
    """Makes daemons for one test: own_daemon({"web": {...}}) is configured, own_daemon(...).start() runs."""
    made = []

    def make(config=None, base=None):
        number = len(made)
        directory = tmp_path / f"daemon{number}"
        directory.mkdir()
        whole = daemon_module.merge(base or default_config(directory, trunk_port), config or {})
        made.append(daemon_module.Daemon(directory, whole))
        return made[-1]

    yield make
    for tandem in made:
        tandem.stop()


@pytest.fixture
def browser(daemon):
    """Makes scripted browsers: browser("alice") is connected, browser("alice").register() is registered."""
    def connect(user="alice", **options):
        options.setdefault("password", PASSWORDS.get(user))
        return Browser(daemon.host, daemon.web_port, user, DOMAIN, tls=daemon.tls, **options)

    with maker(connect) as make:
        yield make


def registered(browser):
    """Unregistered at the end, if there is a connection to do it by."""
    browser.register()
    yield browser
    if browser.socket:
        browser.unregister()


@pytest.fixture
def alice(browser):
    yield from registered(browser("alice"))


@pytest.fixture
def bob(browser):
    yield from registered(browser("bob"))


@pytest.fixture
def trunk(daemon, trunk_port):
    """The trunk "pbx", on UDP."""
    peer = UdpTrunk((daemon.host, daemon.sip_port), port=trunk_port)
    yield peer
    peer.close()


@pytest.fixture
def tcp_trunk(daemon, trunk_port):
    """The trunk "pbx", on TCP (for a module whose CONFIG says so)."""
    peer = TcpTrunk((daemon.host, daemon.sip_port), port=trunk_port)
    yield peer
    peer.close()


@pytest.fixture
def rtp():
    """Makes RTP ports."""
    with maker(Rtp) as make:
        yield make


@pytest.fixture
def calls(daemon, browser, trunk):
    """Makes calls with a hand on both ends: calls("browser-trunk"). The module's CONFIG has calls.CONFIG in it."""
    return Maker(daemon, browser, trunk, DOMAIN)


@pytest.fixture
def media_call(calls):
    """Makes calls with media at both ends: media_call("browser-trunk").set_up()."""
    from tandem_test.voice import MediaCall

    with maker(lambda direction, **options: MediaCall(calls, direction, **options)) as make:
        yield make


@pytest.fixture
def world(own_daemon, trunk_port, request):
    """world(configuration): a daemon of its own, beside whose CONFIG that stands, and what makes calls with media through
    it. `gateway`: where it speaks SIP to the trunk, if not where its first listener is."""
    from tandem_test.voice import MediaCall

    with contextlib.ExitStack() as stack:
        def start(config, gateway=None):
            daemon = own_daemon({**request.module.CONFIG, **config}).start()
            gateway = gateway or (daemon.host, daemon.sip_port)
            trunk = stack.enter_context(contextlib.closing(UdpTrunk(gateway, host=gateway[0], port=trunk_port)))
            browser = stack.enter_context(maker(
                lambda user, **options: Browser(daemon.host, daemon.web_port, user, DOMAIN, **options)))
            calls = Maker(daemon, browser, trunk, DOMAIN)
            make = stack.enter_context(maker(lambda direction, **options: MediaCall(calls, direction, **options)))
            make.daemon = daemon
            return make

        yield start
