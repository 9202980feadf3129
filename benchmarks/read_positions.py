"""How long one read of a venue takes: ``python benchmarks/read_positions.py [positions]``.

Seeds a fresh anvil through real trades (10 positions an account), reads it several times, and
says where the time goes. Goal: 10^5 positions in at most 0.2 s.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import numpy as np

from chains.base import Level
from chains.codec.gate import Config, decode_gate_state
from chains.codec.instruments import decode_instruments, pack_mark
from chains.codec.slots import decode_slots
from chains.devnet import AnvilOptions, DevChain, Devnet, VenueSetup
from chains.endpoints import Endpoints
from chains.levels import Levels
from chains.model import Instrument, InstrumentKind, Right, read_only
from chains.signer import DevSigner
from chains.venue import VenueReader
from chains.venue_checks import check_book
from chains.venue_reading import VenueAddress, read_venue

CHAIN_ID = 31_337
INSTRUMENTS = 10
MARK_MICRO = 10_000_000
ROUNDS = 7


def setup() -> VenueSetup:
    keys = [DevSigner(number, chain_ids=frozenset({CHAIN_ID})) for number in range(10, 14)]
    rules = Config(
        policy_digest=bytes(32),
        plan_cap_micro=10**12,
        bucket_capacity_micro=10**12,
        bucket_refill_micro=10**6,
        window_s_max=600,
        snapshot_age_blocks_max=64,
        mark_age_s_max=100_000,
        im_factor_ppm=1_250_000,
        account_cap_ppm=1_000_000,
    )
    return VenueSetup(rules, tuple(key.address for key in keys), 3, (14, 15, 16), 2)


async def seed(chain: DevChain, *, accounts: int) -> None:
    now_s = (await chain.head()).timestamp_s
    calls = [
        Instrument(i, InstrumentKind.OPTION, "BTC", now_s + 10**6, 10**9 * (50 + i), Right.CALL, 1)
        for i in range(INSTRUMENTS)
    ]
    await chain.list_instruments(("BTC",), calls)
    marks = [
        pack_mark(
            instrument=i, mark_micro=MARK_MICRO, mm_per_lot_micro=10, band_micro=10, time_s=now_s
        )
        for i in range(INSTRUMENTS)
    ]
    await chain.post_marks(marks)
    buyers = np.arange(0, accounts, 2)
    matches = [
        np.stack([buyers, buyers + 1, *np.broadcast_to([[i], [5], [MARK_MICRO]], (3, len(buyers)))])
        for i in range(INSTRUMENTS)
    ]
    owners = [number.to_bytes(20, "big") for number in range(1, accounts + 1)]
    deposits = read_only(np.full(accounts, 10**10))
    await chain.open_book(owners, deposits, np.concatenate(matches, axis=1).T)


@contextmanager
def timed(name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"  {name:<34}{(time.perf_counter() - start) * 1e3:8.1f} ms")


async def best_of(rounds: int, action: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        await action()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3, sorted(times)[rounds // 2] * 1e3


async def measure(chain: DevChain) -> None:
    levels = Levels(read=0, final=0)
    endpoints = Endpoints([chain.rpc], chain_id=CHAIN_ID, levels=levels)
    for page in (250, 500, 1_000, 2_500, 10_000):
        venue = VenueAddress(chain.deployed.gate, chain.deployed.reserve, (), page)
        low, median = await best_of(ROUNDS, VenueReader(endpoints, venue).read)
        print(f"read(), {page:>6} accounts a page: best {low:6.1f} ms, median {median:6.1f} ms")
    venue = VenueAddress(chain.deployed.gate, chain.deployed.reserve)
    block = await chain.head()
    print("Where it goes (one read):")
    with timed("all pages from the node"):
        raw = await read_venue(chain.rpc, venue, block=block)
    counts = decode_gate_state(raw.gate_state)
    with timed("slots -> columns"):
        accounts, positions = decode_slots(raw.slots, accounts=counts.account_count)
    instruments, marks = decode_instruments(raw.instruments, underlyings=("BTC",))
    with timed("checks"):
        check_book(accounts, positions, instruments, marks)
    with timed("agreement on height and hash only"):
        await endpoints.agreed(Level.READ, lambda rpc, _: rpc.ask("eth_chainId"))


async def main(positions: int) -> None:
    async with Devnet([AnvilOptions(CHAIN_ID, int(time.time()))], setup=setup()) as devnet:
        chain = devnet.chains[CHAIN_ID]
        start = time.perf_counter()
        await seed(chain, accounts=positions // INSTRUMENTS)
        print(f"{positions} positions seeded in {time.perf_counter() - start:.1f} s")
        await measure(chain)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
