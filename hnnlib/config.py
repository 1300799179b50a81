"""Scales: ``config/<scale>.yaml`` read safely and checked completely before any work starts.

A scale says what is computed: a few words about it, the device, and one section for each study to
run. The sections are checked by the studies' own settings models, which the caller hands in: this
module knows no study.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from hnnlib import yaml_models
from hnnlib.errors import ConfigError, nearest, plain

__all__ = ["Scale", "load_scale", "names", "schema"]

FOLDER = Path(__file__).resolve().parents[1] / "config"
REFERENCE = "reference"
"""Folder of the reference results, which no scale may have for its own."""


@dataclass(frozen=True)
class Scale:
    """What to compute.

    Attributes:
        scale: name of the scale; its results lie in ``results/<scale>``.
        description: one line for people.
        device: where to train; ``auto`` takes a GPU where there is one.
        studies: settings of every study to run, in the file's order.
        path: the file it was read from.
        core_minutes: processor time of all training, as the file declares it.
    """

    scale: str
    description: str
    device: Literal["auto", "cpu", "cuda"]
    studies: dict[str, BaseModel]
    path: Path
    core_minutes: float | None


class _Head(BaseModel):
    """A scale file: what to compute. Where it runs is a profile's matter."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Scale", allow_inf_nan=False)

    scale: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$",
        max_length=64,
        description="name of the scale, the same as the file's",
    )
    description: str = Field(
        min_length=1,
        max_length=1000,
        description="one line: what is computed and how long it takes",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where to train; auto takes a GPU where there is one"
    )
    core_minutes: float | None = Field(
        None,
        ge=1e-3,
        le=1e9,
        description="minutes of one core that training takes, told before a first run",
    )


def load_scale(name_or_path: str | Path, studies: Mapping[str, type[BaseModel]]) -> Scale:
    """Read and check a scale.

    Args:
        name_or_path: ``quick`` for ``config/quick.yaml``, or the path of a YAML file.
        studies: settings model of every study, see ``hnnlib.studies.settings_classes``.

    Raises:
        ConfigError: one line for each problem: file, line, key, what is wrong, what may be meant.
    """
    path = _find(name_or_path)
    keys = ", ".join((*_Head.model_fields, "studies"))
    what = f"a scale file is a mapping with the keys {keys}"
    document = yaml_models.read(path, _shown(path), what)
    scale = document.check(_model(studies))
    if scale.scale != path.stem:
        raise ConfigError(
            f"{document.at('scale')}: Input should be the file's name '{path.stem}' "
            f"(got '{scale.scale}')"
        )
    if scale.scale == REFERENCE:
        raise ConfigError(
            f"{document.at('scale')}: results/{REFERENCE} holds the reference results, which a "
            "run would overwrite: give the scale another name"
        )
    sections = {name: getattr(scale.studies, name) for name in document.values["studies"]}
    if not sections:
        raise ConfigError(f"{document.at('studies')}: name at least one study to run")
    head = (scale.scale, plain(scale.description), scale.device)
    return Scale(*head, sections, path, scale.core_minutes)


def names() -> list[str]:
    """Scales that come with the project."""
    return sorted(path.stem for path in FOLDER.glob("[!.]*.yaml"))


def schema(studies: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """JSON schema of a scale file, for editors: ``config/schema.json``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_model(studies).model_json_schema(),
    }


def _model(studies: Mapping[str, type[BaseModel]]) -> type[BaseModel]:
    """Model of a whole scale file; every study is optional, an unknown one is refused."""
    sections = create_model(
        "Studies",
        __config__=ConfigDict(extra="forbid", frozen=True),
        __doc__="One section for each study to run.",
        **{
            name: (settings, Field(None, json_schema_extra=_no_default))
            for name, settings in studies.items()
        },
    )
    return create_model("Scale", __base__=_Head, __doc__=_Head.__doc__, studies=(sections, Field()))


def _no_default(field: dict[str, Any]) -> None:
    """A study that isn't named is not run; there is no value that says so."""
    field.pop("default", None)


def _find(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    if os.sep in text or text.endswith((".yaml", ".yml")):
        path = Path(text)
        if not os.path.isfile(path):  # also where no file can have such a name
            raise ConfigError(
                f"there is no scale file {text}: scales that exist are {', '.join(names())}"
            )
        return path
    if not names():
        raise ConfigError(
            f"there is no folder {FOLDER}: scales, papers and notebooks need the repository, so "
            "install from a clone of it with pip install -e ."
        )
    if text not in names():
        raise ConfigError(
            f"there is no scale '{text}' (config/{text}.yaml): {nearest(text, names())}"
        )
    return FOLDER / f"{text}.yaml"


def _shown(path: Path) -> str:
    """The path as people call it."""
    try:
        return str(path.resolve().relative_to(FOLDER.parent))
    except ValueError:
        return str(path)
