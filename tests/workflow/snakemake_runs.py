"""Snakemake as the tests of the workflow run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

__all__ = ["PATIENCE", "ROOT", "command", "contents", "environment", "last_words", "run"]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 900  # seconds


def command(folder: Path, *words: str, project: Path = ROOT, **options: object) -> list[str]:
    settings = [f"{key}={value}" for key, value in options.items()]
    return [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "2",
        "--snakefile",
        str(project / "Snakefile"),
        "--directory",
        str(folder),
        "--workflow-profile",
        str(project / "profiles/default"),
        *words,
        *(["--config", *settings] if settings else []),
    ]


def run(
    folder: Path,
    *words: str,
    data: Path | None = None,
    path: Path | None = None,
    habits: Mapping[str, str] = MappingProxyType({}),
    **options,
) -> tuple[int, str]:
    """Run Snakemake to its end: exit status, and all that it printed."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command(folder, *words, **options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        env=environment(data, path) | habits,
    )
    return done.returncode, done.stdout


def environment(data: Path | None = None, path: Path | None = None) -> dict[str, str]:
    """Variables of a run: a reader's data, and a folder where Python looks for packages first."""
    kept = {k: v for k, v in os.environ.items() if k not in ("HNN_DATA", "PYTHONPATH")}
    given = {"HNN_DATA": data, "PYTHONPATH": path, "PYTHONSAFEPATH": path and 1}
    return kept | {"OMP_NUM_THREADS": "1"} | {k: str(v) for k, v in given.items() if v}


def contents(folder: Path) -> dict[str, bytes]:
    """Result files that readers use, by name."""
    places = ("*.nc", "*.csv", "report/*", "notebooks/*", "figures/*/*")
    found = [path for place in places for path in folder.glob(place) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def last_words(output: str) -> str:
    """The last paragraph that is not about time."""
    text = re.sub(r"Elapsed time: .*", "", output).strip()
    return text.split("\n\n")[-1]
