"""A phantom patient in files, registered by the command."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import SimpleITK as sitk
import spine_ctmr
from gears import slow_fixture
from spine_ctmr.imaging.vertebra_names import vertebra_name
from spine_ctmr.phantoms.phantom import Phantom, PhantomOptions, make_phantom
from spine_ctmr.phantoms.phantom_files import write_phantom

from .plain import NUMBERS, Plain

PATIENT = PhantomOptions(
    levels=(22, 23, 24),
    mr_spacing_mm=(1.5, 2.5),
    ct_spacing_mm=(1.25, 1.5),
    margin_mm=18.0,
    truth_spacing_mm=2.0,
)

OPTIONS = ("--case", "Study 7 of /home/Jane_Doe", "--quality", "fast", "--progress", "json")


@dataclass(frozen=True)
class Registered:
    """What the command made of the files in `inputs`, and the lines of JSON that it printed."""

    phantom: Phantom
    inputs: Path
    output: Path
    told: list[dict[str, object]]


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """What `spine-ctmr` with these words did."""
    words = (sys.executable, "-m", "spine_ctmr", *map(str, words))
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)


def words_for(folder: Path, output: Path) -> list[str | Path]:
    """The words that register the patient in a folder."""
    files = [folder / "ct.nii.gz", folder / "mr.nrrd", "--vertebrae", folder / "labels.mha"]
    return ["register", *files, "--mr-landmarks", folder / "landmarks.json", "--output", output]


@pytest.fixture(scope="session")
@slow_fixture
def registered(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    """Fast, with the right landmarks."""
    folder = tmp_path_factory.mktemp("patient")
    phantom = make_phantom(44, PATIENT)
    case = phantom.case
    for name, image in (("ct.nii.gz", case.ct), ("mr.nrrd", case.mr), ("labels.mha", case.vertebrae)):
        sitk.WriteImage(image, str(folder / name))
    centers = {vertebra_name(n): c.tolist() for n, c in (case.mr_centroids or {}).items()}
    (folder / "landmarks.json").write_text(json.dumps(centers))
    output = folder / "result"
    done = command(*words_for(folder, output), *OPTIONS)
    assert done.returncode == 0, done.stdout + done.stderr
    return Registered(phantom, folder, output, [json.loads(line) for line in done.stdout.splitlines()])


@pytest.fixture(scope="session")
@slow_fixture
def plain(registered: Registered) -> Plain:
    """The same files, to be compared with odd ones."""
    poses = spine_ctmr.read_result(registered.output).poses
    known = {number: poses[vertebra_name(number)] for number in NUMBERS}
    return Plain(registered.inputs, registered.phantom.case, known)


@pytest.fixture
def after_the_demo(registered: Registered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, as the demo leaves it; another patient stands in its patient's place."""
    patient = tmp_path / "spine-ctmr-demo" / "patient"
    patient.mkdir(parents=True)
    write_phantom(registered.phantom, patient)
    monkeypatch.chdir(tmp_path)
    return tmp_path
