"""What a transaction may cost per gas: a function of the market and of urgency. Pure.

EIP-1559: a block takes a transaction whose fee cap is at least its base fee, and the miner gets
the priority fee out of what the cap leaves. A node replaces a waiting transaction only by one whose
cap AND priority fee are higher by its price bump (10 % usually).
"""

from dataclasses import dataclass
from typing import Protocol

from chains.base import FeeQuote

__all__ = ["Bid", "FeeCeiling", "FeePolicy", "Urgency", "ValueCeiling", "first_bid", "next_bid"]

_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Bid:
    """Wei per gas."""

    fee_cap_wei: int
    priority_fee_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """What waits behind a transaction: money, time to the plan's expiry (0 = no expiry), gas."""

    value_micro: int
    seconds_left: int
    backlog_gas: int


class FeeCeiling(Protocol):
    """The most wei per gas that an urgency justifies."""

    def __call__(self, urgency: Urgency) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCeiling:
    """Spends at most a share of the money at risk on the gas that waits, all of it when time is
    short: share x value / backlog, from a quarter of the share at ``window_s`` to all of it at 0.

    ``wei_per_micro``: native coin for one micro-USD. Never below ``floor_wei``.
    """

    wei_per_micro: int = 400_000_000
    share_ppm: int = 20_000
    window_s: int = 300
    floor_wei: int = 2_000_000_000

    def __call__(self, urgency: Urgency) -> int:
        """Wei per gas."""
        left = min(urgency.seconds_left, self.window_s) if urgency.seconds_left else self.window_s
        share = self.share_ppm * (4 * self.window_s - 3 * left) // (4 * self.window_s)
        budget = urgency.value_micro * self.wei_per_micro * share // _PPM
        return max(self.floor_wei, budget // max(1, urgency.backlog_gas))


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePolicy:
    """When and how far to bid. ``headroom`` = times the base fee that a first cap allows for."""

    ceiling: FeeCeiling = ValueCeiling()
    headroom: int = 2
    bump_ppm: int = 125_000
    bump_blocks: int = 3
    reserve_factor: int = 3


def first_bid(quote: FeeQuote, policy: FeePolicy, urgency: Urgency) -> Bid:
    """headroom x base + priority, at most the ceiling."""
    ceiling = policy.ceiling(urgency)
    cap = min(policy.headroom * quote.base_fee_wei + quote.priority_fee_wei, ceiling)
    return Bid(cap, min(quote.priority_fee_wei, cap))


def next_bid(last: Bid, quote: FeeQuote, policy: FeePolicy, urgency: Urgency) -> Bid | None:
    """At least ``bump_ppm`` above the last one in both fees, or None where the ceiling forbids."""
    wanted = first_bid(quote, policy, urgency)
    cap = max(wanted.fee_cap_wei, _bumped_up(last.fee_cap_wei, policy))
    priority = max(wanted.priority_fee_wei, _bumped_up(last.priority_fee_wei, policy))
    if max(cap, priority) > policy.ceiling(urgency):
        return None
    return Bid(max(cap, priority), priority)


def _bumped_up(fee_wei: int, policy: FeePolicy) -> int:
    return fee_wei + max(1, -(-fee_wei * policy.bump_ppm // _PPM))
