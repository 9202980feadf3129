"""`adl check`, `once` and `run` against a venue on a real node: every mistake by name."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from typer.testing import Result

from chains.codec.gate import Config
from chains.codec.instruments import pack_mark
from chains.devnet import AnvilOptions, DevChain, Devnet, VenueSetup
from chains.model import Instrument, InstrumentKind, Right
from chains.signer import DevSigner
from coordinator.act.journal import open_journal
from coordinator.decide.policy import Policy
from tests.coordinator.test_cli import adl, settings_file

ROOT = Path(__file__).resolve().parents[2]
CHAIN_ID = 31_337
INDEX_MICRO = 95_527_910_000
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


async def asked(*arguments: str | Path) -> Result:
    """In a thread, because every command brings its own event loop."""
    return await asyncio.to_thread(adl, *arguments)


async def findings(file: Path) -> dict[str, tuple[str, str, str]]:
    """(status, found, cure) by what was looked at."""
    answer = json.loads((await asked("check", "--json", "--config", file)).stdout)
    assert answer["schema"] == "adl.check/1"
    rows = answer["findings"]
    assert all(bool(row["cure"]) == (row["status"] != "ok") for row in rows)
    return {row["looked_at"]: (row["status"], row["found"], row["cure"]) for row in rows}


@pytest.mark.anvil
async def test_a_fitting_set_up_passes_every_look(site: Site) -> None:
    result = await asked("check", "--config", site.settings(LIVE))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[-1] == f"all {len(lines) - 1} looks passed"
    assert {line[:4] for line in lines[:-1]} == {"ok  "}


@pytest.mark.anvil
async def test_a_shadow_plans_one_round_and_says_so(site: Site) -> None:
    file, plan = site.settings(), site.folder / "plan.cbor"
    result = await asked("once", "--json", "--config", file, "--save", plan)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["schema"], answer["mode"], answer["empty"]) == ("adl.round/1", "shadow", True)
    assert [one["accounts"] for one in answer["chains"]] == [3]
    assert (await asked("verify", plan)).exit_code == 0
    ranked = json.loads((await asked("rank", "--json", "--config", file)).stdout)
    assert (ranked["schema"], ranked["mode"]) == ("adl.rank/1", "shadow")


@pytest.mark.anvil
@pytest.mark.parametrize(
    ("changes", "looked_at", "said"),
    [
        ({"chain_id": "31338"}, "node local at", "settings say 31338"),
        ({"gate": bytes(19) + b"\x09"}, "venue alpha: contracts", "venues.alpha.gate: no contract"),
        (
            {"reserve": bytes(19) + b"\x09"},
            "venue alpha: contracts",
            "venues.alpha.reserve: no",
        ),
        ({"gate": "token"}, "venue alpha: gate", "is no gate of this version"),
        ({"reserve": "token"}, "venue alpha: gate", "the gate's is 0x"),
    ],
)
async def test_a_wrong_chain_or_contract_is_named_and_stops_a_run(
    site: Site, changes: dict[str, str], looked_at: str, said: str
) -> None:
    token = site.chain.deployed.token
    file = site.settings(**{k: token if v == "token" else v for k, v in changes.items()})
    failed = {
        name: found
        for name, (status, found, _) in (await findings(file)).items()
        if status == "fail"
    }
    assert any(name.startswith(looked_at) and said in found for name, found in failed.items())
    for command in ("once", "rank"):
        result = await asked(command, "--config", file)
        assert (result.exit_code, said in result.stderr) == (78, True), result.output


@pytest.mark.anvil
async def test_another_policy_is_named_and_stops_a_live_run(site: Site) -> None:
    file = site.settings(LIVE + "[policy]\nplan_window_s = 120\n")
    status, _, cure = (await findings(file))["venue alpha: policy"]
    assert (status, "correct [policy]" in cure) == ("fail", True)
    result = await asked("once", "--live", "--config", file)
    assert (result.exit_code, "venue alpha: policy" in result.stderr) == (78, True)


@pytest.mark.anvil
@pytest.mark.parametrize(
    ("was", "by", "said"),
    [
        ("index = 3\ndev_key_index = 4", "index = 3\ndev_key_index = 8", "index 3 is 0x"),
        ("[verifiers.v0]", "[attestation]\nthreshold = 4\n[verifiers.v0]", "settings 4 signatures"),
    ],
)
async def test_another_quorum_is_named_and_stops_a_live_run(
    site: Site, was: str, by: str, said: str
) -> None:
    file = site.settings(LIVE.replace(was, by))
    status, found, _ = (await findings(file))["venue alpha: signers"]
    assert (status, said in found) == ("fail", True)
    result = await asked("once", "--live", "--config", file)
    assert (result.exit_code, said in result.stderr) == (78, True)


@pytest.mark.anvil
async def test_an_executor_without_gas_money_and_a_stale_market_are_named(site: Site) -> None:
    file = site.settings(LIVE.replace("dev_key_index = 9", "dev_key_index = 99"))
    market = json.loads((site.folder / "market.json").read_text())
    market["observed_ms"] -= 3_600_000
    (site.folder / "market.json").write_text(json.dumps(market))
    found = await findings(file)
    assert found["executor on local"][0] == "fail"
    assert (found["index BTC"][0], found["surface BTC"][0]) == ("fail", "fail")
    assert (await asked("once", "--live", "--config", file)).exit_code == 69


@pytest.mark.anvil
async def test_a_feed_on_the_chain_prices_the_underlying(site: Site) -> None:
    head = await site.chain.head()
    await site.chain.post_price("BTC", answer=INDEX_MICRO * 100, updated_at_s=head.timestamp_s)
    feed = f"""
[oracles.feeds]
kind = "chainlink"
[oracles.feeds.feeds.BTC]
address = "0x{site.chain.deployed.feeds["BTC"].hex()}"
heartbeat_s = 600
half_width_ppm = 500
"""
    file = site.settings()
    file.write_text(file.read_text().replace("[underlyings.BTC]", f"{feed}[underlyings.BTC]"))
    with file.open("a") as more:
        more.write('index = "feeds"\n')
    status, found, _ = (await findings(file))["index BTC"]
    assert (status, "95,527.91 USD from feeds" in found) == ("ok", True)


@pytest.mark.anvil
async def test_a_journal_in_use_is_75(site: Site) -> None:
    file = site.settings(LIVE)
    async with open_journal(f"sqlite+aiosqlite:///{site.folder}/journal.sqlite"):
        result = await asked("once", "--live", "--config", file)
        assert (result.exit_code, "in use by another process" in result.stderr) == (75, True)
        assert (await findings(file))["journal"][0] == "fail"


@pytest.mark.anvil
async def test_a_service_stops_on_sigterm_with_0(site: Site) -> None:
    command = [sys.executable, "-m", "coordinator.cli", "run", "--config", str(site.settings())]
    running = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert running.stderr is not None
    first = await asyncio.wait_for(running.stderr.readline(), 30)
    running.terminate()
    out, _ = await asyncio.wait_for(running.communicate(), 30)
    assert (running.returncode, out) == (0, b"")
    assert b"mode shadow, plans are made and never sent; venues: alpha" in first


@pytest.mark.anvil
async def test_a_live_round_deleverages_and_the_next_finds_nothing(site: Site) -> None:
    """Last, because the market falls by 15 %: the long owes 1,329.19 USD, the fund has 100."""
    file = site.settings(LIVE)
    await fall_to(site, ppm=850_000)
    result = await asked("once", "--live", "--json", "--config", file)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["mode"], answer["signatures"], answer["achieved"]) == ("live", 3, True)
    assert answer["deficit_micro"] == 1_000 * (MARK_MICRO - MARK_MICRO * 85 // 100) - 13 * 10**9
    assert (answer["insurance_micro"], answer["uncovered_micro"]) == (100_000_000, 0)
    (slice_,) = answer["slices"]
    assert slice_["legs"] == {"close": 1, "credit": 1, "deficit": 1, "haircut": 1}
    again = json.loads((await asked("once", "--live", "--json", "--config", file)).stdout)
    assert (again["empty"], again["deficit_micro"]) == (True, 0)


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
