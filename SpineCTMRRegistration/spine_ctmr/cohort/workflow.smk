"""Registers every patient into a folder of its own; read by Snakemake 9, started by `spine-ctmr cohort`.

Configuration: `table`, the path of the table or BIDS folder; `program`, how `spine-ctmr` is started;
`options`, words for its `register`.
"""

from pathlib import Path

from spine_ctmr.cohort.patients import read_patients
from spine_ctmr.cohort.resources import memory_mb, minutes

PATIENTS = {patient.case: patient for patient in read_patients(Path(config["table"]))}


def of(wildcards):
    return PATIENTS[wildcards.case]


rule all:
    input:
        expand("patients/{case}", case=PATIENTS),


rule register:
    input:
        lambda wildcards: [str(path) for path in of(wildcards).files.values()],
    output:
        directory("patients/{case}"),
    log:
        "logs/{case}.log",
    params:
        words=lambda wildcards: of(wildcards).words,
        program=config["program"],
        options=config["options"],
    wildcard_constraints:
        case="[^/]+",
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: memory_mb(of(wildcards).vertebra_count, attempt),
        runtime=lambda wildcards, attempt: minutes(of(wildcards).vertebra_count, attempt),
    shell:
        # 3: registered, failed its own checks, kept and marked
        "{params.program:q} register {params.words:q} {params.options:q} --case {wildcards.case:q}"
        " --threads {threads} --output {output:q} --progress none > {log:q} 2>&1 || [ $? -eq 3 ]"
