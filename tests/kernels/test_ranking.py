"""The one ranking: scores by hand, and a total order against np.lexsort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from kernels.book import make_book
from kernels.errors import KernelInputError
from kernels.grid import Grid
from kernels.instruments import InstrumentTable
from kernels.margin import RiskTables
from kernels.ranking import (
    RiskWeights,
    order,
    risk_terms,
    scenario_scores,
    score40,
    scores,
)

WEIGHTS = RiskWeights(
    phi_ppm=100_000, delta_ppm=1_000_000, curvature_ppm=2_000_000, vega_ppm=500_000
)


def test_a_score_by_hand() -> None:
    result = scores(
        u=[300], c=[600], e=[1000], d=[[-100, 50]], curv=[[20, 0]], v=[[8, -4]], weights=WEIGHTS
    )
    assert result.profit.tolist() == [0.5]
    assert result.leverage.tolist() == [(150 + 2 * 20 + 0.5 * 12) / 1000]
    assert result.score.tolist() == [0.5 * 0.196]


def test_principal_below_phi_of_equity_is_lifted_to_it() -> None:
    result = scores(u=[950], c=[50], e=[1000], d=[10], curv=[0], v=[0], weights=WEIGHTS)
    assert result.profit.tolist() == [9.5]  # 950 / (10 % of 1,000)


def test_who_has_no_profit_or_no_equity_is_not_ranked() -> None:
    result = scores(
        u=[0, -5, 10, 10, 10], c=[10] * 5, e=[10, 5, 0, -1, 20],
        d=[1] * 5, curv=[1] * 5, v=[1] * 5, weights=WEIGHTS,
    )  # fmt: skip
    assert result.is_ranked.tolist() == [False, False, False, False, True]
    assert order(score40(result.score), result.is_ranked).tolist() == [4]


def test_a_hedged_book_without_risk_ranks_last() -> None:
    result = scores(
        u=[10, 10], c=[10, 10], e=[20, 20], d=[0, 1], curv=[0, 0], v=[0, 0], weights=WEIGHTS
    )
    assert order(score40(result.score), result.is_ranked).tolist() == [1, 0]


def test_the_scenario_variant_takes_the_worst_loss() -> None:
    result = scenario_scores(u=[300], c=[600], e=[1000], worst_loss=[250], phi_ppm=100_000)
    assert (result.leverage.tolist(), result.score.tolist()) == ([0.25], [0.125])


@pytest.mark.parametrize(
    ("change", "field"),
    [({"d": [1, 2]}, "d"), ({"v": [1.5]}, "v"), ({"e": [0.5]}, "e"), ({"u": [0.5]}, "u")],
)
def test_inputs_of_another_length_or_type_are_refused(change: dict[str, list], field: str) -> None:
    good = {"u": [1], "c": [1], "e": [1], "d": [1], "curv": [1], "v": [1]}
    with pytest.raises(KernelInputError) as refusal:
        scores(**(good | change), weights=WEIGHTS)
    assert refusal.value.field == field


def test_phi_must_be_positive() -> None:
    with pytest.raises(KernelInputError, match="phi_ppm"):
        scenario_scores(u=[1], c=[1], e=[1], worst_loss=[1], phi_ppm=0)


def test_risk_terms_by_hand(instruments: InstrumentTable, tables: RiskTables, grid: Grid) -> None:
    call, eth_perp = 3, 7
    book = make_book(
        account_starts=[0, 2],
        instrument_rows=[call, eth_perp],
        lots=[-4, 5],
        costs=[0, 0],
        n_instruments=9,
    )
    terms = risk_terms(
        book, instruments, tables, grid, spot_shock_ppm=180_000, vol_shock_ppm=500_000
    )
    delta = -4 * int(tables.greeks.delta_usd_micro[call])
    d = -(-delta * 180_000 // 1_000_000)
    up, down, base = (
        -4 * int(tables.values[call, grid.row_of_spot(shock)]) for shock in (180_000, -180_000, 0)
    )
    assert terms.pieces.groups.tolist() == [0, 1]
    assert terms.d.tolist() == [d, 5 * 30_000_000 * 18 // 100]
    assert terms.curv.tolist() == [max(0, -(up - base - d), -(down - base + d)), 0]
    assert terms.curv[0] > 0
    assert terms.v.tolist() == [-4 * (int(tables.greeks.vega_usd_micro[call]) // 2), 0]


def test_long_and_short_of_one_position_have_one_size_of_d_and_v(
    instruments: InstrumentTable, tables: RiskTables, grid: Grid
) -> None:
    book = make_book(
        account_starts=[0, 1, 2], instrument_rows=[3, 3], lots=[7, -7], costs=[0, 0],
        n_instruments=9,
    )  # fmt: skip
    terms = risk_terms(
        book, instruments, tables, grid, spot_shock_ppm=180_000, vol_shock_ppm=500_000
    )
    assert terms.d[0] == -terms.d[1]
    assert terms.v[0] == -terms.v[1]
    assert terms.curv[0] < terms.curv[1]  # the long side owns the convexity


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, -np.inf])
def test_a_score_that_is_negative_or_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(KernelInputError, match=r"score\[1\]"):
        score40(np.array([1.0, bad]))


@given(st.floats(0.0, 1e300), st.floats(0.0, 1e300))
def test_forty_bits_keep_the_order_of_scores(a: float, b: float) -> None:
    low, high = score40(np.array(sorted((a, b))))
    assert low <= high < 2**40
    if max(a, b) > min(a, b) * (1 + 2.0**-28) and max(a, b) > 1e-290:
        assert low < high


def test_minus_zero_scores_as_zero() -> None:
    assert score40(np.array([-0.0, 0.0])).tolist() == [0, 0]


@given(
    npst.arrays(np.uint64, st.integers(0, 60), elements=st.sampled_from([0, 1, 5, 2**40 - 1])),
    st.integers(0, 2**32),
)
def test_the_packed_order_is_lexsort_by_score_down_then_row_up(keys: np.ndarray, seed: int) -> None:
    is_ranked = np.random.default_rng(seed).random(keys.size) < 0.7
    rows = np.arange(keys.size)
    oracle = np.lexsort((rows, -keys.astype(np.int64)))
    assert order(keys).tolist() == oracle.tolist()
    assert order(keys, is_ranked).tolist() == [row for row in oracle if is_ranked[row]]


def test_many_scores_are_ordered_as_by_lexsort() -> None:
    keys = score40(np.random.default_rng(1).random(50_000).round(3))
    assert (order(keys) == np.lexsort((np.arange(keys.size), -keys.astype(np.int64)))).all()


def test_a_score_beyond_forty_bits_is_refused() -> None:
    with pytest.raises(KernelInputError, match=r"score40s\[1\]"):
        order(np.array([0, 2**40], dtype=np.uint64))


def test_a_list_longer_than_the_row_field_is_refused() -> None:
    with pytest.raises(KernelInputError, match="2\\^24"):
        order(np.broadcast_to(np.uint64(0), 2**24 + 1))
