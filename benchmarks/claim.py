"""What the README says about speed, and at which sizes: from the results of the suite ``sizes``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import BY_HAND, JAX, LIBRARIES
from benchmarks.environment import ROOT

__all__ = ["text", "update"]

BEGIN = "<!-- results of python -m benchmarks --suite sizes -->"
END = "<!-- end of speed -->"
_OTHERS = {
    "best library": LIBRARIES,
    "pass by hand": (BY_HAND,),
    "step in jitted JAX": (JAX,),
}
_NOISE = 0.05  # ratios nearer to 1 say nothing


def update(folder: Path) -> None:
    """Write the part of the README anew, which ``python -m benchmarks.claim`` does, too."""
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}\n{text(folder)}\n{END}{after}", "utf-8")


def text(folder: Path) -> str:
    """A sentence and a table for every file of the suite, on one thread first."""
    files = sorted(folder.glob("cpu-*-sizes.json"))
    found = [json.loads(path.read_text("utf-8")) for path in files]
    return "\n\n".join(part for one in found for part in (_sentence(one), _table(one)))


def _sentence(one: Mapping[str, Any]) -> str:
    threads, clock = one["threads"], {"cpu": "processor", "wall": "wall"}[one["clock"]]
    where = (
        f"{threads} thread{'s' * (threads > 1)}, {one['machine']['cpu']}, commit {one['commit']}"
    )
    busy = ", on a busy machine" * ((one["core_share"] or 1) < 0.9)
    said = [f"against the {name} {_holds(one, peers)}" for name, peers in _OTHERS.items()]
    return (
        f"Ratios of {clock} times of a training step ({where}{busy}): above 1, hnnlib is faster. "
        f"It is, {'; '.join(said)}."
    )


def _holds(one: Mapping[str, Any], peers: Sequence[str]) -> str:
    """At which of the sizes ours is faster, and by how much."""
    ratios = {part["task"]: _ratio(part, peers, one["clock"]) for part in one["summary"]}
    known = {task: ratio for task, ratio in ratios.items() if ratio is not None}
    faster = [ratio for ratio in known.values() if ratio > 1 + _NOISE]
    others = [f"{task} ({ratio:.2f})" for task, ratio in known.items() if ratio <= 1 + _NOISE]
    if not known:
        return "not measured"
    but = f" but for {' and '.join(others)}" if others else ""
    if not faster:
        return "nowhere faster"
    return f"faster at every size{but}, {min(faster):.1f} to {max(faster):.1f} times"


def _table(one: Mapping[str, Any]) -> str:
    head = ["network, size", "ms a step", *_OTHERS]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for part in one["summary"]:
        ours = next(row for row in part["rows"] if row["library"] == "hnnlib")[one["clock"]]
        ratios = [_ratio(part, peers, one["clock"]) for peers in _OTHERS.values()]
        cells = ["-" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
        lines.append([part["task"], f"{1000 * ours:.1f}", *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _ratio(part: Mapping[str, Any], peers: Sequence[str], clock: str) -> float | None:
    """Time of the fastest of some peers over ours; None where none was measured."""
    rows = [row for row in part["rows"] if row["library"] in peers and row[f"{clock}_ratio"]]
    return min((row[f"{clock}_ratio"]["median"] for row in rows), default=None)


if __name__ == "__main__":
    update(ROOT / "benchmarks" / "results")
