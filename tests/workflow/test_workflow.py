"""The graph as a reader runs it, from data to report, killed on the way."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import xarray as xr
from snakemake_runs import PATIENCE, command, contents, environment, last_words, run

from hnnlib import config, store, studies
from hnnlib.studies import collecting, running


def wait_for(condition: Callable[[], object], process: subprocess.Popen) -> object:
    """Wait until something is true of a running Snakemake."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("Snakemake ended, or nothing happened for minutes")


def training_jobs(process: subprocess.Popen) -> list[psutil.Process]:
    """Processes that train for a Snakemake."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(word.endswith(".train_group.py") for word in child.cmdline()):
                found.append(child)
    return found


class Killed(NamedTuple):
    """A run that was killed on its way, then run again to its end: what the second run printed,
    and the studies of which a job was cut short.
    """

    folder: Path
    output: str
    cut_short: set[str]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> Killed:
    """Scale smoke: a training job is killed, then Snakemake itself."""
    folder = tmp_path_factory.mktemp("smoke")
    results = folder / "results/smoke"
    words = command(folder, scale="smoke", device="cpu")
    with (folder / "first.log").open("w") as log:
        first = subprocess.Popen(words, stdout=log, stderr=log, env=environment())
        logs = "logs/train_group/*/*.log"  # some studies have no epochs: any job may be the one
        wait_for(lambda: any("epoch" in p.read_text() for p in results.glob(logs)), first)
        wait_for(lambda: training_jobs(first), first)[0].kill()
        wait_for(lambda: list(results.glob("runs/*/*.nc")), first)
        wait_for(lambda: training_jobs(first), first)
        orphans = training_jobs(first)
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert (results / ".lock").read_text(), "it was killed too late"
    assert not (results / "report").exists()
    begun = {(p.parent.name, p.stem) for p in results.glob(logs)}
    ended = {(p.parent.name, p.stem) for p in results.glob("runs/*/*.nc")}
    status, output = run(folder, scale="smoke", device="cpu")
    assert status == 0, output
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in orphans)
    return Killed(folder, output, {study for study, _ in begun - ended})


@pytest.mark.slow
def test_the_lock_of_a_killed_run_is_taken_over_with_a_word(smoke):
    folder, output, _ = smoke
    assert re.search(r"^note: an earlier run \(process \d+ of .*\) was killed", output, re.M)
    assert not (folder / "results/smoke/.lock").read_text(), "and given back in the end"


@pytest.mark.slow
def test_a_killed_run_ends_with_the_numbers_of_an_uninterrupted_one(smoke, tmp_path):
    """Bit for bit, and equal to what the library gives without Snakemake; measured time aside."""
    scale = config.load_scale("smoke", studies.settings_classes())
    assert smoke.cut_short
    for name in smoke.cut_short:
        settings = scale.studies[name]
        runs = [tmp_path / f"{group}.nc" for group in studies.get(name).groups(settings)]
        for path in runs:
            running.train_group(
                name,
                path.stem,
                settings,
                scale="smoke",
                out=path,
                device="cpu",
                checkpoints=tmp_path / path.stem,
                progress=lambda line: None,
            )
        plain, groups = settings.model_dump(mode="json"), studies.relevant(name, settings)
        collecting.collect(name, plain, groups, runs, tmp_path / f"{name}.nc")
        expected = store.open(tmp_path / f"{name}.nc")
        found = store.open(smoke.folder / f"results/smoke/{name}.nc")
        assert untimed(found).identical(untimed(expected))
        for variable in untimed(expected).variables:
            assert found[variable].values.tobytes() == expected[variable].values.tobytes(), variable


def untimed(dataset: xr.Dataset) -> xr.Dataset:
    """A store without what was measured with a clock, which no two runs share."""
    times = ["train_seconds", "step_seconds", "time_ratio"]
    solver = ["seconds", "serial_ratio", "batched_ratio", "single_ratio"]
    dataset = dataset.drop_vars([*times, *solver], errors="ignore")
    dataset.attrs = {k: v for k, v in dataset.attrs.items() if k != "wall_seconds"}
    return dataset


@pytest.mark.slow
def test_all_that_a_reader_wants_is_there_and_opens_without_a_network(smoke):
    folder, output, _ = smoke
    results = folder / "results/smoke"
    assert f"report: {results}/report/index.html" in last_words(output)
    for name in config.load_scale("smoke", studies.settings_classes()).studies:
        assert (results / f"{name}.nc").is_file()
        assert (results / f"notebooks/{name}.ipynb").is_file()
        assert {p.suffix for p in (results / f"figures/{name}").iterdir()} >= {".png", ".json"}
    assert all((results / table).stat().st_size for table in ("claims.csv", "comparison.csv"))
    for page in (*results.glob("report/*.html"), *results.glob("notebooks/*.html")):
        text = page.read_text()
        assert not re.search(r'(src|href)="(https?:)?//[^"]*\.(js|css|png|svg|woff2?)', text)
        assert not re.search(r'<script[^>]+src="(?!filter)|@import|url\((https?:)?//', text)


@pytest.mark.slow
def test_figures_lead_to_their_place_in_the_notebook_and_that_leads_back(smoke):
    report = smoke[0] / "results/smoke/report"
    for page in report.glob("study-*.html"):
        study = page.stem.removeprefix("study-")
        notebook = (report / f"notebooks/{study}.html").read_text()
        anchors = re.findall(rf'href="notebooks/{study}.html#([^"]+)"', page.read_text())
        assert anchors and all(f'id="{anchor}"' in notebook for anchor in anchors)
        assert f'href="../{page.name}"' in notebook and "prefers-color-scheme: dark" in notebook
        assert not re.search("<pre>|<th>|<th(?! scope)[ >]", notebook)


@pytest.mark.slow
def test_what_is_done_is_not_done_again_and_asks_nobody(smoke, tmp_path):
    """Neither torch, which takes seconds, nor another package that is called workflow."""
    folder = smoke.folder
    for name in ("torch", "workflow"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('this was imported')")
    before = contents(folder / "results/smoke")
    status, output = run(folder, path=tmp_path, scale="smoke", device="cpu")
    assert status == 0 and "Nothing to be done" in output
    assert contents(folder / "results/smoke") == before
