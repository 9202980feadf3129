"""Random books for property tests, and the sums that must never change."""

from hypothesis import strategies as st

from chains.model import InstrumentKind
from chains.simulated.snapshot import chain_state
from chains.simulated.state import EdgeState
from chains.simulated.venue import Match
from chains.simulated.worlds import GENESIS_S, Funding, Listing, open_book

CHAIN_ID = 31_337

listings = st.builds(
    Listing,
    kind=st.sampled_from(InstrumentKind),
    mark=st.integers(1, 10**9),
    expiry_s=st.just(GENESIS_S + 86_400),
    cumulative_funding=st.integers(-(10**7), 10**7),
)


@st.composite
def books(draw, *, accounts=6, instruments=3, trades=12, trades_min=0):
    """A simulated chain with a random, money-conserving book."""
    listed = draw(st.lists(listings, min_size=1, max_size=instruments))
    numbers = st.integers(0, accounts - 1)
    match = st.builds(
        Match,
        buyer=numbers,
        seller=numbers,
        instrument=st.integers(0, len(listed) - 1),
        lots=st.integers(1, 10**4),
        price=st.integers(0, 10**9),
    ).filter(lambda made: made.buyer != made.seller)
    return open_book(
        chain_id=CHAIN_ID,
        listings=listed,
        cash=draw(st.lists(st.integers(0, 10**10), min_size=accounts, max_size=accounts)),
        trades=draw(st.lists(match, min_size=trades_min, max_size=trades)),
        funding=Funding(insurance=draw(st.integers(0, 10**12)), reserve=10**12),
    )


def state_of(chain):
    """The head as columns."""
    return chain_state(chain.head.contracts, chain.head.ref)


def perpetual_cost(accounts, quotes):
    return sum(
        position.cost
        for account in accounts
        for position in account.positions
        if quotes[position.instrument].kind is not InstrumentKind.OPTION
    )


def claims_on_venue(contracts):
    """cash - cost of perpetuals - unsettled + insurance + pots: the venue's token balance."""
    book = contracts.book
    pots = sum(plan.money.pot + plan.back_left for plan in contracts.gate.plans.values())
    cash = sum(account.cash for account in book.accounts.values())
    cost = perpetual_cost(book.accounts.values(), book.quotes)
    return cash - cost - book.unsettled + book.insurance + pots


def claims_on_reserve(contracts, free):
    """free + earmarks + escrow and refunds + unsent debt: the Reserve's token balance."""
    reserve = contracts.reserve
    earmarked = sum(
        record.earmark for record in reserve.edges.values() if record.state is EdgeState.PREPARED
    )
    held = sum(
        record.back_left if record.state is EdgeState.APPLIED else record.escrow
        for record in reserve.edges.values()
    )
    unsent = sum(owed - sent for owed, sent in reserve.owing.values())
    return free + earmarked + held + unsent
