"""What a job's digest holds: the code that its result depends on, and no other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from hnnlib import config, sources, studies
from hnnlib.errors import StoreError
from hnnlib.studies import collecting, running

CODE = "\n\ndef edited():\n    return 1\n"
SCALE = config.load_scale("smoke", studies.settings_classes()).studies
JOBS = [(study, group) for study in SCALE for group in studies.get(study).groups(SCALE[study])]
PACKAGE = Path(sources.__file__).parent


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tree") / "hnnlib"
    return shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture
def tree(copied, monkeypatch) -> Path:
    """A copy of the library in its place; what a test does to it is undone."""
    monkeypatch.setattr(sources, "FOLDER", copied)
    before = {path: path.read_text() for path in copied.rglob("*.py")}
    yield copied
    for path in [path for path in copied.rglob("*.py") if path not in before]:
        path.unlink()
    for path in [path for path in before if path.read_text() != before[path]]:
        path.write_text(before[path])


def digests() -> dict[tuple[str, str], dict[str, str]]:
    return {(s, group): running.code_digests(s, SCALE[s], group) for s, group in JOBS}


def readers(data: str) -> set[tuple[str, str]]:
    """Jobs that read a data set."""
    return {
        (name, group)
        for name, group in JOBS
        if data in studies.get(name).datasets(studies.get(name).relevant(SCALE[name], group))
    }


def of(*names: str) -> set[tuple[str, str]]:
    return {(name, group) for name, group in JOBS if name in names}


@pytest.fixture(scope="module")
def before(copied) -> dict[tuple[str, str], dict[str, str]]:
    """Digests of the copy as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "FOLDER", copied)
        return digests()


@pytest.fixture
def changed(tree, before) -> Callable[..., set[tuple[str, str]]]:
    """Jobs that files of the tree, written or made longer, would train anew."""

    def found(*names: str) -> set[tuple[str, str]]:
        for path in (tree / name for name in names):
            path.parent.mkdir(exist_ok=True)
            path.write_text((path.read_text() if path.is_file() else "") + CODE)
        after = digests()
        return {job for job in JOBS if before[job] != after[job]}

    return found


NEW = (
    "neurons/another.py",
    "surrogates/another.py",
    "engines/cpu/surrogates/another.py",
    "engines/cpu/networks/another.py",
    "networks/another.py",
    "datasets/sets/another.py",
    "studies/a_module.py",
    "studies/another/__init__.py",
    "analysis/another.py",
    "evidence/rules/another.py",
    "plotting/another.py",
)
NOT_OF_TRAINING = (
    "evidence/rules/best.py",
    "plotting/style.py",
    "analysis/statistics/__init__.py",
    "studies/running.py",
    "studies/collecting.py",
    "training/memory.py",
    "registration.py",
    "store.py",
    "config.py",
    "datasets/fetch.py",  # the data of this scale have no files
    "datasets/sets/mnist.py",
)


def test_what_is_new_and_what_does_not_train_trains_nothing_anew(changed):
    """All at once: no two changes of a digest undo each other."""
    assert changed(*NEW, *NOT_OF_TRAINING) == set()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("datasets/sets/cluttered_digits.py", readers("cluttered_digits")),
        ("datasets/canvases.py", readers("cluttered_digits")),
        ("datasets/sets/spoken_digits.py", readers("spoken_digits")),
        ("datasets/randman.py", readers("randman_500_parameters")),
        ("studies/coding_comparison/cells.py", of("coding_comparison")),
        ("networks/vgg.py", of("noise_correlations")),
        ("networks/direct.py", of("shd_ablations", "loss_landscape")),
        ("networks/stack.py", of("quadratic_neuron")),
        ("networks/operator.py", of("neural_operator")),
        ("training/traces.py", of("neural_operator")),
        ("datasets/cable/kernels.py", of("neural_operator")),
        ("neurons/quadratic.py", of("quadratic_neuron")),
        ("engines/cpu/neurons/quadratic.py", of("quadratic_neuron")),
        ("surrogates/rectangle.py", of("quadratic_neuron", "delays")),
        ("engines/cpu/surrogates/rectangle.py", of("quadratic_neuron", "delays")),
        ("studies/base/__init__.py", set(JOBS)),
        ("training/loop.py", set(JOBS)),
    ],
)
def test_an_edit_trains_those_anew_whose_results_it_may_change(changed, name, expected):
    assert changed(name) == expected


def test_data_of_this_scale_are_read_by_some_jobs_only():
    for data in ("cluttered_digits", "spoken_digits", "randman_500_parameters"):
        assert 0 < len(readers(data)) < len(JOBS)


@pytest.mark.parametrize("study", studies.names())
def test_every_kernel_that_may_run_is_in_the_digest(study):
    """Device and density choose the engine when a job runs; neurons, surrogates and some networks
    have kernels of their own.
    """
    files = [path.relative_to(PACKAGE.parent) for path in (PACKAGE / "engines").rglob("*.py")]
    kernels = {".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files}
    # folders, which hold no code
    kernels -= {f"hnnlib.engines.cpu.{folder}" for folder in ("surrogates", "networks")}
    found = set(sources.modules(studies.module(study)))
    named = {tuple(name.split(".")[1:]) for name in found}
    own = {k for k in kernels if {"neurons", "surrogates", "networks"} & {*k.split(".")[:-1]}}
    strange = {k for k in own if tuple(k.split(".")[-2:]) not in named}
    assert own - strange and kernels - strange <= found
    assert not strange & found


@pytest.mark.parametrize("study", studies.names())
def test_no_study_depends_on_what_judges_or_draws_it(study):
    away = ("hnnlib.evidence", "hnnlib.plotting")
    away += ("hnnlib.studies.running", "hnnlib.studies.collecting")
    assert not [name for name in sources.modules(studies.module(study)) if name.startswith(away)]


# --- groups of one study that were trained at different times ------------------------------------


def part(study: str = "a", **data: str) -> xr.Dataset:
    return xr.Dataset(attrs={"code_digest": study, "data_code_json": json.dumps(data)})


def test_groups_of_different_data_join():
    parts = {Path("one"): part(digits="b"), Path("two"): part(digits="b", shd="c")}
    shared = collecting._shared_code(parts)
    assert shared == {"code_digest": "a", "data_code_json": '{"digits": "b", "shd": "c"}'}


@pytest.mark.parametrize("other", [part("z", digits="b"), part(digits="z")])
def test_groups_of_different_code_do_not_join(other):
    with pytest.raises(StoreError, match="two and one were made by different code"):
        collecting._shared_code({Path("one"): part(digits="b"), Path("two"): other})
