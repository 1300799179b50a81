"""The benchmark's processes: what happens when one fails, and what a peer's holds."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks.environment import ROOT


def test_a_process_that_crashes_is_reported_with_its_last_words():
    worker = measure.Worker("norse", Path(sys.executable))
    worker.command = [sys.executable, "-c", "raise SystemExit('no such library')"]
    with pytest.raises(measure.WorkerFailure, match="no such library"):
        worker.ask("describe")
    worker.close()


def test_a_silent_process_is_given_up():
    worker = measure.Worker("norse", Path(sys.executable), patience=0.2)
    worker.command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(measure.WorkerFailure, match="no reply within 0.2 s"):
        worker.ask("describe")
    assert worker.process is None


def test_a_peers_process_holds_nothing_of_hnnlib_but_its_name():
    code = "import sys, benchmarks.worker as w, benchmarks.peers; w._keep_memory(); "
    code += "print([m for m in sys.modules if m.startswith('hnnlib.') or m == 'numba'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
