"""Starts the stand-in for Slicer: `start()`, then import the module's files."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
import types
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

MODULE = "SpineCTMRRegistration"
MODULE_FOLDER = Path(__file__).resolve().parents[2] / MODULE


def start() -> Any:
    """Make `qt`, `ctk` and the parts of `slicer` that slicer-core lacks importable; return `slicer`."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import slicer

    if hasattr(slicer, "app"):
        return slicer
    if sys.version_info < (3, 12):
        # PySide6 6.12 gives back more references to None than it takes; from 3.12 on None never dies.
        ctypes.c_ssize_t.from_address(id(None)).value += 1 << 30
    _make_qt_modules()
    from . import modules, parameter_node
    from .subject_hierarchy import SubjectHierarchyPlugins

    slicer.app = Application()
    slicer.mrmlScene = slicer.app.mrml.scene
    slicer.app.subject_hierarchy_plugins = SubjectHierarchyPlugins(slicer.mrmlScene)
    slicer.app.layoutManager()
    slicer.modules = types.SimpleNamespace()
    slicer.selfTests = {}
    sys.modules["slicer.ScriptedLoadableModule"] = _module(
        "slicer.ScriptedLoadableModule",
        **{n: v for n, v in vars(modules).items() if n.startswith("ScriptedLoadable")},
    )
    wrapper = _module(
        "slicer.parameterNodeWrapper",
        parameterNodeWrapper=parameter_node.parameterNodeWrapper,
        WithinRange=parameter_node.WithinRange,
    )
    sys.modules["slicer.parameterNodeWrapper"] = wrapper
    sys.modules["slicer.i18n"] = _module("slicer.i18n", tr=lambda text: text, translate=lambda c, text: text)
    sys.modules["SampleData"] = _module("SampleData", SampleDataLogic=modules.SampleDataLogic)
    return slicer


def make_panel() -> Any:
    """The module's widget as Slicer makes it, shown in a window of its own."""
    slicer = start()
    if str(MODULE_FOLDER) not in sys.path:
        sys.path.insert(0, str(MODULE_FOLDER))
    import SpineCTMRRegistration as file

    representation = types.SimpleNamespace(path=str(MODULE_FOLDER / f"{MODULE}.py"), name=MODULE)
    slicer.modules.spinectmrregistration = representation
    representation.module = file.SpineCTMRRegistration(representation)
    parent = slicer.qSlicerScriptedLoadableModuleWidget()
    parent.setLayout(sys.modules["qt"].QVBoxLayout())
    parent.setMRMLScene(slicer.mrmlScene)
    widget = file.SpineCTMRRegistrationWidget(parent)
    representation.widgetRepresentation = lambda: types.SimpleNamespace(self=lambda: widget)
    widget.setup()
    parent.show()
    enter(widget)
    return widget


def enter(widget: Any) -> None:
    """The user selects the module."""
    widget.parent._object.entered = True
    widget.enter()


def leave(widget: Any) -> None:
    """The user selects another module."""
    widget.parent._object.entered = False
    widget.exit()


class Application:
    """`slicer.app`: the parts of qSlicerApplication that the panel uses."""

    applicationName = "Slicer"

    def __init__(self) -> None:
        from panel_scene.bare_slicer import BareSlicer
        from PySide6.QtCore import QSettings
        from PySide6.QtWidgets import QApplication

        self._application = QApplication.instance() or QApplication(["Slicer"])
        self._application.setStyle("Fusion")
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-host-")
        temporary, cache = (Path(self._folder.name) / name for name in ("temporary", "cache"))
        temporary.mkdir()
        cache.mkdir()
        self.temporaryPath = str(temporary)
        self.mrml = BareSlicer(cache)
        self._layout_manager: Any = None
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, self._folder.name)
        self.slots: dict[str, list[Any]] = {"startupCompleted()": [], "aboutToQuit()": []}

    def applicationLogic(self) -> Any:
        return self.mrml.application

    def layoutManager(self) -> Any:
        from .layout import LayoutManager

        if self._layout_manager is None:
            self._layout_manager = LayoutManager(self.mrml.scene)
        return self._layout_manager

    def topLevelWidgets(self) -> tuple:
        return ()

    def connect(self, signal: str, slot: Any) -> bool:
        """Startup is over before any module is made here, and no test quits; tests call the slots."""
        self.slots[signal].append(slot)
        return True

    def disconnect(self, signal: str, slot: Any) -> bool:
        known = slot in self.slots[signal]
        if known:
            self.slots[signal].remove(slot)
        return known

    def testingEnabled(self) -> bool:
        return True

    def processEvents(self) -> None:
        self._application.processEvents()

    def setOverrideCursor(self, cursor: Any) -> None:
        """A cursor nobody sees."""

    def restoreOverrideCursor(self) -> None:
        """A cursor nobody sees."""


def _make_qt_modules() -> None:
    import slicer

    from . import widgets
    from .pythonqt import qt_class, wrapper_class

    qt, ctk = types.ModuleType("qt"), types.ModuleType("ctk")
    qt.__getattr__ = qt_class
    qt.QUiLoader = UiLoader
    for kind in widgets.STAND_INS:
        setattr(ctk if kind.__name__.startswith("ctk") else slicer, kind.__name__, wrapper_class(kind))
    sys.modules.update(qt=qt, ctk=ctk)


class UiLoader:
    """`qt.QUiLoader` that knows the stand-ins and makes the connections of the file."""

    def load(self, file: Any) -> Any:
        from PySide6.QtCore import QBuffer
        from PySide6.QtUiTools import QUiLoader
        from PySide6.QtWidgets import QWidget

        from . import widgets
        from .pythonqt import unwrap, wrap, wrap_tool_tip

        loader = QUiLoader()
        for kind in widgets.STAND_INS:
            loader.registerCustomWidget(kind)
        tree = ElementTree.fromstring(bytes(unwrap(file).readAll().data()))
        connections = tree.find("connections")
        tree.remove(connections)
        buffer = QBuffer()
        buffer.setData(ElementTree.tostring(tree))
        root = loader.load(buffer)
        self._connect(root, connections)
        for widget in root.findChildren(QWidget):
            wrap_tool_tip(widget)
        return wrap(root)

    @staticmethod
    def _connect(root: Any, connections: Any) -> None:
        """The connections between stand-ins, which Qt cannot make because their types are C++ types."""
        from PySide6.QtWidgets import QWidget

        def named(name: str) -> Any:
            return root if root.objectName() == name else root.findChild(QWidget, name)

        for connection in connections:
            part = {child.tag: child.text for child in connection}
            signal, slot = part["signal"].split("(")[0], part["slot"].split("(")[0]
            getattr(named(part["sender"]), signal).connect(getattr(named(part["receiver"]), slot))


def _module(name: str, **content: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(content)
    return module
