"""Joins what was trained: the runs files of a study become its result store.

Nothing here decides a number that was trained, and no study imports it. It loads no torch, which
would take longer than all that is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import xarray as xr

from hnnlib import store, studies
from hnnlib.errors import StoreError
from hnnlib.studies.base import join_cells

__all__ = ["collect", "joined", "summarise", "summarised"]


def collect(
    name: str,
    config: Mapping[str, Any],
    groups: Mapping[str, Mapping[str, Any]],
    runs: list[Path],
    out: Path,
) -> None:
    """Join the runs files of a study into its result store, and compute its summaries.

    Args:
        name: of the study.
        config: its settings, as plain values.
        groups: what each of its jobs depends on of them, see ``studies.relevant``.
        runs: the files.
        out: the store.

    Raises:
        StoreError: the files come from different code or configurations.
    """
    paths = sorted(runs)
    parts = [store.open(path) for path in paths]
    for path, part in zip(paths, parts, strict=True):
        _check_run(path, part, groups)
        # as text: what is not a number is not equal to itself
        stored = json.dumps(json.loads(part.attrs["config_json"]), sort_keys=True)
        if stored != json.dumps(groups[part.attrs["group"]], sort_keys=True):
            raise StoreError(f"{path} was trained with other settings: delete it and run again")
    shared = dict(parts[0].attrs) | _shared_code(dict(zip(paths, parts, strict=True)))
    whole = joined(name, config, parts)
    # code and machine are those of the training, whoever joins its files, and whenever
    joined_facts = ("config_json", "config_sha256", "data", "data_official", "data_json")
    data = {k: v for part in parts for k, v in json.loads(part.attrs["data_json"]).items()}
    now = store.provenance(config=config, data=data)
    shared |= {fact: now[fact] for fact in joined_facts}
    shared["claims_json"] = _registered(parts)
    shared["git_dirty"] = max(part.attrs["git_dirty"] for part in parts)
    # but for the summaries, which are computed here
    shared["summary_commit"], shared["summary_dirty"] = now["git_commit"], now["git_dirty"]
    shared["wall_seconds"] = round(sum(float(part.attrs["wall_seconds"]) for part in parts), 3)
    del shared["group"]
    whole.attrs = shared
    store.write(whole, out)


def summarise(path: Path) -> None:
    """Compute the summaries of a result store anew, from what it stores of the training.

    Raises:
        ConfigError, StoreError: the file is no result store of a study.
    """
    whole = store.open(path, require=["cell"])
    name = whole.attrs.get("study", "")
    studies.check(name)
    try:
        found = summarised(name, whole)
    except Exception as reason:  # any of xarray's and NumPy's, where variables or cells are missing
        told = f"{type(reason).__name__}: {reason}".splitlines()[0]
        raise StoreError(
            f"{path} lacks what the study's summaries are made of ({told}): another study or an "
            "older version wrote it"
        ) from reason
    now = store.provenance(config={}, data={})
    found.attrs = whole.attrs | {
        "schema_version": now["schema_version"],
        "summary_commit": now["git_commit"],
        "summary_dirty": now["git_dirty"],
    }
    store.write(found, path)


def joined(name: str, config: Mapping[str, Any], runs: list[xr.Dataset]) -> xr.Dataset:
    """The groups of a study in one dataset, with its summaries: along ``cell``, or as the study's
    module ``collecting`` joins them.
    """
    own = _own(name)
    whole = own.collect(config, runs) if hasattr(own, "collect") else join_cells(runs)
    return summarised(name, whole)


def summarised(name: str, whole: xr.Dataset) -> xr.Dataset:
    """A study's dataset with what is computed from what it stores of the training, anew; as it is
    where there is nothing of the kind.
    """
    own = _own(name)
    return own.summarise(whole) if hasattr(own, "summarise") else whole


def _own(name: str) -> ModuleType | None:
    """The module ``collecting`` of a study's folder, None where there is none."""
    where = studies.module(name, "collecting")
    return import_module(where) if where == f"{studies.__name__}.{name}.collecting" else None


def _check_run(path: Path, part: xr.Dataset, groups: Iterable[str]) -> None:
    """StoreError where a file is not what `train_group` writes of one of the groups."""
    known = ("config_json", "data_json", "code_digest", "wall_seconds", "git_dirty")
    if part.attrs.get("group") not in groups or any(name not in part.attrs for name in known):
        raise StoreError(f"{path} holds no run of this study: delete it and run again")


def _shared_code(parts: dict[Path, xr.Dataset]) -> dict[str, str]:
    """Digests of the study, and of all data sets, where no two parts differ in one of them."""
    seen: dict[str, tuple[str, Path]] = {}
    for path, part in parts.items():
        digests = {"": part.attrs["code_digest"]} | json.loads(
            part.attrs.get("data_code_json", "{}")
        )
        for what, digest in digests.items():
            first, other = seen.setdefault(what, (digest, path))
            if digest != first:
                raise StoreError(
                    f"{path} and {other} were made by different code: delete them and run again"
                )
    study = seen.pop("")[0]
    data = {name: digest for name, (digest, _) in seen.items()}
    return {"code_digest": study, "data_code_json": json.dumps(data, sort_keys=True)}


def _registered(parts: list[xr.Dataset]) -> str:
    """Claims that stood, with the same words, when every part was trained."""
    stood = [json.loads(part.attrs.get("claims_json", "{}")) for part in parts]
    shared = {
        name: text for name, text in stood[0].items() if all(s.get(name) == text for s in stood)
    }
    return json.dumps(shared, sort_keys=True)
