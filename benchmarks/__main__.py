"""``python -m benchmarks``: a training step here and in the peers, interleaved."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import (
    EPOCH,
    JAX,
    LIBRARIES,
    OURS,
    PEERS,
    STUDIES,
    STUDY_PEERS,
    SUITES,
    TASKS,
    claim,
    environment,
    machine,
    measure,
    report,
    suites,
    tasks,
)

RESULTS = environment.ROOT / "benchmarks" / "results"


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--suite", choices=SUITES, default="tasks", help="what to measure (default tasks)")
    add("--threads", type=_positive, default=1, help="torch threads a process (default 1)")
    add("--rounds", type=_positive, help="rounds that count (default 7, 5 or 3 by suite)")
    add("--warmup", type=_positive, help="rounds before them (default 2, 1 or 1)")
    add("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    add("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    add("--engine", default="auto", help="engine of hnnlib (default auto)")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    add("--python", type=Path, help="interpreter that has the peers, not benchmarks/.venv")
    add(
        "--jax",
        type=Path,
        nargs="?",
        const=Path(),
        help="beside JAX, too: an interpreter that has it, or nothing for benchmarks/.venv/jax",
    )
    add("--tiny", action="store_true", help="small networks, few points: tries the machinery")
    add("--name", help="of the results files; without one, only a whole benchmark is written")
    options = parser.parse_args(given)
    rounds, warmup = suites.ROUNDS[options.suite]
    options.rounds, options.warmup = options.rounds or rounds, options.warmup or warmup
    if options.suite == STUDIES:
        options.peers = ["torch", *options.peers]
    options.peers = [peer for peer in _asked(options.suite) if peer in options.peers]
    if options.jax and options.device == "cpu" and options.suite not in (EPOCH, STUDIES):
        options.peers.append(JAX)
    return options


def _asked(suite: str) -> Sequence[str]:
    """Peers that a suite has networks of."""
    return {EPOCH: LIBRARIES, STUDIES: STUDY_PEERS}.get(suite, PEERS)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _name(options: argparse.Namespace) -> str | None:
    """Name of the results files, dateless so that a run replaces the last; None: don't write."""
    whole = (
        not options.tiny
        and set(options.tasks) == set(TASKS)
        and set(options.peers) >= set(_asked(options.suite))
        and options.rounds >= suites.ROUNDS[options.suite][0]
    )
    words = ["cuda"]
    if options.device == "cpu":
        words = ["cpu", str(options.threads), "thread" if options.threads == 1 else "threads"]
    words += [options.suite] if options.suite != "tasks" else []
    words += [options.engine] if options.engine != "auto" else []
    return options.name or ("-".join(words) if whole else None)


def _start(library: str, options: argparse.Namespace, python: Path) -> measure.Worker:
    python = options.jax if library == JAX else python
    return measure.Worker(library, python, options.threads, options.engine, options.device)


def _describe(library: str, options: argparse.Namespace, python: Path) -> dict[str, Any]:
    worker = _start(library, options, python)
    try:
        return worker.ask("describe")
    except measure.WorkerFailure as failure:
        print(f"{library} does not start: {failure}", file=sys.stderr)
        return {"error": str(failure)}
    finally:
        worker.close()


def _run(options: argparse.Namespace, python: Path) -> dict[str, Any]:
    """All measurements, and what they were made with; none where hnnlib itself doesn't start."""
    libraries = {name: _describe(name, options, python) for name in (OURS, *options.peers)}
    # on several threads CPU time adds them up, and it doesn't know what a GPU does
    clock = "cpu" if options.device == "cpu" and options.threads == 1 else "wall"
    gpu = {key: libraries[OURS][key] for key in ("gpu",) if key in libraries[OURS]}
    given = {
        key: getattr(options, key)
        for key in ("suite", "device", "rounds", "warmup", "threads", "engine")
    }
    results: dict[str, Any] = given | {
        "clock": clock,
        "machine": machine.machine() | gpu,
        "commit": machine.commit(),
        "libraries": libraries,
        "tasks": [],
    }
    if "error" in libraries[OURS]:
        return results
    bench = suites.Bench(
        start=lambda library: _start(library, options, python),
        peers=options.peers,
        names=options.tasks,
        rounds=options.rounds,
        warmup=options.warmup,
        tiny=options.tiny,
        clock=clock,
        tell=print,
    )
    for point in suites.run(options.suite, bench):
        results["tasks"].append(point)
        print(f"\n{report.plain(point, options.suite, clock)}\n", flush=True)
    return results


def _missing(options: argparse.Namespace) -> str:
    """Why the recordings that a suite reads can't be had; empty where they can.

    Looked up here once, also to download them once; every process reads them for itself.
    """
    if options.suite != EPOCH:
        return ""
    from hnnlib.datasets import registry  # costs seconds that the other suites don't need
    from hnnlib.errors import DataError

    try:
        registry.load(tasks.get(EPOCH, options.tiny).data)
    except DataError as reason:
        return f"the suite {EPOCH} can't be measured: {reason}"
    return ""


def main(given: list[str] | None = None) -> int:
    """Exit status: 0 if hnnlib was timed, 1 if not."""
    options = _arguments(given)
    if missing := _missing(options):
        print(missing, file=sys.stderr)
        return 1
    try:
        python = options.python or environment.ensure()
        if options.jax == Path():
            options.jax = environment.ensure_jax()
    except environment.EnvironmentFailure as failure:
        print(failure, file=sys.stderr)
        return 1
    results = _run(options, python)
    if not results["tasks"]:
        print(f"nothing was measured in the suite {options.suite}", file=sys.stderr)
        return 1
    name = _name(options)
    for path in report.write(results, RESULTS, name) if name else ():
        print(f"written: {path.relative_to(environment.ROOT)}")
    if name and options.suite == "sizes":
        claim.update(RESULTS)
    return int(any(task["libraries"][OURS]["error"] is not None for task in results["tasks"]))


if __name__ == "__main__":
    raise SystemExit(main())
