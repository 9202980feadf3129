"""Who closes: every lot of a treated bankrupt meets an opposite lot on its own venue.

Bankrupts are netted against each other first, then winners by the contract policy, then other
solvent holders, at mark only. Contracts never cross a venue.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chains.legs import Close
from chains.model import ChainState, Columns
from coordinator.decide.policy import ContractPolicy
from kernels.allocate.pro_rata import pro_rata
from kernels.allocate.queue import queue

__all__ = ["Counterparties", "close_bankrupts"]


@dataclass(frozen=True, slots=True, eq=False)
class Counterparties:
    """Who may stand on the other side on one venue: account numbers in the order they are asked.

    ``winners`` come by the unified ranking, ``others`` (solvent, no profit) by account number.
    """

    winners: Columns
    others: Columns


@dataclass(frozen=True, slots=True)
class _Holding:
    """Unsigned lots of one account in one instrument, and the slot they stand in."""

    account: int
    lots: int
    slot: int


def close_bankrupts(
    state: ChainState, bankrupts: Sequence[int], others: Counterparties, policy: ContractPolicy
) -> tuple[Close, ...]:
    """The closes of one venue, by bankrupt, instrument, counterparty; each lot at most once."""
    rows = _positions_of(state, bankrupts)
    closes: list[Close] = []
    for instrument in np.unique(state.positions.instruments[rows]).tolist():
        closes.extend(_close_instrument(state, instrument, rows, others, policy))
    return tuple(sorted(closes, key=lambda c: (c.account, c.instrument, c.counterparty)))


def _close_instrument(
    state: ChainState,
    instrument: int,
    rows: Columns,
    others: Counterparties,
    policy: ContractPolicy,
) -> Iterator[Close]:
    held = rows[state.positions.instruments[rows] == instrument]
    longs, shorts = _holdings(state, held, sign=1), _holdings(state, held, sign=-1)
    netted = list(_pair(longs, shorts))
    yield from (_close(state, instrument, a, b, lots) for a, b, lots in netted)
    paired = sum(lots for _, _, lots in netted)
    heavy, sign = (longs, -1) if _total(longs) > _total(shorts) else (shorts, 1)
    left = _skip(heavy, paired)
    takers = _takers(state, instrument, sign, _total(left), others, policy)
    yield from (_close(state, instrument, a, b, lots) for a, b, lots in _pair(left, takers))


def _takers(
    state: ChainState,
    instrument: int,
    sign: int,
    need: int,
    others: Counterparties,
    policy: ContractPolicy,
) -> list[_Holding]:
    """Counterparties holding the opposite side, with the lots each gives up."""
    taken: list[_Holding] = []
    rows = np.flatnonzero(
        (state.positions.instruments == instrument) & (np.sign(state.positions.lots) == sign)
    )
    for asked, rule in ((others.winners, policy), (others.others, ContractPolicy.QUEUE)):
        ordered = _in_order(state, rows, asked)
        holdings = _holdings(state, ordered, sign=sign)
        lots = np.array([holding.lots for holding in holdings], dtype=np.int64)
        shares = _share(need, lots, rule)
        taken.extend(
            _Holding(h.account, share, h.slot)
            for h, share in zip(holdings, shares.tolist(), strict=True)
            if share
        )
        need -= int(shares.sum())
    return taken


def _share(need: int, lots: Columns, policy: ContractPolicy) -> Columns:
    if policy is ContractPolicy.PRO_RATA:
        return pro_rata(need=need, weights=lots, capacities=lots)
    return queue(need=need, capacities=lots)


def _in_order(state: ChainState, rows: Columns, asked: Columns) -> Columns:
    """``rows`` of the accounts in ``asked``, in the order of ``asked``."""
    place = np.full(len(state.accounts), -1, dtype=np.int64)
    place[asked] = np.arange(len(asked))
    places = place[state.positions.accounts[rows]]
    chosen = places >= 0
    return rows[chosen][np.argsort(places[chosen], kind="stable")]


def _pair(
    left: Sequence[_Holding], right: Sequence[_Holding]
) -> Iterator[tuple[_Holding, _Holding, int]]:
    """Walk two lists side by side, lot against lot, until the shorter ends."""
    i = j = left_used = right_used = 0
    while i < len(left) and j < len(right):
        lots = min(left[i].lots - left_used, right[j].lots - right_used)
        yield left[i], right[j], lots
        left_used, right_used = left_used + lots, right_used + lots
        if left_used == left[i].lots:
            i, left_used = i + 1, 0
        if right_used == right[j].lots:
            j, right_used = j + 1, 0


def _skip(holdings: Iterable[_Holding], lots: int) -> list[_Holding]:
    """What is left of a list after its first ``lots`` lots."""
    left: list[_Holding] = []
    for holding in holdings:
        used = min(lots, holding.lots)
        lots -= used
        if used < holding.lots:
            left.append(_Holding(holding.account, holding.lots - used, holding.slot))
    return left


def _close(state: ChainState, instrument: int, a: _Holding, b: _Holding, lots: int) -> Close:
    return Close(
        account=a.account,
        counterparty=b.account,
        instrument=instrument,
        lots=lots,
        price_micro=int(state.marks.marks[instrument]),
        slot_account=a.slot,
        slot_counterparty=b.slot,
    )


def _positions_of(state: ChainState, accounts: Sequence[int]) -> Columns:
    wanted = np.zeros(len(state.accounts), dtype=np.bool_)
    wanted[list(accounts)] = True
    return np.flatnonzero(wanted[state.positions.accounts])


def _holdings(state: ChainState, rows: Columns, *, sign: int) -> list[_Holding]:
    """The positions on one side, in the order of ``rows``."""
    held = state.positions
    ends = np.cumsum(state.accounts.counts)
    starts = ends - state.accounts.counts
    side = rows[np.sign(held.lots[rows]) == sign]
    accounts = held.accounts[side]
    slots = side - starts[accounts]
    return [
        _Holding(account, abs(lots), slot)
        for account, lots, slot in zip(
            accounts.tolist(), held.lots[side].tolist(), slots.tolist(), strict=True
        )
    ]


def _total(holdings: Iterable[_Holding]) -> int:
    return sum(holding.lots for holding in holdings)
