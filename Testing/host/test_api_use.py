"""Every name of Slicer and Qt in the panel's source, also where no test comes by, exists in both releases."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

from host import source_names
from host.test_stand_ins import UI

IN_EVERY_QAPPLICATION = {"connect", "disconnect", "processEvents"}
OF_SLICER_APPLICATION = {
    "applicationLogic",
    "layoutManager",
    "openExtensionsManagerDialog",  # where Slicer is built with it; asked for before it is used
    "temporaryPath",
}
"""qSlicerApplication is not in the lists; it has these methods and this property since Slicer 4."""
SIGNALS_OF_APPLICATION = {"startupCompleted()", "aboutToQuit()"}
ONLY_WHERE_PRESENT = {("slicer", "packaging", "pip_install")}
"""Asked for before they are used: from Slicer 5.12 on."""


def chains(*start: str) -> Iterator[source_names.Use]:
    for use in source_names.uses():
        if use.path[: len(start)] == start and len(use.path) > len(start):
            yield use


def widget_classes() -> dict[str, str]:
    return {w.get("name"): w.get("class") for w in ElementTree.parse(UI).iter("widget")}


def qt_members(name: str) -> tuple[set[str], set[str], set[str]]:
    """Properties, methods and signals of a Qt class."""
    from PySide6 import QtCore, QtWidgets

    kind = getattr(QtWidgets, name, QtWidgets.QWidget)
    widget = kind()
    meta = widget.metaObject()
    properties = {meta.property(i).name() for i in range(meta.propertyCount())}
    methods = [meta.method(i) for i in range(meta.methodCount())]
    signals = {
        bytes(m.methodSignature().data()).decode()
        for m in methods
        if m.methodType() == QtCore.QMetaMethod.MethodType.Signal
    }
    return properties, {n for n in dir(kind) if not n.startswith("_")}, signals


def test_widgets_are_used_as_pythonqt_offers_them(api):
    classes, problems, seen = widget_classes(), [], 0
    for use in chains("ui"):
        name, *rest = use.path[1:]
        if name not in classes:
            problems.append(f"{use.where}: the .ui file has no {name}")
            continue
        seen += 1
        if not rest:
            continue
        member = rest[0]
        surface = (api["classes"].get(classes[name]) or {}).get("python_surface", {})
        properties, methods, signals = qt_members(classes[name])
        properties |= set(surface.get("properties", {}))
        signals |= {s for group in surface.get("signals", {}).values() for s in group}
        names = {s.partition("(")[0] for s in signals} | {"connect", "disconnect"}
        offered = methods | set(surface.get("methods", {})) | names
        if member in properties:
            if use.called and len(rest) == 1:
                problems.append(f"{use.where}: {name}.{member} is a value, not a function")
        elif member not in offered:
            problems.append(f"{use.where}: {classes[name]} has no {member}")
        if member == "connect" and use.text not in signals:
            problems.append(f"{use.where}: {classes[name]} has no signal {use.text}")
    assert not problems, "\n".join(problems)
    assert seen > 70


def test_functions_of_slicer_util_exist_in_both_releases(api):
    util = api["python"]["slicer.util"]
    known = {*util["functions"], *util["classes"], *util["constants"]}
    used = {use.path[2]: use.where for use in chains("slicer", "util")}
    assert len(used) >= 5
    assert {name: where for name, where in used.items() if name not in known} == {}


def test_other_modules_of_slicer_offer_what_is_imported(api):
    for name in ("slicer.ScriptedLoadableModule", "slicer.i18n", "slicer.parameterNodeWrapper", "SampleData"):
        entry = api["python"][name]
        known = {*entry.get("functions", {}), *entry.get("classes", {}), *entry.get("public_names", [])}
        parts = name.split(".")
        used = {use.path[len(parts)]: use.where for use in chains(*parts)}
        assert used, name
        assert {n: where for n, where in used.items() if n not in known} == {}, name
    sample_data = api["python"]["SampleData"]["classes"]["SampleDataLogic"]["methods"]
    used = {use.path[2] for use in chains("SampleData", "SampleDataLogic")}
    assert used == {"registerCustomSampleDataSource"} <= set(sample_data)


def test_what_only_newer_releases_have_is_asked_for_first(api):
    used = {use.path for use in chains("slicer", "packaging")}
    assert used == ONLY_WHERE_PRESENT
    functions = api["python"]["slicer.packaging"].get("functions")  # none in 5.10
    assert functions is None or "pip_install" in functions


def test_the_widget_inherits_what_it_uses(api):
    base = api["python"]["slicer.ScriptedLoadableModule"]["classes"]["ScriptedLoadableModuleWidget"]
    parent = api["classes"]["qSlicerScriptedLoadableModuleWidget"]["python_surface"]
    used = {"resourcePath", "layout", "parent"}
    assert used <= {use.path[1] for use in chains("self") if use.where.startswith("SpineCTMRRegistration.py")}
    assert used <= {*base["methods"], *base["instance_attributes"]}
    assert {use.path[2] for use in chains("self", "parent")} - {"title", "categories"} <= {
        *parent["properties"],
        *("dependencies", "contributors", "helpText", "acknowledgementText"),  # of the module itself
    }


def test_observers_of_the_scene_come_and_go_as_slicer_offers(api):
    mixin = api["python"]["slicer.util"]["classes"]["VTKObservationMixin"]
    used = {"addObserver", "removeObserver", "removeObservers"}
    files = ("sections/parameter_sets.py", "SpineCTMRRegistration.py")
    own = {use.path[-1] for use in source_names.uses() if use.where.rpartition(":")[0].endswith(files)}
    assert used <= own
    assert used <= set(mixin["methods"])


def test_the_application_is_used_little(api):
    used = {use.path[2]: use for use in chains("slicer", "app")}
    assert set(used) <= IN_EVERY_QAPPLICATION | OF_SLICER_APPLICATION
    signals = {use.text for use in chains("slicer", "app") if use.path[2] in ("connect", "disconnect")}
    assert signals <= SIGNALS_OF_APPLICATION
    polling = [use.where for use in chains("slicer", "app") if use.path[2] == "processEvents"]
    waiting = (
        "/self_test.py:",
        "/sections/segmenting.py:",
    )  # another extension blocks
    assert all(any(file in where for file in waiting) for where in polling)  # the panel itself only reacts


def test_nodes_and_logics_are_those_of_slicer():
    import slicer

    names = {use.path[1]: use.where for use in chains("slicer") if use.path[1].startswith("vtk")}
    assert len(names) > 20
    assert {name: where for name, where in names.items() if not hasattr(slicer, name)} == {}


def test_no_name_of_a_widget_is_computed():
    """Otherwise the tests above would not see it."""
    computed = [use.where for use in source_names.uses() if use.path[-1] == "<computed>"]
    allowed = ("readiness.py", "session.py", "parameters.py")  # names of parameters
    assert [where for where in computed if not where.partition("Lib/")[2].startswith(allowed)] == []


def test_classes_of_qt_exist():
    import qt

    used = {use.path[1] for use in chains("qt")}
    assert used >= {"QColor", "QProcess"}
    for name in used:
        assert getattr(qt, name)
