"""Publishing and finding transactions on a real node, and on nodes that answer oddly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
import pytest
from aiohttp import web

from chains.artifacts import error_names
from chains.base import Call, Level, TransactionPort, UnsignedTransaction
from chains.codec.gate import close_plan_call
from chains.codec.token import mint_call
from chains.devnet import DevChain
from chains.errors import ChainUnavailable, TransactionOutcomeUnknown, TransactionWouldRevert
from chains.levels import Levels
from chains.rpc import JsonRpc
from chains.transactions import ChainTransactions
from tests.chains.devnet_world import CHAIN_A, dev_signer
from tests.chains.lying_node import Lie, lying_node

pytestmark = pytest.mark.anvil

SENDER = dev_signer(5)


def port_of(rpc: JsonRpc) -> ChainTransactions:
    return ChainTransactions(rpc, levels=Levels(), error_names=error_names())


@pytest.fixture
def port(chain: DevChain) -> TransactionPort:
    return port_of(chain.rpc)


@asynccontextmanager
async def port_through(chain: DevChain, lie: Lie) -> AsyncIterator[TransactionPort]:
    async with lying_node(chain.url, lie) as url, client(url) as rpc:
        yield port_of(rpc)


@asynccontextmanager
async def port_that_hears(error: dict[str, object]) -> AsyncIterator[TransactionPort]:
    """A node that refuses everything with one JSON-RPC error."""

    async def refuse(request: web.Request) -> web.Response:
        asked = orjson.loads(await request.read())
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "error": error})

    application = web.Application()
    application.router.add_post("/", refuse)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with client(f"http://127.0.0.1:{runner.addresses[0][1]}") as rpc:
            yield port_of(rpc)
    finally:
        await runner.cleanup()


def client(url: str) -> JsonRpc:
    return JsonRpc(url, chain="devnet", attempts=1)


async def transaction(port: TransactionPort, chain: DevChain) -> UnsignedTransaction:
    """Calls a view of the gate: mined for sure, changes nothing."""
    call = Call(chain.deployed.gate, bytes.fromhex("fc0c546a"))
    fees = await port.fees()
    nonce = await port.nonce(SENDER.address, level=Level.LATEST)
    fee_cap = 2 * fees.base_fee_wei + fees.priority_fee_wei
    return UnsignedTransaction(CHAIN_A, nonce, call, 100_000, fee_cap, fees.priority_fee_wei)


async def test_a_published_transaction_is_found_with_its_block(
    chain: DevChain, port: TransactionPort
) -> None:
    signed = await SENDER.sign_transaction(await transaction(port, chain))
    assert await port.receipt(signed.hash) is None
    await port.publish(signed.raw)
    await chain.rpc.ask("evm_mine")
    receipt = await port.receipt(signed.hash)
    assert receipt is not None
    assert receipt.succeeded
    assert receipt.hash == signed.hash
    assert 21_000 < receipt.gas_used <= 100_000
    assert receipt.block.number <= (await port.head(Level.LATEST)).number


async def test_a_reverted_transaction_is_mined_and_did_not_succeed(
    chain: DevChain, port: TransactionPort
) -> None:
    wanted = replace(await transaction(port, chain), call=close_plan_call(chain.deployed.gate, 7))
    signed = await SENDER.sign_transaction(wanted)
    await port.publish(signed.raw)
    await chain.rpc.ask("evm_mine")
    receipt = await port.receipt(signed.hash)
    assert receipt is not None
    assert not receipt.succeeded


async def test_levels_order_heads_and_nonces(chain: DevChain, port: TransactionPort) -> None:
    before = await port.nonce(SENDER.address, level=Level.FINAL)
    signed = await SENDER.sign_transaction(await transaction(port, chain))
    await port.publish(signed.raw)
    await chain.rpc.ask("evm_mine")
    assert await port.nonce(SENDER.address, level=Level.LATEST) == before + 1
    for _ in range(12):
        await chain.rpc.ask("evm_mine")
    assert await port.nonce(SENDER.address, level=Level.FINAL) == before + 1
    heads = [(await port.head(level)).number for level in (Level.FINAL, Level.READ, Level.LATEST)]
    assert heads == sorted(heads)
    assert heads[0] < heads[2]


async def test_gas_money_and_fees_are_read(chain: DevChain, port: TransactionPort) -> None:
    assert await port.balance_wei(SENDER.address) > 10**18
    assert await port.balance_wei(b"\x77" * 20) == 0
    fees = await port.fees()
    assert fees.base_fee_wei > 0
    assert fees.priority_fee_wei >= 1_000_000


async def test_the_priority_fee_is_the_median_of_medians(chain: DevChain) -> None:
    def history(method: str, result: object) -> object:
        tips = [[hex(10**9 * tip)] for tip in (9, 1, 3, 5, 7)]
        return {"baseFeePerGas": ["0x1", "0x2"], "reward": tips} if "fee" in method else result

    async with port_through(chain, history) as port:
        fees = await port.fees()
    assert (fees.base_fee_wei, fees.priority_fee_wei) == (2, 5 * 10**9)


@pytest.mark.parametrize("answer", [None, {}, {"baseFeePerGas": [], "reward": []}, 7])
async def test_a_node_without_fee_history_is_unavailable(chain: DevChain, answer: object) -> None:
    async with port_through(chain, lambda *_: answer) as port:
        with pytest.raises(ChainUnavailable, match="no fee history"):
            await port.fees()


async def test_a_simulation_says_the_gas_or_the_contracts_reason(
    chain: DevChain, port: TransactionPort
) -> None:
    good = await transaction(port, chain)
    assert 21_000 < await port.simulate(good.call, sender=SENDER.address) < 100_000
    with pytest.raises(TransactionWouldRevert, match=r"of 0x.* would revert: PlanNotOpen"):
        await port.simulate(close_plan_call(chain.deployed.gate, 7), sender=SENDER.address)
    mint = mint_call(chain.deployed.token, to=SENDER.address, amount_micro=1)
    with pytest.raises(TransactionWouldRevert, match="OwnableUnauthorizedAccount"):
        await port.simulate(mint, sender=SENDER.address)


async def test_published_again_it_is_on_its_way_and_nobody_knows_more(
    chain: DevChain, port: TransactionPort
) -> None:
    signed = await SENDER.sign_transaction(await transaction(port, chain))
    await port.publish(signed.raw)
    with pytest.raises(TransactionOutcomeUnknown):
        await port.publish(signed.raw)
    await chain.rpc.ask("evm_mine")
    with pytest.raises(TransactionOutcomeUnknown):
        await port.publish(signed.raw)


async def test_a_cheaper_twin_is_unknown_and_a_fee_below_the_base_fee_is_not_taken(
    chain: DevChain, port: TransactionPort
) -> None:
    wanted = await transaction(port, chain)
    await port.publish((await SENDER.sign_transaction(wanted)).raw)
    twin = replace(wanted, priority_fee_wei=wanted.priority_fee_wei + 1)
    with pytest.raises(TransactionOutcomeUnknown, match="underpriced"):
        await port.publish((await SENDER.sign_transaction(twin)).raw)
    await chain.rpc.ask("anvil_setNextBlockBaseFeePerGas", hex(10**9))
    await chain.rpc.ask("evm_mine")
    poor = replace(wanted, nonce=wanted.nonce + 1, fee_cap_wei=1, priority_fee_wei=1)
    with pytest.raises(ChainUnavailable, match=r"not taken: .*base fee"):
        await port.publish((await SENDER.sign_transaction(poor)).raw)


async def test_without_gas_money_it_is_not_taken(chain: DevChain, port: TransactionPort) -> None:
    poor = dev_signer(77)
    wanted = replace(await transaction(port, chain), nonce=0)
    with pytest.raises(ChainUnavailable, match=r"not taken: .*[Ii]nsufficient funds"):
        await port.publish((await poor.sign_transaction(wanted)).raw)


@pytest.mark.parametrize(
    "message",
    [
        "already known",
        "nonce too low: next nonce 5, tx nonce 4",
        "replacement transaction underpriced",
        "transaction underpriced",
        "something nobody has ever read",
    ],
)
async def test_every_other_refusal_means_go_and_look(message: str) -> None:
    async with port_that_hears({"code": -32000, "message": message}) as port:
        with pytest.raises(TransactionOutcomeUnknown, match=message.partition(":")[0]):
            await port.publish(b"\x02")


async def test_a_lost_reply_and_a_foreign_hash_mean_go_and_look(chain: DevChain) -> None:
    async with client("http://127.0.0.1:9") as rpc:
        with pytest.raises(TransactionOutcomeUnknown, match="eth_sendRawTransaction"):
            await port_of(rpc).publish(b"\x02")
    async with port_through(chain, lambda *_: "0x" + "11" * 32) as port:
        signed = await SENDER.sign_transaction(await transaction(port_of(chain.rpc), chain))
        with pytest.raises(TransactionOutcomeUnknown, match="names another hash"):
            await port.publish(signed.raw)


async def test_a_simulation_that_the_node_cannot_do_is_no_revert() -> None:
    async with port_that_hears({"code": -32601, "message": "method not found"}) as port:
        with pytest.raises(ChainUnavailable, match="method not found"):
            await port.simulate(Call(bytes(20), b""), sender=bytes(20))


async def test_a_receipt_of_a_block_that_is_not_canonical_is_none(chain: DevChain) -> None:
    def other_block(method: str, result: object) -> object:
        return result | {"blockHash": "0x" + "11" * 32} if "Receipt" in method else result  # type: ignore[operator]

    port = port_of(chain.rpc)
    signed = await SENDER.sign_transaction(await transaction(port, chain))
    await port.publish(signed.raw)
    await chain.rpc.ask("evm_mine")
    assert await port.receipt(signed.hash) is not None
    async with port_through(chain, other_block) as lying:
        assert await lying.receipt(signed.hash) is None


@pytest.mark.parametrize("answer", [7, {"blockNumber": "x"}, {"blockNumber": None}])
async def test_garbage_for_a_receipt_is_unavailable(chain: DevChain, answer: object) -> None:
    async with port_through(chain, lambda *_: answer) as port:
        with pytest.raises(ChainUnavailable, match="receipt"):
            await port.receipt(bytes(32))
