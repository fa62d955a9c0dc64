"""How far the flags can be believed, as a Markdown page and a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ....evaluation.markdown import header, line
from ....quality.doubt import RULE
from ....quality.flags import NO_MATCH_RATIO, OTHER_BONES_STRETCH_MM, Flag
from ..kernel import write_page
from .fit import ACCURATE_MM, FAILED_MM, ObservedSpine, doubts_of, flags_of, spines_of
from .observations import ANOTHER_PATIENT, ONE_LEVEL_OFF, Observation

NAME = "flag_calibration"
FLAGS: tuple[Flag, ...] = ("good", "check", "do not use")
CLASSES = (
    ("below 0.5 mm", 0.0, ACCURATE_MM),
    ("0.5 to 2 mm", ACCURATE_MM, FAILED_MM),
    ("above 2 mm", FAILED_MM, 1e9),
    ("another patient", 1e9, np.inf),
)
INTRODUCTION = """\
# How far the flags can be believed

Every vertebra gets "good", "check" or "do not use" from indicators that are known without the truth. The rule
was chosen on one half of the phantoms below and tested on the other half. All phantoms are synthetic; on
real patients the flags have not been calibrated. All results are kept in flag_calibration.csv; where
stretch_mm is missing, they were measured before it was. The phantoms that chose the rules were measured
before the start followed bent spines and the end of the MR was spared, the others with it. In the last
part every CT of four phantoms of the same levels meets every MR; it chose nothing.
"""
SPINE = """\
`stretch_mm` says how far the points of a bone move when it is stretched to match the MR best. Above {0} mm a
vertebra is not "good". If the median vertebra is above it, or its match_ratio above {1}, CT and MR seem to
show different bones: no vertebra is to be used, and the registration is marked as failed. It is marked
likewise where most vertebrae are refused, and where the spine fits clearly better one level up or down.
Where most of the vertebrae that the MR shows are doubted, none is "good".
"""
COMMAND = "spine-ctmr flag-calibration --output flags"


def publish(sets: Mapping[str, Sequence[Observation]], folder: Path) -> Path:
    """Write `flag_calibration.md` and `.png`; return the path of the first.

    Args:
        sets: observations by what they were used for.
        folder: where to write.
    """
    _draw(sets, folder / f"{NAME}.png")
    return write_page(folder / f"{NAME}.md", [as_markdown(sets)])


def as_markdown(sets: Mapping[str, Sequence[Observation]]) -> str:
    """The page."""
    parts = [
        INTRODUCTION,
        f"Repeat with `{COMMAND}`; with `--observations {NAME}.csv` it says what the "
        "present rule makes of the kept results.\n",
        f"![]({NAME}.png)\n",
    ]
    for title, observations in sets.items():
        patients = {o.patient for o in observations}
        vertebrae = {(o.patient, o.vertebra) for o in observations}
        registrations = {(o.patient, o.scenario) for o in observations}
        parts.append(
            f"## {title}\n\n{len(patients)} phantoms with {len(vertebrae)} vertebrae in {len(registrations)} "
            f"registrations: {len(observations)} results.\n"
        )
        parts += [part(observations) for part in (_by_error, _meaning, _bars, _by_spine, _by_trouble)]
    parts += [_rule(), SPINE.format(OTHER_BONES_STRETCH_MM, NO_MATCH_RATIO)]
    return "\n".join(parts)


def failed_but_good(observations: Sequence[Observation]) -> tuple[int, int]:
    """How many vertebrae with more than 2 mm or no right answer are "good", of how many."""
    flags = [f for o, f in zip(observations, flags_of(observations), strict=True) if o.tre_mm > FAILED_MM]
    return flags.count("good"), len(flags)


def accurate_but_refused(observations: Sequence[Observation]) -> tuple[int, int]:
    """How many vertebrae with less than 0.5 mm are "do not use", of how many."""
    flags = [f for o, f in zip(observations, flags_of(observations), strict=True) if o.tre_mm < ACCURATE_MM]
    return flags.count("do not use"), len(flags)


def _by_error(observations: Sequence[Observation]) -> str:
    flags = flags_of(observations)
    lines = header(["error of the pose over the bone", "results", *FLAGS])
    for name, low, high in CLASSES:
        chosen = [f for o, f in zip(observations, flags, strict=True) if low <= min(o.tre_mm, 1e10) < high]
        lines.append(_counted(name, chosen))
    return "\n".join(lines) + "\n"


def good_and_within(observations: Sequence[Observation], limit_mm: float) -> tuple[int, int]:
    """How many of the "good" vertebrae are within a limit, of how many."""
    flags = flags_of(observations)
    errors = [o.tre_mm for o, f in zip(observations, flags, strict=True) if f == "good"]
    return sum(error < limit_mm for error in errors), len(errors)


def _meaning(observations: Sequence[Observation]) -> str:
    (within, good), (accurate, _) = (good_and_within(observations, mm) for mm in (FAILED_MM, ACCURATE_MM))
    return (
        f'What "good" means here: {_percent(within, good)} of the good ones are within {FAILED_MM:g} mm, '
        f"{_percent(accurate, good)} within {ACCURATE_MM:g} mm. It does not tell {ACCURATE_MM:g} from "
        f"{FAILED_MM:g} mm.\n"
    )


def _bars(observations: Sequence[Observation]) -> str:
    missed, failed = failed_but_good(observations)
    refused, accurate = accurate_but_refused(observations)
    return (
        f'Failed (above 2 mm or another patient) and yet "good": {missed} of {failed} '
        f"({_percent(missed, failed)}; the aim is at most 5 %). Accurate (below 0.5 mm) and yet "
        f'"do not use": '
        f"{refused} of {accurate} ({_percent(refused, accurate)}; the aim is at most 5 %).\n"
    )


def marked_as_failed(
    observations: Sequence[Observation], chosen: Callable[[ObservedSpine], bool]
) -> tuple[int, int]:
    """How many registrations of the chosen kind end with "failed its own checks", of how many."""
    flags, failed, count = iter(flags_of(observations)), 0, 0
    for spine in spines_of(observations):
        found = list(islice(flags, len(spine.members)))
        if chosen(spine):
            count += 1
            failed += 2 * found.count("do not use") > len(found)
    return failed, count


KINDS_OF_SPINES: dict[str, Callable[[ObservedSpine], bool]] = {
    "one level off": lambda s: s.members[0].scenario == ONE_LEVEL_OFF,
    "another patient's MR": lambda s: s.is_wrong and s.is_measured,
    "another patient's MR, stretch not measured": lambda s: s.is_wrong and not s.is_measured,
    "most vertebrae within 2 mm": lambda s: s.is_accurate,
}


def _by_spine(observations: Sequence[Observation]) -> str:
    """Whole registrations: how many are marked as failed."""
    lines = header(["registrations", "number", "marked as failed"])
    for name, chosen in KINDS_OF_SPINES.items():
        failed, count = marked_as_failed(observations, chosen)
        if count:
            lines.append(line([name, str(count), f"{failed} ({_percent(failed, count)})"]))
    return "\n".join(lines) + "\n"


def _by_trouble(observations: Sequence[Observation]) -> str:
    flags = flags_of(observations)
    lines = header(["what was done to the vertebra", "results", *FLAGS, "median error (mm)"])
    names = Counter(_trouble(o) for o in observations)
    for name, _ in names.most_common():
        pairs = [(o, f) for o, f in zip(observations, flags, strict=True) if _trouble(o) == name]
        median = float(np.median([o.tre_mm for o, _ in pairs]))
        error = f"{median:.2f}" if np.isfinite(median) else "–"
        lines.append(_counted(name, [f for _, f in pairs])[:-1] + f"| {error} |")
    return "\n".join(lines) + "\n"


def _trouble(observation: Observation) -> str:
    return observation.trouble or f"nothing ({observation.scenario})"


def _counted(name: str, flags: Sequence[Flag]) -> str:
    shares = [f"{flags.count(f)} ({_percent(flags.count(f), len(flags))})" for f in FLAGS]
    return line([name, str(len(flags)), *shares])


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _rule() -> str:
    lines = [
        "## The rules\n",
        f"A vertebra's doubt = {RULE.offset} + the sum of weight × (value − typical) / scale, where it is "
        "worse than typical; values beyond the limit count as the limit. Good below "
        f'{RULE.good_below}, "do not use" above {RULE.refuse_above}, otherwise "check".\n',
        *header(["indicator", "typical", "scale", "limit", "weight"]),
    ]
    for s in RULE.indicators:
        lines.append(line([s.name, f"{s.typical:g}", f"{s.scale:g}", f"{s.limit:g}", f"{s.weight:g}"]))
    return "\n".join(lines) + "\n"


def _draw(sets: Mapping[str, Sequence[Observation]], path: Path) -> None:
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    curve, cloud = figure.subplots(1, 2)
    styles = ("--", "-")
    for (title, observations), style in zip(list(sets.items())[:2], styles, strict=False):
        doubt = doubts_of(observations)
        tre = np.array([o.tre_mm for o in observations])
        for chosen, color, name in (
            (tre < ACCURATE_MM, "#0072B2", "below 0.5 mm: share above"),
            (tre > FAILED_MM, "#D55E00", "above 2 mm or another patient: share below"),
        ):
            x = np.sort(doubt[chosen])
            rank = (np.arange(len(x)) + 0.5) / max(len(x), 1)
            share = 1 - rank if color == "#0072B2" else rank
            curve.plot(x, 100 * share, style, color=color, label=f"{name} ({title.lower()})")
    curve.set(xlabel="doubt at which vertebrae are divided", ylabel="wrongly divided, %", ylim=(0, 30))
    curve.legend(fontsize=7, loc="upper center")
    held_out = list(sets.values())[:2][-1]
    doubt, tre = doubts_of(held_out), np.array([min(o.tre_mm, 100.0) for o in held_out])
    groups = (
        ("other", "o", "#0072B2", [o.scenario not in (ONE_LEVEL_OFF, ANOTHER_PATIENT) for o in held_out]),
        ("one level off", "^", "#E69F00", [o.scenario == ONE_LEVEL_OFF for o in held_out]),
        (
            "another patient (no right answer)",
            "x",
            "#D55E00",
            [o.scenario == ANOTHER_PATIENT for o in held_out],
        ),
    )
    for name, marker, color, where in groups:
        cloud.scatter(doubt[where], tre[where], s=14, marker=marker, color=color, alpha=0.7, label=name)
    cloud.set(
        yscale="log", xlabel="doubt", ylabel="error of the pose over the bone, mm", title="held-out phantoms"
    )
    cloud.axhline(FAILED_MM, color="0.6", lw=0.8)
    cloud.axhline(ACCURATE_MM, color="0.6", lw=0.8)
    for axis in (curve, cloud):
        axis.axvline(RULE.good_below, color="0.3", lw=1)
        axis.axvline(RULE.refuse_above, color="0.3", lw=1, ls=":")
    cloud.legend(fontsize=7)
    figure.savefig(path, dpi=110)
