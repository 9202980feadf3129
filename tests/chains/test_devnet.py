"""Devnets start, seed exactly what they are given, and leave nothing behind."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from chains.codec.gate import close_plan_call
from chains.devnet import Anvil, AnvilOptions, DevChain, Devnet, DevnetError, find_anvil
from chains.errors import ChainUnavailable
from chains.model import read_only
from chains.venue import VenueReader
from tests.chains.devnet_world import (
    MARK_MICRO,
    address_of_venue,
    endpoints_of,
    marks_at,
    open_three_accounts,
    owner,
    venue_setup,
)

pytestmark = pytest.mark.anvil


def options(chain_id: int = 31_400) -> AnvilOptions:
    return AnvilOptions(chain_id, int(time.time()))


def running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def process_of(url: str) -> int:
    """The process that listens there."""
    port = int(url.rpartition(":")[2])
    lines = Path("/proc/net/tcp").read_text().splitlines()
    sockets = {f"socket:[{line.split()[9]}]" for line in lines if f":{port:04X} 00000000" in line}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) in sockets:
                return int(link.parts[2])
        except OSError:
            continue
    raise AssertionError(f"nobody listens on {port}")


def test_a_missing_anvil_says_what_to_do(tmp_path: Path) -> None:
    nowhere = {"ADL_ANVIL": str(tmp_path / "nothing"), "PATH": ""}
    with pytest.raises(DevnetError, match=r"run 'npm ci' in .*devchain, or put anvil on PATH"):
        find_anvil(nowhere)


def test_an_anvil_that_is_named_comes_before_the_one_on_path(tmp_path: Path) -> None:
    named, on_path = tmp_path / "named", tmp_path / "anvil"
    for place in (named, on_path):
        place.write_text("#!/bin/sh")
        place.chmod(0o700)
    assert find_anvil({"ADL_ANVIL": str(named), "PATH": str(tmp_path)}) == named
    assert find_anvil({"PATH": str(tmp_path)}) == on_path


async def test_an_anvil_answers_as_soon_as_it_is_there_and_is_gone_afterwards() -> None:
    async with Anvil(options()) as anvil:
        assert await anvil.rpc.ask("eth_chainId") == hex(31_400)
        process = process_of(anvil.url)
        assert running(process)
    assert not running(process)


async def test_a_cancelled_devnet_leaves_no_process() -> None:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def stay() -> None:
        async with Anvil(options()) as anvil:
            started.set_result(process_of(anvil.url))
            await asyncio.sleep(60)

    task = asyncio.create_task(stay())
    process = await started
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not running(process)


async def test_a_devnet_cancelled_while_starting_leaves_no_process() -> None:
    before = set(children())
    task = asyncio.create_task(Anvil(options()).__aenter__())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.1)
    assert set(children()) <= before


def children() -> list[int]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(number) for number in path.read_text().split() if running(int(number))]


KILLED = """
import asyncio, sys, time
from chains.devnet import Anvil, AnvilOptions
async def main():
    async with Anvil(AnvilOptions(31_400, int(time.time()))) as anvil:
        print(anvil.url, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_the_anvil_of_a_killed_program_dies_with_it() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    url = (await program.stdout.readline()).decode().strip()
    process = process_of(url)
    program.send_signal(signal.SIGKILL)
    await program.wait()
    for _ in range(500):
        if not running(process):
            break
        await asyncio.sleep(0.01)
    assert not running(process)


async def test_an_anvil_that_cannot_start_says_its_last_words() -> None:
    broken = AnvilOptions(31_400, int(time.time()), slots_in_epoch=-1)
    with pytest.raises(DevnetError, match=r"anvil stopped with status 2: .*unexpected argument"):
        async with Anvil(broken):
            pass


async def test_the_book_on_chain_is_the_book_that_was_sent(chain: DevChain) -> None:
    await open_three_accounts(chain)
    state = await VenueReader(endpoints_of(chain), address_of_venue(chain)).read()
    assert state.accounts.cash.tolist() == [10**9 + 5 * MARK_MICRO, 10**9 - 5 * MARK_MICRO, 10**9]
    assert state.accounts.counts.tolist() == [2, 1, 1]
    assert [bytes(row) for row in state.accounts.owners] == [owner(1), owner(2), owner(3)]
    assert state.positions.accounts.tolist() == [0, 0, 1, 2]
    assert state.positions.instruments.tolist() == [0, 1, 0, 1]
    assert state.positions.lots.tolist() == [-5, 7, 5, -7]
    assert state.positions.costs.tolist() == [lots * MARK_MICRO for lots in (-5, 7, 5, -7)]


async def test_many_deposits_are_sent_without_waiting_for_each(chain: DevChain) -> None:
    accounts = 300
    await chain.open_accounts([owner(1)] * accounts)
    start = time.monotonic()
    await chain.deposit(np.arange(accounts), read_only(range(1, accounts + 1)))
    assert time.monotonic() - start < accounts * chain_block_time() / 3
    state = await VenueReader(endpoints_of(chain), address_of_venue(chain)).read()
    assert state.accounts.cash.tolist() == list(range(1, accounts + 1))


def chain_block_time() -> float:
    return AnvilOptions(31_400, 0).block_time_s


async def test_a_seeding_transaction_that_fails_is_named_with_its_reason(chain: DevChain) -> None:
    with pytest.raises(DevnetError, match=f"0x{chain.deployed.gate.hex()} failed: .*PlanNotOpen"):
        await chain.send(close_plan_call(chain.deployed.gate, 7))


async def test_money_prices_and_time_move(chains: dict[int, DevChain]) -> None:
    here, there = chains.values()
    debtor = (there.chain_id, there.deployed.gate)
    await here.fund_insurance(11)
    await here.fund_reserve(22)
    await here.set_credit_line(chain_id=debtor[0], gate=debtor[1], limit_micro=33)
    await here.post_price("BTC / USD", answer=10**13, updated_at_s=(await here.head()).timestamp_s)
    before = await here.head()
    await here.advance(600)
    now = await here.head()
    assert now.timestamp_s >= before.timestamp_s + 600
    await here.post_marks(marks_at(now.timestamp_s, mark_micro=5))
    venue = address_of_venue(here, debtors=(debtor,))
    state = await VenueReader(endpoints_of(here), venue).read()
    funds = state.funds
    assert (funds.insurance_micro, funds.reserve_free_micro) == (11, 22)
    assert [(line.chain_id, line.gate, line.limit_micro) for line in funds.lines] == [(*debtor, 33)]
    assert state.marks.marks.tolist() == [5, 5]


async def test_a_devnet_of_two_chains_is_up_in_a_few_seconds() -> None:
    start = time.monotonic()
    async with Devnet([options(31_401), options(31_402)], setup=venue_setup()) as devnet:
        assert sorted(devnet.chains) == [31_401, 31_402]
        rpcs = [chain.rpc for chain in devnet.chains.values()]
    assert time.monotonic() - start < 20
    for rpc in rpcs:
        with pytest.raises(ChainUnavailable, match="the client has been closed"):
            await rpc.ask("eth_sendRawTransaction", b"")
