"""Products of integers that would leave int64 on the way, exact, on whole arrays.

A share in ppm is taken on quotient and remainder by 10^6 apart; a general a x b / c is done as long
division on digits of `a`, so that no intermediate number reaches 2^63.
"""

import numpy as np
import numpy.typing as npt

from kernels.arrays import IntArray, int64s, require, require_rows

__all__ = [
    "AMOUNT_LIMIT",
    "add_amounts",
    "mul_div_down",
    "mul_ppm_down",
    "mul_ppm_toward_zero",
    "mul_ppm_up",
]

AMOUNT_LIMIT = 2**62  # every amount handed to this package stays below it in size
_SAFETY = 1.0 + 2.0**-20  # more than the float64 sums of the checks can lose
_PPM = 10**6
_PPM_HIGHEST = 2**42  # times a remainder below 10^6 it stays below 2^62
_FEWEST_DIGIT_BITS = 4


def add_amounts(*terms: IntArray) -> IntArray:
    """Sum of up to 2^20 arrays of one shape, refused where the sum of absolutes may reach 2^62.

    Raises: KernelInputError naming the first such row.
    """
    sizes = np.zeros(terms[0].shape)
    total = np.zeros_like(terms[0])
    for term in terms:
        sizes += np.abs(term.astype(np.float64))
        total += term  # may wrap, which the check below then refuses
    require_rows(sizes * _SAFETY < AMOUNT_LIMIT, field="amounts", reason="their sum reaches 2^62")
    return total


def _split_product(values: npt.ArrayLike, ppm: int) -> tuple[IntArray, IntArray]:
    """(whole, rest) with values x ppm = whole x 10^6 + rest and 0 <= rest < 10^6 x ppm."""
    amounts = int64s(values, field="values")
    require(that=0 <= ppm < _PPM_HIGHEST, field="ppm", reason=f"{ppm} is outside [0, 2^42)")
    quotients, remainders = np.divmod(amounts, _PPM)
    largest = AMOUNT_LIMIT // max(ppm, 1)
    good = (quotients < largest) & (quotients > -largest)
    require_rows(np.atleast_1d(good), field="values", reason=f"times {ppm} ppm leaves int64")
    return quotients * ppm, remainders * ppm


def mul_ppm_down(values: npt.ArrayLike, ppm: int) -> IntArray:
    """floor(values x ppm / 10^6), any shape, any sign; 0 <= ppm < 2^42.

    Raises: KernelInputError naming the first row whose product would leave int64.
    """
    whole, rest = _split_product(values, ppm)
    return whole + rest // _PPM


def mul_ppm_up(values: npt.ArrayLike, ppm: int) -> IntArray:
    """ceil(values x ppm / 10^6), as `mul_ppm_down` otherwise."""
    whole, rest = _split_product(values, ppm)
    return whole + (rest + (_PPM - 1)) // _PPM


def mul_ppm_toward_zero(values: npt.ArrayLike, ppm: int) -> IntArray:
    """values x ppm / 10^6 without its fraction, so that a long and a short weigh the same."""
    amounts = int64s(values, field="values")
    return np.sign(amounts) * mul_ppm_down(np.abs(amounts), ppm)


def mul_div_down(
    values: npt.ArrayLike, *, multiplier: int, divisor: int
) -> tuple[IntArray, IntArray]:
    """Quotients and remainders of values x multiplier / divisor, exact, int64[n] each.

    0 <= values <= divisor < 2^62 and 0 <= multiplier < 2^62, which keeps quotients <= multiplier.
    Raises: KernelInputError.
    """
    amounts = int64s(values, field="values")
    require(that=0 < divisor < AMOUNT_LIMIT, field="divisor", reason=f"{divisor} not in (0, 2^62)")
    require(
        that=0 <= multiplier < AMOUNT_LIMIT,
        field="multiplier",
        reason=f"{multiplier} not in [0, 2^62)",
    )
    good = (amounts >= 0) & (amounts <= divisor)
    require_rows(np.atleast_1d(good), field="values", reason=f"outside [0, {divisor}]")
    digit_bits = 62 - divisor.bit_length()
    if digit_bits < _FEWEST_DIGIT_BITS:
        return _mul_div_python(amounts, multiplier, divisor)
    return _mul_div_digits(amounts, multiplier, divisor, digit_bits)


def _mul_div_digits(
    amounts: IntArray, multiplier: int, divisor: int, digit_bits: int
) -> tuple[IntArray, IntArray]:
    quotients, remainders = np.zeros_like(amounts), np.zeros_like(amounts)
    n_digits = -(-multiplier.bit_length() // digit_bits)
    for position in reversed(range(n_digits)):
        digit = (multiplier >> (position * digit_bits)) & ((1 << digit_bits) - 1)
        remainders = (remainders << digit_bits) + amounts * digit
        step = remainders // divisor
        remainders -= step * divisor
        quotients = (quotients << digit_bits) + step
    return quotients, remainders


def _mul_div_python(amounts: IntArray, multiplier: int, divisor: int) -> tuple[IntArray, IntArray]:
    pairs = [divmod(amount * multiplier, divisor) for amount in amounts.tolist()]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
