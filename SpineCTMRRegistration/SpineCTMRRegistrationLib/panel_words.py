"""What the command advises, in the words of the panel, which calls the command's options otherwise."""

from __future__ import annotations

import re

WORDS = (
    (r"use --quality fast", "choose quality Fast"),
    (r"--quality fast", "quality Fast"),
    (r"(use|try) --threads 1", "choose 1 thread"),
    (r"(use|try) --device cpu", "choose device CPU"),
    (r"--mr-label-scheme", "'Numbers' below the MR's segmentation"),
    (r"--label-scheme", "'Numbers' below the CT's segmentation"),
    (r"set SPINE_CTMR_TRACEBACK=1 and run it again to see the details", "see the log"),
)
"""Patterns and what the panel says instead, the more special ones first."""


def in_panel_words(sentence: str) -> str:
    """A sentence of the command as the panel says it."""
    for pattern, words in WORDS:
        sentence = re.sub(pattern, words, sentence)
    return sentence
