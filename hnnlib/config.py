"""Scales: ``config/<scale>.yaml`` read safely and checked completely before any work starts.

A scale says what is computed: a few words about it, the device, and one section for each study to
run. The sections are checked by the studies' own settings models, which the caller hands in: this
module knows no study.
"""

from __future__ import annotations

import os
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from hnnlib.errors import ConfigError, HnnError

__all__ = ["Scale", "checked", "load_scale", "names", "nearest", "schema"]

FOLDER = Path(__file__).resolve().parents[1] / "config"
_Loc = tuple[int | str, ...]
_LIKENESS = 0.67  # of a suggestion; less, and "gpu" would be taken for "cpu"


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

    model_config = ConfigDict(extra="forbid", frozen=True, title="Scale")

    scale: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="name of the scale, the same as the file's"
    )
    description: str = Field(
        min_length=1, description="one line: what is computed and how long it takes"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where to train; auto takes a GPU where there is one"
    )
    core_minutes: float | None = Field(
        None,
        gt=0,
        description="minutes of one core that its training takes, told before a first run",
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
    shown = _shown(path)
    node, values = _read(path, shown)
    model = _model(studies)
    try:
        checked_values = model.model_validate(values)
    except ValidationError as reason:
        raise ConfigError("\n".join(_problems(reason, model, node, shown))) from None
    if checked_values.scale != path.stem:
        raise ConfigError(
            f"{shown} line {_line(node, ('scale',))}: scale: Input should be the file's name "
            f"'{path.stem}' (got '{checked_values.scale}')"
        )
    sections = {name: getattr(checked_values.studies, name) for name in values["studies"]}
    if not sections:
        raise ConfigError(
            f"{shown} line {_line(node, ('studies',))}: studies: name at least one study to run"
        )
    return Scale(
        checked_values.scale,
        checked_values.description,
        checked_values.device,
        sections,
        path,
        checked_values.core_minutes,
    )


def names() -> list[str]:
    """Scales that come with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def schema(studies: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """JSON schema of a scale file, for editors: ``config/schema.json``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_model(studies).model_json_schema(),
    }


def checked(function: Callable[[Any], Any]) -> AfterValidator:
    """Validator for a settings field whose value ``function`` must accept; the value itself stays.

    >>> Notation = Annotated[str, checked(str.isupper)]
    """

    def validate(value: Any) -> Any:
        try:
            function(value)
        except HnnError as reason:
            raise ValueError(str(reason)) from reason
        return value

    return AfterValidator(validate)


def nearest(word: object, choices: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    """The words that help after an unknown name: the nearest choice, else all of them."""
    choices = [str(choice) for choice in choices]
    near = get_close_matches(str(word), choices, 1, _LIKENESS)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"choose {', '.join(choices)}" if choices else "there is nothing to choose from"


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
        if not path.is_file():
            raise ConfigError(
                f"there is no scale file {text}: scales that exist are {', '.join(names())}"
            )
        return path
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


def _read(path: Path, shown: str) -> tuple[yaml.Node, dict[str, Any]]:
    """Node tree (for line numbers) and values of a YAML mapping."""
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        repeated = list(_repeated(node)) if node else []
        values = loader.construct_document(node) if node and not repeated else None
    except yaml.MarkedYAMLError as reason:
        line = reason.problem_mark.line + 1 if reason.problem_mark else 1
        raise ConfigError(
            f"{shown} line {line}: this is not valid YAML ({reason.problem})"
        ) from reason
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as reason:
        raise ConfigError(f"{shown} cannot be read: {str(reason).splitlines()[0]}") from reason
    if repeated:
        raise ConfigError(
            "\n".join(
                f"{shown} line {line}: {key}: this key stands here twice" for line, key in repeated
            )
        )
    if not isinstance(values, dict):
        raise ConfigError(
            f"{shown} line 1: a scale file is a mapping with the keys "
            f"{', '.join(_Head.model_fields)}, studies"
        )
    return node, values


def _repeated(node: yaml.Node, path: str = "") -> Iterator[tuple[int, str]]:
    """Keys that one mapping holds twice: YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            name = f"{path}.{key.value}".lstrip(".")
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    yield key.start_mark.line + 1, name
                seen.add(key.value)
            yield from _repeated(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item, path)


def _problems(
    errors: ValidationError, model: type[BaseModel], node: yaml.Node, shown: str
) -> list[str]:
    """One line for each error, in the file's order."""
    found = []
    for error in errors.errors(include_url=False):
        place = _place(error["loc"], node, error["type"])
        line = _line(node, place)
        found.append(
            (line, f"{shown} line {line}: {'.'.join(map(str, place))}: {_words(error, model)}")
        )
    return [text for _, text in sorted(found)]


def _words(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    kind, given = error["type"], error["input"]
    if kind == "missing":
        return "this key is missing"
    if kind == "extra_forbidden":
        return f"there is no such key, {nearest(error['loc'][-1], _keys(model, error['loc'][:-1]))}"
    message = re.sub(r"^(Value|Assertion) error, ", "", " ".join(error["msg"].split()))
    text = repr(given)
    message += f" (got {text if len(text) <= 60 else text[:57] + '...'})"
    if kind in ("literal_error", "enum") and isinstance(given, str):
        choices = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        near = get_close_matches(given, choices, 1, _LIKENESS)
        message += f"; did you mean '{near[0]}'?" if near else ""
    return message


def _keys(model: Any, loc: _Loc) -> list[str]:
    """Field names of the model at a place inside another one."""
    inside = [model]
    for part in loc:
        inside = [deeper for kind in inside for deeper in _step(kind, part)]
    return [name for kind in inside for name in kind.model_fields]


def _step(model: Any, part: int | str) -> list[type[BaseModel]]:
    """Models that the value of one key may have."""
    if isinstance(part, str) and part in model.model_fields:
        return list(_models(model.model_fields[part].annotation))
    return [
        model
    ]  # a dictionary's own key or a list's place: the models of the field were taken already


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Models named anywhere in an annotation such as ``dict[str, Model] | None``."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
    elif get_origin(annotation) in (Annotated, Union, types.UnionType, dict, list, tuple, set):
        for argument in get_args(annotation):
            yield from _models(argument)


def _place(loc: _Loc, node: yaml.Node | None, kind: str) -> _Loc:
    """The part of pydantic's location that stands in the file, and the name of a missing key."""
    place = []
    for part in loc:
        deeper = _child(node, part)
        if deeper is not None:
            place.append(part)
            node = deeper[1]
    if kind == "missing":
        place.append(loc[-1])
    return tuple(place)


def _line(node: yaml.Node, place: _Loc) -> int:
    """Line of a key or list item; of its parent where it is missing."""
    line = node.start_mark.line + 1
    for part in place:
        found = _child(node, part)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _child(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    """Key node and value node of a part of a mapping or list; a list item is its own key."""
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if key.value == str(part):
                return key, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None
