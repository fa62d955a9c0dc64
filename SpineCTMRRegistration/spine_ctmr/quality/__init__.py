"""Metrics, flags, pictures and report."""
