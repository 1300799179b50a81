"""The benchmark's own virtual environment, ``benchmarks/.venv``, and in its folder ``jax`` another
one for JAX alone.

torch first, then what the peers import, then the peers without their dependencies: SpikingJelly and
Norse ask for torchvision and torchaudio, which would replace torch by another version and are not
used here. hnnlib isn't installed: the workers run in the repository's root and import the tree.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["ROOT", "EnvironmentFailure", "ensure", "ensure_jax"]

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
TORCH = "torch==2.13.0"
STEPS = (
    [TORCH],
    ["-r", str(HERE / "requirements-support.txt")],
    ["--no-deps", "-r", str(HERE / "requirements.txt")],
)
JAX_STEPS = ([TORCH], ["-r", str(HERE / "requirements-jax.txt")])


class EnvironmentFailure(Exception):
    """The environment couldn't be made; one sentence for people."""


def ensure(directory: Path = HERE / ".venv", steps: Sequence[list[str]] = STEPS) -> Path:
    """The environment's Python; makes or completes the environment where the pins have changed.

    Raises:
        EnvironmentFailure: an installation failed.
    """
    python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = directory / "pins.sha256"
    pins = _pins(steps)
    if stamp.exists() and stamp.read_text() == pins and python.exists():
        return python
    print(f"installing the peers into {directory.name}, once; this takes minutes", flush=True)
    if not python.exists():
        _call([sys.executable, "-m", "venv", str(directory)])
    for step in steps:
        _call([str(python), "-m", "pip", "install", "--quiet", *step])
    stamp.write_text(pins)
    return python


def ensure_jax() -> Path:
    """See ``ensure``: the environment of the peer that nothing else needs."""
    return ensure(HERE / ".venv" / "jax", JAX_STEPS)


def _pins(steps: Sequence[list[str]]) -> str:
    files = [Path(step[-1]).read_bytes() for step in steps if "-r" in step]
    return hashlib.sha256(TORCH.encode() + b"".join(files)).hexdigest()


def _call(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.splitlines() or [f"exit status {done.returncode}"]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        raise EnvironmentFailure(f"'{' '.join(command[1:])}' failed: {reason}")
