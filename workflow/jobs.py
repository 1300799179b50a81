"""What every script of the workflow runs inside: its log, its words to the terminal, its failures.

Whatever a job prints goes to its log. The terminal gets lines of progress and, when the job fails,
one sentence; the traceback stands in the log only.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shlex
import shutil
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from hnnlib.errors import HnnError, plain
from hnnlib.files import read_text, written
from workflow.guards import NOTES, sentence

SECONDS_BETWEEN_LINES = 5.0
MARK = "error: "
OWNER = "HNN_WORKFLOW_PID"
DONE = "done in"
LESS = "run fewer jobs at once (--cores 1) or a smaller scale"
CUDA = "CUDA error: out of memory"
CACHES = "HNN_CACHE_HOME"  # set by the profile, to what XDG_CACHE_HOME was


class Terminal:
    """Lines for the person who waits: at most one every few seconds, all of them into the log.

    Args:
        name: put before every line.
        stream: file descriptor of the terminal.
    """

    def __init__(self, name: str, stream: int) -> None:
        self.name, self.stream = name, stream
        self._last = -SECONDS_BETWEEN_LINES

    def progress(self, line: str) -> None:
        """A line that may be left out on the terminal."""
        print(line, flush=True)
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            self._write(line)

    def say(self, line: str) -> None:
        """A line that must be seen."""
        print(line, flush=True)
        self._write(line)

    def _write(self, line: str) -> None:
        try:
            os.write(self.stream, f"{self.name}: {plain(line)}\n".encode())
        except OSError:  # the terminal is gone: the work is not
            pass


def prepare(project: str | Path) -> None:
    """Set the environment that scripts and notebook kernels are started in."""
    os.environ[OWNER] = str(os.getpid())
    # Snakemake hands it to a shell as it is, and a folder's name may hold spaces
    sys.executable = shlex.quote(sys.executable)
    # they import the library of this project, wherever Snakemake is started
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(project), *filter(None, before)]))
    # where Python may not keep what it compiled beside the code, each job would compile it again
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(NOTES.resolve() / "pycache"))
    # the same of kernels: where neither the home folder nor the project takes them
    if CACHES in os.environ and not os.access(Path(project) / "hnnlib/engines/cpu", os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(NOTES.resolve() / "kernels"))
    # kernels are compiled, for one thread; where each warning is an error, nothing would go far
    for habit in ("NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS", "PYTHONWARNINGS"):
        os.environ.pop(habit, None)
    warnings.simplefilter("ignore", ResourceWarning)
    _only_our_notebooks()


def _only_our_notebooks() -> None:
    """The reader's own kernels, start-up files and styles have no say in a result."""
    os.environ.pop("PYTHONSTARTUP", None)
    os.environ["MPLBACKEND"] = "agg"  # draws where there is no screen
    drawing = find_spec("matplotlib")
    if drawing and drawing.origin:
        os.environ["MATPLOTLIBRC"] = f"{Path(drawing.origin).parent}/mpl-data/matplotlibrc"
    ours = NOTES.resolve() / "jupyter"
    os.environ["JUPYTER_RUNTIME_DIR"] = str(ours / "runtime")
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        dict.fromkeys([str(ours), *filter(None, [os.environ.get("JUPYTER_PATH")])])
    )
    # of all kernels that are called python3, the one of this Python
    words = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    text = json.dumps({"argv": words, "display_name": "Python 3", "language": "python"})
    with suppress(OSError), written(ours / "kernels/python3/kernel.json") as path:
        path.write_text(text)


@contextmanager
def job(snakemake: Any) -> Iterator[Terminal]:
    """Run a script's work; a failure ends the process with status 1 and one sentence."""
    terminal = Terminal(label(snakemake.rule, snakemake.wildcards), os.dup(2))
    try:
        _send_output_to(snakemake.log[0])
    except OSError as error:  # of a folder that another user made, say
        terminal._write(f"{MARK}{reason(error, snakemake.log[0])}")
        os._exit(1)
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    logging.getLogger("hnnlib").setLevel(logging.INFO)
    _end_with(os.environ.get(OWNER))
    if CACHES in os.environ:  # Snakemake's caches were moved, not those of data and kernels
        os.environ["XDG_CACHE_HOME"] = os.environ[CACHES]
    started = time.monotonic()
    try:
        yield terminal
    except (Exception, KeyboardInterrupt) as error:
        words = reason(error, snakemake.output[0])
        _quietly(lambda: print(f"{traceback.format_exc()}\n{MARK}{words}", flush=True))
        if not isinstance(error, KeyboardInterrupt):
            terminal._write(f"{MARK}{words}")
        sys.stdout = sys.stderr = open(os.devnull, "w")  # nothing is left to flush into a full disk
        os._exit(1)
    seconds, busy = time.monotonic() - started, sum(os.times()[:4])
    terminal.say(f"{DONE} {seconds:.0f} s ({busy:.0f} s of processor time)")


def label(rule: str, wildcards: Any) -> str:
    """What people call a job: ``check_data digits``; a group says enough by itself."""
    if hasattr(wildcards, "group"):
        return f"{wildcards.study}/{wildcards.group}"
    return " ".join([rule, *map(str, wildcards)])


def reason(error: BaseException, place: str = "") -> str:
    """One sentence for an error; where the system names no file, with ``place``, what is made."""
    if isinstance(error, HnnError):
        return str(error)
    if _wants_memory(error):
        return f"there is not enough memory: {LESS}"
    if isinstance(error, OSError) and error.errno is not None:
        return sentence(error, place)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first} (unexpected: the log has the traceback)"


def _wants_memory(error: BaseException) -> bool:
    """Whether it is one of the errors by which the system, NumPy or torch refuse memory."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    words = str(error)
    torchs = type(error).__name__ == "OutOfMemoryError" or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in words or CUDA in words)
    )
    return torchs or isinstance(error, MemoryError)


def kills() -> int:
    """How many processes this machine has killed for want of memory since it started."""
    try:
        words = Path("/proc/vmstat").read_text().split()
        return int(words[words.index("oom_kill") + 1])
    except (OSError, ValueError, IndexError):  # not Linux, or an old one
        return 0


def reason_in(log: str | Path, killed: bool = False) -> str:
    """The sentence that a failed job left in its log.

    Args:
        log: its file.
        killed: whether the machine has killed for want of memory while the job ran.
    """
    try:
        lines = read_text(log, "replace").splitlines()
    except OSError:
        lines = []
    for place in range(len(lines) - 1, -1, -1):
        if lines[place].startswith(MARK):
            return "\n".join(lines[place:]).removeprefix(MARK)
    folder = Path(log).parent
    if folder.is_dir() and shutil.disk_usage(folder).free < 2**20:  # no room for a last word
        return sentence(OSError(errno.ENOSPC, "", str(folder)))
    if any(line.startswith(DONE) for line in lines[-1:]):
        return "its work was done, and Snakemake did not take what it made: see above"
    if killed:
        return f"it was killed by this machine, which was short of memory: {LESS}"
    return "it ended without a word, killed from outside perhaps: see its log, and above"


def _send_output_to(log: str) -> None:
    """Let everything printed here, by libraries and by child processes go to the log."""
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    # a pipe without a reader would be waited for
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK, 0o644)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.close(target)
    sys.stdout.reconfigure(line_buffering=True)


def _end_with(owner: str | None) -> None:
    """End this process soon after the Snakemake that started it: nobody waits for its result."""
    if not owner:
        return

    def alive() -> bool:
        try:
            return psutil.Process(int(owner)).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def watch() -> None:
        while alive():
            time.sleep(1)
        _quietly(lambda: print(f"{MARK}the Snakemake that started this job is gone", flush=True))
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _quietly(function: Callable[[], Any]) -> None:
    try:
        function()
    except OSError:  # the log's disk is full
        pass
