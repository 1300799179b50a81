"""Studies: a module of this package with an object ``STUDY`` is a study; nothing else needs to know
its name.
"""

from __future__ import annotations

import contextlib
import json
import pkgutil
import time
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from filelock import FileLock, Timeout

from hnnlib import engines, registration, sources, store
from hnnlib.errors import ConfigError, StoreError
from hnnlib.studies.base import Context, Settings, Study
from hnnlib.training.memory import keep_memory

__all__ = [
    "Context",
    "Settings",
    "Study",
    "collect",
    "get",
    "names",
    "settings_classes",
    "train_group",
]


@cache
def names() -> tuple[str, ...]:
    """Names of all studies, in alphabetical order."""
    found = (module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")
    return tuple(sorted(name for name in found if not name.startswith("_")))


def get(name: str) -> Study:
    """The study of a name.

    Raises:
        ConfigError: there is no such study; the message suggests the nearest name.
    """
    if name not in names():
        near = get_close_matches(name, names(), 1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(names())}"
        raise ConfigError(f"there is no study '{name}': {hint}")
    return import_module(f"hnnlib.studies.{name}").STUDY


def settings_classes() -> dict[str, type[Settings]]:
    """The settings model of every study, which checks its section of a scale file."""
    return {name: get(name).Settings for name in names()}


def code_digest(name: str) -> str:
    """Hash of the code that a study's results depend on; comments and docstrings don't count."""
    return sources.digest(f"hnnlib.studies.{name}")


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
    study = get(name)
    if group not in study.groups(settings):
        raise ConfigError(
            f"study {name} has no group '{group}': choose {', '.join(study.groups(settings))}"
        )
    torch.set_num_threads(threads)
    keep_memory()
    where = _device(device)
    config = study.relevant(settings, group).model_dump(mode="json")
    code = code_digest(name)
    runner = engines.get(engine, where)
    context = Context(
        checkpoints,
        where,
        runner,
        json.dumps([name, group, config, code, str(where), runner.name], sort_keys=True),
        progress,
    )
    with _only_one(checkpoints, progress):
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
            code_digest=code,
            claims_json=json.dumps(registration.claims(name), sort_keys=True),
            wall_seconds=round(time.perf_counter() - started, 3),
            **runs.attrs,
        )
        store.write(runs, out)


def collect(name: str, settings: Any, runs: list[Path], out: Path) -> None:
    """Join the runs files of a study into its result store, and compute its summaries.

    Raises:
        StoreError: the files come from different code or configurations.
    """
    study = get(name)
    paths = sorted(runs)
    parts = [store.open(path) for path in paths]
    shared = dict(parts[0].attrs)
    for path, part in zip(paths, parts, strict=True):
        config = study.relevant(settings, part.attrs["group"]).model_dump(mode="json")
        if json.loads(part.attrs["config_json"]) != config:
            raise StoreError(f"{path} was trained with other settings: delete it and run again")
        if part.attrs["code_digest"] != shared["code_digest"]:
            raise StoreError(
                f"{path} and {paths[0]} were made by different code: delete them and run again"
            )
    data = {
        key: value for part in parts for key, value in json.loads(part.attrs["data_json"]).items()
    }
    joined = study.collect(settings, parts)
    # code and machine are those of the training, whoever joins its files, and whenever
    joined_facts = ("config_json", "config_sha256", "data", "data_official", "data_json")
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


def _registered(parts: list[xr.Dataset]) -> str:
    """Claims that stood, with the same words, when every part was trained."""
    stood = [json.loads(part.attrs.get("claims_json", "{}")) for part in parts]
    shared = {
        name: text for name, text in stood[0].items() if all(s.get(name) == text for s in stood)
    }
    return json.dumps(shared, sort_keys=True)


@contextlib.contextmanager
def _only_one(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say("another process, of an interrupted run perhaps, is training these cells: waiting")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(
            "device cuda was asked for and torch can use no GPU on this machine: set device: auto"
        )
    return torch.device(name)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return "cpu"
