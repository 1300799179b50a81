"""A made-up result store of the study ``shd_ablations``: every cell, no training.

Its numbers are invented, so it serves tests of readers only: figures, tables, notebook. ``make()``
gives the full store; arguments take things away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import get_args
from zlib import crc32

import numpy as np
import xarray as xr
from synthetic_store import provenance

from hnnlib.studies.shd_ablations import cells as study

__all__ = ["UNSEEN", "make"]

UNSEEN = (4, 5)
_SPEAKERS = np.arange(12)
_RECORDINGS = np.where(np.isin(_SPEAKERS, UNSEEN), 920, 43)
_ACCURACY = {
    "snn": 72,
    "nsn": 76,
    "hybrid": 77,
    "n2n_block": 74,
    "n2n_matched": 74.5,
    "rnn": 70,
    "hybrid_rnn": 73,
    "n2n_rnn": 71,
    "hstnn_1layer": 64,
}
_ARMS = {
    "5": 0.5,
    "20": -2,
    "50": -12,
    "off": -0.6,
    "authors": -1,
    "equal": -0.5,
    "random": -1.5,
    "file_order": -2.5,
    "half": -3,
    "quarter": -7,
    "0.25": -6,
    "0.1": -15,
}
_UNITS = {"full": 128, "half": 64, "quarter": 32}


def make(
    *,
    seeds: int | Sequence[int] = 3,
    epochs: int = 5,
    datasets: Sequence[str] = ("shd",),
    models: Sequence[str] = study.MODELS,
    arms: Sequence[str] = get_args(study.Arm),
    keep: Callable[[dict], bool] | None = None,
    drop: Iterable[str] = (),
    accuracy: Mapping[str, float | Sequence[float]] | None = None,
    diverged: Mapping[str, Iterable[int]] | None = None,
    official: bool = False,
    scale: str = "reduced",
) -> xr.Dataset:
    """The study's store with invented numbers; the same arguments give the same store.

    Args:
        seeds: how many, or their numbers.
        datasets: ``randman_*`` have one speaker, who is in the training part.
        keep: takes a cell's coordinates; cells for which it is false are left out.
        drop: cell names to leave out (``"shd/snn/main"``).
        accuracy: accuracy on unseen speakers in percent by cell name, one number or one a seed.
        diverged: seed positions that diverged, by cell name.
    """
    seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    cells = [c for name in datasets for model in models for c in _cells(name, model, arms)]
    cells = [c for c in cells if c["cell"] not in set(drop) and (keep is None or keep(c))]
    given = accuracy or {}
    unseen = np.stack([_unseen(c, seeds, given.get(c["cell"])) for c in cells])
    lost = np.zeros(unseen.shape, bool)
    for place, cell in enumerate(cells):
        lost[place, list((diverged or {}).get(cell["cell"], ()))] = True
    variables = _variables(cells, np.where(lost, np.nan, unseen), lost, epochs)
    coords = {"cell": [c["cell"] for c in cells], "seed": seeds, "epoch": np.arange(epochs)}
    coords |= {key: ("cell", [c[key] for c in cells]) for key in cells[0] if key != "cell"}
    coords["speaker"] = _SPEAKERS
    return xr.Dataset(variables, coords, _attributes(datasets, official, scale))


def _cells(dataset: str, model: str, arms: Sequence[str]) -> list[dict]:
    return [
        {"cell": f"{dataset}/{cell.name}", "dataset": dataset, "units": str(_UNITS[cell.size])}
        | asdict(cell)
        for cell in study.cells(model, tuple(arms))
    ]


def _unseen(cell: dict, seeds: list[int], given: float | Sequence[float] | None) -> np.ndarray:
    if given is not None:
        return np.broadcast_to(np.asarray(given, float) / 100, (len(seeds),)).copy()
    change = cell["cell"].split("/")[-1]
    mean = _ACCURACY[cell["model"]] + _ARMS.get(change, 0) * (cell["arm"] != "ratio")
    label = crc32(cell["cell"].encode())
    own = [np.random.default_rng([seed, label]).normal(0, 0.8) for seed in seeds]
    shared = [np.random.default_rng(seed).normal(0, 0.8) for seed in seeds]
    return np.clip((mean + np.array(own) + np.array(shared)) / 100, 0, 1)


def _variables(cells: list[dict], unseen: np.ndarray, lost: np.ndarray, epochs: int) -> dict:
    names = np.array([c["dataset"] for c in cells])
    alone = np.char.startswith(names, "randman")[:, None]
    rng = np.random.default_rng(0)
    voices = np.where(np.isin(_SPEAKERS, UNSEEN), 0.0, 0.12) + rng.normal(
        0, 0.02, (*lost.shape, 12)
    )
    by_one = unseen[..., None] + np.where(np.isin(_SPEAKERS, UNSEEN), 0.0, voices)
    by_one += 0.01 * (np.arange(12) - 4.5) * np.isin(_SPEAKERS, UNSEEN)
    by_one = np.where(alone[..., None] & (_SPEAKERS > 0), np.nan, np.clip(by_one, 0, 1))
    recordings = np.where(alone & (_SPEAKERS > 0), np.nan, _RECORDINGS)
    new = np.isin(_SPEAKERS, UNSEEN) & ~alone
    counted = np.nan_to_num(recordings)[:, None]
    new_count, old_count = counted * new[:, None], counted * ~new[:, None]
    values = np.nan_to_num(by_one)
    none = np.where(lost, np.nan, 1.0)
    test = none * (values * counted).sum(-1) / counted.sum(-1)
    seen = none * (values * old_count).sum(-1) / old_count.sum(-1)
    unseen = np.full_like(test, np.nan)
    some = ~alone[:, 0]
    unseen[some] = (none * (values * new_count).sum(-1))[some] / new_count.sum(-1)[some]
    knows = np.array([0.1 if c["validation"] != "speakers" else 0.02 for c in cells])[:, None]
    validation, train = np.minimum(test + knows, 1), np.minimum(seen + 0.05, 1)
    rise = 1 - 0.5 ** np.arange(1, epochs + 1)
    spikes = np.array([40.0 * int(c["units"]) * _share(c) for c in cells])[:, None]
    best = np.where(lost, np.nan, epochs - 1.0)
    watched = np.array([c["arm"] == "main" for c in cells])[:, None]
    premium = np.where(watched, rng.uniform(0, 0.01, lost.shape), np.nan)
    fraction = np.array([float(c["fraction"]) for c in cells])
    kept = np.array([6939 if c["trained_on"] == "held_out" else 8156 for c in cells])
    per_seed, per_epoch = ("cell", "seed"), ("cell", "seed", "epoch")
    per_speaker = ("cell", "speaker")

    def variable(dims, values, long_name, units="1"):
        return dims, values, {"long_name": long_name, "units": units}

    return {
        "test_accuracy": variable(per_seed, test, "test accuracy"),
        "unseen_accuracy": variable(per_seed, unseen, "test accuracy, unseen speakers"),
        "seen_accuracy": variable(per_seed, seen, "test accuracy, seen speakers"),
        "speaker_accuracy": variable((*per_seed, "speaker"), by_one, "test accuracy by speaker"),
        "speaker_recordings": variable(per_speaker, recordings, "test recordings by speaker"),
        "speaker_unseen": variable(per_speaker, new.astype(float), "1: not in the training part"),
        "validation_accuracy": variable(per_seed, validation, "best validation accuracy"),
        "train_accuracy": variable(per_seed, train, "training accuracy"),
        "generalisation_gap": variable(per_seed, train - test, "training minus test accuracy"),
        "speaker_gap": variable(per_seed, seen - unseen, "seen minus unseen speakers"),
        "validation_gap": variable(per_seed, validation - unseen, "validation minus unseen"),
        "selection_premium": variable(per_seed, premium * none, "best test epoch minus chosen"),
        "best_epoch": variable(per_seed, best, "epoch chosen on validation, from 0"),
        "spikes": variable(per_seed, none * spikes, "spikes per example"),
        "validation_curve": variable(
            per_epoch, validation[..., None] * rise / rise[-1], "validation"
        ),
        "train_loss": variable(
            per_epoch, none[..., None] * 3 * (1 - train[..., None] * rise), "loss", "nat"
        ),
        "diverged": variable(per_seed, lost.astype(np.int8), "1 where training diverged"),
        "learning_rate": variable("cell", np.full(len(cells), 1e-3), "learning rate"),
        "train_examples": variable("cell", np.round(fraction * kept), "training examples"),
        "parameters": variable("cell", np.full(len(cells), 111_000.0), "trained parameters"),
    }


def _share(cell: dict) -> float:
    """Share of spiking units."""
    pure = {"snn": 1.0, "nsn": 0.0, "rnn": 0.0}
    return pure.get(cell["model"], float(cell["ratio"]))


def _attributes(datasets: Sequence[str], official: bool, scale: str) -> dict:
    sources = {}
    for name in datasets:
        good = official or name != "shd"
        note = "" if good else "regenerated from the audio"
        sources[name] = {
            "official": good,
            "note": note,
            "sha256": "0" * 64,
            "licence": "",
            "citation": "",
            "origin": "synthetic",
        }
    marks = {name: "official" if s["official"] else s["note"] for name, s in sources.items()}
    return provenance("shd_ablations", scale, sources, marks)
