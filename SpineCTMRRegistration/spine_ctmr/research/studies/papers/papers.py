"""All papers by name."""

from __future__ import annotations

from ....errors import InputError
from . import cao, gao, jian, jian_1mm, vanulsen
from .paper import Paper

PAPERS: dict[str, Paper] = {
    paper.name: paper for paper in (jian.PAPER, jian_1mm.PAPER, vanulsen.PAPER, cao.PAPER, gao.PAPER)
}


def find_paper(name: str) -> Paper:
    """A paper by name.

    Raises:
        InputError: there is none of this name.
    """
    if name not in PAPERS:
        raise InputError(f"paper '{name}': unknown; choose from {', '.join(PAPERS)}.")
    return PAPERS[name]
