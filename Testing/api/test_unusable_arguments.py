"""Arguments of another type than is meant are told in a sentence before anything is computed."""

from __future__ import annotations

from typing import Any

import pytest
import SimpleITK as sitk
import spine_ctmr
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.given_scheme import given_scheme

from .test_moving import Moved

IMAGE = sitk.Image(4, 4, 4, sitk.sitkInt16)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"label_scheme": {1: "L3"}}, "The label scheme is a dict; give text"),
        ({"mr_label_scheme": 5}, "The label scheme is a int; give text"),
        ({"options": {"quality": "fast"}}, "The options are a dict; give RegistrationOptions"),
        ({"case": 5}, "The case is a int; give text"),
    ],
)
def test_register(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=f"^{says}"):
        spine_ctmr.register(IMAGE, IMAGE, IMAGE, **given)


def test_no_label_scheme_is_the_default() -> None:
    assert given_scheme(None) is None


@pytest.mark.parametrize(
    ("landmarks", "says"),
    [
        (["ct.json", "mr.json"], "The landmarks are a list; give "),
        ([("a", (1, 2, 3), (1, 2, 3))], "The landmarks are a list; give "),
        ({"a": 5}, 'no pair of points for "a"'),
        ({"a": (1, 2, 3)}, 'no pair of points for "a"'),
        ({"a": ("x", "y")}, 'no three finite numbers for "a"'),
    ],
)
def test_evaluate(landmarks: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        spine_ctmr.evaluate(Moved(), landmarks=landmarks)
