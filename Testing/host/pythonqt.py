"""Qt objects as PythonQt shows them: properties are plain values, unknown names are refused.

Look-up order of an attribute: property, signal, method, enum value, dynamic property, named child.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import shiboken6
from PySide6 import QtCore, QtGui, QtWidgets

errors: list[str] = []
"""What callbacks raised; PythonQt prints it and goes on."""

_wrappers: WeakValueDictionary[int, Wrapper] = WeakValueDictionary()
_classes: dict[type, type] = {}


class _WrapperType(type):
    """Enum values and static methods of the Qt class."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(cls._qt, name)
        if name in ("getOpenFileName", "getSaveFileName"):
            return lambda *arguments: _caller(value)(*arguments)[0]
        return _caller(value) if callable(value) and not isinstance(value, type) else value


class Wrapper(metaclass=_WrapperType):
    """A Qt object; all wrappers share this base, as in PythonQt."""

    __slots__ = ("__weakref__", "_connections", "_object")
    _qt: type = QtCore.QObject
    _methods: frozenset[str] | None = None

    def __new__(cls, *arguments: Any, **named: Any) -> Wrapper:
        return _caller(cls._qt)(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        this = _alive(object.__getattribute__(self, "_object"))
        meta = this.metaObject()
        name = "objectName" if name == "name" else name
        if meta.indexOfProperty(name) >= 0:
            return wrap(this.property(name))
        if name in _signals(this):
            return SignalProxy(self, name)
        if self._offers(name):
            return _caller(getattr(this, name))
        if name in dir(type(this)) and not callable(getattr(type(this), name)):
            return getattr(type(this), name)
        if bytes(name, "utf-8") in [bytes(n.data()) for n in this.dynamicPropertyNames()]:
            return wrap(this.property(name))
        child = this.findChild(QtCore.QObject, name)
        if child is not None:
            return wrap(child)
        raise AttributeError(f"{type(self).__name__} has no attribute named '{name}'")

    def _offers(self, name: str) -> bool:
        qt_base = next(c for c in type(self._object).__mro__ if c.__module__.startswith("PySide6"))
        in_qt = callable(getattr(qt_base, name, None)) and not isinstance(getattr(qt_base, name), type)
        return in_qt or (self._methods is not None and name in self._methods)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("_object", "_connections"):
            object.__setattr__(self, name, value)
            return
        this = self._object
        if not shiboken6.isValid(this):
            raise AttributeError(f"the object is deleted; '{name}' cannot be set")
        name = "objectName" if name == "name" else name
        index = this.metaObject().indexOfProperty(name)
        if index < 0 or not this.metaObject().property(index).isWritable():
            raise AttributeError(f"{type(self).__name__} has no writable property '{name}'")
        setter = f"set{name[0].upper()}{name[1:]}"
        try:
            if self._offers(setter):
                taken = getattr(this, setter)(unwrap(value)) is not False
            else:
                taken = this.setProperty(name, unwrap(value))
        except TypeError:
            taken = False
        if not taken:
            raise AttributeError(f"property '{name}' of {type(self).__name__} does not take {value!r}")
        if name == "toolTip":
            wrap_tool_tip(this)

    def __eq__(self, other: object) -> bool:
        if other is None:
            return not shiboken6.isValid(self._object)
        return isinstance(other, Wrapper) and self._object is other._object

    def __hash__(self) -> int:
        return id(self._object)

    def __bool__(self) -> bool:
        return bool(shiboken6.isValid(self._object))

    def connect(self, signal: str, slot: Callable) -> bool:
        """Connect by signature; False, and a line on standard error, if there is no such signal."""
        name, _, types = signal.replace(" ", "").partition("(")
        known = _signals(self._object).get(name, ())
        if f"{name}({types}" not in known:
            print(f"no signal {signal} of {type(self).__name__}: {known}", file=sys.stderr)
            errors.append(f"no signal {signal} of {type(self).__name__}")
            return False
        SignalProxy(self, name, signal).connect(slot)
        return True

    def disconnect(self, signal: str, slot: Callable) -> bool:
        return SignalProxy(self, signal.partition("(")[0]).disconnect(slot)

    def className(self) -> str:
        return self._object.metaObject().className()

    def inherits(self, name: str) -> bool:
        return any(c.__name__ == name for c in type(self._object).__mro__)

    def delete(self) -> None:
        shiboken6.delete(self._object)

    def parent(self) -> Wrapper | None:
        return wrap(_alive(self._object).parent())

    def children(self) -> tuple:
        return wrap(list(_alive(self._object).children()))

    def findChildren(self, kind: type, name: str = "") -> tuple:
        found = self._object.findChildren(kind._qt, name) if name else self._object.findChildren(kind._qt)
        return wrap(list(found))

    def property(self, name: str) -> Any:
        return wrap(self._object.property(name))

    def setProperty(self, name: str, value: Any) -> bool:
        return self._object.setProperty(name, unwrap(value))


class SignalProxy:
    """`widget.clicked`: can be connected, disconnected and emitted."""

    def __init__(self, owner: Wrapper, name: str, signature: str = "") -> None:
        self.owner, self.name = owner, name
        types = (signature or _signals(owner._object)[name][0]).partition("(")[2].rstrip(")")
        self.count = len([t for t in types.split(",") if t.strip()])

    def _signal(self) -> Any:
        return getattr(_alive(self.owner._object), self.name)

    def connect(self, slot: Callable) -> bool:
        count = 1 if (self.owner.className(), self.name) == ("QProcess", "finished") else self.count
        called = _with_arity(_callback(slot), count)
        _registry(self.owner).setdefault((self.name, slot), []).append(called)
        self._signal().connect(called)
        return True

    def disconnect(self, slot: Callable) -> bool:
        called = _registry(self.owner).pop((self.name, slot), [])
        for each in called:
            self._signal().disconnect(each)
        return bool(called)

    def emit(self, *arguments: Any) -> None:
        self._signal().emit(*map(unwrap, arguments))


def wrap(value: Any) -> Any:
    """What Python sees of a value that comes from Qt; lists become tuples."""
    if isinstance(value, QtCore.QObject):
        known = _wrappers.get(id(value))
        if known is None or known._object is not value:
            known = object.__new__(wrapper_class(_known_class(type(value))))
            known._object, known._connections = value, {}
            _wrappers[id(value)] = known
            value.__dict__["_pythonqt"] = known  # the wrapper lives as long as the object
        return known
    if isinstance(value, (list, tuple)):
        return tuple(map(wrap, value))
    return value


def unwrap(value: Any) -> Any:
    """What Qt gets of a value that comes from Python."""
    if isinstance(value, Wrapper):
        return value._object
    if isinstance(value, (list, tuple)):
        return [unwrap(v) for v in value]
    if inspect.isroutine(value):
        return _callback(value)
    return value


def wrapper_class(qt_class: type, methods: frozenset[str] | None = None) -> type:
    """The class through which Python sees `qt_class`; always the same one."""
    if qt_class not in _classes:
        offered = methods if methods is not None else getattr(qt_class, "OFFERED_METHODS", None)
        body = {"_qt": qt_class, "_methods": offered, "__slots__": ()}
        _classes[qt_class] = _WrapperType(qt_class.__name__, (Wrapper,), body)
    return _classes[qt_class]


def _known_class(kind: type) -> type:
    return next(c for c in kind.__mro__ if c in _classes or c.__module__.startswith("PySide6"))


def _alive(this: Any) -> Any:
    if not shiboken6.isValid(this):
        raise ValueError("the Qt object is deleted")
    return this


def _registry(owner: Wrapper) -> dict:
    return owner._connections


def _signals(this: QtCore.QObject) -> dict[str, tuple[str, ...]]:
    """Signatures of every signal by name; those of a stand-in as the real class declares them."""
    found: dict[str, list[str]] = {}
    meta = this.metaObject()
    for index in range(meta.methodCount()):
        method = meta.method(index)
        if method.methodType() == QtCore.QMetaMethod.MethodType.Signal:
            found.setdefault(bytes(method.name().data()).decode(), []).append(
                bytes(method.methodSignature().data()).decode()
            )
    declared = getattr(type(this), "OFFERED_SIGNALS", ())
    for signature in declared:
        name = signature.partition("(")[0]
        found[name] = [s for s in declared if s.partition("(")[0] == name]
    return {name: tuple(signatures) for name, signatures in found.items()}


def wrap_tool_tip(widget: QtWidgets.QWidget) -> None:
    """As CTK's tool tip trapper, which Slicer installs: plain text of a widget becomes a paragraph."""
    text = widget.toolTip()
    if text and not QtGui.Qt.mightBeRichText(text):
        widget.setToolTip(QtGui.Qt.convertFromPlainText(text, QtCore.Qt.WhiteSpaceMode.WhiteSpaceNormal))


def _caller(function: Callable) -> Callable:
    def call(*arguments: Any, **named: Any) -> Any:
        if named:
            raise ValueError(f"PythonQt takes no keyword arguments: {', '.join(named)}")
        try:
            return wrap(function(*map(unwrap, arguments)))
        except TypeError as error:
            raise ValueError(f"wrong arguments: {error}") from error

    return call


def _with_arity(call: Callable, count: int) -> Callable:
    """`call` with a fixed number of parameters, by which Qt chooses the overload of a signal."""
    by_count = (lambda: call(), lambda a: call(a), lambda a, b: call(a, b), lambda a, b, c: call(a, b, c))
    return by_count[count]


def _callback(slot: Callable) -> Callable:
    """`slot` with as many arguments as it accepts; what it raises is printed and remembered."""
    accepted = _accepted(slot)

    def call(*arguments: Any) -> None:
        try:
            slot(*map(wrap, arguments[:accepted]))
        except Exception:
            errors.append(traceback.format_exc())
            traceback.print_exc()

    return call


def _accepted(slot: Callable) -> int:
    try:
        parameters = inspect.signature(slot).parameters.values()
    except (TypeError, ValueError):
        return 99
    if any(p.kind == p.VAR_POSITIONAL for p in parameters):
        return 99
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def qt_class(name: str) -> type:
    """`qt.<name>`: a wrapper class for QObjects; other classes (colours, table items …) as they are."""
    for module in (QtCore, QtGui, QtWidgets) if name.startswith("Q") else ():
        kind = getattr(module, name, None)
        if kind is not None:
            return wrapper_class(kind) if issubclass(kind, QtCore.QObject) else kind
    raise AttributeError(f"module 'qt' has no attribute '{name}'")
