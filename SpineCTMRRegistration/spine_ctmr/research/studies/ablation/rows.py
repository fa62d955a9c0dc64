"""Rows and columns of the ablation's table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

BASELINE = "jian_baseline"
UNTRAINED = "untrained"
LABELS = {
    "initial": "Initial",
    "staring": "Staring (elastix)",
    UNTRAINED: "network before training",
    BASELINE: "baseline",
    "jian_nmi": "baseline, NMI",
    "jian_pc": "pc",
    "jian_oc": "oc",
    "jian_rigid_dice": "rigid dice",
    "jian_rigid_field": "rigid field",
    "jian_pc_oc": "pc + oc",
    "jian_pc_rigid_dice": "pc + rigid dice",
    "jian_pc_rigid_field": "pc + rigid field",
    "jian_volume": "volume",
    "synthetic_truth": "ours: network, same budget",
    "polyrigid": "ours: polyrigid",
    "full": "ours: full",
}
COLUMNS = {
    "dsc": "DSC",
    "rigid_dsc": "rigid DSC",
    "rigid_deviation_mm": "not rigid, mm",
    "volume_percent": "%Δvol",
    "properness": "PC",
    "folds": "folds",
    "sd_log_j": "SDlogJ",
    "sd_log_j_learn2reg": "SDlogJ, paper's variant",
    "bone_mm": "bone, mm",
    "soft_mm": "soft tissue, mm",
    "seconds": "time, s",
}
Rows = Mapping[str, Mapping[str, NDArray[np.float64]]]
"""Values over the test patients, by row and measure."""
