"""`spine-ctmr sign-off` from file to file."""

import json

import pytest
from run_here import run_here
from spine_ctmr.errors import InputError
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


def test_decisions_go_into_the_result(real, result, tmp_path):
    done = real("sign-off", str(result), str(signed(tmp_path / "mine.json", L3="accept", L4="reject")))
    assert (done.code, done.err) == (0, "")
    assert done.out == "Sign-off of 2 vertebrae: rejected (1 accepted, 1 rejected, 0 open).\n"
    kept = json.loads((result / "sign_off.json").read_text())
    assert [row["decision"] for row in kept["vertebrae"]] == ["accept", "reject"]


def test_an_earlier_sign_off_is_replaced_only_when_asked_for(result, tmp_path):
    first, second = signed(tmp_path / "1.json", L3="accept"), signed(tmp_path / "2.json", L3="reject")
    run_here("sign-off", result, first)
    run_here("sign-off", result, first)
    with pytest.raises(InputError, match="has been signed before; add --overwrite"):
        run_here("sign-off", result, second)
    assert json.loads((result / "sign_off.json").read_text())["vertebrae"][0]["decision"] == "accept"
    run_here("sign-off", result, second, "--overwrite")
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
        with pytest.raises(InputError, match=problem):
            run_here("sign-off", *words)
    assert [path.name for path in result.iterdir()] == ["quality.json"]
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps({"result": fingerprint(result), "vertebrae": []}))
    run_here("sign-off", result, mine)
