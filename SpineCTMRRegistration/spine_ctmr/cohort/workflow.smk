"""Registers every patient without a stamp into a folder of its own; read by Snakemake 9, started by `spine-ctmr cohort`.

Configuration: `cohort`, with `table`, the path of the table or BIDS folder; `program`, how `spine-ctmr` is started;
`options`, words for its `register`.
"""

from pathlib import Path

from spine_ctmr.cohort.patients import read_patients
from spine_ctmr.cohort.resources import memory_mb, minutes
from spine_ctmr.cohort.stamp import stamp

PATIENTS = {patient.case: patient for patient in read_patients(Path(config["cohort"]["table"]))}


def of(wildcards):
    return PATIENTS[wildcards.case]


rule all:
    input:
        expand("registered/{case}", case=PATIENTS),


rule register:
    output:
        "registered/{case}",
    log:
        "logs/{case}.log",
    params:
        words=lambda wildcards: of(wildcards).words,
        stamp=lambda wildcards: stamp(of(wildcards)),
        program=lambda wildcards: config["cohort"]["program"],
        options=lambda wildcards: config["cohort"]["options"],
    wildcard_constraints:
        case="[^/]+",
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: memory_mb(of(wildcards).vertebra_count, attempt),
        runtime=lambda wildcards, attempt: minutes(of(wildcards).vertebra_count, attempt),
    shell:
        # 3: registered, failed its own checks, kept and marked
        "({params.program:q} register {params.words:q} {params.options:q} --case {wildcards.case:q}"
        " --threads {threads} --output patients/{wildcards.case:q} --overwrite --progress none"
        " > {log:q} 2>&1 || [ $? -eq 3 ]) && printf %s {params.stamp} > {output:q}"
