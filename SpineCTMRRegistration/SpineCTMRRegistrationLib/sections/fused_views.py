"""CT and MR together in the slice views, in the way that the reader has chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import slicer

from .. import views
from ..fusion import Fusion
from ..result_nodes import ResultNodes
from ..shown_ct import draw_anew
from ..side_by_side import leave_side_by_side, open_side_by_side, side_by_side_is_open
from ..vertebra_slices import bring_into_view
from .fusion_choice import FusionChoice
from .showing import fit_to_background

FULL_OPACITY = 1.0


class FusedViews:
    """Shows a result over or beside the MR."""

    def __init__(self, box: Any, changed: Callable[[], None]) -> None:
        """`box` offers the ways; `changed` is called when the reader chooses another one."""
        self._choice = FusionChoice(box, changed)

    def show(self, result: ResultNodes, mr: Any, opacity: float | None) -> None:
        """The registered CT, at the present opacity if none is given.

        Raises:
            SpineError: it cannot be shown in this way.
        """
        fusion = self._choice.chosen
        if fusion is Fusion.SIDE_BY_SIDE:
            self._show_beside(result, mr, lambda: views.registered(result.ct_in_mr, mr))
            return
        leave_side_by_side(slicer.mrmlScene)
        full = FULL_OPACITY if fusion is Fusion.CHECKERBOARD else opacity
        views.show_fused(_views(), mr, result.ct_in_mr, fusion, full)

    def show_before(self, result: ResultNodes, mr: Any) -> None:
        """The CT at the rigid start.

        Raises:
            SpineError: it cannot be shown, or not in this way.
        """
        fusion = self._choice.chosen
        if fusion is Fusion.SIDE_BY_SIDE:
            self._show_beside(result, mr, lambda: views.at_start(result.ct_in_mr, result.table, mr))
        else:
            leave_side_by_side(slicer.mrmlScene)
            views.show_before(_views(), mr, result.ct_in_mr, result.table, fusion)

    def draw_anew(self, result: ResultNodes, mr: Any) -> None:
        """A result was put into nodes that may be shown; nothing else of the views changes."""
        beside = self._choice.chosen is Fusion.SIDE_BY_SIDE
        draw_anew(result, mr, Fusion.GREY if beside else self._choice.chosen)

    def blink(self, over_mr: Sequence[views.SliceView], opacity: float) -> None:
        """Hide what lies over the MR in these views, or show it again."""
        shown = any(view.composite.GetForegroundOpacity() > 0 for view in over_mr)
        full = self._choice.chosen is Fusion.CHECKERBOARD or opacity == 0
        views.set_foreground_opacity(over_mr, 0.0 if shown else FULL_OPACITY if full else opacity)

    def _show_beside(self, result: ResultNodes, mr: Any, make_ct: Callable[[], Any]) -> None:
        """MR and CT in views of their own."""
        opened = side_by_side_is_open(slicer.mrmlScene)
        mr_views, ct_views = open_side_by_side(slicer.mrmlScene)
        views.show_beside(mr_views, mr, ct_views, make_ct())
        if not opened:
            fit_to_background([*mr_views, *ct_views])
            bring_into_view([*mr_views, *ct_views], result)


def _views() -> list[views.SliceView]:
    return views.slice_views(slicer.mrmlScene)
