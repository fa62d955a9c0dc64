"""A folder of results that was damaged, edited or mixed with another one is explained."""

import json
import shutil

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.results.reader import read_result_folder


def _damage(folder, name):
    path = folder / name
    path.unlink() if name.endswith("json") and "quality" in name else path.write_text("nonsense")


@pytest.mark.parametrize(
    "name", ["run.json", "quality.json", "mr_to_ct.h5", "vertebrae_in_mr.nrrd", "vertebrae/L4.tfm"]
)
def test_a_damaged_folder_is_explained(hand_made, name):
    _damage(hand_made.folder, name)
    with pytest.raises(InputError, match=name.split("/")[-1]) as error:
        read_result_folder(hand_made.folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "rows",
    [
        None,
        [],
        [1],
        [{"number": 23, "flag": "Good"}, {"number": 24, "flag": "good"}],
        [{"number": 23, "flag": "good"}, {"number": 24}],
        [{"number": 23, "flag": "good"}, {"number": 23, "flag": "good"}, {"number": 24, "flag": "good"}],
        [{"number": 99, "flag": "good"}, {"number": 24, "flag": "good"}],
        [{"number": [23], "flag": "good"}, {"number": 24, "flag": ["good"]}],
    ],
)
def test_a_quality_table_that_was_edited_is_explained(hand_made, rows):
    (hand_made.folder / "quality.json").write_text(json.dumps({"vertebrae": rows}))
    with pytest.raises(InputError, match=r"quality\.json is damaged"):
        read_result_folder(hand_made.folder)


def test_poses_of_another_result_are_explained(hand_made):
    poses = hand_made.folder / "vertebrae"
    shutil.copy(poses / "L5.tfm", poses / "L5_copy.tfm")  # passed over
    assert set(read_result_folder(hand_made.folder).poses) == {23, 24}
    shutil.copy(poses / "L5.tfm", poses / "L3.tfm")
    with pytest.raises(InputError, match=r"holds L3, which quality\.json does not list"):
        read_result_folder(hand_made.folder)


@pytest.mark.parametrize("diagonal", [(-1, 1, 1), (1.1, 1.1, 1.1)])
def test_a_pose_that_is_not_rigid_is_explained(hand_made, diagonal):
    affine = sitk.AffineTransform(3)
    affine.SetMatrix(np.diag(diagonal).astype(float).ravel().tolist())
    sitk.WriteTransform(affine, str(hand_made.folder / "vertebrae" / "L5.tfm"))
    with pytest.raises(InputError, match=r"L5\.tfm holds no rigid motion"):
        read_result_folder(hand_made.folder)
