"""Join the groups of a study into its result store."""

from pathlib import Path

from workflow.jobs import job

with job(snakemake):
    from hnnlib import studies
    from hnnlib.studies import running

    study = snakemake.wildcards.study
    settings = studies.get(study).Settings.model_validate(snakemake.params.settings)
    running.collect(study, settings, [Path(p) for p in snakemake.input], Path(snakemake.output[0]))
