"""What came of every patient, as a table and a page."""

import csv
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from spine_ctmr.cohort.outcome import Outcome, read_others, read_outcome
from spine_ctmr.cohort.patients import Patient
from spine_ctmr.cohort.stamp import stamp
from spine_ctmr.cohort.summary import write_summary
from spine_ctmr.results.sign_off import fingerprint

FLAGS = {
    "fine": ("good", "good", "good", "good"),
    "unsure": ("good", "check", "good", "good"),
    "unsurer": ("check", "check", "check", "good"),
    "bad": ("do not use", "good", "good", "good"),
}


def patient(case: str) -> Patient:
    return Patient(case, {"ct": Path("gone.nii"), "mr": Path("gone.nii")})


def result(study: Path, case: str, flags: tuple[str, ...], failure: str | None = None) -> Path:
    folder = study / "patients" / case
    folder.mkdir(parents=True)
    rows = [{"name": f"L{i + 1}", "flag": flag} for i, flag in enumerate(flags)]
    (folder / "quality.json").write_text(json.dumps({"verdict": "A verdict.", "vertebrae": rows}))
    run = {"seconds": {"network": 1.25, "vertebrae": 2.5}, "peak_memory_mb": 700.5, "failure": failure}
    (folder / "run.json").write_text(json.dumps(run))
    (study / "registered").mkdir(exist_ok=True)
    (study / "registered" / case).write_text(stamp(patient(case)))
    Image.new("RGB", (1200, 900), "navy").save(folder / "overview.png")
    return folder


@pytest.fixture
def study(tmp_path: Path) -> Path:
    for case, flags in FLAGS.items():
        result(tmp_path, case, flags)
    result(tmp_path, "refused", FLAGS["bad"], "CT and MR seem to show different patients.")
    (tmp_path / "logs").mkdir()
    said = "warning: something\nerror: /home/jane_doe/ct.nii.gz is <damaged>; export it again.\n"
    (tmp_path / "logs" / "broken.log").write_text(said)
    (tmp_path / "logs" / "cut.log").write_text("warning: something\n")
    return tmp_path


CASES = ("fine", "unsure", "unsurer", "bad", "refused", "broken", "cut", "never")


def rows(study: Path) -> list[dict[str, str]]:
    write_summary(study, [read_outcome(study, patient(case)) for case in CASES])
    with (study / "summary.tsv").open(newline="") as file:
        return list(csv.DictReader(file, dialect="excel-tab"))


def test_the_table_has_everyone_and_the_worst_first(study: Path) -> None:
    table = rows(study)
    order = ["broken", "cut", "refused", "bad", "unsurer", "unsure", "fine", "never"]
    assert [row["case"] for row in table] == order
    by_case = {row["case"]: row for row in table}
    assert by_case["unsurer"] == {
        **{"case": "unsurer", "came": "done", "vertebrae": "4", "good": "1", "check": "3", "do_not_use": "0"},
        **{"sentence": "A verdict.", "seconds": "3.8", "peak_memory_mb": "700.5", "sign_off": "open"},
        "in_table": "yes",
    }
    assert by_case["refused"]["came"] == "failed its own checks"
    assert by_case["refused"]["sentence"] == "CT and MR seem to show different patients."
    assert by_case["cut"]["came"] == "no result"
    assert by_case["never"]["came"] == "not begun"


def test_patients_who_are_not_in_the_table_stay_in_the_summary_marked(study: Path) -> None:
    (study / "patients" / "notes").mkdir()
    listed = [patient(case) for case in CASES if case not in ("bad", "broken", "cut")]
    others = read_others(study, listed)
    assert [(one.case, one.came, one.count("good")) for one in others] == [
        ("bad", "done", 3),
        ("broken", "no result", 0),
        ("cut", "no result", 0),
    ]
    write_summary(study, [*(read_outcome(study, one) for one in listed), *others])
    with (study / "summary.tsv").open(newline="") as file:
        table = {row["case"]: row["in_table"] for row in csv.DictReader(file, dialect="excel-tab")}
    assert table == {case: "no" if case in ("bad", "broken", "cut") else "yes" for case in CASES}
    page = (study / "index.html").read_text()
    assert page.count("(not in this table)") == 3
    assert "3 of 5 patients registered, " in page
    assert "3 more in the study&#39;s folder, not in this table." in page


def test_no_path_reaches_table_or_page(study: Path) -> None:
    rows(study)
    for name in ("summary.tsv", "index.html"):
        text = (study / name).read_text()
        assert "jane_doe" not in text
        assert "[file] is" in text


def test_a_sentence_names_the_column_instead_of_the_file(study: Path) -> None:
    broken = Patient("broken", {"mr": Path("/m.nii"), "ct": Path("/home/jane_doe/ct.nii.gz")})
    assert read_outcome(study, broken).sentence == "The CT is <damaged>; export it again."


def test_a_sentence_names_every_input_as_it_is_called_elsewhere(study: Path) -> None:
    (study / "logs" / "outside.log").write_text("error: /p/c.json lies outside /p/m.nii; give its own.\n")
    files = {"mr": Path("/p/m.nii"), "mr_landmarks": Path("/p/c.json")}
    said = read_outcome(study, Patient("outside", files)).sentence
    assert said == "The MR landmark list lies outside the MR; give its own."


def test_the_page_stands_alone_and_leads_to_every_result(study: Path) -> None:
    rows(study)
    page = (study / "index.html").read_text()
    assert "4 of 8 patients registered, 1 with all vertebrae good; 1 failed their own checks; " in page
    links = set(re.findall(r'href="([^"]*)"', page))
    with_result = ("fine", "unsure", "unsurer", "bad", "refused")
    assert links == {f"patients/{case}/{name}.html" for case in with_result for name in ("report", "viewer")}
    assert page.count('src="data:image/jpeg;base64,') == len(with_result)
    assert not re.search(r'(src|href)="https?:', page)
    assert "is &lt;damaged&gt;" in page
    assert "not a medical device" in page


def test_links_lead_to_any_folder(tmp_path: Path) -> None:
    write_summary(tmp_path, [Outcome("a #1 50%.nii", "done", flags={"L1": "good"})])
    assert 'href="patients/a%20%231%2050%25.nii/report.html"' in (tmp_path / "index.html").read_text()


def test_the_sign_off_is_that_of_this_result(study: Path) -> None:
    folder = study / "patients" / "fine"
    decisions = [{"vertebra": f"L{i}", "decision": "accept"} for i in (1, 2, 3, 4)]
    signed = {"result": fingerprint(folder), "vertebrae": decisions}
    (folder / "sign_off.json").write_text(json.dumps(signed))
    assert read_outcome(study, patient("fine")).signed == "accepted"
    (folder / "sign_off.json").write_text(json.dumps({**signed, "vertebrae": decisions[:2]}))
    assert read_outcome(study, patient("fine")).signed == "in part"
    (folder / "sign_off.json").write_text(json.dumps({**signed, "result": "0" * 64}))
    assert read_outcome(study, patient("fine")).signed == "open"


def test_a_damaged_result_is_none(study: Path) -> None:
    (study / "patients" / "fine" / "quality.json").write_text("{")
    outcome = read_outcome(study, patient("fine"))
    assert outcome.came == "no result"
    assert "not valid JSON" in outcome.sentence
    (study / "patients" / "unsure" / "quality.json").write_text("{}")
    assert read_outcome(study, patient("unsure")).sentence.startswith("The result is damaged;")


def test_a_result_of_an_earlier_row_is_none(study: Path) -> None:
    corrected = Patient("fine", patient("fine").files, {"label_scheme": "verse"})
    outcome = read_outcome(study, corrected)
    assert (outcome.came, outcome.worst, outcome.flags) == ("not begun", "check", {})
    assert (
        outcome.sentence
        == "What lies in the patient's folder is the result of an earlier row or of earlier images."
    )
    write_summary(study, [outcome])
    assert 'src="data:image' not in (study / "index.html").read_text()


def test_a_failed_result_is_never_shown_as_good() -> None:
    assert Outcome("a", "failed its own checks", "", {"L1": "good"}).worst == "do not use"
    assert Outcome("a", "no result").worst == "do not use"
    assert Outcome("a", "not begun").worst == "check"
