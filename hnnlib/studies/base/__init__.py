"""What a study is: named groups of cells, and how a group is trained; how datasets are joined.

This package is what studies share; its code is part of the digest of each of them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import xarray as xr
from pydantic import BaseModel, ConfigDict, field_validator

if TYPE_CHECKING:  # torch takes two seconds, and what only collects does without
    import torch

    from hnnlib.datasets.eventdata import EventData
    from hnnlib.datasets.imagedata import ImageData
    from hnnlib.engines import Engine
    from hnnlib.training.checkpoint import Checkpoint

__all__ = ["Context", "Settings", "Study", "join_cells", "join_seeds", "split_into_jobs"]

NAME = r"[A-Za-z0-9_]{1,64}"
_Thing = TypeVar("_Thing")


class Settings(BaseModel):
    """Base of a study's section in a scale file: unknown keys are refused, values don't change.

    Numbers are finite. Lists become coordinates of the results, so that nothing stands in one
    twice; names of one's own (keys) become names of files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _fit_for_names(cls, value: Any) -> Any:
        if isinstance(value, tuple):
            seen = set()
            for item in (repr(v) for v in value if not isinstance(v, BaseModel)):
                if item in seen:
                    raise ValueError(f"{item} stands here twice")
                seen.add(item)
        for key in value if isinstance(value, dict) else ():
            if not re.fullmatch(NAME, key):
                raise ValueError(f"a name has 1 to 64 letters, digits and _, not {key!r}")
        return value


def _processor() -> torch.device:
    import torch

    return torch.device("cpu")


def _engine() -> Engine:
    from hnnlib import engines

    return engines.get()


@dataclass
class Context:
    """What a study may use while it trains one group.

    Attributes:
        checkpoints: folder that outlives an interrupted job.
        device: where tensors live.
        engine: runs neurons over time; its name is stored with the results.
        identity: text of what all checkpoints of the job depend on (configuration, code).
        say: takes one line of progress for the person at the terminal.
        sources: origin of every data set asked for so far, by name.
    """

    checkpoints: Path
    device: torch.device = field(default_factory=_processor)
    engine: Engine = field(default_factory=_engine)
    identity: str = ""
    say: Callable[[str], None] = print
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)

    def data(self, name: str) -> ImageData | EventData:
        """Load a data set and remember its source for the provenance of the result."""
        from hnnlib.datasets import registry

        loaded = registry.load(name)
        self.sources[name] = asdict(loaded.source)
        return loaded

    def checkpoint(self, name: str, *depends: object) -> Checkpoint:
        """What an interrupted job goes on from.

        Args:
            name: of what is trained or measured, unique in the job.
            depends: whatever decides its result beside configuration, code and data: the cell, for
                one. A checkpoint that was made of something else is not resumed.
        """
        from hnnlib.training.checkpoint import Checkpoint

        data = [source["sha256"] for source in self.sources.values()]
        identity = " ".join(map(str, (self.identity, *depends, *data)))
        path = self.checkpoints / f"{name.replace('/', '-')}.npz"
        return Checkpoint(path, identity, self.say)


class Study(ABC):
    """One study: a subclass with an instance called ``STUDY`` in a module of ``hnnlib.studies``.

    The module, the notebook and the result store share the study's name.
    """

    title: ClassVar[str]
    paper: ClassVar[str]
    Settings: ClassVar[type[Settings]]

    @abstractmethod
    def groups(self, settings: Any) -> Mapping[str, Any]:
        """Training jobs by name (letters, digits, ``_``); one job trains what its value
        describes.
        """

    @abstractmethod
    def train(self, group: str, settings: Any, context: Context) -> xr.Dataset:
        """Train one group: a dataset with a ``cell`` dimension, every variable with ``units`` and
        ``long_name``.
        """

    def datasets(self, settings: Any) -> list[str]:
        """Names of the data sets that training needs; they are checked before any work starts."""
        return []

    def relevant(self, settings: Any, group: str) -> Any:
        """The settings that one group depends on: a change elsewhere does not train it again."""
        return settings


def split_into_jobs(things: Sequence[_Thing], jobs: int | None) -> list[list[_Thing]]:
    """Things that training jobs share out: one a job where their number is left open.

    Fewer jobs than things save their start, some seconds each; more can be spread over machines.
    """
    jobs = min(jobs or len(things), len(things))
    return [list(things[k::jobs]) for k in range(jobs)]


_along = partial(xr.concat, data_vars="minimal", coords="minimal", combine_attrs="drop_conflicts")


def join_cells(parts: list[xr.Dataset]) -> xr.Dataset:
    """Datasets one after another along ``cell``; shorter curves are padded with NaN."""
    return _along(parts, "cell", join="outer")


def join_seeds(parts: list[xr.Dataset]) -> xr.Dataset:
    """Datasets of the same cells at several seeds, beside each other along ``seed``."""
    return _along(parts, "seed", compat="override")
