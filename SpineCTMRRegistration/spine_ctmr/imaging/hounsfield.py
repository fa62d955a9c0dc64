"""CT values that mean the same everywhere."""

from __future__ import annotations

AIR_HU = -1000.0
"""Air, by the definition of the scale: what lies around the patient."""

STORED_HU = (-1024.0, 3071.0)
"""What the 12 bits of a scanner hold; the smallest also marks what was not scanned."""

OUTSIDE_HU = STORED_HU[0]
"""Value of what lies outside a CT's field of view, in the images that a user gets."""
