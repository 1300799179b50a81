"""Checks before work starts: each ends with one sentence that says what is wrong and what to do."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from hnnlib.errors import nearest

OPTIONS = ("scale", "results", "device", "engine")
OWN = ("scale_file",)  # set by the Snakefile itself, and handed on to jobs on other machines
DEVICES = ("auto", "cpu", "cuda")
ENGINES = ("auto", "cpu", "eager", "gpu")
NEEDED_SPACE = 200 * 2**20  # bytes: stores, notebooks and report of one scale, and some reserve
LOCKS = Path(".snakemake/locks")
_LIVE = FileLock(".snakemake/hnnlib.lock")


def check_options(options: Mapping[str, Any]) -> None:
    """End when ``--config`` names something that is not there: it would be ignored in silence."""
    for name in options:
        if name not in (*OPTIONS, *OWN):
            sys.exit(f"error: there is no --config {name}=..., {nearest(name, OPTIONS)}")
    for name, known in (("device", DEVICES), ("engine", ENGINES)):
        chosen = str(options.get(name, "auto"))
        if chosen not in known:
            sys.exit(f"error: --config {name}={chosen}: {nearest(chosen, known)}")


def check_results_folder(folder: str | Path, needed: int = NEEDED_SPACE) -> None:
    """End unless files can be written below the folder and its disk has room."""
    folder = Path(folder)
    trial = folder / f".trial.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # really write: permission bits say nothing about a read-only disk, and let root pass
        trial.write_bytes(b"\0" * 4096)
    except OSError as reason:
        sys.exit(f"error: {sentence(reason, folder)}; nothing was changed")
    finally:
        remove_quietly(trial)
    free = shutil.disk_usage(folder).free
    if free < needed:
        sys.exit(
            f"error: the disk of {folder} has {free / 2**20:.0f} MB left, a run needs "
            f"{needed / 2**20:.0f} MB: free some space, or choose another folder with "
            "--config results=FOLDER; nothing was changed"
        )


def sentence(reason: OSError, place: str | Path = "") -> str:
    """What an error of the operating system means for the person at the terminal."""
    where = f"{reason.filename or place or 'a file'} "
    kind = reason.errno
    if kind in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}cannot be written, the disk is full: free some space and run again"
    if kind in (errno.EROFS, errno.EACCES, errno.EPERM):
        return (
            f"{where}cannot be written, it is read-only or belongs to someone else: "
            "make it writable, or choose another folder with --config results=FOLDER"
        )
    return f"{where}{reason.strerror or reason}"


def remove_quietly(path: Path) -> None:
    """Remove a file if it is there and can be removed."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass


def uses_gpu(device: str) -> bool:
    """Whether training will take a GPU; asks the driver, since importing torch costs seconds."""
    present = any(map(os.path.exists, ("/proc/driver/nvidia/version", "/dev/nvidia0", "/dev/dxg")))
    return device == "cuda" or (device == "auto" and present)


def clear_stale_lock(workflow: Any) -> None:
    """Remove the locks of a killed Snakemake, so that nobody has to type ``--unlock``.

    A live run holds ``.snakemake/hnnlib.lock``, which the operating system frees when the process
    ends, however it ends. Whoever gets it knows that locks still lying about are leftovers. Jobs
    on other machines don't come here, and locks that another machine wrote are left alone.
    """
    if not workflow.is_main_process:
        return
    if not hold_lock(timeout=0):
        if Path(_LIVE.lock_file).exists():
            print("note: another Snakemake is at work in this folder", file=sys.stderr)
        return
    owner = Path(".snakemake/hnnlib.owner")
    left = list(LOCKS.glob("*.lock"))
    try:
        if left and (not owner.exists() or owner.read_text() == socket.gethostname()):
            for path in left:
                path.unlink(missing_ok=True)
            print("note: an earlier run was killed; its lock is removed", file=sys.stderr)
        owner.write_text(socket.gethostname())
    except OSError:
        pass  # Snakemake itself will say so


def hold_lock(timeout: float = 10) -> bool:
    """Take the lock of a live run for the rest of this process's life."""
    if _LIVE.is_locked:
        return True
    try:
        Path(_LIVE.lock_file).parent.mkdir(exist_ok=True)
        _LIVE.acquire(timeout=timeout)
    except (Timeout, OSError, NotImplementedError):
        return False
    return True
