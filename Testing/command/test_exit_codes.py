import os
import signal

import pytest


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_success(standin):
    ended = standin("write", "--output", "result")
    assert ended.code == 0
    assert ended.out == f"{standin.folder / 'result'}\n"
    assert ended.err.splitlines() == [
        " 25 % aligning",
        "warning: L3 is cut by the field of view.",
        "100 % writing",
    ]
    assert names(standin.folder) == ["result"]
    assert names(standin.folder / "result") == ["run.json", "vertebrae"]


def test_failed_checks_keep_the_results(standin):
    ended = standin("fail_checks", "--output", "result", "--progress", "json")
    assert ended.code == 3
    assert ended.lines[-2:] == [
        {"error": "No vertebra passed its checks; see report.html."},
        {"result": str(standin.folder / "result")},
    ]
    assert names(standin.folder) == ["result"]


@pytest.mark.parametrize(
    ("subcommand", "code", "part"),
    [
        ("fail_checks_without_results", 3, "Nothing to keep."),
        ("refuse_input", 2, "The CT 'x.nrrd' has two channels; give a scalar image."),
        ("exhaust_memory", 1, "The registration ran out of memory; use --quality fast"),
        ("exhaust_native_memory", 1, "The registration ran out of memory; use --quality fast"),
        (
            "be_killed",
            1,
            "The registration ran out of memory and was ended by the system; use --quality fast",
        ),
        ("exit_like_a_killed_shell", 1, "ran out of memory and was ended by the system"),
        ("crash", 1, "The registration crashed in native code (SIGSEGV)"),
        ("crash_while_reading", 2, "Reading 'bad.nrrd' crashed (SIGSEGV): it seems damaged"),
        ("be_killed_while_reading", 1, "ran out of memory while it read 'large.nrrd' and was ended"),
        ("hang_while_reading", 2, "Reading 'endless.nrrd' was ended after 0 s"),
        ("fill_disk", 1, "The disk of the output folder is full"),
        ("lack_package", 1, "The Python package 'a_package_that_nobody_has' cannot be loaded"),
        (
            "have_a_bug",
            1,
            "stopped unexpectedly (KeyError: 'first line\\nsecond line'); set SPINE_CTMR_TRACEBACK=1",
        ),
    ],
)
def test_failures_get_one_sentence_and_leave_nothing(standin, subcommand, code, part):
    ended = standin(subcommand, "--output", "deep/result")
    assert ended.code == code
    assert part in ended.sentence
    assert ended.out == ""
    assert names(standin.folder) == []


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_package_that_a_limit_of_memory_keeps_out(standin):
    """Where memory ends while a package is loaded, Python says that parts of it are not there."""
    import resource

    limits = (3000 << 20, resource.RLIM_INFINITY)
    ended = standin(
        "lack_package", "--output", "out", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limits)
    )
    assert "raise the limit of memory, 3000 MB (ulimit), or install this program again" in ended.sentence


def test_traceback_on_request(standin, monkeypatch):
    monkeypatch.setenv("SPINE_CTMR_TRACEBACK", "1")
    ended = standin("have_a_bug", "--output", "result")
    assert "Traceback" in ended.err
    assert "in have_a_bug" in ended.err


def test_worker_has_no_input_and_no_marks(standin):
    assert standin("read_input", "--output", "result").code == 0


def _ignore_ended_children() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
@pytest.mark.parametrize(
    ("subcommand", "code", "results"),
    [("write", 0, ["result"]), ("fail_checks", 3, ["result"]), ("refuse_input", 2, []), ("be_killed", 1, [])],
)
def test_parent_that_ignores_ended_children(standin, subcommand, code, results):
    """As some launchers and schedulers do; the system then loses the exit codes of our own children."""
    ended = standin(subcommand, "--output", "result", preexec_fn=_ignore_ended_children)
    assert ended.code == code
    assert names(standin.folder) == results


def test_end_without_a_word_is_no_success(standin):
    """Whatever made the worker exit with 0, it did not finish."""
    ended = standin("leave_early", "--output", "result")
    assert ended.code == 1
    assert "ended without a word" in ended.sentence
    assert names(standin.folder) == []
