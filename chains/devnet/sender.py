"""Sends many transactions of one devnet key: nonces counted here, no waiting in between."""

import asyncio

from chains.artifacts import error_names
from chains.base import Call, Level, UnsignedTransaction
from chains.codec.transaction import created_address
from chains.devnet.anvil import DevnetError
from chains.errors import TransactionWouldRevert
from chains.levels import Levels
from chains.rpc import JsonRpc, RpcRefused
from chains.signer import DevSigner
from chains.transactions import ChainTransactions

__all__ = ["Sender"]

_GAS_PER_TRANSACTION = 300_000_000
_FEE_CAP_WEI = 100_000_000_000
_TIP_WEI = 1_000_000_000
_TO_CREATE = b""
_RECEIPT_ASKS_MAX = 100
_IN_FLIGHT_MAX = 500
"""Signed and published at once; then a block is mined and every receipt is looked at."""


class Sender:
    """Transactions of one key on one devnet. Nobody else may send with that key."""

    def __init__(self, rpc: JsonRpc, signer: DevSigner, *, chain_id: int) -> None:
        self._rpc = rpc
        self._signer = signer
        self._chain_id = chain_id
        self._port = ChainTransactions(rpc, levels=Levels(), error_names=error_names())

    @property
    def address(self) -> bytes:
        """Who sends."""
        return self._signer.address

    async def send(self, *calls: Call) -> None:
        """Have calls mined in this order; raises DevnetError naming the first that failed."""
        for first in range(0, len(calls), _IN_FLIGHT_MAX):
            await self._send_batch(calls[first : first + _IN_FLIGHT_MAX])

    async def create(self, code: bytes) -> bytes:
        """Create a contract from creation code and arguments; its address."""
        address = created_address(self.address, await self._nonce())
        await self.send(Call(_TO_CREATE, code))
        return address

    async def _send_batch(self, calls: tuple[Call, ...]) -> None:
        nonce = await self._nonce()
        signed = [
            await self._signer.sign_transaction(self._transaction(call, nonce=nonce + at))
            for at, call in enumerate(calls)
        ]
        try:
            await self._rpc.ask_all("eth_sendRawTransaction", [[one.raw] for one in signed])
        except RpcRefused as refused:
            raise DevnetError(str(refused)) from None
        while await self._nonce() < nonce + len(calls):
            await self._rpc.ask("evm_mine")
        hashes = [one.hash for one in signed]
        receipts = await self._rpc.ask_all("eth_getTransactionReceipt", [[h] for h in hashes])
        # A node may count the nonce a moment before it serves the receipt.
        for _ in range(_RECEIPT_ASKS_MAX):
            if None not in receipts:
                break
            await asyncio.sleep(0.05)
            receipts = await self._rpc.ask_all("eth_getTransactionReceipt", [[h] for h in hashes])
        for call, receipt in zip(calls, receipts, strict=True):
            if not isinstance(receipt, dict) or receipt.get("status") != "0x1":
                raise DevnetError(await self._why(call))

    async def _nonce(self) -> int:
        return await self._port.nonce(self.address, level=Level.LATEST)

    def _transaction(self, call: Call, *, nonce: int) -> UnsignedTransaction:
        return UnsignedTransaction(
            self._chain_id, nonce, call, _GAS_PER_TRANSACTION, _FEE_CAP_WEI, _TIP_WEI
        )

    async def _why(self, call: Call) -> str:
        where = f"devnet {self._chain_id}: a transaction to 0x{call.to.hex()} failed"
        if call.to == _TO_CREATE:
            return f"{where}: the contract was not created"
        try:
            await self._port.simulate(call, sender=self.address)
        except TransactionWouldRevert as error:
            return f"{where}: {error}"
        return f"{where}, and would succeed now"
