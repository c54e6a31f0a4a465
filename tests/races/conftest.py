"""All runs that were chosen begin with the first test, many at a time; each test waits for its own."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from tandem_test.races.runner import Matrix  # noqa: E402

_made = {}


class _None:
    params = {}


@pytest.fixture(scope="session")
def matrices(request, tmp_path_factory):
    """One for each way of treating the process; "main" for most."""
    runs = [item.callspec.params["run"] for item in request.session.items if "run" in getattr(item, "callspec", _None).params]
    for process in sorted({run.row.process for run in runs}):
        mine = [run for run in runs if run.row.process == process]
        _made[process] = Matrix(tmp_path_factory.mktemp(f"races-{process}"), mine)
        _made[process].start()
    yield _made
    for made in _made.values():
        made.join()


def pytest_terminal_summary(terminalreporter):
    for made in _made.values():
        terminalreporter.write_line(made.summary())
