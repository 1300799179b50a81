"""YAML files: read safely, checked by a model, and mistakes told with line, key and suggestion."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from hnnlib.errors import ConfigError, nearest, plain
from hnnlib.files import opened

__all__ = ["Document", "read"]

_Loc = tuple[int | str, ...]
_Model = TypeVar("_Model", bound=BaseModel)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # not every build has the fast one
LONGEST = 1 << 20
"""Characters of a file, and values that it may hold once its aliases are written out."""
DEEPEST = 50


@dataclass(frozen=True)
class Document:
    """A YAML mapping.

    Attributes:
        shown: its file as people call it.
        node: its node tree, for line numbers.
        values: its content.
    """

    shown: str
    node: yaml.Node
    values: dict[str, Any]

    def check(self, model: type[_Model]) -> _Model:
        """The content as a model, by strict types: no text and no truth value is a number.

        Raises:
            ConfigError: one line for each problem: file, line, key, what is wrong, what may be
                meant.
        """
        try:
            # from JSON, since a strict model takes YAML's lists for tuples there only
            return model.model_validate_json(json.dumps(self.values, default=str), strict=True)
        except ValidationError as reason:
            raise ConfigError("\n".join(self._problems(reason, model))) from None

    def at(self, *place: int | str) -> str:
        """``file line 3: a.b``, to begin a message with."""
        return plain(f"{self.shown} line {self.line(place)}: {'.'.join(map(str, place))}")

    def line(self, place: _Loc) -> int:
        """Line of a key or list item; steps that are not in the file are passed over."""
        node, line = self.node, self.node.start_mark.line + 1
        for part in place:
            if found := _child(node, part):
                line, node = found[0].start_mark.line + 1, found[1]
        return line

    def _problems(self, errors: ValidationError, model: type[BaseModel]) -> list[str]:
        """One line for each error, in the file's order."""
        found, all_errors = [], errors.errors(include_url=False)
        for error in all_errors:
            inside = [e["loc"] for e in all_errors if len(e["loc"]) > len(error["loc"])]
            if error["type"] == "too_short" and any(
                loc[: len(error["loc"])] == error["loc"] for loc in inside
            ):
                continue  # only what is wrong with its items makes the list short
            place = _place(error["loc"], self.node, error["type"])
            found.append((self.line(place), f"{self.at(*place)}: {_words(error, model)}"))
        return [text for _, text in sorted(found)]


def read(path: Path, shown: str, what: str) -> Document:
    """Read a YAML mapping.

    Args:
        path: the file.
        shown: how messages call it.
        what: what it should be: "a scale file is a mapping with the keys ...".

    Raises:
        ConfigError: it cannot be read, is not YAML, is no mapping, has a key twice, or is too
            large, with its aliases written out.
    """
    try:
        with TextIOWrapper(opened(path), encoding="utf-8") as stream:
            text = stream.read(LONGEST + 1)
        if len(text) > LONGEST:
            raise ValueError(f"it is longer than {LONGEST} characters")
        _check_depth(text)
        loader = _Loader(text)
        node = loader.get_single_node()
        if node and _values(node, {}) > LONGEST:
            raise ValueError(f"it holds more than {LONGEST} values, or refers to itself")
        for line, text, hint in _misread(node) if node else ():
            raise ConfigError(f"{shown} line {line}: YAML takes {text} for {hint}")
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
        raise ConfigError(f"{shown} line 1: {what}")
    return Document(shown, node, values)


def _check_depth(text: str) -> None:
    """ValueError for what is nested too deep: the fast loader would end the whole process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} deep")


def _values(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for; what holds itself has no end."""
    if id(node) not in known:
        known[id(node)] = LONGEST + 1  # until it is counted
        children = node.value if isinstance(node, yaml.CollectionNode) else ()
        pairs = [child if isinstance(child, tuple) else (child,) for child in children]
        known[id(node)] = 1 + sum(_values(part, known) for pair in pairs for part in pair)
    return known[id(node)]


def _misread(node: yaml.Node) -> Iterator[tuple[int, str, str]]:
    """What nobody means: numbers to the base of 8 or 60 (010 is 8 to YAML, and 1:30 is 90), and
    dates. Line, text, what it is taken for and how to write it.
    """
    if isinstance(node, yaml.CollectionNode):
        for child in node.value:
            for part in child if isinstance(child, tuple) else (child,):
                yield from _misread(part)
    elif node.tag.endswith((":int", ":float")) and re.match(r"[-+]?0[0-9_]|.*:", node.value):
        hint = "another number: write it without leading zeros and colons"
        yield node.start_mark.line + 1, node.value, hint
    elif node.tag.endswith(":timestamp"):
        yield node.start_mark.line + 1, node.value, "a date: write it in quotes"


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


def _words(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    kind, given = error["type"], error["input"]
    if kind == "missing":
        return "this key is missing"
    if kind == "extra_forbidden":
        return f"there is no such key, {nearest(error['loc'][-1], _keys(model, error['loc'][:-1]))}"
    message = re.sub(r"^(Value|Assertion) error, ", "", " ".join(error["msg"].split()))
    text = repr(given)
    message += f" (got {text if len(text) <= 60 else text[:57] + '...'})"
    if kind in ("int_type", "float_type") and re.fullmatch(r"\d+e[+-]?\d+", str(given)):
        message += (
            f"; YAML takes it for text without a point: write {str(given).replace('e', '.0e')}"
        )
    if kind in ("literal_error", "enum") and isinstance(given, str):
        hint = nearest(given, re.findall(r"'([^']*)'", error["ctx"]["expected"]))
        message += f"; {hint}" if hint.startswith("did") else ""  # the message lists them all
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


def _child(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    """Key node and value node of a part of a mapping or list; a list item is its own key."""
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if key.value == str(part):
                return key, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None
