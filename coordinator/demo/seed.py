"""Hands the demo's arrays to its chains: venues, books, money, prices; and moves their clocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chains.codec.fields import keccak256
from chains.codec.gate import Config
from chains.codec.instruments import pack_mark
from chains.codec.merkle import pack_members
from chains.codec.venue import register_group_call
from chains.devnet import DevChain, VenueSetup
from chains.model import AccountId, Instrument
from chains.signer import DevSigner
from chains.together import together
from coordinator.decide.policy import PPM, Policy
from coordinator.demo.books import Books, ChainBook
from coordinator.demo.market import UNDERLYINGS
from coordinator.demo.marks import Marks
from oracles.model import MarketView

__all__ = [
    "EXECUTOR_KEY",
    "VERIFIER_KEYS",
    "VERIFIER_THRESHOLD",
    "Treasury",
    "jump_to",
    "open_venues",
    "post_market",
    "treasury_of",
    "venue_setup",
]

VERIFIER_KEYS = (1, 2, 3, 4)
VERIFIER_THRESHOLD = 3
EXECUTOR_KEY = 9
"""Devnet keys by number: 0 governs and seeds, four verify, four post prices, one sends."""

_ORACLE_KEYS, _ORACLE_THRESHOLD = (5, 6, 7, 8), 3
_INSURANCE_PPM = 1_500
_RESERVE_PPM = 80_000
_CREDIT_LINE_PPM_OF_RESERVE = 500_000
_PLAN_CAP_PPM = 200_000
_BUCKET_PPM = 300_000
_HOUR_S = 3_600
_MARK_AGE_S_MAX = 300
_SNAPSHOT_AGE_BLOCKS_MAX = 1_024
_WINDOW_S_MAX = 600
_OWNER_GAS_WEI = 10**18


@dataclass(frozen=True, slots=True)
class Treasury:
    """What one venue's fund and Reserve start with, and what the Reserve lends to each other."""

    insurance_micro: int
    reserve_micro: int
    credit_line_micro: int


def treasury_of(book: ChainBook) -> Treasury:
    """A small fund and a Reserve in proportion to the deposits."""
    deposits = int(book.deposits.sum())
    reserve = deposits * _RESERVE_PPM // PPM
    return Treasury(
        insurance_micro=deposits * _INSURANCE_PPM // PPM,
        reserve_micro=reserve,
        credit_line_micro=reserve * _CREDIT_LINE_PPM_OF_RESERVE // PPM,
    )


def venue_setup(books: Books, policy: Policy) -> VenueSetup:
    """One rule book for all venues; its caps are shares of an average venue's deposits."""
    deposits = sum(int(book.deposits.sum()) for book in books.chains) // len(books.chains)
    bucket = deposits * _BUCKET_PPM // PPM
    config = Config(
        policy_digest=policy.digest,
        plan_cap_micro=deposits * _PLAN_CAP_PPM // PPM,
        bucket_capacity_micro=bucket,
        bucket_refill_micro=bucket // _HOUR_S,
        window_s_max=_WINDOW_S_MAX,
        snapshot_age_blocks_max=_SNAPSHOT_AGE_BLOCKS_MAX,
        mark_age_s_max=_MARK_AGE_S_MAX,
        im_factor_ppm=policy.im_factor_ppm,
        account_cap_ppm=policy.account_cap_ppm,
    )
    return VenueSetup(
        config=config,
        verifiers=tuple(DevSigner(key, chain_ids=frozenset()).address for key in VERIFIER_KEYS),
        verifier_threshold=VERIFIER_THRESHOLD,
        oracle_keys=_ORACLE_KEYS,
        oracle_threshold=_ORACLE_THRESHOLD,
        feeds=UNDERLYINGS,
    )


async def open_venues(
    chains: Sequence[DevChain],
    books: Books,
    *,
    instruments: Sequence[Instrument],
    market: MarketView,
    opening: Marks,
    seed: int,
) -> None:
    """List, price, open every book, fund everything, register groups. Raises ChainError."""
    await together(
        _open_venue(chain, book, instruments, market, opening, seed=seed)
        for chain, book in zip(chains, books.chains, strict=True)
    )
    await together(
        _lend_to_others(chain, chains, treasury_of(book))
        for chain, book in zip(chains, books.chains, strict=True)
    )
    await together(_register(chains, member) for member in _memberships(chains, books, seed=seed))


async def post_market(chain: DevChain, market: MarketView, marks: Marks) -> None:
    """Indices to the price feeds, marks under the oracles' quorum. Raises ChainError."""
    for quote in market.indices:
        await chain.post_price(
            quote.underlying,
            answer=quote.index_micro * 100,
            updated_at_s=quote.observed_ms // 1_000,
        )
    await chain.post_marks(_mark_words(marks))


async def jump_to(chain: DevChain, at_s: int) -> None:
    """Mine a block at a unix time ahead of the chain's clock, which goes on from there."""
    await chain.rpc.ask("evm_setNextBlockTimestamp", at_s)
    await chain.rpc.ask("evm_mine")


async def _open_venue(
    chain: DevChain,
    book: ChainBook,
    instruments: Sequence[Instrument],
    market: MarketView,
    opening: Marks,
    *,
    seed: int,
) -> None:
    treasury = treasury_of(book)
    await chain.list_instruments(UNDERLYINGS, instruments)
    await post_market(chain, market, opening)
    owners = [_address_of_owner(seed, owner) for owner in book.owners]
    await chain.open_book(owners, book.deposits, book.matches)
    await chain.fund_insurance(treasury.insurance_micro)
    await chain.fund_reserve(treasury.reserve_micro)


async def _lend_to_others(chain: DevChain, chains: Sequence[DevChain], treasury: Treasury) -> None:
    for other in chains:
        if other is not chain:
            await chain.set_credit_line(
                chain_id=other.chain_id,
                gate=other.deployed.gate,
                limit_micro=treasury.credit_line_micro,
            )


def _mark_words(marks: Marks) -> list[bytes]:
    columns = marks.marks.tolist(), marks.mm_per_lots.tolist(), marks.bands.tolist()
    return [
        pack_mark(
            instrument=instrument,
            mark_micro=mark,
            mm_per_lot_micro=mm_per_lot,
            band_micro=band,
            time_s=marks.time_s,
        )
        for instrument, (mark, mm_per_lot, band) in enumerate(zip(*columns, strict=True))
    ]


@dataclass(frozen=True, slots=True)
class _Membership:
    """One account that joins its owner's margin group."""

    row: int
    account: int
    owner: bytes
    members: bytes


def _memberships(chains: Sequence[DevChain], books: Books, *, seed: int) -> Iterator[_Membership]:
    for group in books.groups:
        members = pack_members(
            AccountId(chains[row].chain_id, chains[row].deployed.gate, account)
            for row, account in group
        )
        for row, account in group:
            owner = _address_of_owner(seed, books.chains[row].owners[account])
            yield _Membership(row, account, owner, members)


async def _register(chains: Sequence[DevChain], member: _Membership) -> None:
    """As its owner, for whom nobody has a key: a devnet lets anybody act."""
    chain, owner = chains[member.row], f"0x{member.owner.hex()}"
    call = register_group_call(chain.deployed.gate, account=member.account, members=member.members)
    await chain.rpc.ask("anvil_setBalance", owner, hex(_OWNER_GAS_WEI))
    await chain.rpc.ask("anvil_impersonateAccount", owner)
    request = {"from": owner, "to": f"0x{call.to.hex()}", "data": f"0x{call.data.hex()}"}
    await chain.rpc.ask("eth_sendTransaction", request)


def _address_of_owner(seed: int, owner: int) -> bytes:
    return keccak256(f"adl demo owner {seed}/{owner}".encode())[12:]
