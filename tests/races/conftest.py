"""All runs that were chosen begin with the first test, many at a time; each test waits for its own."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from tandem_test.races.runner import Matrix  # noqa: E402

_matrix = []


@pytest.fixture(scope="session")
def matrix(request, tmp_path_factory):
    runs = [item.callspec.params["run"] for item in request.session.items if "run" in getattr(item, "callspec", _none).params]
    made = Matrix(tmp_path_factory.mktemp("races"), runs)
    _matrix.append(made)
    made.start()
    yield made
    made.join()


class _none:
    params = {}


def pytest_terminal_summary(terminalreporter):
    for made in _matrix:
        terminalreporter.write_line(made.summary())
