"""Figures as files: a PNG, an SVG and a sidecar with the words that belong to them."""

from __future__ import annotations

import html
import io
import json
import re
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from hnnlib.plotting import style

__all__ = ["save"]

_SHOWN_WIDTH = 700  # px
_NO_LAYOUT = {"figure.autolayout": False, "figure.constrained_layout.use": False}


def save(
    fig: Figure, folder: str | Path | None, name: str, *, title: str, caption: str, alt: str
) -> None:
    """Write ``name.png`` (twice the shown size), ``name.svg``, ``name.json``; show in a notebook.

    The sidecar holds ``title``, ``caption`` and ``alt``: what a reader who cannot see the figure
    should know. Without a folder nothing is written.

    Raises:
        ValueError: the name is not one plain word (letters, digits, ``_`` and ``-``).
    """
    if not re.fullmatch(r"[\w-]+", name):
        raise ValueError(f"'{name}' cannot name a figure: use letters, digits, '_' and '-' only")
    _lay_out(fig)
    picture = _bytes(fig, "png")
    if folder:
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        words = {"title": title, "caption": caption, "alt": alt}
        text = json.dumps(words, indent=2, ensure_ascii=False) + "\n"
        (target / f"{name}.png").write_bytes(picture)
        (target / f"{name}.svg").write_bytes(_bytes(fig, "svg"))
        (target / f"{name}.json").write_text(text, encoding="utf-8")
    _show(picture, caption, alt)


def _lay_out(fig: Figure) -> None:
    """Place the panels once, as a PNG has them; with its layout engine a figure would be drawn
    twice for each file, first for the places only.
    """
    if engine := fig.get_layout_engine():
        fig.set_dpi(style.DPI)
        with style.context():
            engine.execute(fig)
        with mpl.rc_context(_NO_LAYOUT):
            fig.set_layout_engine(None)


def _bytes(fig: Figure, kind: str) -> bytes:
    """The figure as a file; without date and version, so that equal figures are equal files."""
    stream = io.BytesIO()
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    with style.context(), mpl.rc_context(_NO_LAYOUT):
        fig.savefig(stream, format=kind, metadata=metadata)
    return stream.getvalue()


def _show(picture: bytes, caption: str, alt: str) -> None:
    """Display the picture and its caption where there is a notebook to display them in."""
    if "IPython" not in sys.modules or sys.modules["IPython"].get_ipython() is None:
        return
    from IPython.display import Image, Markdown, display

    picture = Image(picture, format="png", width=_SHOWN_WIDTH, alt=alt)
    # a caption may quote a note from outside: Markdown would let its markup through
    display(picture, Markdown(f"*{html.escape(caption, quote=False)}*"))
