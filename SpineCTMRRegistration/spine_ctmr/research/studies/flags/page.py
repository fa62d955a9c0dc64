"""How far the flags can be believed, as a Markdown page and a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ....evaluation.markdown import header, line
from ....quality.doubt import RULE
from ....quality.flags import FLAGS, LIMITS, VISIBLE_SHARE_CHECK, Flag, Limit
from ....quality.sides import MIRRORED, TOLD
from ....quality.spine_flags import NO_MATCH_RATIO, OTHER_BONES_MM
from ....vertebrae.level_check import CLEARLY_BETTER
from ..kernel import write_page
from .counts import (
    accurate_but_refused,
    calibration,
    failed_but_good,
    good_and_within,
    marked_as_failed,
    uses,
)
from .fit import flags_of
from .observations import ACCURATE_MM, FAILED_MM, Observation, ObservedSpine, spines_of
from .patients import REAL, REGIONS, is_held_out
from .picture import draw
from .scenarios import ANOTHER_PATIENT, OWN, SICK

NAME = "flag_calibration"
CLASSES = (
    ("below 0.5 mm", 0.0, ACCURATE_MM),
    ("0.5 to 2 mm", ACCURATE_MM, FAILED_MM),
    ("above 2 mm", FAILED_MM, 1e9),
    ("another patient", 1e9, np.inf),
)
CHOOSES, TESTS, KNOWN = "Patients that chose", "Held-out patients", "Real anatomy, of one CT"
FORMER = Limit("network_disagreement_mm", 2.5)
"""The rule that flagged right vertebrae of real images; counted to show what it would add."""
INTRODUCTION = """\
# How far the flags can be believed

Every vertebra gets "good", "check" or "do not use" from indicators that are known without the truth. All
patients below are [synthetic](../synthetic-patients.md): joints bent within their ranges, the tissue
between moved by finite-element elasticity, MR with the chemical shift that scanners show; those of the kind
"case" are moved by another program. Held out are the painted patients whose number, divided by 3 and
rounded down, is odd. Real anatomy is counted apart: it is that of one CT, which the network has learned
from, and three of its patients are those on which the engine's settings were chosen; its intervals, over
patients of one anatomy, are too narrow. The other patient's MR, where there is one, is always that of a
painted patient of the other half. The doubt's weights were chosen earlier, on 333 results of phantoms
that none of these patients is; the calibration of the uncertainty and the limits on it and on the discs
were chosen on the painted patients 0 to 2 and 6 to 8; how stretch and joints tell together, on the half
that chooses. The limits on left and right were drawn nearer to 1 when a mirrored neck of the held-out
patients passed with a ratio of 0.96. Of 17 patients made afterwards (66 to 74, 76, 77 and six necks to
95; not in the table) the rule marked all 17 with a mirrored CT and all 17 with another patient's MR as
failed, no vertebra of them good, and one of the 17 with their own, a neck about 1 mm off. All registrations
were made by one engine in one run; all results are kept in flag_calibration.csv. Since then the network
looks again only at vertebrae that it moved far: eight of the patients once more gave the same 204 flags, and
poses as far off within 0.15 mm. Intervals are those that 95 % of resampled sets of patients give; where all
patients agree they say nothing, and as many as 3 in so many patients may still differ. Where centres are
one level off, the registration sometimes finds the right level all the same; its vertebrae count by their
error.
"""
COMMAND = "spine-ctmr flag-calibration --output flags --anatomy CTS --cases CASES"


def publish(observations: Sequence[Observation], folder: Path) -> Path:
    """Write `flag_calibration.md` and `.png`; return the path of the first."""
    held_out = divided(observations)[TESTS]
    draw(held_out or observations, folder / f"{NAME}.png")
    return write_page(folder / f"{NAME}.md", [as_markdown(observations)])


def as_markdown(observations: Sequence[Observation]) -> str:
    """The page."""
    sets = divided(observations)
    parts = [
        INTRODUCTION,
        f"Repeat with `{COMMAND}`; with `--observations {NAME}.csv` it says what the present rule makes of "
        "the kept results.\n",
        f"![]({NAME}.png)\n",
        *(_set(title, members) for title, members in sets.items() if members),
        "## Parts of the spine\n\nHeld-out patients and real anatomy.\n",
        _by_region([*sets[TESTS], *sets[KNOWN]]),
        "## The uncertainty\n",
        _uncertainty([*sets[TESTS], *sets[KNOWN]]),
        rules(),
        "## What every hard rule does\n\nAll patients. Failed: above 2 mm or another patient; accurate: "
        "below 0.5 mm.\n",
        _uses(observations),
    ]
    return "\n".join(parts)


def divided(observations: Sequence[Observation]) -> dict[str, list[Observation]]:
    """The observations by what they were used for."""
    sets: dict[str, list[Observation]] = {CHOOSES: [], TESTS: [], KNOWN: []}
    for o in observations:
        tests = TESTS if is_held_out(o.region, o.patient) else CHOOSES
        sets[KNOWN if o.region == REAL else tests].append(o)
    return sets


def _set(title: str, observations: Sequence[Observation]) -> str:
    patients = {o.patient for o in observations}
    vertebrae = {(o.patient, o.vertebra) for o in observations}
    registrations = len(spines_of(observations))
    head = (
        f"## {title}\n\n{len(patients)} patients with {len(vertebrae)} vertebrae in {registrations} "
        f"registrations: {len(observations)} results.\n"
    )
    return "\n".join([head, *(part(observations) for part in (by_error, _bars, _by_spine, _by_trouble))])


def by_error(observations: Sequence[Observation]) -> str:
    """Table: how many vertebrae of each class of error get which flag."""
    flags = flags_of(observations)
    lines = header(["error of the pose over the bone", "results", *FLAGS])
    for name, low, high in CLASSES:
        chosen = [f for o, f in zip(observations, flags, strict=True) if low <= min(o.tre_mm, 1e10) < high]
        lines.append(_counted(name, chosen))
    return "\n".join(lines) + "\n"


def _bars(observations: Sequence[Observation]) -> str:
    return (
        f'Failed (above {FAILED_MM:g} mm or another patient) and yet "good": '
        f"{failed_but_good(observations)}. "
        f'Accurate (below {ACCURATE_MM:g} mm) and yet "do not use": {accurate_but_refused(observations)}. Of '
        f"the good ones, within {FAILED_MM:g} mm: {good_and_within(observations, FAILED_MM)}; within 1 mm: "
        f"{good_and_within(observations, 1.0)}; within {ACCURATE_MM:g} mm: "
        f"{good_and_within(observations, ACCURATE_MM)}.\n"
    )


def _by_spine(observations: Sequence[Observation]) -> str:
    """Whole registrations: how many are marked as failed."""
    lines = header(["registrations", "marked as failed"])
    kinds = {name: _in_scenario(name) for name in dict.fromkeys(o.scenario for o in observations)}
    kinds["all with most vertebrae within 2 mm"] = lambda s: s.is_accurate
    for name, chosen in kinds.items():
        lines.append(line([name, str(marked_as_failed(observations, chosen))]))
    return "\n".join(lines) + "\n"


def _in_scenario(name: str) -> Callable[[ObservedSpine], bool]:
    return lambda spine: spine.scenario == name


def _by_trouble(observations: Sequence[Observation]) -> str:
    lines = header(["what was done to the vertebra", "results", *FLAGS, "median error (mm)"])
    pairs = list(zip(observations, flags_of(observations), strict=True))
    for name, _ in Counter(_trouble(o) for o in observations).most_common():
        mine = [(o, f) for o, f in pairs if _trouble(o) == name]
        lines.append(_with_median(name, mine))
    return "\n".join(lines) + "\n"


def _by_region(observations: Sequence[Observation]) -> str:
    lines = header(["patients", "results", *FLAGS, "median error (mm)"])
    pairs = list(zip(observations, flags_of(observations), strict=True))
    for region in (*REGIONS, REAL):
        mine = [(o, f) for o, f in pairs if o.region == region]
        for name, low, high in CLASSES:
            part = [(o, f) for o, f in mine if low <= min(o.tre_mm, 1e10) < high]
            if part:
                lines.append(_with_median(f"{region}, {name}", part))
    return "\n".join(lines) + "\n"


def _uncertainty(observations: Sequence[Observation]) -> str:
    text = (
        "Held-out patients and real anatomy, vertebrae found within 2 mm: errors over uncertainties (root "
        "mean squares; 1 where the uncertainty is right), and how many errors are within twice the "
        "uncertainty.\n"
    )
    lines = header(["vertebrae", "results", "mm: ratio", "within twice", "degrees: ratio", "within twice"])
    found = [o for o in observations if o.tre_mm < FAILED_MM]
    groups: dict[str, list[Observation]] = {
        f"{region}, {OWN}": [o for o in found if o.region == region and o.scenario == OWN]
        for region in (*REGIONS, REAL)
    }
    groups[SICK] = [o for o in found if o.scenario == SICK]
    groups["shown by less than 60 % in the MR"] = [
        o for o in found if o.row.visible_share < VISIBLE_SHARE_CHECK
    ]
    groups["all"] = found
    for name, members in groups.items():
        if members:
            lines.append(_calibrated(name, members))
    return "\n".join([text, *lines]) + "\n"


def _calibrated(name: str, members: Sequence[Observation]) -> str:
    places = calibration(members, "tre_mm", "uncertainty_mm")
    turns = calibration(members, "turn_deg", "uncertainty_deg")
    cells = [
        cell
        for c in (places, turns)
        for cell in (f"{c.ratio:.2f} ({c.low:.2f} to {c.high:.2f})", f"{100 * c.within:.0f} %")
    ]
    return line([name, str(len(members)), *cells])


def rules() -> str:
    """The rule in use, all of it."""
    lines = [
        "## The rules\n",
        f"A vertebra's doubt = {RULE.offset} + the sum of weight × (value − typical) / scale, where it is "
        "worse than typical; values beyond the limit count as the limit. Good below "
        f'{RULE.good_below}, "do not use" above {RULE.refuse_above}, otherwise "check".\n',
        *header(["indicator", "typical", "scale", "limit", "weight"]),
    ]
    for s in RULE.indicators:
        lines.append(line([s.name, f"{s.typical:g}", f"{s.scale:g}", f"{s.limit:g}", f"{s.weight:g}"]))
    lines += [
        "\nBeside it every hard rule counts, whatever the doubt is; the worst flag wins. What was not "
        "measured counts nowhere.\n",
        *header(["hard rule", "flag"]),
        *(line([_condition(limit), limit.flag]) for limit in LIMITS),
        f"\nThen the spine as a whole: where level_ratio < {CLEARLY_BETTER:g} the spine fits clearly better "
        "one level up or down; where the geometric mean of the median stretch_mm and the median "
        "neighbour_disagreement_mm of the vertebrae with visible_share of "
        f"{VISIBLE_SHARE_CHECK:g} and more (of all, if there are none) is > {OTHER_BONES_MM:g} (the stretch "
        "alone, where no joint was measured), "
        f"or their median match_ratio > {NO_MATCH_RATIO:g}, CT and MR seem to show "
        "different bones; where "
        f"side_ratio < {MIRRORED:g}, left and right seem to be exchanged: no vertebra is to be used. "
        f'Where side_ratio < {TOLD:g}, left and right are not told: good ones are "check". '
        "Otherwise, where more than half of those vertebrae that the MR mostly shows are not good, none is: "
        'good ones are "check". A registration of which more than half of the vertebrae are "do not use" is '
        "marked as failed.\n",
    ]
    return "\n".join(lines)


def _uses(observations: Sequence[Observation]) -> str:
    columns = ["broken by", "failed", "good without it", "accurate", "good without it"]
    lines = header(columns)
    for use in uses(observations, [*LIMITS, FORMER]):
        name = _condition(use.limit) + (" (the former rule, no longer in use)" if use.limit is FORMER else "")
        counts = (use.failed, use.failed_alone, use.accurate, use.accurate_alone)
        lines.append(line([name, *map(str, counts)]))
    return "\n".join(lines) + "\n"


def _condition(limit: Limit) -> str:
    return f"{limit.name} {'<' if limit.below else '>'} {limit.bound:g}"


def _trouble(observation: Observation) -> str:
    return observation.trouble or f"nothing ({observation.scenario})"


def _with_median(name: str, pairs: Sequence[tuple[Observation, Flag]]) -> str:
    hopeless = all(o.scenario == ANOTHER_PATIENT for o, _ in pairs)
    median = "–" if hopeless else f"{np.median([o.tre_mm for o, _ in pairs]):.2f}"
    return _counted(name, [f for _, f in pairs], median)


def _counted(name: str, flags: Sequence[Flag], *more: str) -> str:
    whole = len(flags)
    shares = [f"{flags.count(f)} ({100 * flags.count(f) / whole:.1f} %)" if whole else "0 (–)" for f in FLAGS]
    return line([name, str(whole), *shares, *more])
