"""Names, colours, markers and lines of the recurrent models, the same in every figure.

Spiking, hybrid and graded have the colours of the kinds of network. A variant has the colour of
the model that it varies and a hollow marker: nine colours would be more than a colour-blind reader
can tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.lines import Line2D

from hnnlib.plotting import marks, style

__all__ = ["ORDER", "handles", "label", "line", "look"]

_HOLLOW = {"markerfacecolor": "white"}
_HYBRID = {"color": style.KINDS["hybrid"], "marker": "D"}
_N2N = {"color": "#332288", "marker": "^"}
_MODELS = {
    "snn": ("SNN", {"color": style.KINDS["spiking"], "marker": "o"}),
    "hybrid": ("hybrid", _HYBRID),
    "nsn": ("NSN", {"color": style.KINDS["artificial"], "marker": "s"}),
    "hybrid_rnn": ("hybrid, tanh", _HYBRID | _HOLLOW),
    "rnn": ("RNN", {"color": "#4d4d4d", "marker": "v"}),
    "n2n_block": ("N2N", _N2N),
    "n2n_matched": ("N2N, matched", _N2N | _HOLLOW),
    "n2n_rnn": ("N2N, tanh", _N2N | _HOLLOW | {"marker": "v"}),
    "hstnn_1layer": ("HSTNN-like", {"color": "#E8A33D", "marker": "P"}),
}
_DASHES = {"hybrid": "--", "nsn": ":", "rnn": "-.", "n2n_block": (0, (6, 1, 1, 1, 1, 1))}
ORDER = tuple(_MODELS)
"""Models in the order of all figures."""


def label(model: str) -> str:
    """How a model is written in a figure."""
    return _MODELS[model][0] if model in _MODELS else model


def look(model: str) -> dict[str, object]:
    """Colour and marker of a model, for ``Axes.plot``."""
    _, found = _MODELS.get(model, (model, {"color": style.MUTED, "marker": "x"}))
    return dict(found)


def line(model: str) -> dict[str, object]:
    """Colour and dashes of a model's curve, which is too dense for markers."""
    return {"color": look(model)["color"], "linestyle": _DASHES.get(model, "-")}


def handles(models: Iterable[str], **more: object) -> list[Line2D]:
    """Entries of a legend for some models, in the order of all figures; ``more`` adds to looks."""
    there = set(models)
    return [marks.handle(label(m), **look(m) | more) for m in ORDER if m in there]
