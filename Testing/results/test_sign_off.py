"""The sign-off file: what is read back, what is refused, and whose result it is."""

import hashlib
import json
import subprocess
import sys

import pytest
from spine_ctmr.errors import InputError
from spine_ctmr.results.sign_off import (
    SignOff,
    VertebraDecision,
    fingerprint,
    read_sign_off,
    require_match,
    state,
    vertebrae_of,
    write_sign_off,
)

SIGNED = SignOff(
    (VertebraDecision("L3", "accept"), VertebraDecision("L4", "reject", "um 2 mm zu hoch – „Facette“")),
    reviewer="A. Reader",
    signed="2026-11-29T10:15:00.123Z",
)


@pytest.fixture
def result(tmp_path):
    folder = tmp_path / "result"
    folder.mkdir()
    rows = [{"name": name} for name in ("L3", "L4")]
    (folder / "quality.json").write_text(json.dumps({"vertebrae": rows}))
    return folder


def test_what_was_written_is_read_back_and_nothing_else_stays(tmp_path):
    path = tmp_path / "sign_off.json"
    path.write_text("an earlier one")
    write_sign_off(path, SIGNED)
    assert read_sign_off(path) == SIGNED
    assert [p.name for p in tmp_path.iterdir()] == ["sign_off.json"]
    assert json.loads(path.read_text("utf-8"))["vertebrae"][1] == {
        "vertebra": "L4",
        "decision": "reject",
        "remark": "um 2 mm zu hoch – „Facette“",
    }


def test_the_shortest_file_by_hand_will_do(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('\ufeff{"vertebrae": [{"vertebra": "L3"}]}', encoding="utf-8")
    assert read_sign_off(path) == SignOff((VertebraDecision("L3"),))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", 'no list "vertebrae"'),
        ('{"vertebrae": {"L3": "accept"}}', 'no list "vertebrae"'),
        ('{"vertebrae": ["L3"]}', "without a vertebra"),
        ('{"vertebrae": [{"decision": "accept"}]}', "without a vertebra"),
        ('{"vertebrae": [{"vertebra": "L3", "decision": "yes"}]}', "says 'yes' of L3"),
        ('{"vertebrae": [{"vertebra": "L3", "remark": 4}]}', '"remark"'),
        ('{"vertebrae": [{"vertebra": "L3"}, {"vertebra": "L3"}]}', "L3 more than once"),
        ('{"vertebrae": [], "signed": "yesterday"}', "'yesterday'"),
        (json.dumps({"vertebrae": [{"vertebra": "L3", "remark": "x" * 2001}]}), "2000 characters"),
    ],
)
def test_what_is_not_a_sign_off_is_refused_in_one_sentence(tmp_path, text, problem):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(InputError, match=problem) as refusal:
        read_sign_off(path)
    assert str(path) in str(refusal.value)


def test_a_missing_file_and_an_unwritable_one(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_sign_off(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_sign_off(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        write_sign_off(tmp_path, SIGNED)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not valid JSON"):
        read_sign_off(tmp_path / "bytes.json")


def test_a_sign_off_belongs_to_one_result(result):
    require_match(result, SIGNED)
    digest = hashlib.sha256((result / "quality.json").read_bytes()).hexdigest()
    assert fingerprint(result) == digest
    require_match(result, SignOff(SIGNED.vertebrae, result=digest))
    with pytest.raises(InputError, match="another registration"):
        require_match(result, SignOff(SIGNED.vertebrae, result="0" * 64))
    with pytest.raises(InputError, match=r"names T1, but .* has L3, L4"):
        require_match(result, SignOff((VertebraDecision("T1"),)))


def test_a_folder_without_a_result_is_refused(tmp_path):
    for ask in (fingerprint, vertebrae_of):
        with pytest.raises(InputError, match="not a folder of results"):
            ask(tmp_path)
    (tmp_path / "quality.json").write_text("[]")
    with pytest.raises(InputError, match="damaged"):
        vertebrae_of(tmp_path)


@pytest.mark.parametrize(
    ("decisions", "wanted"),
    [
        ({}, "open"),
        ({"L3": ""}, "open"),
        ({"L3": "accept"}, "in part"),
        ({"L3": "accept", "L4": ""}, "in part"),
        ({"L3": "accept", "L4": "accept"}, "accepted"),
        ({"L3": "reject"}, "rejected"),
        ({"L3": "accept", "L4": "reject"}, "rejected"),
    ],
)
def test_where_the_signing_stands(decisions, wanted):
    sign_off = SignOff(tuple(VertebraDecision(*pair) for pair in decisions.items()))
    assert state(sign_off, ["L3", "L4"]) == wanted
    assert state(None, ["L3", "L4"]) == "open"


def test_nothing_but_the_standard_library_is_loaded():
    code = (
        "import sys, spine_ctmr.results.sign_off; print({'numpy', 'SimpleITK', 'torch'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
