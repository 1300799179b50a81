"""How the kernels are compiled, and where their copies on disk lie."""

from __future__ import annotations

import contextlib
import os
import pickletools
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numba
from llvmlite import binding

from hnnlib import processor
from hnnlib.locks import only_one

__all__ = ["INNER", "OPTIONS", "VIEWS", "cache_folder", "once", "remove_damaged"]

processor.use_whole_registers()
_DONE, _CHECKED = "all-", "checked"

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


def cache_folder(sources: Path) -> Path:
    """The folder for the machine code of these sources, and of no others.

    By itself Numba compares a kernel's copy with the kernel's own file only, and a copy holds what
    the kernel calls, of other files too. It lies below ``NUMBA_CACHE_DIR``, else beside the code,
    else in the user's cache; where none can be written, each process compiles for itself.
    """
    digest = sha256()
    for path in sorted(sources.rglob("*.py")):
        digest.update(f"{path.relative_to(sources)}\0".encode() + path.read_bytes() + b"\0")
    given = os.environ.get("NUMBA_CACHE_DIR")
    users = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    for top in [given] if given else [sources / "__pycache__", Path(users) / "hnnlib"]:
        with contextlib.suppress(OSError, RuntimeError):  # nobody may write here; nobody's home
            folder = Path(top).expanduser() / f"kernels-{digest.hexdigest()[:32]}"
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            return folder
    return Path(tempfile.mkdtemp(prefix="hnnlib-kernels-"))


def once(folder: Path, work: Callable[[], None], waiting: Callable[[], None]) -> bool:
    """Compile all kernels unless the folder holds them for such a machine, or soon will; whether
    it was done here.

    Args:
        work: compiles them.
        waiting: called before this process waits for another one that compiles them.
    """
    done = folder / f"{_DONE}{_machine()}"
    if done.exists():
        return False
    with only_one(folder / "lock", waiting):
        if done.exists():
            return False
        work()
        done.touch()
        return True


def remove_damaged(folder: Path) -> None:
    """Remove cut copies, of a full disk perhaps: Numba would fail at each of them for ever.

    A stamp says when this was last done: older copies are not read again.
    """
    stamp, now, since = folder / _CHECKED, time.time_ns(), 0
    with contextlib.suppress(OSError):
        since = stamp.stat().st_mtime_ns
    _remove(folder, since)
    with contextlib.suppress(OSError):
        stamp.touch()
        os.utime(stamp, ns=(now, now))


def _remove(folder: Path, since: int) -> None:
    for path in [*folder.rglob("*.nbi"), *folder.rglob("*.nbc")]:
        with contextlib.suppress(OSError):
            if path.stat().st_mtime_ns >= since and not _whole(path):
                path.unlink()
                for done in folder.glob(f"{_DONE}*"):
                    done.unlink()


def _machine() -> str:
    """What copies hold for, beside their sources: a folder may be shared by unlike machines."""
    features = binding.get_host_cpu_features().flatten()
    told = str(numba.config.CPU_NAME), str(numba.config.CPU_FEATURES)
    words = (numba.__version__, sys.version, binding.get_host_cpu_name(), features, *told)
    return sha256("\0".join(words).encode()).hexdigest()[:32]


def _whole(path: Path) -> bool:
    """Whether a file holds whole pickles; they are not run."""
    if not path.is_file():  # a pipe would block
        return False
    size = path.stat().st_size
    with path.open("rb") as stream:
        try:
            while True:
                for _ in pickletools.genops(stream):
                    pass
                if stream.tell() == size:
                    return True
        except Exception:  # of any kind, where the bytes make no sense
            return False


numba.config.CACHE_DIR = str(cache_folder(Path(__file__).parent))
remove_damaged(Path(numba.config.CACHE_DIR))
