"""The race matrix: rows x offsets x lines x directions. See README.md."""

import pytest
import rows_answer  # noqa: F401
import rows_bye  # noqa: F401
import rows_cancel  # noqa: F401
import rows_connection  # noqa: F401
import rows_more  # noqa: F401
import rows_offers  # noqa: F401
import rows_process  # noqa: F401
from tandem_test.races.runner import Failure, all_runs

pytestmark = pytest.mark.timeout(900)  # what a busy machine takes for all


@pytest.mark.parametrize("run", all_runs(), ids=lambda run: run.id)
def test_race(matrices, run):
    try:
        matrices[run.row.process].result(run)
    except Failure as failure:
        told = str(failure)
    else:
        return
    pytest.fail(told, pytrace=False)


@pytest.mark.parametrize("process", ["main", "term", "kill", "clock"])
def test_nothing_is_left_over(matrices, process):
    if process not in matrices:
        pytest.skip("nothing of it was chosen")
    matrix = matrices[process]
    matrix.finished.result(600)
    assert not matrix.left
    assert not matrix.late, matrix.late
    if process == "main":
        assert matrix.witness.heard >= matrix.witness.sent - 2  # at its beginning and its end
