"""Suggestions for misspelled names."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]


def did_you_mean(written: str, names: Iterable[str]) -> str:
    """``, did you mean NAME?``, or nothing where no name is near."""
    likely = get_close_matches(written, sorted(names), n=1, cutoff=0.6)
    return f", did you mean {likely[0]}?" if likely else ""
