"""A native writer that fails tells the system's reason."""

import os
import subprocess
import sys

import pytest

WRITE = """
import sys
import SimpleITK as sitk
from pathlib import Path
from spine_ctmr.process.explanation import explain
from spine_ctmr.process.writing import written
path = Path(sys.argv[1]) / "ct_in_mr.nrrd"
try:
    with written(path):
        sitk.WriteImage(sitk.Image([64, 64, 64], sitk.sitkFloat64), str(path))
except Exception as error:
    print(explain(error, "registration", "use less", path.parent))
"""

WRITE_TRANSFORM = """
import sys
import numpy as np
from pathlib import Path
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.transforms import Displacement
from spine_ctmr.process.explanation import explain
from spine_ctmr.process.writing import written
from spine_ctmr.results.transform_file import write_composite
path = Path(sys.argv[1]) / "mr_to_ct.h5"
field = np.random.default_rng(0).normal(size=(32, 32, 32, 3))
try:
    with written(path):
        write_composite([Displacement(field, Grid((32, 32, 32), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)))], path)
except Exception as error:
    print(explain(error, "registration", "use less", path.parent))
"""


def limit_files() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_largest_file(tmp_path):
    command = [sys.executable, "-c", WRITE, str(tmp_path)]
    said = subprocess.run(command, preexec_fn=limit_files, capture_output=True, text=True, check=True).stdout
    assert "'ct_in_mr.nrrd' is larger than the system allows files to be" in said
    assert "exit_code=1" in said


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_hdf5_prints_nothing_of_its_own(tmp_path):
    command = [sys.executable, "-c", WRITE_TRANSFORM, str(tmp_path)]
    ended = subprocess.run(command, preexec_fn=limit_files, capture_output=True, text=True, check=True)
    assert "'mr_to_ct.h5' is larger than the system allows files to be" in ended.stdout
    assert ended.stderr == ""


def test_success_is_left_alone(tmp_path):
    said = subprocess.run([sys.executable, "-c", WRITE, str(tmp_path)], capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (0, "")
