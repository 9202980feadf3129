"""Raw SVI in floats: total variance, its butterfly density factor, rounding to integers.

w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)); k = ln(strike / forward), w = vol^2 T.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from kernels.smile import from_ppt, svi_total_variance
from oracles.errors import QuoteRejected
from oracles.model import SVI_ONE, ExpirySlice

__all__ = ["RawSvi", "durrleman", "raw_svi", "to_svi_half_even", "total_variance"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSvi:
    """The five parameters as floats, for evaluation only."""

    a: float
    b: float
    rho: float
    m: float
    sigma: float


def raw_svi(piece: ExpirySlice) -> RawSvi:
    """Parameters of a slice as floats, by one division each."""
    integers = (piece.a, piece.b, piece.rho, piece.m, piece.sigma)
    a, b, rho, m, sigma = from_ppt(integers).tolist()
    return RawSvi(a=a, b=b, rho=rho, m=m, sigma=sigma)


def total_variance(svi: RawSvi, k: FloatArray) -> FloatArray:
    """Total variance w at log-moneyness k, same shape: what is certified is what is priced."""
    return svi_total_variance(k=k, a=svi.a, b=svi.b, rho=svi.rho, m=svi.m, sigma=svi.sigma)


def durrleman(svi: RawSvi, k: FloatArray) -> FloatArray:
    """Durrleman's g at log-moneyness k; the implied density is non-negative iff g >= 0.

    g = (1 - k w' / 2w)^2 - (w'^2 / 4)(1/w + 1/4) + w'' / 2 (Gatheral and Jacquier, lemma 2.2).
    Needs w > 0 at every k.
    """
    away = k - svi.m
    root = np.sqrt(away * away + svi.sigma * svi.sigma)
    w = total_variance(svi, k)
    slope = svi.b * (svi.rho + away / root)
    bend = svi.b * svi.sigma * svi.sigma / (root * root * root)
    return (1 - k * slope / (2 * w)) ** 2 - slope * slope / 4 * (1 / w + 0.25) + bend / 2


def to_svi_half_even(number: float, *, where: str) -> int:
    """A float parameter as integer x 1e-12, ties to even; QuoteRejected if it is not finite."""
    if not math.isfinite(number):
        raise QuoteRejected(f"{where} = {number}, must be a finite number")
    return round(Fraction(number) * SVI_ONE)
