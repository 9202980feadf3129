from collections import Counter
from pathlib import Path

import pytest

from chains.model import InstrumentKind, Right
from coordinator.demo.market import (
    CALM,
    CRASH,
    CRASH_S,
    OPENED_S,
    UNDERLYINGS,
    Move,
    listing,
    market_after,
)
from oracles.document import dump_market, load_market
from oracles.errors import QuoteRejected


def test_every_underlying_has_a_perpetual_and_three_expiries_of_nine_strikes() -> None:
    options = [one for one in listing() if one.kind is InstrumentKind.OPTION]
    for name in UNDERLYINGS:
        mine = [one for one in options if one.underlying == name]
        assert len({one.expiry_s for one in mine}) == 3
        by_expiry = Counter((one.expiry_s, one.right) for one in mine)
        assert set(by_expiry.values()) == {9}
        assert {right for _, right in by_expiry} == set(Right)
    perpetuals = [one for one in listing() if one.kind is InstrumentKind.PERPETUAL]
    assert [one.underlying for one in perpetuals] == list(UNDERLYINGS)


def test_instruments_are_numbered_in_the_order_of_the_listing() -> None:
    assert [one.instrument for one in listing()] == list(range(110))


def test_options_expire_well_after_the_crash() -> None:
    assert all(one.expiry_s > CRASH_S + 86_400 for one in listing() if one.expiry_s)


def test_the_crash_moves_index_and_volatility_as_named() -> None:
    calm = market_after(CALM, observed_s=OPENED_S)
    crash = market_after(CRASH, observed_s=CRASH_S)
    for name in UNDERLYINGS:
        before, after = calm.index_of(name), crash.index_of(name)
        assert after.index_micro == before.index_micro * CRASH[name].index_ppm // 1_000_000
    assert [q.index_micro for q in crash.indices] == [62_093_141_500, 1_266_648_300]
    assert crash.as_of_ms == CRASH_S * 1_000
    for calm_slice, slice_ in zip(calm.slices, crash.slices, strict=True):
        assert slice_.rho == calm_slice.rho
        assert slice_.b == calm_slice.b * 16 // 10
        assert slice_.sigma == calm_slice.sigma * 16 // 10


def test_a_move_that_makes_arbitrage_is_refused() -> None:
    wild = {name: Move(index_ppm=500_000, vol_ppm=6_000_000) for name in UNDERLYINGS}
    with pytest.raises(QuoteRejected, match="arbitrage"):
        market_after(wild, observed_s=CRASH_S)


def test_both_markets_survive_their_document(tmp_path: Path) -> None:
    for moves, observed_s in ((CALM, OPENED_S), (CRASH, CRASH_S)):
        market = market_after(moves, observed_s=observed_s)
        dump_market(market, tmp_path / "market.json")
        assert load_market(tmp_path / "market.json") == market
