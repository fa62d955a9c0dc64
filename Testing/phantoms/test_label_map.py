"""A label map taken as anatomy gives back its own labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.phantoms.anatomy import make_anatomy
from spine_ctmr.phantoms.label_map import anatomy_around, measured_spine
from spine_ctmr.phantoms.rendering import bone_labels

REAL = Path(__file__).parents[3] / "shared/data/verse014/sub-verse014_seg-vert_msk.nii.gz"


def _agreement(labels: sitk.Image) -> dict[int, float]:
    """Dice of each vertebra with the label map it came from, on the map's own voxels."""
    grid, array = Grid.of(labels), sitk.GetArrayFromImage(labels)
    anatomy = anatomy_around(np.random.default_rng(0), measured_spine(labels))
    points = torch.tensor(grid.points().reshape(-1, 3), dtype=torch.float32)
    again = bone_labels(anatomy, points).numpy().reshape(array.shape)
    canal = [f.apply(v.canal_center) for v, f in zip(anatomy.vertebrae, anatomy.frames, strict=True)]
    assert not bone_labels(anatomy, torch.tensor(np.array(canal), dtype=torch.float32)).any()
    return {
        n: 2 * float(((array == n) & (again == n)).sum()) / float((array == n).sum() + (again == n).sum())
        for n in np.unique(array[array > 0]).tolist()
    }


@pytest.fixture(scope="module")
def segmented() -> tuple[sitk.Image, np.ndarray]:
    """Labels of three vertebrae on a tilted grid, and their body centres."""
    anatomy = make_anatomy(np.random.default_rng(4), (21, 22, 23))
    tilt = Pose.from_rotation(np.radians([8.0, -5.0, 4.0]), np.zeros(3)).rotation
    corners = [anatomy.centers.min(0) - [55, 35, 50], anatomy.centers.max(0) + np.array([55, 75, 35])]
    grid = Grid.around(corners, (1.2, 1.2, 1.5), 0.0, tilt)
    points = torch.tensor(grid.points().reshape(-1, 3), dtype=torch.float32)
    labels = bone_labels(anatomy, points).numpy().reshape(grid.shape)
    return grid.image(labels), anatomy.centers


def test_a_label_map_gives_back_its_labels(segmented: tuple[sitk.Image, np.ndarray]) -> None:
    agreement = _agreement(segmented[0])
    assert set(agreement) == {21, 22, 23}
    assert min(agreement.values()) > 0.93


def test_body_centres_are_found(segmented: tuple[sitk.Image, np.ndarray]) -> None:
    anatomy = anatomy_around(np.random.default_rng(0), measured_spine(segmented[0]))
    assert np.linalg.norm(anatomy.centers - segmented[1], axis=1).max() < 4
    for frame in anatomy.frames:
        np.testing.assert_allclose(frame.rotation @ frame.rotation.T, np.eye(3), atol=1e-9)
        assert frame.rotation[1, 1] > 0.9  # posterior
        assert np.linalg.det(frame.rotation) == pytest.approx(1)


@pytest.mark.skipif(not REAL.exists(), reason="the real CT labels are not here")
def test_a_real_segmentation_is_an_anatomy() -> None:
    agreement = _agreement(sitk.ReadImage(str(REAL), sitk.sitkUInt8))
    assert len(agreement) == 5
    assert min(agreement.values()) > 0.9


def test_an_empty_map_is_refused() -> None:
    with pytest.raises(InputError, match="holds 0 whole vertebrae"):
        measured_spine(sitk.Image(8, 8, 8, sitk.sitkUInt8))
