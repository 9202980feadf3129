"""Ask the verifiers for their signatures until the quorum has signed.

Inputs within tolerance, outputs bit for bit: a verifier recomputes the plan from the snapshot and
signs only an identical digest. Each keeps its own anti-equivocation record: one plan per epoch,
never a lower epoch.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from chains.base import TransactionSigner
from chains.codec.typed_data import header_digest
from chains.errors import ChainError
from coordinator.decide.publish import PlanDocument, Signature
from coordinator.decide.verify import verify
from coordinator.errors import PlanRejected
from kernels.backend import Backend

__all__ = ["Attestor", "LocalVerifier", "Verifier"]


class Verifier(Protocol):
    """One member of the quorum; ``index`` is its place in the gates' signer sets."""

    @property
    def index(self) -> int: ...
    async def attest(self, document: PlanDocument) -> Signature:
        """Its signatures; raises PlanRejected with the first difference."""
        ...


class LocalVerifier:
    """A verifier in this process with a key of its own.

    It recomputes the plan from the published snapshot and does not read the chains itself; which
    epochs it signed is forgotten when the process ends. Raises PlanRejected.
    """

    def __init__(self, *, index: int, signer: TransactionSigner, backend: Backend) -> None:
        self.index = index
        self._signer = signer
        self._backend = backend
        self._last_epoch = 0
        self._signed = b""

    async def attest(self, document: PlanDocument) -> Signature:
        """See :class:`Verifier`."""
        self._refuse_equivocation(document)
        verdict = verify(document, self._backend)
        if not verdict.is_identical:
            raise PlanRejected(f"verifier {self.index}: {verdict.first_difference}")
        self._last_epoch, self._signed = document.plan.epoch, document.plan.digest
        signatures = [
            await self._signer.sign_digest(
                header_digest(header, chain_id=slice_.chain_id, gate=slice_.gate)
            )
            for slice_, header in zip(document.plan.slices, document.headers, strict=True)
        ]
        return Signature(self.index, tuple(signatures))

    def _refuse_equivocation(self, document: PlanDocument) -> None:
        epoch, digest = document.plan.epoch, document.plan.digest
        if epoch < self._last_epoch or (epoch == self._last_epoch and digest != self._signed):
            raise PlanRejected(
                f"verifier {self.index}: epoch {epoch} is not above {self._last_epoch}, "
                "for which another plan was signed"
            )


class Attestor:
    """Collects ``threshold`` signatures from the verifiers."""

    def __init__(self, verifiers: Sequence[Verifier], *, threshold: int) -> None:
        self._verifiers = tuple(verifiers)
        self._threshold = threshold

    @property
    def threshold(self) -> int:
        """How many must sign."""
        return self._threshold

    async def attest(self, document: PlanDocument) -> PlanDocument:
        """The document with exactly ``threshold`` signatures by ascending index.

        Raises PlanRejected with every verifier's reason when too few sign.
        """
        answers = await asyncio.gather(*(self._ask(v, document) for v in self._verifiers))
        signed = sorted(answer for answer in answers if isinstance(answer, Signature))
        if len(signed) < self._threshold:
            reasons = "; ".join(answer for answer in answers if isinstance(answer, str))
            raise PlanRejected(
                f"{len(signed)} of {self._threshold} needed verifiers signed: {reasons}"
            )
        return replace(document, signatures=tuple(signed[: self._threshold]))

    async def _ask(self, verifier: Verifier, document: PlanDocument) -> Signature | str:
        try:
            return await verifier.attest(document)
        except (PlanRejected, ChainError) as error:
            return str(error)
