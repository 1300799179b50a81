"""The graph as a reader runs it: from data to report, interrupted, misused, extended."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import xarray as xr

from hnnlib import config, store, studies

ROOT = Path(__file__).resolve().parents[1]
TREE = (
    "hnnlib", "workflow", "profiles", "papers", "notebooks", "config",
    "Snakefile", "environment.yml",
)  # fmt: skip
PATIENCE = 900  # seconds


def command(folder: Path, *words: str, project: Path = ROOT, **options: object) -> list[str]:
    settings = [f"{key}={value}" for key, value in options.items()]
    return [
        sys.executable, "-m", "snakemake", "--cores", "2",
        "--snakefile", str(project / "Snakefile"), "--directory", str(folder),
        "--workflow-profile", str(project / "profiles/default"),
        *words, *(["--config", *settings] if settings else []),
    ]  # fmt: skip


def run(folder: Path, *words: str, data: Path | None = None, **options) -> tuple[int, str]:
    """Run Snakemake to its end: exit status, and all that it printed."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command(folder, *words, **options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        env=environment(data),
    )
    return done.returncode, done.stdout


def environment(data: Path | None = None) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("HNN_DATA", "PYTHONPATH")}
    return kept | {"OMP_NUM_THREADS": "1"} | ({"HNN_DATA": str(data)} if data else {})


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


def contents(folder: Path) -> dict[str, bytes]:
    """Result files that readers use, by name."""
    places = ("*.nc", "*.csv", "report/*", "notebooks/*", "figures/*/*")
    found = [path for place in places for path in folder.glob(place) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def last_words(output: str) -> str:
    """The last paragraph that is not about time."""
    text = re.sub(r"Elapsed time: .*", "", output).strip()
    return text.split("\n\n")[-1]


# --- the whole graph, killed on the way -----------------------------------------------------------


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> tuple[Path, str]:
    """Scale smoke: a training job is killed, then Snakemake itself, then run again to the end."""
    folder = tmp_path_factory.mktemp("smoke")
    results = folder / "results/smoke"
    words = command(folder, scale="smoke", device="cpu")
    with (folder / "first.log").open("w") as log:
        first = subprocess.Popen(words, stdout=log, stderr=log, env=environment())
        begun = wait_for(lambda: list(results.glob("logs/train_group/*/*.log")), first)
        wait_for(lambda: any("epoch" in path.read_text() for path in begun), first)
        for victim in training_jobs(first)[:1]:
            victim.kill()
        wait_for(lambda: list(results.glob("runs/*/*.nc")), first)
        wait_for(lambda: training_jobs(first), first)
        orphans = training_jobs(first)
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert list((folder / ".snakemake/locks").iterdir()), "it was killed too late"
    assert not (results / "smoke.nc").exists()
    status, output = run(folder, scale="smoke", device="cpu")
    assert status == 0, output
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in orphans)
    return folder, output


@pytest.mark.slow
def test_the_lock_of_a_killed_run_is_removed_with_a_word(smoke):
    _, output = smoke
    assert "an earlier run was killed; its lock is removed" in output


@pytest.mark.slow
def test_a_killed_run_ends_with_the_numbers_of_an_uninterrupted_one(smoke, tmp_path):
    """Bit for bit, and equal to what the library gives without Snakemake; measured time aside."""
    folder, _ = smoke
    scale = config.load_scale("smoke", studies.settings_classes())
    for name, settings in scale.studies.items():
        runs = [tmp_path / f"{group}.nc" for group in studies.get(name).groups(settings)]
        for path in runs:
            studies.train_group(
                name, path.stem, settings, scale="smoke", out=path, device="cpu",
                checkpoints=tmp_path / path.stem, progress=lambda line: None,
            )  # fmt: skip
        studies.collect(name, settings, runs, tmp_path / f"{name}.nc")
        expected = store.open(tmp_path / f"{name}.nc")
        found = store.open(folder / f"results/smoke/{name}.nc")
        assert untimed(found).identical(untimed(expected))
        for variable in untimed(expected).variables:
            assert found[variable].values.tobytes() == expected[variable].values.tobytes(), variable


def untimed(dataset: xr.Dataset) -> xr.Dataset:
    dataset = dataset.drop_vars("train_seconds", errors="ignore")
    dataset.attrs = {k: v for k, v in dataset.attrs.items() if k != "wall_seconds"}
    return dataset


@pytest.mark.slow
def test_all_that_a_reader_wants_is_there_and_opens_without_a_network(smoke):
    folder, output = smoke
    results = folder / "results/smoke"
    assert f"report: {results}/report/index.html" in last_words(output)
    for name in config.load_scale("smoke", studies.settings_classes()).studies:
        assert (results / f"{name}.nc").is_file()
        assert (results / f"notebooks/{name}.ipynb").is_file()
        assert {p.suffix for p in (results / f"figures/{name}").iterdir()} >= {".png", ".json"}
    assert all((results / table).stat().st_size for table in ("claims.csv", "comparison.csv"))
    for page in (results / "report/index.html", *results.glob("notebooks/*.html")):
        text = page.read_text()
        assert not re.search(r'(src|href)="(https?:)?//[^"]*\.(js|css|png|svg|woff2?)', text)
        assert not re.search(r"<script[^>]+src|@import|url\((https?:)?//", text)


@pytest.mark.slow
def test_what_is_done_is_not_done_again(smoke):
    folder, _ = smoke
    before = contents(folder / "results/smoke")
    status, output = run(folder, scale="smoke", device="cpu")
    assert status == 0 and "Nothing to be done" in output
    assert contents(folder / "results/smoke") == before


# --- mistakes -------------------------------------------------------------------------------------


def test_a_mistake_in_the_scale_file_is_told_in_one_line(tmp_path):
    text = (ROOT / "config/smoke.yaml").read_text().replace("scale: smoke", "scale: mine")
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("epochs:", "epochz:", 1))
    line = text[: text.index("epochs:")].count("\n") + 1
    status, output = run(tmp_path, scale=path)
    assert status != 0
    assert f"mine.yaml line {line}: " in output and "did you mean 'epochs'?" in output
    assert "Traceback" not in output
    assert len(output.strip().splitlines()) <= 3


def test_damaged_data_stop_the_run_before_any_training(tmp_path):
    data = tmp_path / "data/mnist"
    data.mkdir(parents=True)
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (data / f"{part}-ubyte.gz").write_bytes(b"not quite")
    path = tmp_path / "real.yaml"
    text = (ROOT / "config/smoke.yaml").read_text().replace("scale: smoke", "scale: real")
    path.write_text(text.replace("dataset: digits", "dataset: mnist"))
    status, output = run(tmp_path, data=tmp_path / "data", scale=path)
    words = last_words(output)
    assert status != 0 and "Traceback" not in output
    assert words.startswith("error: check_data mnist: ") and "truncated" in words
    assert "log: results/real/logs/check_data/mnist.log" in words
    assert not (tmp_path / "results/real/runs/coding_comparison/mlp_pure.nc").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [("ro,size=1m", "it is read-only"), ("size=1m", "MB left, a run needs")],
    ids=["read-only", "full"],
)
def test_a_results_folder_that_takes_no_files_is_told_before_any_work(tmp_path, options, said):
    """A real file system, mounted for this one process only."""
    place = tmp_path / "mounted"
    place.mkdir()
    mount = f'mount -t tmpfs -o {options} none "$0" && exec "$@"'
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(place)]
    if shutil.which("unshare") is None or subprocess.run([*inside, "true"]).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    done = subprocess.run(
        [*inside, *command(tmp_path, scale="smoke", results=place)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(),
    )  # fmt: skip
    assert done.returncode != 0
    assert said in last_words(done.stdout) and "nothing was changed" in last_words(done.stdout)
    assert "Traceback" not in done.stdout


def test_the_workflow_has_no_lint():
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"],
        cwd=ROOT, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# --- a study of one's own -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of the project with the toy study of CONTRIBUTING.md, and nothing else changed."""
    project = tmp_path_factory.mktemp("tree")
    for name in TREE:
        source = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__")
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=ignore)
        else:
            shutil.copy(source, project / name)
    page = (ROOT / "CONTRIBUTING.md").read_text()
    blocks = dict(re.findall(r"^`([^`\n]+)`(?:(?!^`).)*^```\w+\n(.*?)^```$", page, re.M | re.S))
    section = blocks.pop("config/<scale>.yaml")
    for name, text in blocks.items():
        assert not (project / name).exists()
        (project / name).write_text(text)
    (project / "config/toy.yaml").write_text(
        f"scale: toy\ndescription: a toy study\nstudies:\n{section}"
    )
    return project


@pytest.fixture(scope="module")
def toy(tree) -> Path:
    """Results of the toy study."""
    status, output = run(tree, project=tree, scale="toy")
    assert status == 0, output
    return tree / "results/toy"


def scheduled(tree: Path) -> set[str]:
    """Rules that would run now."""
    status, output = run(tree, "-n", "--quiet", "rules", project=tree, scale="toy")
    assert status == 0, output
    return set(re.findall(r"^(\w+) +\d+$", output, re.M)) - {"total", "all"}


@pytest.mark.slow
def test_a_new_study_runs_without_any_edit_elsewhere(toy):
    assert (toy / "rate_code.nc").is_file() and (toy / "notebooks/rate_code.html").is_file()
    assert "More steps tell intensities apart" in (toy / "report/index.html").read_text()
    assert "R1" in (toy / "claims.csv").read_text()
    assert set(store.open(toy / "rate_code.nc")["cell"].values) == {"steps_2", "steps_20"}


@pytest.mark.slow
def test_code_counts_and_words_do_not(toy, tree):
    module = tree / "hnnlib/studies/rate_code.py"
    text = module.read_text()
    module.write_text(f"# a remark\n{text}")
    unchanged = scheduled(tree)
    module.write_text(text.replace("0.6", "0.7"))
    changed = scheduled(tree)
    module.write_text(text)
    assert unchanged == set()
    assert changed >= {"train_group", "collect_study", "build_report"}


@pytest.mark.slow
def test_a_failed_job_tells_why_and_leaves_earlier_results(toy, tree):
    before = contents(toy)
    module = tree / "hnnlib/studies/rate_code.py"
    text = module.read_text()
    module.write_text(text.replace("accuracy = []", "raise OSError(28, 'No space left', 'a disk')"))
    assert module.read_text() != text
    status, output = run(tree, project=tree, scale="toy")
    words = last_words(output)
    assert status != 0 and "Traceback" not in output
    assert words.startswith("error: rate_code/steps_2") and "a disk cannot be written" in words
    log = tree / re.search(r"log: (\S+steps_20\.log)", words)[1]
    assert "Traceback" in log.read_text()
    assert contents(toy) == before
    assert "train_group" in scheduled(tree), "what is out of date is made again"
    module.write_text(text)


def test_the_graph_knows_no_study_by_name():
    files = [ROOT / "Snakefile", *(ROOT / "workflow").rglob("*.*")]
    text = "".join(path.read_text() for path in files if path.suffix in (".py", ".smk", ""))
    assert [name for name in studies.names() if name in text] == []
