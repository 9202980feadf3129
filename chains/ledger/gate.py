"""The legs of a plan, as the gate carries them out: one pure rule each.

A leg either moves something and says how much, or is refused by name and changes nothing; a
refused leg may be tried again. The meaning of each leg stands on
``contracts/IDeleverageVenue.sol``; the names of the refusals are the contract's errors.
"""

from dataclasses import dataclass

from chains.ledger.account import (
    Account,
    Quote,
    apply_trade,
    credit,
    equity,
    haircut,
    haircut_limit,
    roll,
    window_of,
)
from chains.ledger.plan import Book, Outcome, PlanLimits, PlanMoney, Refused
from chains.legs import OWN_POT, Close, Credit, Deficit, Haircut, Leg

__all__ = ["carry_out"]

_WHOLE_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class _Scene:
    book: Book
    money: PlanMoney
    limits: PlanLimits
    now_s: int

    def load(self, account: int) -> Account:
        """Every account is rolled to the block's window before anything else."""
        return roll(self.book.load(account), window_of(self.now_s))

    def is_fresh(self, account: Account) -> bool:
        """Whether every mark that the account's equity depends on is young enough."""
        age_s_max = self.limits.mark_age_s_max
        quotes = (self.book[position.instrument] for position in account.positions)
        return all(quote.is_fresh(self.now_s, age_s_max=age_s_max) for quote in quotes)

    def payable(self, number: int, account: Account) -> int:
        """What an account may still pay in this plan.

        The live limit has lost what was taken, so the cap is measured on their sum: asking in
        small steps takes no more than asking once.
        """
        left, paid = haircut_limit(account, self.book), self.money.paid(number)
        cap = (left + paid) * self.limits.account_cap_ppm // _WHOLE_PPM
        return min(left, cap - paid)


def carry_out(
    leg: Leg, *, book: Book, money: PlanMoney, limits: PlanLimits, now_s: int
) -> Outcome | Refused:
    """Do one leg at unix time ``now_s``; a refusal leaves everything unchanged.

    Raises OutOfRange where an account could not be stored, possibly half-way: the caller drops
    the book, as a revert does.
    """
    scene = _Scene(book, money, limits, now_s)
    match leg:
        case Deficit():
            return _register(scene, leg)
        case Close():
            return _close(scene, leg)
        case Haircut(box=box) if box == OWN_POT:
            return _take(scene, leg)
        case Haircut():
            return _take_remote(scene, leg)
        case Credit():
            return _pay(scene, leg)


def _register(scene: _Scene, leg: Deficit) -> Outcome | Refused:
    money, limits = scene.money, scene.limits
    if leg.account in money.bankrupts:
        return Outcome(0, terminal=True)
    account = scene.load(leg.account)
    if not scene.is_fresh(account):
        return Refused("StaleMark")
    deficit = -equity(account, scene.book) - account.bound
    if deficit <= 0:
        return Refused("NotBankrupt")
    added = min(leg.limit_micro, deficit, limits.deficit - money.need)
    money.bankrupts.add(leg.account)
    money.need += added
    drawn = scene.book.draw_insurance(min(limits.insurance, money.need) - money.drawn)
    money.drawn += drawn
    money.pot += drawn
    return Outcome(added, terminal=True)


def _close(scene: _Scene, leg: Close) -> Outcome | Refused:
    quote, bankrupt = scene.book[leg.instrument], scene.load(leg.account)
    if (reason := _why_not_close(scene, leg, quote, bankrupt)) is not None:
        return Refused(reason)
    counterparty = scene.load(leg.counterparty)
    held, opposite = bankrupt.lots(leg.instrument), counterparty.lots(leg.instrument)
    if held == 0:
        return Outcome(0, terminal=True)
    closed = min(leg.lots, abs(held), abs(opposite)) if held * opposite < 0 else 0
    if closed == 0:
        return Refused("NoCounterLots")
    notional = closed * quote.mark
    if notional > scene.limits.close_cap - scene.money.closed_notional:
        return Refused("CapReached")
    scene.money.closed_notional += notional
    d_lots = -closed if held > 0 else closed
    _trade(scene, leg.account, bankrupt, leg.instrument, d_lots)
    _trade(scene, leg.counterparty, counterparty, leg.instrument, -d_lots)
    return Outcome(closed, terminal=True)


def _why_not_close(scene: _Scene, leg: Close, quote: Quote, bankrupt: Account) -> str | None:
    age_s_max = scene.limits.mark_age_s_max
    is_fresh = quote.is_fresh(scene.now_s, age_s_max=age_s_max) and scene.is_fresh(bankrupt)
    rules = (
        (leg.account == leg.counterparty, "SelfClose"),
        (leg.account not in scene.money.bankrupts, "NotFlagged"),
        (quote.is_expired(scene.now_s), "InstrumentExpired"),
        (not is_fresh, "StaleMark"),
        (abs(leg.price_micro - quote.mark) > quote.band, "OutsideBand"),
        (equity(bankrupt, scene.book) >= 0, "NotBankrupt"),
    )
    return next((reason for is_broken, reason in rules if is_broken), None)


def _trade(scene: _Scene, number: int, account: Account, instrument: int, d_lots: int) -> None:
    quote = scene.book[instrument]
    traded = apply_trade(
        account,
        instrument=instrument,
        d_lots=d_lots,
        price=quote.mark,
        kind=quote.kind,
        cumulative_funding=quote.cumulative_funding,
    )
    scene.book.store(number, traded)


def _take(scene: _Scene, leg: Haircut) -> Outcome | Refused:
    money, limits = scene.money, scene.limits
    if leg.account in money.bankrupts:
        return Refused("PayerBankrupt")
    account, moved = scene.load(leg.account), money.taken.get(leg.account, 0)
    if not scene.is_fresh(account):
        return Refused("StaleMark")
    if money.need == 0:
        return Refused("NoNeed")
    allowed = scene.payable(leg.account, account)
    amount = min(leg.target_micro - moved, allowed, limits.haircut_cap - money.taken_total)
    if amount <= 0:
        return Refused("NothingToTake")
    scene.book.store(leg.account, haircut(account, amount))
    money.taken[leg.account] = moved + amount
    money.taken_total += amount
    money.pot += amount
    return Outcome(amount, terminal=moved + amount == leg.target_micro)


def _take_remote(scene: _Scene, leg: Haircut) -> Outcome | Refused:
    money, limits = scene.money, scene.limits
    if leg.account in money.bankrupts:
        return Refused("PayerBankrupt")
    account = scene.load(leg.account)
    if not scene.is_fresh(account):
        return Refused("StaleMark")
    allowed = min(scene.payable(leg.account, account), max(0, account.cash))
    left = limits.remote_cap - money.remote_total
    amount = min(leg.target_micro, allowed, left, scene.book.room(leg.box))
    if amount <= 0:
        return Refused("NothingToTake")
    scene.book.store(leg.account, haircut(account, amount))
    scene.book.escrow(box=leg.box, account=leg.account, amount=amount)
    money.remote[leg.account] = money.remote.get(leg.account, 0) + amount
    money.boxes[leg.box] = money.boxes.get(leg.box, 0) + amount
    money.remote_total += amount
    return Outcome(amount, terminal=True)


def _pay(scene: _Scene, leg: Credit) -> Outcome | Refused:
    money = scene.money
    if leg.account not in money.bankrupts:
        return Refused("NotFlagged")
    account, moved = scene.load(leg.account), money.credited.get(leg.account, 0)
    if account.positions:
        return Refused("NotFlat")
    amount = min(leg.target_micro - moved, -account.cash - account.bound, money.pot)
    if amount <= 0:
        return Refused("NothingToCredit")
    scene.book.store(leg.account, credit(account, amount))
    money.credited[leg.account] = moved + amount
    money.pot -= amount
    return Outcome(amount, terminal=moved + amount == leg.target_micro)
