"""Stands for SLURM's commands: jobs run at once on this computer; what became of them is in files.

`fake_slurm.py sbatch …`, `srun`, `sacct`, `squeue`, `scancel`, `sinfo`, `sacctmgr`, `scontrol`. The folder
$FAKE_SLURM holds for every job its number, the command line of its submission and its state. It has no queue,
no nodes, no limits of memory or time, and no network file system.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HOME = Path(os.environ.get("FAKE_SLURM", ""))
VALUED = ("-n", "-c", "-J", "-p", "-A", "-t", "-D", "-N", "-o")
"""Options whose value is the next word."""


def state_of(job: str) -> Path:
    return HOME / f"{job}.state"


def sbatch(words: list[str]) -> int:
    """Start the wrapped command in the background and tell the job's number."""
    number = str(1 + len(list(HOME.glob("*.json"))))
    (HOME / f"{number}.json").write_text(json.dumps(words))
    state_of(number).write_text("RUNNING")
    script = next(word.removeprefix("--wrap=") for word in words if word.startswith("--wrap="))
    log = words[words.index("--output") + 1].replace("%j", number)
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    runner = [sys.executable, __file__, "job", number, script]
    with open(log, "wb") as stream:
        process = subprocess.Popen(
            runner,
            cwd=words[words.index("-D") + 1],
            env={**os.environ, "SLURM_JOB_ID": number, "SLURM_CPUS_PER_TASK": "1"},
            **{"stdin": subprocess.DEVNULL, "stdout": stream, "stderr": stream, "start_new_session": True},
        )
    (HOME / f"{number}.pid").write_text(str(process.pid))
    print(number)
    return 0


def job(words: list[str]) -> int:
    """What a node does."""
    number, script = words
    code = subprocess.run(["/bin/bash", "-c", script], check=False).returncode
    if state_of(number).read_text() == "RUNNING":
        state_of(number).write_text("FAILED" if code else "COMPLETED")
    return code


def srun(words: list[str]) -> int:
    """Run the command that follows the options."""
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in VALUED else words[1:]
    return subprocess.run(words, check=False).returncode


def sacct(words: list[str]) -> int:
    """Tell every job's state, after $FAKE_SACCT_S seconds."""
    time.sleep(float(os.environ.get("FAKE_SACCT_S", "0")))
    for path in HOME.glob("*.state"):
        print(f"{path.stem}|{path.read_text()}")
    return 0


def scancel(words: list[str]) -> int:
    """By number, or `--name` and the name that jobs were submitted with."""
    if words[0] == "--name":
        asked = {path.stem: json.loads(path.read_text()) for path in HOME.glob("*.json")}
        words = [number for number, said in asked.items() if said[said.index("--job-name") + 1] == words[1]]
    for number in words:
        if number.isdigit() and state_of(number).read_text() == "RUNNING":
            state_of(number).write_text("CANCELLED")
            os.killpg(int((HOME / f"{number}.pid").read_text()), signal.SIGKILL)
    return 0


def silent(words: list[str]) -> int:
    return 0


COMMANDS = {
    **{"sbatch": sbatch, "job": job, "srun": srun, "sacct": sacct, "squeue": sacct, "scancel": scancel},
    **{"sinfo": silent, "sacctmgr": silent, "scontrol": silent, "sshare": silent},
}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))
