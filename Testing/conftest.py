"""Settings that must be made before the libraries are loaded."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
