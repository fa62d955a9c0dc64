"""The folders of a study."""

from __future__ import annotations

PATIENTS, LOGS, STAMPS = "patients", "logs", "registered"
"""A folder of results, a log and a stamp for each case."""
