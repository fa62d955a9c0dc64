"""Synthetic patients, recipes and the trainer."""
