"""Compiled kernels on disk: of their own sources, made once, whole."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import pytest

from hnnlib.engines import cpu
from hnnlib.engines.cpu.compilation import cache_folder, once, remove_damaged


def test_machine_code_lies_under_its_own_sources_content(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    kernels = tmp_path / "code/neurons/row.py"
    kernels.parent.mkdir(parents=True)
    kernels.write_text("one")
    first = cache_folder(tmp_path / "code")
    assert first.parent == tmp_path / "cache" and cache_folder(tmp_path / "code") == first
    kernels.write_text("two")
    os.utime(kernels, (5, 5))  # unpacked, say: older than what was compiled of another text
    assert cache_folder(tmp_path / "code") != first
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(kernels))  # where no folder can be
    assert cache_folder(tmp_path / "code").parent == Path(tempfile.gettempdir())


def test_the_engine_keeps_its_own_machine_code_so():
    assert cache_folder(Path(cpu.__file__).parent).name == Path(numba.config.CACHE_DIR).name


def test_cut_machine_code_is_compiled_again(tmp_path):
    whole = pickle.dumps("0.0") + pickle.dumps(({"a": 1}, b"x" * 2000))
    for name, text in (("whole.nbi", whole), ("empty.nbi", b""), ("cut.nbc", whole[:-1])):
        (tmp_path / name).write_bytes(text)
    (tmp_path / "text.nbc").write_bytes(b"no machine code")
    os.mkfifo(tmp_path / "pipe.nbc")
    remove_damaged(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"whole.nbi", "checked"}


def test_copies_are_looked_through_once_and_again_when_they_change(tmp_path):
    copy = tmp_path / "cut.nbi"
    copy.write_bytes(b"cut")
    os.utime(copy, (1, 1))
    (tmp_path / "checked").touch()
    remove_damaged(tmp_path)
    assert copy.exists()
    copy.write_bytes(b"cut")
    remove_damaged(tmp_path)
    assert not copy.exists()


def test_two_processes_compile_once(tmp_path):
    compiled, waiting = [], threading.Event()

    def work():
        compiled.append("all")
        assert waiting.wait(timeout=20)

    with ThreadPoolExecutor(2) as both:  # a lock of a file keeps threads apart as it does processes
        done = [both.submit(once, tmp_path, work, waiting.set) for _ in range(2)]
        assert sorted(one.result() for one in done) == [False, True]
    assert compiled == ["all"]


def test_the_lock_of_a_killed_compiler_holds_nobody_up(tmp_path):
    code = "import os, sys, pathlib; from hnnlib.engines.cpu import compilation; "
    code += "compilation.once(pathlib.Path(sys.argv[1]), lambda: os.kill(os.getpid(), 9), print)"
    assert subprocess.run([sys.executable, "-c", code, tmp_path], timeout=120).returncode == -9
    assert (tmp_path / "lock").exists()
    assert once(tmp_path, lambda: None, lambda: pytest.fail("it waited"))


def test_kernels_are_compiled_again_after_one_was_damaged(tmp_path):
    def nothing():
        return None

    assert once(tmp_path, nothing, nothing) and not once(tmp_path, nothing, nothing)
    (tmp_path / "cut.nbc").write_bytes(b"")
    remove_damaged(tmp_path)
    assert once(tmp_path, nothing, nothing)
