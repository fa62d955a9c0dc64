"""What the page calls the methods, and which belong to which paper."""

from __future__ import annotations

from ....imaging.vertebra_names import vertebra_name

TITLES = {
    "initial": "rigid start",
    "vanulsen_us": "van Ulsen US",
    "vanulsen_us_rp": "van Ulsen US-RP",
    "vanulsen_ws": "van Ulsen WS",
    "vanulsen_ws_rp": "van Ulsen WS-RP",
    "cao_dual": "Cao, dual",
    "cao_ct_only": "Cao, CT only",
    "cao_mr_only": "Cao, MR only",
    "avoxelmorph": "AVoxelMorph",
    "acsgregnet_small": "ACSGRegNet, small",
    "affine_mi": "affine, MI (ANTs)",
    "syn_mi": "SyN, MI (ANTs)",
    "matching_2mm": "bundled matching_2mm, alone",
}
FURTHER = {
    "vanulsen_start": "van Ulsen, start",
    "vanulsen_us_": "van Ulsen US, smoothness ",
    "avoxelmorph_level_": "AVoxelMorph of ",
}
"""Trainings that are no columns of a table; the number of the last two follows."""
VANULSEN = {
    "initial": "Rigid",
    "vanulsen_us": "US",
    "vanulsen_us_rp": "US-RP",
    "vanulsen_ws": "WS",
    "vanulsen_ws_rp": "WS-RP",
}
CAO = {
    "initial": "rigid start",
    "affine_mi": "Affine (MI)",
    "syn_mi": "SyN (MI)",
    "cao_ct_only": "CT only",
    "cao_mr_only": "MR only",
    "cao_dual": "Dual",
}
STUDIES = {
    "study1": "AVoxelMorph for every level (study I)",
    "avoxelmorph": "AVoxelMorph (study II)",
    "acsgregnet_small": "ACSGRegNet, small (study III)",
}
LEVELS = {"L5": 24, "L4": 23, "L3": 22}
"""Those of the thesis, by VerSe number."""


def title(name: str) -> str:
    """What the page calls a training."""
    known = {**TITLES, **FURTHER}
    if name in known:
        return known[name]
    stem = name.rstrip("0123456789.")
    number = name.removeprefix(stem)
    return known[stem] + (vertebra_name(int(number)) if stem.endswith("level_") else number)
