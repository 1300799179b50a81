"""Every data set of files is found, or downloaded, and verified before what trains on it starts.

Data sets that are generated, or come with a library, are verified where they are used.
"""


localrules:
    check_data,


rule check_data:
    output:
        f"{RESULTS}/data/{{dataset}}.json",
    log:
        f"{RESULTS}/logs/check_data/{{dataset}}.log",
    conda:
        CONDA
    script:
        "../scripts/check_data.py"
