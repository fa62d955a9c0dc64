"""A small patient of boxes, and the real data where there is any."""

from dataclasses import dataclass

import numpy as np
import pytest
import SimpleITK as sitk


@dataclass
class Patient:
    """CT, MR and CT labels with three box vertebrae L1-L3 stacked along z, L1 on top."""

    ct: sitk.Image
    mr: sitk.Image
    labels: sitk.Image
    centers: dict[int, np.ndarray]


def placed(array, like=None, spacing=(2.0, 2.0, 3.0), origin=(-40.0, -30.0, -60.0)):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    if like is not None:
        image.CopyInformation(like)
    return image


@pytest.fixture
def patient() -> Patient:
    rng = np.random.default_rng(0)
    labels = np.zeros((40, 40, 40), np.uint8)
    for number, z in ((22, 5), (21, 16), (20, 27)):
        labels[z : z + 8, 14:26, 14:26] = number
    body = np.zeros(labels.shape, bool)
    body[:, 4:36, 4:36] = True
    noise = rng.normal(0, 15, labels.shape)
    ct = np.where(labels > 0, 300.0, np.where(body, 40.0, -1000.0)) + noise
    mr = np.where(labels > 0, 150.0, np.where(body, 400.0, 5.0)) + np.abs(noise)
    image = placed(labels)
    centers = {
        n: np.array(image.TransformContinuousIndexToPhysicalPoint((19.5, 19.5, z + 3.5)))
        for n, z in ((22, 5), (21, 16), (20, 27))
    }
    return Patient(placed(ct.astype(np.int16)), placed(mr.astype(np.int16)), image, centers)
