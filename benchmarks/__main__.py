"""``python -m benchmarks``: a training step here and in the peers, interleaved, on the CPU."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

from benchmarks import OURS, PEERS, TASKS, environment, measure, report

RESULTS = environment.ROOT / "benchmarks" / "results"


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--threads", type=_positive, default=1, help="torch threads a process (default 1)")
    add("--rounds", type=_positive, default=7, help="rounds that count (default 7)")
    add("--warmup", type=_positive, default=2, help="rounds before them (default 2)")
    add("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    add("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    add("--engine", default="eager", help="engine of hnnlib (default eager)")
    add("--python", type=Path, help="interpreter that has the peers, not benchmarks/.venv")
    add("--tiny", action="store_true", help="test-size networks: tries the machinery, no more")
    add("--name", help="of the results files; without one, only a whole benchmark is written")
    return parser.parse_args(given)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _name(options: argparse.Namespace) -> str | None:
    """Name of the results files, dateless so that a run replaces the last; None: don't write."""
    whole = (
        not options.tiny and set(options.tasks) == set(TASKS) and set(options.peers) == set(PEERS)
    )
    default = f"cpu-{options.threads}-thread{'' if options.threads == 1 else 's'}"
    default += "" if options.engine == "eager" else f"-{options.engine}"
    return options.name or (default if whole and options.rounds >= 7 else None)


def _describe(worker: measure.Worker) -> dict[str, Any]:
    try:
        return worker.ask("describe")
    except measure.WorkerFailure as failure:
        print(f"{worker.library} does not start: {failure}", file=sys.stderr)
        return {"error": str(failure)}


def _run(options: argparse.Namespace, python: Path) -> dict[str, Any]:
    """All measurements, and what they were made with."""
    libraries = [OURS, *options.peers]
    with contextlib.ExitStack() as stack:
        workers = {
            name: measure.Worker(name, python, options.threads, options.engine)
            for name in libraries
        }
        for worker in workers.values():
            stack.callback(worker.close)
        results: dict[str, Any] = {
            "rounds": options.rounds,
            "warmup": options.warmup,
            "threads": options.threads,
            "engine": options.engine,
            "machine": report.machine(),
            "commit": report.commit(),
            "libraries": {name: _describe(worker) for name, worker in workers.items()},
            "tasks": [],
        }
        for task in options.tasks:
            timed = measure.measure(
                workers, task, options.rounds, options.warmup, options.tiny, print
            )
            results["tasks"].append(timed)
            print(f"\n{report.plain(timed)}\n", flush=True)
    return results


def main(given: list[str] | None = None) -> int:
    """Exit status: 0 if hnnlib was timed, 1 if not."""
    options = _arguments(given)
    try:
        python = options.python or environment.ensure()
    except environment.EnvironmentFailure as failure:
        print(failure, file=sys.stderr)
        return 1
    results = _run(options, python)
    name = _name(options)
    for path in report.write(results, RESULTS, name) if name else ():
        print(f"written: {path.relative_to(environment.ROOT)}")
    return int(any(task["libraries"][OURS]["error"] is not None for task in results["tasks"]))


if __name__ == "__main__":
    raise SystemExit(main())
