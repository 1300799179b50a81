"""Write the report of a scale."""

from pathlib import Path

from workflow import pace
from workflow.jobs import job

with job(snakemake):
    from hnnlib.evidence import report

    given, params = snakemake.input, snakemake.params
    report.build(
        snakemake.output[0],
        scale={"scale": params.scale, "description": params.description},
        stores=dict(zip(params.studies, given.stores, strict=True)),
        references={Path(path).stem: path for path in given.references},
        figures=dict(zip(params.studies, given.figures, strict=True)),
        reference_figures={Path(path).name: path for path in given.reference_figures},
        notebooks=dict(zip(params.studies, given.notebooks, strict=True)),
        titles=dict(zip(params.studies, params.titles, strict=True)),
        timings=pace.timings(params.timings),
        config=params.config,
        tables=given.tables,
        benchmarks=given.benchmarks,
        stems=[Path(path).stem for path in given.papers],
    )
