"""Train one group of a study; goes on from the checkpoints of an interrupted job."""

from pathlib import Path

from workflow.jobs import job

with job(snakemake) as terminal:
    import yaml

    from hnnlib import studies
    from hnnlib.files import read_text
    from hnnlib.studies import running

    # the file was checked as a whole at the start; checking it again would import every study
    file = Path(snakemake.config["scale_file"])
    study, group = snakemake.wildcards.study, snakemake.wildcards.group
    section = yaml.safe_load(read_text(file))["studies"][study]
    running.train_group(
        study,
        group,
        studies.get(study).Settings.model_validate(section),
        scale=file.stem,
        out=Path(snakemake.output[0]),
        checkpoints=Path(snakemake.params.checkpoints),
        device=snakemake.config["device"],
        engine=snakemake.params.engine,
        threads=snakemake.threads,
        progress=terminal.progress,
    )
