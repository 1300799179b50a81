"""Command line of the library, for machines without Snakemake: ``python -m hnnlib --help``."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hnnlib.errors import HnnError, counted, plain
from hnnlib.files import FULL, name_fault

if TYPE_CHECKING:
    from hnnlib.config import Scale

__all__ = ["main"]

MOST_THREADS = 10_000


def main(words: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 with one sentence on standard error otherwise."""
    arguments = _parser().parse_args(words)
    # torch's waiting threads would spin on the cores that the engine's own threads need; read when
    # torch is imported, which the commands do
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    for habit in ("NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS"):  # kernels are compiled, for one thread
        os.environ.pop(habit, None)
    try:
        arguments.command(arguments)
    except HnnError as error:
        return _end(str(error))
    except OSError as error:
        more = "; free some space and run again" * (error.errno in FULL)
        return _end(f"{error.strerror or error}: {error.filename or 'standard output'}{more}")
    except KeyboardInterrupt:
        return _end("interrupted: the same command goes on from here", 130)
    return 0


def _end(sentence: str, code: int = 1) -> int:
    """Say why on standard error, unless nobody reads that either."""
    with contextlib.suppress(OSError):
        print(f"error: {plain(sentence)}", file=sys.stderr, flush=True)
    return code


def _say(line: str) -> None:
    """A line on standard output, words from outside shown as they are; when its reader went away
    (``| head``), the work goes on.
    """
    try:
        print(plain(line), flush=True)
    except OSError:
        # what is still buffered, too, would be said at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hnnlib", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run", help="train a study and write its result store; goes on where it was interrupted"
    )
    run.add_argument("study")
    run.add_argument(
        "--scale", default="quick", help="name of a file in config/, or a path (default: quick)"
    )
    run.add_argument("--out", type=Path, required=True, help="the result store to write (.nc)")
    run.add_argument(
        "--group",
        action="append",
        help="train only this group (may be repeated); no store is written",
    )
    run.add_argument("--device", help="auto, cpu or cuda (default: as the scale says)")
    run.add_argument("--engine", default="auto", help="how neurons are run (default: the fastest)")
    run.add_argument(
        "--threads", type=int, default=_cores(), help="processor threads (default: all)"
    )
    run.set_defaults(command=_run)

    summarise = commands.add_parser(
        "summarise", help="compute a result store's summaries anew; what was trained stays"
    )
    summarise.add_argument("store", type=Path)
    summarise.set_defaults(command=_summarise)

    data = commands.add_parser("data", help="list the data sets, or fetch and check some")
    data.add_argument("name", nargs="*", help="data sets to fetch and check; none: list them")
    data.set_defaults(command=_data)

    prepare = commands.add_parser(
        "prepare", help="compile the CPU kernels now, which the first training does otherwise"
    )
    prepare.set_defaults(command=_prepare)

    check = commands.add_parser("check", help="validate a scale file without running anything")
    check.add_argument("scale")
    check.set_defaults(command=_check)

    compare = commands.add_parser(
        "compare", help="a paper's table beside our runs, with accuracies of your own in it"
    )
    compare.add_argument(
        "csv", nargs="?", help="own runs: columns name, seed, accuracy (percent)", metavar="CSV"
    )
    compare.add_argument("--table", required=True, help="as the paper's file names it, such as 1a")
    compare.add_argument("--paper", help="name of its file in papers/, where several have it")
    compare.add_argument("--store", help="store with its cells (default: the reference store)")
    compare.add_argument("--format", choices=("text", "csv", "latex"), default="text")
    compare.set_defaults(command=_compare)

    readme = commands.add_parser(
        "readme", help="write the README's first screen anew, from the reference stores"
    )
    readme.set_defaults(command=_readme)

    schema = commands.add_parser("schema", help="print the JSON schema of the scale files")
    schema.set_defaults(command=_schema)
    return parser


def _scale(name: str) -> Scale:
    from hnnlib import config, studies

    return config.load_scale(name, studies.settings_classes())


def _run(arguments: argparse.Namespace) -> None:
    from hnnlib import studies
    from hnnlib.errors import ConfigError
    from hnnlib.studies import collecting, running

    if not 1 <= arguments.threads <= MOST_THREADS:
        raise ConfigError(f"--threads {arguments.threads}: give 1 to {MOST_THREADS}")
    if arguments.out.suffix != ".nc":
        raise ConfigError(f"--out {arguments.out}: name a file that ends in .nc")
    if wrong := name_fault(arguments.out.with_suffix(".checkpoints")):
        raise ConfigError(f"--out {str(arguments.out)!r}: {wrong}; name another file")
    if arguments.out.is_dir():
        raise ConfigError(f"--out {arguments.out} is a folder: name a file that ends in .nc")
    studies.get(arguments.study)
    scale = _scale(arguments.scale)
    if arguments.study not in scale.studies:
        raise ConfigError(
            f"scale {scale.scale} has no section for {arguments.study}: add one in config/"
        )
    settings = scale.studies[arguments.study]
    work = arguments.out.with_suffix("")
    runs = {
        name: work.with_name(f"{work.name}.runs") / f"{name}.nc"
        for name in studies.jobs(arguments.study, settings)
    }
    for group in arguments.group or runs:
        running.train_group(
            arguments.study,
            group,
            settings,
            scale=scale.scale,
            out=runs.get(group, work),
            threads=arguments.threads,
            device=arguments.device or scale.device,
            engine=arguments.engine,
            checkpoints=work.with_name(f"{work.name}.checkpoints") / group,
            progress=_say,
        )
    if not arguments.group:
        config = settings.model_dump(mode="json")
        groups = studies.relevant(arguments.study, settings)
        collecting.collect(arguments.study, config, groups, list(runs.values()), arguments.out)
        _say(f"wrote {arguments.out}")


def _summarise(arguments: argparse.Namespace) -> None:
    from hnnlib.studies import collecting

    collecting.summarise(arguments.store)
    _say(f"wrote {arguments.store}")


def _data(arguments: argparse.Namespace) -> None:
    from hnnlib import store
    from hnnlib.datasets import registry

    for name in arguments.name or registry.names():
        if arguments.name:
            source = registry.load(name).source
            kind = store.origin(asdict(source))
            origin = source.note if kind == "unofficial copy" else kind
            _say(f"{name}: {origin}, sha256 {source.sha256[:16]}")
        else:
            _say(name)


def _prepare(arguments: argparse.Namespace) -> None:
    import torch

    from hnnlib import engines
    from hnnlib.datasets.cable import solver

    solver.prepare()
    engines.get("cpu", torch.device("cpu")).prepare(_say)


def _check(arguments: argparse.Namespace) -> None:
    from hnnlib import config, estimates, studies

    scale = _scale(arguments.scale)
    for name, settings in scale.studies.items():
        rate = estimates.rate(config.FOLDER.parent / f"results/reference/{name}.nc")
        hours = rate * estimates.work(settings.model_dump(mode="json")) / 3600
        time = "no estimate of time" if math.isnan(hours) else f"{hours:.2f} hours (estimate)"
        jobs = counted(len(studies.jobs(name, settings)), "training job")
        _say(f"{name}: {jobs}, {time}")


def _compare(arguments: argparse.Namespace) -> None:
    from hnnlib.evidence import own

    found = own.compare(arguments.csv, arguments.table, arguments.paper, arguments.store)
    write = {"text": "to_string", "csv": "to_csv", "latex": "to_latex"}[arguments.format]
    words = {} if arguments.format == "csv" else {"float_format": "%.3g"}
    table = found.table
    if arguments.format == "csv":  # other programs read one line of names
        table = table.set_axis(map(", ".join, table.columns), axis=1).rename_axis("row")
    _say(getattr(table, write)())
    if len(found.tests):
        _say(getattr(found.tests, write)(index=False, **words))
    print(plain(found.note), file=sys.stderr)


def _readme(arguments: argparse.Namespace) -> None:
    from hnnlib.evidence import papers, readme

    project = papers.PAPERS.parent
    readme.update(project)
    _say(f"wrote {project / 'README.md'} and {project / readme.FIGURE}")


def _schema(arguments: argparse.Namespace) -> None:
    from hnnlib import config, studies

    _say(json.dumps(config.schema(studies.settings_classes()), indent=2))


if __name__ == "__main__":
    sys.exit(main())
