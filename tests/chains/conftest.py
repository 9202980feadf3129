"""One devnet of two chains for all tests that need a real node; every test gets it unchanged."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chains.devnet import AnvilOptions, DevChain, Devnet
from tests.chains.devnet_world import CHAIN_A, CHAIN_B, list_and_mark, venue_setup


@pytest_asyncio.fixture(scope="session")
async def devnet() -> AsyncIterator[Devnet]:
    genesis_s = int(time.time())
    options = [AnvilOptions(chain_id, genesis_s) for chain_id in (CHAIN_A, CHAIN_B)]
    async with Devnet(options, setup=venue_setup()) as running:
        for chain in running.chains.values():
            await list_and_mark(chain)
        yield running


@pytest_asyncio.fixture
async def chains(devnet: Devnet) -> AsyncIterator[dict[int, DevChain]]:
    """Both chains, put back afterwards to where they were."""
    before = {id_: await chain.rpc.ask("evm_snapshot") for id_, chain in devnet.chains.items()}
    yield devnet.chains
    for chain_id, snapshot in before.items():
        rpc = devnet.chains[chain_id].rpc
        await rpc.ask("evm_revert", snapshot)
        await rpc.ask("anvil_dropAllTransactions")


@pytest.fixture
def chain(chains: dict[int, DevChain]) -> DevChain:
    """Chain A alone."""
    return chains[CHAIN_A]
