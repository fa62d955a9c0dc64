"""A displacement that is the result as it is: written and judged like any other, honest about its bones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import spine_ctmr
import torch
from gears import slow_fixture
from spine_ctmr import field_registration, registration
from spine_ctmr.deformation.warping import vertebrae_in_mr
from spine_ctmr.errors import InputError
from spine_ctmr.field_registration import NetworkField, View
from spine_ctmr.geometry.boxes import node_coordinates
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.transforms import map_points
from spine_ctmr.network.runtime import load_network
from spine_ctmr.options import RegistrationOptions
from spine_ctmr.phantoms.phantom import make_phantom
from spine_ctmr.progress import Progress, silent
from spine_ctmr.registration import find_poses, register
from spine_ctmr.results.registration import Registration

from .conftest import PATIENT, Registered, command, words_for

SHIFT_MM, STRETCH = np.array([3.0, -2.0, 1.0]), 0.04


class Bending:
    """Moves everything by `SHIFT_MM`, and stretches it along x."""

    origin, spacing_mm, network = "a bend", 2.0, None

    def find(self, view: View, progress: Progress) -> torch.Tensor:
        x = node_coordinates(view.grid)[..., :1] + view.grid.origin_mm[0]
        return (
            torch.cat([STRETCH * x, torch.zeros_like(x), torch.zeros_like(x)], -1)
            + torch.tensor(SHIFT_MM).float()
        )


@pytest.fixture(scope="module")
@slow_fixture
def bent(registered: Registered, tmp_path_factory: pytest.TempPathFactory) -> Registration:
    case = registered.phantom.case
    registration = Registration(register(case, spine_ctmr.RegistrationOptions(threads=1), finder=Bending()))
    registration.save(tmp_path_factory.mktemp("bent") / "result")
    return registration


def bones(registration: Registration) -> dict[str, np.ndarray]:
    """LPS points of the vertebrae in the CT."""
    labels, names = registration.case.vertebrae, registration.poses
    array, grid = sitk.GetArrayViewFromImage(labels), Grid.of(labels)
    numbers = sorted(set(np.unique(array).tolist()) - {0})
    return {
        n: grid.to_points(np.argwhere(array == k)[::50, ::-1]) for n, k in zip(names, numbers, strict=True)
    }


def expected(registration: Registration, mr: np.ndarray) -> np.ndarray:
    """Where the CT shows what lies at points of the MR."""
    bend = SHIFT_MM + np.stack([STRETCH * mr[:, 0], 0 * mr[:, 0], 0 * mr[:, 0]], -1)
    return registration.measured.start.inverse.apply(mr + bend)


def test_transforms_are_the_displacement_and_its_inverse(bent: Registration) -> None:
    for ct in bones(bent).values():
        mr = map_points(bent.ct_to_mr, ct)
        np.testing.assert_allclose(map_points(bent.mr_to_ct, mr), ct, atol=0.02)
        np.testing.assert_allclose(expected(bent, mr), ct, atol=0.02)


def test_poses_are_the_nearest_rigid_motions(bent: Registration) -> None:
    own = bent.result.own_field
    assert own is not None
    for (name, ct), bent_mm in zip(bones(bent).items(), own.bent_mm.values(), strict=True):
        mr = map_points(bent.ct_to_mr, ct)
        a, b = ct - ct.mean(0), mr - mr.mean(0)
        u, _, v = np.linalg.svd(a.T @ b)
        rotation = (u @ v).T
        apart = a @ rotation.T - b
        rms = np.sqrt((apart**2).sum(1).mean())
        assert rms > 0.2
        assert bent_mm == pytest.approx(rms, rel=0.1)
        np.testing.assert_allclose(bent.poses[name].rotation, rotation, atol=0.01)


def test_labels_bend_with_the_displacement(bent: Registration) -> None:
    case, source = bent.case, Grid.of(bent.case.vertebrae)
    found = sitk.GetArrayViewFromImage(bent.vertebrae_in_mr)
    rigid = sitk.GetArrayFromImage(vertebrae_in_mr(case.vertebrae, case.mr, bent.result.deformation.poses))
    near = np.argwhere((found > 0) | (rigid > 0))
    places = source.to_indices(expected(bent, Grid.of(case.mr).to_points(near[:, ::-1])))
    x, y, z = np.rint(places).astype(int).clip(0, np.array(source.size) - 1).T
    true = sitk.GetArrayViewFromImage(case.vertebrae)[z, y, x]
    wrong, wrong_if_rigid = ((labels[tuple(near.T)] != true).mean() for labels in (found, rigid))
    assert wrong < 0.03
    assert wrong_if_rigid > 2 * wrong


def test_no_bone_is_good_and_the_user_is_told(bent: Registration, registered: Registered) -> None:
    assert set(spine_ctmr.read_result(registered.output).flags.values()) == {"good"}
    assert "good" not in bent.flags.values()
    assert all("the vertebra is not rigid: the deformation bends it by" in row.reason for row in bent.quality)
    assert any("The result is a bend: the vertebrae are not exactly rigid" in note for note in bent.notes)
    assert all(np.isnan(row.uncertainty_mm) and np.isnan(row.uncertainty_deg) for row in bent.quality)


def test_without_landmarks_the_open_level_is_told(
    registered: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "level_left_open", lambda *_: "Count the levels.")
    case = replace(registered.phantom.case, mr_centroids=None)
    found = register(case, spine_ctmr.RegistrationOptions(threads=1), finder=Bending())
    assert "Count the levels." in found.notes


def test_the_command_writes_and_evaluates_the_networks_own_displacement(
    registered: Registered, tmp_path: Path
) -> None:
    output = tmp_path / "result"
    done = command(*words_for(registered.inputs, output), "--network-only", "--progress", "none")
    assert done.returncode == 0, done.stderr
    run = json.loads((output / "run.json").read_text())
    assert run["own_field"]["origin"] == "the displacement of the network matching_2mm alone"
    names = {path.name for path in registered.output.rglob("*")}
    assert names == {path.name for path in output.rglob("*")}
    case, poses = registered.phantom.case, registered.phantom.poses
    truth = vertebrae_in_mr(case.vertebrae, case.mr, poses)
    found = spine_ctmr.evaluate(output, truth)
    assert [row.name for row in found.vertebrae] == ["L3", "L4", "L5"]
    assert np.mean([row.dice - row.dice_before for row in found.vertebrae]) > 0.02
    assert all(row.determinant_sd > 0.01 for row in found.vertebrae)


def test_a_network_that_learned_after_an_affine_registration_looks_after_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A network that answers with 2 mm along x, after an affine map that stretches and shifts."""
    network, seen = load_network(device="cpu"), []
    recipe = {**network.card.training["recipe"], "data": {"affine": True}}
    object.__setattr__(network.card, "training", {"recipe": recipe})
    matrix = np.diag([1.1, 1.0, 1.0, 1.0])
    matrix[:3, 3] = (0.0, -4.0, 0.0)

    def answer(network: object, mr: np.ndarray, ct: np.ndarray) -> torch.Tensor:
        seen.append(ct)
        return torch.tensor([2.0, 0.0, 0.0]).expand(*ct.shape, 3)

    monkeypatch.setattr(field_registration, "affine_by_information", lambda *_: matrix)
    monkeypatch.setattr(field_registration, "predict_displacement", answer)
    shape = (10, 12, 14)
    y = np.broadcast_to(100.0 * np.arange(shape[1])[:, None], shape)
    view = View(Grid(shape[::-1], (2.0,) * 3, (0.0,) * 3), y, y, y, None, np.ones(shape, bool))
    field = NetworkField(network)
    found = field.find(view, silent)
    assert field.origin.startswith("an affine registration by mutual information and the displacement of")
    x = 2.0 * torch.arange(shape[2])
    torch.testing.assert_close(found[5, 6, :, 0], 1.1 * (x + 2) - x)
    torch.testing.assert_close(found[..., 1], torch.full(shape, -4.0))
    np.testing.assert_allclose(seen[0][:, 2:], y[:, :-2], atol=0.01)


def test_networks_of_single_vertebrae_are_refused() -> None:
    network = load_network(device="cpu")
    recipe = {**network.card.training["recipe"], "vertebrae": {"levels": [20]}}
    object.__setattr__(network.card, "training", {"recipe": recipe})
    with pytest.raises(InputError, match="learned pairs of single CT vertebrae"):
        NetworkField(network)


def test_starts_by_an_unfit_network_are_refused_and_by_one_after_an_affine_registration_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = make_phantom(44, PATIENT).case
    network = load_network(device="cpu")
    monkeypatch.setattr(registration, "load_network", lambda *_: network)
    recipe = network.card.training["recipe"]
    object.__setattr__(network.card, "training", {"recipe": {**recipe, "vertebrae": {"levels": [20]}}})
    with pytest.raises(InputError, match="learned pairs of single CT vertebrae"):
        find_poses(case, RegistrationOptions(), silent, [])
    object.__setattr__(network.card, "training", {"recipe": {**recipe, "data": {"affine": True}}})
    notes: list[str] = []
    find_poses(case, RegistrationOptions(quality="fast"), silent, notes, most_looks=0)
    assert any("learned after an affine registration" in note for note in notes)
