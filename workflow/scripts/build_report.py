"""Judge every claim of every paper, put the papers' numbers beside ours, and write the report."""

import shutil
from pathlib import Path

from workflow import pace
from workflow.jobs import job

with job(snakemake):
    from hnnlib.evidence import report
    from hnnlib.files import written

    given, params, made = snakemake.input, snakemake.params, snakemake.output
    report.build(
        made.report,
        scale={"scale": params.scale, "description": params.description},
        stores=dict(zip(params.studies, given.stores, strict=True)),
        notebooks=dict(zip(params.studies, given.notebooks, strict=True)),
        figures=dict(zip(params.studies, given.figures, strict=True)),
        titles=dict(zip(params.studies, params.titles, strict=True)),
        timings=pace.timings(params.timings),
        benchmarks=given.benchmarks,
        stems=[Path(path).stem for path in given.papers],
        **params.beside,
    )
    for path in map(Path, made.ledger):
        with written(path) as temporary:
            shutil.copyfile(Path(made.report).with_name(path.name), temporary)
