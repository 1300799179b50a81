"""What the measurements were made with: processor, system, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.environment import ROOT

__all__ = ["commit", "machine"]


def machine() -> dict[str, Any]:
    """Cores this process may use, processor and system; no names of hosts or users."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": cores,
        "cpu": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    about = {key.strip(): value.strip() for key, value in pairs}
    if "model name" not in about:
        return platform.processor() or platform.machine()
    # virtual machines hide the full name; family and model tell the generation
    return f"{about['model name']} (family {about['cpu family']}, model {about['model']})"


def commit() -> str:
    """Commit of the repository, with ``-dirty`` where files differ from it; ``unknown`` without."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
