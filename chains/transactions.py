"""Publishes transactions of one chain and looks for what became of them."""

from collections.abc import Mapping
from statistics import median_low

from chains.answers import block_by_number, hex_data, hexed, quantity
from chains.base import Call, FeeQuote, Level, Receipt
from chains.codec.fields import keccak256
from chains.codec.reverts import revert_reason
from chains.errors import ChainUnavailable, TransactionOutcomeUnknown, TransactionWouldRevert
from chains.levels import Levels, block_at, height_at
from chains.model import BlockRef
from chains.rpc import JsonRpc, RpcRefused

__all__ = ["ChainTransactions"]

_FEE_BLOCKS = 5
_FEE_PERCENTILE = 50
_PRIORITY_FEE_WEI_MIN = 1_000_000
"""What block builders ask by default (0.001 gwei); empty blocks would suggest nothing at all."""

_NOT_TAKEN = (
    "less than block base fee",
    "max fee per gas less than",
    "insufficient funds",
    "txpool is full",
    "transaction pool is full",
)
"""Refusals after which the node surely does not hold these bytes, and may take them later.
Every other refusal (already known, nonce too low, underpriced, words we do not know) can mean
that this transaction or its twin is on its way: the chain must be asked."""


class ChainTransactions:
    """TransactionPort over one endpoint. ``error_names``: selector -> name, for reasons."""

    def __init__(self, rpc: JsonRpc, *, levels: Levels, error_names: Mapping[bytes, str]) -> None:
        self._rpc = rpc
        self._levels = levels
        self._error_names = error_names

    async def head(self, level: Level) -> BlockRef:
        """The block of a level; raises ChainUnavailable."""
        return await block_at(self._rpc, self._levels, level)

    async def nonce(self, address: bytes, *, level: Level) -> int:
        """Transactions that an account has mined up to a level; raises ChainUnavailable."""
        height = hex(await height_at(self._rpc, self._levels, level))
        return await self._quantity("eth_getTransactionCount", hexed(address), height)

    async def balance_wei(self, address: bytes) -> int:
        """Gas money at the head; raises ChainUnavailable."""
        return await self._quantity("eth_getBalance", hexed(address), "latest")

    async def fees(self) -> FeeQuote:
        """Base fee of the next block; priority fee = median over blocks of their median tips."""
        history = await self._rpc.ask(
            "eth_feeHistory", hex(_FEE_BLOCKS), "latest", [_FEE_PERCENTILE]
        )
        where = f"{self._rpc.name}: eth_feeHistory"
        try:
            base_fees, rewards = history["baseFeePerGas"], history["reward"]  # type: ignore[index]
            tips = [quantity(where, block[0]) for block in rewards]
            base_fee = quantity(where, base_fees[-1])
        except (KeyError, IndexError, TypeError):
            raise ChainUnavailable(f"{where}: no fee history") from None
        tip = median_low(tips) if tips else 0
        return FeeQuote(base_fee, max(_PRIORITY_FEE_WEI_MIN, tip))

    async def simulate(self, call: Call, *, sender: bytes) -> int:
        """Gas the call needs at the head. Raises TransactionWouldRevert with the contract's
        reason, or ChainUnavailable."""
        request = {"from": hexed(sender), "to": hexed(call.to), "data": hexed(call.data)}
        try:
            await self._rpc.ask("eth_call", request, "latest")
            return await self._quantity("eth_estimateGas", request, "latest")
        except RpcRefused as refused:
            if not _is_revert(refused):
                raise ChainUnavailable(str(refused)) from None
            reason = revert_reason(refused.data, self._error_names)
            raise TransactionWouldRevert(
                f"{self._rpc.name}: call 0x{call.data[:4].hex()} of {hexed(call.to)} would revert: "
                f"{reason}"
            ) from None

    async def publish(self, raw: bytes) -> None:
        """Hand the bytes to the node.

        Raises ChainUnavailable where the node surely did not take them now (fee cap below the
        base fee, no gas money, full pool), TransactionOutcomeUnknown after every other refusal
        and after a lost reply.
        """
        expected = keccak256(raw)
        try:
            answer = await self._rpc.ask("eth_sendRawTransaction", hexed(raw))
        except RpcRefused as refused:
            raise _refused_bytes(refused) from None
        except ChainUnavailable as error:
            raise TransactionOutcomeUnknown(str(error)) from None
        if hex_data(f"{self._rpc.name}: published hash", answer) != expected:
            raise TransactionOutcomeUnknown(f"{self._rpc.name}: the node names another hash")

    async def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """Where a transaction was mined, or None: unknown, pending, or its block is no longer
        canonical. Raises ChainUnavailable."""
        answer = await self._rpc.ask("eth_getTransactionReceipt", hexed(transaction_hash))
        if answer is None:
            return None
        where = f"{self._rpc.name}: receipt"
        if not isinstance(answer, dict):
            raise ChainUnavailable(f"{where}: no receipt object")
        block = await block_by_number(self._rpc, quantity(where, answer.get("blockNumber")))
        if block.hash != hex_data(where, answer.get("blockHash")):
            return None
        gas_used = quantity(where, answer.get("gasUsed"))
        succeeded = quantity(where, answer.get("status")) == 1
        return Receipt(transaction_hash, block, gas_used, succeeded)

    async def _quantity(self, method: str, *params: object) -> int:
        return quantity(f"{self._rpc.name}: {method}", await self._rpc.ask(method, *params))


def _is_revert(refused: RpcRefused) -> bool:
    return refused.code == 3 or bool(refused.data) or "revert" in refused.message.lower()


def _refused_bytes(refused: RpcRefused) -> ChainUnavailable | TransactionOutcomeUnknown:
    message = refused.message.lower()
    if any(words in message for words in _NOT_TAKEN):
        return ChainUnavailable(f"not taken: {refused}")
    return TransactionOutcomeUnknown(str(refused))
