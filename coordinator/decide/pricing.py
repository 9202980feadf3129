"""Every instrument of every venue, priced once per scenario and rounded once to an integer.

Here floats end: what leaves this module is int64 micro-USD per lot. Instruments that cannot be
trusted are named with the reason and keep all-zero rows; accounts that hold them are left alone.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from chains.model import ChainState, Columns, Instrument, InstrumentKind, Right, read_only
from coordinator.decide.policy import PPM, Policy
from coordinator.decide.snapshot import Snapshot
from kernels.exactint import mul_ppm_down
from kernels.grid import Grid, VolPower, static_grid
from kernels.instruments import InstrumentTable, MarketTable
from kernels.scenarios import GreeksTable, corner_table, greeks_table, price_table
from oracles.model import MarketView

__all__ = ["Doubt", "Pricing", "grid_of", "price", "vol_power_of"]

YEAR_MS = 31_536_000_000


class Doubt(IntEnum):
    """Why an instrument is left out; 0 = it is not."""

    NO = 0
    NO_INDEX = 1
    NO_SURFACE = 2
    EXPIRING = 3
    STALE_MARK = 4
    OUTSIDE_BAND = 5

    @property
    def label(self) -> str:
        """For people."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True, eq=False)
class Pricing:
    """One table row for each distinct contract of all venues, ordered by (underlying, expiry).

    ``rows[venue][instrument]`` is the table row of a venue's instrument, -1 where it is in doubt
    (``doubts[venue][instrument]`` says why). ``values`` int64 (n, scenarios) on ``grid``;
    ``corners`` int64 (n, 5), base first, then index and volatility +- their half-width.
    """

    underlyings: tuple[str, ...]
    table: InstrumentTable
    grid: Grid
    values: Columns
    corners: Columns
    greeks: GreeksTable
    rows: tuple[Columns, ...]
    doubts: tuple[Columns, ...]


@dataclass(frozen=True, slots=True, order=True)
class _Contract:
    """What makes two listings the same contract; the field order is the table's order."""

    underlying: int
    expiry_s: int
    kind: int
    strike_micro: int
    right: int
    lot_nano: int


def price(snapshot: Snapshot, policy: Policy) -> Pricing:
    """Price every distinct contract once; raises KernelInputError."""
    market, as_of_ms = snapshot.market, snapshot.as_of_ms
    # A leg must not meet its instrument's settlement: what expires within the plan is left alone.
    until_ms = as_of_ms + policy.plan_window_s * 1_000
    names = tuple(quote.underlying for quote in market.indices)
    early = [_early_doubts(chain, market, until_ms) for chain in snapshot.chains]
    contracts = sorted(
        {
            _contract(instrument, names)
            for chain, doubts in zip(snapshot.chains, early, strict=True)
            for instrument, doubt in zip(chain.instruments, doubts, strict=True)
            if doubt is Doubt.NO
        }
    )
    table, lookup = _table(contracts, as_of_ms), {c: row for row, c in enumerate(contracts)}
    rows = [
        _rows(chain, doubts, names, lookup)
        for chain, doubts in zip(snapshot.chains, early, strict=True)
    ]
    priced_on, grid = _market_table(market, names), grid_of(policy)
    values = price_table(instruments=table, market=priced_on, grid=grid)
    fair = _Fair(values[:, grid.base], table.underlying_row, table.lot_nano, market)
    doubts = tuple(
        _late_doubts(chain, _as_column(early[venue]), rows[venue], fair, policy)
        for venue, chain in enumerate(snapshot.chains)
    )
    return Pricing(
        underlyings=names,
        table=table,
        grid=grid,
        values=values,
        corners=_corners(table, priced_on, market, names),
        greeks=greeks_table(instruments=table, market=priced_on),
        rows=tuple(
            np.where(doubt == Doubt.NO, row, -1) for row, doubt in zip(rows, doubts, strict=True)
        ),
        doubts=doubts,
    )


def grid_of(policy: Policy) -> Grid:
    """The shock grid a policy describes."""
    return static_grid(
        spot_shocks_ppm=policy.spot_shocks_ppm,
        vol_shocks_ppm=policy.vol_shocks_ppm,
        skew_tilt_ppm=policy.skew_tilt_ppm,
        term_twist_ppm=policy.term_twist_ppm,
        tail_spot_ppm=policy.tail_spots_ppm,
        tail_weight_ppm=policy.tail_weight_ppm,
        vol_power=vol_power_of(policy),
    )


def vol_power_of(policy: Policy) -> VolPower:
    """How the policy's volatility shocks fall with time to expiry."""
    return VolPower(short_ppm=policy.vol_power_short_ppm, long_ppm=policy.vol_power_long_ppm)


def _early_doubts(chain: ChainState, market: MarketView, until_ms: int) -> list[Doubt]:
    """What keeps an instrument from being priced at all."""
    indexed = {quote.underlying for quote in market.indices}
    smiled = {piece.underlying for piece in market.slices}

    def doubt(instrument: Instrument) -> Doubt:
        if instrument.underlying not in indexed:
            return Doubt.NO_INDEX
        if instrument.kind is InstrumentKind.PERPETUAL:
            return Doubt.NO
        if instrument.underlying not in smiled:
            return Doubt.NO_SURFACE
        return Doubt.EXPIRING if instrument.expiry_s * 1_000 <= until_ms else Doubt.NO

    return [doubt(instrument) for instrument in chain.instruments]


def _contract(instrument: Instrument, names: tuple[str, ...]) -> _Contract:
    return _Contract(
        underlying=names.index(instrument.underlying),
        expiry_s=instrument.expiry_s,
        kind=int(instrument.kind),
        strike_micro=instrument.strike_micro,
        right=int(instrument.right),
        lot_nano=instrument.lot_nano,
    )


def _table(contracts: list[_Contract], as_of_ms: int) -> InstrumentTable:
    def column(field: str) -> list[int]:
        return [getattr(contract, field) for contract in contracts]

    kinds = np.array(column("kind"), dtype=np.int64)
    return InstrumentTable(
        kind=kinds,
        underlying_row=read_only(column("underlying")),
        expiry_row=np.full(len(contracts), -1, dtype=np.int64),
        strike_micro=read_only(column("strike_micro")),
        is_call=(read_only(column("right")) == Right.CALL) & (kinds == InstrumentKind.OPTION),
        lot_nano=read_only(column("lot_nano")),
        years=np.array([_years(c.expiry_s * 1_000, as_of_ms) for c in contracts]),
    )


def _years(expiry_ms: int, as_of_ms: int) -> float:
    return (expiry_ms - as_of_ms) / YEAR_MS if expiry_ms else 0.0


def _market_table(market: MarketView, names: tuple[str, ...]) -> MarketTable:
    def column(field: str) -> list[int]:
        return [getattr(piece, field) for piece in market.slices]

    return MarketTable(
        index_micro=read_only([quote.index_micro for quote in market.indices]),
        underlying_row=read_only([names.index(piece.underlying) for piece in market.slices]),
        forward_micro=read_only(column("forward_micro")),
        years=np.array([_years(p.expiry_ms, market.as_of_ms) for p in market.slices]),
        a=read_only(column("a")),
        b=read_only(column("b")),
        rho=read_only(column("rho")),
        m=read_only(column("m")),
        sigma=read_only(column("sigma")),
    )


def _corners(
    table: InstrumentTable, priced_on: MarketTable, market: MarketView, names: tuple[str, ...]
) -> Columns:
    """Corner values at each underlying's index interval and its widest volatility interval."""
    index = [-(-q.half_width_micro * PPM // q.index_micro) for q in market.indices]
    vol = [
        max((p.vol_half_width_ppm for p in market.slices if p.underlying == name), default=0)
        for name in names
    ]
    return corner_table(
        instruments=table,
        market=priced_on,
        index_half_width_ppm=read_only(index),
        vol_half_width_ppm=read_only(vol),
    )


def _rows(
    chain: ChainState, doubts: list[Doubt], names: tuple[str, ...], lookup: dict[_Contract, int]
) -> Columns:
    return read_only(
        [
            lookup[_contract(instrument, names)] if doubt is Doubt.NO else -1
            for instrument, doubt in zip(chain.instruments, doubts, strict=True)
        ]
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Fair:
    """Our own value per lot by table row, and what its tolerance is measured on."""

    values: Columns
    underlying_rows: Columns
    lot_nanos: Columns
    market: MarketView


def _late_doubts(
    chain: ChainState, early: Columns, rows: Columns, fair: _Fair, policy: Policy
) -> Columns:
    """A mark must be fresh and agree with the surface within the band."""
    marks, doubts = chain.marks, early.copy()
    stale = chain.block.timestamp_s - marks.times_s > chain.funds.mark_age_s_max
    doubts[(doubts == Doubt.NO) & stale] = Doubt.STALE_MARK
    priced = np.flatnonzero(doubts == Doubt.NO)
    at = rows[priced]
    apart = np.abs(fair.values[at] - marks.marks[priced])
    band = np.maximum(
        mul_ppm_down(marks.marks[priced], policy.band_ppm),
        mul_ppm_down(_lot_notionals(fair)[at], policy.band_floor_ppm),
    )
    doubts[priced[apart > band]] = Doubt.OUTSIDE_BAND
    return doubts


def _lot_notionals(fair: _Fair) -> Columns:
    """Index x lot size by table row, micro-USD, rounded down."""
    indices = [quote.index_micro for quote in fair.market.indices]
    rows, lots = fair.underlying_rows.tolist(), fair.lot_nanos.tolist()
    return read_only([indices[row] * lot // 10**9 for row, lot in zip(rows, lots, strict=True)])


def _as_column(doubts: list[Doubt]) -> Columns:
    return np.array(doubts, dtype=np.int64)
