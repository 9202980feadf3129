"""Chainlink: every rule refuses at its boundary, bytes decode exactly, cents are not lost."""

import json
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.chainlink import (
    DECIMALS,
    LATEST_ROUND_DATA,
    ChainlinkFeed,
    ChainlinkSource,
    decode_decimals,
    decode_round_data,
    to_index_micro_half_even,
)
from oracles.errors import OracleUnavailable, QuoteRejected

NOW_S = 1_768_566_700
FEED = ChainlinkFeed(address="0xfeed", heartbeat_s=3_600, half_width_ppm=5_000)
L2_FEED = ChainlinkFeed(
    address="0xfeed", heartbeat_s=3_600, half_width_ppm=5_000, sequencer="0xuptime"
)
UP_SINCE_S = NOW_S - 3_601


@pytest.fixture
def btc(worlds):
    """A source on layer 2 whose chain answers honestly but for what the test changes."""

    def build(*, feed=L2_FEED, price=None, uptime=None, decimals=8, now_ms=NOW_S * 1_000, **pin):
        honest = {
            "answer": 9_568_812_345_678,
            "started_at_s": NOW_S - 20,
            "updated_at_s": NOW_S - 9,
        }
        up = {"answer": 0, "started_at_s": UP_SINCE_S, "updated_at_s": UP_SINCE_S}
        chain = worlds.chain(
            answers={
                ("0xfeed", LATEST_ROUND_DATA): worlds.round_data(**{**honest, **(price or {})}),
                ("0xfeed", DECIMALS): decimals.to_bytes(32, "big"),
                ("0xuptime", LATEST_ROUND_DATA): worlds.round_data(**{**up, **(uptime or {})}),
            }
        )
        return ChainlinkSource(
            name="chainlink", feeds={"BTC": feed}, eth_call=chain, now_ms=lambda: now_ms, **pin
        )

    return build


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        ({"answer": 0}, "answer 0 is not positive"),
        ({"answer": -1}, "answer -1 is not positive"),
        ({"updated_at_s": 0}, "not finished"),
        ({"updated_at_s": NOW_S + 1}, "1000 ms in the future"),
        ({"updated_at_s": NOW_S - 3_661}, "stale, 3661000 ms old"),
        ({"answer": 2**255 - 1}, "index_micro"),
    ],
)
async def test_a_bad_round_is_refused(btc, price, reason):
    with pytest.raises(QuoteRejected, match=f"^chainlink: .*BTC.*{reason}"):
        await btc(price=price).index("BTC")


async def test_a_round_one_millisecond_past_its_time_is_refused(btc):
    price = {"updated_at_s": NOW_S - 3_660}
    assert (await btc(price=price).index("BTC")).observed_ms == (NOW_S - 3_660) * 1_000
    with pytest.raises(QuoteRejected, match="stale"):
        await btc(price=price, now_ms=NOW_S * 1_000 + 1).index("BTC")


@pytest.mark.parametrize(
    ("uptime", "reason"),
    [
        ({"answer": 1}, r"down \(answer 1\)"),
        ({"answer": 2}, r"down \(answer 2\)"),
        ({"started_at_s": 0}, "not initialised"),
        ({"started_at_s": NOW_S - 3_600}, "restarted"),
        ({"started_at_s": NOW_S + 1}, "restarted"),
    ],
)
async def test_a_sequencer_that_is_down_or_fresh_is_refused(btc, uptime, reason):
    with pytest.raises(QuoteRejected, match=reason):
        await btc(uptime=uptime).index("BTC")


async def test_an_answer_that_rounds_to_nothing_is_refused(btc):
    with pytest.raises(QuoteRejected, match="index_micro = 0"):
        await btc(price={"answer": 1}).index("BTC")


async def test_too_many_decimals_are_refused(btc):
    with pytest.raises(QuoteRejected, match="37 decimals"):
        await btc(decimals=37).index("BTC")


@pytest.mark.parametrize("returned", [b"", b"\0" * 159, b"\0" * 161, b"\0" * 32])
def test_bytes_of_another_length_are_refused(returned):
    with pytest.raises(QuoteRejected, match=f"BTC: {len(returned)} bytes returned, 160 expected"):
        decode_round_data(returned, where="BTC")


def test_a_round_id_wider_than_80_bits_is_refused(worlds):
    returned = worlds.round_data(answer=1, started_at_s=1, updated_at_s=1, round_id=2**80)
    with pytest.raises(QuoteRejected, match="80 bits"):
        decode_round_data(returned, where="BTC")


async def test_a_chain_that_does_not_answer_is_asked_again(worlds):
    source = ChainlinkSource(
        name="chainlink", feeds={"BTC": FEED}, eth_call=worlds.chain(answers={}), now_ms=lambda: 1
    )
    with pytest.raises(OracleUnavailable):
        await source.index("BTC")


async def test_a_good_round_becomes_micro_dollars(btc):
    quote = await btc().index("BTC")
    assert (quote.index_micro, quote.half_width_micro) == (95_688_123_457, 478_440_618)
    assert (quote.observed_ms, quote.source) == ((NOW_S - 9) * 1_000, "chainlink")


async def test_a_layer_1_feed_asks_no_sequencer(btc):
    source = btc(feed=FEED)
    await source.index("BTC")
    assert [to for to, _, _ in source.eth_call.asked] == ["0xfeed", "0xfeed"]


async def test_every_call_is_made_at_the_pinned_block(btc):
    source = btc(block_hash="0xabc")
    await source.index("BTC")
    assert [block for _, _, block in source.eth_call.asked] == ["0xabc"] * 3


async def test_the_recorded_payload_decodes_to_what_it_says(oracle_data, worlds):
    recorded = json.loads((oracle_data / "payloads/chainlink/latest_round_data.json").read_text())
    returned = bytes.fromhex(recorded["response"]["result"].removeprefix("0x"))
    decoded = decode_round_data(returned, where="BTC")
    expected = recorded["decoded"]
    assert decoded.round_id == int(expected["roundId"])
    assert decoded.answer == expected["answer"]
    assert decoded.started_at_s == expected["startedAt"]
    assert decoded.updated_at_s == expected["updatedAt"]
    assert f"0x{LATEST_ROUND_DATA.hex()}" == recorded["request"]["params"][0]["data"]


async def test_the_recorded_dead_sequencer_is_refused(oracle_data, worlds):
    recorded = json.loads((oracle_data / "payloads/chainlink/latest_round_data.json").read_text())
    down = bytes.fromhex(recorded["sequencer_down"]["result"].removeprefix("0x"))
    source = ChainlinkSource(
        name="chainlink",
        feeds={"BTC": L2_FEED},
        eth_call=worlds.chain(answers={("0xuptime", LATEST_ROUND_DATA): down}),
        now_ms=lambda: NOW_S * 1_000,
    )
    with pytest.raises(QuoteRejected, match="down"):
        await source.index("BTC")


@given(
    answer=st.integers(min_value=-(2**255), max_value=2**255 - 1),
    times=st.tuples(*[st.integers(min_value=0, max_value=2**256 - 1)] * 2),
    round_id=st.integers(min_value=0, max_value=2**80 - 1),
)
def test_any_round_survives_its_bytes(worlds, answer, times, round_id):
    returned = worlds.round_data(
        answer=answer, started_at_s=times[0], updated_at_s=times[1], round_id=round_id
    )
    decoded = decode_round_data(returned, where="BTC")
    assert (decoded.round_id, decoded.answer) == (round_id, answer)
    assert (decoded.started_at_s, decoded.updated_at_s) == times


@given(decimals=st.integers(min_value=0, max_value=36))
def test_any_sensible_decimals_survive_their_bytes(decimals):
    assert decode_decimals(decimals.to_bytes(32, "big"), where="BTC") == decimals


@pytest.mark.parametrize(
    ("answer", "decimals", "index_micro"),
    [(150, 8, 2), (250, 8, 2), (251, 8, 3), (5, 0, 5_000_000), (7, 6, 7), (35, 7, 4), (45, 7, 4)],
)
def test_a_tie_goes_to_the_even_micro(answer, decimals, index_micro):
    assert to_index_micro_half_even(answer, decimals=decimals) == index_micro


@given(
    answer=st.integers(min_value=0, max_value=10**24),
    decimals=st.integers(min_value=0, max_value=36),
)
def test_rounding_agrees_with_decimal(answer, decimals):
    exact = Decimal(answer).scaleb(6 - decimals)
    expected = int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))
    assert to_index_micro_half_even(answer, decimals=decimals) == expected
