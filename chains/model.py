"""The vocabulary of a venue on a chain: identities, instruments, and its book as columns.

A million position objects cost more than a second; a book is therefore a few read-only int64
columns. Objects (:class:`AccountId`, :class:`Instrument`) are for identity and display.
Money is integer micro-USD, size integer lots, time unix seconds unless the name says otherwise.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

__all__ = [
    "FLAG_BOUND",
    "NO_GROUP",
    "POSITIONS_PER_ACCOUNT_MAX",
    "REALISED_WINDOW_S",
    "AccountColumns",
    "AccountId",
    "BlockRef",
    "ChainState",
    "Columns",
    "CreditLine",
    "Funds",
    "Instrument",
    "InstrumentKind",
    "MarkColumns",
    "PositionColumns",
    "Right",
    "read_only",
]

Columns = npt.NDArray[np.int64]

REALISED_WINDOW_S = 3_600
POSITIONS_PER_ACCOUNT_MAX = 16
FLAG_BOUND = 1
"""The account's deficit is tied to an edge: it is in settlement and nobody else may treat it."""
NO_GROUP = bytes(32)


class InstrumentKind(IntEnum):
    """As stored on chain."""

    OPTION = 0
    PERPETUAL = 1
    FUTURE = 2


class Right(IntEnum):
    """As stored on chain; perpetuals and futures carry CALL."""

    CALL = 0
    PUT = 1


@dataclass(frozen=True, slots=True, order=True)
class AccountId:
    """One account anywhere. The field order is the tie-break of every ranking."""

    chain_id: int
    venue: bytes
    account: int

    def __str__(self) -> str:
        return f"{self.chain_id}:0x{self.venue.hex()[:8]}/{self.account}"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One listed contract. ``lot_nano`` is the lot in 1e-9 units of the underlying."""

    instrument: int
    kind: InstrumentKind
    underlying: str
    expiry_s: int
    strike_micro: int
    right: Right
    lot_nano: int


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block, named by number AND hash."""

    number: int
    hash: bytes
    timestamp_s: int


@dataclass(frozen=True, slots=True)
class CreditLine:
    """What this chain's Reserve lends to the debtor gate on another chain, and how much is used."""

    chain_id: int
    gate: bytes
    limit_micro: int
    earmarked_micro: int
    paid_micro: int
    received_micro: int

    @property
    def room_micro(self) -> int:
        """limit - open earmarks - max(0, unpaid claim), never below zero (rules 1 and 10)."""
        claim = max(0, self.paid_micro - self.received_micro)
        return max(0, self.limit_micro - self.earmarked_micro - claim)


@dataclass(frozen=True, slots=True)
class Funds:
    """Money, limits and counters of one gate and its Reserve."""

    insurance_micro: int
    reserve_free_micro: int
    bucket_micro: int
    plan_cap_micro: int
    lines: tuple[CreditLine, ...]
    last_epoch: int
    open_epoch: int
    config_version: int
    policy_digest: bytes
    stopped_until_s: int
    im_factor_ppm: int
    mark_age_s_max: int


@dataclass(frozen=True, slots=True, eq=False)
class AccountColumns:
    """One row an account, row number = account number. Shape (n,), owners (n, 20), groups (n, 32).

    ``realised_*`` are as stored; :func:`chains.ledger.roll` brings them to a window.
    """

    cash: Columns
    realised_now: Columns
    realised_prev: Columns
    windows: Columns
    counts: Columns
    flags: Columns
    owners: npt.NDArray[np.uint8]
    groups: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.cash)


@dataclass(frozen=True, slots=True, eq=False)
class PositionColumns:
    """One row a position, ordered by account, inside an account in slot order. Shape (p,)."""

    accounts: Columns
    instruments: Columns
    lots: Columns
    costs: Columns

    def __len__(self) -> int:
        return len(self.lots)


@dataclass(frozen=True, slots=True, eq=False)
class MarkColumns:
    """One row an instrument, row number = instrument number. Micro-USD per lot. Shape (m,)."""

    marks: Columns
    mm_per_lots: Columns
    bands: Columns
    times_s: Columns
    cumulative_fundings: Columns


@dataclass(frozen=True, slots=True, eq=False)
class ChainState:
    """One venue at one block. ``slots_digest`` = sha256 of the raw slot bytes that were read."""

    chain_id: int
    gate: bytes
    reserve: bytes
    block: BlockRef
    accounts: AccountColumns
    positions: PositionColumns
    instruments: tuple[Instrument, ...]
    marks: MarkColumns
    funds: Funds
    slots_digest: bytes

    def account_id(self, account: int) -> AccountId:
        """The global identity of one of this venue's rows."""
        return AccountId(self.chain_id, self.gate, account)


def read_only(values: npt.ArrayLike) -> Columns:
    """An int64 column nobody can change."""
    column = np.array(values, dtype=np.int64)
    column.setflags(write=False)
    return column
