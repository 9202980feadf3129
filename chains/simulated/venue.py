"""What users, the matcher and the oracles do on the simulated venue.

Rules and error names are those of ``contracts/IDeleverageVenue.sol``. Tokens are not modelled
per user: whoever pays in, has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chains.codec.merkle import group_id
from chains.ledger import (
    Account,
    Quote,
    apply_trade,
    credit,
    equity,
    profit,
    roll,
    window_of,
)
from chains.model import AccountId
from chains.simulated.state import BookState, Contracts, Env, require

__all__ = [
    "Match",
    "deposit",
    "fund_insurance",
    "initial_margin",
    "leave_group",
    "open_account",
    "post_funding",
    "post_mark",
    "register_group",
    "rolled",
    "settle",
    "trade",
    "withdraw",
]

_WHOLE_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Match:
    """One trade between two accounts; ``price`` in micro-USD per lot."""

    buyer: int
    seller: int
    instrument: int
    lots: int
    price: int


def rolled(book: BookState, account: int, env: Env) -> Account:
    """An account at the block's window; raises Reverted where it does not exist."""
    require(account in book.accounts, "UnknownAccount")
    return roll(book.accounts[account], window_of(env.timestamp_s))


def open_account(contracts: Contracts, owner: bytes) -> int:
    """A new, empty account; returns its number."""
    book, account = contracts.book, len(contracts.book.accounts)
    book.accounts[account] = Account(0, 0, 0, 0, ())
    book.owners[account] = owner
    return account


def deposit(contracts: Contracts, env: Env, account: int, amount: int) -> None:
    """Anyone may pay in for an account, unless it is bound."""
    book, held = contracts.book, rolled(contracts.book, account, env)
    require(held.bound == 0, "AccountBound")
    book.accounts[account] = credit(held, amount)
    book.tokens += amount


def withdraw(contracts: Contracts, env: Env, account: int, amount: int) -> None:
    """The owner takes cash out, as far as margin and an open plan allow."""
    book = contracts.book
    held = rolled(book, account, env)
    require(env.sender == book.owners[account], "NotOwner")
    require(held.bound == 0, "AccountBound")
    require(held.cash >= amount, "InsufficientCash")
    left = credit(held, -amount)
    _require_margin(contracts, env, account, left)
    if contracts.gate.open_epoch:
        is_free = equity(left, book.quotes) >= profit(left, book.quotes)
        require(is_free, f"InsufficientMargin({account})")
    book.accounts[account] = left
    book.tokens -= amount


def fund_insurance(contracts: Contracts, amount: int) -> None:
    """Anyone may pay into the insurance fund."""
    contracts.book.insurance += amount
    contracts.book.tokens += amount


def trade(contracts: Contracts, env: Env, matches: Sequence[Match]) -> None:
    """The matcher's trades; every account must hold its initial margin afterwards."""
    require(env.sender == contracts.terms.matcher, "NotMatcher")
    for match in matches:
        _trade_one(contracts, env, match)


def settle(contracts: Contracts, env: Env, account: int, instrument: int) -> None:
    """Anyone may settle an account's position in an expired instrument at its final mark."""
    book, quote = contracts.book, _quote(contracts.book, instrument)
    require(quote.is_expired(env.timestamp_s), "NotFinal")
    require(quote.time_s >= quote.expiry_s, "NotFinal")
    held = rolled(book, account, env)
    lots = held.lots(instrument)
    require(lots, "NoPosition")
    book.accounts[account] = _traded(held, instrument, -lots, quote.mark, quote)
    book.unsettled += lots * quote.price


def post_mark(
    contracts: Contracts, env: Env, *, instrument: int, mark: int, mm_per_lot: int, band: int
) -> None:
    """A new mark observed in this block; the oracles' quorum is not checked here."""
    quote = _quote(contracts.book, instrument)
    require(not quote.is_expired(quote.time_s), "InstrumentExpired")
    require(env.timestamp_s > quote.time_s, "MarkNotNewer")
    contracts.book.quotes[instrument] = replace(
        quote, mark=mark, mm_per_lot=mm_per_lot, band=band, time_s=env.timestamp_s
    )


def post_funding(
    contracts: Contracts, *, instrument: int, cumulative_funding: int, sequence: int
) -> None:
    """New cumulative funding per lot; ``sequence`` must rise."""
    book, quote = contracts.book, _quote(contracts.book, instrument)
    require(not quote.is_expired(quote.time_s), "InstrumentExpired")
    require(sequence > book.funding_sequences.get(instrument, 0), "FundingNotNewer")
    book.funding_sequences[instrument] = sequence
    book.quotes[instrument] = replace(quote, cumulative_funding=cumulative_funding)


def register_group(
    contracts: Contracts, env: Env, account: int, members: Sequence[AccountId]
) -> None:
    """The owner links the account to a margin group; it counts once every member did the same."""
    terms, book = contracts.terms, contracts.book
    require(book.owners.get(account) == env.sender, "NotOwner")
    require(AccountId(terms.chain_id, terms.gate, account) in members, "InvalidGroup")
    book.groups[account] = group_id(members)


def leave_group(contracts: Contracts, env: Env, account: int) -> None:
    """The owner takes the account out of its group."""
    require(contracts.book.owners.get(account) == env.sender, "NotOwner")
    contracts.book.groups.pop(account, None)


def initial_margin(contracts: Contracts, account: Account) -> int:
    """ceil(sum(|lots| x mm_per_lot) x im_factor)."""
    quotes = contracts.book.quotes
    maintenance = sum(abs(p.lots) * quotes[p.instrument].mm_per_lot for p in account.positions)
    return -(-maintenance * contracts.terms.im_factor_ppm // _WHOLE_PPM)


def _trade_one(contracts: Contracts, env: Env, match: Match) -> None:
    book, quote = contracts.book, _quote(contracts.book, match.instrument)
    require(match.lots > 0, "ZeroAmount")
    require(match.buyer != match.seller, "SelfTrade")
    require(not quote.is_expired(env.timestamp_s), "InstrumentExpired")
    for account, d_lots in ((match.buyer, match.lots), (match.seller, -match.lots)):
        held = rolled(book, account, env)
        require(held.bound == 0, "AccountBound")
        after = _traded(held, match.instrument, d_lots, match.price, quote)
        _require_margin(contracts, env, account, after)
        book.accounts[account] = after


def _require_margin(contracts: Contracts, env: Env, account: int, after: Account) -> None:
    quotes = contracts.book.quotes
    age_s_max = contracts.terms.mark_age_s_max
    for position in after.positions:
        is_fresh = quotes[position.instrument].is_fresh(env.timestamp_s, age_s_max=age_s_max)
        require(is_fresh, "StaleMark")
    enough = equity(after, quotes) >= initial_margin(contracts, after)
    require(enough, f"InsufficientMargin({account})")


def _traded(account: Account, instrument: int, d_lots: int, price: int, quote: Quote) -> Account:
    return apply_trade(
        account,
        instrument=instrument,
        d_lots=d_lots,
        price=price,
        kind=quote.kind,
        cumulative_funding=quote.cumulative_funding,
    )


def _quote(book: BookState, instrument: int) -> Quote:
    require(instrument in book.quotes, "UnknownInstrument")
    return book.quotes[instrument]
