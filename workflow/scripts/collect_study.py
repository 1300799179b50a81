"""Join the groups of a study into its result store."""

from pathlib import Path

from workflow.jobs import job

with job(snakemake):
    from hnnlib.studies import collecting

    collecting.collect(
        snakemake.wildcards.study,
        snakemake.params.settings,
        snakemake.params.groups,
        [Path(path) for path in snakemake.input],
        Path(snakemake.output[0]),
    )
