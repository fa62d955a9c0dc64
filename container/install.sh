#!/bin/sh
# Installs this repository, with the network's weights, into /opt/spine-ctmr of a bare Debian 12.
# TORCH_INDEX: where pip finds PyTorch; by default the one without CUDA, a much smaller download.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
export DEBIAN_FRONTEND=noninteractive

apt-get update
apt-get install -y --no-install-recommends python3 python3-venv ca-certificates
rm -rf /var/lib/apt/lists/*

python3 -m venv /opt/spine-ctmr
/opt/spine-ctmr/bin/pip install --no-cache-dir -c "$source/constraints.txt" \
    --extra-index-url "${TORCH_INDEX:-https://download.pytorch.org/whl/cpu}" "$source[cohort]"
ln -sf /opt/spine-ctmr/bin/spine-ctmr /usr/local/bin/spine-ctmr
"$source/container/check.sh"
