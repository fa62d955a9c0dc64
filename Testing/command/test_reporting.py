import io
import json
import os
import pty
import re
import subprocess
import sys

import pytest
from spine_ctmr.command import reporting
from spine_ctmr.command.reporting import BarReporter, JsonReporter, LineReporter, make_reporter


def test_json_lines(standin):
    ended = standin("write", "--output", "result", "--progress", "json")
    assert ended.err == ""
    first, warning, last, result = ended.lines
    assert (first["stage"], first["fraction"]) == ("aligning", 0.25)
    assert first["remaining_s"] == pytest.approx(3 * first["elapsed_s"], abs=0.2)
    assert warning == {"warning": "L3 is cut by the field of view."}
    assert (last["stage"], last["fraction"], last["remaining_s"]) == ("writing", 1.0, 0.0)
    assert result == {"result": str(standin.folder / "result")}


def test_none_is_silent_but_for_sentences(standin):
    ended = standin("write", "--output", "result", "--progress", "none")
    assert (ended.out, ended.err) == ("", "warning: L3 is cut by the field of view.\n")


def test_json_is_not_flooded_and_stays_in_range(capsys):
    report = JsonReporter()
    for step in range(1000):
        report("refining", step / 500 - 0.5)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["fraction"] == 0
    assert lines[0]["remaining_s"] is None
    assert max(line["fraction"] for line in lines) <= 1
    assert sum(line["fraction"] < 1 for line in lines) < 10


def test_bar_shows_stage_share_and_time(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    report = make_reporter("bar")
    assert isinstance(report, BarReporter)
    report("aligning", 0.0)
    report("refining", 0.4)
    report.close()
    assert "refining" in terminal.getvalue()
    assert " 40 %" in terminal.getvalue()


LONGEST = "Making synthetic vertebrae"


@pytest.mark.parametrize("columns", [1, 20, 31, 33, 45, 63, 64, 80, 300])
@pytest.mark.parametrize("stage", ["reading", LONGEST, "someone {0}: Our engine, 5 mm wrong"])
def test_stages_are_never_cut_off(monkeypatch, columns, stage):
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(reporting, "_terminal_columns", lambda: columns)
    report = BarReporter()
    for fraction in (0.0, 0.4, 0.4, 1.0):
        report(stage, fraction)
    report("done", 1.0)
    report.close()
    lines = [line.strip() for line in re.split("[\r\n]", terminal.getvalue())]
    parts = [line for line in lines if line.startswith(stage[:3])]
    assert parts
    assert all(line.startswith(stage) for line in parts)
    shown = [line for line in lines if "%" in line]
    assert max(len(line) for line in shown) <= max(columns, len("100 %"))
    assert shown[-1].startswith("done") or columns < len("done 100 %")
    assert sum("100 %" in line and "done" not in line for line in shown) <= 1


def test_the_last_line_names_the_report(standin, capsys, tmp_path):
    for report in (BarReporter(), LineReporter()):
        report.result(tmp_path)
    assert capsys.readouterr().out.splitlines() == [str(tmp_path)] * 2
    (tmp_path / "report.html").touch()
    for report in (BarReporter(), LineReporter()):
        report.result(tmp_path)
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "report.html")] * 2


def test_error_after_a_cancelled_bar_starts_on_a_clean_line(monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    BarReporter().error("Cancelled.")
    assert terminal.getvalue().endswith("\rerror: Cancelled.\n")


def test_bar_passes_through_to_the_terminal(standin):
    overseer, terminal = pty.openpty()
    process = standin_on_terminal(standin, terminal)
    os.close(terminal)
    shown = read_all(overseer)
    assert process.wait(10) == 0
    assert b"aligning" in shown
    assert re.search(rb"writing +100 % \|", shown)


def standin_on_terminal(standin, terminal: int) -> subprocess.Popen:
    command = [sys.executable, *standin.program, "write", "--output", "result"]
    return subprocess.Popen(command, cwd=standin.folder, stdout=subprocess.DEVNULL, stderr=terminal)


def read_all(descriptor: int) -> bytes:
    shown = b""
    try:
        while chunk := os.read(descriptor, 1024):
            shown += chunk
    except OSError:
        pass  # Linux reports the closed terminal so
    os.close(descriptor)
    return shown
