"""The stand-ins offer nothing that Slicer does not, and follow PythonQt's rules."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
UI = REPOSITORY / "SpineCTMRRegistration" / "Resources" / "UI" / "SpineCTMRRegistration.ui"
pytest.importorskip(
    "slicer", exc_type=ImportError, reason="slicer-core is not installed: pip install '.[test]'"
)
pytest.importorskip(
    "PySide6.QtWidgets",
    exc_type=ImportError,
    reason="Qt's system libraries (libEGL, libGL, libxkbcommon) are missing",
)

from host import application  # noqa: E402

application.start()

import qt  # noqa: E402
import slicer  # noqa: E402

from host import modules, parameter_node, pythonqt, widgets  # noqa: E402


def own_properties(meta: object) -> set[str]:
    return {meta.property(i).name() for i in range(meta.propertyOffset(), meta.propertyCount())}


@pytest.mark.parametrize("kind", widgets.STAND_INS, ids=lambda kind: kind.__name__)
def test_widgets_offer_nothing_that_the_real_ones_do_not(api, kind):
    entry = api["classes"].get(kind.__name__) or api["supporting_classes"][kind.__name__]
    surface = entry["python_surface"]
    assert set(kind.OFFERED_METHODS) <= set(surface.get("methods", {}))
    widget = kind()  # its class has a new meta-object after signals were connected: ask the living one
    meta = widget.metaObject()
    assert own_properties(meta) <= set(surface.get("properties", {}))
    real = [signature for group in surface.get("signals", {}).values() for signature in group]
    assert set(kind.OFFERED_SIGNALS) <= set(real)
    for name, kind_of in surface.get("properties", {}).items():
        if name in own_properties(meta) and "read-only" in kind_of:
            assert not meta.property(meta.indexOfProperty(name)).isWritable(), name


def test_base_classes_offer_nothing_that_the_real_ones_do_not(api):
    real = api["python"]["slicer.ScriptedLoadableModule"]["classes"]
    for name, kind in vars(modules).items():
        if name.startswith("ScriptedLoadable"):
            methods = {n for n in vars(kind) if not n.startswith("_")}
            assert methods <= set(real[name]["methods"]), name
    data = api["python"]["SampleData"]["classes"]["SampleDataLogic"]["methods"]
    for name in ("registerCustomSampleDataSource", "isSampleDataSourceRegistered"):
        assert name in data


def test_gui_connectors_know_the_widgets_that_ours_know(api):
    known = set(api["python"]["slicer.parameterNodeWrapper"]["gui_connector_widget_classes"])
    used = {w.get("class") for w in ElementTree.parse(UI).iter("widget") if _is_bound(w)}
    places = {name.partition(".")[2] for name in known}
    assert used <= places


def test_the_ui_file_sets_only_properties_that_exist(api):
    for widget in ElementTree.parse(UI).iter("widget"):
        entry = api["classes"].get(widget.get("class"))
        if entry is None:
            continue
        base = {"ctkCollapsibleButton": qt.QPushButton}.get(widget.get("class"), qt.QWidget)()
        meta = base._object.metaObject()
        inherited = {meta.property(i).name() for i in range(meta.propertyCount())}
        for prop in widget.findall("property"):
            if prop.get("name") != "SlicerParameterName":
                assert prop.get("name") in inherited | set(entry["python_surface"].get("properties", {}))


def _is_bound(widget: ElementTree.Element) -> bool:
    return any(p.get("name") == "SlicerParameterName" for p in widget.findall("property"))


def test_properties_are_values_and_unknown_names_are_refused():
    button = qt.QPushButton("Register")
    assert button.text == "Register"
    with pytest.raises(TypeError):
        button.text()
    button.text = "Cancel"
    assert button.text == "Cancel"
    with pytest.raises(AttributeError):
        button.foo = 1
    with pytest.raises(AttributeError):
        button.click = None
    with pytest.raises(AttributeError):
        slicer.qMRMLNodeComboBox().setNodeTypes(["vtkMRMLScalarVolumeNode"])
    with pytest.raises(AttributeError):
        slicer.qMRMLNodeComboBox()._on_activated(0)


def test_wrong_types_and_keyword_arguments_are_refused_as_by_pythonqt():
    spin, table = qt.QSpinBox(), qt.QTableWidget()
    with pytest.raises(AttributeError, match="value"):
        spin.value = "three"
    with pytest.raises(AttributeError, match="maximum"):
        qt.QProgressBar().maximum = None
    for call in (lambda: spin.setValue(value=3), lambda: qt.QPushButton(text="Register")):
        with pytest.raises(ValueError, match="keyword"):
            call()
    with pytest.raises(ValueError, match="arguments"):
        table.selectRow("first")


def test_tool_tips_of_widgets_come_back_as_paragraphs():
    button, cell = qt.QPushButton("Register"), qt.QTableWidgetItem("L1")
    button.toolTip = "Choose the CT & the MR."
    assert button.toolTip == "<p>Choose the CT &amp; the MR.</p>"
    button.toolTip = button.toolTip
    assert button.toolTip == "<p>Choose the CT &amp; the MR.</p>"
    button.toolTip = ""
    assert button.toolTip == ""
    cell.setToolTip("Choose the CT.")
    assert cell.toolTip() == "Choose the CT."
    tips = ElementTree.parse(UI).findall(".//widget[@name='placeButton']/property[@name='toolTip']/string")
    panel = slicer.util.loadUI(str(UI))
    assert slicer.util.childWidgetVariables(panel).placeButton.toolTip == f"<p>{tips[0].text}</p>"


def test_a_wrong_signal_is_told_and_a_failing_slot_does_not_stop_the_program(capsys):
    button = qt.QPushButton()
    assert not button.connect("pressedTwice()", print)

    def fail():
        raise KeyError("slot")

    assert button.connect("clicked()", fail)
    button.click()
    assert len(pythonqt.errors) == 2
    pythonqt.errors.clear()
    assert "KeyError" in capsys.readouterr().err


def test_slots_get_as_many_arguments_as_they_accept_until_disconnected():
    box, seen = qt.QCheckBox(), []
    none, one = (lambda: seen.append("none")), seen.append
    box.connect("toggled(bool)", none)
    box.toggled.connect(one)
    box.checked = True
    assert seen == ["none", True]
    box.toggled.disconnect(one)
    box.checked = False
    assert seen == ["none", True, "none"]


def test_a_deleted_object_is_false_and_refuses_to_be_used():
    label = qt.QLabel("text")
    label.delete()
    assert not label
    assert label == None  # noqa: E711
    with pytest.raises(ValueError, match="deleted"):
        _ = label.text
    with pytest.raises(AttributeError):
        label.text = "x"


def test_parameters_refuse_what_slicer_refuses():
    assert parameter_node._node_types(slicer.vtkMRMLScalarVolumeNode) == (slicer.vtkMRMLScalarVolumeNode,)
    union = slicer.vtkMRMLScalarVolumeNode | slicer.vtkMRMLTransformNode | None
    assert parameter_node._node_types(union) == ()  # Slicer knows typing.Union only
