"""The engine and other registration methods on the same patients, in one run."""
