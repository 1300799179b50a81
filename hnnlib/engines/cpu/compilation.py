"""How the kernels are compiled, and when their copies on disk are out of date."""

from __future__ import annotations

import contextlib
from pathlib import Path

__all__ = ["INNER", "OPTIONS", "VIEWS", "forget_older"]

# numpy's error model: a division that might raise would keep its loop from being vectorised
OPTIONS = {"nogil": True, "cache": True, "error_model": "numpy"}
VIEWS = OPTIONS | {"_nrt": False}
"""Options of functions that make no array, but many views of arrays: Numba would count references
to each, which takes 0.1 microseconds a step. They can't assign one array to a slice of another.
``_nrt`` is an option that Numba keeps to itself: a version without it would refuse it.
"""
INNER = VIEWS | {"cache": False, "forceinline": True}
"""Options of functions that become a part of those that call them. They have no copies on disk of
their own, so that they may call what is not a name of their module.
"""


def forget_older(folder: Path) -> None:
    """Make Numba compile anew what it compiled before the last change to any file of ``folder``.

    By itself it compares a kernel's copy with the kernel's own file only, and a copy holds what the
    kernel calls, of other files too. The folder of neurons counts as a file: one fewer in it, and
    the others have other places in the table.
    """
    sources = [folder / "neurons", *folder.rglob("*.py")]
    changed = max(path.stat().st_mtime for path in sources)
    for index in folder.rglob("__pycache__/*.nbi"):
        with contextlib.suppress(OSError):  # another process was faster, or nobody may write here
            if index.stat().st_mtime < changed:
                index.unlink()


forget_older(Path(__file__).parent)
