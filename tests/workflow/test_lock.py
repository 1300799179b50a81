"""One run at a time in a folder of results."""

from __future__ import annotations

import errno
import itertools
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from workflow import guards, lock
from workflow.lock import Lock

ROOT = Path(__file__).resolve().parents[2]
# every order in which three runs begin and end, each its own beginning before its end
ORDERS = [
    order
    for order in itertools.permutations(("A+", "A-", "B+", "B-", "C+", "C-"))
    if all(order.index(f"{run}+") < order.index(f"{run}-") for run in "ABC")
]
HOLD = """
import sys, time
from workflow import guards, lock
guards.hold(lock.Lock(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def no_flock(monkeypatch):
    """A file system that cannot lock."""

    def refuse(handle, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    monkeypatch.setattr(lock, "SETTLING", 0.0)


def test_one_of_three_runs_works_in_whatever_order_they_begin_and_end(tmp_path):
    for number, order in enumerate(ORDERS):
        folder = tmp_path / str(number)
        folder.mkdir()
        runs = {name: Lock(folder) for name in "ABC"}
        holder = None
        for event in order:
            name, begins = event[0], event[1] == "+"
            if begins:
                assert (runs[name].take() is None) == (holder is None)
                holder = holder or name
            else:
                runs[name].release()  # one that was refused ends, too
                holder = None if name == holder else holder
            assert [name for name in "ABC" if runs[name].held] == [holder] * (holder is not None)
        assert runs[order[-1][0]].left is None, "all ended by themselves"


def test_folders_have_locks_of_their_own(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    first, second = Lock(tmp_path / "a"), Lock(tmp_path / "b")
    assert first.take() is None and second.take() is None
    first.release()
    assert Lock(tmp_path / "b").take(), "the end of one leaves the other's"
    second.release()


def held_elsewhere(folder: Path) -> subprocess.Popen:
    words = [sys.executable, "-c", HOLD, str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    other = subprocess.Popen(words, stdout=subprocess.PIPE, env=environment, text=True)
    assert other.stdout.readline() == "held\n"
    return other


@pytest.mark.parametrize("weak", [False, True])
def test_a_killed_run_is_told_from_a_live_one(tmp_path, capsys, request, weak):
    other = held_elsewhere(tmp_path)
    if weak:
        request.getfixturevalue("no_flock")
    mine = Lock(tmp_path)
    with pytest.raises(SystemExit) as caught:
        guards.hold(mine)
    said = str(caught.value)
    assert f"another run (process {other.pid} of " in said and "since" in said
    assert "wait until it ends" in said and "\n" not in said
    assert not mine.held
    other.send_signal(signal.SIGKILL)
    other.wait()
    guards.hold(mine)
    assert mine.held and mine.left.pid == other.pid
    err = capsys.readouterr().err
    assert "was killed" in err and ("cannot lock files" in err) == weak
    mine.release()


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({}, True),  # this very process, under another object
        ({"started": 1.0}, False),  # its number was given to another process
        ({"boot": "another start of the machine"}, False),
        ({"boot": "another start of the machine", "host": "elsewhere"}, True),
    ],
)
def test_what_a_file_says_decides_where_locks_cannot(tmp_path, no_flock, changes, waits):
    handle = os.open(tmp_path / lock.NAME, os.O_RDWR | os.O_CREAT)
    lock._write(handle, replace(lock.myself(), **changes))
    os.close(handle)
    mine = Lock(tmp_path)
    assert (mine.take() is not None) == waits
    mine.release()


def test_who_deletes_the_file_of_a_live_run_does_not_slip_past(tmp_path):
    owner, second, third = Lock(tmp_path), Lock(tmp_path), Lock(tmp_path)
    assert owner.take() is None and owner.mend() == ""
    owner.path.unlink()
    with pytest.raises(SystemExit, match=r"another run \(its lock says nothing of it\) works in"):
        guards.hold(second)
    assert owner.mend() == (
        f"{owner.path} was deleted and is written again: this run goes on, and holds it"
    )
    assert owner.mend() == "" and second.mend() == ""
    assert third.take().pid == os.getpid(), "the new file says who"
    owner.release()
    assert third.take() is None and third.left is None, "the owner ended by itself"
    third.release()


def test_who_deletes_the_folder_of_a_live_run_is_told_what_to_do(tmp_path):
    (tmp_path / "r").mkdir()
    owner = Lock(tmp_path / "r")
    owner.take()
    (tmp_path / "r").rename(tmp_path / "elsewhere")
    assert "was deleted or moved while this run works in it: stop the run" in owner.mend()
    owner.release()


def test_a_link_in_the_place_of_the_lock_costs_nobody_a_file(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / lock.NAME).symlink_to("precious")
    with pytest.raises(SystemExit, match=r"error: .*\.lock"):
        guards.hold(Lock(tmp_path))
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_in_the_place_of_the_lock_is_to_be_moved(tmp_path, make):
    make(tmp_path / lock.NAME)
    with pytest.raises(
        SystemExit, match=r"\.lock is no file .*: move it away; nothing was changed"
    ):
        guards.hold(Lock(tmp_path))


def test_a_name_of_a_machine_cannot_steer_the_terminal(tmp_path, capsys):
    handle = os.open(tmp_path / lock.NAME, os.O_RDWR | os.O_CREAT)
    lock._write(handle, replace(lock.myself(), host="\x1b[2Jowned\n", boot="another"))
    os.close(handle)
    with pytest.raises(SystemExit) as caught:
        guards.hold(Lock(tmp_path))
    assert r"on \x1b[2Jowned , since" in str(caught.value) and str(caught.value).isprintable()


ODD = [dict(pid=pid, started=1, boot="", host="", user="", since="") for pid in ("x", -1, 0)]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"pid": 1}', "\0" * 9, "[" * 60_000, *map(json.dumps, ODD)],
    ids=lambda text: text[:20],
)
def test_a_lock_file_that_says_nothing_stops_nobody(tmp_path, text):
    (tmp_path / lock.NAME).write_text(text)
    mine = Lock(tmp_path)
    assert mine.take() is None
    mine.release()


@pytest.mark.parametrize("writable", [True, False])
def test_a_lock_that_cannot_be_taken_ends_the_run_where_there_is_something_to_write(
    tmp_path, monkeypatch, writable
):
    """Where nothing can be written, the check before the first job says so: there may be none."""

    def refuse(*words):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / lock.NAME))

    monkeypatch.setattr(lock.os, "open", refuse)
    monkeypatch.setattr(guards.os, "access", lambda *words: writable)
    mine = Lock(tmp_path)
    if writable:
        with pytest.raises(SystemExit, match="belongs to someone else"):
            guards.hold(mine)
    else:
        guards.hold(mine)
    assert not mine.held
