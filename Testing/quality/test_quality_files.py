"""What other software finds in quality.json and quality.csv."""

import csv
import json
import math

import numpy as np
from spine_ctmr.quality.flags import flag_vertebra
from spine_ctmr.quality.privacy import without_paths
from spine_ctmr.quality.quality_files import write_quality_csv, write_quality_json

ROWS = [
    flag_vertebra("L4", 23, visible_share=0.123456789, spread_mm=math.nan, moved_mm=np.float32(1.5)),
    flag_vertebra("L5", 24, visible_share=1.0),
]
KEYS = [
    "name", "number", "flag", "reason", "residual_before", "residual_after",
    "match_ratio", "stretch_mm", "level_ratio", "nmi_before", "nmi_after", "spread_mm",
    "disc_offset_mm", "network_disagreement_mm", "neighbour_disagreement_mm",
    "uncertainty_mm", "uncertainty_deg", "visible_share",
    "label_offset_mm", "label_contrast", "overlap_share", "moved_mm",
    "rotated_deg", "jacobian_mean", "jacobian_sd",
]  # fmt: skip


def test_json(tmp_path):
    overall = {"folding_voxels": np.int64(0), "sd_log_jacobian": np.float32(0.1), "dice": [0.9, math.inf]}
    write_quality_json(tmp_path / "q.json", ROWS, overall, ["CT /data/Doe Jane/ct.nii has thick slices."])
    text = (tmp_path / "q.json").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=lambda name: 1 / 0)
    assert list(content) == ["schema", "verdict", "vertebrae", "overall", "warnings"]
    assert [list(row) for row in content["vertebrae"]] == [KEYS, KEYS]
    first = content["vertebrae"][0]
    assert (first["name"], first["number"], first["flag"]) == ("L4", 23, "do not use")
    assert (first["visible_share"], first["spread_mm"], first["moved_mm"]) == (0.1235, None, 1.5)
    assert content["overall"] == {"folding_voxels": 0, "sd_log_jacobian": 0.1, "dice": [0.9, None]}
    assert "Doe" not in text


def test_csv(tmp_path):
    write_quality_csv(tmp_path / "q.csv", ROWS)
    with (tmp_path / "q.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == KEYS
    assert [row["name"] for row in rows] == ["L4", "L5"]
    assert rows[0]["spread_mm"] == ""
    assert float(rows[0]["visible_share"]) == 0.1235


def test_paths_are_taken_out_and_words_stay():
    for text in (
        "Read /home/Jane Doe/ct.nii.gz twice.",
        r"Read C:\Users\Doe\ct.nrrd twice.",
        'Read "/data/Doe, Jane" twice.',
        "Read scans/Doe_Jane.nii.gz twice.",
        "Read ~/Doe/dicom twice.",
        "Read file:///x/Doe.nrrd twice.",
        "Read scans/Doe_Jane/ct.nii.gz twice.",
    ):
        assert "Doe" not in without_paths(text), text
        assert without_paths(text).startswith("Read "), text
    warning = "/data/Jane Doe/ct labels.nii.gz: L4, L5 cut by the field of view of /data/Jane Doe/ct.nii.gz."
    assert without_paths(warning) == "[file]: L4, L5 cut by the field of view of [file]."
    for text in ("CT/MR fused at 1.0 mm/voxel (L4/L5) in 3 s.", "a / b", "det J = 1.02; 3/5 vertebrae"):
        assert without_paths(text) == text
