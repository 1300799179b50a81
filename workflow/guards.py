"""Checks before work starts: each ends with one sentence that says what is wrong and what to do."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from hnnlib.errors import nearest, plain
from hnnlib.files import FULL, name_fault
from workflow.lock import Lock

OPTIONS = ("scale", "results", "device", "engine", "force")
OWN = ("scale_file",)  # set by the Snakefile itself, and handed on to jobs on other machines
DEVICES = ("auto", "cpu", "cuda")
ENGINES = ("auto", "cpu", "eager", "gpu")
TRUTHS = ("true", "false")
NOTES = Path(".snakemake")  # of Snakemake and of this project, in the folder where it runs
NOTED = ("metadata", "incomplete", "log", "auxiliary", "locks", "shadow", "scripts")
NEEDED_SPACE = 200 * 2**20  # bytes: stores, notebooks and report of one scale, and some reserve


def end(words: str) -> NoReturn:
    """End with one sentence; what it quotes from outside cannot steer the terminal."""
    sys.exit(f"error: {plain(words)}")


def note(words: str) -> None:
    """A line on standard error, alike."""
    print(f"note: {plain(words)}", file=sys.stderr, flush=True)


def options(given: Mapping[str, Any], words: Iterable[str] = ()) -> dict[str, str]:
    """Settings of ``--config`` as they were written; end where one would be ignored in silence.

    Args:
        given: as Snakemake understood them: ``1_0`` has become a number.
        words: as they were typed, ``name=value``.
    """
    for name in given:
        if name not in (*OPTIONS, *OWN):
            end(f"there is no --config {name}=..., {nearest(name, OPTIONS)}")
    typed = dict(word.split("=", 1) for word in words if "=" in word)
    found = {name: typed.get(name, _written(given[name])) for name in given}
    for name, known in (("device", DEVICES), ("engine", ENGINES), ("force", TRUTHS)):
        if found.get(name, known[0]) not in known:
            end(f"--config {name}={found[name]}: {nearest(found[name], known)}")
    for name in ("scale", "results"):
        if not found.get(name, "given").strip():
            end(f"--config {name}= is empty: give a name, or leave it out")
    if "results" in found:
        found["results"] = os.path.normpath(os.path.expanduser(found["results"]))
        _check_name(found["results"])
    return found


def _written(value: Any) -> str:
    """A value of a configuration file, as it stands there."""
    return str(value).lower() if isinstance(value, bool) else str(value or "")


def _check_name(folder: str) -> None:
    """End where no folder can have the name, or Snakemake would take it for a pattern."""
    wrong = "braces cannot be in it" if set("{}") & set(folder) else name_fault(folder)
    wrong = wrong or ("" if folder.strip("/") else "the machine's own files lie there")
    if wrong:
        end(f"--config results={ascii(folder)[1:-1][:60]}: {wrong}; choose another folder")


def check_working_folder(writes: bool) -> None:
    """End where Snakemake cannot keep its notes on what was made of what."""
    try:
        for folder in (NOTES, *(NOTES / name for name in NOTED)):
            folder.mkdir(exist_ok=True)
            if writes:
                tempfile.TemporaryFile(dir=folder).close()
    except OSError as reason:
        if reason.errno in FULL:
            end(f"{sentence(reason, Path.cwd())}; nothing was changed")
        end(
            f"the folder {Path.cwd()} takes no files ({reason.strerror}): start Snakemake "
            "in one of your own, or name one with --directory FOLDER; nothing was changed"
        )


def check_folder(folder: str | Path) -> None:
    """End when a folder can never be made, since a file lies where it or one above it would be."""
    for path in (Path(folder), *Path(folder).parents):
        if os.path.lexists(path) and not path.is_dir():
            end(
                f"{path} is no folder, results cannot lie there: "
                "choose another one with --config results=FOLDER"
            )


def check_gpu(device: str, engine: str) -> None:
    """End when a GPU is asked for and this machine has none that its driver knows of."""
    if device == "cuda" and not has_gpu():
        end("device cuda was asked for and this machine has no GPU: set device=auto")
    if engine == "gpu" and (device == "cpu" or not has_gpu()):
        where = "device cpu" if device == "cpu" else "a machine without a GPU"
        end(f"the engine gpu can't work on {where}: set engine=auto")


def check_results_folder(folder: str | Path, needed: int = NEEDED_SPACE) -> None:
    """End unless files can be written below the folder and its disk has room."""
    folder = Path(folder)
    trial = folder / f".trial.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # really write: permission bits say nothing about a read-only disk, and let root pass
        trial.write_bytes(b"\0" * 4096)
    except OSError as reason:
        end(f"{sentence(reason, folder)}; nothing was changed")
    finally:
        remove_quietly(trial)
    free = shutil.disk_usage(folder).free
    if free < needed:
        end(
            f"the disk of {folder} has {free / 2**20:.0f} MB left, a run needs "
            f"{needed / 2**20:.0f} MB: free some space, or choose another folder with "
            "--config results=FOLDER; nothing was changed"
        )


def sentence(reason: OSError, place: str | Path = "") -> str:
    """What an error of the operating system means for the person at the terminal."""
    where = f"{reason.filename or place or 'a file'} "
    kind = reason.errno
    if kind in FULL:
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


def has_gpu() -> bool:
    """Whether there is a GPU; asks the driver, since importing torch costs seconds."""
    return any(map(os.path.exists, ("/proc/driver/nvidia/version", "/dev/nvidia0", "/dev/dxg")))


def uses_gpu(device: str) -> bool:
    """Whether training will take a GPU."""
    return device == "cuda" or (device == "auto" and has_gpu())


def hold(lock: Lock) -> None:
    """Take the lock of a results folder for the rest of this process's life, or end with who has
    it.
    """
    try:
        lock.path.parent.mkdir(parents=True, exist_ok=True)
        other = lock.take()
    except OSError as reason:
        if not os.access(lock.path.parent, os.W_OK) or reason.errno in FULL:
            return  # nothing to write, perhaps; `check_results_folder` says so before the first job
        end(f"{sentence(reason, lock.path)}; nothing was changed")
    if other:
        gone = f"; if it is no more, delete {lock.path}" if other.elsewhere or lock.weak else ""
        end(
            f"another run ({other}) works in {lock.path.parent}/: wait until it ends, or "
            f"choose another folder with --config results=FOLDER{gone}"
        )
    if lock.left:
        note(f"an earlier run ({lock.left}) was killed: going on from it")
    if lock.weak:
        note(
            f"the file system of {lock.path.parent} cannot lock files: "
            "start no second run there from another machine"
        )
