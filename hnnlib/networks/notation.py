"""Layer notation of Muramatsu & Yu: ``A784-S500-S10``, ``A32C3-S32C3-S64C3-P2-S64C3-P2-S512-S10``.

Labels are joined by ``-``. ``A`` is an artificial (graded) layer, ``S`` a spiking one. ``S500`` is
a dense layer of 500 units, ``S32C3`` a convolution with 32 channels and a 3x3 kernel, ``P2`` a 2x2
max-pooling, artificial or spiking as the layer before it is. A dense label in first place gives the
*input* size: its layer is as wide as the next label, so that ``784-500-10`` is 784 -> 500 -> 500 ->
10 with three weight layers, as in the paper (Tables 1a-3a) and its public code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from hnnlib.errors import NotationError

__all__ = ["LayerSpec", "parse", "render", "resize"]

_LABEL = re.compile(
    r"(?P<letter>[AS])(?P<size>[1-9]\d*)(?:C(?P<kernel>[1-9]\d*))?|P(?P<pool>[1-9]\d*)"
)


@dataclass(frozen=True)
class LayerSpec:
    """One layer of a network.

    Attributes:
        spiking: True for ``S``, False for ``A``; a pool is what the layer before it is.
        kind: ``dense``, ``conv`` or ``pool``.
        size: units of a dense layer, channels of a convolution; 0 for a pool.
        kernel: edge of the kernel or pooling window in pixels; 0 for a dense layer.
    """

    spiking: bool
    kind: Literal["dense", "conv", "pool"]
    size: int = 0
    kernel: int = 0


def parse(text: str) -> tuple[int | None, tuple[LayerSpec, ...]]:
    """Input size (None unless the first label is dense) and the layers of a notation.

    Raises:
        NotationError: an unreadable label, a leading pool or a spiking layer before an artificial
            one; the message points at the character.

    >>> parse("A784-S500-S10")[0], [layer.size for layer in parse("A784-S500-S10")[1]]
    (784, [500, 500, 10])
    """
    layers: list[LayerSpec] = []
    at = 0
    for label in text.split("-"):
        layers.append(_label(text, label, at, layers))
        at += len(label) + 1
    first = layers[0]
    if first.kind != "dense":
        return None, tuple(layers)
    if len(layers) == 1:
        raise _error(
            text,
            len(text),
            "the network has an input size but no output layer: add one, as in A784-S10",
        )
    return first.size, (replace(first, size=layers[1].size), *layers[1:])


def _label(text: str, label: str, at: int, before: list[LayerSpec]) -> LayerSpec:
    match = _LABEL.match(label)
    if match is None:
        raise _error(text, at, "expected a layer such as A784, S500, S32C3 or P2")
    if match.end() != len(label):
        raise _error(
            text, at + match.end(), f"the label '{match.group()}' ends here: join labels with '-'"
        )
    if match["pool"]:
        if not before:
            raise _error(text, at, "a network can't begin with a pool")
        if before[-1].kind == "dense":
            raise _error(text, at, "a pool needs an image: put it behind a convolution")
        return LayerSpec(before[-1].spiking, "pool", kernel=int(match["pool"]))
    spiking = match["letter"] == "S"
    if before and before[-1].spiking and not spiking:
        raise _error(
            text, at, "an artificial layer can't follow a spiking one: artificial layers come first"
        )
    if match["kernel"]:
        if before and before[-1].kind == "dense":
            raise _error(text, at, "a convolution can't follow a dense layer")
        return LayerSpec(spiking, "conv", int(match["size"]), int(match["kernel"]))
    return LayerSpec(spiking, "dense", int(match["size"]))


def _error(text: str, at: int, what: str) -> NotationError:
    return NotationError(f"layer notation, character {at + 1}: {what}\n    {text}\n    {' ' * at}^")


def render(layers: tuple[LayerSpec, ...], inputs: int | None = None) -> str:
    """The notation of some layers: the inverse of ``parse``."""
    labels = []
    for place, layer in enumerate(layers):
        if layer.kind == "pool":
            labels.append(f"P{layer.kernel}")
            continue
        size = inputs if place == 0 and inputs is not None else layer.size
        labels.append(
            f"{'S' if layer.spiking else 'A'}{size}" + (f"C{layer.kernel}" if layer.kernel else "")
        )
    return "-".join(labels)


def resize(text: str, inputs: int | None = None, width: float = 1.0) -> str:
    """The same network with hidden layers scaled by ``width`` (at least 1 unit) and another input
    size.

    >>> resize("A784-S500-S10", inputs=64, width=0.2)
    'A64-S100-S10'
    """
    size, layers = parse(text)
    last = len(layers) - 1
    scaled = tuple(
        layer
        if place == last or layer.kind == "pool"
        else replace(layer, size=max(1, round(layer.size * width)))
        for place, layer in enumerate(layers)
    )
    return render(scaled, None if size is None else inputs or size)
