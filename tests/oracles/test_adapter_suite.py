"""What every oracle source must do, whatever stands behind it.

A new source joins by adding one line to INDEX_ADAPTERS or SURFACE_ADAPTERS: a function that makes
it over a world which is healthy, out of reach, or observed `old_ms` ago.
"""

from dataclasses import fields

import pytest

from oracles.chainlink import DECIMALS, LATEST_ROUND_DATA, ChainlinkFeed, ChainlinkSource
from oracles.errors import OracleUnavailable, QuoteRejected
from oracles.fixed import Faults, FixedSource
from oracles.surface import check_surface

DOWN = Faults(unavailable_ppm=1_000_000)


def fixed(worlds, *, reachable=True, old_ms=0):
    late = Faults(stale_ppm=1_000_000, stale_ms=old_ms)
    return FixedSource(worlds.market(), faults=late if reachable else DOWN)


def chainlink(worlds, *, reachable=True, old_ms=0):
    at_s = (worlds.now_ms - old_ms) // 1_000
    price = worlds.round_data(answer=95_000 * 10**8, started_at_s=at_s, updated_at_s=at_s)
    answers = {("0xf", LATEST_ROUND_DATA): price, ("0xf", DECIMALS): (8).to_bytes(32, "big")}
    return ChainlinkSource(
        name="chainlink",
        feeds={"BTC": ChainlinkFeed(address="0xf", heartbeat_s=3_600, half_width_ppm=1_000)},
        eth_call=worlds.chain(answers=answers if reachable else {}),
        now_ms=lambda: worlds.now_ms,
    )


INDEX_ADAPTERS = [fixed, chainlink]
SURFACE_ADAPTERS = [fixed]
index_adapters = pytest.mark.parametrize("make", INDEX_ADAPTERS)
surface_adapters = pytest.mark.parametrize("make", SURFACE_ADAPTERS)


@index_adapters
async def test_an_index_nobody_quotes_is_refused_by_name(worlds, make):
    with pytest.raises(QuoteRejected, match="DOGE"):
        await make(worlds).index("DOGE")


@surface_adapters
async def test_a_surface_nobody_quotes_is_refused_by_name(worlds, make):
    with pytest.raises(QuoteRejected, match="DOGE"):
        await make(worlds).surface("DOGE")


@index_adapters
async def test_an_index_out_of_reach_is_transient(worlds, make):
    with pytest.raises(OracleUnavailable) as caught:
        await make(worlds, reachable=False).index("BTC")
    assert caught.value.transient


@surface_adapters
async def test_a_surface_out_of_reach_is_transient(worlds, make):
    with pytest.raises(OracleUnavailable) as caught:
        await make(worlds, reachable=False).surface("BTC")
    assert caught.value.transient


@index_adapters
async def test_an_old_index_never_passes_for_a_new_one(worlds, make):
    quote = await make(worlds, old_ms=45_000).index("BTC")
    assert quote.observed_ms == worlds.now_ms - 45_000


@surface_adapters
async def test_an_old_surface_never_passes_for_a_new_one(worlds, make):
    surface = await make(worlds, old_ms=45_000).surface("BTC")
    assert {piece.observed_ms for piece in surface.slices} == {worlds.now_ms - 45_000}


@index_adapters
async def test_an_index_is_for_what_was_asked_and_names_its_source(worlds, make):
    quote = await make(worlds).index("BTC")
    assert (quote.underlying, quote.index_micro) == ("BTC", 95_000_000_000)
    assert quote.half_width_micro == 95_000_000
    assert quote.source == make.__name__


@surface_adapters
async def test_a_surface_is_for_what_was_asked_and_free_of_arbitrage(worlds, make):
    surface = await make(worlds).surface("BTC")
    assert check_surface(surface).underlying == "BTC"
    assert {piece.source for piece in surface.slices} == {make.__name__}


@index_adapters
async def test_the_same_world_gives_the_same_index(worlds, make):
    source = make(worlds)
    assert await source.index("BTC") == await source.index("BTC")


@index_adapters
async def test_no_float_leaves_a_source(worlds, make):
    quote = await make(worlds).index("BTC")
    numbers = [getattr(quote, f.name) for f in fields(quote) if f.name.endswith(("_micro", "_ms"))]
    assert len(numbers) == 3
    assert {type(number) for number in numbers} == {int}
