"""A short storm of calls (tests/bench/storm): random timing of everything, with an eye on every answer."""

import os
import pathlib
import subprocess
import sys

from tandem_test import daemon as daemon_module

STORM = pathlib.Path(__file__).resolve().parents[1] / "bench" / "storm"


def test_a_storm_leaves_no_wrong_answer_and_nothing_behind(tmp_path):
    command = [sys.executable, str(STORM), "--quick", "--calls", "400", "--rate", "25", "--seed", "1", "--directory", str(tmp_path)]
    environment = {**os.environ, "TANDEM": str(daemon_module.find_binary())}
    result = subprocess.run(command, capture_output=True, text=True, timeout=150, env=environment, check=False)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-20000:]
