"""A venue on a real node, with settings of it: three accounts, one perpetual, a falling market."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from chains.codec.gate import Config
from chains.codec.instruments import pack_mark
from chains.devnet import AnvilOptions, DevChain, Devnet, VenueSetup
from chains.model import Instrument, InstrumentKind, Right
from chains.signer import DevSigner
from coordinator.decide.policy import Policy
from tests.coordinator.test_cli import settings_file

CHAIN_ID, INDEX_MICRO = 31_337, 95_527_910_000
BTC_PERPETUAL = Instrument(
    instrument=0,
    kind=InstrumentKind.PERPETUAL,
    underlying="BTC",
    expiry_s=0,
    strike_micro=0,
    right=Right.CALL,
    lot_nano=1_000_000,
)
MARK_MICRO = INDEX_MICRO // 1_000
VERIFIERS = "".join(
    f"[verifiers.v{index}]\nindex = {index}\ndev_key_index = {index + 1}\n" for index in range(4)
)
LIVE = f"""mode = "live"
[executor]
dev_key_index = 9
[journal]
url = "sqlite:///journal.sqlite"
{VERIFIERS}"""


@dataclass(frozen=True, slots=True)
class Site:
    """A venue on a running chain, and a folder for settings of it."""

    chain: DevChain
    folder: Path

    def settings(self, more: str = "", **changes: str) -> Path:
        """Settings that fit, but for ``changes``: chain_id, gate, reserve."""
        file = settings_file(self.folder, url=self.chain.url, more=more)
        text = file.read_text()
        deployed = self.chain.deployed
        fitting = {"gate": deployed.gate, "reserve": deployed.reserve}
        for key, value in {**fitting, **changes}.items():
            line = next(line for line in text.splitlines() if line.startswith(f"{key} ="))
            given = f'"0x{value.hex()}"' if isinstance(value, bytes) else value
            text = text.replace(line, f"{key} = {given}")
        file.write_text(text)
        return file


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chain() -> AsyncIterator[DevChain]:
    """Account 0 is long 1 BTC with 13,000 USD, account 1 short with 100,000, account 2 flat."""
    policy = Policy()
    rules = Config(
        policy_digest=policy.digest,
        plan_cap_micro=10**12,
        bucket_capacity_micro=10**12,
        bucket_refill_micro=10**9,
        window_s_max=600,
        snapshot_age_blocks_max=1_024,
        mark_age_s_max=600,
        im_factor_ppm=policy.im_factor_ppm,
        account_cap_ppm=policy.account_cap_ppm,
    )
    setup = VenueSetup(
        config=rules,
        verifiers=tuple(DevSigner(key, chain_ids=frozenset()).address for key in (1, 2, 3, 4)),
        verifier_threshold=3,
        oracle_keys=(5, 6, 7, 8),
        oracle_threshold=3,
        feeds=("BTC",),
    )
    options = AnvilOptions(chain_id=CHAIN_ID, genesis_s=int(time.time()) - 5)
    async with Devnet([options], setup=setup) as devnet:
        one = devnet.chains[CHAIN_ID]
        await one.list_instruments(["BTC"], [BTC_PERPETUAL])
        await post_mark(one, MARK_MICRO)
        owners = [bytes([number]) * 20 for number in (1, 2, 3)]
        matches = np.array([[0, 1, 0, 1_000, MARK_MICRO]], dtype=np.int64)
        await one.open_book(owners, np.array([13, 100, 100]) * 1_000_000_000, matches)
        await one.fund_insurance(100_000_000)
        # Readers look at safe blocks: the book must be older than four slots of four blocks.
        for _ in range(16):
            await one.rpc.ask("evm_mine")
        yield one


async def post_mark(chain: DevChain, mark_micro: int) -> None:
    head = await chain.head()
    word = pack_mark(
        instrument=0,
        mark_micro=mark_micro,
        mm_per_lot_micro=mark_micro // 10,
        band_micro=mark_micro // 10,
        time_s=head.timestamp_s,
    )
    await chain.post_marks([word])


@pytest.fixture
def site(chain: DevChain, tmp_path: Path) -> Site:
    return Site(chain, tmp_path)


async def fall_to(site: Site, *, ppm: int) -> None:
    """Index, forwards and mark fall; returns once the new mark stands in a safe block."""
    file = site.folder / "market.json"
    market = json.loads(file.read_text())
    for underlying in market["underlyings"].values():
        underlying["index_micro"] = underlying["index_micro"] * ppm // 1_000_000
        for expiry in underlying["expiries"]:
            expiry["forward_micro"] = expiry["forward_micro"] * ppm // 1_000_000
    file.write_text(json.dumps(market))
    await site.chain.advance(1)
    await post_mark(site.chain, MARK_MICRO * ppm // 1_000_000)
    posted = await site.chain.head()
    safe = 0
    while safe < posted.number:
        await asyncio.sleep(0.1)
        answer = await site.chain.rpc.ask("eth_getBlockByNumber", "safe", False)
        assert isinstance(answer, dict)
        safe = int(answer["number"], 16)
