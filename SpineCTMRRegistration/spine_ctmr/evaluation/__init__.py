"""Comparison of a registration with what is known about the truth."""
