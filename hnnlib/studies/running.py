"""Runs studies: trains their groups, and joins what was trained.

Nothing here decides a number, and no study imports it: a change trains nothing anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from hnnlib import engines, registration, sources, store, studies
from hnnlib.datasets import registry
from hnnlib.errors import ConfigError, StoreError, nearest
from hnnlib.locks import only_one
from hnnlib.studies.base import Context
from hnnlib.training.memory import keep_memory

__all__ = ["code_digests", "collect", "summarise", "train_group"]

DEVICES = ("auto", "cpu", "cuda")


def code_digests(name: str, settings: Any, group: str) -> dict[str, str]:
    """Digests of the code that a group's results depend on: under its own name the study's, and one
    for every data set that the group reads. Comments and docstrings don't count.
    """
    study = studies.get(name)
    read = study.datasets(study.relevant(settings, group))
    modules = {name: f"hnnlib.studies.{name}"} | {data: registry.module(data) for data in read}
    return {key: sources.digest(module) for key, module in modules.items()}


def train_group(
    name: str,
    group: str,
    settings: Any,
    *,
    scale: str,
    out: Path,
    checkpoints: Path,
    device: str = "auto",
    engine: str = "auto",
    threads: int = 1,
    progress: Callable[[str], None] = print,
) -> None:
    """Train one group of a study and write its runs file; resumes from checkpoints.

    Two processes never train the same group at once: the second one waits, and finds the work done.

    Raises:
        ConfigError: no such study, group, device or engine.
        HnnError, OSError: see the message; what was computed stays in ``checkpoints``.
    """
    study = studies.get(name)
    if group not in study.groups(settings):
        raise ConfigError(
            f"study {name} has no group '{group}': choose {', '.join(study.groups(settings))}"
        )
    torch.set_num_threads(threads)
    keep_memory()
    where = _device(device)
    config = study.relevant(settings, group).model_dump(mode="json")
    digests = code_digests(name, settings, group)
    runner = engines.get(engine, where)
    context = Context(
        checkpoints,
        where,
        runner,
        json.dumps([name, group, config, digests, str(where), runner.name], sort_keys=True),
        progress,
    )
    others = "another process, of an interrupted run perhaps, is training these cells: waiting"
    with only_one(checkpoints / ".lock", lambda: progress(others)):
        runner.prepare(progress)
        started = time.perf_counter()
        runs = study.train(group, settings, context)
        runs.attrs = store.provenance(
            config=config,
            data=context.sources,
            study=name,
            group=group,
            scale=scale,
            device=_device_name(where),
            engine=context.engine.name,
            code_digest=digests.pop(name),
            data_code_json=json.dumps(digests, sort_keys=True),
            claims_json=json.dumps(registration.claims(study.paper), sort_keys=True),
            wall_seconds=round(time.perf_counter() - started, 3),
            **runs.attrs,
        )
        store.write(runs, out)


def collect(name: str, settings: Any, runs: list[Path], out: Path) -> None:
    """Join the runs files of a study into its result store, and compute its summaries.

    Raises:
        StoreError: the files come from different code or configurations.
    """
    study = studies.get(name)
    paths = sorted(runs)
    parts = [store.open(path) for path in paths]
    for path, part in zip(paths, parts, strict=True):
        _check_run(path, part, study.groups(settings))
        config = study.relevant(settings, part.attrs["group"]).model_dump(mode="json")
        # as text: what is not a number is not equal to itself
        stored = json.dumps(json.loads(part.attrs["config_json"]), sort_keys=True)
        if stored != json.dumps(config, sort_keys=True):
            raise StoreError(f"{path} was trained with other settings: delete it and run again")
    shared = dict(parts[0].attrs) | _shared_code(dict(zip(paths, parts, strict=True)))
    joined = study.collect(settings, parts)
    # code and machine are those of the training, whoever joins its files, and whenever
    joined_facts = ("config_json", "config_sha256", "data", "data_official", "data_json")
    data = {k: v for part in parts for k, v in json.loads(part.attrs["data_json"]).items()}
    whole = store.provenance(config=settings.model_dump(mode="json"), data=data)
    shared |= {name: whole[name] for name in joined_facts}
    shared["claims_json"] = _registered(parts)
    shared["git_dirty"] = max(part.attrs["git_dirty"] for part in parts)
    # but for the summaries, which are computed here
    shared["summary_commit"], shared["summary_dirty"] = whole["git_commit"], whole["git_dirty"]
    shared["wall_seconds"] = round(sum(float(part.attrs["wall_seconds"]) for part in parts), 3)
    del shared["group"]
    joined.attrs = shared
    store.write(joined, out)


def summarise(path: Path) -> None:
    """Compute the summaries of a result store anew, from what it stores of the training.

    Raises:
        ConfigError, StoreError: the file is no result store of a study.
    """
    whole = store.open(path, require=["cell"])
    try:
        found = studies.get(whole.attrs.get("study", "")).summarise(whole)
    except (KeyError, ValueError) as reason:  # what xarray says of variables that aren't there
        raise StoreError(
            f"{path} lacks what the study's summaries are made of ({reason}): another study or an "
            "older version wrote it"
        ) from reason
    now = store.provenance(config={}, data={})
    found.attrs = whole.attrs | {
        "schema_version": now["schema_version"],
        "summary_commit": now["git_commit"],
        "summary_dirty": now["git_dirty"],
    }
    store.write(found, path)


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


def _device(name: str) -> torch.device:
    if name not in DEVICES:
        raise ConfigError(f"there is no device {name!r}: {nearest(name, DEVICES)}")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "device cuda was asked for and torch can use no GPU on this machine: set device: auto"
        )
    return torch.device(name)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return "cpu"
