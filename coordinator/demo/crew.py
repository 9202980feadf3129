"""Puts the coordinator together on the demo's chains: the same engine that `adl run` runs.

What differs from a real node: the verifiers are four keys in this process, the surface comes
from a document, and the clock is that of the chains, which live on a day of their own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from chains.artifacts import error_names
from chains.base import GateReader
from chains.devnet import DevChain
from chains.endpoints import Endpoints
from chains.levels import Levels
from chains.model import ChainState
from chains.signer import DevSigner
from chains.together import together
from chains.transactions import ChainTransactions
from chains.venue import VenueGate, VenueReader
from chains.venue_reading import VenueAddress
from coordinator.act.attest import Attestor, LocalVerifier
from coordinator.act.collect import Collector
from coordinator.act.execute import Executor
from coordinator.act.journal import open_journal
from coordinator.act.lane import Lane
from coordinator.act.settle import LocalDecisionSigner
from coordinator.decide.policy import Policy
from coordinator.decide.snapshot import Carried
from coordinator.demo.market import INDEX_HALF_WIDTH_PPM, UNDERLYINGS
from coordinator.demo.seed import EXECUTOR_KEY, VERIFIER_KEYS, VERIFIER_THRESHOLD
from coordinator.engine import Engine, Hands
from coordinator.wiring.market import MarketFile, PinnedCall
from kernels.backend import choose_backend
from oracles.chainlink import ChainlinkFeed, ChainlinkSource

__all__ = ["ChainClock", "engine_on", "read_venues", "readers_of"]

_HEARTBEAT_S = 3_600


class ChainClock:
    """The chains' time: it can be moved ahead, and then runs on like any clock."""

    def __init__(self, at_s: int) -> None:
        self._offset_ms = 0
        self.move_to(at_s)

    def move_to(self, at_s: int) -> None:
        """It is this unix time now."""
        self._offset_ms = at_s * 1_000 - _monotonic_ms()

    def now_ms(self) -> int:
        """Unix milliseconds on the chains."""
        return self._offset_ms + _monotonic_ms()

    async def sleep_ms(self, duration_ms: int) -> None:
        """Let others run."""
        await asyncio.sleep(duration_ms / 1_000)


def readers_of(chains: Sequence[DevChain]) -> tuple[VenueReader, ...]:
    """One reader a venue, in chain order."""
    return tuple(VenueReader(_endpoints(chain), _address(chain, chains)) for chain in chains)


async def read_venues(readers: Sequence[VenueReader]) -> tuple[ChainState, ...]:
    """All venues at their READ blocks; raises ChainError."""
    return tuple(await together(reader.read() for reader in readers))


@asynccontextmanager
async def engine_on(
    chains: Sequence[DevChain],
    readers: Sequence[VenueReader],
    *,
    policy: Policy,
    clock: ChainClock,
    market: Path,
    journal: Path,
) -> AsyncIterator[Engine]:
    """A live engine over the venues. Raises JournalError."""
    here = frozenset(chain.chain_id for chain in chains)
    keys = {index: DevSigner(number, chain_ids=here) for index, number in enumerate(VERIFIER_KEYS)}
    backend = choose_backend(None)
    gates: dict[tuple[int, bytes], GateReader] = {
        (chain.chain_id, chain.deployed.gate): VenueGate(_endpoints(chain), _address(chain, chains))
        for chain in chains
    }
    verifiers = [
        LocalVerifier(index=index, signer=key, backend=backend) for index, key in keys.items()
    ]
    async with open_journal(f"sqlite+aiosqlite:///{journal}") as records:
        executor = Executor(
            records,
            lanes=[_lane(chain, gates) for chain in chains],
            signers=[
                LocalDecisionSigner(index=index, signer=key, gates=gates)
                for index, key in keys.items()
            ],
            clock=clock,
        )
        yield Engine(
            _collector(chains, readers, clock, market),
            policy=policy,
            backend=backend,
            clock=clock,
            carried=Carried(),
            hands=Hands(Attestor(verifiers, threshold=VERIFIER_THRESHOLD), executor),
        )


def _collector(
    chains: Sequence[DevChain],
    readers: Sequence[VenueReader],
    clock: ChainClock,
    market: Path,
) -> Collector:
    """Indices from the price feeds of the first chain, surfaces from the market document."""
    first = chains[0]
    feeds = {
        name: ChainlinkFeed(
            address=f"0x{feed.hex()}",
            heartbeat_s=_HEARTBEAT_S,
            half_width_ppm=INDEX_HALF_WIDTH_PPM,
        )
        for name, feed in first.deployed.feeds.items()
    }
    indices = ChainlinkSource(
        name=f"chainlink {first.chain_id}",
        feeds=feeds,
        eth_call=PinnedCall(_endpoints(first)),
        now_ms=clock.now_ms,
    )
    surfaces = MarketFile(market)
    return Collector(
        readers,
        dict.fromkeys(UNDERLYINGS, indices),
        dict.fromkeys(UNDERLYINGS, surfaces),
    )


def _lane(chain: DevChain, gates: dict[tuple[int, bytes], GateReader]) -> Lane:
    return Lane(
        chain.chain_id,
        ChainTransactions(chain.rpc, levels=Levels(), error_names=error_names()),
        DevSigner(EXECUTOR_KEY, chain_ids=frozenset({chain.chain_id})),
        {gate: port for (of, gate), port in gates.items() if of == chain.chain_id},
    )


def _endpoints(chain: DevChain) -> Endpoints:
    return Endpoints([chain.rpc], chain_id=chain.chain_id, levels=Levels())


def _address(chain: DevChain, chains: Sequence[DevChain]) -> VenueAddress:
    debtors = tuple((other.chain_id, other.deployed.gate) for other in chains if other is not chain)
    return VenueAddress(chain.deployed.gate, chain.deployed.reserve, debtors)


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
