"""One account as a frozen value, and what may happen to it.

Money is integer micro-USD, size integer lots. Python integers throughout: a product of lots and
a mark may pass 2^63 on the way, only what the venue stores must fit an int64.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from chains.errors import ChainStateInvalid
from chains.model import POSITIONS_PER_ACCOUNT_MAX, REALISED_WINDOW_S, InstrumentKind

__all__ = [
    "Account",
    "OutOfRange",
    "Position",
    "Quote",
    "Quotes",
    "TooManyPositions",
    "WindowWentBack",
    "apply_trade",
    "credit",
    "equity",
    "haircut",
    "haircut_limit",
    "profit",
    "realised",
    "refund",
    "removed_cost_toward_zero",
    "roll",
    "unrealised",
    "window_of",
]

_INT64_MAX = 2**63 - 1


class OutOfRange(ChainStateInvalid):
    """A stored amount would not fit an int64; the contract reverts with the same name."""


class TooManyPositions(ChainStateInvalid):
    """A seventeenth instrument in one account; the contract reverts with the same name."""


class WindowWentBack(ChainStateInvalid):
    """An account was last rolled in a later hour than the one it should be rolled to."""


@dataclass(frozen=True, slots=True)
class Position:
    """``cost`` is that of the whole position, signed like ``lots`` for positive prices."""

    instrument: int
    lots: int
    cost: int


@dataclass(frozen=True, slots=True)
class Account:
    """Positions stand in slot order. ``bound`` is the deficit tied to edges, >= 0."""

    cash: int
    realised_now: int
    realised_prev: int
    window: int
    positions: tuple[Position, ...]
    bound: int = 0

    def lots(self, instrument: int) -> int:
        """Signed lots held, 0 where there is no position."""
        return next((p.lots for p in self.positions if p.instrument == instrument), 0)


@dataclass(frozen=True, slots=True)
class Quote:
    """What an account's value depends on, one instrument; micro-USD per lot, unix seconds."""

    kind: InstrumentKind
    expiry_s: int
    mark: int
    cumulative_funding: int
    band: int
    mm_per_lot: int
    time_s: int

    @property
    def price(self) -> int:
        """The mark of an option; mark - cumulative funding of a perpetual or future."""
        return _net_price(self.kind, self.mark, self.cumulative_funding)

    def is_expired(self, now_s: int) -> bool:
        """Perpetuals (expiry 0) never are."""
        return 0 < self.expiry_s <= now_s

    def is_fresh(self, now_s: int, *, age_s_max: int) -> bool:
        """Whether the mark is young enough to move money on; a final one never ages."""
        return self.time_s + age_s_max >= now_s or self.is_expired(self.time_s)


class Quotes(Protocol):
    """Quotes by instrument number: a tuple or a dict."""

    def __getitem__(self, instrument: int, /) -> Quote: ...


def window_of(now_s: int) -> int:
    """The realised-profit window of a block with this timestamp."""
    return now_s // REALISED_WINDOW_S


def roll(account: Account, window: int) -> Account:
    """Bring realised profit to ``window``: two windows are kept, only profit ages out.

    A net loss or haircut stays while the account holds positions, so that the same unrealised
    profit cannot be taken a second time two hours later. n steps at once give what n single
    steps give: beyond the first the two values only swap places. Raises WindowWentBack.
    """
    steps = window - account.window
    if steps == 0:
        return account
    if steps < 0:
        raise WindowWentBack(f"account stands at window {account.window}, asked for {window}")
    older = _kept(account, account.realised_prev)
    newer = account.realised_now if steps == 1 else _kept(account, account.realised_now)
    now, prev = (older, newer) if steps % 2 else (newer, older)
    return replace(account, realised_now=now, realised_prev=prev, window=window)


def _kept(account: Account, aged: int) -> int:
    return min(0, aged) if account.positions else 0


def realised(account: Account) -> int:
    """Realised profit of this and the previous window, net of haircuts (roll first)."""
    return account.realised_now + account.realised_prev


def removed_cost_toward_zero(cost: int, *, closed_lots: int, held_lots: int) -> int:
    """Cost leaving with ``closed_lots`` of ``held_lots`` (both unsigned), cut toward zero."""
    removed = abs(cost) * closed_lots // held_lots
    return removed if cost >= 0 else -removed


def apply_trade(
    account: Account,
    *,
    instrument: int,
    d_lots: int,
    price: int,
    kind: InstrumentKind,
    cumulative_funding: int,
) -> Account:
    """Trade ``d_lots`` (signed, not 0) at ``price``; roll the account to the block's window first.

    A crossing trade is a reduction to zero followed by an opening.
    Raises OutOfRange and TooManyPositions.
    """
    held = account.lots(instrument)
    reduced = -_toward(held, d_lots) if held * d_lots < 0 else 0
    net = _net_price(kind, price, cumulative_funding)
    if reduced:
        account = _reduce(account, instrument, reduced, net, kind)
    if d_lots - reduced:
        account = _open(account, instrument, d_lots - reduced, net, kind)
    return _in_range(account)


def _net_price(kind: InstrumentKind, price: int, cumulative_funding: int) -> int:
    return price if kind is InstrumentKind.OPTION else price - cumulative_funding


def _toward(held: int, d_lots: int) -> int:
    """The part of ``held`` (signed) that an opposite trade removes."""
    size = min(abs(held), abs(d_lots))
    return size if held > 0 else -size


def _reduce(
    account: Account, instrument: int, part: int, net: int, kind: InstrumentKind
) -> Account:
    slot = _slot(account, instrument)
    position = account.positions[slot]
    removed = removed_cost_toward_zero(
        position.cost, closed_lots=abs(part), held_lots=abs(position.lots)
    )
    gain = -part * net - removed
    left = Position(instrument, position.lots + part, position.cost - removed)
    return replace(
        account,
        cash=account.cash + (-part * net if kind is InstrumentKind.OPTION else gain),
        realised_now=account.realised_now + gain,
        positions=_with_slot(account.positions, slot, left),
    )


def _open(account: Account, instrument: int, part: int, net: int, kind: InstrumentKind) -> Account:
    paid = part * net if kind is InstrumentKind.OPTION else 0
    return replace(
        account,
        cash=account.cash - paid,
        positions=_added(account.positions, Position(instrument, part, part * net)),
    )


def _slot(account: Account, instrument: int) -> int:
    return next(i for i, p in enumerate(account.positions) if p.instrument == instrument)


def _with_slot(
    positions: tuple[Position, ...], slot: int, position: Position
) -> tuple[Position, ...]:
    """Replace a slot; an emptied one is filled from the end, as the venue does."""
    if position.lots:
        return (*positions[:slot], position, *positions[slot + 1 :])
    if slot == len(positions) - 1:
        return positions[:-1]
    return (*positions[:slot], positions[-1], *positions[slot + 1 : -1])


def _added(positions: tuple[Position, ...], part: Position) -> tuple[Position, ...]:
    for slot, held in enumerate(positions):
        if held.instrument == part.instrument:
            total = Position(held.instrument, held.lots + part.lots, held.cost + part.cost)
            return _with_slot(positions, slot, total)
    if len(positions) == POSITIONS_PER_ACCOUNT_MAX:
        raise TooManyPositions(f"no slot left for instrument {part.instrument}")
    return (*positions, part)


def haircut(account: Account, amount: int) -> Account:
    """Take ``amount`` out of cash and out of realised profit."""
    return _in_range(
        replace(account, cash=account.cash - amount, realised_now=account.realised_now - amount)
    )


def refund(account: Account, amount: int) -> Account:
    """Give back part of a haircut."""
    return haircut(account, -amount)


def credit(account: Account, amount: int) -> Account:
    """Pay money into an account; it is not profit."""
    return _in_range(replace(account, cash=account.cash + amount))


def unrealised(account: Account, quotes: Quotes) -> int:
    """sum(lots x price - cost) over all positions."""
    return sum(p.lots * quotes[p.instrument].price - p.cost for p in account.positions)


def equity(account: Account, quotes: Quotes) -> int:
    """cash + value of options + profit of perpetuals and futures."""
    return account.cash + sum(_worth(p, quotes[p.instrument]) for p in account.positions)


def _worth(position: Position, quote: Quote) -> int:
    value = position.lots * quote.price
    return value if quote.kind is InstrumentKind.OPTION else value - position.cost


def profit(account: Account, quotes: Quotes) -> int:
    """Unrealised plus rolling realised profit (roll first)."""
    return unrealised(account, quotes) + realised(account)


def haircut_limit(account: Account, quotes: Quotes) -> int:
    """max(0, min(profit, equity)): both already contain what was taken (roll first)."""
    return max(0, min(profit(account, quotes), equity(account, quotes)))


def _in_range(account: Account) -> Account:
    stored = (account.cash, account.realised_now, account.realised_prev)
    held = (v for p in account.positions for v in (p.lots, p.cost))
    for value in (*stored, *held):
        if not -_INT64_MAX - 1 <= value <= _INT64_MAX:
            raise OutOfRange(f"{value} does not fit an int64")
    return account
