"""A replacement for `slicer.parameterNodeWrapper`, for the types and widgets that the panel uses.

As in Slicer, values live in a vtkMRMLScriptedModuleNode (so they are saved with the scene), a union of
nodes needs `typing.Union` with None, and a widget fits a type only if its class is exactly the expected one.
"""

from __future__ import annotations

import enum
import json
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import slicer

PROPERTY = "SlicerParameterName"
MODIFIED = "ModifiedEvent"


@dataclass
class WithinRange:
    """Limits of a number, both allowed."""

    minimum: float
    maximum: float


def parameterNodeWrapper(kind: type) -> type:
    """Give a class of annotated names its storage in a parameter node and its connection to widgets."""
    hints = typing.get_type_hints(kind, include_extras=True)
    kind.allParameters = {name: _Parameter(name, hint, kind) for name, hint in hints.items()}
    for name, parameter in kind.allParameters.items():
        setattr(kind, name, property(parameter.read, parameter.write))
    for name in (
        "__init__",
        "connectGui",
        "disconnectGui",
        "getValue",
        "setValue",
        "AddObserver",
        "Modified",
    ):
        setattr(kind, name, globals()[f"_{name.strip('_')}"])
    return kind


class _Parameter:
    def __init__(self, name: str, hint: Any, owner: type) -> None:
        self.name = name
        self.type, *annotations = typing.get_args(typing.Annotated[hint, None])[:-1]
        self.range = next((a for a in annotations if isinstance(a, WithinRange)), None)
        self.default = getattr(owner, name, self._default())

    def _default(self) -> Any:
        if _node_types(self.type):
            return None
        if isinstance(self.type, type) and issubclass(self.type, enum.Enum):
            return next(iter(self.type))
        if typing.get_origin(self.type) is dict:
            return {}
        if self.type in (str, int, float, bool):
            return self.type()
        raise TypeError(f"Unable to create serializer for {self.name}: {self.type}")

    def write(self, wrapper: Any, value: Any) -> None:
        node = wrapper.parameterNode
        self._check(value)
        if _node_types(self.type):
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        elif isinstance(value, enum.Enum):
            node.SetParameter(self.name, value.name)
        else:
            node.SetParameter(self.name, json.dumps(value) if isinstance(value, dict) else str(value))

    def read(self, wrapper: Any) -> Any:
        node = wrapper.parameterNode
        if _node_types(self.type):
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if typing.get_origin(self.type) is dict:
            return json.loads(text)
        if issubclass(self.type, enum.Enum):
            return self.type[text]
        return text == "True" if self.type is bool else self.type(text)

    def _check(self, value: Any) -> None:
        types = _node_types(self.type)
        if types:
            if value is not None and not isinstance(value, types):
                raise TypeError(f"{self.name}: {value!r} is not one of {types}")
            return
        expected = typing.get_origin(self.type) or self.type
        if not isinstance(value, (int, float) if expected is float else expected):
            raise TypeError(f"{self.name}: {value!r} is not a {expected}")
        if self.range and not self.range.minimum <= value <= self.range.maximum:
            raise ValueError(f"{self.name}: {value} is outside of {self.range}")


def _node_types(hint: Any) -> tuple[type, ...]:
    """The node classes of a node type or a `Union` of node types and None; empty for other types."""
    if isinstance(hint, type) and issubclass(hint, slicer.vtkMRMLNode):
        return (hint,)
    parts = typing.get_args(hint) if typing.get_origin(hint) is typing.Union else ()
    if type(None) not in parts:
        return ()
    return tuple(p for p in parts if p is not type(None))


def _init(self: Any, node: Any) -> None:
    self.parameterNode, self._guis, self._updating = node, {}, False
    for parameter in self.allParameters.values():
        if not node.HasParameter(parameter.name):
            parameter.write(self, parameter.default)


def _getValue(self: Any, name: str) -> Any:
    return getattr(self, name)


def _setValue(self: Any, name: str, value: Any) -> None:
    setattr(self, name, value)


def _AddObserver(self: Any, event: Any, callback: Callable) -> int:
    return self.parameterNode.AddObserver(event, callback)


def _Modified(self: Any) -> None:
    self.parameterNode.Modified()


def _connectGui(self: Any, gui: Any) -> int:
    connectors = {}
    for widget in vars(gui).values():
        name = widget.property(PROPERTY)
        if name:
            if name not in self.allParameters:
                raise ValueError(f"Cannot find a param with the given name: {name}")
            connectors[name] = _Connector(widget, self.allParameters[name])
    tag = len(self._guis)
    self._guis[tag] = connectors
    for name, connector in connectors.items():
        connector.write(getattr(self, name))
        connector.listen(lambda name=name, connector=connector: _from_gui(self, name, connector))
    self.AddObserver(MODIFIED, lambda *_: _to_gui(self))
    return tag


def _disconnectGui(self: Any, tag: int) -> None:
    for connector in self._guis.pop(tag, {}).values():
        connector.stop()


def _from_gui(self: Any, name: str, connector: _Connector) -> None:
    if not self._updating:
        setattr(self, name, connector.read())


def _to_gui(self: Any) -> None:
    if self._updating:
        return
    self._updating = True
    try:
        for connectors in self._guis.values():
            for name, connector in connectors.items():
                connector.write(getattr(self, name))
    finally:
        self._updating = False


class _Connector:
    """One widget and one parameter; as strict about the widget's class as Slicer's."""

    def __init__(self, widget: Any, parameter: _Parameter) -> None:
        import ctk
        import qt

        self.widget, self.parameter, kind = widget, parameter, parameter.type
        self._slot: Callable | None = None
        exact = type(widget)
        if exact is slicer.qMRMLNodeComboBox and _node_types(kind):
            self.signal, self._read, self._write = (
                "currentNodeChanged",
                widget.currentNode,
                widget.setCurrentNode,
            )
            widget.nodeTypes = [t.__name__ for t in _node_types(kind)]
        elif exact is qt.QCheckBox and kind is bool:
            self._use("checked", "stateChanged")
        elif exact is qt.QLineEdit and kind is str:
            self._use("text", "textChanged")
        elif (exact is qt.QSpinBox and kind is int) or (
            exact in (ctk.ctkSliderWidget, qt.QDoubleSpinBox) and kind is float
        ):
            self._use("value", "valueChanged")
            self._limit()
        elif exact is qt.QComboBox and isinstance(kind, type) and issubclass(kind, enum.Enum):
            self._choose(list(kind))
        else:
            raise RuntimeError(f"Unable to create GUI connector from datatype '{kind}' to {exact}")

    def _use(self, name: str, signal: str) -> None:
        self.signal = signal
        self._read = lambda: getattr(self.widget, name)
        self._write = lambda value: setattr(self.widget, name, value)

    def _limit(self) -> None:
        limits = self.parameter.range
        if limits:
            self.widget.minimum, self.widget.maximum = limits.minimum, limits.maximum

    def _choose(self, values: list) -> None:
        self.widget.clear()
        for value in values:
            self.widget.addItem(value.label() if hasattr(value, "label") else value.name)
        self.signal = "currentIndexChanged"
        self._read = lambda: values[self.widget.currentIndex]
        self._write = lambda value: setattr(self.widget, "currentIndex", values.index(value))

    def read(self) -> Any:
        return self._read()

    def write(self, value: Any) -> None:
        self._write(value)

    def listen(self, slot: Callable) -> None:
        self._slot = lambda: slot()
        getattr(self.widget, self.signal).connect(self._slot)

    def stop(self) -> None:
        getattr(self.widget, self.signal).disconnect(self._slot)
