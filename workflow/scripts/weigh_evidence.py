"""Judge every claim of every paper, and put the papers' numbers beside ours."""

from pathlib import Path

from workflow.jobs import job

with job(snakemake):
    import pandas as pd

    from hnnlib import store
    from hnnlib.evidence import claims, comparison, papers

    given, made = snakemake.input, snakemake.output
    paths = zip(snakemake.params.studies, given.stores, strict=True)
    stores = {study: store.open(path) for study, path in paths}
    verdicts, numbers = [], []
    for stem in (Path(path).stem for path in given.papers):
        paper = papers.load(stem)
        verdicts.append(claims.to_frame(claims.judge(paper, stores)).assign(paper=stem))
        numbers.append(comparison.compare(paper, stores).assign(paper=stem))
    for frames, out in ((verdicts, made.claims), (numbers, made.comparison)):
        frame = pd.concat(frames, ignore_index=True)
        frame[["paper", *frame.columns.drop("paper")]].to_csv(out, index=False)
