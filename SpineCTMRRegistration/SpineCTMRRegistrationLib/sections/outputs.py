"""The output selectors: which of the chosen nodes the user picked by hand."""

from __future__ import annotations

from typing import Any

from ..parameters import Parameters, chosen, node_of
from ..result_nodes import ResultNodes, optional_nodes


class OutputsSection:
    """Remembers picks; a node that a selector chose by itself, or that came with a scene, is none.

    A pick is for one run: when that has written into the node, the node holds a patient's result.
    """

    def __init__(self, ui: Any) -> None:
        self._picks: dict[tuple[str, str], str] = {}
        self._parameters: Parameters | None = None
        selectors = {
            "transform": ui.transformSelector,
            "ctInMr": ui.ctInMrSelector,
            "mrInCt": ui.mrInCtSelector,
            "vertebraeInMr": ui.vertebraeInMrSelector,
            "jacobian": ui.jacobianSelector,
        }
        for name, selector in selectors.items():
            for signal in ("nodeActivated(vtkMRMLNode*)", "nodeAddedByUser(vtkMRMLNode*)"):
                selector.connect(signal, lambda node, name=name: self._pick(name, node))

    def follow(self, parameters: Parameters | None) -> None:
        """Picks are now made for this parameter set."""
        self._parameters = parameters

    def forget(self, node: Any) -> None:
        """The node leaves the scene, and another one may get its identifier."""
        self._picks = {key: picked for key, picked in self._picks.items() if picked != node.GetID()}

    def use_up(self, result: ResultNodes) -> None:
        """A run has written these nodes."""
        written = {node.GetID() for node in optional_nodes(result).values()}
        self._picks = {key: picked for key, picked in self._picks.items() if picked not in written}

    def clear(self) -> None:
        """The scene is closed."""
        self._picks.clear()

    def picked(self, parameters: Parameters) -> frozenset[str]:
        """The output parameters whose present node the user picked by hand."""
        parameter_set = node_of(parameters).GetID()
        return frozenset(
            name
            for (of, name), picked in self._picks.items()
            if of == parameter_set
            and (node := chosen(parameters, name)) is not None
            and node.GetID() == picked
        )

    def _pick(self, name: str, node: Any) -> None:
        if self._parameters is None:
            return
        key = node_of(self._parameters).GetID(), name
        self._picks.pop(key, None)
        if node is not None:
            self._picks[key] = node.GetID()
