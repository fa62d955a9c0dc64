"""Synthetic patients: parametric anatomy, known motion, and CT and MR rendered from it."""
