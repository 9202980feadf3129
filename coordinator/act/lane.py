"""One signer on one chain: its port, its key, and the turn in which it takes nonces."""

import asyncio
from dataclasses import dataclass, field

from chains.base import (
    GateReader,
    Level,
    SignedTransaction,
    TransactionPort,
    TransactionSigner,
    UnsignedTransaction,
)
from chains.codec.fields import FieldOutOfRange, keccak256
from chains.codec.transaction import unpack_signed
from chains.errors import SignerError, TransactionOutcomeUnknown
from coordinator.act.observe import NonceSight

__all__ = ["Lane"]


@dataclass(frozen=True, slots=True)
class Lane:
    """What acting on a chain needs. ``gates``: by address. A key serves one lane of one process."""

    chain_id: int
    port: TransactionPort
    signer: TransactionSigner
    gates: dict[bytes, GateReader]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def sight(self) -> NonceSight:
        """FINAL before LATEST, heads before nonces: see :mod:`coordinator.act.observe`."""
        final = await self.port.head(Level.FINAL)
        latest = await self.port.head(Level.LATEST)
        address = self.signer.address
        return NonceSight(
            latest=latest,
            final=final,
            nonce_final=await self.port.nonce(address, level=Level.FINAL),
            nonce_latest=await self.port.nonce(address, level=Level.LATEST),
        )

    async def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """Signed bytes that say exactly what was asked; raises SignerError."""
        signed = await self.signer.sign_transaction(transaction)
        try:
            body, sender = unpack_signed(signed.raw)
        except FieldOutOfRange as error:
            raise SignerError(f"chain {self.chain_id}: the signer answered {error}") from error
        is_asked = (body, sender) == (transaction, self.signer.address)
        if not is_asked or keccak256(signed.raw) != signed.hash:
            raise SignerError(
                f"chain {self.chain_id}: the signer signed something else than nonce "
                f"{transaction.nonce} as asked; replace it before anything is sent"
            )
        return signed

    async def publish(self, raw: bytes) -> None:
        """Hand over; whatever the answer means is seen by looking. Raises ChainUnavailable."""
        try:
            await self.port.publish(raw)
        except TransactionOutcomeUnknown:
            return
