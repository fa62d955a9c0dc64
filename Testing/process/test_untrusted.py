"""Whatever is wrong with a file that somebody else made becomes one sentence about it."""

import json

import pytest
from spine_ctmr.errors import InputError, RegistrationFailed
from spine_ctmr.json_files import read_json
from spine_ctmr.process.account import Account
from spine_ctmr.process.untrusted import PATIENCE_S, patience_s, reads_untrusted, untrusted


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (TypeError("unhashable type: 'list'"), "cannot be used (TypeError: unhashable type: 'list')"),
        (OSError(5, "Input/output error"), "cannot be read (Input/output error)"),
        (MemoryError(), "needs more memory than there is"),
        (RuntimeError("Failed to allocate memory for image."), "needs more memory than there is"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid\nbyte"), "UnicodeDecodeError"),
    ],
)
def test_errors_become_a_sentence_about_the_file(tmp_path, error, part):
    path = tmp_path / "ct.nrrd"
    with pytest.raises(InputError) as raised, untrusted(path):
        raise error
    assert str(raised.value).startswith(f"'{path}' ")
    assert part in str(raised.value)
    assert "\n" not in str(raised.value)


def test_our_own_sentences_pass(tmp_path):
    @reads_untrusted
    def read(path, found):
        raise RegistrationFailed(found)

    with pytest.raises(RegistrationFailed, match="as it is"):
        read(tmp_path, "as it is")


def test_patience_grows_with_what_is_to_be_read(tmp_path):
    (tmp_path / "a").write_bytes(b"0" * 2_000_000)
    assert patience_s(tmp_path / "a") == pytest.approx(PATIENCE_S + 2, abs=0.1)
    assert patience_s(tmp_path) == patience_s(tmp_path / "a")
    assert patience_s(tmp_path / "missing") == pytest.approx(PATIENCE_S, abs=0.1)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": 1}x', b'{"a": "\x00"}', b"nil"]
)
def test_damaged_json(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.json is not valid JSON; save it again\."):
        read_json(tmp_path / "a.json", "save it again")


def test_numbers_of_any_length(tmp_path):
    (tmp_path / "a.json").write_text(f"[{'9' * 18}, {'9' * 400}, -{'9' * 5000}, 1e999]")
    assert read_json(tmp_path / "a.json", "") == [10**18 - 1, float("inf"), float("-inf"), float("inf")]


def test_account_of_a_worker_that_ends_in_the_middle_of_a_word():
    account = Account()
    told = [
        {"reading": "a.nrrd", "limit_s": 30.0, "number": 1},
        {"reading": "b.nrrd", "limit_s": -1.0, "number": 2},
        {"read": 1},
    ]
    for line in [*map(json.dumps, told), '{"ended": 0', "[]", "7"]:
        account.take(line.encode())
    assert account.exit_code is None
    assert [reading.path for reading in account.readings.values()] == ["b.nrrd"]
    assert account.overdue() is account.readings[2]
