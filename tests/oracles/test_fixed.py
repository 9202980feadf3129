"""The shipped stand-in fails as planned, and the same way for the same seed."""

import pytest

from oracles.errors import OracleUnavailable, QuoteRejected
from oracles.fixed import Faults, FixedSource
from oracles.model import combine


@pytest.mark.parametrize(
    "plan", [{"unavailable_ppm": 1_000_001}, {"stale_ppm": -1}, {"stale_ms": -1}]
)
def test_an_impossible_fault_plan_is_refused(plan):
    with pytest.raises(ValueError, match=next(iter(plan))):
        Faults(**plan)


async def test_a_source_that_is_always_down_says_ask_again(worlds):
    source = FixedSource(worlds.market(), faults=Faults(unavailable_ppm=1_000_000))
    with pytest.raises(OracleUnavailable, match="BTC"):
        await source.index("BTC")
    with pytest.raises(OracleUnavailable, match="BTC"):
        await source.surface("BTC")


async def test_an_underlying_without_options_has_no_surface(worlds):
    with pytest.raises(QuoteRejected, match="ETH: no expiry"):
        await FixedSource(worlds.market()).surface("ETH")


async def test_a_market_with_arbitrage_has_no_surface(worlds):
    near = worlds.slice()
    cheaper = worlds.slice(expiry_ms=near.expiry_ms + worlds.day_ms, a=near.a - 1)
    market = combine([worlds.index()], [worlds.surface(near, cheaper)])
    with pytest.raises(QuoteRejected, match="calendar"):
        await FixedSource(market).surface("BTC")


async def test_a_stale_source_keeps_the_price_and_tells_its_age(worlds):
    market = worlds.market()
    source = FixedSource(market, faults=Faults(stale_ppm=1_000_000, stale_ms=45_000))
    old = await source.index("BTC")
    assert old.index_micro == market.index_of("BTC").index_micro
    assert old.observed_ms == worlds.now_ms - 45_000
    ages = {piece.observed_ms for piece in (await source.surface("BTC")).slices}
    assert ages == {worlds.now_ms - 45_000}


async def outages(source, calls):
    down = []
    for call in range(calls):
        try:
            await source.index("BTC")
        except OracleUnavailable:
            down.append(call)
    return down


async def test_the_same_seed_fails_the_same_calls(worlds):
    faults = Faults(seed=7, unavailable_ppm=300_000)
    first = await outages(FixedSource(worlds.market(), faults=faults), 200)
    again = await outages(FixedSource(worlds.market(), faults=faults), 200)
    assert first == again
    assert 40 <= len(first) <= 80


async def test_another_seed_fails_other_calls(worlds):
    runs = [
        await outages(
            FixedSource(worlds.market(), faults=Faults(seed=s, unavailable_ppm=300_000)), 50
        )
        for s in (1, 2)
    ]
    assert runs[0] != runs[1]


async def test_a_moved_market_is_served_from_the_next_call(worlds):
    source = FixedSource(worlds.market())
    before = (await source.index("BTC")).index_micro
    crashed = worlds.index(index_micro=70_000_000_000)
    source.move_to(combine([crashed], []))
    assert (before, (await source.index("BTC")).index_micro) == (95_000_000_000, 70_000_000_000)
