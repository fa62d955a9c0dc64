"""The developer's Reload, which executes the module's file again, but no package that it imports."""

from __future__ import annotations

import sys

PACKAGES = ("SpineCTMRRegistrationLib", "spine_ctmr")


def forget_packages() -> None:
    """Have the packages of the module imported anew by the next `import`."""
    for name in list(sys.modules):
        if name.partition(".")[0] in PACKAGES:
            del sys.modules[name]
