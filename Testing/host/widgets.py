"""Replacements for the widgets of Slicer and CTK that the panel uses.

Each offers, under their real names, only what `OFFERED_METHODS`, `OFFERED_SIGNALS` and its Qt
properties say; a test compares these with the lists of the real classes.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QDoubleSpinBox,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from .node_selector import qMRMLNodeComboBox


class qMRMLWidget(QWidget):
    """The root of a module's panel."""

    OFFERED_METHODS = frozenset({"mrmlScene", "setMRMLScene"})
    OFFERED_SIGNALS = ("mrmlSceneChanged(vtkMRMLScene*)",)
    mrmlSceneChanged = Signal(object)

    def mrmlScene(self) -> Any:
        return getattr(self, "_scene", None)

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)


class qSlicerScriptedLoadableModuleWidget(QWidget):
    """What Slicer puts a scripted module's panel into."""

    OFFERED_METHODS = frozenset({"setMRMLScene"})
    OFFERED_SIGNALS = ("mrmlSceneChanged(vtkMRMLScene*)",)
    mrmlSceneChanged = Signal(object)
    entered = False
    isEntered = Property(bool, lambda self: self.entered)

    def setMRMLScene(self, scene: Any) -> None:
        self.mrmlSceneChanged.emit(scene)


class ctkCollapsibleButton(QAbstractButton):
    """A section with a title bar."""

    OFFERED_METHODS: frozenset[str] = frozenset()
    OFFERED_SIGNALS = ("contentsCollapsed(bool)",)
    contentsCollapsed = Signal(bool)
    TITLE = 26

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._collapsed = False
        self.setContentsMargins(0, self.TITLE, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.clicked.connect(lambda: self._set_collapsed(not self._collapsed))

    def _set_collapsed(self, value: bool) -> None:
        changed, self._collapsed = value != self._collapsed, value
        for child in self.children():
            if isinstance(child, QWidget):
                child.setVisible(not value)
        self.updateGeometry()
        if changed:
            self.contentsCollapsed.emit(value)

    collapsed = Property(bool, lambda self: self._collapsed, _set_collapsed)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._set_collapsed(self._collapsed)

    def sizeHint(self) -> QSize:
        if self._collapsed or self.layout() is None:
            return QSize(200, self.TITLE)
        return self.layout().sizeHint()

    def minimumSizeHint(self) -> QSize:
        if self._collapsed or self.layout() is None:
            return QSize(60, self.TITLE)
        return self.layout().minimumSize()

    def hasHeightForWidth(self) -> bool:
        return not self._collapsed and self.layout() is not None and self.layout().hasHeightForWidth()

    def heightForWidth(self, width: int) -> int:
        return self.layout().heightForWidth(width)

    def hitButton(self, position: Any) -> bool:
        return position.y() < self.TITLE

    def paintEvent(self, event: Any) -> None:
        painter = QPainter(self)
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect.setHeight(self.TITLE - 3)
        self.style().drawControl(QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        option.rect.setRect(6, 7, 9, 9)
        arrow = (
            QStyle.PrimitiveElement.PE_IndicatorArrowRight
            if self._collapsed
            else QStyle.PrimitiveElement.PE_IndicatorArrowDown
        )
        self.style().drawPrimitive(arrow, option, painter, self)
        painter.setPen(self.palette().color(QPalette.ColorRole.ButtonText))
        painter.drawText(22, 0, self.width(), self.TITLE - 3, Qt.AlignmentFlag.AlignVCenter, self.text())


class ctkSliderWidget(QWidget):
    """A slider with a number beside it."""

    OFFERED_METHODS = frozenset({"setValue"})
    OFFERED_SIGNALS = ("valueChanged(double)",)
    valueChanged = Signal(float)
    STEPS = 1000

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider, self._box = QSlider(Qt.Orientation.Horizontal), QDoubleSpinBox()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._box)
        self._slider.setRange(0, self.STEPS)
        self._slider.sliderMoved.connect(self._moved)
        self._box.valueChanged.connect(self._changed)

    def _moved(self, position: int) -> None:
        low, high = self._box.minimum(), self._box.maximum()
        self._box.setValue(low + (high - low) * position / self.STEPS)

    def _changed(self, value: float) -> None:
        low, high = self._box.minimum(), self._box.maximum()
        self._slider.setValue(round(self.STEPS * (value - low) / ((high - low) or 1)))
        self.valueChanged.emit(value)

    def setValue(self, value: float) -> None:
        self._box.setValue(value)

    value = Property(float, lambda self: self._box.value(), setValue)
    minimum = Property(
        float, lambda self: self._box.minimum(), lambda self, value: self._box.setMinimum(value)
    )
    maximum = Property(
        float, lambda self: self._box.maximum(), lambda self, value: self._box.setMaximum(value)
    )
    singleStep = Property(
        float, lambda self: self._box.singleStep(), lambda self, value: self._box.setSingleStep(value)
    )
    decimals = Property(
        int, lambda self: self._box.decimals(), lambda self, value: self._box.setDecimals(value)
    )
    suffix = Property(str, lambda self: self._box.suffix(), lambda self, value: self._box.setSuffix(value))


STAND_INS = (
    qMRMLWidget,
    qSlicerScriptedLoadableModuleWidget,
    ctkCollapsibleButton,
    ctkSliderWidget,
    qMRMLNodeComboBox,
)
