"""Stands for `spine-ctmr`: takes the words of its `register`; what the CT's text says becomes of them.

The CT may be a folder whose `slice` says it.

Its folder appears at once or not at all, as that of the real one does.
"""

import hashlib
import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path

from spine_ctmr.process.staging import staged_directory
from spine_ctmr.results.names import ADDED_LATER


def main() -> int:
    parser = ArgumentParser(allow_abbrev=False)
    parser.add_argument("register", choices=["register"])
    for name in ("ct", "mr"):
        parser.add_argument(name, type=Path)
    for name in ("vertebrae", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("mr-landmarks", "ct-series", "quality", "device", "seed", "threads", "progress", "case"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--overwrite", action="store_true")
    given = parser.parse_args()
    image = given.ct / "slice" if given.ct.is_dir() else given.ct
    kind = image.read_text().split()[0]
    with given.ct.with_name("tries").open("a") as tries:
        tries.write("x")
    while kind == "wait" and not given.ct.with_name("go").exists():
        time.sleep(0.05)
    if kind == "damaged":
        print(f"error: {given.ct} is damaged; export it again.", file=sys.stderr)
        return 2
    flag = {"doubtful": "check", "failed": "do not use"}.get(kind, "good")
    quality = {"verdict": f"L4 is {flag}.", "vertebrae": [{"name": "L4", "flag": flag}]}
    failure = "Nothing fits." if kind == "failed" else None
    run = {
        "options": {"quality": given.quality, "seed": int(given.seed)},
        "network": {"name": "quick", "onnx_sha256": "0", "device": "cpu"},
        "seconds": {"network": 1.5, "vertebrae": 2.0},
        "peak_memory_mb": 700.0,
        "failure": failure,
        "words": sys.argv[1:],
        "token": hashlib.sha256(str(time.time_ns()).encode()).hexdigest(),
    }
    with staged_directory(given.output, given.overwrite, ADDED_LATER) as staging:
        (staging / "quality.json").write_text(json.dumps(quality))
        (staging / "run.json").write_text(json.dumps(run))
    return 3 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
