"""One devnet of two chains for all tests that need a real node; every test gets it unchanged."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chains.codec.gate import Config
from chains.codec.instruments import pack_mark
from chains.devnet import AnvilOptions, DevChain, Devnet, VenueSetup
from chains.model import Instrument, InstrumentKind, Right
from chains.signer import DevSigner

CHAIN_A, CHAIN_B = 31_337, 31_338
VERIFIER_KEYS = (10, 11, 12, 13)
ORACLE_KEYS = (14, 15, 16)
MARK_MICRO = 10_000_000


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "anvil: starts real chains; fails where anvil is missing")


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def devnet() -> AsyncIterator[Devnet]:
    genesis_s = int(time.time())
    options = [AnvilOptions(chain_id, genesis_s) for chain_id in (CHAIN_A, CHAIN_B)]
    async with Devnet(options, setup=venue_setup()) as running:
        for chain in running.chains.values():
            await list_and_mark(chain)
        yield running


async def list_and_mark(chain: DevChain) -> None:
    now_s = (await chain.head()).timestamp_s
    await chain.list_instruments(("BTC",), btc_call_and_perpetual(now_s))
    await chain.post_marks(marks_at(now_s))


@pytest_asyncio.fixture(loop_scope="session")
async def chains(devnet: Devnet) -> AsyncIterator[dict[int, DevChain]]:
    """Both chains, put back afterwards to where they were."""
    before = {id_: await chain.rpc.ask("evm_snapshot") for id_, chain in devnet.chains.items()}
    yield devnet.chains
    for chain_id, snapshot in before.items():
        await devnet.chains[chain_id].rpc.ask("evm_revert", snapshot)


@pytest.fixture
def chain(chains: dict[int, DevChain]) -> DevChain:
    """Chain A alone."""
    return chains[CHAIN_A]
