"""Train one group of a study; goes on from the checkpoints of an interrupted job."""

from pathlib import Path

from workflow.jobs import job

with job(snakemake) as terminal:
    from hnnlib import config, studies
    from hnnlib.studies import running

    scale = config.load_scale(snakemake.config["scale_file"], studies.settings_classes())
    study, group = snakemake.wildcards.study, snakemake.wildcards.group
    running.train_group(
        study,
        group,
        scale.studies[study],
        scale=scale.scale,
        out=Path(snakemake.output[0]),
        checkpoints=Path(snakemake.params.checkpoints),
        device=snakemake.config["device"],
        engine=snakemake.params.engine,
        threads=snakemake.threads,
        progress=terminal.progress,
    )
