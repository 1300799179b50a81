"""Runs studies: trains their groups.

Nothing here decides a number, and no study imports it: a change trains nothing anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from hnnlib import engines, registration, sources, store, studies
from hnnlib.datasets import registry
from hnnlib.errors import ConfigError, nearest
from hnnlib.locks import only_one
from hnnlib.studies.base import Context
from hnnlib.training.memory import keep_memory

__all__ = ["code_digests", "train_group"]

DEVICES = ("auto", "cpu", "cuda")


def code_digests(name: str, settings: Any, group: str) -> dict[str, str]:
    """Digests of the code that a group's results depend on: under its own name the study's, and one
    for every data set that the group reads. Comments and docstrings don't count.
    """
    study = studies.get(name)
    read = study.datasets(study.relevant(settings, group))
    modules = {name: studies.module(name)} | {data: registry.module(data) for data in read}
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
