"""The world of tests on real chains: two venues that list a BTC call and a BTC perpetual."""

from functools import cache

import numpy as np

from chains.codec.gate import Config
from chains.codec.instruments import pack_mark
from chains.devnet import DevChain, VenueSetup
from chains.endpoints import Endpoints
from chains.levels import Levels
from chains.model import Columns, Instrument, InstrumentKind, Right, read_only
from chains.signer import DevSigner
from chains.venue_reading import VenueAddress

CHAIN_A, CHAIN_B = 31_337, 31_338
VERIFIER_KEYS = (10, 11, 12, 13)
ORACLE_KEYS = (14, 15, 16)
MARK_MICRO = 10_000_000


@cache
def dev_signer(number: int) -> DevSigner:
    return DevSigner(number, chain_ids=frozenset({CHAIN_A, CHAIN_B}))


def venue_setup() -> VenueSetup:
    rules = Config(
        policy_digest=b"\x04" * 32,
        plan_cap_micro=10**12,
        bucket_capacity_micro=10**12,
        bucket_refill_micro=10**6,
        window_s_max=600,
        snapshot_age_blocks_max=200,
        mark_age_s_max=3_600,
        im_factor_ppm=1_250_000,
        account_cap_ppm=1_000_000,
    )
    verifiers = tuple(dev_signer(number).address for number in VERIFIER_KEYS)
    return VenueSetup(rules, verifiers, 3, ORACLE_KEYS, 2, ("BTC / USD",))


def btc_call_and_perpetual(now_s: int) -> tuple[Instrument, Instrument]:
    expiry_s = now_s + 30 * 86_400
    return (
        Instrument(0, InstrumentKind.OPTION, "BTC", expiry_s, 10**11, Right.CALL, 10**7),
        Instrument(1, InstrumentKind.PERPETUAL, "BTC", 0, 0, Right.CALL, 10**7),
    )


def marks_at(now_s: int, *, mark_micro: int = MARK_MICRO) -> list[bytes]:
    return [
        pack_mark(
            instrument=instrument,
            mark_micro=mark_micro,
            mm_per_lot_micro=1_000_000,
            band_micro=100_000,
            time_s=now_s,
        )
        for instrument in (0, 1)
    ]


async def list_and_mark(chain: DevChain) -> None:
    now_s = (await chain.head()).timestamp_s
    await chain.list_instruments(("BTC",), btc_call_and_perpetual(now_s))
    await chain.post_marks(marks_at(now_s))


def owner(number: int) -> bytes:
    return number.to_bytes(20, "big")


async def open_three_accounts(chain: DevChain) -> None:
    """0 sells 5 calls to 1 and buys 7 perpetuals of 2 at the mark; each brings 1,000 dollars."""
    matches = np.array([[1, 0, 0, 5, MARK_MICRO], [0, 2, 1, 7, MARK_MICRO]])
    deposits: Columns = read_only([10**9] * 3)
    await chain.open_book([owner(1), owner(2), owner(3)], deposits, matches)


def address_of_venue(
    chain: DevChain, *, debtors: tuple[tuple[int, bytes], ...] = ()
) -> VenueAddress:
    return VenueAddress(chain.deployed.gate, chain.deployed.reserve, debtors)


def endpoints_of(chain: DevChain, *, read: int = 0) -> Endpoints:
    levels = Levels(read=read, final=0)
    return Endpoints([chain.rpc], chain_id=chain.chain_id, levels=levels)
