"""Weights of Jian's penalties, compared on held-out pairs, which are not the test patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ....evaluation.markdown import header, line
from ...training.recipe import Recipe
from ...training.run_log import read_log
from ..networks.trainings import Training

FACTORS = (10.0,)
"""Of the weights that are trained anyway."""


def trial_name(name: str, factor: float) -> str:
    """What a training with another weight is called."""
    return name if factor == 1 else f"{name}_x{factor:g}"


def trials(penalised: Sequence[Training]) -> list[Training]:
    """The trainings of a single penalty, with other weights."""
    return [
        replace(training, recipe=_weighted(training, factor), title=f"{training.title}, weight × {factor:g}")
        for training in penalised
        for factor in FACTORS
    ]


def _weighted(training: Training, factor: float) -> Recipe:
    recipe = training.recipe
    rigidity = {name: replace(t, weight=factor * t.weight) for name, t in recipe.rigidity.items()}
    return replace(recipe, name=trial_name(recipe.name, factor), rigidity=rigidity)


def weights_section(
    penalised: Sequence[Training], similarities: Mapping[str, str], output: Path
) -> list[str]:
    """Errors on the held-out pairs, by weight and by similarity; nothing where none was trained.

    Args:
        penalised: the trainings of a single penalty.
        similarities: names of the trainings without a penalty, by title.
        output: folder of the study.
    """
    factors = (1.0, *FACTORS)
    lines = header(["", *(f"weight × {factor:g}" for factor in factors)])
    found = False
    for training in penalised:
        errors = [_error(output / trial_name(training.recipe.name, factor)) for factor in factors]
        found |= any(error is not None for error in errors)
        least = min((error for error in errors if error is not None), default=None)
        cells = ["–" if e is None else f"**{e:.3f}**" if e == least else f"{e:.3f}" for e in errors]
        (weight,) = (term.weight for term in training.recipe.rigidity.values())
        lines.append(line([f"{training.title} ({weight:g})", *cells]))
    if not found:
        return []
    compared = {title: _error(output / name) for title, name in similarities.items()}
    compared["no motion"] = _error(output / next(iter(similarities.values())), "zero_")
    known = {title: error for title, error in compared.items() if error is not None}
    told = ", ".join(f"{title} {error:.3f}" for title, error in known.items())
    return [
        "## Weights and similarity on held-out pairs",
        "",
        "Mean error in bone and soft tissue in mm, on pairs that neither trained nor tested the networks; "
        f"the least of each line is bold. By similarity: {told or '–'}; NMI learned in half the steps, and "
        "both move away from weights that know the displacement. The pairs are of two patients. Table 1 "
        f"keeps MIND, the paper's choice, and the recipes' weights{_why(known)}.",
        "",
        *lines,
        "",
    ]


def _why(errors: Mapping[str, float]) -> str:
    """What the held-out pairs would choose where every network is worse than no motion."""
    if "no motion" in errors and min(errors, key=lambda title: errors[title]) == "no motion":
        return (
            ": as long as a network is worse than no motion, the held-out pairs prefer whatever moves least"
        )
    return ""


def _error(run: Path, prefix: str = "") -> float | None:
    """Of the last validation; without motion with the prefix "zero_"."""
    rows = read_log(run / "validation.csv")
    return (float(rows[-1][f"{prefix}bone_mm"]) + float(rows[-1][f"{prefix}soft_mm"])) / 2 if rows else None
