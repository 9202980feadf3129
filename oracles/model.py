"""Vocabulary of quotes: frozen, integers only, valid by construction.

Prices are micro-USD, times are milliseconds since 1970 (UTC), SVI parameters are in units of
1e-12, half-widths of a volatility are ppm of that volatility. Every integer stays below 2^53, so
that turning it to a float is exact. An impossible value raises QuoteRejected.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from oracles.errors import QuoteRejected

__all__ = [
    "EXACT_MAX",
    "MICRO",
    "SVI_ONE",
    "ExpirySlice",
    "IndexQuote",
    "MarketView",
    "SurfaceQuote",
    "combine",
]

MICRO = 1_000_000
SVI_ONE = 10**12
EXACT_MAX = 2**53 - 1

_KeyT = TypeVar("_KeyT", str, tuple[str, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexQuote:
    """Spot index of one underlying: index_micro +- half_width_micro as seen at observed_ms."""

    underlying: str
    index_micro: int
    half_width_micro: int
    observed_ms: int
    source: str

    def __post_init__(self) -> None:
        where = f"{_label(self.source, 'source')}: index of {_label(self.underlying, 'underlying')}"
        _within(where, "index_micro", self.index_micro, low=1)
        _within(where, "half_width_micro", self.half_width_micro, low=0, high=self.index_micro - 1)
        _within(where, "observed_ms", self.observed_ms, low=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpirySlice:
    """One expiry of a surface: forward and raw SVI of total variance at that expiry.

    w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)), k = ln(strike / forward), each
    parameter an integer x 1e-12 (Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces").
    """

    underlying: str
    expiry_ms: int
    forward_micro: int
    a: int
    b: int
    rho: int
    m: int
    sigma: int
    vol_half_width_ppm: int
    observed_ms: int
    source: str

    def __post_init__(self) -> None:
        where = f"{_label(self.source, 'source')}: {_label(self.underlying, 'underlying')}"
        _within(where, "observed_ms", self.observed_ms, low=1)
        _within(where, "expiry_ms", self.expiry_ms, low=self.observed_ms + 1)
        where = self.where
        _within(where, "forward_micro", self.forward_micro, low=1)
        _within(where, "vol_half_width_ppm", self.vol_half_width_ppm, low=0, high=MICRO - 1)
        _within(where, "a", self.a, low=-EXACT_MAX)
        _within(where, "b", self.b, low=0)
        _within(where, "rho", self.rho, low=1 - SVI_ONE, high=SVI_ONE - 1)
        _within(where, "m", self.m, low=-EXACT_MAX)
        _within(where, "sigma", self.sigma, low=1)
        if not self._least_variance_is_not_negative():
            raise QuoteRejected(
                f"{where}: a + b sigma sqrt(1 - rho^2) is negative; variance cannot be, refit"
            )

    @property
    def where(self) -> str:
        """Name of this slice in error messages."""
        return f"{self.source}: {self.underlying} expiry {self.expiry_ms}"

    def _least_variance_is_not_negative(self) -> bool:
        """Whether a + b sigma sqrt(1 - rho^2) >= 0, squared so that it is decided in integers."""
        if self.a >= 0:
            return True
        bend = (self.b * self.sigma) ** 2 * (SVI_ONE**2 - self.rho**2)
        return bend >= (self.a * SVI_ONE**2) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceQuote:
    """All quoted expiries of one underlying, nearest first, no expiry twice."""

    underlying: str
    slices: tuple[ExpirySlice, ...]

    def __post_init__(self) -> None:
        where = f"surface of {_label(self.underlying, 'underlying')}"
        if not self.slices:
            raise QuoteRejected(f"{where}: no expiry; a surface needs at least one")
        for piece in self.slices:
            if piece.underlying != self.underlying:
                raise QuoteRejected(f"{where}: {piece.where} belongs to another underlying")
        _strictly_increasing(where, [_slice_key(piece) for piece in self.slices])


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """What a snapshot knows of the market, in canonical order.

    indices are ordered by underlying, slices by (underlying, expiry_ms); each key stands once and
    every slice has its index. Use `combine` to build one from quotes in any order.
    """

    indices: tuple[IndexQuote, ...]
    slices: tuple[ExpirySlice, ...]

    def __post_init__(self) -> None:
        if not self.indices:
            raise QuoteRejected("market: no index; at least one underlying is needed")
        _strictly_increasing("market indices", [quote.underlying for quote in self.indices])
        _strictly_increasing("market slices", [_slice_key(piece) for piece in self.slices])
        known = {quote.underlying for quote in self.indices}
        as_of_ms = self.as_of_ms
        for piece in self.slices:
            if piece.underlying not in known:
                raise QuoteRejected(f"{piece.where}: slice without an index; quote both or neither")
            if piece.expiry_ms <= as_of_ms:
                raise QuoteRejected(f"{piece.where}: expired at {as_of_ms}; leave it out")

    @property
    def as_of_ms(self) -> int:
        """The market's own time: its newest observation, never a clock."""
        return _newest_ms(self.indices, self.slices)

    def index_of(self, underlying: str) -> IndexQuote:
        """Index of `underlying`; QuoteRejected if the market does not hold it."""
        for quote in self.indices:
            if quote.underlying == underlying:
                return quote
        known = ", ".join(quote.underlying for quote in self.indices)
        raise QuoteRejected(f"market: no index of {underlying}; it holds {known}")

    def surface_of(self, underlying: str) -> SurfaceQuote:
        """Surface of `underlying`; QuoteRejected if the market holds no expiry of it."""
        slices = tuple(piece for piece in self.slices if piece.underlying == underlying)
        return SurfaceQuote(underlying=underlying, slices=slices)


def combine(indices: Iterable[IndexQuote], surfaces: Iterable[SurfaceQuote]) -> MarketView:
    """Quotes in any order -> MarketView in canonical order.

    An expiry that passed before the newest observation has settled, so it has no price: it is
    left out. QuoteRejected where a key stands twice or a surface has no index.
    """
    quotes = sorted(indices, key=lambda quote: quote.underlying)
    pieces = [piece for surface in surfaces for piece in surface.slices]
    as_of_ms = _newest_ms(quotes, pieces)
    alive = sorted((piece for piece in pieces if piece.expiry_ms > as_of_ms), key=_slice_key)
    return MarketView(indices=tuple(quotes), slices=tuple(alive))


def _newest_ms(indices: Sequence[IndexQuote], slices: Sequence[ExpirySlice]) -> int:
    seen_ms = [quote.observed_ms for quote in indices] + [piece.observed_ms for piece in slices]
    return max(seen_ms, default=0)


def _slice_key(piece: ExpirySlice) -> tuple[str, int]:
    return piece.underlying, piece.expiry_ms


def _label(text: str, name: str) -> str:
    if not text or text != text.strip():
        raise QuoteRejected(f"quote: {name} = {text!r}, must be a plain non-empty name")
    return text


def _within(where: str, name: str, number: int, *, low: int, high: int = EXACT_MAX) -> None:
    # bool is an int to Python, and numpy integers overflow silently later: only plain ints pass.
    if type(number) is not int:
        raise QuoteRejected(f"{where}: {name} = {number!r}, must be an integer")
    if not low <= number <= high:
        raise QuoteRejected(f"{where}: {name} = {number}, must be in [{low}, {high}]")


def _strictly_increasing(where: str, keys: list[_KeyT]) -> None:
    for before, after in pairwise(keys):
        if before == after:
            raise QuoteRejected(f"{where}: {after} stands twice; keep one")
        if before > after:
            raise QuoteRejected(f"{where}: {after} after {before}; sort them")
