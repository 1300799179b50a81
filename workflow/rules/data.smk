"""Every data set is found, or downloaded, and verified before any training starts."""


localrules:
    check_data,


rule check_data:
    output:
        f"{RESULTS}/data/{{dataset}}.json",
    log:
        f"{RESULTS}/logs/check_data/{{dataset}}.log",
    conda:
        CONDA
    params:
        files=lambda wildcards: plan.data_state(wildcards.dataset),
    script:
        "../scripts/check_data.py"
