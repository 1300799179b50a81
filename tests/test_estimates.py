"""Estimates of time and memory: proportional to what training does, and near what it took."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from hnnlib import config, estimates, studies

ROOT = Path(__file__).resolve().parents[1]
REFERENCES = {path.stem: path for path in sorted(ROOT.glob("results/reference/*.nc"))}
TASK = {
    "dataset": "digits",
    "steps": 10,
    "width": 0.5,
    "samples": {"train": 100, "validation": 10, "test": 10},
    "schedule": {"epochs": 2, "batch": 32},
    "arms": ["main"],
}


@pytest.mark.parametrize(
    ("change", "times"),
    [
        ({"steps": 20}, 2),
        ({"width": 1.0}, 2),
        ({"schedule": {"epochs": 6, "batch": 32}}, 3),
        ({"samples": {"train": 400}}, 4),
        ({"arms": ["main", "other"], "rows": ["a", "b"]}, 4),
        ({"arms": {"main": {"tau": {"points": 2}, "threshold": {"points": 3}}}}, 6),
        ({"tuning": {"epochs": 1, "rates": [1, 2], "seeds": [7, 8]}}, 2),
        ({"seeds": [1, 2, 3, 4]}, 2),
    ],
)
def test_work_is_proportional_to_what_is_done(change, times):
    section = {"seeds": [0, 1], "tasks": [TASK]}
    changed = {"seeds": [0, 1], "tasks": [TASK | change]}
    assert estimates.work(changed) == pytest.approx(times * estimates.work(section))


def test_memory_is_of_the_largest_network():
    small, large = TASK | {"steps": 1}, TASK | {"steps": 10_000}
    assert estimates.memory({"tasks": [small, large]}) == 4 * 10_000 * 32 * 64


@pytest.mark.parametrize(
    "task", [{}, {"dataset": "digits"}, TASK | {"dataset": "mine"}, TASK | {"schedule": "cosine"}]
)
def test_what_is_not_known_is_not_estimated(task):
    """A study of one's own may call things otherwise."""
    section = {"seeds": [0], "tasks": [task]}
    assert estimates.memory(section) == 0 == estimates.work(section)


@pytest.mark.parametrize("scale", ["quick", "reduced", "reduced_shd", "reduced_manifold"])
def test_estimates_are_near_what_scale_files_declare(scale):
    """Files declare what was measured; a factor of three tells minutes from months. A study that
    names its work otherwise is not estimated.
    """
    found = config.load_scale(scale, studies.settings_classes())
    each = [
        estimates.rate(REFERENCES.get(name, ROOT)) * estimates.work(its.model_dump(mode="json"))
        for name, its in found.studies.items()
    ]
    seconds = np.nansum(each)
    assert np.isnan(each).sum() <= 1
    assert 1 / 3 < seconds / (60 * found.core_minutes) < 3


def test_no_rate_is_made_up(tmp_path):
    assert math.isnan(estimates.rate(tmp_path / "none.nc"))
    (tmp_path / "a.nc").write_bytes(b"\x89HDF\r\n\x1a\n")
    assert math.isnan(estimates.rate(tmp_path / "a.nc"))
