"""Rigidity-preserving CT/MR registration of the spine, independent of 3D Slicer.

The names below are the public face, loaded when they are first used; the rooms behind it may change.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api.evaluate import evaluate as evaluate
    from .api.moving import move_labels as move_labels
    from .api.moving import move_model as move_model
    from .api.moving import move_points as move_points
    from .api.register import register as register
    from .errors import InputError as InputError
    from .geometry.pose import Pose as Pose
    from .imaging.case import Case as Case
    from .options import RegistrationOptions as RegistrationOptions
    from .results.registration import Registration as Registration
    from .results.stored import StoredRegistration as StoredRegistration
    from .results.stored import read_result as read_result

__version__ = "0.1.0"

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
"""onnxruntime, loaded later, would keep a number of this computer in the home folder and send reports."""

_PLACES = {
    "Case": "imaging.case",
    "InputError": "errors",
    "Pose": "geometry.pose",
    "Registration": "results.registration",
    "RegistrationOptions": "options",
    "StoredRegistration": "results.stored",
    "evaluate": "api.evaluate",
    "move_labels": "api.moving",
    "move_model": "api.moving",
    "move_points": "api.moving",
    "read_result": "results.stored",
    "register": "api.register",
}

__all__ = [
    "Case",
    "InputError",
    "Pose",
    "Registration",
    "RegistrationOptions",
    "StoredRegistration",
    "__version__",
    "evaluate",
    "move_labels",
    "move_model",
    "move_points",
    "read_result",
    "register",
]


if not TYPE_CHECKING:  # type checkers see the imports above, and complain of other names

    def __getattr__(name: str) -> object:
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = getattr(import_module(f".{_PLACES[name]}", __name__), name)
        return globals()[name]


def __dir__() -> list[str]:
    return __all__
