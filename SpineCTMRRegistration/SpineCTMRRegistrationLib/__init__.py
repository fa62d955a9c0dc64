"""What the Slicer module does besides its widgets: scene bridge, process runner, visual checks.

Nothing here computes a registration; the engine runs as a command in a child process. `scene.py`,
`results_in_scene.py`, `views.py` and `sample_data.py` talk to the scene; the other files are plain
Python. Nothing heavy is imported, because this runs inside Slicer's own process.
"""
