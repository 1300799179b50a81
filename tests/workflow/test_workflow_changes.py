"""The graph misused, changed and extended."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake_runs import ROOT, command, contents, environment, last_words, run

from hnnlib import store, studies

TREE = (
    "hnnlib",
    "workflow",
    "profiles",
    "papers",
    "notebooks",
    "config",
    "Snakefile",
    "environment.yml",
)
STRANGE = ("hnnlib/._a.py", "hnnlib/studies/._a.py", "hnnlib/evidence/templates/.DS_Store")


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
    text = (ROOT / "config/smoke.yaml").read_text().replace("dataset: digits", "dataset: mnist")
    scale = yaml.safe_load(text) | {"scale": "real"}
    mlp = scale["studies"]["coding_comparison"] | {"cnn": None}
    scale["studies"] = {"coding_comparison": mlp}
    path.write_text(yaml.safe_dump(scale))
    status, output = run(tmp_path, data=tmp_path / "data", scale=path)
    words = last_words(output)
    assert status != 0 and "Traceback" not in output
    assert words.startswith("error: check_data mnist: ") and "truncated" in words
    assert "log: results/real/logs/check_data/mnist.log" in words
    assert not list((tmp_path / "results/real").glob("logs/train_group/*/*"))


CHECKED = "import sys; from workflow import guards; guards.check_results_folder(sys.argv[1])"


@pytest.mark.parametrize(
    ("options", "words", "said"),
    [
        ("ro,size=1m", None, "it is read-only"),
        ("size=1m", [sys.executable, "-c", CHECKED], "MB left, a run needs"),
    ],
    ids=["read-only", "full"],
)
def test_a_results_folder_that_takes_no_files_is_told_before_any_work(
    tmp_path, options, words, said
):
    """A real file system, mounted for this one process only; the whole way once."""
    place = tmp_path / "mounted"
    place.mkdir()
    mount = f'mount -t tmpfs -o {options} none "$0" && exec "$@"'
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(place)]
    if shutil.which("unshare") is None or subprocess.run([*inside, "true"]).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    done = subprocess.run(
        [*inside, *([*words, place] if words else command(tmp_path, scale="smoke", results=place))],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment() | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode != 0
    assert said in last_words(done.stdout) and "nothing was changed" in last_words(done.stdout)
    assert "Traceback" not in done.stdout


# --- a study of one's own -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def habits(tmp_path_factory) -> dict[str, str]:
    """Of a reader whose home takes no files, and who draws with LaTeX in a kernel that fails."""
    folder = tmp_path_factory.mktemp("habits")
    kernel = folder / "kernels/python3/kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text('{"argv": ["false"], "display_name": "x", "language": "python"}')
    (folder / "matplotlibrc").write_text("text.usetex: True")
    (folder / "start.py").write_text("raise SystemExit('a habit')")
    return {
        "HOME": "/dev/null/home",
        "JUPYTER_PATH": str(folder),
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),
        "PYTHONSTARTUP": str(folder / "start.py"),
        "NUMBA_DISABLE_JIT": "1",
    }


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of the project with the toy study of CONTRIBUTING.md, in a folder with a strange name
    and with files that another system left; nothing else is changed.
    """
    project = tmp_path_factory.mktemp("tree") / "a räte's tree"
    project.mkdir()
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name)  # with the kernels that are compiled already
        else:
            shutil.copy(source, project / name)
    page = (
        (ROOT / "CONTRIBUTING.md").read_text().split("\n## Adding a study\n")[1].split("\n## ")[0]
    )
    blocks = dict(re.findall(r"^`([^`\n]+)`(?:(?!^`).)*^```\w+\n(.*?)^```$", page, re.M | re.S))
    section = blocks.pop("config/<scale>.yaml")
    for name, text in blocks.items():
        assert not (project / name).exists()
        (project / name).write_text(text)
    for name in ("config/._toy.yaml", "papers/._a.yaml", "notebooks/._a.ipynb", *STRANGE):
        (project / name).write_bytes(b"\0\5\x16\7\xff")
    (project / "config/toy.yaml").write_text(
        f"scale: toy\ndescription: '{{toy}} study'\nstudies:\n{section}"
    )
    return project


@pytest.fixture(scope="module")
def toy(tree, habits) -> Path:
    """Results of the toy study."""
    status, output = run(tree, project=tree, habits=habits, scale="toy")
    assert status == 0, output
    return tree / "results/toy"


@pytest.mark.slow
def test_a_new_study_runs_without_any_edit_elsewhere(toy):
    assert (toy / "rate_code.nc").is_file() and (toy / "notebooks/rate_code.html").is_file()
    assert "More steps tell intensities apart" in (toy / "report/index.html").read_text()
    assert "R1" in (toy / "claims.csv").read_text()
    assert set(store.open(toy / "rate_code.nc")["cell"].values) == {"steps_2", "steps_20"}


@pytest.mark.slow
def test_code_counts_and_a_job_that_fails_tells_why_and_leaves_earlier_results(toy, tree):
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
    status, output = run(tree, "-n", "--quiet", "rules", project=tree, scale="toy")
    scheduled = set(re.findall(r"^(\w+) +\d+$", output, re.M))
    assert scheduled >= {"train_group", "collect_study", "build_report"}, "made again"


def test_the_graph_knows_no_study_by_name():
    files = [ROOT / "Snakefile", *(ROOT / "workflow").rglob("*.*")]
    text = "".join(path.read_text() for path in files if path.suffix in (".py", ".smk", ""))
    assert [name for name in studies.names() if name in text] == []
