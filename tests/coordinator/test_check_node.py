"""`adl check`, `once` and `run` against a venue on a real node: every mistake by name."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import Result

from chains.answers import hexed
from chains.endpoints import Endpoints
from chains.levels import Levels
from coordinator.act.journal import open_journal
from coordinator.wiring import PinnedCall
from oracles.chainlink import LATEST_ROUND_DATA, decode_round_data
from oracles.errors import OracleUnavailable
from tests.coordinator.test_cli import adl
from tests.coordinator.venue_site import INDEX_MICRO, LIVE, MARK_MICRO, Site, fall_to

ROOT = Path(__file__).resolve().parents[2]


async def asked(*arguments: str | Path) -> Result:
    """In a thread, because every command brings its own event loop."""
    return await asyncio.to_thread(adl, *arguments)


async def findings(file: Path) -> dict[str, tuple[str, str, str]]:
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
    feed = f'{{ address = "0x{site.chain.deployed.feeds["BTC"].hex()}", heartbeat_s = 600'
    table = f'[oracles.feeds]\nkind = "chainlink"\nfeeds.BTC = {feed}, half_width_ppm = 500 }}\n'
    file = site.settings(table)
    with file.open("a") as more:
        more.write('index = "feeds"\n')
    status, found, _ = (await findings(file))["index BTC"]
    assert (status, "95,527.91 USD from feeds" in found) == ("ok", True)


@pytest.mark.anvil
async def test_an_oracle_is_asked_at_the_block_it_names(site: Site) -> None:
    chain, feed = site.chain, site.chain.deployed.feeds["BTC"]
    endpoints = Endpoints([chain.rpc], chain_id=chain.chain_id, levels=Levels())
    call, answers = PinnedCall(endpoints), []
    await chain.post_price("BTC", answer=1, updated_at_s=(await chain.head()).timestamp_s)
    then = hexed((await chain.head()).hash)
    await chain.post_price("BTC", answer=2, updated_at_s=(await chain.head()).timestamp_s)
    for block_hash in (then, None):
        data = await call(to=hexed(feed), data=LATEST_ROUND_DATA, block_hash=block_hash)
        answers.append(decode_round_data(data, where="feed").answer)
    assert answers == [1, 2]
    with pytest.raises(OracleUnavailable, match="is no contract"):
        await call(to=hexed(bytes(20)), data=LATEST_ROUND_DATA, block_hash=None)


@pytest.mark.anvil
async def test_a_journal_in_use_is_75(site: Site) -> None:
    file, url = site.settings(LIVE), f"sqlite+aiosqlite:///{site.folder}/journal.sqlite"
    async with open_journal(url):
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
    started = await asyncio.wait_for(running.stderr.readline(), 30)
    logged = await asyncio.wait_for(running.stderr.readline(), 30)
    running.terminate()
    out, _ = await asyncio.wait_for(running.communicate(), 30)
    assert (running.returncode, out) == (0, b"")
    assert b"mode shadow, plans are made and never sent; venues: alpha" in started
    assert b"mode=shadow" in logged


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
