"""A store of the study ``convolutional_gru`` with made-up numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import get_args
from zlib import crc32

import numpy as np
import xarray as xr

from hnnlib.studies.convolutional_gru.cells import GatedSettings, Model, cells
from hnnlib.studies.convolutional_gru.collecting import summarise
from hnnlib.variables import variable

ARMS = (
    *("main", "match", "layout", "minus", "share"),
    *("init", "readout", "validation", "events", "front"),
)
PER_SEED = {
    "spikes": 300,
    "spikes_per_neuron_step": 0.05,
    "synaptic_operations": 9e4,
    "multiply_accumulates": 4e5,
    "largest_current": 6,
    "best_epoch": 3,
    "validation_accuracy": 0.7,
    "diverged": 0,
    "selection_premium": 0.01,
    "last_epoch_premium": -0.01,
}
MODELS = get_args(Model)
_STEPS, _EPOCHS = 6, 9


def make(
    datasets=("shd", "mnist"), arms=ARMS, seeds=5, models=MODELS, passes=300, **means
) -> xr.Dataset:
    """Accuracy 0.7 for all cells but for what ``means`` adds by model, arm or value; the other
    variables by model and arm as ``spikes__cs_gru=…`` multiplies them.
    """
    task = {
        "steps": _STEPS,
        "hidden": 4,
        "models": models,
        "arms": arms,
        "schedule": {"epochs": 9, "batch": 32},
        "tuning": {"rates": [1e-2], "epochs": 1},
    }
    chosen = GatedSettings.model_validate(
        {"seeds": list(range(seeds)), "tasks": [task | {"dataset": name} for name in datasets]}
    )
    found = [
        asdict(cell) | {"dataset": t.dataset, "cell": f"{t.dataset}/{cell.name}", "units": "4"}
        for t in chosen.tasks
        for model in t.models
        for cell in cells(model, t)
    ]
    shape = (len(found), seeds)
    noise = [np.random.default_rng(crc32(c["cell"].encode())).normal(size=seeds) for c in found]
    base = 0.7 + 0.002 * np.array(noise)
    base += [[sum(means.get(str(value), 0.0) for value in set(c.values()))] for c in found]

    def filled(values, name: str, *dims: str):
        return variable(("cell", *dims), values, name)

    data = {name: filled(base, name, "seed") for name in ("test_accuracy", "train_accuracy")}
    for name, value in PER_SEED.items():
        factors = [[means.get(f"{name}__{c['model']}", 1.0)] for c in found]
        data[name] = filled(np.full(shape, float(value)) * factors, name, "seed")
    speech = np.array([c["dataset"] != "mnist" for c in found])
    for name in ("seen_accuracy", "unseen_accuracy"):
        data[name] = filled(np.where(speech[:, None], base, np.nan), name, "seed")
    for name, value in {"parameters": 9000, "neurons": 256, "train_seconds": 5}.items():
        data[name] = filled(np.full(len(found), value), name)
    data |= {
        "learning_rate": filled(np.full(len(found), 1e-2), "rate"),
        "tried_rate": filled(np.tile([5e-3, 1e-2, 2e-2], (len(found), 1)), "rates", "rate"),
        "train_examples": filled(np.full(len(found), 900), "examples"),
        "passes": filled(np.full(len(found), passes), "passes"),
        "validation_curve": filled(np.full((*shape, _EPOCHS), 0.7), "curve", "seed", "epoch"),
        "train_loss": filled(np.full((*shape, _EPOCHS), 1.0), "loss", "seed", "epoch"),
        "trace": filled(np.full((len(found), 5, _STEPS), 0.5), "trace", "state", "step"),
    }
    coords = {name: ("cell", [c[name] for c in found]) for name in found[0] if name != "cell"}
    coords |= {"cell": [c["cell"] for c in found], "seed": np.arange(seeds)}
    coords |= {"epoch": np.arange(_EPOCHS), "state": list("rzivs"), "step": np.arange(_STEPS)}
    attrs = {"study": "convolutional_gru", "scale": "paper", "data": "made up"}
    return summarise(xr.Dataset(data, coords, attrs | {"data_official": "true"}))
