"""Reading a venue: one canonical block, endpoints that agree, and addresses that are right."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from hashlib import sha256

import pytest

from chains.base import ChainReader, GateReader, Level
from chains.codec.slots import encode_slots
from chains.devnet import DevChain
from chains.endpoints import Endpoints
from chains.errors import BlockReorged, ChainStateInvalid, ChainUnavailable
from chains.legs import Edge
from chains.levels import Levels
from chains.model import BlockRef
from chains.rpc import JsonRpc
from chains.venue import VenueGate, VenueReader
from chains.venue_reading import VenueAddress, read_venue
from tests.chains.devnet_world import (
    CHAIN_A,
    address_of_venue,
    endpoints_of,
    open_three_accounts,
    owner,
)
from tests.chains.lying_node import Lie, lying_node

pytestmark = pytest.mark.anvil

AT_HEAD = Levels(read=0, final=0)


def truth(_: str, result: object) -> object:
    return result


def lie_about_calls(_: str, result: object) -> object:
    """Flips the last digit of everything a contract says."""
    if isinstance(result, str) and len(result) > 66:
        return result[:-1] + format(int(result[-1], 16) ^ 1, "x")
    return result


def lie_about_hashes(_: str, result: object) -> object:
    return result | {"hash": "0x" + "66" * 32} if isinstance(result, dict) else result


def stale(method: str, result: object) -> object:
    return hex(int(str(result), 16) - 5) if method == "eth_blockNumber" else result


def another_chain(method: str, result: object) -> object:
    return "0x1" if method == "eth_chainId" else result


@asynccontextmanager
async def endpoints(
    chain: DevChain, *lies: Lie, needed: int, dead: int = 0
) -> AsyncIterator[Endpoints]:
    async with AsyncExitStack() as stack:
        rpcs = []
        for number, lie in enumerate(lies):
            url = await stack.enter_async_context(lying_node(chain.url, lie))
            rpcs.append(await stack.enter_async_context(client(url, name=f"node {number}")))
        for number in range(dead):
            url = f"http://127.0.0.1:{9 + number}"
            rpcs.append(await stack.enter_async_context(client(url, name="dead")))
        yield Endpoints(rpcs, chain_id=CHAIN_A, levels=AT_HEAD, needed=needed)


def client(url: str, *, name: str) -> JsonRpc:
    return JsonRpc(url, chain=name, attempts=1, timeout_s=5)


async def test_a_read_is_the_book_of_one_block(chain: DevChain) -> None:
    await open_three_accounts(chain)
    reader: ChainReader = VenueReader(endpoints_of(chain), address_of_venue(chain))
    state = await reader.read()
    assert (state.chain_id, state.gate, state.reserve) == (
        CHAIN_A,
        chain.deployed.gate,
        chain.deployed.reserve,
    )
    assert state.slots_digest == sha256(encode_slots(state.accounts, state.positions)).digest()
    assert [item.underlying for item in state.instruments] == ["BTC", "BTC"]
    assert (state.funds.config_version, state.funds.policy_digest) == (2, b"\x04" * 32)
    assert (state.funds.last_epoch, state.funds.open_epoch) == (0, 0)
    assert (state.funds.im_factor_ppm, state.funds.mark_age_s_max) == (1_250_000, 3_600)


async def test_pages_of_any_size_give_the_same_book(chain: DevChain) -> None:
    await open_three_accounts(chain)
    digests = set()
    for size in (1, 2, 3, 1_000):
        venue = replace(address_of_venue(chain), accounts_per_page=size)
        digests.add((await VenueReader(endpoints_of(chain), venue).read()).slots_digest)
    assert len(digests) == 1


async def test_a_venue_without_accounts_is_read(chain: DevChain) -> None:
    state = await VenueReader(endpoints_of(chain), address_of_venue(chain)).read()
    assert (len(state.accounts), len(state.positions)) == (0, 0)


async def test_a_read_below_the_head_knows_nothing_newer(chain: DevChain) -> None:
    await open_three_accounts(chain)
    for _ in range(6):
        await chain.rpc.ask("evm_mine")
    await chain.open_accounts([owner(9)])
    behind = await VenueReader(endpoints_of(chain, read=5), address_of_venue(chain)).read()
    newest = await VenueReader(endpoints_of(chain), address_of_venue(chain)).read()
    assert (len(behind.accounts), len(newest.accounts)) == (3, 4)
    assert behind.block.number <= newest.block.number - 5


async def test_what_is_mined_during_a_read_is_not_in_it(chain: DevChain) -> None:
    await open_three_accounts(chain)
    venue = replace(address_of_venue(chain), accounts_per_page=1)

    async def read_and_disturb(rpc: JsonRpc, block: BlockRef) -> bytes:
        await chain.open_accounts([owner(9)])
        return (await read_venue(rpc, venue, block=block)).gate_state

    agreed = await endpoints_of(chain).agreed(Level.READ, read_and_disturb)
    still = await VenueReader(endpoints_of(chain, read=0), venue).read()
    assert int.from_bytes(agreed.value[32 * 8 : 32 * 9], "big") == 3
    assert len(still.accounts) == 4


async def test_a_block_reorged_away_during_the_read_is_refused(chain: DevChain) -> None:
    for _ in range(4):
        await chain.rpc.ask("evm_mine")

    async def read_and_reorg(rpc: JsonRpc, block: BlockRef) -> bool:
        await rpc.ask("anvil_reorg", 3, [])
        return True

    with pytest.raises(BlockReorged, match=r"block \d+ was 0x.* and is 0x.* after the read"):
        await endpoints_of(chain).agreed(Level.READ, read_and_reorg)


async def test_safe_and_finalized_lag_the_head(chain: DevChain) -> None:
    for _ in range(12):
        await chain.rpc.ask("evm_mine")

    async def number(_: JsonRpc, block: BlockRef) -> int:
        return block.number

    tagged = Endpoints([chain.rpc], chain_id=CHAIN_A, levels=Levels())
    read = (await tagged.agreed(Level.READ, number)).value
    final = (await tagged.agreed(Level.FINAL, number)).value
    assert final + 4 <= read + 1 <= (await chain.head()).number + 1


async def test_one_liar_of_three_is_dropped_and_named(chain: DevChain) -> None:
    await open_three_accounts(chain)
    honest = await VenueReader(endpoints_of(chain), address_of_venue(chain)).read()
    for lie, complaint in (
        (lie_about_calls, "says otherwise on what the block says"),
        (lie_about_hashes, "says otherwise on block"),
        (another_chain, "is chain 1, settings say 31337"),
    ):
        async with endpoints(chain, lie, truth, truth, needed=2) as three:
            reader = VenueReader(three, address_of_venue(chain))
            state = await reader.read()
        assert state.slots_digest == honest.slots_digest
        assert len(reader.dropped) == 1
        assert reader.dropped[0].startswith("node 0 at 127.0.0.1:")
        assert complaint in reader.dropped[0]


async def test_a_dead_and_a_stale_endpoint_do_not_hinder_two_good_ones(chain: DevChain) -> None:
    async with endpoints(chain, truth, truth, dead=1, needed=2) as three:
        reader = VenueReader(three, address_of_venue(chain))
        await reader.read()
    assert len(reader.dropped) == 1
    assert "dead at 127.0.0.1:9" in reader.dropped[0]
    async with endpoints(chain, stale, truth, truth, needed=2) as three:
        head = (await chain.head()).number
        assert (await VenueReader(three, address_of_venue(chain)).read()).block.number >= head


async def test_an_endpoint_that_never_answers_is_not_waited_for(chain: DevChain) -> None:
    silent = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with (
        client(f"http://127.0.0.1:{port}", name="silent") as hanging,
        client(chain.url, name="good") as good,
        client(chain.url, name="also good") as also_good,
        asyncio.timeout(4),
    ):
        rpcs = [hanging, good, also_good]
        three = Endpoints(rpcs, chain_id=CHAIN_A, levels=AT_HEAD, needed=2)
        reader = VenueReader(three, address_of_venue(chain))
        await reader.read()
    silent.close()
    assert reader.dropped == (f"silent at 127.0.0.1:{port} is slow",)


async def test_without_a_majority_the_chain_is_unavailable_and_everybody_is_named(
    chain: DevChain,
) -> None:
    def other_lie(_: str, result: object) -> object:
        return result[:-1] + "7" if isinstance(result, str) and len(result) > 66 else result

    async with endpoints(chain, lie_about_calls, other_lie, truth, needed=2) as three:
        with pytest.raises(ChainUnavailable, match="no 2 of 3 endpoints agree") as caught:
            await VenueReader(three, address_of_venue(chain)).read()
    assert "node 0" in str(caught.value)
    assert "node 1" in str(caught.value)
    async with endpoints(chain, truth, dead=2, needed=2) as three:
        with pytest.raises(ChainUnavailable, match="only 1 of 3 endpoints answer, 2 are needed"):
            await VenueReader(three, address_of_venue(chain)).read()


def test_a_minority_cannot_be_asked_for() -> None:
    rpcs = [client("http://127.0.0.1:9", name="x")] * 4
    for needed in (0, 2, 5):
        with pytest.raises(ValueError, match=f"{needed} of 4 endpoints are no majority"):
            Endpoints(rpcs, chain_id=1, levels=AT_HEAD, needed=needed)


async def test_a_wrong_chain_a_wrong_address_and_a_wrong_contract_are_told_apart(
    chain: DevChain,
) -> None:
    right = address_of_venue(chain)
    wrong_chain = Endpoints([chain.rpc], chain_id=1, levels=AT_HEAD)
    with pytest.raises(ChainStateInvalid, match="is chain 31337, settings say 1: check"):
        await VenueReader(wrong_chain, right).read()
    nobody = VenueAddress(b"\x99" * 20, right.reserve)
    with pytest.raises(ChainStateInvalid, match=r"0x9999.* is no contract with function 0x"):
        await VenueReader(endpoints_of(chain), nobody).read()
    token = VenueAddress(chain.deployed.token, right.reserve)
    with pytest.raises(ChainStateInvalid, match="is this the venue's address"):
        await VenueReader(endpoints_of(chain), token).read()
    foreign_reserve = VenueAddress(right.gate, chain.deployed.token)
    with pytest.raises(ChainStateInvalid, match=r"is this the venue's address|its Reserve is"):
        await VenueReader(endpoints_of(chain), foreign_reserve).read()


async def test_a_dead_node_makes_the_chain_unavailable(chain: DevChain) -> None:
    async with endpoints(chain, dead=1, needed=1) as dead:
        with pytest.raises(ChainUnavailable, match=r"dead at 127\.0\.0\.1:9: eth_chainId"):
            await VenueReader(dead, address_of_venue(chain)).read()


async def test_reads_can_be_cancelled(chain: DevChain) -> None:
    await open_three_accounts(chain)
    reader = VenueReader(endpoints_of(chain), address_of_venue(chain))
    for _ in range(10):
        tasks = [asyncio.create_task(reader.read()) for _ in range(3)]
        await asyncio.sleep(0.003)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert len((await reader.read()).accounts) == 3


async def test_a_plan_that_was_never_committed_has_made_no_progress(chain: DevChain) -> None:
    gate: GateReader = VenueGate(endpoints_of(chain), address_of_venue(chain))
    progress = await gate.progress(7, chunks=2, level=Level.FINAL)
    assert (progress.committed, progress.closed, progress.legs_done) == (False, False, 0)
    assert (progress.plan_root, progress.leg_bits) == (bytes(32), (0, 0))


async def test_an_unprepared_edge_is_sealed_at_nothing_only_when_late(chain: DevChain) -> None:
    gate: GateReader = VenueGate(endpoints_of(chain), address_of_venue(chain))
    now_s = (await chain.head()).timestamp_s
    here, there = (CHAIN_A, chain.deployed.gate), (5, b"\x01" * 20)
    for side_a, side_b in ((here, there), (there, here)):
        open_edge = Edge(1, 1, 1, 10, now_s + 600, side_a[0], side_a[1], 0, side_b[0], side_b[1])
        late_edge = replace(open_edge, decide_by_s=now_s - 1)
        early = await gate.edge_side(open_edge, level=Level.LATEST)
        late = await gate.edge_side(late_edge, level=Level.LATEST)
        assert (early.state, early.is_sealed, early.amount_micro) == (0, False, 0)
        assert (late.state, late.is_sealed, late.amount_micro) == (0, True, 0)
