"""What the demo found, as plain values: all that its story and its report know."""

from dataclasses import dataclass

from coordinator.demo.recheck import Check

__all__ = [
    "DemoResult",
    "IndexMove",
    "PlanStory",
    "RankLine",
    "StageLine",
    "TransactionLine",
    "Transfer",
    "UncoveredLine",
    "VenueLine",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueLine:
    """One venue after the crash, and at the end."""

    chain_id: int
    venue: str
    url: str
    accounts: int
    positions: int
    bankrupt_before: int
    bankrupt_after: int
    deficit_before_micro: int
    deficit_after_micro: int
    insurance_before_micro: int
    insurance_after_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexMove:
    """One underlying before and after; volatility after in ppm of before."""

    underlying: str
    before_micro: int
    after_micro: int
    vol_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLine:
    """One waterfall stage of a plan on one venue."""

    chain_id: int
    stage: str
    capacity_micro: int
    used_micro: int
    left_micro: int
    stopped_because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money of winners on one chain for an account on another: planned, and decided."""

    from_chain: int
    to_chain: int
    to_account: int
    payers: int
    planned_micro: int
    settled_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStory:
    """One plan. ``legs``: (chain id, kind, count); ``unfinished``: steps that did not take effect
    and why; ``haircut_micro`` with its part for other chains, ``remote_micro``."""

    epoch: int
    digest: str
    fingerprint: str
    signers: tuple[int, ...]
    verifiers: int
    threshold: int
    regime: str
    treated: int
    legs: tuple[tuple[int, str, int], ...]
    stages: tuple[StageLine, ...]
    transfers: tuple[Transfer, ...]
    haircut_micro: int
    remote_micro: int
    uncovered_micro: int
    last_resort: int
    mined_ms: int
    final_ms: int
    settled_ms: int
    unfinished: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankLine:
    """One row of the unified ranking of the first round, with the parts of its score."""

    place: int
    chain_id: int
    account: int
    persona: str
    score: float
    profit: float
    delta: float
    curvature: float
    vega: float
    paid_micro: int
    payable_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionLine:
    """One transaction of the coordinator that stands in a final block."""

    chain_id: int
    hash: str
    gas_used: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UncoveredLine:
    """A deficit that the last plan leaves, and why."""

    chain_id: int
    account: int
    amount_micro: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """``uncovered`` is what the last plan declares; ``solvent`` means nothing beyond it.

    ``ranked``: length of the queue of which ``ranking`` is the front.
    """

    seed: int
    owners: int
    groups: int
    instruments: int
    policy_digest: str
    market: tuple[IndexMove, ...]
    venues: tuple[VenueLine, ...]
    plans: tuple[PlanStory, ...]
    ranked: int
    ranking: tuple[RankLine, ...]
    transactions: tuple[TransactionLine, ...]
    timings_ms: tuple[tuple[str, int], ...]
    checks: tuple[Check, ...]
    cross_chain_paid_micro: int
    haircut_micro: int
    uncovered: tuple[UncoveredLine, ...]
    solvent: bool

    @property
    def uncovered_micro(self) -> int:
        """What stays below zero, as declared."""
        return sum(line.amount_micro for line in self.uncovered)

    @property
    def is_good(self) -> bool:
        """Solvent as declared, and every check holds."""
        return self.solvent and all(check.ok for check in self.checks)
