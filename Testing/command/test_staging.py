import errno
import json
import os

import pytest
from spine_ctmr.errors import InputError
from spine_ctmr.process import staging
from spine_ctmr.process.claim import EARLIER, claimed
from spine_ctmr.process.staging import staged_directory, staged_file


@pytest.fixture
def final(tmp_path):
    return tmp_path / "result"


def write_result(final, content="new", overwrite=False) -> None:
    with staged_directory(final, overwrite) as folder:
        (folder / "run.json").write_text(json.dumps({"says": content}))


def content_of(final) -> str:
    return json.loads((final / "run.json").read_text())["says"]


def tree(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_appears_when_complete(final, tmp_path):
    with staged_directory(final) as folder:
        (folder / "run.json").write_text("{}")
        assert folder.parent.parent == tmp_path
        assert folder.parent.name.startswith(".")
        assert not final.exists()
    assert tree(tmp_path) == ["result", "result/run.json"]


def test_has_the_permissions_of_any_new_folder(final, tmp_path):
    write_result(final)
    (tmp_path / "other").mkdir()
    assert final.stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_nothing_not_even_parents(tmp_path, error):
    def fail() -> None:
        with staged_directory(tmp_path / "a" / "b" / "result") as folder:
            (folder / "half").write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert tree(tmp_path) == []


def test_empty_folder_is_filled(final):
    final.mkdir()
    write_result(final)
    assert tree(final) == ["run.json"]


def test_earlier_result_needs_overwrite(final, tmp_path):
    write_result(final, "old")
    with pytest.raises(InputError, match=r"is not empty; .* --overwrite"):
        write_result(final)
    assert content_of(final) == "old"
    write_result(final, overwrite=True)
    assert content_of(final) == "new"
    assert tree(tmp_path) == ["result", "result/run.json"]


def test_failed_overwrite_keeps_the_earlier_result(final, tmp_path):
    write_result(final, "old")
    with pytest.raises(ValueError, match="no"), staged_directory(final, overwrite=True):
        raise ValueError("no")
    assert content_of(final) == "old"
    assert tree(tmp_path) == ["result", "result/run.json"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_foreign_files_are_never_touched(final, overwrite):
    final.mkdir()
    (final / "thesis.docx").touch()
    with pytest.raises(InputError, match="result"):
        write_result(final, overwrite=overwrite)
    assert tree(final) == ["thesis.docx"]


RESULT = ("run.json", "report.html", "vertebrae/L1.tfm", "vertebrae/L2.tfm")


def write_files(final, content, files=RESULT, **options) -> None:
    with staged_directory(final, **options) as folder:
        for name in files:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(json.dumps({"says": content}))


@pytest.fixture
def worked_with(final):
    """A result in which a user has left things, and to which this program has added a file."""
    write_files(final, "old")
    for name in ("notes.txt", "vertebrae/L9.tfm", "screws/plan A/screw.stl", "evaluation.json"):
        (final / name).parent.mkdir(parents=True, exist_ok=True)
        (final / name).write_text("my own")
    (final / "empty").mkdir()
    (final / "images").symlink_to(final.parent)
    return final


def test_overwriting_keeps_what_no_run_wrote_and_says_so(worked_with, tmp_path):
    told = []
    write_files(
        worked_with,
        "new",
        (*RESULT[:3], "screws.stl"),
        overwrite=True,
        added_later=["evaluation.json"],
        tell=told.append,
    )
    assert tree(worked_with) == [
        *("empty", "images", "notes.txt", "report.html", "run.json", "screws", "screws.stl", "screws/plan A"),
        *("screws/plan A/screw.stl", "vertebrae", "vertebrae/L1.tfm", "vertebrae/L9.tfm"),
    ]
    for name in ("notes.txt", "vertebrae/L9.tfm", "screws/plan A/screw.stl"):
        assert (worked_with / name).read_text() == "my own"
    assert content_of(worked_with) == "new"
    assert (worked_with / "images").is_symlink()
    assert os.listdir(tmp_path) == ["result"]
    (sentence,) = told
    assert "kept in the output folder" in sentence
    assert all(name in sentence for name in ("notes.txt", "screw.stl", "L9.tfm", "empty", "images"))


def test_kept_files_stay_the_users_at_the_next_overwriting(worked_with):
    for content in ("second", "third"):
        write_files(worked_with, content, overwrite=True, added_later=["evaluation.json"])
    assert (worked_with / "notes.txt").read_text() == "my own"
    assert content_of(worked_with) == "third"
    assert "notes.txt" not in json.loads((worked_with / "run.json").read_text())["files"]


def test_a_new_file_takes_no_name_from_a_kept_one(worked_with):
    write_files(worked_with, "new", (*RESULT, "notes.txt"), overwrite=True)
    assert json.loads((worked_with / "notes.txt").read_text()) == {"says": "new"}
    assert (worked_with / "notes (kept).txt").read_text() == "my own"


def test_a_failed_run_changes_nothing_of_the_users(worked_with, tmp_path):
    before = {path: path.read_text() for path in worked_with.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="no"), staged_directory(worked_with, overwrite=True):
        raise ValueError("no")
    assert {path: path.read_text() for path in worked_with.rglob("*") if path.is_file()} == before
    assert os.listdir(tmp_path) == ["result"]


def test_nothing_is_replaced_if_a_file_cannot_be_kept(worked_with, tmp_path, monkeypatch):
    def deny(source, *arguments: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(source))

    monkeypatch.setattr("os.link", deny)
    monkeypatch.setattr("shutil.copy2", deny)
    with pytest.raises(InputError, match=r"in it cannot be kept \(Permission denied\)"):
        write_files(worked_with, "new", overwrite=True)
    assert content_of(worked_with) == "old"
    assert (worked_with / "notes.txt").read_text() == "my own"
    assert os.listdir(tmp_path) == ["result"]


def test_files_are_kept_without_hard_links(worked_with, monkeypatch):
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    write_files(worked_with, "new", overwrite=True)
    assert (worked_with / "notes.txt").read_text() == "my own"
    assert (worked_with / "images").is_symlink()


@pytest.mark.parametrize("content", ["{}", "[]", "no JSON", '{"files": 3}'])
def test_a_result_that_does_not_list_its_files_is_not_replaced(final, content):
    final.mkdir()
    (final / "run.json").write_text(content)
    (final / "notes.txt").touch()
    with pytest.raises(InputError, match="does not list what that run wrote; remove it yourself"):
        write_files(final, "new", overwrite=True)
    assert tree(final) == ["notes.txt", "run.json"]


def test_foreign_files_that_come_later_are_not_touched_either(final, tmp_path):
    def fill_meanwhile() -> None:
        with staged_directory(final, overwrite=True):
            final.mkdir()
            (final / "thesis.docx").touch()

    with pytest.raises(InputError, match=r"holds no run\.json"):
        fill_meanwhile()
    assert tree(tmp_path) == ["result", "result/thesis.docx"]


def test_file_is_no_folder(final, tmp_path):
    final.touch()
    with pytest.raises(InputError, match="is a file; choose a folder"):
        write_result(final, overwrite=True)
    with pytest.raises(InputError, match="cannot be created"):
        write_result(final / "inside")
    assert tree(tmp_path) == ["result"]


def test_current_folder_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is in use"):
        write_result(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_unwritable_parent(tmp_path, monkeypatch):
    def deny(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(staging.Path, "mkdir", deny)
    with pytest.raises(InputError, match=r"cannot be created \(Permission denied\)"):
        write_result(tmp_path / "result")


def test_earlier_result_returns_if_the_new_one_cannot_take_its_place(final, tmp_path, monkeypatch):
    write_result(final, "old")
    rename = staging.Path.rename

    def fail_for_new(self, target):
        if self.name.startswith("new-"):
            raise PermissionError(13, "used by another program")
        return rename(self, target)

    monkeypatch.setattr(staging.Path, "rename", fail_for_new)
    with pytest.raises(InputError, match=r"cannot be replaced \(used by another program\)"):
        write_result(final, overwrite=True)
    assert content_of(final) == "old"
    assert tree(tmp_path) == ["result", "result/run.json"]


def test_link_is_followed(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "result").symlink_to(tmp_path / "disk")
    write_result(tmp_path / "result")
    assert (tmp_path / "result").is_symlink()
    assert tree(tmp_path / "disk") == ["run.json"]


def test_result_that_a_killed_run_was_replacing_comes_back(final, tmp_path):
    write_result(final, "old")
    with claimed(final) as workplace:
        pass
    workplace.mkdir()
    final.rename(workplace / EARLIER)
    with pytest.raises(InputError, match="is not empty"):
        write_result(final)
    assert content_of(final) == "old"
    assert tree(tmp_path) == ["result", "result/run.json"]


def test_what_killed_runs_of_other_outputs_left_is_removed(final, tmp_path):
    """Not what a living run holds, nor an earlier result that waits to come back."""
    with claimed(tmp_path / "killed") as killed, claimed(tmp_path / "replacing") as replacing:
        pass
    for workplace in (killed, replacing):
        workplace.mkdir()
        (workplace / "lock").touch()
        (workplace / "ct_in_mr.nrrd").touch()
    (replacing / EARLIER).mkdir()
    with claimed(tmp_path / "living") as living:
        (living / "ct_in_mr.nrrd").touch()
        write_result(final)
        assert (living / "ct_in_mr.nrrd").exists()
    assert not killed.exists()
    assert (replacing / EARLIER).exists()
    assert content_of(final) == "new"


def test_file_system_without_locks(final, tmp_path, monkeypatch):
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    write_result(final)
    with claimed(final) as workplace:
        kept = workplace
        with pytest.raises(InputError, match="is being made by another run"), claimed(final):
            pass
    assert not kept.exists()


@pytest.mark.parametrize("name", ["x" * 300, "loop/result"])
def test_path_that_no_system_takes(tmp_path, name):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match="cannot be created"):
        write_result(tmp_path / name)


def test_an_earlier_result_that_cannot_come_back_stays_where_it_is(final, tmp_path, monkeypatch):
    """A file in it may be open on Windows."""
    with claimed(final) as workplace:
        aside = workplace
    aside.mkdir()
    (aside / EARLIER).mkdir()
    (aside / EARLIER / "run.json").write_text("{}")

    def refuse(*_):
        raise PermissionError(13, "in use")

    with monkeypatch.context() as patched:
        patched.setattr(staging.Path, "rename", refuse)
        with pytest.raises(InputError, match="cannot be put back"), claimed(final):
            pass
    assert (aside / EARLIER / "run.json").exists()
    with claimed(final):
        assert (final / "run.json").exists()


def test_file_replaces_an_earlier_one_at_success(tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_text("old")
    with pytest.raises(FileNotFoundError), staged_file(picture) as new:
        (new / "inside").write_text("never")
    assert picture.read_text() == "old"
    with staged_file(picture) as new:
        assert new.suffix == ".png"
        new.write_text("new")
    assert picture.read_text() == "new"
    assert tree(tmp_path) == ["picture.png"]
