"""Small books with exact numbers, to plan and to test on.

A world is a handful of simulated chains and the keys of its verifiers. Sizes are chosen so that
every figure can be checked in the head; USD(1) is 10^6 micro-USD.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from coincurve import PrivateKey

from chains.codec.fields import keccak256
from chains.codec.quorum import pack_signatures
from chains.codec.typed_data import decision_digest, header_digest
from chains.ledger import Account, Quote, apply_trade, window_of
from chains.legs import Header
from chains.model import CreditLine, Instrument, InstrumentKind, Right
from chains.signatures import address_of, sign
from chains.simulated.chain import SimulatedChain
from chains.simulated.state import BookState, Contracts, GateState, ReserveState, Terms
from chains.simulated.venue import Match

__all__ = [
    "GENESIS_S",
    "VERIFIERS",
    "Funding",
    "Listing",
    "attested",
    "call",
    "decided",
    "default_terms",
    "gate_address",
    "open_book",
    "perpetual",
    "perpetual_long_bankrupt__one_short_on_the_same_chain",
    "reserve_address",
    "short_call_bankrupt__two_longs_on_another_chain",
    "usd",
]

GENESIS_S = 1_800_000_000
"""The first block of every world; a whole hour, so that windows are easy to count."""
_FAR_EXPIRY_S = GENESIS_S + 30 * 86_400
_TRADED_HOURS_AGO = 3
_LOT_NANO = 1_000_000

VERIFIERS: tuple[PrivateKey, ...] = tuple(
    PrivateKey(keccak256(f"adl/simulated verifier/{index}".encode())) for index in range(4)
)
"""Four keys that everybody knows; three must sign."""
_THRESHOLD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An instrument and its quote at the first block; money micro-USD per lot."""

    kind: InstrumentKind
    mark: int
    underlying: str = "BTC"
    expiry_s: int = 0
    strike: int = 0
    right: Right = Right.CALL
    mm_per_lot: int = 1_000_000
    band: int = 1_000_000
    cumulative_funding: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """Money of a venue at the first block, micro-USD; ``credit``: limits by (chain id, gate)."""

    insurance: int = 0
    reserve: int = 0
    credit: Mapping[tuple[int, bytes], int] = field(default_factory=dict)


def usd(amount: int) -> int:
    """Whole dollars as micro-USD."""
    return amount * 1_000_000


def gate_address(chain_id: int) -> bytes:
    """Where a world's venue stands on a chain."""
    return keccak256(f"adl/simulated gate/{chain_id}".encode())[-20:]


def reserve_address(chain_id: int) -> bytes:
    """Where its Reserve stands."""
    return keccak256(f"adl/simulated reserve/{chain_id}".encode())[-20:]


def call(*, strike: int, mark: int) -> Listing:
    """A call that expires in thirty days."""
    return Listing(kind=InstrumentKind.OPTION, mark=mark, expiry_s=_FAR_EXPIRY_S, strike=strike)


def perpetual(*, mark: int, cumulative_funding: int = 0) -> Listing:
    """A perpetual."""
    return Listing(kind=InstrumentKind.PERPETUAL, mark=mark, cumulative_funding=cumulative_funding)


def open_book(
    *,
    chain_id: int,
    listings: Sequence[Listing],
    cash: Sequence[int],
    trades: Sequence[Match],
    funding: Funding | None = None,
    terms: Terms | None = None,
) -> SimulatedChain:
    """A chain whose accounts deposited ``cash`` and then traded, unchecked, three hours before.

    Account i is owned by the address i + 1. Profit realised by these trades has aged out by the
    first block; funding is taken as listed from the start. Raises OutOfRange.
    """
    money, rules = funding or Funding(), terms or default_terms(chain_id)
    book = _book(listings, cash, trades, insurance=money.insurance)
    contracts = Contracts(
        rules,
        book,
        GateState(bucket_level=rules.bucket_capacity, bucket_time_s=GENESIS_S),
        _reserve(money),
    )
    return SimulatedChain(contracts, GENESIS_S)


def default_terms(chain_id: int) -> Terms:
    """Three of four verifiers, who are the oracles too."""
    members = tuple(address_of(key.public_key) for key in VERIFIERS)
    return Terms(
        chain_id=chain_id,
        gate=gate_address(chain_id),
        reserve=reserve_address(chain_id),
        signers=members,
        threshold=_THRESHOLD,
        oracles=members,
        oracle_threshold=_THRESHOLD,
    )


def attested(header: Header, *, chain_id: int, gate: bytes) -> bytes:
    """The header's digest signed by the first three verifiers, packed."""
    return _signed(header_digest(header, chain_id=chain_id, gate=gate))


def decided(edge: bytes, amount: int) -> bytes:
    """A decision on an edge signed by the first three verifiers, packed."""
    return _signed(decision_digest(edge, amount))


def short_call_bankrupt__two_longs_on_another_chain() -> tuple[SimulatedChain, SimulatedChain]:
    """Chain 31337: account 0 is short ten calls at 50 with 200 in cash: equity -300. Its
    counterparty, account 2, bought at 45: profit 50. Insurance 20, Reserve 1,000, credit 500.
    Chain 31338: accounts 0 and 1 are long six and four calls bought at 10: profit 240 and 160.
    So D = 300, R = 280, U = 450."""
    here = open_book(
        chain_id=31_337,
        listings=[call(strike=usd(100_000), mark=usd(50))],
        cash=[usd(100), usd(500), usd(1_000)],
        trades=[Match(1, 0, 0, 10, usd(10)), Match(2, 1, 0, 10, usd(45))],
        funding=Funding(
            insurance=usd(20),
            reserve=usd(1_000),
            credit={(31_338, gate_address(31_338)): usd(500)},
        ),
    )
    there = open_book(
        chain_id=31_338,
        listings=[call(strike=usd(100_000), mark=usd(50))],
        cash=[usd(100), usd(100), usd(2_000)],
        trades=[Match(0, 2, 0, 6, usd(10)), Match(1, 2, 0, 4, usd(10))],
    )
    return here, there


def perpetual_long_bankrupt__one_short_on_the_same_chain() -> SimulatedChain:
    """Chain 31337: account 0 is long ten perpetuals from 100 with 300 in cash, the mark is 60:
    equity -100. Account 1 holds the other side with 1,000 in cash: profit 400. Insurance 30."""
    return open_book(
        chain_id=31_337,
        listings=[perpetual(mark=usd(60))],
        cash=[usd(300), usd(1_000)],
        trades=[Match(0, 1, 0, 10, usd(100))],
        funding=Funding(insurance=usd(30)),
    )


def _book(
    listings: Sequence[Listing], cash: Sequence[int], trades: Sequence[Match], *, insurance: int
) -> BookState:
    window = window_of(GENESIS_S) - _TRADED_HOURS_AGO
    quotes = {number: _quote(listing) for number, listing in enumerate(listings)}
    accounts = {n: Account(amount, 0, 0, window, ()) for n, amount in enumerate(cash)}
    for match in trades:
        _fill(accounts, quotes, match)
    return BookState(
        instruments=tuple(_instrument(n, listing) for n, listing in enumerate(listings)),
        quotes=quotes,
        accounts=accounts,
        owners={account: (account + 1).to_bytes(20, "big") for account in accounts},
        insurance=insurance,
        tokens=sum(cash) + insurance,
    )


def _fill(accounts: dict[int, Account], quotes: Mapping[int, Quote], match: Match) -> None:
    quote = quotes[match.instrument]
    for account, d_lots in ((match.buyer, match.lots), (match.seller, -match.lots)):
        accounts[account] = apply_trade(
            accounts[account],
            instrument=match.instrument,
            d_lots=d_lots,
            price=match.price,
            kind=quote.kind,
            cumulative_funding=quote.cumulative_funding,
        )


def _quote(listing: Listing) -> Quote:
    return Quote(
        kind=listing.kind,
        expiry_s=listing.expiry_s,
        mark=listing.mark,
        cumulative_funding=listing.cumulative_funding,
        band=listing.band,
        mm_per_lot=listing.mm_per_lot,
        time_s=GENESIS_S,
    )


def _instrument(number: int, listing: Listing) -> Instrument:
    return Instrument(
        number,
        listing.kind,
        listing.underlying,
        listing.expiry_s,
        listing.strike,
        listing.right,
        _LOT_NANO,
    )


def _reserve(money: Funding) -> ReserveState:
    lines = {
        (chain, gate): CreditLine(chain, gate, limit, 0, 0, 0)
        for (chain, gate), limit in money.credit.items()
    }
    return ReserveState(tokens=money.reserve, lines=lines)


def _signed(digest: bytes) -> bytes:
    keys = VERIFIERS[:_THRESHOLD]
    return pack_signatures({index: sign(key, digest) for index, key in enumerate(keys)})
