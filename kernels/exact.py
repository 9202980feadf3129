"""exp, log and the normal distribution from operations that IEEE 754 rounds exactly.

Only + - * / sqrt, compares, selects and integer operations on the bits are used, so every machine
that does not contract a multiply and an add into one (FMA) returns the same 64 bits. NumPy's own
exp and log do not: they change with the CPU's vector width.

Sources: log is fdlibm's (one division, split at sqrt(1/2)); exp is a Cody-Waite reduction with a
degree-11 polynomial; Mills' ratio is a rational fit with positive coefficients only, on [0, 30],
with a fit error of 0.015 x 2^-53. Greatest errors seen against 50 digits, in units of the last
place: log 0.80, exp 0.98, normal_pdf 1.9, N(-z) 6.3 for z <= 6 and 8.4 beyond.
"""

import numpy as np
import numpy.typing as npt

from kernels.arrays import FloatArray, IntArray, float64s, require_rows

__all__ = [
    "CANONICAL_NAN",
    "exp",
    "exp_nonpositive",
    "log_positive",
    "log_ratio",
    "mills",
    "normal_cdf",
    "normal_pdf",
    "quantise",
]

# x86 and CUDA make NaNs with different sign bits; every invalid result is this one instead.
CANONICAL_NAN = np.array([0x7FF8000000000000], dtype=np.int64).view(np.float64)[0]

# Ascending powers. float.fromhex keeps the numbers exact and readable beside their source.
_MILLS_NUMERATOR = tuple(
    map(
        float.fromhex,
        (
            "0x1.40d931ff62706p+0",
            "0x1.091031cb9d789p+1",
            "0x1.b245a7b205da8p+0",
            "0x1.c7bccf4a91b61p-1",
            "0x1.5010001e6799cp-2",
            "0x1.6a39befa755f3p-4",
            "0x1.2090e9cd1562cp-6",
            "0x1.4feff23719ccep-9",
            "0x1.127c57ce692d6p-12",
            "0x1.1e3af7ff9eeb2p-16",
            "0x1.24b98563d456ap-21",
        ),
    )
)
_MILLS_DENOMINATOR = tuple(
    map(
        float.fromhex,
        (
            "0x1.0000000000000p+0",
            "0x1.399e7dc240385p+1",
            "0x1.677b39289c28bp+1",
            "0x1.fdede29cb7e22p+0",
            "0x1.f27a88d25450bp-1",
            "0x1.61913df4e546fp-2",
            "0x1.749577424b588p-4",
            "0x1.24d648439d10bp-6",
            "0x1.522c682791f32p-9",
            "0x1.130eb4910c1e0p-12",
            "0x1.1e3af7ffa12cap-16",
            "0x1.24b98563d4074p-21",
        ),
    )
)
_EXP = tuple(
    map(
        float.fromhex,
        (
            "0x1.0000000000000p-1",
            "0x1.5555555555556p-3",
            "0x1.5555555553d56p-5",
            "0x1.11111111109afp-7",
            "0x1.6c16c17890eb4p-10",
            "0x1.a01a01a7c73c0p-13",
            "0x1.a019b8f9792eep-16",
            "0x1.71de0da24602dp-19",
            "0x1.28919ccaf9211p-22",
            "0x1.af38c67fbb53ep-26",
        ),
    )
)
_LOG_EVEN = tuple(
    map(
        float.fromhex,
        ("0x1.999999997fa04p-2", "0x1.c71c51d8e78afp-3", "0x1.39a09d078c69fp-3"),
    )
)
_LOG_ODD = tuple(
    map(
        float.fromhex,
        (
            "0x1.5555555555593p-1",
            "0x1.2492494229359p-2",
            "0x1.7466496cb03dep-3",
            "0x1.2f112df3e5244p-3",
        ),
    )
)
_LN2_HIGH = float.fromhex("0x1.62e42feep-1")  # 33 bits: times an exponent it is exact
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_INVERSE_LN2 = float.fromhex("0x1.71547652b82fep+0")
_INVERSE_SQRT_2PI = float.fromhex("0x1.9884533d43651p-2")
_ROUND_TO_ONE = 1.5 * 2.0**52  # adding it rounds to an integer, left in the low bits
_ROUND_TO_2_20 = 1.5 * 2.0**32  # adding it rounds to 2^-20
_EXP_LOWEST, _EXP_HIGHEST = -708.0, 709.0  # outside, the result would be subnormal or infinite
_SQRT_HALF_BITS = np.int64(0x3FE6A09E00000000)
_SMALLEST_NORMAL = 2.0**-1022
_PDF_LIMIT = 30.0
_AMOUNT_LIMIT = 2.0**62


def _polynomial(x: FloatArray, ascending: tuple[float, ...]) -> FloatArray:
    result = x * ascending[-1]
    for coefficient in ascending[-2:0:-1]:
        result += coefficient
        result *= x
    result += ascending[0]
    return result


def _exp_in_range(high: FloatArray, low: FloatArray | float) -> FloatArray:
    shifted = high * _INVERSE_LN2
    shifted += _ROUND_TO_ONE
    exponents = shifted.view(np.int64) << 52  # the magic number's own bits are shifted out
    whole = shifted - _ROUND_TO_ONE
    r = high - whole * _LN2_HIGH
    r -= whole * _LN2_LOW
    r += low
    result = _polynomial(r, _EXP)
    result *= r
    result *= r
    result += r
    result += 1.0
    return (result.view(np.int64) + exponents).view(np.float64)


def exp_nonpositive(high: npt.ArrayLike, low: npt.ArrayLike) -> FloatArray:
    """exp(high + low) for high <= 0 and |low| <= 2^-12, any shape; 0 where high < -708.

    The argument in two parts keeps the error under 2 ulp where high + low is large.
    """
    highs = float64s(high)
    with np.errstate(all="ignore"):
        return np.where(highs >= _EXP_LOWEST, _exp_in_range(highs, float64s(low)), 0.0)


def exp(x: npt.ArrayLike) -> FloatArray:
    """exp(x), any shape: 0 below -708, infinite above 709, the canonical NaN for NaN."""
    values = float64s(x)
    with np.errstate(all="ignore"):
        inside = np.where(values >= _EXP_LOWEST, _exp_in_range(values, 0.0), 0.0)
        bounded = np.where(values <= _EXP_HIGHEST, inside, np.inf)
        return np.where(np.isnan(values), CANONICAL_NAN, bounded)


def _split(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(f, e) with x = 2^e (1 + f) and 1 + f in [sqrt(1/2), sqrt(2)), for positive normal x."""
    bits = x.view(np.int64)
    exponents = (bits - _SQRT_HALF_BITS) >> 52
    f = (bits - (exponents << 52)).view(np.float64)
    f -= 1.0
    return f, exponents.astype(np.float64)


def _log_of_split(f: FloatArray, exponents: FloatArray) -> FloatArray:
    s = f / (f + 2.0)
    z = s * s
    w = z * z
    tail = _polynomial(w, _LOG_EVEN)
    tail *= w
    odd = _polynomial(w, _LOG_ODD)
    odd *= z
    tail += odd
    half_square = f * f
    half_square *= 0.5
    tail += half_square
    tail *= s
    tail += exponents * _LN2_LOW
    half_square -= tail
    half_square -= f
    return exponents * _LN2_HIGH - half_square


def log_positive(x: npt.ArrayLike) -> FloatArray:
    """ln(x) of positive normal numbers, any shape; the canonical NaN everywhere else."""
    values = float64s(x)
    with np.errstate(all="ignore"):
        normal = (values >= _SMALLEST_NORMAL) & (values < np.inf)
        return np.where(normal, _log_of_split(*_split(values)), CANONICAL_NAN)


def log_ratio(numerators: npt.ArrayLike, denominators: npt.ArrayLike) -> FloatArray:
    """ln(numerator / denominator) of positive numbers whose ratio is normal; else canonical NaN.

    Within a quarter of each other the two are subtracted first, which is exact, so that the
    logarithm keeps its relative accuracy around zero; that is what d1 of a short option needs.
    """
    above, below = float64s(numerators), float64s(denominators)
    with np.errstate(all="ignore"):
        difference = above - below
        is_near = np.abs(difference) <= 0.25 * below
        near = is_near.astype(np.float64)
        far = 1.0 - near
        quotients = (above - near * below) / below
        f, exponents = _split(quotients)  # finite whatever the bits, so times 0 is a select
        f *= far
        f += near * quotients
        exponents *= far
        logs = _log_of_split(f, exponents)
        normal = (quotients >= _SMALLEST_NORMAL) & (quotients < np.inf)
        return np.where((normal | is_near) & (below > 0.0), logs, CANONICAL_NAN)


def _pdf_in_range(z: FloatArray) -> FloatArray:
    coarse = z + _ROUND_TO_2_20
    coarse -= _ROUND_TO_2_20  # z to 2^-20, so that its square is exact
    low = z + coarse
    low *= coarse - z
    low *= 0.5
    coarse *= coarse
    coarse *= -0.5
    result = _exp_in_range(coarse, low)
    result *= _INVERSE_SQRT_2PI
    return result


def normal_pdf(z: npt.ArrayLike) -> FloatArray:
    """phi(z) = exp(-z^2/2) / sqrt(2 pi), any shape; 0 beyond |z| = 30, canonical NaN for NaN."""
    values = float64s(z)
    with np.errstate(all="ignore"):
        density = np.where(np.abs(values) <= _PDF_LIMIT, _pdf_in_range(values), 0.0)
        return np.where(np.isnan(values), CANONICAL_NAN, density)


def mills(z: npt.ArrayLike) -> FloatArray:
    """Mills' ratio N(-z) / phi(z) for finite z >= 0, any shape; fitted on [0, 30]."""
    values = float64s(z)
    result = _polynomial(values, _MILLS_NUMERATOR)
    result /= _polynomial(values, _MILLS_DENOMINATOR)
    return result


def normal_cdf(z: npt.ArrayLike) -> FloatArray:
    """N(z), any shape; exactly 0 or 1 beyond |z| = 30, the canonical NaN for NaN."""
    values = float64s(z)
    near = np.where(np.abs(values) <= _PDF_LIMIT, values, 0.0)
    tail = np.where(near == values, normal_pdf(near) * mills(np.abs(near)), 0.0)
    result = np.where(values >= 0.0, 1.0 - tail, tail)
    return np.where(np.isnan(values), CANONICAL_NAN, result)


def quantise(values: npt.ArrayLike, scale: int, *, field: str = "values") -> IntArray:
    """values x scale to the nearest integer, ties to even, any shape; `field` names them in errors.

    Raises: KernelInputError naming the first row that is not finite or reaches 2^62. The check
    comes before the cast because machines disagree on a cast out of range.
    """
    scaled = np.atleast_1d(np.rint(float64s(values) * float(scale)))
    require_rows(np.abs(scaled) < _AMOUNT_LIMIT, field=field, reason="not finite, or 2^62 or more")
    return scaled.astype(np.int64).reshape(np.shape(values))
