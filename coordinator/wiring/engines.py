"""Engines: a shadow, which cannot send because it has no hands, and a live one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from chains.base import TransactionSigner
from coordinator.act.attest import Attestor, LocalVerifier, Verifier
from coordinator.act.clock import SystemClock
from coordinator.act.collect import Collector
from coordinator.act.execute import Executor
from coordinator.act.journal import open_journal
from coordinator.act.settle import LocalDecisionSigner
from coordinator.decide.snapshot import Carried
from coordinator.engine import Engine, Hands
from coordinator.errors import SettingsError
from coordinator.settings.model import Settings
from coordinator.wiring.connections import Connections, gates_of, lanes_of, readers_of
from coordinator.wiring.keys import load_signer
from coordinator.wiring.market import index_sources, surface_sources
from kernels.backend import choose_backend

__all__ = ["collector_of", "live_engine", "shadow_engine", "verifier_keys"]


def collector_of(settings: Settings, connections: Connections) -> Collector:
    """Every venue and every price."""
    return Collector(
        list(readers_of(settings, connections).values()),
        index_sources(settings, connections),
        surface_sources(settings),
    )


def shadow_engine(settings: Settings, connections: Connections) -> Engine:
    """Plans and never sends."""
    return Engine(
        collector_of(settings, connections),
        policy=settings.policy,
        backend=choose_backend(None),
        clock=SystemClock(),
        carried=Carried(),
    )


async def verifier_keys(settings: Settings) -> dict[int, TransactionSigner]:
    """Signers by index; keystores are decrypted at the same time. Raises SignerError."""
    ids = [chain.chain_id for chain in settings.chains.values()]
    keys = list(settings.verifiers.values())
    signers = await asyncio.gather(*(load_signer(key, ids) for key in keys))
    return {key.index: signer for key, signer in zip(keys, signers, strict=True)}


@asynccontextmanager
async def live_engine(
    settings: Settings,
    connections: Connections,
    keys: dict[int, TransactionSigner],
    *,
    asked: Callable[[Verifier], Verifier],
) -> AsyncIterator[Engine]:
    """Plans, has plans signed and sends them. ``asked`` may put a question before each verifier.

    Raises SettingsError, SignerError and JournalError.
    """
    if settings.executor is None or settings.journal is None:
        raise SettingsError("executor, journal: both are needed to send")
    backend = choose_backend(None)
    verifiers = [
        asked(LocalVerifier(index=index, signer=key, backend=backend))
        for index, key in keys.items()
    ]
    ids = [chain.chain_id for chain in settings.chains.values()]
    executor_key = await load_signer(settings.executor, ids)
    gates = gates_of(settings, connections)
    async with open_journal(settings.journal.url) as journal:
        executor = Executor(
            journal,
            lanes=list(lanes_of(settings, connections, executor_key).values()),
            signers=[
                LocalDecisionSigner(index=index, signer=key, gates=gates)
                for index, key in keys.items()
            ],
            clock=SystemClock(),
        )
        await executor.resume()  # what a crash left open is carried out before anything new
        yield Engine(
            collector_of(settings, connections),
            policy=settings.policy,
            backend=backend,
            clock=SystemClock(),
            carried=Carried(max(journal.book.plans, default=0)),
            hands=Hands(Attestor(verifiers, threshold=settings.threshold), executor),
        )
