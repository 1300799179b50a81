"""From timings to comparisons: medians of per-round ratios, and whether the same work was done."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import LIBRARIES, OURS

__all__ = [
    "MemberRow",
    "Ratio",
    "Row",
    "best_library",
    "best_peer",
    "break_even",
    "curves",
    "doubts",
    "member_rows",
    "ratio",
    "rows",
]

LOSS_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Ratio:
    """Median and quartiles over rounds of a peer's time over ours; above 1, ours is faster."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One library at one task.

    Attributes:
        cpu, wall: seconds a step, None where it failed.
        cpu_ratio, wall_ratio: its time over that of hnnlib.
        peak: most memory of a process that trains it, MiB; ``imported`` before there is a network.
        remarks: what speaks against the comparison.
    """

    library: str
    cpu: float | None
    wall: float | None
    cpu_ratio: Ratio | None
    wall_ratio: Ratio | None
    peak: float | None
    imported: float | None
    remarks: str


@dataclass(frozen=True)
class MemberRow:
    """A population, or a peer's single network.

    Attributes:
        step: seconds a step of all members; ``each`` is a member's share of it.
        over_one: time of one hnnlib network over ``each``: above 1, the population is faster than
            its members one after another.
        over_peer: the same for the fastest peer's network.
        peak: as in ``Row``.
    """

    library: str
    members: int
    step: float | None
    each: float | None
    over_one: Ratio | None
    over_peer: Ratio | None
    peak: float | None
    remarks: str


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> Ratio | None:
    """Median of each round's ratio, since load that comes and goes hits both sides of a round.

    >>> ratio([2.0, 30.0, 6.0], [1.0, 10.0, 2.0]).median
    3.0
    """
    pairs = list(zip(theirs, ours, strict=False))
    if not pairs:
        return None
    values = [a / b for a, b in pairs]
    if len(values) == 1:
        return Ratio(*values * 3)
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return Ratio(middle, low, high)


def doubts(entry: dict[str, Any], reference: dict[str, Any], learns: bool = True) -> list[str]:
    """What speaks against a comparison: another size, another function, no learning.

    Members of a population differ from the reference by design: only their size is compared.

    Args:
        learns: whether the loss has to fall.
    """
    losses, members, found = entry["losses"], entry["members"], []
    if entry["parameters"] != members * reference["parameters"]:
        found.append(f"{entry['parameters']} parameters, not {members * reference['parameters']}")
    if not all(map(math.isfinite, losses)):
        return [*found, "loss not finite"]
    some = max(1, len(losses) // 10)  # single batches of recordings differ a good deal
    if learns and losses and not sum(losses[-some:]) < sum(losses[:some]):
        found.append("loss did not fall")
    if (
        members == 1
        and losses
        and reference["losses"]
        and not math.isclose(losses[0], reference["losses"][0], rel_tol=LOSS_TOLERANCE)
    ):
        found.append(f"first loss {losses[0]:.4f}, not {reference['losses'][0]:.4f}")
    return found


def rows(point: dict[str, Any]) -> list[Row]:
    """One row a library, hnnlib first."""
    reference = point["libraries"].get(OURS)
    # a variant that a curve needs may have nothing to learn: at a density of 1 all inputs are equal
    learns = point.get("axis") is None
    entries = point["libraries"].items()
    return [_row(name, entry, reference, learns) for name, entry in entries]


def _row(name: str, entry: dict[str, Any], reference: dict[str, Any] | None, learns: bool) -> Row:
    times = [_median(entry[clock]) for clock in ("cpu", "wall")]
    memory = entry.get("memory") or {}
    ratios: list[Ratio | None] = [None, None]
    remarks = _failure(entry, reference)
    if not remarks:
        remarks = "; ".join(doubts(entry, reference, learns))
        ratios = [ratio(entry[clock], reference[clock]) for clock in ("cpu", "wall")]
    return Row(name, *times, *ratios, memory.get("peak"), memory.get("imported"), remarks)


def _failure(entry: dict[str, Any], reference: dict[str, Any] | None) -> str:
    if entry["error"]:
        return f"failed: {entry['error']}"
    missing = reference is None or reference["error"]
    return f"no {OURS} to compare with" if missing else ""


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def best_peer(point: dict[str, Any], clock: str = "cpu", among: Sequence[str] = ()) -> Row | None:
    """The peer that took the least time, by ``cpu`` or ``wall``; of all, or of those named."""
    entries = point["libraries"]
    peers = [row for row in rows(point) if entries[row.library]["library"] != OURS]
    peers = [row for row in peers if not among or row.library in among]
    found = [(getattr(row, f"{clock}_ratio"), row) for row in peers]
    compared = [(value.median, row) for value, row in found if value is not None]
    return min(compared, key=lambda pair: pair[0], default=(None, None))[1]


def best_library(point: dict[str, Any], clock: str = "cpu") -> Row | None:
    """The same of those that are libraries of spiking networks."""
    return best_peer(point, clock, LIBRARIES)


def member_rows(point: dict[str, Any], clock: str) -> list[MemberRow]:
    """A row for every population and every peer's single network, hnnlib's single one first."""
    entries = point["libraries"]
    one = entries[OURS]
    best = best_peer(point, clock)
    peer = entries[best.library] if best else None
    return [_member_row(entry, one, peer, clock) for entry in entries.values()]


def _member_row(
    entry: dict[str, Any], one: dict[str, Any], peer: dict[str, Any] | None, clock: str
) -> MemberRow:
    members, step = entry["members"], _median(entry[clock])
    remarks, over = _failure(entry, one), [None, None]
    if not remarks:
        remarks = "; ".join(doubts(entry, one))
        shares = [seconds / members for seconds in entry[clock]]
        over = [ratio(other[clock], shares) if other else None for other in (one, peer)]
    each = None if step is None else step / members
    peak = (entry.get("memory") or {}).get("peak")
    return MemberRow(entry["library"], members, step, each, *over, peak, remarks)


def curves(points: Sequence[dict[str, Any]], clock: str) -> list[dict[str, Any]]:
    """One curve a task and axis, the task itself among its points.

    Returns:
        task, axis, peer (the one that it is compared with), break_even (``density`` only), and
        ``points`` by rising value: value, ours and theirs (seconds a step), ratio, spike_density,
        remarks.
    """
    found = []
    for task in dict.fromkeys(point["task"] for point in points):
        mine = [point for point in points if point["task"] == task]
        best = best_peer(mine[0], clock)
        peer = best.library if best else None
        for axis in dict.fromkeys(point["axis"] for point in mine if point["axis"]):
            on_axis = [point for point in mine if point["axis"] in (None, axis)]
            line = sorted(
                (_curve_point(point, axis, peer, clock) for point in on_axis),
                key=lambda at: at["value"],
            )
            curve = {"task": task, "axis": axis, "peer": peer, "points": line}
            found.append(curve | ({"break_even": break_even(line)} if axis == "density" else {}))
    return found


def _curve_point(point: dict[str, Any], axis: str, peer: str | None, clock: str) -> dict[str, Any]:
    table = {row.library: row for row in rows(point)}
    theirs = table.get(peer) if peer else None
    said = [row.remarks for row in (table[OURS], theirs) if row and row.remarks]
    return {
        "value": point["sizes"][axis],
        "ours": getattr(table[OURS], clock),
        "theirs": getattr(theirs, clock) if theirs else None,
        "ratio": getattr(theirs, f"{clock}_ratio") if theirs else None,
        "spike_density": point.get("spike_density", []),
        "remarks": "; ".join(dict.fromkeys(said)),
    }


def break_even(points: Sequence[dict[str, Any]]) -> float | None:
    """Value from which on the ratio stays below 1, between two points (both axes logarithmic).

    None where the ratio doesn't fall below 1 for good, and where it is never above.

    >>> half = {"value": 0.5, "ratio": Ratio(0.5, 0.5, 0.5)}
    >>> break_even([{"value": 0.125, "ratio": Ratio(2.0, 2.0, 2.0)}, half])
    0.25
    """
    known = [(at["value"], at["ratio"].median) for at in points if at["ratio"] is not None]
    above = [place for place, (_, value) in enumerate(known) if value >= 1]
    if not above or above[-1] == len(known) - 1:
        return None
    (x0, y0), (x1, y1) = known[above[-1] : above[-1] + 2]
    share = math.log(y0) / math.log(y0 / y1)
    return x0 * (x1 / x0) ** share
