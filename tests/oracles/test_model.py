"""Quotes are valid by construction and say what is wrong and where."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.errors import QuoteRejected
from oracles.model import EXACT_MAX, SVI_ONE, MarketView, SurfaceQuote, combine


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("index_micro", 0),
        ("index_micro", -1),
        ("index_micro", EXACT_MAX + 1),
        ("index_micro", 95.0e9),
        ("index_micro", math.nan),
        ("index_micro", True),
        ("index_micro", "95"),
        ("half_width_micro", -1),
        ("half_width_micro", 95_000_000_000),
        ("observed_ms", 0),
        ("underlying", ""),
        ("underlying", " BTC"),
        ("source", ""),
    ],
)
def test_an_impossible_index_is_refused_by_name(worlds, field, value):
    with pytest.raises(QuoteRejected, match=field):
        worlds.index(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("forward_micro", 0),
        ("forward_micro", None),
        ("a", EXACT_MAX + 1),
        ("a", 0.04),
        ("b", -1),
        ("rho", SVI_ONE),
        ("rho", -SVI_ONE),
        ("m", -EXACT_MAX - 1),
        ("sigma", 0),
        ("vol_half_width_ppm", 1_000_000),
        ("vol_half_width_ppm", -1),
        ("observed_ms", 0),
    ],
)
def test_an_impossible_slice_is_refused_by_name(worlds, field, value):
    with pytest.raises(QuoteRejected, match=f"fixed: BTC.*{field} = "):
        worlds.slice(**{field: value})


def test_a_slice_that_had_expired_when_observed_is_refused(worlds):
    with pytest.raises(QuoteRejected, match="expiry_ms"):
        worlds.slice(expiry_ms=worlds.now_ms)


def test_least_variance_below_zero_by_one_unit_is_refused(worlds):
    # rho = 0.6 makes sqrt(1 - rho^2) exactly 0.8, so the boundary is an integer.
    edge = {"b": 100_000_000_000, "rho": 600_000_000_000, "sigma": 500_000_000_000}
    assert worlds.slice(a=-40_000_000_000, **edge).a == -40_000_000_000
    with pytest.raises(QuoteRejected, match="variance"):
        worlds.slice(a=-40_000_000_001, **edge)


def test_a_surface_needs_an_expiry():
    with pytest.raises(QuoteRejected, match="no expiry"):
        SurfaceQuote(underlying="BTC", slices=())


def test_a_surface_refuses_the_same_expiry_twice(worlds):
    with pytest.raises(QuoteRejected, match="twice"):
        worlds.surface(worlds.slice(), worlds.slice(a=1))


def test_a_surface_refuses_expiries_out_of_order(worlds):
    later = worlds.slice(expiry_ms=worlds.now_ms + 8 * worlds.day_ms)
    with pytest.raises(QuoteRejected, match="sort them"):
        worlds.surface(later, worlds.slice())


def test_a_surface_refuses_another_underlyings_slice(worlds):
    with pytest.raises(QuoteRejected, match="another underlying"):
        worlds.surface(worlds.slice(), worlds.slice(underlying="ETH"))


def test_a_market_needs_an_index():
    with pytest.raises(QuoteRejected, match="no index"):
        combine([], [])


def test_a_market_refuses_an_underlying_twice(worlds):
    with pytest.raises(QuoteRejected, match="BTC stands twice"):
        combine([worlds.index(), worlds.index(index_micro=95_000_000_001)], [])


def test_a_market_refuses_a_surface_without_an_index(worlds):
    eth = worlds.surface(worlds.slice(underlying="ETH"))
    with pytest.raises(QuoteRejected, match="without an index"):
        combine([worlds.index()], [eth])


def test_a_market_refuses_rows_out_of_order(worlds):
    rows = (worlds.index(underlying="ETH"), worlds.index())
    with pytest.raises(QuoteRejected, match="sort them"):
        MarketView(indices=rows, slices=())


def test_a_market_refuses_an_expiry_its_own_time_has_passed(worlds):
    late = worlds.index(observed_ms=worlds.now_ms + 7 * worlds.day_ms)
    with pytest.raises(QuoteRejected, match="expired"):
        MarketView(indices=(late,), slices=(worlds.slice(),))


def test_combining_leaves_out_what_has_settled(worlds):
    late = worlds.index(observed_ms=worlds.now_ms + 7 * worlds.day_ms)
    assert combine([late], [worlds.surface(worlds.slice())]).slices == ()


def test_asking_a_market_for_what_it_lacks_is_refused(worlds):
    market = worlds.market()
    with pytest.raises(QuoteRejected, match="DOGE; it holds BTC, ETH"):
        market.index_of("DOGE")
    with pytest.raises(QuoteRejected, match="no expiry"):
        market.surface_of("ETH")


def test_as_of_is_the_newest_observation(worlds):
    newer = worlds.slice(observed_ms=worlds.now_ms + 5)
    assert combine([worlds.index()], [worlds.surface(newer)]).as_of_ms == worlds.now_ms + 5


@given(order=st.permutations(("AVAX", "BTC", "ETH", "SOL")))
def test_the_order_of_quotes_does_not_matter(worlds, order):
    indices = [worlds.index(underlying=name) for name in order]
    surfaces = [worlds.surface(worlds.slice(underlying=name)) for name in reversed(order)]
    market = combine(indices, surfaces)
    assert [quote.underlying for quote in market.indices] == ["AVAX", "BTC", "ETH", "SOL"]
    assert [piece.underlying for piece in market.slices] == ["AVAX", "BTC", "ETH", "SOL"]
    assert market == combine(reversed(indices), reversed(surfaces))
