"""Chainlink AggregatorV3 through an injected eth_call: chain state, not a signed message.

Shapes: latestRoundData() -> (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt,
uint80 answeredInRound), decimals() -> uint8. answeredInRound is deprecated and not judged. The
feed writes when the price moves by its deviation or when its heartbeat passes, so a quote is
stale only after heartbeat + 60 s for landing. On a layer 2 the sequencer uptime feed has the same
shape: answer 0 is up, 1 is down, startedAt the last change.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from oracles.base import ClockMs, EthCall
from oracles.errors import QuoteRejected
from oracles.model import MICRO, IndexQuote

__all__ = [
    "ChainlinkFeed",
    "ChainlinkSource",
    "RoundData",
    "check_round",
    "check_sequencer",
    "decode_decimals",
    "decode_round_data",
    "to_index_micro_half_even",
]

LATEST_ROUND_DATA = bytes.fromhex("feaf968c")
DECIMALS = bytes.fromhex("313ce567")
LANDING_S = 60
SEQUENCER_GRACE_S = 3_600
_WORD = 32
_DECIMALS_MAX = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainlinkFeed:
    """Where a feed lives and how it behaves; all of it differs per feed and chain.

    half_width_ppm: how far the true index may be from the answer, in ppm of it; the feed's
    deviation threshold is the honest value. sequencer: uptime feed, None on a layer 1.
    """

    address: str
    heartbeat_s: int
    half_width_ppm: int
    sequencer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundData:
    """latestRoundData() as the chain tells it: times in seconds, answer in 10^-decimals."""

    round_id: int
    answer: int
    started_at_s: int
    updated_at_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainlinkSource:
    """IndexSource over the feeds of one chain, keyed by underlying.

    block_hash pins every call to one block, so that several nodes can agree on what they read;
    None reads the newest. observed_ms of a quote is the time its round was written.
    """

    name: str
    feeds: Mapping[str, ChainlinkFeed]
    eth_call: EthCall
    now_ms: ClockMs
    block_hash: str | None = None

    async def index(self, underlying: str) -> IndexQuote:
        """Index of `underlying`, in USD per unit.

        Raises OracleUnavailable from the chain, QuoteRejected for an unknown underlying, a down or
        restarting sequencer, a stale, future or non-positive answer, bytes of another shape.
        """
        where = f"{self.name}: {underlying}"
        feed = self._feed(underlying)
        if feed.sequencer is not None:
            uptime = await self._round_data(feed.sequencer, where=f"{where}: sequencer")
            check_sequencer(uptime, now_ms=self.now_ms(), where=where)
        decimals = decode_decimals(await self._call(feed.address, DECIMALS), where=where)
        latest = await self._round_data(feed.address, where=where)
        check_round(latest, feed=feed, now_ms=self.now_ms(), where=where)
        index_micro = to_index_micro_half_even(latest.answer, decimals=decimals)
        return IndexQuote(
            underlying=underlying,
            index_micro=index_micro,
            half_width_micro=_half_width_micro_up(index_micro, ppm=feed.half_width_ppm),
            observed_ms=latest.updated_at_s * 1_000,
            source=self.name,
        )

    def _feed(self, underlying: str) -> ChainlinkFeed:
        if underlying not in self.feeds:
            known = ", ".join(sorted(self.feeds)) or "none"
            raise QuoteRejected(f"{self.name}: no feed for {underlying}; feeds are set for {known}")
        return self.feeds[underlying]

    async def _round_data(self, address: str, *, where: str) -> RoundData:
        return decode_round_data(await self._call(address, LATEST_ROUND_DATA), where=where)

    async def _call(self, address: str, data: bytes) -> bytes:
        return await self.eth_call(to=address, data=data, block_hash=self.block_hash)


def check_round(latest: RoundData, *, feed: ChainlinkFeed, now_ms: int, where: str) -> None:
    """Raise QuoteRejected unless the answer is positive, finished, not ahead and not stale."""
    if latest.answer <= 0:
        raise QuoteRejected(f"{where}: answer {latest.answer} is not positive; leave it out")
    if latest.updated_at_s == 0:
        raise QuoteRejected(f"{where}: round {latest.round_id} is not finished; ask later")
    age_ms = now_ms - latest.updated_at_s * 1_000
    if age_ms < 0:
        raise QuoteRejected(f"{where}: written {-age_ms} ms in the future; check the clocks")
    if age_ms > (feed.heartbeat_s + LANDING_S) * 1_000:
        raise QuoteRejected(
            f"{where}: stale, {age_ms} ms old for a heartbeat of {feed.heartbeat_s} s; leave it out"
        )


def check_sequencer(uptime: RoundData, *, now_ms: int, where: str) -> None:
    """Raise QuoteRejected unless the sequencer is up and has been for the grace time."""
    if uptime.answer != 0:
        raise QuoteRejected(f"{where}: sequencer is down (answer {uptime.answer}); wait for it")
    if uptime.started_at_s == 0:
        raise QuoteRejected(f"{where}: sequencer uptime feed is not initialised; check its address")
    if now_ms - uptime.started_at_s * 1_000 <= SEQUENCER_GRACE_S * 1_000:
        raise QuoteRejected(
            f"{where}: sequencer restarted at {uptime.started_at_s} s, prices may lag; "
            f"wait {SEQUENCER_GRACE_S} s"
        )


def decode_round_data(returned: bytes, *, where: str) -> RoundData:
    """ABI bytes of latestRoundData() -> RoundData; QuoteRejected for any other shape."""
    round_id, answer, started_at_s, updated_at_s, _ = _words(returned, count=5, where=where)
    if round_id >> 80:
        raise QuoteRejected(f"{where}: round id is wider than 80 bits; is this a Chainlink feed?")
    return RoundData(
        round_id=round_id,
        answer=answer - ((answer >> 255) << 256),
        started_at_s=started_at_s,
        updated_at_s=updated_at_s,
    )


def decode_decimals(returned: bytes, *, where: str) -> int:
    """ABI bytes of decimals() -> int; QuoteRejected for any other shape or above 36."""
    (decimals,) = _words(returned, count=1, where=where)
    if decimals > _DECIMALS_MAX:
        raise QuoteRejected(f"{where}: {decimals} decimals, at most {_DECIMALS_MAX} make sense")
    return decimals


def to_index_micro_half_even(answer: int, *, decimals: int) -> int:
    """Feed answer x 10^-decimals USD -> micro-USD, ties to even."""
    unit: int = 10**decimals
    whole, rest = divmod(answer * MICRO, unit)
    rounds_up = 2 * rest > unit or (2 * rest == unit and whole % 2 == 1)
    return whole + int(rounds_up)


def _half_width_micro_up(index_micro: int, *, ppm: int) -> int:
    return -(-index_micro * ppm // MICRO)


def _words(returned: bytes, *, count: int, where: str) -> list[int]:
    if len(returned) != count * _WORD:
        raise QuoteRejected(
            f"{where}: {len(returned)} bytes returned, {count * _WORD} expected; check the address"
        )
    pieces = (returned[at : at + _WORD] for at in range(0, len(returned), _WORD))
    return [int.from_bytes(piece, "big") for piece in pieces]
