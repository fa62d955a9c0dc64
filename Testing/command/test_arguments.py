import pytest
from spine_ctmr import __version__
from spine_ctmr.command.main import main
from spine_ctmr.command.parsing import build_parser
from spine_ctmr.command.subcommands import subcommands


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def inputs(tmp_path):
    for name in ("ct.nii.gz", "mr.nii.gz", "labels.nii.gz", "points.json"):
        (tmp_path / name).touch()
    (tmp_path / "dicom").mkdir()
    return ["register", "ct.nii.gz", "mr.nii.gz", "--vertebrae", "labels.nii.gz"]


def refusal(capsys, *words) -> str:
    """The sentence with which wrong arguments are refused."""
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.endswith(".\n")
    assert shown.err.count("\n") == 1
    return shown.err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["fuse"], "invalid choice: 'fuse'"),
        (["register"], "CT, MR, --vertebrae, --output"),
        (["register", "a", "b", "--vertebrae", "c"], "--output"),
        (["register", "", "b", "--vertebrae", "c", "--output", "o"], "argument after 'register' is empty"),
        (["register", "a", "b", "--vertebrae", "", "--output", "o"], "after '--vertebrae' is empty"),
        (["register", "a\udcfc", "b"], "bytes that are no UTF-8"),
        (["demo", "--case", "M\udcfcller"], "bytes that are no UTF-8"),
        (["demo", "--quality", "superb"], "--quality: invalid choice: 'superb'"),
        (["demo", "--device", "tpu"], "--device"),
        (["demo", "--seed", "1.5"], "'1.5' is not a whole number from 0"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--threads", "0"], "'0' is not a whole number from 1 to 1024"),
        (["demo", "--progress", "loud"], "--progress"),
        (["capture", "--output", "o", "--patients", "0"], "--patients: '0' is not a whole number from 1"),
        (
            ["flag-calibration", "--output", "o", "--observations", "none.csv"],
            "The table 'none.csv' does not",
        ),
        (["demo", "--quali", "fast"], "--quali"),
        (["demo", "--network", "nowhere.onnx"], "The network file 'nowhere.onnx' does not exist"),
        (["demo", "--network", "nobody"], "The network 'nobody' is neither a path nor a network in"),
        (["demo", "--quality", "instance"], "--quality: invalid choice: 'instance'"),
    ],
)
def test_wrong_arguments_get_one_sentence(capsys, words, part):
    assert part in refusal(capsys, *words)


def test_no_words_at_all_show_the_help(capsys):
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.startswith("usage: spine-ctmr")
    for subcommand in subcommands():
        assert f"\n    {subcommand.name}" in shown.out


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("ct.nii.gz", "The CT 'ct.nii.gz' does not exist"),
        ("mr.nii.gz", "The MR 'mr.nii.gz' does not exist"),
        ("labels.nii.gz", "The vertebra segmentation 'labels.nii.gz' does not exist"),
    ],
)
def test_missing_input_is_named(capsys, inputs, tmp_path, name, part):
    (tmp_path / name).unlink()
    assert part in refusal(capsys, *inputs, "--output", "result")


def test_folder_of_a_network_is_taken(tmp_path):
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "card.json").touch()
    demo = build_parser(subcommands()).parse_args(["demo", "--network", "network"])
    demo.subcommand.check(demo)


def test_missing_levels_in_the_mr_are_named(capsys, inputs):
    arguments = [*inputs, "--output", "result"]
    assert "'no.json' does not exist" in refusal(capsys, *arguments, "--mr-landmarks", "no.json")
    assert "'dicom' is a folder" in refusal(capsys, *arguments, "--mr-landmarks", "dicom")
    assert "'no.nrrd' does not exist" in refusal(capsys, *arguments, "--mr-vertebrae", "no.nrrd")
    both = ["--mr-landmarks", "points.json", "--mr-vertebrae", "labels.nii.gz"]
    assert "not allowed with" in refusal(capsys, *arguments, *both)


def test_output_apart_from_inputs(capsys, inputs, tmp_path):
    inputs[1] = "dicom"
    assert "inside the input folder 'dicom'" in refusal(capsys, *inputs, "--output", "dicom/result")
    assert "inside the input folder 'dicom'" in refusal(capsys, *inputs, "--output", "dicom", "--overwrite")
    (tmp_path / "link").symlink_to(tmp_path / "dicom")
    assert "inside the input folder 'dicom'" in refusal(capsys, *inputs, "--output", "link/result")
    assert "holds the input" in refusal(capsys, *inputs, "--output", str(tmp_path), "--overwrite")


def test_json_errors_are_lines_too(capsys, inputs, tmp_path):
    (tmp_path / "ct.nii.gz").unlink()
    assert main([*inputs, "--output", "result", "--progress", "json"]) == 2
    shown = capsys.readouterr()
    assert shown.out.startswith('{"error": "The CT ')
    assert shown.err == ""


def test_defaults():
    demo = build_parser(subcommands()).parse_args(["demo"])
    assert str(demo.output) == "spine-ctmr-demo"
    assert (demo.quality, demo.device, demo.seed, demo.progress) == ("standard", "auto", 0, "bar")
    assert demo.network is None
    assert demo.threads is None
    assert not demo.overwrite


@pytest.mark.parametrize("words", [["--help"], ["register", "--help"], ["demo", "--help"]])
def test_help_says_what_it_is_for(capsys, words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "For research use; not a medical device." in shown
    if words[0] == "register":
        assert "LPS mm" in shown


@pytest.mark.parametrize("columns", ["1", "0", "-7", "abc", "9" * 30])
@pytest.mark.parametrize("name", ["", *(subcommand.name for subcommand in subcommands())])
def test_help_whatever_the_terminal_is_said_to_be(capsys, monkeypatch, columns, name):
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit) as ended:
        main([*filter(None, [name]), "--help"])
    assert ended.value.code == 0
    described = capsys.readouterr().out.partition("options:")[2]
    assert max(len(line) for line in described.splitlines()) > 30


def test_version(real):
    ended = real("--version")
    assert (ended.code, ended.out) == (0, f"spine-ctmr {__version__}\n")


def test_help_loads_nothing_heavy(real):
    real.program = ("-c", HEAVY_MODULES_AFTER_HELP)
    ended = real()
    assert ended.err == ""
    assert ended.out.splitlines()[-1] == "[]"


HEAVY_MODULES_AFTER_HELP = """
import sys
from spine_ctmr.command.main import main
try:
    main(["register", "--help"])
except SystemExit:
    heavy = {"numpy", "SimpleITK", "torch", "onnxruntime", "scipy", "matplotlib", "pydicom", "tqdm"}
    print(sorted(heavy & set(sys.modules)))
"""


def test_worker_finds_out_what_the_overseer_cannot(real):
    for name in ("ct.nrrd", "mr.nrrd", "labels.nrrd"):
        (real.folder / name).write_text("not an image")
    ended = real("register", "ct.nrrd", "mr.nrrd", "--vertebrae", "labels.nrrd", "--output", "result")
    assert ended.code in (1, 2)
    assert len(ended.sentence) > 20
    assert sorted(path.name for path in real.folder.iterdir()) == ["ct.nrrd", "labels.nrrd", "mr.nrrd"]
