"""Rigidity-preserving CT/MR registration of the spine, independent of 3D Slicer."""

__version__ = "0.1.0"
