"""How long deciding takes: ``python benchmarks/plan.py [accounts ...]``.

Three venues of equal size, built from arrays: every account holds six positions, opened before the
index fell by a quarter and marked after it. Prints medians of five runs of what stands between a
snapshot and a plan, wall clock and processor time.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chains.model import (
    NO_GROUP,
    AccountColumns,
    BlockRef,
    ChainState,
    Columns,
    CreditLine,
    Funds,
    Instrument,
    InstrumentKind,
    MarkColumns,
    PositionColumns,
    Right,
    read_only,
)
from coordinator.decide.assess import assess
from coordinator.decide.build import build_plan
from coordinator.decide.invariants import check_plan
from coordinator.decide.policy import PPM, Policy
from coordinator.decide.pricing import price
from coordinator.decide.publish import headers_of
from coordinator.decide.snapshot import Carried, Snapshot
from kernels.backend import choose_backend
from oracles.model import ExpirySlice, IndexQuote, MarketView

CHAIN_IDS = (31_337, 31_338, 31_339)
NOW_S = 1_800_000_000
DAY_S = 86_400
INDEX_MICRO = 100_000_000_000
FALL_PPM = 250_000
LOT_NANO = 1_000_000
STRIKES = tuple(share * INDEX_MICRO // 100 for share in (70, 80, 90, 95, 100, 105, 110, 120, 130))
EXPIRIES_S = tuple(NOW_S + days * DAY_S for days in (7, 30, 90))
POSITIONS = 6
LOTS_MAX = 40
RUNS = 5


def listing() -> tuple[Instrument, ...]:
    """Calls and puts on every strike and expiry."""
    kinds = [(e, k, r) for e in EXPIRIES_S for k in STRIKES for r in (Right.CALL, Right.PUT)]
    return tuple(
        Instrument(number, InstrumentKind.OPTION, "BTC", expiry_s, strike, right, LOT_NANO)
        for number, (expiry_s, strike, right) in enumerate(kinds)
    )


def market(index_micro: int, *, vol_ppm: int) -> MarketView:
    """One flat volatility for all strikes and expiries."""
    now_ms = NOW_S * 1_000
    index = IndexQuote(
        underlying="BTC",
        index_micro=index_micro,
        half_width_micro=index_micro // 1_000,
        observed_ms=now_ms,
        source="fixed",
    )
    slices = [
        ExpirySlice(
            underlying="BTC",
            expiry_ms=expiry_s * 1_000,
            forward_micro=index_micro,
            a=vol_ppm * vol_ppm * (expiry_s - NOW_S) // (365 * DAY_S),
            b=0,
            rho=0,
            m=0,
            sigma=100_000_000_000,
            vol_half_width_ppm=20_000,
            observed_ms=now_ms,
            source="fixed",
        )
        for expiry_s in EXPIRIES_S
    ]
    return MarketView(indices=(index,), slices=tuple(slices))


def fair_marks(view: MarketView) -> Columns:
    """Our own value of each listed instrument, micro-USD a lot."""
    blank = venue(CHAIN_IDS[0], Book.empty(), np.zeros(len(listing()), dtype=np.int64))
    trusting = Policy(band_floor_ppm=100 * PPM)
    pricing = price(Snapshot((blank,), view, Carried(), ()), trusting)
    return read_only(pricing.values[pricing.rows[0], pricing.grid.base])


@dataclass(frozen=True, slots=True)
class Book:
    """Cash by account; positions by account, ``POSITIONS`` each."""

    cash: Columns
    instruments: Columns
    lots: Columns
    costs: Columns

    @classmethod
    def empty(cls) -> "Book":
        """No accounts."""
        none = read_only([])
        return cls(none, none, none, none)


def random_book(random: np.random.Generator, *, accounts: int, paid: Columns) -> Book:
    """Pairs of accounts that traded at ``paid``, and collateral by what they hold."""
    per_round = len(paid) // POSITIONS
    rounds = [_trades(random, accounts, r * per_round, per_round) for r in range(POSITIONS)]
    instruments = np.stack([instrument for instrument, _ in rounds], axis=1)
    lots = np.stack([sizes for _, sizes in rounds], axis=1)
    costs = lots * paid[instruments]
    notional = np.abs(lots).sum(axis=1) * (INDEX_MICRO // 1_000)
    collateral = notional * random.integers(60_000, 800_000, size=accounts) // PPM
    return Book(
        read_only(collateral - costs.sum(axis=1)),
        read_only(instruments.reshape(-1)),
        read_only(lots.reshape(-1)),
        read_only(costs.reshape(-1)),
    )


def _trades(
    random: np.random.Generator, accounts: int, first: int, count: int
) -> tuple[Columns, Columns]:
    """One trade of every account: buyers meet sellers in one instrument of a range."""
    order = random.permutation(accounts)
    buyers, sellers = order[: accounts // 2], order[accounts // 2 :]
    instruments, lots = np.zeros(accounts, dtype=np.int64), np.zeros(accounts, dtype=np.int64)
    chosen = random.integers(first, first + count, size=accounts // 2)
    sizes = random.integers(1, LOTS_MAX, size=accounts // 2)
    instruments[buyers], instruments[sellers] = chosen, chosen
    lots[buyers], lots[sellers] = sizes, -sizes
    return instruments, lots


def venue(chain_id: int, book: Book, marks: Columns) -> ChainState:
    """The book as a reader would find it, with money to spare but little insurance."""
    accounts, nothing = len(book.cash), np.zeros(len(book.cash), dtype=np.int64)
    instruments = listing()
    flat = np.zeros(len(instruments), dtype=np.int64)
    return ChainState(
        chain_id=chain_id,
        gate=chain_id.to_bytes(20, "big"),
        reserve=(chain_id + 1_000).to_bytes(20, "big"),
        block=BlockRef(1, chain_id.to_bytes(32, "big"), NOW_S),
        accounts=AccountColumns(
            cash=book.cash,
            realised_now=read_only(nothing),
            realised_prev=read_only(nothing),
            windows=read_only(nothing + NOW_S // 3_600),
            counts=read_only(nothing + (POSITIONS if accounts else 0)),
            flags=read_only(nothing),
            owners=np.zeros((accounts, 20), dtype=np.uint8),
            groups=np.tile(np.frombuffer(NO_GROUP, dtype=np.uint8), (accounts, 1)),
        ),
        positions=PositionColumns(
            read_only(np.repeat(np.arange(accounts), POSITIONS)),
            book.instruments,
            book.lots,
            book.costs,
        ),
        instruments=instruments,
        marks=MarkColumns(
            marks=marks,
            mm_per_lots=read_only(flat + 10_000_000),
            bands=read_only(flat + 1_000_000),
            times_s=read_only(flat + NOW_S),
            cumulative_fundings=read_only(flat),
        ),
        funds=_funds(chain_id),
        slots_digest=bytes(32),
    )


def _funds(chain_id: int) -> Funds:
    others = [other for other in CHAIN_IDS if other != chain_id]
    return Funds(
        insurance_micro=10**9,
        reserve_free_micro=10**15,
        bucket_micro=10**15,
        plan_cap_micro=10**15,
        lines=tuple(CreditLine(c, c.to_bytes(20, "big"), 10**15, 0, 0, 0) for c in others),
        last_epoch=0,
        open_epoch=0,
        config_version=2,
        policy_digest=bytes(32),
        stopped_until_s=0,
        im_factor_ppm=1_300_000,
        mark_age_s_max=60,
    )


def crashed(accounts: int) -> Snapshot:
    """Three venues after the fall."""
    before = fair_marks(market(INDEX_MICRO, vol_ppm=500_000))
    view = market(INDEX_MICRO * (PPM - FALL_PPM) // PPM, vol_ppm=900_000)
    marks = fair_marks(view)
    sizes = [accounts // len(CHAIN_IDS) // 2 * 2] * len(CHAIN_IDS)
    venues = tuple(
        venue(
            chain_id,
            random_book(np.random.default_rng(chain_id), accounts=size, paid=before),
            marks,
        )
        for chain_id, size in zip(CHAIN_IDS, sizes, strict=True)
    )
    return Snapshot(venues, view, Carried(), ())


def medians_ms(action: Callable[[], object]) -> tuple[float, float]:
    """Wall clock and processor time of five runs."""
    walls, processors = [], []
    for _ in range(RUNS):
        wall, processor = time.perf_counter(), time.process_time()
        action()
        walls.append((time.perf_counter() - wall) * 1e3)
        processors.append((time.process_time() - processor) * 1e3)
    return statistics.median(walls), statistics.median(processors)


def measure(accounts: int) -> None:
    """One size, one block of lines."""
    snapshot, policy, backend = crashed(accounts), Policy(), choose_backend("numpy")
    assessment = assess(snapshot, policy, backend)
    plan = build_plan(snapshot, assessment, policy)
    held = sum(len(chain.positions) for chain in snapshot.chains)
    bankrupt = sum(int((found.equity < 0).sum()) for found in assessment.venues)
    legs = sum(len(slice_.legs) for slice_ in plan.slices)
    owners = sum(len(chain.accounts) for chain in snapshot.chains)
    print(f"{owners} accounts on {len(snapshot.chains)} venues, {held} positions,")
    print(f"  {bankrupt} bankrupt, {legs} legs, {len(plan.edges)} edges, regime", end=" ")
    print(plan.feasibility.regime.value)
    for name, action in (
        ("snapshot digest", lambda: replace(snapshot).digest),
        ("assess", lambda: assess(snapshot, policy, backend)),
        ("build_plan", lambda: build_plan(snapshot, assessment, policy)),
        ("check_plan", lambda: check_plan(snapshot, assessment, plan, policy)),
        ("headers and roots", lambda: headers_of(snapshot, plan, policy)),
    ):
        wall_ms, processor_ms = medians_ms(action)
        print(f"  {name:<20}{wall_ms:>10.1f} ms wall{processor_ms:>10.1f} ms processor")


def main(sizes: Sequence[int]) -> None:
    """Every size in turn."""
    for accounts in sizes:
        measure(accounts)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10_000, 100_000])
