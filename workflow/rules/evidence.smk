"""Stores become figures, verdicts and the report."""

from pathlib import Path

REFERRED = [Path(path).stem for path in PLAN.references()]


localrules:
    build_report,
    build_site,
    site,


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


rule build_report:
    input:
        stores=list(PLAN.stores().values()),
        references=PLAN.references(),
        notebooks=[f"{RESULTS}/notebooks/{study}.html" for study in PLAN.studies],
        figures=[f"{RESULTS}/figures/{study}" for study in PLAN.studies],
        reference_figures=PLAN.reference_figures(),
        papers=PLAN.papers(),
        templates=PLAN.templates(),
        benchmarks=PLAN.benchmarks(),
    output:
        ledger=PLAN.ledger(RESULTS),
        report=f"{RESULTS}/report/index.html",
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
        timings=f"{RESULTS}/timings",
        beside=lambda _: {
            "references": {Path(path).stem: path for path in PLAN.references()},
            "reference_figures": {Path(path).name: path for path in PLAN.reference_figures()},
            "config": PLAN.scale_file,
        },
    script:
        "../scripts/build_report.py"


# the report of the reference stores alone, on demand: a folder that any web server can show
use rule build_report as build_site with:
    input:
        stores=PLAN.references(),
        notebooks=[PLAN.path(f"results/reference/notebooks/{study}.html") for study in REFERRED],
        figures=[PLAN.path(f"results/reference/figures/{study}") for study in REFERRED],
        papers=PLAN.papers(),
        templates=PLAN.templates(),
        benchmarks=PLAN.benchmarks(),
    output:
        ledger=PLAN.ledger("results/reference/ledger"),
        report=PLAN.path("results/reference/report/index.html"),
    log:
        PLAN.path("results/reference/logs/build_site.log"),
    params:
        code=PLAN.code["report"],
        studies=REFERRED,
        titles=[PLAN.sections[study].title for study in REFERRED],
        scale="reference",
        description="",
        timings="results/reference/timings",
        beside={"name": "Reference run"},


rule site:
    input:
        rules.build_site.output.report,
