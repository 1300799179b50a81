"""The benchmark's own virtual environment, ``benchmarks/.venv``.

torch first, then what the peers import, then the peers without their dependencies: SpikingJelly and
Norse ask for torchvision and torchaudio, which would replace torch by another version and are not
used here. hnnlib isn't installed: the workers run in the repository's root and import the tree.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "EnvironmentFailure", "ensure"]

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
TORCH = "torch==2.13.0"
STEPS = (
    [TORCH],
    ["-r", str(HERE / "requirements-support.txt")],
    ["--no-deps", "-r", str(HERE / "requirements.txt")],
)


class EnvironmentFailure(Exception):
    """The environment couldn't be made; one sentence for people."""


def ensure(directory: Path = HERE / ".venv") -> Path:
    """The environment's Python; makes or completes the environment where the pins have changed.

    Raises:
        EnvironmentFailure: an installation failed.
    """
    python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = directory / "pins.sha256"
    pins = _pins()
    if stamp.exists() and stamp.read_text() == pins and python.exists():
        return python
    print(f"installing the peers into {directory.name}, once; this takes minutes", flush=True)
    if not python.exists():
        _call([sys.executable, "-m", "venv", str(directory)])
    for step in STEPS:
        _call([str(python), "-m", "pip", "install", "--quiet", *step])
    stamp.write_text(pins)
    return python


def _pins() -> str:
    files = (HERE / "requirements-support.txt", HERE / "requirements.txt")
    return hashlib.sha256(
        TORCH.encode() + b"".join(file.read_bytes() for file in files)
    ).hexdigest()


def _call(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.splitlines() or [f"exit status {done.returncode}"]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        raise EnvironmentFailure(f"'{' '.join(command[1:])}' failed: {reason}")
