"""The whole demo: start, seed, crash, rounds until nothing is left to do, look again."""

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from chains.devnet import AnvilOptions, DevChain, Devnet, DevnetError
from chains.model import ChainState
from chains.signer import DEV_CHAIN_IDS
from chains.venue import VenueReader
from coordinator.act.outcome import PlanOutcome
from coordinator.decide.invariants import Finding
from coordinator.decide.policy import Policy
from coordinator.decide.relations import relations
from coordinator.demo.board import Board
from coordinator.demo.books import ACCOUNTS_PER_CHAIN_MIN, Books, open_books
from coordinator.demo.crew import ChainClock, engine_on, read_venues, readers_of
from coordinator.demo.market import CALM, CRASH, CRASH_S, OPENED_S, listing
from coordinator.demo.recheck import Balances, balances_of
from coordinator.demo.role import OracleRole
from coordinator.demo.seed import open_venues, venue_setup
from coordinator.engine import Engine, Round
from kernels.backend import choose_backend

__all__ = ["CHAINS_MAX", "DemoOptions", "Played", "PlayedRound", "play"]

CHAINS_MAX = 8
_ROUNDS_MAX = 6
_MARKET_AGE_MS_MAX = 120_000
"""Generous, so that a slow machine has the same demo."""
_BETWEEN_ROUNDS_S = 120
_SEEN_WITHIN_S = 60.0
_POLL_MS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """``accounts`` over all chains. Raises ValueError saying what is wanted."""

    chains: int = 3
    accounts: int = 360
    seed: int = 4

    def __post_init__(self) -> None:
        """Refuse what has no demo."""
        if not 1 <= self.chains <= CHAINS_MAX:
            raise ValueError(f"chains: {self.chains}, 1 to {CHAINS_MAX} are wanted")
        if self.accounts < self.chains * ACCOUNTS_PER_CHAIN_MIN:
            raise ValueError(
                f"accounts: {self.accounts}, at least {self.chains * ACCOUNTS_PER_CHAIN_MIN} are "
                f"wanted on {self.chains} chains ({ACCOUNTS_PER_CHAIN_MIN} on each)"
            )
        if self.seed < 0:
            raise ValueError(f"seed: {self.seed}, must not be negative")


@dataclass(frozen=True, slots=True)
class PlayedRound:
    """A round, what became of its plan, and every venue afterwards at the same marks."""

    round: Round
    outcome: PlanOutcome | None
    after: tuple[ChainState, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """Everything that happened; the last round had nothing left to do, unless rounds ran out.

    ``balances``: tokens when the first round began, and at the end. ``relations``: what planning
    again from changed inputs says. ``timings_ms`` in order; ``urls`` by chain.
    """

    options: DemoOptions
    policy: Policy
    books: Books
    rounds: tuple[PlayedRound, ...]
    balances: tuple[tuple[Balances, ...], tuple[Balances, ...]]
    relations: tuple[Finding, ...]
    urls: tuple[str, ...]
    timings_ms: tuple[tuple[str, int], ...]


@asynccontextmanager
async def play(options: DemoOptions, *, tell: Callable[[str], None]) -> AsyncIterator[Played]:
    """The result, while the chains still run; ``tell`` hears of progress.

    Raises ChainError, CoordinatorError and OracleError.
    """
    watch, policy = _Watch(), Policy(market_age_ms_max=_MARKET_AGE_MS_MAX)
    with tempfile.TemporaryDirectory(prefix="adl-demo-") as folder:
        role = OracleRole(Path(folder) / "market.json", listing(), policy)
        market, opening = role.quote(CALM, at_s=OPENED_S)
        board = Board(role.instruments, opening, policy.im_factor_ppm)
        books = open_books(
            seed=options.seed, chains=options.chains, accounts=options.accounts, board=board
        )
        tell(f"starting {options.chains} chains and deploying a venue on each")
        async with Devnet(_anvils(options), setup=venue_setup(books, policy)) as devnet:
            chains = tuple(devnet.chains.values())
            watch.lap("start and deploy")
            tell(f"opening {options.accounts} accounts and their books")
            await open_venues(
                chains,
                books,
                instruments=role.instruments,
                market=market,
                opening=opening,
                seed=options.seed,
            )
            watch.lap("seed")
            stage = _Stage(options, role, books, chains, readers_of(chains), Path(folder))
            yield await _crash_and_settle(stage, watch, tell)


@dataclass(frozen=True, slots=True)
class _Stage:
    """Everything that stands when the market breaks."""

    options: DemoOptions
    role: OracleRole
    books: Books
    chains: tuple[DevChain, ...]
    readers: tuple[VenueReader, ...]
    folder: Path


async def _crash_and_settle(stage: _Stage, watch: "_Watch", tell: Callable[[str], None]) -> Played:
    policy = stage.role.policy
    clock = ChainClock(OPENED_S)
    tell("crashing the market")
    before = await _publish_crash(stage, clock, at_s=CRASH_S)
    _check_groups(stage.books, before)
    held = await balances_of(stage.chains, before)
    watch.lap("crash")
    async with engine_on(
        stage.chains,
        stage.readers,
        policy=policy,
        clock=clock,
        market=stage.role.document,
        journal=stage.folder / "journal.sqlite",
    ) as engine:
        rounds = [played async for played in _rounds(stage, engine, clock, watch, tell)]
    tell("looking at the chains again")
    held_after = await balances_of(stage.chains, rounds[-1].after)
    related = relations(rounds[0].round.document.snapshot, policy, choose_backend(None))
    watch.lap("re-check")
    return Played(
        options=stage.options,
        policy=policy,
        books=stage.books,
        rounds=tuple(rounds),
        balances=(held, held_after),
        relations=related,
        urls=tuple(chain.url for chain in stage.chains),
        timings_ms=watch.laps,
    )


async def _rounds(
    stage: _Stage,
    engine: Engine,
    clock: ChainClock,
    watch: "_Watch",
    tell: Callable[[str], None],
) -> AsyncIterator[PlayedRound]:
    """Rounds until one has nothing left to do. The market is posted anew before each: prices stay
    as they crashed, only time goes on."""
    for number in range(_ROUNDS_MAX):
        if number:
            at_s = CRASH_S + number * _BETWEEN_ROUNDS_S
            await _publish_crash(stage, clock, at_s=max(at_s, clock.now_ms() // 1_000 + 1))
        tell(f"round {number + 1}")
        round_ = await engine.run_round()
        watch.take(f"round {number + 1}", round_.timings_ms)
        outcome = await engine.drive(round_)
        if outcome is None:
            yield PlayedRound(round_, None, round_.document.snapshot.chains)
            return
        watch.lap(f"round {number + 1}: execute to final")
        yield PlayedRound(round_, outcome, await read_venues(stage.readers))


async def _publish_crash(stage: _Stage, clock: ChainClock, *, at_s: int) -> tuple[ChainState, ...]:
    """Post the broken market at a unix time and wait until every reader sees it."""
    await stage.role.publish(stage.chains, CRASH, at_s=at_s)
    clock.move_to(at_s)
    give_up_s = monotonic() + _SEEN_WITHIN_S
    while True:
        states = await read_venues(stage.readers)
        if all(int(state.marks.times_s.min()) == at_s for state in states):
            return states
        if monotonic() > give_up_s:
            raise DevnetError(f"marks of {at_s} are not in a safe block after {_SEEN_WITHIN_S} s")
        await clock.sleep_ms(_POLL_MS)


def _check_groups(books: Books, states: Sequence[ChainState]) -> None:
    wanted = sum(len(group) for group in books.groups)
    found = sum(int(state.accounts.groups.any(axis=1).sum()) for state in states)
    if found != wanted:
        raise DevnetError(f"{found} accounts are in margin groups, {wanted} should be")


def _anvils(options: DemoOptions) -> list[AnvilOptions]:
    ids = DEV_CHAIN_IDS[: options.chains]
    return [AnvilOptions(chain_id=chain_id, genesis_s=OPENED_S) for chain_id in ids]


class _Watch:
    """Wall-clock milliseconds between laps."""

    def __init__(self) -> None:
        self._last_s = monotonic()
        self.laps: tuple[tuple[str, int], ...] = ()

    def lap(self, name: str) -> None:
        """Close the lap called ``name``."""
        now_s = monotonic()
        self.laps += ((name, round((now_s - self._last_s) * 1_000)),)
        self._last_s = now_s

    def take(self, prefix: str, laps: Sequence[tuple[str, int]]) -> None:
        """Laps that somebody else measured since the last one."""
        self.laps += tuple((f"{prefix}: {name}", ms) for name, ms in laps)
        self._last_s = monotonic()
