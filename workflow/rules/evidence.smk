"""Stores become figures, verdicts and the report."""


localrules:
    build_report,


rule execute_notebook:
    input:
        notebook=lambda wildcards: PLAN.notebook(wildcards.study),
        store=f"{RESULTS}/{{study}}.nc",
        page=PLAN.page,
    output:
        notebook=f"{RESULTS}/notebooks/{{study}}.ipynb",
        page=f"{RESULTS}/notebooks/{{study}}.html",
        figures=directory(f"{RESULTS}/figures/{{study}}"),
    log:
        f"{RESULTS}/logs/execute_notebook/{{study}}.log",
    benchmark:
        f"{RESULTS}/timings/execute_notebook/{{study}}.tsv"
    conda:
        CONDA
    params:
        code=lambda wildcards: PLAN.sections[wildcards.study].notebook,
        title=lambda wildcards: PLAN.sections[wildcards.study].title,
    script:
        "../scripts/execute_notebook.py"


# the same of the reference stores, on demand: once drawn, the report shows them beside a run's own
use rule execute_notebook as draw_reference with:
    input:
        notebook=lambda wildcards: PLAN.notebook(wildcards.study),
        store=PLAN.path("results/reference/{study}.nc"),
        page=PLAN.page,
    output:
        notebook=PLAN.path("results/reference/notebooks/{study}.ipynb"),
        page=PLAN.path("results/reference/notebooks/{study}.html"),
        figures=directory(PLAN.path("results/reference/figures/{study}")),
    log:
        PLAN.path("results/reference/logs/{study}.log"),
    benchmark:
        PLAN.path("results/reference/timings/{study}.tsv")


rule reference_figures:
    input:
        [PLAN.path(f"results/reference/figures/{study}") for study in PLAN.studies],


rule weigh_evidence:
    input:
        papers=PLAN.papers(),
        stores=list(PLAN.stores().values()),
    output:
        claims=f"{RESULTS}/claims.csv",
        comparison=f"{RESULTS}/comparison.csv",
        readings=f"{RESULTS}/readings.csv",
        ledger=f"{RESULTS}/claims.json",
    log:
        f"{RESULTS}/logs/weigh_evidence.log",
    conda:
        CONDA
    params:
        code=PLAN.code["evidence"],
        studies=PLAN.studies,
    script:
        "../scripts/weigh_evidence.py"


rule build_report:
    input:
        stores=list(PLAN.stores().values()),
        references=PLAN.references(),
        notebooks=[f"{RESULTS}/notebooks/{study}.html" for study in PLAN.studies],
        figures=[f"{RESULTS}/figures/{study}" for study in PLAN.studies],
        reference_figures=PLAN.reference_figures(),
        papers=PLAN.papers(),
        templates=PLAN.templates(),
        tables=rules.weigh_evidence.output,
        benchmarks=PLAN.benchmarks(),
    output:
        f"{RESULTS}/report/index.html",
    log:
        f"{RESULTS}/logs/build_report.log",
    conda:
        CONDA
    params:
        code=PLAN.code["report"],
        studies=PLAN.studies,
        titles=[section.title for section in PLAN.sections.values()],
        scale=PLAN.scale,
        # as functions: braces in texts would be taken for wildcards
        description=lambda _: PLAN.description,
        config=lambda _: PLAN.scale_file,
        timings=f"{RESULTS}/timings",
    script:
        "../scripts/build_report.py"
