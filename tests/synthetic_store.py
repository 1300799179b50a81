"""A made-up result store of the study ``coding_comparison``: every cell, no training.

Its numbers are invented (near what one expects of a clean rerun), so it serves tests of readers
only: evidence, notebook, report. ``make()`` gives the full store; arguments take things away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from zlib import crc32

import numpy as np
import xarray as xr

__all__ = ["ROWS", "cells", "make"]

ROWS = {
    "mlp": {
        "SSS": "S784-S500-S10",
        "ASS": "A784-S500-S10",
        "AAS": "A784-A500-S10",
        "AAA": "A784-A500-A10",
    },
    "cnn": {
        "S": "S32C3-S32C3-S64C3-P2-S64C3-P2-S512-S10",
        "A1": "A32C3-S32C3-S64C3-P2-S64C3-P2-S512-S10",
        "A3": "A32C3-A32C3-A64C3-P2-S64C3-P2-S512-S10",
        "A4": "A32C3-A32C3-A64C3-P2-A64C3-P2-S512-S10",
        "A": "A32C3-A32C3-A64C3-P2-A64C3-P2-A512-A10",
    },
}
"""Short row name to the paper's row label, by rising number of artificial layers."""

_LAYERS = {
    "SSS": (3, 0),
    "ASS": (2, 1),
    "AAS": (1, 2),
    "AAA": (0, 3),
    "S": (6, 0),
    "A1": (5, 1),
    "A3": (3, 3),
    "A4": (2, 4),
    "A": (0, 6),
}
_KMAC = {"mlp": (392, 250, 5), "cnn": (780, 7230, 12460, 4460, 820, 5)}
_STEPS, _SAMPLES = 25, {"mlp": 42_000, "cnn": 36_000}

# Invented test accuracies in percent: (coding, training[, arm]) -> row -> mean over seeds.
_ACCURACY = {
    "mlp": {
        ("duplicate", "simultaneous"): {"SSS": 98.05, "ASS": 97.80, "AAS": 97.95},
        ("none", "simultaneous"): {"AAA": 98.20},
        ("none", "pretrained"): {"AAA": 98.15},
        ("duplicate", "separate"): {"ASS": 98.00, "AAS": 98.02},
        ("gaussian", "simultaneous"): {"ASS": 97.95, "AAS": 97.85},
        ("poisson", "separate"): {"ASS": 97.20, "AAS": 96.60},
        ("poisson", "simultaneous"): {"SSS": 98.00},
        ("poisson", "pretrained"): {"AAA": 97.60},
        ("duplicate", "simultaneous", "input_mode"): {"SSS": 98.10},
        ("none", "pretrained", "split"): {"AAA": 98.16},
        ("duplicate", "separate", "split"): {"ASS": 98.60, "AAS": 99.10},
        ("duplicate", "separate", "head"): {"ASS": 97.90, "AAS": 98.10},
        ("bit_planes", "simultaneous", "bit_planes"): {"ASS": 97.0, "AAS": 97.2},
        ("poisson", "separate", "poisson_p"): {"ASS": 89.80, "AAS": 95.50},
        ("duplicate", "simultaneous", "boundary_act"): {"ASS": 98.05, "AAS": 98.10},
        ("duplicate", "separate", "boundary_act"): {"ASS": 97.50, "AAS": 97.60},
        ("gaussian", "simultaneous", "gaussian"): {"ASS": 97.85, "AAS": 97.75},
        ("duplicate", "simultaneous", "train_filter"): {"SSS": 98.15, "AAS": 97.98},
    },
    "cnn": {
        ("duplicate", "simultaneous"): {"S": 60.0, "A1": 53.5, "A3": 55.5, "A4": 66.0},
        ("none", "simultaneous"): {"A": 70.0},
        ("none", "pretrained"): {"A": 69.8},
        ("duplicate", "separate"): {"A1": 56.0, "A3": 63.0, "A4": 62.5},
        ("gaussian", "simultaneous"): {"A1": 59.0, "A3": 65.0, "A4": 64.0},
        ("poisson", "separate"): {"A1": 54.0, "A3": 58.0, "A4": 60.0},
        ("poisson", "simultaneous"): {"S": 59.5},
        ("poisson", "pretrained"): {"A": 56.5},
        ("none", "pretrained", "split"): {"A": 69.9},
        ("duplicate", "separate", "split"): {"A1": 56.5, "A3": 70.0, "A4": 74.0},
        ("duplicate", "separate", "head"): {"A1": 56.2, "A3": 63.1, "A4": 62.4},
        ("poisson", "separate", "poisson_p"): {"A1": 50.0, "A3": 37.0, "A4": 31.5},
        ("duplicate", "simultaneous", "boundary_act"): {"A1": 58.0, "A3": 61.0, "A4": 67.0},
        ("duplicate", "separate", "boundary_act"): {"A1": 57.0, "A3": 63.5, "A4": 65.0},
        ("gaussian", "simultaneous", "gaussian"): {"A1": 58.5, "A3": 64.5, "A4": 63.5},
        ("duplicate", "simultaneous", "train_filter"): {"S": 60.3, "A3": 55.8},
    },
}
_SPREAD = {"mlp": (0.08, 0.05), "cnn": (0.5, 0.3)}  # between seeds (shared by cells), within a seed


def cells(datasets: Mapping[str, str] | None = None) -> list[dict]:
    """All cells of the study: their coordinates, plus ``short`` and ``accuracy``."""
    datasets = {"mlp": "mnist", "cnn": "cifar10"} | dict(datasets or {})
    found = []
    for family, groups in _ACCURACY.items():
        for (coding, training, *rest), rows in groups.items():
            for short, accuracy in rows.items():
                arm = rest[0] if rest else "main"
                found.append(
                    _cell(family, datasets[family], short, coding, training, arm, accuracy)
                )
    return found


def _cell(family, dataset, short, coding, training, arm, accuracy) -> dict:
    spiking, artificial = _LAYERS[short]
    hybrid = bool(spiking and artificial)
    name = "/".join([dataset, short, coding, training] + ([arm] if arm != "main" else []))
    poisson_p = (
        {"poisson_p": "code255"}.get(arm, "sigmoid") if coding == "poisson" and hybrid else "none"
    )
    return {
        "cell": name,
        "architecture": ROWS[family][short],
        "network": ROWS[family][short],
        "family": family,
        "dataset": dataset,
        "coding": coding,
        "training": training,
        "boundary_act": ("relu" if arm == "boundary_act" else "sigmoid") if hybrid else "none",
        "input_mode": "direct" if arm == "input_mode" else "axon",
        "poisson_p": poisson_p,
        "gaussian": ("ln_sigma" if arm == "gaussian" else "code")
        if coding == "gaussian"
        else "none",
        "split_mode": "per_model" if arm == "split" else "shared",
        "train_filter": "true" if arm == "train_filter" else "false",
        "head": "coupled" if arm == "head" else "fresh",
        "arm": arm,
        "spiking_layers": spiking,
        "artificial_layers": artificial,
        "short": short,
        "accuracy": accuracy,
    }


def make(
    *,
    seeds: int | Sequence[int] = 3,
    epochs: int = 6,
    keep: Callable[[dict], bool] | None = None,
    drop: Iterable[str] = (),
    accuracy: Mapping[str, float | Sequence[float]] | None = None,
    diverged: Mapping[str, Iterable[int]] | None = None,
    datasets: Mapping[str, str] | None = None,
    official: bool = True,
    scale: str = "paper",
    noise: float = 1.0,
    rng: int = 0,
) -> xr.Dataset:
    """The study's store with invented numbers; the same arguments give the same store.

    Args:
        seeds: how many, or their numbers.
        keep: takes a cell's dictionary; cells for which it is false are left out.
        drop: cell names to leave out (``"mnist/ASS/duplicate/separate"``).
        accuracy: test accuracy in percent by cell name, one number or one a seed, instead.
        diverged: seed positions that diverged, by cell name: NaN results and ``diverged`` = 1.
        datasets: data set by family, such as ``{"mlp": "digits", "cnn": "cluttered_digits"}``.
        official: false marks every data set as a copy from elsewhere.
        noise: factor on the spread between seeds; 0 removes it.
    """
    seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    chosen = [
        c for c in cells(datasets) if c["cell"] not in set(drop) and (keep is None or keep(c))
    ]
    test = np.stack([_accuracies(c, seeds, accuracy or {}, noise, rng) for c in chosen])
    lost = np.array(
        [[i in set((diverged or {}).get(c["cell"], ())) for i in range(len(seeds))] for c in chosen]
    )
    variables = _variables(chosen, np.where(lost, np.nan, test), lost, epochs)
    keys = [k for k in chosen[0] if k not in ("cell", "short", "accuracy")]
    coords = {"cell": [c["cell"] for c in chosen], "seed": seeds, "epoch": np.arange(epochs)}
    coords |= {k: ("cell", [c[k] for c in chosen]) for k in keys}
    return xr.Dataset(variables, coords, _attributes(chosen, official, scale))


def _accuracies(cell: dict, seeds: list[int], given: Mapping, noise: float, rng: int) -> np.ndarray:
    if cell["cell"] in given:
        return np.broadcast_to(np.asarray(given[cell["cell"]], float) / 100, (len(seeds),)).copy()
    shared, own = _SPREAD[cell["family"]]
    label = crc32(cell["cell"].encode())

    def normal(*key: int) -> float:
        return float(np.random.default_rng([rng, *key]).normal())

    offsets = np.array([shared * normal(seed) + own * normal(seed, label) for seed in seeds])
    return np.clip((cell["accuracy"] + noise * offsets) / 100, 0, 1)


def _variables(chosen: list[dict], test: np.ndarray, lost: np.ndarray, epochs: int) -> dict:
    shape = test.shape
    rise = 1 - 0.6 ** np.arange(1, epochs + 1)
    curve = test[..., None] * rise
    spiking = np.array([c["spiking_layers"] for c in chosen])[:, None]
    spikes = np.where(np.isnan(test), np.nan, 1200.0 * spiking)
    macs = np.array([sum(_costs(c)) for c in chosen])[:, None] * np.ones(shape)
    flop = np.array([_flop(c, epochs) for c in chosen])

    def variable(dims, values, long_name, units):
        return dims, values, {"long_name": long_name, "units": units}

    per_seed, per_epoch = ("cell", "seed"), ("cell", "seed", "epoch")
    return {
        "test_accuracy": variable(
            per_seed, test, "test accuracy at the best validation epoch", "1"
        ),
        "validation_accuracy": variable(
            per_seed, np.minimum(test + 0.001, 1), "best validation accuracy", "1"
        ),
        "train_accuracy": variable(per_seed, np.minimum(test + 0.01, 1), "training accuracy", "1"),
        "best_epoch": variable(
            per_seed,
            np.where(lost, np.nan, epochs - 1.0),
            "epoch chosen on validation, from 0",
            "1",
        ),
        "validation_curve": variable(per_epoch, curve, "validation accuracy by epoch", "1"),
        "train_loss": variable(per_epoch, 2.3 * (1 - curve), "training loss by epoch", "1"),
        "spikes": variable(per_seed, spikes, "spikes per image", "1"),
        "synaptic_operations": variable(
            per_seed, spikes * 500, "synaptic operations per image", "1"
        ),
        "multiply_accumulates": variable(per_seed, macs, "multiply-accumulates per image", "1"),
        "passes": variable(
            "cell",
            [{"mlp": 100, "cnn": 150}[c["family"]] for c in chosen],
            "passes over the training part",
            "1",
        ),
        "parameters": variable("cell", macs[:, 0] // _STEPS, "trainable parameters", "1"),
        "train_seconds": variable("cell", flop / 1e11, "training time of one member", "s"),
        "train_flop": variable("cell", flop, "operations of the whole training", "FLOP"),
        "tie_rate": variable(
            per_seed, np.where(lost, np.nan, 0.002), "images with tied output counts", "1"
        ),
        "dead_outputs": variable(
            per_seed, np.where(lost, np.nan, 0.0), "silent output neurons", "1"
        ),
        "diverged": variable(per_seed, lost.astype(int), "1 where training diverged", "1"),
    }


def _costs(cell: dict) -> tuple[float, float]:
    """Multiply-accumulates per image of the artificial and of the spiking layers (all steps)."""
    macs, n = np.array(_KMAC[cell["family"]]) * 1e3, cell["artificial_layers"]
    twice = macs[n - 1] if cell["coding"] == "gaussian" else 0.0
    return float(macs[:n].sum() + twice), float(_STEPS * macs[n:].sum())


def _flop(cell: dict, epochs: int) -> float:
    artificial, spiking = _costs(cell)
    if cell["training"] == "separate":  # the whole artificial network, then spiking layers alone
        artificial = float(sum(_KMAC[cell["family"]]) * 1e3)
    return 6.0 * (artificial + spiking) * _SAMPLES[cell["family"]] * epochs


def _attributes(chosen: list[dict], official: bool, scale: str) -> dict:
    names = list(dict.fromkeys(c["dataset"] for c in chosen))
    note = "" if official else "copy from elsewhere"
    source = {
        "official": official,
        "note": note,
        "sha256": "",
        "licence": "",
        "citation": "",
        "origin": "synthetic",
    }
    marks = {name: "official" if official else note for name in names}
    return provenance("coding_comparison", scale, {name: source for name in names}, marks)


def provenance(study: str, scale: str, sources: dict[str, dict], marks: dict[str, str]) -> dict:
    """Attributes of a store that nobody trained.

    Args:
        sources: of every data set, as ``hnnlib.datasets.Source`` has them.
        marks: what is said of each in words.
    """
    return {
        "study": study,
        "scale": scale,
        "data": "; ".join(f"{name} ({mark})" for name, mark in marks.items()),
        "data_official": str(all(s["official"] for s in sources.values())).lower(),
        "data_json": json.dumps(sources, sort_keys=True),
        "project_version": "0.0.0",
        "git_commit": "0" * 40,
        "git_dirty": "false",
        "summary_commit": "1" * 40,
        "summary_dirty": "true",
        "config_json": "{}",
        "config_sha256": "0" * 64,
        "code_digest": "0" * 64,
        "versions_json": "{}",
        "device": "cpu",
        "engine": "eager",
        "wall_seconds": 1.0,
    }
