"""A venue's book after a plan's legs, as the gate would leave it at unchanged marks.

Only the accounts that a leg touches become objects; the rest of the columns is copied once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from chains.errors import ChainStateInvalid
from chains.ledger.account import Account, Position, Quote, equity
from chains.ledger.columns import quotes_of
from chains.ledger.gate import carry_out
from chains.ledger.plan import Outcome, PlanLimits, PlanMoney, Refused
from chains.legs import Close, Leg
from chains.model import (
    FLAG_BOUND,
    AccountColumns,
    ChainState,
    Columns,
    PositionColumns,
    read_only,
)

__all__ = ["Projection", "project"]

_UNKNOWN_ROOM = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Projection:
    """The book after the legs, and what each moved; all money micro-USD.

    ``outcomes`` has one entry a leg: what it moved, or why it was refused.
    By account: ``taken`` into the pot, ``credited`` out of it, ``remote`` into boxes of edges;
    ``boxes``: what each box got.
    """

    state: ChainState
    outcomes: tuple[Outcome | Refused, ...]
    need: int
    insurance_drawn: int
    pot: int
    closed_notional: int
    taken: Mapping[int, int]
    credited: Mapping[int, int]
    remote: Mapping[int, int]
    boxes: Mapping[int, int]


def project(
    state: ChainState, legs: Sequence[Leg], *, now_s: int, limits: PlanLimits | None = None
) -> Projection:
    """Carry ``legs`` out in order at ``now_s`` (unix; at least the block's timestamp).

    Without ``limits`` only the venue's own rules apply. An edge's room is not known here: the
    caller sees to it that the targets of a box sum to at most what is planned.
    Raises ChainStateInvalid for an account or instrument that does not exist.
    """
    _check_references(state, legs)
    book, money = _TouchedBook.of(state), PlanMoney()
    allowed = limits or PlanLimits(mark_age_s_max=state.funds.mark_age_s_max)
    outcomes = tuple(
        carry_out(leg, book=book, money=money, limits=allowed, now_s=now_s) for leg in legs
    )
    return Projection(
        state=book.columns(),
        outcomes=outcomes,
        need=money.need,
        insurance_drawn=money.drawn,
        pot=money.pot,
        closed_notional=money.closed_notional,
        taken=money.taken,
        credited=money.credited,
        remote=money.remote,
        boxes=money.boxes,
    )


@dataclass(slots=True)
class _TouchedBook:
    """The columns as found, and the accounts that were changed since."""

    before: ChainState
    quotes: tuple[Quote, ...]
    starts: Columns
    insurance: int
    touched: dict[int, Account] = field(default_factory=dict)

    @classmethod
    def of(cls, state: ChainState) -> "_TouchedBook":
        counts = state.accounts.counts
        starts = np.cumsum(counts) - counts
        return cls(state, quotes_of(state), starts, state.funds.insurance_micro)

    def __getitem__(self, instrument: int, /) -> Quote:
        return self.quotes[instrument]

    def load(self, account: int) -> Account:
        known = self.touched.get(account)
        return known if known is not None else self._read(account)

    def store(self, account: int, value: Account) -> None:
        self.touched[account] = value

    def draw_insurance(self, wanted: int) -> int:
        drawn = min(wanted, self.insurance)
        self.insurance -= drawn
        return drawn

    def room(self, _box: int, /) -> int:
        return _UNKNOWN_ROOM

    def escrow(self, *, box: int, account: int, amount: int) -> None:
        """What leaves the venue is counted in PlanMoney."""

    def _read(self, account: int) -> Account:
        rows, held = self.before.accounts, self.before.positions
        start = int(self.starts[account])
        slots = slice(start, start + int(rows.counts[account]))
        columns = (held.instruments[slots], held.lots[slots], held.costs[slots])
        found = Account(
            cash=int(rows.cash[account]),
            realised_now=int(rows.realised_now[account]),
            realised_prev=int(rows.realised_prev[account]),
            window=int(rows.windows[account]),
            positions=tuple(map(Position, *(column.tolist() for column in columns))),
        )
        # How much of a bound account is tied is the Reserve's business: here, all of it.
        is_bound = int(rows.flags[account]) & FLAG_BOUND
        return replace(found, bound=max(0, -equity(found, self.quotes))) if is_bound else found

    def columns(self) -> ChainState:
        before, funds = self.before, replace(self.before.funds, insurance_micro=self.insurance)
        return replace(
            before,
            accounts=_accounts_after(before.accounts, self.touched),
            positions=_positions_after(before, self.starts, self.touched),
            funds=funds,
        )


def _accounts_after(before: AccountColumns, touched: Mapping[int, Account]) -> AccountColumns:
    rows, values = list(touched), list(touched.values())
    return replace(
        before,
        cash=_with(before.cash, rows, [value.cash for value in values]),
        realised_now=_with(before.realised_now, rows, [value.realised_now for value in values]),
        realised_prev=_with(before.realised_prev, rows, [value.realised_prev for value in values]),
        windows=_with(before.windows, rows, [value.window for value in values]),
        counts=_with(before.counts, rows, [len(value.positions) for value in values]),
    )


def _positions_after(
    state: ChainState, starts: Columns, touched: Mapping[int, Account]
) -> PositionColumns:
    """Write what is left into each account's first rows and drop the rest: legs only shrink."""
    before, rows, left, gone = state.positions, list[int](), list[Position](), list[int]()
    for account, value in touched.items():
        start, held = int(starts[account]), len(value.positions)
        rows.extend(range(start, start + held))
        left.extend(value.positions)
        gone.extend(range(start + held, start + int(state.accounts.counts[account])))
    kept = np.ones(len(before), dtype=np.bool_)
    kept[gone] = False
    return PositionColumns(
        accounts=read_only(before.accounts[kept]),
        instruments=read_only(
            _with(before.instruments, rows, [held.instrument for held in left])[kept]
        ),
        lots=read_only(_with(before.lots, rows, [held.lots for held in left])[kept]),
        costs=read_only(_with(before.costs, rows, [held.cost for held in left])[kept]),
    )


def _with(column: Columns, rows: list[int], values: list[int]) -> Columns:
    changed = column.copy()
    changed[rows] = values
    changed.setflags(write=False)
    return changed


def _check_references(state: ChainState, legs: Sequence[Leg]) -> None:
    accounts, instruments = len(state.accounts), len(state.instruments)
    for leg in legs:
        named = (leg.account, leg.counterparty) if isinstance(leg, Close) else (leg.account,)
        if not all(0 <= account < accounts for account in named):
            raise ChainStateInvalid(f"chain {state.chain_id} has no such account: {leg}")
        if isinstance(leg, Close) and not 0 <= leg.instrument < instruments:
            raise ChainStateInvalid(f"chain {state.chain_id} has no such instrument: {leg}")
