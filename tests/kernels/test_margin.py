"""Scenario margin: cases worked by hand in whole micro-USD, then the rules they stand for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernels.book import Book, make_book
from kernels.errors import KernelInputError
from kernels.grid import Grid
from kernels.instruments import InstrumentTable
from kernels.margin import MarginPolicy, RiskTables, margins, standalone_mm
from kernels.scenarios import GreeksTable

POLICY = MarginPolicy(
    mm_factor_ppm=1_000_000,
    im_factor_ppm=1_300_000,
    short_option_min_ppm=10_000,
    vega_contingency_ppm=50_000,
    basis_contingency_ppm=5_000,
)
PERP, SPOT, FUTURE, CALL, PUT, BETWEEN, LATE_CALL, ETH_PERP, ETH_CALL = range(9)


@pytest.fixture
def hand_tables() -> RiskTables:
    """Values in base, -10 %, +10 %, -50 %; small enough to add up on paper."""
    zeros = np.zeros(9, dtype=np.int64)
    return RiskTables(
        values=np.array(
            [
                [100, 90, 110, 50], [100, 90, 110, 50], [1010, 909, 1111, 505], [50, 20, 100, 1],
                [40, 80, 15, 300], [70, 40, 120, 5], [90, 60, 140, 10], [30, 27, 33, 15],
                [20, 9, 35, 1],
            ]
        ),
        greeks=GreeksTable(
            delta_usd_micro=np.array([100, 100, 1010, 500, -400, 520, 550, 30, 160]),
            gamma_usd_micro=zeros,
            vega_usd_micro=np.array([0, 0, 0, 60, 55, 80, 100, 0, 30]),
            theta_usd_micro=zeros,
            index_notional_micro=np.array([100, 100, 1000, 1000, 1000, 1000, 1000, 30, 300]),
        ),
    )  # fmt: skip


def book_of(*accounts: dict[int, int]) -> Book:
    """One {instrument row: lots} per account, on the nine instruments of the fixture."""
    rows = [row for account in accounts for row in sorted(account)]
    return make_book(
        account_starts=np.cumsum([0, *map(len, accounts)]),
        instrument_rows=np.array(rows, dtype=np.int64),
        lots=np.array([a[row] for a in accounts for row in sorted(a)], dtype=np.int64),
        costs=np.zeros(len(rows), dtype=np.int64),
        n_instruments=9,
    )


def test_a_long_perpetual_pays_its_worst_weighted_loss_and_basis(
    instruments: InstrumentTable, hand_tables: RiskTables, small_grid: Grid
) -> None:
    result = margins(book_of({PERP: 10}), instruments, hand_tables, small_grid, POLICY)
    assert result.worst_loss.tolist() == [160]  # 32 % of 500, more than the 100 of -10 %
    assert result.worst_scenario.tolist() == [3]
    assert result.mm.tolist() == [165]  # + 0.5 % of Delta$ 1,000
    assert result.im.tolist() == [215]  # 214.5 rounds up
    assert result.base_value.tolist() == [1000]


def test_a_short_strangle_and_another_underlying_by_hand(
    instruments: InstrumentTable, hand_tables: RiskTables, small_grid: Grid
) -> None:
    book = book_of({CALL: -3, PUT: -1, ETH_PERP: 10})
    result = margins(book, instruments, hand_tables, small_grid, POLICY)
    # BTC loses 315 - 190 = 125 at +10 %; ETH 32 % of 150 = 48 at -50 %: they do not offset.
    assert result.worst_loss.tolist() == [125 + 48]
    assert result.worst_scenario.tolist() == [2]
    short_option_minimum = 40  # 1 % of (3 + 1) x 1,000
    vega = 12  # 5 % of 3 x 60 + 55 = 11.75, up
    basis = 7  # 0.5 % of |-3 x 500 + 400| + 10 x 30
    assert result.mm.tolist() == [173 + short_option_minimum + vega + basis]
    assert result.im.tolist() == [302]  # 232 x 1.3 = 301.6, up
    assert result.base_value.tolist() == [-150 - 40 + 300]


def test_an_account_without_positions_needs_no_margin(
    instruments: InstrumentTable, hand_tables: RiskTables, small_grid: Grid
) -> None:
    book = book_of({}, {PERP: 10}, {})
    result = margins(book, instruments, hand_tables, small_grid, POLICY)
    assert result.mm.tolist() == [0, 165, 0]
    assert result.worst_scenario.tolist() == [0, 3, 0]


def test_a_book_that_cannot_lose_names_the_base_scenario(
    instruments: InstrumentTable, hand_tables: RiskTables, small_grid: Grid
) -> None:
    hedged = book_of({PERP: 5, SPOT: -5})
    result = margins(hedged, instruments, hand_tables, small_grid, POLICY)
    assert (result.mm.tolist(), result.worst_scenario.tolist()) == ([0], [small_grid.base])


def short_minimum_only() -> MarginPolicy:
    return replace(
        POLICY,
        mm_factor_ppm=0,
        short_option_min_ppm=1_000_000,
        vega_contingency_ppm=0,
        basis_contingency_ppm=0,
    )


def test_short_options_are_netted_within_an_expiry_and_right_only(
    instruments: InstrumentTable, hand_tables: RiskTables, small_grid: Grid
) -> None:
    two_calls = replace(instruments, is_call=np.isin(np.arange(9), [3, 4, 5, 6, 8]))
    book = book_of({CALL: -3, PUT: 2}, {CALL: -3, BETWEEN: 3}, {CALL: 2})
    policy = short_minimum_only()
    same_right = margins(book, two_calls, hand_tables, small_grid, policy)
    assert same_right.mm.tolist() == [1000, 3000, 0]
    other_right = margins(book, instruments, hand_tables, small_grid, policy)
    assert other_right.mm.tolist() == [3000, 3000, 0]


def test_the_margin_of_one_lot_is_the_worse_of_long_and_short(
    instruments: InstrumentTable, hand_tables: RiskTables, small_grid: Grid
) -> None:
    alone = standalone_mm(
        instruments=instruments, tables=hand_tables, grid=small_grid, policy=POLICY
    )
    # Call: long loses max(30, 32 % of 49 = 16) = 30, short 50 + 1 % of 1,000; both 3 + 3.
    assert alone[CALL] == 50 + 10 + 3 + 3
    # Put: short loses max(40, 32 % of 260 = 83.2 up) = 84, + 10 + 5 % of 55 up + 0.5 % of 400.
    assert alone[PUT] == 84 + 10 + 3 + 2
    assert alone[PERP] == 16 + 1
    assert alone.dtype == np.int64


def test_blocks_of_accounts_change_nothing(
    instruments: InstrumentTable, tables: RiskTables, grid: Grid
) -> None:
    rng = np.random.default_rng(3)
    accounts = [
        {int(row): int(rng.integers(-9, 9)) for row in rng.choice(9, rng.integers(0, 6), False)}
        for _ in range(50)
    ]
    whole = margins(book_of(*accounts), instruments, tables, grid, POLICY)
    order = rng.permutation(50)
    mixed = margins(book_of(*(accounts[i] for i in order)), instruments, tables, grid, POLICY)
    singles = [margins(book_of(a), instruments, tables, grid, POLICY) for a in accounts]
    for name in ("mm", "im", "worst_loss", "worst_scenario", "base_value"):
        column = getattr(whole, name)
        assert column[order].tolist() == getattr(mixed, name).tolist()
        assert column.tolist() == [int(getattr(single, name)[0]) for single in singles]


def test_a_margin_beyond_int64_is_refused(
    instruments: InstrumentTable, hand_tables: RiskTables, small_grid: Grid
) -> None:
    huge = replace(POLICY, mm_factor_ppm=2**41)
    with pytest.raises(KernelInputError):
        margins(book_of({PERP: 2**45}), instruments, hand_tables, small_grid, huge)


@given(scale=st.integers(1, 50), lots=st.lists(st.integers(-20, 20), min_size=9, max_size=9))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_multiplied_book_needs_at_most_the_multiplied_margin(
    instruments: InstrumentTable, hand_tables: RiskTables, small_grid: Grid,
    scale: int, lots: list[int],
) -> None:  # fmt: skip
    small = {row: n for row, n in enumerate(lots) if n}
    large = {row: n * scale for row, n in small.items()}
    result = margins(book_of(small, large), instruments, hand_tables, small_grid, POLICY)
    assert result.mm[0] <= result.mm[1] <= scale * result.mm[0]  # rounding up is subadditive
    assert result.im[0] >= result.mm[0] >= result.worst_loss[0] >= 0


@given(lots=st.lists(st.integers(-20, 20), min_size=9, max_size=9))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_margin_of_a_book_is_the_formula_in_unbounded_integers(
    instruments: InstrumentTable, hand_tables: RiskTables, small_grid: Grid, lots: list[int]
) -> None:
    result = margins(
        book_of({row: n for row, n in enumerate(lots) if n}),
        instruments, hand_tables, small_grid, POLICY,
    )  # fmt: skip
    assert int(result.mm[0]) == margin_in_python(lots, hand_tables)


def margin_in_python(lots: list[int], tables: RiskTables) -> int:
    """The rule again, position by position, with Python's integers."""
    values, greeks = tables.values.tolist(), tables.greeks
    loss = 0
    for rows in (range(7), range(7, 9)):
        pnl = [sum(lots[i] * (values[i][s] - values[i][0]) for i in rows) for s in range(4)]
        loss += max(0, -pnl[1], -pnl[2], -(pnl[3] * 320_000 // 1_000_000))
    expiries = ([0, 1], [2, 3, 4], [5], [6], [7], [8])
    delta = greeks.delta_usd_micro.tolist()
    basis = sum(abs(sum(lots[i] * delta[i] for i in rows)) for rows in expiries)
    notional = greeks.index_notional_micro.tolist()
    short = sum(max(0, -lots[i]) * notional[i] for i in (3, 4, 5, 6, 8))
    vega = sum(abs(n) * g for n, g in zip(lots, greeks.vega_usd_micro.tolist(), strict=True))
    return loss - (-short * 10_000 // 10**6) - (-vega * 50_000 // 10**6) - (-basis * 5_000 // 10**6)
