"""What reads a file as the command does, by what the file is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from spine_ctmr.evaluation.landmark_pairs import read_landmark_pairs
from spine_ctmr.evaluation.measure import evaluate
from spine_ctmr.evaluation.truth_points import read_truth_points
from spine_ctmr.imaging.given_scheme import given_scheme
from spine_ctmr.imaging.read_case import read_case
from spine_ctmr.network.runtime import load_network
from spine_ctmr.research.training.recipe_file import load_recipe
from spine_ctmr.results.reader import read_result_folder
from spine_ctmr.results.sign_off import read_sign_off, require_match
from spine_ctmr.results.stored import read_result

Read = Callable[[Path, Path], object]
"""Given the folder of seeds and the damaged copy of one of its files."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: of the kind.
        files: of the seeds that are damaged, by their paths.
        read: what the command does with it.
        share: how often it is drawn.
        beside: whether the whole folder of the file is copied with it.
    """

    name: str
    files: tuple[str, ...]
    read: Read
    share: int = 1
    beside: bool = False


def _case(seeds: Path, path: Path, role: str) -> None:
    inputs = seeds / "inputs"
    files = {"ct": "ct.nrrd", "mr": "mr.nrrd", "vertebrae": "labels.mha", "mr_landmarks": "landmarks.json"}
    read_case(**{name: inputs / file for name, file in files.items()} | {role: path})


def _pairs(seeds: Path, path: Path) -> None:
    read_landmark_pairs([path])


def _result(seeds: Path, path: Path) -> None:
    folder = path.parent.parent if path.parent.name == "vertebrae" else path.parent
    stored = read_result(folder)
    assert [stored.quality, stored.failure, stored.notes, stored.poses]
    assert [stored.ct_in_mr, stored.mr_in_ct, stored.jacobian]


def _evaluated(seeds: Path, path: Path) -> None:
    folder = path.parent.parent if path.parent.name == "vertebrae" else path.parent
    evaluate(read_result_folder(folder), None, [])


def _sign_off(seeds: Path, path: Path) -> None:
    require_match(seeds / "result", read_sign_off(path))


def _network(seeds: Path, path: Path, device: str) -> None:
    network = load_network(path.parent, device, 1)
    network.velocity(np.zeros((2, 16, 16, 16), np.float32))


def _trusted_network(seeds: Path, path: Path) -> None:
    """A network whose description vouches for the damage."""
    card = path.parent / "matching_2mm.json"
    values = json.loads(card.read_text())
    values[f"{path.suffix[1:]}_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    if path.suffix == ".safetensors":
        values["onnx_sha256"] = ""
    card.write_text(json.dumps(values))
    network = load_network(path.parent, "cpu", 1)
    if path.suffix == ".onnx":
        network.velocity(np.zeros((2, 16, 16, 16), np.float32))


def _images(names: str, role: str) -> tuple[tuple[str, ...], Read]:
    return tuple(f"inputs/{name}" for name in names.split()), partial(_case, role=role)


RESULT = (
    *("result/run.json", "result/quality.json", "result/mr_to_ct.h5", "result/ct_to_mr.h5"),
    *("result/vertebrae/L4.tfm", "result/vertebrae_in_mr.nrrd"),
)
KINDS = (
    Kind("NIfTI", *_images("ct.nii ct.nii.gz", "ct"), share=6),
    Kind("NRRD", *_images("ct.nrrd", "ct"), share=5),
    Kind("MetaImage", *_images("ct.mha", "ct"), share=5),
    Kind("MetaImage header", *_images("ct.mhd", "ct"), share=2, beside=True),
    Kind(
        "DICOM",
        ("dicom/020.dcm", "dicom/000.dcm"),
        lambda seeds, path: _case(seeds, path.parent, "ct"),
        4,
        True,
    ),
    Kind("labels", *_images("labels.nii.gz labels.mha", "vertebrae"), share=3),
    Kind("segmentation", *_images("labels.seg.nrrd", "vertebrae"), share=4),
    Kind(
        "landmarks",
        *_images("landmarks.json landmarks.mrk.json landmarks.csv landmarks.fcsv verse.json", "mr_landmarks"),
        share=6,
    ),
    Kind("landmark pairs", ("inputs/pairs.json",), _pairs, share=2),
    Kind("label scheme", ("inputs/names.csv",), lambda _, path: given_scheme(str(path))),
    Kind("result", RESULT, _result, share=3, beside=True),
    Kind("evaluated result", RESULT, _evaluated, beside=True),
    Kind("sign-off", ("sign_off.json",), _sign_off, share=2),
    Kind("network card", ("network/matching_2mm.json",), partial(_network, device="cpu"), beside=True),
    Kind(
        "network weights",
        ("network/matching_2mm.onnx", "network/matching_2mm.safetensors"),
        _trusted_network,
        share=2,
        beside=True,
    ),
    Kind("recipe", ("recipe.toml",), lambda _, path: load_recipe(path), share=2),
    Kind("true points", ("truth.npz",), lambda _, path: read_truth_points(path)),
)
