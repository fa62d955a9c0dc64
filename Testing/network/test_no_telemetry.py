"""Nothing is reported to anyone: onnxruntime leaves no number of the computer in the home folder."""

import os
import subprocess
import sys


def test_onnxruntime_writes_nothing_at_home(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    program = "import spine_ctmr, onnxruntime"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
