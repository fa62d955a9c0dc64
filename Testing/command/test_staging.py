import errno
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
        (folder / "run.json").write_text(content)


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
    assert (final / "run.json").read_text() == "old"
    write_result(final, overwrite=True)
    assert (final / "run.json").read_text() == "new"
    assert tree(tmp_path) == ["result", "result/run.json"]


def test_failed_overwrite_keeps_the_earlier_result(final, tmp_path):
    write_result(final, "old")
    with pytest.raises(ValueError, match="no"), staged_directory(final, overwrite=True):
        raise ValueError("no")
    assert (final / "run.json").read_text() == "old"
    assert tree(tmp_path) == ["result", "result/run.json"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_foreign_files_are_never_touched(final, overwrite):
    final.mkdir()
    (final / "thesis.docx").touch()
    with pytest.raises(InputError, match="result"):
        write_result(final, overwrite=overwrite)
    assert tree(final) == ["thesis.docx"]


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
    assert (final / "run.json").read_text() == "old"
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
    assert (final / "run.json").read_text() == "old"
    assert tree(tmp_path) == ["result", "result/run.json"]


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
