"""Judge every claim of every paper, and put the papers' numbers beside ours."""

from pathlib import Path

from workflow.jobs import job

with job(snakemake):
    from hnnlib import store
    from hnnlib.evidence import ledger, papers

    given, made = snakemake.input, snakemake.output
    paths = zip(snakemake.params.studies, given.stores, strict=True)
    stores = {study: store.open(path) for study, path in paths}
    stems = [Path(path).stem for path in given.papers]
    weighed = ledger.weigh({stem: papers.load(stem) for stem in stems}, stores)
    files = (made.claims, made.comparison, made.readings, made.ledger)
    ledger.write(weighed, *map(Path, files))
