"""Seeded draws in integers only, so that a seed means the same on every machine."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

__all__ = ["Dice"]

T = TypeVar("T")


class Dice:
    """PCG64 behind the three draws the demo needs."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64(seed))

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self._generator.integers(low, high, endpoint=True))

    def one_of(self, choices: Sequence[T]) -> T:
        """Any of them, equally likely."""
        return choices[self.between(0, len(choices) - 1)]

    def shuffled(self, cards: Sequence[T]) -> list[T]:
        """All of them in any order (Fisher and Yates)."""
        deck = list(cards)
        for last in range(len(deck) - 1, 0, -1):
            other = self.between(0, last)
            deck[last], deck[other] = deck[other], deck[last]
        return deck
