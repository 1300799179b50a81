"""Find (or download) and verify one data set, and write where it came from."""

import json
from dataclasses import asdict
from pathlib import Path

from workflow.jobs import job

with job(snakemake) as terminal:
    from hnnlib.datasets import registry
    from hnnlib.files import written

    source = registry.load(snakemake.wildcards.dataset).source
    with written(Path(snakemake.output[0])) as path:
        path.write_text(json.dumps(asdict(source), indent=2) + "\n")
    if not source.official:
        terminal.say(f"not the official files: {source.note}")
