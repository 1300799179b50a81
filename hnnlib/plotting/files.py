"""Figures as files: a PNG, an SVG and a sidecar with the words that belong to them."""

from __future__ import annotations

import html
import io
import json
import re
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from hnnlib.files import written
from hnnlib.plotting import style

__all__ = ["save", "svg"]

_SHOWN_WIDTH = 700  # px
_NO_LAYOUT = {"figure.autolayout": False, "figure.constrained_layout.use": False}


def save(
    fig: Figure | None, folder: str | Path | None, name: str, *, title: str, caption: str, alt: str
) -> None:
    """Write ``name.png`` (twice the shown size), ``name.svg``, ``name.json``; show in a notebook.

    The sidecar holds ``title``, ``caption`` and ``alt``: what a reader who cannot see the figure
    should know. Without a folder nothing is written, and no figure (what it shows was not run) is
    said to be none.

    Raises:
        ValueError: the name is not one plain word (letters, digits, ``_`` and ``-``).
    """
    if not re.fullmatch(r"[\w-]+", name):
        raise ValueError(f"'{name}' cannot name a figure: use letters, digits, '_' and '-' only")
    if fig is None:
        print(f"{title}: not run at this scale")
        return
    picture = _png(fig)
    if folder:
        words = {"title": title, "caption": caption, "alt": alt}
        text = json.dumps(words, indent=2, ensure_ascii=False) + "\n"
        for kind, content in (("png", picture), ("svg", svg(fig)), ("json", text.encode())):
            with written(Path(folder) / f"{name}.{kind}") as path:
                path.write_bytes(content)
    _show(picture, name, caption, alt)


def _png(fig: Figure) -> bytes:
    """The figure as pixels, of which all are opaque. Little compression: it takes longest."""
    canvas, stream = FigureCanvasAgg(fig), io.BytesIO()
    fig.set_dpi(style.DPI)
    with style.context():
        if engine := fig.get_layout_engine():  # else a figure would be drawn twice to be saved once
            engine.execute(fig)
            with mpl.rc_context(_NO_LAYOUT):
                fig.set_layout_engine(None)
        canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    image.save(stream, format="png", compress_level=1, dpi=(style.DPI, style.DPI))
    return stream.getvalue()


def svg(fig: Figure) -> bytes:
    """The figure as lines and letters, laid out as the PNG is; without date and version, so that
    equal figures are equal files.
    """
    stream = io.BytesIO()
    with style.context(), mpl.rc_context(_NO_LAYOUT):
        fig.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _show(picture: bytes, name: str, caption: str, alt: str) -> None:
    """Display the picture and its caption where there is a notebook to display them in, under an
    anchor for links from outside.
    """
    if "IPython" not in sys.modules or sys.modules["IPython"].get_ipython() is None:
        return
    from IPython import display

    display.display(display.Markdown(f'<span id="{name}"></span>'))
    picture = display.Image(picture, format="png", width=_SHOWN_WIDTH, alt=alt)
    # a caption may quote a note from outside: Markdown would let its markup through
    display.display(picture, display.Markdown(f"*{html.escape(caption, quote=False)}*"))
