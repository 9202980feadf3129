"""What one simulated venue stores: its configuration, book, gate and Reserve.

Values inside the dictionaries are frozen and replaced, never changed, so that a copy of it all is
a few shallow ones: a reverted transaction is a copy thrown away, a reorg an older one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from chains.errors import TransactionReverted
from chains.ledger import Account, PlanMoney, Quote
from chains.legs import Edge, Header
from chains.model import CreditLine, Instrument

__all__ = [
    "BookState",
    "Contracts",
    "EdgeRecord",
    "EdgeState",
    "Env",
    "GateState",
    "LegLog",
    "Plan",
    "ReserveState",
    "Reverted",
    "Terms",
    "require",
]


class Reverted(TransactionReverted):
    """A contract refused; the message is the name of its error."""


def require(condition: object, error: str) -> None:
    """Raise Reverted with the contract's error name unless ``condition`` holds."""
    if not condition:
        raise Reverted(error)


@dataclass(frozen=True, slots=True)
class Env:
    """What a contract knows of the transaction it runs in. ``hashes``: earlier blocks by number."""

    sender: bytes
    number: int
    timestamp_s: int
    hashes: Mapping[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Everything governance sets. Addresses have 20 bytes, money is micro-USD."""

    chain_id: int
    gate: bytes
    reserve: bytes
    signers: tuple[bytes, ...]
    threshold: int
    oracles: tuple[bytes, ...]
    oracle_threshold: int
    config_version: int = 1
    policy_digest: bytes = bytes(32)
    window_s_max: int = 600
    snapshot_age_blocks_max: int = 256
    plan_cap: int = 2**62
    bucket_capacity: int = 2**62
    bucket_refill: int = 0
    account_cap_ppm: int = 1_000_000
    im_factor_ppm: int = 1_300_000
    mark_age_s_max: int = 60
    governance: bytes = b"\x01" * 20
    guardian: bytes = b"\x02" * 20
    matcher: bytes = b"\x03" * 20
    treasurer: bytes = b"\x04" * 20


@dataclass(slots=True)
class BookState:
    """Accounts, quotes and the money of the venue itself.

    ``unsettled``: what settlements of expired instruments paid before the other sides settled.
    """

    instruments: tuple[Instrument, ...] = ()
    quotes: dict[int, Quote] = field(default_factory=dict)
    funding_sequences: dict[int, int] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    owners: dict[int, bytes] = field(default_factory=dict)
    groups: dict[int, bytes] = field(default_factory=dict)
    insurance: int = 0
    tokens: int = 0
    unsettled: int = 0

    def copy(self) -> "BookState":
        """An independent book."""
        return BookState(
            self.instruments,
            dict(self.quotes),
            dict(self.funding_sequences),
            dict(self.accounts),
            dict(self.owners),
            dict(self.groups),
            self.insurance,
            self.tokens,
            self.unsettled,
        )


@dataclass(slots=True)
class Plan:
    """One committed plan. ``bits``: terminal legs by chunk; ``refunded``: accounts paid back."""

    header: Header
    money: PlanMoney = field(default_factory=PlanMoney)
    bits: dict[int, int] = field(default_factory=dict)
    legs_done: int = 0
    is_closed: bool = False
    back: int = 0
    back_left: int = 0
    refunded: set[int] = field(default_factory=set)

    def copy(self) -> "Plan":
        """An independent plan."""
        return replace(
            self, money=self.money.copy(), bits=dict(self.bits), refunded=set(self.refunded)
        )


@dataclass(slots=True)
class GateState:
    """Plans by epoch, the epoch bucket, and the guardian's stop."""

    last_epoch: int = 0
    open_epoch: int = 0
    plans: dict[int, Plan] = field(default_factory=dict)
    bucket_level: int = 0
    bucket_time_s: int = 0
    stopped_until_s: int = 0

    def copy(self) -> "GateState":
        """An independent gate; plans are copied when they are written (:meth:`writable`)."""
        return replace(self, plans=dict(self.plans))

    def writable(self, epoch: int) -> Plan:
        """A plan, copied so that it may be changed; raises Reverted."""
        require(epoch in self.plans, "PlanNotClosed")
        self.plans[epoch] = self.plans[epoch].copy()
        return self.plans[epoch]


class EdgeState(IntEnum):
    """As stored by the Reserve."""

    NONE = 0
    PREPARED = 1
    OPENED = 2
    DECIDED = 3
    APPLIED = 4


@dataclass(frozen=True, slots=True)
class EdgeRecord:
    """One Reserve's side of an edge. ``taken``: what each payer on B put in."""

    edge: Edge
    state: EdgeState
    earmark: int = 0
    escrow: int = 0
    decided: int = 0
    paid_legs: int = 0
    taken: Mapping[int, int] = field(default_factory=dict)
    refunded: frozenset[int] = frozenset()
    back_left: int = 0


@dataclass(slots=True)
class ReserveState:
    """Tokens, edges by id, and what is owed between two chains, by (chain id, gate)."""

    tokens: int = 0
    edges: dict[bytes, EdgeRecord] = field(default_factory=dict)
    boxes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    lines: dict[tuple[int, bytes], CreditLine] = field(default_factory=dict)
    owing: dict[tuple[int, bytes], tuple[int, int]] = field(default_factory=dict)

    def copy(self) -> "ReserveState":
        """An independent Reserve."""
        return ReserveState(
            self.tokens, dict(self.edges), dict(self.boxes), dict(self.lines), dict(self.owing)
        )


@dataclass(frozen=True, slots=True)
class LegLog:
    """What ``execute`` emits for a leg: the amount it moved, or the name of its refusal."""

    epoch: int
    chunk: int
    index: int
    amount: int
    refusal: str | None


@dataclass(slots=True)
class Contracts:
    """Venue with gate, and its Reserve, after some transaction. ``logs``: of that transaction."""

    terms: Terms
    book: BookState = field(default_factory=BookState)
    gate: GateState = field(default_factory=GateState)
    reserve: ReserveState = field(default_factory=ReserveState)
    logs: list[LegLog] = field(default_factory=list)

    def copy(self) -> "Contracts":
        """An independent world with no logs yet."""
        return Contracts(self.terms, self.book.copy(), self.gate.copy(), self.reserve.copy())
