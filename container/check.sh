#!/bin/sh
# Fails unless the program starts, finds the network's weights and can run cohorts; needs no network.
set -eu
spine-ctmr --version
/opt/spine-ctmr/bin/python -c '
import snakemake
from spine_ctmr.network.bundle import bundled_network_directory
weights = sorted(path.name for path in bundled_network_directory().glob("*.onnx"))
assert weights, "no weights"
print("weights:", ", ".join(weights))'
