"""Peers and benchmark."""
