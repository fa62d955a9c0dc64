"""A reader's decision on every vertebra of a result: accept, reject, a remark. Standard library only.

The file, made by the viewer, by the panel in Slicer or by hand:
`{"result": "…", "reviewer": "…", "signed": "2026-11-29T10:15:00+00:00",
"vertebrae": [{"vertebra": "L3", "decision": "accept", "remark": "…"}, …]}`. A decision is "accept", "reject"
or "" (open). Only `vertebrae` must be there. `result` binds the file to one registration (`fingerprint`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from ..errors import InputError
from ..json_files import read_json
from ..process.staging import staged_file
from . import names

Decision = Literal["accept", "reject", ""]
State = Literal["accepted", "rejected", "in part", "open"]

DECISIONS: tuple[Decision, ...] = get_args(Decision)
NAME = names.SIGN_OFF
"""The file's name in a folder of results."""
LONGEST_REMARK = 2000
"""Characters of a remark or a name."""
MEND = "save it again from the viewer or from Slicer"


@dataclass(frozen=True)
class VertebraDecision:
    """What a reader says of one vertebra.

    Attributes:
        vertebra: short name such as "L3".
        decision: "accept", "reject" or "" (open).
        remark: free text.
    """

    vertebra: str
    decision: Decision = ""
    remark: str = ""


@dataclass(frozen=True)
class SignOff:
    """What a reader says of a result.

    Attributes:
        vertebrae: at most one decision for each.
        reviewer: who signed, as they called themselves.
        signed: when, in ISO 8601; "" = unknown.
        result: `fingerprint` of the result; "" = not bound to one.
    """

    vertebrae: tuple[VertebraDecision, ...]
    reviewer: str = ""
    signed: str = ""
    result: str = ""


def read_sign_off(path: Path) -> SignOff:
    """Read and check a sign-off.

    Raises:
        InputError: there is no such file, or it is not a sign-off.
    """
    content = read_json(path, MEND)
    rows = content.get("vertebrae") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise InputError(f"The sign-off '{path}' has no list \"vertebrae\"; {MEND}.")
    decisions = tuple(_decision(row, path) for row in rows)
    names = [one.vertebra for one in decisions]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"The sign-off '{path}' names {', '.join(twice)} more than once; {MEND}.")
    signed = _text(content, "signed", path)
    if signed and not _is_time(signed):
        raise InputError(f"The sign-off '{path}' has a time '{signed}' that is not ISO 8601; {MEND}.")
    return SignOff(decisions, _text(content, "reviewer", path), signed, _text(content, "result", path))


def write_sign_off(path: Path, sign_off: SignOff) -> None:
    """Write a sign-off; an earlier file is replaced as a whole or stays, missing folders are made.

    Raises:
        InputError: the file cannot be written.
    """
    with staged_file(path) as staging:
        text = json.dumps(asdict(sign_off), indent=2, ensure_ascii=False)
        staging.write_text(text + "\n", encoding="utf-8")


def fingerprint(folder: Path) -> str:
    """What binds a sign-off to the result in `folder`: the SHA-256 of its quality.json.

    That holds the figures of every vertebra, which the same inputs, options and software give again.

    Raises:
        InputError: the folder holds no result.
    """
    return fingerprint_of(_judged(folder))


def fingerprint_of(quality: bytes) -> str:
    """The same from the content of quality.json."""
    return hashlib.sha256(quality).hexdigest()


def vertebrae_of(folder: Path) -> tuple[str, ...]:
    """Names of the vertebrae of the result in `folder`, in its order.

    Raises:
        InputError: the folder holds no result.
    """
    _judged(folder)
    content = read_json(folder / names.QUALITY, "register the patient again")
    try:
        return tuple(str(row["name"]) for row in content["vertebrae"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{folder / names.QUALITY} is damaged; register the patient again.") from error


def require_match(folder: Path, sign_off: SignOff) -> None:
    """Accept a sign-off that speaks of the result in `folder`.

    Raises:
        InputError: it is of another result, or names a vertebra that this one does not have.
    """
    if sign_off.result and sign_off.result != fingerprint(folder):
        raise InputError(
            f"The sign-off is of another registration than the one in '{folder}'; "
            "sign this one in its own viewer."
        )
    known = vertebrae_of(folder)
    unknown = [one.vertebra for one in sign_off.vertebrae if one.vertebra not in known]
    if unknown:
        raise InputError(
            f"The sign-off names {', '.join(unknown)}, but the result in '{folder}' has {', '.join(known)}; "
            "sign this one in its own viewer."
        )


def state(sign_off: SignOff | None, vertebrae: Sequence[str]) -> State:
    """Where the signing of a result with `vertebrae` stands; one rejected vertebra makes it "rejected"."""
    decisions: dict[str, Decision] = {}
    if sign_off is not None:
        decisions = {one.vertebra: one.decision for one in sign_off.vertebrae if one.decision}
    if "reject" in decisions.values():
        return "rejected"
    if vertebrae and all(name in decisions for name in vertebrae):
        return "accepted"
    return "in part" if decisions else "open"


def _judged(folder: Path) -> bytes:
    try:
        return (folder / names.QUALITY).read_bytes()
    except OSError as error:
        raise InputError(
            f"'{folder}' is not a folder of results; give the one that `spine-ctmr register` wrote."
        ) from error


def _decision(row: Any, path: Path) -> VertebraDecision:
    name = _text(row, "vertebra", path) if isinstance(row, Mapping) else ""
    if not name:
        raise InputError(f"The sign-off '{path}' has an entry without a vertebra; {MEND}.")
    decision = _text(row, "decision", path)
    for known in DECISIONS:
        if decision == known:
            return VertebraDecision(name, known, _text(row, "remark", path))
    raise InputError(f'The sign-off \'{path}\' says \'{decision}\' of {name}; give "accept", "reject" or "".')


def _text(content: Mapping[str, Any], key: str, path: Path) -> str:
    value = content.get(key, "")
    if not isinstance(value, str) or len(value) > LONGEST_REMARK:
        raise InputError(
            f"The sign-off '{path}' has a \"{key}\" that is not a text of at most {LONGEST_REMARK} "
            f"characters; {MEND}."
        )
    return value


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python 3.10 does not know the Z
    except ValueError:
        return False
    return True
