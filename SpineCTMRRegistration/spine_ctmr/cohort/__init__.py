"""Many patients: a table of them, the workflow that registers each, and what came of it."""
