"""Names, colours and markers of the recurrent models, the same in every figure."""

from __future__ import annotations

from hnnlib.plotting import style

__all__ = ["label", "look"]

_TOL = {"indigo": "#332288", "rose": "#CC6677", "cyan": "#88CCEE", "sand": "#DDCC77"}
# Label, colour, marker. Spiking, hybrid and graded keep the colours of the kinds of network.
_MODELS = {
    "snn": ("SNN", style.KINDS["spiking"], "o"),
    "hybrid": ("hybrid", style.KINDS["hybrid"], "D"),
    "nsn": ("NSN", style.KINDS["artificial"], "s"),
    "n2n_block": ("N2N", _TOL["indigo"], "^"),
    "n2n_matched": ("N2N, matched", _TOL["cyan"], "^"),
    "hstnn_1layer": ("HSTNN", _TOL["sand"], "P"),
    "rnn": ("RNN", _TOL["rose"], "v"),
    "hybrid_rnn": ("hybrid RNN", "#117733", "d"),
    "n2n_rnn": ("N2N RNN", "#882255", "<"),
}


def label(model: str) -> str:
    """How a model is written in a figure."""
    return _MODELS[model][0] if model in _MODELS else model


def look(model: str) -> dict[str, str]:
    """Colour and marker of a model, for ``Axes.plot``."""
    _, colour, marker = _MODELS.get(model, (model, style.MUTED, "x"))
    return {"color": colour, "marker": marker}
