"""Write the report of a scale."""

import csv
from pathlib import Path

from workflow.jobs import job

with job(snakemake):
    from hnnlib.evidence import report

    given, params = snakemake.input, snakemake.params
    folder = Path(params.timings)
    timings = {}
    for path in sorted(folder.rglob("*.tsv")):
        with path.open() as stream:
            seconds = next(csv.DictReader(stream, delimiter="\t"))["s"]
        timings[str(path.relative_to(folder).with_suffix(""))] = float(seconds)
    report.build(
        snakemake.output[0],
        scale={"scale": params.scale, "description": params.description},
        stores=dict(zip(params.studies, given.stores, strict=True)),
        references={Path(path).stem: path for path in given.references},
        figures=dict(zip(params.studies, given.figures, strict=True)),
        notebooks=dict(zip(params.studies, given.notebooks, strict=True)),
        titles=dict(zip(params.studies, params.titles, strict=True)),
        timings=timings,
        config=params.config,
        benchmarks=given.benchmarks,
    )
