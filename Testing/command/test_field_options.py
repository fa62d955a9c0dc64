"""Which options of a displacement as the result go together."""

from __future__ import annotations

from pathlib import Path

import pytest
from spine_ctmr.command.field_options import field_finder
from spine_ctmr.command.main import main
from spine_ctmr.command.parsing import build_parser
from spine_ctmr.command.subcommands import subcommands
from spine_ctmr.errors import InputError
from spine_ctmr.options import RegistrationOptions

REGISTER = ("register", "ct.nii.gz", "mr.nii.gz", "--vertebrae", "labels.nii.gz", "--output", "o")


@pytest.fixture(autouse=True)
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ct.nii.gz", "mr.nii.gz", "labels.nii.gz"):
        (tmp_path / name).touch()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--network-only", "--quality", "best"], "--network-only refines nothing, so --quality best has"),
        (["--network-only", "--quality", "instance", "--losses", "jian_pc"], "so --quality instance has no"),
        (["--quality", "instance"], "--quality instance needs losses; give a recipe with --losses"),
        (["--losses", "jian_pc"], "--losses is for --quality instance"),
        (["--steps", "5"], "--steps is for --quality instance"),
        (["--quality", "instance", "--losses", "jian_pc", "--steps", "0"], "'0' is not a whole number"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*REGISTER, *words]) == 2
    shown = capsys.readouterr().err
    assert sentence in shown
    assert shown.count("\n") == 1


def test_options_of_a_call_are_checked_likewise() -> None:
    with pytest.raises(InputError, match="a network alone refines nothing"):
        RegistrationOptions(quality="fast", network_only=True)


def test_finders() -> None:
    def finder(*words: str) -> object:
        return field_finder(build_parser(subcommands()).parse_args([*REGISTER, *words]), print)

    assert finder() is None
    assert finder("--network-only").origin == "the displacement of the network matching_2mm alone"
    found = finder("--quality", "instance", "--losses", "jian_pc", "--steps", "7")
    assert (found.steps, found.network, found.spacing_mm) == (7, None, 1.0)
    with pytest.raises(InputError, match="works at 2 mm and the recipe 'jian_pc' at 1 mm"):
        finder("--quality", "instance", "--losses", "jian_pc", "--network", "matching_2mm")
    with pytest.raises(InputError, match="recipe 'nobodys' is neither"):
        finder("--quality", "instance", "--losses", "nobodys")
