"""Judge every claim of every paper, and put the papers' numbers beside ours."""

from pathlib import Path

from workflow.jobs import job

with job(snakemake):
    import pandas as pd

    from hnnlib import store
    from hnnlib.evidence import claims, comparison, papers

    given, made = snakemake.input, snakemake.output
    verdicts, numbers = [], []
    for study, stem, path in zip(snakemake.params.studies, given.papers, given.stores, strict=True):
        paper, dataset = papers.load(Path(stem).stem), store.open(path)
        verdicts.append(claims.to_frame(claims.judge(paper, dataset)).assign(study=study))
        numbers.append(comparison.compare(paper, dataset).assign(study=study))
    for frames, out in ((verdicts, made.claims), (numbers, made.comparison)):
        frame = pd.concat(frames, ignore_index=True)
        frame[["study", *frame.columns.drop("study")]].to_csv(out, index=False)
