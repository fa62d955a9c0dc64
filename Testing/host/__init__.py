"""Stand-ins that let the Slicer module run without Slicer, on PySide6 and slicer-core.

`application.start()` gives Python the modules `qt`, `ctk`, `slicer.app`, `slicer.modules` and so on
as the module's files import them. The scene and all nodes are real (slicer-core). Qt is real too, seen
through wrappers that follow PythonQt's rules (`pythonqt.py`); Slicer's and CTK's own widgets are small
replacements that offer part of what the real ones offer, and nothing else (`widgets.py`).
"""
