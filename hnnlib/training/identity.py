"""What a training is, in words: a checkpoint of another one is never gone on from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from torch import Tensor, nn

from hnnlib.engines import Engine
from hnnlib.signals import Events

__all__ = ["described", "of_data"]

_TORCH = {*vars(nn.Module()), "training"} - {"_parameters", "_buffers", "_modules"}
"""Attributes of every module that say nothing about it."""


def described(thing: Any) -> str:
    """A value in words that are equal for equal values, in any process.

    Modules and dataclasses are described by their attributes, tensors by their numbers, functions
    by their names. Engines give the same spikes and count as equal.
    """
    kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
    if isinstance(thing, Tensor | np.ndarray):
        array = np.asarray(thing.detach().cpu() if isinstance(thing, Tensor) else thing)
        return f"{array.dtype}{array.shape}{blake2b(array.tobytes(), digest_size=16).hexdigest()}"
    if isinstance(thing, Engine):
        return "engine"
    if isinstance(thing, nn.Module):
        return kind + described({k: v for k, v in vars(thing).items() if k not in _TORCH})
    if is_dataclass(thing) and not isinstance(thing, type):
        return kind + described({one.name: getattr(thing, one.name) for one in fields(thing)})
    if isinstance(thing, Mapping):
        inside = (f"{described(key)}:{described(value)}" for key, value in thing.items())
        return f"{{{','.join(inside)}}}"
    if isinstance(thing, tuple | list):
        return f"{kind}[{','.join(map(described, thing))}]"
    if thing is None or isinstance(thing, str | int | float):
        return repr(thing)
    return getattr(thing, "__qualname__", kind)


def of_data(inputs: Tensor | Events, labels: Tensor, parts: tuple[Tensor, ...]) -> str:
    """Examples in words, from some of them and from which rows each part has.

    Of inputs, shape, mean and spread count to three digits: features that a network computes differ
    in their last bits from one machine to the next.
    """
    values = (inputs.by_unit() if isinstance(inputs, Events) else inputs).float()
    numbers = f"{tuple(inputs.shape)} {values.mean():.3g} {values.std(correction=0):.3g}"
    return numbers + described((labels, *parts))
