"""Result stores made ready for evidence: which study is whose, and what a cell stands for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from hnnlib.errors import ConfigError, StoreError
from hnnlib.evidence.comparison.labels import STANDS_FOR
from hnnlib.evidence.comparison.measures import with_measures
from hnnlib.evidence.papers import Paper

__all__ = ["Stores", "by_study", "prepare"]

Stores = xr.Dataset | Mapping[str, xr.Dataset]
"""One store, which speaks for its own study only, or those of several studies by name."""


def by_study(paper: Paper, stores: Stores) -> tuple[dict[str, xr.Dataset], tuple[str, ...]]:
    """Prepared stores of the paper's studies, and the studies that are asked about.

    A study that is asked about and has no store was not run.

    Raises:
        ConfigError: the one store given belongs to none of the paper's studies.
    """
    if isinstance(stores, xr.Dataset):
        study = stores.attrs.get("study", paper.study)
        if study not in paper.studies:
            raise ConfigError(
                f"a store of study {study} was given for a paper that is rerun by "
                f"{', '.join(paper.studies)}: give the store of one of these"
            )
        return {study: prepare(paper, stores)}, (study,)
    found = {name: prepare(paper, stores[name]) for name in paper.studies if name in stores}
    return found, paper.studies


def prepare(paper: Paper, dataset: xr.Dataset) -> xr.Dataset:
    """The store with what only the paper's file knows of its cells, as coordinates.

    ``paper_dataset`` is the paper's data set that a cell's data stand for, so that a selector holds
    at every scale; where the paper's own were run too, nothing stands for them. ``chance`` is the
    accuracy of guessing in percent, where the file gives it; ``split_overlap`` is test over
    training examples where seeds draw their parts anew. Coordinates that older stores lack, and
    measures that claims need, are added.

    Raises:
        StoreError: a seed stands in the store more than once.
    """
    seeds = dataset["seed"].values.tolist() if "seed" in dataset.coords else []
    if twice := sorted({seed for seed in seeds if seeds.count(seed) > 1}):
        raise StoreError(
            f"the store of {dataset.attrs.get('study', paper.study)} has the seed {twice[0]} more "
            "than once, the same run is not further evidence: run it with seeds that differ"
        )
    names = dataset["dataset"].values.astype(str)
    chance = (
        paper.chance if isinstance(paper.chance, Mapping) else dict.fromkeys(names, paper.chance)
    )
    chances = np.array([chance.get(name) for name in names], float)
    stand_ins = {name: theirs for name, theirs in paper.stand_ins.items() if theirs not in names}
    stands_for = np.array([stand_ins.get(name, name) for name in names], str)
    gates = paper.gates.get(dataset.attrs.get("study", paper.study))
    known = {
        STANDS_FOR: stands_for,
        "chance": chances,
        "split_overlap": np.full(len(names), gates.overlap if gates else 0.0),
    }
    older = {
        name: np.full(len(names), value)
        for name, value in paper.older_stores.items()
        if name not in dataset.coords
    }
    found = dataset.load().assign_coords({k: ("cell", v) for k, v in (older | known).items()})
    return with_measures(found).assign_attrs(kinds=paper.kinds)
