"""Train every group of every study, and join the groups of a study into its store."""


rule train_group:
    input:
        lambda wildcards: PLAN.data_checks(wildcards.study),
    output:
        f"{RESULTS}/runs/{{study}}/{{group}}.nc",
    log:
        f"{RESULTS}/logs/train_group/{{study}}/{{group}}.log",
    benchmark:
        f"{RESULTS}/timings/train_group/{{study}}/{{group}}.tsv"
    # what takes longest goes first: a figure can be drawn beside the last training, not before it
    priority: 1
    conda:
        CONDA
    threads: 1
    resources:
        gpu=1 if guards.uses_gpu(PLAN.device) else 0,
    params:
        relevant=lambda wildcards: PLAN.sections[wildcards.study].groups[wildcards.group],
        code=lambda wildcards: PLAN.sections[wildcards.study].code[wildcards.group],
        engine=PLAN.engine,
        checkpoints=f"{RESULTS}/checkpoints/{{study}}/{{group}}",
    script:
        "../scripts/train_group.py"


rule collect_study:
    input:
        lambda wildcards: PLAN.runs(wildcards.study),
    output:
        f"{RESULTS}/{{study}}.nc",
    log:
        f"{RESULTS}/logs/collect_study/{{study}}.log",
    benchmark:
        f"{RESULTS}/timings/collect_study/{{study}}.tsv"
    conda:
        CONDA
    params:
        settings=lambda wildcards: PLAN.sections[wildcards.study].settings,
        groups=lambda wildcards: PLAN.sections[wildcards.study].groups,
        code=lambda wildcards: PLAN.sections[wildcards.study].collecting,
    script:
        "../scripts/collect_study.py"
