"""The market of the demo: what is listed, and prices before and after the crash.

Times are relative to OPENED_S, at which the chains start, so that a run prices the same on any
day. A move multiplies an index and all its volatilities by factors. Total variance w(k) becomes
f^2 w(k / f): the smile keeps its shape in standard deviations, which keeps it free of arbitrage
(of Durrleman's g only the term -w'^2 / 16 grows). In raw SVI that is a f^2, b f, m f, sigma f.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chains.model import Instrument, InstrumentKind, Right
from coordinator.decide.policy import PPM
from coordinator.demo.surfaces import BTC, ETH, DemoSurface, SurfacePoint
from oracles.document import DOCUMENT_SOURCE
from oracles.model import ExpirySlice, IndexQuote, MarketView, SurfaceQuote, combine
from oracles.surface import check_surface

__all__ = [
    "CALM",
    "CRASH",
    "CRASH_S",
    "INDEX_HALF_WIDTH_PPM",
    "OPENED_S",
    "UNDERLYINGS",
    "Move",
    "listing",
    "market_after",
]

OPENED_S: Final = 1_768_550_400
"""Friday 2026-01-16 08:00 UTC, the time of every chain's first block."""
CRASH_S: Final = OPENED_S + 3_600
INDEX_HALF_WIDTH_PPM: Final = 1_000
_VOL_HALF_WIDTH_PPM: Final = 20_000
_DAY_S: Final = 86_400
_STRIKE_PERCENTS: Final = (60, 70, 80, 85, 90, 95, 100, 110, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One underlying against its calm market: index and volatility in ppm of what they were."""

    index_ppm: int
    vol_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Underlying:
    """A surface, those of its expiries that are listed, lot size and strike step."""

    surface: DemoSurface
    expiry_days: tuple[int, ...]
    lot_nano: int
    strike_step_micro: int

    @property
    def points(self) -> tuple[SurfacePoint, ...]:
        return tuple(p for p in self.surface.points if p.days_to_expiry in self.expiry_days)

    @property
    def strikes_micro(self) -> tuple[int, ...]:
        index, step = self.surface.index_micro, self.strike_step_micro
        return tuple(round(index * percent / (100 * step)) * step for percent in _STRIKE_PERCENTS)


# Of the fitted expiries those that stay free of arbitrage when volatility rises by half and more.
_UNDERLYINGS: Final = {
    "BTC": _Underlying(
        surface=BTC,
        expiry_days=(7, 42, 70),
        lot_nano=10_000_000,
        strike_step_micro=1_000_000_000,
    ),
    "ETH": _Underlying(
        surface=ETH,
        expiry_days=(11, 18, 81),
        lot_nano=100_000_000,
        strike_step_micro=50_000_000,
    ),
}
UNDERLYINGS: Final = tuple(_UNDERLYINGS)

CALM: Final = {name: Move(index_ppm=PPM, vol_ppm=PPM) for name in UNDERLYINGS}
CRASH: Final = {
    "BTC": Move(index_ppm=650_000, vol_ppm=1_600_000),
    "ETH": Move(index_ppm=570_000, vol_ppm=1_600_000),
}


def listing() -> tuple[Instrument, ...]:
    """What every venue lists: the perpetuals, then calls and puts by expiry and strike."""
    perpetuals = [
        (InstrumentKind.PERPETUAL, name, 0, 0, Right.CALL, listed.lot_nano)
        for name, listed in _UNDERLYINGS.items()
    ]
    options = [
        (InstrumentKind.OPTION, name, _expiry_s(point), strike, right, listed.lot_nano)
        for name, listed in _UNDERLYINGS.items()
        for point in listed.points
        for strike in listed.strikes_micro
        for right in Right
    ]
    return tuple(Instrument(number, *row) for number, row in enumerate(perpetuals + options))


def market_after(moves: Mapping[str, Move], *, observed_s: int) -> MarketView:
    """Index and surface of every underlying after a move, as observed at a unix time.

    Raises QuoteRejected where the moved surface has arbitrage.
    """
    observed_ms = observed_s * 1_000
    return combine(
        [_index(name, moves[name], observed_ms) for name in UNDERLYINGS],
        [_surface(name, moves[name], observed_ms) for name in UNDERLYINGS],
    )


def _index(name: str, move: Move, observed_ms: int) -> IndexQuote:
    index_micro = _moved_index_micro(name, move)
    return IndexQuote(
        underlying=name,
        index_micro=index_micro,
        half_width_micro=-(-index_micro * INDEX_HALF_WIDTH_PPM // PPM),
        observed_ms=observed_ms,
        source=DOCUMENT_SOURCE,
    )


def _surface(name: str, move: Move, observed_ms: int) -> SurfaceQuote:
    slices = tuple(
        ExpirySlice(
            underlying=name,
            expiry_ms=_expiry_s(point) * 1_000,
            forward_micro=_moved_index_micro(name, move) * point.forward_ratio_ppm // PPM,
            a=point.a * move.vol_ppm**2 // PPM**2,
            b=point.b * move.vol_ppm // PPM,
            rho=point.rho,
            m=point.m * move.vol_ppm // PPM,
            sigma=point.sigma * move.vol_ppm // PPM,
            vol_half_width_ppm=_VOL_HALF_WIDTH_PPM,
            observed_ms=observed_ms,
            source=DOCUMENT_SOURCE,
        )
        for point in _UNDERLYINGS[name].points
    )
    return check_surface(SurfaceQuote(underlying=name, slices=slices))


def _moved_index_micro(name: str, move: Move) -> int:
    return _UNDERLYINGS[name].surface.index_micro * move.index_ppm // PPM


def _expiry_s(point: SurfacePoint) -> int:
    return OPENED_S + point.days_to_expiry * _DAY_S
