"""The graph through a Slurm cluster whose job and controller are killed: ``make cluster``."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from snakemake_runs import ROOT, environment
from test_workflow import untimed, wait_for

from hnnlib import config, store, studies
from hnnlib.studies import collecting, running

pytestmark = pytest.mark.skipif(
    "HNN_TEST_CLUSTER" not in os.environ, reason="it starts a cluster on this machine: make cluster"
)
_PATH = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}


def _slurm(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout


def _training() -> list[str]:
    """Numbers of the training jobs that run."""
    lines = _slurm("squeue", "--noheader", "--states=R", "--format=%i %k").splitlines()
    return [line.split()[0] for line in lines if "train_group" in line]


def _start(folder: Path) -> subprocess.Popen:
    words = [*"snakemake --workflow-profile".split(), str(ROOT / "profiles/slurm")]
    words += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    words += ["--set-threads", "train_group=1", "--config", "scale=smoke", "device=cpu"]
    log = (folder / "log").open("a")
    return subprocess.Popen(words, stdout=log, stderr=log, env=environment() | _PATH)


def _end(process: subprocess.Popen) -> int:
    """Its status, once it has ended. A node that Slurm drains, of a job that it launched in the
    moment in which its controller died, is resumed, as an operator would.
    """
    while process.poll() is None:
        for node in _slurm("sinfo", "--noheader", "--states=drain", "--format=%n").split():
            _slurm("scontrol", "update", f"nodename={node}", "state=resume")
        time.sleep(5)
    return process.returncode


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Path:
    """A cluster of one node, while the tests run."""
    folder = tmp_path_factory.mktemp("cluster")
    subprocess.run([ROOT / ".ci/cluster", "start", folder], check=True, timeout=120)
    yield folder
    subprocess.run([ROOT / ".ci/cluster", "stop", folder], check=True)


def test_a_killed_job_and_a_killed_controller_change_nothing(cluster, tmp_path):
    first = _start(tmp_path)
    wait_for(lambda: list(tmp_path.glob("results/smoke/runs/*/*.nc")), first)
    victim, *_ = wait_for(_training, first)
    _slurm("scancel", "--signal=KILL", "--full", victim)
    wait_for(lambda: victim not in _training() and _training(), first)
    time.sleep(20)  # until the controller has noted what it started
    controller = int((cluster / "slurmctld.pid").read_text())
    os.kill(controller, 9)
    subprocess.run(["slurmctld"], check=True)
    assert _end(first) != 0, "one of its jobs was killed"
    second = _start(tmp_path)
    assert _end(second) == 0, (tmp_path / "log").read_text()
    assert (tmp_path / "results/smoke/report/index.html").is_file()

    for name, settings in config.load_scale("smoke", studies.settings_classes()).studies.items():
        runs = []
        for group in studies.jobs(name, settings):
            runs.append(tmp_path / f"local/{name}/{group}.nc")
            options = {"scale": "smoke", "device": "cpu"}
            folder = tmp_path / f"checkpoints/{name}/{group}"
            running.train_group(
                name, group, settings, out=runs[-1], checkpoints=folder, progress=str, **options
            )
        plain, groups = settings.model_dump(mode="json"), studies.relevant(name, settings)
        collecting.collect(name, plain, groups, runs, tmp_path / f"{name}.nc")
        found = store.open(tmp_path / f"results/smoke/{name}.nc")
        assert untimed(found).identical(untimed(store.open(tmp_path / f"{name}.nc"))), name
