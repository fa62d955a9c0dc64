"""Accept, reject and remarks: kept with the result, in the scene, the report and the exports."""

from __future__ import annotations

import json

import pytest
from panel.choices import words
from panel.replay import start
from spine_ctmr.results.sign_off import read_sign_off, require_match, state


@pytest.fixture
def result(panel, result):
    """The parameter set of a finished run, whose first vertebra is selected."""
    panel.ui.vertebraTable.selectRow(0)
    return result


def sign(panel) -> None:
    """L3 accepted, L4 rejected with a remark, L5 open."""
    panel.ui.acceptButton.click()
    panel.ui.vertebraTable.selectRow(1)
    panel.ui.rejectButton.click()
    panel.ui.remarkEdit.text = "pedicle <off> by 2 mm"
    panel.ui.remarkEdit._object.editingFinished.emit()


def decided(panel) -> list[str]:
    return [panel.ui.vertebraTable.item(row, 4).text() for row in range(3)]


def test_decisions_are_shown_for_the_selected_vertebra(panel, result):
    sign(panel)
    assert decided(panel) == ["accepted", "rejected…", ""]
    assert words(panel.ui.vertebraTable.item(1, 4).toolTip()) == "pedicle <off> by 2 mm"
    panel.ui.vertebraTable.selectRow(0)
    assert (panel.ui.acceptButton.checked, panel.ui.rejectButton.checked) == (True, False)
    assert panel.ui.remarkEdit.text == ""
    panel.ui.rejectButton.click()
    assert (panel.ui.acceptButton.checked, panel.ui.rejectButton.checked) == (False, True)
    panel.ui.rejectButton.click()  # taken back
    assert decided(panel)[0] == ""
    panel.ui.vertebraTable.selectRow(1)
    assert panel.ui.remarkEdit.text == "pedicle <off> by 2 mm"


def test_a_remark_that_is_being_typed_outlives_what_else_happens(panel, result, scene):
    panel.ui.remarkEdit.text = "facet jo"
    panel.ui.opacitySlider.value = 0.35
    other = scene.AddNewNodeByClass("vtkMRMLModelNode", "Unrelated")
    scene.RemoveNode(other)
    panel.ui.acceptButton.click()
    assert panel.ui.remarkEdit.text == "facet jo"
    panel.ui.vertebraTable.selectRow(1)
    assert panel.ui.remarkEdit.text == ""


def test_decisions_are_columns_of_the_table_and_saved_with_the_scene(panel, result, scene, tmp_path):
    sign(panel)
    table = result.table.GetTable()
    decisions = table.GetColumnByName("decision")
    assert [decisions.GetValue(row) for row in range(3)] == ["accepted", "rejected", ""]
    assert table.GetColumnByName("remark").GetValue(1) == "pedicle <off> by 2 mm"
    scene.SetRootDirectory(str(tmp_path))
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear(False)
    assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    assert decided(panel) == ["accepted", "rejected…", ""]


def test_a_new_run_is_open_again(panel, engine, result):
    table = result.table
    sign(panel)
    start(panel)
    engine.finish()
    assert panel.logic.getParameterNode().table is table
    assert decided(panel) == ["", "", ""]
    assert table.GetTable().GetColumnByName("decision").GetValue(0) == ""


def export(panel, monkeypatch, folder, button) -> None:
    import qt

    folder.mkdir()
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(folder), raising=False)
    button.click()


def test_decisions_are_in_what_is_exported(panel, result, monkeypatch, tmp_path):
    whole, page = tmp_path / "whole", tmp_path / "page"
    sign(panel)
    export(panel, monkeypatch, whole, panel.ui.exportResultsButton)
    sign_off = read_sign_off(whole / "sign_off.json")
    require_match(whole, sign_off)
    assert state(sign_off, ["L3", "L4", "L5"]) == "rejected"
    export(panel, monkeypatch, page, panel.ui.exportReportButton)
    assert {path.name for path in page.iterdir()} == {"report.html", "sign_off.json"}
    text = (page / "report.html").read_text(encoding="utf-8")
    assert "What the reader decided: rejected" in text
    assert "<td>L4</td><td>rejected</td><td>pedicle &lt;off&gt; by 2 mm</td>" in text
    assert "<td>L5</td><td>open</td>" in text
    assert (whole / "report.html").read_text(encoding="utf-8") == text
    export(panel, monkeypatch, tmp_path / "transforms", panel.ui.exportTransformsButton)
    assert read_sign_off(tmp_path / "transforms" / "sign_off.json") == sign_off


def test_a_sign_off_has_the_name_of_slicers_user(panel, result, monkeypatch, tmp_path, host):
    user = host.app.applicationLogic().GetUserInformation()
    monkeypatch.setattr(user, "GetName", lambda: "A. <Reader>")
    sign(panel)
    export(panel, monkeypatch, tmp_path / "page", panel.ui.exportReportButton)
    sign_off = read_sign_off(tmp_path / "page" / "sign_off.json")
    assert sign_off.reviewer == "A. <Reader>"
    text = (tmp_path / "page" / "report.html").read_text(encoding="utf-8")
    assert f"<p>A. &lt;Reader&gt; {sign_off.signed}</p>" in text


def test_what_was_taken_back_does_not_date_a_sign_off(panel, result, monkeypatch, tmp_path):
    from SpineCTMRRegistrationLib.decisions import SIGN_OFF

    panel.ui.acceptButton.click()
    panel.ui.vertebraTable.selectRow(1)
    panel.ui.acceptButton.click()
    panel.ui.acceptButton.click()
    rows = json.loads(result.table.GetAttribute(SIGN_OFF))
    for name, day in zip(("L3", "L4"), ("01", "09"), strict=True):
        rows[name]["signed"] = f"2026-11-{day}T10:15:00+00:00"
    result.table.SetAttribute(SIGN_OFF, json.dumps(rows))
    export(panel, monkeypatch, tmp_path / "page", panel.ui.exportReportButton)
    assert read_sign_off(tmp_path / "page" / "sign_off.json").signed == "2026-11-01T10:15:00+00:00"


def test_nothing_is_added_where_nothing_was_decided(panel, result, monkeypatch, tmp_path):
    export(panel, monkeypatch, tmp_path / "page", panel.ui.exportReportButton)
    assert [path.name for path in (tmp_path / "page").iterdir()] == ["report.html"]


def test_nobody_can_decide_without_a_result(panel):
    assert not panel.ui.acceptButton.enabled
    assert not panel.ui.rejectButton.enabled
    assert not panel.ui.remarkEdit.enabled


def test_exported_poses_load_in_slicer_as_the_nodes(panel, result, monkeypatch, tmp_path, host):
    import numpy as np
    from SpineCTMRRegistrationLib.result_nodes import results_of

    export(panel, monkeypatch, tmp_path / "all", panel.ui.exportTransformsButton)
    for name, node in results_of(result.table).vertebra_transforms.items():
        matrices = []
        for path in (f"vertebrae_for_slicer/{name} to MR.tfm", f"vertebrae/{name}.tfm"):
            storage, loaded = host.vtkMRMLTransformStorageNode(), host.vtkMRMLLinearTransformNode()
            storage.SetFileName(str(tmp_path / "all" / path))
            assert storage.ReadData(loaded)
            matrices.append(host.util.arrayFromTransformMatrix(loaded))
        assert np.allclose(matrices[0], host.util.arrayFromTransformMatrix(node), atol=1e-9)
        assert np.allclose(np.linalg.inv(matrices[1]), matrices[0], atol=1e-9)  # as the panel says
    exported = sorted(path.name for path in (tmp_path / "all").iterdir())
    assert exported == ["ct_to_mr.h5", "mr_to_ct.h5", "vertebrae", "vertebrae_for_slicer"]
