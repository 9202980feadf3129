"""Who pays: the remainder after insurance, shared by winners of every venue that may lend.

Shares first, boxes second. A budget is shared over all its winners by the money policy; then each
venue keeps what it needs itself, and only the net surplus crosses a chain, along edges, inside
credit lines, free reserves and the payers' cash.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from chains.model import Columns
from coordinator.decide.policy import MoneyPolicy
from kernels.allocate.pro_rata import pro_rata
from kernels.allocate.queue import queue

__all__ = ["Debtor", "Payers", "Payments", "Transfer", "VenueMoney", "share_money"]


@dataclass(frozen=True, slots=True)
class Debtor:
    """One bankrupt account and what insurance left open of its deficit."""

    account: int
    open_micro: int


@dataclass(frozen=True, slots=True, eq=False)
class Payers:
    """Winners of one venue by the unified ranking: numbers, payable profit, cash after closes.

    ``places`` are their places in the one ranking over all venues. Shapes (n,).
    """

    accounts: Columns
    places: Columns
    payable: Columns
    cash: Columns


@dataclass(frozen=True, slots=True, eq=False)
class VenueMoney:
    """What one venue needs and can give. ``room`` = open credit by the lender's venue row."""

    debtors: tuple[Debtor, ...]
    payers: Payers
    cap_micro: int
    reserve_free_micro: int
    room: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One edge: ``payments`` (account, micro) of the lending venue fill one debtor's deficit."""

    debtor_venue: int
    debtor: int
    lender_venue: int
    payments: tuple[tuple[int, int], ...]

    @property
    def amount_micro(self) -> int:
        """The sum of the payments."""
        return sum(amount for _, amount in self.payments)


@dataclass(frozen=True, slots=True)
class Payments:
    """Per venue row: haircuts into the own pot and credits out of it, (account, micro) each.

    On every venue they sum to the same amount.
    """

    haircuts: tuple[tuple[tuple[int, int], ...], ...]
    credits: tuple[tuple[tuple[int, int], ...], ...]
    transfers: tuple[Transfer, ...]


@dataclass(slots=True)
class _Till:
    """One venue while money is shared: what is left to give, and what was decided."""

    payers: Payers
    left: Columns
    cap_left: int
    reserve_left: int
    room: dict[int, int]
    open: dict[int, int]
    haircuts: Columns
    credits: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, venue: VenueMoney) -> "_Till":
        return cls(
            payers=venue.payers,
            left=venue.payers.payable.copy(),
            cap_left=venue.cap_micro,
            reserve_left=venue.reserve_free_micro,
            room=dict(venue.room),
            open={debtor.account: debtor.open_micro for debtor in venue.debtors},
            haircuts=np.zeros_like(venue.payers.payable),
        )

    @property
    def need(self) -> int:
        return sum(self.open.values())

    def keep(self, shares: Columns) -> None:
        """Move shares into the own pot and out of it to the debtors, in account order."""
        self.haircuts += shares
        self.spend(shares)
        amount = int(shares.sum())
        for account in self.open:
            paid = min(amount, self.open[account])
            self.open[account] -= paid
            self.credits[account] = self.credits.get(account, 0) + paid
            amount -= paid

    def spend(self, shares: Columns) -> None:
        self.left = self.left - shares
        self.cap_left -= int(shares.sum())


def share_money(venues: Sequence[VenueMoney], policy: MoneyPolicy) -> Payments:
    """Cover as much of every venue's need as winners, caps and lines allow; exact to the micro.

    Venues with the same creditors form one budget; budgets are shared in venue order. What edges
    could not carry is asked once more of the debtor venue's own winners.
    """
    tills = [_Till.of(venue) for venue in venues]
    transfers: list[Transfer] = []
    for debtors, lenders in _budgets(tills):
        shares = _share_budget(tills, debtors, lenders, policy)
        transfers.extend(_fill_boxes(tills, debtors, shares, policy))
    for venue, till in enumerate(tills):
        till.keep(_share_budget(tills, [venue], [venue], policy)[venue])
    return Payments(
        haircuts=tuple(_nonzero(t.payers.accounts.tolist(), t.haircuts.tolist()) for t in tills),
        credits=tuple(_nonzero(t.credits.keys(), t.credits.values()) for t in tills),
        transfers=tuple(transfers),
    )


def _budgets(tills: Sequence[_Till]) -> list[tuple[list[int], list[int]]]:
    """(debtor venues, lender venues) of each budget, in venue order of the first debtor."""
    sets: dict[tuple[int, ...], list[int]] = {}
    for venue, till in enumerate(tills):
        if till.need:
            sets.setdefault(_lenders_of(till, venue), []).append(venue)
    return [(debtors, list(lenders)) for lenders, debtors in sets.items()]


def _lenders_of(till: _Till, venue: int) -> tuple[int, ...]:
    abroad = {w for w, room in till.room.items() if room > 0 and till.reserve_left > 0}
    return tuple(sorted(abroad | {venue}))


def _share_budget(
    tills: Sequence[_Till], debtors: Sequence[int], lenders: Sequence[int], policy: MoneyPolicy
) -> dict[int, Columns]:
    """Shares by lender venue, sum at most the need, inside every payer's and venue's cap."""
    need = sum(tills[venue].need for venue in debtors)
    shares = {venue: np.zeros_like(tills[venue].left) for venue in lenders}
    uncapped = list(lenders)
    while uncapped and need:
        asked = _ask(tills, uncapped, need, policy)
        over = [v for v in uncapped if int(asked[v].sum()) > tills[v].cap_left]
        if not over:
            return shares | asked
        for venue in over:
            shares |= _ask(tills, [venue], tills[venue].cap_left, policy)
            need -= int(shares[venue].sum())
            uncapped.remove(venue)
    return shares


def _ask(
    tills: Sequence[_Till], venues: Sequence[int], need: int, policy: MoneyPolicy
) -> dict[int, Columns]:
    """One allocation over the winners of several venues, in unified ranking order."""
    places = np.concatenate([tills[venue].payers.places for venue in venues])
    capacities = np.concatenate([tills[venue].left for venue in venues])
    order = np.argsort(places, kind="stable")
    taken = np.zeros_like(capacities)
    taken[order] = _allocate(need, capacities[order], policy)
    ends = np.cumsum([len(tills[venue].left) for venue in venues])[:-1]
    return dict(zip(venues, np.split(taken, ends), strict=True))


def _allocate(need: int, capacities: Columns, policy: MoneyPolicy) -> Columns:
    if policy is MoneyPolicy.QUEUE:
        return queue(need=need, capacities=capacities)
    return pro_rata(need=need, weights=capacities, capacities=capacities)


def _fill_boxes(
    tills: Sequence[_Till],
    debtors: Sequence[int],
    shares: Mapping[int, Columns],
    policy: MoneyPolicy,
) -> list[Transfer]:
    """Local need first; then surplus to shortage in venue and account order, one edge each."""
    kept = {venue: min(int(x.sum()), tills[venue].need) for venue, x in shares.items()}
    pledges = _pledges(tills, debtors, shares, kept)
    transfers: list[Transfer] = []
    for venue, share in shares.items():
        till, exported = tills[venue], sum(pledge.amount for pledge in pledges[venue])
        movable = np.minimum(share, till.payers.cash)
        remote = _allocate(exported, movable, policy)
        transfers.extend(_pour(till.payers.accounts, remote, venue, pledges[venue]))
        till.spend(remote)
        till.keep(_allocate(kept[venue], share - remote, policy))
    return transfers


@dataclass(frozen=True, slots=True)
class _Pledge:
    """An edge before its payers are known."""

    debtor_venue: int
    debtor: int
    amount: int


def _pledges(
    tills: Sequence[_Till],
    debtors: Sequence[int],
    shares: Mapping[int, Columns],
    kept: Mapping[int, int],
) -> dict[int, list[_Pledge]]:
    """Edges by lender venue. What local money will fill is passed over in account order."""
    surplus = {venue: _movable_surplus(tills[venue], x, kept[venue]) for venue, x in shares.items()}
    pledges: dict[int, list[_Pledge]] = {venue: [] for venue in shares}
    for venue in debtors:
        till, local = tills[venue], kept[venue]
        for account in till.open:
            short = max(0, till.open[account] - local)
            local = max(0, local - till.open[account])
            for lender, spare in list(surplus.items()):
                amount = min(short, spare, till.room.get(lender, 0), till.reserve_left)
                if amount <= 0:
                    continue
                pledges[lender].append(_Pledge(venue, account, amount))
                short -= amount
                surplus[lender] -= amount
                till.room[lender] -= amount
                till.reserve_left -= amount
                till.open[account] -= amount
    return pledges


def _movable_surplus(till: _Till, share: Columns, kept: int) -> int:
    """What a venue can send abroad: beyond its own need, and no more than its payers' cash."""
    return min(int(share.sum()) - kept, int(np.minimum(share, till.payers.cash).sum()))


def _pour(
    accounts: Columns, remote: Columns, venue: int, pledges: Sequence[_Pledge]
) -> list[Transfer]:
    """Fill edge after edge from the payers in order; a payer may stand in two."""
    purses = [[account, amount] for account, amount in _nonzero(accounts.tolist(), remote.tolist())]
    transfers: list[Transfer] = []
    for pledge in pledges:
        missing, payments = pledge.amount, list[tuple[int, int]]()
        while missing:
            account, held = purses[0]
            paid = min(missing, held)
            payments.append((account, paid))
            missing -= paid
            purses[0][1] -= paid
            if not purses[0][1]:
                purses.pop(0)
        transfers.append(Transfer(pledge.debtor_venue, pledge.debtor, venue, tuple(payments)))
    return transfers


def _nonzero(accounts: Iterable[int], amounts: Iterable[int]) -> tuple[tuple[int, int], ...]:
    return tuple(
        (account, amount) for account, amount in zip(accounts, amounts, strict=True) if amount
    )
