"""The whole graph: data -> training -> stores -> notebooks -> verdicts -> report.

    snakemake --cores all                          scale quick, the default
    snakemake --cores all --config scale=paper     another file of config/
    snakemake -n                                   only show what would run

Settings for `--config`: scale (a name, or a YAML file), results (a folder), device (auto, cpu, cuda), engine
(auto, eager, ...: how neurons are run).
Where it runs (this machine, its GPU, a cluster) is a profile's matter: profiles/README.md.
"""

import os

from snakemake.utils import min_version

min_version("9.0")

from workflow import earlier, guards, jobs, plan, terminal

guards.check_options(config)
os.environ[jobs.OWNER] = str(os.getpid())
guards.clear_stale_lock(workflow)
PLAN = plan.make(config, workflow.basedir)
RESULTS = PLAN.results
config |= {"device": PLAN.device, "scale_file": str(PLAN.scale.path)}  # for the scripts
CONDA = f"{workflow.basedir}/environment.yml"  # for documentation: looked at with --sdm conda only
earlier.restore(RESULTS, workflow)
terminal.quieten(workflow)


wildcard_constraints:
    study=r"[A-Za-z0-9_]+",
    group=r"[A-Za-z0-9_]+",
    dataset=r"[A-Za-z0-9_]+",


include: "workflow/rules/data.smk"
include: "workflow/rules/studies.smk"
include: "workflow/rules/evidence.smk"


rule all:
    default_target: True
    input:
        f"{RESULTS}/report/index.html",


localrules:
    all,


onstart:
    guards.hold_lock()
    guards.check_results_folder(RESULTS)
    earlier.keep(RESULTS, workflow)
    terminal.announce(PLAN, workflow)


onsuccess:
    earlier.forget(RESULTS)
    terminal.conclude(PLAN)


onerror:
    earlier.restore(RESULTS, workflow)
    terminal.explain(PLAN, workflow)
