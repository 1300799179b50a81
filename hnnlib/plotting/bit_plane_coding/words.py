"""Derivatives, branches and switches in words and colours, the same in every figure."""

from __future__ import annotations

from hnnlib.plotting import style

__all__ = ["BRANCHES", "DERIVATIVES", "SWITCHES", "label"]

# name: words, look
DERIVATIVES: dict[str, tuple[str, dict[str, str]]] = {
    "blocked": ("blocked (0)", {"color": style.MUTED, "marker": "x"}),
    "ste": ("straight-through (1)", {"color": "#0072B2", "marker": "o"}),
    "neighbour": ("finite difference", {"color": "#CC79A7", "marker": "v"}),
    "fourier": ("Fourier", {"color": "#E69F00", "marker": "D"}),
    "fourier_half": ("Fourier + ½ (authors)", {"color": "#D55E00", "marker": "s"}),
    "sigsine": ("sigmoid of a sine", {"color": "#009E73", "marker": "^"}),
    "tanhsine": ("tanh of a sine", {"color": "#56B4E9", "marker": "P"}),
}
BRANCHES = {"graded": "graded", "spiking": "serial", "fusion": "fusion"}
SWITCHES = {
    "order": "weights of the decoder reversed",
    "rounding": "X not rounded",
    "range": "range over the batch",
    "sample": "range over each example",
    "head_gradient": "gradients of the head mixed",
    "state": "potentials carried over",
    "momentum": "momentum √0.1",
    "public": "all as in the public code",
}


def label(derivative: str, rescale: str) -> str:
    """A derivative as a line of a figure."""
    words = DERIVATIVES[derivative][0]
    return f"{words}, rescaled" if rescale == "on" else words
