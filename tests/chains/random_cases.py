"""Random integers and pages of cases, for comparing two implementations."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

I64_MAX = 2**63 - 1
CASES_PER_CALL = 500


def integer(random: Random, *, bits: int) -> int:
    """Uniform in its number of bits, so that small, huge and extreme values all come up."""
    size = random.randrange(bits + 1)
    return random.choice((0, 1, -1, 2**size - 1, -(2**size) + 1, random.getrandbits(size)))


def signed(random: Random, *, bits: int = 63) -> int:
    value = integer(random, bits=bits)
    return max(-I64_MAX - 1, min(I64_MAX, random.choice((value, -value))))


def unsigned(random: Random, *, bits: int) -> int:
    return abs(integer(random, bits=bits)) % 2**bits


def pages(cases: Sequence[T]) -> list[Sequence[T]]:
    return [cases[at : at + CASES_PER_CALL] for at in range(0, len(cases), CASES_PER_CALL)]
