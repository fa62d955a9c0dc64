"""`spine-ctmr sign-off` from file to file."""

import json
import subprocess
import sys

import pytest
from spine_ctmr.results.sign_off import fingerprint


@pytest.fixture
def result(tmp_path):
    folder = tmp_path / "result"
    folder.mkdir()
    rows = [{"name": name} for name in ("L3", "L4")]
    (folder / "quality.json").write_text(json.dumps({"vertebrae": rows}))
    return folder


def signed(path, **decisions):
    rows = [{"vertebra": name, "decision": decision} for name, decision in decisions.items()]
    path.write_text(json.dumps({"vertebrae": rows}))
    return path


def command(*words):
    line = [sys.executable, "-m", "spine_ctmr", "sign-off", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)


def test_decisions_go_into_the_result(result, tmp_path):
    done = command(result, signed(tmp_path / "mine.json", L3="accept", L4="reject"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Sign-off of 2 vertebrae: rejected (1 accepted, 1 rejected, 0 open).\n"
    kept = json.loads((result / "sign_off.json").read_text())
    assert [row["decision"] for row in kept["vertebrae"]] == ["accept", "reject"]


def test_an_earlier_sign_off_is_replaced_only_when_asked_for(result, tmp_path):
    first, second = signed(tmp_path / "1.json", L3="accept"), signed(tmp_path / "2.json", L3="reject")
    assert command(result, first).returncode == 0
    assert command(result, first).returncode == 0
    refused = command(result, second)
    assert refused.returncode == 2
    assert "has been signed before; add --overwrite" in refused.stderr
    assert json.loads((result / "sign_off.json").read_text())["vertebrae"][0]["decision"] == "accept"
    assert command(result, second, "--overwrite").returncode == 0
    assert json.loads((result / "sign_off.json").read_text())["vertebrae"][0]["decision"] == "reject"


def test_what_does_not_belong_to_the_result_leaves_it_alone(result, tmp_path):
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"result": "0" * 64, "vertebrae": []}))
    for words, problem in (
        ((result, other), "another registration"),
        ((result, signed(tmp_path / "t.json", T1="accept")), "names T1"),
        ((tmp_path / "nothing", signed(tmp_path / "m.json")), "not a folder of results"),
        ((result, tmp_path / "missing.json"), "does not exist"),
    ):
        refused = command(*words)
        assert refused.returncode == 2
        assert problem in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert [path.name for path in result.iterdir()] == ["quality.json"]
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps({"result": fingerprint(result), "vertebrae": []}))
    assert command(result, mine).returncode == 0
