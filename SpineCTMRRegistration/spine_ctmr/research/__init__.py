"""Losses, training and studies; the registration never imports it."""
