"""How patients move by mechanics alone: joints within published ranges, tissue as an elastic solid.

Nothing here uses the registration's own deformation, so that it can serve as a truth for it.
"""
