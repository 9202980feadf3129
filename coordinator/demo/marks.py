"""What the oracles of the demo post for each instrument: mark, margin of a lot, band.

Marks are the coordinator's own value of a lot on the posted market, so that the venues' marks
and the surface agree to the micro.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chains.model import (
    AccountColumns,
    BlockRef,
    ChainState,
    Columns,
    Funds,
    Instrument,
    InstrumentKind,
    MarkColumns,
    PositionColumns,
    Right,
    read_only,
)
from coordinator.decide.margins import margin_policy_of
from coordinator.decide.policy import PPM, Policy
from coordinator.decide.pricing import YEAR_MS, Pricing, price
from coordinator.decide.snapshot import Carried, Snapshot
from kernels.exactint import mul_ppm_down
from kernels.margin import RiskTables, standalone_mm
from oracles.model import MarketView

__all__ = ["Marks", "marks_on", "unposted_venue"]


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """One row an instrument, in listing order, micro-USD per lot.

    ``deltas`` per 100 % of spot (not posted: market makers hedge by them); ``time_s`` is the
    unix time of the market and of every mark.
    """

    marks: Columns
    mm_per_lots: Columns
    bands: Columns
    deltas: Columns
    time_s: int


def marks_on(instruments: Sequence[Instrument], market: MarketView, policy: Policy) -> Marks:
    """Marks of listed instruments as of the market's own time; raises KernelInputError."""
    venue = unposted_venue(tuple(instruments), at_s=market.as_of_ms // 1_000)
    pricing = price(Snapshot((venue,), market, Carried(), ()), policy)
    rows = _table_rows(instruments, pricing, market.as_of_ms)
    marks = pricing.values[rows, pricing.grid.base]
    return Marks(
        marks=read_only(marks),
        mm_per_lots=read_only(_standalone_mm(pricing, policy)[rows]),
        bands=read_only(_bands(marks, pricing.greeks.index_notional_micro[rows], policy)),
        deltas=read_only(pricing.greeks.delta_usd_micro[rows]),
        time_s=market.as_of_ms // 1_000,
    )


def _bands(marks: Columns, notionals: Columns, policy: Policy) -> Columns:
    relative = mul_ppm_down(marks, policy.band_ppm)
    return np.maximum(relative, mul_ppm_down(notionals, policy.band_floor_ppm))


def _standalone_mm(pricing: Pricing, policy: Policy) -> Columns:
    return standalone_mm(
        instruments=pricing.table,
        tables=RiskTables(values=pricing.values, greeks=pricing.greeks),
        grid=pricing.grid,
        policy=margin_policy_of(policy),
    )


def _table_rows(instruments: Sequence[Instrument], pricing: Pricing, as_of_ms: int) -> Columns:
    """Where each instrument stands in the pricing's table, whatever order that has."""
    table = pricing.table
    columns = (table.underlying_row, table.kind, table.strike_micro, table.is_call, table.years)
    keys = zip(*(column.tolist() for column in columns), strict=True)
    row_of = {key: row for row, key in enumerate(keys)}
    return read_only([row_of[_key(one, pricing, as_of_ms)] for one in instruments])


def _key(one: Instrument, pricing: Pricing, as_of_ms: int) -> tuple[int, int, int, bool, float]:
    is_call = one.kind is InstrumentKind.OPTION and one.right is Right.CALL
    years = (one.expiry_s * 1_000 - as_of_ms) / YEAR_MS if one.expiry_s else 0.0
    underlying_row = pricing.underlyings.index(one.underlying)
    return underlying_row, int(one.kind), one.strike_micro, is_call, years


def unposted_venue(instruments: tuple[Instrument, ...], *, at_s: int) -> ChainState:
    """A venue at a unix time that lists the instruments, without a mark and without an account."""
    nothing, rows = read_only([]), read_only([0] * len(instruments))
    owners, groups = np.zeros((0, 20), dtype=np.uint8), np.zeros((0, 32), dtype=np.uint8)
    return ChainState(
        chain_id=0,
        gate=bytes(20),
        reserve=bytes(20),
        block=BlockRef(0, bytes(32), at_s),
        accounts=AccountColumns(
            nothing, nothing, nothing, nothing, nothing, nothing, owners, groups
        ),
        positions=PositionColumns(nothing, nothing, nothing, nothing),
        instruments=instruments,
        marks=MarkColumns(rows, rows, rows, rows, rows),
        funds=Funds(0, 0, 0, 0, (), 0, 0, 0, bytes(32), 0, PPM, 0),
        slots_digest=bytes(32),
    )
