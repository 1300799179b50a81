"""One run at a time in a folder of results: a lock that its owner holds and nobody else releases.

The operating system holds the lock (``flock``) and frees it when the process ends, however it ends.
Both the folder and a file in it are locked: who deletes the file lets nobody in. The file says who:
what a killed run left in it is known by the start of its process and of its machine. Where the file
system cannot lock, these alone decide.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import getpass
import json
import math
import os
import socket
import stat
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from hnnlib.errors import plain

NAME = ".lock"
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF)
SETTLING = 0.3  # seconds in which two that write at once see which of them was last
BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Run:
    """Who works in a folder: a process, known by its start, since numbers are given again.

    Attributes:
        pid: its number.
        started: when it started, in ticks since the machine did (Linux) or seconds.
        boot: identity of this start of the machine; "" where the system has none.
        host: name of the machine.
        user: whose process it is.
        since: when it took the lock, for people.
    """

    pid: int
    started: float
    boot: str
    host: str
    user: str
    since: str

    def __str__(self) -> str:
        if not self.pid:
            return "its lock says nothing of it"
        words = f"process {self.pid} of {self.user} on {self.host}, since {self.since}"
        return plain(words.replace("\n", " "))

    @property
    def elsewhere(self) -> bool:
        """Whether it ran on another machine, of which nothing can be known here."""
        return bool(self.pid) and self.host != socket.gethostname() and self.boot != _boot()

    @property
    def alive(self) -> bool:
        """Whether the process still runs; one of another machine may."""
        if self.elsewhere:
            return True
        return self.boot == _boot() and self.started == _start(self.pid)


UNKNOWN = Run(0, 0.0, "", "", "", "")
"""Of which its lock says nothing: somebody deleted the file, or it has just begun."""


def myself() -> Run:
    """This process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for the user
        user = f"user {os.getuid()}"
    since = time.strftime("%d %B, %H:%M")
    return Run(os.getpid(), _start(os.getpid()), _boot(), socket.gethostname(), user, since)


class Lock:
    """The lock of one folder.

    Attributes:
        path: the lock's file.
        held: whether this object has it.
        left: the run that was killed while it had it, known once it is taken.
        weak: whether the file system cannot lock, so that only the file's words protect.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / NAME
        self.held = self.weak = False
        self.left: Run | None = None
        self._handle: int | None = None
        self._folder: int | None = None

    def take(self) -> Run | None:
        """None where the lock is held from now on, else the run that has it.

        Raises:
            OSError: the folder cannot be written.
        """
        if self.held:
            return None
        with contextlib.ExitStack() as opened:
            handle, folder = self._open(opened)
            if not (_lock(folder)[0] and (locked := _lock(handle))[0]):
                return _read(handle) or UNKNOWN
            self.weak = locked[1]
            earlier = _read(handle)
            # the system's word on its own processes is better than any comparison
            if earlier and (earlier.elsewhere or (self.weak and earlier.alive)):
                return earlier
            me = myself()
            _write(handle, me)
            if self.weak:
                time.sleep(SETTLING)
                if _read(handle) != me:
                    return _read(handle) or me
            opened.pop_all()
            self.left, self.held = earlier, True
            self._handle, self._folder = handle, folder
            atexit.register(self.release)
            return None

    def mend(self) -> str:
        """Write the file again if somebody deleted it while the lock is held, and say so; "" where
        all is well.
        """
        if not self.held or _is_at(self._handle, self.path):
            return ""
        if not _is_at(self._folder, self.path.parent):
            return (
                f"{self.path.parent} was deleted or moved while this run works in it: stop the run "
                "(Ctrl-C) and start it again"
            )
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            handle = self._open(opened)[0]
            _lock(handle)
            _write(handle, myself())
            os.dup2(handle, self._handle, inheritable=False)
        return f"{self.path} was deleted and is written again: this run goes on, and holds it"

    def release(self) -> None:
        """Give it back; nothing happens where this process does not have it."""
        if self._handle is None:
            return
        found = _read(self._handle)
        with contextlib.suppress(OSError):  # a process forked from the owner is not the owner
            if found and (found.pid, found.started) == (os.getpid(), _start(os.getpid())):
                os.ftruncate(self._handle, 0)
        os.close(self._handle)
        os.close(self._folder)
        self._handle, self._folder, self.held = None, None, False

    def _open(self, opened: contextlib.ExitStack) -> tuple[int, int]:
        """The file, made where it is missing, and its folder; closed again with ``opened``."""
        if os.path.lexists(self.path) and not stat.S_ISREG(os.lstat(self.path).st_mode):
            words = "is no file but a link, a pipe or a folder: move it away"
            raise OSError(errno.EINVAL, words, str(self.path))
        # not what a link leads to: its words would be lost
        ways = (
            (self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW),
            (self.path.parent, os.O_RDONLY),
        )
        handles = [os.open(path, way | os.O_CLOEXEC, 0o666) for path, way in ways]
        for handle in handles:
            opened.callback(os.close, handle)
        return handles[0], handles[1]


def _lock(handle: int) -> tuple[bool, bool]:
    """Lock an open file or folder: whether nobody else has it, and whether it cannot be locked."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False, False
    except OSError as reason:
        if reason.errno not in NO_LOCKS:
            raise
        return True, True
    return True, False


def _is_at(handle: int, path: Path) -> bool:
    """Whether an open file is still the one at its path."""
    try:
        there, mine = os.stat(path), os.fstat(handle)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


def _read(handle: int) -> Run | None:
    """The run that a lock's file names; None where it is empty or says anything else."""
    try:
        run = Run(**json.loads(os.pread(handle, 1 << 16, 0)))
    except (OSError, TypeError, ValueError, RecursionError):
        return None
    texts = (run.boot, run.host, run.user, run.since)
    right = isinstance(run.pid, int) and isinstance(run.started, int | float) and run.pid > 0
    return run if right and all(isinstance(text, str) for text in texts) else None


def _write(handle: int, run: Run) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(asdict(run)).encode(), 0)


def _boot() -> str:
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""


def _start(pid: int) -> float:
    """When a process started; NaN where there is none, which equals nothing."""
    try:
        # field 22, counted behind the name, which may hold spaces: no clock can shift it
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return math.nan if words[0] in "ZX" else float(words[19])
    except (OSError, IndexError, ValueError):
        pass
    try:
        return psutil.Process(pid).create_time()
    except (psutil.Error, ValueError, OverflowError):  # no process can have the number
        return math.nan
