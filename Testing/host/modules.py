"""Replacements for the base classes of scripted modules and for Sample Data."""

from __future__ import annotations

import os
import unittest
from typing import Any

import slicer


class ScriptedLoadableModule:
    """The module's entry: metadata on `parent`."""

    def __init__(self, parent: Any) -> None:
        self.parent, self.moduleName = parent, type(self).__name__

    def resourcePath(self, filename: str) -> str:
        return os.path.join(os.path.dirname(self.parent.path), "Resources", filename)


class ScriptedLoadableModuleWidget:
    """The panel's controller."""

    def __init__(self, parent: Any = None) -> None:
        import qt

        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        self.parent = parent or slicer.qMRMLWidget()
        if not parent:
            self.parent.setLayout(qt.QVBoxLayout())
            self.parent.setMRMLScene(slicer.mrmlScene)
        self.layout = self.parent.layout()

    def resourcePath(self, filename: str) -> str:
        path = getattr(slicer.modules, self.moduleName.lower()).path
        return os.path.join(os.path.dirname(path), "Resources", filename)

    def setup(self) -> None:
        """Nothing to add outside of developer mode."""

    def cleanup(self) -> None:
        """Called before the module goes."""

    def onReload(self) -> None:
        """Executes the module's file again, and makes its panel anew."""
        import importlib

        self.cleanup()
        self.parent.delete()
        file = importlib.reload(importlib.import_module(self.moduleName))
        self.reloaded = file


class ScriptedLoadableModuleLogic:
    """What needs no widgets."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def createParameterNode(self) -> Any:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node

    def getAllParameterNodes(self) -> list:
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode", slicer.mrmlScene)
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def getParameterNode(self) -> Any:
        known = self.getAllParameterNodes()
        return known[0] if known else slicer.mrmlScene.AddNode(self.createParameterNode())


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Runs `runTest` in Slicer and under pytest."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.messageDelay = 0

    def delayDisplay(self, message: str, requestedDelay: Any = None, msec: Any = None) -> None:
        slicer.app.processEvents()


class SampleDataLogic:
    """Remembers what is registered."""

    sources: dict[str, list[dict]] = {}  # noqa: RUF012

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom", sampleName: Any = None, **options: Any
    ) -> None:
        SampleDataLogic.sources.setdefault(category, []).append({"sampleName": sampleName, **options})

    @staticmethod
    def registerCustomSampleDataCategory(category: str, title: str) -> None:
        """Nothing to show."""

    @staticmethod
    def isSampleDataSourceRegistered(category: str, sampleDataSource: Any) -> bool:
        return False
