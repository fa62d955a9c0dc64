"""Rigid CT to MR start from matched vertebrae."""
