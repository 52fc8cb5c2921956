"""The one list of what differs from run to run: in a snapshot a word stands for it."""

from __future__ import annotations

import re

_REDACTIONS = [
    (re.compile(pattern), word)
    for pattern, word in (
        (r"/[^\s'\",:]*/project(?=/|\b)", "PROJECT"),
        (r"objects/[0-9a-f]{2}/[0-9a-f]{62}\b", "objects/DIGEST"),
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"\b(?=[0-9]*[a-f])[0-9a-f]{12}\b", "SHORT-KEY"),
        (r"\b[0-9]{12}\b", "SHORT-KEY"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", "TIME"),
        (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b", "TIME"),
        (r"\b[0-9a-f]{10}( with changes)? *(?= )", r"COMMIT\1"),
        (r"\b(luisy|python|platform) (?!--)\S+(?=,|$)", r"\1 PLACE"),
        (r" *\b\d+ (second|minute|hour)s?\b", " AGE"),
        (r"\b\d+(\.\d+)?(e-\d+)? s\b", "SECONDS"),
        (r"(\"?seconds\"?: )\d[\d.e-]*", r"\1SECONDS"),
        # What an object of key parts or sources weighs is no claim of the command line.
        (r"\d+(\.\d+)? (B|KiB) stored", "BYTES stored"),
        (r"objects \(\d+(\.\d+)? (B|KiB)\)", "objects (BYTES)"),
        (r"objects (would go|deleted), \d+(\.\d+)? (B|KiB)", r"objects \1, BYTES"),
        (r"blobs (.*)(deleted|tombstoned), \d+(\.\d+)? (B|KiB)", r"blobs \1\2, BYTES"),
        (r"\d+(\.\d+)? (B|KiB) would stay", "BYTES would stay"),
        (r"dedup ratio \d+\.\d+", "dedup ratio RATIO"),
        (r"\b(luisy|python|platform): \S+", r"\1: PLACE"),
        (r"luisy \d+\.\d+[\w.]*", "luisy VERSION"),
    )
]


def redacted(text: str) -> str:
    """*text* without paths of this machine, keys, times, ages and durations."""
    for pattern, word in _REDACTIONS:
        text = pattern.sub(word, text)
    return text
