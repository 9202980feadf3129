import json
from dataclasses import replace

import pytest

from coordinator.demo.recheck import Check
from coordinator.demo.report import report
from coordinator.demo.result import (
    DemoResult,
    IndexMove,
    PlanStory,
    RankLine,
    StageLine,
    TransactionLine,
    Transfer,
    UncoveredLine,
    VenueLine,
)
from coordinator.demo.story import kept_alive, story


@pytest.fixture
def result() -> DemoResult:
    venues = (
        VenueLine(
            chain_id=31_337,
            venue="0x" + "ab" * 20,
            url="http://127.0.0.1:40001",
            accounts=120,
            positions=250,
            bankrupt_before=13,
            bankrupt_after=0,
            deficit_before_micro=756_041_730_432,
            deficit_after_micro=0,
            insurance_before_micro=28_128_930_315,
            insurance_after_micro=0,
        ),
        VenueLine(
            chain_id=31_338,
            venue="0x" + "cd" * 20,
            url="http://127.0.0.1:40002",
            accounts=120,
            positions=290,
            bankrupt_before=2,
            bankrupt_after=0,
            deficit_before_micro=5_000_000,
            deficit_after_micro=0,
            insurance_before_micro=6_000_000,
            insurance_after_micro=1_000_000,
        ),
    )
    plan = PlanStory(
        epoch=1,
        digest="0x" + "11" * 32,
        fingerprint="0x" + "22" * 32,
        signers=(0, 1, 3),
        verifiers=4,
        threshold=3,
        regime="adl",
        treated=15,
        legs=((31_337, "close", 48), (31_338, "haircut", 54)),
        stages=(
            StageLine(
                chain_id=31_337,
                stage="insurance",
                capacity_micro=28_128_930_315,
                used_micro=28_128_930_315,
                left_micro=727_912_800_117,
                stopped_because="fund exhausted",
            ),
            StageLine(
                chain_id=31_337,
                stage="deleveraging",
                capacity_micro=567_785_934_710,
                used_micro=727_912_800_117,
                left_micro=0,
                stopped_because="winners, caps, lines or severity exhausted",
            ),
        ),
        transfers=(
            Transfer(
                from_chain=31_338,
                to_chain=31_337,
                to_account=101,
                payers=18,
                planned_micro=142_899_433_158,
                settled_micro=142_899_433_157,
            ),
        ),
        haircut_micro=727_912_800_117,
        remote_micro=142_899_433_158,
        uncovered_micro=0,
        last_resort=2,
        mined_ms=4_514,
        final_ms=4_529,
        settled_ms=-1,
        unfinished=(),
    )
    return DemoResult(
        seed=2,
        owners=272,
        groups=47,
        instruments=110,
        policy_digest="0x" + "33" * 32,
        market=(
            IndexMove(
                underlying="BTC",
                before_micro=95_527_910_000,
                after_micro=62_093_141_500,
                vol_ppm=1_600_000,
            ),
        ),
        venues=venues,
        plans=(plan,),
        ranked=83,
        ranking=(
            RankLine(
                place=1,
                chain_id=31_338,
                account=60,
                persona="put buyer",
                score=0.29899,
                profit=1.2708,
                delta=0.2167,
                curvature=0.0123,
                vega=0.0186,
                paid_micro=5_025_420_000,
                payable_micro=63_170_150_000,
            ),
        ),
        transactions=(
            TransactionLine(
                chain_id=31_337, hash="0x" + "44" * 32, gas_used=172_573, kind="commit"
            ),
            TransactionLine(
                chain_id=31_337, hash="0x" + "55" * 32, gas_used=877_223, kind="execute"
            ),
            TransactionLine(
                chain_id=31_337, hash="0x" + "66" * 32, gas_used=100_000, kind="execute"
            ),
        ),
        timings_ms=(("seed", 3_795), ("round 1: attest", 1_858)),
        checks=(Check("no venue is insolvent", ""), Check("positions only shrank", "")),
        cross_chain_paid_micro=142_899_433_157,
        haircut_micro=727_912_800_117,
        uncovered=(),
        solvent=True,
    )


def test_the_story_fits_into_a_hundred_columns_without_colour(result: DemoResult) -> None:
    text = story(result)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "\x1b" not in text
    assert text.isascii()


def test_colour_adds_codes_and_changes_no_word(result: DemoResult) -> None:
    coloured = story(result, ink="standard")
    assert "\x1b[" in coloured
    bare = "".join(part.partition("m")[2] for part in ("m" + coloured).split("\x1b["))
    assert bare.split() == story(result).split()


@pytest.mark.parametrize(
    "told",
    [
        "95,527.91 -> 62,093.14 USD (-35.0 %), every volatility x 1.60",
        "13 -> 0 756,041.73 -> 0.00",
        "6.00 -> 1.00",
        "31337 insurance 28,128.93 28,128.93 727,912.80 fund exhausted",
        "18 101 on chain 31337 142,899.43 142,899.43",
        "1 31338 60 (put buyer) 0.2990 1.2708 0.2167 0.0123 0.0186",
        "5,025.42 of 63,170.15",
        "0x" + "11" * 32,
        "0x" + "22" * 32,
        "signed by verifiers 0, 1, 3 (3 of 4 needed)",
        "chain 31338: 54 haircut",
        "2 accounts fall a margin class, flagged as last resort",
        "31337 execute 2 977,223 877,223",
        "3 transactions, 1,149,796 gas",
        "round 1: attest",
        "4,529",
        "ok positions only shrank",
        "anvil",
        "four keys",
        "not audited",
        "Every venue is solvent and every check holds.",
    ],
)
def test_the_story_tells(result: DemoResult, told: str) -> None:
    assert told in " ".join(story(result).split())


def test_what_never_happened_has_no_time(result: DemoResult) -> None:
    assert "settled\n" not in story(result).partition("Time taken")[2].partition("Looked at")[0]


def test_a_broken_check_is_told_and_makes_the_demo_bad(result: DemoResult) -> None:
    bad = replace(result, checks=(Check("positions only shrank", "account 7: 3 became 4"),))
    assert result.is_good
    assert not bad.is_good
    assert "FAILED  positions only shrank: account 7: 3 became 4" in story(bad)
    assert "A check FAILED" in story(bad)


def test_what_stays_uncovered_is_told_by_name(result: DemoResult) -> None:
    line = UncoveredLine(
        chain_id=31_338, account=17, amount_micro=76_765_264, reason="inside the price interval"
    )
    left = replace(result, uncovered=(line,))
    assert left.is_good
    told = "uncovered: account 17 on chain 31338, 76.76 USD: inside the price interval"
    assert told in story(left)
    assert report(left)["uncovered_micro"] == 76_765_264


def test_insolvency_is_told(result: DemoResult) -> None:
    insolvent = replace(result, solvent=False)
    assert not insolvent.is_good
    assert "INSOLVENT" in story(insolvent)


def test_a_demo_without_a_plan_can_be_told(result: DemoResult) -> None:
    quiet = replace(result, plans=(), transactions=(), ranking=())
    assert "0 transactions, 0 gas" in story(quiet)


def test_kept_chains_are_named_with_the_way_to_stop_them(result: DemoResult) -> None:
    text = kept_alive(result, process_id=4_711)
    assert "chain 31337  http://127.0.0.1:40001" in text
    assert "kill 4711" in text


def test_the_report_has_what_programs_read(result: DemoResult) -> None:
    document = json.loads(json.dumps(report(result)))
    assert document["schema"] == "adl.demo/1"
    assert document["solvent"] is True
    assert document["chains"][1] == {
        "chain_id": 31_338,
        "venue": "0x" + "cd" * 20,
        "accounts": 120,
        "positions": 290,
        "bankrupt_before": 2,
        "bankrupt_after": 0,
        "deficit_before_micro": 5_000_000,
        "deficit_after_micro": 0,
        "insurance_before_micro": 6_000_000,
        "insurance_after_micro": 1_000_000,
    }
    assert document["cross_chain_paid_micro"] == 142_899_433_157
    assert document["haircut_micro"] == 727_912_800_117
    assert document["uncovered_micro"] == 0
    assert document["plan_digests"] == ["0x" + "11" * 32]
    assert document["plan_fingerprints"] == ["0x" + "22" * 32]
    assert document["transactions"][0] == {
        "chain_id": 31_337,
        "hash": "0x" + "44" * 32,
        "gas_used": 172_573,
        "kind": "commit",
    }
    assert document["timings_ms"] == {"seed": 3_795, "round 1: attest": 1_858}
    assert document["invariants"][0] == {
        "name": "no venue is insolvent",
        "ok": True,
        "broken_by": "",
    }


def test_no_integer_of_the_report_needs_more_than_53_bits(result: DemoResult) -> None:
    def integers(value: object) -> list[int]:
        if isinstance(value, dict):
            return [one for part in value.values() for one in integers(part)]
        if isinstance(value, list):
            return [one for part in value for one in integers(part)]
        return [value] if isinstance(value, int) else []

    assert max(integers(report(result))) < 2**53
