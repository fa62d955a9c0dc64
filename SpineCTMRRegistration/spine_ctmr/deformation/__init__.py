"""Rigid in bone, diffeomorphic between."""
