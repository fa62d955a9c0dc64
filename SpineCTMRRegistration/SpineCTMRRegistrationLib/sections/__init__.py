"""The sections of the panel: each takes the widgets of the .ui file that belong to it."""
