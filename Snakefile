"""The whole graph: data -> training -> stores -> notebooks -> verdicts -> report.

    snakemake --cores all                          scale quick, the default
    snakemake --cores all --config scale=paper     another file of config/
    snakemake -n                                   only show what would run

Settings for `--config`: scale (a name, or a YAML file), results (a folder), device (auto, cpu, cuda), engine
(auto, eager, ...: how neurons are run), force (true: however long it takes).
Where it runs (this machine, its GPU, a cluster) is a profile's matter: profiles/README.md.
"""

import sys

from snakemake.utils import min_version

min_version("9.0")
sys.path.insert(0, workflow.basedir)  # before any other package that is called workflow

from workflow import before, earlier, guards, jobs, lock, pace, plan, terminal

OPTIONS = guards.options(config, workflow.config_settings.config_args or ())
jobs.prepare(workflow.basedir)
PLAN = plan.make(OPTIONS, workflow.basedir)
RESULTS = PLAN.results
if workflow.nodes is None:  # jobs run here
    guards.check_gpu(PLAN.device, PLAN.engine)
config |= {"device": PLAN.device, "scale_file": PLAN.scale_file}  # for the scripts
CONDA = f"{workflow.basedir}/environment.yml"  # for documentation: looked at with --sdm conda only
PACE = pace.Pace(PLAN, workflow)
LOCK = lock.Lock(RESULTS)
terminal.quieten(workflow, PACE, LOCK)
before.graph(workflow, PLAN, LOCK, PACE)


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
    guards.check_results_folder(RESULTS)
    earlier.keep(RESULTS, workflow)
    PACE.start()
    terminal.announce(PLAN, workflow, PACE)


onsuccess:
    earlier.forget(RESULTS)
    terminal.conclude(PLAN, workflow)


onerror:
    earlier.restore(RESULTS)
    terminal.explain(PACE, workflow)
